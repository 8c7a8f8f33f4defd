/* tests/system/hunt/needle.c - what is looked for; part of tests/system/hunt.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/edge.h"

#define NEEDLES_MAX	65536
#define NEEDLE_MIN	6
#define NEEDLE_MAX	128
#define KINDS_MAX	256

struct needle {
	uint8_t		p[NEEDLE_MAX];
	uint16_t	n, kind;
	const char	*form;
};

static struct needle		*needle;
static size_t			 n_needles;
static char			 kind[KINDS_MAX][48];
static size_t			 n_kinds;
static uint8_t			 begins[65536];		/* some needle begins with these two bytes */

static bool
kind_of(const char *word, uint16_t *ret)
{
	size_t	i;

	for (i = 0; i < n_kinds && strcmp(kind[i], word) != 0; i++)
		;
	if (i == KINDS_MAX)
		return false;
	if (i == n_kinds)
		(void)snprintf(kind[n_kinds++], sizeof(kind[0]), "%s", word);
	*ret = (uint16_t)i;
	return true;
}

static bool
add_needle(struct span bytes, uint16_t of, const char *form)
{
	struct needle	*w = &needle[n_needles];

	if (n_needles == NEEDLES_MAX || bytes.n < NEEDLE_MIN || bytes.n > NEEDLE_MAX)
		return false;
	memcpy(w->p, bytes.p, bytes.n);
	w->n = (uint16_t)bytes.n;
	w->kind = of;
	w->form = form;
	begins[w->p[0] << 8 | w->p[1]] = 1;
	n_needles++;
	return true;
}

static bool
read_needles(FILE *in)
{
	char		line[2 * NEEDLE_MAX + 64], word[48], hex[2 * NEEDLE_MAX + 1];
	uint8_t		bytes[NEEDLE_MAX];
	uint16_t	of;
	size_t		n;

	n_needles = n_kinds = 0;
	needle = calloc(NEEDLES_MAX, sizeof(*needle));
	while (needle != NULL && fgets(line, sizeof(line), in) != NULL) {
		if (sscanf(line, "%47s %256s", word, hex) != 2)
			return false;
		n = strlen(hex) / 2;
		if (!hex_parse(span_str(hex), bytes, n) || !kind_of(word, &of) || !add_needle(SPAN(bytes, n), of, "raw"))
			return false;
	}
	return n_needles > 0;
}

static const struct needle *
needle_at(const uint8_t *p, size_t n, size_t from)
{
	if (!begins[p[0] << 8 | p[1]])
		return NULL;
	for (size_t i = from; i < n_needles; i++)
		if (needle[i].n <= n && memcmp(needle[i].p, p, needle[i].n) == 0)
			return &needle[i];
	return NULL;
}
