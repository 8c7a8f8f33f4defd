/*
 * custodian/run.c - the parent: starts keeper and listener, starts the listener again.
 *
 * It holds nothing and talks to nobody. When the keeper ends, all of it ends: a
 * custodian whose keeper stopped needs a person or its service manager.
 */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "custodian/frame.h"
#include "custodian/methods.h"
#include "edge/options.h"

#define RESTARTS_MAX	5	/* listeners that fail within START_SECONDS, in a row */
#define START_SECONDS	5

static volatile sig_atomic_t	stop_signal;

static void
on_stop(int sig)
{
	stop_signal = sig;
}

struct child {
	int	(*run)(const char *dir, int fd);
	const char	*word;
};

/* Before any library that starts threads; the child dies with us. */
static enum rc
spawn(const struct child *c, const char *dir, const char *name, int fd, int other, pid_t *ret, struct err *err)
{
	pid_t	parent = getpid(), pid = fork();
	char	who[160];

	if (pid < 0)
		return err_set(err, RC_IO, "cannot start the %s: %s", c->word, strerror(errno));
	if (pid == 0) {
		(void)close(other);
		(void)signal(SIGTERM, SIG_DFL);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
			_exit(EXIT_IO);
		(void)snprintf(who, sizeof(who), "%.80s %s", name, c->word);
		log_name("custodiand", who);
		_exit(c->run(dir, fd));
	}
	*ret = pid;
	return RC_OK;
}

struct family {
	const char	*dir;
	char		 name[NAME_MAX_BYTES + 1];
	int		 keeper_fd, listener_fd;
	pid_t		 keeper, listener;
	unsigned	 failed;
	uint64_t	 started;
};

static const struct child	keeper_child = { keeper_main, "keeper" };
static const struct child	listener_child = { listener_main, "listener" };

static enum rc
start_listener(struct family *f, struct err *err)
{
	f->started = clock_ms();
	return spawn(&listener_child, f->dir, f->name, f->listener_fd, f->keeper_fd, &f->listener, err);
}

/* The listener opens the port only when the keeper can answer. */
static enum rc
start_keeper(struct family *f, struct err *err)
{
	struct frame	hello = { .payload = BUF_INIT(16) };
	int		fd[2];
	enum rc		rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return err_set(err, RC_IO, "socketpair: %s", strerror(errno));
	f->keeper_fd = fd[0];
	f->listener_fd = fd[1];
	TRY(spawn(&keeper_child, f->dir, f->name, fd[0], fd[1], &f->keeper, err));
	(void)close(fd[0]);
	f->keeper_fd = -1;
	rc = frame_read(fd[1], 60000, &hello, err);
	buf_done(&hello.payload);
	return rc == RC_OK ? RC_OK : err_set(err, RC_IO, "the keeper did not start; see the line above");
}

static enum rc
listener_ended(struct family *f, int status, struct err *err)
{
	f->listener = 0;
	if (stop_signal != 0)
		return RC_OK;
	f->failed = clock_ms() - f->started < START_SECONDS * 1000 ? f->failed + 1 : 0;
	log_line("the listener ended (status %d)", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	if (f->failed >= RESTARTS_MAX || (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_USAGE))
		return err_set(err, RC_IO, "the listener does not stay up; see its last line");
	(void)sleep(f->failed == 0 ? 0 : 1);
	return start_listener(f, err);
}

static void
end_family(struct family *f)
{
	if (f->listener > 0)
		(void)kill(f->listener, SIGTERM);
	if (f->listener > 0)
		(void)waitpid(f->listener, NULL, 0);
	if (f->listener_fd >= 0)
		(void)close(f->listener_fd);	/* the keeper reads the end */
	if (f->keeper > 0)
		(void)waitpid(f->keeper, NULL, 0);
}

static enum rc
supervise(struct family *f, struct err *err)
{
	int	status;
	pid_t	pid;

	while (stop_signal == 0) {
		pid = waitpid(-1, &status, 0);
		if (pid < 0 && errno == EINTR)
			continue;
		if (pid == f->keeper) {
			f->keeper = 0;
			return err_set(err, RC_IO, "the keeper ended (status %d)",
			    WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
		}
		if (pid == f->listener)
			TRY(listener_ended(f, status, err));
		if (pid < 0)
			return err_set(err, RC_BUG, "no children left");
	}
	return RC_OK;
}

static enum rc
run(const char *dir, struct err *err)
{
	struct custodian_config	config;
	struct family		f = { .dir = dir, .keeper_fd = -1, .listener_fd = -1 };
	struct sigaction	sa = { .sa_handler = on_stop };
	enum rc			rc;

	TRY(config_read(dir, &config, err));
	(void)snprintf(f.name, sizeof(f.name), "%s", config.name);
	log_name("custodiand", config.name);
	(void)sigaction(SIGTERM, &sa, NULL);
	(void)sigaction(SIGINT, &sa, NULL);
	rc = start_keeper(&f, err);
	if (rc == RC_OK)
		rc = start_listener(&f, err);
	if (rc == RC_OK)
		rc = supervise(&f, err);
	end_family(&f);
	return rc;
}

enum rc
custodian_run(int argc, char **argv, struct err *err)
{
	const char		*dir = NULL;
	const struct command	 c = {
		"custodiand run DIR",
		"Serves in the foreground: a listener that parses the network and a keeper that holds the\n"
		"shares. Ends on SIGTERM.",
		NULL, 0 };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &dir, 1, 1, &n, &help, err));
	return help ? RC_OK : run(dir, err);
}
