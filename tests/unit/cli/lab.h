/*
 * tests/unit/cli/lab.h - a log whose notes can be signed at will, and servers that
 * answer what they are told to: a coordinator and five custodians that may lie.
 */
#ifndef TESTS_UNIT_CLI_LAB_H
#define TESTS_UNIT_CLI_LAB_H

#include <stdatomic.h>

#include "cli/custodians.h"
#include "tests/fixture/network.h"

#define BIG		((size_t)1 << 20)
#define MUST(cond)	do { if (!(cond)) abort(); } while (0)

extern struct net	net;

void	 must(enum rc rc, const struct err *err);
ProtobufCBinaryData data_of(struct span s);

/* A note of this checkpoint by that log key; bit i-1: cosigned by custodian i. */
void	 lab_note(const struct test_key *log, const struct checkpoint *cp, uint32_t cosigners, struct buf *out);
/* The log's present end, and after that many entries (at most 64). */
void	 lab_end(struct checkpoint *ret);
void	 lab_at(uint64_t size, struct checkpoint *ret);

/* --- servers --- */

enum lab_method { LAB_SUBMIT, LAB_ENTRY, LAB_REQUEST, LAB_BLOB, LAB_ARTIFACT, LAB_HEAD, LAB_CHECKPOINT,
	LAB_ENTRIES, LAB_CHARTER, LAB_CONSISTENCY, LAB_UPLOAD, LAB_SEAL, LAB_METHODS };

struct lab_answer {
	struct buf	reply, other;	/* other: to each second call; empty: the same */
	enum rc		rc;		/* not RC_OK: this and `say` (NULL: no words) instead */
	const char	*say;
	atomic_uint	delay_ms;
	/* What came. */
	atomic_uint	calls;
	_Atomic uint64_t called_ms;	/* the last, by clock_ms() */
	atomic_bool	certificate;	/* the caller presented one */
	struct buf	request;	/* the last */
};

struct lab_server {
	struct rpc_server	*server;
	uint16_t		 port;
	char			 address[32];
	struct buf		 pem, der;
	struct secret		*key;
	struct rpc_method	 method[LAB_METHODS];
	char			 name[LAB_METHODS][64];
	struct lab_answer	 answer[LAB_METHODS];
};

/*
 * The network, founded with these as its coordinator (lab[0]) and custodians (lab[i]):
 * its charter has their addresses and certificates.
 */
extern struct lab_server	lab[NET_N + 1];
void	 lab_found(void);
void	 lab_found_amendable(void);
void	 lab_close(void);

/* service: "Custodian" or "Coordinator". */
void	 lab_start(struct lab_server *s, const char *service);
void	 lab_stop(struct lab_server *s);	/* nobody answers there from now on; lab_done() may follow */
void	 lab_done(struct lab_server *s);
/* What an honest custodian shows that stands at cp; the caller may change it before it is answered. */
struct lab_showing {
	struct buf			 signed_, cosigned;
	Quorate__V1__Health		 health;
	Quorate__V1__HandedRow		 row[100], *rows[100];
	Quorate__V1__CheckpointReply	 r;
};
void	 lab_honest(struct lab_showing *s, const struct checkpoint *cp);
void	 lab_showing_done(struct lab_showing *s);
void	 lab_row(struct lab_showing *s, uint8_t id[32], char *type, char *who, when since);
/* All five of them. */
void	 lab_all_honest(const struct checkpoint *cp);

/* Answers m to a method from now on; forgets what came. */
void	 lab_answer(struct lab_server *s, enum lab_method method, const void *m);
void	 lab_refuse(struct lab_server *s, enum lab_method method, enum rc rc, const char *say);

#endif
