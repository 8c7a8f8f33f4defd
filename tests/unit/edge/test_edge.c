/* Words of others, command lines, files and keys at the edge. */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "edge/edge.h"
#include "edge/file.h"
#include "edge/options.h"
#include "tests/unit/fault.h"

static char	dir[64];

static const char *
at(const char *name)
{
	static char	path[8][256];
	static unsigned	turn;
	char		*p = path[turn++ % 8];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void
ok(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

static unsigned
count_files(void)
{
	DIR		*d = opendir(dir);
	unsigned	 n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2;
}

static void
put(const char *path, const char *text, mode_t mode)
{
	struct err	err;

	ok(file_write(path, span_str(text), mode, &err), &err);
}

/* --- text --------------------------------------------------------------------------------- */

static void
clean_words(void **state)
{
	static const struct { const char *in, *out; } rows[] = {
		{ "", "" },
		{ "plain, with spaces.", "plain, with spaces." },
		{ "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x94\x91", "J\xc3\xb6rg \xe2\x82\xac \xf0\x9f\x94\x91" },
		{ "\x1b[2J\x1b]0;title\x07", "?[2J?]0;title?" },
		{ "a\rb\nc\td\x7f", "a?b?c?d?" },
		{ "\xc2\x9b" "31m", "??31m" },				/* CSI in one byte, as UTF-8 */
		{ "\xe2\x80\xae" "evil", "???evil" },			/* right to left */
		{ "a\xe2\x81\xa6" "b\xe2\x80\x8b" "c\xef\xbb\xbf", "a???b???c???" },
		{ "\xff\xfe\x80", "???" },
		{ "cut \xe2\x82", "cut ??" },
		{ "\xc0\xaf \xed\xa0\x80 \xf4\x90\x80\x80", "?? ??? ????" },	/* too long, half a pair, too large */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char	*copy = (char *)heap_copy(rows[i].in, strlen(rows[i].in) + 1);

		assert_string_equal(text_clean_str(copy), rows[i].out);
		free(copy);
	}
}

static void
clean_bytes(void **state)
{
	static const char	in[] = "hidden\0after it\nnext\x1b[1m";
	uint8_t			*p = heap_copy(in, sizeof(in) - 1);

	(void)state;
	text_clean(p, sizeof(in) - 1, true);
	assert_memory_equal(p, "hidden?after it\nnext?[1m", sizeof(in) - 1);
	text_clean(p, sizeof(in) - 1, false);
	assert_memory_equal(p, "hidden?after it?next?[1m", sizeof(in) - 1);
	free(p);
	/* A sequence that goes on past the end is not looked at there. */
	for (size_t n = 1; n < 4; n++) {
		p = heap_copy("\xf0\x9f\x94\x91", n);
		text_clean(p, n, false);
		assert_memory_equal(p, "???", n);
		free(p);
	}
}

/* --- options --------------------------------------------------------------------------------- */

static const char	*text, *word[2];
static uint64_t		 number;
static bool		 flag;
static struct texts	 texts;

static enum rc
options(const char *line, struct err *err)
{
	const struct option_row	rows[] = {
		{ "text", OPTION_TEXT | OPTION_NEEDED, &text, "TEXT", "needed" },
		{ "many", OPTION_TEXTS, &texts, "TEXT", "again" },
		{ "n", OPTION_NUMBER, &number, "N", "a number" },
		{ "flag", OPTION_FLAG, &flag, NULL, "a flag" },
	};
	const struct command	c = { "test WORD", "Tests.", rows, 4 };
	char	copy[256], *argv[32], *save = NULL, *w;
	int	argc = 1;
	size_t	n;
	bool	help;

	static char	name[] = "test", empty[] = "";

	argv[0] = name;
	(void)snprintf(copy, sizeof(copy), "%s", line);
	for (w = strtok_r(copy, " ", &save); w != NULL; w = strtok_r(NULL, " ", &save))
		argv[argc++] = strcmp(w, "EMPTY") == 0 ? empty : w;
	argv[argc] = NULL;
	text = word[0] = word[1] = NULL;
	number = 0;
	flag = false;
	texts.n = 0;
	return options_read(&c, argc, argv, word, 0, 2, &n, &help, err);
}

static void
command_lines(void **state)
{
	static const struct { const char *line, *words; } bad[] = {
		{ "", "missing" },
		{ "--text", "needs a value" },
		{ "--text EMPTY", "--text is empty" },
		{ "--text=", "--text is empty" },
		{ "--many EMPTY --text x", "--many is empty" },
		{ "--text x EMPTY", "empty word" },
		{ "--text x --text y", "twice" },
		{ "--text x --flag --flag", "twice" },
		{ "--text x --flag=yes", "no value" },
		{ "--text x -n", "needs a value" },
		{ "--text x -n EMPTY", "-n is empty" },
		{ "--text x -n 12x", "-n: \"12x\" is not a number" },
		{ "--text x -n -1", "not a number" },
		{ "--text x -n +1", "not a number" },
		{ "--text x -n 99999999999999999999", "not a number" },
		{ "--text x -text y", "no such option" },
		{ "--text x --n 1", "no such option" },
		{ "--text x --", NULL },
		{ "--text x a b c", "unexpected" },
		{ "--text x -- a b --flag", "unexpected" },
	};
	struct err	err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.msg[0] = '\0';
		if (bad[i].words == NULL)
			ok(options(bad[i].line, &err), &err);
		else if (options(bad[i].line, &err) != RC_USAGE || strstr(err.msg, bad[i].words) == NULL)
			fail_msg("\"%s\": %s", bad[i].line, err.msg);
	}
	ok(options("--many a --text=x=y --many -b -n 9999999999999999999 - -- --flag", &err), &err);
	assert_string_equal(text, "x=y");
	assert_int_equal(texts.n, 2);
	assert_string_equal(texts.v[1], "-b");
	assert_true(number == UINT64_C(9999999999999999999));
	assert_false(flag);
	assert_string_equal(word[0], "-");
	assert_string_equal(word[1], "--flag");
}

/* --- files ----------------------------------------------------------------------------------- */

static void
written_whole_or_not(void **state)
{
	AUTO_DONE(buf_done) struct buf	got = BUF_INIT(1024);
	struct rlimit			r;
	struct stat			st;
	struct err			err;
	enum rc				rc;
	unsigned			before;
	static char			big[100000];

	(void)state;
	put(at("f"), "old", 0644);
	before = count_files();
	assert_int_equal(file_create(at("f"), SPAN_STR("new"), 0600, &err), RC_USAGE);
	/* A full disk. */
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &r), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	r.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
	rc = file_write(at("f"), SPAN(big, sizeof(big)), 0644, &err);
	r.rlim_cur = r.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
	assert_int_equal(rc, RC_IO);
	assert_int_equal(count_files(), before);
	ok(file_read(at("f"), &got, &err), &err);
	assert_true(span_eq(buf_view(&got), SPAN_STR("old")));
	put(at("f"), "new", 0600);
	assert_int_equal(stat(at("f"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(file_write(at("none/f"), SPAN_STR("x"), 0600, &err), RC_USAGE);
	assert_int_equal(file_create(at("none/f"), SPAN_STR("x"), 0600, &err), RC_USAGE);
	assert_int_equal(file_mkdir(at("none/f"), &err), RC_USAGE);
}

/* What was synced last, and how often anything was. */
static struct stat	synced;
static unsigned		syncs, sync_fails_at;	/* 0: never */

int
fsync(int fd)
{
	(void)fstat(fd, &synced);
	if (++syncs == sync_fails_at) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fsync, fd);
}

/* A new folder is in the one that it is in, also after a power loss. */
static void
folders(void **state)
{
	static const char *const	name[] = { "plain", "slash/", "slashes//" };
	char				was[256];
	struct stat			parent;
	struct err			err;

	(void)state;
	assert_int_equal(stat(dir, &parent), 0);
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		syncs = 0;
		ok(file_mkdir(at(name[i]), &err), &err);
		assert_int_equal(syncs, 1);
		assert_int_equal(synced.st_ino, parent.st_ino);
		ok(file_mkdir(at(name[i]), &err), &err);
		assert_int_equal(syncs, 1);
	}
	assert_non_null(getcwd(was, sizeof(was)));
	assert_int_equal(chdir(dir), 0);
	syncs = 0;
	ok(file_mkdir("here", &err), &err);
	assert_int_equal(chdir(was), 0);
	assert_int_equal(syncs, 1);
	assert_int_equal(synced.st_ino, parent.st_ino);
	ok(file_mkdir_unsynced(at("waits"), &err), &err);
	assert_int_equal(syncs, 1);
	sync_fails_at = 2;
	assert_int_equal(file_mkdir(at("broken"), &err), RC_IO);
	sync_fails_at = 0;
	ok(file_mkdir(at("broken"), &err), &err);
	assert_int_equal(syncs, 3);
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++)
		assert_int_equal(rmdir(at(name[i])), 0);
	assert_int_equal(rmdir(at("here")) | rmdir(at("waits")) | rmdir(at("broken")), 0);
}

/* Not through a name that leads elsewhere. */
static void
not_through_a_link(void **state)
{
	struct stat	st;
	struct err	err;

	(void)state;
	put(at("target"), "kept", 0644);
	assert_int_equal(symlink("target", at("link")), 0);
	assert_int_equal(symlink("nowhere", at("dangling")), 0);
	assert_int_equal(file_create(at("link"), SPAN_STR("x"), 0600, &err), RC_USAGE);
	assert_int_equal(file_create(at("dangling"), SPAN_STR("x"), 0600, &err), RC_USAGE);
	assert_true(lstat(at("nowhere"), &st) != 0 && errno == ENOENT);
	ok(file_write(at("link"), SPAN_STR("x"), 0600, &err), &err);
	assert_int_equal(lstat(at("link"), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(stat(at("target"), &st), 0);
	assert_int_equal(st.st_size, 4);
}

static void
secrets_are_private(void **state)
{
	static const mode_t	open_modes[] = { 0640, 0604, 0610, 0601, 0660, 0777 };
	struct secret		*s = NULL;
	struct err		err;

	(void)state;
	put(at("key"), "secret", 0600);
	ok(file_read_secret(at("key"), 6, &s, &err), &err);
	assert_int_equal(secret_len(s), 6);
	secret_free(TAKE(s));
	assert_int_equal(file_read_secret(at("key"), 5, &s, &err), RC_USAGE);
	for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
		assert_int_equal(chmod(at("key"), open_modes[i]), 0);
		assert_int_equal(file_read_secret(at("key"), 6, &s, &err), RC_USAGE);
		assert_non_null(strstr(err.msg, "chmod 600"));
	}
	put(at("key"), "", 0600);
	assert_int_equal(file_read_secret(at("key"), 6, &s, &err), RC_USAGE);
	assert_int_equal(file_read_secret(dir, 6, &s, &err), RC_USAGE);
	assert_int_equal(file_read_secret(at("nokey"), 6, &s, &err), RC_MISSING);
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	assert_int_equal(file_read_secret(at("fifo"), 6, &s, &err), RC_USAGE);
	assert_null(s);
}

static void
new_file(void **state)
{
	AUTO_DONE(buf_done) struct buf	got = BUF_INIT(1024);
	struct file_new			f = FILE_NEW_INIT;
	struct stat			st;
	struct err			err;
	unsigned			before = count_files();

	(void)state;
	/* It has no name until it is kept. */
	ok(file_new_open(&f, at("big"), &err), &err);
	ok(file_new_write(&f, 3, SPAN_STR("defg"), &err), &err);
	ok(file_new_write(&f, 0, SPAN_STR("abc"), &err), &err);
	assert_int_equal(count_files(), before);
	file_new_drop(&f);
	file_new_drop(&f);
	assert_int_equal(count_files(), before);
	ok(file_new_open(&f, at("big"), &err), &err);
	ok(file_new_write(&f, 0, SPAN_STR("abcdefg"), &err), &err);
	ok(file_new_keep(&f, &err), &err);
	file_new_drop(&f);
	assert_int_equal(count_files(), before + 1);
	ok(file_read(at("big"), &got, &err), &err);
	assert_true(span_eq(buf_view(&got), SPAN_STR("abcdefg")));
	assert_int_equal(stat(at("big"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* Somebody took the name meanwhile: theirs stays. */
	ok(file_new_open(&f, at("big"), &err), &err);
	ok(file_new_write(&f, 0, SPAN_STR("other"), &err), &err);
	assert_int_equal(file_new_keep(&f, &err), RC_USAGE);
	assert_non_null(strstr(err.msg, "exists already"));
	assert_int_equal(count_files(), before + 1);
	buf_reset(&got);
	ok(file_read(at("big"), &got, &err), &err);
	assert_true(span_eq(buf_view(&got), SPAN_STR("abcdefg")));
	assert_int_equal(file_new_open(&f, at("none/big"), &err), RC_USAGE);
	file_new_drop(&f);
}

static void
in_the_place_of(void **state)
{
	AUTO_DONE(buf_done) struct buf	got = BUF_INIT(1024);
	struct file_new			f = FILE_NEW_INIT;
	struct err			err;
	unsigned			before;

	(void)state;
	ok(file_write(at("place"), SPAN_STR("old"), 0644, &err), &err);
	before = count_files();
	ok(file_new_open(&f, at("place"), &err), &err);
	ok(file_new_write(&f, 0, SPAN_STR("newer"), &err), &err);
	ok(file_read(at("place"), &got, &err), &err);
	assert_true(span_eq(buf_view(&got), SPAN_STR("old")));
	ok(file_new_replace(&f, &err), &err);
	file_new_drop(&f);
	buf_reset(&got);
	ok(file_read(at("place"), &got, &err), &err);
	assert_true(span_eq(buf_view(&got), SPAN_STR("newer")));
	assert_int_equal(count_files(), before);
	/* What cannot take it leaves nothing. */
	ok(file_new_open(&f, at("folder"), &err), &err);
	assert_int_equal(mkdir(at("folder"), 0700), 0);
	assert_int_equal(file_new_replace(&f, &err), RC_IO);
	assert_int_equal(count_files(), before + 1);
	assert_int_equal(rmdir(at("folder")), 0);
}

/* --- keys ------------------------------------------------------------------------------------- */

static enum rc
passphrase(void *user, const char *what, struct secret **ret, struct err *err)
{
	const char	*word_ = user;

	(void)what;
	if (word_ == NULL)
		return err_set(err, RC_USAGE, "nobody to ask");
	*ret = secret_new(strlen(word_));
	assert_non_null(*ret);
	memcpy(secret_bytes(*ret), word_, strlen(word_));
	return RC_OK;
}

static void
write_key(const char *path, const char *type, const char *curve, const char *pass)
{
	EVP_PKEY	*k = curve == NULL ? EVP_PKEY_Q_keygen(NULL, NULL, type) :
			    EVP_PKEY_Q_keygen(NULL, NULL, type, curve);
	FILE		*f = fopen(path, "w");

	assert_non_null(k);
	assert_non_null(f);
	assert_int_equal(PEM_write_PKCS8PrivateKey(f, k, pass == NULL ? NULL : EVP_aes_256_cbc(), pass,
	    pass == NULL ? 0 : (int)strlen(pass), NULL, NULL), 1);
	(void)fclose(f);
	EVP_PKEY_free(k);
	assert_int_equal(chmod(path, 0600), 0);
}

static void
key_files(void **state)
{
	static const struct { const char *type, *curve, *pass, *say; enum rc rc; uint8_t alg; } rows[] = {
		{ "ED25519", NULL, NULL, NULL, RC_OK, KEY_ED25519 },
		{ "EC", "P-256", NULL, NULL, RC_OK, KEY_P256 },
		{ "EC", "P-256", "opensesame", "opensesame", RC_OK, KEY_P256 },
		{ "ED25519", NULL, "opensesame", "opensesame", RC_OK, KEY_ED25519 },
		{ "ED25519", NULL, "opensesame", "openbarley", RC_USAGE, 0 },
		{ "ED25519", NULL, "opensesame", NULL, RC_USAGE, 0 },
		{ "EC", "P-384", NULL, NULL, RC_USAGE, 0 },
		{ "EC", "secp256k1", NULL, NULL, RC_USAGE, 0 },		/* 256 bits, and not ours */
		{ "EC", "brainpoolP256r1", NULL, NULL, RC_USAGE, 0 },
		{ "X25519", NULL, NULL, NULL, RC_USAGE, 0 },
	};
	uint8_t		sig[KEY_SIG_BYTES];
	struct err	err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(keyfile_free) struct keyfile *k = NULL;
		enum rc	rc;

		write_key(at("a.key"), rows[i].type, rows[i].curve, rows[i].pass);
		rc = keyfile_open(at("a.key"), passphrase, (void *)(uintptr_t)rows[i].say, &k, &err);
		if (rc != rows[i].rc)
			fail_msg("row %zu: %s", i, rc == RC_OK ? "taken" : err.msg);
		if (rc != RC_OK)
			continue;
		assert_int_equal(keyfile_signer(k)->key.alg, rows[i].alg);
		ok(keyfile_signer(k)->sign(keyfile_signer(k)->user, SPAN_STR("words"), sig, &err), &err);
		ok(key_verify(&keyfile_signer(k)->key, SPAN_STR("words"), sig, &err), &err);
		assert_int_not_equal(key_verify(&keyfile_signer(k)->key, SPAN_STR("other"), sig, &err), RC_OK);
	}
	put(at("a.key"), "no key at all", 0600);
	assert_int_equal(keyfile_open(at("a.key"), NULL, NULL, &(struct keyfile *){ NULL }, &err), RC_USAGE);
	assert_int_equal(keyfile_open(at("no.key"), NULL, NULL, &(struct keyfile *){ NULL }, &err), RC_USAGE);
}

/* Both halves or neither, and never over another key. */
static void
key_generation(void **state)
{
	struct key	k;
	struct stat	st;
	struct err	err;
	unsigned	before;

	(void)state;
	ok(keyfile_generate(at("new.key"), &k, &err), &err);
	assert_int_equal(stat(at("new.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(keyfile_generate(at("new.key"), &k, &err), RC_USAGE);
	put(at("other.key.pub"), "somebody's", 0644);
	before = count_files();
	assert_int_equal(keyfile_generate(at("other.key"), &k, &err), RC_USAGE);
	assert_int_equal(count_files(), before);
	/* libcrypto keeps it in locked memory. */
	assert_int_equal(CRYPTO_secure_malloc_initialized(), 1);
}

/* --- identities and tokens ---------------------------------------------------------------------- */

static void
identity_names(void **state)
{
	/* 63 letters, then one of two bytes in the 64th place and on: it is not halved. */
	static const char	long_name[] = "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg"
				    "\xc3\xb6hhhhhhhhhh";
	const char		*names[] = { "x", long_name };
	struct err		err;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		AUTO_DONE(buf_done) struct buf	cert = BUF_INIT(16384), der = BUF_INIT(16384);
		AUTO(secret_free) struct secret	*key = NULL;
		const unsigned char		*p;
		char				 cn[128];
		X509				*x;

		ok(tls_identity_new(names[i], &cert, &key, &err), &err);
		ok(pem_to_der(buf_view(&cert), &der, &err), &err);
		p = der.p;
		assert_non_null(x = d2i_X509(NULL, &p, (long)der.n));
		assert_int_equal(X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn,
		    sizeof(cn)), i == 0 ? 1 : 63);
		X509_free(x);
	}
	assert_int_equal(tls_identity_new("", &(struct buf){ .max = 16384 }, &(struct secret *){ NULL }, &err),
	    RC_USAGE);
}

/* What a module uses while it serves: there, absolute, and back from the file as they were. */
static void
places_are_kept(struct token_config *c)
{
	static const char *const	many[TOKEN_PLACES_MAX + 1] = { "pin", "pin", "pin", "pin", "pin", "pin", "pin", "pin", "pin" };
	static const char *const	two[] = { "pin", "." };
	const char			*none = "none";
	struct token_config		 back;
	struct err			 err;
	json_t				*o;

	assert_int_equal(token_config_places(c, &none, 1, &err), RC_USAGE);
	assert_int_equal(token_config_places(c, many, TOKEN_PLACES_MAX + 1, &err), RC_USAGE);
	ok(token_config_places(c, many, TOKEN_PLACES_MAX, &err), &err);
	ok(token_config_places(c, two, 2, &err), &err);
	assert_non_null(o = token_config_json(c));
	ok(token_config_parse(o, &back, &err), &err);
	assert_int_equal(back.n_places, 2);
	assert_int_equal(back.place[0][0], '/');
	assert_string_equal(back.place[0], c->place[0]);
	assert_string_equal(back.place[1], c->place[1]);
	assert_int_equal(json_object_set_new(o, "places", json_pack("[s]", "pin")), 0);
	assert_int_equal(token_config_parse(o, &back, &err), RC_FORMAT);	/* relative to what? */
	assert_int_equal(json_object_set_new(o, "places", json_pack("[i]", 1)), 0);
	assert_int_equal(token_config_parse(o, &back, &err), RC_FORMAT);
	json_decref(o);
}

static void
token_options(void **state)
{
	struct token_config	c;
	struct err		err;
	char			label[200];

	(void)state;
	memset(&c, 0, sizeof(c));
	put(at("module.so"), "x", 0644);
	put(at("pin"), "1234", 0600);
	ok(token_config_options(at("module.so"), NULL, "two words;object=x?pin-source=y", NULL, at("pin"), &c, &err),
	    &err);
	assert_string_equal(c.uri, "pkcs11:token=two%20words%3Bobject%3Dx%3Fpin-source%3Dy");
	assert_int_equal(c.pin_file[0], '/');
	assert_int_equal(chdir(dir), 0);
	ok(token_config_options("module.so", NULL, NULL, "pkcs11:token=a", "pin", &c, &err), &err);
	assert_int_equal(c.module[0], '/');
	assert_int_equal(c.pin_file[0], '/');
	assert_int_equal(token_config_options("module.so", NULL, "a", "pkcs11:token=a", "pin", &c, &err), RC_USAGE);
	places_are_kept(&c);
	assert_int_equal(token_config_options("module.so", NULL, NULL, NULL, "pin", &c, &err), RC_USAGE);
	assert_int_equal(token_config_options("none.so", NULL, "a", NULL, "pin", &c, &err), RC_USAGE);
	assert_int_equal(token_config_options("module.so", NULL, "a", NULL, "nopin", &c, &err), RC_USAGE);
	assert_int_equal(token_config_options("module.so", NULL, NULL, "pkcs11:", "pin", &c, &err), RC_USAGE);
	memset(label, ';', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	assert_int_equal(token_config_options("module.so", NULL, label, NULL, "pin", &c, &err), RC_USAGE);
}

static void
lines_are_bounded(void **state)
{
	struct log_quota	q = { 0, 0 };
	unsigned		n = 0, i;

	(void)state;
	for (i = 0; i < 100; i++)
		n += log_may(&q, 3, 1000, 5000 + i);
	assert_int_equal(n, 3);
	assert_false(log_may(&q, 3, 1000, 5999));
	for (i = 0; i < 100; i++)
		n += log_may(&q, 3, 1000, 6000 + i);
	assert_int_equal(n, 6);
}

static void
exit_codes(void **state)
{
	static const struct { enum rc rc; int code; } rows[] = {
		{ RC_OK, 0 }, { RC_FORMAT, 1 }, { RC_VERIFY, 1 }, { RC_DENIED, 1 }, { RC_QUORUM, 1 }, { RC_MISSING, 1 },
		{ RC_UNSURE, 2 }, { RC_BUG, 2 }, { RC_USAGE, 64 }, { RC_LIMIT, 74 }, { RC_NOMEM, 74 }, { RC_IO, 74 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(exit_code(rows[i].rc), rows[i].code);
}

/* In a process of its own: a lock is held until its process ends. */
static void
locks_itself_in(int said)
{
	struct err	err;
	char		byte = 0;

	byte = (char)file_lock(dir, "thing", &err);
	(void)!write(said, &byte, 1);
	(void)pause();
}

static void
one_to_a_folder(void **state)
{
	struct err	err;
	int		said[2], status;
	char		byte = 1;
	pid_t		pid;

	(void)state;
	assert_int_equal(pipe(said), 0);
	if ((pid = fork()) == 0) {
		locks_itself_in(said[1]);
		_exit(0);
	}
	assert_int_equal(read(said[0], &byte, 1), 1);
	assert_int_equal(byte, RC_OK);
	assert_int_equal(file_lock(dir, "thing", &err), RC_USAGE);
	assert_non_null(strstr(err.msg, "another thing runs here"));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(file_lock(dir, "thing", &err), RC_OK);
	assert_int_equal(file_lock("/nowhere/at/all", "thing", &err), RC_MISSING);
	(void)close(said[0]);
	(void)close(said[1]);
}

/* --- what a daemon starts as ------------------------------------------------------------ */

/* In a process of its own: it is for life. */
static void
holds_in_a_child(bool (*holds)(void))
{
	int	status;
	pid_t	pid = fork();

	if (pid == 0)
		_exit(holds() ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool
is_closed(int fd)
{
	return fcntl(fd, F_GETFD) < 0 && errno == EBADF;
}

static bool
inherits_three(void)
{
	int	low = open("/dev/null", O_RDWR), high = fcntl(low, F_DUPFD, 200);

	return low > 2 && high >= 200 && close_inherited(NULL) == RC_OK && is_closed(3) && is_closed(low) && is_closed(high) &&
	    !is_closed(2);
}

static bool
is_hardened(void)
{
	struct rlimit	core = { 4096, 4096 };

	(void)setrlimit(RLIMIT_CORE, &core);		/* root may; else it is 0 already */
	return prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0 && harden(NULL) == RC_OK &&
	    prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 &&
	    getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0;
}

static void
starts_alone(void **state)
{
	(void)state;
	holds_in_a_child(inherits_three);
	holds_in_a_child(is_hardened);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(clean_words),
		cmocka_unit_test(clean_bytes),
		cmocka_unit_test(command_lines),
		cmocka_unit_test(written_whole_or_not),
		cmocka_unit_test(folders),
		cmocka_unit_test(not_through_a_link),
		cmocka_unit_test(secrets_are_private),
		cmocka_unit_test(new_file),
		cmocka_unit_test(in_the_place_of),
		cmocka_unit_test(one_to_a_folder),
		cmocka_unit_test(key_files),
		cmocka_unit_test(key_generation),
		cmocka_unit_test(identity_names),
		cmocka_unit_test(token_options),
		cmocka_unit_test(lines_are_bounded),
		cmocka_unit_test(exit_codes),
		cmocka_unit_test(starts_alone),
	};
	struct err	err;
	char		command[96];
	int		failed;

	strcpy(dir, "/tmp/quorate-edge.XXXXXX");
	if (secret_init(&err) != RC_OK || mkdtemp(dir) == NULL) {
		puts(err.msg);
		return 1;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? failed : 1;
}
