#include "tests/unit/evidence/memfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum rc
memfile_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const struct memfile	*f = user;

	if (at > f->b.n || n > f->b.n - at)
		return err_set(err, RC_FORMAT, "past the end");
	memcpy(out, f->b.p + at, n);
	return RC_OK;
}

enum rc
memfile_write(void *user, uint64_t at, struct span bytes, struct err *err)
{
	struct memfile	*f = user;

	if (f->fail_at > 0 && --f->fail_at == 0)
		return err_set(err, RC_IO, "disk full");
	if (at > f->b.n)
		return err_set(err, RC_BUG, "a hole");
	if (at == f->b.n) {
		buf_span(&f->b, bytes);
		return buf_check(&f->b, "memfile", err);
	}
	if (bytes.n > f->b.n - at)
		return err_set(err, RC_BUG, "rewritten past the end");
	memcpy(f->b.p + at, bytes.p, bytes.n);
	return RC_OK;
}

void
memfile_done(struct memfile *f)
{
	buf_done(&f->b);
}

void
memfile_save(const struct memfile *f, const char *path)
{
	FILE	*out = fopen(path, "wb");

	if (out == NULL || fwrite(f->b.p, 1, f->b.n, out) != f->b.n || fclose(out) != 0)
		abort();
}

bool
tool_ok(const char *command)
{
	return system(command) == 0;
}

bool
tool_here(const char *name)
{
	char	command[128];

	if (snprintf(command, sizeof(command), "command -v %s >/dev/null", name) >= (int)sizeof(command))
		abort();
	if (tool_ok(command))
		return true;
	printf("skipped: %s is not installed\n", name);
	return false;
}
