/* Small texts of others: keys, base64, hex, times, PKCS#11 URIs, words for a terminal. */
#include "base/when.h"
#include "edge/edge.h"
#include "hsm/hsm.h"
#include "policy/key.h"
#include "tests/fuzz/lib/fuzz.h"

static void
check_key(struct span in)
{
	struct key	k, again;
	struct buf	b = BUF_INIT(1024);

	/* Base64 has two alphabets, so that a key has two spellings; it is one key. */
	if (key_parse(in, &k, NULL) == RC_OK) {
		key_write(&k, &b);
		PROMISE(key_parse(buf_view(&b), &again, NULL) == RC_OK && key_eq(&k, &again));
	}
	buf_done(&b);
}

static void
check_b64(struct span in)
{
	struct buf	bytes = BUF_INIT(in.n + 4), text = BUF_INIT(2 * in.n + 4), again = BUF_INIT(in.n + 4);

	if (b64_parse(&bytes, in, NULL) == RC_OK) {
		b64_write(&text, buf_view(&bytes));
		PROMISE(text.n >= in.n && text.n - in.n <= 2);
		PROMISE(b64_parse(&again, buf_view(&text), NULL) == RC_OK);
		fuzz_same(&again, buf_view(&bytes));
	}
	buf_done(&bytes);
	buf_done(&text);
	buf_done(&again);
}

static void
check_words(struct span in)
{
	char		*s = calloc(1, in.n + 1);
	struct hsm_uri	 uri;
	size_t		 i;

	PROMISE(s != NULL);
	if (in.n > 0)
		memcpy(s, in.p, in.n);
	if (hsm_uri_parse(s, &uri, NULL) == RC_OK)
		PROMISE(hsm_is_uri(s) && (uri.token[0] != '\0' || uri.serial[0] != '\0') && uri.id_n <= HSM_ID_MAX);
	text_clean((uint8_t *)s, in.n, false);
	for (i = 0; i < in.n; i++)
		PROMISE((uint8_t)s[i] >= 0x20 && s[i] != 0x7f);
	free(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct span	in = SPAN(data, size);
	uint8_t			half[SHA256_BYTES];
	char			hex[HEX_BYTES(SHA256_BYTES)];
	when			t;

	if (hex_parse(in, half, sizeof(half)))
		PROMISE(memcmp(hex_write(SPAN_OF(half), hex), data, size) == 0);
	if (when_parse(in, &t))
		PROMISE(t <= WHEN_MAX);
	check_key(in);
	check_b64(in);
	check_words(in);
	return 0;
}
