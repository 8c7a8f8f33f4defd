/*
 * tests/sanitize/sees.c - faults on purpose, one by name: a sanitizer that does not see these sees nothing.
 * usage: sees race | leak | heap | undefined
 */
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int	shared;

static void *
add(void *unused)
{
	(void)unused;
	for (int i = 0; i < 1000; i++)
		shared = shared + 1;
	return NULL;
}

static int
race(void)
{
	pthread_t	t;

	if (pthread_create(&t, NULL, add, NULL) != 0)
		return 0;
	(void)add(NULL);
	return pthread_join(t, NULL);
}

static int
leak(void)
{
	static char *volatile	p;

	p = malloc(100);
	if (p == NULL)
		return 0;
	p = NULL;
	_exit(0);	/* as our programs end */
}

static int
heap(void)
{
	volatile char	*p = calloc(1, 8);
	int		 n = p == NULL ? 0 : p[8];

	free((void *)(uintptr_t)p);
	return n & 0;
}

static int
undefined(void)
{
	volatile int	n = INT_MAX;

	n = n + 1;
	return n & 0;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char	*word;
		int		(*fault)(void);
	} faults[] = { { "race", race }, { "leak", leak }, { "heap", heap }, { "undefined", undefined } };

	for (size_t i = 0; argc == 2 && i < sizeof(faults) / sizeof(faults[0]); i++)
		if (strcmp(argv[1], faults[i].word) == 0)
			return faults[i].fault();
	return 64;
}
