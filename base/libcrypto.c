#include <stdbool.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/libcrypto.h"

/*
 * Its queue of errors does not tell: on the way up a failed allocation becomes
 * a "decode error", or nothing at all. So we ask the allocator, as base/json.c
 * does. It is not malloc() by name: the tests count that for our own objects.
 */
static _Thread_local bool	ran_out;

static void *
counted_realloc(void *p, size_t n, const char *file, int line)
{
	void	*ret;

	(void)file;
	(void)line;
	if (n == 0) {
		free(p);
		return NULL;
	}
	if ((ret = reallocarray(p, n, 1)) == NULL)
		ran_out = true;
	return ret;
}

static void *
counted_malloc(size_t n, const char *file, int line)
{
	return counted_realloc(NULL, n, file, line);
}

static void
counted_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/*
 * Before main(), for it is refused once libcrypto has allocated anything. Were
 * it refused, its queue of errors would still tell most of the time.
 */
__attribute__((constructor)) static void
count_failures(void)
{
	(void)CRYPTO_set_mem_functions(counted_malloc, counted_realloc, counted_free);
}

void
libcrypto_begin(void)
{
	ERR_clear_error();
	ran_out = false;
}

enum rc
libcrypto_failed(enum rc otherwise)
{
	unsigned long	e;
	bool		memory = ran_out;

	while ((e = ERR_get_error()) != 0)
		memory = memory || ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE;
	return memory ? RC_NOMEM : otherwise;
}

static CRYPTO_ONCE	once = CRYPTO_ONCE_STATIC_INIT;
static int		fault_slot = -1;

static void
make_slot(void)
{
	fault_slot = CRYPTO_get_ex_new_index(CRYPTO_EX_INDEX_EVP_PKEY, 0, NULL, NULL, NULL, NULL);
}

enum rc
libcrypto_key_watch(EVP_PKEY *key, struct err *fault, struct err *err)
{
	fault->rc = RC_OK;
	if (CRYPTO_THREAD_run_once(&once, make_slot) != 1 || fault_slot < 0 ||
	    EVP_PKEY_set_ex_data(key, fault_slot, fault) != 1)
		return err_set(err, RC_NOMEM, "key: no memory");
	return RC_OK;
}

struct err *
libcrypto_key_fault(const EVP_PKEY *key)
{
	return fault_slot < 0 ? NULL : EVP_PKEY_get_ex_data(key, fault_slot);
}
