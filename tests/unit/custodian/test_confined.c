/* What the processes of custodiand may still do: each in a child, with a real token and real ports. */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "custodian/confined.h"
#include "tests/unit/custodian/bench.h"

static struct bench_place	place;

/* Which version of Landlock, asked before it cannot be asked any more: 1 files, 4 ports. */
static long	landlock;

static int
in_child(int (*what)(void))
{
	pid_t	pid = fork();
	int	status;

	if (pid == 0)
		_exit(what());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static bool
opens(const char *dir, const char *name, int flags)
{
	char	path[256];
	int	fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	if ((fd = open(path, flags | O_CLOEXEC, 0600)) >= 0)
		(void)close(fd);
	return fd >= 0;
}

static bool
may_make(int family)
{
	int	fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/* ---- keeper ---- */

static enum rc
confine_keeper(size_t n_places, struct err *err)
{
	static struct custody	c;
	struct err		first;

	c.config = place.config;
	if (config_keys(&c.config, &c.hsm, &c.share_key, &c.signer, &first) != RC_OK)
		abort();
	c.config.token.n_places = n_places;
	return keeper_confine(&c, err);
}

static int
keeper(void)
{
	struct err	err;

	if (confine_keeper(2, &err) != RC_OK)
		return 10;
	if (!opens(place.dir, "new", O_RDWR | O_CREAT) || !opens(place.dir, "tls.key", O_RDONLY))
		return 11;
	if (may_make(AF_INET) || may_make(AF_INET6) || !may_make(AF_UNIX) || fork() != -1)
		return 12;
	if (landlock < 1)
		return 0;
	if (opens(place.root, "pin", O_RDONLY) || opens("/etc", "passwd", O_RDONLY) || opens("/dev", "null", O_WRONLY))
		return 13;
	/* A file is read, a folder is written to. */
	return opens(place.root, "softhsm.conf", O_RDONLY) && !opens(place.root, "softhsm.conf", O_RDWR) &&
	    opens(place.root, "tokens/new", O_RDWR | O_CREAT) ? 0 : 14;
}

static int
keeper_without_places(void)
{
	struct err	err;

	if (landlock < 1)
		return 0;
	return confine_keeper(0, &err) == RC_USAGE && strstr(err.msg, "token.places in ") != NULL ? 0 : 10;
}

static int
keeper_nowhere(void)
{
	struct err	err;

	if (landlock < 1)
		return 0;
	(void)snprintf(place.config.token.place[1], sizeof(place.config.token.place[1]), "/nowhere/at/all");
	return confine_keeper(2, &err) == RC_IO && strstr(err.msg, "token.places in ") != NULL &&
	    strstr(err.msg, "/nowhere/at/all") != NULL ? 0 : 10;
}

static void
the_keeper(void **state)
{
	(void)state;
	assert_int_equal(in_child(keeper), 0);
	assert_int_equal(in_child(keeper_without_places), 0);
	assert_int_equal(in_child(keeper_nowhere), 0);
}

/* ---- listener ---- */

static uint16_t	own, peer, other;

static int
listening(uint16_t *port)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		n = sizeof(a);
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static bool
at_port(uint16_t port, int (*call)(int fd, const struct sockaddr *a, socklen_t n))
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool			ok = call(fd, (const struct sockaddr *)&a, sizeof(a)) == 0 || (errno != EACCES && errno != EPERM);

	(void)close(fd);
	return ok;
}

static int
listener(void)
{
	static struct charter	charter = { .n = 1 };
	struct err		err;

	(void)snprintf(place.config.listen, sizeof(place.config.listen), "127.0.0.1:%u", own);
	(void)snprintf(charter.custodian[0].address, sizeof(charter.custodian[0].address), "localhost:%u", peer);
	if (listener_confine(&place.config, &charter, &err) != RC_OK)
		return 10;
	if (may_make(AF_UNIX) || !may_make(AF_INET6) || fork() != -1 || opens(place.dir, "new", O_RDWR | O_CREAT))
		return 11;
	if (landlock < 1)
		return 0;
	if (opens(place.dir, "tls.key", O_RDONLY) || opens(place.root, "pin", O_RDONLY) || opens("/etc", "passwd", O_RDONLY))
		return 12;
	if (file_exists("/etc/hosts") && !opens("/etc", "hosts", O_RDONLY))
		return 13;
	if (landlock < 4)
		return 0;
	if (!at_port(own, bind) || !at_port(0, bind) || !at_port(own, connect) || !at_port(peer, connect) || !at_port(53, connect))
		return 14;
	return !at_port(peer, bind) && !at_port(other, bind) && !at_port(other, connect) ? 0 : 15;
}

static void
the_listener(void **state)
{
	int	fd[3] = { listening(&own), listening(&peer), listening(&other) };

	(void)state;
	(void)close(fd[0]);
	assert_int_equal(in_child(listener), 0);
	(void)close(fd[1]);
	(void)close(fd[2]);
}

/* ---- parent ---- */

static int
parent(void)
{
	struct err	err;
	int		status;
	pid_t		pid;

	if (parent_confine(&err) != RC_OK)
		return 10;
	if ((pid = fork()) == 0)
		(void)execl("/bin/true", "true", (char *)NULL);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 11;
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS ? 0 : 12;
}

static void
the_parent(void **state)
{
	(void)state;
	assert_int_equal(in_child(parent), 0);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(the_keeper),
		cmocka_unit_test(the_listener),
		cmocka_unit_test(the_parent),
	};
	int	failed;

	landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (!bench_place_up(&place))
		return 0;
	bench_place_close(&place);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}
