/* What the reader of a package trusts, as files say it; and the threads that read packages. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/package.h"
#include "cli/parallel.h"
#include "edge/edge.h"
#include "edge/file.h"
#include "tests/fixture/network.h"
#include "tests/unit/tsa.h"

static struct net	ours, theirs;
static struct tsa_party	root, second;
static char		dir[64], hex[HEX_BYTES(SHA256_BYTES)];

static void
put(const char *name, struct span bytes)
{
	char		path[FILE_PATH_MAX];
	struct err	err;

	assert_int_equal(file_path(path, &err, "%s/%s", dir, name), RC_OK);
	if (file_write(path, bytes, 0600, &err) != RC_OK)
		fail_msg("%s", err.msg);
}

static void
pem_of(const struct tsa_party *p, struct buf *out)
{
	assert_int_equal(der_to_pem(tsa_cert(p), out, NULL), RC_OK);
}

static int
up(void **state)
{
	struct buf	pem = BUF_INIT(65536), b64 = BUF_INIT(65536);

	(void)state;
	strcpy(dir, "/tmp/quorate-trust.XXXXXX");
	assert_non_null(mkdtemp(dir));
	net_init(&ours);
	theirs.quota = 7;	/* another charter */
	net_init(&theirs);
	hex_write(SPAN_OF(ours.genesis), hex);
	tsa_party_new(&root, "root", NULL, true, TSA_EKU_NONE, 1, -1, 1);
	tsa_party_new(&second, "second", NULL, true, TSA_EKU_NONE, 1, -1, 1);
	put("charter.json", buf_view(&ours.charter_json));
	put("other.json", buf_view(&theirs.charter_json));
	put("root.cer", tsa_cert(&root));
	pem_of(&root, &pem);
	put("root.pem", buf_view(&pem));
	pem_of(&second, &pem);
	put("both.pem", buf_view(&pem));
	buf_span(&b64, tsa_cert(&root));
	buf_u8(&b64, 0);
	put("longer.cer", buf_view(&b64));
	put("words.txt", SPAN_STR("no certificate\n"));
	buf_done(&pem);
	buf_done(&b64);
	return 0;
}

static int
down(void **state)
{
	static const char *const	names[] = { "charter.json", "other.json", "root.cer", "root.pem", "both.pem",
	    "longer.cer", "words.txt", "trust.json" };
	char				path[FILE_PATH_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (file_path(path, NULL, "%s/%s", dir, names[i]) == RC_OK)
			(void)unlink(path);
	(void)rmdir(dir);
	tsa_party_done(&root);
	tsa_party_done(&second);
	net_done(&ours);
	net_done(&theirs);
	return 0;
}

static enum rc
read_trust(const char *charter, const char *text, struct trusted *t, struct err *err)
{
	char	path[FILE_PATH_MAX], other[FILE_PATH_MAX];

	put("trust.json", span_str(text));
	assert_int_equal(file_path(path, NULL, "%s/trust.json", dir), RC_OK);
	if (charter != NULL)
		assert_int_equal(file_path(other, NULL, "%s/%s", dir, charter), RC_OK);
	return trusted_read(charter == NULL ? NULL : other, path, t, err);
}

/* --- good ones --------------------------------------------------------------------------- */

static void
good(const char *charter, const char *text, bool genesis, size_t roots)
{
	AUTO_DONE(trusted_done) struct trusted	t = TRUSTED_INIT;
	struct err				err;

	if (read_trust(charter, text, &t, &err) != RC_OK)
		fail_msg("%s: %s", text, err.msg);
	assert_int_equal(t.trust.genesis != NULL, genesis);
	if (genesis)
		assert_memory_equal(t.trust.genesis, ours.genesis, SHA256_BYTES);
	assert_int_equal(t.trust.n_roots, roots);
	for (size_t i = 0; i < roots; i++)
		assert_true(span_eq(t.trust.root[i], tsa_cert(&root)));
	assert_true(t.trust.now > NET_START);
}

static void
what_it_may_say(void **state)
{
	struct buf	text = BUF_INIT(65536);

	(void)state;
	unsetenv("QUORATE_CHARTER");
	buf_printf(&text, "{\"genesis\":\"%s\"}", hex);
	good(NULL, buf_text(&text), true, 0);
	good("charter.json", buf_text(&text), true, 0);
	good(NULL, "{\"charter\":\"charter.json\"}", true, 0);
	good(NULL, "{\"tsa_roots\":[\"root.cer\",\"root.pem\"]}", false, 2);
	good("charter.json", "{\"tsa_roots\":[\"root.cer\"]}", true, 1);
	buf_reset(&text);
	buf_printf(&text, "{\"charter\":\"%s/charter.json\",\"tsa_roots\":[\"%s/root.pem\",\"base64:", dir, dir);
	b64_write(&text, tsa_cert(&root));
	buf_printf(&text, "\"]}");
	good(NULL, buf_text(&text), true, 2);
	buf_done(&text);
}

/* What was named goes before what stands in the environment. */
static void
the_environment(void **state)
{
	AUTO_DONE(trusted_done) struct trusted	t = TRUSTED_INIT, none = TRUSTED_INIT;
	char					path[FILE_PATH_MAX];
	struct err				err;

	(void)state;
	assert_int_equal(file_path(path, NULL, "%s/other.json", dir), RC_OK);
	assert_int_equal(setenv("QUORATE_CHARTER", path, 1), 0);
	good(NULL, "{\"charter\":\"charter.json\"}", true, 0);
	assert_int_equal(read_trust(NULL, "{\"tsa_roots\":[\"root.cer\"]}", &t, &err), RC_OK);
	assert_memory_equal(t.trust.genesis, theirs.genesis, SHA256_BYTES);
	unsetenv("QUORATE_CHARTER");
	assert_int_equal(trusted_read(NULL, NULL, &none, &err), RC_OK);
	assert_null(none.trust.genesis);
	assert_int_equal(none.trust.n_roots, 0);
}

/* --- bad ones ------------------------------------------------------------------------------- */

static void
bad(const char *charter, const char *text, const char *words)
{
	AUTO_DONE(trusted_done) struct trusted	t = TRUSTED_INIT;
	struct err				err;

	assert_int_equal(read_trust(charter, text, &t, &err), RC_USAGE);
	if (strstr(err.msg, words) == NULL)
		fail_msg("%s: no \"%s\" in: %s", text, words, err.msg);
	if (strstr(err.msg, "trust.json") == NULL && strstr(err.msg, dir) == NULL)
		fail_msg("%s: which file? %s", text, err.msg);
}

static void
what_it_may_not(void **state)
{
	static const struct { const char *text, *words; } rows[] = {
		{ "", "" },
		{ "[]", "trust file" },
		{ "{}", "names nothing to trust" },
		{ "{\"tsa_roots\":[]}", "names nothing to trust" },
		{ "{\"genesis\":\"12\"}", "64 digits" },
		{ "{\"genesis\":5}", "genesis" },
		{ "{\"roots\":[\"root.cer\"]}", "roots" },
		{ "{\"tsa_roots\":[\"root.cer\"],\"also\":1}", "also" },
		{ "{\"charter\":\"none.json\"}", "none.json" },
		{ "{\"charter\":\"words.txt\"}", "words.txt" },
		{ "{\"tsa_roots\":[5]}", "names of files" },
		{ "{\"tsa_roots\":[\"none.cer\"]}", "none.cer" },
		{ "{\"tsa_roots\":[\"root.cer\",\"words.txt\"]}", "root 2" },
		{ "{\"tsa_roots\":[\"longer.cer\"]}", "root 1" },
		{ "{\"tsa_roots\":[\"base64:AAA\"]}", "root 1" },
		{ "{\"tsa_roots\":[\"base64:AAAA\"]}", "root 1" },
		{ "{\"tsa_roots\":[\"both.pem\"]}", "more than one certificate" },
		{ "{\"charter\":\"charter.json\"} x", "" },
	};
	struct buf	text = BUF_INIT((size_t)1 << 20);

	(void)state;
	unsetenv("QUORATE_CHARTER");
	put("both.pem", SPAN_STR("-----BEGIN CERTIFICATE-----\n-----BEGIN CERTIFICATE-----\n"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bad(NULL, rows[i].text, rows[i].words);
	buf_printf(&text, "{\"genesis\":\"%s\",\"charter\":\"charter.json\"}", hex);
	bad(NULL, buf_text(&text), "leave one out");
	/* Not the package's fault: whoever asks would take it for a no. */
	bad("words.txt", "{\"tsa_roots\":[\"root.cer\"]}", "not a charter");
	bad("other.json", "{\"charter\":\"charter.json\"}", "which do you trust");
	buf_reset(&text);
	buf_printf(&text, "{\"tsa_roots\":[");
	for (int i = 0; i < TRUST_ROOTS_MAX; i++)
		buf_printf(&text, "\"root.cer\",");
	buf_printf(&text, "\"root.cer\"]}");
	bad(NULL, buf_text(&text), "tsa_roots");
	buf_reset(&text);
	buf_printf(&text, "{\"charter\":\"charter.json\"}");
	memset(buf_extend(&text, 300000), ' ', 300000);
	buf_u8(&text, 0);
	bad(NULL, (const char *)text.p, "");
	buf_done(&text);
}

/* --- threads --------------------------------------------------------------------------------- */

#define JOBS	500
static atomic_uint	did[JOBS];

static void
one(void *arg, size_t i)
{
	assert_ptr_equal(arg, &did);
	atomic_fetch_add(&did[i], 1);
}

static void
each_job_once(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads <= PARALLEL_MAX + 1; threads++) {
		AUTO(hands_free) struct hands	*h = NULL;
		const struct parallel		*p;

		assert_int_equal(hands_new(threads, &h, NULL), RC_OK);
		p = hands_parallel(h);
		memset((void *)did, 0, sizeof(did));
		for (unsigned round = 1; round <= 200; round++) {
			p->run(p->user, JOBS, one, (void *)&did);
			for (size_t i = 0; i < JOBS; i++)
				assert_int_equal(atomic_load(&did[i]), round);
		}
		p->run(p->user, 0, one, NULL);
	}
}

static pthread_t	caller;

/* The caller is soon done with what it takes; whoever helps it is not. */
static void
slowly(void *arg, size_t i)
{
	usleep(pthread_equal(caller, pthread_self()) ? 500 : 5000);
	one(arg, i);
}

static void
waits_for_all(void **state)
{
	AUTO(hands_free) struct hands	*h = NULL;
	const struct parallel		*p;

	(void)state;
	caller = pthread_self();
	assert_int_equal(hands_new(PARALLEL_MAX, &h, NULL), RC_OK);
	p = hands_parallel(h);
	memset((void *)did, 0, sizeof(did));
	for (unsigned round = 1; round <= 10; round++) {
		p->run(p->user, 8, slowly, (void *)&did);
		for (size_t i = 0; i < 8; i++)
			assert_int_equal(atomic_load(&did[i]), round);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_may_say),
		cmocka_unit_test(the_environment),
		cmocka_unit_test(what_it_may_not),
		cmocka_unit_test(each_job_once),
		cmocka_unit_test(waits_for_all),
	};

	return cmocka_run_group_tests(tests, up, down);
}
