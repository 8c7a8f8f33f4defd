/* Trust files: what is read names something to trust, and no more roots than there may be. */
#include <unistd.h>

#include "cli/package.h"
#include "tests/fuzz/lib/fuzz.h"

/* A folder of its own: names in the file are of what stands beside it. */
static char	folder[] = "/tmp/quorate-trust-XXXXXX", path[64];

static void
remove_them(void)
{
	(void)unlink(path);
	(void)rmdir(folder);
}

static void
put(const uint8_t *data, size_t size)
{
	FILE	*f;

	if (path[0] == '\0') {
		PROMISE(mkdtemp(folder) != NULL && atexit(remove_them) == 0);
		(void)snprintf(path, sizeof(path), "%s/trust", folder);
	}
	f = fopen(path, "wb");
	PROMISE(f != NULL && fwrite(data, 1, size, f) == size && fclose(f) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trusted	t;
	struct err	err;
	enum rc		rc;

	put(data, size);
	PROMISE(unsetenv("QUORATE_CHARTER") == 0);
	rc = trusted_read(NULL, path, &t, &err);
	PROMISE(t.trust.n_roots <= TRUST_ROOTS_MAX);
	if (rc == RC_OK) {
		PROMISE(t.trust.genesis != NULL || t.trust.n_roots > 0);
		for (size_t i = 0; i < t.trust.n_roots; i++)
			PROMISE(t.root[i].n > 0);
	} else
		PROMISE(strlen(err.msg) > 0);
	trusted_done(&t);
	return 0;
}
