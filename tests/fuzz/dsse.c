/* DSSE envelopes: the id is the payload's, however it was written. */
#include "policy/dsse.h"
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct dsse	d;
	struct buf	pae = BUF_INIT(2 * DSSE_BYTES_MAX);
	uint8_t		id[SHA256_BYTES];

	if (dsse_parse(SPAN(data, size), &d, NULL) == RC_OK) {
		PROMISE(size <= DSSE_BYTES_MAX && d.n_sig >= 1 && d.n_sig <= DSSE_SIGS_MAX);
		dsse_id(buf_view(&d.payload), id);
		PROMISE(memcmp(id, d.id, sizeof(id)) == 0);
		dsse_pae(buf_view(&d.payload), &pae);
		fuzz_same(&pae, buf_view(&d.pae));
		(void)dsse_signed_by(&d, &fuzz_keys()->log.signer.key);
	}
	dsse_done(&d);
	buf_done(&pae);
	return 0;
}
