/*
 * tests/fuzz/plain/driver.c - runs a target over its corpus, without libFuzzer.
 * usage: fuzz/NAME [FILE...]	(default: tests/fuzz/corpus/NAME/)
 *
 * Each file whole, cut short at up to fuzz_cuts places, and with one byte changed at as many: each
 * in a block of its own, so that a sanitizer sees a read past the end.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "tests/fuzz/lib/fuzz.h"

#define FILE_MAX	(1u << 20)

#pragma weak LLVMFuzzerInitialize

/* A target that takes its time says fewer. */
__attribute__((weak)) const unsigned	fuzz_cuts = 48;

static void
once(const uint8_t *p, size_t n)
{
	uint8_t	*own = malloc(n == 0 ? 1 : n);

	PROMISE(own != NULL);
	if (n > 0)
		memcpy(own, p, n);
	(void)LLVMFuzzerTestOneInput(own, n);
	free(own);
}

static void
run_bytes(uint8_t *p, size_t n)
{
	size_t	step = n / fuzz_cuts + 1, i;

	once(p, n);
	for (i = 0; i < n; i += step) {
		once(p, i);
		p[i] ^= (uint8_t)(1u << i % 8);
		once(p, n);
		p[i] ^= (uint8_t)(1u << i % 8);
	}
}

static bool
run_file(const char *path)
{
	static uint8_t	 bytes[FILE_MAX];
	FILE		*f = fopen(path, "rb");
	size_t		 n;

	if (f == NULL)
		return false;
	n = fread(bytes, 1, sizeof(bytes), f);
	(void)fclose(f);
	run_bytes(bytes, n);
	return true;
}

static unsigned
run_folder(const char *dir)
{
	DIR		*d = opendir(dir);
	struct dirent	*e;
	char		 path[4096 + 256];
	unsigned	 n = 0;

	while (d != NULL && (e = readdir(d)) != NULL) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' && run_file(path))
			n++;
	}
	if (d != NULL)
		(void)closedir(d);
	return n;
}

int
main(int argc, char **argv)
{
	const char	*name = strrchr(argv[0], '/');
	char		 dir[4096];
	unsigned	 n = 0;
	int		 i;

	if (LLVMFuzzerInitialize != NULL)
		(void)LLVMFuzzerInitialize(&argc, &argv);
	for (i = 1; i < argc; i++)
		n += run_file(argv[i]);
	if (argc == 1) {
		(void)snprintf(dir, sizeof(dir), "tests/fuzz/corpus/%s", name == NULL ? argv[0] : name + 1);
		n = run_folder(dir);
		if (n == 0)
			(void)fprintf(stderr, "%s: no corpus there\n", dir);
	}
	printf("[  PASSED  ] %u test(s).\n", n);
	return n == 0;
}
