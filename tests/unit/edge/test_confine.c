/*
 * What a confined process can still do, each attempt in a child of its own: for it cannot be undone.
 *
 * The tables of edge/confine_calls.c stand here a second time, by what each role needs: a line
 * that is missing there, or one too many, or a call that no longer kills, fails.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "edge/confine.h"
#include "edge/file.h"

#define L	CONFINE_LISTENER
#define K	CONFINE_KEEPER
#define W	CONFINE_WORKER
#define T	CONFINE_TILES
#define O	CONFINE_OPEN
#define Y	CONFINE_OPEN_CARD
#define P	CONFINE_PARENT
#define C	CONFINE_COORDINATOR
#define LISTED	(L | K | W | T | O | Y)
#define EVERY	(LISTED | P | C)
#define THREADS	(L | K | T | O | Y)
#define FILES	(K | O | Y)
#define UNIX	(K | Y)
#define SOCKETS	(L | T | UNIX)

/* What a child came to. */
enum { WORKED = 0, REFUSED = 1, FAILED = 2, KILLED = 3 };

static enum confine_role	role;

static bool
whole_calls(void)
{
	return prctl(PR_GET_SECCOMP, 0, 0, 0, 0) >= 0;
}

static int
status_of(pid_t pid)
{
	int	status;

	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : 100 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

/* In a child that is confined as `role`. */
static int
child(int (*attempt)(long), long arg)
{
	pid_t	pid = fork();
	bool	whole;

	if (pid == 0)
		_exit(confine_calls(role, &whole, NULL) != RC_OK || !whole ? FAILED : attempt(arg));
	return status_of(pid);
}

static int
tried(long returned)
{
	return returned == -1 && errno == EPERM ? REFUSED : WORKED;
}

/* ---- every call of the tables, with arguments that mean nothing --------------------------------- */

struct row {
	const char	*name;
	long		 call;
	unsigned	 roles;
};
#define R(name, roles)	{ #name, SYS_##name, roles }

static const struct row	may[] = {
	R(read, LISTED), R(write, LISTED), R(readv, LISTED), R(writev, LISTED), R(close, LISTED), R(fstat, LISTED), R(lseek, LISTED),
	R(poll, LISTED), R(ppoll, LISTED), R(select, LISTED), R(pselect6, LISTED), R(newfstatat, LISTED),
	R(munmap, LISTED), R(mremap, LISTED), R(madvise, LISTED), R(brk, LISTED), R(mlock, LISTED), R(mlock2, LISTED),
	R(munlock, LISTED), R(clock_gettime, LISTED), R(clock_getres, LISTED), R(clock_nanosleep, LISTED), R(nanosleep, LISTED),
	R(gettimeofday, LISTED), R(time, LISTED), R(getrandom, LISTED), R(futex, LISTED), R(sched_yield, LISTED), R(rseq, LISTED),
	R(set_robust_list, LISTED), R(membarrier, LISTED), R(getcpu, LISTED), R(sched_getaffinity, LISTED), R(sysinfo, LISTED),
	R(uname, LISTED), R(getrusage, LISTED), R(times, LISTED), R(getpid, LISTED), R(gettid, LISTED), R(getppid, LISTED),
	R(getuid, LISTED), R(geteuid, LISTED), R(getgid, LISTED), R(getegid, LISTED), R(getrlimit, LISTED),
	R(rt_sigaction, LISTED), R(rt_sigprocmask, LISTED), R(sigaltstack, LISTED), R(restart_syscall, LISTED),
	/* Threads. */
	R(dup, THREADS), R(pipe2, THREADS), R(sched_getscheduler, THREADS), R(sched_getparam, THREADS), R(stat, THREADS), R(lstat, THREADS),
	R(statx, THREADS), R(access, THREADS), R(faccessat, THREADS), R(faccessat2, THREADS), R(readlink, THREADS), R(readlinkat, THREADS),
	/* Files. */
	R(msync, FILES | T), R(getcwd, FILES | T), R(pread64, FILES | T), R(preadv, FILES | T), R(getdents64, FILES),
	R(pwrite64, FILES), R(pwritev, FILES), R(ftruncate, FILES), R(fallocate, FILES), R(fsync, FILES), R(fdatasync, FILES),
	R(flock, FILES), R(fadvise64, FILES), R(unlink, FILES), R(unlinkat, FILES), R(rename, FILES), R(renameat, FILES),
	R(renameat2, FILES), R(link, FILES), R(linkat, FILES), R(mkdir, FILES), R(mkdirat, FILES), R(rmdir, FILES), R(fchmod, FILES),
	R(fchown, FILES), R(umask, FILES),
	/* Sockets. */
	R(connect, L | UNIX), R(bind, L), R(listen, L), R(accept, L | T), R(accept4, L | T), R(shutdown, SOCKETS), R(sendto, SOCKETS),
	R(recvfrom, SOCKETS), R(sendmsg, SOCKETS), R(recvmsg, SOCKETS), R(sendmmsg, L), R(getsockname, SOCKETS),
	R(getpeername, SOCKETS), R(getsockopt, SOCKETS), R(setsockopt, SOCKETS), R(sendfile, T), R(epoll_create1, L | T),
	R(epoll_ctl, L | T), R(epoll_wait, L | T), R(epoll_pwait, L | T), R(eventfd2, SOCKETS),
	/* Never, by whomever: a few that libraries try. */
	R(creat, 0), R(truncate, 0), R(chmod, 0), R(chown, 0), R(symlink, 0), R(mknod, 0), R(setxattr, 0), R(vfork, 0), R(wait4, 0),
	R(tkill, 0), R(rt_sigqueueinfo, 0), R(shmget, 0), R(memfd_create, 0), R(inotify_init1, 0), R(timerfd_create, 0),
	R(signalfd4, 0), R(syslog, 0), R(sethostname, 0), R(setpgid, 0), R(setsid, 0), R(setpriority, 0), R(sched_setscheduler, 0),
	R(seccomp, 0), R(landlock_restrict_self, 0), R(pkey_mprotect, 0), R(remap_file_pages, 0), R(modify_ldt, 0), R(arch_prctl, 0),
	R(vmsplice, 0), R(splice, 0), R(copy_file_range, 0), R(name_to_handle_at, 0), R(setfsuid, 0), R(setgroups, 0),
};

static const struct row	kills[] = {
	R(execve, LISTED | P), R(execveat, LISTED | P), R(pidfd_open, LISTED | P),
#ifndef CONFINE_SANITIZED
	R(ptrace, EVERY), R(process_vm_readv, EVERY), R(personality, EVERY),
#endif
	R(process_vm_writev, EVERY), R(process_madvise, EVERY), R(kcmp, EVERY), R(pidfd_getfd, EVERY), R(pidfd_send_signal, EVERY),
	R(bpf, EVERY), R(perf_event_open, EVERY), R(userfaultfd, EVERY), R(io_uring_setup, EVERY), R(io_uring_enter, EVERY),
	R(io_uring_register, EVERY), R(keyctl, EVERY), R(add_key, EVERY), R(request_key, EVERY), R(mount, EVERY), R(umount2, EVERY),
	R(pivot_root, EVERY), R(chroot, EVERY), R(fsopen, EVERY), R(fsmount, EVERY), R(move_mount, EVERY), R(open_tree, EVERY),
	R(unshare, EVERY), R(setns, EVERY), R(open_by_handle_at, EVERY), R(init_module, EVERY), R(finit_module, EVERY),
	R(delete_module, EVERY), R(kexec_load, EVERY), R(kexec_file_load, EVERY), R(reboot, EVERY), R(swapon, EVERY), R(swapoff, EVERY),
	R(acct, EVERY), R(quotactl, EVERY), R(settimeofday, EVERY), R(clock_settime, EVERY), R(adjtimex, EVERY),
	R(clock_adjtime, EVERY), R(ioperm, EVERY), R(iopl, EVERY), R(setuid, EVERY), R(setreuid, EVERY), R(setresuid, EVERY),
	R(capset, EVERY),
};
#define N(a)	(sizeof(a) / sizeof((a)[0]))

static int
raw(long call)
{
	return tried(syscall(call, -1L, -1L, -1L, -1L, -1L, -1L));
}

/* All of `may` in one child: the first that is not as the table says, from 10 on. */
static int
all_of_may(long unused)
{
	size_t	i;
	int	got;

	(void)unused;
	for (i = 0; i < N(may); i++) {
		got = raw(may[i].call);
		if (got == REFUSED && (may[i].roles & role) != 0)
			return 10 + (int)i;
#ifndef CONFINE_SANITIZED			/* whose list is longer */
		if (got != REFUSED && (may[i].roles & role) == 0)
			return 10 + (int)i;
#endif
	}
	return 0;
}

static void
test_may(void **state)
{
	static const enum confine_role	roles[] = { L, K, W, T, O, Y };
	size_t	i;
	int	got;

	(void)state;
	if (!whole_calls())
		skip();
	for (i = 0; i < N(roles); i++) {
		role = roles[i];
		got = child(all_of_may, 0);
		if (got != 0)
			fail_msg("role %u: %s (%d)", (unsigned)role, got >= 10 && got < 10 + (int)N(may) ? may[got - 10].name : "?", got);
	}
}

static void
test_kills(void **state)
{
	size_t	i;
	int	got;

	(void)state;
	if (!whole_calls())
		skip();
	for (role = L; role <= Y; role <<= 1)
		for (i = 0; i < N(kills); i++) {
			got = child(raw, kills[i].call);
			if ((got == KILLED) != ((kills[i].roles & role) != 0))
				fail_msg("role %u: %s (%d)", (unsigned)role, kills[i].name, got);
		}
}

/* ---- calls whose arguments are looked at ------------------------------------------------------- */

static int
code(long prot)
{
	void	*p = mmap(NULL, 4096, PROT_READ | (int)prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return tried(p == MAP_FAILED ? -1 : 0);
}

static int
turn_into_code(long prot)
{
	void	*p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? FAILED : tried(mprotect(p, 4096, PROT_READ | (int)prot));
}

static int
process(long flags)
{
	long	pid = syscall(SYS_clone, flags, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return tried(pid);
}

static void *
nothing(void *p)
{
	return p;
}

static int
thread(long unused)
{
	pthread_t	t;
	int		e = pthread_create(&t, NULL, nothing, NULL);

	(void)unused;
	return e == 0 && pthread_join(t, NULL) == 0 ? WORKED : REFUSED;
}

static int
signal_to(long pid)
{
	return tried(kill((pid_t)pid, 0));
}

static int
signal_self(long unused)
{
	(void)unused;
	return tried(kill(getpid(), 0) == 0 && raise(SIGURG) == 0 ? 0 : -1);	/* which does nothing */
}

static int
thread_signal_to(long pid)
{
	return tried(syscall(SYS_tgkill, pid, pid, 0));
}

static int
family(long domain)
{
	return tried(socket((int)domain, (domain == AF_NETLINK ? SOCK_RAW : SOCK_STREAM) | SOCK_CLOEXEC, 0));
}

static int
audit_socket(long unused)
{
	(void)unused;
	return tried(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 9));
}

static int
pair(long unused)
{
	int	fd[2];

	(void)unused;
	return tried(socketpair(AF_UNIX, SOCK_STREAM, 0, fd));
}

static int
open_null(long flags)
{
	return tried(open("/dev/null", (int)flags));
}

static int
control(long request)
{
	return tried(ioctl(0, (unsigned long)request, NULL));
}

/* Of standard output; the argument is a good one for each that is asked. */
static int
descriptor(long command)
{
	return tried(fcntl(1, (int)command, command == F_SETOWN ? getppid() : 0));
}

static int
name(long unused)
{
	(void)unused;
	return tried(prctl(PR_SET_NAME, "other", 0, 0, 0));
}

static int
process_option(long option)
{
	return tried(prctl((int)option, 1, 0, 0, 0));
}

static int
limit_of(long pid)
{
	struct rlimit	l;

	return tried(prlimit((pid_t)pid, RLIMIT_NOFILE, NULL, &l));
}

static int
ends(long unused)
{
	(void)unused;
	abort();
}

#ifdef __x86_64__
/* The other table of calls that this machine has: number 20 is getpid there. */
static int
old_call(long unused)
{
	long	r;

	(void)unused;
	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20) : "memory");
	return WORKED;
}
#endif

static void
test_arguments(void **state)
{
	const long	self = getpid();
	const struct {
		const char	*name;
		int		(*attempt)(long);
		long		 arg;
		unsigned	 roles;
		bool		 sanitizers_too;
	} rows[] = {
		{ "memory", code, PROT_WRITE, EVERY, true },
		{ "new code", code, PROT_EXEC, P | C, false },
		{ "memory made data", turn_into_code, 0, EVERY, true },
		{ "data made code", turn_into_code, PROT_EXEC, P | C, false },
		{ "a process", process, SIGCHLD, P | C, true },
		{ "a thread", thread, 0, EVERY & ~W, true },
		{ "a signal to another", signal_to, self, P | C, true },
		{ "a signal to all", signal_to, 0, P | C, true },
		{ "a signal to a thread of another", thread_signal_to, self, P | C, true },
		{ "a signal to itself", signal_self, 0, EVERY, true },
		{ "IPv4", family, AF_INET, L | P | C, true },
		{ "IPv6", family, AF_INET6, L | P | C, true },
		{ "unix", family, AF_UNIX, UNIX | P | C, true },
		{ "routes", family, AF_NETLINK, L | P | C, true },
		{ "audit", audit_socket, 0, P | C, true },
		{ "packets", family, AF_PACKET, P | C, true },
		{ "vsock", family, AF_VSOCK, P | C, true },
		{ "a pair of sockets", pair, 0, UNIX | P | C, true },
		{ "a file to read", open_null, O_RDONLY, L | FILES | P | C, false },
		{ "a file to write", open_null, O_WRONLY, FILES | P | C, false },
		{ "a file to read and write", open_null, O_RDWR, FILES | P | C, false },
		{ "a file to truncate", open_null, O_RDONLY | O_TRUNC, FILES | P | C, false },
		{ "a descriptor's flags", descriptor, F_GETFL, EVERY, true },
		{ "a copy of a descriptor", descriptor, F_DUPFD_CLOEXEC, EVERY, true },
		{ "whom a file signals", descriptor, F_SETOWN, P | C, true },
		{ "with which signal", descriptor, F_SETSIG, P | C, true },
		{ "is it a terminal", control, 0x5401, EVERY, true },
		{ "a terminal's echo", control, 0x5404, O | Y | P | C, true },
		{ "typing for others", control, 0x5412 /* TIOCSTI */, P | C, true },
		{ "what waits to be read", control, 0x541b, EVERY & ~W, true },
		{ "its name", name, 0, EVERY, true },
		{ "tracing again", process_option, PR_SET_DUMPABLE, P | C, false },
		{ "who may trace", process_option, 0x59616d61 /* PR_SET_PTRACER */, P | C, false },
		{ "its limits", limit_of, 0, EVERY, true },
		{ "another's limits", limit_of, self, P | C, false },
	};
	size_t	i;
	int	got;

	(void)state;
	if (!whole_calls())
		skip();
	for (role = L; role <= Y; role <<= 1)
		for (i = 0; i < N(rows); i++) {
			got = child(rows[i].attempt, rows[i].arg);
#ifdef CONFINE_SANITIZED
			if (!rows[i].sanitizers_too)
				continue;
#endif
			if (got != ((rows[i].roles & role) != 0 ? WORKED : REFUSED))
				fail_msg("role %u: %s (%d)", (unsigned)role, rows[i].name, got);
		}
}

/* As on a kernel that has no filters. */
static int
without_filters(void)
{
	scmp_filter_ctx	f = seccomp_init(SCMP_ACT_ALLOW);
	bool		whole = true;

	if (f == NULL || seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(seccomp), 0) != 0 || seccomp_load(f) != 0)
		return 10;
	if (confine_calls(CONFINE_WORKER, &whole, NULL) != RC_OK || whole)
		return 11;
	return syscall(SYS_umask, 077) >= 0 ? 0 : 12;	/* nothing was taken away */
}

static void
test_without(void **state)
{
	pid_t	pid;

	(void)state;
	if (!whole_calls())
		skip();
	if ((pid = fork()) == 0)
		_exit(without_filters());
	assert_int_equal(status_of(pid), 0);
}

static void
test_ends(void **state)
{
	(void)state;
	if (!whole_calls())
		skip();
	for (role = L; role <= Y; role <<= 1) {
		assert_int_equal(child(ends, 0), 100 + SIGABRT);	/* and not SIGSYS */
#ifdef __x86_64__
		if ((role & (P | C)) == 0)
			assert_true(child(old_call, 0) >= KILLED);	/* SIGSEGV where the kernel has none */
#endif
	}
}

/* ---- the library walks in a circle --------------------------------------------------------------- */

static volatile bool	circles;

int
seccomp_load(const scmp_filter_ctx f)
{
	int	(*next)(const scmp_filter_ctx);

	while (circles)
		;
	*(void **)&next = dlsym(RTLD_NEXT, "seccomp_load");
	return next == NULL ? -ENOSYS : next(f);
}

static int
walks(long arg)
{
	(void)arg;
	return 0;
}

/* As libseccomp 2.5 does for want of memory: it ends, and says why. */
static void
test_circle(void **state)
{
	FILE	*words = tmpfile();
	char	 line[128] = "";
	int	 saved = dup(STDERR_FILENO), status;

	(void)state;
	if (!whole_calls())
		skip();
	assert_non_null(words);
	assert_true(saved >= 0 && dup2(fileno(words), STDERR_FILENO) >= 0);
	circles = true;
	role = K;
	status = child(walks, 0);
	circles = false;
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	rewind(words);
	assert_int_equal(status, 74);
	assert_non_null(fgets(line, sizeof(line), words));
	assert_non_null(strstr(line, "seccomp: no end"));
	(void)fclose(words);
	(void)close(saved);
}

/* What bounds it while the filter is made does not stay. */
static int
has_no_bound(long arg)
{
	struct sigaction	act;
	struct rlimit		limit, was = *(struct rlimit *)arg;

	return getrlimit(RLIMIT_CPU, &limit) == 0 && limit.rlim_cur == was.rlim_cur && limit.rlim_max == was.rlim_max &&
	    sigaction(SIGXCPU, NULL, &act) == 0 && act.sa_handler == SIG_DFL ? 0 : 1;
}

static void
test_no_bound_stays(void **state)
{
	struct rlimit	was;

	(void)state;
	if (!whole_calls())
		skip();
	assert_int_equal(getrlimit(RLIMIT_CPU, &was), 0);
	for (role = L; role <= Y; role <<= 1)
		assert_int_equal(child(has_no_bound, (long)&was), 0);
}

/* ---- Landlock ----------------------------------------------------------------------------------- */

static char	dir[64], inside[96], new[96], other[96], one[96];

static long
landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

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
reading(void)
{
	const struct confine_place	place = { dir, false };
	int	held = open(inside, O_RDONLY | O_CLOEXEC);
	bool	whole;
	char	c;

	if (!opens(inside, O_RDWR) || !opens("/etc/passwd", O_RDONLY))
		return 10;
	if (confine_files(&place, 1, NULL, &whole, NULL) != RC_OK)
		return 11;
	if (!opens(inside, O_RDONLY) || !opens(dir, O_RDONLY | O_DIRECTORY))
		return 12;
	if (opens(inside, O_RDWR) || opens(inside, O_WRONLY) || opens(new, O_RDWR | O_CREAT))
		return 13;
	if (opens("/etc/passwd", O_RDONLY) || unlink(inside) == 0)
		return 14;
	if (confine_files(NULL, 0, NULL, &whole, NULL) != RC_OK || opens(inside, O_RDONLY))
		return 15;
	return read(held, &c, 1) == 1 ? 0 : 16;
}

/* A folder to write into, one file to read beside it, and nothing else. */
static int
writing(void)
{
	const struct confine_place	place[] = { { dir, true }, { one, false } };
	bool	whole;
	char	sub[128], to[128];

	(void)snprintf(sub, sizeof(sub), "%s/sub", dir);
	(void)snprintf(to, sizeof(to), "%s/to", dir);
	if (confine_files(place, 2, NULL, &whole, NULL) != RC_OK)
		return 10;
	if (!opens(inside, O_RDWR) || !opens(new, O_RDWR | O_CREAT) || rename(new, to) != 0 || truncate(to, 1) != 0 ||
	    unlink(to) != 0 || mkdir(sub, 0700) != 0 || rmdir(sub) != 0)
		return 11;
	if (file_write(new, SPAN_STR("words"), 0600, NULL) != RC_OK || unlink(new) != 0)
		return 12;
	if (!opens(one, O_RDONLY) || opens(one, O_RDWR) || opens(other, O_RDONLY) || opens("/etc/passwd", O_RDONLY))
		return 13;
	if (opens("/dev/null", O_WRONLY) || link(one, new) == 0 || rename(one, new) == 0)
		return 14;
	(void)unlink(new);
	return mknod(new, S_IFIFO | 0600, 0) != 0 && symlink("x", new) != 0 ? 0 : 15;
}

static int
socket_at(uint16_t *port, bool listens)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		n = sizeof(a);
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (listens)
		assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static bool
reaches(uint16_t port, bool binds)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	bool			ok;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ok = (binds ? bind : connect)(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	(void)close(fd);
	return ok;
}

static bool
reaches_abstract(const struct sockaddr_un *a)
{
	int	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool	ok = connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0;

	(void)close(fd);
	return ok;
}

static int
networking(uint16_t mine, uint16_t theirs, uint16_t others, const struct sockaddr_un *abstract)
{
	const uint16_t			connects[] = { theirs };
	const struct confine_ports	ports = { &mine, connects, 1, 1 };
	bool				whole;

	if (!reaches(others, false) || !reaches_abstract(abstract) || kill(getppid(), 0) != 0)
		return 10;
	if (confine_files(NULL, 0, &ports, &whole, NULL) != RC_OK || whole != (landlock() >= 6))
		return 11;
	if (!reaches(mine, true) || !reaches(theirs, false))
		return 12;
	if (reaches(others, false) || reaches(others, true) || reaches(theirs, true) || reaches(0, true))
		return 13;
	if (whole && (reaches_abstract(abstract) || kill(getppid(), 0) == 0))
		return 14;
	return confine_files(NULL, 0, NULL, &whole, NULL) == RC_OK && !reaches(theirs, false) && !reaches(mine, true) ? 0 : 15;
}

static int
in_child(int (*what)(void))
{
	pid_t	pid = fork();

	if (pid == 0)
		_exit(what());
	return status_of(pid);
}

static void
test_files(void **state)
{
	(void)state;
	if (landlock() < 3) {
		print_message("skipped: this kernel has no Landlock\n");
		skip();
	}
	assert_int_equal(in_child(reading), 0);
	assert_int_equal(in_child(writing), 0);
}

static void
test_network(void **state)
{
	struct sockaddr_un	a = { .sun_family = AF_UNIX };
	uint16_t		mine, theirs, others;
	int			fd, fd2, fd3;
	pid_t			pid;

	(void)state;
	if (landlock() < 4) {
		print_message("skipped: this kernel's Landlock knows no ports\n");
		skip();
	}
	(void)close(socket_at(&mine, false));
	fd = socket_at(&theirs, true);
	fd2 = socket_at(&others, true);
	(void)snprintf(a.sun_path + 1, sizeof(a.sun_path) - 1, "quorate test %d", (int)getpid());
	fd3 = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd3, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd3, 5), 0);
	if ((pid = fork()) == 0)
		_exit(networking(mine, theirs, others, &a));
	assert_int_equal(status_of(pid), 0);
	(void)close(fd);
	(void)close(fd2);
	(void)close(fd3);
}

static int
nowhere(void)
{
	const struct confine_place	place = { "/nowhere/at/all", false };
	struct err	err;
	bool		whole;

	/* On a kernel without Landlock there is nothing to fail. */
	return confine_files(&place, 1, NULL, &whole, &err) == RC_IO || landlock() < 1 ? 0 : 1;
}

static void
test_no_folder(void **state)
{
	(void)state;
	assert_int_equal(in_child(nowhere), 0);
}

static int
set_up(void **state)
{
	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/quorate-confine.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(inside, sizeof(inside), "%s/file", dir);
	(void)snprintf(new, sizeof(new), "%s/new", dir);
	(void)snprintf(one, sizeof(one), "%s.one", dir);
	(void)snprintf(other, sizeof(other), "%s.other", dir);
	return file_write(inside, SPAN_STR("words"), 0600, NULL) == RC_OK &&
	    file_write(one, SPAN_STR("words"), 0600, NULL) == RC_OK &&
	    file_write(other, SPAN_STR("words"), 0600, NULL) == RC_OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	(void)unlink(inside);
	(void)unlink(one);
	(void)unlink(other);
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_no_folder),
		cmocka_unit_test(test_may),
		cmocka_unit_test(test_kills),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_circle),
		cmocka_unit_test(test_no_bound_stays),
		cmocka_unit_test(test_without),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
