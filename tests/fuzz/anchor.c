/* Anchors: what parses writes back to the same bytes, out of which all of it is borrowed. */
#include "audit/anchor.h"
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span	in = SPAN(data, size);
	struct anchor		a;
	struct buf		b = BUF_INIT(ANCHOR_BYTES_MAX);
	unsigned		i;

	if (anchor_parse(in, &a, NULL) == RC_OK) {
		PROMISE(a.n_certificates <= TIMESTAMP_CERTS_MAX && a.n_crls <= TIMESTAMP_CRLS_MAX);
		PROMISE(fuzz_within(a.note, in) && fuzz_within(a.token, in));
		for (i = 0; i < a.n_certificates; i++)
			PROMISE(fuzz_within(a.certificate[i], in));
		for (i = 0; i < a.n_crls; i++)
			PROMISE(fuzz_within(a.crl[i], in));
		PROMISE(anchor_write(&a, &b, NULL) == RC_OK);
		fuzz_same(&b, in);
	}
	buf_done(&b);
	return 0;
}
