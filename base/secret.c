#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <sodium.h>

#include "base/declassify.h"
#include "base/secret.h"

#define ALIGN		((size_t)16)
#define KEY_HEAP_BYTES	(1 << 20)

struct secret {
	size_t	len;
	/* The bytes stand behind the header, at the guard page's side. */
	uint8_t	bytes[];
};

struct secret_arena {
	uint8_t	*map;		/* guard page, cap bytes, guard page */
	uint8_t	*base;
	size_t	 page, cap, used;
};

void
wipe(void *p, size_t n)
{
	if (n != 0)
		sodium_memzero(p, n);
}

static enum rc
try_lock(struct err *err)
{
	AUTO(secret_free) struct secret	*s = NULL;
	struct rlimit			 lim = { 0, 0 };

	s = secret_new(1);
	if (s != NULL)
		return RC_OK;
	(void)getrlimit(RLIMIT_MEMLOCK, &lim);		/* only for the message */
	return err_set(err, RC_IO, "cannot lock memory: raise the memlock limit "
	    "(RLIMIT_MEMLOCK, `ulimit -l`, LimitMEMLOCK=), now %llu bytes",
	    (unsigned long long)lim.rlim_cur);
}

#ifdef __SANITIZE_ADDRESS__
void	 __lsan_register_root_region(const void *p, size_t n);

/* LeakSanitizer does not look there by itself: what libcrypto's random generators hold would be a leak. */
static void
show_key_heap(void)
{
	void	*all = OPENSSL_secure_malloc(KEY_HEAP_BYTES);

	if (all != NULL)
		__lsan_register_root_region(all, KEY_HEAP_BYTES);
	OPENSSL_secure_free(all);
}
#else
#define show_key_heap()	((void)0)
#endif

/*
 * Private keys inside libcrypto live here: locked, and zeroed when freed. Sized for
 * a daemon with many TLS handshakes at once; 2: it is not locked.
 */
static enum rc
key_heap(struct err *err)
{
	if (CRYPTO_secure_malloc_initialized() != 0)
		return RC_OK;
	if (CRYPTO_secure_malloc_init(KEY_HEAP_BYTES, 32) == 1) {
		show_key_heap();
		return RC_OK;
	}
	return err_set(err, RC_IO, "cannot lock %d KiB for keys: raise the memlock limit "
	    "(RLIMIT_MEMLOCK, `ulimit -l`, LimitMEMLOCK=)", KEY_HEAP_BYTES >> 10);
}

enum rc
secret_init(struct err *err)
{
	struct rlimit	none = { 0, 0 };

	if (sodium_init() < 0)
		return err_set(err, RC_IO, "libsodium does not start: no source of randomness");
	if (setrlimit(RLIMIT_CORE, &none) != 0)
		return err_set(err, RC_IO, "cannot turn core dumps off: %s", strerror(errno));
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_set(err, RC_IO, "cannot refuse tracing: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(err, RC_IO, "cannot refuse new privileges: %s", strerror(errno));
	TRY(try_lock(err));
	return key_heap(err);
}

/*
 * What was freed, wiped, and is still locked between its guard pages. A size takes the first free row and
 * keeps it; a place is taken and given with one exchange, so that threads need no lock.
 */
#define KEPT_SIZES	6
#define KEPT_SMALL	32		/* places of a row, a page each */
#define KEPT_LARGE	4		/* of one above a page */
#define KEPT_BYTES_MAX	((size_t)80 << 10)	/* larger ones are not kept: in all at most 2 MiB are */

static struct kept {
	atomic_size_t		 total;
	_Atomic(struct secret *) place[KEPT_SMALL];
} kept[KEPT_SIZES];
static atomic_bool	reuse;

void
secret_reuse(void)
{
	atomic_store(&reuse, true);
}

static struct kept *
row_of(size_t total)
{
	size_t	i, none;

	if (!atomic_load(&reuse) || total > KEPT_BYTES_MAX)
		return NULL;
	for (i = 0; i < KEPT_SIZES; i++) {
		none = 0;
		if (atomic_load(&kept[i].total) == total || atomic_compare_exchange_strong(&kept[i].total, &none, total) ||
		    none == total)
			return &kept[i];
	}
	return NULL;
}

static size_t
places(size_t total)
{
	return total > 4096 ? KEPT_LARGE : KEPT_SMALL;
}

static struct secret *
take_kept(size_t total)
{
	struct kept	*row = row_of(total);
	struct secret	*s = NULL;

	for (size_t i = 0; row != NULL && s == NULL && i < places(total); i++)
		if (atomic_load_explicit(&row->place[i], memory_order_relaxed) != NULL)
			s = atomic_exchange(&row->place[i], NULL);
	return s;
}

/* Wiped already. */
static bool
keep(struct secret *s, size_t total)
{
	struct kept	*row = row_of(total);
	struct secret	*none;

	for (size_t i = 0; row != NULL && i < places(total); i++) {
		none = NULL;
		if (atomic_compare_exchange_strong(&row->place[i], &none, s))
			return true;
	}
	return false;
}

/* The lock limit is better used by who needs it now. */
static void
let_go(void)
{
	for (size_t i = 0; i < KEPT_SIZES; i++)
		for (size_t j = 0; j < KEPT_SMALL; j++)
			sodium_free(atomic_exchange(&kept[i].place[j], NULL));
}

/* sodium_malloc() ends at the guard page: rounded up, to keep the bytes aligned. */
static size_t
total_of(size_t len)
{
	return (sizeof(struct secret) + len + ALIGN - 1) & ~(ALIGN - 1);
}

static struct secret *
map_secret(size_t total)
{
	struct secret	*s = sodium_malloc(total);

	if (s == NULL)
		return NULL;
	/* It carries on when it could not lock; asking again tells. */
	if (sodium_mlock(s, total) != 0) {
		sodium_free(s);
		return NULL;
	}
	memset(s, 0, total);
	return s;
}

struct secret *
secret_new(size_t len)
{
	struct secret	*s;

	if (len > SIZE_MAX / 4)
		return NULL;
	s = take_kept(total_of(len));
	if (s == NULL)
		s = map_secret(total_of(len));
	if (s == NULL && atomic_load(&reuse)) {
		let_go();
		s = map_secret(total_of(len));
	}
	if (s != NULL)
		s->len = len;
	return s;
}

void
secret_free(struct secret *s)
{
	size_t	total;

	if (s == NULL)
		return;
	total = total_of(s->len);
	wipe(s, total);
	if (!keep(s, total))
		sodium_free(s);			/* zeroes once more */
}

uint8_t *
secret_bytes(struct secret *s)
{
	return s->bytes;
}

const uint8_t *
secret_view(const struct secret *s)
{
	return s->bytes;
}

size_t
secret_len(const struct secret *s)
{
	return s->len;
}

bool
secret_eq(const struct secret *a, const struct secret *b)
{
	/* How long they are is public, and so is whether they are equal; where they differ is not. */
	return a->len == b->len && declassified(sodium_memcmp(a->bytes, b->bytes, a->len) == 0);
}

/* A locked mapping between two guard pages, out of core dumps and children. */
static bool
map_arena(struct secret_arena *a)
{
	size_t	total = a->cap + 2 * a->page;

	a->map = mmap(NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (a->map == MAP_FAILED)
		return false;
	a->base = a->map + a->page;
	if (mprotect(a->base, a->cap, PROT_READ | PROT_WRITE) == 0 &&
	    madvise(a->base, a->cap, MADV_DONTDUMP) == 0 &&
	    madvise(a->base, a->cap, MADV_DONTFORK) == 0 &&
	    mlock(a->base, a->cap) == 0)
		return true;
	(void)munmap(a->map, total);		/* our own mapping: it cannot fail */
	return false;
}

struct secret_arena *
secret_arena_new(size_t bytes)
{
	struct secret_arena	*a;
	long			 page = sysconf(_SC_PAGESIZE);

	if (page <= 0 || bytes == 0 || bytes > SIZE_MAX / 4)
		return NULL;
	a = calloc(1, sizeof(*a));
	if (a == NULL)
		return NULL;
	a->page = (size_t)page;
	a->cap = (bytes + a->page - 1) / a->page * a->page;
	if (!map_arena(a)) {
		free(a);
		return NULL;
	}
	return a;
}

void
secret_arena_free(struct secret_arena *a)
{
	if (a == NULL)
		return;
	wipe(a->base, a->cap);
	(void)munmap(a->map, a->cap + 2 * a->page);	/* our own mapping: it cannot fail */
	free(a);
}

void
secret_arena_reset(struct secret_arena *a)
{
	wipe(a->base, a->used);
	a->used = 0;
}

uint8_t *
secret_arena_take(struct secret_arena *a, size_t len)
{
	size_t	 need;
	uint8_t	*p;

	if (len > a->cap)
		return NULL;
	need = (len + ALIGN - 1) & ~(ALIGN - 1);
	if (need > a->cap - a->used)
		return NULL;
	p = a->base + a->used;
	a->used += need;
	return p;
}
