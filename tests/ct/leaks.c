/*
 * Twins of what the product does, each written as it must not be. valgrind has to catch
 * every one of them: a run that does not has shown nothing.
 */
#include <string.h>

#include <sodium.h>

#include "tests/ct/ct.h"

static volatile uint8_t	sink;

/* A bit of a scalar decides a branch: double and add, as in any textbook. */
static void
leak_branch(void)
{
	uint8_t		scalar[32] = { 9 }, sum[32], base[32];
	unsigned	i;

	(void)memset(base, 0, sizeof(base));
	ct_secret(scalar, sizeof(scalar));
	memset(sum, 0, sizeof(sum));
	for (i = 0; i < 8; i++) {
		crypto_core_ristretto255_scalar_add(sum, sum, sum);
		if ((scalar[0] >> i & 1) != 0)
			crypto_core_ristretto255_scalar_add(sum, sum, base);
	}
	sink = sum[0];
}

/* A table is read where a secret says: AES with tables does so. */
static void
leak_index(void)
{
	static uint8_t	table[256];
	uint8_t		key[16] = { 1 };

	ct_secret(key, sizeof(key));
	sink = *(volatile uint8_t *)&table[key[3]];
}

/* A comparison that ends where the two first differ. */
static void
leak_compare(void)
{
	uint8_t		a[32] = { 1 }, b[32] = { 1 };
	unsigned	i;

	ct_secret(a, sizeof(a));
	for (i = 0; i < sizeof(a) && *(volatile uint8_t *)&a[i] == b[i];)
		i++;
	ct_public(&i, sizeof(i));
	sink = (uint8_t)i;
}

/* Is a scalar below L: from the highest byte down until it is clear. */
static void
leak_range(void)
{
	static const uint8_t	order[4] = { 0x14, 0xde, 0xf9, 0x10 };
	uint8_t			scalar[4] = { 1, 2, 3, 4 };
	unsigned		i;

	ct_secret(scalar, sizeof(scalar));
	for (i = 3; i > 0 && *(volatile uint8_t *)&scalar[i] == order[i];)
		i--;
	sink = (uint8_t)i;
}

const struct ct_case	ct_leaks[] = {
	{ "leak-branch", leak_branch, true },
	{ "leak-index", leak_index, true },
	{ "leak-compare", leak_compare, true },
	{ "leak-range", leak_range, true },
	{ NULL, NULL, false },
};
