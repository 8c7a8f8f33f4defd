/* batch-v1: what the sealer signs, each custodian can open and check. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>

#include "evidence/batch.h"
#include "tests/unit/evidence/sealing.h"
#include "tests/unit/fault.h"

#define N	5
#define NOW	UINT64_C(1795341600)

static const uint8_t	genesis[SHA256_BYTES] = { 0xa1, 2, 3 };

/* A charter as far as a batch looks at it, and the custodians' keys. */
struct world {
	struct charter		 charter;
	struct policy_rule	 policy;
	struct retention_class	 class_;
	EVP_PKEY		*key[N][2];	/* of two epochs */
	struct secret_arena	*arena;
	struct batch		*batch;
	struct statement	 statement;
	struct batch_sealed	 sealed;
};

static void
share_key(struct world *w, size_t i, size_t epoch)
{
	size_t n;

	w->key[i][epoch] = EVP_EC_gen("P-256");
	assert_non_null(w->key[i][epoch]);
	assert_int_equal(EVP_PKEY_get_octet_string_param(w->key[i][epoch], OSSL_PKEY_PARAM_PUB_KEY,
	    w->charter.custodian[i].share_key[epoch], SEALED_POINT_BYTES, &n), 1);
}

static void
world_up(struct world *w)
{
	static const uint8_t root[SHA256_BYTES] = { 0x0f };

	memset(w, 0, sizeof(*w));
	w->charter.n = N;
	w->charter.k = 3;
	memset(w->policy.digest, 0xc3, SHA256_BYTES);
	w->charter.policy = &w->policy;
	w->charter.n_policies = 1;
	strcpy(w->class_.id, "standard");
	w->charter.class_ = &w->class_;
	w->charter.n_classes = 1;
	for (size_t i = 0; i < N; i++) {
		w->charter.custodian[i].index = (uint8_t)(i + 1);
		w->charter.custodian[i].n_epochs = (uint8_t)(1 + i % 2);
		share_key(w, i, 0);
		share_key(w, i, 1);
	}
	w->arena = secret_arena_new(1 << 20);
	assert_non_null(w->arena);
	assert_int_equal(batch_new(genesis, &w->charter, &w->batch, NULL), RC_OK);
	statement_init(&w->statement, STATEMENT_BATCH, genesis, genesis, 1, root, NOW, 3600);
}

static void
world_down(struct world *w)
{
	for (size_t i = 0; i < N; i++) {
		EVP_PKEY_free(w->key[i][0]);
		EVP_PKEY_free(w->key[i][1]);
	}
	batch_free(w->batch);
	batch_sealed_done(&w->sealed);
	statement_done(&w->statement);
	secret_arena_free(w->arena);
}

/* A descriptor whose secret is really shared; no ciphertext. */
static void
artifact(struct world *w, uint16_t number, struct descriptor *d, uint8_t *share[SHAMIR_SHARES_MAX])
{
	AUTO(secret_free) struct secret *s = NULL;

	memset(d, 0, sizeof(*d));
	d->id[0] = (uint8_t)(number >> 8);
	d->id[15] = (uint8_t)number;
	memset(d->policy, 0xc3, sizeof(d->policy));
	strcpy(d->class_id, "standard");
	d->sealed_at = NOW;
	d->shares = N;
	d->n_parts = 1;
	strcpy(d->part[0].name, "image");
	d->part[0].length = 1;
	d->part[0].segment_log2 = 16;
	assert_int_equal(shamir_split(3, N, w->arena, &s, share, &d->commits, NULL), RC_OK);
}

static enum rc
add(struct world *w, const struct descriptor *d, uint8_t *const *share, uint32_t *leaf)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(DESCRIPTOR_BYTES_MAX);

	descriptor_write(d, &b);
	return batch_add(w->batch, buf_view(&b), share, leaf, NULL);
}

static void
add_some(struct world *w, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		struct descriptor	d;
		uint8_t			*share[SHAMIR_SHARES_MAX];
		uint32_t		leaf;

		artifact(w, i, &d, share);
		assert_int_equal(add(w, &d, share, &leaf), RC_OK);
		assert_int_equal(leaf, i);
	}
	assert_int_equal(batch_count(w->batch), n);
}

static void
seal(struct world *w)
{
	assert_int_equal(batch_seal(w->batch, &w->statement, &w->sealed, NULL), RC_OK);
}

static struct span
vector(const struct world *w)
{
	return buf_view(&w->sealed.descriptors);
}

/* --- the custodian's half ----------------------------------------------- */

static struct secret *
agree(EVP_PKEY *mine, const uint8_t point[SEALED_POINT_BYTES])
{
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new_from_pkey(NULL, mine, NULL);
	EVP_PKEY	*peer = EVP_PKEY_new();
	struct secret	*z = secret_new(32);
	size_t		 n = 32;

	assert_int_equal(EVP_PKEY_copy_parameters(peer, mine), 1);
	assert_int_equal(EVP_PKEY_set1_encoded_public_key(peer, point, SEALED_POINT_BYTES), 1);
	assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
	assert_int_equal(EVP_PKEY_derive_set_peer(ctx, peer), 1);
	assert_int_equal(EVP_PKEY_derive(ctx, secret_bytes(z), &n), 1);
	EVP_PKEY_free(peer);
	EVP_PKEY_CTX_free(ctx);
	return z;
}

/* Opens all shares of one custodian and checks each against its descriptor. */
static void
open_shares(const struct world *w, uint8_t custodian)
{
	const struct statement_batch	*b = &w->statement.u.batch;
	size_t				 i = custodian - 1u;
	struct sealed_context		 context = { .custodian = custodian, .epoch = b->custodian[i].epoch };
	AUTO(secret_free) struct secret	*z = agree(w->key[i][context.epoch - 1], b->custodian[i].encapsulation);
	AUTO(secret_free) struct secret	*share = secret_new(SHAMIR_SCALAR_BYTES);
	AUTO(sealed_key_free) struct sealed_key *key = NULL;

	memcpy(context.genesis, genesis, sizeof(genesis));
	memcpy(context.batch_root, w->statement.subject, SHA256_BYTES);
	assert_int_equal(context.epoch, w->charter.custodian[i].n_epochs);
	assert_int_equal(sealed_key_from_z(&context, b->custodian[i].encapsulation, z, &key, NULL), RC_OK);
	for (uint32_t leaf = 0; leaf < b->count; leaf++) {
		struct span		bytes;
		struct tree_path	path;
		struct descriptor	d;
		uint8_t			digest[SHA256_BYTES], hash[TREE_HASH_BYTES];

		assert_int_equal(batch_inclusion(vector(w), b->count, leaf, &bytes, &path, NULL), RC_OK);
		tree_leaf(bytes, hash);
		assert_int_equal(tree_inclusion_verify(hash, leaf, b->count, &path, w->statement.subject, NULL), RC_OK);
		sha256_one(digest, bytes);
		assert_int_equal(sealed_share_open(key, leaf, digest,
		    w->sealed.shares[i].p + leaf * SEALED_SHARE_BYTES, secret_bytes(share), NULL), RC_OK);
		assert_int_equal(descriptor_parse(bytes, &d, NULL), RC_OK);
		assert_int_equal(shamir_share_verify(&d.commits, custodian, secret_view(share), NULL), RC_OK);
	}
}

static void
test_seal_and_open(void **state)
{
	static const uint16_t	count[] = { 1, 2, 7 };
	struct world		w;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		world_up(&w);
		add_some(&w, count[i]);
		seal(&w);
		assert_int_equal(w.sealed.count, count[i]);
		assert_int_equal(w.sealed.n, N);
		assert_memory_equal(w.sealed.root, w.statement.subject, SHA256_BYTES);
		assert_int_equal(batch_check(&w.statement, &w.charter, vector(&w), NULL), RC_OK);
		for (uint8_t c = 1; c <= N; c++) {
			assert_int_equal(batch_check_shares(&w.statement, c, buf_view(&w.sealed.shares[c - 1]), NULL), RC_OK);
			open_shares(&w, c);
		}
		world_down(&w);
	}
}

/* What an envelope gives goes into a batch as it is. */
static void
test_from_envelopes(void **state)
{
	static const struct sealing_part part = { "image", 10 };
	struct sealing	s;
	struct world	w;
	uint32_t	leaf;

	(void)state;
	world_up(&w);
	sealing_up(&s, &part, 1, 16, 10);
	assert_int_equal(batch_add(w.batch, buf_view(&s.descriptor), s.share, &leaf, NULL), RC_OK);
	seal(&w);
	for (uint8_t c = 1; c <= N; c++)
		open_shares(&w, c);
	sealing_down(&s);
	world_down(&w);
}

static enum rc
no_signature(void *user, struct span message, uint8_t ret_sig[KEY_SIG_BYTES], struct err *err)
{
	(void)user, (void)message, (void)err;
	memset(ret_sig, 7, KEY_SIG_BYTES);
	return RC_OK;
}

/* The statement goes through JSON and is the same. */
static void
test_statement_round_trip(void **state)
{
	static const struct signer signer = { .key = { .alg = KEY_ED25519, .n = 32 }, .sign = no_signature };
	struct world	w;
	struct buf	dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct dsse	d;
	struct statement back;

	(void)state;
	world_up(&w);
	add_some(&w, 3);
	seal(&w);
	assert_int_equal(statement_sign(&w.statement, &signer, &dsse, NULL), RC_OK);
	assert_int_equal(dsse_parse(buf_view(&dsse), &d, NULL), RC_OK);
	assert_int_equal(statement_parse(&d, &back, NULL), RC_OK);
	assert_int_equal(batch_check(&back, &w.charter, vector(&w), NULL), RC_OK);
	for (uint8_t c = 1; c <= N; c++)
		assert_int_equal(batch_check_shares(&back, c, buf_view(&w.sealed.shares[c - 1]), NULL), RC_OK);
	statement_done(&back);
	dsse_done(&d);
	buf_done(&dsse);
	world_down(&w);
}

/* --- refusals ----------------------------------------------------------- */

static void
test_add_refuses(void **state)
{
	struct world		w;
	struct descriptor	good, d;
	uint8_t			*share[SHAMIR_SHARES_MAX];
	uint32_t		leaf;

	(void)state;
	world_up(&w);
	artifact(&w, 1, &good, share);
#define REFUSED(change)							\
	do {								\
		d = good;						\
		change;							\
		assert_int_equal(add(&w, &d, share, &leaf), RC_FORMAT);	\
	} while (0)

	REFUSED(d.shares = 4);
	REFUSED(d.commits.threshold = 2);
	REFUSED(d.policy[0] ^= 1);
	REFUSED(strcpy(d.class_id, "other"));
	REFUSED(d.part[0].length = 0);
	REFUSED(memset(d.commits.point[1], 0xff, 32));
	assert_int_equal(batch_count(w.batch), 0);
	assert_int_equal(add(&w, &good, share, &leaf), RC_OK);
	REFUSED(d.record[0] ^= 1);		/* the same id again */
#undef REFUSED
	assert_int_equal(batch_count(w.batch), 1);
	world_down(&w);
}

static void
test_empty_and_wrong_type(void **state)
{
	struct world	w;

	(void)state;
	world_up(&w);
	assert_int_equal(batch_seal(w.batch, &w.statement, &w.sealed, NULL), RC_FORMAT);
	add_some(&w, 1);
	w.statement.type = STATEMENT_HELD;
	assert_int_equal(batch_seal(w.batch, &w.statement, &w.sealed, NULL), RC_BUG);
	assert_int_equal(w.sealed.count, 0);
	assert_int_equal(batch_check(&w.statement, &w.charter, vector(&w), NULL), RC_FORMAT);
	assert_int_equal(batch_check_shares(&w.statement, 1, SPAN(NULL, 0), NULL), RC_FORMAT);
	world_down(&w);
}

/* The count and the vector's bytes are both bounded; a full batch still seals. */
static void
test_full(void **state)
{
	struct world		w;
	struct descriptor	d;
	uint8_t			*share[SHAMIR_SHARES_MAX];
	uint32_t		leaf;
	enum rc			rc = RC_OK;

	(void)state;
	world_up(&w);
	artifact(&w, 0, &d, share);
	for (uint16_t i = 0; i <= BATCH_COUNT_MAX; i++) {
		d.id[0] = (uint8_t)(i >> 8);
		d.id[15] = (uint8_t)i;
		if ((rc = add(&w, &d, share, &leaf)) != RC_OK)
			break;
	}
	assert_int_equal(rc, RC_LIMIT);
	assert_int_equal(batch_count(w.batch), BATCH_COUNT_MAX);
	seal(&w);
	assert_int_equal(batch_check(&w.statement, &w.charter, vector(&w), NULL), RC_OK);
	world_down(&w);

	world_up(&w);
	artifact(&w, 0, &d, share);
	d.n_parts = PARTS_MAX;
	for (uint8_t i = 0; i < PARTS_MAX; i++) {
		d.part[i] = d.part[0];
		memset(d.part[i].name, 'a' + i, PART_NAME_MAX);
	}
	for (uint16_t i = 0; i <= BATCH_COUNT_MAX; i++) {
		d.id[0] = (uint8_t)(i >> 8);
		d.id[15] = (uint8_t)i;
		if ((rc = add(&w, &d, share, &leaf)) != RC_OK)
			break;
	}
	assert_int_equal(rc, RC_LIMIT);
	assert_true(batch_count(w.batch) < BATCH_COUNT_MAX);
	seal(&w);
	assert_true(w.sealed.descriptors.n <= DESCRIPTOR_VECTOR_MAX);
	assert_int_equal(batch_check(&w.statement, &w.charter, vector(&w), NULL), RC_OK);
	world_down(&w);
}

static void
test_check_refuses_statements(void **state)
{
	struct world		w;
	struct statement	s;

	(void)state;
	world_up(&w);
	add_some(&w, 3);
	seal(&w);
#define REFUSED(change, rc)									\
	do {											\
		s = w.statement;								\
		change;										\
		assert_int_equal(batch_check(&s, &w.charter, vector(&w), NULL), rc);		\
	} while (0)

	REFUSED(s.subject[31] ^= 1, RC_VERIFY);
	REFUSED(s.u.batch.descriptors[0] ^= 1, RC_VERIFY);
	REFUSED(s.u.batch.count = 0, RC_FORMAT);
	REFUSED(s.u.batch.count = 2, RC_FORMAT);
	REFUSED(s.u.batch.count = 4, RC_FORMAT);
	REFUSED(s.u.batch.count = BATCH_COUNT_MAX + 1, RC_FORMAT);
	REFUSED(s.u.batch.n = 4, RC_FORMAT);
	REFUSED(s.u.batch.custodian[1].index = 1, RC_FORMAT);
	REFUSED(s.u.batch.custodian[0].epoch = 0, RC_FORMAT);
	REFUSED(s.u.batch.custodian[0].epoch = 2, RC_FORMAT);
	REFUSED(s.u.batch.custodian[4].encapsulation[64] ^= 1, RC_FORMAT);
#undef REFUSED
	/* An epoch before the newest may still be used by a batch that was on its way. */
	s = w.statement;
	s.u.batch.custodian[1].epoch = 1;
	assert_int_equal(batch_check(&s, &w.charter, vector(&w), NULL), RC_OK);
	world_down(&w);
}

/* A sealer that signs properly what it must not: the vector is judged too. */
static void
resign(struct world *w, const struct descriptor *d, size_t n, struct buf *vec)
{
	static uint8_t	leaf[BATCH_COUNT_MAX + 1][TREE_HASH_BYTES];

	*vec = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	for (size_t i = 0; i < n; i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(DESCRIPTOR_BYTES_MAX);

		descriptor_write(&d[i], &b);
		buf_vec16(vec, buf_view(&b));
		tree_leaf(buf_view(&b), leaf[i]);
	}
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])leaf, n, w->statement.subject);
	sha256_one(w->statement.u.batch.descriptors, buf_view(vec));
	w->statement.u.batch.count = (uint32_t)n;
}

static void
test_check_refuses_vectors(void **state)
{
	struct world		w;
	struct descriptor	d[2];
	uint8_t			*share[SHAMIR_SHARES_MAX];
	struct buf		vec;
	uint8_t			*big;

	(void)state;
	world_up(&w);
	add_some(&w, 1);
	seal(&w);
	artifact(&w, 1, &d[0], share);
#define JUDGED(change, rc)									\
	do {											\
		d[1] = d[0];									\
		d[1].id[7] = 1;									\
		change;										\
		resign(&w, d, 2, &vec);								\
		assert_int_equal(batch_check(&w.statement, &w.charter, buf_view(&vec), NULL), rc); \
		buf_done(&vec);									\
	} while (0)

	JUDGED(d[1].sealed_at++, RC_OK);
	JUDGED(d[1].id[7] = 0, RC_FORMAT);
	JUDGED(d[1].shares = 4, RC_FORMAT);
	JUDGED(d[1].commits.threshold = 2, RC_FORMAT);
	JUDGED(d[1].policy[0] ^= 1, RC_FORMAT);
	JUDGED(strcpy(d[1].class_id, "other"), RC_FORMAT);
	JUDGED(memset(d[1].commits.point[2], 0, 32), RC_FORMAT);
#undef JUDGED
	big = calloc(1, DESCRIPTOR_VECTOR_MAX + 1);
	assert_int_equal(batch_check(&w.statement, &w.charter, SPAN(big, DESCRIPTOR_VECTOR_MAX + 1), NULL), RC_LIMIT);
	free(big);
	world_down(&w);
}

/* As many descriptors as are signed, but none, or too many. */
static void
test_check_refuses_counts(void **state)
{
	struct world		w;
	struct descriptor	*d = calloc(BATCH_COUNT_MAX + 1, sizeof(*d));
	uint8_t			*share[SHAMIR_SHARES_MAX];
	struct buf		vec;

	(void)state;
	world_up(&w);
	add_some(&w, 1);
	seal(&w);
	artifact(&w, 0, &d[0], share);
	for (uint32_t i = 1; i <= BATCH_COUNT_MAX; i++) {
		d[i] = d[0];
		d[i].id[0] = (uint8_t)(i >> 8);
		d[i].id[15] = (uint8_t)i;
	}
	resign(&w, d, BATCH_COUNT_MAX, &vec);
	assert_int_equal(batch_check(&w.statement, &w.charter, buf_view(&vec), NULL), RC_OK);
	buf_done(&vec);
	resign(&w, d, BATCH_COUNT_MAX + 1, &vec);
	assert_int_equal(batch_check(&w.statement, &w.charter, buf_view(&vec), NULL), RC_FORMAT);
	buf_done(&vec);
	resign(&w, d, 0, &vec);
	assert_int_equal(batch_check(&w.statement, &w.charter, buf_view(&vec), NULL), RC_FORMAT);
	buf_done(&vec);
	free(d);
	world_down(&w);
}

/* Ids that fall on one place of the table, around its end. */
static void
test_ids_that_crowd(void **state)
{
	struct world		w;
	struct descriptor	d;
	uint8_t			*share[SHAMIR_SHARES_MAX];
	uint32_t		leaf;

	(void)state;
	world_up(&w);
	artifact(&w, 0, &d, share);
	d.id[0] = d.id[1] = 0xff;
	for (uint8_t i = 0; i < 200; i++) {
		d.id[9] = i;
		assert_int_equal(add(&w, &d, share, &leaf), RC_OK);
	}
	for (uint8_t i = 0; i < 200; i++) {
		d.id[9] = i;
		assert_int_equal(add(&w, &d, share, &leaf), RC_FORMAT);
	}
	world_down(&w);
}

static void
test_check_shares_refuses(void **state)
{
	struct world	w;
	struct buf	*b;

	(void)state;
	world_up(&w);
	add_some(&w, 3);
	seal(&w);
	b = &w.sealed.shares[1];
	assert_int_equal(batch_check_shares(&w.statement, 0, buf_view(b), NULL), RC_MISSING);
	assert_int_equal(batch_check_shares(&w.statement, N + 1, buf_view(b), NULL), RC_MISSING);
	assert_int_equal(batch_check_shares(&w.statement, 1, buf_view(b), NULL), RC_VERIFY);
	assert_int_equal(batch_check_shares(&w.statement, 2, SPAN(b->p, b->n - 1), NULL), RC_FORMAT);
	assert_int_equal(batch_check_shares(&w.statement, 2, SPAN(b->p, b->n - SEALED_SHARE_BYTES), NULL), RC_FORMAT);
	b->p[b->n - 1] ^= 1;
	assert_int_equal(batch_check_shares(&w.statement, 2, buf_view(b), NULL), RC_VERIFY);
	world_down(&w);
}

static void
test_inclusion_refuses(void **state)
{
	AUTO_DONE(buf_done) struct buf many = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	struct world		w;
	struct span		d;
	struct tree_path	path;

	(void)state;
	world_up(&w);
	add_some(&w, 3);
	seal(&w);
	assert_int_equal(batch_inclusion(vector(&w), 3, 3, &d, &path, NULL), RC_MISSING);
	assert_int_equal(batch_inclusion(vector(&w), 2, 1, &d, &path, NULL), RC_FORMAT);
	assert_int_equal(batch_inclusion(vector(&w), 4, 1, &d, &path, NULL), RC_FORMAT);
	for (int i = 0; i <= BATCH_COUNT_MAX; i++)
		buf_vec16(&many, SPAN_STR("d"));
	assert_int_equal(batch_inclusion(buf_view(&many), BATCH_COUNT_MAX + 1, 1, &d, &path, NULL), RC_FORMAT);
	fault_at(1);
	assert_int_equal(batch_inclusion(vector(&w), 3, 1, &d, &path, NULL), RC_NOMEM);
	assert_true(fault_fired());
	world_down(&w);
}

static void
test_allocations(void **state)
{
	struct world	w;
	unsigned long	n;
	enum rc		rc;

	(void)state;
	world_up(&w);
	add_some(&w, 2);
	for (n = 1;; n++) {
		struct statement before = w.statement;

		fault_at(n);
		rc = batch_seal(w.batch, &w.statement, &w.sealed, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_int_equal(w.sealed.count, 0);
		assert_memory_equal(before.subject, w.statement.subject, SHA256_BYTES);
		assert_int_equal(w.statement.u.batch.count, 0);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > N);
	fault_at(1);
	assert_int_equal(batch_check(&w.statement, &w.charter, vector(&w), NULL), RC_NOMEM);
	assert_true(fault_fired());
	world_down(&w);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seal_and_open),
		cmocka_unit_test(test_from_envelopes),
		cmocka_unit_test(test_statement_round_trip),
		cmocka_unit_test(test_add_refuses),
		cmocka_unit_test(test_empty_and_wrong_type),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_check_refuses_statements),
		cmocka_unit_test(test_check_refuses_vectors),
		cmocka_unit_test(test_check_refuses_counts),
		cmocka_unit_test(test_ids_that_crowd),
		cmocka_unit_test(test_check_shares_refuses),
		cmocka_unit_test(test_inclusion_refuses),
		cmocka_unit_test(test_allocations),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
