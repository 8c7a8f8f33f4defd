/*
 * cli/sealer.h - quorate seal --batch: a sealer that stays, beside what makes the artifacts.
 *
 * Reads one order a line from standard input and answers each with one line on standard
 * output (docs/spec/seal-batch-v1.md), "sealed" when and only when a checked receipt says so. A line
 * that cannot be carried out has its error and hinders no other.
 *
 * One thread reads, a few encrypt, SEALER_FLIGHTS hand over a batch each, with a connection
 * of their own. A batch is closed when it is full, when its oldest artifact has waited `linger_ms`, or
 * when nothing more is there to be read or encrypted and no other batch is on its way: one artifact alone
 * never waits, and while the network is busy the next batch fills.
 *
 * What is kept is bounded (SEALER_BATCHES of batch_max orders, SEALER_BYTES of ciphertext): at
 * the bound nothing more is read, and who writes the lines waits. While the coordinator does not
 * answer, or refuses for want of room, the same batches are handed over again and again; after the
 * end of input (or SIGTERM, SIGINT, SIGHUP) until none of them got through for SEALER_LAST_MS.
 */
#ifndef CLI_SEALER_H
#define CLI_SEALER_H

#include "edge/edge.h"
#include "policy/descriptor.h"

#define SEALER_BATCH		256
#define SEALER_LINGER_MS	250
#define SEALER_LINGER_MAX	60000
#define SEALER_FLIGHTS		3			/* batches on their way at a time */
#define SEALER_BATCHES		4			/* that are kept, in orders */
#define SEALER_BYTES		(UINT64_C(256) << 20)	/* of ciphertext: when there are, nothing more is encrypted */
#define SEALER_LAST_MS		30000

struct sealer_options {
	const char		*policy, *class_id;	/* for lines that name none; NULL: none, the charter's first */
	const char		*receipts;		/* a folder; NULL: none */
	uint32_t		 batch_max;		/* 1..BATCH_COUNT_MAX */
	uint64_t		 linger_ms;
	const struct signer	*signer;		/* used by one thread at a time */
};

/*
 * Until the end of input, and all that was read is answered. RC_OK: all of it is sealed. RC_DENIED: not
 * all: the lines say what is not. RC_UNSURE: not all, and of some it is not known, or the time was over.
 * RC_IO: standard input or output failed; what is not answered may be sealed.
 */
MUST_USE enum rc sealer_run(const struct sealer_options *o, struct err *err);

#endif
