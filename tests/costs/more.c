/*
 * tests/costs/more.c - does something once more than the programs do: the count must notice. Stands before
 * costs.so. MORE: sync, one more fdatasync of each keeper; multiplication, one more in the group. It is
 * the 5th, the 3rd, since time was slow: one that is counted.
 */
#include <stdlib.h>

#include "tests/costs/count.h"

#define SYNC_AT			5
#define MULTIPLICATION_AT	3

int	fdatasync(int fd);
int	crypto_scalarmult_ristretto255(unsigned char *q, const unsigned char *n, const unsigned char *p);

static bool
is_time(const char *what, _Atomic unsigned *n, unsigned at)
{
	const char	*more = getenv("MORE");
	struct costs	*c = costs_map();

	return c != NULL && atomic_load(&c->slow) != 0 && more != NULL && strcmp(more, what) == 0 &&
	    atomic_fetch_add(n, 1) + 1 == at;
}

int
fdatasync(int fd)
{
	BEHIND(int, "fdatasync", (int));
	static _Atomic unsigned	n;

	if (is_time("sync", &n, SYNC_AT))
		(void)real(fd);
	return real(fd);
}

int
crypto_scalarmult_ristretto255(unsigned char *q, const unsigned char *n, const unsigned char *p)
{
	BEHIND(int, "crypto_scalarmult_ristretto255", (unsigned char *, const unsigned char *, const unsigned char *));
	static _Atomic unsigned	k;
	unsigned char		other[32];

	if (is_time("multiplication", &k, MULTIPLICATION_AT))
		(void)real(other, n, p);
	return real(q, n, p);
}
