/*
 * coordinator/release.h - from an approved request to an evidence package.
 *
 * A release is a thread here and a worker process (worker.h):
 *
 *	worker makes its key -> order logged, q cosigned -> contributions asked for
 *	-> receipts logged -> worker checks, combines, seals to the recipient
 *	-> payload written -> (journal "making") -> release logged, q cosigned
 *	-> package finished under its final name -> (journal "package")
 *
 * Whatever ends it before "making" is undone by nothing: asked again, a new order
 * with a new worker starts over. From "making" on the keys are sealed to the
 * recipient and kept, and the same package is finished from there.
 *
 * Threads: calls from any.
 */
#ifndef COORDINATOR_RELEASE_H
#define COORDINATOR_RELEASE_H

#include "coordinator/coordinator.h"

#define RELEASES_MAX	4	/* at a time; one for a request */

MUST_USE enum rc releases_new(struct coordinator *c, struct releases **ret, struct err *err);
/* Ends workers and waits; releases_free() joins. */
void	 releases_stop(struct releases *r);
void	 releases_free(struct releases *r);

enum rc	 on_release(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err);
enum rc	 on_download(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err);

#endif
