#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/own.h"

#define FILE_MAX	((size_t)1 << 20)

static void
need(bool ok, const char *where, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "tests/vectors: %s: %s\n", where, what);
	abort();
}

static void
load(const char *path, struct own *v)
{
	FILE	*f = fopen(path, "rb");
	char	*line, *save = NULL, *colon;
	size_t	 n;

	need(f != NULL, path, "cannot open");
	v->text = malloc(FILE_MAX + 1);
	need(v->text != NULL, path, "no memory left");
	n = fread(v->text, 1, FILE_MAX, f);
	need(n < FILE_MAX && fclose(f) == 0, path, "cannot read");
	v->text[n] = '\0';
	v->n = 0;
	for (line = strtok_r(v->text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		colon = strstr(line, ": ");
		need(colon != NULL && v->n < OWN_LINES, path, line);
		*colon = '\0';
		v->line[v->n].key = line;
		v->line[v->n++].value = colon + 2;
	}
}

bool
own_elsewhere(void)
{
	return getenv("OWN_VECTORS") != NULL;
}

size_t
own_each(const char *spec, void (*fn)(const struct own *v))
{
	static struct own	v;
	const char		*dir = own_elsewhere() ? getenv("OWN_VECTORS") : "tests/vectors";
	char			path[1024];
	struct dirent		*e;
	size_t			len, count = 0;
	DIR			*d;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, spec);
	d = opendir(path);
	need(d != NULL, path, "not here: run the tests at the root of the repository");
	while ((e = readdir(d)) != NULL) {
		len = strlen(e->d_name);
		if (len < 5 || strcmp(e->d_name + len - 4, ".txt") != 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s/%s", dir, spec, e->d_name);
		need(len - 4 < sizeof(v.name), path, "name too long");
		memcpy(v.name, e->d_name, len - 4);
		v.name[len - 4] = '\0';
		load(path, &v);
		fn(&v);
		free(v.text);
		count++;
	}
	closedir(d);
	return count;
}

const char *
own_text(const struct own *v, const char *key, size_t i)
{
	size_t	at;

	for (at = 0; at < v->n; at++)
		if (strcmp(v->line[at].key, key) == 0 && i-- == 0)
			return v->line[at].value;
	return NULL;
}

size_t
own_count(const struct own *v, const char *key)
{
	size_t	n = 0;

	while (own_text(v, key, n) != NULL)
		n++;
	return n;
}

void
own_hex(const struct own *v, const char *key, size_t i, uint8_t *out, size_t n)
{
	need(hex_parse(span_str(own_text(v, key, i)), out, n), v->name, key);
}

size_t
own_bytes(const struct own *v, const char *key, uint8_t *out, size_t max)
{
	struct span	text = span_str(own_text(v, key, 0));

	need(own_text(v, key, 0) != NULL && text.n / 2 <= max && hex_parse(text, out, text.n / 2),
	    v->name, key);
	return text.n / 2;
}

enum rc
own_expect(const struct own *v)
{
	const char	*word = own_text(v, "expect", 0);
	int		 rc;

	need(word != NULL, v->name, "no expect");
	for (rc = RC_OK; rc <= RC_BUG; rc++)
		if (strcmp(rc_name((enum rc)rc), word) == 0)
			return (enum rc)rc;
	need(false, v->name, word);
	return RC_BUG;
}
