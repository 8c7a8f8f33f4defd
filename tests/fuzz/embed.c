/*
 * Tokens with what is embedded in them: vec32 token, then u8 and vec16s of certificates, and of lists.
 * What comes out is a token over the same, within its bounds, and embedding it all again changes nothing.
 */
#include "audit/timestamp.h"
#include "base/wire.h"
#include "tests/fuzz/lib/fuzz.h"

#define LISTS_MAX	16u

static size_t
take_list(struct rd *r, struct span list[LISTS_MAX])
{
	uint8_t	n, i;

	if (!rd_u8(r, &n))
		return 0;
	for (i = 0; i < n % LISTS_MAX && rd_vec16(r, 0, UINT16_MAX, &list[i]); i++)
		;
	return i;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t	imprint[SHA256_BYTES] = { 1, 2, 3 };
	struct rd		r = rd_init(SPAN(data, size));
	struct span		token, certificate[LISTS_MAX], crl[LISTS_MAX];
	struct buf		out = BUF_INIT(TIMESTAMP_TOKEN_MAX), again = BUF_INIT(TIMESTAMP_TOKEN_MAX);
	struct buf		all = BUF_INIT(TIMESTAMP_CERTS_MAX * (TIMESTAMP_CERT_MAX + 4));
	size_t			n, m, k;

	if (rd_vec32(&r, 0, TIMESTAMP_TOKEN_MAX, &token)) {
		n = take_list(&r, certificate);
		m = take_list(&r, crl);
		if (timestamp_embed(token, certificate, n, crl, m, &out, NULL) == RC_OK) {
			PROMISE(out.n > 0 && out.n <= TIMESTAMP_TOKEN_MAX);
			PROMISE(timestamp_over(token, imprint, NULL) == timestamp_over(buf_view(&out), imprint, NULL));
			if (timestamp_certificates(buf_view(&out), &all, &k, NULL) == RC_OK)
				PROMISE(k <= TIMESTAMP_CERTS_MAX);
			PROMISE(timestamp_embed(buf_view(&out), certificate, n, crl, m, &again, NULL) == RC_OK);
			fuzz_same(&again, buf_view(&out));
		} else
			PROMISE(out.n == 0);
	}
	buf_done(&out);
	buf_done(&again);
	buf_done(&all);
	return 0;
}
