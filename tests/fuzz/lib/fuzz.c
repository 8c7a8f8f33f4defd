/* tests/fuzz/lib/fuzz.c - see fuzz.h. */
#include "tests/fuzz/lib/fuzz.h"

void
fuzz_same(const struct buf *written, struct span read)
{
	PROMISE(written->rc == RC_OK);
	PROMISE(span_eq(buf_view(written), read));
}

bool
fuzz_within(struct span inner, struct span outer)
{
	return inner.n == 0 || (inner.p >= outer.p && inner.n <= outer.n &&
	    (size_t)(inner.p - outer.p) <= outer.n - inner.n);
}

static void
make_key(uint8_t number, const char *name, enum note_alg alg, struct test_key *k, struct note_key *note)
{
	uint8_t	seed[32];

	memset(seed, number, sizeof(seed));
	test_key_ed25519_seed(k, seed);
	memset(note, 0, sizeof(*note));
	(void)snprintf(note->name, sizeof(note->name), "%s", name);
	note->alg = (uint8_t)alg;
	memcpy(note->key, k->signer.key.bytes, NOTE_KEY_BYTES);
}

const struct fuzz_keys *
fuzz_keys(void)
{
	static struct fuzz_keys	keys;
	static bool		made;
	char			name[NOTE_NAME_MAX + 1];
	uint8_t			i;

	if (made)
		return &keys;
	make_key(1, FUZZ_ORIGIN, NOTE_ED25519, &keys.log, &keys.log_note);
	for (i = 0; i < FUZZ_WITNESSES; i++) {
		(void)snprintf(name, sizeof(name), FUZZ_ORIGIN "/custodian-%u", i + 1u);
		make_key((uint8_t)(i + 2), name, NOTE_COSIGNATURE_V1, &keys.witness[i], &keys.witness_note[i]);
	}
	made = true;
	return &keys;
}

enum rc
fuzz_read_at(void *span, uint64_t offset, uint8_t *out, size_t n, struct err *err)
{
	const struct span	*s = span;

	if (offset > s->n || n > s->n - offset)
		return err_set(err, RC_FORMAT, "past the end");
	memcpy(out, s->p + offset, n);
	return RC_OK;
}

/* Linked in place of edge's. */
void	__wrap_log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	__wrap_log_err(const struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void
__wrap_log_line(const char *fmt, ...)
{
	(void)fmt;
}

void
__wrap_log_err(const struct err *err, const char *fmt, ...)
{
	(void)err;
	(void)fmt;
}
