/*
 * audit/tlog_policy.h - which logs and witnesses a verifier trusts (C2SP tlog-policy).
 *
 *	log <vkey> [<url>]
 *	witness <name> <vkey> [<url>]
 *	group <name> <any|all|k> <name>...	of witnesses and groups defined above
 *	quorum <name|none>
 *
 * Lines end in \n, words are parted by blanks and tabs; empty lines and those that start with
 * # say nothing. Refused: a key twice in one kind, a name twice, a name that no line above
 * defines, a name in two groups, a k of 0 or above the members, not exactly one quorum,
 * a control character. docs/spec/log-v1.md section 8. Pure. Threads: no shared state.
 */
#ifndef AUDIT_TLOG_POLICY_H
#define AUDIT_TLOG_POLICY_H

#include "audit/note.h"

#define TLOG_POLICY_BYTES_MAX	65536
#define TLOG_POLICY_LOGS	32
#define TLOG_POLICY_WITNESSES	32
#define TLOG_POLICY_GROUPS	32

struct tlog_policy {
	uint8_t		n_logs, n_witnesses, n_groups;
	struct note_key	log[TLOG_POLICY_LOGS];
	struct note_key	witness[TLOG_POLICY_WITNESSES];
	char		name[TLOG_POLICY_WITNESSES][NOTE_NAME_MAX + 1];
	struct {
		char		name[NOTE_NAME_MAX + 1];
		uint8_t		need;
		uint32_t	witnesses;	/* bit i: witness[i] */
		uint32_t	groups;		/* bit i: group[i], an earlier one */
	}		group[TLOG_POLICY_GROUPS];
	/* What is needed: neither (none), one witness, or one group; -1: not that. */
	int8_t		quorum_witness, quorum_group;
};

MUST_USE enum rc tlog_policy_parse(struct span text, struct tlog_policy *ret, struct err *err);
/* A log whose q of n witnesses are asked for, as such a file. Names: the keys' own. */
void	 tlog_policy_write(const struct note_key *log, const struct note_key *witness, size_t n, unsigned q, struct buf *out);
/* Is it enough that these witnesses (bit i: witness[i]) cosigned? */
bool	 tlog_policy_met(const struct tlog_policy *p, uint32_t mask);
/*
 * A checkpoint note under one of the logs. RC_VERIFY: of no log that is listed, or a
 * signature fails; RC_QUORUM: too few witnesses; RC_FORMAT.
 */
MUST_USE enum rc tlog_policy_verify(const struct tlog_policy *p, struct span note, struct checkpoint *ret,
    struct note_cosigned *ret_cosigned, struct err *err);

#endif
