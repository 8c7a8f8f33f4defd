/*
 * tests/system/memory.c - what a process holds in its memory, and should not.
 *
 *	memory needles PACKAGE KEY.pem		what the recipient finds in a package: each
 *						contribution and each segment's point, as hex
 *	memory scan PID <NEEDLES		looks for them in PID and the processes that it
 *						started, again and again until SIGTERM, then says
 *						in which it found how many, and how often it looked
 *
 * Exit 3: this machine does not let it look. For tests alone: it prints secrets.
 */
#include <sys/types.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edge/edge.h"
#include "evidence/cms.h"
#include "evidence/keys.h"
#include "evidence/zip.h"
#include "policy/descriptor.h"

#define NEEDLES_MAX	65536
#define NEEDLE		32
#define PAGE		4096u
#define PAGES		512u		/* looked at in one go */
#define PROCESSES_MAX	64

/* ---- needles ------------------------------------------------------------------------- */

struct finding {
	struct zip		*z;
	EVP_PKEY		*key;
	struct buf		 cert, scope_bytes;
	struct scope		 scope;
	uint8_t			 genesis[SHA256_BYTES];
	struct secret		*from[CUSTODIANS_MAX];	/* contributions */
	size_t			 n;
	struct descriptor	 d;
	uint32_t		 artifact;		/* whose descriptor that is */
};

static void
say(const char *kind, const uint8_t *p)
{
	char	hex[HEX_BYTES(NEEDLE)];

	printf("%s %s\n", kind, hex_write(SPAN(p, NEEDLE), hex));
}

static enum rc
read_at(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	int	fd = *(int *)user;

	return pread(fd, out, n, (off_t)at) == (ssize_t)n ? RC_OK : err_set(err, RC_IO, "cannot read the package");
}

static enum rc
member(struct zip *z, const char *name, struct buf *out, struct err *err)
{
	struct zip_entry	e;

	TRY(zip_find(z, name, NULL, &e, err));
	return zip_read_all(z, &e, out, err);
}

static enum rc
open_message(struct finding *f, const char *name, struct secret **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(CMS_BYTES_MAX);

	TRY(member(f->z, name, &b, err));
	return cms_open(f->key, buf_view(&f->cert), buf_view(&b), ret, err);
}

static enum rc
load_descriptor(struct finding *f, const struct scope_artifact *a, struct err *err)
{
	static struct buf	b;
	char			hex[HEX_BYTES(ARTIFACT_ID_BYTES)], name[128];

	b = BUF_INIT(DESCRIPTOR_BYTES_MAX);		/* the descriptor may borrow from it */
	(void)snprintf(name, sizeof(name), "data/artifacts/%s/descriptor", hex_write(SPAN(a->id, ARTIFACT_ID_BYTES), hex));
	TRY(member(f->z, name, &b, err));
	return descriptor_parse(buf_view(&b), &f->d, err);
}

/* Each contribution to this segment, and the point that they make. */
static enum rc
combine(void *user, uint32_t number, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	msg = BUF_INIT(LABEL_MSG_MAX);
	AUTO(secret_free) struct secret	*point = NULL;
	struct shamir_contribution	 in[CUSTODIANS_MAX];
	struct finding			*f = user;
	uint8_t				 label[SHAMIR_POINT_BYTES];
	uint32_t			 bad;

	TRY(load_descriptor(f, a, err));
	label_msg(f->genesis, a->id, p->name, segment, &msg);
	TRY(shamir_label(buf_view(&msg), label, err));
	for (size_t i = 0; i < f->n; i++) {
		contributions_get(f->from[i], number, &in[i]);
		say("contribution", in[i].point);
	}
	TRY(shamir_combine(in, f->n, &f->d.commits, label, &bad, &point, err));
	say("key", secret_view(point));
	return RC_OK;
}

static enum rc
needles_of_contributions(struct finding *f, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	charter = BUF_INIT(1 << 20);
	char				name[64];

	TRY(member(f->z, "data/charter.json", &charter, err));
	sha256_one(f->genesis, buf_view(&charter));
	for (unsigned i = 1; i <= CUSTODIANS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "data/contributions/%02u.p7m", i);
		if (zip_find(f->z, name, NULL, &(struct zip_entry){ .size = 0 }, NULL) == RC_OK)
			TRY(open_message(f, name, &f->from[f->n++], err));
	}
	TRY(member(f->z, "data/scope", &f->scope_bytes, err));
	TRY(scope_parse(buf_view(&f->scope_bytes), &f->scope, err));
	return scope_each(&f->scope, combine, f, err);
}

static enum rc
needles(const char *path, const char *key, struct err *err)
{
	struct finding	f = { .cert = BUF_INIT(CMS_CERT_MAX), .scope_bytes = BUF_INIT(SCOPE_BYTES_MAX) };
	struct secret	*keys = NULL;
	FILE		*pem = fopen(key, "r");
	int		 fd = open(path, O_RDONLY);
	off_t		 size = lseek(fd, 0, SEEK_END);

	if (pem == NULL || (f.key = PEM_read_PrivateKey(pem, NULL, NULL, NULL)) == NULL || size < 0)
		return err_set(err, RC_USAGE, "cannot read %s or %s", path, key);
	TRY(zip_open(read_at, &fd, (uint64_t)size, &f.z, err));
	TRY(member(f.z, "data/recipient.cer", &f.cert, err));
	if (zip_find(f.z, "data/keys.p7m", NULL, &(struct zip_entry){ .size = 0 }, NULL) != RC_OK)
		return needles_of_contributions(&f, err);
	TRY(open_message(&f, "data/keys.p7m", &keys, err));
	for (size_t at = KEYS_HEAD_BYTES; at + NEEDLE <= secret_len(keys); at += NEEDLE)
		say("key", secret_view(keys) + at);
	return RC_OK;
}

/* ---- a scan ---------------------------------------------------------------------------- */

struct needle { char kind[16]; uint8_t p[NEEDLE]; };
struct process { pid_t pid; char name[32]; unsigned long looks, found; };

static struct needle		*needle;
static size_t			 n_needles;
static uint8_t			 begins[65536];		/* some needle begins with these two bytes */
static struct process		 process[PROCESSES_MAX];
static size_t			 n_processes;
static uint8_t			 window[PAGES * PAGE];
static volatile sig_atomic_t	 over;

static void
on_term(int sig)
{
	(void)sig;
	over = 1;
}

static bool
read_needles(void)
{
	char		line[256], hex[2 * NEEDLE + 1];
	struct needle	*w;

	needle = calloc(NEEDLES_MAX, sizeof(*needle));
	while (needle != NULL && fgets(line, sizeof(line), stdin) != NULL) {
		w = &needle[n_needles];
		if (n_needles == NEEDLES_MAX || sscanf(line, "%15s %64s", w->kind, hex) != 2 ||
		    !hex_parse(span_str(hex), w->p, NEEDLE))
			return false;
		begins[w->p[0] << 8 | w->p[1]] = 1;
		n_needles++;
	}
	return n_needles > 0;
}

static unsigned long
look_at(const uint8_t *p, size_t n)
{
	unsigned long	found = 0;

	for (size_t at = 0; at + NEEDLE <= n; at++) {
		if (!begins[p[at] << 8 | p[at + 1]])
			continue;
		for (size_t i = 0; i < n_needles; i++)
			found += memcmp(needle[i].p, p + at, NEEDLE) == 0;
	}
	return found;
}

/* Pages that are there, so many at most: a look must not make those that are not. */
static size_t
look_at_pages(int mem, int map, uint64_t from, size_t n, unsigned long *found)
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
			*found += look_at(window, run * PAGE);
	}
	return n;
}

static unsigned long
look_at_region(int mem, int map, uint64_t from, uint64_t to)
{
	unsigned long	found = 0;
	size_t		n;

	for (uint64_t at = from; at < to; at += n * PAGE) {
		n = look_at_pages(mem, map, at, (size_t)((to - at) / PAGE), &found);
		/* The last page again: a needle may go on. */
		if (n == PAGES)
			n--;
	}
	return found;
}

/* Anonymous memory and what was written to: all but code and files. */
static bool
look_at_process(struct process *p)
{
	char		 path[64], line[512], perms[8];
	unsigned long	 from, to, offset, inode;
	int		 mem, map;
	FILE		*maps;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)p->pid);
	mem = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)p->pid);
	map = open(path, O_RDONLY | O_CLOEXEC);
	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)p->pid);
	maps = fopen(path, "re");
	while (mem >= 0 && map >= 0 && maps != NULL && fgets(line, sizeof(line), maps) != NULL)
		if (sscanf(line, "%lx-%lx %7s %lx %*s %lu", &from, &to, perms, &offset, &inode) == 5 &&
		    strstr(line, "[v") == NULL && (inode == 0 || perms[1] == 'w'))
			p->found += look_at_region(mem, map, from, to);
	p->looks++;
	if (maps != NULL)
		(void)fclose(maps);
	if (map >= 0)
		(void)close(map);
	if (mem < 0)
		return false;
	(void)close(mem);
	return true;
}

/* What it was started as: its first argument. One that is over has none, and keeps its name. */
static void
name_of(pid_t pid, char ret[32])
{
	char	path[64], line[256] = "";
	ssize_t	n;
	int	fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return;
	n = read(fd, line, sizeof(line) - 2);
	(void)close(fd);
	if (n > 0)
		(void)snprintf(ret, 32, "%.31s", line + strlen(line) + 1);
}

static struct process *
process_of(pid_t pid)
{
	for (size_t i = 0; i < n_processes; i++)
		if (process[i].pid == pid) {
			/* Seen between its fork and its exec it has its parent's. */
			name_of(pid, process[i].name);
			return &process[i];
		}
	if (n_processes == PROCESSES_MAX)
		return NULL;
	process[n_processes].pid = pid;
	name_of(pid, process[n_processes].name);
	return &process[n_processes++];
}

/* One that ends while it is looked at is not looked at. */
static void
look_at_children(pid_t parent)
{
	char		 path[64], list[4096], *at;
	struct dirent	*e;
	DIR		*tasks;
	ssize_t		 n;
	int		 fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)parent);
	if ((tasks = opendir(path)) == NULL)
		return;
	while ((e = readdir(tasks)) != NULL) {
		(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", (int)parent, e->d_name);
		if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
			continue;
		n = read(fd, list, sizeof(list) - 1);
		(void)close(fd);
		list[n < 0 ? 0 : n] = '\0';
		for (at = strtok(list, " "); at != NULL; at = strtok(NULL, " ")) {
			struct process	*p = process_of((pid_t)strtol(at, NULL, 10));

			if (p != NULL)
				(void)look_at_process(p);
		}
	}
	(void)closedir(tasks);
}

static int
scan(pid_t pid)
{
	struct process	*p = process_of(pid);
	unsigned	 turn;

	(void)signal(SIGTERM, on_term);
	if (!read_needles()) {
		fprintf(stderr, "memory: no needles, or too many\n");
		return EXIT_USAGE;
	}
	for (turn = 0; !over; turn++) {		/* workers live for a moment only */
		look_at_children(pid);
		if (turn % 8 == 0 && !look_at_process(p)) {
			fprintf(stderr, "memory: cannot look: %s\n", strerror(errno));
			return 3;
		}
	}
	(void)look_at_process(p);
	for (size_t i = 0; i < n_processes; i++)
		printf("%s: found %lu in %lu looks\n", process[i].name, process[i].found, process[i].looks);
	return EXIT_YES;
}

int
main(int argc, char **argv)
{
	struct err	err = { RC_OK, "" };

	if (argc == 3 && strcmp(argv[1], "scan") == 0)
		return scan((pid_t)strtol(argv[2], NULL, 10));
	if (argc != 4 || strcmp(argv[1], "needles") != 0) {
		fprintf(stderr, "usage: memory needles PACKAGE KEY.pem | memory scan PID\n");
		return EXIT_USAGE;
	}
	if (secret_init(&err) != RC_OK || needles(argv[2], argv[3], &err) != RC_OK) {
		fprintf(stderr, "memory: %s\n", err.msg);
		return exit_code(err.rc);
	}
	return EXIT_YES;
}
