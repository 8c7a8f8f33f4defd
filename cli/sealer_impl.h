/*
 * cli/sealer_impl.h - the resident sealer inside: sealer.c reads, sealer_work.c encrypts and hands
 * over, sealer_answer.c answers.
 *
 * An order has one place at a time: with the reader, in `waiting`, with an encryptor, in `ready`, with a
 * flight; then it is `unused` again. Whoever has it works at it without the lock.
 */
#ifndef CLI_SEALER_IMPL_H
#define CLI_SEALER_IMPL_H

#include <pthread.h>

#include "cli/handover.h"
#include "cli/seal_line.h"
#include "cli/sealer.h"

#define SEALER_ENCRYPTORS	4		/* at most; as many as there are processors */
#define SEALER_FLIGHT_BYTES	(SEALER_BYTES / 4)	/* of ciphertext: a batch that has them is full */

struct job {
	struct job		*next;
	uint64_t		 number;	/* of its line */
	struct seal_line	 line;
	struct sealed_artifact	 artifact;
	uint8_t			*share;		/* room for its shares, in locked memory */
	uint64_t		 ready_ms;
};

struct jobs { struct job *first, *last; size_t n; };

struct resident {
	const struct sealer_options *o;
	struct signer		 signer;	/* o->signer, one at a time */
	struct remote		*remote[SEALER_FLIGHTS];
	const uint8_t		*genesis;
	struct job		*job;		/* all of them */
	size_t			 n_jobs;
	struct secret_arena	*shares;

	pthread_mutex_t		 lock;
	pthread_cond_t		 work, close;	/* for encryptors; for flights */
	int			 wake;		/* an eventfd, for the reader: there is room, all is done, or it should end */
	/* Under the lock. */
	struct jobs		 unused, waiting, ready;
	uint64_t		 ready_bytes, bytes;	/* of ciphertext: in `ready`; of all that is kept */
	size_t			 encrypting, flying;
	bool			 quiet;		/* nothing is there to be read */
	bool			 over, dead;	/* nothing more will be read; nobody hears the answers */
	uint64_t		 over_ms;
	const struct charter	*charter;	/* to encrypt under: the newest that a flight followed */
	uint32_t		 n_charters;
	bool			 trouble;	/* was said */
	uint64_t		 sealed_ms;	/* when the last batch was; 0: none */
	bool			 receipts_failed;

	pthread_mutex_t		 answering, signing;
	/* Under `answering`. */
	uint64_t		 n_sealed, n_refused;
	uint64_t		 n_perhaps, n_later;	/* may be sealed all the same; not, but it may be tried again */
};

void	 jobs_push(struct jobs *q, struct job *j);
void	 jobs_push_first(struct jobs *q, struct job *j);
struct job *jobs_pop(struct jobs *q);	/* NULL: empty */

/* Waits for a batch that may be closed, and takes as many of it as one may have; 0: nothing more comes. job: batch_max. */
size_t	 sealer_take_batch(struct resident *s, struct job **job);
/* Encrypts until nothing more comes. */
void	*sealer_encryptor(void *sealer);
struct flight { struct resident *s; struct remote *r; pthread_t thread; };
/* Hands batches over until nothing more comes. */
void	*sealer_flight(void *flight);
/* Wiped and empty, for the next order. Under the lock. */
void	 sealer_release(struct resident *s, struct job *j);

/* One line for each artifact of a batch that is sealed, after its receipt is kept. */
void	 sealer_answer_sealed(struct resident *s, struct job *const *job, const struct handover *h);
/* ref may be NULL; id NULL: it has no name that anybody could ask for. */
void	 sealer_answer_error(struct resident *s, uint64_t number, const char *ref, const uint8_t *id, const struct err *err);
/* Nobody hears us, or there is no memory to say it: all should end. */
void	 sealer_give_up(struct resident *s, const char *words);
/* One line to standard error. */
void	 sealer_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
