/*
 * proto/unpack.h - a message that could not be read: malformed, or no memory?
 *
 * protobuf-c says NULL to both, and what is malformed is held against its sender, in the log
 * even. So we ask the allocator, as base/json.c does.
 *
 *	m = quorate__v1__thing__unpack(unpack_memory(), in.n, in.p);
 *	if (m == NULL)
 *		return unpack_failed("thing", err);
 *
 * What was read is freed with free_unpacked(m, NULL). Threads: each has an answer of its own.
 */
#ifndef PROTO_UNPACK_H
#define PROTO_UNPACK_H

#include <protobuf-c/protobuf-c.h>

#include "base/err.h"

ProtobufCAllocator	*unpack_memory(void);
/* Of the last unpack_memory(): RC_NOMEM when memory ran out since, else RC_FORMAT, "malformed WHAT". */
enum rc			 unpack_failed(const char *what, struct err *err);

#endif
