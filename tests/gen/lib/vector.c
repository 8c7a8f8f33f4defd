#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "tests/gen/lib/vector.h"

void
vector_need(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "vectors: %s\n", what);
	exit(1);
}

struct vector_out
vector_open(const char *dir, const char *spec, const char *name, const char *expect, const char *comment)
{
	struct vector_out	v;
	char			path[1024];

	(void)mkdir(dir, 0777);			/* there already, or fopen() says what is wrong */
	(void)snprintf(path, sizeof(path), "%s/%s", dir, spec);
	(void)mkdir(path, 0777);
	(void)snprintf(path, sizeof(path), "%s/%s/%s.txt", dir, spec, name);
	v.f = fopen(path, "w");
	vector_need(v.f != NULL, path);
	vector_text(&v, "expect", expect);
	vector_text(&v, "comment", comment);
	return v;
}

void
vector_text(struct vector_out *v, const char *key, const char *value)
{
	vector_need(fprintf(v->f, "%s: %s\n", key, value) > 0, key);
}

void
vector_hex(struct vector_out *v, const char *key, struct span value)
{
	char	*text = malloc(HEX_BYTES(value.n));

	vector_need(text != NULL, "no memory left");
	vector_text(v, key, hex_write(value, text));
	free(text);
}

void
vector_close(struct vector_out *v)
{
	vector_need(fclose(v->f) == 0, "cannot write");
}

void
vector_seed(const char *name, uint32_t number, uint8_t *out, size_t n)
{
	char	text[256];
	uint8_t	h[64];

	vector_need(n <= sizeof(h), "seed too long");
	(void)snprintf(text, sizeof(text), "quorate vectors: %s %u", name, number);
	(void)crypto_hash_sha512(h, (const uint8_t *)text, strlen(text));	/* always 0 */
	memcpy(out, h, n);
}
