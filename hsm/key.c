/* hsm/key.c - private keys in a token: find, make, destroy. */
#include "hsm/internal.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_ID_BYTES 16

/* ---- find ---- */

struct find {
	struct hsm_key	*k;
	CK_KEY_TYPE	 type;
};

static CK_RV
op_find(struct hsm_call *c, void *arg)
{
	struct find	*a = arg;
	struct hsm_key	*k = a->k;
	CK_BBOOL	 always = CK_FALSE;
	size_t		 n = 0;
	CK_RV		 rv;

	c->at = "finding the key";
	if ((rv = hsm_object_private(c, k->label, k->id, k->id_n, &k->handle)) != CKR_OK)
		return rv;
	/* The full name, so that a later find by it gets this key or none. */
	if ((rv = hsm_object_bytes(c, k->handle, CKA_KEY_TYPE, &a->type, sizeof(a->type), &n)) != CKR_OK ||
	    (rv = hsm_object_bytes(c, k->handle, CKA_ID, k->id, sizeof(k->id), &k->id_n)) != CKR_OK ||
	    (rv = hsm_object_bytes(c, k->handle, CKA_LABEL, k->label, HSM_LABEL_MAX, &n)) != CKR_OK)
		return rv;
	k->label[n] = '\0';
	if (a->type != CKK_EC && a->type != CKK_EC_EDWARDS)
		return CKR_KEY_TYPE_INCONSISTENT;
	if (hsm_object_bytes(c, k->handle, CKA_ALWAYS_AUTHENTICATE, &always, sizeof(always), &n) == CKR_OK)
		k->always_auth = always != CK_FALSE;
	if ((rv = hsm_object_public(c, k)) != CKR_OK)
		return rv;
	k->generation = c->generation;
	return CKR_OK;
}

static const char *
wanted(const struct hsm_uri *u)
{
	return u->object[0] != '\0' ? u->object : "of that id";
}

enum rc
hsm_key_find_signing(struct hsm *h, const struct hsm_uri *u, struct hsm_key **ret, struct err *err)
{
	AUTO(hsm_key_free) struct hsm_key *k = calloc(1, sizeof(*k));
	struct find	a = { .k = k };
	CK_RV		rv = CKR_OK;
	enum rc		rc;

	if (u->object[0] == '\0' && u->id_n == 0)
		return err_set(err, RC_USAGE, "token: which key? Give object= or id= in the URI");
	if (k == NULL)
		return err_set(err, RC_NOMEM, "token: no memory");
	k->h = h;
	memcpy(k->label, u->object, sizeof(k->label));
	memcpy(k->id, u->id, u->id_n);
	k->id_n = u->id_n;
	rc = hsm_run(h, NULL, op_find, &a, &rv, err);
	if (rv == RV_NOT_FOUND)
		return err_set(err, RC_MISSING, "no private key %s with its public half in the token",
		    wanted(u));
	if (rv == CKR_KEY_TYPE_INCONSISTENT || rv == CKR_CURVE_NOT_SUPPORTED)
		return err_set(err, RC_FORMAT, "key %s: neither P-256 nor Ed25519", wanted(u));
	if (rc != RC_OK)
		return err_wrap(err, rc, "key %s", wanted(u));
	*ret = TAKE(k);
	return RC_OK;
}

enum rc
hsm_key_find(struct hsm *h, const struct hsm_uri *u, enum hsm_kind kind, struct hsm_key **ret,
    struct err *err)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;

	TRY(hsm_key_find_signing(h, u, &k, err));
	if ((k->kind == HSM_SIGN_ED25519) != (kind == HSM_SIGN_ED25519))
		return err_set(err, RC_FORMAT, "key %s: is %s", wanted(u),
		    k->kind == HSM_SIGN_ED25519 ? "Ed25519, not P-256" : "P-256, not Ed25519");
	k->kind = kind;
	*ret = TAKE(k);
	return RC_OK;
}

enum rc
hsm_key_find_label(struct hsm *h, const char *label, enum hsm_kind kind, struct hsm_key **ret,
    struct err *err)
{
	struct hsm_uri	u = { .id_n = 0 };

	if (label[0] == '\0' || strlen(label) > HSM_LABEL_MAX)
		return err_set(err, RC_USAGE, "key label: 1 to %d bytes", HSM_LABEL_MAX);
	memcpy(u.object, label, strlen(label) + 1);
	return hsm_key_find(h, &u, kind, ret, err);
}

/* ---- make ---- */

struct make {
	struct hsm_key		*k;
	CK_OBJECT_HANDLE	 public, private;
};

static CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

/* The templates that every token accepts: SIGN and DERIVE both stated, as some default to true. */
static CK_RV
generate(struct hsm_call *c, struct make *a, const char *params, size_t params_n)
{
	struct hsm_key	*k = a->k;
	bool		 ed = k->kind == HSM_SIGN_ED25519, share = k->kind == HSM_SHARE;
	CK_BBOOL	*token = k->passing ? &no : &yes;
	CK_MECHANISM	 m = { ed ? CKM_EC_EDWARDS_KEY_PAIR_GEN : CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_ATTRIBUTE	 public[] = {
		{ CKA_EC_PARAMS, (void *)(uintptr_t)params, params_n },
		{ CKA_TOKEN, token, sizeof(*token) },
		{ CKA_VERIFY, &yes, sizeof(yes) },
		{ CKA_LABEL, k->label, strlen(k->label) },
		{ CKA_ID, k->id, k->id_n },
	};
	CK_ATTRIBUTE	 private[] = {
		{ CKA_TOKEN, token, sizeof(*token) },
		{ CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, &no, sizeof(no) },
		{ CKA_DERIVE, share ? &yes : &no, sizeof(yes) },
		{ CKA_SIGN, share ? &no : &yes, sizeof(yes) },
		{ CKA_LABEL, k->label, strlen(k->label) },
		{ CKA_ID, k->id, k->id_n },
	};

	return P11(c, C_GenerateKeyPair, &m, public, sizeof(public) / sizeof(public[0]), private,
	    sizeof(private) / sizeof(private[0]), &a->public, &a->private);
}

static CK_RV
op_make(struct hsm_call *c, void *arg)
{
	struct make	*a = arg;
	struct hsm_key	*k = a->k, got;
	CK_RV		 rv;

	if (k->kind != HSM_SIGN_ED25519) {
		rv = generate(c, a, HSM_P256_OID, sizeof(HSM_P256_OID) - 1);
	} else if ((rv = generate(c, a, "\x06\x03\x2b\x65\x70", 5)) != CKR_OK) {
		/* The curve by its OID (SoftHSM, YubiHSM) or by its name (PKCS#11 3.0). */
		c->spoilt = true;
		rv = generate(c, a, "\x13\x0c" "edwards25519", 14);
	}
	if (rv != CKR_OK)
		return rv;
	got = *k;
	got.handle = a->private;
	if ((rv = hsm_object_public(c, &got)) != CKR_OK) {
		/* Nobody could use it: do not leave it behind. */
		c->f->C_DestroyObject(c->session, a->public);
		c->f->C_DestroyObject(c->session, a->private);
		return rv;
	}
	memcpy(k->public, got.public, got.public_n);
	k->public_n = got.public_n;
	k->handle = a->private;
	k->public_handle = a->public;
	k->session = c->session;
	k->generation = c->generation;
	c->keep = k->passing;
	return CKR_OK;
}

enum rc
hsm_key_make(struct hsm *h, enum hsm_kind kind, const char *label, bool passing,
    struct hsm_key **ret, struct err *err)
{
	AUTO(hsm_key_free) struct hsm_key *k = calloc(1, sizeof(*k));
	struct make	 a = { .k = k };

	if (k == NULL)
		return err_set(err, RC_NOMEM, "token: no memory");
	k->h = h;
	k->kind = kind;
	memcpy(k->label, label, strlen(label) + 1);
	randombytes_buf(k->id, KEY_ID_BYTES);
	k->id_n = KEY_ID_BYTES;
	/* Only a key that was made is a session's; until then there is nothing to close. */
	k->passing = passing;
	k->generation = 0;
	TRY(hsm_run(h, NULL, op_make, &a, NULL, err));
	*ret = TAKE(k);
	return RC_OK;
}

static CK_RV
op_absent(struct hsm_call *c, void *arg)
{
	CK_OBJECT_HANDLE	o;
	CK_RV			rv = hsm_object_private(c, arg, NULL, 0, &o);

	if (rv == RV_NOT_FOUND)
		return CKR_OK;
	return rv == CKR_OK ? RV_AMBIGUOUS : rv;
}

enum rc
hsm_key_generate(struct hsm *h, enum hsm_kind kind, const char *label, struct hsm_key **ret,
    struct err *err)
{
	CK_RV	rv = CKR_OK;
	enum rc	rc;

	if (label[0] == '\0' || strlen(label) > HSM_LABEL_MAX)
		return err_set(err, RC_USAGE, "key label: 1 to %d bytes", HSM_LABEL_MAX);
	rc = hsm_run(h, NULL, op_absent, (void *)(uintptr_t)label, &rv, err);
	if (rv == RV_AMBIGUOUS)
		return err_set(err, RC_USAGE, "the token has a key \"%s\" already", label);
	if (rc != RC_OK)
		return rc;
	return hsm_key_make(h, kind, label, false, ret, err);
}

/* ---- destroy, free, ask ---- */

static CK_RV
op_destroy(struct hsm_call *c, void *arg)
{
	struct hsm_key		*k = arg;
	CK_OBJECT_CLASS		 class = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE		 want[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, k->id, k->id_n },
		{ CKA_LABEL, k->label, strlen(k->label) },
	};
	CK_OBJECT_HANDLE	 o;
	CK_RV			 rv = P11(c, C_DestroyObject, c->key);

	if (rv != CKR_OK)
		return rv;
	if ((rv = hsm_object_find(c, want, k->id_n > 0 ? 3 : 1, &o)) == CKR_OK && k->id_n > 0)
		rv = P11(c, C_DestroyObject, o);
	/* The private half is what counts; the public one may never have been there. */
	return rv == RV_NOT_FOUND || rv == RV_AMBIGUOUS ? CKR_OK : rv;
}

enum rc
hsm_key_destroy(struct hsm_key *k, struct err *err)
{
	enum rc	rc = hsm_run(k->h, k, op_destroy, k, NULL, err);

	if (rc != RC_OK)
		return err_wrap(err, rc, "destroying key %s", k->label);
	pthread_mutex_lock(&k->h->lock);
	k->generation = 0;
	pthread_mutex_unlock(&k->h->lock);
	return RC_OK;
}

void
hsm_key_free(struct hsm_key *k)
{
	if (k == NULL)
		return;
	if (k->passing && k->generation != 0)
		hsm_session_close(k->h, k->session, k->generation);
	free(k);
}

enum hsm_kind
hsm_key_kind(const struct hsm_key *k)
{
	return k->kind;
}

struct span
hsm_key_public(const struct hsm_key *k)
{
	return SPAN(k->public, k->public_n);
}

char *
hsm_share_label(uint32_t epoch, char *out)
{
	snprintf(out, HSM_LABEL_MAX + 1, "quorate share %u", epoch);
	return out;
}
