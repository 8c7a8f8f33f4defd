/*
 * Part of the evidence, of two artifacts in one package: the prompt of one, two segments of the
 * image of the other. What was not approved cannot be opened with anything in the package, nor
 * with any mixture of it. Invariants 1 and 4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "evidence/cms.h"
#include "evidence/keys.h"
#include "evidence/package_text.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/repack.h"
#include "tests/unit/evidence/world.h"

#define SEGMENTS	3	/* of the scope */
#define IMAGE_SEGMENTS	5
#define POINTS_MAX	64

/* Every segment that was sealed. */
static const struct piece { size_t artifact; const char *part; uint32_t segment; int number; } piece[] = {
	{ 0, "prompt", 0, 0 }, { 1, "image", 2, 1 }, { 1, "image", 3, 2 },	/* approved, in this order */
	{ 0, "image", 0, -1 }, { 0, "image", 1, -1 }, { 0, "image", 2, -1 }, { 0, "image", 3, -1 },
	{ 0, "image", 4, -1 }, { 1, "image", 0, -1 }, { 1, "image", 1, -1 }, { 1, "image", 4, -1 },
	{ 1, "prompt", 0, -1 },
};
#define PIECES	(sizeof(piece) / sizeof(piece[0]))

/* Whatever could be the point of a segment. */
struct points { size_t n; struct secret *point[POINTS_MAX]; };

static void
points_add(struct points *p, const uint8_t point[SHAMIR_POINT_BYTES])
{
	assert_true(p->n < POINTS_MAX);
	assert_non_null(p->point[p->n] = secret_new(SHAMIR_POINT_BYTES));
	memcpy(secret_bytes(p->point[p->n++]), point, SHAMIR_POINT_BYTES);
}

static void
points_done(struct points *p)
{
	while (p->n > 0)
		secret_free(p->point[--p->n]);
}

/* --- what the package says --------------------------------------------------------------- */

struct took { uint64_t prompt, image; };

static enum rc
take(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at, struct span plaintext,
    struct err *err)
{
	struct took	*t = user;
	bool		 image = strcmp(part->name, "image") == 0;

	(void)err;
	assert_int_equal(id[0], image);
	assert_true(!image || (at >= 2 * 65536 && at + plaintext.n <= 4 * 65536));
	for (size_t i = 0; i < plaintext.n; i++)
		assert_int_equal(plaintext.p[i], world_byte(part->name, at + i));
	*(image ? &t->image : &t->prompt) += plaintext.n;
	return RC_OK;
}

static void
opens_to_what_was_approved(struct world *w, struct memfile *f)
{
	struct package_report	r;
	struct took		t = { 0, 0 };
	struct err		err;

	if (package_open(memfile_read, f, f->b.n, WORLD_TRUST(w->net.genesis, w->net.now), w->net.recipient_key,
	    buf_view(&w->net.recipient), take, &t, &r, NULL, &err) != RC_OK)
		fail_msg("%s", err.msg);
	assert_int_equal(r.verdict, PACKAGE_VALID);
	assert_true(t.prompt == WORLD_PROMPT && t.image == 2 * 65536);
}

/* --- ciphertext ---------------------------------------------------------------------------- */

static enum rc
gather(void *user, struct span data, struct err *err)
{
	buf_span(user, data);
	return buf_check(user, "ciphertext", err);
}

static size_t
part_number(const struct world *w, const struct piece *p)
{
	size_t	n;

	assert_int_equal(envelope_part_number(w->artifact[p->artifact].envelope, p->part, &n, NULL), RC_OK);
	return n;
}

/* No stretch of a segment's ciphertext is anywhere in the file, whatever it is called. */
static void
only_approved_ciphertext(struct world *w, struct memfile *f)
{
	for (size_t i = 0; i < PIECES; i++) {
		struct buf	c = BUF_INIT((size_t)1 << 20);
		unsigned	found = 0;

		assert_int_equal(envelope_segment(w->artifact[piece[i].artifact].envelope, part_number(w, &piece[i]),
		    piece[i].segment, gather, &c, NULL), RC_OK);
		for (size_t at = 0; at + 16 <= c.n; at += c.n / 8 + 1)
			found += memmem(f->b.p, f->b.n, c.p + at, 16) != NULL;
		assert_int_equal(found > 0, piece[i].number >= 0);
		buf_done(&c);
	}
}

/* --- keys -------------------------------------------------------------------------------------- */

/* What cms_open() makes of a file of the package. */
static struct secret *
opened(struct world *w, const struct buf *cms)
{
	struct secret	*s = NULL;
	struct err	 err;

	if (cms_open(w->net.recipient_key, buf_view(&w->net.recipient), buf_view(cms), &s, &err) != RC_OK)
		fail_msg("%s", err.msg);
	return s;
}

/* Every 32 bytes of it, wherever they stand. */
static void
points_anywhere(const struct secret *s, size_t from, size_t step, struct points *ret)
{
	for (; from + SHAMIR_POINT_BYTES <= secret_len(s); from += step)
		points_add(ret, (const uint8_t *)secret_view(s) + from);
}

/* The product of (0 - x_j) / (x_i - x_j): what makes custodian i's share count. */
static void
lagrange(const uint8_t x[WORLD_ANSWERS], size_t i, uint8_t ret[SHAMIR_SCALAR_BYTES])
{
	uint8_t	xi[SHAMIR_SCALAR_BYTES] = { x[i] }, xj[SHAMIR_SCALAR_BYTES], d[SHAMIR_SCALAR_BYTES];

	memset(ret, 0, SHAMIR_SCALAR_BYTES);
	ret[0] = 1;
	for (size_t j = 0; j < WORLD_ANSWERS; j++) {
		if (j == i)
			continue;
		memset(xj, 0, sizeof(xj));
		xj[0] = x[j];
		crypto_core_ristretto255_scalar_sub(d, xj, xi);
		assert_int_equal(crypto_core_ristretto255_scalar_invert(d, d), 0);
		crypto_core_ristretto255_scalar_mul(ret, ret, xj);
		crypto_core_ristretto255_scalar_mul(ret, ret, d);
	}
}

/* Record r[i] of custodian i's contributions, combined without asking for any proof. */
static void
combine(struct secret *const answer[WORLD_ANSWERS], const size_t r[WORLD_ANSWERS], struct points *ret)
{
	struct shamir_contribution	c[WORLD_ANSWERS];
	uint8_t				x[WORLD_ANSWERS], l[SHAMIR_SCALAR_BYTES];
	uint8_t				term[SHAMIR_POINT_BYTES], sum[SHAMIR_POINT_BYTES] = { 0 };

	for (size_t i = 0; i < WORLD_ANSWERS; i++) {
		contributions_get(answer[i], (uint32_t)r[i], &c[i]);
		x[i] = c[i].index;
	}
	for (size_t i = 0; i < WORLD_ANSWERS; i++) {
		lagrange(x, i, l);
		assert_int_equal(crypto_scalarmult_ristretto255(term, l, c[i].point), 0);
		assert_int_equal(crypto_core_ristretto255_add(sum, sum, term), 0);
	}
	points_add(ret, sum);
}

/* Each custodian's answers alone, and each mixture of one of each. */
static void
points_of_answers(struct secret *const answer[WORLD_ANSWERS], struct points *ret)
{
	size_t	r[WORLD_ANSWERS];

	for (r[0] = 0; r[0] < SEGMENTS; r[0]++)
		for (r[1] = 0; r[1] < SEGMENTS; r[1]++)
			for (r[2] = 0; r[2] < SEGMENTS; r[2]++)
				combine(answer, r, ret);
	for (size_t i = 0; i < WORLD_ANSWERS; i++)
		for (uint32_t k = 0; k < SEGMENTS; k++) {
			struct shamir_contribution	c;

			contributions_get(answer[i], k, &c);
			points_add(ret, c.point);
		}
}

static void
points_of(struct world *w, struct memfile *f, struct points *ret)
{
	struct secret	*answer[WORLD_ANSWERS], *keys;
	struct repack	 r;
	size_t		 at;

	repack_open(&r, f);
	if (!w->direct) {
		keys = opened(w, repack_file(&r, NAME_KEYS));
		/* As many points as were approved, and nothing else. */
		assert_int_equal(secret_len(keys), KEYS_BYTES(SEGMENTS));
		points_anywhere(keys, KEYS_HEAD_BYTES, SHAMIR_POINT_BYTES, ret);
		secret_free(keys);
	} else {
		at = repack_starting(&r, NAME_MESSAGES);
		for (size_t i = 0; i < WORLD_ANSWERS; i++) {
			answer[i] = opened(w, &r.content[at + i]);
			assert_int_equal(secret_len(answer[i]), CONTRIBUTIONS_BYTES(SEGMENTS));
		}
		points_of_answers(answer, ret);
		for (size_t i = 0; i < WORLD_ANSWERS; i++)
			secret_free(answer[i]);
	}
	repack_done(&r);
}

static enum rc
one_point(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err)
{
	const struct secret	*point = user;

	(void)part;
	(void)segment;
	if ((*ret = secret_new(SHAMIR_POINT_BYTES)) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	memcpy(secret_bytes(*ret), secret_view(point), SHAMIR_POINT_BYTES);
	return RC_OK;
}

/* Who has the envelope too: how many of the points open this segment? */
static unsigned
opening(const struct world *w, const struct piece *p, const struct points *points)
{
	uint64_t	at = (uint64_t)p->segment * 65536;
	unsigned	n = 0;

	for (size_t i = 0; i < points->n; i++) {
		struct buf	out = BUF_INIT((size_t)1 << 20);
		enum rc		rc;

		rc = envelope_read(w->artifact[p->artifact].envelope, part_number(w, p), at, 1, one_point,
		    points->point[i], gather, &out, NULL);
		assert_true(rc == RC_OK || rc == RC_VERIFY);
		assert_int_equal(out.n, rc == RC_OK);
		n += rc == RC_OK;
		buf_done(&out);
	}
	return n;
}

static void
partial(const char *policy)
{
	static struct world	w;
	struct points		points = { .n = 0 };
	struct memfile		f;

	world_up_partial(&w, policy);
	assert_true(world_package(&w, &f));
	opens_to_what_was_approved(&w, &f);
	only_approved_ciphertext(&w, &f);
	points_of(&w, &f, &points);
	assert_int_equal(points.n, w.direct ? 36 : SEGMENTS);
	for (size_t i = 0; i < PIECES; i++)
		assert_int_equal(opening(&w, &piece[i], &points), piece[i].number >= 0);
	points_done(&points);
	memfile_done(&f);
	world_down(&w);
}

static void
to_the_coordinator(void **state)
{
	(void)state;
	partial("standard");
}

static void
to_the_recipient(void **state)
{
	(void)state;
	partial("direct");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(to_the_coordinator),
		cmocka_unit_test(to_the_recipient),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
