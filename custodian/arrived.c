/*
 * custodian/arrived.c - when decisions came here, by this custodian's own clock.
 *
 * The sequencer writes the log time of an approval; when it came here it cannot write.
 * A window for objections is open for its whole length from then on (DESIGN 7).
 */
#include <string.h>

#include "base/wire.h"
#include "custodian/custody.h"

#define ARRIVED_KEEP	(400 * UINT64_C(86400))	/* no request lives as long */
#define FORGET_AT_ONCE	4

static void
index_key(uint64_t index, uint8_t ret[8])
{
	uint8_t	i;

	for (i = 0; i < 8; i++)
		ret[i] = (uint8_t)(index >> (56 - 8 * i));
}

static enum rc
read_when(struct span value, when *ret, struct err *err)
{
	struct rd	r = rd_init(value);

	if (!rd_u64(&r, ret) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of when a decision came is damaged");
	return RC_OK;
}

enum rc
custody_arrived(void *user, uint64_t index, when *ret, struct err *err)
{
	struct custody			*c = user;
	AUTO_DONE(buf_done) struct buf	 v = BUF_INIT(8);
	uint8_t				 key[8];

	index_key(index, key);
	TRY(store_journal_get(c->store, JOURNAL_ARRIVED, SPAN_OF(key), &v, err));
	return read_when(buf_view(&v), ret, err);
}

struct forgetting {
	struct custody	*c;
	when		 now;
};

static enum rc
on_arrival(void *user, struct span key, struct span value, struct err *err)
{
	const struct forgetting	*k = user;
	when			 came;

	TRY(read_when(value, &came, err));
	if (k->now < came || k->now - came <= ARRIVED_KEEP)
		return RC_OK;
	return store_journal_del(k->c->store, JOURNAL_ARRIVED, key, err);
}

enum rc
custody_note_arrival(struct custody *c, uint64_t index, when now, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	v = BUF_INIT(8);
	struct forgetting		k = { c, 0 };
	uint8_t				key[8];

	index_key(index, key);
	buf_u64(&v, now);
	TRY(buf_check(&v, "arrival", err));
	/* Who sets our clock ahead must not make us forget. */
	TRY(replica_time(c->replica, &k.now, err));
	if (now < k.now)
		k.now = now;
	TRY(store_journal_put(c->store, JOURNAL_ARRIVED, SPAN_OF(key), buf_view(&v), err));
	return store_journal_each(c->store, JOURNAL_ARRIVED, SPAN(NULL, 0), FORGET_AT_ONCE, on_arrival, &k, err);
}
