/*
 * proto/rpc.h - unary calls over gRPC and mutual TLS: bytes in, bytes and a code out.
 *
 * The only header of proto/ that the daemons and the CLI include, and no gRPC
 * type in it. What travels is decided elsewhere (proto/quorate.proto); what is
 * signed or hashed is never a protobuf encoding.
 *
 * TLS 1.3 only, no session tickets, no compression, no proxy, no retries. A
 * server accepts any client certificate, or none, and every call is authorised
 * on the SHA-256 of the leaf that its connection presented. A client trusts
 * exactly one server certificate, the one it was given, and looks at no name.
 *
 * Connections are counted, and what each may pour in: proto/door.h, docs/adr/0001.
 *
 * Not promised: wiped copies of the TLS key or of payloads inside the
 * library (a share crosses the wire sealed, always).
 *
 * Processes: fork only before the first rpc_*_new(), or fork and exec. Block
 * signals before it, too: the library's threads inherit the mask.
 * Threads: a server runs one network thread and `workers` workers. A client
 * may be used by many threads at once.
 */
#ifndef PROTO_RPC_H
#define PROTO_RPC_H

#include "base/auto.h"
#include "base/bytes.h"

#define RPC_PIN_BYTES		SHA256_BYTES	/* SHA-256 of a DER certificate */
#define RPC_MESSAGE_MAX		((size_t)1 << 20)	/* default limit of a message */
#define RPC_METADATA_MAX	8192		/* bytes of HTTP/2 headers of a call */
#define RPC_SAID_BYTES		256		/* words to or from a peer, with NUL */
#define RPC_METHODS_MAX		64
#define RPC_WORKERS_MAX		64
#define RPC_QUEUE_MAX		4096
#define RPC_CALLS_MAX		65536
#define RPC_MS_MAX		3600000u	/* an hour: "no deadline" is this */

struct rpc_server;
struct rpc_client;
struct rpc_call;

/*
 * SHA-256 of one certificate, PEM or DER: what a charter pins and what
 * rpc_peer() is compared with. RC_FORMAT: not exactly one certificate.
 */
MUST_USE enum rc rpc_tls_fingerprint(struct span cert, uint8_t ret_pin[RPC_PIN_BYTES],
    struct err *err);

/*
 * The library's own log lines (a failed handshake, say), escaped and cut, one
 * call a line, from any thread. NULL, the default, drops them. Call it before
 * the first rpc_*_new().
 */
void	 rpc_log_to(void (*sink)(const char *line));

/* ---- server ---- */

/*
 * Answers one call on a worker thread; it may block, and should give up when
 * rpc_cancelled(). `request` is good until it returns. On RC_OK `reply` is
 * sent (its max is the server's message limit). On any other code the peer
 * gets a status and the words of rpc_say(), or a plain word for the code;
 * err->msg goes to `note` and never to the peer.
 */
typedef enum rc	rpc_handler(void *user, struct rpc_call *call, struct span request,
		    struct buf *reply, struct err *err);

struct rpc_method {
	const char	*name;		/* "/quorate.v1.Custodian/Append" */
	rpc_handler	*handler;
	uint32_t	 roles;		/* any of these bits may call; 0: nobody */
	size_t		 max_request;	/* bytes, at most the server's limit */
};

struct rpc_server_options {
	const char	*address;	/* "127.0.0.1:0", "[::1]:7000"; port 0: any */
	struct span	 cert_pem;	/* one certificate */
	struct span	 key_pem;	/* its private key; copied, our copy is wiped */
	const struct rpc_method *methods;	/* borrowed until rpc_server_free() */
	size_t		 n_methods;
	void		*user;		/* for the handlers, `who` and `note` */
	/*
	 * The roles of a caller; pin is NULL when it presented no certificate.
	 * Called for each call on the network thread: must not block. What it
	 * returns is compared with the method's roles.
	 */
	uint32_t	(*who)(void *user, const uint8_t pin[RPC_PIN_BYTES]);
	/*
	 * Told of each call that got another answer than RC_OK, refused ones
	 * included, so that the daemon can log it once; may be NULL. From the
	 * network thread or a worker; must not block.
	 */
	void		(*note)(void *user, const struct rpc_call *call,
			    const struct err *err);
	unsigned	 workers;	/* 0: 4 */
	unsigned	 queue;		/* calls that wait for a worker; 0: 64 */
	size_t		 max_message;	/* 0: RPC_MESSAGE_MAX */
	size_t		 max_memory;	/* what the library may buffer; 0: 256 MiB */
	unsigned	 max_calls;	/* at once; one more is cut off; 0: 2048 */
	/*
	 * A request that takes longer than this to arrive, or an answer to be
	 * taken, is cut off: a peer that opens calls and falls silent would hold
	 * them for ever. 0: 20000.
	 */
	unsigned	 stall_ms;
};

/*
 * Checks the options and loads the certificate. Raises RLIMIT_NOFILE to its
 * hard limit. RC_USAGE: an option is out of bounds, or an address that cannot
 * be read; RC_FORMAT: certificate or key; RC_NOMEM; RC_IO: threads or TLS set-up.
 */
MUST_USE enum rc rpc_server_new(const struct rpc_server_options *options,
    struct rpc_server **ret_server, struct err *err);
/* Binds and serves. RC_IO: the address is in use or not ours. */
MUST_USE enum rc rpc_server_start(struct rpc_server *s, uint16_t *ret_port, struct err *err);
/*
 * Takes no new calls, gives those that run grace_ms, then cancels them and
 * waits until every handler has returned. Idempotent; never from a handler.
 */
void	 rpc_server_stop(struct rpc_server *s, unsigned grace_ms);
void	 rpc_server_free(struct rpc_server *s);		/* stops first; NULL is fine */
DEFINE_AUTO(rpc_server_free, struct rpc_server);
/*
 * Calls the server's own port over a new connection, as a stranger would. A
 * listener that ran out of descriptors stays deaf (CVE-2023-4785), and only a
 * new process hears again: when this fails twice, exit and be restarted.
 * RC_OK; RC_UNSURE: no answer in time.
 */
MUST_USE enum rc rpc_server_alive(struct rpc_server *s, unsigned timeout_ms, struct err *err);

/* Of a call, good while its handler or note runs. */
const uint8_t	*rpc_peer(const struct rpc_call *call);	/* pin of the leaf, NULL: none */
const char	*rpc_peer_address(const struct rpc_call *call); /* "ipv4:127.0.0.1:4711" */
const char	*rpc_method_name(const struct rpc_call *call);	/* escaped */
uint32_t	 rpc_roles(const struct rpc_call *call);	/* what `who` said */
unsigned	 rpc_ms_left(const struct rpc_call *call);	/* at most RPC_MS_MAX */
bool		 rpc_cancelled(const struct rpc_call *call);	/* nobody waits any more */
/* The words for the peer, should the handler fail. The last call counts. */
void		 rpc_say(struct rpc_call *call, const char *fmt, ...)
		    __attribute__((format(printf, 2, 3)));

/* ---- client ---- */

struct rpc_client_options {
	const char	*address;	/* "host:port" or "[v6]:port" */
	struct span	 server_cert;	/* PEM or DER; the only one accepted */
	struct span	 cert_pem;	/* our own, or empty: no certificate */
	struct span	 key_pem;
	size_t		 max_reply;	/* 0: RPC_MESSAGE_MAX */
};

/*
 * Connects lazily, and again by itself (within a second of a failure). RC_USAGE:
 * address; RC_FORMAT: a certificate or key, or a server certificate without a
 * name; RC_NOMEM.
 */
MUST_USE enum rc rpc_client_new(const struct rpc_client_options *options,
    struct rpc_client **ret_client, struct err *err);
/*
 * One call; blocks for at most timeout_ms. On RC_OK the reply was appended to
 * ret_reply; untouched otherwise. On failure err names the address and what
 * the peer said, escaped.
 *
 * RC_UNSURE  unreachable, not the pinned server, too slow, or closed: whether
 *            the peer acted is not known.
 * RC_LIMIT   a message over a limit, or the peer is busy.
 * RC_USAGE   the peer does not know the method.
 * RC_IO      the peer failed inside.
 * RC_FORMAT, RC_DENIED, RC_QUORUM, RC_MISSING: the peer's own answer.
 */
MUST_USE enum rc rpc_call(struct rpc_client *c, const char *method, struct span request,
    unsigned timeout_ms, struct buf *ret_reply, struct err *err);
/* As rpc_call; said gets the peer's bare words, "" when there are none. */
MUST_USE enum rc rpc_call_said(struct rpc_client *c, const char *method,
    struct span request, unsigned timeout_ms, struct buf *ret_reply,
    char said[RPC_SAID_BYTES], struct err *err);
/* Cancels every call that runs (RC_UNSURE) and refuses new ones; any thread. */
void	 rpc_client_close(struct rpc_client *c);
/* Closes and waits for the callers to leave. NULL is fine. */
void	 rpc_client_free(struct rpc_client *c);
DEFINE_AUTO(rpc_client_free, struct rpc_client);

#endif
