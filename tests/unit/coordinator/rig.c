/* tests/unit/coordinator/rig.c - a coordinator without a token and without a network. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit/entry.h"
#include "coordinator/cosigning.h"
#include "coordinator/in_force.h"
#include "coordinator/load.h"
#include "coordinator/readers.h"
#include "coordinator/sequencer.h"
#include "tests/unit/coordinator/rig.h"

#define MUST(x)								\
	do {								\
		if (!(x)) {						\
			fprintf(stderr, "rig: %s\n", #x);		\
			abort();					\
		}							\
	} while (0)

void
rig_folder(char out[64])
{
	(void)snprintf(out, 64, "/tmp/quorate-unit-XXXXXX");
	MUST(mkdtemp(out) != NULL);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void
rig_remove(const char *dir)
{
	MUST(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

static void
make_coordinator(struct rig *r)
{
	struct err	err;
	char		dir[64];

	coordinator_init(&r->c);
	rig_folder(dir);
	(void)snprintf(r->c.dir, sizeof(r->c.dir), "%s", dir);
	memcpy(r->c.genesis, r->net.genesis, SHA256_BYTES);
	MUST(in_force_put(&r->c, buf_view(&r->net.charter_json), &err) == RC_OK);
	net_charter_envelope(&r->net, &r->c.charter_dsse);
	r->c.log = r->net.log.signer;
}

void
rig_init(struct rig *r)
{
	net_init(&r->net);
	r->net.now = clock_now();
	make_coordinator(r);
}

void
rig_init_amendable(struct rig *r)
{
	net_keys(&r->net);
	r->net.amendable = true;
	r->net.quota = 1000;
	r->net.now = clock_now() - 7200;
	net_found(&r->net);
	make_coordinator(r);
}

void
rig_init_tsas(struct rig *r, const char *tsas)
{
	net_keys(&r->net);
	r->net.tsas = tsas;
	net_found(&r->net);
	r->net.now = clock_now();
	make_coordinator(r);
}

void
rig_done(struct rig *r)
{
	rig_remove(r->c.dir);
	coordinator_done(&r->c);
	net_done(&r->net);
}

void
rig_start(struct rig *r)
{
	struct err	err;

	MUST(cosigning_new(r->c.first, sequencer_keep, &r->c, &r->c.cosigning, &err) == RC_OK);
	MUST(sequencer_new(&r->c, &r->c.sequencer, &err) == RC_OK);
	MUST(readers_new(&r->c, &r->c.readers, &err) == RC_OK);
}

void
rig_stop(struct rig *r)
{
	cosigning_wake(r->c.cosigning);
	readers_free(r->c.readers);
	sequencer_free(r->c.sequencer);
	cosigning_free(r->c.cosigning);
	r->c.readers = NULL;
	r->c.sequencer = NULL;
	r->c.cosigning = NULL;
}

void
rig_revocation(struct rig *r, enum net_person who, struct buf *out)
{
	rig_void(r, &r->net.person[who].signer, out);
}

void
rig_void(struct rig *r, struct signer *by, struct buf *out)
{
	static const uint8_t	other[KEY_ID_BYTES] = { 1 };
	struct statement	s;
	struct err		err;

	net_statement(&r->net, &s, STATEMENT_REVOCATION);
	s.seen_size = 0;
	tree_empty(s.seen_root);
	/* Of a key that nobody has: void, and logged all the same. */
	memcpy(s.subject, other, sizeof(other));
	MUST(statement_sign(&s, by, out, &err) == RC_OK);
	statement_done(&s);
}

void
rig_request(struct rig *r, struct span scope, struct buf *out)
{
	struct statement	s;
	struct err		err;

	net_statement(&r->net, &s, STATEMENT_REQUEST);
	s.seen_size = 0;
	tree_empty(s.seen_root);
	sha256_one(s.subject, scope);
	(void)snprintf(s.u.request.policy, sizeof(s.u.request.policy), "standard");
	buf_span(&s.bytes, buf_view(&r->net.recipient));
	MUST(statement_sign(&s, &r->net.person[NET_REQUESTER].signer, out, &err) == RC_OK);
	statement_done(&s);
}

struct verdict
rig_log(struct rig *r, struct statement *s, const struct signer *by)
{
	const struct state	*st = memstate_state(r->net.mem);
	struct buf		 dsse = BUF_INIT(DSSE_BYTES_MAX), leaf = BUF_INIT(DSSE_BYTES_MAX + 8);
	struct buf		 b[2] = { BUF_INIT(1 << 20), BUF_INIT(1 << 20) };
	struct span		 blob[2], vector[NET_N];
	struct submission	 sub = { .blob = blob };
	uint8_t			 digest[2][SHA256_BYTES];
	struct err		 err;
	size_t			 i;

	s->seen_size = 0;
	tree_empty(s->seen_root);
	MUST(statement_sign(s, by, &dsse, &err) == RC_OK);
	entry_write(0, buf_view(&dsse), &leaf);
	MUST(entry_blobs(buf_view(&leaf), digest, &sub.n_blobs, &err) == RC_OK);
	for (i = 0; i < sub.n_blobs; i++) {
		MUST(st->blob(st->user, digest[i], &b[i], &err) == RC_OK);
		blob[i] = buf_view(&b[i]);
	}
	for (i = 0; i < NET_N; i++)
		vector[i] = SPAN_STR("a vector");
	sub.vector = s->type == STATEMENT_BATCH ? vector : NULL;
	sub.dsse = buf_view(&dsse);
	MUST(sequencer_submit(r->c.sequencer, &sub, &err) == RC_OK);
	MUST(sub.fate == FATE_LOGGED);
	memcpy(s->id, sub.verdict.id, SHA256_BYTES);
	statement_done(s);
	buf_done(&dsse);
	buf_done(&leaf);
	buf_done(&b[0]);
	buf_done(&b[1]);
	return sub.verdict;
}

static void
effective(struct rig *r, struct statement *s, const struct signer *by)
{
	MUST(rig_log(r, s, by).effective);
}

void
rig_ordered(struct rig *r, const char *policy, uint8_t ret_order[SHA256_BYTES])
{
	struct net		*n = &r->net;
	struct net_artifact	 a;
	struct descriptor	 d;
	struct statement	 s;
	uint8_t			 request[SHA256_BYTES], scope[SHA256_BYTES];

	net_descriptor(n, policy, &d);
	memcpy(a.id, d.id, ARTIFACT_ID_BYTES);
	net_batch(n, &d, 1, &s);
	effective(r, &s, &n->sealer.signer);
	net_request(n, &a, 1, policy, &s);
	memcpy(scope, s.subject, sizeof(scope));
	effective(r, &s, &n->person[NET_REQUESTER].signer);
	memcpy(request, s.id, sizeof(request));
	net_statement(n, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, sizeof(request));
	s.u.decision.approve = true;
	effective(r, &s, &n->person[NET_LEGAL].signer);
	net_statement(n, &s, STATEMENT_ORDER);
	memcpy(s.subject, request, sizeof(request));
	memcpy(s.u.order.scope, scope, sizeof(scope));
	s.expires = s.issued + 600;
	buf_span(&s.bytes, buf_view(&n->worker));
	effective(r, &s, &n->log.signer);
	memcpy(ret_order, s.id, SHA256_BYTES);
}

void
rig_receipt(struct rig *r, uint8_t custodian, const uint8_t order[SHA256_BYTES], struct span message,
    struct signer *by, struct buf *out)
{
	struct statement	s;
	struct err		err;

	net_statement(&r->net, &s, STATEMENT_RECEIPT);
	s.seen_size = 0;
	tree_empty(s.seen_root);
	memcpy(s.subject, order, SHA256_BYTES);
	s.u.receipt.custodian = custodian;
	s.u.receipt.count = 1;
	sha256_one(s.u.receipt.message, message);
	MUST(statement_sign(&s, by, out, &err) == RC_OK);
	statement_done(&s);
}

void
rig_line_at(struct rig *r, uint8_t custodian, when time, struct span text, struct buf *out)
{
	struct signer	*k = &r->net.signing[custodian - 1].signer;
	struct buf	 message = BUF_INIT(NOTE_BYTES_MAX);
	struct note_key	 key;
	struct err	 err;
	uint8_t		 sig[NOTE_SIG_BYTES];

	MUST(charter_witness_note_key(r->c.first, custodian, &key, &err) == RC_OK);
	cosignature_message(text, time, &message);
	MUST(k->sign(k->user, buf_view(&message), sig, &err) == RC_OK);
	note_sig_line(&key, time, sig, out);
	buf_done(&message);
}

void
rig_line(struct rig *r, uint8_t custodian, struct span text, struct buf *out)
{
	rig_line_at(r, custodian, clock_now(), text, out);
}

struct span
rig_text(struct span note)
{
	size_t	i;

	for (i = 1; i < note.n; i++)
		if (note.p[i] == '\n' && note.p[i - 1] == '\n')
			return SPAN(note.p, i);
	abort();
}
