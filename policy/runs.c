/*
 * policy/runs.c - see policy/runs.h.
 */
#include "base/wire.h"
#include "policy/runs.h"

#define RUN_BYTES	24

/* 'c' custodian: how many runs; 'c' custodian, number: one of them. */
static void
key_put(struct buf *key, uint8_t custodian)
{
	buf_u8(key, 'c');
	buf_u8(key, custodian);
}

static enum rc
count_get(const struct state *st, uint8_t custodian, uint64_t *ret,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf k = BUF_INIT(STATE_KEY_MAX);
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(STATE_VALUE_MAX);
	struct rd	r;
	enum rc		rc;

	key_put(&k, custodian);
	TRY(buf_check(&k, "record", err));
	rc = st->get(st->user, buf_view(&k), &v, err);
	*ret = 0;
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, ret) || !rd_done(&r) || *ret == 0)
		return err_set(err, RC_BUG, "state: malformed count of runs");
	return RC_OK;
}

static enum rc
run_get(const struct state *st, uint8_t custodian, uint64_t number,
    struct run *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf k = BUF_INIT(STATE_KEY_MAX);
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(STATE_VALUE_MAX);
	struct rd	r;
	enum rc		rc;

	key_put(&k, custodian);
	buf_u64(&k, number);
	TRY(buf_check(&k, "record", err));
	rc = st->get(st->user, buf_view(&k), &v, err);
	if (rc == RC_MISSING)
		return err_wrap(err, RC_BUG, "a run that was counted");
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, &ret->first) || !rd_u64(&r, &ret->last) ||
	    !rd_u64(&r, &ret->index) || !rd_done(&r))
		return err_set(err, RC_BUG, "state: malformed run");
	return RC_OK;
}

enum rc
runs_last(const struct state *st, uint8_t custodian, struct run *ret,
    struct err *err)
{
	uint64_t	n;

	*ret = (struct run){ 0 };
	TRY(count_get(st, custodian, &n, err));
	return n == 0 ? RC_OK : run_get(st, custodian, n - 1, ret, err);
}

enum rc
runs_find(const struct state *st, uint8_t custodian, uint64_t batch,
    struct run *ret, struct err *err)
{
	uint64_t	low = 0, high;

	TRY(count_get(st, custodian, &high, err));
	while (low < high) {
		uint64_t	middle = low + (high - low) / 2;

		TRY(run_get(st, custodian, middle, ret, err));
		if (batch < ret->first)
			high = middle;
		else if (batch > ret->last)
			low = middle + 1;
		else
			return RC_OK;
	}
	return err_set(err, RC_MISSING, "custodian %u has not checked the batch "
	    "of entry %llu in a run", custodian, (unsigned long long)batch);
}

enum rc
runs_add(struct changes *c, uint8_t custodian, const struct run *run,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf k = BUF_INIT(STATE_KEY_MAX);
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(RUN_BYTES);
	uint64_t	n;

	TRY(count_get(c->st, custodian, &n, err));
	key_put(&k, custodian);
	buf_u64(&v, n + 1);
	TRY(buf_check(&v, "record", err));
	TRY(changes_put(c, buf_view(&k), buf_view(&v), err));
	buf_u64(&k, n);
	buf_reset(&v);
	buf_u64(&v, run->first);
	buf_u64(&v, run->last);
	buf_u64(&v, run->index);
	TRY(buf_check(&k, "record", err));
	TRY(buf_check(&v, "record", err));
	return changes_put(c, buf_view(&k), buf_view(&v), err);
}
