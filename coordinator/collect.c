/* coordinator/collect.c - answers to an order, whose receipts stand in the log. */
#include <stdio.h>

#include "coordinator/collect.h"
#include "coordinator/sequencer.h"

/* One that is not in force does not bind the answer it came with: that is not used. */
static enum rc
log_receipt(struct collecting *k, const struct gathered *a, uint64_t *last,
    struct err *err)
{
	struct submission	 sub = { .dsse = a->receipt };
	char			 words[96];
	enum rc			 rc = sequencer_submit(k->c->sequencer, &sub, err);

	if (rc == RC_LIMIT || rc == RC_FORMAT || rc == RC_MISSING) {
		gathering_bad(k->g, a->custodian, false, err->msg);
		return RC_OK;
	}
	TRY(rc);
	if (sub.fate == FATE_REFUSED)
		return err_set(err, RC_BUG, "a receipt that was checked is refused: %s",
		    void_reason_name(sub.why));
	if (sub.index > *last)
		*last = sub.index;
	if (sub.verdict.effective)
		return RC_OK;
	(void)snprintf(words, sizeof(words), "its receipt in entry %llu is void: %s",
	    (unsigned long long)sub.index, void_reason_name((enum void_reason)sub.verdict.why));
	/* A second one for the same order is two answers; any other is of no use. */
	gathering_bad(k->g, a->custodian, sub.verdict.why == VOID_DUPLICATE, words);
	return RC_OK;
}

enum rc
collect_receipts(struct collecting *k, uint64_t *ret_last, struct err *err)
{
	struct gathered	a[CUSTODIANS_MAX];
	size_t		n = gathering_receipts(k->g, a), i;
	uint32_t	bit;

	for (i = 0; i < n; i++) {
		bit = UINT32_C(1) << (a[i].custodian - 1);
		if ((k->logged & bit) != 0)
			continue;
		TRY(log_receipt(k, &a[i], ret_last, err));
		k->logged |= bit;
	}
	return RC_OK;
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
