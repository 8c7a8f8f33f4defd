/*
 * tests/unit/proto/peers.h - certificates made on the spot, and a server to call.
 */
#ifndef TESTS_UNIT_PROTO_PEERS_H
#define TESTS_UNIT_PROTO_PEERS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <pthread.h>
#include <stdatomic.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "proto/rpc.h"

enum {
	ID_SAN = 1,		/* the name as DNS alternative name, and not as CN */
	ID_CA = 2,
	ID_SIGN_ONLY = 4,	/* keyUsage digitalSignature and nothing else */
	ID_EXPIRED = 8,
};

struct identity {
	X509		*x;
	EVP_PKEY	*key;
	char		*cert_pem, *key_pem;	/* free() */
	uint8_t		 pin[RPC_PIN_BYTES];
};

/* P-256; issued by `by`, or self-signed when that is NULL. name may be "". */
void	 identity_make(struct identity *id, const char *name, int flags,
	    const struct identity *by);
void	 identity_done(struct identity *id);

#define ROLE_ALICE	1u
#define ROLE_BOB	2u
#define ROLE_ANYONE	4u

/* What an operator was told. */
struct peers_note {
	enum rc	rc;
	char	words[ERR_MSG_BYTES], method[128];
};

/* Servers' methods are /t/Echo, Alice, Nobody, Small, Fail, Who, Slow, Grow. */
struct peers {
	struct identity		 server, alice, bob;
	struct rpc_server_options options;
	struct rpc_server	*s;
	uint16_t		 port;
	char			 address[32];
	atomic_uint		 handled;	/* calls that reached a handler */
	atomic_uint		 slow;		/* of /t/Slow, inside right now */
	atomic_bool		 gate;		/* lets /t/Slow go */
	atomic_uint		 noted;
	pthread_mutex_t		 lock;
	struct peers_note	 note;		/* the last; under the lock: peers_noted() */
};

/* Identities and options; the test may change the options before peers_start(). */
void	 peers_init(struct peers *p);
void	 peers_start(struct peers *p);
void	 peers_stop(struct peers *p);		/* the server only */
void	 peers_done(struct peers *p);
/* A client of p's server, as id or (NULL) as nobody. */
struct rpc_client *peers_client(const struct peers *p, const struct identity *id);
struct peers_note peers_noted(struct peers *p);
void	 wait_until(atomic_uint *n, unsigned at_least);	/* 10 s, else fails */
void	 sleep_ms(unsigned ms);

#endif
