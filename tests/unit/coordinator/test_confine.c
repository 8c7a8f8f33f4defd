/* What a confined process may still open: in a child each, for it cannot be undone. */
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "coordinator/confine.h"
#include "edge/file.h"
#include "tests/unit/coordinator/rig.h"

static bool
opens(const char *path, int flags)
{
	int	fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/* 0: as it must be; otherwise what was not. */
static int
confined(const char *dir, const char *inside, const char *new)
{
	int	held = open(inside, O_RDONLY | O_CLOEXEC);
	char	c;
	bool	whole;

	if (!opens(inside, O_RDWR) || !opens("/etc/passwd", O_RDONLY))
		return 1;
	if (confine(dir, &whole, NULL) != RC_OK)
		return 2;
	if (!opens(inside, O_RDONLY))
		return 3;
	if (opens(inside, O_RDWR) || opens(inside, O_WRONLY) || opens(new, O_RDWR | O_CREAT))
		return 4;
	if (opens("/etc/passwd", O_RDONLY) || unlink(inside) == 0)
		return 5;
	if (confine(NULL, &whole, NULL) != RC_OK || opens(inside, O_RDONLY))
		return 6;
	return read(held, &c, 1) == 1 ? 0 : 7;
}

static void
test_confine(void **state)
{
	char	dir[64], inside[96], new[96];
	int	status;
	pid_t	pid;

	(void)state;
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 3) {
		print_message("skipped: this kernel has no Landlock\n");
		skip();
	}
	rig_folder(dir);
	(void)snprintf(inside, sizeof(inside), "%s/file", dir);
	(void)snprintf(new, sizeof(new), "%s/new", dir);
	assert_int_equal(file_write(inside, SPAN_STR("words"), 0600, NULL), RC_OK);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(confined(dir, inside, new));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	rig_remove(dir);
}

static void
test_no_folder(void **state)
{
	struct err	err;
	bool		whole;
	pid_t		pid = fork();
	int		status;

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0)		/* on a kernel without Landlock there is nothing to fail */
		_exit(confine("/nowhere/at/all", &whole, &err) == RC_IO || !whole ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_confine),
		cmocka_unit_test(test_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
