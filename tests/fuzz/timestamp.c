/* Time-stamp responses and tokens: nobody's signature makes one of these good, and nothing falls over. */
#include "audit/timestamp.h"
#include "tests/fuzz/lib/fuzz.h"

/* The question that the corpus answers. */
static const uint8_t	imprint[SHA256_BYTES] = { 1, 2, 3 }, nonce[TIMESTAMP_NONCE_BYTES] = { 4, 5, 6 };

static void
look(struct span token)
{
	const struct timestamp_trust	trust = { .root = NULL };
	struct timestamp		t;
	struct buf			b = BUF_INIT(TIMESTAMP_CERTS_MAX * (TIMESTAMP_CERT_MAX + 4));
	size_t				n;

	/* No root is trusted. */
	PROMISE(timestamp_verify(token, imprint, &trust, &t, NULL) != RC_OK);
	if (timestamp_certificates(token, &b, &n, NULL) == RC_OK)
		PROMISE(n <= TIMESTAMP_CERTS_MAX);
	buf_done(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf	token = BUF_INIT(TIMESTAMP_RESPONSE_MAX);

	if (timestamp_token(SPAN(data, size), imprint, nonce, &token, NULL) == RC_OK) {
		PROMISE(token.n > 0 && token.n < size);
		look(buf_view(&token));
	}
	look(SPAN(data, size));
	buf_done(&token);
	return 0;
}
