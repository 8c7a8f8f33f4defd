/*
 * cli/lineage.h - which charter is in force, shown from the genesis: fetched, checked, kept.
 *
 * A lineage (evidence/case.h) comes from a coordinator or from this user's cache, and
 * neither is believed: it is checked from the genesis whenever it is read. That a later
 * charter was left out it cannot show; what was seen once is not forgotten, so that nobody
 * can take us back. One thread.
 */
#ifndef CLI_LINEAGE_H
#define CLI_LINEAGE_H

#include "cli/cli.h"
#include "evidence/case.h"

struct lineage {
	struct buf		 bytes;		/* as case_write() has it; empty: the genesis alone */
	struct evidence_case	 kase;		/* borrows from bytes */
	struct checked_case	*checked;	/* NULL: the genesis alone */
	uint32_t		 n;
	struct charter		*charter[CASE_CHARTERS_MAX + 1];	/* the genesis first, the last is in force */
};

/* The genesis alone; takes it over. */
void	 lineage_begin(struct lineage *l, struct charter *genesis);
void	 lineage_done(struct lineage *l);
const struct charter *lineage_in_force(const struct lineage *l);
/* One that is or was in force; NULL: never was. */
const struct charter *lineage_charter(const struct lineage *l, const uint8_t digest[SHA256_BYTES]);

/*
 * Goes on with these bytes, of which it is the owner afterwards, if they show more than we
 * know: charters after those that we have. Else nothing changes, and *ret_news is false. Charters that
 * it held stay valid until lineage_done(). RC_VERIFY: they contradict what we know; RC_* of case_lineage().
 */
MUST_USE enum rc lineage_take(struct lineage *l, struct buf *bytes, bool *ret_news, struct err *err);

/*
 * This user's cache: $XDG_CACHE_HOME/quorate/GENESIS.lineage, else ~/.cache/quorate. What is
 * there and does not check is as good as nothing; what cannot be written is fetched again.
 */
void	 lineage_recall(struct lineage *l);
void	 lineage_keep(const struct lineage *l);

#endif
