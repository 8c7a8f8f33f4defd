/* custodian/submit.c - a statement, from whoever brings it. */
#include <string.h>

#include "custodian/custody.h"
#include "proto/quorate.pb-c.h"
#include "proto/unpack.h"

#define SUBMIT_BLOBS_MAX	8	/* more than any statement names */

static inline void
auto_submit_free(Quorate__V1__SubmitRequest **q)
{
	if (*q != NULL)
		quorate__v1__submit_request__free_unpacked(*q, NULL);
}

static enum rc
take(struct custody *c, const Quorate__V1__SubmitRequest *q, struct handed_answer *ret, struct err *err)
{
	struct span	blob[SUBMIT_BLOBS_MAX];
	size_t		i;

	if (q->n_uploads != 0)
		return custody_say(c, err, RC_FORMAT, "a custodian takes no uploads: give large attachments to the coordinator");
	if (q->n_blobs > SUBMIT_BLOBS_MAX)
		return custody_say(c, err, RC_LIMIT, "too many blobs: at most %d", SUBMIT_BLOBS_MAX);
	for (i = 0; i < q->n_blobs; i++)
		blob[i] = SPAN(q->blobs[i].data, q->blobs[i].len);
	return handed_take(c, 0, SPAN(q->statement.data, q->statement.len), blob, i, ret, err);
}

static enum rc
write_reply(struct handed_answer *a, struct buf *reply, struct err *err)
{
	Quorate__V1__SubmitReply	 r = QUORATE__V1__SUBMIT_REPLY__INIT;
	uint8_t				*p;

	r.id = (ProtobufCBinaryData){ sizeof(a->id), a->id };
	r.logged = a->fate == HANDED_LOGGED;
	r.index = a->index;
	r.effective = a->fate != HANDED_REFUSED && a->why == VOID_NONE;
	r.repeated = r.logged;
	if (a->why != VOID_NONE) {
		/* protobuf-c does not write to what it packs. */
		r.why = (char *)(uintptr_t)void_reason_name(a->why);
		r.words = (char *)(uintptr_t)void_reason_text(a->why);
	}
	p = buf_extend(reply, quorate__v1__submit_reply__get_packed_size(&r));
	TRY(buf_check(reply, "reply", err));
	(void)quorate__v1__submit_reply__pack(&r, p);
	return RC_OK;
}

enum rc
custody_submit(struct custody *c, struct span request, struct buf *reply, struct err *err)
{
	__attribute__((cleanup(auto_submit_free))) Quorate__V1__SubmitRequest *q =
	    quorate__v1__submit_request__unpack(unpack_memory(), request.n, request.p);
	struct handed_answer	a;

	if (q == NULL)
		return custody_unread(c, "request", err);
	TRY(take(c, q, &a, err));
	return write_reply(&a, reply, err);
}
