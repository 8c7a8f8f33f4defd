/*
 * tests/schedules/main.c - many seeds, each a schedule of a network of its own.
 *
 * usage: test_schedules [FIRST COUNT]	environment: SEEDS, SEED=n (one seed, told), STEPS, JOBS
 * With UNIT_ONLY, as scripts/mutants sets it, a few seeds (four from the one that a mutant
 * names) and no more than one failure.
 *
 * Each seed runs in a process of its own, so that a crash is a failure like any other. One
 * that fails is cut short: steps are left out while the same invariant still breaks, for each
 * step draws from a stream of its own.
 */
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/schedules/world.h"

#define FAILED_AT	100		/* exit codes: 100 + the number of the invariant */
#define BROKEN		99
#define SECONDS_MAX	120		/* of one seed */
#define SEEDS_OF_MUTANTS 24

struct world	*world;
struct node	*running;
static bool	 cutting;		/* runs that do not count */
static bool	 told;			/* the schedule is printed */
static bool	 left_out[STEPS_MAX];
static unsigned	 steps = 50;
static char	 folder[64];

static unsigned	 failures_max = 3;	/* of a worker */

static struct figures {			/* of all processes */
	uint64_t	seeds, steps, contributed, refused, released, cosigned, noes, forks, lying;
} *figures;

/* --- failing --------------------------------------------------------------------------- */

void
broken(const char *file, int line)
{
	(void)fprintf(stderr, "%s:%d: the test itself is broken (seed %llu, step %u)\n", file, line,
	    (unsigned long long)world->seed, world->step);
	_exit(BROKEN);
}

void
must(enum rc rc, const struct err *err)
{
	if (rc == RC_OK)
		return;
	(void)fprintf(stderr, "the test itself is broken (seed %llu, step %u): %s: %s\n",
	    (unsigned long long)world->seed, world->step, rc_name(rc), err->msg);
	_exit(BROKEN);
}

void
note(const char *fmt, ...)
{
	va_list	ap;

	if (!told)
		return;
	printf("%3u %5llu  ", world->step, (unsigned long long)(world->ms / 1000 - START));
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

void
fails(unsigned number, const char *fmt, ...)
{
	char	words[256];
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	note("INVARIANT %u: %s", number, words);
	if (told)
		printf("seed %llu, step %u: invariant %u of DESIGN section 3: %s\n", (unsigned long long)world->seed,
		    world->step, number, words);
	(void)fflush(stdout);
	_exit((int)(FAILED_AT + number));
}

/* What the product logs is of use to who reads a schedule, and to nobody else. */
void	__wrap_log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	__wrap_log_err(const struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void
__wrap_log_line(const char *fmt, ...)
{
	char	words[512];
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	note("    [%u] %s", running == NULL ? 0 : running->index, words);
}

void
__wrap_log_err(const struct err *err, const char *fmt, ...)
{
	(void)fmt;
	note("    [%u] %s", running == NULL ? 0 : running->index, err->msg);
}

/* --- one seed ------------------------------------------------------------------------------- */

static void
run(uint64_t seed)
{
	world_up(seed, folder);
	tell_all(0, false);
	compare_all(false);
	for (world->step = 1; world->step <= steps; world->step++) {
		chance_seed(seed, world->step);
		if (!left_out[world->step - 1])
			step_any();
	}
	chance_seed(seed, world->step);
	if (!world->lies)
		calm();
	holds_end();
}

static void
count_it(void)
{
	__atomic_add_fetch(&figures->seeds, 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&figures->steps, steps, __ATOMIC_RELAXED);
	__atomic_add_fetch(&figures->contributed, world->contributed, __ATOMIC_RELAXED);
	__atomic_add_fetch(&figures->refused, world->refused, __ATOMIC_RELAXED);
	__atomic_add_fetch(&figures->released, world->released, __ATOMIC_RELAXED);
	__atomic_add_fetch(&figures->cosigned, world->cosigned, __ATOMIC_RELAXED);
	__atomic_add_fetch(&figures->noes, world->noes, __ATOMIC_RELAXED);
	__atomic_add_fetch(&figures->forks, world->n_branches - 1, __ATOMIC_RELAXED);
	__atomic_add_fetch(&figures->lying, world->lies, __ATOMIC_RELAXED);
}

static _Noreturn void
child(uint64_t seed)
{
	(void)alarm(SECONDS_MAX);
	if ((world = calloc(1, sizeof(*world))) == NULL)
		_exit(BROKEN);
	run(seed);
	if (!cutting)
		count_it();
	world_down();
	free(world);
	(void)fflush(stdout);
	_exit(0);
}

static void
sweep(void)
{
	char	command[128];

	(void)snprintf(command, sizeof(command), "rm -f '%s'/*", folder);
	(void)!system(command);
}

/* 0; 100 + the invariant; or another number for each other end. */
static int
try(uint64_t seed)
{
	int	status;
	pid_t	pid;

	(void)fflush(stdout);
	if ((pid = fork()) == 0)
		child(seed);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	sweep();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 200 + WTERMSIG(status);
}

static void
cut_short(uint64_t seed, int how)
{
	unsigned	left = steps;

	for (unsigned at = steps; at-- > 0;) {
		left_out[at] = true;
		if (try(seed) == how)
			left--;
		else
			left_out[at] = false;
	}
	printf("the same with %u of %u steps:\n", left, steps);
}

static void
tell(uint64_t seed, int how)
{
	printf("FAIL: seed %llu (%s %d)\n", (unsigned long long)seed, how > 200 ? "signal" : how > FAILED_AT ?
	    "invariant" : "code", how > 200 ? how - 200 : how > FAILED_AT ? how - FAILED_AT : how);
	cutting = true;
	if (failures_max > 1)
		cut_short(seed, how);
	told = true;
	(void)try(seed);
	told = cutting = false;
	memset(left_out, 0, sizeof(left_out));
	printf("replay: SEED=%llu make schedules\n", (unsigned long long)seed);
}

/* --- all of them ------------------------------------------------------------------------------ */

static unsigned
number(const char *name, unsigned otherwise)
{
	const char	*text = getenv(name);

	return text == NULL || *text == '\0' ? otherwise : (unsigned)strtoul(text, NULL, 10);
}

static void
make_folder(void)
{
	struct stat	st;

	(void)snprintf(folder, sizeof(folder), "%s/schedules.XXXXXX",
	    stat("/dev/shm", &st) == 0 && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(folder) == NULL) {
		perror(folder);
		exit(2);
	}
}

/* Every jobs-th seed; how many failed. */
static unsigned
work(uint64_t first, unsigned count, unsigned turn, unsigned jobs)
{
	unsigned	failed = 0;
	int		how;

	make_folder();
	for (uint64_t seed = first + turn; seed < first + count && failed < failures_max; seed += jobs)
		if ((how = try(seed)) != 0) {
			tell(seed, how);
			failed++;
		}
	sweep();
	(void)rmdir(folder);
	(void)fflush(stdout);
	return failed;
}

static int
replay(uint64_t seed)
{
	int	how;

	make_folder();
	told = true;
	how = try(seed);
	sweep();
	(void)rmdir(folder);
	printf("seed %llu: %s\n", (unsigned long long)seed, how == 0 ? "holds" : "fails");
	return how != 0;
}

static unsigned
in_parallel(uint64_t first, unsigned count, unsigned jobs)
{
	unsigned	failed = 0;
	int		status;

	for (unsigned turn = 0; turn < jobs; turn++)
		if (fork() == 0)
			_exit((int)work(first, count, turn, jobs));
	while (wait(&status) > 0)
		failed += WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 1;
	return failed;
}

int
main(int argc, char **argv)
{
	uint64_t	first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	unsigned	count = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : number("SEEDS", 400), failed;
	struct err	err;
	time_t		began = time(NULL);

	if (getenv("UNIT_ONLY") != NULL) {
		count = SEEDS_OF_MUTANTS;
		if (*getenv("UNIT_ONLY") >= '0' && *getenv("UNIT_ONLY") <= '9') {
			first = strtoull(getenv("UNIT_ONLY"), NULL, 10);
			count = 4;
		}
		failures_max = 1;
	}
	steps = number("STEPS", steps);
	if (steps > STEPS_MAX)
		steps = STEPS_MAX;
	if ((world = calloc(1, sizeof(*world))) == NULL)
		return 2;
	figures = mmap(NULL, sizeof(*figures), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (figures == MAP_FAILED)
		return 2;
	chance_init();
	must(secret_init(&err), &err);
	pool_init();
	if (getenv("SEED") != NULL && *getenv("SEED") != '\0')
		return replay(strtoull(getenv("SEED"), NULL, 10));
	failed = in_parallel(first, count, number("JOBS", 2));
	printf("%llu seeds of %u steps (%llu with a lying coordinator, %llu forks): %llu contributions, %llu refused, "
	    "%llu combined, %llu cosignatures, %llu \"no\"s handed in; %lld s\n", (unsigned long long)figures->seeds, steps,
	    (unsigned long long)figures->lying, (unsigned long long)figures->forks,
	    (unsigned long long)figures->contributed, (unsigned long long)figures->refused,
	    (unsigned long long)figures->released, (unsigned long long)figures->cosigned,
	    (unsigned long long)figures->noes, (long long)(time(NULL) - began));
	printf("%llu passed, %u failed\n", (unsigned long long)figures->seeds, failed);
	return failed != 0;
}
