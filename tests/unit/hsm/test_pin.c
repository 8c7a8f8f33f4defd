#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hsm/internal.h"
#include "tests/unit/fault.h"
#include "tests/unit/hsm/tokens.h"

static struct tokens	t;
static char		path[128];

static int
up(void **state)
{
	(void)state;
	tokens_up(&t);
	snprintf(path, sizeof(path), "%s/p", t.dir);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	tokens_down(&t);
	return 0;
}

static const char	longest[] =
    "0123456789012345678901234567890123456789012345678901234567890123"
    "0123456789012345678901234567890123456789012345678901234567890123";

static void
test_read(void **state)
{
	static const struct {
		const char	*text, *pin;
	} good[] = {
		{ "1234", "1234" },
		{ "1234\n", "1234" },
		{ " 12 34 ", " 12 34 " },
		{ longest, longest },
	};
	struct err	err;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		AUTO(secret_free) struct secret *pin = NULL;

		write_file(path, good[i].text, i % 2 == 0 ? 0600 : 0400);
		must(hsm_pin_read(path, &pin, &err), &err);
		assert_int_equal(secret_len(pin), strlen(good[i].pin));
		assert_memory_equal(secret_view(pin), good[i].pin, secret_len(pin));
	}
}

static void
refused(enum rc want, const char *word)
{
	struct secret	*pin = NULL;
	struct err	 err;

	assert_int_equal(hsm_pin_read(path, &pin, &err), want);
	assert_null(pin);
	if (strstr(err.msg, word) == NULL)
		fail_msg("\"%s\" does not say %s", err.msg, word);
	assert_null(strstr(err.msg, "1234"));
}

static void
test_refuse(void **state)
{
	static const unsigned	modes[] = { 0640, 0620, 0610, 0604, 0602, 0601 };
	char	text[200];

	(void)state;
	unlink(path);
	refused(RC_MISSING, "No such file");
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		write_file(path, "1234", modes[i]);
		refused(RC_USAGE, "chmod 600");
	}
	write_file(path, "", 0600);
	refused(RC_USAGE, "empty");
	write_file(path, "\n", 0600);
	refused(RC_USAGE, "empty");
	write_file(path, "1234\n5678\n", 0600);
	refused(RC_USAGE, "more than one line");
	snprintf(text, sizeof(text), "%sx", longest);
	write_file(path, text, 0600);
	refused(RC_USAGE, "more than 128");
	snprintf(text, sizeof(text), "%s\n\n", longest);
	write_file(path, text, 0600);
	refused(RC_USAGE, "more than 128");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	refused(RC_USAGE, "not a regular file");
	rmdir(path);
	assert_int_equal(mkfifo(path, 0600), 0);	/* and does not wait for a writer */
	refused(RC_USAGE, "not a regular file");
	unlink(path);
}

static void
test_foreign(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		printf("skipped: only root can make a file of another user\n");
		return;
	}
	write_file(path, "1234", 0600);
	assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
	refused(RC_USAGE, "another user");
}

static void
test_no_memory(void **state)
{
	struct secret	*pin = NULL;
	unsigned long	 n;
	enum rc		 rc;

	(void)state;
	unlink(path);
	write_file(path, "1234", 0600);
	for (n = 1;; n++) {
		fault_at(n);
		rc = hsm_pin_read(path, &pin, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(pin);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 1);
	secret_free(pin);
}

static void
test_guard(void **state)
{
	AUTO(secret_free) struct secret *one = NULL, *two = NULL;
	struct stat	st;
	struct err	err;
	char		text[200] = "";
	FILE		*f;

	(void)state;
	must(hsm_pin_read(t.pin_file, &one, &err), &err);
	must(hsm_pin_read(t.wrong_pin_file, &two, &err), &err);
	unlink(path);
	must(hsm_guard_check(path, one, &err), &err);
	must(hsm_guard_note(path, one, &err), &err);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(hsm_guard_check(path, one, &err), RC_DENIED);
	must(hsm_guard_check(path, two, &err), &err);
	/* The file does not give the PIN away, nor the same thing for the same PIN. */
	assert_non_null(f = fopen(path, "r"));
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_int_equal(strlen(text), 96);
	assert_null(strstr(text, TOKEN_PIN));
	/* Every truncation, and one byte more, is doubt; doubt is no login. */
	for (size_t n = 0; n < strlen(text); n += 5) {
		char	cut[200] = "";

		memcpy(cut, text, n);
		write_file(path, cut, 0600);
		assert_int_equal(hsm_guard_check(path, two, &err), RC_USAGE);
	}
	strcat(text, "0");
	write_file(path, text, 0600);
	assert_int_equal(hsm_guard_check(path, two, &err), RC_USAGE);
	hsm_guard_forget(path);
	must(hsm_guard_check(path, one, &err), &err);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refuse),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_guard),
	};

	return cmocka_run_group_tests(tests, up, down);
}
