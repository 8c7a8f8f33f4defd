/* Envelopes: any descriptor may stand in one; what is opened is as long as it says. */
#include "evidence/envelope.h"
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span		 in = SPAN(data, size);
	struct buf		 d = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct envelope		*e = NULL;
	uint8_t			 digest[SHA256_BYTES];

	if (envelope_peek(fuzz_read_at, &in, size, &d, NULL) == RC_OK) {
		PROMISE(d.n <= size);
		sha256_one(digest, buf_view(&d));
		if (envelope_open(fuzz_read_at, &in, size, digest, &e, NULL) == RC_OK) {
			PROMISE(span_eq(envelope_descriptor_bytes(e), buf_view(&d)));
			(void)!envelope_verify(e, NULL);
			envelope_free(e);
		}
		digest[0] ^= 1;
		PROMISE(envelope_open(fuzz_read_at, &in, size, digest, &e, NULL) != RC_OK);
	}
	buf_done(&d);
	return 0;
}
