/*
 * What a handler may ask of its call, and what it may say.
 */
#include <stdarg.h>
#include <stdio.h>

#include "proto/serve.h"

const uint8_t *
rpc_peer(const struct rpc_call *c)
{
	return c->has_pin ? c->pin : NULL;
}

const char *
rpc_peer_address(const struct rpc_call *c)
{
	return c->address != NULL ? c->address : "";
}

const char *
rpc_method_name(const struct rpc_call *c)
{
	return c->name;
}

uint32_t
rpc_roles(const struct rpc_call *c)
{
	return c->roles;
}

unsigned
rpc_ms_left(const struct rpc_call *c)
{
	gpr_timespec	left = gpr_time_sub(c->deadline, gpr_now(c->deadline.clock_type));
	int64_t		ms = gpr_time_to_millis(left);

	return ms < 0 ? 0 : ms > RPC_MS_MAX ? RPC_MS_MAX : (unsigned)ms;
}

/* The library cancels by itself when the deadline has passed. */
bool
rpc_cancelled(const struct rpc_call *c)
{
	return atomic_load(&c->cancelled);
}

void
rpc_say(struct rpc_call *c, const char *fmt, ...)
{
	char	text[RPC_SAID_BYTES];
	va_list	ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	plain_text(c->said, sizeof(c->said), span_str(text));
}
