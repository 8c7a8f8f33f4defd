#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "tests/unit/store/shim.h"

struct shim_file {
	sqlite3_file	 base;
	sqlite3_file	*real;		/* stands behind this struct */
};

static sqlite3_vfs	 shim_vfs, *real_vfs;
static unsigned long	 left, syncs;
static enum shim_mode	 how;
static bool		 fired;

void
shim_arm(unsigned long n, enum shim_mode mode)
{
	left = n;
	how = mode;
	fired = false;
}

bool
shim_fired(void)
{
	bool	was = fired;

	shim_arm(0, SHIM_ONCE);
	return was;
}

unsigned long
shim_syncs(void)
{
	return syncs;
}

/* Does this call fail? *first: it is the one that was asked for. */
static bool
fails(bool *first)
{
	*first = left == 1;
	if (left != 0 && --left == 0)
		fired = true;
	return *first || (fired && how != SHIM_ONCE);
}

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return ((struct shim_file *)f)->real;
}

#define FORWARD(f, method, ...)	(real_of(f)->pMethods->method(real_of(f), __VA_ARGS__))

static int
shim_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int
shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return FORWARD(f, xRead, p, n, at);
}

static int
shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	bool	first;

	if (!fails(&first))
		return FORWARD(f, xWrite, p, n, at);
	if (how == SHIM_POWER && first)
		(void)FORWARD(f, xWrite, p, n / 2, at);
	return how == SHIM_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int
shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	bool	first;

	return fails(&first) ? SQLITE_IOERR_TRUNCATE : FORWARD(f, xTruncate, size);
}

static int
shim_sync(sqlite3_file *f, int flags)
{
	bool	first;

	syncs++;
	return fails(&first) ? SQLITE_IOERR_FSYNC : FORWARD(f, xSync, flags);
}

static int
shim_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return FORWARD(f, xFileSize, ret);
}

static int
shim_lock(sqlite3_file *f, int level)
{
	return FORWARD(f, xLock, level);
}

static int
shim_unlock(sqlite3_file *f, int level)
{
	return FORWARD(f, xUnlock, level);
}

static int
shim_reserved(sqlite3_file *f, int *ret)
{
	return FORWARD(f, xCheckReservedLock, ret);
}

static int
shim_control(sqlite3_file *f, int op, void *arg)
{
	return FORWARD(f, xFileControl, op, arg);
}

static int
shim_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int
shim_device(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int
shim_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
	return FORWARD(f, xShmMap, page, size, extend, ret);
}

static int
shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return FORWARD(f, xShmLock, offset, n, flags);
}

static void
shim_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int
shim_shm_unmap(sqlite3_file *f, int remove)
{
	return FORWARD(f, xShmUnmap, remove);
}

static const sqlite3_io_methods shim_methods = {
	.iVersion = 2,
	.xClose = shim_close, .xRead = shim_read, .xWrite = shim_write,
	.xTruncate = shim_truncate, .xSync = shim_sync, .xFileSize = shim_size,
	.xLock = shim_lock, .xUnlock = shim_unlock,
	.xCheckReservedLock = shim_reserved, .xFileControl = shim_control,
	.xSectorSize = shim_sector, .xDeviceCharacteristics = shim_device,
	.xShmMap = shim_shm_map, .xShmLock = shim_shm_lock,
	.xShmBarrier = shim_shm_barrier, .xShmUnmap = shim_shm_unmap,
};

static int
shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
	struct shim_file	*s = (struct shim_file *)f;
	int			 code;

	(void)vfs;
	s->real = (sqlite3_file *)(void *)(s + 1);
	code = real_vfs->xOpen(real_vfs, name, s->real, flags, ret_flags);
	s->base.pMethods = s->real->pMethods == NULL ? NULL : &shim_methods;
	return code;
}

void
shim_register(void)
{
	real_vfs = sqlite3_vfs_find(NULL);
	if (real_vfs == NULL)
		abort();
	shim_vfs = *real_vfs;
	shim_vfs.pNext = NULL;
	shim_vfs.zName = "shim";
	shim_vfs.szOsFile = (int)sizeof(struct shim_file) + real_vfs->szOsFile;
	shim_vfs.xOpen = shim_open;
	if (sqlite3_vfs_register(&shim_vfs, 1) != SQLITE_OK)
		abort();
}
