#include "evidence/jsonld.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include "evidence/markup.h"

#define LD_NAME_MAX	256

char *
ld_id(const struct ld *w, char ret[LD_ID_BYTES], const char *fmt, ...)
{
	static const uint8_t	urls[16] = { 0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0,
	    0x4f, 0xd4, 0x30, 0xc8 };
	char			name[LD_NAME_MAX], hex[HEX_BYTES(16)];
	uint8_t			bytes[16 + LD_NAME_MAX], digest[EVP_MAX_MD_SIZE] = { 0 };
	int			n;
	va_list			ap;

	n = snprintf(name, sizeof(name), "https://quorate.example/custody/v1/%s/%s/", w->genesis, w->order);
	va_start(ap, fmt);
	n += vsnprintf(name + n, sizeof(name) - (size_t)n, fmt, ap);
	va_end(ap);
	memcpy(bytes, urls, sizeof(urls));
	memcpy(bytes + 16, name, (size_t)n);
	/* It names things and proves nothing: RFC 9562 wants SHA-1. */
	if (EVP_Digest(bytes, 16 + (size_t)n, digest, NULL, EVP_sha1(), NULL) != 1)
		w->out->rc = RC_NOMEM;
	digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x50);
	digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80);
	hex_write(SPAN(digest, 16), hex);
	(void)snprintf(ret, LD_ID_BYTES, "kb:%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
	return ret;
}

void
ld_open(struct ld *w, const char *id, const char *type)
{
	buf_printf(w->out, "%s{\"@id\":\"%s\",\"@type\":\"%s\"", w->more ? ",\n" : "", id, type);
	w->more = true;
}

void
ld_close(struct ld *w)
{
	buf_printf(w->out, "}");
}

void
ld_text(struct ld *w, const char *name, const char *text)
{
	buf_printf(w->out, ",\"%s\":", name);
	markup_json(w->out, text);
}

void
ld_typed(struct ld *w, const char *name, const char *type, const char *value)
{
	buf_printf(w->out, ",\"%s\":{\"@type\":\"xsd:%s\",\"@value\":\"%s\"}", name, type, value);
}

void
ld_number(struct ld *w, const char *name, uint64_t value)
{
	char	text[24];

	(void)snprintf(text, sizeof(text), "%" PRIu64, value);
	ld_typed(w, name, "integer", text);
}

void
ld_time(struct ld *w, const char *name, when t)
{
	char	text[WHEN_TEXT_BYTES];

	ld_typed(w, name, "dateTime", when_write(t, text));
}

/* A list of references. */
void
ld_list(struct ld *w, const char *name)
{
	buf_printf(w->out, ",\"%s\":[", name);
}

void
ld_item(struct ld *w, bool *more, const char *id)
{
	buf_printf(w->out, "%s{\"@id\":\"%s\"}", *more ? "," : "", id);
	*more = true;
}

void
ld_list_end(struct ld *w)
{
	buf_printf(w->out, "]");
}

void
ld_one(struct ld *w, const char *name, const char *id)
{
	buf_printf(w->out, ",\"%s\":{\"@id\":\"%s\"}", name, id);
}
