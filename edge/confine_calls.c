/*
 * edge/confine_calls.c - seccomp: which system calls each role may make. See confine.h.
 *
 * One table says what is allowed, one how the arguments of some are narrowed, one what kills.
 * What is in none of them fails with EPERM. Where the x86 and the generic names of a call
 * differ, both stand here; the library leaves out what this machine does not have.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/auto.h"
#include "edge/confine.h"
#include "edge/edge.h"

#define SECONDS		2u	/* of processor time; a filter takes some milliseconds */
#define LISTENER	CONFINE_LISTENER
#define KEEPER		CONFINE_KEEPER
#define WORKER		CONFINE_WORKER
#define TILES		CONFINE_TILES
#define OPENER		(CONFINE_OPEN | CONFINE_OPEN_CARD)
#define ALL		(LISTENER | KEEPER | WORKER | TILES | OPENER)
#define NO_LIST		(CONFINE_PARENT | CONFINE_COORDINATOR)
#define THREADS		(LISTENER | KEEPER | TILES | OPENER)
#define FILES		(KEEPER | OPENER)
#define NETWORK		(LISTENER | TILES)
#define UNIX		(KEEPER | CONFINE_OPEN_CARD)

struct listed {
	int		call;
	unsigned	roles;
};
#define C(name)	SCMP_SYS(name)

static const struct listed	allowed[] = {
	/* What is open already. */
	{ C(read), ALL }, { C(write), ALL }, { C(readv), ALL }, { C(writev), ALL }, { C(close), ALL },
	{ C(fstat), ALL }, { C(lseek), ALL }, { C(poll), ALL }, { C(ppoll), ALL }, { C(select), ALL }, { C(pselect6), ALL },
	{ C(dup), THREADS }, { C(pipe2), THREADS },
	/* Memory and time; locks; the C library's own. Executable memory: see narrowed. */
	{ C(munmap), ALL }, { C(mremap), ALL }, { C(madvise), ALL }, { C(brk), ALL },
	{ C(mlock), ALL }, { C(mlock2), ALL }, { C(munlock), ALL }, { C(msync), FILES | TILES },
	{ C(clock_gettime), ALL }, { C(clock_getres), ALL }, { C(clock_nanosleep), ALL }, { C(nanosleep), ALL },
	{ C(gettimeofday), ALL }, { C(time), ALL }, { C(getrandom), ALL },
	{ C(futex), ALL }, { C(sched_yield), ALL }, { C(rseq), ALL }, { C(set_robust_list), ALL },
	{ C(membarrier), ALL }, { C(getcpu), ALL }, { C(sched_getaffinity), ALL }, { C(sched_getscheduler), THREADS },
	{ C(sched_getparam), THREADS }, { C(sysinfo), ALL }, { C(uname), ALL }, { C(getrusage), ALL }, { C(times), ALL },
	/* Itself, and its end: abort() wants some of these. */
	{ C(getpid), ALL }, { C(gettid), ALL }, { C(getppid), ALL }, { C(getuid), ALL }, { C(geteuid), ALL },
	{ C(getgid), ALL }, { C(getegid), ALL }, { C(getrlimit), ALL },
	{ C(rt_sigaction), ALL }, { C(rt_sigprocmask), ALL }, { C(rt_sigreturn), ALL }, { C(sigaltstack), ALL },
	{ C(restart_syscall), ALL }, { C(exit), ALL }, { C(exit_group), ALL },
	/* Files, in the places that Landlock leaves. */
	{ C(open), FILES }, { C(openat), FILES },
	{ C(stat), THREADS }, { C(lstat), THREADS }, { C(newfstatat), ALL }, { C(statx), THREADS },
	{ C(access), THREADS }, { C(faccessat), THREADS }, { C(faccessat2), THREADS },
	{ C(readlink), THREADS }, { C(readlinkat), THREADS }, { C(getcwd), FILES | TILES },
	{ C(pread64), FILES | TILES }, { C(preadv), FILES | TILES }, { C(getdents64), FILES },
	{ C(pwrite64), FILES }, { C(pwritev), FILES }, { C(ftruncate), FILES }, { C(fallocate), FILES },
	{ C(fsync), FILES }, { C(fdatasync), FILES }, { C(flock), FILES }, { C(fadvise64), FILES },
	{ C(unlink), FILES }, { C(unlinkat), FILES }, { C(rename), FILES }, { C(renameat), FILES }, { C(renameat2), FILES },
	{ C(link), FILES }, { C(linkat), FILES }, { C(mkdir), FILES }, { C(mkdirat), FILES }, { C(rmdir), FILES },
	{ C(fchmod), FILES }, { C(fchown), FILES }, { C(umask), FILES },
	/* Sockets: which families may be made, see narrowed. */
	{ C(connect), LISTENER | UNIX }, { C(bind), LISTENER }, { C(listen), LISTENER },
	{ C(accept), NETWORK }, { C(accept4), NETWORK }, { C(shutdown), NETWORK | UNIX },
	{ C(sendto), NETWORK | UNIX }, { C(recvfrom), NETWORK | UNIX }, { C(sendmsg), NETWORK | UNIX },
	{ C(recvmsg), NETWORK | UNIX }, { C(sendmmsg), LISTENER },
	{ C(getsockname), NETWORK | UNIX }, { C(getpeername), NETWORK | UNIX },
	{ C(getsockopt), NETWORK | UNIX }, { C(setsockopt), NETWORK | UNIX }, { C(sendfile), TILES },
	{ C(epoll_create1), NETWORK }, { C(epoll_ctl), NETWORK }, { C(epoll_wait), NETWORK }, { C(epoll_pwait), NETWORK },
	{ C(eventfd2), NETWORK | UNIX },
#ifdef CONFINE_SANITIZED
	/* What stands in the program with the sanitizers: their maps, stacks and last words. */
	{ C(open), ALL }, { C(openat), ALL }, { C(readlink), ALL }, { C(mmap), ALL }, { C(mprotect), ALL },
	{ C(getdents64), ALL }, { C(prctl), ALL }, { C(pipe2), ALL }, { C(pipe), ALL }, { C(dup2), ALL }, { C(prlimit64), ALL },
	{ C(arch_prctl), ALL }, { C(sched_setaffinity), ALL }, { C(wait4), ALL }, { C(ptrace), ALL }, { C(mincore), ALL },
#endif
};

struct narrowed {
	int			call;
	unsigned		roles;
	unsigned		n;
	struct scmp_arg_cmp	a[2];
};
#define IS(i, v)	{ (i), SCMP_CMP_EQ, (v), 0 }
#define MASKED(i, m, v)	{ (i), SCMP_CMP_MASKED_EQ, (m), (v) }
#define ONE(x)		1, { x }
#define TWO(x, y)	2, { x, y }

static const struct narrowed	narrowed[] = {
	/* A module's code was mapped when it was loaded, before. */
	{ C(mmap), ALL, ONE(MASKED(2, PROT_EXEC, 0)) },
	{ C(mprotect), ALL, ONE(MASKED(2, PROT_EXEC, 0)) },
	/* Threads, never processes. clone3 hides its flags in memory: see ask_without_flags(). */
	{ C(clone), THREADS, ONE(MASKED(0, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND, CLONE_THREAD | CLONE_VM | CLONE_SIGHAND)) },
	/* To read only: the names of machines, where Landlock leaves those files. */
	{ C(openat), LISTENER, ONE(MASKED(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)) },
	{ C(open), LISTENER, ONE(MASKED(1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY)) },
	{ C(socket), LISTENER, ONE(IS(0, AF_INET)) },
	{ C(socket), LISTENER, ONE(IS(0, AF_INET6)) },
	{ C(socket), LISTENER, TWO(IS(0, AF_NETLINK), IS(2, 0)) },	/* routes: the resolver's order of addresses */
	{ C(socket), UNIX, ONE(IS(0, AF_UNIX)) },
	{ C(socketpair), UNIX, ONE(IS(0, AF_UNIX)) },
	/* Copies, flags and locks (0 to 7); not whom a descriptor signals, and with what (8 and on). */
	{ C(fcntl), ALL, ONE(MASKED(1, 0xfffffff8, F_DUPFD)) },
	{ C(fcntl), ALL, ONE(MASKED(1, 0xffffffff, F_DUPFD_CLOEXEC)) },
	/* How large an answer waits, and whether this is a terminal; a question for a PIN on one. */
	{ C(ioctl), ALL, ONE(IS(1, 0x5401 /* TCGETS */)) },
	{ C(ioctl), OPENER, ONE(IS(1, 0x5404 /* TCSETSF */)) },
	{ C(ioctl), THREADS, ONE(IS(1, 0x541b /* FIONREAD */)) },
	{ C(ioctl), THREADS, ONE(IS(1, 0x5421 /* FIONBIO */)) },
	{ C(prctl), ALL, ONE(IS(0, PR_SET_NAME)) },
	{ C(prctl), ALL, ONE(IS(0, PR_GET_NAME)) },
	{ C(prctl), ALL, ONE(IS(0, PR_GET_DUMPABLE)) },
	/* Its own limits: the hard ones stand, that of core dumps at 0. */
	{ C(prlimit64), ALL, ONE(IS(0, 0)) },
	{ C(setrlimit), LISTENER, ONE(IS(0, 7 /* RLIMIT_NOFILE */)) },
};

/* No honest code calls these, whatever library it is in: it is no longer ours that runs. */
static const struct listed	fatal[] = {
	{ C(execve), ALL | CONFINE_PARENT }, { C(execveat), ALL | CONFINE_PARENT },
#ifndef CONFINE_SANITIZED
	{ C(ptrace), ALL | NO_LIST }, { C(process_vm_readv), ALL | NO_LIST }, { C(personality), ALL | NO_LIST },
#endif
	{ C(process_vm_writev), ALL | NO_LIST }, { C(process_madvise), ALL | NO_LIST }, { C(kcmp), ALL | NO_LIST },
	{ C(pidfd_getfd), ALL | NO_LIST }, { C(pidfd_open), ALL | CONFINE_PARENT }, { C(pidfd_send_signal), ALL | NO_LIST },
	{ C(bpf), ALL | NO_LIST }, { C(perf_event_open), ALL | NO_LIST }, { C(userfaultfd), ALL | NO_LIST },
	{ C(io_uring_setup), ALL | NO_LIST }, { C(io_uring_enter), ALL | NO_LIST }, { C(io_uring_register), ALL | NO_LIST },
	{ C(keyctl), ALL | NO_LIST }, { C(add_key), ALL | NO_LIST }, { C(request_key), ALL | NO_LIST },
	{ C(mount), ALL | NO_LIST }, { C(umount2), ALL | NO_LIST }, { C(pivot_root), ALL | NO_LIST }, { C(chroot), ALL | NO_LIST },
	{ C(fsopen), ALL | NO_LIST }, { C(fsmount), ALL | NO_LIST }, { C(move_mount), ALL | NO_LIST }, { C(open_tree), ALL | NO_LIST },
	{ C(unshare), ALL | NO_LIST }, { C(setns), ALL | NO_LIST }, { C(open_by_handle_at), ALL | NO_LIST },
	{ C(init_module), ALL | NO_LIST }, { C(finit_module), ALL | NO_LIST }, { C(delete_module), ALL | NO_LIST },
	{ C(kexec_load), ALL | NO_LIST }, { C(kexec_file_load), ALL | NO_LIST }, { C(reboot), ALL | NO_LIST },
	{ C(swapon), ALL | NO_LIST }, { C(swapoff), ALL | NO_LIST }, { C(acct), ALL | NO_LIST }, { C(quotactl), ALL | NO_LIST },
	{ C(settimeofday), ALL | NO_LIST }, { C(clock_settime), ALL | NO_LIST }, { C(adjtimex), ALL | NO_LIST },
	{ C(clock_adjtime), ALL | NO_LIST }, { C(ioperm), ALL | NO_LIST }, { C(iopl), ALL | NO_LIST },
	{ C(setuid), ALL | NO_LIST }, { C(setreuid), ALL | NO_LIST }, { C(setresuid), ALL | NO_LIST }, { C(capset), ALL | NO_LIST },
};

/* The library has no memory left, or this is a flaw of the tables. */
static enum rc
failed(int negative, struct err *err)
{
	return err_set(err, negative == -ENOMEM ? RC_NOMEM : RC_IO, "seccomp: %s", strerror(-negative));
}

static int
add_listed(scmp_filter_ctx f, const struct listed *list, size_t n, unsigned role, uint32_t action)
{
	size_t	i;
	int	e;

	for (i = 0; i < n; i++)
		if ((list[i].roles & role) != 0 && (e = seccomp_rule_add(f, action, list[i].call, 0)) != 0)
			return e;
	return 0;
}

static int
add_narrowed(scmp_filter_ctx f, unsigned role)
{
	const struct narrowed	*n;
	int			 e;

	for (n = narrowed; n < narrowed + sizeof(narrowed) / sizeof(narrowed[0]); n++)
		if ((n->roles & role) != 0 && (e = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, n->call, n->n, n->a)) != 0)
			return e;
	return 0;
}

/* Nobody else is signalled. The C library makes threads with clone, where there is no clone3. */
static int
add_own(scmp_filter_ctx f, unsigned role)
{
	struct scmp_arg_cmp	self = { 0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0 };
	int			e;

	if ((e = seccomp_rule_add(f, SCMP_ACT_ALLOW, C(kill), 1, self)) != 0 ||
	    (e = seccomp_rule_add(f, SCMP_ACT_ALLOW, C(tgkill), 1, self)) != 0)
		return e;
	return (role & THREADS) == 0 ? 0 : seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), C(clone3), 0);
}

static int
fill(scmp_filter_ctx f, unsigned role)
{
	int	e;

	if ((e = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)) != 0 ||
	    (e = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1)) != 0 ||
	    (e = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2)) != 0 ||	/* as a tree: every call passes here */
	    (e = seccomp_attr_set(f, SCMP_FLTATR_API_SYSRAWRC, 1)) != 0 ||
	    (e = add_listed(f, fatal, sizeof(fatal) / sizeof(fatal[0]), role, SCMP_ACT_KILL_PROCESS)) != 0)
		return e;
	if ((role & NO_LIST) != 0)
		return 0;
	if ((e = add_listed(f, allowed, sizeof(allowed) / sizeof(allowed[0]), role, SCMP_ACT_ALLOW)) != 0 ||
	    (e = add_narrowed(f, role)) != 0)
		return e;
	return add_own(f, role);
}

/* Not one that is too old, or was built without; nor valgrind, which does not pass it on. */
static bool
kernel_filters(void)
{
	const uint32_t	action = SCMP_ACT_KILL_PROCESS;

	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0 ||
	    (errno != ENOSYS && errno != EINVAL && errno != EOPNOTSUPP);
}

/*
 * libseccomp 2.5 walks in a circle for ever when one of its allocations fails as it makes the
 * filter's program. Who is not confined ends, and says why.
 */
static void
circle(int number)
{
	static const char	words[] = "seccomp: no end of making the filter: is there no memory?\n";

	(void)number;
	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0)
		_exit(EXIT_UNSURE);
	_exit(EXIT_IO);
}

struct bound {
	struct rlimit		limit;
	struct sigaction	act;
};

static int
bound_begin(struct bound *was)
{
	struct sigaction	act = { .sa_handler = circle };
	struct rlimit		limit;
	struct timespec		used;

	if (getrlimit(RLIMIT_CPU, &was->limit) != 0 || clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
		return -errno;
	limit = was->limit;
	if (limit.rlim_cur > (rlim_t)used.tv_sec + SECONDS)
		limit.rlim_cur = (rlim_t)used.tv_sec + SECONDS;
	if (sigaction(SIGXCPU, &act, &was->act) != 0 || setrlimit(RLIMIT_CPU, &limit) != 0)
		return -errno;
	return 0;
}

static int
bound_end(const struct bound *was)
{
	if (setrlimit(RLIMIT_CPU, &was->limit) != 0 || sigaction(SIGXCPU, &was->act, NULL) != 0)
		return -errno;
	return 0;
}

static int
load(scmp_filter_ctx f)
{
	struct bound	was;
	int		e, end;

	if ((e = bound_begin(&was)) != 0)
		return e;
	e = seccomp_load(f);
	end = bound_end(&was);
	return e != 0 ? e : end;
}

DEFINE_AUTO(seccomp_release, void);

enum rc
confine_calls(enum confine_role role, bool *ret_whole, struct err *err)
{
	AUTO(seccomp_release) void *f = NULL;
	int	e;

	if (!(*ret_whole = kernel_filters()))
		return RC_OK;
	if ((f = seccomp_init((role & NO_LIST) != 0 ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM))) == NULL)
		return failed(-ENOMEM, err);
	if ((e = fill(f, role)) != 0 || (e = load(f)) != 0)
		return failed(e, err);
	return RC_OK;
}
