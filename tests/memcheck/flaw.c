/* Flaws, each of which memcheck must see; `none` has none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int	sink;

static void
undefined(void)
{
	int	*p = malloc(sizeof(*p) * 4);

	if (p != NULL && p[2] == 7)
		sink++;
	free(p);
}

static void
leak(void)
{
	void *volatile	p = malloc(100);

	p = NULL;
	sink = p != NULL;
}

static void
past_the_end(void)
{
	volatile char	*p = malloc(8);
	volatile int	 n = 8;

	if (p != NULL)
		sink = p[n];
	free((void *)(size_t)p);
}

static void
after_free(void)
{
	volatile char *volatile	p = calloc(8, 1);

	free((void *)(size_t)p);
	sink = p[3];
}

static void
none(void)
{
	free(malloc(10));
}

static const struct {
	const char	*name;
	void		(*run)(void);
} flaws[] = {
	{ "undefined", undefined },
	{ "leak", leak },
	{ "past-the-end", past_the_end },
	{ "after-free", after_free },
	{ "none", none },
};

int
main(int argc, char **argv)
{
	size_t	i;

	for (i = 0; argc == 2 && i < sizeof(flaws) / sizeof(flaws[0]); i++)
		if (strcmp(flaws[i].name, argv[1]) == 0) {
			flaws[i].run();
			return 0;
		}
	fprintf(stderr, "usage: flaw NAME\n");
	return 64;
}
