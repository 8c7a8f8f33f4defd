/*
 * tests/unit/custodian/peer.h - the other custodians of the bench's network: what the
 * log showed them, what they answer and what they ask.
 *
 * A log forks at an entry: it has the bench's entries before it and others from there
 * on. NO_FORK: none. The log's key signs whatever is asked of it.
 */
#ifndef TESTS_UNIT_CUSTODIAN_PEER_H
#define TESTS_UNIT_CUSTODIAN_PEER_H

#include "custodian/exchange.h"
#include "tests/unit/custodian/bench.h"

#define NO_FORK	UINT64_MAX

/* The root of such a log, the proof in it, and a note with cosignatures of custodians 2 on. */
void	 peer_root(const struct bench *b, uint64_t fork, uint64_t size, uint8_t ret[32]);
void	 peer_path(const struct bench *b, uint64_t fork, uint64_t from, uint64_t to, struct tree_path *ret);
void	 peer_note(const struct bench *b, uint64_t fork, uint64_t size, unsigned cosigners, struct buf *out);
void	 peer_note_of(const struct bench *b, uint64_t size, const uint8_t root[32], unsigned cosigners, struct buf *out);

enum peer_lie {
	LIE_NONE,
	LIE_UNSIGNED, LIE_SIGNATURE, LIE_KEY,	/* no signature, a broken one, another's */
	LIE_NONCE, LIE_ASKER, LIE_PEER, LIE_GENESIS,	/* made for something else */
	LIE_NOTE, LIE_COSIGNED, LIE_STEPS, LIE_SEEN, LIE_STATEMENTS,	/* changed after it was signed */
	LIES
};

struct peer_answer {
	uint8_t		peer;			/* 2..5 */
	uint64_t	fork;
	uint64_t	size, cosigned;		/* of its notes; 0: none */
	bool		proof;			/* to the larger of them, from our note in the question */
	bool		wrong_proof;
	unsigned	cosigners;		/* on the second note */
	uint64_t	steps, seen;		/* what it saw of us: steps, size */
	uint64_t	own_steps;
	uint8_t		instance;
	uint64_t	state_size;		/* its state after so many entries ... */
	uint64_t	other_state;		/* ... is another from this entry on; 0: it is not */
	struct span	accusation;
	const Quorate__V1__Handed *statement;
	enum peer_lie	lie;
};
#define PEER_ANSWER(i)	((struct peer_answer){ .peer = (i), .fork = NO_FORK, .instance = (i), .cosigners = 4 })

/* A question of ours, unpacked; free with quorate__v1__exchange_request__free_unpacked(). */
Quorate__V1__ExchangeRequest *peer_asked(struct bench *b, uint8_t peer);
/* The packed answer to it. */
void	 peer_reply(struct bench *b, const struct peer_answer *a, const Quorate__V1__ExchangeRequest *q,
	    struct buf *out);
/* It is heard. ret_again may be NULL. */
enum rc	 peer_heard(struct bench *b, uint8_t peer, struct span reply, uint8_t *ret_again, struct err *err);
/* All three. */
enum rc	 peer_answers(struct bench *b, const struct peer_answer *a, struct err *err);

#endif
