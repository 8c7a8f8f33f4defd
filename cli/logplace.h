/*
 * cli/logplace.h - named bytes below a folder or a URL.
 *
 * Names are ours: tile names, "checkpoint", hexadecimal digests. A URL is asked
 * without following redirects. Nothing is checked here but length. One thread.
 */
#ifndef CLI_LOGPLACE_H
#define CLI_LOGPLACE_H

#include "audit/tile.h"
#include "edge/file.h"

struct log_place;

bool	 log_place_is_url(const char *where);
/* RC_USAGE: too long. RC_NOMEM. */
MUST_USE enum rc log_place_new(const char *where, struct log_place **ret, struct err *err);
void	 log_place_free(struct log_place *p);
/* Up to ret->max bytes. RC_MISSING: not there; RC_LIMIT: longer; RC_IO, RC_DENIED: see edge/http.h. */
MUST_USE enum rc log_place_get(struct log_place *p, const char *name, struct buf *ret, struct err *err);
MUST_USE enum rc log_place_tile(struct log_place *p, const struct tile *t, struct buf *ret, struct err *err);

#endif
