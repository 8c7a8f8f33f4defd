#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/secret.h"
#include "tests/unit/fault.h"

static atomic_ulong	left;		/* allocations until the one that fails; 0: disarmed */
static atomic_bool	fired;

void	*__real_malloc(size_t n);
void	*__real_calloc(size_t n, size_t size);
void	*__real_realloc(void *p, size_t n);
struct secret	*__real_secret_new(size_t n);
void	*__wrap_malloc(size_t n);
void	*__wrap_calloc(size_t n, size_t size);
void	*__wrap_realloc(void *p, size_t n);
struct secret	*__wrap_secret_new(size_t n);

static bool
fails(void)
{
	unsigned long	n = atomic_load(&left);

	while (n != 0)
		if (atomic_compare_exchange_weak(&left, &n, n - 1)) {
			if (n == 1)
				atomic_store(&fired, true);
			return n == 1;
		}
	return false;
}

void *
__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

struct secret *
__wrap_secret_new(size_t n)
{
	return fails() ? NULL : __real_secret_new(n);
}

void
fault_at(unsigned long n)
{
	atomic_store(&fired, false);
	atomic_store(&left, n);
}

bool
fault_fired(void)
{
	atomic_store(&left, 0);
	return atomic_exchange(&fired, false);
}

uint8_t *
heap_copy(const void *p, size_t n)
{
	uint8_t	*copy = __real_malloc(n == 0 ? 1 : n);

	if (copy == NULL)
		abort();
	if (n != 0)
		memcpy(copy, p, n);
	return copy;
}

/* secret_init() refuses tracers, and LeakSanitizer is one: let it in at exit. */
static void
let_leak_check_in(void)
{
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

__attribute__((constructor)) static void
set_up(void)
{
	if (atexit(let_leak_check_in) != 0)
		abort();
}
