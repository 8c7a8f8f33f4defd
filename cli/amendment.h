/*
 * cli/amendment.h - an amendment as the log has it, checked: what approvers of it read.
 */
#ifndef CLI_AMENDMENT_H
#define CLI_AMENDMENT_H

#include "cli/remote.h"

struct amendment_seen {
	Quorate__V1__AmendmentReply	*reply;
	struct dsse			 dsse;
	struct statement		 statement;
	when				 logged;
	struct buf			 document;
	uint64_t			 rules;		/* of the document */
	struct charter			*next;		/* NULL: under rules that we cannot read */
	const struct charter		*was;		/* that it is to follow */
};
/* Proved to be in the log, with its document. RC_MISSING: no such amendment. */
MUST_USE enum rc amendment_fetch(struct remote *r, const uint8_t id[SHA256_BYTES], struct amendment_seen *ret,
    struct err *err);
void	 amendment_seen_done(struct amendment_seen *s);

/* Prints it as `quorate show` does. */
MUST_USE enum rc show_amendment(struct remote *r, const uint8_t id[SHA256_BYTES], struct err *err);
/* A request or an amendment, whichever the id is of. attachments: see show_request(). */
MUST_USE enum rc show_subject(struct remote *r, const uint8_t id[SHA256_BYTES], const char *attachments,
    struct err *err);

/* What it changes, a line each, indented. */
MUST_USE enum rc print_changes(const struct charter *was, const struct charter *next, struct err *err);
MUST_USE enum rc changes_json(const struct charter *was, const struct charter *next, json_t **ret, struct err *err);
/* What it takes under `c`: how many of whom, how long, who may veto. A sentence each. */
MUST_USE enum rc print_terms(const struct charter *c, struct err *err);

#endif
