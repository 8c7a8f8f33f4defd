#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/libcrypto.h"
#include "base/secret.h"

/*
 * Its queue of errors does not tell: on the way up a failed allocation becomes
 * a "decode error", or nothing at all. So we ask the allocator, as base/json.c
 * does. It is not malloc() by name: the tests count that for our own objects.
 *
 * And what it gives back is zeroed first: on its way to a key it copies PEM, DER and
 * plaintext through buffers that it frees as they are.
 */
static _Thread_local bool	ran_out;

static void
wiping_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	if (p != NULL)
		wipe(p, malloc_usable_size(p));
	free(p);
}

static void *
counted_malloc(size_t n, const char *file, int line)
{
	void	*ret = NULL;

	(void)file;
	(void)line;
	if (n != 0 && (ret = reallocarray(NULL, n, 1)) == NULL)
		ran_out = true;
	return ret;
}

/* What moves leaves nothing behind; what shrinks by less than half stays. */
static void *
wiping_realloc(void *p, size_t n, const char *file, int line)
{
	size_t	 old = p == NULL ? 0 : malloc_usable_size(p);
	void	*ret;

	if (n != 0 && n <= old && n >= old / 2)
		return p;
	ret = counted_malloc(n, file, line);
	if (ret == NULL && n != 0)
		return NULL;
	if (ret != NULL && p != NULL)
		memcpy(ret, p, n < old ? n : old);
	wiping_free(p, file, line);
	return ret;
}

/*
 * Before main(), for it is refused once libcrypto has allocated anything. Were
 * it refused, its queue of errors would still tell most of the time.
 */
__attribute__((constructor)) static void
count_failures(void)
{
	(void)CRYPTO_set_mem_functions(counted_malloc, wiping_realloc, wiping_free);
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
