/* tests/inject/inject.c - the test's hand on the plan. See inject.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/inject/inject.h"

static int
usage(void)
{
	fputs("usage: inject FILE new | arm NAME KIND N ACTION | fired | await SECONDS | count NAME KIND | counts\n", stderr);
	return 64;
}

/* Its place in a list; n: it is not there. */
static size_t
find(const char *const *list, size_t n, const char *word)
{
	size_t	i;

	for (i = 0; i < n && strcmp(list[i], word) != 0; i++)
		;
	return i;
}

static int
make(const char *path)
{
	static const struct inject_plan	empty;
	int	fd = open(path, O_RDWR | O_CREAT, 0600);

	/* Never shorter than it was: daemons have it mapped. */
	return fd >= 0 && pwrite(fd, &empty, sizeof(empty), 0) == (ssize_t)sizeof(empty) && close(fd) == 0 ? 0 : 1;
}

static int
arm(struct inject_plan *p, char **word)
{
	size_t	name = find(inject_names, INJECT_NAMES, word[0]), kind = find(inject_kinds, INJECT_KINDS, word[1]);
	size_t	action = find(inject_actions, INJECT_ACTIONS, word[3]);
	long	n = strtol(word[2], NULL, 10);

	if (name == INJECT_NAMES || kind == INJECT_KINDS || action == INJECT_ACTIONS || n < 1)
		return usage();
	atomic_store(&p->armed, 0);
	(void)snprintf(p->name, sizeof(p->name), "%s", word[0]);
	p->kind = (uint32_t)kind;
	p->action = (uint32_t)action;
	atomic_store(&p->fired, 0);
	atomic_store(&p->left, n);
	atomic_store(&p->armed, 1);
	return 0;
}

static int
count(const struct inject_plan *p, char **word)
{
	size_t	name = find(inject_names, INJECT_NAMES, word[0]), kind = find(inject_kinds, INJECT_KINDS, word[1]);

	if (name == INJECT_NAMES || kind == INJECT_KINDS)
		return usage();
	printf("%llu\n", (unsigned long long)(kind == INJECT_DURABLE ?
	    p->count[name][INJECT_SYNC] + p->count[name][INJECT_WRITE] : p->count[name][kind]));
	return 0;
}

static int
counts(const struct inject_plan *p)
{
	size_t	name, kind;

	for (name = 0; name < INJECT_NAMES; name++)
		for (kind = 0; kind < INJECT_KINDS; kind++)
			if (p->count[name][kind] != 0)
				printf("%s %s %llu\n", inject_names[name], inject_kinds[kind],
				    (unsigned long long)p->count[name][kind]);
	return 0;
}

/* What was armed happened, within so many seconds? Who does little does not come to an Nth call: its next will do. */
static int
await(struct inject_plan *p, const char *seconds)
{
	const struct timespec	tick = { 0, 5 * 1000000L };
	long			ticks = strtol(seconds, NULL, 10) * 200, half = ticks / 2;
	int64_t			left;

	while (!atomic_load(&p->fired) && ticks-- > 0) {
		if (ticks == half)
			for (left = atomic_load(&p->left); left > 1 && !atomic_compare_exchange_weak(&p->left, &left, 1);)
				;
		(void)nanosleep(&tick, NULL);
	}
	return atomic_load(&p->fired) ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct inject_plan	*p;

	if (argc == 3 && strcmp(argv[2], "new") == 0)
		return make(argv[1]);
	if (argc < 3 || setenv("INJECT", argv[1], 1) != 0)
		return usage();
	if ((p = inject_plan()) == NULL) {
		fprintf(stderr, "inject: %s: no plan there; make one: inject %s new\n", argv[1], argv[1]);
		return 64;
	}
	if (argc == 7 && strcmp(argv[2], "arm") == 0)
		return arm(p, argv + 3);
	if (argc == 4 && strcmp(argv[2], "await") == 0)
		return await(p, argv[3]);
	if (argc == 5 && strcmp(argv[2], "count") == 0)
		return count(p, argv + 3);
	if (argc == 3 && strcmp(argv[2], "counts") == 0)
		return counts(p);
	if (argc != 3 || strcmp(argv[2], "fired") != 0)
		return usage();
	atomic_store(&p->armed, 0);
	return atomic_load(&p->fired) ? 0 : 1;
}
