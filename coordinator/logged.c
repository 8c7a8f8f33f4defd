/* coordinator/logged.c - an entry of our own log, read back and parsed. */
#include "audit/entry.h"
#include "coordinator/logged.h"

enum rc
logged_read(struct store *s, uint64_t index, struct logged *ret, struct err *err)
{
	struct entry	e;

	ret->leaf = BUF_INIT(ENTRY_BYTES_MAX);
	TRY(store_entry(s, index, &ret->leaf, err));
	TRY(entry_parse(buf_view(&ret->leaf), &e, err));
	ret->time = e.time;
	TRY(dsse_parse(e.dsse, &ret->d, err));
	return statement_parse(&ret->d, &ret->s, err);
}

void
logged_done(struct logged *l)
{
	statement_done(&l->s);
	dsse_done(&l->d);
	buf_done(&l->leaf);
}
