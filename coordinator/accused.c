/*
 * coordinator/accused.c - does a custodian that doubts hold a proof against our log key?
 *
 * Whoever runs the coordinator must hear of it as loudly as the custodians say it: from
 * then on nothing is released.
 */
#include <string.h>

#include "audit/accusation.h"
#include "coordinator/in_force.h"
#include "coordinator/replica_link.h"

#define LOOK_TIMEOUT_MS	5000u

PB_AUTO(checkpoint_reply, CheckpointReply);

static enum rc
verify(const struct charter *charter, struct span text, struct accusation *ret, struct err *err)
{
	struct note_key	log, witness[CUSTODIANS_MAX];
	uint8_t		i;

	TRY(charter_log_note_key(charter, &log, err));
	for (i = 0; i < charter->n; i++)
		TRY(charter_witness_note_key(charter, (uint8_t)(i + 1), &witness[i], err));
	return accusation_verify(text, &log, witness, charter->n, ret, err);
}

static enum rc
read_accusation(struct replica_link *l, struct span reply, bool *ret_any, struct accusation *ret,
    struct err *err)
{
	PB_UNPACK(checkpoint_reply, CheckpointReply, r, reply);
	*ret_any = r->accusation.len > 0;
	return *ret_any ? verify(coordinator_charter(l->c), pb_span(&r->accusation), ret, err) : RC_OK;
}

void
accused_take(struct replica_link *l, struct span reply)
{
	struct accusation	a;
	struct err		err;
	bool			any = false;

	if (read_accusation(l, reply, &any, &a, &err) != RC_OK)
		log_err(&err, "custodian %u (%s) shows an accusation that does not hold", l->index, link_name(l));
	/* They all show the same one: one line is enough. */
	else if (any && !atomic_exchange(l->accused, true))
		log_line("ALARM: the key of this log signed two pasts, at sizes %llu and %llu, as custodian %u (%s) shows: "
		    "nothing is released any more; stop, keep every copy of log.db, find who else has the key "
		    "(quorate log accuse prints the proof)", (unsigned long long)a.a.size,
		    (unsigned long long)a.b.size, l->index, link_name(l));
}

void
accused_look(struct replica_link *l)
{
	AUTO_DONE(buf_done) struct buf reply = BUF_INIT(RPC_MESSAGE_MAX);
	struct err	err;

	if (!l->look)
		return;
	l->look = false;
	/* Its doubt was told; it is looked at again when that changes. */
	if (rpc_call(l->client, "/quorate.v1.Custodian/Checkpoint", SPAN(NULL, 0), LOOK_TIMEOUT_MS, &reply,
	    &err) == RC_OK)
		accused_take(l, buf_view(&reply));
}
