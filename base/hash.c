/*
 * SHA-256 by libcrypto's plain functions: they pick SHA-NI, allocate nothing
 * and so cannot fail, and a leaf costs no provider lookup. They are deprecated
 * in OpenSSL 3 in favour of EVP, which allocates a context for every digest.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <stdlib.h>

#include "base/bytes.h"
#include "base/secret.h"

static void
digest(SHA256_CTX *c, uint8_t out[SHA256_BYTES], const struct span *in, size_t n)
{
	size_t	i;

	if (SHA256_Init(c) != 1)
		abort();
	for (i = 0; i < n; i++)
		if (in[i].n != 0 && SHA256_Update(c, in[i].p, in[i].n) != 1)
			abort();
	if (SHA256_Final(out, c) != 1)
		abort();
}

void
sha256(uint8_t out[SHA256_BYTES], const struct span *in, size_t n)
{
	SHA256_CTX	c;

	digest(&c, out, in, n);
}

void
sha256_wiped(uint8_t out[SHA256_BYTES], const struct span *in, size_t n)
{
	SHA256_CTX	c;

	digest(&c, out, in, n);
	wipe(&c, sizeof(c));
}

void
sha256_one(uint8_t out[SHA256_BYTES], struct span in)
{
	sha256(out, &in, 1);
}
