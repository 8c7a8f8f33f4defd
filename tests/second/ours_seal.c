/* Seals a batch of artifacts of odd shapes, for the second implementation to open. */
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <sodium.h>

#include "tests/gen/lib/vector.h"
#include "tests/second/ours.h"

#define SHAPE_PARTS	5
#define STEP		10007	/* bytes a write: no chunk ends where a write does */
#define READS_MAX	8

struct shape {
	const char	*name, *comment;
	uint8_t		 segment_log2;
	bool		 every_byte, liar;
	struct { const char *name; size_t n; } part[SHAPE_PARTS];
};

static const struct shape shapes[] = {
	{ "one_byte", "a part of one byte", 16, true, false, { { "a", 1 } } },
	{ "small", "two parts of one chunk", 24, true, false, { { "image", 33 }, { "prompt", 5 } } },
	{ "edges_16", "around the ends of chunks that are segments", 16, false, false,
	    { { "a", 65535 }, { "b", 65536 }, { "c", 65537 }, { "d", 131072 }, { "e", 131073 } } },
	{ "edges_17", "around the ends of segments of two chunks", 17, false, false,
	    { { "a", 131071 }, { "b", 131072 }, { "c", 131073 }, { "d", 196608 }, { "e", 262145 } } },
	{ "segments", "many segments, a short last one, and a custodian that lies", 16, false, true,
	    { { "latent", 12 * 65536 + 1 }, { "rng", 65536 } } },
	{ "megabytes", "one segment of many chunks", 24, false, false, { { "image", (3 << 20) + 17 } } },
};
#define SHAPES	(sizeof(shapes) / sizeof(shapes[0]))

struct artifact {
	const struct shape	*shape;
	uint8_t			 id[ARTIFACT_ID_BYTES];
	struct envelope_writer	*writer;
	struct buf		 file, descriptor, plain[SHAPE_PARTS];
	uint32_t		 leaf;
};

static void
must(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fprintf(stderr, "seal: %s\n", err->msg);
	vector_need(rc == RC_OK, rc_name(rc));
}

static void
number(struct buf *out, uint8_t part, uint64_t offset, uint64_t n)
{
	buf_u8(out, part);
	buf_u64(out, offset);
	buf_u64(out, n);
}

/* --- sealing --------------------------------------------------------------------- */

static enum rc
write_at(void *user, uint64_t at, struct span data, struct err *err)
{
	struct buf	*b = user;

	if (at + data.n > b->n)
		vector_need(buf_extend(b, (size_t)at + data.n - b->n) != NULL, "no memory left");
	memcpy(b->p + at, data.p, data.n);
	return buf_check(b, "envelope", err);
}

static void
params(const struct net *n, const struct shape *shape, struct envelope_params *p)
{
	const struct charter	*c = replica_charter(n->replica);

	memset(p, 0, sizeof(*p));
	memcpy(p->genesis, n->genesis, sizeof(p->genesis));
	randombytes_buf(p->id, sizeof(p->id));
	memcpy(p->policy, charter_policy(c, "standard")->digest, sizeof(p->policy));
	p->class_id = "default";
	p->sealed_at = n->now;
	p->threshold = c->k;
	p->shares = c->n;
	randombytes_buf(p->record, sizeof(p->record));
	p->segment_log2 = shape->segment_log2;
	for (; p->n_parts < SHAPE_PARTS && shape->part[p->n_parts].name != NULL; p->n_parts++)
		p->part[p->n_parts] = shape->part[p->n_parts].name;
}

static void
seal_one(const struct net *n, const struct shape *shape, struct secret_arena *arena, struct artifact *a)
{
	struct envelope_params	p;
	struct err		err;
	uint64_t		size;

	memset(a, 0, sizeof(*a));
	a->shape = shape;
	a->file = BUF_INIT(BIG);
	a->descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	params(n, shape, &p);
	memcpy(a->id, p.id, sizeof(a->id));
	must(envelope_new(&p, arena, write_at, &a->file, &a->writer, &err), &err);
	for (size_t i = 0; i < p.n_parts; i++) {
		size_t	left = shape->part[i].n;

		a->plain[i] = BUF_INIT(BIG);
		vector_need(buf_extend(&a->plain[i], left) != NULL, "no memory left");
		randombytes_buf(a->plain[i].p, left);
		must(envelope_part(a->writer, p.part[i], &err), &err);
		for (size_t at = 0; at < shape->part[i].n; at += STEP, left -= STEP)
			must(envelope_write(a->writer, SPAN(a->plain[i].p + at, left < STEP ? left : STEP), &err), &err);
	}
	must(envelope_finish(a->writer, &a->descriptor, &size, &err), &err);
	vector_need(size == a->file.n, "size of an envelope");
}

static void
batch_file(struct net *n, struct batch *b, const char *dir)
{
	struct batch_sealed	sealed = BATCH_SEALED_INIT;
	struct buf		envelope = BUF_INIT(BIG);
	struct vector_out	v = vector_open(dir, "batch-ours", "batch", "ok", "the first implementation's");
	struct statement	s;
	struct err		err;

	net_statement(n, &s, STATEMENT_BATCH);
	must(batch_seal(b, &s, &sealed, &err), &err);
	must(statement_sign(&s, &n->sealer.signer, &envelope, &err), &err);
	vector_hex(&v, "envelope", buf_view(&envelope));
	vector_hex(&v, "vector", buf_view(&sealed.descriptors));
	for (size_t i = 0; i < sealed.n; i++)
		vector_hex(&v, "shares", buf_view(&sealed.shares[i]));
	vector_close(&v);
	buf_done(&envelope);
	statement_done(&s);
	batch_sealed_done(&sealed);
}

/* --- the artifact's file ----------------------------------------------------------- */

/* Everything that the artifact has. */
static void
scope_of(const struct artifact *a, const struct descriptor *d, struct buf *out, struct scope *ret)
{
	buf_u8(out, 1);
	buf_u16(out, 1);
	buf_add(out, a->id, sizeof(a->id));
	buf_u8(out, d->n_parts);
	for (size_t i = 0; i < d->n_parts; i++) {
		buf_vec8(out, span_str(d->part[i].name));
		buf_u32(out, 0);
		buf_u32(out, part_segments(&d->part[i]) - 1);
	}
	vector_need(scope_parse(buf_view(out), ret, NULL) == RC_OK, "scope");
}

static void
read_line(struct vector_out *v, const struct artifact *a, uint8_t part, uint64_t offset, uint64_t n)
{
	struct buf	b = BUF_INIT(64);
	uint8_t		digest[SHA256_BYTES];

	if (offset + n > a->plain[part].n)
		return;
	number(&b, part, offset, n);
	vector_hex(v, "read", buf_view(&b));
	sha256_one(digest, SPAN(a->plain[part].p + offset, n));
	vector_hex(v, "read_sha256", SPAN_OF(digest));
	buf_done(&b);
}

static void
reads(struct vector_out *v, const struct artifact *a)
{
	for (uint8_t i = 0; i < SHAPE_PARTS && a->shape->part[i].name != NULL; i++) {
		uint64_t	n = a->plain[i].n;

		read_line(v, a, i, 0, n);
		read_line(v, a, i, n, 0);
		read_line(v, a, i, 0, 1);
		read_line(v, a, i, n - 1, 1);
		read_line(v, a, i, n / 3, n / 2);
		read_line(v, a, i, 65535, 2);
		read_line(v, a, i, 65536, 65536);
	}
}

/* A liar's contributions are proven, but for each other's segments. */
static void
swap(struct secret *answer)
{
	uint8_t	*one = secret_bytes(answer) + CONTRIBUTIONS_BYTES(0), tmp[SHAMIR_CONTRIBUTION_BYTES];

	memcpy(tmp, one, sizeof(tmp));
	memcpy(one, one + sizeof(tmp), sizeof(tmp));
	memcpy(one + sizeof(tmp), tmp, sizeof(tmp));
}

static void
answers(struct vector_out *v, const struct net *n, const struct artifact *a, const struct descriptor *d,
    const struct scope *scope)
{
	struct secret	*answer[NET_N] = { NULL }, *keys;
	uint8_t		 order[SHA256_BYTES], liar = 2;
	uint32_t	 bad;
	struct err	 err;

	randombytes_buf(order, sizeof(order));
	vector_hex(v, "order", SPAN_OF(order));
	for (uint8_t i = 0; i < NET_N; i++) {
		must(answer_make(n, d, scope, (uint8_t)(i + 1), envelope_shares(a->writer)[i], order, &answer[i],
		    &err), &err);
		if (a->shape->liar && i + 1 == liar)
			swap(answer[i]);
		if (i != 0 && i != 3)
			vector_hex(v, "answer", SPAN(secret_view(answer[i]), secret_len(answer[i])));
	}
	if (a->shape->liar)
		vector_hex(v, "answer", SPAN(secret_view(answer[0]), secret_len(answer[0])));
	must(answers_combine(n, d, scope, answer, NET_N, order, &bad, &keys, &err), &err);
	vector_need(bad == (a->shape->liar ? 1U << (liar - 1) : 0), "who lies");
	if (a->shape->liar)
		vector_hex(v, "bad", SPAN(&liar, 1));
	vector_hex(v, "keys", SPAN(secret_view(keys), secret_len(keys)));
	secret_free(keys);
	for (size_t i = 0; i < NET_N; i++)
		secret_free(answer[i]);
}

static void
artifact_file(const struct net *n, const struct artifact *a, const char *dir)
{
	struct vector_out	v = vector_open(dir, "ours", a->shape->name, "ok", a->shape->comment);
	struct buf		scope = BUF_INIT(SCOPE_BYTES_MAX), leaf = BUF_INIT(4);
	struct scope		parsed;
	struct descriptor	d;
	char			path[1024];
	FILE			*f;

	vector_need(descriptor_parse(buf_view(&a->descriptor), &d, NULL) == RC_OK, "descriptor");
	buf_u32(&leaf, a->leaf);
	vector_hex(&v, "leaf", buf_view(&leaf));
	scope_of(a, &d, &scope, &parsed);
	vector_hex(&v, "scope", buf_view(&scope));
	answers(&v, n, a, &d, &parsed);
	reads(&v, a);
	if (a->shape->every_byte)
		vector_text(&v, "every_byte", "01");
	vector_close(&v);
	(void)snprintf(path, sizeof(path), "%s/ours/%s.envelope", dir, a->shape->name);
	f = fopen(path, "wb");
	vector_need(f != NULL && fwrite(a->file.p, 1, a->file.n, f) == a->file.n && fclose(f) == 0, path);
	scope_done(&parsed);
	buf_done(&scope);
	buf_done(&leaf);
}

/* --- the network -------------------------------------------------------------------- */

static void
network_file(const struct net *n, const char *dir)
{
	struct vector_out	v = vector_open(dir, "network", "network", "ok", "private keys of a test, for a test");
	uint8_t			k[32];
	size_t			len = sizeof(k);

	vector_hex(&v, "charter", buf_view(&n->charter_json));
	vector_need(EVP_PKEY_get_raw_private_key(n->sealer.pkey, k, &len) == 1, "sealer");
	vector_hex(&v, "sealer", SPAN_OF(k));
	for (size_t i = 0; i < NET_N; i++) {
		BIGNUM	*bn = NULL;

		vector_need(EVP_PKEY_get_bn_param(n->share[i].pkey, OSSL_PKEY_PARAM_PRIV_KEY, &bn) == 1 &&
		    BN_bn2binpad(bn, k, sizeof(k)) == sizeof(k), "share key");
		BN_clear_free(bn);
		vector_hex(&v, "share_secret", SPAN_OF(k));
	}
	vector_close(&v);
}

void
seal_all(struct net *n, const char *dir)
{
	struct secret_arena	*arena = secret_arena_new(SHAPES * NET_N * 64);
	struct artifact		 a[SHAPES];
	struct batch		*b = NULL;
	struct err		 err;

	vector_need(arena != NULL, "no locked memory");
	must(batch_new(n->genesis, replica_charter(n->replica), &b, &err), &err);
	for (size_t i = 0; i < SHAPES; i++) {
		seal_one(n, &shapes[i], arena, &a[i]);
		must(batch_add(b, buf_view(&a[i].descriptor), envelope_shares(a[i].writer), &a[i].leaf, &err), &err);
	}
	network_file(n, dir);
	batch_file(n, b, dir);
	for (size_t i = 0; i < SHAPES; i++) {
		artifact_file(n, &a[i], dir);
		for (size_t j = 0; j < SHAPE_PARTS; j++)
			buf_done(&a[i].plain[j]);
		buf_done(&a[i].file);
		buf_done(&a[i].descriptor);
		envelope_writer_free(a[i].writer);
	}
	batch_free(b);
	secret_arena_free(arena);
}
