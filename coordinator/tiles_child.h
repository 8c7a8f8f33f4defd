/*
 * coordinator/tiles_child.h - the tile server is a process of its own (docs/adr/0016-tile-server.md).
 *
 * `coordinatord tiles DIR GENESIS` has log.db open to read, its own TLS key if it has
 * one, its listening socket, standard error, and at standard input a pipe on which nothing
 * comes: its end is the child's end. It never had the token, the log key or the key of the
 * RPC side, and where the kernel has Landlock it cannot open a file any more when
 * it answers the first stranger, nor connect anywhere.
 *
 * The parent's end starts it again when it dies: after one second, then two, and so on to
 * a minute. That the tiles are down stops nothing else.
 */
#ifndef COORDINATOR_TILES_CHILD_H
#define COORDINATOR_TILES_CHILD_H

#include "base/auto.h"
#include "base/bytes.h"

#define TILES_COMMAND	"tiles"

int	 tiles_main(int argc, char **argv);

struct tiles_child;
/* After the log is there and signals are blocked. RC_IO: no thread. */
MUST_USE enum rc tiles_child_new(const char *dir, const uint8_t genesis[SHA256_BYTES], struct tiles_child **ret,
    struct err *err);
/* Ends and reaps the child. NULL is fine. */
void	 tiles_child_free(struct tiles_child *c);
DEFINE_AUTO(tiles_child_free, struct tiles_child);

#endif
