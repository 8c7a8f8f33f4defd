/* tests/costs/count_rpc.c - calls over the network, at the side that calls. See count.h. */
#include <grpc/grpc.h>
#include <grpc/byte_buffer.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>

#include <linux/futex.h>
#include <sys/syscall.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/costs/count.h"

/* A thread makes one call at a time, and waits for it where it made it. */
static _Thread_local struct {
	grpc_call		*call;
	char			 name[COSTS_WHAT / 2];	/* Coordinator/Seal */
	size_t			 request;
	grpc_byte_buffer	**reply;
} mine;

grpc_call *
grpc_channel_create_call(grpc_channel *c, grpc_call *parent, uint32_t mask, grpc_completion_queue *q, grpc_slice method,
    const grpc_slice *host, gpr_timespec deadline, void *reserved)
{
	BEHIND(grpc_call *, "grpc_channel_create_call", (grpc_channel *, grpc_call *, uint32_t, grpc_completion_queue *,
	    grpc_slice, const grpc_slice *, gpr_timespec, void *));
	const char	*p = (const char *)GRPC_SLICE_START_PTR(method), *dot;
	size_t		 n = GRPC_SLICE_LENGTH(method);

	/* "/quorate.v1.Coordinator/Seal": the package is the same everywhere */
	if ((dot = memrchr(p, '.', n)) != NULL) {
		n -= (size_t)(dot + 1 - p);
		p = dot + 1;
	}
	(void)snprintf(mine.name, sizeof(mine.name), "%.*s", (int)n, p);
	mine.reply = NULL;
	return mine.call = real(c, parent, mask, q, method, host, deadline, reserved);
}

grpc_call_error
grpc_call_start_batch(grpc_call *call, const grpc_op *ops, size_t n, void *tag, void *reserved)
{
	BEHIND(grpc_call_error, "grpc_call_start_batch", (grpc_call *, const grpc_op *, size_t, void *, void *));
	size_t	i;

	for (i = 0; call == mine.call && i < n; i++) {
		if (ops[i].op == GRPC_OP_SEND_MESSAGE)
			mine.request = grpc_byte_buffer_length(ops[i].data.send_message.send_message);
		if (ops[i].op == GRPC_OP_RECV_MESSAGE)
			mine.reply = ops[i].data.recv_message.recv_message;
	}
	return real(call, ops, n, tag, reserved);
}

static void
count_call(void)
{
	char	what[COSTS_WHAT];

	(void)snprintf(what, sizeof(what), "RPC %s", mine.name);
	count(what, 1);
	(void)snprintf(what, sizeof(what), "bytes asked %s", mine.name);
	count(what, mine.request);
	(void)snprintf(what, sizeof(what), "bytes answered %s", mine.name);
	count(what, *mine.reply == NULL ? 0 : grpc_byte_buffer_length(*mine.reply));
}

/* ---- answers in turn -------------------------------------------------------------------------- */

static uint32_t
peer_port(void)
{
	char		*peer = grpc_call_get_peer(mine.call), *colon = strrchr(peer, ':');
	uint32_t	 port = colon == NULL ? 0 : (uint32_t)strtoul(colon + 1, NULL, 10);

	gpr_free(peer);
	return port;
}

static void
await_turn(void)
{
	struct costs		*c = costs_map();
	struct costs_turn	*t;
	uint32_t		 free;

	if (c == NULL || atomic_load(&c->turns) == 0 || strncmp(mine.name, "Custodian/", 10) != 0 ||
	    strcmp(program_invocation_short_name, "coordinatord") != 0)
		return;
	for (t = c->turn; t < c->turn + COSTS_TURNS; t++) {
		free = TURN_FREE;
		if (!atomic_compare_exchange_strong(&t->state, &free, TURN_TAKEN))
			continue;
		t->port = peer_port();
		atomic_store(&t->state, TURN_HELD);
		while (atomic_load(&t->state) == TURN_HELD)
			(void)syscall(SYS_futex, &t->state, FUTEX_WAIT, TURN_HELD, NULL, NULL, 0);
		atomic_store(&t->state, TURN_FREE);
		return;
	}
	abort();			/* more at once than any test has */
}

grpc_event
grpc_completion_queue_pluck(grpc_completion_queue *q, void *tag, gpr_timespec deadline, void *reserved)
{
	BEHIND(grpc_event, "grpc_completion_queue_pluck", (grpc_completion_queue *, void *, gpr_timespec, void *));
	grpc_event	e = real(q, tag, deadline, reserved);

	if (e.type == GRPC_OP_COMPLETE && mine.reply != NULL) {
		count_call();
		await_turn();
		mine.reply = NULL;
	}
	return e;
}
