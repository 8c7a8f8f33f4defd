/*
 * files - sealing and opening a large part, from file to file, beside age; and a range of one.
 *
 * The library's path as the CLI takes it: file to envelope with the Merkle commitment and its tables, envelope to
 * file with every leaf proven and under its commitment. No network and no package. Each run is a process of its own,
 * from fork to exit, ours and age in turn; files are in the page cache, outputs on the same file system (DIR, or
 * /var/tmp), into pages that were written a moment before. MIB (1024), TRIES (5); --quick: 64 MiB, 3 tries.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <sodium.h>

#include "bench/bench.h"
#include "cli/parallel.h"
#include "evidence/envelope.h"

#define RANGE		((size_t)1 << 20)

static const uint8_t	coefficient[3][SHAMIR_SCALAR_BYTES] = { { 5 }, { 7 }, { 9 } };
static char		recipient[128];
static bool		one_core;

static void
need(bool ok, const char *what)
{
	if (!ok)
		bench_fail("%s: %s", what, strerror(errno));
}

/* --- files as streams ---------------------------------------------------------------------- */

static enum rc
read_at(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const int	*fd = user;
	ssize_t		 some;

	for (; n > 0; out += some, at += (uint64_t)some, n -= (size_t)some)
		if ((some = pread(*fd, out, n, (off_t)at)) <= 0)
			return err_set(err, RC_IO, "cannot read");
	return RC_OK;
}

static enum rc
write_at(void *user, uint64_t at, struct span bytes, struct err *err)
{
	const int	*fd = user;
	ssize_t		 some;

	for (; bytes.n > 0; bytes.p += some, at += (uint64_t)some, bytes.n -= (size_t)some)
		if ((some = pwrite(*fd, bytes.p, bytes.n, (off_t)at)) <= 0)
			return err_set(err, RC_IO, "cannot write");
	return RC_OK;
}

static int
open_old(const char *path, uint64_t *ret_size)
{
	int	fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t	size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	need(size >= 0, path);
	*ret_size = (uint64_t)size;
	return fd;
}

static int
open_new(const char *path)
{
	int	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	need(fd >= 0, path);
	return fd;
}

/* --- ours ---------------------------------------------------------------------------------- */

static void
seal(const char *from, const char *to, const struct parallel *parallel)
{
	AUTO_DONE(buf_done) struct buf			 descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	AUTO(secret_arena_free) struct secret_arena	*arena = secret_arena_new(4096);
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;
	struct envelope_params	p = { .class_id = "standard", .sealed_at = 1795341600, .threshold = 3, .shares = 5,
				    .n_parts = 1, .part = { "image" }, .segment_log2 = SEGMENT_LOG2_DEFAULT };
	struct err		err;
	uint64_t		length, size;
	int			in = open_old(from, &length), out = open_new(to);

	need(arena != NULL, "locked memory");
	bench_must(envelope_new_with(&p, coefficient, arena, write_at, &out, &w, &err), &err);
	bench_must(envelope_part_from(w, "image", read_at, &in, length, parallel, &err), &err);
	bench_must(envelope_finish(w, &descriptor, &size, &err), &err);
	(void)close(in);
	(void)close(out);
}

static enum rc
point_of(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err)
{
	static const uint8_t		none[SHA256_BYTES];
	const struct envelope		*e = user;
	AUTO_DONE(buf_done) struct buf	 msg = BUF_INIT(LABEL_MSG_MAX);
	AUTO(secret_free) struct secret	*s = secret_new(SHAMIR_SCALAR_BYTES);
	uint8_t				 label[SHAMIR_POINT_BYTES];

	if (s == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	memcpy(secret_bytes(s), coefficient[0], SHAMIR_SCALAR_BYTES);
	label_msg(none, envelope_descriptor(e)->id, part, segment, &msg);
	TRY(shamir_label(buf_view(&msg), label, err));
	return shamir_apply(s, label, ret, err);
}

static void
open_envelope(int *fd, uint64_t size, struct envelope **ret)
{
	AUTO_DONE(buf_done) struct buf	descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	uint8_t				digest[SHA256_BYTES];
	struct err			err;

	bench_must(envelope_peek(read_at, fd, size, &descriptor, &err), &err);
	sha256_one(digest, buf_view(&descriptor));
	bench_must(envelope_open(read_at, fd, size, digest, ret, &err), &err);
}

static void
unseal(const char *from, const char *to, const struct parallel *parallel)
{
	AUTO(envelope_free) struct envelope	*e = NULL;
	uint64_t		size;
	int			in = open_old(from, &size), out = open_new(to);
	struct err		err;

	open_envelope(&in, size, &e);
	bench_must(envelope_read_part(e, 0, point_of, e, write_at, &out, parallel, &err), &err);
	(void)close(in);
	(void)close(out);
}

static void
child(void (*what)(const char *, const char *, const struct parallel *), const char *from, const char *to)
{
	AUTO(hands_free) struct hands	*hands = NULL;
	struct err			 err;

	bench_must(hands_new(0, &hands, &err), &err);
	what(from, to, hands_parallel(hands));
}

/* --- a process, by the clock ---------------------------------------------------------------- */

static void
pin(void)
{
	cpu_set_t	set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	if (one_core)
		need(sched_setaffinity(0, sizeof(set), &set) == 0, "sched_setaffinity");
}

struct cost { double wall, cpu; };	/* seconds */

static struct cost
waited(pid_t pid, double began)
{
	struct rusage	u;
	int		status;

	need(wait4(pid, &status, 0, &u) == pid, "wait4");
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		bench_fail("a process failed");
	return (struct cost){ bench_wall() - began, (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) };
}

/*
 * A page that nobody used for a while can be one that a host must find first: on virtual machines a GiB of them was
 * seen to take 0.2 to 3 s, whoever writes it. So what is written is written once before, not timed, and its
 * pages are free again when a run begins.
 */
static void
pages(const char *to, uint64_t mib)
{
	static const uint8_t	zeros[1 << 20];
	struct err		err;
	int			fd = open_new(to);

	for (uint64_t i = 0; i <= mib; i++)
		bench_must(write_at(&fd, i << 20, SPAN_OF(zeros), &err), &err);
	need(close(fd) == 0 && unlink(to) == 0, to);
}

static struct cost
ours(void (*what)(const char *, const char *, const struct parallel *), const char *from, const char *to)
{
	double	began;
	pid_t	pid;

	(void)unlink(to);
	began = bench_wall();
	if ((pid = fork()) == 0) {
		pin();
		child(what, from, to);
		_exit(0);
	}
	return waited(pid, began);
}

static struct cost
theirs(const char *const argv[], const char *to)
{
	double	began;
	pid_t	pid;

	(void)unlink(to);
	began = bench_wall();
	if ((pid = fork()) == 0) {
		pin();
		(void)execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	return waited(pid, began);
}

/* --- the series ------------------------------------------------------------------------------- */

/* By the clock, and what both took of the processors: on a busy machine that says more. */
static void
row(const char *series, uint64_t mib, struct cost a, const char *reference, struct cost b, const char *aim)
{
	const char	*cores = one_core ? "-one-core" : "";
	char		 name[40], cpu[48];

	(void)snprintf(name, sizeof(name), "%s%s", series, cores);
	(void)snprintf(cpu, sizeof(cpu), "%s-cpu", name);
	bench_row(&(struct bench_series){ name, "MiB/s", reference, aim }, (double)mib, (double)mib / a.wall,
	    (double)mib / b.wall);
	bench_row(&(struct bench_series){ cpu, "s", reference, "-" }, (double)mib, a.cpu, b.cpu);
}

static const char *const	age_seal[] = { "age", "-r", recipient, "-o", "p.age", "p", NULL };
static const char *const	age_open[] = { "age", "-d", "-i", "key", "-o", "q", "p.age", NULL };
static const char *const	gpg_seal[] = { "gpg", "--homedir", ".", "--batch", "--yes", "--quiet", "--passphrase", "x",
				    "--pinentry-mode", "loopback", "--compress-algo", "none", "--cipher-algo", "AES256",
				    "--symmetric", "-o", "p.gpg", "p", NULL };

static void
big(uint64_t mib, int tries, bool quick)
{
	struct cost	a, b;

	(void)theirs(age_seal, "p.age");	/* warm: programs and pages */
	(void)ours(seal, "p", "p.envelope");
	for (int i = 0; i < tries; i++) {
		pages("p.envelope", mib);
		a = ours(seal, "p", "p.envelope");
		pages("p.age", mib);
		b = theirs(age_seal, "p.age");
		row("seal-1gib", mib, a, "age -r", b, one_core ? "ratio>=0.75" : "ratio>=1.2");
		pages("q", mib);
		a = ours(unseal, "p.envelope", "q");
		pages("q", mib);
		b = theirs(age_open, "q");
		row("open-1gib", mib, a, "age -d", b, one_core ? "-" : "ratio>=1.2");
	}
	if (one_core || quick || system("command -v gpg >/dev/null") != 0)
		return;
	pages("p.envelope", mib);
	a = ours(seal, "p", "p.envelope");
	pages("p.gpg", mib);
	b = theirs(gpg_seal, "p.gpg");
	row("seal-1gib-gpg", mib, a, "gpg --symmetric", b, "-");
	(void)unlink("p.gpg");
}

/* The same bytes of ciphertext, hashed, and the nodes on the way up from one segment's leaf. */
static double
plainly(int fd, uint64_t at, uint64_t leaves)
{
	static uint8_t	bytes[RANGE + 2 * SEGMENT_SEALED_CHUNK_MAX];
	uint8_t		pair[2 * SHA256_BYTES], digest[SHA256_BYTES];
	double		began = bench_wall();
	struct err	err;

	bench_must(read_at(&fd, at, bytes, RANGE, &err), &err);
	need(EVP_Digest(bytes, RANGE, digest, NULL, EVP_sha256(), NULL) == 1, "SHA-256");
	for (; leaves > 1; leaves /= 2) {
		bench_must(read_at(&fd, at + leaves, pair, sizeof(pair), &err), &err);
		need(EVP_Digest(pair, sizeof(pair), digest, NULL, EVP_sha256(), NULL) == 1, "SHA-256");
	}
	return bench_wall() - began;
}

static enum rc
nowhere(void *user, struct span bytes, struct err *err)
{
	uint64_t	*n = user;

	(void)err;
	*n += bytes.n;
	return RC_OK;
}

static void
range(uint64_t mib, int tries)
{
	AUTO(envelope_free) struct envelope	*e = NULL;
	static const struct bench_series series = { "range-1mib", "ms", "pread and SHA-256 of it and a path", "<=5" };
	struct err		err;
	uint64_t		size, n;
	int			fd = open_old("p.envelope", &size);
	double			began, a, b;

	open_envelope(&fd, size, &e);
	for (int i = 0; i < tries; i++) {
		uint64_t	at = (uint64_t)randombytes_random() % ((mib << 20) - 2 * RANGE);

		n = 0;
		began = bench_wall();
		bench_must(envelope_read(e, 0, at, RANGE, point_of, e, nowhere, &n, &err), &err);
		a = bench_wall() - began;
		b = plainly(fd, at, (mib << 20) / SEGMENT_CHUNK_BYTES);
		need(n == RANGE, "a range");
		bench_row(&series, (double)mib, a * 1e3, b * 1e3);
	}
	(void)close(fd);
}

static void
make_plain(uint64_t mib)
{
	uint8_t		*bytes = malloc(1 << 20);
	struct err	 err;
	int		 fd = open_new("p");

	need(bytes != NULL, "memory");
	for (uint64_t i = 0; i < mib; i++) {
		randombytes_buf(bytes, 1 << 20);
		bench_must(write_at(&fd, i << 20, SPAN(bytes, 1 << 20), &err), &err);
	}
	free(bytes);
	(void)close(fd);
}

/* For the ranges what is in it does not matter: it may be a hole. */
static void
make_hole(uint64_t mib)
{
	int	fd = open_new("p");

	need(ftruncate(fd, (off_t)(mib << 20)) == 0, "ftruncate");
	(void)close(fd);
	(void)ours(seal, "p", "p.envelope");
}

static void
make_key(void)
{
	FILE	*f;

	need(system("age-keygen -o key 2>key.log && age-keygen -y key >key.pub") == 0, "age-keygen");
	f = fopen("key.pub", "r");
	need(f != NULL && fgets(recipient, sizeof(recipient), f) != NULL, "key.pub");
	recipient[strcspn(recipient, "\n")] = '\0';
	(void)fclose(f);
}

static long
number(const char *name, long otherwise)
{
	const char	*text = getenv(name);

	return text == NULL ? otherwise : strtol(text, NULL, 10);
}

int
main(int argc, char **argv)
{
	bool		quick = bench_begin(argc, argv) == BENCH_QUICK;
	uint64_t	mib = (uint64_t)number("MIB", quick ? 64 : 1024);
	int		tries = (int)number("TRIES", quick ? 3 : 5);
	const char	*where = getenv("DIR");
	char		dir[128];

	(void)snprintf(dir, sizeof(dir), "%.100s/quorate-bench.XXXXXX", where == NULL ? "/var/tmp" : where);
	if (system("command -v age age-keygen >/dev/null") != 0) {
		bench_skip("seal-1gib", "age is not installed");
		return 0;
	}
	need(mib >= 8 && mib <= 8192 && mkdtemp(dir) != NULL && chdir(dir) == 0, dir);
	make_key();
	make_plain(mib);
	big(mib, tries, quick);
	one_core = true;
	big(mib, tries, quick);
	one_core = false;
	for (uint64_t x = 64; x <= (quick ? 64 : 4096); x *= 4) {
		make_hole(x);
		range(x, quick ? 5 : 15);
	}
	need(system("gpgconf --homedir . --kill all 2>gpg.log; rm -rf ./* && rmdir \"$PWD\"") == 0, "rm");
	return 0;
}
