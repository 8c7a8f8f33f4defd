/*
 * edge/tsa.h - a time-stamping authority asked: token, chain and revocation lists, checked.
 *
 * What comes back was checked with timestamp_verify() to the certificates that the charter
 * (or whoever asks) lists for that TSA. A revocation list that cannot be had is left out,
 * and that is said. Over edge/http.h. Threads: calls from any.
 */
#ifndef EDGE_TSA_H
#define EDGE_TSA_H

#include "audit/timestamp.h"
#include "policy/charter.h"

#define TSA_WORDS		160
#define TSA_STAMP_MS		3000u	/* for one TSA, with its lists, before the next is asked */
#define TSA_STAMP_ALL_MS	6000u	/* for all of them */

struct tsa_question {
	const struct tsa	*t;
	uint8_t			 imprint[SHA256_BYTES];
	unsigned		 ms;		/* for the TSA, and for each list */
	unsigned		 all_ms;	/* for all of it; 0: no bound but those */
	/* Asked now and then; true ends it with RC_UNSURE. May be NULL. */
	bool			(*stop)(void *user);
	void			*user;
};

struct tsa_reply {
	struct buf		 token;		/* as it came */
	struct buf		 certificates;	/* those in the token: DER, each vec32 */
	struct buf		 list[TSA_CRLS_MAX];
	uint8_t			 n_certificates, n_crls;
	struct span		 certificate[TIMESTAMP_CERTS_MAX], crl[TSA_CRLS_MAX];	/* into those */
	struct timestamp	 at;
	char			 left_out[TSA_WORDS];	/* why there is no list; "": nothing was left out */
};
void	 tsa_reply_init(struct tsa_reply *r);
void	 tsa_reply_done(struct tsa_reply *r);
/* All lists left out, and why. */
void	 tsa_reply_leave_out(struct tsa_reply *r, const char *why);

/*
 * One exchange. ret must be fresh. The codes of http_exchange(), timestamp_token() and
 * timestamp_verify(). RC_UNSURE: stop said so.
 */
MUST_USE enum rc tsa_ask(const struct tsa_question *q, struct tsa_reply *ret, struct err *err);

/*
 * Of these TSAs the first that answers well: its token with its chain and lists in it
 * (timestamp_embed()), appended to out. ret_which: which it was.
 * RC_MISSING: none did in TSA_STAMP_ALL_MS; the words say why each did not. RC_UNSURE: stop said so.
 */
MUST_USE enum rc tsa_stamp(const struct tsa *t, size_t n, const uint8_t imprint[SHA256_BYTES],
    bool (*stop)(void *user), void *user, struct buf *out, size_t *ret_which, struct err *err);

#endif
