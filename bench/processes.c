/*
 * processes - a secret of 32 bytes, 3-of-5, by programs that others use for it: ssss and libgfshare, beside a process of ours.
 *
 * For orientation, without an aim. Theirs verify nothing: a wrong piece gives a wrong secret. Ours splits a scalar with
 * commitments (or contributes three times with proofs, verifies and combines). CPU time of the whole process, its start included.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "shamir/shamir.h"

#define K	3
#define N	5
#define SECRET	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
#define EACH	20			/* processes a repetition */

extern char	**environ;
static char	  self[4096];

/* ---- what a process of ours does ------------------------------------------------------- */

static int
own(bool combining)
{
	AUTO(secret_arena_free) struct secret_arena *arena = NULL;
	AUTO(secret_free) struct secret	*s = NULL, *point = NULL;
	struct shamir_contribution	 c[K];
	struct shamir_commits		 commits;
	uint8_t				*share[SHAMIR_SHARES_MAX], label[SHAMIR_POINT_BYTES];
	uint32_t			 bad;
	struct err			 err;

	bench_must(secret_init(&err), &err);
	if ((arena = secret_arena_new(4096)) == NULL)
		return 2;
	bench_must(shamir_split(K, N, arena, &s, share, &commits, &err), &err);
	if (!combining)
		return 0;
	bench_must(shamir_label(SPAN_STR("bench"), label, &err), &err);
	for (uint8_t i = 0; i < K; i++)
		bench_must(shamir_contribute((uint8_t)(i + 1), share[i], label, &c[i], &err), &err);
	bench_must(shamir_combine(c, K, &commits, label, &bad, &point, &err), &err);
	return 0;
}

/* ---- processes ---------------------------------------------------------------------------- */

static double
children(void)
{
	struct rusage	u;

	(void)getrusage(RUSAGE_CHILDREN, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* Runs it with `in` as its input; what it says goes to `out`. */
static void
spawn(char *const argv[], const char *in, const char *out)
{
	posix_spawn_file_actions_t	files;
	pid_t				pid;
	int				status;

	if (posix_spawn_file_actions_init(&files) != 0 ||
	    posix_spawn_file_actions_addopen(&files, 0, in, O_RDONLY, 0) != 0 ||
	    posix_spawn_file_actions_addopen(&files, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0600) != 0 ||
	    posix_spawn_file_actions_addopen(&files, 2, "/dev/null", O_WRONLY, 0) != 0 ||
	    posix_spawnp(&pid, argv[0], &files, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) != pid ||
	    !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		bench_fail("%s failed", argv[0]);
	(void)posix_spawn_file_actions_destroy(&files);
}

/* CPU milliseconds of one. */
static double
cost(char *const argv[], const char *in, const char *out)
{
	double	began = children();

	for (int i = 0; i < EACH; i++)
		spawn(argv, in, out);
	return 1e3 * (children() - began) / EACH;
}

static void
put_file(const char *name, const char *words)
{
	FILE	*f = fopen(name, "w");

	if (f == NULL || fputs(words, f) < 0 || fclose(f) != 0)
		bench_fail("%s cannot be written", name);
}

/* ---- rows ------------------------------------------------------------------------------------- */

static bool
have(const char *program)
{
	char	command[64];

	(void)snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", program);
	return system(command) == 0;
}

static void
pair(const char *name, const char *reference, char *const argv[], const char *in, bool combining)
{
	struct bench_series	s = { name, "ms", reference, "-" };
	char			mode[] = "--own-split", mode_c[] = "--own-combine";
	char			*ours[] = { self, combining ? mode_c : mode, NULL };
	double			own_cost = cost(ours, "/dev/null", "/dev/null");

	bench_row(&s, 0, own_cost, cost(argv, in, "out"));
}

static void
ssss(void)
{
	char	*split[] = { "ssss-split", "-t", "3", "-n", "5", "-s", "256", "-x", "-q", NULL };
	char	*combine[] = { "ssss-combine", "-t", "3", "-x", "-q", NULL };

	spawn(split, "secret", "pieces");
	pair("split-by-ssss", "ssss-split, no commitments", split, "secret", false);
	pair("combine-by-ssss", "ssss-combine, verifies nothing", combine, "pieces", true);
}

static void
gfshare(void)
{
	char	*split[] = { "gfsplit", "-n", "3", "-m", "5", "secret", NULL };
	char	*combine[] = { "sh", "-c", "exec gfcombine -o whole $(ls secret.* | head -n 3)", NULL };

	if (system("rm -f secret.*") != 0)
		bench_fail("rm failed");
	spawn(split, "/dev/null", "out");
	pair("combine-by-gfshare", "gfcombine (and sh), verifies nothing", combine, "/dev/null", true);
	pair("split-by-gfshare", "gfsplit, no commitments", split, "/dev/null", false);
}

int
main(int argc, char **argv)
{
	char	dir[] = "/var/tmp/quorate-bench.XXXXXX";
	ssize_t	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int	rounds;

	if (argc == 2 && strncmp(argv[1], "--own-", 6) == 0)
		return own(strcmp(argv[1], "--own-combine") == 0);
	rounds = bench_begin(argc, argv) == BENCH_QUICK ? 3 : 7;
	if (n <= 0 || mkdtemp(dir) == NULL || chdir(dir) != 0)
		bench_fail("/var/tmp cannot be written");
	put_file("secret", SECRET);
	if (!have("ssss-split"))
		bench_skip("split-by-ssss", "there is no ssss-split");
	if (!have("gfsplit"))
		bench_skip("split-by-gfshare", "there is no gfsplit");
	for (int i = 0; i < rounds; i++) {
		if (have("ssss-split"))
			ssss();
		if (have("gfsplit"))
			gfshare();
	}
	return system("rm -rf \"$PWD\"") != 0;
}
