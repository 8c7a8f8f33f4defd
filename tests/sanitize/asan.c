/*
 * tests/sanitize/asan.c - leaks at the end of each process, linked into the programs of `make asan-system`.
 *
 * They end with _exit(), where nothing looks for leaks, and refuse tracers, which LeakSanitizer
 * is: here they let it in first. A daemon says in its log that it was looked at: no word, no check.
 */
#include <sys/prctl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char	*__asan_default_options(void);
const char	*__lsan_default_suppressions(void);
void		 __lsan_do_leak_check(void);
void		 __wrap__exit(int code) __attribute__((noreturn));
void		 __real__exit(int code) __attribute__((noreturn));

__attribute__((weak)) const char *
__asan_default_options(void)
{
	return "print_suppressions=0";
}

/*
 * libcrypto's memory, and no other: SoftHSM leaks a name of a curve each time that it uses an
 * Ed25519 key. To see whose such a leak is takes whole stacks, with which a daemon is ten times as
 * slow: the unit tests have them (tests/unit/custodian/lsan.c), and look for leaks of ours there.
 */
__attribute__((weak)) const char *
__lsan_default_suppressions(void)
{
	return "leak:libsofthsm2.so\nleak:base/libcrypto.c\n";
}

static void
look_for_leaks(void)
{
	char	name[16 + 1] = "";

	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	(void)prctl(PR_GET_NAME, name, 0, 0, 0);
	__lsan_do_leak_check();		/* does not return when there is one */
	if (strcmp(name, "quorate") != 0)
		(void)dprintf(2, "sanitize: no leak in %s\n", name);
}

void
__wrap__exit(int code)
{
	look_for_leaks();
	__real__exit(code);
}

/* main() of custodiand returns. */
static void
at_end(void)
{
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

__attribute__((constructor)) static void
set_up(void)
{
	if (atexit(at_end) != 0)
		abort();
}
