/* Statements on a log with something in it, signed by whom they name: there is always a verdict, and it is the same again. */
#include "tests/fuzz/lib/fuzz.h"
#include "tests/fuzz/lib/world.h"

static struct test_key *
signer_of(struct span payload)
{
	static const uint8_t	nobody[KEY_ID_BYTES];
	struct test_key		*k = world_key(nobody);
	struct statement	 s;
	struct dsse		 d = { .payload = BUF_INIT(DSSE_BYTES_MAX), .pae = BUF_INIT(2 * DSSE_BYTES_MAX) };

	buf_span(&d.payload, payload);
	dsse_pae(payload, &d.pae);
	dsse_id(payload, d.id);
	if (statement_parse(&d, &s, NULL) == RC_OK) {
		k = world_key(s.signer);
		statement_done(&s);
	}
	dsse_done(&d);
	return k;
}

static void
judge(struct span dsse)
{
	struct world	*w = world();
	struct verdict	 one, two;
	enum rc		 rc = replica_try(w->n.replica, w->n.now, dsse, &one, NULL);

	PROMISE(rc == RC_OK || rc == RC_MISSING);
	PROMISE(replica_try(w->n.replica, w->n.now, dsse, &two, NULL) == rc);
	if (rc == RC_OK)
		PROMISE(one.effective == (one.why == VOID_NONE) && one.effective == two.effective &&
		    one.why == two.why && one.type == two.type);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf	payload = BUF_INIT(DSSE_BYTES_MAX), dsse = BUF_INIT(DSSE_BYTES_MAX);

	world_real(SPAN(data, size), &payload);
	if (payload.rc == RC_OK && payload.n > 0 &&
	    dsse_sign(buf_view(&payload), &signer_of(buf_view(&payload))->signer, &dsse, NULL) == RC_OK)
		judge(buf_view(&dsse));
	judge(SPAN(data, size));
	buf_done(&payload);
	buf_done(&dsse);
	return 0;
}
