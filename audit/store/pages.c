/*
 * audit/store/pages.c - each page of the file ends with a digest of itself.
 *
 * SQLite takes a page as it comes from the disk. A byte that the disk changed would be a
 * share, a verdict or an act like any other: with the digest over number and bytes it is a
 * failed read instead, of whoever asks for something of that page, and nobody else. What
 * this does not see is a page that the disk did not write at all, after it had said so:
 * the older one has a digest as well. The write-ahead log has sums of its own, over which
 * SQLite looks when it opens it; from there pages come here, and get their digest.
 *
 * No protection from whoever can write the file: anybody can compute a digest.
 */
#include <pthread.h>
#include <string.h>

#include "audit/store/db.h"

#define VFS_NAME	"quorate-pages"
#define HEADER_BYTES	100		/* of the file, read before anything is locked */
#define HEADER_ROOM	20		/* where it says how much room each page has at its end */
#define BODY_BYTES	(STORE_PAGE_BYTES - STORE_PAGE_SUM)

struct paged {
	sqlite3_file	 base;
	sqlite3_file	*real;		/* stands behind this struct */
	bool		 ours;		/* its pages have room for a digest */
};

static sqlite3_vfs	 vfs, *real_vfs;
static bool		 registered;
static pthread_once_t	 once = PTHREAD_ONCE_INIT;

static struct paged *
paged(sqlite3_file *f)
{
	return (struct paged *)(void *)f;
}

static sqlite3_file *
real_of(sqlite3_file *f)
{
	return paged(f)->real;
}

#define FORWARD(f, method, ...)	(real_of(f)->pMethods->method(real_of(f), __VA_ARGS__))

/* --- the digest ------------------------------------------------------------------ */

static void
page_sum(uint64_t number, const uint8_t *page, uint8_t ret[STORE_PAGE_SUM])
{
	uint8_t			be[8], full[SHA256_BYTES];
	const struct span	in[2] = { SPAN_OF(be), { page, BODY_BYTES } };
	size_t			i;

	for (i = 0; i < sizeof(be); i++)
		be[i] = (uint8_t)(number >> (56 - 8 * i));
	sha256(full, in, 2);
	memcpy(ret, full, STORE_PAGE_SUM);
}

static bool
page_whole(uint64_t number, const uint8_t *page)
{
	uint8_t	sum[STORE_PAGE_SUM];

	page_sum(number, page, sum);
	return memcmp(sum, page + BODY_BYTES, sizeof(sum)) == 0;
}

static int
read_page(sqlite3_file *f, uint64_t number, uint8_t *page)
{
	int	code = FORWARD(f, xRead, page, STORE_PAGE_BYTES, (sqlite3_int64)(number * STORE_PAGE_BYTES));

	/* SQLite takes what is missing for zeros. It asks for no page that was never written. */
	if (code == SQLITE_IOERR_SHORT_READ)
		return SQLITE_IOERR_DATA;
	if (code != SQLITE_OK)
		return code;
	return page_whole(number, page) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

/* --- reading and writing ------------------------------------------------------------ */

static int
on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	uint8_t		page[STORE_PAGE_BYTES];
	uint64_t	number = (uint64_t)at / STORE_PAGE_BYTES;
	size_t		from = (size_t)((uint64_t)at % STORE_PAGE_BYTES);
	int		code;

	/* The header comes again with its page, under a lock. */
	if (!paged(f)->ours || at + n <= HEADER_BYTES)
		return FORWARD(f, xRead, p, n, at);
	if (from == 0 && n == STORE_PAGE_BYTES)
		return read_page(f, number, p);
	if (n < 0 || from + (size_t)n > sizeof(page))
		return SQLITE_IOERR_DATA;	/* nobody reads more than a page of ours */
	if ((code = read_page(f, number, page)) == SQLITE_OK)
		memcpy(p, page + from, (size_t)n);
	return code;
}

static int
on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	uint8_t		page[STORE_PAGE_BYTES];
	uint64_t	number = (uint64_t)at / STORE_PAGE_BYTES;

	if (at == 0 && n == STORE_PAGE_BYTES)
		paged(f)->ours = ((const uint8_t *)p)[HEADER_ROOM] == STORE_PAGE_SUM;
	if (!paged(f)->ours)
		return FORWARD(f, xWrite, p, n, at);
	if (n != STORE_PAGE_BYTES || at % STORE_PAGE_BYTES != 0)
		return SQLITE_IOERR_WRITE;	/* SQLite writes whole pages */
	memcpy(page, p, BODY_BYTES);
	page_sum(number, page, page + BODY_BYTES);
	return FORWARD(f, xWrite, page, n, at);
}

/* --- the rest goes to the file as it is ------------------------------------------------ */

static int
on_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}

static int
on_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return FORWARD(f, xTruncate, size);
}

static int
on_sync(sqlite3_file *f, int flags)
{
	return FORWARD(f, xSync, flags);
}

static int
on_size(sqlite3_file *f, sqlite3_int64 *ret)
{
	return FORWARD(f, xFileSize, ret);
}

static int
on_lock(sqlite3_file *f, int level)
{
	return FORWARD(f, xLock, level);
}

static int
on_unlock(sqlite3_file *f, int level)
{
	return FORWARD(f, xUnlock, level);
}

static int
on_reserved(sqlite3_file *f, int *ret)
{
	return FORWARD(f, xCheckReservedLock, ret);
}

static int
on_control(sqlite3_file *f, int op, void *arg)
{
	return FORWARD(f, xFileControl, op, arg);
}

static int
on_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int
on_device(sqlite3_file *f)
{
	return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int
on_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
	return FORWARD(f, xShmMap, page, size, extend, ret);
}

static int
on_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return FORWARD(f, xShmLock, offset, n, flags);
}

static void
on_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int
on_shm_unmap(sqlite3_file *f, int remove)
{
	return FORWARD(f, xShmUnmap, remove);
}

/* Version 2: without xFetch nothing is mapped, and all of it is read here. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = on_close, .xRead = on_read, .xWrite = on_write,
	.xTruncate = on_truncate, .xSync = on_sync, .xFileSize = on_size,
	.xLock = on_lock, .xUnlock = on_unlock,
	.xCheckReservedLock = on_reserved, .xFileControl = on_control,
	.xSectorSize = on_sector, .xDeviceCharacteristics = on_device,
	.xShmMap = on_shm_map, .xShmLock = on_shm_lock,
	.xShmBarrier = on_shm_barrier, .xShmUnmap = on_shm_unmap,
};

/* --- opening ---------------------------------------------------------------------------- */

/* An empty file will be ours. Of any other its first page tells; whose it is, identify() asks. */
static int
look_at_header(struct paged *f)
{
	uint8_t		header[HEADER_BYTES];
	sqlite3_int64	size = 0;
	int		code = f->real->pMethods->xFileSize(f->real, &size);

	f->ours = true;
	if (code != SQLITE_OK || size < HEADER_BYTES)
		return code;
	code = f->real->pMethods->xRead(f->real, header, HEADER_BYTES, 0);
	f->ours = header[HEADER_ROOM] == STORE_PAGE_SUM;
	return code;
}

static int
on_open(sqlite3_vfs *v, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	struct paged	*f = paged(file);
	int		 code;

	(void)v;
	if ((flags & SQLITE_OPEN_MAIN_DB) == 0)
		return real_vfs->xOpen(real_vfs, name, file, flags, ret_flags);
	f->real = (sqlite3_file *)(void *)(f + 1);
	f->base.pMethods = NULL;
	code = real_vfs->xOpen(real_vfs, name, f->real, flags, ret_flags);
	if (f->real->pMethods == NULL)
		return code;
	f->base.pMethods = &methods;		/* SQLite closes what has methods, whatever we say */
	return code == SQLITE_OK ? look_at_header(f) : code;
}

static void
start(void)
{
	if ((real_vfs = sqlite3_vfs_find(NULL)) == NULL)
		return;
	vfs = *real_vfs;
	vfs.pNext = NULL;
	vfs.zName = VFS_NAME;
	vfs.szOsFile = (int)sizeof(struct paged) + real_vfs->szOsFile;
	vfs.xOpen = on_open;
	registered = sqlite3_vfs_register(&vfs, 0) == SQLITE_OK;
}

const char *
pages_vfs(void)
{
	return pthread_once(&once, start) == 0 && registered ? VFS_NAME : NULL;
}
