/* opening-v1 sections 2 and 3. */
#include <stdlib.h>
#include <string.h>

#include "base/der.h"
#include "base/json.h"
#include "policy/opening.h"
#include "policy/statement.h"

static const uint8_t signed_data[] = { DER_OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02 };
static const uint8_t version_1[] = { DER_INTEGER, 1, 1 };
static const uint8_t digests[] = { DER_SET, 13, DER_SEQUENCE, 11,
    DER_OID, 9, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01 };
static const uint8_t data[] = { DER_OID, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };

void
opening_done(struct opening *o)
{
	free(o->part);
	o->part = NULL;
	o->n_parts = 0;
}

/* --- writing ------------------------------------------------------------------------- */

static bool
part_fits(const struct opened_part *p)
{
	return is_ident(p->name, PART_NAME_MAX) && p->first <= p->last && p->bytes > 0 && p->bytes <= INT64_MAX;
}

static void
put_part(const struct opened_part *p, struct buf *out)
{
	char	id[HEX_BYTES(ARTIFACT_ID_BYTES)], hex[HEX_BYTES(SHA256_BYTES)];

	buf_printf(out, "{\"artifact\":\"%s\",\"part\":\"%s\",\"first\":%u,\"last\":%u,\"bytes\":%llu,\"sha256\":\"%s\"}",
	    hex_write(SPAN_OF(p->artifact), id), p->name, p->first, p->last, (unsigned long long)p->bytes,
	    hex_write(SPAN_OF(p->sha256), hex));
}

static void
put_bad(uint32_t bad, struct buf *out)
{
	const char	*comma = "";

	for (unsigned i = 0; i < CUSTODIANS_MAX; i++)
		if ((bad >> i & 1) != 0) {
			buf_printf(out, "%s%u", comma, i + 1);
			comma = ",";
		}
}

enum rc
opening_write(const struct opening *o, struct buf *json, struct err *err)
{
	char	a[HEX_BYTES(SHA256_BYTES)], b[HEX_BYTES(SHA256_BYTES)], c[HEX_BYTES(SHA256_BYTES)], t[WHEN_TEXT_BYTES];

	if (o->n_parts == 0 || o->opened > WHEN_MAX || (uint64_t)o->bad >> CUSTODIANS_MAX != 0)
		return err_set(err, RC_USAGE, "opening note: no part, or a member out of its range");
	buf_printf(json, "{\"opening\":1,\"genesis\":\"%s\",\"order\":\"%s\",\"package\":\"%s\",\"opened\":\"%s\",\"parts\":[",
	    hex_write(SPAN_OF(o->genesis), a), hex_write(SPAN_OF(o->order), b), hex_write(SPAN_OF(o->package), c),
	    when_write(o->opened, t));
	for (uint32_t i = 0; i < o->n_parts && json->rc == RC_OK; i++) {
		if (!part_fits(&o->part[i]))
			return err_set(err, RC_USAGE, "opening note: part %u is out of range", i);
		if (i > 0)
			buf_u8(json, ',');
		put_part(&o->part[i], json);
	}
	buf_printf(json, "],\"bad\":[");
	put_bad(o->bad, json);
	buf_printf(json, "]}");
	return buf_check(json, "opening note", err);
}

/* --- reading ------------------------------------------------------------------------- */

static enum rc
read_part(const json_t *v, struct opened_part *p, struct err *err)
{
	struct jobj	o = jobj_init(v, "opening note: part", err);

	jobj_hex(&o, "artifact", p->artifact, sizeof(p->artifact));
	(void)snprintf(p->name, sizeof(p->name), "%s", jobj_str(&o, "part", 1, PART_NAME_MAX));
	p->first = (uint32_t)jobj_uint(&o, "first", 0, UINT32_MAX);
	p->last = (uint32_t)jobj_uint(&o, "last", 0, UINT32_MAX);
	p->bytes = jobj_uint(&o, "bytes", 1, INT64_MAX);
	jobj_hex(&o, "sha256", p->sha256, sizeof(p->sha256));
	if (o.rc == RC_OK && !part_fits(p))
		jobj_fail(&o, "a name or a range that no part has");
	return jobj_done(&o);
}

/* Two of the same could say two things of one part. */
static bool
ascends(const struct opened_part *a, const struct opened_part *b)
{
	int	ids = memcmp(a->artifact, b->artifact, sizeof(a->artifact));

	return ids < 0 || (ids == 0 && strcmp(a->name, b->name) < 0);
}

static enum rc
read_parts(const json_t *list, struct opening *o, struct err *err)
{
	size_t	n = json_array_size(list);

	if ((o->part = calloc(n, sizeof(*o->part))) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	for (o->n_parts = 0; o->n_parts < n; o->n_parts++) {
		struct opened_part	*p = &o->part[o->n_parts];

		TRY(read_part(json_array_get(list, o->n_parts), p, err));
		if (o->n_parts > 0 && !ascends(p - 1, p))
			return err_set(err, RC_FORMAT, "opening note: its parts are not in order");
	}
	return RC_OK;
}

static void
read_bad(struct jobj *o, const json_t *list, uint32_t *bad)
{
	for (size_t i = 0; o->rc == RC_OK && i < json_array_size(list); i++) {
		json_int_t	n = json_integer_value(json_array_get(list, i));

		if (n < 1 || n > CUSTODIANS_MAX || *bad >> (n - 1) != 0)
			jobj_fail(o, "\"bad\" is not a list of custodians in order");
		else
			*bad |= UINT32_C(1) << (n - 1);
	}
}

static enum rc
read_members(const json_t *v, struct opening *ret, struct err *err)
{
	struct jobj	o = jobj_init(v, "opening note", err);
	const json_t	*parts;

	(void)jobj_uint(&o, "opening", 1, 1);
	jobj_hex(&o, "genesis", ret->genesis, SHA256_BYTES);
	jobj_hex(&o, "order", ret->order, SHA256_BYTES);
	jobj_hex(&o, "package", ret->package, SHA256_BYTES);
	ret->opened = jobj_when(&o, "opened");
	parts = jobj_arr(&o, "parts", 1, SCOPE_SEGMENTS_MAX);
	read_bad(&o, jobj_arr(&o, "bad", 0, CUSTODIANS_MAX), &ret->bad);
	TRY(jobj_done(&o));
	return read_parts(parts, ret, err);
}

enum rc
opening_read(struct span json, struct opening *ret, struct err *err)
{
	AUTO(json_decref) json_t *v = NULL;
	AUTO_DONE(opening_done) struct opening o = { .part = NULL };
	AUTO_DONE(buf_done) struct buf again = BUF_INIT(OPENING_BYTES_MAX);

	TRY(json_read(json, OPENING_BYTES_MAX, &v, err));
	TRY(read_members(v, &o, err));
	TRY(opening_write(&o, &again, err));
	if (!span_eq(buf_view(&again), json))
		return err_set(err, RC_FORMAT, "opening note: not in the one form it can have");
	*ret = o;
	o.part = NULL;
	return RC_OK;
}

/* --- the frame ------------------------------------------------------------------------- */

static bool
enter(struct rd *r, uint8_t tag, struct rd *ret)
{
	struct span	value;

	if (!der_take(r, tag, NULL, &value))
		return false;
	*ret = rd_init(value);
	return true;
}

/* EncapsulatedContentInfo */
static bool
read_content(struct rd *r, struct span *json)
{
	struct rd	content, octets;

	return enter(r, DER_SEQUENCE, &content) && rd_expect(&content, data, sizeof(data)) &&
	    enter(&content, DER_CONTEXT(0), &octets) && rd_done(&content) &&
	    der_take(&octets, DER_OCTETS, NULL, json) && rd_done(&octets);
}

/* The one element of a set. */
static bool
read_one(struct rd *r, uint8_t tag, struct span *ret)
{
	struct rd	set;

	return enter(r, tag, &set) && der_take(&set, DER_SEQUENCE, ret, NULL) && rd_done(&set);
}

static bool
read_frame(struct span der, struct opening_frame *ret)
{
	struct rd	r = rd_init(der), info, explicit, body;

	return enter(&r, DER_SEQUENCE, &info) && rd_done(&r) &&
	    rd_expect(&info, signed_data, sizeof(signed_data)) &&
	    enter(&info, DER_CONTEXT(0), &explicit) && rd_done(&info) &&
	    enter(&explicit, DER_SEQUENCE, &body) && rd_done(&explicit) &&
	    rd_expect(&body, version_1, sizeof(version_1)) && rd_expect(&body, digests, sizeof(digests)) &&
	    read_content(&body, &ret->json) && read_one(&body, DER_CONTEXT(0), &ret->certificate) &&
	    read_one(&body, DER_SET, &ret->signer) && rd_done(&body);
}

enum rc
opening_frame(struct span der, struct opening_frame *ret, struct err *err)
{
	struct opening_frame	f;

	if (der.n > OPENING_BYTES_MAX)
		return err_set(err, RC_LIMIT, "opening note: %zu bytes, at most %u", der.n, OPENING_BYTES_MAX);
	if (!read_frame(der, &f) || f.certificate.n > RECIPIENT_CERT_MAX)
		return err_set(err, RC_FORMAT, "opening note: not a signed message with one certificate and one signer");
	*ret = f;
	return RC_OK;
}

enum rc
opening_parse(struct span der, struct opening *ret, uint8_t ret_certificate[SHA256_BYTES], struct err *err)
{
	struct opening_frame	f;

	TRY(opening_frame(der, &f, err));
	TRY(opening_read(f.json, ret, err));
	sha256_one(ret_certificate, f.certificate);
	return RC_OK;
}
