/*
 * The group's answers, in place of libsodium's: whether there was one is public, as it is
 * with an honest share and an honest point always; what it was stays secret. What
 * libsodium itself branches on to know is in libs.supp.
 */
#include <sodium.h>

#include "tests/ct/ct.h"

int	 __real_crypto_scalarmult_ristretto255(unsigned char *q, const unsigned char *n, const unsigned char *p);
int	 __real_crypto_scalarmult_ristretto255_base(unsigned char *q, const unsigned char *n);
int	 __real_crypto_core_ristretto255_add(unsigned char *r, const unsigned char *p, const unsigned char *q);
int	 __real_crypto_core_ristretto255_is_valid_point(const unsigned char *p);
int	 __wrap_crypto_scalarmult_ristretto255(unsigned char *q, const unsigned char *n, const unsigned char *p);
int	 __wrap_crypto_scalarmult_ristretto255_base(unsigned char *q, const unsigned char *n);
int	 __wrap_crypto_core_ristretto255_add(unsigned char *r, const unsigned char *p, const unsigned char *q);
int	 __wrap_crypto_core_ristretto255_is_valid_point(const unsigned char *p);

static int
answered(int rc)
{
	ct_public(&rc, sizeof(rc));
	return rc;
}

int
__wrap_crypto_scalarmult_ristretto255(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
	return answered(__real_crypto_scalarmult_ristretto255(q, n, p));
}

int
__wrap_crypto_scalarmult_ristretto255_base(unsigned char *q, const unsigned char *n)
{
	return answered(__real_crypto_scalarmult_ristretto255_base(q, n));
}

int
__wrap_crypto_core_ristretto255_add(unsigned char *r, const unsigned char *p, const unsigned char *q)
{
	return answered(__real_crypto_core_ristretto255_add(r, p, q));
}

int
__wrap_crypto_core_ristretto255_is_valid_point(const unsigned char *p)
{
	return answered(__real_crypto_core_ristretto255_is_valid_point(p));
}
