/* coordinator/collect.c - answers to an order, whose receipts stand in the log. */
#include <stdio.h>
#include <stdlib.h>

#include "coordinator/collect.h"
#include "coordinator/sequencer.h"

/* One that is not in force does not bind the answer it came with: that is not used. */
static enum rc
settle_receipt(struct collecting *k, uint8_t custodian, const struct submission *sub, uint64_t *last,
    struct err *err)
{
	char	words[96];

	if (sub->rc == RC_LIMIT || sub->rc == RC_FORMAT || sub->rc == RC_MISSING) {
		gathering_bad(k->g, custodian, false, sub->err.msg);
		return RC_OK;
	}
	if (sub->rc != RC_OK)
		return err_set(err, sub->rc, "%s", sub->err.msg);
	if (sub->fate == FATE_REFUSED)
		return err_set(err, RC_BUG, "a receipt that was checked is refused: %s",
		    void_reason_name(sub->why));
	if (sub->index > *last)
		*last = sub->index;
	if (sub->verdict.effective)
		return RC_OK;
	(void)snprintf(words, sizeof(words), "its receipt in entry %llu is void: %s",
	    (unsigned long long)sub->index, void_reason_name((enum void_reason)sub->verdict.why));
	/* A second one for the same order is two answers; any other is of no use. */
	gathering_bad(k->g, custodian, sub->verdict.why == VOID_DUPLICATE, words);
	return RC_OK;
}

/* Together, since each alone would be a transaction, a checkpoint and a round of cosignatures of its own. */
static enum rc
log_receipts(struct collecting *k, const struct gathered *a, size_t n, uint64_t *last, struct err *err)
{
	struct submission	*sub;
	enum rc			 rc, first = RC_OK;
	struct err		 other;
	size_t			 i;

	if (n == 0)
		return RC_OK;
	if ((sub = calloc(n, sizeof(*sub))) == NULL)
		return err_set(err, RC_NOMEM, "receipts: no memory");
	for (i = 0; i < n; i++)
		sub[i].dsse = a[i].receipt;
	sequencer_submit_all(k->c->sequencer, sub, n);
	for (i = 0; i < n; i++) {
		rc = settle_receipt(k, a[i].custodian, &sub[i], last, first == RC_OK ? err : &other);
		if (rc == RC_OK)
			k->logged |= UINT32_C(1) << (a[i].custodian - 1);
		else if (first == RC_OK)
			first = rc;
	}
	free(sub);
	return first;
}

enum rc
collect_receipts(struct collecting *k, uint64_t *ret_last, struct err *err)
{
	struct gathered	a[CUSTODIANS_MAX];
	size_t		all = gathering_receipts(k->g, a), n = 0, i;

	for (i = 0; i < all; i++)
		if ((k->logged >> (a[i].custodian - 1) & 1) == 0)
			a[n++] = a[i];
	return log_receipts(k, a, n, ret_last, err);
}

/* Who answered since the receipts were collected waits for the next time. */
static size_t
only_logged(const struct collecting *k, struct gathered *a, size_t n)
{
	size_t	i, kept = 0;

	for (i = 0; i < n; i++)
		if ((k->logged >> (a[i].custodian - 1) & 1) != 0)
			a[kept++] = a[i];
	return kept;
}

enum rc
collect_answers(struct collecting *k, unsigned want, struct gathered ret[CUSTODIANS_MAX],
    size_t *ret_n, uint64_t *ret_last, struct err *err)
{
	do {
		TRY(gathering_run(k->g, want, err));
		TRY(collect_receipts(k, ret_last, err));
		*ret_n = only_logged(k, ret, gathering_answers(k->g, ret));
	} while (*ret_n < k->c->first->k);
	return RC_OK;
}
