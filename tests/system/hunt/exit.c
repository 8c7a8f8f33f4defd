/*
 * tests/system/hunt/exit.c - what a program leaves in its memory when it ends; part of
 * tests/system/hunt.c.
 *
 * It is traced, and held at the moment at which it has done all that it does itself and the
 * kernel has not taken its memory back. Its children are traced too, and not held.
 */
#include <sys/ptrace.h>
#include <sys/wait.h>

#define TRACED	(PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE)

/* The needles may depend on what it has done: they are read now. */
static bool
look_at_its_end(pid_t pid, const char *needles)
{
	static struct process	p;
	FILE			*in = fopen(needles, "re");
	bool			 ok;

	memset(&p, 0, sizeof(p));
	p.pid = pid;
	ok = in != NULL && read_needles(in) && comm_of(pid, p.name) && look_at_process(&p);
	if (in != NULL)
		(void)fclose(in);
	printf("%s: found %lu\n", p.name, p.found);
	print_places(&p);
	(void)fflush(stdout);
	return ok;
}

/* What it is to be told: signals, and nothing of what is said to its tracer. */
static long
pass_on(int status)
{
	int	sig = WSTOPSIG(status);

	return status >> 16 != 0 || sig == SIGTRAP || sig == SIGSTOP ? 0 : sig;
}

static int
follow(pid_t pid, const char *needles)
{
	bool	looked = false, ok = false;
	int	status;
	pid_t	who;

	while ((who = waitpid(-1, &status, __WALL)) > 0) {
		if (who == pid && (WIFEXITED(status) || WIFSIGNALED(status)))
			return !looked || !ok ? 3 : WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (!WIFSTOPPED(status))
			continue;
		if (who == pid && status >> 16 == PTRACE_EVENT_EXIT && !looked) {
			looked = true;
			ok = look_at_its_end(pid, needles);
		}
		(void)ptrace(PTRACE_CONT, who, NULL, (void *)pass_on(status));
	}
	return 3;
}

static int
run_to_its_end(const char *needles, char **argv)
{
	pid_t	pid = fork();
	int	status;

	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, NULL, (void *)(long)TRACED) != 0 ||
	    ptrace(PTRACE_CONT, pid, NULL, NULL) != 0) {
		fprintf(stderr, "hunt: cannot trace: %s\n", strerror(errno));
		return 3;
	}
	return follow(pid, needles);
}
