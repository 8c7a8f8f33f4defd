/* Trust files: what is read names something to trust, and no more roots than there may be. */
#include <sys/mman.h>

#include <unistd.h>

#include "cli/package.h"
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trusted	t;
	struct err	err;
	char		path[64];
	enum rc		rc;
	int		fd = memfd_create("trust", MFD_CLOEXEC);

	PROMISE(fd >= 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
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
	(void)close(fd);
	return 0;
}
