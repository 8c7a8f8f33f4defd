/*
 * cli/log.h - what `quorate log` is made of: each part is one verb.
 */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include "cli/remote.h"

/* An entry's number on the command line; RC_USAGE. */
MUST_USE enum rc log_number(const char *word, uint64_t *ret, struct err *err);
/* The entry with its proof, checked against the charter. RC_UNSURE: not cosigned yet. Free with message_free(). */
MUST_USE enum rc log_fetch(struct remote *r, uint64_t index, Quorate__V1__EntryReply **ret, struct err *err);

/* The tlog-tiles tree below dir, and the fixed blobs in dir.blobs (docs/spec/log-v1.md section 6). */
MUST_USE enum rc log_export(struct remote *r, const char *dir, struct err *err);

/* A .tlog-proof that carries its entry; path NULL: to standard output. */
MUST_USE enum rc log_proof(struct remote *r, const char *word, const char *path, struct err *err);

/*
 * Such a file, offline: of what is in entry (a file; NULL: of the entry that it carries).
 * RC_VERIFY, RC_FORMAT: it does not hold; cosignatures before the entry's time do not count.
 */
struct log_trust {
	const char	*charter;	/* file; NULL: QUORATE_CHARTER, unless there is a policy */
	const char	*policy;	/* a C2SP tlog-policy file, or NULL */
};
MUST_USE enum rc log_verify(const char *path, const char *entry, const struct log_trust *trust, struct err *err);
/* The keys of a charter (NULL: QUORATE_CHARTER) as a tlog-policy. */
MUST_USE enum rc log_policy(const char *charter, struct err *err);

#endif
