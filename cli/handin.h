/*
 * cli/handin.h - a person's statement on its two ways: into the log, and straight to custodians.
 *
 * A "no" goes to the coordinator and to every custodian at the same time, so that
 * neither a dead coordinator nor one that lies delays it. Anything else goes to the
 * coordinator, and to the custodians only when that did not end with it in the
 * cosigned log: they pass it on, and everybody sees that it is expected there.
 */
#ifndef CLI_HANDIN_H
#define CLI_HANDIN_H

#include "cli/custodians.h"

struct handin {
	struct remote		*r;
	struct custodians	*c;		/* NULL: not asked (it is in the log) */
	const char		*word;		/* "denied": what was done, for people */
	const char		*name;		/* of its id in JSON: "statement", "request" */
	/* The statement, all blobs it names with the fixed ones first, uploads. */
	uint8_t			 id[SHA256_BYTES];
	struct span		 dsse;
	const struct span	*blob;
	size_t			 n_blobs, n_fixed;
	const uint8_t		(*upload)[16];
	size_t			 n_uploads;
	/* The reason for which another that says the same is void: then the first one stands. NULL: there is none. */
	const char		*again;
	/* What became of it. */
	enum rc			 log_rc;	/* RC_OK: it stands in the cosigned log */
	struct err		 log_err;
	struct submitted	 sent;
	bool			 repeats;	/* custodians' logs show one that says the same */
};

/* A "no": c has looked at the custodians. Fills in what became of it. */
void	 handin_no(struct handin *h);
/* A request or an approval. Opens c (the caller frees it) when the coordinator failed. */
MUST_USE enum rc handin_other(struct handin *h, struct err *err);

/* How it ended, of either kind; the words are for err (docs/man/quorate.1, EXIT STATUS). */
MUST_USE enum rc handin_judge(const struct handin *h, bool no, struct err *err);
/* Prints it, as sentences or JSON, then judges. */
MUST_USE enum rc handin_tell(const struct handin *h, bool no, struct err *err);

#endif
