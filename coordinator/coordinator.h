/*
 * coordinator/coordinator.h - coordinatord: what its parts share.
 *
 * One process (docs/adr/0007-coordinator-threads.md): a sequencer thread that
 * alone writes the log, a replicator thread for each custodian, RPC workers
 * that read, and a thread and a worker process for each release that runs. It
 * is trusted with nothing but order and availability: every claim it makes is
 * checked by those it makes it to.
 */
#ifndef COORDINATOR_COORDINATOR_H
#define COORDINATOR_COORDINATOR_H

#include <openssl/evp.h>
#include <stdatomic.h>

#include "coordinator/config.h"
#include "hsm/hsm.h"
#include "policy/charter.h"
#include "policy/statement.h"
#include "proto/rpc.h"

/* What a caller may be; `who` of the RPC layer says which bits it has. */
enum {
	ROLE_HOST = 1u << 0,		/* a host that the charter lists */
	ROLE_CUSTODIAN = 1u << 1,
};

#define WAIT_MS_MAX	10000u	/* longest that a call waits for custodians */
#define WAIT_MS_SPARE	500u	/* left to the caller's deadline for the answer */
#define DATA_BYTES_MAX	(768u << 10)	/* of one piece of a blob or package */

struct anchors;
struct cosigning;
struct in_force;
struct lineage;
struct readers;
struct releases;
struct replicators;
struct sequencer;
struct uploads;

struct coordinator {
	char			 dir[FILE_PATH_MAX];
	struct config		 config;
	uint8_t			 genesis[SHA256_BYTES];
	const struct charter	*first;		/* the genesis: for what never changes */
	struct in_force *_Atomic in_force;	/* in_force.h */
	struct buf		 charter_dsse;
	struct buf		 tls_cert;	/* PEM */
	struct secret		*tls_key;	/* PEM */

	struct hsm		*hsm;
	struct hsm_key		*log_sealer;	/* where the token lacks Ed25519 */
	struct hsm_signer	*log_signer;
	struct signer		 log;		/* over log_signer */
	struct hsm_key		*package_key;
	EVP_PKEY		*package_pkey;

	struct cosigning	*cosigning;
	struct sequencer	*sequencer;
	struct readers		*readers;
	struct replicators	*replicators;
	struct uploads		*uploads;
	struct releases		*releases;
	struct lineage		*lineage;
	struct anchors		*anchors;
};

/* The charter in force; good until coordinator_done() (in_force.h). */
const struct charter *coordinator_charter(const struct coordinator *c);

/* Config, charter, token and TLS identity; refuses what does not fit together. */
MUST_USE enum rc coordinator_load(const char *dir, struct coordinator *c, struct err *err);
/* The log, the uploads and the threads. */
MUST_USE enum rc coordinator_start(struct coordinator *c, struct err *err);
/* Wakes whoever waits; their calls answer "not yet". */
void	 coordinator_wake(struct coordinator *c);
/* Ends the threads. The RPC server was stopped before. */
void	 coordinator_stop(struct coordinator *c);
void	 coordinator_done(struct coordinator *c);

/* How long this call may wait for custodians. */
unsigned wait_ms(const struct rpc_call *call);

/* The commands. They return an exit code and have logged what went wrong. */
struct init_options {
	const char	*dir, *organisation, *origin, *address;
	const char	*tiles;			/* HOST:PORT, or NULL */
	const char	*module, *module_args, *token, *uri, *pin_file;
};
int	 command_init(const struct init_options *o);
int	 command_enroll(const char *dir, const char *charter);
int	 command_run(const char *dir);
struct rebuild_options {
	const char	*dir, *from, *blobs;	/* blobs NULL: FROM.blobs */
	const char	*charter, *succession;	/* or NULL */
};
int	 command_rebuild(const struct rebuild_options *o);
int	 command_envelopes(const char *dir);

/* The methods that the coordinator serves (service.c). */
extern const struct rpc_method	service_methods[];
extern const size_t		service_methods_n;

#endif
