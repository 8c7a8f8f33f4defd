/*
 * base/err.h - what went wrong, for the caller (a code) and the operator (words).
 *
 * Every function that can fail returns an enum rc and takes a struct err last.
 * The code and the words are set in one call, so they cannot disagree. The
 * message buffer is fixed: to report "out of memory" needs no memory. NULL is
 * accepted wherever a struct err * is: the code is returned, the words dropped.
 *
 * Never put a secret, or bytes a peer chose unescaped, into a message.
 * Threads: a struct err belongs to one thread at a time.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_USE __attribute__((warn_unused_result))

enum rc {
	RC_OK = 0,
	RC_FORMAT,	/* bytes break the spec: refuse, do not retry */
	RC_VERIFY,	/* well-formed, but a MAC, signature or proof fails: alarm */
	RC_DENIED,	/* policy said no: an answer, not a fault */
	RC_QUORUM,	/* too few distinct shares or approvals so far: wait */
	RC_MISSING,	/* what was named is not here (unknown id, no such file) */
	RC_LIMIT,	/* a written bound was reached: less, or later */
	RC_NOMEM,
	RC_IO,		/* disk, socket or token: a retry may help */
	RC_UNSURE,	/* the answer is not known yet (too few custodians): ask again */
	RC_USAGE,	/* the caller's words or files are wrong: see the message */
	RC_BUG,		/* an invariant broke: stop serving */
};

#define ERR_MSG_BYTES 256

struct err {
	enum rc	rc;
	char	msg[ERR_MSG_BYTES];	/* for operators; cut when too long */
};

/* Sets both and returns rc, so that a failing branch is one statement. */
enum rc	err_set(struct err *err, enum rc rc, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/*
 * Puts "context: " before the words that are there and returns rc. Called by
 * whoever knows more than the function that failed.
 */
enum rc	err_wrap(struct err *err, enum rc rc, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/* A lower-case word for a code ("verify"), for logs, tests and JSON; static. */
const char	*rc_name(enum rc rc);

/* Returns on failure. The only macro in the tree that returns. */
#define TRY(expr)							\
	do {								\
		enum rc try_rc_ = (expr);				\
		if (try_rc_ != RC_OK)					\
			return try_rc_;					\
	} while (0)

#endif
