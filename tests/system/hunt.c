/*
 * tests/system/hunt.c - where secrets are: in which processes' memory, in which files.
 *
 *	hunt scan PID <NEEDLES		PID and the processes that it starts, again and again until
 *					SIGTERM; then, of each: NAME: found N in M looks
 *	hunt look PID... <NEEDLES	each of them once
 *	hunt run NEEDLES COMMAND...	the command as it ends: its exit code, and what is still in its
 *					memory. NEEDLES (a pipe, perhaps) is read then
 *	hunt files PATH... <NEEDLES	files, and all that is in folders: raw, in hex, in base64
 *
 * A needle is a line "KIND HEX", of 6 to 128 bytes. For each kind that is found somewhere,
 * scan, look and run add a line
 *
 *	NAME KIND PLACE N
 *
 * where NAME is the process (its comm; of a scan what it was started as), and PLACE how the
 * memory is: `locked` and left out of core dumps, or else `heap`, `stack`, `anon`, `file`.
 * Memory that was freed is looked at as any other. files says: FILE KIND FORM.
 *
 * Exit 3: this machine does not let it look. Exit 1: files found something. For tests alone.
 */
#include <dirent.h>
#include <signal.h>

/* One program, in parts that a reader can take one at a time. */
#include "tests/system/hunt/needle.c"
#include "tests/system/hunt/memory.c"
#include "tests/system/hunt/files.c"
#include "tests/system/hunt/exit.c"

#define PROCESSES_MAX	64

static struct process		 process[PROCESSES_MAX];
static size_t			 n_processes;
static volatile sig_atomic_t	 over;

static void
on_term(int sig)
{
	(void)sig;
	over = 1;
}

/* ---- a process and its children, again and again -------------------------------------------- */

/* What it was started as: its first argument. One that is over has none, and keeps its name. */
static void
name_of(pid_t pid, char ret[32])
{
	char	line[256] = "";

	if (read_proc(pid, "cmdline", line, sizeof(line) - 1) > 0)
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

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)parent);
	if ((tasks = opendir(path)) == NULL)
		return;
	while ((e = readdir(tasks)) != NULL) {
		(void)snprintf(path, sizeof(path), "task/%.16s/children", e->d_name);
		if (read_proc(parent, path, list, sizeof(list)) <= 0)
			continue;
		for (at = strtok(list, " "); at != NULL; at = strtok(NULL, " ")) {
			struct process	*p = process_of((pid_t)strtol(at, NULL, 10));

			if (p != NULL)
				(void)look_at_process(p);
		}
	}
	(void)closedir(tasks);
}

static int
cannot_look(void)
{
	fprintf(stderr, "hunt: cannot look: %s\n", strerror(errno));
	return 3;
}

static int
scan(pid_t pid)
{
	struct process	*p = process_of(pid);
	unsigned	 turn;

	(void)signal(SIGTERM, on_term);
	for (turn = 0; !over; turn++) {		/* workers live for a moment only */
		look_at_children(pid);
		if (turn % 8 == 0 && !look_at_process(p))
			return cannot_look();
	}
	(void)look_at_process(p);
	for (size_t i = 0; i < n_processes; i++)
		printf("%s: found %lu in %lu looks\n", process[i].name, process[i].found, process[i].looks);
	for (size_t i = 0; i < n_processes; i++)
		print_places(&process[i]);
	return EXIT_YES;
}

static int
look(char **pids, int n)
{
	static struct process	p;

	for (int i = 0; i < n; i++) {
		memset(&p, 0, sizeof(p));
		p.pid = (pid_t)strtol(pids[i], NULL, 10);
		if (!comm_of(p.pid, p.name) || !look_at_process(&p))
			return cannot_look();
		print_places(&p);
	}
	return EXIT_YES;
}

static int
usage(void)
{
	fprintf(stderr, "usage: hunt scan PID | look PID... | files PATH... <NEEDLES, or hunt run NEEDLES COMMAND...\n");
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	if (argc < 3)
		return usage();
	if (strcmp(argv[1], "run") == 0)
		return argc > 3 ? run_to_its_end(argv[2], argv + 3) : usage();
	if (!read_needles(stdin)) {
		fprintf(stderr, "hunt: no needles, too many, or a line that is none\n");
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "scan") == 0 && argc == 3)
		return scan((pid_t)strtol(argv[2], NULL, 10));
	if (strcmp(argv[1], "look") == 0)
		return look(argv + 2, argc - 2);
	return strcmp(argv[1], "files") == 0 ? files(argv + 2) : usage();
}
