/*
 * package - building, verifying and opening a package, beside what cp and SHA-256 of the same file take.
 *
 * MIB (1024; quick: 64): of ciphertext. DIR (/var/tmp): where the files go. They are in the page cache when
 * they are read.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/bench.h"
#include "cli/package.h"
#include "cli/parallel.h"
#include "tests/unit/evidence/world.h"

static struct world		w;
static struct opened_file	package;
static char			dir[128];

static void
shell(const char *what)
{
	if (system(what) != 0)
		bench_fail("%s failed", what);
}

static enum rc
put(void *user, uint64_t at, struct span bytes, struct err *err)
{
	const struct opened_file	*f = user;

	for (size_t n = 0; n < bytes.n;) {
		ssize_t	some = pwrite(f->fd, bytes.p + n, bytes.n - n, (off_t)(at + n));

		if (some <= 0)
			return err_set(err, RC_IO, "cannot write");
		n += (size_t)some;
	}
	return RC_OK;
}

static enum rc
put_plaintext(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at, struct span bytes,
    struct err *err)
{
	(void)id;
	return strcmp(part->name, "image") == 0 ? put(user, at, bytes, err) : RC_OK;
}

/* --- what is measured ---------------------------------------------------------------------- */

/* Once: a release is logged but once. */
static double
build(void)
{
	double	began = bench_wall();

	if ((package.fd = open("p.asice", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		bench_fail("p.asice cannot be written");
	if (!world_package_to(&w, put, &package, &package.size))
		bench_fail("no package came of it");
	return bench_wall() - began;
}

static double
verify(const struct parallel *parallel)
{
	struct package_trust	trust = { .genesis = w.net.genesis, .now = w.net.now, .parallel = parallel };
	struct package_report	r;
	double			began = bench_wall();
	struct err		err;

	bench_must(package_verify(package_read_at, &package, package.size, &trust, &r, &err), &err);
	if (r.verdict != PACKAGE_VALID)
		bench_fail("the package is not valid");
	return bench_wall() - began;
}

static double
open_it(const struct parallel *parallel)
{
	struct package_trust	trust = { .genesis = w.net.genesis, .now = w.net.now, .parallel = parallel };
	struct opened_file	plain = { open("copy", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 0 };
	struct package_report	r;
	double			began = bench_wall();
	struct err		err;

	bench_must(package_open(package_read_at, &package, package.size, &trust, w.net.recipient_key, SPAN(NULL, 0),
	    put_plaintext, &plain, &r, NULL, &err), &err);
	(void)close(plain.fd);
	return bench_wall() - began;
}

static double
shell_timed(const char *what)
{
	double	began = bench_wall();

	shell(what);
	return bench_wall() - began;
}

/* --- rows ---------------------------------------------------------------------------------- */

static void
round_of(const struct parallel *parallel, double mib)
{
	static const struct bench_series	one = { "package-verify-one-thread", "s", "openssl dgst -sha256", "-" },
						all = { "package-verify", "s", "openssl dgst -sha256", "-" },
						plain = { "package-open", "s", "openssl dgst -sha256", "-" };
	double					hash;

	hash = shell_timed("openssl dgst -sha256 p.asice >sum");
	bench_row(&one, mib, verify(NULL), hash);
	bench_row(&all, mib, verify(parallel), hash);
	bench_row(&plain, mib, open_it(parallel), hash);
}

static void
measure(int rounds, double mib)
{
	static const struct bench_series	built = { "package-build", "s", "cp of it", "-" };
	AUTO(hands_free) struct hands		*hands = NULL;
	struct err				 err;
	double					 took = build();

	bench_must(hands_new(0, &hands, &err), &err);
	bench_row(&built, mib, took, shell_timed("cp p.asice copy"));
	for (int i = 0; i < rounds; i++)
		round_of(hands_parallel(hands), mib);
	shell("rm -f p.asice copy sum && rmdir \"$PWD\"");
}

static long
mib_wanted(bool quick)
{
	const char	*text = getenv("MIB");
	long		 mib = text == NULL ? quick ? 64 : 1024 : strtol(text, NULL, 10);

	if (mib < 1 || mib > 8192)
		bench_fail("MIB is 1 to 8192");
	return mib;
}

int
main(int argc, char **argv)
{
	bool		 quick = bench_begin(argc, argv) == BENCH_QUICK;
	long		 mib = mib_wanted(quick);
	const char	*where = getenv("DIR");

	(void)snprintf(dir, sizeof(dir), "%.100s/quorate-bench.XXXXXX", where == NULL ? "/var/tmp" : where);
	if (mkdtemp(dir) == NULL || chdir(dir) != 0)
		bench_fail("DIR is a folder that can be written");
	net_init(&w.net);
	w.image = (size_t)mib << 20;
	w.segment_log2 = SEGMENT_LOG2_DEFAULT;
	world_run(&w, "standard", world_nothing_between);
	measure(quick ? 3 : 5, (double)mib);
	world_down(&w);
	return 0;
}
