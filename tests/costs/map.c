/* tests/costs/map.c - the table that processes share. See costs.h. */
#include <sys/mman.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/costs/costs.h"

struct costs *
costs_map(void)
{
	static struct costs	*costs;
	const char		*path = getenv("INJECT");
	void			*p;
	int			 fd;

	if (costs != NULL || path == NULL || (fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
		return costs;
	p = mmap(NULL, sizeof(*costs), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	(void)close(fd);
	if (p != MAP_FAILED)
		costs = p;
	return costs;
}
