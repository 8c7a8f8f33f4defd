/* coordinator/making.c - what a release can be finished from: one binary record. */
#include <string.h>

#include "base/wire.h"
#include "coordinator/making.h"
#include "evidence/cms.h"

#define VERSION		2
#define MAKING_BYTES_MAX	(2u << 20)	/* of one journal record, without messages */
#define MESSAGES		"making-message"	/* request id || u8 custodian: each may have 1 MiB */

void
making_init(struct making *m)
{
	size_t	i;

	memset(m, 0, sizeof(*m));
	m->keys = BUF_INIT(CMS_BYTES_MAX);
	for (i = 0; i < CUSTODIANS_MAX; i++)
		m->message[i] = BUF_INIT(CMS_BYTES_MAX);
}

void
making_done(struct making *m)
{
	size_t	i;

	case_indexes_done(&m->indexes);
	buf_done(&m->keys);
	for (i = 0; i < CUSTODIANS_MAX; i++)
		buf_done(&m->message[i]);
}

/* Without the messages. */
enum rc
making_write(const struct making *m, struct buf *out, struct err *err)
{
	size_t	i;

	buf_u8(out, VERSION);
	buf_add(out, m->request, SHA256_BYTES);
	buf_add(out, m->order, SHA256_BYTES);
	buf_u64(out, m->request_index);
	buf_u64(out, m->order_index);
	buf_u32(out, m->good);
	buf_u32(out, m->bad);
	buf_u8(out, m->to_recipient);
	buf_u8(out, m->archive);
	buf_u32(out, (uint32_t)m->indexes.n);
	for (i = 0; i < m->indexes.n; i++)
		buf_u64(out, m->indexes.index[i]);
	buf_vec32(out, buf_view(&m->keys));
	return buf_check(out, "release in the making", err);
}

static enum rc
parse_indexes(struct rd *r, struct making *m, struct err *err)
{
	uint32_t	n, i;
	uint64_t	index;

	if (!rd_u32(r, &n) || n > CASE_ENTRIES_MAX)
		return err_set(err, RC_BUG, "release in the making: malformed");
	for (i = 0; i < n; i++) {
		if (!rd_u64(r, &index))
			return err_set(err, RC_BUG, "release in the making: malformed");
		TRY(case_indexes_add(&m->indexes, index, err));
	}
	return RC_OK;
}

enum rc
making_parse(struct span in, struct making *ret, struct err *err)
{
	struct rd	r = rd_init(in);
	struct span	keys;
	uint8_t		version, to_recipient, archive;

	if (!rd_u8(&r, &version) || version != VERSION ||
	    !rd_bytes(&r, ret->request, SHA256_BYTES) ||
	    !rd_bytes(&r, ret->order, SHA256_BYTES) ||
	    !rd_u64(&r, &ret->request_index) ||
	    !rd_u64(&r, &ret->order_index) ||
	    !rd_u32(&r, &ret->good) ||
	    !rd_u32(&r, &ret->bad) ||
	    !rd_u8(&r, &to_recipient) || to_recipient > 1 ||
	    !rd_u8(&r, &archive) || archive > 1)
		return err_set(err, RC_BUG, "release in the making: malformed");
	ret->to_recipient = to_recipient != 0;
	ret->archive = archive != 0;
	TRY(parse_indexes(&r, ret, err));
	if (!rd_vec32(&r, 0, CMS_BYTES_MAX, &keys))
		return err_set(err, RC_BUG, "release in the making: malformed");
	buf_span(&ret->keys, keys);
	TRY(buf_check(&ret->keys, "keys", err));
	return rd_done(&r) ? RC_OK : err_set(err, RC_BUG, "release in the making: malformed");
}

/* ---- in the journal -------------------------------------------------------------------- */

struct message_key { uint8_t p[SHA256_BYTES + 1]; };

static struct message_key
message_key(const uint8_t request[SHA256_BYTES], size_t i)
{
	struct message_key	k;

	memcpy(k.p, request, SHA256_BYTES);
	k.p[SHA256_BYTES] = (uint8_t)(i + 1);
	return k;
}

enum rc
making_keep(struct store *s, const struct making *m, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(MAKING_BYTES_MAX);
	size_t	i;

	TRY(making_write(m, &b, err));
	TRY(store_journal_put(s, "making", SPAN_OF(m->request), buf_view(&b), err));
	for (i = 0; i < CUSTODIANS_MAX; i++) {
		struct message_key	k = message_key(m->request, i);

		if (m->message[i].n > 0)
			TRY(store_journal_put(s, MESSAGES, SPAN_OF(k.p), buf_view(&m->message[i]), err));
	}
	return RC_OK;
}

enum rc
making_forget(struct store *s, const struct making *m, struct err *err)
{
	size_t	i;

	for (i = 0; i < CUSTODIANS_MAX; i++) {
		struct message_key	k = message_key(m->request, i);

		if (m->message[i].n > 0)
			TRY(store_journal_del(s, MESSAGES, SPAN_OF(k.p), err));
	}
	return store_journal_del(s, "making", SPAN_OF(m->request), err);
}

enum rc
making_read(struct store *s, const uint8_t request[SHA256_BYTES], struct making *ret,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(MAKING_BYTES_MAX);
	size_t	i;
	enum rc	rc;

	TRY(store_journal_get(s, "making", SPAN(request, SHA256_BYTES), &b, err));
	TRY(making_parse(buf_view(&b), ret, err));
	for (i = 0; i < CUSTODIANS_MAX; i++) {
		struct message_key	k = message_key(request, i);

		rc = store_journal_get(s, MESSAGES, SPAN_OF(k.p), &ret->message[i], err);
		if (rc != RC_OK && rc != RC_MISSING)
			return rc;
	}
	return RC_OK;
}
