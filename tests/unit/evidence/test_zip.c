#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "evidence/crc32.h"
#include "evidence/zip_layout.h"
#include "tests/unit/evidence/memfile.h"
#include "tests/unit/fault.h"
#include "tests/unit/own.h"
#include "tests/unit/vectors.h"

struct file { const char *name, *text; };

static const struct file sample[] = {
	{ "mimetype", "application/vnd.etsi.asic-e+zip" },
	{ "data/empty", "" },
	{ "data/a.txt", "alpha" },
	{ "META-INF/x-1_2.xml", "<x/>" },
};
#define SAMPLES	(sizeof(sample) / sizeof(sample[0]))

static enum rc
write_all(struct memfile *f, const struct file *file, size_t n, struct err *err)
{
	AUTO(zip_writer_free) struct zip_writer *w = NULL;
	uint64_t	size = 0;

	TRY(zip_writer_new(memfile_write, f, &w, err));
	for (size_t i = 0; i < n; i++)
		TRY(zip_add(w, file[i].name, span_str(file[i].text), NULL, err));
	TRY(zip_finish(w, &size, err));
	return size == f->b.n ? RC_OK : RC_BUG;
}

/* Opens, and digests every entry. */
static enum rc
read_all(struct memfile *f, struct err *err)
{
	AUTO(zip_free) struct zip *z = NULL;
	struct zip_entry	e;
	uint8_t			digest[SHA256_BYTES];

	TRY(zip_open(memfile_read, f, f->b.n, &z, err));
	for (uint32_t i = 0; i < zip_count(z); i++) {
		zip_at(z, i, &e);
		TRY(zip_digest(z, &e, digest, err));
	}
	return RC_OK;
}

static void
crc_of_the_check_string(void **state)
{
	uint8_t		bytes[300];
	uint32_t	whole, split;

	(void)state;
	assert_int_equal(crc32_more(0, SPAN_STR("123456789")), 0xCBF43926);
	assert_int_equal(crc32_more(0, SPAN_STR("")), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7 + 1);
	whole = crc32_more(0, SPAN_OF(bytes));
	for (size_t i = 0; i <= sizeof(bytes); i++) {
		split = crc32_more(0, SPAN(bytes, i));
		split = crc32_more(split, SPAN(bytes + i, sizeof(bytes) - i));
		assert_int_equal(split, whole);
	}
}

static void
what_is_written_is_read(void **state)
{
	struct memfile	 f = MEMFILE_INIT;
	struct err	 err;
	struct zip_entry e;
	struct zip	*z = NULL;
	struct buf	 all = BUF_INIT(100);
	uint8_t		 have[SHA256_BYTES], want[SHA256_BYTES], byte;
	uint32_t	 i;

	(void)state;
	assert_int_equal(write_all(&f, sample, SAMPLES, &err), RC_OK);
	assert_int_equal(zip_open(memfile_read, &f, f.b.n, &z, &err), RC_OK);
	assert_int_equal(zip_count(z), SAMPLES);
	for (size_t k = 0; k < SAMPLES; k++) {
		assert_int_equal(zip_find(z, sample[k].name, &i, &e, &err), RC_OK);
		assert_int_equal(i, k);
		assert_int_equal(zip_digest(z, &e, have, &err), RC_OK);
		sha256_one(want, span_str(sample[k].text));
		assert_memory_equal(have, want, SHA256_BYTES);
		buf_reset(&all);
		assert_int_equal(zip_read_all(z, &e, &all, &err), RC_OK);
		assert_true(span_eq(buf_view(&all), span_str(sample[k].text)));
	}
	assert_int_equal(zip_find(z, "data/A.txt", NULL, &e, &err), RC_MISSING);
	assert_int_equal(zip_find(z, "data", NULL, &e, &err), RC_MISSING);
	assert_int_equal(zip_find(z, "data/a.txt", NULL, &e, &err), RC_OK);
	assert_int_equal(zip_read(z, &e, 4, &byte, 1, &err), RC_OK);
	assert_int_equal(byte, 'a');
	assert_int_equal(zip_read(z, &e, 5, &byte, 1, &err), RC_FORMAT);
	assert_int_equal(zip_read(z, &e, UINT64_MAX, &byte, 1, &err), RC_FORMAT);
	all.max = 4;
	buf_reset(&all);
	assert_int_equal(zip_read_all(z, &e, &all, &err), RC_LIMIT);
	buf_done(&all);
	zip_free(z);
	memfile_done(&f);
}

static void
other_programs_read_it(void **state)
{
	struct memfile	f = MEMFILE_INIT;
	char		folder[] = "/tmp/quorate-zip-XXXXXX", path[64], command[256];

	(void)state;
	if (!tool_here("unzip"))
		return;
	assert_int_equal(write_all(&f, sample, SAMPLES, NULL), RC_OK);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.zip", folder);
	memfile_save(&f, path);
	snprintf(command, sizeof(command), "unzip -tqq %s && test \"$(unzip -p %s data/a.txt)\" = alpha",
	    path, path);
	assert_true(tool_ok(command));
	unlink(path);
	rmdir(folder);
	memfile_done(&f);
}

static void
any_byte_changed_is_refused(void **state)
{
	struct memfile	good = MEMFILE_INIT, bad = MEMFILE_INIT;

	(void)state;
	assert_int_equal(write_all(&good, sample, SAMPLES, NULL), RC_OK);
	for (size_t i = 0; i < good.b.n; i++)
		for (int bit = 0; bit < 8; bit++) {
			buf_reset(&bad.b);
			buf_span(&bad.b, buf_view(&good.b));
			bad.b.p[i] = (uint8_t)(bad.b.p[i] ^ 1 << bit);
			assert_int_not_equal(read_all(&bad, NULL), RC_OK);
		}
	memfile_done(&good);
	memfile_done(&bad);
}

static void
no_byte_may_be_missing_or_added(void **state)
{
	struct memfile	good = MEMFILE_INIT, bad = MEMFILE_INIT;

	(void)state;
	assert_int_equal(write_all(&good, sample, SAMPLES, NULL), RC_OK);
	for (size_t n = 0; n < good.b.n; n++) {
		struct memfile	cut = { .b = { heap_copy(good.b.p, n), n, n, n, RC_OK } };

		assert_int_not_equal(read_all(&cut, NULL), RC_OK);
		memfile_done(&cut);
	}
	for (size_t at = 0; at <= good.b.n; at++) {
		buf_reset(&bad.b);
		buf_add(&bad.b, good.b.p, at);
		buf_u8(&bad.b, 0);
		buf_add(&bad.b, good.b.p + at, good.b.n - at);
		assert_int_not_equal(read_all(&bad, NULL), RC_OK);
	}
	memfile_done(&good);
	memfile_done(&bad);
}

static void
bytes_between_entries_are_refused(void **state)
{
	struct zip_header	h = { "a", 1, 1, 0xE8B7BE43 };	/* CRC of "a" */
	struct memfile		f = MEMFILE_INIT;
	struct err		err;
	uint64_t		at;

	(void)state;
	/* As the writer would, but that the first entry starts at byte 1. */
	buf_u8(&f.b, 0);
	zip_local_write(&h, &f.b);
	buf_u8(&f.b, 'a');
	at = f.b.n;
	zip_central_write(&h, &f.b);
	zip_tail_write(1, at, f.b.n - at, &f.b);
	assert_int_equal(read_all(&f, &err), RC_FORMAT);

	/* And with a byte between the last entry and the directory. */
	buf_reset(&f.b);
	h.header = 0;
	zip_local_write(&h, &f.b);
	buf_add(&f.b, "ab", 2);
	at = f.b.n;
	zip_central_write(&h, &f.b);
	zip_tail_write(1, at, f.b.n - at, &f.b);
	assert_int_equal(read_all(&f, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "belong to no entry"));
	memfile_done(&f);
}

static void
names(void **state)
{
	static const struct { const char *name; bool ok; } row[] = {
		{ "a", true }, { "a/b.c_D-0", true }, { "...", true }, { ".hidden", true }, { "a/..b", true },
		{ "", false }, { "/a", false }, { "a/", false }, { "a//b", false }, { ".", false },
		{ "..", false }, { "../a", false }, { "a/../b", false }, { "a/..", false }, { "./a", false },
		{ "a/.", false }, { "a\\b", false }, { "a b", false }, { "c:a", false }, { "\xc3\xa9", false },
		{ "a\n", false }, { "a*", false }, { "~", false },
	};
	char	longest[ZIP_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(zip_name_ok(row[i].name), row[i].ok);
	memset(longest, 'x', sizeof(longest));
	longest[ZIP_NAME_MAX] = '\0';
	assert_true(zip_name_ok(longest));
	longest[ZIP_NAME_MAX] = 'x';
	longest[ZIP_NAME_MAX + 1] = '\0';
	assert_false(zip_name_ok(longest));
}

static void
two_files_of_one_name(void **state)
{
	static const struct { const char *a, *between, *b; bool clash; } row[] = {
		{ "data/x", "m", "data/x", true },
		{ "data/x", "m", "data/X", true },
		{ "Data/x", "m", "data/X", true },
		{ "data", "data-b", "data/x", true },	/* a file and a folder */
		{ "data/x", "data.b", "DATA", true },
		{ "data/x", "m", "data/y", false },
		{ "data", "m", "datax", false },
	};
	struct err	err;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct memfile	f = MEMFILE_INIT;
		struct file	file[] = { { row[i].a, "1" }, { row[i].between, "2" }, { row[i].b, "3" } };

		assert_int_equal(write_all(&f, file, 3, &err), RC_OK);
		if (row[i].clash) {
			assert_int_equal(read_all(&f, &err), RC_FORMAT);
			assert_non_null(strstr(err.msg, "twice"));
		} else
			assert_int_equal(read_all(&f, &err), RC_OK);
		memfile_done(&f);
	}
}

/* A name that the writer refuses, put into both headers of a good file. */
static void
names_that_the_writer_refuses(void **state)
{
	static const char *const bad[] = { "../a.txt", "/ata.txt", "da/./txt", "data\\a.t", "data//.t",
	    "da\0a.txt" };
	static const struct file one[] = { { "data.txt", "x" } };
	struct err	err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct memfile	f = MEMFILE_INIT;

		assert_int_equal(write_all(&f, one, 1, &err), RC_OK);
		memcpy(f.b.p + ZIP_LOCAL_FIXED, bad[i], 8);
		memcpy(f.b.p + ZIP_LOCAL_FIXED + 8 + 1 + ZIP_CENTRAL_FIXED, bad[i], 8);
		assert_int_equal(read_all(&f, &err), RC_FORMAT);
		assert_non_null(strstr(err.msg, "name"));
		memfile_done(&f);
	}
}

static void
foreign_packages_are_refused(void **state)
{
	static const struct { const char *name, *word; } row[] = {
		{ "package/neg-duplicate-entry.asice", "twice" },
		{ "package/neg-path-traversal.asice", "name" },
		{ "package/neg-data-altered.asice", "" },
		{ "package/neg-manifest-altered.asice", "" },
		{ "package/neg-uncovered-file.asice", "" },
		/* Good, but in another writer's encoding. */
		{ "package/example-evidence-bagit.asice", "as the format has it" },
	};
	struct err	err;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct memfile	f = MEMFILE_INIT;

		if (!vectors_read(row[i].name, &f.b))
			return;
		assert_int_equal(read_all(&f, &err), RC_FORMAT);
		assert_non_null(strstr(err.msg, row[i].word));
		memfile_done(&f);
	}
}

static void
writer_out_of_turn(void **state)
{
	struct memfile		f = MEMFILE_INIT;
	struct zip_writer	*w = NULL;
	uint64_t		size;

	(void)state;
	assert_int_equal(zip_writer_new(memfile_write, &f, &w, NULL), RC_OK);
	assert_int_equal(zip_write(w, SPAN_STR("x"), NULL), RC_BUG);
	assert_int_equal(zip_end(w, NULL, NULL), RC_BUG);
	assert_int_equal(zip_begin(w, "../a", 1, NULL), RC_USAGE);
	assert_int_equal(zip_begin(w, "a", ZIP_FILE_MAX + 1, NULL), RC_LIMIT);
	assert_int_equal(zip_begin(w, "a", 2, NULL), RC_OK);
	assert_int_equal(zip_begin(w, "b", 2, NULL), RC_BUG);
	assert_int_equal(zip_finish(w, &size, NULL), RC_BUG);
	assert_int_equal(zip_write(w, SPAN_STR("x"), NULL), RC_OK);
	assert_int_equal(zip_end(w, NULL, NULL), RC_USAGE);
	assert_int_equal(zip_write(w, SPAN_STR("xx"), NULL), RC_USAGE);
	assert_int_equal(zip_write(w, SPAN_STR("y"), NULL), RC_OK);
	assert_int_equal(zip_end(w, NULL, NULL), RC_OK);
	assert_int_equal(zip_finish(w, &size, NULL), RC_OK);
	assert_int_equal(zip_begin(w, "b", 1, NULL), RC_BUG);
	assert_int_equal(zip_finish(w, &size, NULL), RC_BUG);
	zip_writer_free(w);
	memfile_done(&f);
}

static void
entries_are_counted(void **state)
{
	struct memfile		f = MEMFILE_INIT;
	struct zip_writer	*w = NULL;
	struct zip		*z = NULL;
	char			name[16];
	uint64_t		size;

	(void)state;
	assert_int_equal(zip_writer_new(memfile_write, &f, &w, NULL), RC_OK);
	for (unsigned i = 0; i < ZIP_ENTRIES_MAX; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(zip_add(w, name, SPAN_STR(""), NULL, NULL), RC_OK);
	}
	assert_int_equal(zip_add(w, "more", SPAN_STR(""), NULL, NULL), RC_LIMIT);
	assert_int_equal(zip_finish(w, &size, NULL), RC_OK);
	assert_int_equal(zip_open(memfile_read, &f, size, &z, NULL), RC_OK);
	zip_free(z);
	zip_writer_free(w);
	memfile_done(&f);
}

/* An end that announces more than there may be, or nothing at all. */
static void
counts_are_bounded(void **state)
{
	static const uint32_t	row[] = { 0, ZIP_ENTRIES_MAX + 1, 0xffff };
	struct err		err;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct memfile	f = MEMFILE_INIT;

		zip_tail_write(row[i], 0, 0, &f.b);
		assert_int_equal(read_all(&f, &err), RC_LIMIT);
		memfile_done(&f);
	}
}

static void
set_u16(struct memfile *f, size_t from_end, uint16_t v)
{
	f->b.p[f->b.n - from_end] = (uint8_t)v;
	f->b.p[f->b.n - from_end + 1] = (uint8_t)(v >> 8);
}

/* A directory that is longer than its entries can be, or whose place is told in a way the writer has no need of. */
static void
ends_that_lie(void **state)
{
	static const uint8_t	in_64[4] = { 0xff, 0xff, 0xff, 0xff };
	struct memfile		f = MEMFILE_INIT;
	struct file		many[40];
	char			name[40][8];
	struct err		err;
	uint64_t		at;

	(void)state;
	for (size_t i = 0; i < 40; i++) {
		(void)snprintf(name[i], sizeof(name[i]), "d/%zu", i);
		many[i] = (struct file){ i == 0 ? "mimetype" : name[i], i == 0 ? sample[0].text : "x" };
	}
	assert_int_equal(write_all(&f, many, 40, NULL), RC_OK);
	assert_int_equal(read_all(&f, &err), RC_OK);
	set_u16(&f, ZIP_END_FIXED - 8, 1);
	set_u16(&f, ZIP_END_FIXED - 10, 1);
	assert_int_equal(read_all(&f, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "directory too long for 1 entries"));
	set_u16(&f, ZIP_END_FIXED - 8, 40);
	set_u16(&f, ZIP_END_FIXED - 10, 40);

	/* The end alone, which says that the rest stands before it. */
	memcpy(f.b.p + f.b.n - ZIP_END_FIXED + 16, in_64, sizeof(in_64));
	memmove(f.b.p, f.b.p + f.b.n - ZIP_END_FIXED, ZIP_END_FIXED);
	f.b.n = ZIP_END_FIXED;
	assert_int_equal(read_all(&f, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "not a ZIP file"));

	/* The large form of a place that the small one can tell. */
	buf_reset(&f.b);
	assert_int_equal(write_all(&f, sample, SAMPLES, NULL), RC_OK);
	at = zip_u32(f.b.p + f.b.n - ZIP_END_FIXED + 16);
	for (size_t i = 0; i < ZIP_TAIL_MAX - ZIP_END_FIXED; i++)
		buf_u8(&f.b, 0);
	memmove(f.b.p + f.b.n - ZIP_END_FIXED, f.b.p + f.b.n - ZIP_TAIL_MAX, ZIP_END_FIXED);
	memset(f.b.p + f.b.n - ZIP_TAIL_MAX, 0, ZIP_TAIL_MAX - ZIP_END_FIXED);
	memcpy(f.b.p + f.b.n - ZIP_END_FIXED + 16, in_64, sizeof(in_64));
	for (unsigned i = 0; i < 8; i++)
		f.b.p[f.b.n - ZIP_TAIL_MAX + 48 + i] = (uint8_t)(at >> 8 * i);
	assert_int_equal(read_all(&f, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "zip64 where none is needed"));
	memfile_done(&f);
}

static void
failing_writes_and_allocations(void **state)
{
	struct memfile		f = MEMFILE_INIT;
	struct zip_writer	*w = NULL;
	unsigned long		n;
	unsigned		k;
	uint64_t		size;
	enum rc			rc;

	(void)state;
	for (k = 1; k < 100; k++) {
		buf_reset(&f.b);
		f.fail_at = k;
		if ((rc = write_all(&f, sample, SAMPLES, NULL)) == RC_OK)
			break;
		assert_int_equal(rc, RC_IO);
	}
	assert_int_equal(k, 3 * SAMPLES + 3);
	/* A write that failed is remembered: no later call finishes the file. */
	buf_reset(&f.b);
	assert_int_equal(zip_writer_new(memfile_write, &f, &w, NULL), RC_OK);
	f.fail_at = 1;
	assert_int_equal(zip_begin(w, "a", 0, NULL), RC_IO);
	assert_int_equal(zip_begin(w, "a", 0, NULL), RC_BUG);
	assert_int_equal(zip_finish(w, &size, NULL), RC_BUG);
	zip_writer_free(w);
	for (n = 1;; n++) {
		buf_done(&f.b);
		fault_at(n);
		rc = write_all(&f, sample, SAMPLES, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 1);
	for (n = 1;; n++) {
		fault_at(n);
		rc = read_all(&f, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 4);
	memfile_done(&f);
}

/* A file with holes: what the format says of it, and what another program makes of it. */
#define GIB	(UINT64_C(1) << 30)

static enum rc
fd_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	(void)err;
	return pread(*(int *)user, out, n, (off_t)at) == (ssize_t)n ? RC_OK : RC_IO;
}

static void
put_at(int fd, uint64_t at, const struct buf *b)
{
	assert_int_equal(pwrite(fd, b->p, b->n, (off_t)at), (ssize_t)b->n);
}

static void
large_files_use_zip64(void **state)
{
	struct zip_header	h[] = { { "big", 5 * GIB, 0, 0 }, { "far", 1, 0, 0xE8B7BE43 } };
	char			path[] = "/tmp/quorate-zip64-XXXXXX", command[96];
	struct buf		b = BUF_INIT(4096), central = BUF_INIT(4096);
	struct zip_entry	e;
	struct zip		*z = NULL;
	uint64_t		at;
	uint8_t			byte;
	int			fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	zip_local_write(&h[0], &b);
	assert_int_equal(b.n, ZIP_LOCAL_FIXED + 3 + 20);
	put_at(fd, 0, &b);
	at = h[1].header = b.n + h[0].size;
	buf_reset(&b);
	zip_local_write(&h[1], &b);
	buf_u8(&b, 'a');
	put_at(fd, at, &b);
	at += b.n;
	zip_central_write(&h[0], &central);
	zip_central_write(&h[1], &central);
	buf_reset(&b);
	buf_span(&b, buf_view(&central));
	zip_tail_write(2, at, central.n, &b);
	put_at(fd, at, &b);
	assert_int_equal(zip_open(fd_read, &fd, at + b.n, &z, NULL), RC_OK);
	assert_int_equal(zip_find(z, "far", NULL, &e, NULL), RC_OK);
	assert_int_equal(zip_read(z, &e, 0, &byte, 1, NULL), RC_OK);
	assert_int_equal(byte, 'a');
	assert_int_equal(zip_find(z, "big", NULL, &e, NULL), RC_OK);
	assert_true(e.size == 5 * GIB);
	zip_free(z);
	if (tool_here("unzip")) {
		snprintf(command, sizeof(command), "test \"$(unzip -p %s far)\" = a", path);
		assert_true(tool_ok(command));
	}
	close(fd);
	unlink(path);
	buf_done(&b);
	buf_done(&central);
}

static void
check_vector(const struct own *v)
{
	static uint8_t	bytes[4096];
	size_t		n = own_bytes(v, "zip", bytes, sizeof(bytes));
	struct memfile	f = { .b = { heap_copy(bytes, n), n, n, n, RC_OK } };
	struct err	err = { .msg = "" };

	if (read_all(&f, &err) != own_expect(v))
		fail_msg("%s: %s", v->name, err.msg);
	memfile_done(&f);
}

static void
vectors(void **state)
{
	(void)state;
	assert_true(own_each("package-v1", check_vector) > (own_elsewhere() ? 0 : 16));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_of_the_check_string),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(other_programs_read_it),
		cmocka_unit_test(any_byte_changed_is_refused),
		cmocka_unit_test(no_byte_may_be_missing_or_added),
		cmocka_unit_test(bytes_between_entries_are_refused),
		cmocka_unit_test(names),
		cmocka_unit_test(two_files_of_one_name),
		cmocka_unit_test(names_that_the_writer_refuses),
		cmocka_unit_test(foreign_packages_are_refused),
		cmocka_unit_test(writer_out_of_turn),
		cmocka_unit_test(entries_are_counted),
		cmocka_unit_test(counts_are_bounded),
		cmocka_unit_test(ends_that_lie),
		cmocka_unit_test(failing_writes_and_allocations),
		cmocka_unit_test(large_files_use_zip64),
		cmocka_unit_test(vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
