#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/unit/vectors.h"

#define VECTOR_BYTES_MAX	(64 << 20)

static void	(*each_fn)(const char *path, struct span bytes);
static size_t	each_n;

static const char *
path_of(const char *name, char out[4096])
{
	const char	*dir = getenv("QUORATE_VECTORS");

	(void)snprintf(out, 4096, "%s/%s",
	    dir == NULL ? "../shared/vectors" : dir, name);
	return out;
}

static void
slurp(const char *path, struct buf *ret)
{
	FILE	*f = fopen(path, "rb");
	char	 chunk[4096];
	size_t	 n;

	if (f == NULL)
		abort();
	while ((n = fread(chunk, 1, sizeof(chunk), f)) != 0)
		buf_add(ret, chunk, n);
	if (ferror(f) != 0 || ret->rc != RC_OK)
		abort();
	(void)fclose(f);
}

static bool
there(const char *path)
{
	struct stat	st;

	if (stat(path, &st) == 0)
		return true;
	printf("skipped: %s is not there\n", path);
	return false;
}

bool
vector_read(const char *name, struct buf *ret)
{
	char	path[4096];

	if (!there(path_of(name, path)))
		return false;
	slurp(path, ret);
	return true;
}

static int
visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct buf	b = BUF_INIT(VECTOR_BYTES_MAX);

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	slurp(path, &b);
	each_fn(path, buf_view(&b));
	each_n++;
	buf_done(&b);
	return 0;
}

bool
vector_each(const char *name, void (*fn)(const char *path, struct span bytes),
    size_t *ret_n)
{
	char	path[4096];

	if (!there(path_of(name, path)))
		return false;
	each_fn = fn;
	each_n = 0;
	if (nftw(path, visit, 16, FTW_PHYS) != 0)
		abort();
	*ret_n = each_n;
	return true;
}
