/* coordinator/naming.c - the custodians whom a release names, with their receipts. */
#include <stdlib.h>
#include <string.h>

#include "coordinator/logged.h"
#include "coordinator/making.h"

static void
name_one(struct statement *s, uint8_t custodian, bool good, const uint8_t receipt[SHA256_BYTES])
{
	s->u.release.custodian[s->u.release.n].index = custodian;
	s->u.release.custodian[s->u.release.n].good = good;
	memcpy(s->u.release.custodian[s->u.release.n].receipt, receipt, SHA256_BYTES);
	s->u.release.n++;
}

/* The receipt of one custodian for the order that is in force, wherever it stands. */
struct naming {
	struct store	*store;
	uint8_t		 custodian;
	uint8_t		 receipt[SHA256_BYTES];
};

static enum rc
on_receipt(void *user, uint64_t index, enum statement_type type, bool effective, struct err *err)
{
	AUTO_DONE(logged_done) struct logged l = LOGGED_INIT;
	struct naming	*n = user;

	if (type != STATEMENT_RECEIPT || !effective)
		return RC_OK;
	TRY(logged_read(n->store, index, &l, err));
	if (l.s.u.receipt.custodian == n->custodian)
		memcpy(n->receipt, l.s.id, SHA256_BYTES);
	return RC_OK;
}

/* Those who answered wrongly: with zeros, who gave no receipt for what it sent. */
static enum rc
name_bad(struct coordinator *c, const struct making *m, struct store *store, struct statement *s, struct err *err)
{
	uint8_t	i;

	for (i = 1; i <= c->first->n; i++) {
		struct naming	n = { .store = store, .custodian = i };

		if ((m->bad >> (i - 1) & 1) == 0)
			continue;
		TRY(journal_subject(store, m->order, on_receipt, &n, err));
		name_one(s, i, false, n.receipt);
	}
	return RC_OK;
}

static int
by_index(const void *a, const void *b)
{
	/* The first member of each is its index. */
	return (int)*(const uint8_t *)a - (int)*(const uint8_t *)b;
}

enum rc
making_name(struct coordinator *c, const struct making *m, struct statement *s, struct err *err)
{
	AUTO(reader_give) struct reader *r = reader_take(c->readers);
	size_t	i;

	for (i = 0; i < m->indexes.n; i++) {
		AUTO_DONE(logged_done) struct logged l = LOGGED_INIT;
		uint8_t	 k;

		TRY(logged_read(r->store, m->indexes.index[i], &l, err));
		k = l.s.u.receipt.custodian;
		if (l.s.type == STATEMENT_RECEIPT && (m->good >> (k - 1) & 1) != 0)
			name_one(s, k, true, l.s.id);
	}
	TRY(name_bad(c, m, r->store, s, err));
	qsort(s->u.release.custodian, s->u.release.n, sizeof(s->u.release.custodian[0]), by_index);
	return RC_OK;
}
