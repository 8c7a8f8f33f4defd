/*
 * custodian/contribute.c - contribute to one order.
 *
 * The order of steps is the security argument: decide on the replica, make the
 * act durable, and only then touch a share (DESIGN 3.1, 3.3). Everything but the
 * order's id comes from the log that this custodian replayed.
 */
#include <stdlib.h>
#include <string.h>

#include "audit/accusation.h"
#include "base/wire.h"
#include "custodian/opener.h"
#include "evidence/cms.h"
#include "evidence/keys.h"
#include "proto/quorate.pb-c.h"
#include "proto/unpack.h"

#define RECEIPT_LIFE	(30 * UINT64_C(86400))
#define BATCHES_MAX	SCOPE_ARTIFACTS_MAX

struct opened {			/* one batch whose key the token derived */
	uint64_t		 batch;
	struct hsm_opener	*opener;
};

struct contributing {
	struct custody		*c;
	struct grant		*grant;
	when			 now;
	struct opened		*opened;
	size_t			 n_opened;
	struct secret		*answer;	/* contributions-v1 */
	/* The artifact at hand, in scope order. */
	uint32_t		 artifact;	/* UINT32_MAX: none yet */
	struct descriptor	 descriptor;
	struct secret		*share;
};

static void
contributing_done(struct contributing *k)
{
	size_t	i;

	for (i = 0; i < k->n_opened; i++)
		hsm_opener_free(k->opened[i].opener);
	free(k->opened);
	secret_free(k->answer);
	secret_free(k->share);
}

/* --- the share of one artifact ----------------------------------------------- */

/* One ECDH in the token a batch, however many of its artifacts are asked for. */
static enum rc
opener_of(struct contributing *k, uint64_t batch, struct hsm_opener **ret, struct err *err)
{
	size_t	i;

	for (i = 0; i < k->n_opened; i++)
		if (k->opened[i].batch == batch) {
			*ret = k->opened[i].opener;
			return RC_OK;
		}
	if (k->n_opened == BATCHES_MAX)
		return err_set(err, RC_BUG, "more batches than artifacts");
	TRY(opener_new(k->c, batch, &k->opened[k->n_opened].opener, err));
	k->opened[k->n_opened].batch = batch;
	*ret = k->opened[k->n_opened++].opener;
	return RC_OK;
}

static enum rc
say_garbage(struct contributing *k, const struct escrow_at *at, enum rc rc, struct err *err)
{
	return custody_say(k->c, err, rc, "the share that the sealer gave this custodian is garbage "
	    "(batch %llu, leaf %u)", (unsigned long long)at->batch, at->leaf);
}

static enum rc
open_share(struct contributing *k, const struct scope_artifact *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf bytes = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct escrow_at	 at;
	struct hsm_opener	*opener = NULL;
	uint8_t			 sealed[SEALED_SHARE_BYTES], digest[SHA256_BYTES];
	const struct state	*st = store_state(k->c->store);
	bool			 garbage;
	enum rc			 rc;

	secret_free(TAKE(k->share));
	TRY(st->escrow_find(st->user, a->id, &at, &bytes, err));
	TRY(descriptor_parse_form(buf_view(&bytes), &k->descriptor, err));
	TRY(check_garbage(k->c, at.batch, at.leaf, &garbage, err));
	if (garbage)				/* the token need not be asked again */
		return say_garbage(k, &at, RC_VERIFY, err);
	rc = store_share(k->c->store, at.batch, at.leaf, sealed, sizeof(sealed), err);
	if (rc == RC_MISSING)
		return custody_say(k->c, err, RC_IO, "this custodian's share of an artifact in scope did not come yet");
	TRY(rc);
	TRY(opener_of(k, at.batch, &opener, err));
	if (opener == NULL)
		return say_garbage(k, &at, RC_VERIFY, err);
	if ((k->share = secret_new(SHAMIR_SCALAR_BYTES)) == NULL)
		return err_set(err, RC_NOMEM, "no locked memory for a share");
	sha256_one(digest, buf_view(&bytes));
	rc = hsm_opener_share(opener, at.leaf, digest, sealed, secret_bytes(k->share), err);
	if (rc == RC_OK)
		rc = shamir_share_verify(&k->descriptor.commits, k->c->index, secret_view(k->share), err);
	if (rc == RC_VERIFY || rc == RC_FORMAT)
		return say_garbage(k, &at, rc, err);
	return rc;
}

/* --- every segment in scope ----------------------------------------------------- */

static enum rc
on_segment(void *user, uint32_t number, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, struct err *err)
{
	struct contributing		*k = user;
	AUTO_DONE(buf_done) struct buf	 msg = BUF_INIT(LABEL_MSG_MAX);
	struct shamir_contribution	 one;
	uint8_t				 label[SHAMIR_POINT_BYTES];
	enum rc				 rc;

	if (k->artifact != p->artifact) {
		TRY(open_share(k, a, err));
		k->artifact = p->artifact;
	}
	label_msg(k->c->genesis, a->id, p->name, segment, &msg);
	TRY(buf_check(&msg, "label", err));
	TRY(shamir_label(buf_view(&msg), label, err));
	rc = shamir_contribute(k->c->index, secret_view(k->share), label, &one, err);
	if (rc == RC_OK)
		contributions_put(k->answer, number, &one);
	wipe(&one, sizeof(one));
	return rc;
}

static enum rc
contribute_all(struct contributing *k, struct err *err)
{
	struct grant	*g = k->grant;

	if ((k->opened = calloc(g->scope.n_artifacts, sizeof(*k->opened))) == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	TRY(contributions_new(k->c->index, g->order, g->scope.n_segments, &k->answer, err));
	k->artifact = UINT32_MAX;
	return scope_each(&g->scope, on_segment, k, err);
}

/* --- receipt, answer, journal ------------------------------------------------------ */

static enum rc
make_receipt(struct contributing *k, struct span message, uint8_t ret_key[OWED_KEY_BYTES],
    struct buf *dsse, struct err *err)
{
	AUTO_DONE(statement_done) struct statement s;

	memset(&s, 0, sizeof(s));
	TRY(custody_statement(k->c, STATEMENT_RECEIPT, k->now, RECEIPT_LIFE, &s, err));
	memcpy(s.subject, k->grant->order, SHA256_BYTES);
	s.u.receipt.custodian = k->c->index;
	s.u.receipt.count = k->grant->scope.n_segments;
	sha256_one(s.u.receipt.message, message);
	TRY(contributions_root(k->answer, s.u.receipt.contributions, err));
	TRY(custody_sign(k->c, &s, dsse, err));
	custody_owed_key(&s, ret_key);
	return RC_OK;
}

/* The deed is durable, and the token counts it, before a share is opened: what was answered can be asked for. */
static enum rc
journal_act(struct contributing *k, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(16);
	enum rc	rc;

	buf_u64(&v, k->now);
	TRY(buf_check(&v, "act", err));
	TRY(store_begin(k->c->store, err));
	rc = store_journal_put(k->c->store, JOURNAL_ACT, SPAN_OF(k->grant->order), buf_view(&v), err);
	if (rc == RC_OK)
		rc = steps_take(k->c, err);
	if (rc == RC_OK)
		rc = store_commit(k->c->store, err);
	if (rc != RC_OK)
		store_rollback(k->c->store);
	return rc == RC_OK ? steps_mark(k->c, err) : rc;
}

static enum rc
journal_answer(struct contributing *k, const uint8_t owed[OWED_KEY_BYTES], struct span answer,
    struct span receipt, struct err *err)
{
	enum rc	rc;

	TRY(store_begin(k->c->store, err));
	rc = store_journal_put(k->c->store, JOURNAL_ANSWER, SPAN_OF(k->grant->order), answer, err);
	if (rc == RC_OK)
		rc = store_journal_put(k->c->store, JOURNAL_RECEIPT, SPAN(owed, OWED_KEY_BYTES), receipt, err);
	if (rc == RC_OK)
		rc = store_commit(k->c->store, err);
	if (rc != RC_OK)
		store_rollback(k->c->store);
	return rc;
}

static enum rc
pack(struct span message, struct span receipt, struct buf *out, struct err *err)
{
	Quorate__V1__ContributeReply	r = QUORATE__V1__CONTRIBUTE_REPLY__INIT;
	AUTO_DONE(buf_done) struct buf	copy = BUF_INIT(message.n + receipt.n);
	uint8_t	*p;

	buf_span(&copy, message);	/* protobuf-c wants its bytes writable */
	buf_span(&copy, receipt);
	TRY(buf_check(&copy, "reply", err));
	r.message = (ProtobufCBinaryData){ message.n, copy.p };
	r.receipt = (ProtobufCBinaryData){ receipt.n, copy.p + message.n };
	p = buf_extend(out, quorate__v1__contribute_reply__get_packed_size(&r));
	TRY(buf_check(out, "reply", err));
	(void)quorate__v1__contribute_reply__pack(&r, p);
	return RC_OK;
}

static enum rc
act(struct contributing *k, struct buf *reply, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	message = BUF_INIT(CMS_BYTES_MAX), receipt = BUF_INIT(DSSE_BYTES_MAX);
	uint8_t	owed[OWED_KEY_BYTES];

	TRY(journal_act(k, err));
	TRY(contribute_all(k, err));
	TRY(cms_seal(buf_view(&k->grant->addressee),
	    SPAN(secret_view(k->answer), secret_len(k->answer)), &message, err));
	TRY(make_receipt(k, buf_view(&message), owed, &receipt, err));
	TRY(pack(buf_view(&message), buf_view(&receipt), reply, err));
	return journal_answer(k, owed, buf_view(reply), buf_view(&receipt), err);
}

/* --- may we? ---------------------------------------------------------------------- */

static enum rc
on_oldest(void *user, struct span key, struct span value, struct err *err)
{
	when		*oldest = user;
	struct rd	r = rd_init(key);

	(void)value;
	if (!rd_u64(&r, oldest))
		return err_set(err, RC_BUG, "the record of receipts is damaged");
	return RC_OK;
}

/* Who keeps receipts out of the log is asked for them first (DESIGN 3.3). */
static enum rc
not_overdue(struct custody *c, when now, struct err *err)
{
	const struct charter	*charter;
	when			 oldest = UINT64_MAX;
	char			 t[WHEN_TEXT_BYTES];

	TRY(custody_charter(c, &charter, err));
	TRY(store_journal_each(c->store, JOURNAL_RECEIPT, SPAN(NULL, 0), 1, on_oldest, &oldest, err));
	if (now < oldest || now - oldest <= charter->receipt_seconds)
		return RC_OK;
	return custody_say(c, err, RC_DENIED, "a receipt of this custodian, given %s, is not in the log yet: it contributes "
	    "to nothing until it is", when_write(oldest, t));
}

static enum rc
not_restored(struct custody *c, struct err *err)
{
	if (!c->steps.restored || c->steps.since != UINT64_MAX)
		return RC_OK;
	return custody_say(c, err, RC_DENIED, "this custodian was put back to an older state and has not caught up with "
	    "the others yet");
}

enum rc
custody_willing(struct custody *c, when now, struct err *err)
{
	TRY(stopped_not(c, err));
	TRY(compare_calm(c, err));
	TRY(compare_ready(c, err));
	TRY(not_restored(c, err));
	return not_overdue(c, now, err);
}

static enum rc
ask_replica(struct custody *c, const uint8_t order[SHA256_BYTES], when now, struct grant *ret, struct err *err)
{
	AUTO_DONE(own_done) struct own	own;

	memset(&own, 0, sizeof(own));
	TRY(own_of(c, now, &own, err));
	return replica_may_act(c->replica, order, &own.view, ret, err);
}

static enum rc
decide(struct custody *c, const uint8_t order[SHA256_BYTES], when now, struct grant *ret, struct err *err)
{
	struct err	why;
	enum rc		rc;

	TRY(custody_willing(c, now, err));
	rc = ask_replica(c, order, now, ret, &why);
	if (rc == RC_OK)
		return RC_OK;
	/* Every refusal names its reason to the asker: the log has it all. */
	if (rc == RC_DENIED || rc == RC_MISSING || rc == RC_QUORUM)
		return custody_say(c, err, rc, "%.240s", why.msg);
	return err_set(err, rc, "%s", why.msg);
}

enum rc
custody_contribute(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	Quorate__V1__ContributeRequest	*q =
	    quorate__v1__contribute_request__unpack(unpack_memory(), request.n, request.p);
	AUTO_DONE(grant_done) struct grant grant;
	AUTO_DONE(contributing_done) struct contributing k = { .c = c, .grant = &grant, .now = clock_now() };
	const struct charter	*charter;
	uint8_t			 order[SHA256_BYTES];
	char			 hex[HEX_BYTES(SHA256_BYTES)];
	bool			 ok;
	enum rc			 rc;

	memset(&grant, 0, sizeof(grant));
	if (q == NULL)
		return custody_unread(c, "request", err);
	ok = q->order.len == sizeof(order);
	if (ok)
		memcpy(order, q->order.data, sizeof(order));
	quorate__v1__contribute_request__free_unpacked(q, NULL);
	if (!ok)
		return custody_say(c, err, RC_FORMAT, "malformed request");
	TRY(custody_charter(c, &charter, err));
	/* Asked again or not, today's "no" counts before yesterday's answer. */
	TRY(decide(c, order, k.now, &grant, err));
	rc = store_journal_get(c->store, JOURNAL_ANSWER, SPAN_OF(order), reply, err);
	if (rc != RC_MISSING)
		return rc;
	TRY(act(&k, reply, err));
	log_line("contributed to order %.16s: %u segments", hex_write(SPAN_OF(order), hex),
	    grant.scope.n_segments);
	return RC_OK;
}
