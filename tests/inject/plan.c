/* tests/inject/plan.c - the plan that processes share. See inject.h. */
#include <sys/mman.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/inject/inject.h"

const char	*const inject_names[INJECT_NAMES] = { "custodiand", "keeper", "listener", "coordinatord", "release-worker",
	"tiles", "quorate", "any" };
const char	*const inject_kinds[INJECT_KINDS] = { "memory", "sync", "write", "net", "token", "durable", "library" };
const char	*const inject_actions[INJECT_ACTIONS] = { "fail", "full", "kill", "after", "half", "slow", "pin", "session" };

static struct inject_plan	*plan;
static size_t			 me = INJECT_NAMES - 1;

struct inject_plan *
inject_plan(void)
{
	const char	*path = getenv("INJECT");
	void		*p;
	int		 fd;

	if (plan != NULL || path == NULL || (fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
		return plan;
	p = mmap(NULL, sizeof(*plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (p != MAP_FAILED)
		plan = p;
	return plan;
}

void
inject_rename(const char *name)
{
	size_t	i;

	for (i = 0; i < INJECT_NAMES - 1 && strncmp(inject_names[i], name, INJECT_NAME - 1) != 0; i++)
		;
	me = i;
}

/* Not by a call that a filter could refuse: the harness must not be held up by what it tests. */
void
inject_die(void)
{
	(void)kill(getpid(), SIGKILL);
	__builtin_trap();
}

static bool
meant(enum inject_kind kind)
{
	return (plan->kind == kind || (plan->kind == INJECT_DURABLE && (kind == INJECT_SYNC || kind == INJECT_WRITE))) &&
	    (strcmp(plan->name, "any") == 0 || strcmp(plan->name, inject_names[me]) == 0);
}

bool
inject_turn(enum inject_kind kind, enum inject_action *action)
{
	int64_t	left;

	if (plan == NULL)
		return false;
	atomic_fetch_add(&plan->count[me][kind], 1);
	if (!atomic_load(&plan->armed) || !meant(kind))
		return false;
	*action = (enum inject_action)plan->action;
	left = atomic_fetch_sub(&plan->left, 1);
	if (left > 1 || (left < 1 && *action != INJECT_FULL && *action != INJECT_SLOW && *action != INJECT_PIN))
		return false;
	atomic_store(&plan->fired, 1);
	if (*action == INJECT_KILL)
		inject_die();
	return true;
}
