/* One HTTP exchange: with servers that answer well, badly, too much, slowly, or not at all. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/auto.h"
#include "edge/edge.h"
#include "edge/http.h"

#define TYPE	"application/timestamp-reply"
#define HEAD(length)	"HTTP/1.1 200 OK\r\nContent-Type: " TYPE "\r\nContent-Length: " length "\r\n\r\n"

/* ---- a server that says what it is told to, to whoever comes ----------------------- */

struct server {
	pthread_t	thread;
	int		listener;
	int		quit[2];
	char		url[64];
	const char	*answer;	/* written as it stands */
	size_t		 n;
	unsigned	 again;		/* times */
	bool		 hung_up;	/* they did not hear it to its end */
	bool		 hold;		/* keep the connection until the end */
	unsigned	 connections, requests;
	char		 heard[8192];	/* the last request, head and body */
};

/* false: it is time to go. */
static bool
wait_for(struct server *s, int fd)
{
	struct pollfd	p[2] = { { fd, POLLIN, 0 }, { s->quit[0], POLLIN, 0 } };

	return poll(p, 2, 10000) > 0 && p[1].revents == 0;
}

static size_t
body_of(const char *head)
{
	const char	*length = strstr(head, "Content-Length: ");

	return length == NULL ? 0 : strtoul(length + 16, NULL, 10);
}

/* One whole request. */
static bool
hear(struct server *s, int fd)
{
	size_t		n = 0;
	ssize_t		got;
	const char	*end = NULL;

	while (end == NULL || n < (size_t)(end - s->heard) + 4 + body_of(s->heard)) {
		if (!wait_for(s, fd) || (got = read(fd, s->heard + n, sizeof(s->heard) - 1 - n)) <= 0)
			return false;
		n += (size_t)got;
		s->heard[n] = '\0';
		end = strstr(s->heard, "\r\n\r\n");
	}
	s->requests++;
	return true;
}

static bool
answer(struct server *s, int fd)
{
	for (unsigned i = 0; i < s->again; i++)
		if (send(fd, s->answer, s->n, MSG_NOSIGNAL) != (ssize_t)s->n) {
			s->hung_up = true;
			return false;
		}
	return true;
}

static void *
serve(void *arg)
{
	struct server	*s = arg;
	int		 fd;

	while (wait_for(s, s->listener) && (fd = accept(s->listener, NULL, NULL)) >= 0) {
		s->connections++;
		while (hear(s, fd) && answer(s, fd) && s->hold)
			;
		(void)close(fd);
	}
	return NULL;
}

static void
start_bytes(struct server *s, const char *bytes, size_t n)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t		len = sizeof(a);

	memset(s, 0, sizeof(*s));
	s->answer = bytes;
	s->n = n;
	s->again = 1;
	assert_int_equal(pipe(s->quit), 0);
	s->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(s->listener, 8), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&a, &len), 0);
	(void)snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u/tsa", ntohs(a.sin_port));
}

static void
run(struct server *s)
{
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
stop(struct server *s)
{
	assert_int_equal(write(s->quit[1], "", 1), 1);
	assert_int_equal(pthread_join(s->thread, NULL), 0);
	(void)close(s->listener);
	(void)close(s->quit[0]);
	(void)close(s->quit[1]);
}

/* ---- exchanges ------------------------------------------------------------------- */

static enum rc
post(const char *url, size_t max, struct buf *ret, struct err *err)
{
	struct http_request	q = { .url = url, .type = "application/timestamp-query",
				    .body = SPAN_STR("a question"), .accept = TYPE, .ms = 5000 };

	*ret = BUF_INIT(max);
	buf_add(ret, "!", 1);		/* what stood there before stays */
	return http_exchange(&q, ret, err);
}

static enum rc
with(const char *says, size_t n, size_t max, struct buf *ret, struct err *err)
{
	struct server	s;
	enum rc		rc;

	start_bytes(&s, says, n);
	run(&s);
	rc = post(s.url, max, ret, err);
	stop(&s);
	return rc;
}

static void
a_question_and_its_answer(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(0);
	struct server	s;

	(void)state;
	start_bytes(&s, HEAD("6") "answer", sizeof(HEAD("6") "answer") - 1);
	run(&s);
	assert_int_equal(post(s.url, 100, &b, NULL), RC_OK);
	stop(&s);
	assert_string_equal(buf_text(&b), "!answer");
	assert_non_null(strstr(s.heard, "POST /tsa HTTP/1.1\r\n"));
	assert_non_null(strstr(s.heard, "Content-Type: application/timestamp-query\r\n"));
	assert_non_null(strstr(s.heard, "Accept: " TYPE "\r\n"));
	assert_non_null(strstr(s.heard, "\r\n\r\na question"));
	assert_null(strstr(s.heard, "Cookie"));
	assert_null(strstr(s.heard, "Authorization"));
}

/* The answer, what may come of it, and a word of why. */
static void
answers(void **state)
{
	static const struct {
		const char	*says;
		enum rc		 rc;
		const char	*word;
	} t[] = {
		{ HEAD("99") "x", RC_IO, "" },			/* cut off */
		{ HEAD("99"), RC_IO, "" },
		{ "HTTP/1.1 200 OK\r\nContent-", RC_IO, "" },
		{ "", RC_IO, "" },
		{ "\x16\x03\x01", RC_IO, "" },			/* not HTTP at all */
		{ "answer", RC_IO, "" },			/* HTTP/0.9 */
		{ "HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/x\r\nContent-Length: 0\r\n\r\n",
		    RC_DENIED, "redirects to http://127.0.0.1:1/x" },
		{ "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n", RC_DENIED, "redirects" },
		{ "HTTP/1.1 307 Temporary\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n", RC_DENIED, "redirects" },
		{ "HTTP/1.1 303 See\r\nContent-Length: 0\r\n\r\n", RC_DENIED, "redirects to nowhere" },
		{ "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nno\n", RC_MISSING, "not there" },
		{ "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", RC_MISSING, "not there" },
		{ "HTTP/1.1 500 Oh\r\nContent-Type: " TYPE "\r\nContent-Length: 6\r\n\r\nanswer", RC_DENIED, "status 500" },
		{ "HTTP/1.1 204 Nothing\r\n\r\n", RC_DENIED, "status 204" },
		{ "HTTP/1.1 206 Part\r\nContent-Type: " TYPE "\r\nContent-Length: 6\r\n\r\nanswer", RC_DENIED, "status 206" },
		{ "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\nanswer", RC_FORMAT, "something else" },
		{ "HTTP/1.1 200 OK\r\nContent-Type: " TYPE "x\r\nContent-Length: 6\r\n\r\nanswer", RC_FORMAT, "something else" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nanswer", RC_FORMAT, "something else" },
		{ "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n", RC_FORMAT, "something else" },
		{ "HTTP/1.1 200 OK\r\nContent-Type: APPLICATION/Timestamp-Reply; a=b\r\nContent-Length: 6\r\n\r\nanswer",
		    RC_OK, "" },
		{ "HTTP/1.1 200 OK\r\nContent-Type: " TYPE "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nans\r\n3\r\nwer\r\n0\r\n\r\n",
		    RC_OK, "" },
		{ "HTTP/1.1 200 OK\r\nContent-Type: " TYPE "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nans\r\n3\r\nwe",
		    RC_IO, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(0);
		struct err	err = { .rc = RC_OK };
		enum rc		rc = with(t[i].says, strlen(t[i].says), 100, &b, &err);

		if (rc != t[i].rc || (rc != RC_OK && strstr(err.msg, t[i].word) == NULL))
			fail_msg("row %zu: %s: %s", i, rc_name(rc), err.msg);
		assert_string_equal(buf_text(&b), rc == RC_OK ? "!answer" : "!");
	}
}

static void
what_a_server_chose_is_shown_harmless(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(0);
	static const char	says[] = "HTTP/1.1 302 F\r\nLocation: http://h/\x1b[2J\xe2\x80\xae\r\n"
				    "Content-Length: 0\r\n\r\n";
	struct err		err;

	(void)state;
	assert_int_equal(with(says, sizeof(says) - 1, 100, &b, &err), RC_DENIED);
	assert_null(strchr(err.msg, '\x1b'));
	assert_null(strstr(err.msg, "\xe2\x80\xae"));
}

static void
no_byte_too_many(void **state)
{
	AUTO_DONE(buf_done) struct buf	a = BUF_INIT(0), b = BUF_INIT(0), c = BUF_INIT(0);
	static const char	says[] = HEAD("6") "answer";
	static const char	chunked[] = "HTTP/1.1 200 OK\r\nContent-Type: " TYPE "\r\n"
				    "Transfer-Encoding: chunked\r\n\r\n6\r\nanswer\r\n0\r\n\r\n";

	(void)state;
	assert_int_equal(with(says, sizeof(says) - 1, 7, &a, NULL), RC_OK);
	assert_int_equal(with(says, sizeof(says) - 1, 6, &b, NULL), RC_LIMIT);
	assert_string_equal(buf_text(&b), "!");
	assert_int_equal(with(chunked, sizeof(chunked) - 1, 6, &c, NULL), RC_LIMIT);
	assert_string_equal(buf_text(&c), "!");
}

static enum rc
without_an_end(const char *first, const char *more, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(0), says = BUF_INIT(1 << 20);
	struct server	s;
	enum rc		rc;

	/* One answer begins; the rest of it never ends. */
	buf_add(&says, first, strlen(first));
	while (says.n < 900000)
		buf_add(&says, more, strlen(more));
	start_bytes(&s, (const char *)says.p, says.n);
	run(&s);
	rc = post(s.url, 4096, &b, err);
	stop(&s);
	return rc;
}

static void
floods(void **state)
{
	struct err	err;

	(void)state;
	assert_int_equal(without_an_end("HTTP/1.1 200 OK\r\n", "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", &err),
	    RC_LIMIT);
	assert_non_null(strstr(err.msg, "headers"));
	assert_int_equal(without_an_end("", "HTTP/1.1 100 Continue\r\n\r\n", &err), RC_LIMIT);
	assert_int_equal(without_an_end("HTTP/1.1 200 OK\r\nContent-Type: " TYPE "\r\n\r\n", "zzzzzzzz", &err), RC_LIMIT);
}

/* The body of what is no answer is read no further than a bit. */
static void
no_answer_without_an_end(void **state)
{
	static char	says[1 << 20] = "HTTP/1.1 500 Oh\r\n\r\n";
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(0);
	struct server	s;

	(void)state;
	start_bytes(&s, says, sizeof(says));
	s.again = 64;
	run(&s);
	assert_int_equal(post(s.url, 4096, &b, NULL), RC_DENIED);
	stop(&s);
	assert_true(s.hung_up);
}

static void
slow_and_silent(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(100);
	struct server		s;
	struct http_request	q = { .accept = TYPE, .ms = 300 };
	uint64_t		since = clock_ms();

	(void)state;
	start_bytes(&s, HEAD("9") "a", sizeof(HEAD("9") "a") - 1);
	s.hold = true;
	run(&s);
	q.url = s.url;
	assert_int_equal(http_exchange(&q, &b, NULL), RC_IO);
	stop(&s);
	assert_true(clock_ms() - since < 30000);
	assert_int_equal(b.n, 0);
	/* Nobody is there. */
	q.url = "http://127.0.0.1:1/";
	assert_int_equal(http_exchange(&q, &b, NULL), RC_IO);
}

static bool
at_once(void *user)
{
	return ++*(unsigned *)user > 2;
}

static void
broken_off(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(100);
	unsigned		asked = 0;
	struct server		s;
	struct http_request	q = { .accept = TYPE, .ms = 60000, .stop = at_once, .user = &asked };
	uint64_t		since = clock_ms();

	(void)state;
	start_bytes(&s, "", 0);
	s.hold = true;
	run(&s);
	q.url = s.url;
	assert_int_equal(http_exchange(&q, &b, NULL), RC_UNSURE);
	stop(&s);
	assert_true(clock_ms() - since < 30000);
}

static void
other_schemes(void **state)
{
	static const char *const	url[] = { "file:///etc/hostname", "ftp://127.0.0.1/", "gopher://127.0.0.1:70/",
		"dict://127.0.0.1/", "http://user:word@127.0.0.1/", "http://user@127.0.0.1/", "", "http://", "http://a b/" };

	(void)state;
	for (size_t i = 0; i < sizeof(url) / sizeof(url[0]); i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(4096);
		struct http_request	q = { .url = url[i], .ms = 2000 };

		if (http_exchange(&q, &b, NULL) != RC_USAGE)
			fail_msg("%s", url[i]);
		assert_int_equal(b.n, 0);
	}
}

/* Neither does the environment send us elsewhere, nor a .netrc speak for us. */
static void
no_proxy(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(0);

	(void)state;
	assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
	assert_int_equal(with(HEAD("6") "answer", sizeof(HEAD("6") "answer") - 1, 100, &b, NULL), RC_OK);
	assert_int_equal(unsetenv("http_proxy"), 0);
	assert_int_equal(unsetenv("ALL_PROXY"), 0);
}

static void
a_session_keeps_its_connection(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(100);
	struct http_session	*h = NULL;
	struct server		 s;
	struct http_request	 q = { .ms = 5000 };

	(void)state;
	start_bytes(&s, HEAD("6") "answer", sizeof(HEAD("6") "answer") - 1);
	s.hold = true;
	run(&s);
	q.url = s.url;
	assert_int_equal(http_session_new(&h, NULL), RC_OK);
	for (int i = 0; i < 5; i++)
		assert_int_equal(http_session_exchange(h, &q, &b, NULL), RC_OK);
	http_session_free(h);
	stop(&s);
	assert_non_null(strstr(s.heard, "GET /tsa HTTP/1.1\r\n"));
	assert_int_equal(b.n, 30);
	assert_int_equal(s.requests, 5);
	assert_int_equal(s.connections, 1);
}

/* ---- https: whose certificate no root of the system has signed ---------------------- */

/* For 127.0.0.1, so that only who signed it is wrong with it. */
static SSL_CTX *
self_signed(void)
{
	SSL_CTX		*ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY	*key = EVP_EC_gen("P-256");
	X509		*x = X509_new();
	X509_NAME	*n = X509_get_subject_name(x);
	X509_EXTENSION	*e = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "IP:127.0.0.1");

	assert_non_null(e);
	assert_int_equal(X509_set_version(x, 2), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(x), 1), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)"nobody", -1, -1, 0), 1);
	assert_int_equal(X509_set_issuer_name(x, n), 1);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(x), -3600));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(x), 3600));
	assert_int_equal(X509_set_pubkey(x, key), 1);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	assert_true(X509_sign(x, key, EVP_sha256()) > 0);
	assert_int_equal(SSL_CTX_use_certificate(ctx, x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(ctx, key), 1);
	X509_EXTENSION_free(e);
	X509_free(x);
	EVP_PKEY_free(key);
	return ctx;
}

static void *
serve_tls(void *arg)
{
	struct server	*s = arg;
	SSL_CTX		*ctx = self_signed();
	char		 in[1024];
	int		 fd;

	while (wait_for(s, s->listener) && (fd = accept(s->listener, NULL, NULL)) >= 0) {
		SSL	*ssl = SSL_new(ctx);

		s->connections++;
		assert_int_equal(SSL_set_fd(ssl, fd), 1);
		if (SSL_accept(ssl) == 1 && SSL_read(ssl, in, sizeof(in)) > 0) {
			s->requests++;
			(void)SSL_write(ssl, s->answer, (int)s->n);
		}
		SSL_free(ssl);
		(void)close(fd);
	}
	SSL_CTX_free(ctx);
	return NULL;
}

static void
a_certificate_of_nobody(void **state)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(0);
	struct server	s;
	char		url[64];
	struct err	err;

	(void)state;
	start_bytes(&s, HEAD("6") "answer", sizeof(HEAD("6") "answer") - 1);
	(void)snprintf(url, sizeof(url), "https%.50s", s.url + 4);
	assert_int_equal(pthread_create(&s.thread, NULL, serve_tls, &s), 0);
	assert_int_equal(post(url, 100, &b, &err), RC_IO);
	stop(&s);
	assert_int_equal(s.connections, 1);
	assert_int_equal(s.requests, 0);
	assert_non_null(strstr(err.msg, "certificate"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_question_and_its_answer),
		cmocka_unit_test(answers),
		cmocka_unit_test(what_a_server_chose_is_shown_harmless),
		cmocka_unit_test(no_byte_too_many),
		cmocka_unit_test(floods),
		cmocka_unit_test(no_answer_without_an_end),
		cmocka_unit_test(slow_and_silent),
		cmocka_unit_test(broken_off),
		cmocka_unit_test(other_schemes),
		cmocka_unit_test(no_proxy),
		cmocka_unit_test(a_session_keeps_its_connection),
		cmocka_unit_test(a_certificate_of_nobody),
	};

	if (http_init(NULL) != RC_OK || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
