/*
 * small - CPU of the sealing library for one small artifact: an image of 100 KiB and a prompt of 1 KiB, 3-of-5.
 *
 * Ours: envelope_new() to envelope_finish(), batch_add(), and batch_seal() for every 256 artifacts. Beside it what no
 * sealer can do without: 3 base and 2 variable multiplications and 2 hashes to the group by libsodium, and
 * AES-256-GCM and SHA-256 of the same bytes by libcrypto, with contexts that were made before. CPU time,
 * ours and theirs in turn.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <sodium.h>

#include "bench/bench.h"
#include "evidence/batch.h"
#include "evidence/envelope.h"

#define BATCH	256
#define K	3
#define N	5

struct piece { const char *name; size_t n; };
static const struct piece	part[] = { { "image", 100 << 10 }, { "prompt", 1 << 10 } };
#define PARTS	(sizeof(part) / sizeof(part[0]))

static struct policy_rule	policy;
static struct retention_class	class_ = { .id = "standard" };
static struct charter		charter;
static uint8_t			plain[100 << 10], out[128 << 10];
static volatile uint8_t		seen;

static void
need(int ok, const char *what)
{
	if (!ok)
		bench_fail("%s failed", what);
}

/* As much of a charter as a batch looks at. */
static void
make_charter(void)
{
	size_t	n;

	charter = (struct charter){ .n = N, .k = K, .policy = &policy, .n_policies = 1, .class_ = &class_, .n_classes = 1 };
	for (uint8_t i = 0; i < N; i++) {
		EVP_PKEY	*key = EVP_EC_gen("P-256");

		need(key != NULL && EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
		    charter.custodian[i].share_key[0], SEALED_POINT_BYTES, &n) == 1, "a key");
		charter.custodian[i].index = i + 1;
		charter.custodian[i].n_epochs = 1;
		EVP_PKEY_free(key);
	}
}

static enum rc
to_memory(void *user, uint64_t at, struct span bytes, struct err *err)
{
	(void)user;
	if (bytes.n > sizeof(out) || at > sizeof(out) - bytes.n)
		return err_set(err, RC_LIMIT, "the envelope is too large");
	memcpy(out + at, bytes.p, bytes.n);
	return RC_OK;
}

static void
seal_one(struct batch *batch, struct secret_arena *arena)
{
	AUTO_DONE(buf_done) struct buf		 descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;
	struct envelope_params	p = { .class_id = class_.id, .sealed_at = 1795341600, .threshold = K, .shares = N,
				    .n_parts = PARTS, .segment_log2 = SEGMENT_LOG2_DEFAULT };
	struct err		err;
	uint64_t		size;
	uint32_t		leaf;

	randombytes_buf(p.id, sizeof(p.id));
	for (size_t i = 0; i < PARTS; i++)
		p.part[i] = part[i].name;
	bench_must(envelope_new(&p, arena, to_memory, NULL, &w, &err), &err);
	for (size_t i = 0; i < PARTS; i++) {
		bench_must(envelope_part(w, part[i].name, &err), &err);
		bench_must(envelope_write(w, SPAN(plain, part[i].n), &err), &err);
	}
	bench_must(envelope_finish(w, &descriptor, &size, &err), &err);
	bench_must(batch_add(batch, buf_view(&descriptor), envelope_shares(w), &leaf, &err), &err);
}

/* Microseconds an artifact. */
static double
ours(unsigned batches, struct secret_arena *arena)
{
	static const uint8_t	genesis[SHA256_BYTES] = { 1 };
	double			began = bench_cpu();
	struct err		err;

	for (unsigned b = 0; b < batches; b++) {
		AUTO(batch_free) struct batch			*batch = NULL;
		AUTO_DONE(batch_sealed_done) struct batch_sealed sealed = BATCH_SEALED_INIT;
		struct statement				 s = { .type = STATEMENT_BATCH };

		bench_must(batch_new(genesis, &charter, &batch, &err), &err);
		for (unsigned i = 0; i < BATCH; i++)
			seal_one(batch, arena);
		bench_must(batch_seal(batch, &s, &sealed, &err), &err);
		secret_arena_reset(arena);
	}
	return (bench_cpu() - began) / (batches * BATCH) * 1e6;
}

static void
group_operations(void)
{
	uint8_t	scalar[32], point[32], label[32], wide[64];

	for (int i = 0; i < 3; i++) {
		crypto_core_ristretto255_scalar_random(scalar);
		need(crypto_scalarmult_ristretto255_base(point, scalar) == 0, "a base multiplication");
	}
	for (size_t i = 0; i < PARTS; i++) {
		(void)crypto_hash_sha512(wide, scalar, sizeof(scalar));
		(void)crypto_core_ristretto255_from_hash(label, wide);
		need(crypto_scalarmult_ristretto255(point, scalar, label) == 0, "a multiplication");
		seen ^= point[0];
	}
}

/* By libcrypto, one pass of each over the bytes, in chunks as ours so that neither goes to memory more often. */
static void
symmetric(EVP_CIPHER_CTX *cipher, EVP_MD_CTX *md, const EVP_MD *sha256_md, size_t bytes)
{
	static const uint8_t	key[32], nonce[12];
	uint8_t			digest[32], tag[16];
	int			n;

	need(EVP_EncryptInit_ex(cipher, NULL, NULL, key, nonce), "AES-256-GCM");
	need(EVP_DigestInit_ex(md, sha256_md, NULL), "SHA-256");
	for (size_t at = 0; at < bytes; at += 65536) {
		size_t	some = bytes - at < 65536 ? bytes - at : 65536;

		need(EVP_EncryptUpdate(cipher, out + at, &n, plain + at, (int)some), "AES-256-GCM");
		need(EVP_DigestUpdate(md, out + at, some), "SHA-256");
	}
	need(EVP_EncryptFinal_ex(cipher, out, &n) &&
	    EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, tag), "AES-256-GCM");
	need(EVP_DigestFinal_ex(md, digest, NULL), "SHA-256");
	seen ^= digest[0] ^ tag[0];
}

static double
theirs(unsigned artifacts)
{
	EVP_CIPHER_CTX	*cipher = EVP_CIPHER_CTX_new();
	EVP_MD_CTX	*md = EVP_MD_CTX_new();
	EVP_CIPHER	*aes = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	EVP_MD		*sha = EVP_MD_fetch(NULL, "SHA256", NULL);
	double		 began, took;

	need(cipher != NULL && md != NULL && aes != NULL && sha != NULL &&
	    EVP_EncryptInit_ex(cipher, aes, NULL, NULL, NULL), "libcrypto");
	began = bench_cpu();
	for (unsigned i = 0; i < artifacts; i++) {
		group_operations();
		for (size_t k = 0; k < PARTS; k++)
			symmetric(cipher, md, sha, part[k].n);
	}
	took = (bench_cpu() - began) / artifacts * 1e6;
	EVP_CIPHER_CTX_free(cipher);
	EVP_MD_CTX_free(md);
	EVP_CIPHER_free(aes);
	EVP_MD_free(sha);
	return took;
}

int
main(int argc, char **argv)
{
	static const struct bench_series series = { "sealer-cpu", "us", "group operations, AES-GCM, SHA-256", "ratio<=1.3" };
	bool			 quick = bench_begin(argc, argv) == BENCH_QUICK;
	unsigned		 batches = quick ? 1 : 8;
	struct secret_arena	*arena = secret_arena_new((size_t)BATCH * N * SHAMIR_SCALAR_BYTES);

	secret_reuse();		/* as quorate seal --batch does */
	need(arena != NULL, "locked memory");
	make_charter();
	randombytes_buf(plain, sizeof(plain));
	(void)ours(1, arena);
	(void)theirs(BATCH);
	for (int i = 0; i < (quick ? 3 : 9); i++) {
		double	a = ours(batches, arena);

		bench_row(&series, BATCH, a, theirs(batches * BATCH));
	}
	secret_arena_free(arena);
	return 0;
}
