/*
 * coordinator/making.h - what a release can be finished from, whatever happens.
 *
 * Kept in the journals "making" and "making-message" in the transaction that logs the release, so that
 * a release in the log always has its package or the means to make it: the keys
 * are sealed to the recipient by then, and everything else stands in the log and
 * in the envelopes. Gone again when the package is there.
 */
#ifndef COORDINATOR_MAKING_H
#define COORDINATOR_MAKING_H

#include "coordinator/casefile.h"
#include "coordinator/journal.h"
#include "coordinator/sequencer.h"

struct making {
	uint8_t			request[SHA256_BYTES], order[SHA256_BYTES];
	uint64_t		request_index, order_index;
	uint32_t		good, bad;		/* bit i-1: custodian i */
	struct case_indexes	indexes;		/* of the payload */
	struct buf		keys;			/* CMS to the recipient, or empty: */
	struct buf		message[CUSTODIANS_MAX];	/* custodian i's CMS at [i-1] */
	bool			to_recipient;
	bool			archive;		/* level LT and an archive time-stamp are wanted */
	char			unstamped[160];		/* why a time-stamp could not be had; not kept */
};

void	 making_init(struct making *m);
void	 making_done(struct making *m);
/* One record: all of it but the messages, each of which has one of its own. */
MUST_USE enum rc making_write(const struct making *m, struct buf *out, struct err *err);
MUST_USE enum rc making_parse(struct span in, struct making *ret, struct err *err);
MUST_USE enum rc making_keep(struct store *s, const struct making *m, struct err *err);
MUST_USE enum rc making_forget(struct store *s, const struct making *m, struct err *err);
/* RC_MISSING: none of this request. */
MUST_USE enum rc making_read(struct store *s, const uint8_t request[SHA256_BYTES],
    struct making *ret, struct err *err);

/*
 * Write the payload to a hidden file, log the release unless `release_index` says that
 * it is logged (UINT64_MAX: not yet), wait for q, finish the package, give it its name
 * and remember it. RC_UNSURE: too few custodians answer; ask again.
 */
MUST_USE enum rc making_package(struct coordinator *c, struct making *m, uint64_t release_index,
    struct package_row *ret, struct err *err);

/* The good and the bad of it into a release, with their receipts, by index. */
MUST_USE enum rc making_name(struct coordinator *c, const struct making *m, struct statement *s, struct err *err);

/* At start: halves of packages that a crash left, each as large as what it was to hold. */
MUST_USE enum rc packages_clean(const struct coordinator *c, struct err *err);

/* DIR/packages/HEX.asice */
MUST_USE enum rc package_path(const struct coordinator *c, const uint8_t sha256[SHA256_BYTES],
    char path[FILE_PATH_MAX], struct err *err);

#endif
