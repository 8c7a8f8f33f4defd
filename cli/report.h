/*
 * cli/report.h - what a replayed log tells: who asked, approved, refused and released what,
 * how each custodian did, what is open and what is overdue (docs/spec/audit-report-v1.md).
 *
 * A function of the entries, their verdicts and the state after them: the same log gives
 * the same report, whoever makes it and however often its replay was cut off. Reads through
 * an interface and no clock. One thread.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include <stdio.h>

#include "cli/conduct.h"

struct report_source {
	void		*user;
	uint64_t	 size;
	struct replica	*replica;	/* after that many entries */
	when		 now;		/* the reader's clock: what is overdue by it */
	enum rc		(*entry)(void *user, uint64_t index, struct buf *leaf, struct err *err);
	enum rc		(*verdict)(void *user, uint64_t index, struct verdict *ret, struct err *err);
	/*
	 * Whose approvals counted when the order in this entry was given: u8 count, then each vec8
	 * person, vec8 role (the place that they filled, may be empty), u64 entry.
	 */
	enum rc		(*approvals)(void *user, uint64_t order, struct buf *ret, struct err *err);
	enum rc		(*blob)(void *user, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err);
};

/* One entry, as a line. The effective batches and checks, the bulk of any log, have none. */
struct report_line {
	uint64_t	index;
	when		time;			/* as the entry says */
	const char	*what;			/* "approval", "order"; static */
	bool		effective;
	uint8_t		why;
	uint8_t		about[SHA256_BYTES];
	char		who[NAME_MAX_BYTES + 1];	/* in whose name; "": nobody's */
	bool		is_signed;		/* ... and by their key: anybody can name others in a void entry */
};

#define REPORT_PLACES	64		/* approvals of an order that are told */
struct report_place { char person[ID_MAX + 1], role[ID_MAX + 1]; uint64_t index; };

struct report_request { uint8_t id[SHA256_BYTES]; uint64_t index; };

struct report_order {
	uint8_t		id[SHA256_BYTES], request[SHA256_BYTES];
	uint64_t	index;
	when		time, expires;
	uint8_t		n_places;
	struct report_place place[REPORT_PLACES];	/* whose approvals met the policy then */
	uint32_t	receipts, late;		/* bit i-1: custodian i's is in the log; after the time for it */
	bool		released;
	uint64_t	release;		/* its entry */
	uint8_t		contents[SHA256_BYTES];
	uint32_t	good, wrong;		/* bit i-1: what the release says of custodian i; good: with its receipt */
};

struct report_charter {
	uint64_t	since;			/* the entry with which it came in force */
	struct charter	*doc;			/* owned */
};

/* A time-stamp over the log. */
struct report_anchor {
	uint64_t	index, size;		/* its entry; so many entries it covers */
	when		logged;
	char		tsa[ID_MAX + 1];
	bool		good;			/* the token holds, as of its own time */
	uint8_t		lists;			/* of revoked certificates, archived with it; 0: nobody looked */
	when		stamped;		/* what it says; these two only of a good one */
	char		signer[128];
};

/* What the recipient of an order said, as somebody logged it. */
struct report_opening {
	uint8_t		order[SHA256_BYTES], note[SHA256_BYTES];
	uint64_t	index;			/* its entry */
	char		person[ID_MAX + 1];	/* who logged it */
	uint32_t	bad;			/* bit i-1: custodian i contributed wrongly */
	bool		good;			/* the recipient's key signed the note */
	when		opened;			/* as it says; only of a good one */
};

enum finding_kind {
	FINDING_VOID,			/* an entry without effect */
	FINDING_TIME_BACK,		/* dated before the entry before it */
	FINDING_RECEIPT_LATE,		/* after the time that the charter gives */
	FINDING_RECEIPTS_MISSING,	/* an order whose receipts are overdue */
	FINDING_ORDER_UNUSED,		/* run out without a release */
	FINDING_RELEASE_RECEIPT,	/* a release that names a receipt which the log does not have */
	FINDING_RELEASE_QUORUM,		/* ... or fewer people or custodians than it needs */
	FINDING_SAME_PACKAGE,		/* two releases of one package */
	FINDING_WRONG, FINDING_GARBAGE, FINDING_BROKEN,	/* of a custodian */
	FINDING_EARLY,			/* cosignatures that did not count */
	FINDING_BEHIND,			/* the source shows fewer entries than were audited */
	FINDING_NOT_ASKED,		/* too few custodians said what is missing in the log */
	FINDING_ANCHOR_BAD, FINDING_ANCHOR_GAP, FINDING_ANCHOR_OVERDUE, FINDING_ANCHOR_TIME,
	FINDING_OPENING_BAD,		/* a note that the recipient's key did not sign */
	FINDING_RECIPIENT_WRONG,	/* ... one that says that a custodian contributed wrongly */
	FINDING_REVOKED,
	FINDING_SINGLE_OPERATOR, FINDING_EXTRACTABLE,
	FINDING_KINDS
};
const char *finding_name(enum finding_kind k);		/* "late-receipt"; stable, for --json */

#define FINDING_WORDS	256
struct finding {
	enum finding_kind kind;
	uint64_t	index;			/* of the entry; UINT64_MAX: of none */
	char		words[FINDING_WORDS];
};

/* Growing lists. */
struct report {
	const struct report_source *source;	/* borrowed */
	uint64_t		count[STATEMENT_TYPES];	/* effective */
	uint64_t		voids, artifacts, wrong;
	struct conduct		conduct;
	size_t			n_lines, n_requests, n_orders, n_findings, n_charters, n_amendments, n_anchors, n_openings;
	size_t			cap_lines, cap_requests, cap_orders, cap_findings, cap_charters, cap_amendments, cap_anchors, cap_openings;
	struct report_line	*line;
	struct report_request	*request;
	struct report_order	*order;
	struct finding		*finding;
	struct report_charter	*charter;	/* the genesis first */
	struct report_request	*amendment;
	struct report_anchor	*anchor;
	struct report_opening	*opening;
};

MUST_USE enum rc report_make(const struct report_source *s, struct report *ret, struct err *err);
void	 report_done(struct report *r);
/* A release that says what the log denies: the first such finding, or NULL. An audit fails by it. */
const struct finding *report_false_release(const struct report *r);
bool	 finding_is_false(enum finding_kind k);
MUST_USE enum rc report_find(struct report *r, enum finding_kind k, uint64_t index, struct err *err, const char *fmt, ...)
	    __attribute__((format(printf, 5, 6)));
/* Room for one more. NULL: no memory. */
void	*report_more(void *list, size_t *n, size_t *cap, size_t bytes);

/* For people. RC_NOMEM, or a fault of the source. */
MUST_USE enum rc report_print(const struct report *r, FILE *out, struct err *err);
/* Its members, into `into` (docs/spec/audit-report-v1.md). */
MUST_USE enum rc report_json(const struct report *r, json_t *into, struct err *err);

#endif
