/* What libcrypto allocates fails in turn: nobody's message is called wrong for that, and no invariant broken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "evidence/cms.h"
#include "evidence/segment.h"

#define NOW	UINT64_C(1795341600)
#define PLAIN	"what a custodian contributes"

static unsigned long	left;		/* until one fails; 0: none does */
static bool		fired;

/* What libcrypto allocates by (base/libcrypto.c); this one stands before the C library's. */
void *
reallocarray(void *p, size_t n, size_t size)
{
	if (left > 0 && --left == 0) {
		fired = true;
		return NULL;
	}
	return realloc(p, n * size);
}

struct rig {
	EVP_PKEY		*key;
	struct buf		 cert, sealed;
	struct secret		*point;
	struct segment_cipher	*sealer, *opener;
	uint8_t			 commitment[SEGMENT_COMMITMENT_BYTES];
	uint8_t			 chunk[sizeof(PLAIN) + SEGMENT_TAG_BYTES];
};

static void
forget(struct rig *r)
{
	EVP_PKEY_free(r->key);
	buf_done(&r->cert);
	buf_done(&r->sealed);
	r->key = NULL;
	r->cert = BUF_INIT(CMS_CERT_MAX);
	r->sealed = BUF_INIT(CMS_BYTES_MAX);
}

/* --- one thing each; what it says when nothing failed is looked at --------------------------- */

static enum rc
addressee(struct rig *r)
{
	EVP_PKEY_free(r->key);
	r->key = NULL;
	buf_done(&r->cert);
	r->cert = BUF_INIT(CMS_CERT_MAX);
	return cms_addressee_new("worker", NOW, 600, &r->key, &r->cert, NULL);
}

static enum rc
seal(struct rig *r)
{
	buf_done(&r->sealed);
	r->sealed = BUF_INIT(CMS_BYTES_MAX);
	return cms_seal(buf_view(&r->cert), SPAN_OF(PLAIN), &r->sealed, NULL);
}

static enum rc
addressed(struct rig *r)
{
	return cms_addressed_to(buf_view(&r->cert), buf_view(&r->sealed), NULL);
}

static enum rc
unseal(struct rig *r)
{
	AUTO(secret_free) struct secret *out = NULL;
	enum rc	rc = cms_open(r->key, buf_view(&r->cert), buf_view(&r->sealed), &out, NULL);

	if (rc == RC_OK)
		assert_memory_equal(secret_view(out), PLAIN, sizeof(PLAIN));
	return rc;
}

static enum rc
seal_chunk(struct rig *r)
{
	TRY(segment_cipher_seal(r->sealer, r->point, r->commitment, NULL));
	return segment_chunk_seal(r->sealer, 0, true, SPAN_OF(PLAIN), r->chunk, NULL);
}

static enum rc
open_chunk(struct rig *r)
{
	uint8_t	plain[sizeof(PLAIN)];

	TRY(segment_cipher_open(r->opener, r->point, r->commitment, NULL));
	TRY(segment_chunk_open(r->opener, 0, true, SPAN_OF(r->chunk), plain, NULL));
	assert_memory_equal(plain, PLAIN, sizeof(PLAIN));
	return RC_OK;
}

/* --- in a child: what libcrypto does to itself then stays there ------------------------------ */

enum { WELL, NOT_FIRED, CRASHED, WRONG };

static void
crashed(int number)
{
	(void)number;
	_exit(CRASHED);
}

static int
try_it(struct rig *r, enum rc (*thing)(struct rig *), unsigned long n)
{
	enum rc	rc;

	(void)signal(SIGSEGV, crashed);
	left = n;
	rc = thing(r);
	left = 0;
	if (!fired)
		return rc == RC_OK ? NOT_FIRED : WRONG;
	if (rc != RC_OK && rc != RC_NOMEM)	/* some allocations it can do without */
		return WRONG;
	return thing(r) == RC_OK ? WELL : WRONG;	/* it is not remembered */
}

static int
in_child(struct rig *r, enum rc (*thing)(struct rig *), unsigned long n)
{
	pid_t	pid = fork();
	int	status;

	if (pid == 0)
		_exit(try_it(r, thing, n));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : WRONG;
}

static void
short_of_memory(void **state)
{
	static enum rc	(*const thing[])(struct rig *) = { addressee, seal, addressed, unseal, seal_chunk, open_chunk };
	struct rig	r = { .cert = BUF_INIT(CMS_CERT_MAX), .sealed = BUF_INIT(CMS_BYTES_MAX) };
	unsigned long	failed = 0, crashes = 0;
	int		how;

	(void)state;
	r.point = secret_new(SHAMIR_POINT_BYTES);
	assert_non_null(r.point);
	memset(secret_bytes(r.point), 7, SHAMIR_POINT_BYTES);
	assert_int_equal(segment_cipher_new(&r.sealer, NULL), RC_OK);
	assert_int_equal(segment_cipher_new(&r.opener, NULL), RC_OK);
	for (size_t i = 0; i < sizeof(thing) / sizeof(thing[0]); i++) {
		assert_int_equal(thing[i](&r), RC_OK);	/* what libcrypto makes once is there from now on */
		/* Thousands, most of them of one kind: the first ones, and then one of thirty-one. */
		for (unsigned long n = 1; (how = in_child(&r, thing[i], n)) != NOT_FIRED; n += n < 60 ? 1 : 31) {
			failed++;
			crashes += how == CRASHED;
			if (how == WRONG)
				fail_msg("thing %zu, allocation %lu: neither done nor no memory", i, n);
		}
	}
	/* OpenSSL 3.0 writes to the context of its key derivation without looking whether it has one: in sealing, and in opening. */
	assert_true(crashes <= 2);
	assert_true(failed > 200);
	/* What is wrong is still called so. */
	r.sealed.p[r.sealed.n - 1] ^= 1;
	assert_int_equal(unseal(&r), RC_VERIFY);
	r.chunk[0] ^= 1;
	assert_int_equal(open_chunk(&r), RC_VERIFY);
	forget(&r);
	segment_cipher_free(r.sealer);
	segment_cipher_free(r.opener);
	secret_free(r.point);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(short_of_memory) };

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
