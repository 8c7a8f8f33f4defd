/*
 * custodian/stopped.c - a charter under rules that this version does not know.
 *
 * The replica stops before the entry that would put it in force. Everything before that
 * stays, is answered and is shown; nothing is signed and nothing contributed until a
 * version runs that knows the rules, which takes the entry as if nothing had been.
 */
#include <stdio.h>
#include <string.h>

#include "base/wire.h"
#include "custodian/custody.h"

static void
set(struct custody *c, uint64_t index, struct span words)
{
	c->stopped.index = index;
	(void)snprintf(c->stopped.words, sizeof(c->stopped.words), "%.*s", (int)words.n, (const char *)words.p);
	c->stopped.is = true;
}

enum rc
stopped_load(struct custody *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(sizeof(c->stopped.words) + 8);
	struct rd	r;
	uint64_t	index;
	enum rc		rc = store_get(c->store, CUSTODY_STOPPED, &v, err);

	c->stopped.is = false;
	if (rc == RC_MISSING || (rc == RC_OK && v.n == 0))
		return RC_OK;
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, &index))
		return err_set(err, RC_BUG, "the record of where it stopped is damaged");
	set(c, index, SPAN(v.p + r.at, v.n - r.at));
	return RC_OK;
}

enum rc
stopped_at(struct custody *c, uint64_t index, const struct err *why, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(sizeof(c->stopped.words) + 8);

	if (c->stopped.is && c->stopped.index == index)
		return RC_OK;
	set(c, index, span_str(why->msg));
	buf_u64(&v, index);
	buf_span(&v, span_str(c->stopped.words));
	TRY(buf_check(&v, "stopped", err));
	TRY(store_put(c->store, CUSTODY_STOPPED, buf_view(&v), err));
	log_line("ALARM: stopped before entry %llu: %s", (unsigned long long)index, c->stopped.words);
	return RC_OK;
}

enum rc
stopped_over(struct custody *c, uint64_t index, struct err *err)
{
	if (!c->stopped.is || index < c->stopped.index)
		return RC_OK;
	c->stopped.is = false;
	return store_put(c->store, CUSTODY_STOPPED, SPAN(NULL, 0), err);
}

enum rc
stopped_not(struct custody *c, struct err *err)
{
	if (!c->stopped.is)
		return RC_OK;
	return custody_say(c, err, RC_DENIED, "this custodian stopped before entry %llu and signs nothing: %.160s",
	    (unsigned long long)c->stopped.index, c->stopped.words);
}
