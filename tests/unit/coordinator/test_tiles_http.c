/* The tile server's HTTP: exact lengths, headers, and bounds on whoever comes. */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "coordinator/tiles_http.h"
#include "edge/edge.h"
#include "tests/unit/coordinator/published.h"

#define SIZE		270u
#define ANSWER_MS	30000
#define ANSWER_MAX	(4u << 20)

struct bench {
	struct rig		 rig;
	struct tiles		*tiles[TILES_THREADS];
	struct tiles_http	*http;
	struct buf		 note, answer;
	uint16_t		 port;
};

static int
set_up(void **state)
{
	struct bench			*b = calloc(1, sizeof(*b));
	struct tiles_http_options	 o = { .listener = -1 };
	struct sockaddr_in		 at;
	socklen_t			 n = sizeof(at);
	char				 path[FILE_PATH_MAX];
	size_t				 i;

	assert_non_null(b);
	b->note = BUF_INIT(NOTE_BYTES_MAX);
	b->answer = BUF_INIT(ANSWER_MAX);
	rig_init(&b->rig);
	rig_start(&b->rig);
	rig_stop(&b->rig);
	published_fill(&b->rig, SIZE);
	published_note(&b->rig, SIZE, b->rig.c.first->q, &b->note);
	published_path(&b->rig, path);
	for (i = 0; i < TILES_THREADS; i++) {
		assert_int_equal(tiles_open(path, b->rig.c.genesis, &b->tiles[i], NULL), RC_OK);
		o.tiles[i] = b->tiles[i];
	}
	assert_int_equal(tiles_listen("127.0.0.1:0", &o.listener, NULL), RC_OK);
	assert_int_equal(getsockname(o.listener, (struct sockaddr *)&at, &n), 0);
	b->port = ntohs(at.sin_port);
	assert_int_equal(tiles_http_new(&o, &b->http, NULL), RC_OK);
	*state = b;
	return 0;
}

static int
tear_down(void **state)
{
	struct bench	*b = *state;
	size_t		 i;

	tiles_http_free(b->http);
	for (i = 0; i < TILES_THREADS; i++)
		tiles_close(b->tiles[i]);
	buf_done(&b->note);
	buf_done(&b->answer);
	rig_done(&b->rig);
	free(b);
	return 0;
}

/* A connection that comes from 127.0.0.`from`. */
static int
visit(const struct bench *b, unsigned from)
{
	struct sockaddr_in	me = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000000u + from) };
	struct sockaddr_in	to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
					.sin_port = htons(b->port) };
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&me, sizeof(me)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static void
say(int fd, const char *words)
{
	assert_int_equal(send(fd, words, strlen(words), MSG_NOSIGNAL), strlen(words));
}

/* One answer: headers to the empty line, then as many bytes as they say (none for HEAD). False: it was closed before. */
static bool
hear(struct bench *b, int fd, bool head)
{
	struct pollfd	 p = { .fd = fd, .events = POLLIN };
	const char	*end, *length;
	uint8_t		 piece[4096];
	size_t		 want = SIZE_MAX;
	ssize_t		 n;

	buf_reset(&b->answer);
	while (b->answer.n < want) {
		if (poll(&p, 1, ANSWER_MS) != 1)
			return false;
		n = recv(fd, piece, want - b->answer.n < sizeof(piece) ? want - b->answer.n : sizeof(piece), 0);
		if (n <= 0)
			return false;
		buf_add(&b->answer, piece, (size_t)n);
		end = strstr(buf_text(&b->answer), "\r\n\r\n");
		if (want == SIZE_MAX && end != NULL) {
			length = strstr(buf_text(&b->answer), "Content-Length: ");
			want = (size_t)(end + 4 - buf_text(&b->answer));
			if (!head && length != NULL)
				want += strtoul(length + 16, NULL, 10);
		}
	}
	return true;
}

static const char *
get(struct bench *b, int fd, const char *path)
{
	char	words[512];

	(void)snprintf(words, sizeof(words), "GET %s HTTP/1.1\r\nHost: log\r\n\r\n", path);
	say(fd, words);
	assert_true(hear(b, fd, false));
	return buf_text(&b->answer);
}

static bool
is_closed(int fd, int ms)
{
	struct pollfd	p = { .fd = fd, .events = POLLIN };
	char		c;

	return poll(&p, 1, ms) == 1 && recv(fd, &c, 1, 0) <= 0;
}

static void
test_headers(void **state)
{
	struct bench	*b = *state;
	int		 fd = visit(b, 1);
	const char	*a = get(b, fd, "/checkpoint");

	assert_memory_equal(a, "HTTP/1.1 200 ", 13);
	assert_non_null(strstr(a, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	assert_non_null(strstr(a, "\r\nCache-Control: no-cache\r\n"));
	assert_non_null(strstr(a, "\r\nAccess-Control-Allow-Origin: *\r\n"));
	assert_non_null(strstr(a, "\r\nETag: \""));
	assert_int_equal(memcmp(strstr(a, "\r\n\r\n") + 4, b->note.p, b->note.n), 0);
	/* On the same connection: */
	a = get(b, fd, "/tile/0/001.p/14");
	assert_non_null(strstr(a, "\r\nContent-Type: application/octet-stream\r\n"));
	assert_non_null(strstr(a, "\r\nCache-Control: public, max-age=31536000, immutable\r\n"));
	assert_non_null(strstr(a, "\r\nContent-Length: 448\r\n"));
	assert_memory_equal(get(b, fd, "/tile/0/001.p/15"), "HTTP/1.1 404 ", 13);
	say(fd, "HEAD /tile/0/000 HTTP/1.1\r\nHost: log\r\n\r\n");
	assert_true(hear(b, fd, true));
	assert_non_null(strstr(buf_text(&b->answer), "\r\nContent-Length: 8192\r\n"));
	say(fd, "GET /tile/0/000 HTTP/1.1\r\nHost: log\r\nIf-None-Match: \"tile/0/000\"\r\n\r\n");
	assert_true(hear(b, fd, true));
	assert_memory_equal(b->answer.p, "HTTP/1.1 304 ", 13);
	assert_memory_equal(get(b, fd, "/%63heckpoint"), "HTTP/1.1 404 ", 13);
	say(fd, "POST /checkpoint HTTP/1.1\r\nHost: log\r\nContent-Length: 3\r\n\r\nabc");
	assert_true(hear(b, fd, false));
	assert_memory_equal(b->answer.p, "HTTP/1.1 405 ", 13);
	assert_non_null(strstr(buf_text(&b->answer), "\r\nAllow: GET, HEAD\r\n"));
	(void)close(fd);
}

static enum rc
count(void *user, unsigned at, struct span leaf, struct err *err)
{
	unsigned	*n = user;

	(void)at;
	(void)leaf;
	(void)err;
	++*n;
	return RC_OK;
}

static void
test_bundle(void **state)
{
	struct bench	*b = *state;
	int		 fd = visit(b, 1);
	const uint8_t	*body;
	unsigned	 n = 0;
	size_t		 at;

	body = (const uint8_t *)strstr(get(b, fd, "/tile/entries/000"), "\r\n\r\n") + 4;
	at = (size_t)(body - b->answer.p);
	assert_int_equal(bundle_each(SPAN(body, b->answer.n - at), TILE_WIDTH, count, &n, NULL), RC_OK);
	assert_int_equal(n, TILE_WIDTH);
	assert_memory_equal(get(b, fd, "/checkpoint"), "HTTP/1.1 200 ", 13);
	(void)close(fd);
}

/* One that reads its bundle not at all, and nobody waits for it. */
static void
test_slow_reader(void **state)
{
	struct bench	*b = *state;
	int		 slow[4], fd = visit(b, 1);
	size_t		 i;

	for (i = 0; i < 4; i++) {
		slow[i] = visit(b, 1);
		say(slow[i], "GET /tile/entries/000 HTTP/1.1\r\nHost: log\r\n\r\n");
	}
	for (i = 0; i < 10; i++)
		assert_memory_equal(get(b, fd, "/checkpoint"), "HTTP/1.1 200 ", 13);
	for (i = 0; i < 4; i++)
		(void)close(slow[i]);
	(void)close(fd);
}

/* Of so many connections, how many were closed within so long: it ends with the first. */
static unsigned
closed_of(const int *fd, size_t n, int ms)
{
	struct pollfd	p[TILES_CONNECTIONS_EACH + 1];
	unsigned	closed = 0;
	char		c;
	size_t		i;

	for (i = 0; i < n; i++)
		p[i] = (struct pollfd){ .fd = fd[i], .events = POLLIN };
	if (poll(p, n, ms) <= 0)
		return 0;
	for (i = 0; i < n; i++)
		closed += p[i].revents != 0 && recv(fd[i], &c, 1, MSG_DONTWAIT) <= 0;
	return closed;
}

/* One more than an address may have: one is closed. Threads take them, so that it need not be the last. */
static void
test_one_address(void **state)
{
	struct bench	*b = *state;
	int		 mine[TILES_CONNECTIONS_EACH + 1], fd;
	size_t		 i;

	for (i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
		mine[i] = visit(b, 1);
	assert_int_equal(closed_of(mine, sizeof(mine) / sizeof(mine[0]), ANSWER_MS), 1);
	fd = visit(b, 2);
	assert_memory_equal(get(b, fd, "/checkpoint"), "HTTP/1.1 200 ", 13);
	(void)close(fd);
	for (i = 0; i < sizeof(mine) / sizeof(mine[0]); i++)
		(void)close(mine[i]);
}

/* However busy it keeps itself, none stays for ever; while most places are taken, none stays long. */
static void
test_sweep(void **state)
{
	struct bench	*b = *state;
	int		 fd = visit(b, 1), many[7 * TILES_CONNECTIONS_EACH];
	uint64_t	 now;
	size_t		 i;

	assert_memory_equal(get(b, fd, "/checkpoint"), "HTTP/1.1 200 ", 13);
	now = clock_ms();
	tiles_http_sweep(b->http, now - 1000);		/* a clock that was read before it came */
	assert_false(is_closed(fd, 100));
	tiles_http_sweep(b->http, now + TILES_BUSY_SECONDS * 1000 + 1);
	assert_false(is_closed(fd, 100));
	tiles_http_sweep(b->http, now + TILES_LIFE_SECONDS * 1000 + 1);
	assert_true(is_closed(fd, ANSWER_MS));
	(void)close(fd);
	for (i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		many[i] = visit(b, 2 + (unsigned)(i / TILES_CONNECTIONS_EACH));
		assert_memory_equal(get(b, many[i], "/tile/0/000.p/1"), "HTTP/1.1 200 ", 13);
	}
	now = clock_ms();
	tiles_http_sweep(b->http, now);
	assert_false(is_closed(many[0], 100));
	tiles_http_sweep(b->http, now + TILES_BUSY_SECONDS * 1000 + 1);
	for (i = 0; i < sizeof(many) / sizeof(many[0]); i++) {
		assert_true(is_closed(many[i], ANSWER_MS));
		(void)close(many[i]);
	}
	fd = visit(b, 1);
	assert_memory_equal(get(b, fd, "/checkpoint"), "HTTP/1.1 200 ", 13);
	(void)close(fd);
}

static void
test_long_headers(void **state)
{
	struct bench	*b = *state;
	char		*words = malloc(2 * TILES_MEMORY_EACH);
	int		 fd = visit(b, 1);

	assert_non_null(words);
	memset(words, 'a', 2 * TILES_MEMORY_EACH);
	memcpy(words, "GET /", 5);
	(void)send(fd, words, 2 * TILES_MEMORY_EACH, MSG_NOSIGNAL);
	assert_true(!hear(b, fd, false) || memcmp(b->answer.p, "HTTP/1.1 4", 10) == 0 ||
	    memcmp(b->answer.p, "HTTP/1.0 4", 10) == 0);
	(void)close(fd);
	free(words);
	fd = visit(b, 1);
	assert_memory_equal(get(b, fd, "/checkpoint"), "HTTP/1.1 200 ", 13);
	(void)close(fd);
}

static void
test_addresses(void **state)
{
	static const char	*const bad[] = { "", "127.0.0.1", "127.0.0.1:", ":80", "127.0.0.1:port", "[::1:0" };
	struct bench		*b = *state;
	struct err		 err;
	char			 same[32];
	size_t			 i;
	int			 fd = -1;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(tiles_listen(bad[i], &fd, &err), RC_USAGE);
	(void)snprintf(same, sizeof(same), "127.0.0.1:%u", b->port);
	assert_int_equal(tiles_listen(same, &fd, &err), RC_IO);
	assert_non_null(strstr(err.msg, "in use"));
	assert_int_equal(fd, -1);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(test_headers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_bundle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_slow_reader, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_address, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_sweep, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long_headers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_addresses, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
