/* Uploads and envelopes: whole or not there, and never replaced. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "coordinator/envelopes.h"
#include "coordinator/seal.h"
#include "coordinator/uploads.h"
#include "tests/unit/coordinator/rig.h"

#define NOW	UINT64_C(1000000)
#define ME	7	/* whose uploads */

static char		dir[64];
static struct uploads	*up;
static const uint8_t	id[UPLOAD_ID_BYTES] = { 1, 2, 3 };
static const uint8_t	id2[UPLOAD_ID_BYTES] = { 2 };
static uint64_t		received;

static int
setup(void **state)
{
	struct err	err;

	(void)state;
	rig_folder(dir);
	return uploads_new(dir, NOW, &up, &err) == RC_OK ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	uploads_free(up);
	rig_remove(dir);
	return 0;
}

static enum rc
piece(uint64_t offset, const char *data, bool last)
{
	struct err	err;

	return uploads_write(up, id, ME, NOW, offset, span_str(data), last, &received, &err);
}

static void
restart(when now)
{
	struct err	err;

	uploads_free(up);
	up = NULL;
	assert_int_equal(uploads_new(dir, now, &up, &err) == RC_OK, 1);
}

static void
check_whole(const char *text)
{
	uint8_t		want[SHA256_BYTES], digest[SHA256_BYTES];
	char		path[FILE_PATH_MAX];
	struct buf	b = BUF_INIT(64);
	struct err	err;
	uint64_t	size;

	sha256_one(want, span_str(text));
	assert_int_equal(uploads_path(up, id, path, &size, &err), RC_OK);
	assert_int_equal(uploads_digest(path, digest, &err), RC_OK);
	assert_memory_equal(digest, want, sizeof(want));
	assert_int_equal(size, strlen(text));
	assert_int_equal(file_read(path, &b, &err), RC_OK);
	assert_true(span_eq(buf_view(&b), span_str(text)));
	buf_done(&b);
}

static void
grows_in_pieces(void **state)
{
	char		path[FILE_PATH_MAX];
	struct err	err;
	uint64_t	size;

	(void)state;
	assert_int_equal(piece(0, "abc", false), RC_OK);
	assert_int_equal(received, 3);
	assert_int_equal(piece(5, "xyz", false), RC_OK);	/* a gap: nothing changes */
	assert_int_equal(received, 3);
	assert_int_equal(piece(0, "abc", false), RC_OK);	/* again: neither */
	assert_int_equal(received, 3);
	assert_int_equal(piece(1, "bcde", false), RC_OK);	/* overlapping: what is new */
	assert_int_equal(received, 5);
	assert_int_equal(uploads_path(up, id, path, &size, &err), RC_MISSING);
	assert_int_equal(piece(9, "no", true), RC_OK);		/* the last, but not the next */
	assert_int_equal(uploads_path(up, id, path, &size, &err), RC_MISSING);
	assert_int_equal(piece(5, "f", true), RC_OK);
	check_whole("abcdef");
	/* The answer was lost: the same question, the same answer. */
	assert_int_equal(piece(5, "f", true), RC_OK);
	check_whole("abcdef");
	assert_int_equal(piece(6, "more", false), RC_OK);	/* whole is whole */
	assert_int_equal(received, 6);
	assert_int_equal(uploads_count(up, NULL), 1);
	uploads_forget(up, id);
	assert_int_equal(uploads_count(up, NULL), 0);
	assert_false(file_exists(path));
	assert_int_not_equal(uploads_digest(path, (uint8_t [SHA256_BYTES]){ 0 }, &err), RC_OK);
}

/* Whole is whole. What was on its way was never synced: its sender begins again, and does not go on behind holes. */
static void
survives_a_restart(void **state)
{
	char	path[FILE_PATH_MAX];

	(void)state;
	assert_int_equal(piece(0, "abc", false), RC_OK);
	/* Power was lost before its bytes were written. */
	assert_true(snprintf(path, sizeof(path), "%s/uploads/01020300000000000000000000000000.part", dir) < (int)sizeof(path));
	assert_int_equal(truncate(path, 0), 0);
	assert_int_equal(truncate(path, 3), 0);
	restart((when)time(NULL));
	assert_int_equal(uploads_count(up, NULL), 0);
	assert_false(file_exists(path));
	assert_int_equal(piece(3, "def", true), RC_OK);		/* where it was; and it hears from where on */
	assert_int_equal(received, 0);
	assert_int_equal(piece(0, "abcdef", true), RC_OK);
	check_whole("abcdef");
	restart((when)time(NULL));
	assert_int_equal(uploads_count(up, NULL), 1);
	assert_int_equal(piece(6, "", true), RC_OK);
	check_whole("abcdef");
}

static void
is_bounded(void **state)
{
	uint8_t		one[UPLOAD_ID_BYTES] = { 0 };
	struct err	err;
	unsigned	i;

	(void)state;
	for (i = 0; i < UPLOADS_MAX; i++) {
		one[0] = (uint8_t)i;
		one[1] = (uint8_t)(i >> 8);
		assert_int_equal(uploads_write(up, one, ME, NOW, 0, SPAN_STR("x"), true,
		    &received, &err), RC_OK);
	}
	one[2] = 1;
	assert_int_equal(uploads_write(up, one, ME, NOW, 0, SPAN_STR("x"), false,
	    &received, &err), RC_LIMIT);
	/* After a day nobody comes for them any more. */
	assert_int_equal(uploads_write(up, one, ME, NOW + UPLOAD_SECONDS + 1, 0, SPAN_STR("x"),
	    false, &received, &err), RC_OK);
	assert_int_equal(uploads_count(up, NULL), 1);
}

/* What is full says of what, how much there may be, and what to do. */
static void
a_full_spool_says_so(void **state)
{
	uint8_t		one[UPLOAD_ID_BYTES] = { 0 };
	uint64_t	bytes;
	struct err	err;
	unsigned	i;

	(void)state;
	for (i = 0; i < UPLOADS_MAX; i++) {
		memcpy(one, &i, sizeof(i));
		assert_int_equal(uploads_write(up, one, ME, NOW, 0, SPAN_STR("xy"), true, &received, &err), RC_OK);
	}
	one[8] = 1;
	assert_int_equal(uploads_write(up, one, ME, NOW, 0, SPAN_STR("x"), false, &received, &err), RC_LIMIT);
	assert_non_null(strstr(err.msg, "256 uploads wait for their batches"));
	assert_non_null(strstr(err.msg, "then send it again"));
	assert_int_equal(uploads_count(up, &bytes), UPLOADS_MAX);
	assert_int_equal(bytes, 2 * UPLOADS_MAX);
	/* One that is claimed makes room for the next. */
	one[8] = 0;
	uploads_forget(up, one);
	one[8] = 1;
	assert_int_equal(uploads_write(up, one, ME, NOW, 0, SPAN_STR("x"), false, &received, &err), RC_OK);
}

/* At the bound, and not one before; what is cosigned does not count. */
static void
batches_wait_for_a_quorum(void **state)
{
	struct err	err = { RC_OK, "" };

	(void)state;
	assert_int_equal(backlog_check(0, 0, &err), RC_OK);
	assert_int_equal(backlog_check(5000 + SEAL_BACKLOG_MAX - 1, 5000, &err), RC_OK);
	assert_int_equal(backlog_check(5000 + SEAL_BACKLOG_MAX, 5000, &err), RC_LIMIT);
	assert_non_null(strstr(err.msg, "1024 entries wait for a quorum of custodians"));
	assert_non_null(strstr(err.msg, "bring custodians back, then seal again"));
	assert_int_equal(backlog_check(5000 + SEAL_BACKLOG_MAX, 5001, &err), RC_OK);
	assert_int_equal(backlog_check(4, 5, &err), RC_OK);	/* the one was read after the other */
}

static enum rc
start_one(uint64_t owner, uint16_t n, when now)
{
	uint8_t		one[UPLOAD_ID_BYTES] = { (uint8_t)owner, (uint8_t)n, (uint8_t)(n >> 8) };
	struct err	err;

	return uploads_write(up, one, owner, now, 0, SPAN_STR("x"), true, &received, &err);
}

static bool
is_there(uint64_t owner, uint16_t n)
{
	uint8_t		one[UPLOAD_ID_BYTES] = { (uint8_t)owner, (uint8_t)n, (uint8_t)(n >> 8) };
	char		path[FILE_PATH_MAX];
	struct err	err;
	uint64_t	size;

	return uploads_path(up, one, path, &size, &err) == RC_OK;
}

/* A host that takes every place does not keep another from sealing. */
static void
the_greediest_gives_way(void **state)
{
	uint16_t	i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(start_one(2, i, NOW - 9), RC_OK);
	for (i = 0; i < UPLOADS_MAX - 3; i++)
		assert_int_equal(start_one(1, i, i == 5 ? NOW - 2 : NOW), RC_OK);
	assert_int_equal(start_one(1, UPLOADS_MAX, NOW), RC_LIMIT);
	/* The oldest of the greedy one goes, not an older one of the other. */
	assert_int_equal(start_one(3, 0, NOW), RC_OK);
	assert_false(is_there(1, 5));
	for (i = 0; i < 3; i++)
		assert_true(is_there(2, i));
	assert_int_equal(start_one(2, 3, NOW), RC_OK);
	assert_int_equal(uploads_count(up, NULL), UPLOADS_MAX);
	/* It cannot take the places back. */
	assert_int_equal(start_one(1, 5, NOW), RC_LIMIT);
	assert_true(is_there(3, 0));
}

static void
old_ones_go_at_start(void **state)
{
	(void)state;
	assert_int_equal(piece(0, "abc", true), RC_OK);
	restart((when)time(NULL) + UPLOAD_SECONDS + 10);
	assert_int_equal(uploads_count(up, NULL), 0);
}

static void
a_full_disk_says_so(void **state)
{
	struct err	err;

	(void)state;
	/* What cannot be created fails as on a full disk. */
	assert_int_equal(piece(0, "abc", false), RC_OK);
	rig_remove(dir);
	assert_int_equal(uploads_write(up, id2, ME, NOW, 0, SPAN_STR("x"), false, &received, &err), RC_IO);
	assert_int_equal(uploads_count(up, NULL), 1);		/* halves of files do not stay */
	assert_int_equal(mkdir(dir, 0700), 0);
}

static void
write_file(const char *path, const char *text)
{
	struct err	err;

	assert_int_equal(file_write(path, span_str(text), 0600, &err), RC_OK);
}

static const uint8_t	a_root[SHA256_BYTES] = { 0xab, 1 }, b_root[SHA256_BYTES] = { 0xab, 2 };

static void
envelopes_are_written_once(void **state)
{
	char		from[FILE_PATH_MAX], to[FILE_PATH_MAX];
	struct buf	b = BUF_INIT(64);
	struct err	err;

	(void)state;
	assert_int_equal(file_path(from, &err, "%s/new", dir), RC_OK);
	write_file(from, "first");
	assert_int_equal(envelopes_size(dir, a_root), 0);
	assert_int_equal(envelopes_start(dir, &err), RC_OK);
	assert_int_equal(envelopes_take(dir, a_root, from, &err), RC_OK);
	assert_int_equal(envelopes_size(dir, a_root), 5);
	assert_int_equal(envelopes_size(dir, b_root), 0);
	assert_false(file_exists(from));
	assert_int_equal(envelopes_sync(dir, a_root, &err), RC_OK);
	write_file(from, "second");
	assert_int_equal(envelopes_take(dir, a_root, from, &err), RC_DENIED);
	assert_int_equal(envelopes_path(dir, a_root, to, &err), RC_OK);
	assert_int_equal(file_read(to, &b, &err), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_STR("first")));
	envelopes_drop(dir, a_root);
	assert_int_equal(envelopes_size(dir, a_root), 0);
	assert_int_equal(envelopes_take(dir, a_root, from, &err), RC_OK);
	buf_done(&b);
}

/* The folder that the name is in: one that is not there is noticed. */
static void
the_folder_is_synced(void **state)
{
	char		folder[FILE_PATH_MAX];
	struct err	err;

	(void)state;
	assert_int_equal(envelopes_start(dir, &err), RC_OK);
	assert_int_equal(envelopes_start(dir, &err), RC_OK);	/* and again */
	assert_int_equal(envelopes_sync(dir, a_root, &err), RC_OK);
	assert_int_equal(file_path(folder, &err, "%s/envelopes/ab", dir), RC_OK);
	assert_int_equal(rmdir(folder), 0);
	assert_int_not_equal(envelopes_sync(dir, a_root, &err), RC_OK);
}

static void
a_foreign_file_is_no_envelope(void **state)
{
	struct batch_envelope	at = { .descriptor = SPAN_STR("d"), .offset = 0, .size = 31 };
	struct envelope_file	f;
	char			path[FILE_PATH_MAX];
	struct err		err;

	(void)state;
	assert_int_equal(file_path(path, &err, "%s/x", dir), RC_OK);
	assert_int_equal(envelope_file_open(path, &at, &f, &err), RC_MISSING);
	envelope_file_done(&f);
	assert_int_equal(envelopes_check(path, SPAN_STR("\0\1d"), 1, &err), RC_MISSING);
	write_file(path, "quorate/envelope/v1\nnot really");
	assert_int_equal(envelope_file_open(path, &at, &f, &err), RC_FORMAT);
	envelope_file_done(&f);
	assert_int_equal(envelopes_check(path, SPAN_STR("\0\1d"), 1, &err), RC_FORMAT);
	/* Nor what would stand beyond its end, however far. */
	at.offset = UINT64_MAX - 2;
	assert_int_equal(envelope_file_open(path, &at, &f, &err), RC_FORMAT);
	envelope_file_done(&f);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		T(grows_in_pieces),
		T(survives_a_restart),
		T(is_bounded),
		T(a_full_spool_says_so),
		T(batches_wait_for_a_quorum),
		T(the_greediest_gives_way),
		T(old_ones_go_at_start),
		T(a_full_disk_says_so),
		T(envelopes_are_written_once),
		T(the_folder_is_synced),
		T(a_foreign_file_is_no_envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
