/*
 * replay - what replaying a log costs beside the Ed25519 verifications that it must make:
 * apply and tree over a log in memory, against libsodium verifying the same signatures of
 * the same bytes, in one run. Every call of libsodium's verification is counted.
 *
 * In a batch one signature stands beside the hashes of all its descriptors, which no replay can do without. So the
 * rows NAME-counted have those in their reference too: SHA-256, by libcrypto, of each leaf and node of each batch's
 * tree and of the log's, and of what each statement's id is the digest of.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "audit/entry.h"
#include "bench/bench.h"
#include "policy/witness.h"
#include "tests/fixture/network.h"

#define CHECKPOINTS	16	/* q-cosigned ones that are verified on the way */

static uint64_t	verifications;

int	__real_crypto_sign_verify_detached(const unsigned char *, const unsigned char *, unsigned long long,
	    const unsigned char *);
int	__wrap_crypto_sign_verify_detached(const unsigned char *, const unsigned char *, unsigned long long,
	    const unsigned char *);

int
__wrap_crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m, unsigned long long n,
    const unsigned char *pk)
{
	verifications++;
	return __real_crypto_sign_verify_detached(sig, m, n, pk);
}

static struct net	net;

/* --- a log ---------------------------------------------------------------------------------- */

struct mix {
	const char	*name, *counted;
	unsigned	 ones, hundreds, requests;	/* batches of 1, of 100; requests with three approvals each */
};

static struct net_artifact
seal(uint32_t count)
{
	static struct descriptor	d[100];
	struct statement		s;
	struct net_artifact		a;
	uint32_t			i;

	for (i = 0; i < count; i++)
		net_descriptor(&net, "standard", &d[i]);
	net_batch(&net, d, count, &s);
	if (!net_log(&net, &s, &net.sealer).effective)
		abort();
	memcpy(a.id, d[0].id, sizeof(a.id));
	return a;
}

static void
ask(const struct net_artifact *a)
{
	static const enum net_person	people[] = { NET_LEGAL, NET_COMPLIANCE, NET_AUDITOR };
	uint8_t				id[SHA256_BYTES];
	size_t				i;

	net_requested(&net, a, 1, "standard", id);
	for (i = 0; i < 3; i++)
		if (!net_decide(&net, id, people[i], true).effective)
			abort();
}

static void
make(const struct mix *m)
{
	struct net_artifact	a;
	unsigned		i, n = m->ones + m->hundreds + m->requests;

	memset(&net, 0, sizeof(net));
	net_keys(&net);
	net.quota = 10000000;
	net_found(&net);
	a = seal(1);
	for (i = 0; i < n; i++) {
		net.now++;
		if (m->requests > 0 && i % (n / m->requests) == 0)
			ask(&a);
		else if (m->hundreds > 0 && i % (n / m->hundreds) == (n / m->hundreds > 1))
			(void)seal(100);
		else
			(void)seal(1);
	}
}

/* --- what is signed in it --------------------------------------------------------------------- */

struct signed_ { struct buf message; uint8_t sig[64], key[32]; };
static struct signed_	*all;
static size_t		 n_all;
static struct buf	 note[CHECKPOINTS];

static void
add_signed(struct span message, const uint8_t sig[64], const uint8_t key[32])
{
	struct signed_	*s;

	if ((all = realloc(all, (n_all + 1) * sizeof(*all))) == NULL)
		abort();
	s = &all[n_all++];
	s->message = BUF_INIT(1 << 20);
	buf_span(&s->message, message);
	memcpy(s->sig, sig, 64);
	memcpy(s->key, key, 32);
}

static const uint8_t *
key_of(const uint8_t id[KEY_ID_BYTES])
{
	struct test_key	*k[NET_PEOPLE + 2 + NET_N];
	uint8_t		 have[KEY_ID_BYTES];
	size_t		 i, n = 0;

	k[n++] = &net.sealer;
	for (i = 0; i < NET_N; i++)
		k[n++] = &net.signing[i];
	for (i = 0; i < NET_PEOPLE; i++)
		k[n++] = &net.person[i];
	for (i = 0; i < n; i++) {
		key_id(&k[i]->signer.key, have);
		if (memcmp(have, id, sizeof(have)) == 0 && k[i]->signer.key.alg == KEY_ED25519)
			return k[i]->signer.key.bytes;
	}
	return NULL;
}

/* What is hashed: these bytes, and so many nodes. */
static struct buf	*hashed;
static size_t		 n_hashed, n_nodes;

static void
add_hashed(struct span first, struct span bytes)
{
	if ((hashed = realloc(hashed, (n_hashed + 1) * sizeof(*hashed))) == NULL)
		abort();
	hashed[n_hashed] = BUF_INIT(1 << 20);
	buf_span(&hashed[n_hashed], first);
	buf_span(&hashed[n_hashed++], bytes);
}

static enum rc
add_leaf(void *user, uint32_t leaf, struct span descriptor, struct err *err)
{
	(void)user, (void)leaf, (void)err;
	add_hashed(SPAN((const uint8_t *)"", 1), descriptor);
	return RC_OK;
}

static void
collect_batch(const struct dsse *d)
{
	const struct state	*st = memstate_state(net.mem);
	struct buf		 vector = BUF_INIT(1 << 20);
	struct statement	 s;
	struct err		 err;

	bench_must(statement_parse(d, &s, &err), &err);
	if (s.type == STATEMENT_BATCH) {
		bench_must(st->blob(st->user, s.u.batch.descriptors, &vector, &err), &err);
		bench_must(descriptor_vector_each(buf_view(&vector), s.u.batch.count, add_leaf, NULL, &err), &err);
		n_nodes += s.u.batch.count - 1;
	}
	statement_done(&s);
	buf_done(&vector);
}

static void
collect_entries(void)
{
	struct dsse	d;
	struct entry	e;
	struct err	err;
	const uint8_t	*key;
	size_t		i, j;

	for (i = 0; i < net.log_entries.n; i++) {
		bench_must(entry_parse(buf_view(&net.log_entries.leaf[i]), &e, &err), &err);
		bench_must(dsse_parse(e.dsse, &d, &err), &err);
		for (j = 0; j < d.n_sig; j++)
			if ((key = key_of(d.sig[j].keyid)) != NULL)
				add_signed(buf_view(&d.pae), d.sig[j].sig, key);
		add_hashed(SPAN((const uint8_t *)"", 1), buf_view(&net.log_entries.leaf[i]));
		add_hashed(SPAN(NULL, 0), buf_view(&d.pae));
		n_nodes++;
		collect_batch(&d);
		dsse_done(&d);
	}
}

static void
sign_note(const struct note_key *k, const struct test_key *by, when t, struct span text, struct buf *out)
{
	struct buf	m = BUF_INIT(1 << 16);
	uint8_t		sig[64];
	struct err	err;

	if (k->alg == NOTE_COSIGNATURE_V1)
		cosignature_message(text, t, &m);
	else
		buf_span(&m, text);
	bench_must(by->signer.sign(by->signer.user, buf_view(&m), sig, &err), &err);
	note_sig_line(k, t, sig, out);
	add_signed(buf_view(&m), sig, k->key);
	buf_done(&m);
}

/* Of the log's end: which size they are of makes no difference to what they cost. */
static void
make_notes(void)
{
	const struct charter	*c = replica_charter(net.replica);
	struct checkpoint	 cp = { .size = net.range.size };
	struct buf		 text = BUF_INIT(1 << 16);
	struct note_key		 key;
	struct err		 err;

	tree_range_root(&net.range, cp.root);
	bench_must(charter_log_note_key(c, &key, &err), &err);
	memcpy(cp.origin, key.name, sizeof(cp.origin));
	checkpoint_text(&cp, &text);
	for (size_t i = 0; i < CHECKPOINTS; i++) {
		note[i] = BUF_INIT(1 << 16);
		buf_span(&note[i], buf_view(&text));
		buf_u8(&note[i], '\n');
		bench_must(charter_log_note_key(c, &key, &err), &err);	/* it served a witness's name since */
		sign_note(&key, &net.log, 0, buf_view(&text), &note[i]);
		for (uint8_t k = 0; k < 4; k++) {
			bench_must(charter_witness_note_key(c, (uint8_t)(k + 1), &key, &err), &err);
			sign_note(&key, &net.signing[k], net.now, buf_view(&text), &note[i]);
		}
	}
	buf_done(&text);
}

/* --- the two that are compared ------------------------------------------------------------------ */

static double
libsodium(void)
{
	double	began = bench_cpu();

	for (size_t i = 0; i < n_all; i++)
		if (__real_crypto_sign_verify_detached(all[i].sig, all[i].message.p, all[i].message.n, all[i].key) != 0)
			abort();
	return bench_cpu() - began;
}

static double
hashes(void)
{
	uint8_t	node[1 + 2 * SHA256_BYTES] = { 1 };
	double	began = bench_cpu();

	for (size_t i = 0; i < n_hashed; i++)
		sha256_one(node + 1, buf_view(&hashed[i]));
	for (size_t i = 0; i < n_nodes; i++)
		sha256_one(node + 1, SPAN_OF(node));
	return bench_cpu() - began;
}

/* The blobs that the entries name. */
static void
give_blobs(struct memstate *mem)
{
	const struct state	*st = memstate_state(net.mem);
	uint8_t			 digest[2][SHA256_BYTES];
	struct err		 err;
	size_t			 i, j, n;

	for (i = 0; i < net.log_entries.n; i++) {
		bench_must(entry_blobs(buf_view(&net.log_entries.leaf[i]), digest, &n, &err), &err);
		for (j = 0; j < n; j++) {
			struct buf	b = BUF_INIT(1 << 20);

			bench_must(st->blob(st->user, digest[j], &b, &err), &err);
			bench_must(memstate_blob(mem, buf_view(&b), &err), &err);
			buf_done(&b);
		}
	}
}

/* The blobs are at hand; everything else is done as for the first time. */
static double
replay(void)
{
	struct memstate		*mem;
	struct replica		*r;
	struct checkpoint	 cp;
	struct verdict		 v;
	struct err		 err;
	uint8_t			 hash[TREE_HASH_BYTES], root[TREE_HASH_BYTES];
	double			 began, took;
	size_t			 i;

	bench_must(memstate_new(&mem, &err), &err);
	give_blobs(mem);
	verifications = 0;
	began = bench_cpu();
	bench_must(replica_new(memstate_state(mem), net.genesis, &r, &err), &err);
	for (i = 0; i < net.log_entries.n; i++) {
		struct span	leaf = buf_view(&net.log_entries.leaf[i]);

		tree_leaf(leaf, hash);
		bench_must(memstate_leaf(mem, hash, &err), &err);
		bench_must(replica_apply(r, i, leaf, &v, &err), &err);
		if (!v.effective)
			abort();
	}
	for (i = 0; i < CHECKPOINTS; i++)
		bench_must(charter_checkpoint_verify(replica_charter(r), buf_view(&note[i]), true, &cp, NULL, &err), &err);
	bench_must(memstate_state(mem)->root_at(mem, net.log_entries.n, root, &err), &err);
	if (memcmp(root, cp.root, sizeof(root)) != 0)
		abort();
	took = bench_cpu() - began;
	replica_free(r);
	memstate_free(mem);
	return took;
}

static void
forget(void)
{
	for (size_t i = 0; i < n_all; i++)
		buf_done(&all[i].message);
	for (size_t i = 0; i < n_hashed; i++)
		buf_done(&hashed[i]);
	free(all);
	free(hashed);
	all = NULL;
	hashed = NULL;
	n_all = n_hashed = n_nodes = 0;
	for (size_t i = 0; i < CHECKPOINTS; i++)
		buf_done(&note[i]);
	net_done(&net);
}

static void
measure(const struct mix *m, int repetitions)
{
	struct bench_series	s = { m->name, "ms", "libsodium verifying its signatures", "ratio<=1.3" },
				counted = { m->counted, "ms", "those signatures, and libcrypto hashing what is hashed", "ratio<=1.3" };

	bench_axis(m->name, "entries");
	make(m);
	collect_entries();
	make_notes();
	for (int i = 0; i < repetitions; i++) {
		double	theirs = libsodium(), hashing = hashes(), ours = replay();

		bench_row(&s, (double)net.log_entries.n, 1e3 * ours, 1e3 * theirs);
		bench_row(&counted, (double)net.log_entries.n, 1e3 * ours, 1e3 * (theirs + hashing));
	}
	printf("# %s: %zu entries, %llu verifications, %zu signatures, %zu hashes\n", m->name, net.log_entries.n,
	    (unsigned long long)verifications, n_all, n_hashed + n_nodes);
	forget();
}

int
main(int argc, char **argv)
{
	static const struct mix	mixes[] = {
		{ "replay-ones", "replay-ones-counted", 2000, 0, 200 },
		{ "replay-mixed", "replay-mixed-counted", 1800, 200, 200 },
		{ "replay-hundreds", "replay-hundreds-counted", 0, 400, 0 },
	}, quick_mixes[] = {
		{ "replay-ones", "replay-ones-counted", 400, 0, 40 },
		{ "replay-mixed", "replay-mixed-counted", 360, 40, 40 },
		{ "replay-hundreds", "replay-hundreds-counted", 0, 80, 0 },
	};
	bool	quick = bench_begin(argc, argv) == BENCH_QUICK;

	for (size_t i = 0; i < sizeof(mixes) / sizeof(mixes[0]); i++)
		measure(quick ? &quick_mixes[i] : &mixes[i], quick ? 3 : 5);
	return 0;
}
