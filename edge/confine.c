/* edge/confine.c - Landlock: see confine.h and linux/landlock.h. */
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <string.h>
#include <unistd.h>

#include "edge/confine.h"
#include "edge/edge.h"

/* The kernel's own structs and numbers, of which older headers know the first members only. */
struct rules {
	uint64_t	files, net, scoped;
};
struct port_rule {
	uint64_t	access, port;
};
#define RULE_PORT	2
#define NET_BIND	1u
#define NET_CONNECT	2u
#define SCOPED		3u		/* abstract unix sockets, signals */
#define FS_TRUNCATE	(1u << 14)
#define FS_IOCTL_DEV	(1u << 15)

#define READING		((uint64_t)LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* What can be done to one file; the rest is about folders. */
#define OF_A_FILE	((uint64_t)LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV)
#define WRITING		(READING | OF_A_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
			    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR)

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
allow_place(int rules, const struct version *v, const struct confine_place *p, struct err *err)
{
	struct landlock_path_beneath_attr	a = { .allowed_access = p->write ? WRITING : READING };
	struct stat				st;
	long					failed;

	if ((a.parent_fd = open(p->path, O_PATH | O_CLOEXEC)) < 0)
		return err_set(err, RC_IO, "%.150s: %s", p->path, strerror(errno));
	if (fstat(a.parent_fd, &st) != 0 || !S_ISDIR(st.st_mode))
		a.allowed_access &= OF_A_FILE;
	a.allowed_access &= (1ULL << v->files) - 1;
	failed = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &a, 0);
	(void)close(a.parent_fd);
	return failed == 0 ? RC_OK : err_set(err, RC_IO, "Landlock: %s", strerror(errno));
}

static enum rc
allow_ports(int rules, const uint16_t *port, size_t n, uint64_t access, struct err *err)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (syscall(SYS_landlock_add_rule, rules, RULE_PORT, &(struct port_rule){ access, port[i] }, 0) != 0)
			return err_set(err, RC_IO, "Landlock: %s", strerror(errno));
	return RC_OK;
}

static enum rc
allow(int rules, const struct version *v, const struct confine_place *place, size_t n, const struct confine_ports *ports,
    struct err *err)
{
	size_t	i;

	for (i = 0; i < n; i++)
		TRY(allow_place(rules, v, &place[i], err));
#ifdef CONFINE_SANITIZED
	/* The sanitizers look at their own maps when they report. */
	TRY(allow_place(rules, v, &(struct confine_place){ "/proc", false }, err));
#endif
	if (ports == NULL || v->abi < 4)
		return RC_OK;
	TRY(allow_ports(rules, ports->bind, ports->n_bind, NET_BIND, err));
	return allow_ports(rules, ports->connect, ports->n_connect, NET_CONNECT, err);
}

enum rc
confine_files(const struct confine_place *place, size_t n, const struct confine_ports *ports, bool *ret_whole, struct err *err)
{
	const struct version	*v = version();
	struct rules		 what = { .net = NET_BIND | NET_CONNECT, .scoped = SCOPED };
	enum rc			 rc;
	int			 fd;

	*ret_whole = v == &versions[0];
	if (v == NULL)
		return RC_OK;
	what.files = (1ULL << v->files) - 1;
	fd = (int)syscall(SYS_landlock_create_ruleset, &what, v->size, 0);
	if (fd < 0)
		return err_set(err, RC_IO, "Landlock: %s", strerror(errno));
	rc = allow(fd, v, place, n, ports, err);
	if (rc == RC_OK && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_landlock_restrict_self, fd, 0) != 0))
		rc = err_set(err, RC_IO, "Landlock: %s", strerror(errno));
	(void)close(fd);
	return rc;
}

void
confine_say(bool files_whole, bool calls_whole)
{
	if (!files_whole || !calls_whole)
		log_line("this kernel cannot confine it wholly (%s%s%s): see CONFINEMENT in the manual page", files_whole ? "" :
		    "Landlock", !files_whole && !calls_whole ? ", " : "", calls_whole ? "" : "seccomp");
}
