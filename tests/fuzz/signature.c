/*
 * Package signatures: good ones of each level, changed in places. What verifies then is the same signature
 * with other things added to it, and those are what it says; adding them again gives the same bytes.
 */
#include "base/wire.h"
#include "evidence/cades.h"
#include "tests/fuzz/lib/fuzz.h"
#include "tests/unit/evidence/world.h"

#define LEVELS	3

static struct world	w;
static struct buf	level[LEVELS];		/* B, T, LT */
static struct span	content = SPAN_STR("content");

static void
make(void)
{
	struct buf		token = BUF_INIT(CADES_TOKEN_MAX), crl = BUF_INIT(CADES_TOKEN_MAX);
	struct cades_added	added = { .n_crls = 0 };
	uint8_t			imprint[SHA256_BYTES];

	world_up_anchored(&w, "standard");
	for (int i = 0; i < LEVELS; i++)
		level[i] = BUF_INIT(CADES_BYTES_MAX);
	PROMISE(cades_sign(w.net.package_key, buf_view(&w.net.package_cert), content, NET_START, &level[0], NULL) == RC_OK);
	PROMISE(cades_imprint(buf_view(&level[0]), imprint, NULL) == RC_OK);
	world_token(&w, 0, imprint, &token);
	added.token = buf_view(&token);
	PROMISE(cades_add(buf_view(&level[0]), &added, &level[1], NULL) == RC_OK);
	tsa_crl(&w.tsa_root[0], 0, 0, -1, -86400, 86400, &crl);
	added.crl[added.n_crls++] = buf_view(&crl);
	added.certificate[added.n_certificates++] = tsa_cert(&w.tsa_root[0]);
	added.certificate[added.n_certificates++] = tsa_cert(&w.tsa_root[1]);
	PROMISE(cades_add(buf_view(&level[0]), &added, &level[2], NULL) == RC_OK);
	buf_done(&token);
	buf_done(&crl);
}

/* u16 where, u8 how many go, vec8 what comes. */
static void
edit(struct rd *r, struct buf *b)
{
	struct span	in;
	uint16_t	at;
	uint8_t		out;

	while (rd_u16(r, &at) && rd_u8(r, &out) && rd_vec8(r, 0, 255, &in) && b->n > 0 && b->n < CADES_BYTES_MAX / 2) {
		struct buf	n = BUF_INIT(CADES_BYTES_MAX);
		size_t		from = at % b->n, to = from + out > b->n ? b->n : from + out;

		buf_add(&n, b->p, from);
		buf_span(&n, in);
		buf_add(&n, b->p + to, b->n - to);
		buf_done(b);
		*b = n;
	}
}

/* Of level B: what was added goes again, and what is left is what was signed. */
static void
holds(struct span p7s, const struct cades_added *added)
{
	struct buf	again = BUF_INIT(CADES_BYTES_MAX);
	uint8_t		a[SHA256_BYTES], b[SHA256_BYTES];

	PROMISE(added->n_certificates <= CADES_LISTS_MAX && added->n_crls <= CADES_LISTS_MAX);
	PROMISE(fuzz_within(added->token, p7s));
	for (uint8_t i = 0; i < added->n_certificates; i++)
		PROMISE(fuzz_within(added->certificate[i], p7s));
	for (uint8_t i = 0; i < added->n_crls; i++)
		PROMISE(fuzz_within(added->crl[i], p7s));
	PROMISE(cades_imprint(p7s, a, NULL) == RC_OK && cades_imprint(buf_view(&level[0]), b, NULL) == RC_OK);
	PROMISE(memcmp(a, b, sizeof(a)) == 0);
	if (added->token.n == 0)
		fuzz_same(&level[0], p7s);
	/* A token over something else is not added; whose it is, others look at. */
	else if (cades_add(buf_view(&level[0]), added, &again, NULL) == RC_OK)
		fuzz_same(&again, p7s);
	buf_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd		r = rd_init(SPAN(data, size));
	struct buf		p7s = BUF_INIT(CADES_BYTES_MAX);
	struct cades_added	added;
	uint8_t			which;

	if (level[0].n == 0)
		make();
	if (rd_u8(&r, &which)) {
		buf_span(&p7s, buf_view(&level[which % LEVELS]));
		edit(&r, &p7s);
		if (cades_verify(buf_view(&w.net.package_cert), content, NET_START, buf_view(&p7s), &added, NULL) == RC_OK)
			holds(buf_view(&p7s), &added);
	}
	/* And whatever the input is. */
	PROMISE(cades_verify(buf_view(&w.net.package_cert), content, NET_START, SPAN(data, size), &added, NULL) != RC_OK);
	buf_done(&p7s);
	return 0;
}
