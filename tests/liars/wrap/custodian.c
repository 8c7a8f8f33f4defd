/*
 * tests/liars/wrap/custodian.c - a custodiand that lies: the real one, linked with a few of its
 * functions in the way (-Wl,--wrap). How it lies stands in DIR/lie, one word, read each time;
 * without that file it is honest.
 *
 *	wrong-point	its share applied to another label, with a proof that is good for that
 *	wrong-proof	the right point, a proof with a bit changed
 *	garbage		no message at all where the message should be; the receipt is over it
 *	other-order	the answer of another order: its first, for good
 *	receipt-message	a receipt over another message
 *	receipt-root	a receipt over the message that names other contributions in it
 *	receipt-name	a receipt in another custodian's name
 *	silence		it never answers an order
 *	old-digest	the state digest of the moment before
 *	cosign-all	its cosignature under whatever the log signs, seen or not
 *	peer-claims	it tells its peers that they did more than they remember, in a larger log
 *	peer-state	that its state is another
 *	peer-garbage	it answers them what is no answer
 *	peer-flood	it passes on statements that are none, as many as fit
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "custodian/append.h"
#include "custodian/exchange.h"
#include "custodian/methods.h"
#include "evidence/cms.h"

int	 __real_keeper_main(const char *dir, int control);
int	 __wrap_keeper_main(const char *dir, int control);
enum rc	 __real_shamir_contribute(uint8_t index, const uint8_t *share, const uint8_t *label,
	    struct shamir_contribution *ret, struct err *err);
enum rc	 __wrap_shamir_contribute(uint8_t index, const uint8_t *share, const uint8_t *label,
	    struct shamir_contribution *ret, struct err *err);
enum rc	 __real_cms_seal(struct span cert, struct span plain, struct buf *out, struct err *err);
enum rc	 __wrap_cms_seal(struct span cert, struct span plain, struct buf *out, struct err *err);
enum rc	 __real_custody_sign(struct custody *c, struct statement *s, struct buf *dsse, struct err *err);
enum rc	 __wrap_custody_sign(struct custody *c, struct statement *s, struct buf *dsse, struct err *err);
enum rc	 __real_custody_contribute(struct custody *c, struct span request, struct buf *reply, struct err *err);
enum rc	 __wrap_custody_contribute(struct custody *c, struct span request, struct buf *reply, struct err *err);
enum rc	 __real_custody_append(struct custody *c, struct span request, struct buf *reply, struct err *err);
enum rc	 __wrap_custody_append(struct custody *c, struct span request, struct buf *reply, struct err *err);
enum rc	 __real_custody_exchange(struct custody *c, struct span request, struct buf *reply, struct err *err);
enum rc	 __wrap_custody_exchange(struct custody *c, struct span request, struct buf *reply, struct err *err);
enum rc	 __real_replica_state_digest(struct replica *r, uint8_t *ret, struct err *err);
enum rc	 __wrap_replica_state_digest(struct replica *r, uint8_t *ret, struct err *err);

static char	state_dir[FILE_PATH_MAX];

static bool
lies(const char *how)
{
	char	path[FILE_PATH_MAX + 8], word[32] = "";
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/lie", state_dir);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	if (fscanf(f, "%31s", word) != 1)
		word[0] = '\0';
	(void)fclose(f);
	return strcmp(word, how) == 0;
}

int
__wrap_keeper_main(const char *dir, int control)
{
	(void)snprintf(state_dir, sizeof(state_dir), "%s", dir);
	return __real_keeper_main(dir, control);
}

/* --- contributions -------------------------------------------------------------------------- */

enum rc
__wrap_shamir_contribute(uint8_t index, const uint8_t *share, const uint8_t *label,
    struct shamir_contribution *ret, struct err *err)
{
	uint8_t	other[SHAMIR_POINT_BYTES];

	if (lies("wrong-point")) {
		TRY(shamir_label(SPAN_STR("another label"), other, err));
		return __real_shamir_contribute(index, share, other, ret, err);
	}
	TRY(__real_shamir_contribute(index, share, label, ret, err));
	if (lies("wrong-proof"))
		ret->proof[40] ^= 1;
	return RC_OK;
}

enum rc
__wrap_cms_seal(struct span cert, struct span plain, struct buf *out, struct err *err)
{
	if (!lies("garbage"))
		return __real_cms_seal(cert, plain, out, err);
	buf_printf(out, "this is no message");
	return RC_OK;
}

enum rc
__wrap_custody_sign(struct custody *c, struct statement *s, struct buf *dsse, struct err *err)
{
	if (s->type == STATEMENT_RECEIPT && lies("receipt-message"))
		s->u.receipt.message[0] ^= 1;
	if (s->type == STATEMENT_RECEIPT && lies("receipt-root"))
		s->u.receipt.contributions[0] ^= 1;
	if (s->type == STATEMENT_RECEIPT && lies("receipt-name"))
		s->u.receipt.custodian = (uint8_t)(s->u.receipt.custodian % 5 + 1);
	return __real_custody_sign(c, s, dsse, err);
}

enum rc
__wrap_custody_contribute(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	static struct buf	first = { .max = 1 << 20 };
	const struct timespec	hour = { 3600, 0 };

	if (lies("silence"))
		(void)nanosleep(&hour, NULL);
	if (lies("other-order") && first.n > 0) {
		buf_span(reply, buf_view(&first));
		return RC_OK;
	}
	TRY(__real_custody_contribute(c, request, reply, err));
	if (first.n == 0)
		buf_span(&first, buf_view(reply));
	return RC_OK;
}

/* --- the log ------------------------------------------------------------------------------------ */

enum rc
__wrap_replica_state_digest(struct replica *r, uint8_t *ret, struct err *err)
{
	static uint8_t	now[SHA256_BYTES], before[SHA256_BYTES];

	TRY(__real_replica_state_digest(r, ret, err));
	if (memcmp(now, ret, sizeof(now)) != 0) {
		memcpy(before, now, sizeof(before));
		memcpy(now, ret, sizeof(now));
	}
	if (lies("old-digest"))
		memcpy(ret, before, sizeof(before));
	return RC_OK;
}

/* A line under the checkpoint of this request, whatever it says. */
static enum rc
sign_it(struct custody *c, const Quorate__V1__AppendRequest *q, struct buf *line, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(1024), message = BUF_INIT(2048);
	const struct charter	*charter;
	struct checkpoint	 cp;
	struct note_key		 key;
	uint8_t			 sig[NOTE_SIG_BYTES];
	when			 now = clock_now();

	TRY(custody_charter(c, &charter, err));
	TRY(charter_checkpoint_verify(charter, span_of(&q->checkpoint), false, &cp, NULL, err));
	TRY(charter_witness_note_key(charter, c->index, &key, err));
	checkpoint_text(&cp, &text);
	cosignature_message(buf_view(&text), now, &message);
	TRY(hsm_signer_sign(c->signer, buf_view(&message), sig, err));
	note_sig_line(&key, now, sig, line);
	return buf_check(line, "cosignature", err);
}

static enum rc
cosign_all(struct custody *c, const Quorate__V1__AppendRequest *q, struct buf *reply, struct err *err)
{
	Quorate__V1__AppendReply	r = QUORATE__V1__APPEND_REPLY__INIT;
	AUTO_DONE(buf_done) struct buf	line = BUF_INIT(1024);

	TRY(sign_it(c, q, &line, err));
	buf_reset(reply);
	r.size = q->first + q->n_entries;
	r.cosignature = (ProtobufCBinaryData){ line.n, line.p };
	r.rules = CHARTER_RULES;
	(void)quorate__v1__append_reply__pack(&r, buf_extend(reply, quorate__v1__append_reply__get_packed_size(&r)));
	return RC_OK;
}

enum rc
__wrap_custody_append(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	Quorate__V1__AppendRequest	*q;
	enum rc				 rc = __real_custody_append(c, request, reply, err);

	if (!lies("cosign-all") || (q = quorate__v1__append_request__unpack(NULL, request.n, request.p)) == NULL)
		return rc;
	/* What it may cosign it does; the rest it cosigns too. */
	if (q->checkpoint.len > 0 && q->n_entries > 0)
		rc = cosign_all(c, q, reply, err);
	quorate__v1__append_request__free_unpacked(q, NULL);
	return rc;
}

/* --- its peers -------------------------------------------------------------------------------------- */

/* So many steps, so large a log: signed, as a true answer is. */
static enum rc
claim(struct custody *c, const Quorate__V1__ExchangeRequest *q, Quorate__V1__ExchangeReply *r, struct err *err)
{
	static uint8_t		sig[KEY_SIG_BYTES];
	struct exchange_facts	f = { .peer = c->index, .asker = c->from };
	AUTO_DONE(buf_done) struct buf message = BUF_INIT(1024);
	struct checkpoint	cp;
	const struct charter	*charter;

	r->steps = f.asker_past.steps = UINT64_C(1) << 40;
	r->size = f.asker_past.size = UINT64_C(1) << 40;
	if (r->size_root.len == SHA256_BYTES)
		memcpy(f.asker_past.root, r->size_root.data, SHA256_BYTES);
	if (q->nonce.len != COMPARE_NONCE_BYTES || r->signature.len == 0)
		return RC_OK;
	TRY(custody_charter(c, &charter, err));
	memcpy(f.genesis, c->genesis, sizeof(f.genesis));
	memcpy(f.nonce, q->nonce.data, sizeof(f.nonce));
	if (r->checkpoint.len != 0) {
		TRY(charter_checkpoint_verify(charter, span_of(&r->checkpoint), false, &cp, NULL, err));
		f.size = cp.size;
		memcpy(f.root, cp.root, sizeof(f.root));
	}
	if (r->cosigned.len != 0) {
		TRY(charter_checkpoint_verify(charter, span_of(&r->cosigned), true, &cp, NULL, err));
		f.cosigned = cp.size;
		memcpy(f.cosigned_root, cp.root, sizeof(f.cosigned_root));
	}
	TRY(exchange_statements(r, f.statements, err));
	exchange_message(&f, &message);
	TRY(hsm_signer_sign(c->signer, buf_view(&message), sig, err));
	memcpy(r->signature.data, sig, sizeof(sig));
	return RC_OK;
}

static void
flood(Quorate__V1__ExchangeReply *r)
{
	static Quorate__V1__Handed	h = { .base = PROTOBUF_C_MESSAGE_INIT(&quorate__v1__handed__descriptor) },
					*rows[64];
	size_t				 i;

	h.statement = (ProtobufCBinaryData){ 12, (uint8_t *)(uintptr_t)"no statement" };
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		rows[i] = &h;
	r->statements = rows;
	r->n_statements = sizeof(rows) / sizeof(rows[0]);
}

static enum rc
lie_to_peer(struct custody *c, const Quorate__V1__ExchangeRequest *q, Quorate__V1__ExchangeReply *r, struct buf *reply,
    struct err *err)
{
	Quorate__V1__Handed	**rows = r->statements;
	size_t			  n_rows = r->n_statements;
	enum rc			  rc = RC_OK;

	if (lies("peer-claims"))
		rc = claim(c, q, r, err);
	if (lies("peer-state") && r->state_at.len > 0)
		r->state_at.data[0] ^= 1;
	if (lies("peer-flood"))
		flood(r);
	buf_reset(reply);
	if (rc == RC_OK)
		(void)quorate__v1__exchange_reply__pack(r, buf_extend(reply, quorate__v1__exchange_reply__get_packed_size(r)));
	if (lies("peer-garbage"))
		randombytes_buf(reply->p, reply->n);
	r->statements = rows;
	r->n_statements = n_rows;
	return rc;
}

enum rc
__wrap_custody_exchange(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	Quorate__V1__ExchangeRequest	*q;
	Quorate__V1__ExchangeReply	*r = NULL;
	enum rc				 rc;

	TRY(__real_custody_exchange(c, request, reply, err));
	q = quorate__v1__exchange_request__unpack(NULL, request.n, request.p);
	r = quorate__v1__exchange_reply__unpack(NULL, reply->n, reply->p);
	rc = q == NULL || r == NULL ? err_set(err, RC_BUG, "what was read once is malformed") :
	    lie_to_peer(c, q, r, reply, err);
	quorate__v1__exchange_request__free_unpacked(q, NULL);
	quorate__v1__exchange_reply__free_unpacked(r, NULL);
	return rc;
}
