/* Statements, of every type: what parses can be written, and means the same when it is read again. */
#include "policy/statement.h"
#include "tests/fuzz/lib/fuzz.h"

static void
wrap(struct dsse *d, struct span payload)
{
	memset(d, 0, sizeof(*d));
	d->payload = BUF_INIT(DSSE_BYTES_MAX);
	d->pae = BUF_INIT(2 * DSSE_BYTES_MAX);
	buf_span(&d->payload, payload);
	dsse_pae(payload, &d->pae);
	dsse_id(payload, d->id);
}

/* With a space after it, a statement is none that the quick reader takes: it must say the same. */
static void
same_slowly(const struct dsse *d, const struct statement *s, enum rc rc)
{
	struct dsse		slow;
	struct statement	t;
	struct buf		one = BUF_INIT(4 * DSSE_BYTES_MAX), two = BUF_INIT(4 * DSSE_BYTES_MAX);

	wrap(&slow, buf_view(&d->payload));
	buf_u8(&slow.payload, ' ');
	PROMISE(statement_parse(&slow, &t, NULL) == rc);
	if (rc == RC_OK) {
		PROMISE(t.type == s->type);
		if (t.type != STATEMENT_UNKNOWN) {
			PROMISE(statement_write(s, &one, NULL) == RC_OK);
			PROMISE(statement_write(&t, &two, NULL) == RC_OK);
			fuzz_same(&two, buf_view(&one));
		}
		statement_done(&t);
	}
	buf_done(&one);
	buf_done(&two);
	dsse_done(&slow);
}

/* True: of a type that we know; then its one form is in out. */
static bool
again(struct span payload, struct buf *out)
{
	struct dsse		d;
	struct statement	s;
	bool			known = false;
	enum rc			rc;

	wrap(&d, payload);
	rc = statement_parse(&d, &s, NULL);
	if (payload.n < DSSE_BYTES_MAX)
		same_slowly(&d, &s, rc);
	if (rc == RC_OK) {
		known = s.type != STATEMENT_UNKNOWN;
		PROMISE(memcmp(s.id, d.id, sizeof(s.id)) == 0);
		if (known)
			PROMISE(statement_write(&s, out, NULL) == RC_OK);
		statement_done(&s);
	}
	dsse_done(&d);
	return known;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf	one = BUF_INIT(4 * DSSE_BYTES_MAX), two = BUF_INIT(4 * DSSE_BYTES_MAX);

	if (size <= DSSE_BYTES_MAX && again(SPAN(data, size), &one) && one.n <= DSSE_BYTES_MAX) {
		PROMISE(again(buf_view(&one), &two));
		fuzz_same(&two, buf_view(&one));
	}
	buf_done(&one);
	buf_done(&two);
	return 0;
}
