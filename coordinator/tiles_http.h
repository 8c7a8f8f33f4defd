/*
 * coordinator/tiles_http.h - tiles.h over HTTP: sockets, bounds, headers (libmicrohttpd).
 *
 * Whoever asks may be anybody: connections are counted, in all and by address, one that
 * says nothing is closed after IDLE seconds, any after LIFE, and while most are taken
 * after BUSY, so that slow readers make room. What one costs in memory does not depend on
 * what it asks for. Threads: two that answer, each with a handle of log.db of its own.
 */
#ifndef COORDINATOR_TILES_HTTP_H
#define COORDINATOR_TILES_HTTP_H

#include "base/secret.h"
#include "coordinator/tiles.h"

#define TILES_THREADS		2u
#define TILES_CONNECTIONS	256u
#define TILES_CONNECTIONS_EACH	32u	/* of one address */
#define TILES_IDLE_SECONDS	10u
#define TILES_LIFE_SECONDS	120u
#define TILES_BUSY_SECONDS	10u
#define TILES_MEMORY_EACH	(16u << 10)	/* headers of a request and of its answer */
#define TILES_PIECE		(32u << 10)	/* of a bundle under way */

struct tiles_http;
struct tiles_http_options {
	struct tiles	*tiles[TILES_THREADS];	/* borrowed */
	int		 listener;		/* listens, does not block; taken over */
	struct span	 cert_pem;		/* empty: plain HTTP */
	const struct secret *key_pem;
};
/* RC_IO: the library does not start; RC_USAGE: certificate and key do not fit. */
MUST_USE enum rc tiles_http_new(const struct tiles_http_options *o, struct tiles_http **ret, struct err *err);
void	 tiles_http_free(struct tiles_http *h);
/* Once a second: closes connections that live too long. */
void	 tiles_http_sweep(struct tiles_http *h, uint64_t now_ms);

/* HOST:PORT or [HOST]:PORT to a listening socket. RC_USAGE, RC_IO in words. */
MUST_USE enum rc tiles_listen(const char *address, int *ret, struct err *err);

#endif
