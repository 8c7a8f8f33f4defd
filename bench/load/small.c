/*
 * bench/load/small.c - small artifacts through the sealer that stays.
 *
 *	small FOLDER [--quick]		with the environment of the network FOLDER/n
 *
 * An artifact is an image of 100 KiB and a prompt of 1 KiB. First 200 of them one at a time, each timed from
 * its line to its answer: what sealing adds to an inference that nobody else waits for. Then thousands as fast as they are taken,
 * from the first line to the last answer, which says that each is durable with q custodians and held by h.
 * The reference is one core that puts the same bytes once through SHA-256 and AES-256-GCM.
 * CPU is what the sealer, the coordinator and the custodians took, by their processes' own accounts.
 */
#include <openssl/evp.h>
#include <sodium.h>

#include <sys/wait.h>

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "edge/file.h"

#define IMAGE_BYTES	102400
#define PROMPT_BYTES	1024
#define FILES		256	/* different ones */
#define ALONE		200
#define BATCH		256

struct sealer { pid_t pid; FILE *in, *out; };

static const char	*folder;
static size_t		 n_lines;
static struct sealer	 sealer;

/* ---- what is sealed ------------------------------------------------------------------ */

static void
make_file(const char *kind, int i, size_t n)
{
	static uint8_t	bytes[IMAGE_BYTES];
	char		path[FILE_PATH_MAX];
	struct err	err;

	randombytes_buf(bytes, n);
	bench_must(file_path(path, &err, "%s/%s-%d", folder, kind, i), &err);
	bench_must(file_write(path, SPAN(bytes, n), 0600, &err), &err);
}

static void
make_files(void)
{
	int	i;

	for (i = 0; i < FILES; i++) {
		make_file("image", i, IMAGE_BYTES);
		make_file("prompt", i, PROMPT_BYTES);
	}
}

/* ---- the sealer ------------------------------------------------------------------------ */

static void
start_sealer(void)
{
	int	in[2], out[2];

	if (pipe(in) != 0 || pipe(out) != 0 || (sealer.pid = fork()) < 0)
		bench_fail("cannot start a sealer");
	if (sealer.pid == 0) {
		(void)dup2(in[0], STDIN_FILENO);
		(void)dup2(out[1], STDOUT_FILENO);
		(void)close(in[1]);
		(void)close(out[0]);
		(void)execlp("quorate", "quorate", "seal", "--batch", "--policy", "standard", (char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	if ((sealer.in = fdopen(in[1], "w")) == NULL || (sealer.out = fdopen(out[0], "r")) == NULL)
		bench_fail("cannot talk to a sealer");
}

static void
put_line(size_t i)
{
	fprintf(sealer.in, "{\"ref\":\"%zu\",\"parts\":{\"image\":\"%s/image-%zu\",\"prompt\":\"%s/prompt-%zu\"}}\n", i, folder,
	    i % FILES, folder, i % FILES);
}

static void
get_answer(void)
{
	char	line[4096];

	if (fgets(line, sizeof(line), sealer.out) == NULL)
		bench_fail("the sealer ended");
	if (strstr(line, "\"sealed\":true") == NULL)
		bench_fail("not sealed: %s", line);
}

static void
end_sealer(void)
{
	int	status;

	(void)fclose(sealer.in);
	if (fgetc(sealer.out) != EOF || waitpid(sealer.pid, &status, 0) < 0 || status != 0)
		bench_fail("the sealer did not end as it should");
	(void)fclose(sealer.out);
}

/* ---- who took how much CPU ---------------------------------------------------------------- */

enum who { SEALER, COORDINATOR, CUSTODIANS, WHO };

/* The command line tells whose it is. */
static int
whose(const char *pid)
{
	char		path[FILE_PATH_MAX];
	struct buf	words = BUF_INIT(1 << 16);
	int		who = -1;
	size_t		i;

	if ((pid_t)atol(pid) == sealer.pid)
		return SEALER;
	(void)snprintf(path, sizeof(path), "/proc/%.20s/cmdline", pid);
	if (file_read(path, &words, NULL) != RC_OK)
		return -1;
	for (i = 0; i < words.n; i++)
		if (words.p[i] == '\0')
			words.p[i] = ' ';
	if (strstr(buf_text(&words), folder) != NULL)
		who = strstr(buf_text(&words), "/n/custodian-") != NULL ? CUSTODIANS :
		    strstr(buf_text(&words), "/n/coordinator/") != NULL ? COORDINATOR : -1;
	buf_done(&words);
	return who;
}

static double
seconds_of(const char *pid)
{
	char			path[FILE_PATH_MAX], text[1024];
	const char		*p;
	unsigned long long	user, kernel;
	FILE			*f;
	size_t			n;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	if ((p = strrchr(text, ')')) == NULL ||
	    sscanf(p + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user, &kernel) != 2)
		return 0;
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static void
cpu_now(double ret[WHO])
{
	DIR			*d = opendir("/proc");
	const struct dirent	*e;
	int			 who;

	memset(ret, 0, WHO * sizeof(*ret));
	while (d != NULL && (e = readdir(d)) != NULL)
		if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && (who = whose(e->d_name)) >= 0)
			ret[who] += seconds_of(e->d_name);
	if (d != NULL)
		(void)closedir(d);
}

static void
cpu_rows(const double then[WHO], size_t n)
{
	static const struct bench_series	series[WHO] = {
		{ "seal-small-cpu-sealer", "us", "-", "-" },
		{ "seal-small-cpu-coordinator", "us", "-", "-" },
		{ "seal-small-cpu-custodians", "us", "-", "-" },
	};
	double	now[WHO];
	int	i;

	cpu_now(now);
	for (i = 0; i < WHO; i++)
		bench_row(&series[i], BATCH, 1e6 * (now[i] - then[i]) / (double)n, 0);
}

/* ---- the reference -------------------------------------------------------------------------- */

static EVP_CIPHER	*gcm;
static EVP_MD		*md;
static uint8_t		*plain, *cipher;

static void
once(void *unused)
{
	static uint8_t		 key[32], nonce[12], tag[16], digest[32];
	static EVP_CIPHER_CTX	*c;
	static EVP_MD_CTX	*m;
	int			 n, rest;

	(void)unused;
	if (c == NULL && ((c = EVP_CIPHER_CTX_new()) == NULL || (m = EVP_MD_CTX_new()) == NULL))
		bench_fail("no memory");
	if (EVP_EncryptInit_ex2(c, gcm, key, nonce, NULL) != 1 ||
	    EVP_EncryptUpdate(c, cipher, &n, plain, IMAGE_BYTES + PROMPT_BYTES) != 1 ||
	    EVP_EncryptFinal_ex(c, cipher + n, &rest) != 1 ||
	    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, sizeof(tag), tag) != 1 ||
	    EVP_DigestInit_ex2(m, md, NULL) != 1 || EVP_DigestUpdate(m, cipher, IMAGE_BYTES + PROMPT_BYTES) != 1 ||
	    EVP_DigestFinal_ex(m, digest, NULL) != 1)
		bench_fail("libcrypto");
}

/* Artifacts a second, of one core. */
static double
reference(void)
{
	if (gcm == NULL) {
		gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
		md = EVP_MD_fetch(NULL, "SHA-256", NULL);
		plain = calloc(1, IMAGE_BYTES + PROMPT_BYTES);
		cipher = calloc(1, IMAGE_BYTES + PROMPT_BYTES + 16);
		if (gcm == NULL || md == NULL || plain == NULL || cipher == NULL)
			bench_fail("no memory");
	}
	return 1 / bench_cpu_per_call(once, NULL, 0.3);
}

/* ---- what is measured ------------------------------------------------------------------------- */

static void
measure_alone(void)
{
	static const struct bench_series	p50 = { "seal-alone-p50", "ms", "-", "<=20" },
						p99 = { "seal-alone-p99", "ms", "-", "<=60" };
	double	took[ALONE], began;
	size_t	i;

	for (i = 0; i < ALONE; i++) {
		began = bench_wall();
		put_line(i);
		(void)fflush(sealer.in);
		get_answer();
		took[i] = 1000 * (bench_wall() - began);
	}
	bench_row(&p50, 0, bench_percentile(took, ALONE, 50), 0);
	bench_row(&p99, 0, bench_percentile(took, ALONE, 99), 0);
}

static void *
write_lines(void *unused)
{
	size_t	i;

	(void)unused;
	for (i = 0; i < n_lines; i++)
		put_line(i);
	(void)fflush(sealer.in);
	return NULL;
}

static void
measure_many(void)
{
	static const struct bench_series	many = { "seal-small", "1/s", "SHA-256 and AES-256-GCM once, one core", ">=1500" };
	double		then[WHO], began, took;
	pthread_t	writer;
	size_t		i;

	cpu_now(then);
	began = bench_wall();
	if (pthread_create(&writer, NULL, write_lines, NULL) != 0)
		bench_fail("no thread");
	for (i = 0; i < n_lines; i++)
		get_answer();
	took = bench_wall() - began;
	(void)pthread_join(writer, NULL);
	cpu_rows(then, n_lines);
	bench_row(&many, BATCH, (double)n_lines / took, reference());
}

int
main(int argc, char **argv)
{
	enum bench_size	size;

	if (argc < 2)
		bench_fail("usage: small FOLDER [--quick] (bench/sealer calls it)");
	if ((folder = realpath(argv[1], NULL)) == NULL)
		bench_fail("no such folder: %s", argv[1]);
	argv[1] = argv[0];
	size = bench_begin(argc - 1, argv + 1);
	n_lines = size == BENCH_QUICK ? 4 * BATCH : 16 * BATCH;
	make_files();
	start_sealer();
	put_line(0);		/* connections are made with the first */
	(void)fflush(sealer.in);
	get_answer();
	measure_alone();
	measure_many();
	end_sealer();
	return 0;
}
