/* A sealed share, from Z on: shamir/sealed.h. */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "shamir/sealed.h"
#include "tests/ct/ct.h"

#define SHARE_BYTES	32

static const uint8_t	digest[SHA256_BYTES] = { 7 };

/* Z, as the token gives it for this ephemeral point; that point is in the log. */
static void
from_z(struct sealed_key **ret)
{
	struct sealed_context	 c = { .custodian = 3, .epoch = 1 };
	AUTO(secret_free) struct secret	*z = secret_new(32);
	uint8_t			 ephemeral[SEALED_POINT_BYTES];
	EVP_PKEY		*key = EVP_EC_gen("P-256");
	size_t			 n = 0;

	ct_need(z != NULL && key != NULL && EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
	    ephemeral, sizeof(ephemeral), &n) == 1 && n == sizeof(ephemeral), "an ephemeral key");
	memset(secret_bytes(z), 0x5a, 32);
	ct_secret(secret_bytes(z), 32);
	ct_ok(sealed_key_from_z(&c, ephemeral, z, ret, NULL), "a key from Z");
	EVP_PKEY_free(key);
}

static void
run_sealed(void)
{
	AUTO(sealed_key_free) struct sealed_key	*k = NULL;
	AUTO(secret_free) struct secret		*share = secret_new(SHARE_BYTES), *out = secret_new(SHARE_BYTES);
	uint8_t					 sealed[SEALED_SHARE_BYTES];

	ct_need(share != NULL && out != NULL, "secrets");
	from_z(&k);
	memset(secret_bytes(share), 0xa5, SHARE_BYTES);
	ct_secret(secret_bytes(share), SHARE_BYTES);
	ct_ok(sealed_share_seal(k, 4, digest, secret_view(share), sealed, NULL), "a share is sealed");
	ct_public(sealed, sizeof(sealed));		/* it goes over the wire */
	ct_ok(sealed_share_open(k, 4, digest, sealed, secret_bytes(out), NULL), "it opens");
	ct_need(ct_is_secret(secret_view(out), SHARE_BYTES), "the opened share is secret");
	ct_need(secret_eq(share, out), "it is the share");
	sealed[SHARE_BYTES] ^= 1;
	ct_need(sealed_share_open(k, 4, digest, sealed, secret_bytes(out), NULL) == RC_VERIFY,
	    "a wrong tag is refused");
}

const struct ct_case	ct_sealed[] = {
	{ "sealed-share", run_sealed, false },
	{ NULL, NULL, false },
};
