/*
 * coordinator/pb.h - messages of proto/quorate.proto to and from our buffers.
 */
#ifndef COORDINATOR_PB_H
#define COORDINATOR_PB_H

#include "base/auto.h"
#include "base/bytes.h"
#include "proto/quorate.pb-c.h"
#include "proto/unpack.h"

/* Borrows: good while s is. protobuf-c has no const. */
static inline ProtobufCBinaryData
pb_bytes(struct span s)
{
	return (ProtobufCBinaryData){ s.n, (uint8_t *)(uintptr_t)s.p };
}

static inline struct span
pb_span(const ProtobufCBinaryData *b)
{
	return SPAN(b->data, b->len);
}

/* A static or longer-lived text as a string field. */
static inline char *
pb_text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* Appends the packed message. */
MUST_USE enum rc pb_pack(const ProtobufCMessage *m, struct buf *out, struct err *err);

/* Exactly n bytes, or RC_FORMAT naming the field. */
MUST_USE enum rc pb_fixed(const ProtobufCBinaryData *b, const char *what, uint8_t *out, size_t n, struct err *err);

/*
 * PB_REQUEST(head, r): r is the request of a handler as Quorate__V1__HeadRequest,
 * freed on every path; a malformed one returns RC_FORMAT, and RC_NOMEM says what it says.
 */
#define PB_AUTO(lower, Type)						\
	static inline void						\
	lower##_free(Quorate__V1__##Type *m)				\
	{								\
		quorate__v1__##lower##__free_unpacked(m, NULL);		\
	}								\
	DEFINE_AUTO(lower##_free, Quorate__V1__##Type)

#define PB_UNPACK(lower, Type, name, in)				\
	AUTO(lower##_free) Quorate__V1__##Type *name =			\
	    quorate__v1__##lower##__unpack(unpack_memory(), (in).n, (in).p); \
	if (name == NULL)						\
		return unpack_failed(#Type, err)

#endif
