#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/evidence/sealing.h"

const uint8_t	sealing_coefficient[3][SHAMIR_SCALAR_BYTES] = { { 5 }, { 7 }, { 9 } };

void
sealing_params(struct sealing *s, const struct sealing_part *part, size_t n, uint8_t segment_log2)
{
	struct envelope_params *p = &s->params;

	memset(s, 0, sizeof(*s));
	s->descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	memset(p->genesis, 0xa1, sizeof(p->genesis));
	memset(p->id, 0xb2, sizeof(p->id));
	memset(p->policy, 0xc3, sizeof(p->policy));
	memset(p->record, 0xd4, sizeof(p->record));
	p->class_id = "standard";
	p->sealed_at = 1795341600;
	p->threshold = 3;
	p->shares = 5;
	p->n_parts = n;
	for (size_t i = 0; i < n && i < PARTS_MAX; i++)
		p->part[i] = part[i].name;
	p->segment_log2 = segment_log2;
	s->arena = secret_arena_new(4096);
	assert_non_null(s->arena);
}

uint8_t
sealing_byte(const char *part, uint64_t i)
{
	return (uint8_t)((i * 2654435761u >> 7) + (uint8_t)part[0]);
}

static void
put_part(struct envelope_writer *w, const struct sealing_part *part, size_t step)
{
	uint8_t	*bytes = malloc(part->n + 1);

	assert_non_null(bytes);
	for (size_t i = 0; i < part->n; i++)
		bytes[i] = sealing_byte(part->name, i);
	assert_int_equal(envelope_part(w, part->name, NULL), RC_OK);
	for (size_t i = 0; i < part->n; i += step) {
		size_t n = part->n - i < step ? part->n - i : step;

		assert_int_equal(envelope_write(w, SPAN(bytes + i, n), NULL), RC_OK);
	}
	free(bytes);
}

void
sealing_up(struct sealing *s, const struct sealing_part *part, size_t n,
    uint8_t segment_log2, size_t step)
{
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;
	uint64_t size;

	sealing_params(s, part, n, segment_log2);
	assert_int_equal(envelope_new_with(&s->params, sealing_coefficient, s->arena,
	    sealing_write, s, &w, NULL), RC_OK);
	memcpy(s->share, envelope_shares(w), sizeof(s->share));
	for (size_t i = 0; i < n; i++)
		put_part(w, &part[i], step);
	assert_int_equal(envelope_finish(w, &s->descriptor, &size, NULL), RC_OK);
	assert_int_equal(size, s->size);
	sha256_one(s->digest, buf_view(&s->descriptor));
}

void
sealing_down(struct sealing *s)
{
	secret_arena_free(s->arena);
	buf_done(&s->descriptor);
	free(s->file);
	memset(s, 0, sizeof(*s));
}

static bool
fails(struct sealing *s)
{
	return s->fail_at > 0 && --s->fail_at == 0;
}

enum rc
sealing_read(void *user, uint64_t offset, uint8_t *out, size_t n, struct err *err)
{
	struct sealing *s = user;

	if (fails(s))
		return err_set(err, RC_IO, "disk gone");
	if (offset > s->size || n > s->size - offset)
		return err_set(err, RC_BUG, "read past the end");
	memcpy(out, s->file + offset, n);
	s->read += n;
	return RC_OK;
}

enum rc
sealing_write(void *user, uint64_t offset, struct span data, struct err *err)
{
	struct sealing *s = user;

	if (fails(s))
		return err_set(err, RC_IO, "disk full");
	if (offset + data.n > s->size) {
		uint8_t *p = realloc(s->file, offset + data.n);

		if (p == NULL)
			return err_set(err, RC_NOMEM, "no memory");
		s->file = p;
		s->size = offset + data.n;
	}
	memcpy(s->file + offset, data.p, data.n);
	return RC_OK;
}

static void
label_of(const struct sealing *s, const char *part, uint32_t segment,
    uint8_t label[SHAMIR_POINT_BYTES])
{
	struct buf msg = BUF_INIT(LABEL_MSG_MAX);

	label_msg(s->params.genesis, s->params.id, part, segment, &msg);
	assert_int_equal(shamir_label(buf_view(&msg), label, NULL), RC_OK);
	buf_done(&msg);
}

enum rc
sealing_point(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err)
{
	AUTO(secret_free) struct secret *s = secret_new(SHAMIR_SCALAR_BYTES);
	uint8_t	label[SHAMIR_POINT_BYTES];

	if (s == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	memcpy(secret_bytes(s), sealing_coefficient[0], SHAMIR_SCALAR_BYTES);
	label_of(user, part, segment, label);
	return shamir_apply(s, label, ret, err);
}

enum rc
sealing_combined(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err)
{
	struct sealing			*s = user;
	struct shamir_contribution	 in[3];
	struct descriptor		 d;
	uint8_t				 label[SHAMIR_POINT_BYTES];
	uint32_t			 bad;

	TRY(descriptor_parse(buf_view(&s->descriptor), &d, err));
	label_of(s, part, segment, label);
	for (uint8_t i = 0; i < 3; i++)
		TRY(shamir_contribute((uint8_t)(2 * i + 1), s->share[2 * i], label, &in[i], err));
	return shamir_combine(in, 3, &d.commits, label, &bad, ret, err);
}

enum rc
sealing_sink(void *user, struct span data, struct err *err)
{
	struct sealing_sink *k = user;

	for (size_t i = 0; i < data.n; i++, k->at++, k->n++)
		if (data.p[i] != sealing_byte(k->part, k->at))
			return err_set(err, RC_BUG, "byte %llu is wrong", (unsigned long long)k->at);
	return RC_OK;
}
