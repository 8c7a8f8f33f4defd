/* cli/handover.c - a batch, handed over and believed on a receipt only. */
#include <sodium.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/artifact.h"
#include "cli/handover.h"
#include "policy/apply.h"

#define BATCH_LIFE	3600
#define WAIT_MS		30000
#define SIGN_TRIES	3	/* again, when the charter changed meanwhile */
#define PAUSE_MS	200
#define WHAT_BYTES	64

void
handover_init(struct handover *h, struct remote *r, const struct signer *signer,
    struct sealed_artifact *const *artifact, size_t n)
{
	size_t	i;

	*h = (struct handover){ .r = r, .signer = signer, .artifact = artifact, .n_artifacts = n,
	    .call_ms = REMOTE_MS_LONG, .wait_ms = WAIT_MS, .sealed = BATCH_SEALED_INIT, .dsse = BUF_INIT(DSSE_BYTES_MAX) };
	for (i = 0; i < n; i++)
		h->size += artifact[i]->size;
	randombytes_buf(h->upload, sizeof(h->upload));
}

void
handover_done(struct handover *h)
{
	batch_sealed_done(&h->sealed);
	statement_done(&h->statement);
	buf_done(&h->dsse);
	message_free(TAKE(h->answer));
}

bool
handover_again(enum rc rc)
{
	return rc == RC_UNSURE || rc == RC_QUORUM || rc == RC_LIMIT || rc == RC_IO || rc == RC_NOMEM || rc == RC_MISSING;
}

/* For words: an artifact alone by its name. */
static const char *
what(const struct handover *h, char ret[WHAT_BYTES])
{
	char	hex[HEX_BYTES(ARTIFACT_ID_BYTES)];

	if (h->n_artifacts == 1)
		(void)snprintf(ret, WHAT_BYTES, "artifact %s", hex_write(SPAN_OF(h->artifact[0]->id), hex));
	else
		(void)snprintf(ret, WHAT_BYTES, "a batch of %zu artifacts", h->n_artifacts);
	return ret;
}

/* --- the statement -------------------------------------------------------------------- */

/* The descriptor pins its policy: word for word it must be in force still. */
static enum rc
check_policy(const struct handover *h, size_t i, struct err *err)
{
	const struct sealed_artifact	*a = h->artifact[i];
	char				 hex[HEX_BYTES(ARTIFACT_ID_BYTES)];

	if (charter_policy_by_digest(h->r->charter, a->policy) != NULL)
		return RC_OK;
	return err_set(err, RC_DENIED, "artifact %s is not sealed: policy %s was amended meanwhile, and nothing was logged; read "
	    "it (`quorate charter show --in-force`) and run the command again", hex_write(SPAN_OF(a->id), hex), a->policy_id);
}

static enum rc
check_policies(const struct handover *h, struct err *err)
{
	size_t	i;

	for (i = 0; i < h->n_artifacts; i++)
		TRY(check_policy(h, i, err));
	return RC_OK;
}

static enum rc
add_all(struct handover *h, struct batch *b, size_t *ret_bad, struct err *err)
{
	uint32_t	leaf;
	size_t		i;

	for (i = 0; i < h->n_artifacts; i++) {
		*ret_bad = i;
		TRY(check_policy(h, i, err));
		TRY(batch_add(b, buf_view(&h->artifact[i]->descriptor), h->artifact[i]->share, &leaf, err));
	}
	*ret_bad = i;
	return RC_OK;
}

enum rc
handover_make(struct handover *h, size_t *ret_bad, struct err *err)
{
	AUTO(batch_free) struct batch *b = NULL;

	*ret_bad = h->n_artifacts;
	/* First, for it looks which charter is in force by now. */
	TRY(remote_statement(h->r, STATEMENT_BATCH, BATCH_LIFE, &h->statement, err));
	TRY(batch_new(h->r->first->digest, h->r->charter, &b, err));
	TRY(add_all(h, b, ret_bad, err));
	TRY(batch_seal(b, &h->statement, &h->sealed, err));
	return statement_sign(&h->statement, h->signer, &h->dsse, err);
}

static bool
is_void_for(const Quorate__V1__SubmitReply *e, enum void_reason why)
{
	return !e->effective && strcmp(e->why, void_reason_name(why)) == 0;
}

/*
 * A charter came in force between, or the coordinator was away for longer than a statement lives. What was
 * sealed stays as it is, if its policies are still there word for word: only who says so, when, and under which
 * charter, is signed again.
 */
static enum rc
sign_again(struct handover *h, struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct statement	fresh;
	enum rc			rc;

	remote_look_again(h->r);
	TRY(remote_statement(h->r, STATEMENT_BATCH, BATCH_LIFE, &fresh, err));
	if (is_void_for(h->answer->entry, VOID_CHARTER) && memcmp(fresh.charter, h->statement.charter, SHA256_BYTES) == 0)
		return err_set(err, RC_UNSURE, "not sealed: the coordinator speaks of another charter and does not show it; run "
		    "the command again");
	TRY(check_policies(h, err));
	memcpy(fresh.subject, h->statement.subject, sizeof(fresh.subject));
	fresh.u = h->statement.u;
	if ((rc = statement_sign(&fresh, h->signer, &dsse, err)) != RC_OK) {
		statement_done(&fresh);		/* the former one stays, whole */
		return rc;
	}
	statement_done(&h->statement);
	h->statement = fresh;
	buf_done(&h->dsse);
	h->dsse = dsse;
	dsse = BUF_INIT(DSSE_BYTES_MAX);
	return RC_OK;
}

/* --- the envelopes ----------------------------------------------------------------------- */

/* Where in which envelope a byte of their concatenation stands. */
struct reading { const struct handover *h; size_t i; uint64_t begins; };

static enum rc
read_envelopes(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	struct reading	*k = user;

	if (at < k->begins)		/* asked for again from further back */
		k->i = k->begins = 0;
	while (n > 0) {
		struct sealed_artifact	*a = k->h->artifact[k->i];
		uint64_t		 within = at - k->begins;
		size_t			 take;

		if (within >= a->size) {
			k->begins += a->size;
			k->i++;
			continue;
		}
		take = a->size - within < n ? (size_t)(a->size - within) : n;
		TRY(spool_read(&a->envelope, within, out, take, err));
		out += take;
		at += take;
		n -= take;
	}
	return RC_OK;
}

static enum rc
send_envelopes(struct handover *h, struct err *err)
{
	struct reading	k = { h, 0, 0 };

	if (h->whole)
		return RC_OK;
	TRY(remote_upload_on(h->r, "sealing", h->size, read_envelopes, &k, h->call_ms, h->upload, &h->sent, err));
	h->whole = true;
	return RC_OK;
}

/* It is not there, or went with an entry that is void. */
static void
send_again(struct handover *h)
{
	randombytes_buf(h->upload, sizeof(h->upload));
	h->sent = 0;
	h->whole = false;
}

/* --- handing over and the receipt --------------------------------------------------------- */

static enum rc
check_receipt(struct handover *h, struct err *err)
{
	const Quorate__V1__SealReply	*a = h->answer;
	struct entry			 e;
	uint32_t			 mask = 0;

	TRY(entry_parse(SPAN(a->leaf.data, a->leaf.len), &e, err));
	if (!span_eq(e.dsse, buf_view(&h->dsse)))
		return err_set(err, RC_VERIFY, "the log has another statement than the one handed in");
	TRY(remote_check_leaf(h->r, a->entry->index, SPAN(a->leaf.data, a->leaf.len),
	    SPAN(a->proof.data, a->proof.len), NULL, err));
	TRY(held_verify(h->r->first, &h->statement, a->held, a->n_held, &mask, err));
	if ((unsigned)__builtin_popcount(mask) < h->r->charter->h)
		return err_set(err, RC_UNSURE, "held by %d custodians, the charter asks for %u",
		    __builtin_popcount(mask), h->r->charter->h);
	h->holders = mask;
	return RC_OK;
}

static enum rc
call_seal(struct handover *h, struct err *err)
{
	Quorate__V1__SealRequest	q = QUORATE__V1__SEAL_REQUEST__INIT;
	ProtobufCBinaryData		shares[CUSTODIANS_MAX];
	uint8_t				i;

	for (i = 0; i < h->sealed.n; i++)
		shares[i] = (ProtobufCBinaryData){ h->sealed.shares[i].n, h->sealed.shares[i].p };
	q.statement = (ProtobufCBinaryData){ h->dsse.n, h->dsse.p };
	q.descriptors = (ProtobufCBinaryData){ h->sealed.descriptors.n, h->sealed.descriptors.p };
	q.n_shares = h->sealed.n;
	q.shares = shares;
	q.upload = (ProtobufCBinaryData){ sizeof(h->upload), h->upload };
	message_free(TAKE(h->answer));
	return remote_call(h->r, "Seal", &q, &quorate__v1__seal_reply__descriptor, h->call_ms, &h->answer, err);
}

/*
 * A clear "no", said before anything is logged. Whatever else fails may have failed after that: an answer that
 * did not come, that we could not keep, or that a coordinator garbled.
 */
static bool
is_refusal(enum rc rc)
{
	return rc == RC_DENIED || rc == RC_QUORUM || rc == RC_MISSING || rc == RC_USAGE;
}

/* The same call again is the same batch: it only asks for the receipt. */
static enum rc
hand_over(struct handover *h, struct err *err)
{
	const struct timespec	pause = { 0, PAUSE_MS * 1000000L };
	uint64_t		end = clock_ms() + h->wait_ms;
	char			name[WHAT_BYTES];
	enum rc			rc;

	for (;;) {
		rc = call_seal(h, err);
		h->asked = h->asked || !is_refusal(rc);
		if (rc == RC_UNSURE || rc == RC_IO)	/* it may stand in the log: nobody should lose its name */
			return err_wrap(err, rc, "%s may or may not be sealed, ask `quorate status`", what(h, name));
		TRY(rc);
		if (h->answer->entry == NULL)
			return err_set(err, RC_FORMAT, "the coordinator's answer has no entry");
		if (h->answer->sealed || !h->answer->entry->logged || !h->answer->entry->effective || clock_ms() > end)
			return RC_OK;
		(void)nanosleep(&pause, NULL);	/* it waited for custodians already: this only keeps us from spinning */
	}
}

static bool
is_stale(const Quorate__V1__SubmitReply *e)
{
	return is_void_for(e, VOID_CHARTER) || is_void_for(e, VOID_EXPIRED);
}

/* As often as the charter changes under it, and no more than a few times. */
static enum rc
hand_over_signed(struct handover *h, struct err *err)
{
	enum rc	rc;

	for (unsigned tries = 0;; tries++) {
		TRY(send_envelopes(h, err));
		rc = hand_over(h, err);
		if (rc == RC_MISSING)	/* given up there: the next try sends them again */
			send_again(h);
		if (rc != RC_OK || !is_stale(h->answer->entry) || tries == SIGN_TRIES)
			return rc;
		if (h->answer->entry->logged)	/* as void: the upload went with it */
			send_again(h);
		TRY(sign_again(h, err));
	}
}

static enum rc
judge(struct handover *h, struct err *err)
{
	const Quorate__V1__SubmitReply	*e = h->answer->entry;
	char				 name[WHAT_BYTES];

	if (!e->logged || !e->effective) {
		h->asked = false;
		return err_set(err, RC_DENIED, "not sealed: %.200s", e->words);
	}
	if (!h->answer->sealed)
		return err_set(err, RC_UNSURE, "%s is logged but not yet held by enough custodians (%u of %u cosigned); keep "
		    "the originals and ask `quorate status`", what(h, name), e->have, e->need);
	return check_receipt(h, err);
}

enum rc
handover_send(struct handover *h, struct err *err)
{
	TRY(hand_over_signed(h, err));
	return judge(h, err);
}

/* --- for programs --------------------------------------------------------------------------- */

static json_t *
held_json(const Quorate__V1__SealReply *a)
{
	json_t	*list = json_array();
	size_t	 i;

	for (i = 0; list != NULL && i < a->n_held; i++)
		if (json_array_append_new(list, json_stringn((const char *)a->held[i].data, a->held[i].len)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

json_t *
handover_receipt(const struct handover *h)
{
	const Quorate__V1__SealReply	*a = h->answer;

	return json_pack("{s:o?,s:s%,s:o?}", "batch", json_hex(SPAN_OF(h->statement.id)), "proof",
	    (const char *)a->proof.data, a->proof.len, "held", held_json(a));
}
