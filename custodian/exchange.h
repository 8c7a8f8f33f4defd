/*
 * custodian/exchange.h - what a signed answer says (docs/spec/exchange-v1.md section 3).
 */
#ifndef CUSTODIAN_EXCHANGE_H
#define CUSTODIAN_EXCHANGE_H

#include "custodian/custody.h"
#include "custodian/pass.h"

struct exchange_facts {
	uint8_t		genesis[SHA256_BYTES], nonce[COMPARE_NONCE_BYTES];
	uint8_t		peer, asker;		/* who answers, who asked */
	uint64_t	size, cosigned;		/* of the notes in the answer; 0: none */
	uint8_t		root[SHA256_BYTES], cosigned_root[SHA256_BYTES];
	struct compared_past asker_past;	/* what the peer saw of the asker */
	uint8_t		statements[SHA256_BYTES];
};

/* The bytes that are signed. */
void	 exchange_message(const struct exchange_facts *f, struct buf *out);
/* Over what an answer passes on: the SHA-256 of their SHA-256s, in order. */
MUST_USE enum rc exchange_statements(const Quorate__V1__ExchangeReply *r, uint8_t ret[SHA256_BYTES], struct err *err);

/* The other custodian of an exchange: 1..n and not us. RC_DENIED with words. */
MUST_USE enum rc exchange_peer(struct custody *c, uint8_t peer, const struct charter **ret, struct err *err);
/* What a peer shows of itself; an ALARM line when it is less than it was. */
void	 exchange_saw(struct custody *c, uint8_t peer, const uint8_t instance[COMPARE_INSTANCE_BYTES], uint64_t steps,
	    const struct checkpoint *cp);
/* The state digest after `size` entries that are here. RC_MISSING. */
MUST_USE enum rc exchange_state(struct custody *c, uint64_t size, uint8_t ret[SHA256_BYTES], struct err *err);
/* A peer says that its state after `size` entries, which are here, is this one. */
MUST_USE enum rc exchange_state_of(struct custody *c, uint8_t peer, uint64_t size, struct span digest, struct err *err);

#endif
