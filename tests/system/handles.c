/*
 * tests/system/handles.c - what a process holds open, a line each.
 *
 *	handles PID
 *
 *	read PATH | write PATH			a file, and whether it may be written
 *	dir PATH | path PATH			a folder; what was opened to name it only
 *	device PATH
 *	unix pair | unix PATH			a socket: of a pair without a name, or bound
 *	tcp listen PORT | tcp | udp | socket FAMILY
 *	pipe read | pipe write | pipe both
 *	eventfd | eventpoll | memfd | ...	what has no name in any folder
 *	mapped PATH				a file that it may write through its memory
 *
 * Sorted by number; equal lines stand as often as they are there. Exit 3: cannot look.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE	4608

static char	proc[64];

/* The access mode that it was opened with. */
static int
mode_of(const char *fd)
{
	char	path[192], line[128];
	int	flags = -1;
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/fdinfo/%.16s", proc, fd);
	if ((f = fopen(path, "re")) == NULL)
		return -1;
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "flags:", 6) == 0)
			flags = (int)strtol(line + 6, NULL, 8);
	(void)fclose(f);
	return flags;
}

/* The line of a table of sockets that ends in, or holds, this inode; its words are counted from 0. */
static bool
in_table(const char *table, int word, unsigned long inode, char line[LINE])
{
	char	path[96], copy[LINE], *at, *save;
	bool	found = false;
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/net/%s", proc, table);
	if ((f = fopen(path, "re")) == NULL)
		return false;
	while (!found && fgets(line, LINE, f) != NULL) {
		memcpy(copy, line, LINE);
		at = strtok_r(copy, " \n", &save);
		for (int i = 0; i < word && at != NULL; i++)
			at = strtok_r(NULL, " \n", &save);
		found = at != NULL && strtoul(at, NULL, 10) == inode;
	}
	(void)fclose(f);
	return found;
}

/* "sl local remote state ...": port and state are hexadecimal. */
static void
print_tcp(const char *line)
{
	char		local[128];
	unsigned	state = 0;
	const char	*port;

	if (sscanf(line, " %*s %127s %*s %x", local, &state) == 2 && state == 10 && (port = strchr(local, ':')) != NULL)
		printf("tcp listen %lu\n", strtoul(port + 1, NULL, 16));
	else
		puts("tcp");
}

static void
print_socket(unsigned long inode)
{
	char	line[LINE], name[LINE] = "";

	if (in_table("tcp", 9, inode, line) || in_table("tcp6", 9, inode, line)) {
		print_tcp(line);
	} else if (in_table("unix", 6, inode, line)) {
		(void)sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %4607s", name);
		printf("unix %s\n", name[0] == '\0' ? "pair" : name);
	} else if (in_table("udp", 9, inode, line) || in_table("udp6", 9, inode, line)) {
		puts("udp");
	} else {
		/* Made and not bound or connected yet, or of a family of its own. */
		puts("socket other");
	}
}

static void
print_file(const char *fd, const char *target, int flags)
{
	char		path[192];
	struct stat	st;

	(void)snprintf(path, sizeof(path), "%s/fd/%.16s", proc, fd);
	if ((flags & O_PATH) != 0)
		printf("path %s\n", target);
	else if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		printf("dir %s\n", target);
	else if (stat(path, &st) == 0 && S_ISCHR(st.st_mode))
		printf("device %s\n", target);
	else
		printf("%s %s\n", (flags & O_ACCMODE) == O_RDONLY ? "read" : "write", target);
}

static void
print_one(const char *fd)
{
	char	path[192], target[LINE];
	ssize_t	n;
	int	flags = mode_of(fd);

	(void)snprintf(path, sizeof(path), "%s/fd/%.16s", proc, fd);
	if ((n = readlink(path, target, sizeof(target) - 1)) < 0)
		return;			/* closed meanwhile */
	target[n] = '\0';
	if (strncmp(target, "socket:[", 8) == 0)
		print_socket(strtoul(target + 8, NULL, 10));
	else if (strncmp(target, "pipe:", 5) == 0)
		printf("pipe %s\n", (flags & O_ACCMODE) == O_RDONLY ? "read" : (flags & O_ACCMODE) == O_WRONLY ? "write" : "both");
	else if (strncmp(target, "anon_inode:", 11) == 0)
		printf("%.*s\n", (int)strcspn(target + 11 + (target[11] == '['), "]"), target + 11 + (target[11] == '['));
	else if (target[0] == '/')
		print_file(fd, target, flags);
	else
		printf("other %s\n", target);
}

static int
by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static bool
print_descriptors(void)
{
	char		 path[96];
	struct dirent	**all;
	int		 n;

	(void)snprintf(path, sizeof(path), "%s/fd", proc);
	if ((n = scandir(path, &all, NULL, by_number)) < 0)
		return false;
	for (int i = 0; i < n; i++) {
		if (all[i]->d_name[0] != '.')
			print_one(all[i]->d_name);
		free(all[i]);
	}
	free(all);
	return true;
}

/* A file may be closed and written all the same. */
static void
print_mapped(void)
{
	char	path[96], line[LINE], perms[8], name[LINE];
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/maps", proc);
	if ((f = fopen(path, "re")) == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%*s %7s %*s %*s %*s %4607s", perms, name) == 2 && perms[1] == 'w' && perms[3] == 's')
			printf("mapped %s\n", name);
	(void)fclose(f);
}

int
main(int argc, char **argv)
{
	if (argc != 2 || strtol(argv[1], NULL, 10) <= 0) {
		fprintf(stderr, "usage: handles PID\n");
		return 64;
	}
	(void)snprintf(proc, sizeof(proc), "/proc/%ld", strtol(argv[1], NULL, 10));
	if (!print_descriptors()) {
		fprintf(stderr, "handles: %s: %s\n", proc, strerror(errno));
		return 3;
	}
	print_mapped();
	return 0;
}
