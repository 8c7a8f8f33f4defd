/* tests/costs/count.c - the table, the names, what is durable. See count.h. */
#include <sys/mman.h>
#include <sys/prctl.h>

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/costs/count.h"

static struct costs		*costs;
static char			 party[COSTS_NAME] = "cli", process[COSTS_NAME];
static uintptr_t		 from, to;		/* where the program itself is */
static _Thread_local unsigned	 inside;

/* ---- who ---------------------------------------------------------------------------------- */

static int
note_program(struct dl_phdr_info *d, size_t n, void *arg)
{
	int	i;

	(void)n;
	(void)arg;
	for (i = 0; i < d->dlpi_phnum; i++) {
		const ElfW(Phdr)	*h = &d->dlpi_phdr[i];

		if (h->p_type != PT_LOAD || (h->p_flags & PF_X) == 0)
			continue;
		from = d->dlpi_addr + h->p_vaddr;
		to = from + h->p_memsz;
	}
	return 1;			/* the first is the program */
}

bool
count_program(const void *caller)
{
	return (uintptr_t)caller >= from && (uintptr_t)caller < to;
}

/* The folder of the token's configuration is named for its party. */
static void
note_party(void)
{
	const char	*told = getenv("COSTS_PARTY"), *conf = getenv("SOFTHSM2_CONF");
	char		 path[4096], *end;

	if (told != NULL) {
		(void)snprintf(party, sizeof(party), "%s", told);
		return;
	}
	if (conf == NULL || snprintf(path, sizeof(path), "%s", conf) >= (int)sizeof(path) || (end = strrchr(path, '/')) == NULL)
		return;
	*end = '\0';
	end = strrchr(path, '/');
	(void)snprintf(party, sizeof(party), "%.15s", end == NULL ? path : end + 1);
}

/* Those that ended keep their place. */
static void
note_pid(void)
{
	size_t	i;
	int32_t	none;

	for (i = 0; costs != NULL && i < COSTS_PIDS; i++) {
		none = 0;
		if (atomic_compare_exchange_strong(&costs->pid[i], &none, getpid()))
			return;
	}
	if (costs != NULL)
		abort();
}

__attribute__((constructor)) static void
begin(void)
{
	(void)dl_iterate_phdr(note_program, NULL);
	(void)snprintf(process, sizeof(process), "%.15s", program_invocation_short_name);
	note_party();
	costs = costs_map();
	note_pid();
	(void)pthread_atfork(NULL, NULL, note_pid);
	keys_begin();
}

/* The first thread's name is the process's. */
int
prctl(int option, ...)
{
	BEHIND(int, "prctl", (int, ...));
	unsigned long	a[4];
	va_list		ap;
	size_t		i;

	va_start(ap, option);
	for (i = 0; i < 4; i++)
		a[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_SET_NAME && getpid() == gettid())
		(void)snprintf(process, sizeof(process), "%.15s", (const char *)a[0]);
	return real(option, a[0], a[1], a[2], a[3]);
}

/* The product gives its children no environment: ours goes in front, or they are out of reach. */
int
posix_spawn(pid_t *ret, const char *path, const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
    char *const argv[], char *const envp[])
{
	BEHIND(int, "posix_spawn", (pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
	    char *const[], char *const[]));
	static char	preload[4096], plan[4096], name[64];
	char		*env[64] = { preload, plan, name };
	size_t		 i;

	(void)snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", getenv("LD_PRELOAD") ? getenv("LD_PRELOAD") : "");
	(void)snprintf(plan, sizeof(plan), "INJECT=%s", getenv("INJECT") ? getenv("INJECT") : "");
	(void)snprintf(name, sizeof(name), "COSTS_PARTY=%s", party);
	for (i = 0; envp[i] != NULL && i + 4 < sizeof(env) / sizeof(env[0]); i++)
		env[i + 3] = envp[i];
	return real(ret, path, actions, attributes, argv, env);
}

/* ---- the table ------------------------------------------------------------------------------ */

static bool
is_row(const struct costs_row *r, const char *what)
{
	while (atomic_load(&r->state) == COSTS_TAKEN)
		;			/* somebody writes its names: a few instructions */
	return strcmp(r->what, what) == 0 && strcmp(r->process, process) == 0 && strcmp(r->party, party) == 0;
}

static struct costs_row *
row_of(const char *what)
{
	struct costs_row	*r;
	uint32_t		 is;

	for (r = costs->row; r < costs->row + COSTS_ROWS; r++) {
		is = COSTS_FREE;
		if (atomic_compare_exchange_strong(&r->state, &is, COSTS_TAKEN)) {
			(void)snprintf(r->what, sizeof(r->what), "%s", what);
			memcpy(r->process, process, sizeof(process));
			memcpy(r->party, party, sizeof(party));
			atomic_store(&r->state, COSTS_READY);
			return r;
		}
		if (is_row(r, what))
			return r;
	}
	abort();			/* a table that is too small counts wrongly */
}

void
count(const char *what, uint64_t n)
{
	if (costs == NULL)
		return;
	atomic_fetch_add(&row_of(what)->n, n);
	atomic_fetch_add(&costs->calls, 1);
}

void
count_enter(void)
{
	inside++;
}

void
count_leave(void)
{
	inside--;
}

void
count_outside(const char *what)
{
	if (inside == 0)
		count(what, 1);
}

/* ---- what is durable ------------------------------------------------------------------------ */

#define DURABLY(call)				\
	do {					\
		int	r;			\
						\
		count_outside("fsync");		\
		count_busy(1);			\
		r = (call);			\
		count_busy(-1);			\
		return r;			\
	} while (0)

static void
count_busy(int n)
{
	if (costs != NULL)
		atomic_fetch_add(&costs->busy, (uint32_t)n);
}

int
fsync(int fd)
{
	BEHIND(int, "fsync", (int));
	DURABLY(real(fd));
}

int
fdatasync(int fd)
{
	BEHIND(int, "fdatasync", (int));
	DURABLY(real(fd));
}

int
syncfs(int fd)
{
	BEHIND(int, "syncfs", (int));
	DURABLY(real(fd));
}

int
sync_file_range(int fd, off64_t at, off64_t n, unsigned flags)
{
	BEHIND(int, "sync_file_range", (int, off64_t, off64_t, unsigned));
	DURABLY(real(fd, at, n, flags));
}

int
msync(void *p, size_t n, int flags)
{
	BEHIND(int, "msync", (void *, size_t, int));
	DURABLY(real(p, n, flags));
}
