/* tests/fuzz/lib/world.c - see world.h. */
#include "tests/fuzz/lib/fuzz.h"
#include "tests/fuzz/lib/world.h"

#define FIRST		0xc0u		/* the byte that stands for the first of them */
#define VALUES		(7u + 2u + NET_N + NET_PEOPLE + 1u)

struct world *
world(void)
{
	static struct world	w;
	static bool		made;

	if (made)
		return &w;
	made = true;
	net_init(&w.n);
	w.artifact = net_seal(&w.n, "pair");
	net_requested(&w.n, &w.artifact, 1, "pair", w.open);
	PROMISE(net_decide(&w.n, w.open, NET_LEGAL, true).effective);
	net_requested(&w.n, &w.artifact, 1, "pair", w.met);
	PROMISE(net_decide(&w.n, w.met, NET_LEGAL, true).effective);
	PROMISE(net_decide(&w.n, w.met, NET_COMPLIANCE, true).effective);
	PROMISE(net_order(&w.n, w.met, w.order).effective);
	PROMISE(net_receipt(&w.n, w.order, 1, w.receipt).effective);
	net_scope(&w.n, &w.artifact, 1, "image:0-3", w.scope);
	w.n.now++;
	return &w;
}

static struct test_key *
key_at(struct world *w, unsigned i)
{
	if (i == 0)
		return &w->n.log;
	if (i == 1)
		return &w->n.sealer;
	i -= 2;
	return i < NET_N ? &w->n.signing[i] : &w->n.person[i - NET_N];
}

static void
value(struct world *w, unsigned i, uint8_t ret[SHA256_BYTES])
{
	const uint8_t	*fixed[] = { w->n.genesis, w->open, w->met, w->order, w->receipt, w->scope };

	if (i < sizeof(fixed) / sizeof(fixed[0]))
		memcpy(ret, fixed[i], SHA256_BYTES);
	else if (i == sizeof(fixed) / sizeof(fixed[0]))
		tree_range_root(&w->n.range, ret);
	else
		key_id(&key_at(w, i - 7)->signer.key, ret);
}

/* Every `from` becomes its `to`, both as hex of one length. */
static void
replace(struct span in, const char (*from)[HEX_BYTES(SHA256_BYTES)], const char (*to)[HEX_BYTES(SHA256_BYTES)],
    struct buf *out)
{
	const size_t	n = 2 * SHA256_BYTES;
	size_t		at;
	unsigned	i;

	for (at = 0; at < in.n;) {
		for (i = 0; i < VALUES && (in.n - at < n || memcmp(in.p + at, from[i], n) != 0); i++)
			;
		buf_add(out, i < VALUES ? (const void *)to[i] : in.p + at, i < VALUES ? n : 1);
		at += i < VALUES ? n : 1;
	}
}

static void
tables(char (*real)[HEX_BYTES(SHA256_BYTES)], char (*placeholder)[HEX_BYTES(SHA256_BYTES)])
{
	uint8_t		v[SHA256_BYTES];
	unsigned	i;

	for (i = 0; i < VALUES; i++) {
		value(world(), i, v);
		(void)hex_write(SPAN_OF(v), real[i]);
		memset(v, (int)(FIRST + i), sizeof(v));
		(void)hex_write(SPAN_OF(v), placeholder[i]);
	}
}

void
world_real(struct span in, struct buf *out)
{
	char	real[VALUES][HEX_BYTES(SHA256_BYTES)], placeholder[VALUES][HEX_BYTES(SHA256_BYTES)];

	tables(real, placeholder);
	replace(in, (const char (*)[HEX_BYTES(SHA256_BYTES)])placeholder, (const char (*)[HEX_BYTES(SHA256_BYTES)])real, out);
}

void
world_placeholders(struct span in, struct buf *out)
{
	char	real[VALUES][HEX_BYTES(SHA256_BYTES)], placeholder[VALUES][HEX_BYTES(SHA256_BYTES)];

	tables(real, placeholder);
	replace(in, (const char (*)[HEX_BYTES(SHA256_BYTES)])real, (const char (*)[HEX_BYTES(SHA256_BYTES)])placeholder, out);
}

struct test_key *
world_key(const uint8_t id[KEY_ID_BYTES])
{
	struct world	*w = world();
	uint8_t		 have[KEY_ID_BYTES];
	unsigned	 i;

	for (i = 0; i < VALUES - 7; i++) {
		key_id(&key_at(w, i)->signer.key, have);
		if (memcmp(have, id, sizeof(have)) == 0)
			return key_at(w, i);
	}
	return &w->n.person[NET_STRANGER];
}
