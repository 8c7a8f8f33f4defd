#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/crypto.h>

#include "base/libcrypto.h"
#include "base/secret.h"
#include "tests/unit/fault.h"

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif
#ifndef ASAN
#define ASAN 0
#endif

static bool
all_zero(const uint8_t *p, size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static void
test_init(void **state)
{
	struct rlimit	core;

	(void)state;
	assert_int_equal(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0), 0);
	assert_int_equal(getrlimit(RLIMIT_CORE, &core), 0);
	assert_int_equal(core.rlim_cur, 0);
	assert_int_equal(core.rlim_max, 0);
}

static void
test_new(void **state)
{
	static const size_t	size[] = { 0, 1, 15, 16, 31, 32, 33, 65, 4096, 100000 };
	struct secret		*s;
	size_t			 i;

	(void)state;
	for (i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		s = secret_new(size[i]);
		assert_non_null(s);
		assert_int_equal(secret_len(s), size[i]);
		assert_true(all_zero(secret_view(s), size[i]));
		assert_ptr_equal(secret_bytes(s), secret_view(s));
		memset(secret_bytes(s), 0xee, size[i]);
		secret_free(s);
	}
	secret_free(NULL);
	assert_null(secret_new(SIZE_MAX));
	assert_null(secret_new(SIZE_MAX / 8));
	fault_at(1);
	assert_null(secret_new(32));
	assert_true(fault_fired());
}

static void
test_eq(void **state)
{
	struct secret	*a = secret_new(32), *b = secret_new(32), *c = secret_new(31);

	(void)state;
	assert_true(secret_eq(a, b));
	assert_false(secret_eq(a, c));
	secret_bytes(b)[31] = 1;
	assert_false(secret_eq(a, b));
	secret_free(a);
	secret_free(b);
	secret_free(c);
}

static void
test_arena(void **state)
{
	struct secret_arena	*a = secret_arena_new(100);
	uint8_t			*p, *q;
	size_t			 n = 0;

	(void)state;
	assert_non_null(a);
	p = secret_arena_take(a, 33);
	q = secret_arena_take(a, 1);
	assert_non_null(p);
	assert_int_equal((uintptr_t)p % 16, 0);
	assert_ptr_equal(q, p + 48);
	assert_true(all_zero(p, 49));
	memset(p, 0xee, 33);
	*q = 0xee;
	while (secret_arena_take(a, 16) != NULL)
		n++;
	assert_true(n >= 3 && n <= 4096 / 16);
	assert_null(secret_arena_take(a, 1));
	assert_null(secret_arena_take(a, SIZE_MAX));
	secret_arena_reset(a);
	assert_ptr_equal(secret_arena_take(a, 49), p);
	assert_true(all_zero(p, 49));
	secret_arena_free(a);
	secret_arena_free(NULL);
	assert_null(secret_arena_new(0));
	assert_null(secret_arena_new(SIZE_MAX));
	assert_null(secret_arena_new(SIZE_MAX / 8));
	fault_at(1);
	assert_null(secret_arena_new(100));
	assert_true(fault_fired());
}

/* Runs in a child; true when it died of a signal. */
static bool
dies(void (*body)(void))
{
	int	status;
	pid_t	pid = fork();

	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		body();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status);
}

static volatile uint8_t	sink;

static void
read_before(void)
{
	struct secret_arena	*a = secret_arena_new(4096);

	sink = *(secret_arena_take(a, 16) - 1);
}

static void
read_behind(void)
{
	struct secret_arena	*a = secret_arena_new(4096);

	sink = secret_arena_take(a, 4096)[4096];
}

static void
read_within(void)
{
	struct secret_arena	*a = secret_arena_new(4096);

	sink = secret_arena_take(a, 4096)[4095];
}

static void
read_behind_secret(void)
{
	sink = secret_view(secret_new(32))[33 + 15];
}

static void
test_guards(void **state)
{
	(void)state;
	assert_true(dies(read_before));
	assert_true(dies(read_behind));
	assert_false(dies(read_within));
	assert_true(dies(read_behind_secret));
}

/* What one leaves is wiped, and serves the next, of whatever length. */
static void
test_kept(void **state)
{
	struct secret	*a = secret_new(32), *b;
	uint8_t		*was = secret_bytes(a);

	(void)state;
	memset(was, 0xee, 32);
	secret_free(a);
	if (!ASAN)
		assert_true(all_zero(was - 16, 48));
	b = secret_new(200);
	if (!ASAN)
		assert_ptr_equal(secret_bytes(b) + 208, was + 32);
	assert_true(all_zero(secret_view(b), 200));
	memset(secret_bytes(b), 0xee, 200);
	secret_free(b);
	a = secret_new(32);
	assert_true(all_zero(secret_view(a), 32));
	secret_free(a);
}

/* More at once than are kept, in disorder. */
static void
test_many(void **state)
{
	struct secret	*s[200];
	size_t		 i, round;

	(void)state;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 200; i++) {
			s[i] = secret_new(i * 20);
			assert_non_null(s[i]);
			assert_true(all_zero(secret_view(s[i]), i * 20));
			memset(secret_bytes(s[i]), (int)i + 1, i * 20);
		}
		for (i = 0; i < 200; i++) {
			size_t	at = i * 77 % 200;

			for (size_t j = 0; j < at * 20; j++)
				assert_int_equal(secret_view(s[at])[j], (uint8_t)(at + 1));
			secret_free(s[at]);
		}
	}
}

static const char	*self;			/* this program */

/* As a program of its own, which keeps what is freed, where a child does not. What waitpid() says of it. */
static int
run_self(const char *what, const char *more)
{
	int	status;
	pid_t	pid = fork();

	if (pid == 0) {
		(void)execl(self, self, what, more, (char *)NULL);
		_exit(8);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static int
write_before_secret(int before)
{
	struct secret	*s;

	if (secret_init(NULL) != RC_OK)
		return 2;
	s = secret_new(32);
	secret_bytes(s)[before] ^= 32;		/* of the length it makes 0, by which the block would begin elsewhere */
	secret_free(s);
	return 0;
}

static struct secret	*kept;			/* its memory was another's before */

static void
read_behind_kept(void)
{
	sink = secret_view(kept)[(secret_len(kept) + 15) / 16 * 16];
}

/* Locks are not inherited: what is kept here is not given out there. */
static void
child_takes_its_own(void)
{
	struct secret	*s = secret_new(32);
	int		 fd[2], status;
	uintptr_t	 was = (uintptr_t)s, is = 0;
	pid_t		 pid;

	secret_free(s);
	if (pipe(fd) != 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		is = (uintptr_t)secret_new(32);
		_exit(write(fd[1], &is, sizeof(is)) != sizeof(is));
	}
	assert_int_equal(read(fd[0], &is, sizeof(is)), sizeof(is));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(fd[0]);
	(void)close(fd[1]);
	assert_true(is != 0 && is != was);
}

static void
test_kept_guards(void **state)
{
	char	text[16];

	(void)state;
	for (int before = 1; before <= 16; before++) {
		snprintf(text, sizeof(text), "%d", before);
		assert_true(WIFSIGNALED(run_self("before", text)));
	}
	secret_free(secret_new(32));
	kept = secret_new(100);
	assert_true(dies(read_behind_kept));
	secret_free(kept);
	if (!ASAN)
		child_takes_its_own();
}

/* The kernel's word for it: locked, and left out of core dumps. */
static bool
has_flags(const uint8_t *p)
{
	FILE		*f = fopen("/proc/self/smaps", "r");
	char		 line[512];
	unsigned long	 from, to;
	bool		 here = false, ok = false;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = (uintptr_t)p >= from && (uintptr_t)p < to;
		else if (here && strncmp(line, "VmFlags:", 8) == 0)
			ok = strstr(line, " lo") != NULL && strstr(line, " dd") != NULL;
	}
	fclose(f);
	return ok;
}

static void
test_locked(void **state)
{
	struct secret_arena	*a = secret_arena_new(10000);
	struct secret		*s = secret_new(32);

	(void)state;
	if (ASAN) {
		printf("note: sanitizers make mlock() do nothing\n");
	} else {
		assert_true(has_flags(secret_arena_take(a, 1)));
		assert_true(has_flags(secret_view(s)));
	}
	secret_free(s);
	secret_arena_free(a);
}

/* What a child frees may be from before it was one, and locks are not inherited: what it is given next is locked. */
static bool
child_locks(size_t len)
{
	struct secret	*s = secret_new(len);
	int		 status;
	pid_t		 pid;

	secret_free(secret_new(len));
	pid = fork();
	if (pid == 0) {
		bool	locked = has_flags(secret_view(secret_new(len)));

		secret_free(s);
		_exit(!locked || !has_flags(secret_view(secret_new(len))));
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	secret_free(s);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
test_child_locks(void **state)
{
	(void)state;
	if (!ASAN)
		assert_true(child_locks(32));
}

/* The last of all: from here on larger ones are kept as well. */
static void
test_reuse(void **state)
{
	static const size_t	size[] = { 3000, 70000 };
	struct secret		*s;
	uint8_t			*was;

	(void)state;
	secret_reuse();
	for (size_t i = 0; i < sizeof(size) / sizeof(size[0]); i++) {
		s = secret_new(size[i]);
		memset(was = secret_bytes(s), 0xee, size[i]);
		secret_free(s);
		kept = secret_new(size[i]);
		if (!ASAN)
			assert_ptr_equal(secret_bytes(kept), was);
		assert_true(all_zero(secret_view(kept), size[i]));
		assert_true(dies(read_behind_kept));
		secret_free(kept);
		if (!ASAN)
			assert_true(child_locks(size[i]));
	}
}

/* What is kept is less than what is asked for: it is given up, for an arena as for a secret. In a program of its own. */
static int
arena_instead(void)
{
	const struct rlimit	some = { (1 << 20) + 80 * 4096, (1 << 20) + 80 * 4096 };
	struct secret		*s[64];
	struct err		 e = { 0 };
	size_t			 i;

	if (setrlimit(RLIMIT_MEMLOCK, &some) != 0 || (geteuid() == 0 && setuid(65534) != 0))
		return 9;
	if (secret_init(&e) != RC_OK)
		return 1;
	for (i = 0; i < 64; i++)
		if ((s[i] = secret_new(32)) == NULL)
			return 2;
	for (i = 0; i < 64; i++)
		secret_free(s[i]);
	return secret_arena_new(40 * 4096) == NULL ? 3 : 42;
}

static void
test_arena_first(void **state)
{
	int	status;

	(void)state;
	if (ASAN)
		return;
	status = run_self("arena", NULL);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

/* Without the right to lock: a user without privileges and a limit of nothing. */
static void
cannot_lock(void)
{
	struct rlimit	none = { 0, 0 };
	struct err	e = { 0 };

	if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 || (geteuid() == 0 && setuid(65534) != 0))
		_exit(9);
	if (secret_init(&e) != RC_IO || strstr(e.msg, "memlock limit") == NULL)
		_exit(1);
	if (secret_new(1) != NULL || secret_arena_new(1) != NULL)
		_exit(2);
	_exit(42);
}

static void
test_no_lock(void **state)
{
	int	status;
	pid_t	pid;

	(void)state;
	if (ASAN)
		return;
	pid = fork();
	if (pid == 0)
		cannot_lock();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

static void
test_wipe(void **state)
{
	uint8_t	b[4] = { 1, 2, 3, 4 };

	(void)state;
	wipe(b, 3);
	assert_memory_equal(b, "\0\0\0\4", 4);
	wipe(NULL, 0);
}

/* A sanitizer's allocator gives nobody what another had. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED	1
#endif
#endif

#ifndef SANITIZED
/* The next to get the same memory; what it held before is looked at through a volatile pointer. */
static bool
left_behind(const uint8_t *was, size_t n)
{
	uint8_t			*again = malloc(n);
	const volatile uint8_t	*p = again;
	bool			 left = false;

	assert_ptr_equal(again, was);
	/* The allocator has its own words at the front. */
	for (size_t i = 32; i < n; i++)
		left = left || p[i] == 0xa5;
	free(again);
	return left;
}

/* libcrypto copies keys on its way to them, and frees the copies as they are. */
static void
test_libcrypto_frees(void **state)
{
	uint8_t	*p = OPENSSL_malloc(500), *q, *was = p;

	(void)state;
	libcrypto_begin();
	memset(p, 0xa5, 500);
	OPENSSL_free(p);
	assert_false(left_behind(was, 500));
	/* It grows: what it leaves is freed as well. */
	was = p = OPENSSL_malloc(500);
	memset(p, 0xa5, 500);
	q = OPENSSL_realloc(p, 5000);
	assert_non_null(q);
	assert_int_equal(q[0], 0xa5);
	assert_int_equal(q[499], 0xa5);
	assert_false(left_behind(was, 500));
	/* It shrinks, a little and a lot. */
	memset(q, 0xa5, 5000);
	assert_ptr_equal(p = OPENSSL_realloc(q, 4000), q);
	p = OPENSSL_realloc(p, 100);
	assert_int_equal(p[99], 0xa5);
	OPENSSL_free(p);
	OPENSSL_free(NULL);
	assert_null(OPENSSL_realloc(OPENSSL_malloc(8), 0));
}
#endif

int
main(int argc, char **argv)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_init),
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_eq),
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_kept_guards),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_no_lock),
		cmocka_unit_test(test_child_locks),
		cmocka_unit_test(test_arena_first),
		cmocka_unit_test(test_wipe),
#ifndef SANITIZED
		cmocka_unit_test(test_libcrypto_frees),
#endif
		cmocka_unit_test(test_reuse),
	};

	self = argv[0];
	if (argc > 1)
		return argc > 2 ? write_before_secret(-atoi(argv[2])) : arena_instead();
	/* smaps is not ours to read once we are not dumpable, unless we are root. */
	if (secret_init(NULL) != RC_OK)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
