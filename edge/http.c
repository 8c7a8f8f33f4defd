/* edge/http.c - one bounded HTTP exchange as a client, over libcurl. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/auto.h"
#include "edge/edge.h"
#include "edge/http.h"

#define HEADERS_MAX	(32u << 10)	/* of an answer, every 1xx before it included */
#define DISCARD_MAX	(64u << 10)	/* of the body of an answer that is none */
#define CONNECT_MS	10000
#define SHOWN_MAX	100		/* of a URL in an error */

typedef struct curl_slist headers;

DEFINE_AUTO(curl_slist_free_all, headers);
DEFINE_AUTO(http_session_free, struct http_session);

struct http_session {
	CURL	*easy;
};

/* One exchange on its way, and why it was broken off. */
struct exchange {
	const struct http_request	*q;
	CURL				*easy;
	struct buf			*out;
	size_t				 headers, discarded;
	bool				 head;		/* whole: its empty line has come */
	bool				 stopped, bomb, over, other_type;
};

enum rc
http_init(struct err *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, RC_NOMEM, "http: libcurl does not start");
	return RC_OK;
}

enum rc
http_session_new(struct http_session **ret, struct err *err)
{
	AUTO(http_session_free) struct http_session *s = calloc(1, sizeof(*s));

	if (s == NULL || (s->easy = curl_easy_init()) == NULL)
		return err_set(err, RC_NOMEM, "http: no memory");
	*ret = TAKE(s);
	return RC_OK;
}

void
http_session_free(struct http_session *s)
{
	if (s == NULL)
		return;
	curl_easy_cleanup(s->easy);
	free(s);
}

/* --- while it runs --------------------------------------------------------------- */

static long
status_of(CURL *easy)
{
	long	status = 0;

	(void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* The type without its parameters; case does not matter. */
static bool
is_accepted(const struct exchange *x)
{
	const char	*have = NULL;
	size_t		 n;

	if (x->q->accept == NULL)
		return true;
	(void)curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &have);
	if (have == NULL)
		return false;
	n = strcspn(have, "; \t");
	return n == strlen(x->q->accept) && strncasecmp(have, x->q->accept, n) == 0;
}

/* Less than it was given: libcurl breaks off. */
static size_t
on_header(char *p, size_t size, size_t n, void *user)
{
	struct exchange	*x = user;

	x->headers += size * n;
	x->head = size * n > 0 && (p[0] == '\r' || p[0] == '\n');
	x->bomb = x->headers > HEADERS_MAX;
	return x->bomb ? 0 : size * n;
}

static size_t
on_body(char *p, size_t size, size_t n, void *user)
{
	struct exchange	*x = user;
	size_t		 got = size * n;

	if (status_of(x->easy) != 200) {
		x->discarded += got;
		return x->discarded > DISCARD_MAX ? 0 : got;
	}
	x->other_type = !is_accepted(x);
	x->over = got > x->out->max - x->out->n;
	if (x->other_type || x->over)
		return 0;
	buf_add(x->out, p, got);
	return x->out->rc == RC_OK ? got : 0;
}

static int
on_progress(void *user, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	struct exchange	*x = user;

	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	x->stopped = x->q->stop != NULL && x->q->stop(x->q->user);
	return x->stopped;
}

/* --- before ---------------------------------------------------------------------- */

static bool
header_add(headers **list, const char *name, const char *value)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(512);
	headers	*more;

	buf_printf(&b, "%s: %s", name, value);
	if (b.rc != RC_OK || (more = curl_slist_append(*list, buf_text(&b))) == NULL)
		return false;
	*list = more;
	return true;
}

/* What every exchange is bound to, whatever the environment says. */
static bool
set_limits(CURL *e, const struct http_request *q)
{
	return curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_MAXCONNECTS, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	    /* A resolver that hangs does not hold up who stops. */
	    curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)(q->ms < CONNECT_MS ? q->ms : CONNECT_MS)) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)q->ms) == CURLE_OK;
}

static bool
set_callbacks(CURL *e, struct exchange *x)
{
	return curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_HEADERDATA, x) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_WRITEDATA, x) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_XFERINFODATA, x) == CURLE_OK &&
	    curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
}

static bool
set_request(CURL *e, const struct http_request *q, headers **list)
{
	if (!header_add(list, "User-Agent", "quorate") ||
	    (q->accept != NULL && !header_add(list, "Accept", q->accept)) ||
	    curl_easy_setopt(e, CURLOPT_URL, q->url) != CURLE_OK)
		return false;
	if (q->type != NULL && (!header_add(list, "Content-Type", q->type) ||
	    curl_easy_setopt(e, CURLOPT_POST, 1L) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n) != CURLE_OK ||
	    curl_easy_setopt(e, CURLOPT_POSTFIELDS, q->body.n == 0 ? "" : (const char *)q->body.p) != CURLE_OK))
		return false;
	return curl_easy_setopt(e, CURLOPT_HTTPHEADER, *list) == CURLE_OK;
}

/* --- after ----------------------------------------------------------------------- */

/* A URL, ours or another's, fit for an error. */
static const char *
shown(const char *url, char out[SHOWN_MAX + 1])
{
	size_t	n = strnlen(url, SHOWN_MAX);

	memcpy(out, url, n);
	out[n] = '\0';
	return text_clean_str(out);
}

static enum rc
no_answer(struct exchange *x, const char *url, long status, struct err *err)
{
	const char	*to = NULL;
	char		 where[SHOWN_MAX + 1];

	(void)curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_URL, &to);
	if (status >= 300 && status < 400)
		return err_set(err, RC_DENIED, "%s: redirects to %s, which is not followed: "
		    "name the right URL", url, shown(to == NULL ? "nowhere" : to, where));
	if (status == 404 || status == 410)
		return err_set(err, RC_MISSING, "%s: not there (%ld)", url, status);
	return err_set(err, RC_DENIED, "%s: answered with status %ld", url, status);
}

static enum rc
broken(struct exchange *x, CURLcode code, const char *url, struct err *err)
{
	long	sent = 0;

	(void)curl_easy_getinfo(x->easy, CURLINFO_REQUEST_SIZE, &sent);
	if (code == CURLE_OUT_OF_MEMORY)
		return err_set(err, RC_NOMEM, "http: no memory");
	/* Later the first of these means that what answers speaks another protocol. */
	if (sent == 0 && (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT ||
	    code == CURLE_LOGIN_DENIED))
		return err_set(err, RC_USAGE, "%s: not an http or https URL without a user's name", url);
	return err_set(err, RC_IO, "%s: %s", url, curl_easy_strerror(code));
}

static enum rc
outcome(struct exchange *x, CURLcode code, struct err *err)
{
	char		url[SHOWN_MAX + 1];
	long		status = status_of(x->easy);

	(void)shown(x->q->url, url);
	if (x->stopped)
		return err_set(err, RC_UNSURE, "%s: broken off, for we are stopping", url);
	if (x->bomb)
		return err_set(err, RC_LIMIT, "%s: answered with more than %u KiB of headers", url,
		    HEADERS_MAX >> 10);
	if (!x->head)	/* libcurl takes a head that was cut for a whole one */
		return broken(x, code == CURLE_OK ? CURLE_RECV_ERROR : code, url, err);
	if (status != 200)
		return no_answer(x, url, status, err);
	if (x->other_type || (code == CURLE_OK && !is_accepted(x)))
		return err_set(err, RC_FORMAT, "%s: answered with something else than %s", url, x->q->accept);
	if (x->over)
		return err_set(err, RC_LIMIT, "%s: answered with more than %zu bytes", url, x->out->max);
	TRY(buf_check(x->out, "answer", err));
	return code == CURLE_OK ? RC_OK : broken(x, code, url, err);
}

enum rc
http_session_exchange(struct http_session *s, const struct http_request *q, struct buf *ret,
    struct err *err)
{
	AUTO(curl_slist_free_all) headers *list = NULL;
	struct exchange	x = { .q = q, .easy = s->easy, .out = ret };
	size_t		was = ret->n;
	enum rc		rc;

	TRY(buf_check(ret, "answer", err));
	curl_easy_reset(s->easy);	/* the connection stays */
	if (!set_limits(s->easy, q) || !set_callbacks(s->easy, &x) || !set_request(s->easy, q, &list))
		return err_set(err, RC_NOMEM, "http: no memory, or a libcurl that is too old");
	rc = outcome(&x, curl_easy_perform(s->easy), err);
	if (rc != RC_OK)
		ret->n = was;
	return rc;
}

enum rc
http_exchange(const struct http_request *q, struct buf *ret, struct err *err)
{
	AUTO(http_session_free) struct http_session *s = NULL;

	TRY(http_session_new(&s, err));
	return http_session_exchange(s, q, ret, err);
}
