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
#include <time.h>
#include <unistd.h>

#include "custodian/confined.h"
#include "custodian/frame.h"
#include "custodian/methods.h"
#include "edge/options.h"

#define RESTARTS_MAX	5	/* listeners that fail within START_SECONDS, in a row */
#define START_SECONDS	5
#define KEEPER_SECONDS	60	/* for a token to open */
#define END_MS		1200	/* for a child to end by itself; durable is what was acknowledged */
#define LOOK_UP_MS	200

struct child {
	int		(*run)(const char *dir, int fd);
	const char	*word;
};

static const struct child	keeper_child = { keeper_main, "keeper" };
static const struct child	listener_child = { listener_main, "listener" };

struct family {
	const char	*dir;
	char		 name[NAME_MAX_BYTES + 1];
	sigset_t	 signals, before;	/* blocked here; what the children get back */
	int		 control;		/* to the keeper */
	pid_t		 keeper, listener;	/* 0: none */
	unsigned	 failed;
	uint64_t	 started;
	bool		 stop;
};

/* Waits for a signal for at most ms; true: we are to stop. */
static bool
told_to_stop(struct family *f, unsigned ms)
{
	const struct timespec	t = { ms / 1000, (long)(ms % 1000) * 1000000L };
	int			sig = sigtimedwait(&f->signals, NULL, &t);

	if (sig == SIGTERM || sig == SIGINT)
		f->stop = true;
	return f->stop;
}

/* Before any library that starts threads; the child dies with us. */
static enum rc
spawn(struct family *f, const struct child *c, int fd, const int *shut, size_t n_shut, pid_t *ret, struct err *err)
{
	pid_t	parent = getpid(), pid = fork();
	char	who[160];
	size_t	i;

	if (pid < 0)
		return err_set(err, RC_IO, "cannot start the %s: %s", c->word, strerror(errno));
	if (pid == 0) {
		for (i = 0; i < n_shut; i++)
			(void)close(shut[i]);
		(void)sigprocmask(SIG_SETMASK, &f->before, NULL);
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
			_exit(EXIT_IO);
		(void)prctl(PR_SET_NAME, c->word, 0, 0, 0);	/* what ps and top call it */
		(void)snprintf(who, sizeof(who), "%.80s %s", f->name, c->word);
		log_name("custodiand", who);
		_exit(c->run(f->dir, fd));
	}
	*ret = pid;
	return RC_OK;
}

static void
shut_pair(const int fd[2])
{
	(void)close(fd[0]);
	(void)close(fd[1]);
}

/* Each listener has a socket of its own to the keeper: what the last one left half said is gone. */
static enum rc
start_listener(struct family *f, struct err *err)
{
	int	fd[2], shut[2];
	enum rc	rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return err_set(err, RC_IO, "socketpair: %s", strerror(errno));
	shut[0] = fd[0];
	shut[1] = f->control;
	f->started = clock_ms();
	rc = frame_fd_send(f->control, fd[0], err);
	if (rc == RC_OK)
		rc = spawn(f, &listener_child, fd[1], shut, 2, &f->listener, err);
	shut_pair(fd);
	return rc;
}

/* The listener opens the port only when the keeper can answer. */
static enum rc
await_keeper(struct family *f, struct err *err)
{
	struct frame	hello = { .payload = BUF_INIT(16) };
	uint64_t	end = clock_ms() + KEEPER_SECONDS * 1000;
	enum rc		rc;

	do
		rc = frame_read(f->control, LOOK_UP_MS, &hello, err);
	while (rc == RC_UNSURE && clock_ms() < end && !told_to_stop(f, 0));
	buf_done(&hello.payload);
	if (rc == RC_OK || f->stop)
		return RC_OK;
	return err_set(err, RC_IO, rc == RC_UNSURE ? "the keeper does not start: its token does not answer" :
	    "the keeper did not start; see the line above");
}

static enum rc
start_keeper(struct family *f, struct err *err)
{
	int	fd[2];
	enum rc	rc;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return err_set(err, RC_IO, "socketpair: %s", strerror(errno));
	f->control = fd[1];
	rc = spawn(f, &keeper_child, fd[0], &fd[1], 1, &f->keeper, err);
	(void)close(fd[0]);
	TRY(rc);
	return await_keeper(f, err);
}

static int
status_of_child(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static enum rc
listener_ended(struct family *f, int status, struct err *err)
{
	bool	renew = WIFEXITED(status) && WEXITSTATUS(status) == LISTENER_RENEW,
		early = clock_ms() - f->started < START_SECONDS * 1000;

	if (renew) {
		log_line("the listener starts anew: the charter in force names others, or this custodian agreed to a successor");
		return early && told_to_stop(f, 1000) ? RC_OK : start_listener(f, err);
	}
	f->failed = early ? f->failed + 1 : 0;
	log_line("the listener ended (status %d)", status_of_child(status));
	if (f->failed >= RESTARTS_MAX || (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_USAGE))
		return err_set(err, RC_IO, "the listener does not stay up; see its last line");
	if (f->failed != 0 && told_to_stop(f, 1000))
		return RC_OK;
	return start_listener(f, err);
}

/* Who has ended? The keeper first: without it there is nothing to start. */
static enum rc
look_after(struct family *f, struct err *err)
{
	int	status;

	if (waitpid(f->keeper, &status, WNOHANG) == f->keeper) {
		f->keeper = 0;
		return err_set(err, RC_IO, "the keeper ended (status %d)", status_of_child(status));
	}
	if (waitpid(f->listener, &status, WNOHANG) == f->listener) {
		f->listener = 0;
		return listener_ended(f, status, err);
	}
	return RC_OK;
}

static enum rc
supervise(struct family *f, struct err *err)
{
	while (!f->stop) {
		TRY(look_after(f, err));
		/* SIGCHLD is blocked and waits if it came meanwhile. */
		(void)told_to_stop(f, 3600 * 1000);
	}
	return RC_OK;
}

/* By itself if it can, in END_MS: what it acknowledged is durable either way. */
static void
reap(struct family *f, pid_t pid, const char *word)
{
	const struct timespec	tick = { 0, 20 * 1000000L };
	uint64_t		end = clock_ms() + END_MS;

	if (pid <= 0)
		return;
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (clock_ms() >= end) {
			log_line("the %s is busy: killed", word);
			(void)kill(pid, SIGKILL);
			(void)waitpid(pid, NULL, 0);
			return;
		}
		(void)sigtimedwait(&f->signals, NULL, &tick);
	}
}

static void
end_family(struct family *f)
{
	if (f->listener > 0)
		(void)kill(f->listener, SIGTERM);
	reap(f, f->listener, "listener");
	if (f->control >= 0)
		(void)close(f->control);	/* the keeper reads the end */
	reap(f, f->keeper, "keeper");
}

static enum rc
run(const char *dir, struct err *err)
{
	struct custodian_config	config;
	struct family		f = { .dir = dir, .control = -1 };
	enum rc			rc;

	/* Before it forks: each child has the two sockets that it is given, and nothing else. */
	TRY(close_inherited(err));
	TRY(harden(err));
	TRY(config_read(dir, &config, err));
	(void)snprintf(f.name, sizeof(f.name), "%s", config.name);
	log_name("custodiand", config.name);
	/* Blocked and waited for: a signal between a look and a wait is not lost. */
	(void)sigemptyset(&f.signals);
	(void)sigaddset(&f.signals, SIGTERM);
	(void)sigaddset(&f.signals, SIGINT);
	(void)sigaddset(&f.signals, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &f.signals, &f.before);
	rc = start_keeper(&f, err);
	if (rc == RC_OK)
		rc = parent_confine(err);
	if (rc == RC_OK && !f.stop)
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
