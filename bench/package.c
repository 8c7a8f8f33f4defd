/*
 * package - building, verifying and opening a package, beside what cp and SHA-256 of the same file take.
 *
 * MIB (1024): of ciphertext. DIR (/var/tmp): where the files go. Each figure is the best of TRIES (3), and
 * what it is compared with ran in the same rounds; the files are in the page cache by then.
 */
#include <sys/resource.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/package.h"
#include "cli/parallel.h"
#include "tests/unit/evidence/world.h"

static struct world		w;
static struct opened_file	package;
static char			dir[128];

static double
now(void)
{
	struct timespec	t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void
must(enum rc rc, const struct err *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "package: %s: %s\n", rc_name(rc), err->msg);
	exit(2);
}

static void
shell(const char *what)
{
	if (system(what) != 0) {
		fprintf(stderr, "package: %s failed\n", what);
		exit(2);
	}
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
	double	began = now();

	if ((package.fd = open("p.asice", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) < 0)
		exit(2);
	if (!world_package_to(&w, put, &package, &package.size))
		exit(2);
	return now() - began;
}

static double
verify(const struct parallel *parallel)
{
	struct package_trust	trust = { .genesis = w.net.genesis, .now = w.net.now, .parallel = parallel };
	struct package_report	r;
	double			began = now();
	struct err		err;

	must(package_verify(package_read_at, &package, package.size, &trust, &r, &err), &err);
	if (r.verdict != PACKAGE_VALID)
		exit(2);
	return now() - began;
}

static double
open_it(const struct parallel *parallel)
{
	struct package_trust	trust = { .genesis = w.net.genesis, .now = w.net.now, .parallel = parallel };
	struct opened_file	plain = { open("copy", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600), 0 };
	struct package_report	r;
	double			began = now();
	struct err		err;

	must(package_open(package_read_at, &package, package.size, &trust, w.net.recipient_key, SPAN(NULL, 0),
	    put_plaintext, &plain, &r, NULL, &err), &err);
	(void)close(plain.fd);
	return now() - began;
}

static double
shell_timed(const char *what)
{
	double	began = now();

	shell(what);
	return now() - began;
}

/* --- the table ------------------------------------------------------------------------------- */

enum what { CP, DGST, VERIFY_ONE, VERIFY, OPEN, WHATS };
static const char *const	label[WHATS] = { "cp", "openssl dgst -sha256", "verify, one thread", "verify", "open" };

static void
line(const char *what, double took, const double *best)
{
	printf("%-22s %8.2f s  %7.2f of cp  %7.2f of the hash\n", what, took, took / best[CP], took / best[DGST]);
}

static void
measure(int tries, double built)
{
	AUTO(hands_free) struct hands	*hands = NULL;
	double				 best[WHATS] = { 0 }, t[WHATS];
	struct rusage			 use;
	struct err			 err;

	must(hands_new(0, &hands, &err), &err);
	for (int i = 0; i < tries; i++) {
		t[CP] = shell_timed("cp p.asice copy");
		t[DGST] = shell_timed("openssl dgst -sha256 p.asice >sum");
		t[VERIFY_ONE] = verify(NULL);
		t[VERIFY] = verify(hands_parallel(hands));
		t[OPEN] = open_it(hands_parallel(hands));
		for (int k = 0; k < WHATS; k++)
			best[k] = i == 0 || t[k] < best[k] ? t[k] : best[k];
	}
	line("build", built, best);
	for (int k = 0; k < WHATS; k++)
		line(label[k], best[k], best);
	(void)getrusage(RUSAGE_SELF, &use);
	printf("(the sealed original stood in memory: %ld MiB at most in all)\n", use.ru_maxrss >> 10);
}

static long
number(const char *name, long otherwise)
{
	const char	*text = getenv(name);

	return text == NULL ? otherwise : strtol(text, NULL, 10);
}

int
main(void)
{
	long		 mib = number("MIB", 1024);
	const char	*where = getenv("DIR");
	double		 built;

	(void)snprintf(dir, sizeof(dir), "%.100s/quorate-bench.XXXXXX", where == NULL ? "/var/tmp" : where);
	if (mib < 1 || mib > 8192 || mkdtemp(dir) == NULL) {
		fprintf(stderr, "package: MIB is 1 to 8192, DIR a folder that can be written\n");
		return 2;
	}
	if (chdir(dir) != 0)
		return 2;
	net_init(&w.net);
	w.image = (size_t)mib << 20;
	w.segment_log2 = SEGMENT_LOG2_DEFAULT;
	world_run(&w, "standard", world_nothing_between);
	built = build();
	printf("a package of %ld MiB, %ld processors\n", mib, sysconf(_SC_NPROCESSORS_ONLN));
	measure((int)number("TRIES", 3), built);
	shell("rm -f p.asice copy sum && rmdir \"$PWD\"");
	world_down(&w);
	return 0;
}
