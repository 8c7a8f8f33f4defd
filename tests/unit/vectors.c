#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/vectors.h"

#define FILE_MAX	((size_t)32 << 20)

static FILE *
open_vectors(const char *name)
{
	const char	*dir = getenv("QUORATE_VECTORS");
	char		 path[1024];

	(void)snprintf(path, sizeof(path), "%s/%s", dir == NULL ? "../shared/vectors" : dir, name);
	return fopen(path, "rb");
}

bool
vectors_read(const char *name, struct buf *out)
{
	FILE	*f = open_vectors(name);
	char	 part[4096];
	size_t	 n;

	if (f == NULL) {
		printf("skipped: vectors %s are not here\n", name);
		return false;
	}
	buf_done(out);
	*out = BUF_INIT(FILE_MAX);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(out, part, n);
	if (ferror(f) || out->rc != RC_OK)
		abort();
	fclose(f);
	return true;
}

json_t *
vectors_json(const char *name)
{
	struct buf	 b = BUF_INIT(0);
	json_error_t	 e;
	json_t		*v;

	if (!vectors_read(name, &b))
		return NULL;
	v = json_loadb((const char *)b.p, b.n, 0, &e);
	if (v == NULL)
		abort();
	buf_done(&b);
	return v;
}

void
unhex(const char *text, uint8_t *out, size_t n)
{
	if (!hex_parse(span_str(text), out, n)) {
		fprintf(stderr, "no %zu bytes of hex: %s\n", n, text == NULL ? "(absent)" : text);
		abort();
	}
}

void
vectors_hex(const json_t *obj, const char *name, uint8_t *out, size_t n)
{
	unhex(json_string_value(json_object_get(obj, name)), out, n);
}
