#include "tests/unit/custodian/bench.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/entry.h"
#include "base/secret.h"

#define BIG	((size_t)1 << 22)
#define MUST(cond)	do { if (!(cond)) abort(); } while (0)

static void
must(enum rc rc, const struct err *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "bench: %s: %s\n", rc_name(rc), err->msg);
	abort();
}

/* --- once a program ----------------------------------------------------------------- */

static const char *
module_path(void)
{
	static const char *const	paths[] = {
		"/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
		"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (access(paths[i], R_OK) == 0)
			return paths[i];
	return NULL;
}

static void
write_text(const char *path, const char *text)
{
	struct err	err;

	must(file_write(path, span_str(text), 0600, &err), &err);
}

static void
make_token(struct bench_place *p)
{
	char	path[128], text[256];

	strcpy(p->root, "/tmp/quorate-custodian.XXXXXX");
	MUST(mkdtemp(p->root) != NULL);
	snprintf(path, sizeof(path), "%s/tokens", p->root);
	MUST(mkdir(path, 0700) == 0);
	snprintf(text, sizeof(text), "directories.tokendir = %s\nobjectstore.backend = file\n"
	    "log.level = ERROR\n", path);
	snprintf(path, sizeof(path), "%s/softhsm.conf", p->root);
	write_text(path, text);
	MUST(setenv("SOFTHSM2_CONF", path, 1) == 0);
	snprintf(path, sizeof(path), "%s/pin", p->root);
	write_text(path, BENCH_PIN "\n");
	MUST(system("softhsm2-util --init-token --free --label custodian --pin " BENCH_PIN
	    " --so-pin 12345678 >/dev/null") == 0);
}

static void
init_custodian(struct bench_place *p)
{
	static char	word[9][32] = { "init", "--name", "--organisation", "--address", "--module",
			    "--token", "--pin-file", "custodian", "--token-place" };
	char		pin[128], tokens[128], conf[128], module[128], name[] = "custodian-1", organisation[] = "Legal & Co",
			address[] = "127.0.0.1:7001";
	char		*argv[] = { word[0], p->dir, word[1], name, word[2], organisation, word[3], address,
			    word[4], module, word[5], word[7], word[6], pin, word[8], tokens, word[8], conf, NULL };
	struct err	err;

	snprintf(p->dir, sizeof(p->dir), "%s/one", p->root);
	snprintf(pin, sizeof(pin), "%s/pin", p->root);
	snprintf(tokens, sizeof(tokens), "%s/tokens", p->root);
	snprintf(conf, sizeof(conf), "%s/softhsm.conf", p->root);
	snprintf(module, sizeof(module), "%s", module_path());
	must(custodian_init(18, argv, &err), &err);
}

bool
bench_place_up(struct bench_place *p)
{
	struct err	err;

	memset(p, 0, sizeof(*p));
	if (module_path() == NULL) {
		puts("skipped: SoftHSM2 (softhsm2) is not installed");
		return false;
	}
	must(secret_init(&err), &err);
	make_token(p);
	init_custodian(p);
	must(config_read(p->dir, &p->config, &err), &err);
	must(config_keys(&p->config, &p->hsm, &p->share_key, &p->signer, &err), &err);
	return true;
}

void
bench_place_close(struct bench_place *p)
{
	hsm_signer_free(p->signer);
	hsm_key_free(p->share_key);
	hsm_close(p->hsm);
	p->signer = NULL;
	p->share_key = NULL;
	p->hsm = NULL;
}

void
bench_place_down(struct bench_place *p)
{
	char	command[128];

	bench_place_close(p);
	if (p->root[0] == '\0')
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", p->root);
	MUST(system(command) == 0);
}

/* --- once a test ------------------------------------------------------------------------ */

/* Custodian 1 of the network is the one of the place. */
static void
own_keys(struct bench *b)
{
	struct net	*n = &b->net;
	struct buf	 pem = BUF_INIT(BIG);
	char		 path[128];
	struct err	 err;

	n->signing[0].signer = hsm_as_signer(b->place->signer);
	memcpy(n->share[0].signer.key.bytes, hsm_key_public(b->place->share_key).p, 65);
	snprintf(path, sizeof(path), "%s/tls.crt", b->place->dir);
	must(file_read(path, &pem, &err), &err);
	buf_reset(&n->tls[0]);
	must(pem_to_der(buf_view(&pem), &n->tls[0], &err), &err);
	buf_done(&pem);
}

void
bench_mark_name(const struct bench *b, char ret[HSM_LABEL_MAX + 1])
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	snprintf(ret, HSM_LABEL_MAX + 1, "quorate mark 1 %.16s", hex_write(SPAN_OF(b->net.genesis), hex));
}

void
bench_unmark(struct bench *b)
{
	char		name[HSM_LABEL_MAX + 1];
	struct err	err;

	bench_mark_name(b, name);
	must(hsm_mark_sweep(b->place->hsm, name, NULL, &err), &err);
}

static void
open_replica(struct bench *b, enum store_mode mode)
{
	struct err	err;

	must(store_open(b->db, mode, &b->c.store, &err), &err);
	must(replica_new(store_state(b->c.store), b->net.genesis, &b->c.replica, &err), &err);
}

void
bench_stop(struct bench *b)
{
	replica_free(b->c.replica);
	store_close(b->c.store);
	b->c.replica = NULL;
	b->c.store = NULL;
	bench_forget(b);
}

enum rc
bench_start(struct bench *b, enum store_mode mode, struct err *err)
{
	b->c.index = 0;
	open_replica(b, mode);
	bench_compare(b);
	return steps_open(&b->c, err);
}

void
bench_restart(struct bench *b)
{
	struct err	err;

	bench_stop(b);
	must(bench_start(b, STORE_OPEN, &err), &err);
}

void
bench_compare(struct bench *b)
{
	const struct charter	*charter = replica_charter(b->net.replica);

	/* From the last on; how answers come is test_compare.c's. */
	for (unsigned i = 0; i < compare_need(charter); i++)
		b->c.comparing.peer[NET_N - 1 - i].fresh = true;
}

void
bench_forget(struct bench *b)
{
	compare_done(&b->c.comparing);
}

void
bench_up(struct bench *b, struct bench_place *p)
{
	bench_up_as(b, p, "test");
}

void
bench_up_as(struct bench *b, struct bench_place *p, const char *name)
{
	struct err	err;

	memset(b, 0, sizeof(*b));
	b->place = p;
	snprintf(b->db, sizeof(b->db), "%s/%s.db", p->disk != NULL ? p->disk : p->root, name);
	b->arena = secret_arena_new(16384);
	MUST(b->arena != NULL);
	net_keys(&b->net);
	own_keys(b);
	b->net.amendable = p->amendable;
	b->net.now = clock_now() - BENCH_BEGAN * (p->amendable ? 5U : 1U);
	b->net.quota = p->quota != 0 ? p->quota : 4000;
	net_found(&b->net);
	b->c.config = p->config;
	b->c.hsm = p->hsm;
	b->c.share_key = p->share_key;
	b->c.signer = p->signer;
	memcpy(b->c.genesis, b->net.genesis, SHA256_BYTES);
	bench_unmark(b);		/* another test's, of the same genesis */
	must(bench_start(b, STORE_CREATE, &err), &err);
}

void
bench_down(struct bench *b)
{
	char	path[160];

	bench_stop(b);
	for (const char *const *end = (const char *const[]){ "", "-wal", "-shm", NULL }; *end != NULL; end++) {
		snprintf(path, sizeof(path), "%.120s%s", b->db, *end);
		(void)unlink(path);
	}
	for (size_t i = 0; i < b->n_batches; i++)
		batch_sealed_done(&b->batch[i].sealed);
	secret_arena_free(b->arena);
	net_done(&b->net);
}

void
bench_write_genesis(struct bench *b)
{
	char		path[128], hex[HEX_BYTES(SHA256_BYTES) + 1];
	struct err	err;

	hex_write(SPAN_OF(b->net.genesis), hex);
	strcat(hex, "\n");
	snprintf(path, sizeof(path), "%s/genesis", b->place->dir);
	write_text(path, hex);
	snprintf(path, sizeof(path), "%s/charter.json", b->place->dir);
	must(file_write(path, buf_view(&b->net.charter_json), 0600, &err), &err);
}

struct bench_batch *
bench_seal(struct bench *b, const char *policy)
{
	struct bench_batch		*x = &b->batch[b->n_batches++];
	const struct charter		*charter = replica_charter(b->net.replica);
	AUTO(batch_free) struct batch	*batch = NULL;
	AUTO(secret_free) struct secret	*secret = NULL;
	struct buf			 bytes = BUF_INIT(BIG);
	uint8_t				*share[SHAMIR_SHARES_MAX];
	struct descriptor		 d;
	struct statement		 s;
	uint32_t			 leaf;
	struct err			 err;

	MUST(b->n_batches <= BENCH_BATCHES);
	net_descriptor(&b->net, policy, &d);
	must(shamir_split(3, NET_N, b->arena, &secret, share, &d.commits, &err), &err);
	x->commits = d.commits;
	if (b->lie)
		share[0] = share[1];
	memcpy(x->artifact.id, d.id, sizeof(d.id));
	descriptor_write(&d, &bytes);
	must(batch_new(b->net.genesis, charter, &batch, &err), &err);
	must(batch_add(batch, buf_view(&bytes), share, &leaf, &err), &err);
	net_statement(&b->net, &s, STATEMENT_BATCH);
	x->sealed = BATCH_SEALED_INIT;
	must(batch_seal(batch, &s, &x->sealed, &err), &err);
	must(memstate_blob(b->net.mem, buf_view(&x->sealed.descriptors), &err), &err);
	x->index = b->net.log_entries.n;
	MUST(net_log(&b->net, &s, &b->net.sealer).effective);
	buf_done(&bytes);
	return x;
}

void
bench_order(struct bench *b, const struct bench_batch *batch, const char *policy,
    uint8_t ret_request[32], uint8_t ret_order[32])
{
	net_requested(&b->net, &batch->artifact, 1, policy, ret_request);
	MUST(net_decide(&b->net, ret_request, NET_LEGAL, true).effective);
	MUST(net_decide(&b->net, ret_request, NET_COMPLIANCE, true).effective);
	MUST(net_decide(&b->net, ret_request, NET_AUDITOR, true).effective);
	MUST(net_order(&b->net, ret_request, ret_order).effective);
}

/* --- checkpoints ------------------------------------------------------------------------- */

void
bench_text(struct bench *b, uint64_t size, bool other_root, struct buf *out)
{
	struct checkpoint	c = { .size = size };
	struct note_key		log;
	struct tree_range	r = TREE_RANGE_INIT;
	uint8_t			hash[TREE_HASH_BYTES];
	struct err		err;

	must(charter_log_note_key(replica_charter(b->net.replica), &log, &err), &err);
	memcpy(c.origin, log.name, sizeof(c.origin));
	for (uint64_t i = 0; i < size; i++) {
		/* Sizes past the log's are filled up with entries that nobody has. */
		tree_leaf(i < b->net.log_entries.n ? buf_view(&b->net.log_entries.leaf[i]) :
		    SPAN_STR("nothing"), hash);
		must(tree_range_add(&r, hash, NULL, NULL, &err), &err);
	}
	tree_range_root(&r, c.root);
	c.root[0] ^= other_root;
	checkpoint_text(&c, out);
}

static void
sign_note(const struct note_key *k, const struct test_key *by, when time, struct span text, struct buf *out)
{
	struct buf	message = BUF_INIT(BIG);
	uint8_t		sig[KEY_SIG_BYTES];
	struct err	err;

	if (k->alg == NOTE_COSIGNATURE_V1)
		cosignature_message(text, time, &message);
	else
		buf_span(&message, text);
	must(by->signer.sign(by->signer.user, buf_view(&message), sig, &err), &err);
	note_sig_line(k, time, sig, out);
	buf_done(&message);
}

void
bench_note(struct bench *b, uint64_t size, unsigned cosigners, bool other_root, struct buf *out)
{
	const struct charter	*charter = replica_charter(b->net.replica);
	struct buf		 text = BUF_INIT(BIG);
	struct note_key		 key;
	struct err		 err;

	bench_text(b, size, other_root, &text);
	buf_span(out, buf_view(&text));
	buf_u8(out, '\n');
	must(charter_log_note_key(charter, &key, &err), &err);
	sign_note(&key, &b->net.log, 0, buf_view(&text), out);
	for (unsigned i = 1; i <= cosigners; i++) {
		must(charter_witness_note_key(charter, (uint8_t)(i + 1), &key, &err), &err);
		sign_note(&key, &b->net.signing[i], clock_now(), buf_view(&text), out);
	}
	buf_done(&text);
}

/* --- Append -------------------------------------------------------------------------------- */

struct bench_sending
bench_sending(const struct bench *b)
{
	return (struct bench_sending){ .first = store_size(b->c.store), .size = b->net.log_entries.n,
	    .checkpoint = b->net.log_entries.n, .alter = -1 };
}

#define PARTS_OF_CALL	64

struct call {				/* the request and what it points to */
	Quorate__V1__AppendRequest	 q;
	ProtobufCBinaryData		 entry[PARTS_OF_CALL], blob[PARTS_OF_CALL];
	Quorate__V1__ShareVector	 vector[BENCH_BATCHES], *vectors[BENCH_BATCHES];
	struct buf			 blob_bytes[PARTS_OF_CALL], entry_bytes[PARTS_OF_CALL];
	struct buf			 checkpoint, cosigned;
	struct tree_path		 path;
	ProtobufCBinaryData		 hash[TREE_PATH_MAX];
};

static ProtobufCBinaryData
data_of(struct span s)
{
	return (ProtobufCBinaryData){ s.n, (uint8_t *)(uintptr_t)s.p };
}

static void
put_blobs(struct bench *b, struct call *k, struct span leaf)
{
	const struct state	*st = memstate_state(b->net.mem);
	uint8_t			 digest[2][SHA256_BYTES];
	size_t			 n, at;
	struct err		 err;

	must(entry_blobs(leaf, digest, &n, &err), &err);
	for (size_t i = 0; i < n; i++) {
		at = k->q.n_blobs++;
		MUST(at < PARTS_OF_CALL - 1);
		k->blob_bytes[at] = BUF_INIT(BIG);
		must(st->blob(st->user, digest[i], &k->blob_bytes[at], &err), &err);
		k->blob[at] = data_of(buf_view(&k->blob_bytes[at]));
	}
}

static void
put_entries(struct bench *b, struct call *k, const struct bench_sending *s)
{
	for (uint64_t i = s->first; i < s->size; i++) {
		struct span	leaf = buf_view(&b->net.log_entries.leaf[i]);
		size_t		at = k->q.n_entries++;

		MUST(at < PARTS_OF_CALL);
		k->entry_bytes[at] = BUF_INIT(BIG);
		buf_span(&k->entry_bytes[at], leaf);
		if ((int64_t)i == s->alter)
			k->entry_bytes[at].p[leaf.n - 1] ^= 1;
		k->entry[at] = data_of(buf_view(&k->entry_bytes[at]));
		if (!s->no_blobs)
			put_blobs(b, k, leaf);
	}
}

static void
put_vectors(struct bench *b, struct call *k, const struct bench_sending *s)
{
	for (size_t i = 0; i < b->n_batches && !s->no_shares; i++) {
		Quorate__V1__ShareVector	*v = &k->vector[i];

		if ((s->without >> i & 1) != 0)
			continue;
		quorate__v1__share_vector__init(v);
		v->batch = b->batch[i].index;
		v->vector = data_of(buf_view(i == 0 && s->vector != NULL ? s->vector :
		    &b->batch[i].sealed.shares[0]));
		k->vectors[k->q.n_shares++] = v;
	}
}

/* Complete nodes of the log that bench_text() makes. */
static enum rc
node_of_log(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	const struct bench	*b = user;
	struct tree_range	 r = TREE_RANGE_INIT;
	uint8_t			 hash[TREE_HASH_BYTES];

	for (uint64_t i = index << level; i < (index + 1) << level; i++) {
		tree_leaf(i < b->net.log_entries.n ? buf_view(&b->net.log_entries.leaf[i]) :
		    SPAN_STR("nothing"), hash);
		must(tree_range_add(&r, hash, NULL, NULL, err), err);
	}
	tree_range_root(&r, ret);
	return RC_OK;
}

static void
put_path(struct bench *b, struct call *k, const struct bench_sending *s)
{
	struct err	err;

	if (s->no_path || s->checkpoint <= s->size || s->size == s->first)
		return;
	must(tree_consistency(node_of_log, b, s->size, s->checkpoint, &k->path, &err), &err);
	for (size_t i = 0; i < k->path.n; i++)
		k->hash[i] = data_of(SPAN(k->path.hash[i], TREE_HASH_BYTES));
	k->q.consistency = k->hash;
	k->q.n_consistency = k->path.n;
}

static void
call_fill(struct bench *b, struct call *k, const struct bench_sending *s)
{
	struct test_key	log;

	memset(k, 0, sizeof(*k));
	quorate__v1__append_request__init(&k->q);
	k->checkpoint = k->cosigned = BUF_INIT(BIG);
	k->q.first = s->first;
	k->q.entries = k->entry;
	k->q.blobs = k->blob;
	k->q.shares = k->vectors;
	put_entries(b, k, s);
	put_vectors(b, k, s);
	put_path(b, k, s);
	if (s->extra_blob.p != NULL)
		k->blob[k->q.n_blobs++] = data_of(s->extra_blob);
	log = b->net.log;
	if (s->stranger)
		b->net.log = b->net.sealer;
	if (s->checkpoint != 0)
		bench_note(b, s->checkpoint, 0, s->other_root, &k->checkpoint);
	b->net.log = log;
	if (s->cosigners != 0)
		bench_note(b, s->size, s->cosigners, s->other_root, &k->cosigned);
	k->q.checkpoint = data_of(buf_view(&k->checkpoint));
	k->q.cosigned = data_of(buf_view(&k->cosigned));
}

static void
call_done(struct call *k)
{
	for (size_t i = 0; i < PARTS_OF_CALL; i++) {
		buf_done(&k->blob_bytes[i]);
		buf_done(&k->entry_bytes[i]);
	}
	buf_done(&k->checkpoint);
	buf_done(&k->cosigned);
}

void
bench_pack(struct bench *b, const struct bench_sending *s, struct buf *request)
{
	struct call	k;

	call_fill(b, &k, s);
	(void)quorate__v1__append_request__pack(&k.q,
	    buf_extend(request, quorate__v1__append_request__get_packed_size(&k.q)));
	call_done(&k);
}

enum rc
bench_send(struct bench *b, const struct bench_sending *s, Quorate__V1__AppendReply **ret, struct err *err)
{
	struct buf	request = BUF_INIT(BIG), reply = BUF_INIT(BIG);
	enum rc		rc;

	bench_pack(b, s, &request);
	rc = custody_append(&b->c, buf_view(&request), &reply, err);
	if (rc == RC_OK) {
		*ret = quorate__v1__append_reply__unpack(NULL, reply.n, reply.p);
		MUST(*ret != NULL);
	}
	buf_done(&request);
	buf_done(&reply);
	return rc;
}

void
bench_reply_free(Quorate__V1__AppendReply *r)
{
	quorate__v1__append_reply__free_unpacked(r, NULL);
}

void
bench_sync(struct bench *b, unsigned cosigners)
{
	struct bench_sending		 s = bench_sending(b);
	Quorate__V1__AppendReply	*r;
	struct err			 err;

	s.cosigners = cosigners;
	must(bench_send(b, &s, &r, &err), &err);
	MUST(r->size == b->net.log_entries.n);
	bench_reply_free(r);
}

void
bench_sync_news(struct bench *b, unsigned cosigners)
{
	struct bench_sending		 s = bench_sending(b);
	Quorate__V1__AppendReply	*r;
	struct err			 err;

	s.first = store_size(b->c.store);
	s.cosigners = cosigners;
	must(bench_send(b, &s, &r, &err), &err);
	MUST(r->size == b->net.log_entries.n);
	bench_reply_free(r);
}

/* --- Contribute ------------------------------------------------------------------------------ */

enum rc
bench_contribute(struct bench *b, const uint8_t order[32], Quorate__V1__ContributeReply **ret,
    struct err *err)
{
	Quorate__V1__ContributeRequest	q = QUORATE__V1__CONTRIBUTE_REQUEST__INIT;
	struct buf	request = BUF_INIT(BIG), reply = BUF_INIT(BIG);
	enum rc		rc;

	q.order = data_of(SPAN(order, 32));
	(void)quorate__v1__contribute_request__pack(&q,
	    buf_extend(&request, quorate__v1__contribute_request__get_packed_size(&q)));
	rc = custody_contribute(&b->c, buf_view(&request), &reply, err);
	if (rc == RC_OK) {
		*ret = quorate__v1__contribute_reply__unpack(NULL, reply.n, reply.p);
		MUST(*ret != NULL);
	}
	buf_done(&request);
	buf_done(&reply);
	return rc;
}

bool
bench_journalled(struct bench *b, const char *journal, const uint8_t id[32])
{
	AUTO_DONE(buf_done) struct buf	v = BUF_INIT(BIG);
	struct err			err;
	enum rc				rc;

	rc = store_journal_get(b->c.store, journal, SPAN(id, 32), &v, &err);
	if (rc != RC_MISSING)
		must(rc, &err);
	return rc == RC_OK;
}

void
bench_disk_full(bool full)
{
	struct rlimit	r;

	(void)signal(SIGXFSZ, full ? SIG_IGN : SIG_DFL);
	MUST(getrlimit(RLIMIT_FSIZE, &r) == 0);
	r.rlim_cur = full ? 1 : r.rlim_max;
	MUST(setrlimit(RLIMIT_FSIZE, &r) == 0);
}
