/* tests/liars/send.c - pages, notes and questions, to whomever, with the coordinator's certificate. */
#include "tests/liars/liar.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"

static ProtobufCBinaryData
data_of(struct span s)
{
	return (ProtobufCBinaryData){ s.n, (uint8_t *)(uintptr_t)s.p };
}

/* --- calls --------------------------------------------------------------------------------- */

void
answer_done(struct answer *a)
{
	if (a->append != NULL)
		quorate__v1__append_reply__free_unpacked(a->append, NULL);
	a->append = NULL;
	buf_done(&a->bytes);
}

static void
call(struct rpc_client *c, const char *method, const ProtobufCMessage *m, struct answer *ret)
{
	AUTO_DONE(buf_done) struct buf	out = BUF_INIT(2 * RPC_MESSAGE_MAX);
	char				name[64];
	struct err			err;

	memset(ret, 0, sizeof(*ret));
	ret->bytes = BUF_INIT(2 * RPC_MESSAGE_MAX);
	(void)snprintf(name, sizeof(name), "%s%s", method[0] == '/' ? "" : "/quorate.v1.Custodian/", method);
	(void)protobuf_c_message_pack(m, buf_extend(&out, protobuf_c_message_get_packed_size(m)));
	ret->rc = rpc_call_said(c, name, buf_view(&out), CALL_MS, &ret->bytes, ret->words, &err);
	if (ret->rc != RC_OK && ret->words[0] == '\0')
		(void)snprintf(ret->words, sizeof(ret->words), "%.200s", err.msg);
}

void
say(struct liar *l, unsigned custodian, const char *method, const ProtobufCMessage *m, struct answer *ret)
{
	MUST(custodian >= 1 && custodian <= NET_N);
	call(l->client[custodian - 1], method, m, ret);
	if (ret->rc == RC_OK && strcmp(method, "Append") == 0) {
		ret->append = quorate__v1__append_reply__unpack(NULL, ret->bytes.n, ret->bytes.p);
		MUST(ret->append != NULL);
	}
}

void
ask_order(struct liar *l, unsigned custodian, const uint8_t order[SHA256_BYTES], struct answer *ret)
{
	Quorate__V1__ContributeRequest	q = QUORATE__V1__CONTRIBUTE_REQUEST__INIT;

	q.order = data_of(SPAN(order, SHA256_BYTES));
	say(l, custodian, "Contribute", &q.base, ret);
}

void
checkpoint_reply_free(Quorate__V1__CheckpointReply *r)
{
	if (r != NULL)
		quorate__v1__checkpoint_reply__free_unpacked(r, NULL);
}

Quorate__V1__CheckpointReply *
ask_checkpoint(struct liar *l, unsigned custodian)
{
	Quorate__V1__CheckpointRequest	 q = QUORATE__V1__CHECKPOINT_REQUEST__INIT;
	Quorate__V1__CheckpointReply	*r = NULL;
	struct answer			 a;

	say(l, custodian, "Checkpoint", &q.base, &a);
	if (a.rc == RC_OK)
		r = quorate__v1__checkpoint_reply__unpack(NULL, a.bytes.n, a.bytes.p);
	answer_done(&a);
	return r;
}

void
hand_in(struct liar *l, unsigned custodian, struct span dsse, struct answer *ret)
{
	Quorate__V1__SubmitRequest	q = QUORATE__V1__SUBMIT_REQUEST__INIT;

	q.statement = data_of(dsse);
	call(l->nobody[custodian - 1], "Submit", &q.base, ret);
}

/* --- where they are ----------------------------------------------------------------------- */

/* Brings nothing: the reply says where it is. */
static void
beat(struct liar *l, unsigned custodian, struct answer *ret)
{
	Quorate__V1__AppendRequest	q = QUORATE__V1__APPEND_REQUEST__INIT;

	say(l, custodian, "Append", &q.base, ret);
}

uint64_t
held(struct liar *l, unsigned custodian)
{
	struct answer	a;
	uint64_t	size;

	beat(l, custodian, &a);
	size = a.rc == RC_OK ? a.append->size : UINT64_MAX;
	answer_done(&a);
	return size;
}

uint64_t
cosigned_at(struct liar *l, unsigned custodian)
{
	struct answer	a;
	uint64_t	size;

	beat(l, custodian, &a);
	size = a.rc == RC_OK ? a.append->cosigned_size : UINT64_MAX;
	answer_done(&a);
	return size;
}

/* --- checkpoints ------------------------------------------------------------------------------ */

void
lines_init(struct lines *n)
{
	size_t	i;

	for (i = 0; i < NET_N; i++)
		n->line[i] = BUF_INIT(1024);
}

void
lines_done(struct lines *n)
{
	size_t	i;

	for (i = 0; i < NET_N; i++)
		buf_done(&n->line[i]);
}

void
checkpoint_of(const struct liar *l, const struct story *s, uint64_t size, struct checkpoint *ret)
{
	memset(ret, 0, sizeof(*ret));
	strcpy(ret->origin, l->charter->origin);
	ret->size = size;
	story_root(s, size, ret->root);
}

void
write_note(struct liar *l, const struct checkpoint *c, const struct lines *n, uint32_t mask, struct buf *out)
{
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(1024);
	struct note_key			key;
	uint8_t				sig[KEY_SIG_BYTES];
	struct signer			*log = &l->keys.log.signer;
	struct err			err;
	size_t				i;

	checkpoint_text(c, &text);
	must(charter_log_note_key(l->charter, &key, &err), &err);
	must(log->sign(log->user, buf_view(&text), sig, &err), &err);
	buf_reset(out);
	buf_span(out, buf_view(&text));
	buf_u8(out, '\n');
	note_sig_line(&key, 0, sig, out);
	for (i = 0; n != NULL && i < NET_N; i++)
		if ((mask >> i & 1) != 0)
			buf_span(out, buf_view(&n->line[i]));
	must(buf_check(out, "note", &err), &err);
}

/* --- pages --------------------------------------------------------------------------------------- */

void
page_of(struct liar *l, const struct story *s, unsigned custodian, uint64_t first, uint64_t size, struct page *ret)
{
	struct checkpoint	c;
	uint64_t		i;

	memset(ret, 0, sizeof(*ret));
	ret->checkpoint = BUF_INIT(NOTE_BYTES_MAX);
	ret->cosigned = BUF_INIT(NOTE_BYTES_MAX);
	ret->first = first;
	MUST(size - first <= PAGE_ENTRIES && size <= story_size(s));
	for (i = first; i < size; i++)
		ret->entry[ret->n++] = buf_view(&s->net.log_entries.leaf[i]);
	for (i = 0; i < s->n_batches; i++) {
		if (s->batch[i].index < first || s->batch[i].index >= size)
			continue;
		ret->share[ret->n_shares].batch = s->batch[i].index;
		ret->share[ret->n_shares++].vector = buf_view(&s->batch[i].sealed.shares[custodian - 1]);
	}
	if (size == 0)
		return;
	checkpoint_of(l, s, size, &c);
	write_note(l, &c, NULL, 0, &ret->checkpoint);
}

void
page_done(struct page *p)
{
	buf_done(&p->checkpoint);
	buf_done(&p->cosigned);
}

struct parts {				/* what an AppendRequest points to */
	ProtobufCBinaryData		 entry[PAGE_ENTRIES], blob[2 * PAGE_ENTRIES];
	Quorate__V1__ShareVector	 share[STORY_BATCHES], *shares[STORY_BATCHES];
	struct buf			 bytes[2 * PAGE_ENTRIES];
};

static void
put_blobs(const struct story *s, struct span leaf, struct parts *k, Quorate__V1__AppendRequest *q)
{
	const struct state	*st = memstate_state(s->net.mem);
	uint8_t			 digest[2][SHA256_BYTES];
	struct err		 err;
	size_t			 n = 0, i;

	if (entry_blobs(leaf, digest, &n, &err) != RC_OK)
		return;
	for (i = 0; i < n && q->n_blobs < 2 * PAGE_ENTRIES; i++) {
		struct buf	*b = &k->bytes[q->n_blobs];

		*b = BUF_INIT(BIG);
		if (st->blob(st->user, digest[i], b, &err) != RC_OK)
			continue;
		k->blob[q->n_blobs++] = data_of(buf_view(b));
	}
}

void
say_page(struct liar *l, const struct story *s, unsigned custodian, const struct page *p, struct answer *ret)
{
	Quorate__V1__AppendRequest	 q = QUORATE__V1__APPEND_REQUEST__INIT;
	struct parts			*k = calloc(1, sizeof(*k));
	size_t				 i;

	MUST(k != NULL);
	q.first = p->first;
	for (i = 0; i < p->n; i++) {
		k->entry[i] = data_of(p->entry[i]);
		if (!p->no_blobs)
			put_blobs(s, p->entry[i], k, &q);
	}
	for (i = 0; i < p->n_shares; i++) {
		quorate__v1__share_vector__init(&k->share[i]);
		k->share[i].batch = p->share[i].batch;
		k->share[i].vector = data_of(p->share[i].vector);
		k->shares[i] = &k->share[i];
	}
	q.n_entries = p->n;
	q.entries = k->entry;
	q.blobs = k->blob;
	q.n_shares = p->n_shares;
	q.shares = k->shares;
	q.checkpoint = data_of(buf_view(&p->checkpoint));
	q.cosigned = data_of(buf_view(&p->cosigned));
	say(l, custodian, "Append", &q.base, ret);
	for (i = 0; i < q.n_blobs; i++)
		buf_done(&k->bytes[i]);
	free(k);
}

void
say_note(struct liar *l, unsigned custodian, struct span cosigned, struct answer *ret)
{
	Quorate__V1__AppendRequest	q = QUORATE__V1__APPEND_REQUEST__INIT;

	q.cosigned = data_of(cosigned);
	say(l, custodian, "Append", &q.base, ret);
}

/* --- all of it, honestly ---------------------------------------------------------------------------- */

bool
bring_from(struct liar *l, struct story *s, unsigned custodian, uint64_t first, struct buf *line)
{
	struct page	p;
	struct answer	a;
	bool		signed_;

	page_of(l, s, custodian, first, story_size(s), &p);
	say_page(l, s, custodian, &p, &a);
	signed_ = a.rc == RC_OK && a.append->cosignature.len > 0;
	if (signed_ && line != NULL) {
		buf_reset(line);
		buf_add(line, a.append->cosignature.data, a.append->cosignature.len);
	}
	answer_done(&a);
	page_done(&p);
	return signed_;
}

/* From where it is to the end; its cosignature. */
static bool
bring_one(struct liar *l, struct story *s, unsigned custodian, struct buf *line)
{
	uint64_t	size = held(l, custodian);

	return size <= story_size(s) && bring_from(l, s, custodian, size, line);	/* UINT64_MAX: it is not there */
}

uint32_t
bring(struct liar *l, struct story *s, uint32_t mask, struct lines *n)
{
	uint32_t	got = 0;
	unsigned	i;

	for (i = 1; i <= NET_N; i++)
		if ((mask & ONLY(i)) != 0 && bring_one(l, s, i, n == NULL ? NULL : &n->line[i - 1]))
			got |= ONLY(i);
	return got;
}

bool
found_by(struct liar *l, unsigned custodian, enum statement_type type, const uint8_t subject[SHA256_BYTES],
    struct buf *dsse)
{
	struct answer	a;
	bool		found = false;
	size_t		i;

	beat(l, custodian, &a);
	for (i = 0; a.rc == RC_OK && i < a.append->n_statements && !found; i++) {
		struct span		bytes = SPAN(a.append->statements[i]->statement.data, a.append->statements[i]->statement.len);
		struct dsse		d;
		struct statement	s;

		if (dsse_parse(bytes, &d, NULL) != RC_OK)
			continue;
		if (statement_parse(&d, &s, NULL) == RC_OK) {
			found = s.type == type && memcmp(s.subject, subject, SHA256_BYTES) == 0;
			statement_done(&s);
		}
		dsse_done(&d);
		if (found)
			buf_span(dsse, bytes);
	}
	answer_done(&a);
	return found;
}

void
log_receipts(struct liar *l, struct story *s, uint32_t mask)
{
	unsigned	i;
	size_t		j;

	for (i = 1; i <= NET_N; i++) {
		struct answer	a;

		if ((mask & ONLY(i)) == 0)
			continue;
		beat(l, i, &a);
		for (j = 0; a.rc == RC_OK && j < a.append->n_receipts; j++) {
			struct span	dsse = SPAN(a.append->receipts[j].data, a.append->receipts[j].len);

			if (!story_has(s, dsse))
				(void)net_log_dsse(&s->net, dsse);
		}
		answer_done(&a);
	}
}

/* The note of a quorum, to everybody in mask. */
static bool
publish(struct liar *l, struct story *s, uint32_t mask, struct lines *n, uint32_t got)
{
	struct checkpoint	c;
	struct answer		a;
	unsigned		i, took = 0;

	checkpoint_of(l, s, story_size(s), &c);
	write_note(l, &c, n, got, &l->note);
	for (i = 1; i <= NET_N; i++) {
		if ((mask & ONLY(i)) == 0)
			continue;
		say_note(l, i, buf_view(&l->note), &a);
		took += a.rc == RC_OK && a.append->cosigned_size == c.size;
		answer_done(&a);
	}
	return took == (unsigned)__builtin_popcount(mask);
}

bool
settle_with(struct liar *l, struct story *s, uint32_t mask, unsigned ms)
{
	uint64_t	until = clock_ms() + ms;
	struct lines	n;
	uint32_t	got = 0;
	bool		done = false;

	lines_init(&n);
	story_now(s);
	log_receipts(l, s, mask);
	for (;;) {
		got |= bring(l, s, mask & ~got, &n);
		if (got == mask || clock_ms() >= until)
			break;
		wait_ms(200);
	}
	if (got == mask && (unsigned)__builtin_popcount(got) >= l->charter->q)
		done = publish(l, s, mask, &n, got);
	lines_done(&n);
	return done;
}

void
settle(struct liar *l, struct story *s)
{
	if (settle_with(l, s, EVERYBODY, A_MINUTE))
		return;
	fprintf(stderr, "liar: the custodians do not go on with the honest log of %llu entries\n",
	    (unsigned long long)story_size(s));
	exit(2);
}
