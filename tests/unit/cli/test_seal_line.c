/* What `quorate seal --batch` reads: seal-batch-v1 sections 1 and 2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "cli/seal_line.h"

static enum rc
read_line(const char *text, struct seal_line *l, struct err *err)
{
	return seal_line_read(span_str(text), NULL, NULL, l, err);
}

static void
an_order_is_read(void **state)
{
	struct seal_line	l;
	struct err		err;

	(void)state;
	assert_int_equal(read_line("{\"ref\":\"r 1\",\"policy\":\"standard\",\"class\":\"short\",\"record\":\"/r\","
	    "\"parts\":{\"prompt\":\"/p\",\"image\":\"-\"}}", &l, &err), RC_OK);
	assert_string_equal(l.ref, "r 1");
	assert_string_equal(l.order.policy, "standard");
	assert_string_equal(l.order.class_id, "short");
	assert_string_equal(l.order.record, "/r");
	assert_true(l.order.files_only);		/* "-" is a file of that name, not standard input */
	assert_int_equal(l.order.n_parts, 2);
	assert_string_equal(l.order.part[0].name, "image");
	assert_string_equal(l.order.part[0].path, "-");
	assert_string_equal(l.order.part[1].name, "prompt");
	seal_line_done(&l);
}

static void
what_a_line_leaves_out_is_the_command_lines(void **state)
{
	static const char	text[] = "{\"ref\":\"\",\"parts\":{\"a\":\"/p\"}}";
	struct seal_line	l;
	struct err		err;

	(void)state;
	assert_int_equal(seal_line_read(span_str(text), "standard", "long", &l, &err), RC_OK);
	assert_string_equal(l.order.policy, "standard");
	assert_string_equal(l.order.class_id, "long");
	assert_null(l.order.record);
	seal_line_done(&l);
	assert_int_equal(read_line(text, &l, &err), RC_USAGE);
	assert_non_null(strstr(err.msg, "--policy"));
	assert_string_equal(l.ref, "");
	seal_line_done(&l);
}

static void
what_is_none_is_refused(void **state)
{
	static const struct { const char *text; enum rc rc; const char *ref; } lines[] = {
		{ "{", RC_FORMAT, NULL },
		{ "[]", RC_FORMAT, NULL },
		{ "{\"ref\":\"a\"}", RC_FORMAT, "a" },
		{ "{\"ref\":1,\"policy\":\"p\",\"parts\":{\"a\":\"/p\"}}", RC_FORMAT, NULL },
		{ "{\"policy\":\"p\",\"parts\":{\"a\":\"/p\"}}", RC_FORMAT, NULL },
		{ "{\"ref\":\"a\",\"policy\":\"p\",\"parts\":{\"a\":\"/p\"},\"more\":1}", RC_FORMAT, "a" },
		{ "{\"ref\":\"a\",\"ref\":\"b\",\"policy\":\"p\",\"parts\":{\"a\":\"/p\"}}", RC_FORMAT, NULL },
		{ "{\"ref\":\"a\",\"policy\":\"p\",\"parts\":{\"a\":\"/p\",\"a\":\"/q\"}}", RC_FORMAT, NULL },
		{ "{\"ref\":\"a\",\"policy\":\"p\",\"parts\":{}}", RC_USAGE, "a" },
		{ "{\"ref\":\"a\",\"policy\":\"p\",\"parts\":{\"a\":\"\"}}", RC_FORMAT, "a" },
		{ "{\"ref\":\"a\",\"policy\":\"p\",\"parts\":{\"a\":7}}", RC_FORMAT, "a" },
		{ "{\"ref\":\"a\",\"policy\":\"p\",\"parts\":{\"\":\"/p\"}}", RC_USAGE, "a" },
		{ "{\"ref\":\"a\",\"policy\":\"p\",\"parts\":{\"A\":\"/p\"}}", RC_USAGE, "a" },
		{ "{\"ref\":\"a\",\"policy\":\"p\",\"parts\":{\"a123456789012345678901234567890123\":\"/p\"}}", RC_USAGE, "a" },
		{ "{\"ref\":\"a\",\"policy\":\"p\",\"parts\":{\"a\":\"/p\"}} x", RC_FORMAT, NULL },
	};
	struct seal_line	l;
	struct err		err;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(read_line(lines[i].text, &l, &err), lines[i].rc);
		if (lines[i].ref == NULL)
			assert_null(l.ref);
		else
			assert_string_equal(l.ref, lines[i].ref);
		seal_line_done(&l);
	}
}

/* n parts, and a ref of so many bytes. */
static enum rc
of_size(size_t parts, size_t ref, struct seal_line *l, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(1 << 20);
	enum rc	rc;

	buf_printf(&b, "{\"policy\":\"p\",\"ref\":\"");
	for (size_t i = 0; i < ref; i++)
		buf_u8(&b, 'r');
	buf_printf(&b, "\",\"parts\":{");
	for (size_t i = 0; i < parts; i++)
		buf_printf(&b, "%s\"p%zu\":\"/p\"", i > 0 ? "," : "", i);
	buf_printf(&b, "}}");
	rc = seal_line_read(buf_view(&b), NULL, NULL, l, err);
	return rc;
}

static void
bounds_hold(void **state)
{
	static const struct { size_t parts, ref; enum rc rc; } sizes[] = {
		{ PARTS_MAX, 1, RC_OK }, { PARTS_MAX + 1, 1, RC_USAGE },
		{ 1, SEAL_REF_MAX, RC_OK }, { 1, SEAL_REF_MAX + 1, RC_FORMAT }, { 1, SEAL_LINE_MAX, RC_LIMIT },
	};
	struct seal_line	l;
	struct err		err;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(of_size(sizes[i].parts, sizes[i].ref, &l, &err), sizes[i].rc);
		assert_true((l.ref == NULL) == (sizes[i].ref > SEAL_REF_MAX));
		seal_line_done(&l);
	}
}

static void
put_file(const char *path, const char *text)
{
	FILE	*f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* What is not there, is a folder or a pipe; and "-" is not where the orders come from. */
static void
records_are_regular_files(void **state)
{
	static const struct { const char *path; enum rc rc; } records[] = {
		{ "part/none", RC_IO }, { "none", RC_USAGE }, { ".", RC_USAGE }, { "pipe", RC_USAGE }, { "-", RC_USAGE },
		{ "empty", RC_OK }, { "part", RC_OK },
	};
	char			dir[] = "/tmp/quorate-unit.XXXXXX", text[256];
	struct seal_line	l;
	struct err		err;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	put_file("part", "p");
	put_file("empty", "");
	assert_int_equal(mkfifo("pipe", 0600), 0);
	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		(void)snprintf(text, sizeof(text), "{\"ref\":\"\",\"policy\":\"p\",\"record\":\"%s\",\"parts\":{\"a\":\"part\"}}",
		    records[i].path);
		assert_int_equal(read_line(text, &l, &err), RC_OK);
		assert_int_equal(seal_order_look(&l.order, &err), records[i].rc);
		seal_line_done(&l);
	}
	assert_int_equal(unlink("part") | unlink("empty") | unlink("pipe"), 0);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(dir), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(records_are_regular_files),
		cmocka_unit_test(an_order_is_read),
		cmocka_unit_test(what_a_line_leaves_out_is_the_command_lines),
		cmocka_unit_test(what_is_none_is_refused),
		cmocka_unit_test(bounds_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
