/*
 * hsm/signer.c - an Ed25519 key, wherever the token lets it live.
 *
 * Where the token has no CKM_EDDSA, the seed is sealed to a P-256 key of the
 * token just as a share is, under a context that no batch can have, and opened
 * into locked memory at start. The sealed form:
 *
 *	"QUORSEED1" || public[32] || ephemeral[65] || sealed[48]
 */
#include "hsm/internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/wire.h"

#define MAGIC		"QUORSEED1"
#define MAGIC_BYTES	(sizeof(MAGIC) - 1)

_Static_assert(MAGIC_BYTES + HSM_ED25519_BYTES + SEALED_POINT_BYTES + SEALED_SHARE_BYTES ==
    HSM_SEALED_SEED_BYTES, "the sealed seed has a fixed size");

struct hsm_signer {
	struct hsm_key	*k;		/* in the token; or NULL, then: */
	struct secret	*soft;		/* crypto_sign secret key, seed || public */
	uint8_t		 public[HSM_ED25519_BYTES];
};

/* What a sealed seed is bound to: its purpose and its public key. */
static struct sealed_context
seed_context(const uint8_t public[HSM_ED25519_BYTES])
{
	static const char	text[] = "quorate/sealed-seed/v1";
	struct sealed_context	c = { .custodian = 1, .epoch = 1 };

	sha256_one(c.genesis, SPAN(text, sizeof(text) - 1));
	memcpy(c.batch_root, public, sizeof(c.batch_root));
	return c;
}

static enum rc
label_check(const char *label, struct err *err)
{
	if (label[0] == '\0' || strlen(label) > HSM_LABEL_MAX)
		return err_set(err, RC_USAGE, "key label: 1 to %d bytes", HSM_LABEL_MAX);
	return RC_OK;
}

/* The label too, so that two seeds sealed by one key cannot be exchanged. */
static void
label_digest(const char *label, uint8_t out[SHA256_BYTES])
{
	sha256_one(out, span_str(label));
}

static enum rc
signer_of_key(struct hsm_key **k, struct hsm_signer **ret, struct err *err)
{
	AUTO(hsm_signer_free) struct hsm_signer *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(err, RC_NOMEM, "signing key: no memory");
	s->k = TAKE(*k);
	memcpy(s->public, s->k->public, sizeof(s->public));
	*ret = TAKE(s);
	return RC_OK;
}

static enum rc
signer_of_seed(const struct secret *seed, struct hsm_signer **ret, struct err *err)
{
	AUTO(hsm_signer_free) struct hsm_signer *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->soft = secret_new(crypto_sign_SECRETKEYBYTES)) == NULL)
		return err_set(err, RC_NOMEM, "signing key: no locked memory");
	crypto_sign_seed_keypair(s->public, secret_bytes(s->soft), secret_view(seed));
	*ret = TAKE(s);
	return RC_OK;
}

static enum rc
seal_seed(struct hsm_key *sealer, const char *label, const struct secret *seed,
    const uint8_t public[HSM_ED25519_BYTES], struct buf *out, struct err *err)
{
	AUTO(sealed_key_free) struct sealed_key *key = NULL;
	struct sealed_context	c = seed_context(public);
	uint8_t	e[SEALED_POINT_BYTES], sealed[SEALED_SHARE_BYTES], digest[SHA256_BYTES];

	label_digest(label, digest);
	TRY(sealed_key_encapsulate(&c, sealer->public, e, &key, err));
	TRY(sealed_share_seal(key, 0, digest, secret_view(seed), sealed, err));
	buf_add(out, MAGIC, MAGIC_BYTES);
	buf_add(out, public, HSM_ED25519_BYTES);
	buf_add(out, e, sizeof(e));
	buf_add(out, sealed, sizeof(sealed));
	return buf_check(out, "sealed signing key", err);
}

enum rc
hsm_signer_create(struct hsm *h, const char *label, struct hsm_key *sealer, struct buf *ret_sealed,
    struct hsm_signer **ret, struct err *err)
{
	AUTO(hsm_signer_free) struct hsm_signer *s = NULL;
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	AUTO(secret_free) struct secret *seed = NULL;
	enum rc	rc;

	TRY(label_check(label, err));
	rc = hsm_key_generate(h, HSM_SIGN_ED25519, label, &k, err);
	if (rc == RC_OK)
		return signer_of_key(&k, ret, err);
	/* Only a token that refuses Ed25519 is a reason to keep it elsewhere. */
	if (rc != RC_FORMAT)
		return rc;
	if (sealer == NULL)
		return err_wrap(err, RC_USAGE, "the token cannot make an Ed25519 key, and there is no key "
		    "to seal one with");
	if ((seed = secret_new(crypto_sign_SEEDBYTES)) == NULL)
		return err_set(err, RC_NOMEM, "signing key: no locked memory");
	randombytes_buf(secret_bytes(seed), crypto_sign_SEEDBYTES);
	TRY(signer_of_seed(seed, &s, err));
	TRY(seal_seed(sealer, label, seed, s->public, ret_sealed, err));
	*ret = TAKE(s);
	return RC_OK;
}

static enum rc
open_seed(const char *label, struct hsm_key *sealer, struct span in, struct hsm_signer **ret,
    struct err *err)
{
	AUTO(hsm_opener_free) struct hsm_opener *o = NULL;
	AUTO(hsm_signer_free) struct hsm_signer *s = NULL;
	AUTO(secret_free) struct secret *seed = NULL;
	struct rd	r = rd_init(in);
	uint8_t		public[HSM_ED25519_BYTES], e[SEALED_POINT_BYTES], sealed[SEALED_SHARE_BYTES];
	uint8_t		digest[SHA256_BYTES];
	struct sealed_context c;

	if (!rd_expect(&r, MAGIC, MAGIC_BYTES) || !rd_bytes(&r, public, sizeof(public)) ||
	    !rd_bytes(&r, e, sizeof(e)) || !rd_bytes(&r, sealed, sizeof(sealed)) || !rd_done(&r))
		return err_set(err, RC_FORMAT, "sealed signing key: malformed at byte %zu of %zu", r.at,
		    in.n);
	c = seed_context(public);
	label_digest(label, digest);
	if ((seed = secret_new(crypto_sign_SEEDBYTES)) == NULL)
		return err_set(err, RC_NOMEM, "signing key: no locked memory");
	TRY(hsm_opener_new(sealer, &c, e, &o, err));
	TRY(hsm_opener_share(o, 0, digest, sealed, secret_bytes(seed), err));
	TRY(signer_of_seed(seed, &s, err));
	if (memcmp(s->public, public, sizeof(public)) != 0)
		return err_set(err, RC_VERIFY, "sealed signing key: not the key that it says it is");
	*ret = TAKE(s);
	return RC_OK;
}

enum rc
hsm_signer_open(struct hsm *h, const char *label, struct hsm_key *sealer, struct span sealed,
    struct hsm_signer **ret, struct err *err)
{
	AUTO(hsm_key_free) struct hsm_key *k = NULL;
	enum rc	rc;

	TRY(label_check(label, err));
	if (sealed.n == 0) {
		TRY(hsm_key_find_label(h, label, HSM_SIGN_ED25519, &k, err));
		return signer_of_key(&k, ret, err);
	}
	if (sealer == NULL)
		return err_set(err, RC_USAGE, "sealed signing key: which key of the token sealed it?");
	if ((rc = open_seed(label, sealer, sealed, ret, err)) != RC_OK)
		return err_wrap(err, rc, "signing key \"%s\"", label);
	return RC_OK;
}

void
hsm_signer_free(struct hsm_signer *s)
{
	if (s == NULL)
		return;
	hsm_key_free(s->k);
	secret_free(s->soft);
	free(s);
}

enum rc
hsm_signer_sign(struct hsm_signer *s, struct span msg, uint8_t ret_sig[HSM_SIGNATURE_BYTES],
    struct err *err)
{
	uint8_t	sig[HSM_SIGNATURE_BYTES];

	if (s->k != NULL)
		return hsm_sign_ed25519(s->k, msg, ret_sig, err);
	crypto_sign_detached(sig, NULL, msg.p, msg.n, secret_view(s->soft));
	memcpy(ret_sig, sig, sizeof(sig));
	return RC_OK;
}

const uint8_t *
hsm_signer_public(const struct hsm_signer *s)
{
	return s->public;
}

bool
hsm_signer_in_token(const struct hsm_signer *s)
{
	return s->k != NULL;
}
