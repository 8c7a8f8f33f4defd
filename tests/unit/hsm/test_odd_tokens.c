/*
 * Tokens that are not like the ones we have: real ones, with one function of
 * the module stood before, or objects that another program left in them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "hsm/internal.h"
#include "tests/unit/hsm/tokens.h"

static struct tokens		 t;
static struct hsm		*soft, *nss;
static CK_FUNCTION_LIST		*real, stand_in;

static int
up(void **state)
{
	(void)state;
	tokens_up(&t);
	if (softhsm_token("alpha"))
		soft = softhsm_open(&t, "alpha", HSM_PATH_AUTO);
	if (nss_token(&t))
		nss = nss_open(&t, HSM_PATH_AUTO);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	hsm_close(soft);
	hsm_close(nss);
	tokens_down(&t);
	return 0;
}

#define NEED(token)							\
	do {								\
		(void)state;						\
		if ((token) == NULL) {					\
			printf("skipped: no token for this test\n");	\
			return;						\
		}							\
	} while (0)

static void
stand_before(struct hsm *h)
{
	real = h->m->f;
	stand_in = *real;
	h->m->f = &stand_in;
}

static void
stand_aside(struct hsm *h)
{
	h->m->f = real;
}

/* ---- a token that does not give Z away ---- */

static CK_RV
keep_z(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *a, CK_ULONG n,
    CK_OBJECT_HANDLE *ret)
{
	const CK_ECDH1_DERIVE_PARAMS	*p = m->pParameter;

	if (p->kdf == CKD_NULL)
		return CKR_TEMPLATE_INCONSISTENT;
	return real->C_DeriveKey(s, m, key, a, n, ret);
}

static void
test_settles_on_t(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	struct err	err;

	NEED(nss);
	must(hsm_key_generate(nss, HSM_SHARE, "only T", &k, &err), &err);
	stand_before(nss);
	stand_in.C_DeriveKey = keep_z;
	must(hsm_key_health(k, &err), &err);
	assert_int_equal(atomic_load(&nss->path), HSM_PATH_TOKEN);
	stand_aside(nss);
	must(hsm_key_health(k, &err), &err);
	atomic_store(&nss->path, HSM_PATH_AUTO);
	must(hsm_key_health(k, &err), &err);
	assert_int_equal(atomic_load(&nss->path), HSM_PATH_READ);
	must(hsm_key_destroy(k, &err), &err);
}

static void
test_neither_path(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192);
	struct hsm_probe p;
	struct err	err;

	NEED(soft);
	must(hsm_key_generate(soft, HSM_SHARE, "neither", &k, &err), &err);
	stand_before(soft);
	stand_in.C_DeriveKey = keep_z;
	assert_int_equal(hsm_key_health(k, &err), RC_IO);
	assert_int_equal(atomic_load(&soft->path), HSM_PATH_AUTO);
	must(hsm_probe(soft, k, &p, &report, &err), &err);
	stand_aside(soft);
	assert_false(p.ecdh || p.path_r || p.path_t);
	assert_non_null(strstr(buf_text(&report), "lacks: path R"));
	assert_non_null(strstr(buf_text(&report), "lacks: path T"));
	assert_int_equal(hsm_probe_check(&p, &err), RC_DENIED);
	must(hsm_key_destroy(k, &err), &err);
}

/* ---- a token without elliptic curves, as Debian's opencryptoki ---- */

static CK_RV
no_pairs(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_ATTRIBUTE *pub, CK_ULONG pub_n, CK_ATTRIBUTE *priv,
    CK_ULONG priv_n, CK_OBJECT_HANDLE *a, CK_OBJECT_HANDLE *b)
{
	(void)s, (void)m, (void)pub, (void)pub_n, (void)priv, (void)priv_n, (void)a, (void)b;
	return CKR_MECHANISM_INVALID;
}

static void
test_no_curves(void **state)
{
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192), sealed = BUF_INIT(1024);
	struct hsm_signer	*s = NULL;
	struct hsm_key		*k = NULL;
	struct hsm_probe	 p;
	struct err		 err;

	NEED(soft);
	stand_before(soft);
	stand_in.C_GenerateKeyPair = no_pairs;
	must(hsm_probe(soft, NULL, &p, &report, &err), &err);
	assert_int_equal(hsm_key_generate(soft, HSM_SHARE, "none", &k, &err), RC_FORMAT);
	assert_int_equal(hsm_signer_create(soft, "none", NULL, &sealed, &s, &err), RC_USAGE);
	stand_aside(soft);
	assert_false(p.ecdh || p.path_r || p.path_t || p.ecdsa || p.eddsa);
	assert_non_null(strstr(buf_text(&report), "lacks: EC P-256 key pairs"));
	assert_non_null(strstr(buf_text(&report), "lacks: CKM_ECDSA with P-256"));
	assert_non_null(strstr(buf_text(&report), "lacks: CKM_EDDSA"));
	assert_non_null(strstr(buf_text(&report), "CKR_MECHANISM_INVALID"));
	assert_int_equal(hsm_probe_check(&p, &err), RC_DENIED);
	assert_null(k);
	assert_null(s);
}

/* Keys of a session are not made by every token: then one of the token, which is destroyed. */
static CK_RV
token_pairs(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_ATTRIBUTE *pub, CK_ULONG pub_n,
    CK_ATTRIBUTE *priv, CK_ULONG priv_n, CK_OBJECT_HANDLE *a, CK_OBJECT_HANDLE *b)
{
	for (CK_ULONG i = 0; i < priv_n; i++)
		if (priv[i].type == CKA_TOKEN && *(CK_BBOOL *)priv[i].pValue == CK_FALSE)
			return CKR_TEMPLATE_INCONSISTENT;
	return real->C_GenerateKeyPair(s, m, pub, pub_n, priv, priv_n, a, b);
}

static void
test_no_session_keys(void **state)
{
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192);
	struct hsm_key	*left = NULL;
	struct hsm_probe p;
	struct err	err;

	NEED(soft);
	stand_before(soft);
	stand_in.C_GenerateKeyPair = token_pairs;
	must(hsm_probe(soft, NULL, &p, &report, &err), &err);
	stand_aside(soft);
	must(hsm_probe_check(&p, &err), &err);
	assert_true(p.path_r && p.ecdsa && p.eddsa);
	assert_int_equal(hsm_key_find_label(soft, "quorate probe", HSM_SHARE, &left, &err), RC_MISSING);
	assert_null(left);
}

/* ---- a token that lets copies be made which can be read ---- */

static CK_RV
generous_copy(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n,
    CK_OBJECT_HANDLE *ret)
{
	static CK_OBJECT_CLASS	class = CKO_DATA;
	static CK_BBOOL		off = CK_FALSE;
	CK_ATTRIBUTE		data[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_TOKEN, &off, 1 },
		{ CKA_VALUE, (void *)(uintptr_t)"the key", 7 },
	};

	(void)o, (void)a, (void)n;
	return real->C_CreateObject(s, data, 3, ret);
}

static void
test_copied_out(void **state)
{
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192);
	struct hsm_probe p;
	struct err	err;

	NEED(soft);
	stand_before(soft);
	stand_in.C_CopyObject = generous_copy;
	must(hsm_probe(soft, NULL, &p, &report, &err), &err);
	stand_aside(soft);
	assert_true(p.extracted);
	assert_false(p.weak_claim);
	assert_non_null(strstr(buf_text(&report), "copied out"));
	assert_int_equal(hsm_probe_check(&p, &err), RC_DENIED);
}

/* ---- answers of the wrong size ---- */

static CK_RV
short_sign(CK_SESSION_HANDLE s, CK_BYTE *in, CK_ULONG n, CK_BYTE *out, CK_ULONG *ret_n)
{
	CK_RV	rv = real->C_Sign(s, in, n, out, ret_n);

	*ret_n -= 1;
	return rv;
}

static CK_RV
short_value(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	CK_RV	rv = real->C_GetAttributeValue(s, o, a, n);

	if (rv == CKR_OK && a->type == CKA_VALUE)
		a->ulValueLen--;
	return rv;
}

static void
test_short_answers(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL, *share = NULL;
	struct sealed_context	c = { .custodian = 1, .epoch = 1 };
	struct hsm_opener	*o = NULL;
	uint8_t			 sig[HSM_SIGNATURE_BYTES];
	struct err		 err;

	NEED(soft);
	must(hsm_key_generate(soft, HSM_SIGN_P256, "short", &k, &err), &err);
	must(hsm_key_generate(soft, HSM_SHARE, "short share", &share, &err), &err);
	stand_before(soft);
	stand_in.C_Sign = short_sign;
	stand_in.C_GetAttributeValue = short_value;
	assert_int_equal(hsm_sign_p256(k, SPAN_STR("x"), sig, &err), RC_IO);
	assert_int_equal(hsm_opener_by(share, &c, share->public, HSM_PATH_READ, &o, &err), RC_IO);
	stand_aside(soft);
	assert_null(o);
	must(hsm_key_destroy(k, &err), &err);
	must(hsm_key_destroy(share, &err), &err);
}

static unsigned	open_sessions;

static CK_RV
two_sessions(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *ret)
{
	/* RW only, and nothing else asked for. */
	if (flags != (CKF_SERIAL_SESSION | CKF_RW_SESSION))
		return CKR_SESSION_READ_ONLY;
	if (open_sessions >= 2)
		return CKR_SESSION_COUNT;
	open_sessions++;
	return real->C_OpenSession(slot, flags, app, notify, ret);
}

static CK_RV
count_close(CK_SESSION_HANDLE s)
{
	open_sessions--;
	return real->C_CloseSession(s);
}

/* Sessions are few on some cards: none is lost, whatever fails. */
static void
test_few_sessions(void **state)
{
	AUTO(hsm_close) struct hsm *h = NULL;
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	struct hsm_key	*none = NULL;
	struct err	err;

	NEED(soft);
	assert_true(softhsm_token("few"));
	stand_before(soft);
	stand_in.C_OpenSession = two_sessions;
	stand_in.C_CloseSession = count_close;
	open_sessions = 0;
	h = softhsm_open(&t, "few", HSM_PATH_AUTO);
	must(hsm_key_generate(h, HSM_SIGN_P256, "k", &k, &err), &err);
	for (int i = 0; i < 5; i++) {
		must(hsm_key_health(k, &err), &err);
		assert_int_equal(hsm_key_generate(h, HSM_SIGN_P256, "k", &none, &err), RC_USAGE);
	}
	hsm_key_free(TAKE(k));
	hsm_close(TAKE(h));
	assert_int_equal(open_sessions, 0);
	stand_aside(soft);
}

/* ---- sessions ---- */

static CK_RV
no_init(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	(void)s, (void)m, (void)key;
	return CKR_MECHANISM_INVALID;
}

static atomic_uint	closed, destroyed;

static CK_RV
note_close(CK_SESSION_HANDLE s)
{
	closed++;
	return real->C_CloseSession(s);
}

/* After an error a session may have an operation going: it is not used again. */
static void
test_thrown_away(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	uint8_t		sig[HSM_SIGNATURE_BYTES];
	struct err	err;

	NEED(soft);
	must(hsm_key_generate(soft, HSM_SIGN_P256, "thrown", &k, &err), &err);
	must(hsm_sign_p256(k, SPAN_STR("x"), sig, &err), &err);
	stand_before(soft);
	stand_in.C_CloseSession = note_close;
	closed = 0;
	must(hsm_sign_p256(k, SPAN_STR("x"), sig, &err), &err);
	assert_int_equal(closed, 0);
	stand_in.C_SignInit = no_init;
	assert_int_equal(hsm_sign_p256(k, SPAN_STR("x"), sig, &err), RC_FORMAT);
	assert_int_equal(closed, 1);
	stand_aside(soft);
	must(hsm_key_destroy(k, &err), &err);
}

static CK_RV
op_count(struct hsm_call *c, void *arg)
{
	(void)c;
	++*(unsigned *)arg;
	return CKR_OK;
}

/* Handles are used again after a C_Initialize: an old one may be somebody else's key. */
static void
test_stale(void **state)
{
	const char	*at;
	unsigned	 calls = 0;

	NEED(soft);
	assert_int_equal(hsm_run_kept(soft, soft->anchor, soft->generation, op_count, &calls, &at), CKR_OK);
	assert_int_equal(calls, 1);
	assert_int_equal(hsm_run_kept(soft, soft->anchor, soft->generation - 1, op_count, &calls, &at),
	    RV_STALE);
	assert_int_equal(calls, 1);
}

/* SoftHSM's answer when the memory that it shares with us runs out. */
static CK_RV
no_memory_for_login(CK_SESSION_HANDLE s, CK_USER_TYPE u, unsigned char *pin, CK_ULONG n)
{
	(void)s, (void)u, (void)pin, (void)n;
	ERR_raise(ERR_LIB_CRYPTO, ERR_R_MALLOC_FAILURE);
	return CKR_PIN_INCORRECT;
}

/* Nobody judged the PIN: it is not held against the token for ever. */
static void
test_memory_is_no_pin(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	struct err	err;

	NEED(soft);
	must(hsm_key_generate(soft, HSM_SIGN_P256, "memory", &k, &err), &err);
	must(hsm_module_recover(soft->m, soft->generation, true), &err);
	stand_before(soft);
	stand_in.C_Login = no_memory_for_login;
	assert_int_equal(hsm_key_health(k, &err), RC_NOMEM);
	stand_aside(soft);
	must(hsm_key_health(k, &err), &err);
	must(hsm_key_destroy(k, &err), &err);
}

static CK_RV
note_destroy(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
	destroyed++;
	return real->C_DestroyObject(s, o);
}

static CK_RV
no_destroy(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
	(void)s, (void)o;
	return CKR_ATTRIBUTE_READ_ONLY;
}

static void
test_z_destroyed(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	AUTO(secret_free) struct secret *z = NULL;
	struct err	err;

	NEED(soft);
	must(hsm_key_generate(soft, HSM_SHARE, "z", &k, &err), &err);
	stand_before(soft);
	stand_in.C_DestroyObject = note_destroy;
	destroyed = 0;
	must(hsm_derive_z(k, SPAN_OF(k->public), &z, &err), &err);
	assert_int_equal(destroyed, 1);
	secret_free(TAKE(z));
	stand_in.C_DestroyObject = no_destroy;
	assert_int_not_equal(hsm_derive_z(k, SPAN_OF(k->public), &z, &err), RC_OK);
	assert_null(z);
	stand_aside(soft);
	must(hsm_key_destroy(k, &err), &err);
}

static pthread_mutex_t	counting = PTHREAD_MUTEX_INITIALIZER;
static unsigned		now_open, most_open;

static CK_RV
busy_open(CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify, CK_SESSION_HANDLE *ret)
{
	pthread_mutex_lock(&counting);
	if (++now_open > most_open)
		most_open = now_open;
	pthread_mutex_unlock(&counting);
	return real->C_OpenSession(slot, flags, app, notify, ret);
}

static CK_RV
busy_close(CK_SESSION_HANDLE s)
{
	pthread_mutex_lock(&counting);
	now_open--;
	pthread_mutex_unlock(&counting);
	return real->C_CloseSession(s);
}

static void *
busy(void *arg)
{
	for (int i = 0; i < 50; i++)
		if (hsm_key_health(arg, NULL) != RC_OK)
			return arg;
	return NULL;
}

/* More callers than sessions: they wait for each other, and open no more. */
static void
test_callers_wait(void **state)
{
	AUTO(hsm_close) struct hsm *h = NULL;
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	pthread_t	th[6];
	void		*bad;
	struct err	err;

	NEED(soft);
	assert_true(softhsm_token("busy"));
	stand_before(soft);
	stand_in.C_OpenSession = busy_open;
	stand_in.C_CloseSession = busy_close;
	h = softhsm_open(&t, "busy", HSM_PATH_AUTO);
	must(hsm_key_generate(h, HSM_SIGN_P256, "k", &k, &err), &err);
	h->limit = 2;
	for (int i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&th[i], NULL, busy, k), 0);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(pthread_join(th[i], &bad), 0);
		assert_null(bad);
	}
	assert_in_range(most_open, 2, 3);	/* the anchor, and two that work */
	hsm_key_free(TAKE(k));
	hsm_close(TAKE(h));
	stand_aside(soft);
}

/* ---- the signer ---- */

/* An Ed25519 key that is there already is no reason to seal another one. */
static void
test_signer_there(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *sealer = NULL;
	AUTO(hsm_signer_free) struct hsm_signer *first = NULL;
	AUTO_DONE(buf_done) struct buf sealed = BUF_INIT(1024);
	struct hsm_signer	*s = NULL;
	struct err		 err;

	NEED(soft);
	must(hsm_key_generate(soft, HSM_SHARE, "there share", &sealer, &err), &err);
	must(hsm_signer_create(soft, "there", sealer, &sealed, &first, &err), &err);
	assert_int_equal(hsm_signer_create(soft, "there", sealer, &sealed, &s, &err), RC_USAGE);
	assert_int_equal(sealed.n, 0);
	assert_null(s);
	must(hsm_key_destroy(sealer, &err), &err);
}

/* Sealed as it should be, but the seed is of another key than the one named. */
static void
test_signer_mismatch(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *sealer = NULL;
	AUTO(sealed_key_free) struct sealed_key *sk = NULL;
	struct sealed_context	c = { .custodian = 1, .epoch = 1 };
	uint8_t			seed[32] = { 1 }, digest[SHA256_BYTES], in[HSM_SEALED_SEED_BYTES];
	struct hsm_signer	*s = NULL;
	struct err		 err;

	NEED(soft);
	must(hsm_key_generate(soft, HSM_SHARE, "mismatch", &sealer, &err), &err);
	sha256_one(c.genesis, SPAN_STR("quorate/sealed-seed/v1"));
	memset(c.batch_root, 0x42, 32);
	sha256_one(digest, SPAN_STR("label"));
	memcpy(in, "QUORSEED1", 9);
	memcpy(in + 9, c.batch_root, 32);
	must(sealed_key_encapsulate(&c, sealer->public, in + 41, &sk, &err), &err);
	must(sealed_share_seal(sk, 0, digest, seed, in + 106, &err), &err);
	assert_int_equal(hsm_signer_open(soft, "label", sealer, SPAN_OF(in), &s, &err), RC_VERIFY);
	assert_non_null(strstr(err.msg, "not the key that it says"));
	assert_null(s);
	must(hsm_key_destroy(sealer, &err), &err);
}

/* ---- objects of others ---- */

static CK_SESSION_HANDLE
raw_session(void)
{
	CK_SESSION_HANDLE	s = 0;

	/* Of the process, like the login. */
	assert_int_equal(soft->m->f->C_OpenSession(raw_slot(soft->m->f, "alpha"),
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s), CKR_OK);
	return s;
}

static void
raw_certificate(CK_SESSION_HANDLE s, const struct hsm_key *k, EVP_PKEY *p)
{
	static CK_OBJECT_CLASS	 class = CKO_CERTIFICATE;
	static CK_CERTIFICATE_TYPE type = CKC_X_509;
	static CK_BBOOL		 on = CK_TRUE, off = CK_FALSE;
	X509			*x = X509_new();
	uint8_t			*der = NULL, *subject = NULL;
	CK_OBJECT_HANDLE	 o;
	int			 n, subject_n;

	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const uint8_t *)"me",
	    -1, -1, 0);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	assert_int_equal(X509_set_pubkey(x, p), 1);
	assert_true(X509_sign(x, p, EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	subject_n = i2d_X509_NAME(X509_get_subject_name(x), &subject);
	assert_true(n > 0 && subject_n > 0);
	CK_ATTRIBUTE	a[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_CERTIFICATE_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &on, 1 }, { CKA_PRIVATE, &off, 1 },
		{ CKA_ID, (void *)(uintptr_t)k->id, k->id_n },
		{ CKA_SUBJECT, subject, (CK_ULONG)subject_n },
		{ CKA_VALUE, der, (CK_ULONG)n },
	};
	assert_int_equal(soft->m->f->C_CreateObject(s, a, sizeof(a) / sizeof(a[0]), &o), CKR_OK);
	OPENSSL_free(der);
	OPENSSL_free(subject);
	X509_free(x);
}

static CK_RV
destroy_public(CK_SESSION_HANDLE s, const struct hsm_key *k)
{
	CK_OBJECT_CLASS	 class = CKO_PUBLIC_KEY;
	CK_ATTRIBUTE	 want[] = {
		{ CKA_CLASS, &class, sizeof(class) }, { CKA_ID, (void *)(uintptr_t)k->id, k->id_n },
	};
	struct hsm_call	 c = { .h = soft, .f = soft->m->f, .session = s };
	CK_OBJECT_HANDLE o;
	CK_RV		 rv = hsm_object_find(&c, want, 2, &o);

	return rv == CKR_OK ? c.f->C_DestroyObject(s, o) : rv;
}

/* Without a public half anywhere, a key is of no use. */
static void
test_no_public(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	struct hsm_key		*found = NULL;
	CK_SESSION_HANDLE	 s;
	struct err		 err;

	NEED(soft);
	must(hsm_key_generate(soft, HSM_SIGN_P256, "half", &k, &err), &err);
	s = raw_session();
	assert_int_equal(destroy_public(s, k), CKR_OK);
	soft->m->f->C_CloseSession(s);
	assert_int_equal(hsm_key_find_label(soft, "half", HSM_SIGN_P256, &found, &err), RC_MISSING);
	assert_null(found);
}

/* Many people's cards have the public half in the certificate only. */
static void
test_certificate_only(void **state)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL, *found = NULL;
	CK_SESSION_HANDLE	 s;
	EVP_PKEY		*p = NULL;
	struct err		 err;

	NEED(soft);
	must(hsm_key_generate(soft, HSM_SIGN_P256, "card", &k, &err), &err);
	must(hsm_evp_pkey(k, &p, &err), &err);
	s = raw_session();
	raw_certificate(s, k, p);
	assert_int_equal(destroy_public(s, k), CKR_OK);
	must(hsm_key_find_label(soft, "card", HSM_SIGN_P256, &found, &err), &err);
	assert_true(span_eq(hsm_key_public(found), hsm_key_public(k)));
	must(hsm_key_health(found, &err), &err);
	soft->m->f->C_CloseSession(s);
	EVP_PKEY_free(p);
	must(hsm_key_destroy(found, &err), &err);
}

static unsigned	again;

static CK_RV
login_again(CK_SESSION_HANDLE s, CK_USER_TYPE user, CK_UTF8CHAR *pin, CK_ULONG n)
{
	if (user == CKU_CONTEXT_SPECIFIC)
		again++;
	return real->C_Login(s, user, pin, n);
}

/* PIV's signing key wants the PIN before each signature. */
static void
test_always_authenticate(void **state)
{
	static unsigned char	 oid[] = HSM_P256_OID, id[] = "always";
	CK_BBOOL		 on = CK_TRUE;
	CK_MECHANISM		 m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_ATTRIBUTE		 pub[] = {
		{ CKA_EC_PARAMS, oid, sizeof(oid) - 1 }, { CKA_TOKEN, &on, 1 }, { CKA_ID, id, 6 },
	};
	CK_ATTRIBUTE		 priv[] = {
		{ CKA_TOKEN, &on, 1 }, { CKA_PRIVATE, &on, 1 }, { CKA_SIGN, &on, 1 },
		{ CKA_ALWAYS_AUTHENTICATE, &on, 1 }, { CKA_ID, id, 6 },
	};
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	struct hsm_uri		 u = { .id = "always", .id_n = 6 };
	CK_SESSION_HANDLE	 s;
	CK_OBJECT_HANDLE	 a, b;
	struct err		 err;

	NEED(soft);
	s = raw_session();
	assert_int_equal(soft->m->f->C_GenerateKeyPair(s, &m, pub, 3, priv, 5, &a, &b), CKR_OK);
	soft->m->f->C_CloseSession(s);
	must(hsm_key_find_signing(soft, &u, &k, &err), &err);
	assert_int_equal(hsm_key_kind(k), HSM_SIGN_P256);
	stand_before(soft);
	stand_in.C_Login = login_again;
	must(hsm_key_health(k, &err), &err);
	must(hsm_key_health(k, &err), &err);
	stand_aside(soft);
	assert_int_equal(again, 2);
	must(hsm_key_destroy(k, &err), &err);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settles_on_t),
		cmocka_unit_test(test_neither_path),
		cmocka_unit_test(test_no_curves),
		cmocka_unit_test(test_no_session_keys),
		cmocka_unit_test(test_copied_out),
		cmocka_unit_test(test_short_answers),
		cmocka_unit_test(test_few_sessions),
		cmocka_unit_test(test_thrown_away),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_memory_is_no_pin),
		cmocka_unit_test(test_z_destroyed),
		cmocka_unit_test(test_callers_wait),
		cmocka_unit_test(test_signer_there),
		cmocka_unit_test(test_signer_mismatch),
		cmocka_unit_test(test_certificate_only),
		cmocka_unit_test(test_no_public),
		cmocka_unit_test(test_always_authenticate),
	};

	return cmocka_run_group_tests(tests, up, down);
}
