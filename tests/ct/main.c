/*
 * ct list		the cases, and which of them leak on purpose
 * ct run NAME		one of them, in valgrind: tests/ct/run
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <openssl/crypto.h>
#include <sodium.h>
#include <valgrind/memcheck.h>

#include "tests/ct/ct.h"

static const struct ct_case *const	cases[] = { ct_shamir, ct_sealed, ct_segment, ct_leaks };
static bool				random_is_secret;

void
ct_need(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "ct: does not hold: %s\n", what);
	exit(2);
}

void
ct_ok(enum rc rc, const char *what)
{
	ct_need(rc == RC_OK, what);
}

void
ct_secret(const void *p, size_t n)
{
	VALGRIND_MAKE_MEM_UNDEFINED(p, n);
}

void
ct_public(const void *p, size_t n)
{
	VALGRIND_MAKE_MEM_DEFINED(p, n);
}

bool
ct_is_secret(const void *p, size_t n)
{
	uint8_t	bits;
	size_t	i;

	for (i = 0; i < n; i++)
		if (VALGRIND_GET_VBITS((const uint8_t *)p + i, &bits, 1) != 1 || bits == 0)
			return false;
	return n != 0;
}

/* ---- libsodium's randomness, of which a secret may be made ------------------------------- */

static const char *
random_name(void)
{
	return "ct";
}

static void
random_bytes(void *p, const size_t n)
{
	size_t	at, now;

	for (at = 0; at < n; at += now) {
		now = n - at < 256 ? n - at : 256;	/* at once or not at all */
		ct_need(getrandom((uint8_t *)p + at, now, 0) == (ssize_t)now, "randomness");
	}
	if (random_is_secret)
		ct_secret(p, n);
}

static uint32_t
random_word(void)
{
	uint32_t	w;

	random_bytes(&w, sizeof(w));
	return w;
}

void
ct_random_is_secret(bool yes)
{
	random_is_secret = yes;
}

/* ---- the cases -------------------------------------------------------------------------------- */

static int
list(void)
{
	const struct ct_case	*c;
	size_t			 i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (c = cases[i]; c->name != NULL; c++)
			printf("%s %s\n", c->leaks ? "leaks" : "silent", c->name);
	return 0;
}

static int
run(const char *name)
{
	static randombytes_implementation	ours = { random_name, random_word, NULL, NULL, random_bytes, NULL };
	const struct ct_case			*c;
	struct err				 err;
	size_t					 i;

	ct_need(RUNNING_ON_VALGRIND != 0, "it runs in valgrind");
	ct_need(randombytes_set_implementation(&ours) == 0, "libsodium takes a source of randomness");
	if (secret_init(&err) != RC_OK) {
		fprintf(stderr, "ct: %s\n", err.msg);
		return 2;
	}
	fprintf(stderr, "ct: %s, %s\n", OpenSSL_version(OPENSSL_VERSION), OPENSSL_info(OPENSSL_INFO_CPU_SETTINGS));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (c = cases[i]; c->name != NULL; c++)
			if (strcmp(c->name, name) == 0) {
				c->run();
				return 0;
			}
	fprintf(stderr, "ct: no case %s\n", name);
	return 64;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0)
		return list();
	if (argc == 3 && strcmp(argv[1], "run") == 0)
		return run(argv[2]);
	fprintf(stderr, "usage: ct list | ct run NAME\n");
	return 64;
}
