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
#define BLOCK_BYTES	((size_t)2048)	/* what a small secret gets: it stands at the end, by the guard page */
#define KEPT_MAX	64

#define MARK		UINT64_C(0x6b657074656d7074)

/* Whoever uses what was freed shall meet no memory there when it is tested: nothing is kept. clang and gcc say so differently. */
#ifdef __has_feature
#define FEATURE(x)	__has_feature(x)
#else
#define FEATURE(x)	0
#endif
#if defined(__SANITIZE_ADDRESS__) || FEATURE(address_sanitizer)
#define KEEP	false
#else
#define KEEP	true
#endif

struct secret {
	size_t		len;
	uint64_t	mark;		/* mark_of(len), unless somebody wrote before the bytes */
	/* The bytes stand behind the header, at the guard page's side. */
	uint8_t		bytes[];
};

/*
 * Larger ones, where a program asks for it: likewise wiped, locked and guarded. A size takes the first free row and
 * keeps it; a place is taken and given with one exchange, so that threads need no lock.
 */
#define KEPT_SIZES	6
#define KEPT_SMALL	32		/* places of a row */
#define KEPT_LARGE	4		/* of one above a page */
#define KEPT_BYTES_MAX	((size_t)80 << 10)	/* larger ones are not kept: in all at most 2 MiB are */

struct row {
	atomic_size_t		 total;
	_Atomic(struct secret *) place[KEPT_SMALL];
};

/*
 * Blocks that were wiped and stay locked and guarded, for whoever needs one next: the system calls
 * that make one take longer than the arithmetic on what is put there (docs/adr/0030-kept-secret-memory.md).
 * In a page of its own that a child finds empty: locks are not inherited. Nor does a child keep anything: what it
 * frees may be from before, and not locked there.
 */
struct kept {
	bool			here;		/* false in a child */
	_Atomic(uint8_t *)	block[KEPT_MAX];
	struct row		row[KEPT_SIZES];
};

static struct kept	*kept;		/* NULL: nothing is kept */
static atomic_bool	 reuse;		/* the larger ones as well */

static bool
keeps(void)
{
	return kept != NULL && kept->here;
}

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

/* Where that cannot be, each secret is mapped anew, as before the first call. */
static void
keep_blocks(void)
{
	void	*page;

	if (!KEEP || kept != NULL)
		return;
	page = mmap(NULL, sizeof(struct kept), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return;
	if (madvise(page, sizeof(struct kept), MADV_WIPEONFORK) == 0) {
		kept = page;
		kept->here = true;
	} else
		(void)munmap(page, sizeof(struct kept));
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
	keep_blocks();
	return key_heap(err);
}

/* Locked and zeroed, between guard pages. */
static void *
new_block(size_t n)
{
	void	*p = sodium_malloc(n);

	if (p == NULL)
		return NULL;
	/* It carries on when it could not lock; asking again tells. */
	if (sodium_mlock(p, n) != 0) {
		sodium_free(p);
		return NULL;
	}
	memset(p, 0, n);
	return p;
}

static uint8_t *
take_kept(void)
{
	uint8_t	*p = NULL;
	size_t	 i;

	for (i = 0; keeps() && p == NULL && i < KEPT_MAX; i++)
		if (atomic_load_explicit(&kept->block[i], memory_order_relaxed) != NULL)
			p = atomic_exchange(&kept->block[i], NULL);
	return p;
}

/* Of a block that is all zeros. False: there are enough. */
static bool
keep(uint8_t *block)
{
	uint8_t	*none;
	size_t	 i;

	for (i = 0; keeps() && i < KEPT_MAX; i++) {
		none = NULL;
		if (atomic_load_explicit(&kept->block[i], memory_order_relaxed) == NULL &&
		    atomic_compare_exchange_strong(&kept->block[i], &none, block))
			return true;
	}
	return false;
}

void
secret_reuse(void)
{
	atomic_store(&reuse, true);
}

static struct row *
row_of(size_t total)
{
	struct row	*row;
	size_t		 none;

	if (!keeps() || !atomic_load(&reuse) || total > KEPT_BYTES_MAX)
		return NULL;
	for (row = kept->row; row < kept->row + KEPT_SIZES; row++) {
		none = 0;
		if (atomic_load(&row->total) == total || atomic_compare_exchange_strong(&row->total, &none, total) ||
		    none == total)
			return row;
	}
	return NULL;
}

static size_t
places(size_t total)
{
	return total > 4096 ? KEPT_LARGE : KEPT_SMALL;
}

static struct secret *
take_large(size_t total)
{
	struct row	*row = row_of(total);
	struct secret	*s = NULL;

	for (size_t i = 0; row != NULL && s == NULL && i < places(total); i++)
		if (atomic_load_explicit(&row->place[i], memory_order_relaxed) != NULL)
			s = atomic_exchange(&row->place[i], NULL);
	return s;
}

/* Wiped already. */
static bool
keep_large(struct secret *s, size_t total)
{
	struct row	*row = row_of(total);
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
	uint8_t	*block;

	for (size_t i = 0; keeps() && i < KEPT_SIZES; i++)
		for (size_t j = 0; j < KEPT_SMALL; j++)
			sodium_free(atomic_exchange(&kept->row[i].place[j], NULL));
	while ((block = take_kept()) != NULL)
		sodium_free(block);
}

/* With the header, rounded up so that `len` stays aligned. */
static size_t
room_for(size_t len)
{
	return (sizeof(struct secret) + len + ALIGN - 1) & ~(ALIGN - 1);
}

/* Where a block, or a large secret, begins; nobody waits on what is kept. */
static uint8_t *
get(size_t room)
{
	uint8_t	*p = room <= BLOCK_BYTES ? take_kept() : (uint8_t *)take_large(room);

	if (room < BLOCK_BYTES)
		room = BLOCK_BYTES;
	if (p == NULL && (p = new_block(room)) == NULL) {
		let_go();
		p = new_block(room);
	}
	return p;
}

/* A length that was written over is not believed either: it says where the block begins. */
static uint64_t
mark_of(size_t len)
{
	return MARK ^ len;
}

struct secret *
secret_new(size_t len)
{
	struct secret	*s;
	size_t		 room;
	uint8_t		*block;

	if (len > SIZE_MAX / 4)
		return NULL;
	room = room_for(len);
	if ((block = get(room)) == NULL)
		return NULL;
	if (room <= BLOCK_BYTES)
		block += BLOCK_BYTES - room;
	s = (struct secret *)(void *)block;
	s->len = len;
	s->mark = mark_of(len);
	return s;
}

void
secret_free(struct secret *s)
{
	size_t	 room;
	uint8_t	*block = (uint8_t *)s;

	if (s == NULL)
		return;
	if (s->mark != mark_of(s->len))
		abort();
	room = room_for(s->len);
	wipe(s, room);
	if (room <= BLOCK_BYTES)
		block -= BLOCK_BYTES - room;
	if (room <= BLOCK_BYTES ? !keep(block) : !keep_large(s, room))
		sodium_free(block);			/* zeroes once more */
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
		let_go();
		if (!map_arena(a)) {
			free(a);
			return NULL;
		}
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
