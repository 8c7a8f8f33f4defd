/*
 * hsm/probe.c - what this token can do, and whether it keeps what it promises.
 *
 * Everything is found out by doing it: mechanism lists are long and wrong.
 */
#include "hsm/internal.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#define PROBE_LABEL	"quorate probe"
#define WRAPPED_MAX	1024

/* ---- keys to try with ---- */

/* Of the session; of the token, to be destroyed again, where it makes no others. */
static enum rc
probe_key(struct hsm *h, enum hsm_kind kind, struct hsm_key **ret, struct err *err)
{
	struct err	e;
	enum rc		rc = hsm_key_make(h, kind, PROBE_LABEL, true, ret, &e);

	if (rc != RC_OK)
		rc = hsm_key_make(h, kind, PROBE_LABEL, false, ret, err);
	return rc;
}

static void
probe_key_done(struct hsm_key *k, struct buf *report)
{
	struct err	e;

	if (k != NULL && !k->passing && hsm_key_destroy(k, &e) != RC_OK)
		buf_printf(report, "note: the key \"%s\" could not be destroyed: %s\n", PROBE_LABEL, e.msg);
	hsm_key_free(k);
}

/* ---- opening shares ---- */

static enum rc
open_one(struct hsm_key *k, enum hsm_path path, struct err *err)
{
	static const char	text[] = "quorate/hsm/probe/v1";
	struct sealed_context	c = { .custodian = 1, .epoch = 1 };
	AUTO(sealed_key_free) struct sealed_key *key = NULL;
	AUTO(hsm_opener_free) struct hsm_opener *o = NULL;
	AUTO(secret_free) struct secret *in = secret_new(32), *out = secret_new(32);
	uint8_t			e[SEALED_POINT_BYTES], sealed[SEALED_SHARE_BYTES];

	if (in == NULL || out == NULL)
		return err_set(err, RC_NOMEM, "no locked memory");
	randombytes_buf(secret_bytes(in), 32);
	sha256_one(c.genesis, SPAN(text, sizeof(text) - 1));
	TRY(sealed_key_encapsulate(&c, k->public, e, &key, err));
	TRY(sealed_share_seal(key, 7, c.genesis, secret_view(in), sealed, err));
	TRY(hsm_opener_by(k, &c, e, path, &o, err));
	TRY(hsm_opener_share(o, 7, c.genesis, sealed, secret_bytes(out), err));
	return secret_eq(in, out) ? RC_OK : err_set(err, RC_VERIFY, "it opens to something else");
}

static void
try_open(struct hsm_key *k, struct hsm_probe *p, struct buf *report)
{
	struct err	r, t;

	p->path_r = open_one(k, HSM_PATH_READ, &r) == RC_OK;
	p->path_t = open_one(k, HSM_PATH_TOKEN, &t) == RC_OK;
	p->ecdh = p->path_r || p->path_t;
	if (p->path_r)
		buf_printf(report, "has: path R, shares opened with Z read from the token\n");
	else
		buf_printf(report, "lacks: path R (CKM_ECDH1_DERIVE with CKD_NULL, Z read): %s\n", r.msg);
	if (p->path_t)
		buf_printf(report, "has: path T, shares opened inside the token\n");
	else
		buf_printf(report, "lacks: path T (CKD_SHA256_KDF and CKM_AES_GCM inside): %s\n", t.msg);
}

/* ---- signing ---- */

static bool
try_sign(struct hsm *h, enum hsm_kind kind, const char *what, const char *then, struct buf *report)
{
	struct hsm_key	*k = NULL;
	struct err	 e;
	bool		 good = probe_key(h, kind, &k, &e) == RC_OK && hsm_key_health(k, &e) == RC_OK;

	if (good)
		buf_printf(report, "has: %s\n", what);
	else
		buf_printf(report, "lacks: %s: %s%s\n", what, e.msg, then);
	probe_key_done(k, report);
	return good;
}

/* ---- getting the key out ---- */

static CK_BBOOL			yes = CK_TRUE, no = CK_FALSE;
static CK_MECHANISM_TYPE	wrap_with[] = {
	CKM_AES_KEY_WRAP_PAD, CKM_AES_KEY_WRAP, CKM_AES_CBC_PAD,
	0xce534351UL | 3,		/* NSS's own name for CKM_AES_KEY_WRAP_PAD */
};

struct extract {
	bool			 claims_not;	/* SENSITIVE and not EXTRACTABLE */
	const char		*how;		/* how it came out; NULL: it did not */
	bool			 wrapping;	/* a wrapping key could be had at all */
};

static bool
reads(struct hsm_call *c, CK_OBJECT_HANDLE o)
{
	uint8_t	value[256];
	size_t	n = 0;
	bool	out = hsm_object_bytes(c, o, CKA_VALUE, value, sizeof(value), &n) == CKR_OK && n > 0;

	wipe(value, sizeof(value));
	return out;
}

static bool
copies_out(struct hsm_call *c)
{
	CK_ATTRIBUTE	 open[] = {
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_SENSITIVE, &no, sizeof(no) },
		{ CKA_EXTRACTABLE, &yes, sizeof(yes) },
	};
	CK_OBJECT_HANDLE copy;
	bool		 out = false;

	/* All of it, or EXTRACTABLE alone: some tokens refuse the one and not the other. */
	for (CK_ULONG from = 0; from < 3 && !out; from += 2) {
		CK_ATTRIBUTE	t[3] = { open[0], open[from == 0 ? 1 : 2], open[2] };

		if (P11(c, C_CopyObject, c->key, t, from == 0 ? 3 : 2, &copy) != CKR_OK)
			continue;
		out = reads(c, copy);
		c->f->C_DestroyObject(c->session, copy);
	}
	return out;
}

static CK_RV
wrapping_key(struct hsm_call *c, CK_OBJECT_HANDLE *ret)
{
	CK_ULONG	 n = 32;
	CK_MECHANISM	 m = { CKM_AES_KEY_GEN, NULL, 0 };
	CK_ATTRIBUTE	 t[] = {
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_WRAP, &yes, sizeof(yes) },
		{ CKA_ENCRYPT, &yes, sizeof(yes) },
		{ CKA_VALUE_LEN, &n, sizeof(n) },
	};

	return P11(c, C_GenerateKey, &m, t, sizeof(t) / sizeof(t[0]), ret);
}

static bool
wraps_out(struct hsm_call *c, bool *ret_tried)
{
	CK_OBJECT_HANDLE w;
	uint8_t		 iv[16] = { 0 }, out[WRAPPED_MAX];
	bool		 came = false;

	if (wrapping_key(c, &w) != CKR_OK)
		return false;
	*ret_tried = true;
	for (size_t i = 0; i < sizeof(wrap_with) / sizeof(wrap_with[0]) && !came; i++) {
		bool		cbc = wrap_with[i] == CKM_AES_CBC_PAD;
		CK_MECHANISM	m = { wrap_with[i], cbc ? iv : NULL, cbc ? sizeof(iv) : 0 };
		CK_ULONG	n = sizeof(out);

		came = P11(c, C_WrapKey, &m, w, c->key, out, &n) == CKR_OK && n > 0;
	}
	c->f->C_DestroyObject(c->session, w);
	wipe(out, sizeof(out));
	return came;
}

static CK_RV
op_extract(struct hsm_call *c, void *arg)
{
	struct extract	*a = arg;
	CK_BBOOL	 sensitive = CK_FALSE, extractable = CK_TRUE;
	size_t		 n = 0;

	/* What goes wrong here is what should; only a session that fails is an error. */
	c->spoilt = true;
	a->claims_not = hsm_object_bytes(c, c->key, CKA_SENSITIVE, &sensitive, 1, &n) == CKR_OK &&
	    hsm_object_bytes(c, c->key, CKA_EXTRACTABLE, &extractable, 1, &n) == CKR_OK &&
	    sensitive != CK_FALSE && extractable == CK_FALSE;
	a->how = reads(c, c->key) ? "read (C_GetAttributeValue)" :
	    copies_out(c) ? "copied out (C_CopyObject)" :
	    wraps_out(c, &a->wrapping) ? "wrapped out (C_WrapKey)" : NULL;
	return CKR_OK;
}

static enum rc
try_extract(struct hsm_key *k, struct hsm_probe *p, struct buf *report, struct err *err)
{
	struct extract	a = { .how = NULL };

	TRY(hsm_run(k->h, k, op_extract, &a, NULL, err));
	if (!a.claims_not) {
		p->weak_claim = true;
		buf_printf(report, "WARNING: the key \"%s\" does not even claim to be sensitive and not "
		    "extractable\n", k->label);
	}
	if (a.how != NULL) {
		p->extracted = true;
		buf_printf(report, "WARNING: the key \"%s\" could be %s: whoever has the PIN can take it "
		    "away\n", k->label, a.how);
	} else {
		buf_printf(report, "good: the key \"%s\" could not be read, copied out%s\n", k->label,
		    a.wrapping ? " or wrapped out" : " (wrapping not tried: no AES key can be made)");
	}
	return RC_OK;
}

/* ---- keeping a mark ---- */

/* Under a name of its own: another process may try the same token out. */
static enum rc
keep_mark(struct hsm *h, const char *name, struct err *err)
{
	struct hsm_mark	got[HSM_MARKS_MAX];
	uint8_t		value[HSM_MARK_MAX];
	size_t		n = 0, i, highest = 0;

	randombytes_buf(value, sizeof(value));
	for (i = 0; i < 4; i++) {
		value[HSM_MARK_OWNER] = (uint8_t)i;
		TRY(hsm_mark_write(h, name, SPAN_OF(value), i == 0, err));
	}
	TRY(hsm_mark_read(h, name, got, &n, err));
	for (i = 0; i < n; i++)
		highest += span_eq(SPAN(got[i].bytes, got[i].n), SPAN_OF(value));
	if (highest != 1 || n > 2)
		return err_set(err, RC_IO, "it gives back something else");
	return RC_OK;
}

static bool
try_mark(struct hsm *h, struct buf *report)
{
	char		name[HSM_LABEL_MAX + 1];
	struct err	e;
	bool		good;

	(void)snprintf(name, sizeof(name), PROBE_LABEL " %08x", randombytes_random());
	good = keep_mark(h, name, &e) == RC_OK;
	if (good)
		buf_printf(report, "has: private data objects, which keep what was written last\n");
	else
		buf_printf(report, "lacks: private data objects (CKO_DATA) that keep what was written last: %s\n", e.msg);
	if (hsm_mark_sweep(h, name, NULL, &e) != RC_OK && good)
		buf_printf(report, "note: the object \"%s\" could not be destroyed: %s\n", name, e.msg);
	return good;
}

/* ---- all of it ---- */

enum rc
hsm_probe(struct hsm *h, struct hsm_key *share_key, struct hsm_probe *ret, struct buf *report,
    struct err *err)
{
	struct hsm_probe p = { .ecdh = false };
	struct hsm_key	*k = NULL;
	struct err	 e;
	enum rc		 rc = probe_key(h, HSM_SHARE, &k, &e);

	if (rc == RC_DENIED || rc == RC_NOMEM) {
		err_set(err, rc, "%s", e.msg);
		return err_wrap(err, rc, "probing the token");
	}
	if (rc != RC_OK)
		buf_printf(report, "lacks: EC P-256 key pairs for CKM_ECDH1_DERIVE: %s\n", e.msg);
	if (share_key != NULL || k != NULL)
		try_open(share_key != NULL ? share_key : k, &p, report);
	rc = RC_OK;
	if (k != NULL)
		rc = try_extract(k, &p, report, err);
	if (rc == RC_OK && share_key != NULL)
		rc = try_extract(share_key, &p, report, err);
	probe_key_done(k, report);
	TRY(rc);
	p.ecdsa = try_sign(h, HSM_SIGN_P256, "CKM_ECDSA with P-256", "", report);
	p.eddsa = try_sign(h, HSM_SIGN_ED25519, "CKM_EDDSA",
	    "; the Ed25519 key is kept sealed by a key of the token instead", report);
	p.mark = try_mark(h, report);
	TRY(buf_check(report, "probe report", err));
	*ret = p;
	return RC_OK;
}

enum rc
hsm_probe_check(const struct hsm_probe *p, struct err *err)
{
	if (!p->path_r && !p->path_t)
		return err_set(err, RC_DENIED, "this token lacks EC P-256 with CKM_ECDH1_DERIVE, by path R "
		    "or path T: it cannot open sealed shares");
	if (!p->ecdsa)
		return err_set(err, RC_DENIED, "this token lacks CKM_ECDSA with P-256");
	if (!p->mark)
		return err_set(err, RC_DENIED, "this token keeps no private data objects (CKO_DATA): it could not "
		    "tell that a database was put back");
	if (p->extracted || p->weak_claim)
		return err_set(err, RC_DENIED, "this token lets a private key out: it protects nothing");
	return RC_OK;
}
