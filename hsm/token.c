/*
 * hsm/token.c - one token: find it, log in, hand out sessions, run an op.
 *
 * hsm_run() is the only way to the token. It holds the module's lock for
 * reading, so that no C_Finalize happens under a call, and notices by the
 * module's generation that every handle has gone bad since.
 */
#include "hsm/internal.h"

#include "base/libcrypto.h"

#include <stdlib.h>
#include <string.h>

/* ---- find the token ---- */

static const char *
name_of(const struct hsm *h)
{
	return h->uri.token[0] != '\0' ? h->uri.token : h->uri.serial;
}

static bool
padded_eq(const unsigned char *field, size_t n, const char *want)
{
	size_t	want_n = strlen(want);

	if (want_n == 0)
		return true;		/* not asked for */
	if (want_n > n || memcmp(field, want, want_n) != 0)
		return false;
	while (want_n < n && (field[want_n] == ' ' || field[want_n] == '\0'))
		want_n++;
	return want_n == n;
}

static bool
token_fits(const CK_TOKEN_INFO *t, const struct hsm_uri *u)
{
	return (t->flags & CKF_TOKEN_INITIALIZED) &&
	    padded_eq(t->label, sizeof(t->label), u->token) &&
	    padded_eq(t->serialNumber, sizeof(t->serialNumber), u->serial) &&
	    padded_eq(t->manufacturerID, sizeof(t->manufacturerID), u->manufacturer) &&
	    padded_eq(t->model, sizeof(t->model), u->model);
}

#define SLOTS_MAX 256

static CK_RV
find_slot(struct hsm *h, const char **at)
{
	CK_SLOT_ID	*slots;
	CK_TOKEN_INFO	 t;
	CK_ULONG	 n = 0;
	CK_RV		 rv;
	size_t		 found = 0;

	/* Asked with NULL, a module looks again for tokens; with a list it need not. */
	*at = "C_GetSlotList";
	if ((rv = h->m->f->C_GetSlotList(CK_TRUE, NULL, &n)) != CKR_OK)
		return rv;
	n = SLOTS_MAX;
	if ((slots = calloc(n, sizeof(*slots))) == NULL)
		return CKR_HOST_MEMORY;
	rv = h->m->f->C_GetSlotList(CK_TRUE, slots, &n);
	for (CK_ULONG i = 0; rv == CKR_OK && i < n; i++) {
		if (h->m->f->C_GetTokenInfo(slots[i], &t) != CKR_OK || !token_fits(&t, &h->uri))
			continue;
		h->slot = slots[i];
		found++;
	}
	free(slots);
	*at = "finding the token";
	return rv != CKR_OK ? rv : found == 0 ? RV_NOT_FOUND : found > 1 ? RV_AMBIGUOUS : CKR_OK;
}

/* ---- log in ---- */

/* The one place that judges a PIN: a refusal is for good. With h->lock held. */
static CK_RV
login(struct hsm *h, CK_SESSION_HANDLE s, CK_USER_TYPE user)
{
	CK_RV	rv;

	if (h->pin_refused)
		return CKR_PIN_INCORRECT;
	libcrypto_begin();
	rv = h->m->f->C_Login(s, user, secret_bytes(h->pin), secret_len(h->pin));
	if (rv == CKR_USER_ALREADY_LOGGED_IN)
		rv = CKR_OK;
	/* A token in our own memory (SoftHSM) calls a PIN wrong when that runs out. */
	if (hsm_rv_pin(rv) && libcrypto_failed(RC_OK) == RC_NOMEM)
		rv = CKR_HOST_MEMORY;
	if (hsm_rv_pin(rv))
		h->pin_refused = true;
	return rv;
}

/* With h->lock held and the module's lock for reading. */
static CK_RV
enter_generation(struct hsm *h, const char **at)
{
	CK_FUNCTION_LIST	*f = h->m->f;
	CK_SESSION_HANDLE	 s;
	CK_RV			 rv;

	if (!h->m->up) {
		*at = "C_Initialize";
		return CKR_CRYPTOKI_NOT_INITIALIZED;
	}
	if (h->generation == h->m->generation)
		return CKR_OK;
	/* The old sessions died with C_Finalize. */
	h->generation = 0;
	h->idle_n = 0;
	if ((rv = find_slot(h, at)) != CKR_OK)
		return rv;
	*at = "C_OpenSession";
	if ((rv = f->C_OpenSession(h->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s)) != CKR_OK)
		return rv;
	*at = "C_Login";
	if ((rv = login(h, s, CKU_USER)) != CKR_OK) {
		f->C_CloseSession(s);
		return rv;
	}
	h->anchor = s;
	h->generation = h->m->generation;
	return CKR_OK;
}

CK_RV
hsm_call_login_again(struct hsm_call *c)
{
	CK_RV	rv;

	c->at = "C_Login";
	pthread_mutex_lock(&c->h->lock);
	rv = login(c->h, c->session, CKU_CONTEXT_SPECIFIC);
	pthread_mutex_unlock(&c->h->lock);
	return rv;
}

/* ---- sessions ---- */

/* With h->lock held. Waits while as many calls run as the token has sessions for. */
static CK_RV
session_take(struct hsm *h, CK_SESSION_HANDLE *ret, const char **at)
{
	CK_RV	rv;

	for (;;) {
		while (h->in_use >= h->limit)
			pthread_cond_wait(&h->freed, &h->lock);
		if (h->idle_n > 0) {
			*ret = h->idle[--h->idle_n];
			break;
		}
		*at = "C_OpenSession";
		rv = h->m->f->C_OpenSession(h->slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, ret);
		if (rv == CKR_OK)
			break;
		if (rv != CKR_SESSION_COUNT || h->in_use == 0)
			return rv;
		h->limit = h->in_use;
	}
	h->in_use++;
	return CKR_OK;
}

/* With h->lock held. A session is thrown away after any error: it may have an operation going. */
static void
session_give(struct hsm *h, const struct hsm_call *c)
{
	h->in_use--;
	if (!c->keep) {
		if (c->rv == CKR_OK && !c->spoilt && h->idle_n < HSM_SESSIONS_MAX)
			h->idle[h->idle_n++] = c->session;
		else
			h->m->f->C_CloseSession(c->session);
	}
	pthread_cond_signal(&h->freed);
}

void
hsm_session_close(struct hsm *h, CK_SESSION_HANDLE session, uint64_t generation)
{
	pthread_rwlock_rdlock(&h->m->lock);
	if (h->m->up && h->m->generation == generation)
		h->m->f->C_CloseSession(session);
	pthread_rwlock_unlock(&h->m->lock);
}

/* ---- the handle of a key ---- */

/* Is it still the key that we knew? A token can be replaced by another of the same name. */
static CK_RV
key_same(struct hsm_call *c, const struct hsm_key *k)
{
	struct hsm_key	now = { .h = k->h, .id_n = k->id_n };
	CK_RV		rv;

	memcpy(now.label, k->label, sizeof(now.label));
	memcpy(now.id, k->id, k->id_n);
	now.handle = c->key;
	if ((rv = hsm_object_public(c, &now)) != CKR_OK)
		return rv;
	if (now.public_n != k->public_n || memcmp(now.public, k->public, k->public_n) != 0)
		return RV_CHANGED;
	return CKR_OK;
}

static CK_RV
key_handle(struct hsm_call *c, struct hsm_key *k)
{
	bool	cached;
	CK_RV	rv;

	pthread_mutex_lock(&c->h->lock);
	cached = k->generation == c->generation;
	c->key = k->handle;
	pthread_mutex_unlock(&c->h->lock);
	if (cached)
		return CKR_OK;
	c->at = "finding the key again";
	/* A recipient's was proved to be the certificate's: another card of the same name was not. */
	if (k->passing || k->kind == HSM_RECIPIENT)
		return RV_STALE;
	if ((rv = hsm_object_private(c, k->label, k->id, k->id_n, &c->key)) != CKR_OK ||
	    (rv = key_same(c, k)) != CKR_OK)
		return rv;
	pthread_mutex_lock(&c->h->lock);
	k->handle = c->key;
	k->generation = c->generation;
	pthread_mutex_unlock(&c->h->lock);
	return CKR_OK;
}

/* ---- run ---- */

static void
run_once(struct hsm_call *c, struct hsm_key *k, hsm_op op, void *arg)
{
	struct hsm	*h = c->h;

	pthread_rwlock_rdlock(&h->m->lock);
	c->generation = h->m->generation;
	pthread_mutex_lock(&h->lock);
	if ((c->rv = enter_generation(h, &c->at)) == CKR_OK)
		c->rv = session_take(h, &c->session, &c->at);
	pthread_mutex_unlock(&h->lock);
	if (c->rv == CKR_OK) {
		if (k != NULL)
			c->rv = key_handle(c, k);
		if (c->rv == CKR_OK)
			c->rv = op(c, arg);
		if (c->rv != CKR_OK)
			c->keep = false;
		pthread_mutex_lock(&h->lock);
		session_give(h, c);
		pthread_mutex_unlock(&h->lock);
	}
	pthread_rwlock_unlock(&h->m->lock);
}

/* Remember over restarts, too, that the PIN was refused: but only when it just was. */
static enum rc
refused(struct hsm *h, const struct hsm_call *c, struct err *err)
{
	enum rc	rc = RC_OK;

	if (h->guard[0] != '\0')
		rc = hsm_guard_note(h->guard, h->pin, err);
	if (rc != RC_OK)
		return err_wrap(err, RC_DENIED, "the token refused the PIN (%s), and this could not be "
		    "noted down", hsm_rv_name(c->rv));
	return err_set(err, RC_DENIED, "the token refused the PIN (%s); it is not tried again",
	    hsm_rv_name(c->rv));
}

enum rc
hsm_run(struct hsm *h, struct hsm_key *k, hsm_op op, void *arg, CK_RV *ret_rv, struct err *err)
{
	struct hsm_call	c = { .h = h, .f = h->m->f };
	bool		before;

	pthread_mutex_lock(&h->lock);
	before = h->pin_refused;
	pthread_mutex_unlock(&h->lock);
	run_once(&c, k, op, arg);
	/* To repeat a signature is safe: it is over the same bytes, and nobody saw the first. */
	if (hsm_rv_gone(c.rv) && hsm_module_recover(h->m, c.generation, h->opening) == RC_OK) {
		c = (struct hsm_call){ .h = h, .f = h->m->f };
		run_once(&c, k, op, arg);
	}
	if (ret_rv != NULL)
		*ret_rv = c.rv;
	if (c.rv == CKR_OK)
		return RC_OK;
	if (hsm_rv_pin(c.rv) && !before)
		return refused(h, &c, err);
	return err_set(err, hsm_rv_rc(c.rv), "token %s: %s: %s", name_of(h), c.at,
	    hsm_rv_name(c.rv));
}

CK_RV
hsm_run_kept(struct hsm *h, CK_SESSION_HANDLE session, uint64_t generation, hsm_op op, void *arg,
    const char **ret_at)
{
	struct hsm_call	c = { .h = h, .f = h->m->f, .session = session, .generation = generation };

	c.at = "session";
	pthread_rwlock_rdlock(&h->m->lock);
	c.rv = h->m->up && h->m->generation == generation ? op(&c, arg) : RV_STALE;
	pthread_rwlock_unlock(&h->m->lock);
	*ret_at = c.at;
	return c.rv;
}

/* ---- open and close ---- */

static enum rc
take_pin(struct hsm *h, const struct hsm_config *c, struct err *err)
{
	const char	*file = c->pin_file != NULL ? c->pin_file : h->uri.pin_source;

	if (c->pin == NULL && file[0] == '\0')
		return err_set(err, RC_USAGE, "token %s: needs a PIN: give a file of mode 0600",
		    name_of(h));
	if (c->pin == NULL)
		return hsm_pin_read(file, &h->pin, err);
	if ((h->pin = secret_new(secret_len(c->pin))) == NULL)
		return err_set(err, RC_NOMEM, "PIN: no locked memory");
	memcpy(secret_bytes(h->pin), secret_view(c->pin), secret_len(c->pin));
	return RC_OK;
}

static CK_RV
nothing(struct hsm_call *c, void *arg)
{
	(void)c;
	(void)arg;
	return CKR_OK;
}

static enum rc
first_login(struct hsm *h, struct err *err)
{
	CK_RV	rv = CKR_OK;
	enum rc	rc;

	if (h->guard[0] != '\0')
		TRY(hsm_guard_check(h->guard, h->pin, err));
	/*
	 * Some modules see a token that was made after C_Initialize only when they
	 * start over. Somebody waits for this one, and it is one try: no pause.
	 */
	h->opening = true;
	rc = hsm_run(h, NULL, nothing, NULL, &rv, err);
	h->opening = false;
	if (rv == RV_NOT_FOUND)
		return err_set(err, RC_MISSING, "no token %s in %s: is it plugged in and initialised?",
		    name_of(h), h->m->path);
	if (rc == RC_OK && h->guard[0] != '\0')
		hsm_guard_forget(h->guard);
	return rc;
}

enum rc
hsm_open(const struct hsm_config *c, struct hsm **ret, struct err *err)
{
	AUTO(hsm_close) struct hsm *h = NULL;

	if (c->uri == NULL || (c->uri->token[0] == '\0' && c->uri->serial[0] == '\0'))
		return err_set(err, RC_USAGE, "token: name it by label or serial number");
	if (c->pin_guard != NULL && strlen(c->pin_guard) > HSM_PATH_MAX)
		return err_set(err, RC_USAGE, "PIN guard: path over %d bytes", HSM_PATH_MAX);
	if ((h = calloc(1, sizeof(*h))) == NULL)
		return err_set(err, RC_NOMEM, "token: no memory");
	pthread_mutex_init(&h->lock, NULL);	/* cannot fail on Linux */
	pthread_cond_init(&h->freed, NULL);
	h->limit = HSM_SESSIONS_MAX;
	h->uri = *c->uri;
	atomic_init(&h->path, (int)c->path);
	if (c->pin_guard != NULL)
		memcpy(h->guard, c->pin_guard, strlen(c->pin_guard) + 1);
	TRY(take_pin(h, c, err));
	TRY(hsm_module_get(c->module != NULL ? c->module : c->uri->module_path, c->module_args,
	    &h->m, err));
	TRY(first_login(h, err));
	*ret = TAKE(h);
	return RC_OK;
}

void
hsm_close(struct hsm *h)
{
	if (h == NULL)
		return;
	if (h->m != NULL) {
		/* No C_Logout: it would end the login of all of this process on the token. */
		for (size_t i = 0; i < h->idle_n; i++)
			hsm_session_close(h, h->idle[i], h->generation);
		if (h->generation != 0)
			hsm_session_close(h, h->anchor, h->generation);
		hsm_module_put(h->m);
	}
	pthread_cond_destroy(&h->freed);
	pthread_mutex_destroy(&h->lock);
	secret_free(h->pin);
	free(h);
}
