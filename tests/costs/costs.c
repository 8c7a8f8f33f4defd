/* tests/costs/costs.c - the test's hand on the table. See costs.h. */
#include <linux/futex.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/costs/costs.h"

#define SECOND	1000000000L
#define PATIENCE_MS	120000
#define LOOK_NS		(2 * 1000000L)

static int
usage(void)
{
	fputs("usage: costs FILE new | slow N | pass MS | turns PORT... | still MS | counts\n", stderr);
	return 64;
}

static int
make(const char *path)
{
	int	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);

	return fd >= 0 && ftruncate(fd, sizeof(struct costs)) == 0 && close(fd) == 0 ? 0 : 1;
}

static int64_t
now(clockid_t id)
{
	struct timespec	t;

	(void)clock_gettime(id, &t);
	return t.tv_sec * SECOND + t.tv_nsec;
}

/* Once: a clock that was slow does not catch up. */
static int
slow(struct costs *c, long n)
{
	if (n < 1 || atomic_load(&c->slow) != 0)
		return usage();
	c->monotonic.real = c->monotonic.shown = now(CLOCK_MONOTONIC);
	c->day.real = c->day.shown = now(CLOCK_REALTIME);
	atomic_store(&c->slow, (uint32_t)n);
	return 0;
}

static int
pass(struct costs *c, long ms)
{
	if (ms < 1 || atomic_load(&c->slow) == 0)
		return usage();
	atomic_fetch_add(&c->passed, ms * (SECOND / 1000));
	return 0;
}

static int
counts(const struct costs *c)
{
	const struct costs_row	*r;

	for (r = c->row; r < c->row + COSTS_ROWS; r++)
		if (atomic_load(&r->state) == COSTS_READY && r->n != 0)
			printf("%s %s %llu %s\n", r->party, r->process, (unsigned long long)r->n, r->what);
	return 0;
}

/* ---- does anything run? ------------------------------------------------------------------------ */

/* Of one thread; what is gone sleeps well. */
static bool
sleeps(const char *pid, const char *tid)
{
	char	path[600], line[512], *end;
	FILE	*f;
	bool	is = true;

	(void)snprintf(path, sizeof(path), "/proc/%s/task/%s/stat", pid, tid);
	if ((f = fopen(path, "re")) == NULL)
		return true;
	/* "PID (name) S": the name may hold anything */
	if (fgets(line, sizeof(line), f) != NULL && (end = strrchr(line, ')')) != NULL && end[1] == ' ')
		is = end[2] != 'R' && end[2] != 'D';
	(void)fclose(f);
	return is;
}

static bool
process_sleeps(int32_t pid)
{
	char		 name[16], path[64];
	const struct dirent *e;
	DIR		*d;
	bool		 is = true;

	(void)snprintf(name, sizeof(name), "%d", pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/task", pid);
	if ((d = opendir(path)) == NULL)
		return true;
	while (is && (e = readdir(d)) != NULL)
		is = e->d_name[0] == '.' || sleeps(name, e->d_name);
	(void)closedir(d);
	return is;
}

static bool
all_sleep(const struct costs *c)
{
	size_t	i;

	for (i = 0; i < COSTS_PIDS && atomic_load(&c->pid[i]) != 0; i++)
		if (!process_sleeps(c->pid[i]))
			return false;
	return atomic_load(&c->busy) == 0;
}

static void
tick(void)
{
	const struct timespec	look = { 0, LOOK_NS };

	(void)nanosleep(&look, NULL);
}

/* At two looks, and nothing was counted between them: a byte on its way wakes whom it is for at once. */
static bool
rests(const struct costs *c)
{
	uint64_t	calls = atomic_load(&c->calls);

	if (!all_sleep(c))
		return false;
	tick();
	return all_sleep(c) && atomic_load(&c->calls) == calls;
}

/* ---- answers in turn --------------------------------------------------------------------------- */

static volatile sig_atomic_t	ended;

static void
end(int sig)
{
	(void)sig;
	ended = 1;
}

static void
give(struct costs_turn *t)
{
	atomic_store(&t->state, TURN_GIVEN);
	(void)syscall(SYS_futex, &t->state, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* Those that are held now, in the order of the ports. */
static size_t
wave(struct costs *c, char **port, int n, struct costs_turn *ret[COSTS_TURNS])
{
	struct costs_turn	*t;
	size_t			 k = 0;
	int			 i;

	for (i = 0; i < n; i++)
		for (t = c->turn; t < c->turn + COSTS_TURNS; t++)
			if (atomic_load(&t->state) == TURN_HELD && (long)t->port == strtol(port[i], NULL, 10))
				ret[k++] = t;
	return k;
}

static void
await_rest(const struct costs *c)
{
	while (!ended && !rests(c))
		tick();
}

/* What comes meanwhile waits until those of this time were given. */
static int
turns(struct costs *c, char **port, int n)
{
	struct costs_turn	*t[COSTS_TURNS];
	size_t			 i, k;

	(void)signal(SIGTERM, end);
	atomic_store(&c->turns, 1);
	while (!ended) {
		tick();
		if (wave(c, port, n, t) == 0)
			continue;
		await_rest(c);
		for (i = 0, k = wave(c, port, n, t); i < k; i++) {
			await_rest(c);
			give(t[i]);
		}
	}
	atomic_store(&c->turns, 0);
	for (i = 0, k = wave(c, port, n, t); i < k; i++)
		give(t[i]);
	return 0;
}

static bool
none_held(const struct costs *c)
{
	size_t	i;

	for (i = 0; i < COSTS_TURNS && atomic_load(&c->turn[i].state) == TURN_FREE; i++)
		;
	return i == COSTS_TURNS;
}

/* A thread that only looks at its clock now and then does not count as news. */
static int
still(const struct costs *c, long ms)
{
	uint64_t	seen = atomic_load(&c->calls), n;
	int64_t		start = now(CLOCK_MONOTONIC), since = start, at;

	do {
		tick();
		at = now(CLOCK_MONOTONIC);
		n = atomic_load(&c->calls);
		if (n != seen || !none_held(c))
			since = at;
		seen = n;
		if (at - since >= ms * (SECOND / 1000) && rests(c))
			return 0;
	} while (at - start < PATIENCE_MS * (SECOND / 1000));
	return 1;
}

int
main(int argc, char **argv)
{
	struct costs	*c;

	if (argc == 3 && strcmp(argv[2], "new") == 0)
		return make(argv[1]);
	if (argc < 3 || setenv("INJECT", argv[1], 1) != 0)
		return usage();
	if ((c = costs_map()) == NULL) {
		fprintf(stderr, "costs: %s: no table there; make one: costs %s new\n", argv[1], argv[1]);
		return 64;
	}
	if (argc == 4 && strcmp(argv[2], "slow") == 0)
		return slow(c, strtol(argv[3], NULL, 10));
	if (argc > 3 && strcmp(argv[2], "turns") == 0)
		return turns(c, argv + 3, argc - 3);
	if (argc == 4 && strcmp(argv[2], "pass") == 0)
		return pass(c, strtol(argv[3], NULL, 10));
	if (argc == 4 && strcmp(argv[2], "still") == 0)
		return still(c, strtol(argv[3], NULL, 10));
	return argc == 3 && strcmp(argv[2], "counts") == 0 ? counts(c) : usage();
}
