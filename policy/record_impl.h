/*
 * policy/record_impl.h - how records are keyed, read and put: what policy/record*.c share.
 */
#ifndef POLICY_RECORD_IMPL_H
#define POLICY_RECORD_IMPL_H

#include "base/wire.h"
#include "policy/record.h"

#define VALUE_BUF	BUF_INIT(STATE_VALUE_MAX)

struct key_bytes {
	size_t	n;
	uint8_t	p[STATE_KEY_MAX];
};

struct key_bytes key_of(char kind, const uint8_t *id, size_t id_n);
struct key_bytes key_index(char kind, uint64_t v);
void	 key_more(struct key_bytes *k, uint64_t v, size_t width);

MUST_USE enum rc rec_fetch(const struct state *st, const struct key_bytes *k, struct buf *ret, struct err *err);
MUST_USE enum rc rec_store(struct changes *c, const struct key_bytes *k, const struct buf *v, struct err *err);
enum rc	 rec_malformed(char kind, struct err *err);
/* One u64, whose absence is an answer. */
MUST_USE enum rc rec_u64_get(const struct state *st, const struct key_bytes *k, bool *ret_there, uint64_t *ret, struct err *err);
MUST_USE enum rc rec_u64_put(struct changes *c, const struct key_bytes *k, uint64_t v, struct err *err);

bool	 rd_text(struct rd *r, char out[ID_MAX + 1]);
bool	 rd_hash(struct rd *r, uint8_t out[SHA256_BYTES]);
void	 put_hash(struct buf *b, const uint8_t h[SHA256_BYTES]);

#endif
