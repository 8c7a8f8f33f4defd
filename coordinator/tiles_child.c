/* coordinator/tiles_child.c - the parent's end of the tile server. See tiles_child.h. */
#include <sys/pidfd.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/tiles_child.h"
#include "edge/edge.h"
#include "edge/file.h"

#define AGAIN_MS	1000u		/* before it is started again, doubled each time */
#define AGAIN_MS_MAX	60000u
#define STEADY_MS	60000u		/* who lived so long starts from AGAIN_MS */
#define LEAVE_MS	1000		/* for its answers, when we end */

struct tiles_child {
	char		dir[FILE_PATH_MAX];
	char		genesis[HEX_BYTES(SHA256_BYTES)];
	int		stop[2];	/* a pipe: closed to say so */
	pthread_t	thread;
};

/* Standard input is the pipe, standard output nothing, the log ours. */
static int
actions_fill(posix_spawn_file_actions_t *a, int in)
{
	int	e;

	if ((e = posix_spawn_file_actions_adddup2(a, in, 0)) != 0 ||
	    (e = posix_spawn_file_actions_addopen(a, 1, "/dev/null", O_WRONLY, 0)) != 0)
		return e;
	return posix_spawn_file_actions_addclosefrom_np(a, 3);
}

static int
attributes_fill(posix_spawnattr_t *a)
{
	sigset_t	none;
	int		e;

	(void)sigemptyset(&none);
	if ((e = posix_spawnattr_setsigmask(a, &none)) != 0)
		return e;
	return posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK);
}

static int
spawn(struct tiles_child *c, int in, pid_t *ret)
{
	char	name[] = "coordinatord", command[] = TILES_COMMAND;
	char	*argv[] = { name, command, c->dir, c->genesis, NULL }, *envp[] = { NULL };
	posix_spawn_file_actions_t	actions;
	posix_spawnattr_t		attributes;
	int				e;

	if ((e = posix_spawn_file_actions_init(&actions)) != 0)
		return e;
	if ((e = posix_spawnattr_init(&attributes)) != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return e;
	}
	e = actions_fill(&actions, in);
	if (e == 0)
		e = attributes_fill(&attributes);
	if (e == 0)
		e = posix_spawn(ret, "/proc/self/exe", &actions, &attributes, argv, envp);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return e;
}

/* True: it is time to end. fd may be -1; else its being readable ends the wait as well. */
static bool
wait_for(struct tiles_child *c, int fd, int ms)
{
	struct pollfd	p[2] = { { .fd = c->stop[0], .events = POLLIN }, { .fd = fd, .events = POLLIN } };

	while (poll(p, 2, ms) < 0 && errno == EINTR)
		;
	return p[0].revents != 0;
}

static void
reap(pid_t pid, int *ret)
{
	*ret = 0;
	while (waitpid(pid, ret, 0) < 0 && errno == EINTR)
		;
}

static void
say_end(int status)
{
	if (WIFSIGNALED(status))
		log_line("the tile server died of signal %d; it is started again", WTERMSIG(status));
	else
		log_line("the tile server ended with %d; it is started again", WEXITSTATUS(status));
}

/* From its start to its end. True: we are to end too. */
static bool
one_life(struct tiles_child *c)
{
	int	pipe_fd[2], pidfd, e, status;
	pid_t	pid = 0;
	bool	stop;

	if (pipe2(pipe_fd, O_CLOEXEC) != 0) {
		log_line("tile server: %s", strerror(errno));
		return false;
	}
	e = spawn(c, pipe_fd[0], &pid);
	(void)close(pipe_fd[0]);
	if (e != 0) {
		(void)close(pipe_fd[1]);
		log_line("tile server: %s", strerror(e));
		return false;
	}
	pidfd = pidfd_open(pid, 0);
	stop = pidfd < 0 || wait_for(c, pidfd, -1);
	(void)close(pipe_fd[1]);
	if (stop && (pidfd < 0 || poll(&(struct pollfd){ .fd = pidfd, .events = POLLIN }, 1, LEAVE_MS) != 1))
		(void)kill(pid, SIGKILL);
	reap(pid, &status);
	if (pidfd >= 0)
		(void)close(pidfd);
	if (!stop)
		say_end(status);
	return stop && pidfd >= 0;
}

/* The child is bound to this thread's life as well: it lasts as long as the process serves. */
static void *
keep(void *user)
{
	struct tiles_child	*c = user;
	unsigned		 again = AGAIN_MS;
	uint64_t		 since = clock_ms();

	while (!one_life(c)) {
		if (clock_ms() - since >= STEADY_MS)
			again = AGAIN_MS;
		if (wait_for(c, -1, (int)again))
			break;
		again = again < AGAIN_MS_MAX / 2 ? 2 * again : AGAIN_MS_MAX;
		since = clock_ms();
	}
	return NULL;
}

enum rc
tiles_child_new(const char *dir, const uint8_t genesis[SHA256_BYTES], struct tiles_child **ret, struct err *err)
{
	struct tiles_child	*c = calloc(1, sizeof(*c));

	if (c == NULL)
		return err_set(err, RC_NOMEM, "tile server: no memory");
	if (file_path(c->dir, err, "%s", dir) != RC_OK || pipe2(c->stop, O_CLOEXEC) != 0) {
		free(c);
		return err_set(err, RC_IO, "tile server: no pipe");
	}
	(void)hex_write(SPAN(genesis, SHA256_BYTES), c->genesis);
	if (pthread_create(&c->thread, NULL, keep, c) != 0) {
		(void)close(c->stop[0]);
		(void)close(c->stop[1]);
		free(c);
		return err_set(err, RC_IO, "tile server: no thread");
	}
	*ret = c;
	return RC_OK;
}

void
tiles_child_free(struct tiles_child *c)
{
	if (c == NULL)
		return;
	(void)close(c->stop[1]);
	(void)pthread_join(c->thread, NULL);
	(void)close(c->stop[0]);
	free(c);
}
