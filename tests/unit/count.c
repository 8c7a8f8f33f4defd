#include <sodium.h>

#include "tests/unit/count.h"

atomic_ulong	count_verified;

int	__real_crypto_sign_verify_detached(const unsigned char *, const unsigned char *, unsigned long long,
	    const unsigned char *);
int	__wrap_crypto_sign_verify_detached(const unsigned char *, const unsigned char *, unsigned long long,
	    const unsigned char *);

int
__wrap_crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m, unsigned long long n,
    const unsigned char *pk)
{
	count_verified++;
	return __real_crypto_sign_verify_detached(sig, m, n, pk);
}
