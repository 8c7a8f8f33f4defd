/*
 * cli/report_impl.h - one entry on its way into a report. Internal to cli/report*.c.
 */
#ifndef CLI_REPORT_IMPL_H
#define CLI_REPORT_IMPL_H

#include "cli/report.h"

/* When one TSA is to stamp the log next. */
struct tsa_watch {
	char		id[ID_MAX + 1];		/* "": none */
	when		last;			/* its last good anchor, or when it came into the charter */
	uint64_t	pending;		/* entries that it does not cover and are no anchors */
	bool		is_due;
	when		due;
};

struct walk {
	struct report		*r;
	const struct charter	*charter;	/* by which the entry was judged */
	when			 last;		/* the latest time that an entry has had so far */
	struct tsa_watch	 tsa[TSAS_MAX];
	/* This entry. */
	uint64_t		 index;
	when			 time;		/* as it says */
	struct verdict		 v;
	bool			 parsed;	/* s is its statement */
	struct statement	 s;
};

/* cli/report_charter.c */
MUST_USE enum rc report_charters(struct report *r, struct err *err);
void	 report_charters_done(struct report *r);
const struct charter *report_charter_at(const struct report *r, uint64_t index);
/* NULL: it was never in force. */
const struct charter *report_charter_of(const struct report *r, const uint8_t digest[SHA256_BYTES]);
MUST_USE enum rc report_amendment(struct walk *w, struct err *err);
/* "genesis", "amendment", "succession"; NULL: err says why. v: of the entry. */
const char *report_came_by(const struct report *r, size_t i, struct verdict *v, struct err *err);
/* A line for each thing that charter i changes. */
MUST_USE enum rc report_change(const struct report *r, size_t i, struct buf *out, struct err *err);
MUST_USE enum rc report_print_charters(const struct report *r, FILE *out, struct err *err);

/* cli/report_scope.c: of the request in that entry. scope_done() always. */
MUST_USE enum rc report_scope(const struct report *r, uint64_t request, struct scope *ret,
	    uint8_t ret_recipient[SHA256_BYTES], struct err *err);
MUST_USE enum rc report_scope_words(const struct report *r, uint64_t request, struct buf *out, struct err *err);

/* cli/report_anchor.c */
void	 report_watch_tsas(struct walk *w, const struct charter *c, when now);
void	 report_schedule(struct walk *w);					/* each entry */
MUST_USE enum rc report_overdue_anchors(struct walk *w, struct err *err);	/* at the end */
MUST_USE enum rc report_anchor(struct walk *w, struct err *err);
void	 report_print_anchors(const struct report *r, FILE *out);

/* cli/report_opening.c */
MUST_USE enum rc report_opening(struct walk *w, struct err *err);

#endif
