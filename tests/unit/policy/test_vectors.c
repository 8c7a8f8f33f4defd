/* Our own vectors: what descriptor-, scope-, statement- and charter-v1 promise to others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "policy/scope.h"
#include "policy/statement.h"
#include "tests/unit/own.h"

#define BYTES_MAX	((size_t)512 << 10)

static void
verdict(const struct own *v, enum rc is)
{
	if (is != own_expect(v))
		fail_msg("%s: %s, expected %s", v->name, rc_name(is), rc_name(own_expect(v)));
}

/* The bytes under `key`, in a heap block of their size. */
static struct span
bytes(const struct own *v, const char *key)
{
	uint8_t	*big = malloc(BYTES_MAX), *p;
	size_t	 n;

	assert_non_null(big);
	n = own_bytes(v, key, big, BYTES_MAX);
	p = malloc(n + (n == 0));
	assert_non_null(p);
	memcpy(p, big, n);
	free(big);
	return SPAN(p, n);
}

static void
release(struct span s)
{
	free((void *)(uintptr_t)s.p);
}

static void
check_hex(const struct own *v, const char *key, size_t at, struct span is)
{
	char		*text = malloc(HEX_BYTES(is.n));
	const char	*want = own_text(v, key, at);

	assert_non_null(text);
	if (want == NULL || strcmp(hex_write(is, text), want) != 0)
		fail_msg("%s: %s %zu is %s, not %s", v->name, key, at, text, want);
	free(text);
}

static void
check_number(const struct own *v, const char *key, size_t at, uint64_t n, size_t width)
{
	uint8_t	b[8];

	for (size_t i = 0; i < width; i++)
		b[i] = (uint8_t)(n >> 8 * (width - 1 - i));
	check_hex(v, key, at, SPAN(b, width));
}

/* --- descriptor-v1 ------------------------------------------------------ */

static void
check_label_msg(const struct own *v, const struct descriptor *d)
{
	struct buf	b = BUF_INIT(LABEL_MSG_MAX);
	uint8_t		genesis[SHA256_BYTES], segment[4];

	own_hex(v, "genesis", 0, genesis, sizeof(genesis));
	own_hex(v, "segment", 0, segment, sizeof(segment));
	label_msg(genesis, d->id, d->part[0].name, (uint32_t)segment[0] << 24 | (uint32_t)segment[1] << 16 |
	    (uint32_t)segment[2] << 8 | segment[3], &b);
	check_hex(v, "label_message", 0, buf_view(&b));
	buf_done(&b);
}

static void
check_fields(const struct own *v, const struct descriptor *d)
{
	check_hex(v, "id", 0, SPAN_OF(d->id));
	check_hex(v, "policy", 0, SPAN_OF(d->policy));
	assert_string_equal(d->class_id, own_text(v, "class", 0));
	check_number(v, "sealed_at", 0, d->sealed_at, 8);
	check_number(v, "time_lock", 0, d->time_lock, 8);
	check_number(v, "shares", 0, d->shares, 1);
	assert_int_equal(d->commits.threshold, own_count(v, "commitment"));
	for (size_t i = 0; i < d->commits.threshold; i++)
		check_hex(v, "commitment", i, SPAN_OF(d->commits.point[i]));
	check_hex(v, "record", 0, SPAN_OF(d->record));
	assert_int_equal(d->n_parts, own_count(v, "name"));
	for (size_t i = 0; i < d->n_parts; i++) {
		assert_string_equal(d->part[i].name, own_text(v, "name", i));
		check_number(v, "length", i, d->part[i].length, 8);
		check_number(v, "segment_log2", i, d->part[i].segment_log2, 1);
		check_hex(v, "root", i, SPAN_OF(d->part[i].root));
	}
}

static void
check_descriptor(const struct own *v)
{
	struct span		in = bytes(v, "descriptor");
	struct buf		again = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct descriptor	d;

	verdict(v, descriptor_parse(in, &d, NULL));
	if (own_expect(v) == RC_OK) {
		check_fields(v, &d);
		check_label_msg(v, &d);
		descriptor_write(&d, &again);
		check_hex(v, "descriptor", 0, buf_view(&again));
	}
	buf_done(&again);
	release(in);
}

/* --- scope-v1 ------------------------------------------------------------ */

static enum rc
check_segment(void *user, uint32_t at, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, struct err *err)
{
	struct buf	b = BUF_INIT(ARTIFACT_ID_BYTES + 1 + PART_NAME_MAX + 4);

	(void)err;
	buf_add(&b, a->id, sizeof(a->id));
	buf_vec8(&b, span_str(p->name));
	buf_u32(&b, segment);
	check_hex(user, "segment", at, buf_view(&b));
	buf_done(&b);
	return RC_OK;
}

static void
check_scope(const struct own *v)
{
	struct span	in = bytes(v, "scope");
	struct buf	again = BUF_INIT(SCOPE_BYTES_MAX);
	struct scope	s;

	verdict(v, scope_parse(in, &s, NULL));
	if (own_expect(v) == RC_OK) {
		check_number(v, "segments", 0, s.n_segments, 8);
		if (own_text(v, "segment", 0) != NULL) {
			assert_int_equal(own_count(v, "segment"), s.n_segments);
			assert_int_equal(scope_each(&s, check_segment, (void *)(uintptr_t)v, NULL), RC_OK);
		}
		assert_int_equal(scope_write(&s, &again, NULL), RC_OK);
		check_hex(v, "scope", 0, buf_view(&again));
		scope_done(&s);
	}
	buf_done(&again);
	release(in);
}

/* --- statement-v1 -------------------------------------------------------- */

static enum rc
read_statement(const struct own *v, struct span in, struct dsse *d, struct statement *s)
{
	struct key	k;

	TRY(dsse_parse(in, d, NULL));
	TRY(statement_parse(d, s, NULL));
	assert_int_equal(key_parse(span_str(own_text(v, "key", 0)), &k, NULL), RC_OK);
	return dsse_signed_by(d, &k) ? RC_OK : RC_VERIFY;
}

static void
check_statement(const struct own *v)
{
	AUTO_DONE(dsse_done) struct dsse d = { 0 };
	AUTO_DONE(statement_done) struct statement s = { 0 };
	struct span	in = bytes(v, "envelope");

	verdict(v, read_statement(v, in, &d, &s));
	if (own_expect(v) == RC_OK) {
		assert_string_equal(statement_type_name(s.type), own_text(v, "type", 0));
		check_hex(v, "id", 0, SPAN_OF(s.id));
		check_hex(v, "subject", 0, SPAN_OF(s.subject));
		check_hex(v, "payload", 0, buf_view(&d.payload));
	}
	release(in);
}

static void
check_key(const struct own *v)
{
	struct key	k;
	uint8_t		id[KEY_ID_BYTES];

	verdict(v, key_parse(span_str(own_text(v, "key", 0)), &k, NULL));
	if (own_expect(v) == RC_OK) {
		key_id(&k, id);
		check_hex(v, "id", 0, SPAN_OF(id));
	}
}

static void
check_signed(const struct own *v)
{
	if (strcmp(own_text(v, "test", 0), "key") == 0)
		check_key(v);
	else
		check_statement(v);
}

/* --- charter-v1: the digest of a policy ---------------------------------- */

static enum rc
canonical(struct span in, struct buf *out)
{
	AUTO(json_decref) json_t *j = NULL;

	TRY(json_read(in, BYTES_MAX, &j, NULL));
	return json_canonical(j, out, NULL);
}

static void
check_policy(const struct own *v)
{
	struct span	in = bytes(v, "json");
	struct buf	b = BUF_INIT(BYTES_MAX);
	uint8_t		digest[SHA256_BYTES];

	verdict(v, canonical(in, &b));
	if (own_expect(v) == RC_OK) {
		check_hex(v, "canonical", 0, buf_view(&b));
		sha256_one(digest, buf_view(&b));
		check_hex(v, "digest", 0, SPAN_OF(digest));
	}
	buf_done(&b);
	release(in);
}

static void
run(const char *spec, void (*fn)(const struct own *v), size_t files)
{
	size_t	n = own_each(spec, fn);

	/* A vector that is not found fails nobody: count them. */
	if (!own_elsewhere())
		assert_int_equal(n, files);
}

static void
test_vectors(void **state)
{
	(void)state;
	run("descriptor-v1", check_descriptor, 26);
	run("scope-v1", check_scope, 17);
	run("statement-v1", check_signed, 94);
	run("charter-v1", check_policy, 15);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
