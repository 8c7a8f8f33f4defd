/* coordinator/confine.c - Landlock: see confine.h and linux/landlock.h. */
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/confine.h"

/* The kernel's own struct and numbers, of which older headers know the first member only. */
struct rules {
	uint64_t	files, net, scoped;
};
#define NET_TCP		3u		/* bind, connect */
#define SCOPED		3u		/* abstract unix sockets, signals */

static const struct version {
	long	abi;
	unsigned files;			/* how many rights on files it knows */
	size_t	size;			/* of the rules */
} versions[] = {
	{ 6, 16, sizeof(struct rules) },
	{ 5, 16, offsetof(struct rules, scoped) },
	{ 4, 15, offsetof(struct rules, scoped) },
	{ 3, 15, offsetof(struct rules, net) },
	{ 2, 14, offsetof(struct rules, net) },
	{ 1, 13, offsetof(struct rules, net) },
};

static const struct version *
version(void)
{
	long	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	size_t	i;

	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (abi >= versions[i].abi)
			return &versions[i];
	return NULL;
}

static enum rc
allow_reading(int rules, const char *dir, struct err *err)
{
	struct landlock_path_beneath_attr	a = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE };
	long					failed;

	if ((a.parent_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0)
		return err_set(err, RC_IO, "%.150s: %s", dir, strerror(errno));
	failed = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &a, 0);
	(void)close(a.parent_fd);
	return failed == 0 ? RC_OK : err_set(err, RC_IO, "Landlock: %s", strerror(errno));
}

enum rc
confine(const char *dir, bool *ret_whole, struct err *err)
{
	const struct version	*v = version();
	struct rules		 what = { .net = NET_TCP, .scoped = SCOPED };
	enum rc			 rc = RC_OK;
	int			 fd;

	*ret_whole = v == &versions[0];
	if (v == NULL)
		return RC_OK;
	what.files = (1ULL << v->files) - 1;
	fd = (int)syscall(SYS_landlock_create_ruleset, &what, v->size, 0);
	if (fd < 0)
		return err_set(err, RC_IO, "Landlock: %s", strerror(errno));
	if (dir != NULL)
		rc = allow_reading(fd, dir, err);
	if (rc == RC_OK && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_landlock_restrict_self, fd, 0) != 0))
		rc = err_set(err, RC_IO, "Landlock: %s", strerror(errno));
	(void)close(fd);
	return rc;
}
