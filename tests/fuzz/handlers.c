/*
 * The coordinator's handlers: what a host or a custodian asks over gRPC. The input: calls of u8 method,
 * then a message (lib/message.h). Whatever comes, there is an answer that fits, and the log
 * grows by whole entries alone, none of which the coordinator had not been given signed.
 */
#include <unistd.h>

#include "coordinator/envelopes.h"
#include "coordinator/lineage.h"
#include "coordinator/queries.h"
#include "coordinator/readers.h"
#include "coordinator/release.h"
#include "coordinator/seal.h"
#include "coordinator/sequencer.h"
#include "coordinator/replicator.h"
#include "coordinator/submit.h"
#include "coordinator/uploads.h"
#include "proto/serve.h"
#include "tests/fuzz/lib/handlers.h"
#include "tests/unit/coordinator/rig.h"

#define CALLS_MAX	6

const unsigned		fuzz_cuts = 6;
static struct rig	rig;
static struct known	known;
static uint64_t		size0;		/* of the log, before anybody asked */

extern const struct rpc_method	service_methods[];
extern const size_t		service_methods_n;

/* No custodian is there to wait for. */
enum rc	 __wrap_replicators_wait(struct replicators *r, uint64_t size, unsigned ms, uint32_t *ret_have, struct err *err);
void	 __wrap_replicators_status(struct replicators *r, uint8_t i, struct custodian_status *ret);
unsigned __wrap_replicators_unready(struct replicators *r);

enum rc
__wrap_replicators_wait(struct replicators *r, uint64_t size, unsigned ms, uint32_t *ret_have, struct err *err)
{
	(void)r;
	(void)size;
	(void)ms;
	*ret_have = 0;
	return err_set(err, RC_UNSURE, "nobody there");
}

void
__wrap_replicators_status(struct replicators *r, uint8_t i, struct custodian_status *ret)
{
	(void)r;
	(void)i;
	memset(ret, 0, sizeof(*ret));
}

unsigned
__wrap_replicators_unready(struct replicators *r)
{
	(void)r;
	return 0;
}

static void
add(struct buf *b, uint8_t at)
{
	PROMISE(b->rc == RC_OK && known_add(&known, buf_view(b)) == at);
	buf_done(b);
}

static void
add_unsaid(void)
{
	static const uint8_t	bytes[32] = { 1, 2, 3 };
	struct buf		b = BUF_INIT(MESSAGE_MAX);

	rig_revocation(&rig, NET_COURT, &b);
	add(&b, HANDLERS_REVOCATION);
	b = BUF_INIT(MESSAGE_MAX);
	rig_request(&rig, SPAN_STR("no scope"), &b);
	add(&b, HANDLERS_REQUEST);
	PROMISE(known_add(&known, SPAN_STR("no scope")) == HANDLERS_BLOB);
	PROMISE(known_add(&known, SPAN(bytes, 16)) == HANDLERS_16 && known_add(&known, SPAN(bytes, 32)) == HANDLERS_32);
}

static void
add_logged(void)
{
	struct reader	*r = reader_take(rig.c.readers);
	struct verdict	 v;
	struct buf	 b;
	uint64_t	 i;

	for (i = 0; i < HANDLERS_ENTRIES; i++) {
		PROMISE(store_verdict(r->store, i, &v, NULL) == RC_OK);
		PROMISE(known_add(&known, SPAN_OF(v.id)) == HANDLERS_ID + i);
	}
	for (i = 0; i < HANDLERS_ENTRIES; i++) {
		b = BUF_INIT(MESSAGE_MAX);
		PROMISE(store_entry(r->store, i, &b, NULL) == RC_OK);
		add(&b, (uint8_t)(HANDLERS_ENTRY + i));
	}
	reader_give(r);
}

static void
begin(void)
{
	uint8_t	order[SHA256_BYTES];

	rig_init(&rig);
	rig_start(&rig);
	PROMISE(uploads_new(rig.c.dir, clock_now(), &rig.c.uploads, NULL) == RC_OK);
	PROMISE(envelopes_start(rig.c.dir, NULL) == RC_OK && lineage_new(&rig.c.lineage, NULL) == RC_OK);
	rig_ordered(&rig, "lenient", order);
	size0 = sequencer_size(rig.c.sequencer);
	PROMISE(size0 == HANDLERS_ENTRIES);
	add_logged();
	PROMISE(known_add(&known, SPAN_OF(order)) == HANDLERS_ORDER);
	PROMISE(known_add(&known, SPAN_OF(rig.c.genesis)) == HANDLERS_GENESIS);
	add_unsaid();
	PROMISE(known.n == HANDLERS_END);
}

static void
end(void)
{
	known_done(&known);
	lineage_free(rig.c.lineage);
	uploads_free(rig.c.uploads);
	rig.c.lineage = NULL;
	rig.c.uploads = NULL;
	rig_stop(&rig);
	rig_done(&rig);
}

static bool
ask(struct rd *r)
{
	struct rpc_call			 call;
	struct buf			 request = BUF_INIT(MESSAGE_MAX), reply = BUF_INIT(RPC_MESSAGE_MAX);
	struct err			 err = { RC_OK, "" };
	const struct rpc_method		*m;
	uint64_t			 size = sequencer_size(rig.c.sequencer);
	uint8_t				 which;
	enum rc				 rc;

	if (!rd_u8(r, &which))
		return false;
	m = &service_methods[which % service_methods_n];
	message_make(r, &known, &request);
	memset(&call, 0, sizeof(call));
	call.method = m;
	call.has_pin = true;
	/* The release of what is ordered starts a worker: tests/fuzz/worker.c, hired.c. */
	if (m->handler != on_release && request.n <= m->max_request) {
		rc = m->handler(&rig.c, &call, buf_view(&request), &reply, &err);
		PROMISE(rc != RC_BUG && (rc != RC_OK || reply.rc == RC_OK));
		PROMISE(memchr(call.said, '\0', sizeof(call.said)) != NULL);
		PROMISE(sequencer_size(rig.c.sequencer) <= size + (m->handler == on_submit));
	}
	buf_done(&request);
	buf_done(&reply);
	return true;
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	begin();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd	r = rd_init(SPAN(data, size));
	uint64_t	bytes;
	int		i;

	if (known.n == 0)	/* the last one changed it */
		begin();
	for (i = 0; i < CALLS_MAX && ask(&r); i++)
		;
	if (sequencer_size(rig.c.sequencer) != size0 || uploads_count(rig.c.uploads, &bytes) != 0)
		end();
	return 0;
}
