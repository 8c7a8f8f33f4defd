/* coordinator/tiles_http.c - the tile server's HTTP. See tiles_http.h. */
#include <sys/socket.h>

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/tiles_http.h"
#include "edge/edge.h"

#define FAULTS_MAX	10u		/* lines of log in FAULTS_MS */
#define FAULTS_MS	60000u

struct guest {				/* one connection */
	struct guest	*next, **at;
	uint64_t	 since;
	int		 fd;
};

struct tiles_http {
	struct MHD_Daemon	*daemon;
	struct tiles		*tiles[TILES_THREADS];
	bool			 taken[TILES_THREADS];
	pthread_mutex_t		 lock;		/* taken, guests, quota */
	pthread_cond_t		 free;
	struct guest		*guests;
	unsigned		 n_guests;
	struct log_quota	 quota;
};

/* ---- handles of the log: as many as threads, so that nobody waits long ------------------ */

static unsigned
take(struct tiles_http *h)
{
	unsigned	i;

	(void)pthread_mutex_lock(&h->lock);
	for (;;) {
		for (i = 0; i < TILES_THREADS && h->taken[i]; i++)
			;
		if (i < TILES_THREADS)
			break;
		(void)pthread_cond_wait(&h->free, &h->lock);
	}
	h->taken[i] = true;
	(void)pthread_mutex_unlock(&h->lock);
	return i;
}

static void
give(struct tiles_http *h, unsigned i)
{
	(void)pthread_mutex_lock(&h->lock);
	h->taken[i] = false;
	(void)pthread_cond_signal(&h->free);
	(void)pthread_mutex_unlock(&h->lock);
}

/* Anybody can cause one, so they are counted. */
static void
fault(struct tiles_http *h, const struct err *err)
{
	bool	may;

	(void)pthread_mutex_lock(&h->lock);
	may = log_may(&h->quota, FAULTS_MAX, FAULTS_MS, clock_ms());
	(void)pthread_mutex_unlock(&h->lock);
	if (may)
		log_line("%s (%s)", err->msg, rc_name(err->rc));
}

/* ---- answers ------------------------------------------------------------------------------ */

struct bundle_reader {
	struct tiles_http	*h;
	struct tiles_cursor	 cursor;
};

static ssize_t
read_bundle(void *user, uint64_t pos, char *out, size_t max)
{
	struct bundle_reader	*b = user;
	unsigned		 i = take(b->h);
	struct err		 err;
	size_t			 n = 0;
	enum rc			 rc;

	(void)pos;			/* always where the last one ended */
	rc = tiles_bundle(b->h->tiles[i], &b->cursor, (uint8_t *)out, max, &n, &err);
	give(b->h, i);
	if (rc != RC_OK)
		fault(b->h, &err);
	return rc == RC_OK && n > 0 ? (ssize_t)n : (ssize_t)MHD_CONTENT_READER_END_WITH_ERROR;
}

static void
end_bundle(void *user)
{
	struct bundle_reader	*b = user;

	tiles_cursor_done(&b->cursor);
	free(b);
}

static struct MHD_Response *
bundle_response(struct tiles_http *h, const struct tiles_answer *a)
{
	struct bundle_reader	*b = calloc(1, sizeof(*b));
	struct MHD_Response	*r;

	if (b == NULL)
		return NULL;
	b->h = h;
	b->cursor = tiles_cursor(&a->bundle);
	r = MHD_create_response_from_callback(a->length, TILES_PIECE, read_bundle, b, end_bundle);
	if (r == NULL)
		end_bundle(b);
	return r;
}

static void
add_headers(struct MHD_Response *r, const struct tiles_answer *a)
{
	const struct { const char *name, *value; } all[] = {
		{ MHD_HTTP_HEADER_CONTENT_TYPE, a->type },
		{ MHD_HTTP_HEADER_CACHE_CONTROL, a->cache },
		{ MHD_HTTP_HEADER_ETAG, a->etag[0] != '\0' ? a->etag : NULL },
		{ MHD_HTTP_HEADER_ALLOW, a->status == MHD_HTTP_METHOD_NOT_ALLOWED ? "GET, HEAD" : NULL },
		{ MHD_HTTP_HEADER_RETRY_AFTER, a->status == MHD_HTTP_SERVICE_UNAVAILABLE ? "5" : NULL },
		/* Pages of others may follow the log: there is nothing here but what all may see. */
		{ "Access-Control-Allow-Origin", "*" },
		{ "X-Content-Type-Options", "nosniff" },
	};
	size_t	i;

	/* One that finds no memory leaves an answer that is right all the same. */
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].value != NULL)
			(void)MHD_add_response_header(r, all[i].name, all[i].value);
}

static enum MHD_Result
respond(struct tiles_http *h, struct MHD_Connection *c, const struct tiles_answer *a)
{
	struct MHD_Response	*r;
	enum MHD_Result		 ok;

	r = a->is_bundle && a->status == MHD_HTTP_OK ? bundle_response(h, a) :
	    MHD_create_response_from_buffer(a->body.n, a->body.p, MHD_RESPMEM_MUST_COPY);
	if (r == NULL)
		return MHD_NO;
	add_headers(r, a);
	ok = MHD_queue_response(c, a->status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result
answer(struct tiles_http *h, struct MHD_Connection *c, const char *path, const char *method)
{
	struct tiles_answer	 a = TILES_ANSWER_INIT;
	struct err		 err;
	enum MHD_Result		 ok;
	unsigned		 i = take(h);
	enum rc			 rc;

	rc = tiles_ask(h->tiles[i], method, path,
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH), &a, &err);
	give(h, i);
	if (rc != RC_OK)
		fault(h, &err);
	ok = respond(h, c, &a);
	tiles_answer_done(&a);
	return ok;
}

/* Called when the headers are there, and again when the request is. */
static enum MHD_Result
on_request(void *user, struct MHD_Connection *c, const char *path, const char *method, const char *version,
    const char *upload, size_t *n_upload, void **state)
{
	const bool	first = *state == NULL;

	(void)version;
	(void)upload;
	*state = user;
	if (*n_upload > 0)
		return MHD_NO;		/* nothing is taken from anybody */
	/* The library closes the connection of whoever is answered at once: right for what is no question. */
	if (first && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0))
		return MHD_YES;
	return answer(user, c, path, method);
}

/* ---- who is here --------------------------------------------------------------------------- */

static void
leave(struct tiles_http *h, struct guest *g)
{
	*g->at = g->next;
	if (g->next != NULL)
		g->next->at = g->at;
	h->n_guests--;
	free(g);
}

static void
enter(struct tiles_http *h, struct guest *g)
{
	g->next = h->guests;
	g->at = &h->guests;
	if (g->next != NULL)
		g->next->at = &g->next;
	h->guests = g;
	h->n_guests++;
}

/* The library closes the socket after it said so: under the lock it is open, and it. */
static void
on_connection(void *user, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo	*fd = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct tiles_http		*h = user;
	struct guest			*g;

	(void)pthread_mutex_lock(&h->lock);
	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context != NULL)
			leave(h, *context);
		*context = NULL;
	} else if (fd != NULL && (g = calloc(1, sizeof(*g))) != NULL) {
		g->fd = fd->connect_fd;
		g->since = clock_ms();
		enter(h, g);
		*context = g;
	}
	(void)pthread_mutex_unlock(&h->lock);
}

void
tiles_http_sweep(struct tiles_http *h, uint64_t now_ms)
{
	struct guest	*g;
	uint64_t	 most;

	(void)pthread_mutex_lock(&h->lock);
	most = 1000u * (h->n_guests > TILES_CONNECTIONS / 4 * 3 ? TILES_BUSY_SECONDS : TILES_LIFE_SECONDS);
	for (g = h->guests; g != NULL; g = g->next)
		if (g->since + most < now_ms)	/* who came since now_ms was read is younger than it */
			(void)shutdown(g->fd, SHUT_RDWR);
	(void)pthread_mutex_unlock(&h->lock);
}

/* ---- the library ------------------------------------------------------------------------------ */

/* One spelling a name: %63heckpoint is not checkpoint. */
static size_t
leave_as_it_is(void *user, struct MHD_Connection *c, char *text)
{
	(void)user;
	(void)c;
	return strlen(text);
}

static void
quiet(void *user, const char *fmt, va_list ap)
{
	(void)user;
	(void)fmt;			/* what strangers send wrong is theirs to know */
	(void)ap;
}

static struct MHD_Daemon *
start(struct tiles_http *h, const struct tiles_http_options *o)
{
	const bool	tls = o->cert_pem.n > 0;
	struct MHD_OptionItem	with_tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->cert_pem.p },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, tls ? (void *)(uintptr_t)secret_view(o->key_pem) : NULL },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" },
		{ MHD_OPTION_END, 0, NULL }
	};
	struct MHD_OptionItem	without[] = { { MHD_OPTION_END, 0, NULL } };

	return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ERROR_LOG |
	    (tls ? MHD_USE_TLS : 0), 0, NULL, NULL, on_request, h,
	    MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL,
	    MHD_OPTION_LISTEN_SOCKET, o->listener,
	    MHD_OPTION_THREAD_POOL_SIZE, TILES_THREADS,
	    MHD_OPTION_CONNECTION_LIMIT, TILES_CONNECTIONS,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, TILES_CONNECTIONS_EACH,
	    MHD_OPTION_CONNECTION_TIMEOUT, TILES_IDLE_SECONDS,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)TILES_MEMORY_EACH,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
	    MHD_OPTION_UNESCAPE_CALLBACK, leave_as_it_is, NULL,
	    MHD_OPTION_ARRAY, tls ? with_tls : without,
	    MHD_OPTION_END);
}

enum rc
tiles_http_new(const struct tiles_http_options *o, struct tiles_http **ret, struct err *err)
{
	struct tiles_http	*h = calloc(1, sizeof(*h));

	if (h == NULL || pthread_mutex_init(&h->lock, NULL) != 0 || pthread_cond_init(&h->free, NULL) != 0) {
		free(h);
		return err_set(err, RC_NOMEM, "tiles: no memory");
	}
	memcpy(h->tiles, o->tiles, sizeof(h->tiles));
	h->daemon = start(h, o);
	if (h->daemon == NULL) {
		tiles_http_free(h);
		return err_set(err, RC_IO, o->cert_pem.n == 0 ? "the HTTP server does not start" :
		    "the HTTPS server does not start: do tiles_cert and tiles_key belong together, in PEM?");
	}
	*ret = h;
	return RC_OK;
}

void
tiles_http_free(struct tiles_http *h)
{
	if (h == NULL)
		return;
	if (h->daemon != NULL)
		MHD_stop_daemon(h->daemon);
	(void)pthread_cond_destroy(&h->free);
	(void)pthread_mutex_destroy(&h->lock);
	free(h);
}

/* ---- the socket ----------------------------------------------------------------------------------- */

static enum rc
split(const char *address, char *host, size_t n, const char **ret_port, struct err *err)
{
	const char	*colon = strrchr(address, ':');
	size_t		 len = colon == NULL ? 0 : (size_t)(colon - address);
	const bool	 brackets = len > 2 && address[0] == '[' && address[len - 1] == ']';

	if (len == 0 || len >= n || colon[1] == '\0')
		return err_set(err, RC_USAGE, "tiles: give HOST:PORT");
	(void)snprintf(host, n, "%.*s", (int)(brackets ? len - 2 : len), address + brackets);
	*ret_port = colon + 1;
	return RC_OK;
}

static int
try_listen(const struct addrinfo *a)
{
	const int	on = 1;
	int		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol), e;

	if (fd < 0)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	    bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	e = errno;
	(void)close(fd);
	errno = e;
	return -1;
}

enum rc
tiles_listen(const char *address, int *ret, struct err *err)
{
	const struct addrinfo	 hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE };
	struct addrinfo		*all, *a;
	const char		*port = NULL;
	char			 host[256];
	int			 e, fd = -1;

	TRY(split(address, host, sizeof(host), &port, err));
	if ((e = getaddrinfo(host, port, &hints, &all)) != 0)
		return err_set(err, RC_USAGE, "tiles: %.100s: %s", address, gai_strerror(e));
	for (a = all; a != NULL && fd < 0; a = a->ai_next)
		fd = try_listen(a);
	e = errno;
	freeaddrinfo(all);
	if (fd < 0)
		return err_set(err, RC_IO, "tiles: cannot listen at %.100s: %s", address, strerror(e));
	*ret = fd;
	return RC_OK;
}
