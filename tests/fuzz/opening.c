/* Opening notes: one form, so that what parses is what it would be written as; spans lie inside. */
#include "evidence/opening.h"
#include "tests/fuzz/lib/fuzz.h"

/* The JSON in it, and only so. */
static void
same(const struct opening *o, struct span json)
{
	struct buf	b = BUF_INIT(OPENING_BYTES_MAX);

	PROMISE(o->n_parts > 0);
	PROMISE(opening_write(o, &b, NULL) == RC_OK);
	fuzz_same(&b, json);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span	in = SPAN(data, size);
	struct opening_frame	f;
	struct opening		o;
	uint8_t			cert[SHA256_BYTES], digest[SHA256_BYTES];

	if (opening_read(in, &o, NULL) == RC_OK) {
		same(&o, in);
		opening_done(&o);
	}
	if (opening_frame(in, &f, NULL) != RC_OK) {
		PROMISE(opening_verify_own(in, &o, cert, NULL) != RC_OK);
		return 0;
	}
	PROMISE(fuzz_within(f.json, in) && fuzz_within(f.certificate, in) && fuzz_within(f.signer, in));
	sha256_one(digest, f.certificate);
	if (opening_parse(in, &o, cert, NULL) == RC_OK) {
		PROMISE(memcmp(cert, digest, sizeof(cert)) == 0);
		same(&o, f.json);
		opening_done(&o);
	}
	if (opening_verify_own(in, &o, cert, NULL) == RC_OK) {
		PROMISE(memcmp(cert, digest, sizeof(cert)) == 0);
		same(&o, f.json);
		opening_done(&o);
		PROMISE(opening_verify(in, f.certificate, &o, NULL) == RC_OK);
		opening_done(&o);
	}
	return 0;
}
