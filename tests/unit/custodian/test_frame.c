/* Frames between listener and keeper: both ways, and every bound. */
#include <sys/socket.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/auto.h"
#include "custodian/frame.h"

static int	fd[2];

static int
up(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, fd);
}

static int
down(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		if (fd[i] >= 0)
			(void)close(fd[i]);
	return 0;
}

static void
frame_done(struct frame *f)
{
	buf_done(&f->payload);
}

static void
both_ways(void **state)
{
	AUTO_DONE(frame_done) struct frame f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	struct err	err;

	(void)state;
	assert_int_equal(frame_write(fd[0], 7, 2, 3, 4, "words", SPAN_STR("payload"), &err), RC_OK);
	assert_int_equal(frame_write(fd[0], UINT32_MAX, 0, 0, 0, NULL, SPAN(NULL, 0), &err), RC_OK);
	assert_int_equal(frame_read(fd[1], 1000, &f, &err), RC_OK);
	assert_int_equal(f.id, 7);
	assert_int_equal(f.code, 2);
	assert_int_equal(f.roles, 3);
	assert_int_equal(f.roles, 3);
	assert_int_equal(f.from, 4);
	assert_string_equal(f.words, "words");
	assert_true(span_eq(buf_view(&f.payload), SPAN_STR("payload")));
	/* Nothing of the one before stays. */
	assert_int_equal(frame_read(fd[1], 1000, &f, &err), RC_OK);
	assert_int_equal(f.id, UINT32_MAX);
	assert_string_equal(f.words, "");
	assert_int_equal(f.payload.n, 0);
	assert_int_equal(frame_read(fd[1], 0, &f, &err), RC_UNSURE);
}

static void
words_are_cut(void **state)
{
	AUTO_DONE(frame_done) struct frame f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	char		words[FRAME_WORDS_MAX + 20];
	struct err	err;

	(void)state;
	memset(words, 'w', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	assert_int_equal(frame_write(fd[0], 1, 0, 0, 0, words, SPAN_STR("x"), &err), RC_OK);
	assert_int_equal(frame_read(fd[1], 1000, &f, &err), RC_OK);
	assert_int_equal(strlen(f.words), FRAME_WORDS_MAX);
	assert_true(span_eq(buf_view(&f.payload), SPAN_STR("x")));
}

struct large {
	uint8_t		*p;
	size_t		 n;
	enum rc		 rc;
};

static void *
write_large(void *arg)
{
	struct large	*l = arg;

	l->rc = frame_write(fd[0], 1, 0, 0, 0, "w", SPAN(l->p, l->n), NULL);
	return NULL;
}

/* The largest goes through, in pieces; one byte more is not begun. */
static void
largest(void **state)
{
	AUTO_DONE(frame_done) struct frame f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	struct large	l = { .n = FRAME_BYTES_MAX - FRAME_HEAD_BYTES - FRAME_WORDS_MAX };
	pthread_t	thread;
	struct err	err;

	(void)state;
	l.p = malloc(l.n + 1);
	assert_non_null(l.p);
	memset(l.p, 0x5a, l.n + 1);
	assert_int_equal(pthread_create(&thread, NULL, write_large, &l), 0);
	assert_int_equal(frame_read(fd[1], 5000, &f, &err), RC_OK);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(l.rc, RC_OK);
	assert_true(span_eq(buf_view(&f.payload), SPAN(l.p, l.n)));
	l.n++;
	/* A reader's end, should it be written all the same. */
	assert_int_equal(shutdown(fd[1], SHUT_RD), 0);
	assert_int_equal(frame_write(fd[0], 1, 0, 0, 0, "w", SPAN(l.p, l.n), &err), RC_LIMIT);
	free(l.p);
}

static void
be(uint8_t *p, uint64_t v, size_t n)
{
	while (n-- > 0) {
		p[n] = (uint8_t)v;
		v >>= 8;
	}
}

/* u32 length, u32 id, u8 code, u8 roles, u8 from, u8 0, u16 words */
static const struct {
	const char	*name;
	uint32_t	 length;
	uint16_t	 words;
	enum rc		 rc;
	uint8_t		 spare;
} heads[] = {
	{ "empty",			10,	0,			RC_OK, 0 },
	{ "all words",			10 + 16,	16,			RC_OK, 0 },
	{ "shorter than its head",	9,	0,			RC_IO, 0 },
	{ "no length",			0,	0,			RC_IO, 0 },
	{ "words past its end",		10 + 15,	16,			RC_IO, 0 },
	{ "words too long",		10 + 256, FRAME_WORDS_MAX + 1,	RC_IO, 0 },
	{ "words far too long",		FRAME_BYTES_MAX, UINT16_MAX,	RC_IO, 0 },
	{ "too long by one",		FRAME_BYTES_MAX + 1, 0,		RC_IO, 0 },
	{ "as long as can be written",	UINT32_MAX, 0,			RC_IO, 0 },
	{ "a byte that is to be 0",	10,	0,			RC_IO, 1 },
};

static void
each_head(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		AUTO_DONE(frame_done) struct frame f = { .payload = BUF_INIT(8192) };
		uint8_t		bytes[FRAME_HEAD_BYTES + 300] = { 0 };
		struct err	err = { .rc = RC_OK };
		enum rc		rc;

		assert_int_equal(up(NULL), 0);
		be(bytes, heads[i].length, 4);
		bytes[11] = heads[i].spare;
		be(bytes + 12, heads[i].words, 2);
		assert_int_equal(send(fd[0], bytes, sizeof(bytes), 0), sizeof(bytes));
		/* Whoever waits for more waits for the end. */
		assert_int_equal(shutdown(fd[0], SHUT_WR), 0);
		rc = frame_read(fd[1], 1000, &f, &err);
		if (rc != heads[i].rc)
			fail_msg("%s: %s: %s", heads[i].name, rc_name(rc), err.msg);
		if (rc != RC_OK && strstr(err.msg, "malformed") == NULL)
			fail_msg("%s: refused too late: %s", heads[i].name, err.msg);
		(void)down(NULL);
	}
	fd[0] = fd[1] = -1;
}

/* A frame that is larger than its reader has room for is refused, not cut. */
static void
readers_room(void **state)
{
	AUTO_DONE(frame_done) struct frame f = { .payload = BUF_INIT(16) };
	uint8_t		bytes[17] = { 0 };
	struct err	err;

	(void)state;
	assert_int_equal(frame_write(fd[0], 1, 0, 0, 0, NULL, SPAN(bytes, 16), &err), RC_OK);
	assert_int_equal(frame_write(fd[0], 2, 0, 0, 0, NULL, SPAN(bytes, 17), &err), RC_OK);
	assert_int_equal(frame_read(fd[1], 1000, &f, &err), RC_OK);
	assert_int_equal(frame_read(fd[1], 1000, &f, &err), RC_LIMIT);
}

static void
every_truncation(void **state)
{
	uint8_t		bytes[64];
	struct err	err;
	ssize_t		n;

	(void)state;
	assert_int_equal(frame_write(fd[0], 9, 1, 2, 0, "abc", SPAN_STR("defg"), &err), RC_OK);
	n = recv(fd[1], bytes, sizeof(bytes), 0);
	assert_int_equal(n, FRAME_HEAD_BYTES + 7);
	for (ssize_t i = 0; i < n; i++) {
		AUTO_DONE(frame_done) struct frame f = { .payload = BUF_INIT(64) };

		(void)down(NULL);
		assert_int_equal(up(NULL), 0);
		assert_int_equal(send(fd[0], bytes, (size_t)i, 0), i);
		assert_int_equal(shutdown(fd[0], SHUT_WR), 0);
		assert_int_equal(frame_read(fd[1], 1000, &f, &err), RC_IO);
	}
}

static void
the_other_side_is_gone(void **state)
{
	AUTO_DONE(frame_done) struct frame f = { .payload = BUF_INIT(64) };
	struct err	err;

	(void)state;
	(void)close(fd[0]);
	fd[0] = -1;
	assert_int_equal(frame_read(fd[1], -1, &f, &err), RC_IO);
	assert_int_equal(frame_write(fd[1], 1, 0, 0, 0, NULL, SPAN_STR("x"), &err), RC_IO);
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(both_ways),
		TEST(words_are_cut),
		TEST(largest),
		cmocka_unit_test(each_head),
		TEST(readers_room),
		TEST(every_truncation),
		TEST(the_other_side_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
