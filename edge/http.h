/*
 * edge/http.h - one bounded HTTP exchange as a client (libcurl).
 *
 * No redirect is followed: a server that answers with one has not answered. Only http
 * and https, no proxy from the environment, no credentials, no cookies; https checks the
 * certificate against the system's roots. Threads: calls from any.
 */
#ifndef EDGE_HTTP_H
#define EDGE_HTTP_H

#include "base/bytes.h"

/* Once, before any thread starts. RC_NOMEM. */
MUST_USE enum rc http_init(struct err *err);

struct http_request {
	const char	*url;
	const char	*type;		/* of the body; NULL: a GET */
	struct span	 body;		/* POST */
	const char	*accept;	/* the media type that the answer must have; NULL: any */
	unsigned	 ms;		/* for all of it */
	/* Asked now and then; true ends it with RC_UNSURE. May be NULL. */
	bool		(*stop)(void *user);
	void		*user;
};
/*
 * 200, and the body appended to ret, whose max bounds it. RC_MISSING: 404 or 410.
 * RC_DENIED: a redirect (the words name where to) or another status. RC_LIMIT: longer
 * than ret may be, or 32 KiB of headers. RC_FORMAT: another media type. RC_IO: no
 * connection, cut, too slow, a certificate that is not good. RC_USAGE: no URL for us.
 * ret is as it was unless RC_OK.
 */
MUST_USE enum rc http_exchange(const struct http_request *q, struct buf *ret, struct err *err);

/* A session for many GETs from one server, which keeps its connection. One thread. */
struct http_session;
MUST_USE enum rc http_session_new(struct http_session **ret, struct err *err);
void	 http_session_free(struct http_session *s);
MUST_USE enum rc http_session_exchange(struct http_session *s, const struct http_request *q, struct buf *ret, struct err *err);

#endif
