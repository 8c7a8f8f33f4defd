/*
 * custodian/methods.h - what the listener may ask of the keeper: one table.
 *
 * Read aloud: who may call what, how large. What is absent is refused, by the
 * listener before it asks and by the keeper when it is asked.
 */
#ifndef CUSTODIAN_METHODS_H
#define CUSTODIAN_METHODS_H

#include "custodian/custody.h"

enum caller {
	CALLER_COORDINATOR = 1 << 0,
	CALLER_PEER = 1 << 1,
	CALLER_HOST = 1 << 2,
	CALLER_ANYBODY = 1 << 3,	/* with a certificate or without */
	CALLER_SELF = 1 << 4,		/* our listener's own threads; never over the network */
};

struct keeper_method {
	const char	*name;
	uint32_t	 callers;
	size_t		 max_request;
	enum rc		(*run)(struct custody *c, struct span request, struct buf *reply, struct err *err);
};

extern const struct keeper_method	keeper_methods[];
extern const size_t			n_keeper_methods;

/*
 * The two children of custodiand; each returns its exit code. control: from the
 * parent, which sends the keeper's end of each listener's socketpair (frame_fd_send());
 * fd: the listener's end of its own.
 */
#define LISTENER_RENEW	3	/* its exit code when it only wants to start anew, with another charter */
int	 keeper_main(const char *dir, int control);
int	 listener_main(const char *dir, int fd);

/*
 * The listener's threads that talk to peers, one each (custodian/peers.c). ask: a
 * question to the keeper in our own name, from any thread.
 */
struct peers;
typedef enum rc (*keeper_ask)(void *user, const char *method, struct span request, struct buf *reply,
	    struct err *err);
#define SELF_OUTGOING		"/self/Outgoing"
#define SELF_HEARD		"/self/Heard"
#define SELF_CHARTER		"/self/Charter"
#define EXCHANGE_BYTES_MAX	(512 << 10)	/* of a question, and of an answer */
/* cert_pem and key_pem: of this custodian, for TLS; copied. own: our index; 0, not known yet: by our certificate. */
MUST_USE enum rc peers_start(struct span cert_pem, struct span key_pem, const struct charter *charter, uint8_t own, keeper_ask ask, void *user,
    struct peers **ret, struct err *err);
void	 peers_wake(struct peers *p);	/* a statement was handed in: tell them now; NULL is fine */
void	 peers_stop(struct peers *p);	/* and free; NULL is fine */

#endif
