/* What a custodian agrees to: a charter that says of it what is true, once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "edge/signing.h"
#include "tests/unit/custodian/bench.h"

#define BIG	((size_t)1 << 22)

static struct bench_place	place;
static struct bench		b;
static char			charter_path[128];

static void
remove_file(const char *folder, const char *name)
{
	char	path[160];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	(void)unlink(path);
}

static int
up(void **state)
{
	(void)state;
	bench_up(&b, &place);
	snprintf(charter_path, sizeof(charter_path), "%s/charter.json", place.root);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	remove_file(place.dir, "genesis");
	remove_file(place.dir, "charter.json");
	remove_file(place.root, "charter.json");
	remove_file(place.root, "charter.json.dsse");
	bench_down(&b);
	return 0;
}

static void
ok(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

/* The charter of the network as its keys are now. */
static void
write_charter(void)
{
	struct err	err;

	buf_reset(&b.net.charter_json);
	net_charter(&b.net, &b.net.charter_json);
	sha256_one(b.net.genesis, buf_view(&b.net.charter_json));
	ok(file_write(charter_path, buf_view(&b.net.charter_json), 0644, &err), &err);
}

static enum rc
enroll(struct err *err)
{
	char	word[] = "enroll", option[] = "--charter";
	char	*argv[] = { word, place.dir, option, charter_path, NULL };

	return custodian_enroll(4, argv, err);
}

static void
refused(enum rc want, const char *word)
{
	uint8_t		digest[32];
	struct err	err;

	if (enroll(&err) != want || strstr(err.msg, word) == NULL)
		fail_msg("want \"%s\", got: %s", word, err.msg);
	/* Nothing was pinned, nothing signed. */
	assert_int_equal(config_genesis(place.dir, digest, &err), RC_MISSING);
	strcat(charter_path, ".dsse");
	assert_int_not_equal(access(charter_path, F_OK), 0);
}

static void
signs_and_pins(void **state)
{
	AUTO(charter_free) struct charter *c = NULL;
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG), missing = BUF_INIT(BIG);
	uint8_t				digest[32];
	struct err			err;

	(void)state;
	write_charter();
	for (int i = 0; i < 2; i++)		/* again is no harm */
		ok(enroll(&err), &err);
	ok(config_genesis(place.dir, digest, &err), &err);
	assert_memory_equal(digest, b.net.genesis, 32);
	ok(config_charter(place.dir, &c, &err), &err);
	ok(charter_signatures(charter_path, c, &dsse, &missing, &err), &err);
	assert_null(strstr(buf_text(&missing), "custodian 1 "));
	assert_non_null(strstr(buf_text(&missing), "custodian 2 "));
}

static void
not_named(void **state)
{
	(void)state;
	test_key_done(&b.net.signing[0]);
	test_key_ed25519(&b.net.signing[0]);
	write_charter();
	refused(RC_DENIED, "does not name");
}

static void
another_share_key(void **state)
{
	(void)state;
	memcpy(b.net.share[0].signer.key.bytes, b.net.person[NET_COURT].signer.key.bytes, 65);
	test_key_done(&b.net.person[NET_COURT]);
	test_key_p256(&b.net.person[NET_COURT]);
	write_charter();
	refused(RC_DENIED, "another share key");
}

static void
another_certificate(void **state)
{
	(void)state;
	buf_reset(&b.net.tls[0]);
	test_cert_of("P-256", "somebody", &b.net.tls[0]);
	write_charter();
	refused(RC_DENIED, "another TLS certificate");
}

static void
another_name(void **state)
{
	char	*at;

	(void)state;
	write_charter();
	at = strstr(buf_text(&b.net.charter_json), "custodian-1");
	assert_non_null(at);
	at[0] = 'C';
	ok(file_write(charter_path, buf_view(&b.net.charter_json), 0644, NULL), &(struct err){ .rc = RC_OK });
	refused(RC_DENIED, "another name");
}

/* One folder serves one log. */
static void
enrolled_before(void **state)
{
	uint8_t		before[32], after[32];
	struct err	err;

	(void)state;
	write_charter();
	ok(enroll(&err), &err);
	memcpy(before, b.net.genesis, 32);
	remove_file(place.root, "charter.json.dsse");
	buf_reset(&b.net.tls[1]);
	test_cert_of("P-256", "another", &b.net.tls[1]);
	write_charter();
	assert_int_equal(enroll(&err), RC_DENIED);
	assert_non_null(strstr(err.msg, "another charter"));
	ok(config_genesis(place.dir, after, &err), &err);
	assert_memory_equal(before, after, 32);
}

/* The copy in the folder is believed as far as its digest goes. */
static void
copy_was_changed(void **state)
{
	AUTO(charter_free) struct charter *c = NULL;
	char				path[128];
	struct err			err;

	(void)state;
	write_charter();
	ok(enroll(&err), &err);
	snprintf(path, sizeof(path), "%s/charter.json", place.dir);
	buf_u8(&b.net.charter_json, ' ');
	ok(file_write(path, buf_view(&b.net.charter_json), 0644, &err), &err);
	assert_int_equal(config_charter(place.dir, &c, &err), RC_VERIFY);
	assert_null(c);
}

/* A second init would make a second custodian of one token. */
static void
initialised_before(void **state)
{
	static char	word[][24] = { "init", "--name", "--organisation", "--address", "--module", "--token",
			    "--pin-file", "x", "127.0.0.1:7001" };
	char		*argv[] = { word[0], place.dir, word[1], word[7], word[2], word[7], word[3], word[8],
			    word[4], place.config.token.module, word[5], word[7], word[6],
			    place.config.token.pin_file, NULL };
	struct err	err;

	(void)state;
	assert_int_equal(custodian_init(14, argv, &err), RC_USAGE);
	assert_non_null(strstr(err.msg, "there already"));
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(signs_and_pins),
		TEST(not_named),
		TEST(another_share_key),
		TEST(another_certificate),
		TEST(another_name),
		TEST(enrolled_before),
		TEST(copy_was_changed),
		TEST(initialised_before),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}
