/* coordinator/pb.c - messages to and from our buffers. */
#include <string.h>

#include "coordinator/pb.h"

enum rc
pb_pack(const ProtobufCMessage *m, struct buf *out, struct err *err)
{
	uint8_t	*p = buf_extend(out, protobuf_c_message_get_packed_size(m));

	TRY(buf_check(out, "message", err));
	(void)protobuf_c_message_pack(m, p);
	return RC_OK;
}

enum rc
pb_fixed(const ProtobufCBinaryData *b, const char *what, uint8_t *out, size_t n,
    struct err *err)
{
	if (b->len != n)
		return err_set(err, RC_FORMAT, "%s: %zu bytes, not %zu", what, b->len, n);
	memcpy(out, b->data, n);
	return RC_OK;
}
