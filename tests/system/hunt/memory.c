/* tests/system/hunt/memory.c - one process's memory; part of tests/system/hunt.c. */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define PAGE		4096u
#define PAGES		512u		/* looked at in one go */

enum place { LOCKED, HEAP, STACK, ANON, MAPPED, PLACES };
static const char	*const places[PLACES] = { "locked", "heap", "stack", "anon", "file" };

struct process {
	pid_t		pid;
	char		name[32];
	unsigned long	looks, found;
	unsigned	at[KINDS_MAX][PLACES];
};

static uint8_t			 window[PAGES * PAGE];

static void
look_at(struct process *p, enum place place, const uint8_t *at, size_t n)
{
	const struct needle	*w;

	for (size_t i = 0; i + NEEDLE_MIN <= n; i++)
		for (w = needle_at(at + i, n - i, 0); w != NULL;
		    w = needle_at(at + i, n - i, (size_t)(w - needle) + 1)) {
			p->found++;
			p->at[w->kind][place]++;
		}
}

/* Pages that are there, so many at most: a look must not make those that are not. */
static size_t
look_at_pages(struct process *p, enum place place, int mem, int map, uint64_t from, size_t n)
{
	static uint64_t	entry[PAGES];
	size_t		run;

	if (n > PAGES)
		n = PAGES;
	if (pread(map, entry, n * sizeof(entry[0]), (off_t)(from / PAGE * sizeof(entry[0]))) !=
	    (ssize_t)(n * sizeof(entry[0])))
		return n;
	for (size_t at = 0; at < n; at += run) {
		for (run = 0; at + run < n && entry[at + run] >> 62 != 0; run++)
			;
		if (run == 0)
			run = 1;
		else if (pread(mem, window, run * PAGE, (off_t)(from + at * PAGE)) == (ssize_t)(run * PAGE))
			look_at(p, place, window, run * PAGE);
	}
	return n;
}

struct region {
	unsigned long	from, to, inode;
	char		perms[8], name[32];
};

static void
look_at_region(struct process *p, const struct region *r, enum place place, int mem, int map)
{
	size_t	n;

	for (uint64_t at = r->from; at < r->to; at += n * PAGE) {
		n = look_at_pages(p, place, mem, map, at, (size_t)((r->to - at) / PAGE));
		/* The last page again: a needle may go on. */
		if (n == PAGES)
			n--;
	}
}

/* "VmFlags:" ends each region of smaps: now it is known whether it is locked, and left out of dumps. */
static enum place
place_of(const struct region *r, const char *flags)
{
	if (strstr(flags, " lo") != NULL && strstr(flags, " dd") != NULL)
		return LOCKED;
	if (strcmp(r->name, "[heap]") == 0)
		return HEAP;
	if (strcmp(r->name, "[stack]") == 0)
		return STACK;
	return r->inode == 0 ? ANON : MAPPED;
}

/* Anonymous memory and what was written to: all but code and files. */
static void
look_at_regions(struct process *p, FILE *smaps, int mem, int map)
{
	struct region	r = { 0, 0, 0, "", "" }, next;
	char		line[512];

	while (fgets(line, sizeof(line), smaps) != NULL) {
		memset(&next, 0, sizeof(next));
		if (sscanf(line, "%lx-%lx %7s %*x %*s %lu %31s", &next.from, &next.to, next.perms, &next.inode,
		    next.name) >= 4)
			r = next;
		else if (strncmp(line, "VmFlags:", 8) == 0 && strncmp(r.name, "[v", 2) != 0 &&
		    (r.inode == 0 || r.perms[1] == 'w'))
			look_at_region(p, &r, place_of(&r, line), mem, map);
	}
}

static bool
look_at_process(struct process *p)
{
	char	 path[64];
	int	 mem, map;
	FILE	*smaps;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)p->pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)p->pid);
	map = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/smaps", (int)p->pid);
	smaps = fopen(path, "re");
	if (mem >= 0 && map >= 0 && smaps != NULL)
		look_at_regions(p, smaps, mem, map);
	p->looks++;
	if (smaps != NULL)
		(void)fclose(smaps);
	if (map >= 0)
		(void)close(map);
	if (mem < 0)
		return false;
	(void)close(mem);
	return true;
}

static void
print_places(const struct process *p)
{
	for (size_t k = 0; k < n_kinds; k++)
		for (size_t at = 0; at < PLACES; at++)
			if (p->at[k][at] != 0)
				printf("%s %s %s %u\n", p->name, kind[k], places[at], p->at[k][at]);
}

static ssize_t
read_proc(pid_t pid, const char *name, char *ret, size_t size)
{
	char	path[64];
	ssize_t	n;
	int	fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return -1;
	n = read(fd, ret, size - 1);
	(void)close(fd);
	ret[n < 0 ? 0 : n] = '\0';
	return n;
}

/* Its comm. */
static bool
comm_of(pid_t pid, char ret[32])
{
	char	comm[32];

	if (read_proc(pid, "comm", comm, sizeof(comm)) <= 0)
		return false;
	(void)snprintf(ret, 32, "%.*s", (int)strcspn(comm, "\n"), comm);
	return true;
}
