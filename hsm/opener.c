/*
 * hsm/opener.c - the shares of one batch, by path R or path T.
 *
 * Path R derives Z in the token, reads it, and does the KDF and AES-GCM in
 * software. Path T derives an AES key that stays in the token and decrypts
 * there. Either opens the same ciphertext (docs/spec/sealed-share-v1.md).
 */
#include "hsm/internal.h"

#include <stdlib.h>
#include <string.h>

#define TAG_BITS	128
#define SHARE_BYTES	(SEALED_SHARE_BYTES - TAG_BITS / 8)
/* Some tokens want room for the tag, too, though it is not written. */
#define PLAIN_ROOM	64

struct hsm_opener {
	struct hsm_key		*k;
	struct sealed_context	 c;
	uint8_t			 ephemeral[SEALED_POINT_BYTES];
	struct sealed_key	*soft;		/* path R; NULL: path T, and the rest: */
	struct secret		*plain;		/* PLAIN_ROOM */
	CK_SESSION_HANDLE	 session;	/* the AES key lives as long as it */
	CK_OBJECT_HANDLE	 aes;
	uint64_t		 generation;	/* 0: no key derived */
};

static CK_OBJECT_CLASS	secret_class = CKO_SECRET_KEY;
static CK_KEY_TYPE	type_generic = CKK_GENERIC_SECRET, type_aes = CKK_AES;
static CK_BBOOL		yes = CK_TRUE, no = CK_FALSE;
static CK_ULONG		key_bytes = 32;	/* other lengths keep different bytes on different tokens */

/* ---- path R ---- */

struct derive_z {
	struct span	 point;
	struct secret	*z;
};

static CK_RV
op_derive_z(struct hsm_call *c, void *arg)
{
	struct derive_z	*a = arg;
	CK_ECDH1_DERIVE_PARAMS	p = {
		.kdf = CKD_NULL,
		.public_data = (uint8_t *)(uintptr_t)a->point.p,	/* raw: the TPM refuses DER */
		.public_data_len = a->point.n,
	};
	CK_MECHANISM	 m = { CKM_ECDH1_DERIVE, &p, sizeof(p) };
	CK_ULONG	 z_bytes = secret_len(a->z);	/* all of it */
	CK_ATTRIBUTE	 want[] = {
		{ CKA_CLASS, &secret_class, sizeof(secret_class) },
		{ CKA_KEY_TYPE, &type_generic, sizeof(type_generic) },
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_SENSITIVE, &no, sizeof(no) },
		{ CKA_EXTRACTABLE, &yes, sizeof(yes) },
		{ CKA_VALUE_LEN, &z_bytes, sizeof(z_bytes) },
	};
	CK_OBJECT_HANDLE z;
	size_t		 n = 0;
	CK_RV		 rv, end;

	if ((rv = P11(c, C_DeriveKey, &m, c->key, want, sizeof(want) / sizeof(want[0]), &z)) != CKR_OK)
		return rv;
	rv = hsm_object_bytes(c, z, CKA_VALUE, secret_bytes(a->z), z_bytes, &n);
	end = c->f->C_DestroyObject(c->session, z);
	if (rv != CKR_OK)
		return rv;
	if (n != z_bytes)
		return RV_NONSENSE;
	/* Were it left in the token, it would be a copy of the batch's key. */
	if (end != CKR_OK)
		c->at = "C_DestroyObject";
	return end;
}

enum rc
hsm_derive_z(struct hsm_key *k, struct span point, struct secret **ret, struct err *err)
{
	AUTO(secret_free) struct secret *z = secret_new(point.n / 2);
	struct derive_z	 a = { .point = point, .z = z };

	if (z == NULL)
		return err_set(err, RC_NOMEM, "ECDH: no locked memory");
	TRY(hsm_run(k->h, k, op_derive_z, &a, NULL, err));
	*ret = TAKE(z);
	return RC_OK;
}

static enum rc
derive_r(struct hsm_opener *o, struct err *err)
{
	AUTO(secret_free) struct secret *z = NULL;

	TRY(hsm_derive_z(o->k, SPAN_OF(o->ephemeral), &z, err));
	return sealed_key_from_z(&o->c, o->ephemeral, z, &o->soft, err);
}

/* ---- path T ---- */

struct derive_aes {
	struct hsm_opener	*o;
	struct span		 info;
};

static CK_RV
op_derive_aes(struct hsm_call *c, void *arg)
{
	struct derive_aes	*a = arg;
	CK_ECDH1_DERIVE_PARAMS	 p = {
		.kdf = CKD_SHA256_KDF,
		.shared_data = (uint8_t *)(uintptr_t)a->info.p,
		.shared_data_len = a->info.n,
		.public_data = a->o->ephemeral,
		.public_data_len = sizeof(a->o->ephemeral),
	};
	CK_MECHANISM	 m = { CKM_ECDH1_DERIVE, &p, sizeof(p) };
	CK_ATTRIBUTE	 want[] = {
		{ CKA_CLASS, &secret_class, sizeof(secret_class) },
		{ CKA_KEY_TYPE, &type_aes, sizeof(type_aes) },
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, &no, sizeof(no) },
		{ CKA_DECRYPT, &yes, sizeof(yes) },
		{ CKA_VALUE_LEN, &key_bytes, sizeof(key_bytes) },
	};
	CK_RV		 rv;

	rv = P11(c, C_DeriveKey, &m, c->key, want, sizeof(want) / sizeof(want[0]), &a->o->aes);
	if (rv != CKR_OK)
		return rv;
	a->o->session = c->session;
	a->o->generation = c->generation;
	c->keep = true;
	return CKR_OK;
}

static void
drop_session(struct hsm_opener *o)
{
	if (o->generation != 0)
		hsm_session_close(o->k->h, o->session, o->generation);
	o->generation = 0;
}

static enum rc
derive_t(struct hsm_opener *o, struct err *err)
{
	AUTO_DONE(buf_done) struct buf info = BUF_INIT(SEALED_INFO_BYTES);
	struct derive_aes	 a = { .o = o };

	drop_session(o);
	if (o->plain == NULL && (o->plain = secret_new(PLAIN_ROOM)) == NULL)
		return err_set(err, RC_NOMEM, "opening shares: no locked memory");
	sealed_info(&o->c, o->ephemeral, &info);
	TRY(buf_check(&info, "SharedInfo", err));
	a.info = buf_view(&info);
	return hsm_run(o->k->h, o->k, op_derive_aes, &a, NULL, err);
}

struct decrypt {
	struct hsm_opener	*o;
	uint8_t			 nonce[SEALED_NONCE_BYTES];
	const uint8_t		*aad, *sealed;
};

static CK_RV
op_decrypt(struct hsm_call *c, void *arg)
{
	struct decrypt	*a = arg;
	CK_GCM_PARAMS	 p = {
		.iv_ptr = a->nonce,
		.iv_len = sizeof(a->nonce),
		.iv_bits = sizeof(a->nonce) * 8,
		.aad_ptr = (uint8_t *)(uintptr_t)a->aad,
		.aad_len = SHA256_BYTES,
		.tag_bits = TAG_BITS,
	};
	CK_MECHANISM	 m = { CKM_AES_GCM, &p, sizeof(p) };
	CK_ULONG	 n = PLAIN_ROOM;
	CK_RV		 rv;

	if ((rv = P11(c, C_DecryptInit, &m, a->o->aes)) != CKR_OK)
		return rv;
	rv = P11(c, C_Decrypt, (uint8_t *)(uintptr_t)a->sealed, SEALED_SHARE_BYTES,
	    secret_bytes(a->o->plain), &n);
	return rv == CKR_OK && n != SHARE_BYTES ? RV_NONSENSE : rv;
}

/*
 * A tag that fails looks different on each token, on some like a broken device.
 * So after an error the key is derived again, which is a real operation, in a
 * new session: when that works and the decryption fails again, it is the data.
 */
static enum rc
open_in_token(struct hsm_opener *o, struct decrypt *d, uint8_t *ret_share, struct err *err)
{
	const char	*at = "";
	CK_RV		 rv = RV_STALE;

	if (o->generation != 0)
		rv = hsm_run_kept(o->k->h, o->session, o->generation, op_decrypt, d, &at);
	if (rv != CKR_OK) {
		TRY(derive_t(o, err));
		rv = hsm_run_kept(o->k->h, o->session, o->generation, op_decrypt, d, &at);
	}
	if (rv == RV_STALE)
		return err_set(err, RC_IO, "the token went away while a share was opened");
	if (rv != CKR_OK) {
		drop_session(o);	/* a failed decryption may still be going on in it */
		return err_set(err, RC_VERIFY, "the sealed share does not open: %s: %s", at,
		    hsm_rv_name(rv));
	}
	memcpy(ret_share, secret_view(o->plain), SHARE_BYTES);
	wipe(secret_bytes(o->plain), PLAIN_ROOM);
	return RC_OK;
}

/* ---- both ---- */

enum rc
hsm_opener_by(struct hsm_key *k, const struct sealed_context *c,
    const uint8_t ephemeral[SEALED_POINT_BYTES], enum hsm_path path, struct hsm_opener **ret,
    struct err *err)
{
	AUTO(hsm_opener_free) struct hsm_opener *o = NULL;

	if (k->kind != HSM_SHARE)
		return err_set(err, RC_BUG, "key \"%s\" is not for opening shares", k->label);
	/* A bad point gives other errors on each token, and gets answers out of some. */
	TRY(sealed_point_check(ephemeral, err));
	if ((o = calloc(1, sizeof(*o))) == NULL)
		return err_set(err, RC_NOMEM, "opening shares: no memory");
	o->k = k;
	o->c = *c;
	memcpy(o->ephemeral, ephemeral, sizeof(o->ephemeral));
	TRY(path == HSM_PATH_READ ? derive_r(o, err) : derive_t(o, err));
	*ret = TAKE(o);
	return RC_OK;
}

enum rc
hsm_opener_new(struct hsm_key *k, const struct sealed_context *c,
    const uint8_t ephemeral[SEALED_POINT_BYTES], struct hsm_opener **ret, struct err *err)
{
	enum hsm_path	path = (enum hsm_path)atomic_load(&k->h->path);
	struct err	other;
	enum rc		rc;

	if (path != HSM_PATH_AUTO)
		return hsm_opener_by(k, c, ephemeral, path, ret, err);
	if ((rc = hsm_opener_by(k, c, ephemeral, HSM_PATH_READ, ret, err)) == RC_OK) {
		atomic_store(&k->h->path, HSM_PATH_READ);
		return RC_OK;
	}
	/* Was it that the token does not give Z? Only a refusal says so. */
	if (rc != RC_FORMAT || sealed_point_check(ephemeral, NULL) != RC_OK ||
	    hsm_opener_by(k, c, ephemeral, HSM_PATH_TOKEN, ret, &other) != RC_OK)
		return rc;
	atomic_store(&k->h->path, HSM_PATH_TOKEN);
	return RC_OK;
}

void
hsm_opener_free(struct hsm_opener *o)
{
	if (o == NULL)
		return;
	drop_session(o);
	sealed_key_free(o->soft);
	secret_free(o->plain);
	free(o);
}

enum rc
hsm_opener_share(struct hsm_opener *o, uint32_t leaf, const uint8_t descriptor_digest[SHA256_BYTES],
    const uint8_t sealed[SEALED_SHARE_BYTES], uint8_t *ret_share, struct err *err)
{
	struct decrypt	d = { .o = o, .aad = descriptor_digest, .sealed = sealed };

	if (o->soft != NULL)
		return sealed_share_open(o->soft, leaf, descriptor_digest, sealed, ret_share, err);
	sealed_nonce(leaf, d.nonce);
	return open_in_token(o, &d, ret_share, err);
}
