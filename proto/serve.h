/*
 * proto/serve.h - the server's insides: a call's life and the worker pool.
 *
 * A call goes WAITING (posted to the library) -> RECEIVING (its peer is known
 * and authorised, the request is on its way) -> QUEUED -> RUNNING (a worker has
 * it) -> ANSWERING. One thread at a time starts operations on a call: the
 * network thread up to QUEUED, the worker after that.
 *
 * Two things hold a call: the library's notice that it closed, and its answer.
 * It is freed when both are over, and the server stops only when none is left:
 * an operation that is started after the queue was shut down aborts the process.
 */
#ifndef PROTO_SERVE_H
#define PROTO_SERVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "proto/door.h"
#include "proto/inner.h"

#define RPC_SLOTS		32	/* calls posted to the library, ahead of their arrival */
#define RPC_STREAMS_MAX		100	/* calls at once on one connection; DOOR_CALLS for who does not listen */
#define RPC_SWEEP_MS		250	/* how often stalled calls are looked for */
#define RPC_TELL_MS		60000	/* how often it is said what the door did */
#define RPC_HANDSHAKE_MS	10000
#define RPC_IDLE_MS		300000	/* a connection without calls is closed */

enum phase {
	CALL_WAITING,
	CALL_RECEIVING,
	CALL_QUEUED,
	CALL_RUNNING,
	CALL_ANSWERING,
};

/* What the completion queue hands back. */
struct tag {
	void		(*done)(struct rpc_call *c, bool ok);
	struct rpc_call	*call;
};

struct rpc_call {
	struct rpc_server	*s;
	grpc_call		*call;
	grpc_call_details	 details;
	grpc_metadata_array	 head;
	gpr_timespec		 deadline;
	struct tag		 arrived, closed, received, answered;

	const struct rpc_method	*method;
	bool			 has_pin;
	uint8_t			 pin[RPC_PIN_BYTES];
	uint32_t		 roles;
	char			*address;	/* gpr_free */
	uint64_t		 guest;		/* its connection, at the door */
	bool			 refused;
	char			 name[128];
	char			 said[RPC_SAID_BYTES];

	grpc_byte_buffer	*payload;	/* as received */
	grpc_slice		 request;	/* the same in one piece */
	bool			 has_request;
	grpc_byte_buffer	*reply;
	int			 close_flag;	/* the library's */
	atomic_bool		 cancelled;

	/* Under the server's lock. */
	enum phase		 phase;
	uint64_t		 since;		/* ms, when the phase began */
	unsigned		 holds;		/* of the two above */
	struct rpc_call		*next, **link;	/* of the live ones */
	struct rpc_call		*behind;	/* in the pool's queue */
};

struct pool {
	pthread_mutex_t	 lock;
	pthread_cond_t	 wake;
	struct rpc_call	*head, **tail;
	unsigned	 waiting, max;
	bool		 stop;
	unsigned	 n_threads;
	pthread_t	 threads[RPC_WORKERS_MAX];
};

/* RC_IO: no threads; those that ran are joined again. */
MUST_USE enum rc pool_start(struct pool *p, unsigned threads, unsigned max, struct err *err);
/* False: the queue is full, or stopping. */
bool		 pool_give(struct pool *p, struct rpc_call *c);
void		 pool_stop(struct pool *p);	/* the queue is empty by then */

struct rpc_server {
	char		 address[RPC_ADDRESS_MAX + 1];
	char		 host[RPC_ADDRESS_MAX + 1];
	uint16_t	 port;
	struct tls_cert	 cert;
	const struct rpc_method *methods;
	size_t		 n_methods;
	void		*user;
	uint32_t	(*who)(void *, const uint8_t *);
	void		(*note)(void *, const struct rpc_call *, const struct err *);
	unsigned	 workers, queue, max_calls, stall_ms;
	uint32_t	 strangers;	/* what whoever shows no certificate may be */
	uint64_t	 told_ms;	/* when it last said what the door did */
	size_t		 max_message;

	grpc_server_credentials *creds;
	grpc_server	*server;
	grpc_completion_queue *cq;
	pthread_t	 network, doorman;
	pthread_mutex_t	 hands;		/* whoever has an event of the queue */
	atomic_bool	 ending;
	struct pool	 pool;
	bool		 started;	/* once */
	bool		 serving;	/* between start and stop */

	pthread_mutex_t	 lock;
	pthread_cond_t	 changed;
	struct rpc_call	*live;
	unsigned	 n_live, n_slots;
	bool		 down;		/* the library has shut down */
};

uint64_t	 now_ms(void);

/* ---- call.c: on the network thread ---- */

/* Posts one more call to the library; false: no memory. */
bool		 call_post(struct rpc_server *s);
/* Cuts off what has stalled. */
void		 call_sweep(struct rpc_server *s);
/* On a worker: hands the request to its handler and answers. */
void		 call_run(struct rpc_call *c);

#endif
