/*
 * Messages to a recipient who has the key: good ones, changed. The input: u8 whose (P-256, P-384,
 * RSA-2048), then edits of u16 at, u8 bytes out, vec8 bytes in. What opens is what was sealed; what is left as it
 * is opens.
 */
#include "base/wire.h"
#include "evidence/cms.h"
#include "tests/fuzz/lib/fuzz.h"

#define EDITS_MAX	8
#define WORDS		"what only the recipient reads"

static struct party {
	EVP_PKEY	*key;
	struct buf	 cert, message;
} party[3];

static void
make(void)
{
	static const char *const	kinds[3] = { "P-256", "P-384", "RSA-2048" };
	int				i;

	PROMISE(secret_init(NULL) == RC_OK);
	for (i = 0; i < 3; i++) {
		party[i].cert = BUF_INIT(8192);
		party[i].message = BUF_INIT(CMS_BYTES_MAX);
		party[i].key = test_pkey(kinds[i]);
		test_cert(party[i].key, kinds[i], &party[i].cert);	/* told apart by name */
		PROMISE(cms_seal(buf_view(&party[i].cert), SPAN_STR(WORDS), &party[i].message, NULL) == RC_OK);
	}
}

static bool
edit(struct rd *r, struct buf *b)
{
	struct buf	n = BUF_INIT(CMS_BYTES_MAX);
	struct span	bytes;
	uint16_t	at;
	uint8_t		gone;

	if (!rd_u16(r, &at) || !rd_u8(r, &gone) || !rd_vec8(r, 0, 255, &bytes))
		return false;
	at = (uint16_t)(b->n == 0 ? 0 : at % b->n);
	if (gone > b->n - at)
		gone = (uint8_t)(b->n - at);
	buf_add(&n, b->p, at);
	buf_span(&n, bytes);
	buf_add(&n, b->p + at + gone, b->n - at - gone);
	if (n.rc == RC_OK) {
		buf_reset(b);
		buf_span(b, buf_view(&n));
	}
	buf_done(&n);
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(secret_free) struct secret	*words = NULL;
	struct buf		 b = BUF_INIT(CMS_BYTES_MAX);
	struct rd		 r = rd_init(SPAN(data, size));
	const struct party	*p;
	uint8_t			 who;
	int			 i;
	enum rc			 rc;

	if (party[0].key == NULL)
		make();
	if (!rd_u8(&r, &who))
		return 0;
	p = &party[who % 3];
	buf_span(&b, buf_view(&p->message));
	for (i = 0; i < EDITS_MAX && edit(&r, &b); i++)
		;
	rc = cms_open(p->key, buf_view(&p->cert), buf_view(&b), &words, NULL);
	if (span_eq(buf_view(&b), buf_view(&p->message)))
		PROMISE(rc == RC_OK);
	PROMISE(rc == RC_OK || (rc == RC_FORMAT || rc == RC_DENIED || rc == RC_VERIFY));
	if (rc == RC_OK)
		PROMISE(span_eq(SPAN(secret_view(words), secret_len(words)), SPAN_STR(WORDS)));
	/* A whole message is nobody else's, whatever was changed. */
	if (cms_addressed_to(buf_view(&p->cert), buf_view(&b), NULL) == RC_OK)
		PROMISE(cms_addressed_to(buf_view(&party[(who + 1) % 3].cert), buf_view(&b), NULL) != RC_OK);
	buf_done(&b);
	return 0;
}
