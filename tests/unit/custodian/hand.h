/*
 * tests/unit/custodian/hand.h - statements for a bench that do not come by the log.
 *
 * Each is signed by a person of the network and saw the log as it stands there; `ago`
 * dates it back. Failures abort.
 */
#ifndef TESTS_UNIT_CUSTODIAN_HAND_H
#define TESTS_UNIT_CUSTODIAN_HAND_H

#include "custodian/handed_slot.h"
#include "tests/unit/custodian/bench.h"

struct said {
	struct buf	dsse;
	uint8_t		id[32];
	struct buf	blob;		/* a request's scope list */
};
void	 said_done(struct said *s);

/* Signs s, and is done with it. */
void	 say(struct statement *s, struct test_key *by, struct said *ret);
void	 say_decision(struct bench *b, const uint8_t request[32], enum net_person p, bool approve, struct said *ret);
void	 say_withdrawal(struct bench *b, const uint8_t request[32], enum net_person p, struct said *ret);
void	 say_revocation(struct bench *b, const struct test_key *key, enum net_person by, struct said *ret);
void	 say_request(struct bench *b, const struct bench_batch *batch, const char *policy, struct said *ret);
/* A receipt of custodian `index` (2 on) for an order. */
void	 say_receipt(struct bench *b, const uint8_t order[32], uint8_t index, struct said *ret);

/* handed_take() with its blob. */
enum rc	 hand(struct bench *b, uint8_t from, const struct said *s, struct handed_answer *ret, struct err *err);
/* Must be answered with this fate (and reason). */
void	 hand_ok(struct bench *b, const struct said *s, enum handed_fate fate, enum void_reason why);
/* How many wait. */
uint32_t handed_n(struct bench *b);

/* Rows that nobody signed, to fill a bound: `n` slots of a kind, signed by `signer`. */
void	 fill_slots(struct bench *b, enum handed_kind kind, const uint8_t signer[32], size_t n, uint32_t blob_bytes);
void	 fill_slots_of(struct bench *b, const char *who, enum handed_kind kind, const uint8_t signer[32], size_t n,
	    uint32_t blob_bytes);

#endif
