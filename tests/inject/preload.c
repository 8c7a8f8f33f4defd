/* tests/inject/preload.c - calls of the C library that fail when the plan says so. See inject.h. */
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/inject/inject.h"

void	*__libc_malloc(size_t n);
void	*__libc_calloc(size_t n, size_t each);
void	*__libc_realloc(void *p, size_t n);
void	*__libc_memalign(size_t align, size_t n);

/* What stands behind us under the same name; found on the first call. */
#define BEHIND(type, name)	static type (*real)(); if (real == NULL) real = (type (*)())dlsym(RTLD_NEXT, name)

#pragma GCC diagnostic ignored "-Wstrict-prototypes"

/* ---- who calls ---------------------------------------------------------------------------- */

#define RANGES	16

/* Of the program, and of libraries whose failures it is told of: the others are `library`. */
static const char	*const told[] = { "/libc.so", "/libsqlite3.so", "/libjansson.so", "/libprotobuf-c.so" };
static struct { uintptr_t from, to; }	range[RANGES];
static size_t				ranges;

static bool
is_told(const struct dl_phdr_info *d)
{
	size_t	i;

	for (i = 0; i < sizeof(told) / sizeof(told[0]) && strstr(d->dlpi_name, told[i]) == NULL; i++)
		;
	return d->dlpi_name[0] == '\0' || i < sizeof(told) / sizeof(told[0]);
}

static int
note(struct dl_phdr_info *d, size_t n, void *arg)
{
	int	i;

	(void)n;
	(void)arg;
	for (i = 0; is_told(d) && i < d->dlpi_phnum && ranges < RANGES; i++) {
		const ElfW(Phdr)	*h = &d->dlpi_phdr[i];

		if (h->p_type != PT_LOAD || (h->p_flags & PF_X) == 0)
			continue;
		range[ranges].from = d->dlpi_addr + h->p_vaddr;
		range[ranges].to = range[ranges].from + h->p_memsz;
		ranges++;
	}
	return 0;
}

static bool
told_of(const void *caller)
{
	size_t	i;

	for (i = 0; i < ranges; i++)
		if ((uintptr_t)caller >= range[i].from && (uintptr_t)caller < range[i].to)
			return true;
	return false;
}

__attribute__((constructor)) static void
begin(void)
{
	(void)dl_iterate_phdr(note, NULL);
	inject_rename(program_invocation_short_name);
	(void)inject_plan();
}

static void
a_second(void)
{
	const struct timespec	t = { 1, 0 };

	(void)nanosleep(&t, NULL);
}

/* True: the call is not to be made, and errno says why. *ret_die: it is made, and is the last. */
static bool
stands_in_the_way(enum inject_kind kind, int why, bool *ret_die)
{
	enum inject_action	a;

	*ret_die = false;
	if (!inject_turn(kind, &a))
		return false;
	if (a == INJECT_SLOW)
		a_second();
	*ret_die = a == INJECT_AFTER || a == INJECT_HALF;
	errno = a == INJECT_FULL ? ENOSPC : why;
	return a == INJECT_FAIL || a == INJECT_FULL;
}

/* ---- memory ------------------------------------------------------------------------------- */

static bool
no_memory(const void *caller)
{
	bool	die;

	if (!stands_in_the_way(told_of(caller) ? INJECT_MEMORY : INJECT_LIBRARY, ENOMEM, &die))
		return false;
	errno = ENOMEM;
	return true;
}

#define NO_MEMORY()	no_memory(__builtin_return_address(0))

void *
malloc(size_t n)
{
	return NO_MEMORY() ? NULL : __libc_malloc(n);
}

void *
calloc(size_t n, size_t each)
{
	return NO_MEMORY() ? NULL : __libc_calloc(n, each);
}

void *
realloc(void *p, size_t n)
{
	return n != 0 && NO_MEMORY() ? NULL : __libc_realloc(p, n);
}

int
posix_memalign(void **ret, size_t align, size_t n)
{
	void	*p = NO_MEMORY() ? NULL : __libc_memalign(align, n);

	if (p == NULL)
		return ENOMEM;
	*ret = p;
	return 0;
}

void *
aligned_alloc(size_t align, size_t n)
{
	return NO_MEMORY() ? NULL : __libc_memalign(align, n);
}

/* ---- files ---------------------------------------------------------------------------------- */

static bool
is_file(int fd)
{
	struct stat	st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static long
done(long n, bool die)
{
	if (die)
		inject_die();
	return n;
}

#define STEP(kind, why)								\
	bool	die;								\
	if (stands_in_the_way((kind), (why), &die))				\
		return -1

/* SoftHSM empties a token's file before it writes it anew: killed between, no token is left. No product of ours does so. */
#define FILE_STEP_OF(caller, kind, why)						\
	bool	die = false;							\
	if (told_of(caller) && stands_in_the_way((kind), (why), &die))		\
		return -1
#define FILE_STEP(kind, why)	FILE_STEP_OF(__builtin_return_address(0), kind, why)

int
fsync(int fd)
{
	BEHIND(int, "fsync");
	FILE_STEP(INJECT_SYNC, EIO);
	return (int)done(real(fd), die);
}

int
fdatasync(int fd)
{
	BEHIND(int, "fdatasync");
	FILE_STEP(INJECT_SYNC, EIO);
	return (int)done(real(fd), die);
}

/* Half of it, where it is to die. */
static size_t
some_of(size_t n, bool die)
{
	const struct inject_plan	*p = inject_plan();

	return die && p != NULL && p->action == INJECT_HALF ? n / 2 : n;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	BEHIND(ssize_t, "write");
	if (!is_file(fd))
		return real(fd, p, n);
	FILE_STEP(INJECT_WRITE, EIO);
	return done(real(fd, p, some_of(n, die)), die);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	BEHIND(ssize_t, "pwrite64");
	FILE_STEP(INJECT_WRITE, EIO);
	return done(real(fd, p, some_of(n, die), at), die);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	BEHIND(ssize_t, "pwrite64");
	FILE_STEP(INJECT_WRITE, EIO);
	return done(real(fd, p, some_of(n, die), at), die);
}

ssize_t
writev(int fd, const struct iovec *v, int n)
{
	BEHIND(ssize_t, "writev");
	if (!is_file(fd))
		return real(fd, v, n);
	FILE_STEP(INJECT_WRITE, EIO);
	return done(real(fd, v, n), die);
}

int
ftruncate64(int fd, off64_t n)
{
	BEHIND(int, "ftruncate64");
	FILE_STEP(INJECT_WRITE, EIO);
	return (int)done(real(fd, n), die);
}

int
ftruncate(int fd, off_t n)
{
	BEHIND(int, "ftruncate64");
	FILE_STEP(INJECT_WRITE, EIO);
	return (int)done(real(fd, n), die);
}

static int
open_as(const void *caller, int (*real)(), const char *path, int flags, mode_t mode)
{
	if ((flags & O_CREAT) == 0 && (flags & O_TMPFILE) != O_TMPFILE)
		return real(path, flags, mode);
	FILE_STEP_OF(caller, INJECT_WRITE, EIO);
	return (int)done(real(path, flags, mode), die);
}

int
open64(const char *path, int flags, ...)
{
	BEHIND(int, "open64");
	va_list	ap;
	mode_t	mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return open_as(__builtin_return_address(0), real, path, flags, mode);
}

int
open(const char *path, int flags, ...)
{
	BEHIND(int, "open64");
	va_list	ap;
	mode_t	mode;

	va_start(ap, flags);
	mode = va_arg(ap, mode_t);
	va_end(ap);
	return open_as(__builtin_return_address(0), real, path, flags, mode);
}

int
rename(const char *from, const char *to)
{
	BEHIND(int, "rename");
	FILE_STEP(INJECT_WRITE, EIO);
	return (int)done(real(from, to), die);
}

int
link(const char *from, const char *to)
{
	BEHIND(int, "link");
	FILE_STEP(INJECT_WRITE, EIO);
	return (int)done(real(from, to), die);
}

int
linkat(int at, const char *from, int to_at, const char *to, int flags)
{
	BEHIND(int, "linkat");
	FILE_STEP(INJECT_WRITE, EIO);
	return (int)done(real(at, from, to_at, to, flags), die);
}

int
renameat2(int at, const char *from, int to_at, const char *to, unsigned flags)
{
	BEHIND(int, "renameat2");
	FILE_STEP(INJECT_WRITE, EIO);
	return (int)done(real(at, from, to_at, to, flags), die);
}

int
mkostemp(char *path, int flags)
{
	BEHIND(int, "mkostemp");
	FILE_STEP(INJECT_WRITE, EIO);
	return (int)done(real(path, flags), die);
}

/* A step that one may die at; that it fails nobody could do anything about. */
int
unlink(const char *path)
{
	BEHIND(int, "unlink");
	bool	die;

	(void)stands_in_the_way(INJECT_WRITE, EIO, &die);
	return (int)done(real(path), die);
}

int
mkdir(const char *path, mode_t mode)
{
	BEHIND(int, "mkdir");
	FILE_STEP(INJECT_WRITE, EIO);
	return (int)done(real(path, mode), die);
}

/* ---- the network -------------------------------------------------------------------------------- */

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	BEHIND(ssize_t, "send");
	STEP(INJECT_NET, ECONNRESET);
	return done(real(fd, p, n, flags), die);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	BEHIND(ssize_t, "sendmsg");
	STEP(INJECT_NET, ECONNRESET);
	return done(real(fd, m, flags), die);
}

ssize_t
recv(int fd, void *p, size_t n, int flags)
{
	BEHIND(ssize_t, "recv");
	STEP(INJECT_NET, ECONNRESET);
	return done(real(fd, p, n, flags), die);
}

ssize_t
recvmsg(int fd, struct msghdr *m, int flags)
{
	BEHIND(ssize_t, "recvmsg");
	STEP(INJECT_NET, ECONNRESET);
	return done(real(fd, m, flags), die);
}

int
connect(int fd, const struct sockaddr *a, socklen_t n)
{
	BEHIND(int, "connect");
	STEP(INJECT_NET, ECONNREFUSED);
	return (int)done(real(fd, a, n), die);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* The first thread's name is the process's. */
int
prctl(int option, ...)
{
	BEHIND(int, "prctl");
	unsigned long	a[4];
	va_list		ap;
	size_t		i;

	va_start(ap, option);
	for (i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_SET_NAME && getpid() == gettid())
		inject_rename((const char *)a[0]);
	return real(option, a[0], a[1], a[2], a[3]);
}

/* ---- children -------------------------------------------------------------------------------- */

/* The product gives its children no environment: ours goes in front, or they are out of reach. */
int
posix_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
    char *const argv[], char *const envp[])
{
	BEHIND(int, "posix_spawn");
	static char	preload[4096], plan[4096];
	char		*env[64] = { preload, plan };
	size_t		 i;

	(void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "");
	(void)snprintf(plan, sizeof(plan), "INJECT=%s", getenv("INJECT") ? getenv("INJECT") : "");
	for (i = 0; envp[i] != NULL && i + 3 < sizeof(env) / sizeof(env[0]); i++)
		env[i + 2] = envp[i];
	return real(ret, path, actions, attributes, argv, env);
}
