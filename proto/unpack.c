#include <stdbool.h>
#include <stdlib.h>

#include "proto/unpack.h"

static _Thread_local bool	ran_out;

static void *
counted_malloc(void *user, size_t n)
{
	void	*p = malloc(n);

	(void)user;
	ran_out = ran_out || p == NULL;
	return p;
}

static void
counted_free(void *user, void *p)
{
	(void)user;
	free(p);
}

ProtobufCAllocator *
unpack_memory(void)
{
	static ProtobufCAllocator	counted = { counted_malloc, counted_free, NULL };

	ran_out = false;
	return &counted;
}

enum rc
unpack_failed(const char *what, struct err *err)
{
	return ran_out ? err_set(err, RC_NOMEM, "%s: no memory", what) : err_set(err, RC_FORMAT, "malformed %s", what);
}
