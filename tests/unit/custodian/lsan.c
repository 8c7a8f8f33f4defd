/*
 * tests/unit/custodian/lsan.c - what LeakSanitizer is to know about tokens.
 *
 * SoftHSM 2.6.1 leaks a name of a curve each time that it uses an Ed25519 key.
 * To see whose leak it is takes whole stacks, as its code keeps no frame pointers.
 * Read by the sanitizer's run time; unused without it.
 */
const char	*__lsan_default_suppressions(void);
const char	*__asan_default_options(void);

const char *
__lsan_default_suppressions(void)
{
	return "leak:libsofthsm2.so\n";
}

const char *
__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0:print_suppressions=0";
}
