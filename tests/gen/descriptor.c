/*
 * tests/gen/descriptor.c - vectors of descriptor-v1 and scope-v1.
 */
#include <string.h>

#include <sodium.h>

#include "base/wire.h"
#include "policy/scope.h"
#include "tests/gen/lib/vector.h"

static const char	*out_dir;

static void
number(struct vector_out *v, const char *key, uint64_t n, size_t bytes)
{
	uint8_t	b[8];

	for (size_t i = 0; i < bytes; i++)
		b[i] = (uint8_t)(n >> 8 * (bytes - 1 - i));
	vector_hex(v, key, SPAN(b, bytes));
}

/* --- descriptor-v1 ------------------------------------------------------------ */

static void
commitments(struct descriptor *d, uint8_t threshold, uint8_t shares)
{
	uint8_t	h[64];

	d->shares = shares;
	d->commits.threshold = threshold;
	for (uint8_t i = 0; i < threshold; i++) {
		vector_seed("commitment", i, h, sizeof(h));
		vector_need(crypto_core_ristretto255_from_hash(d->commits.point[i], h) == 0, "point");
	}
}

static void
part(struct descriptor *d, const char *name, uint64_t length, uint8_t segment_log2)
{
	struct part	*p = &d->part[d->n_parts];

	(void)snprintf(p->name, sizeof(p->name), "%s", name);
	p->length = length;
	p->segment_log2 = segment_log2;
	vector_seed("root", d->n_parts++, p->root, sizeof(p->root));
}

static struct descriptor
good(void)
{
	struct descriptor	d = { .sealed_at = 1795341600, .time_lock = 1795345200 };

	vector_seed("artifact", 0, d.id, sizeof(d.id));
	vector_seed("policy", 0, d.policy, sizeof(d.policy));
	vector_seed("record", 0, d.record, sizeof(d.record));
	(void)snprintf(d.class_id, sizeof(d.class_id), "standard");
	commitments(&d, 2, 3);
	part(&d, "image", 70000, 16);
	part(&d, "prompt", 1, 24);
	return d;
}

static void
fields(struct vector_out *v, const struct descriptor *d)
{
	struct buf	msg = BUF_INIT(LABEL_MSG_MAX);
	uint8_t		genesis[SHA256_BYTES];

	vector_hex(v, "id", SPAN_OF(d->id));
	vector_hex(v, "policy", SPAN_OF(d->policy));
	vector_text(v, "class", d->class_id);
	number(v, "sealed_at", d->sealed_at, 8);
	number(v, "time_lock", d->time_lock, 8);
	number(v, "shares", d->shares, 1);
	for (size_t i = 0; i < d->commits.threshold; i++)
		vector_hex(v, "commitment", SPAN_OF(d->commits.point[i]));
	vector_hex(v, "record", SPAN_OF(d->record));
	for (size_t i = 0; i < d->n_parts; i++) {
		vector_text(v, "name", d->part[i].name);
		number(v, "length", d->part[i].length, 8);
		number(v, "segment_log2", d->part[i].segment_log2, 1);
		vector_hex(v, "root", SPAN_OF(d->part[i].root));
	}
	vector_seed("genesis", 0, genesis, sizeof(genesis));
	vector_hex(v, "genesis", SPAN_OF(genesis));
	number(v, "segment", 0x01020304, 4);
	label_msg(genesis, d->id, d->part[0].name, 0x01020304, &msg);
	vector_hex(v, "label_message", buf_view(&msg));
	buf_done(&msg);
}

static void
raw(const char *name, const char *expect, const char *comment, struct span bytes)
{
	struct vector_out	v = vector_open(out_dir, "descriptor-v1", name, expect, comment);

	vector_hex(&v, "descriptor", bytes);
	vector_close(&v);
}

static void
passes(const char *name, const char *comment, const struct descriptor *d)
{
	struct vector_out	v = vector_open(out_dir, "descriptor-v1", name, "ok", comment);
	struct buf		b = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct descriptor	again;

	descriptor_write(d, &b);
	vector_need(descriptor_parse(buf_view(&b), &again, NULL) == RC_OK, name);
	vector_hex(&v, "descriptor", buf_view(&b));
	fields(&v, d);
	vector_close(&v);
	buf_done(&b);
}

static void
fails(const char *name, const char *comment, const struct descriptor *d)
{
	struct buf	b = BUF_INIT(DESCRIPTOR_BYTES_MAX);

	descriptor_write(d, &b);
	raw(name, "format", comment, buf_view(&b));
	buf_done(&b);
}

/* Everything at its largest: 31-of-31 and 16 parts with long names. */
static struct descriptor
largest(void)
{
	struct descriptor	d = good();
	char			name[PART_NAME_MAX + 1];

	commitments(&d, 31, 31);
	d.sealed_at = d.time_lock = WHEN_MAX;
	d.n_parts = 0;
	memset(d.class_id, 'z', CLASS_NAME_MAX);
	for (unsigned i = 0; i < PARTS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "a._-%028u", i);
		part(&d, name, PART_LENGTH_MAX, SEGMENT_LOG2_MAX);
	}
	return d;
}

static void
bad_numbers(void)
{
	struct descriptor	d = good();

	commitments(&d, 1, 3);
	fails("threshold_one", "1-of-n is a copy", &d);
	d = good();
	commitments(&d, 4, 3);
	fails("threshold_above_shares", "4-of-3", &d);
	d = good();
	d.shares = 32;
	fails("shares_32", "there are at most 31 custodians", &d);
	d = good();
	memset(d.commits.point[1], 0, SHAMIR_POINT_BYTES);
	fails("commitment_identity", "the identity is no commitment", &d);
	d = good();
	memset(d.commits.point[1], 0xff, SHAMIR_POINT_BYTES);
	fails("commitment_no_point", "not a canonical encoding", &d);
	d = good();
	d.sealed_at = WHEN_MAX + 1;
	fails("sealed_10000", "the year 10000", &d);
	d = good();
	d.time_lock = WHEN_MAX + 1;
	fails("time_lock_10000", "the year 10000", &d);
	d = good();
	d.part[0].length = 0;
	fails("length_zero", "an empty part", &d);
	d.part[0].length = PART_LENGTH_MAX + 1;
	fails("length_too_large", "a byte above 2^44", &d);
	d = good();
	d.part[0].segment_log2 = 15;
	fails("segments_too_small", "segments smaller than a chunk", &d);
	d.part[0].segment_log2 = 31;
	fails("segments_too_large", "segments of 2 GiB", &d);
}

static void
bad_names(void)
{
	struct descriptor	d = good();

	d.class_id[0] = '\0';
	fails("class_empty", "a class without a name", &d);
	d = good();
	d.class_id[0] = 'S';
	fails("class_upper_case", "an upper-case letter", &d);
	d = good();
	d.part[0].name[0] = '.';
	fails("name_dot_first", "a name that begins with a dot", &d);
	d = good();
	d.part[0].name[2] = '/';
	fails("name_slash", "a name with a slash", &d);
	d = good();
	d.n_parts = 0;
	part(&d, "prompt", 1, 24);
	part(&d, "image", 1, 24);
	fails("names_order", "parts are not in ascending order", &d);
	d.n_parts = 0;
	part(&d, "image", 1, 24);
	part(&d, "image", 1, 24);
	fails("names_twice", "a part twice", &d);
	d.n_parts = 0;
	fails("parts_none", "no part", &d);
}

static void
bad_bytes(void)
{
	struct descriptor	d = good();
	struct buf		b = BUF_INIT(DESCRIPTOR_BYTES_MAX + 100);

	descriptor_write(&d, &b);
	raw("truncated", "format", "the last byte is missing", SPAN(b.p, b.n - 1));
	b.p[0] = 2;
	raw("version", "format", "another version", buf_view(&b));
	b.p[0] = 1;
	b.p[51] = 0;
	raw("class_nul", "format", "a zero byte in a name", buf_view(&b));
	b.p[51] = 't';
	buf_u8(&b, 0);
	raw("trailing", "format", "a byte after the end", buf_view(&b));
	buf_done(&b);

	/* One part more than there may be: descriptor_write would not do it. */
	d = largest();
	b = BUF_INIT(DESCRIPTOR_BYTES_MAX + 100);
	descriptor_write(&d, &b);
	b.p[b.n - PARTS_MAX * (1 + PART_NAME_MAX + 8 + 1 + SHA256_BYTES) - 1]++;
	buf_vec8(&b, SPAN_STR("b"));
	buf_u64(&b, 1);
	buf_u8(&b, 16);
	buf_add(&b, d.part[0].root, SHA256_BYTES);
	raw("parts_17", "format", "a part too many", buf_view(&b));
	buf_done(&b);
}

/* --- scope-v1 ------------------------------------------------------------------- */

struct range {
	uint8_t		id;		/* each byte of the artifact's */
	const char	*name;
	uint32_t	first, last;
};

static void
put_scope(const struct range *r, size_t n, uint16_t artifacts, struct buf *out)
{
	uint8_t	id[ARTIFACT_ID_BYTES];

	buf_u8(out, 1);
	buf_u16(out, artifacts);
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i; j < n && r[j].id == r[i].id && (j == i || r[j].name != r[i].name); j++)
			;
		memset(id, r[i].id, sizeof(id));
		buf_add(out, id, sizeof(id));
		buf_u8(out, (uint8_t)(j - i));
		for (size_t k = i; k < j; k++) {
			buf_vec8(out, span_str(r[k].name));
			buf_u32(out, r[k].first);
			buf_u32(out, r[k].last);
		}
	}
}

static enum rc
put_segment(void *user, uint32_t at, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, struct err *err)
{
	struct buf	b = BUF_INIT(ARTIFACT_ID_BYTES + 1 + PART_NAME_MAX + 4);

	(void)at;
	(void)err;
	buf_add(&b, a->id, sizeof(a->id));
	buf_vec8(&b, span_str(p->name));
	buf_u32(&b, segment);
	vector_hex(user, "segment", buf_view(&b));
	buf_done(&b);
	return RC_OK;
}

static void
scope_file(const char *name, const char *expect, const char *comment, struct span bytes)
{
	struct vector_out	v = vector_open(out_dir, "scope-v1", name, expect, comment);
	struct scope		s;

	vector_hex(&v, "scope", bytes);
	if (strcmp(expect, "ok") == 0) {
		vector_need(scope_parse(bytes, &s, NULL) == RC_OK, name);
		number(&v, "segments", s.n_segments, 8);
		if (s.n_segments < 100)
			vector_need(scope_each(&s, put_segment, &v, NULL) == RC_OK, name);
		scope_done(&s);
	}
	vector_close(&v);
}

static void
scope_rows(void)
{
	/* An artifact ends where the id changes, or the very same name comes again. */
	static const char	image[] = "image", prompt[] = "prompt", again[] = "image", upper[] = "Image";
	static const struct {
		const char	*name, *expect, *comment;
		uint16_t	 artifacts;
		size_t		 n;
		struct range	 r[3];
	} rows[] = {
		{ "good", "ok", "two artifacts", 2, 3,
		    { { 1, image, 2, 4 }, { 1, prompt, 0, 0 }, { 2, image, UINT32_MAX, UINT32_MAX } } },
		{ "most", "ok", "as many segments as may be", 1, 2, { { 1, image, 7, 8197 }, { 1, prompt, 0, 0 } } },
		{ "too_many", "limit", "a segment more than that", 1, 2, { { 1, image, 7, 8198 }, { 1, prompt, 0, 0 } } },
		{ "everything", "limit", "2^32 segments", 1, 1, { { 1, image, 0, UINT32_MAX } } },
		{ "backwards", "format", "a range that ends before it begins", 1, 1, { { 1, image, 1, 0 } } },
		{ "artifacts_order", "format", "artifacts are not in ascending order", 2, 2,
		    { { 2, image, 0, 0 }, { 1, image, 0, 0 } } },
		{ "artifacts_twice", "format", "an artifact twice", 2, 2, { { 1, image, 0, 0 }, { 1, image, 1, 1 } } },
		{ "parts_order", "format", "parts are not in ascending order", 1, 2,
		    { { 1, prompt, 0, 0 }, { 1, image, 0, 0 } } },
		{ "parts_twice", "format", "a part twice", 1, 2, { { 1, image, 0, 0 }, { 1, again, 2, 2 } } },
		{ "name_upper_case", "format", "an upper-case letter", 1, 1, { { 1, upper, 0, 0 } } },
		{ "name_empty", "format", "a part without a name", 1, 1, { { 1, "", 0, 0 } } },
		{ "artifacts_none", "format", "no artifact", 0, 0, { { 0, NULL, 0, 0 } } },
		{ "artifacts_fewer", "format", "fewer artifacts than the head says", 2, 1, { { 1, image, 0, 0 } } },
		{ "artifacts_more", "format", "an artifact after the end", 1, 2, { { 1, image, 0, 0 }, { 2, image, 0, 0 } } },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf	b = BUF_INIT(SCOPE_BYTES_MAX);

		put_scope(rows[i].r, rows[i].n, rows[i].artifacts, &b);
		scope_file(rows[i].name, rows[i].expect, rows[i].comment, buf_view(&b));
		buf_done(&b);
	}
}

static void
scope_bytes(void)
{
	static const struct range	one = { 1, "image", 0, 0 };
	static const uint8_t		none[] = { 1, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0 };
	struct buf			b = BUF_INIT(SCOPE_BYTES_MAX);

	put_scope(&one, 1, 1, &b);
	scope_file("truncated", "format", "the last byte is missing", SPAN(b.p, b.n - 1));
	b.p[0] = 2;
	scope_file("version", "format", "another version", buf_view(&b));
	scope_file("parts_none", "format", "an artifact without parts", SPAN_OF(none));
	buf_done(&b);
}

int
main(int argc, char **argv)
{
	struct descriptor	d;

	vector_need(argc == 2, "usage: descriptor DIRECTORY");
	vector_need(secret_init(NULL) == RC_OK, "no locked memory");
	out_dir = argv[1];
	d = good();
	passes("good", "2-of-3, two parts", &d);
	d.time_lock = 0;
	passes("no_time_lock", "0 is no time lock", &d);
	d = largest();
	passes("largest", "31-of-31, 16 parts, the longest names", &d);
	bad_numbers();
	bad_names();
	bad_bytes();
	scope_rows();
	scope_bytes();
	return 0;
}
