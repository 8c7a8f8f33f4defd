/*
 * quorate open under attack: whatever fails, and wherever, no plaintext is left behind; nothing
 * that was there is written over, and nothing is written outside of the folder.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "cli/package.h"
#include "cli/remote.h"
#include "evidence/keys.h"
#include "tests/unit/evidence/repack.h"
#include "tests/unit/evidence/world.h"

static struct world	w;
static struct memfile	good;
static char		top[64], dir[96], package[96], key[96], charter[96];
static char		image[192], prompt[192];	/* where they come to lie */

static void
put_file(const char *path, struct span bytes, unsigned mode)
{
	struct err	err;

	if (file_write(path, bytes, mode, &err) != RC_OK)
		fail_msg("%s", err.msg);
}

static void
put_key(void)
{
	BIO	*b = BIO_new(BIO_s_mem());
	char	*p;
	long	 n;

	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(b, w.net.recipient_key, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(b, &p);
	put_file(key, SPAN(p, (size_t)n), 0600);
	BIO_free(b);
}

static void
part_path(char *out, size_t size, size_t artifact, const char *part)
{
	char	hex[HEX_BYTES(ARTIFACT_ID_BYTES)];

	(void)hex_write(SPAN(w.artifact[artifact].id, ARTIFACT_ID_BYTES), hex);
	assert_true(snprintf(out, size, "%s/%s%s%s", dir, hex, part[0] == '\0' ? "" : "/", part) < (int)size);
}

static void
begin(struct secret *forged)
{
	world_up(&w, "standard");
	w.forged = forged;
	strcpy(top, "/tmp/quorate-open-XXXXXX");
	assert_non_null(mkdtemp(top));
	(void)snprintf(dir, sizeof(dir), "%s/out", top);
	(void)snprintf(package, sizeof(package), "%s/p.asice", top);
	(void)snprintf(key, sizeof(key), "%s/recipient.key", top);
	(void)snprintf(charter, sizeof(charter), "%s/charter.json", top);
	part_path(image, sizeof(image), 0, "image");
	part_path(prompt, sizeof(prompt), 1, "prompt");
	put_key();
	put_file(charter, buf_view(&w.net.charter_json), 0600);
}

static int
up(void **state)
{
	(void)state;
	begin(NULL);
	assert_true(world_package(&w, &good));
	put_file(package, buf_view(&good.b), 0600);
	return 0;
}

static int
remove_one(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)st;
	(void)what;
	(void)ftw;
	return remove(path);
}

static int
down(void **state)
{
	(void)state;
	memfile_done(&good);
	world_down(&w);
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- running it, and what it left ------------------------------------------------------- */

/* The command itself: it takes from its process what opening does not need, and never gives it back. */
static enum rc
command(struct err *err)
{
	const char	*word[] = { "open", package, "--key", key, "-d", dir, "--charter", charter };
	char		*argv[9];
	int		 null = open("/dev/null", O_WRONLY);

	for (size_t i = 0; i < 8; i++)
		argv[i] = (char *)(uintptr_t)word[i];
	argv[8] = NULL;
	if (null < 0 || fflush(stdout) != 0 || dup2(null, STDOUT_FILENO) < 0)
		return RC_BUG;
	err->msg[0] = '\0';
	return cmd_open(8, argv, err);
}

static unsigned	synced;		/* how often something was to be on disk */

/* So in a process of its own, which tells how it went. */
static enum rc
open_it(struct err *err)
{
	struct told {
		enum rc		rc;
		unsigned	synced;
		struct err	err;
	}	*told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	enum rc	rc;
	int	status = 0;
	pid_t	child;

	assert_true(told != MAP_FAILED);
	assert_true((child = fork()) >= 0);
	if (child == 0) {
		told->rc = command(&told->err);
		told->synced = synced;
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	rc = told->rc;
	synced = told->synced;
	*err = told->err;
	(void)munmap(told, sizeof(*told));
	return rc;
}

static unsigned	files;

static int
count_one(const char *path, const struct stat *st, int what, struct FTW *ftw)
{
	(void)path;
	(void)st;
	(void)ftw;
	files += what != FTW_D && what != FTW_DP;
	return 0;
}

/* Everything in a tree that is no folder, under whatever name. */
static unsigned
files_in(const char *path)
{
	files = 0;
	(void)nftw(path, count_one, 8, FTW_PHYS);
	return files;
}

static void
nothing_left(enum rc rc, enum rc want, const struct err *err)
{
	if (rc != want)
		fail_msg("%s: %s", rc_name(rc), err->msg);
	assert_true(strlen(err->msg) > 0);
	assert_int_equal(files_in(dir), 0);
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
is_plaintext(const char *path, const char *part, size_t n)
{
	struct buf	b = BUF_INIT(1 << 20);
	struct stat	st;
	struct err	err;

	assert_int_equal(file_read(path, &b, &err), RC_OK);
	assert_int_equal(b.n, n);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(b.p[i], world_byte(part, i));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	buf_done(&b);
}

static void
it_opens(void **state)
{
	struct err	err;

	(void)state;
	if (open_it(&err) != RC_OK)
		fail_msg("%s", err.msg);
	is_plaintext(image, "image", WORLD_IMAGE);
	is_plaintext(prompt, "prompt", WORLD_PROMPT);
	/* A second time nothing is written over, and what was there stays. */
	assert_int_equal(open_it(&err), RC_USAGE);
	is_plaintext(image, "image", WORLD_IMAGE);
	is_plaintext(prompt, "prompt", WORLD_PROMPT);
}

/* --- failures -------------------------------------------------------------------------------- */

/* Files may have so many bytes: the disk is full at each place in turn. */
static void
no_room(void **state)
{
	static const rlim_t	limit[] = { 0, 1, 16383, 16384, 16385, 49152, 65535, 65536 };
	struct rlimit		was, now;
	struct err		err;
	enum rc			rc;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	for (size_t i = 0; i < sizeof(limit) / sizeof(limit[0]); i++) {
		now = (struct rlimit){ limit[i], was.rlim_max };
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &now), 0);
		rc = open_it(&err);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		nothing_left(rc, RC_IO, &err);
	}
}

/* Before the n-th thing is on disk, somebody interrupts. 0: nobody does. */
static unsigned	interrupt_at;
static int	interrupt_by;
static unsigned	break_at;	/* the disk breaks there; 0: nowhere */

int
fsync(int fd)
{
	if (++synced == interrupt_at)
		(void)raise(interrupt_by);
	if (synced == break_at) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* How it ended, as wait() says. */
static int
open_interrupted(int sig, unsigned at)
{
	struct err	err;
	int		status = 0;
	pid_t		child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(2);
		interrupt_by = sig;
		synced = 0;
		interrupt_at = at;
		_exit(command(&err) == RC_OK ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

/* Two parts, each its bytes and its name, then the note: whoever is interrupted before the note leaves nothing. */
static void
interrupted(void **state)
{
	static const int	sig[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	int			status;

	(void)state;
	for (size_t i = 0; i < sizeof(sig) / sizeof(sig[0]); i++)
		for (unsigned at = 1; at <= 4; at++) {
			status = open_interrupted(sig[i], at);
			assert_true(WIFSIGNALED(status));
			assert_int_equal(WTERMSIG(status), sig[i]);
			assert_int_equal(files_in(dir), 0);
			(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
		}
	/* Who is past all that has all of it, and ends all the same. */
	status = open_interrupted(SIGTERM, 5);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(files_in(dir), 3);
}

/* Two parts and the note, each its bytes and its name. */
static void
broken_disk(void **state)
{
	struct err	err;
	enum rc		rc;

	(void)state;
	for (break_at = 1; break_at <= 6; break_at++) {
		synced = 0;
		rc = open_it(&err);
		assert_int_equal(synced, break_at);
		nothing_left(rc, RC_IO, &err);
	}
	break_at = 0;
}

/* As under nohup. */
static void
not_to_be_interrupted(void **state)
{
	(void)state;
	assert_true(signal(SIGHUP, SIG_IGN) != SIG_ERR);
	assert_int_equal(open_interrupted(SIGHUP, 2), 0);
	assert_true(signal(SIGHUP, SIG_DFL) != SIG_ERR);
	assert_int_equal(files_in(dir), 3);
}

/* The package ends early, or differs: refused before anything is written. */
static void
damaged(void **state)
{
	static const size_t	cut[] = { 0, 1, 22, 1000, 100000 };
	struct memfile		bad = MEMFILE_INIT;
	struct err		err;

	(void)state;
	for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
		put_file(package, SPAN(good.b.p, cut[i]), 0600);
		nothing_left(open_it(&err), RC_VERIFY, &err);
	}
	buf_span(&bad.b, buf_view(&good.b));
	for (size_t i = 0; i < good.b.n; i += good.b.n / 7) {
		bad.b.p[i] ^= 1;
		put_file(package, buf_view(&bad.b), 0600);
		nothing_left(open_it(&err), RC_VERIFY, &err);
		bad.b.p[i] ^= 1;
	}
	memfile_done(&bad);
}

/* The last key is another's: the parts before it were whole, and had their names. */
static void
the_last_key_is_wrong(void **state)
{
	AUTO(secret_free) struct secret	*point = NULL;
	struct case_answer		 a[WORLD_ANSWERS];
	struct evidence_case		 c;
	struct checked_case		*k = NULL;
	struct secret			*keys = NULL;
	uint32_t			 good_ones, bad_ones;
	struct err			 err;

	(void)state;
	memfile_done(&good);
	world_down(&w);
	(void)nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	begin(NULL);
	world_case(&w, 4, &c);
	assert_int_equal(case_check(&c, w.net.genesis, w.order, w.net.now, &k, NULL), RC_OK);
	world_answers(&w, a);
	assert_int_equal(case_combine(k, a, WORLD_ANSWERS, &good_ones, &bad_ones, &keys, NULL), RC_OK);
	assert_int_equal(keys_point(keys, 0, &point, NULL), RC_OK);
	keys_put(keys, 2, point);
	w.forged = keys;
	checked_case_free(k);
	case_done(&c);
	assert_true(world_package(&w, &good));
	put_file(package, buf_view(&good.b), 0600);
	nothing_left(open_it(&err), RC_VERIFY, &err);
}

static void
another_key(void **state)
{
	struct err	err;
	EVP_PKEY	*was = w.net.recipient_key;

	(void)state;
	w.net.recipient_key = w.net.worker_key;
	put_key();
	w.net.recipient_key = was;
	nothing_left(open_it(&err), RC_DENIED, &err);
	/* Others may read it: no key. */
	assert_int_equal(chmod(key, 0644), 0);
	assert_int_equal(open_it(&err), RC_USAGE);
	assert_int_equal(files_in(dir), 0);
}

/* --- what is there already ----------------------------------------------------------------------- */

/* Two folders: `dir` with the artifact's in it, and one beside it. */
static void
folders(size_t artifact, char *ret, size_t size)
{
	assert_true(mkdir(dir, 0700) == 0);
	part_path(ret, size, artifact, "");
	assert_int_equal(mkdir(ret, 0700), 0);
}

static void
a_file_that_is_there(void **state)
{
	char		folder[160];
	struct buf	b = BUF_INIT(64);
	struct err	err;

	(void)state;
	/* The second part: the first was written before, and goes again. */
	folders(1, folder, sizeof(folder));
	put_file(prompt, SPAN_STR("mine"), 0600);
	assert_int_equal(open_it(&err), RC_USAGE);
	assert_int_equal(files_in(dir), 1);
	assert_int_equal(file_read(prompt, &b, &err), RC_OK);
	assert_true(span_eq(buf_view(&b), SPAN_STR("mine")));
	buf_done(&b);
}

/* A link in the place of a part, to a file, to nothing: neither followed nor replaced. */
static void
a_link_in_place_of_a_part(void **state)
{
	char		folder[160], target[96];
	struct stat	st;
	struct err	err;

	(void)state;
	(void)snprintf(target, sizeof(target), "%s/target", top);
	folders(0, folder, sizeof(folder));
	assert_int_equal(symlink(target, image), 0);
	assert_int_equal(open_it(&err), RC_USAGE);
	assert_int_not_equal(lstat(target, &st), 0);
	put_file(target, SPAN_STR(""), 0600);
	assert_int_equal(open_it(&err), RC_USAGE);
	assert_int_equal(lstat(target, &st), 0);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(files_in(dir), 1);
}

/* A link in the place of an artifact's folder: plaintext would come to lie where somebody else said. */
static void
a_link_in_place_of_a_folder(void **state)
{
	char		folder[160], target[96];
	struct err	err;

	(void)state;
	(void)snprintf(target, sizeof(target), "%s/target", top);
	assert_int_equal(mkdir(target, 0700), 0);
	for (size_t i = 0; i < WORLD_ARTIFACTS; i++) {
		assert_int_equal(mkdir(dir, 0700), 0);
		part_path(folder, sizeof(folder), i, "");
		assert_int_equal(symlink(target, folder), 0);
		assert_int_equal(open_it(&err), RC_USAGE);
		assert_int_equal(files_in(target), 0);
		assert_int_equal(files_in(dir), 1);
		(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	}
}

static void
no_folder(void **state)
{
	char		folder[160];
	struct err	err;

	(void)state;
	put_file(dir, SPAN_STR("mine"), 0600);
	assert_int_equal(open_it(&err), RC_USAGE);
	assert_int_equal(unlink(dir), 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	part_path(folder, sizeof(folder), 0, "");
	put_file(folder, SPAN_STR("mine"), 0600);
	assert_int_equal(open_it(&err), RC_USAGE);
	assert_int_equal(files_in(dir), 1);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(it_opens, up, down),
		cmocka_unit_test_setup_teardown(no_room, up, down),
		cmocka_unit_test_setup_teardown(broken_disk, up, down),
		cmocka_unit_test_setup_teardown(interrupted, up, down),
		cmocka_unit_test_setup_teardown(not_to_be_interrupted, up, down),
		cmocka_unit_test_setup_teardown(damaged, up, down),
		cmocka_unit_test_setup_teardown(the_last_key_is_wrong, up, down),
		cmocka_unit_test_setup_teardown(another_key, up, down),
		cmocka_unit_test_setup_teardown(a_file_that_is_there, up, down),
		cmocka_unit_test_setup_teardown(a_link_in_place_of_a_part, up, down),
		cmocka_unit_test_setup_teardown(a_link_in_place_of_a_folder, up, down),
		cmocka_unit_test_setup_teardown(no_folder, up, down),
	};

	(void)unsetenv("QUORATE_CHARTER");
	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
