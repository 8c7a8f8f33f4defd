/* tests/schedules/chance.c - all randomness of a run, from its seed; and its clock. */
#include <openssl/rand.h>
#include <sodium.h>
#include <string.h>

#include "tests/schedules/world.h"

/* splitmix64: what it is worth as cryptography does not matter here. */
static uint64_t	choices, bytes;

static uint64_t
next(uint64_t *s)
{
	uint64_t	z = *s += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void
fill(void *p, size_t n)
{
	uint64_t	v;

	for (uint8_t *at = p; n > 0; at += sizeof(v), n -= n < sizeof(v) ? n : sizeof(v)) {
		v = next(&bytes);
		memcpy(at, &v, n < sizeof(v) ? n : sizeof(v));
	}
}

static uint32_t
fill_u32(void)
{
	return (uint32_t)next(&bytes);
}

static const char *
fill_name(void)
{
	return "seed";
}

static int
fill_openssl(unsigned char *p, int n)
{
	fill(p, (size_t)n);
	return 1;
}

static int
is_seeded(void)
{
	return 1;
}

static randombytes_implementation	sodium_from_seed = {
	.implementation_name = fill_name, .random = fill_u32, .buf = fill,
};

void
chance_init(void)
{
	static const RAND_METHOD	from_seed = {
		.bytes = fill_openssl, .pseudorand = fill_openssl, .status = is_seeded,
	};

	MUST(randombytes_set_implementation(&sodium_from_seed) == 0);
	MUST(sodium_init() >= 0);
	/* The one way to give libcrypto a generator without a provider of our own. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
	MUST(RAND_set_rand_method(&from_seed) == 1);
#pragma GCC diagnostic pop
}

/* Each step has choices of its own, so that one can be left out and the others stay. */
void
chance_seed(uint64_t seed, uint64_t step)
{
	choices = seed * UINT64_C(0x2545f4914f6cdd1d) + step * UINT64_C(0x9e3779b97f4a7c15);
	(void)next(&choices);
	bytes = choices ^ UINT64_C(0x5851f42d4c957f2d);
}

uint32_t
pick(uint32_t n)
{
	return n == 0 ? 0 : (uint32_t)(next(&choices) % n);
}

bool
one_in(uint32_t n)
{
	return pick(n) == 0;
}

/* --- the clock: of the world, and a little off at each custodian -------------------------- */

when		__wrap_clock_now(void);
uint64_t	__wrap_clock_ms(void);

when
__wrap_clock_now(void)
{
	return (when)((int64_t)(world->ms / 1000) + (running == NULL ? 0 : running->skew));
}

uint64_t
__wrap_clock_ms(void)
{
	return world->ms;
}
