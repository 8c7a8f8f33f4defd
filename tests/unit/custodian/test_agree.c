/* What is done beside a custodian that runs, or in its place: export, agree, restore. */
#include <sys/stat.h>

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/tile.h"
#include "base/wire.h"
#include "custodian/agree.h"
#include "evidence/case.h"
#include "edge/succession.h"
#include "tests/unit/custodian/hand.h"

#define BIG	((size_t)1 << 22)

static struct bench_place	place;
static struct bench		b;
static struct err		err;
static struct test_key		new;
static struct succession	what;
static char			new_path[128], out[128], two[128];

static void
ok(enum rc rc)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err.msg);
}

static const char *
in(const char *folder, const char *name)
{
	static char	path[8][256];
	static unsigned	turn;
	char		*p = path[turn++ % 8];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

/* A successor of which nothing but the log key is new, and where it goes on. */
static void
write_next(const struct net_edit *more, size_t n_more)
{
	struct net_edit	edit[2] = { { "coordinator/log_key", net_key_json(&new) } };
	struct buf	doc = BUF_INIT(BIG);

	for (size_t i = 0; i < n_more; i++)
		edit[1 + i] = more[i];
	net_next(&b.net, edit, 1 + n_more, &doc);
	ok(file_write(new_path, buf_view(&doc), 0644, &err));
	memset(&what, 0, sizeof(what));
	memcpy(what.genesis, b.net.genesis, 32);
	memcpy(what.now, replica_charter(b.net.replica)->digest, 32);
	sha256_one(what.next, buf_view(&doc));
	what.size = store_size(b.c.store);
	ok(store_root_at(b.c.store, what.size, what.root, &err));
	buf_done(&doc);
}

static int
up(void **state)
{
	(void)state;
	bench_up(&b, &place);
	bench_write_genesis(&b);
	(void)bench_seal(&b, "standard");
	bench_sync(&b, 4);
	(void)snprintf(new_path, sizeof(new_path), "%s/new.json", place.root);
	(void)snprintf(out, sizeof(out), "%s/out", place.root);
	(void)snprintf(two, sizeof(two), "%s/two", place.root);
	test_key_ed25519(&new);
	return symlink(in(place.root, "test.db"), in(place.dir, "replica.db"));
}

static int
down(void **state)
{
	char	command[512];

	(void)state;
	(void)snprintf(command, sizeof(command), "cd '%s' && rm -rf new.json* more.json* out* two one/replica.db one/genesis "
	    "one/charter.json one/successor.json*", place.root);
	assert_int_equal(system(command), 0);
	test_key_done(&new);
	bench_down(&b);
	return 0;
}

/* --- agree ----------------------------------------------------------------------------------- */

static enum rc
agree(void)
{
	char	word[] = "agree", option[] = "--charter";
	char	*argv[] = { word, place.dir, option, new_path, NULL };

	return custodian_agree(4, argv, &err);
}

static void
signed_by_legal(void)
{
	ok(succession_file_sign(new_path, &what, &b.net.person[NET_LEGAL].signer, &err));
}

static void
refused(enum rc want, const char *word)
{
	enum rc	rc = agree();

	if (rc != want || strstr(err.msg, word) == NULL)
		fail_msg("want %s \"%s\", got %s: %s", rc_name(want), word, rc_name(rc), rc == RC_OK ? "" : err.msg);
	assert_false(file_exists(in(place.dir, "successor.json")));
}

static void
signs_and_lets_in(void **state)
{
	AUTO_DONE(buf_done) struct buf	dsse = BUF_INIT(BIG);
	const struct charter		*now = replica_charter(b.net.replica);
	struct succession_signed	 have;
	struct succession		 read;
	struct successor		 s, none;
	struct dsse			 d;

	(void)state;
	memset(&d, 0, sizeof(d));
	ok(successor_read(place.dir, now, 1, &none, &err));
	assert_null(none.charter);
	assert_false(successor_changed(place.dir, &none));
	write_next(NULL, 0);
	signed_by_legal();
	for (int i = 0; i < 2; i++)		/* again is no harm */
		ok(agree());
	ok(succession_file_read(new_path, &read, &dsse, &err));
	ok(dsse_parse(buf_view(&dsse), &d, &err));
	assert_true(dsse_signed_by(&d, &b.net.signing[0].signer.key));
	succession_count(&d, now, &have);
	assert_int_equal(have.custodians, 1);
	dsse_done(&d);
	/* The listener looks for it. */
	assert_true(successor_changed(place.dir, &none));
	ok(successor_read(place.dir, now, 1, &s, &err));
	assert_non_null(s.charter);
	assert_memory_equal(s.charter->coordinator.log_key.bytes, new.signer.key.bytes, 32);
	assert_false(successor_changed(place.dir, &s));
	/* Not another's, nor before it is known who we are; nor once it is in force. */
	ok(successor_read(place.dir, now, 2, &none, &err));
	assert_null(none.charter);
	ok(successor_read(place.dir, now, 0, &none, &err));
	assert_null(none.charter);
	ok(successor_read(place.dir, s.charter, 1, &none, &err));
	assert_null(none.charter);
	/* Nor one that somebody put there. */
	ok(file_write(in(place.dir, "successor.json"), SPAN_STR("{}"), 0644, &err));
	ok(successor_read(place.dir, now, 1, &none, &err));
	assert_null(none.charter);
	charter_free(s.charter);
}

static void
goes_on_from_no_less_than_it_signed(void **state)
{
	(void)state;
	write_next(NULL, 0);
	what.size = 1;
	ok(store_root_at(b.c.store, 1, what.root, &err));
	signed_by_legal();
	refused(RC_DENIED, "must not be lost");
}

#ifndef __SANITIZE_ADDRESS__	/* 64 charters take minutes there */
static void
no_more_than_evidence_holds(void **state)
{
	static const struct net_edit	quick[] = { { "amend/delay_seconds", "1" } };

	(void)state;
	for (unsigned i = 1; i <= CASE_CHARTERS_MAX; i++) {
		net_amend(&b.net, quick, 1);
		bench_sync_news(&b, 4);
	}
	write_next(NULL, 0);
	signed_by_legal();
	refused(RC_DENIED, "64 charters followed the first one already");
}
#endif

static void
goes_on_from_its_own_log(void **state)
{
	(void)state;
	write_next(NULL, 0);
	what.root[5] ^= 1;
	signed_by_legal();
	refused(RC_DENIED, "another log than this custodian holds");
}

/* What others have and this custodian has not, the new coordinator brings. */
static void
goes_on_from_more(void **state)
{
	(void)state;
	write_next(NULL, 0);
	what.size += 3;
	signed_by_legal();
	ok(agree());
}

static void
of_another_network(void **state)
{
	(void)state;
	write_next(NULL, 0);
	what.genesis[0] ^= 1;
	signed_by_legal();
	refused(RC_DENIED, "another log");
}

static void
after_another_charter(void **state)
{
	(void)state;
	write_next(NULL, 0);
	what.now[0] ^= 1;
	signed_by_legal();
	refused(RC_DENIED, "another charter than the one in force");
}

static void
nothing_else_changes(void **state)
{
	static const struct net_edit	more[] = { { "name", "\"Another\"" } };

	(void)state;
	write_next(more, 1);
	signed_by_legal();
	refused(RC_DENIED, "may not take the place");
}

static void
nobody_made_it(void **state)
{
	(void)state;
	write_next(NULL, 0);
	refused(RC_USAGE, "quorate charter succeed");
}

static void
one_at_a_time(void **state)
{
	struct test_key	first = new;

	(void)state;
	write_next(NULL, 0);
	signed_by_legal();
	ok(agree());
	test_key_ed25519(&new);
	write_next(NULL, 0);
	ok(rename(in(place.root, "new.json.dsse"), in(place.root, "out")) == 0 ? RC_OK : RC_IO);
	signed_by_legal();
	assert_int_equal(agree(), RC_DENIED);
	assert_non_null(strstr(err.msg, "agreed to another successor already"));
	test_key_done(&first);
}

/* Put back and not caught up: what it signed it does not know. */
static void
not_when_it_forgot(void **state)
{
	uint8_t	v[8 + 32 + 8];

	(void)state;
	write_next(NULL, 0);
	signed_by_legal();
	memset(v, 0, sizeof(v));
	memset(v + 40, 0xff, 8);
	ok(store_put(b.c.store, CUSTODY_RESTORED, SPAN_OF(v), &err));
	refused(RC_UNSURE, "does not know what it signed");
	v[40] = 0;
	ok(store_put(b.c.store, CUSTODY_RESTORED, SPAN_OF(v), &err));
	ok(agree());
}

/* --- export ----------------------------------------------------------------------------------- */

static enum rc
export(const char *to)
{
	static char	copy[128];
	char		word[] = "export";
	char		*argv[] = { word, place.dir, copy, NULL };

	(void)snprintf(copy, sizeof(copy), "%s", to);
	return custodian_export(3, argv, &err);
}

static enum rc
same_leaf(void *user, unsigned at, struct span leaf, struct err *e)
{
	(void)e;
	assert_true(span_eq(leaf, buf_view(&b.net.log_entries.leaf[*(uint64_t *)user + at])));
	return RC_OK;
}

static size_t
files_in(const char *path)
{
	DIR	*d = opendir(path);
	size_t	 n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	(void)closedir(d);
	return n - 2;
}

static void
the_log_as_files(void **state)
{
	AUTO_DONE(buf_done) struct buf	bundle = BUF_INIT(BIG), note = BUF_INIT(BIG), hashes = BUF_INIT(BIG);
	uint8_t				leaf[32];
	struct checkpoint		cp;
	uint64_t			from = 0;

	(void)state;
	ok(export(out));
	ok(file_read(in(out, "checkpoint"), &note, &err));
	ok(charter_checkpoint_verify(replica_charter(b.net.replica), buf_view(&note), true, &cp, NULL, &err));
	assert_int_equal(cp.size, 2);
	ok(file_read(in(out, "tile/entries/000.p/2"), &bundle, &err));
	ok(bundle_each(buf_view(&bundle), 2, same_leaf, &from, &err));
	ok(file_read(in(out, "tile/0/000.p/2"), &hashes, &err));
	assert_int_equal(hashes.n, 64);
	for (size_t i = 0; i < 2; i++) {
		tree_leaf(buf_view(&b.net.log_entries.leaf[i]), leaf);
		assert_memory_equal(hashes.p + 32 * i, leaf, 32);
	}
	assert_int_equal(files_in(in(place.root, "out.blobs")), 2);	/* the charter, the descriptors */
	assert_false(file_exists(in(place.root, "out.tail")));
	assert_int_equal(export(out), RC_USAGE);
}

static void
and_what_no_quorum_cosigned(void **state)
{
	AUTO_DONE(buf_done) struct buf	tail = BUF_INIT(BIG), note = BUF_INIT(BIG);
	struct checkpoint		cp;
	uint64_t			from = 2;

	(void)state;
	(void)bench_seal(&b, "standard");
	bench_sync(&b, 0);
	ok(export(out));
	ok(file_read(in(place.root, "out.tail"), &tail, &err));
	ok(bundle_each(buf_view(&tail), 1, same_leaf, &from, &err));
	ok(file_read(in(place.root, "out.tail.checkpoint"), &note, &err));
	ok(charter_checkpoint_verify(replica_charter(b.net.replica), buf_view(&note), false, &cp, NULL, &err));
	assert_int_equal(cp.size, 3);
	assert_int_equal(files_in(in(place.root, "out.blobs")), 3);
}

static void
nothing_without_a_quorum(void **state)
{
	(void)state;
	ok(store_put(b.c.store, CUSTODY_COSIGNED, SPAN(NULL, 0), &err));
	assert_int_equal(export(out), RC_BUG);
	assert_false(file_exists(out));
	(void)unlink(in(place.dir, "replica.db"));
	assert_int_equal(export(out), RC_UNSURE);
}

/* --- restore ------------------------------------------------------------------------------------ */

static enum rc
restore(const char *charter, const char *cert, const char *key)
{
	static char	word[10][32] = { "restore", "--charter", "--module", "--token", "custodian", "--pin-file", "--tls-cert",
			    "--tls-key" };
	char		c[128], module[1024], pin[128], tc[256], tk[256];
	char		*argv[] = { word[0], two, word[1], c, word[2], module, word[3], word[4], word[5], pin, NULL, NULL, NULL,
			    NULL, NULL };
	int		n = 10;

	(void)snprintf(c, sizeof(c), "%s", charter);
	(void)snprintf(module, sizeof(module), "%s", place.config.token.module);
	(void)snprintf(pin, sizeof(pin), "%s/pin", place.root);
	if (cert != NULL) {
		(void)snprintf(tc, sizeof(tc), "%s", cert);
		argv[n++] = word[6];
		argv[n++] = tc;
	}
	if (key != NULL) {
		(void)snprintf(tk, sizeof(tk), "%s", key);
		argv[n++] = word[7];
		argv[n++] = tk;
	}
	argv[n] = NULL;
	return custodian_restore(n, argv, &err);
}

static void
write_charter(void)
{
	ok(file_write(in(place.root, "more.json"), buf_view(&b.net.charter_json), 0644, &err));
}

static bool
same_file(const char *x, const char *y)
{
	AUTO_DONE(buf_done) struct buf	a = BUF_INIT(BIG), c = BUF_INIT(BIG);

	ok(file_read(x, &a, &err));
	ok(file_read(y, &c, &err));
	return span_eq(buf_view(&a), buf_view(&c));
}

static void
begins_anew(void **state)
{
	AUTO(hsm_close) struct hsm		*hsm = NULL;
	AUTO(hsm_key_free) struct hsm_key	*share = NULL;
	AUTO(hsm_signer_free) struct hsm_signer	*signer = NULL;
	AUTO(charter_free) struct charter	*c = NULL;
	struct custodian_config			 config;

	(void)state;
	write_charter();
	ok(restore(in(place.root, "more.json"), in(place.dir, "tls.crt"), in(place.dir, "tls.key")));
	ok(config_read(two, &config, &err));
	assert_string_equal(config.name, place.config.name);
	assert_string_equal(config.organisation, place.config.organisation);
	assert_string_equal(config.listen, place.config.listen);
	ok(config_charter(two, &c, &err));
	assert_memory_equal(c->digest, b.net.genesis, 32);
	assert_true(same_file(in(two, "tls.crt"), in(place.dir, "tls.crt")));
	assert_true(same_file(in(two, "tls.key"), in(place.dir, "tls.key")));
	ok(config_keys(&config, &hsm, &share, &signer, &err));
	assert_memory_equal(hsm_signer_public(signer), b.net.signing[0].signer.key.bytes, 32);
	/* Never over what is there. */
	assert_int_equal(restore(in(place.root, "more.json"), NULL, NULL), RC_USAGE);
	assert_non_null(strstr(err.msg, "is there"));
}

static void
over_no_database(void **state)
{
	(void)state;
	write_charter();
	assert_int_equal(mkdir(two, 0700), 0);
	ok(file_write(in(two, "replica.db"), SPAN_STR("x"), 0600, &err));
	assert_int_equal(restore(in(place.root, "more.json"), NULL, NULL), RC_USAGE);
	assert_false(file_exists(in(two, "custodian.json")));
}

static void
with_a_new_identity(void **state)
{
	(void)state;
	write_charter();
	assert_int_equal(restore(in(place.root, "more.json"), in(place.dir, "tls.crt"), NULL), RC_USAGE);
	ok(restore(in(place.root, "more.json"), NULL, NULL));
	assert_false(same_file(in(two, "tls.crt"), in(place.dir, "tls.crt")));
}

static void
only_with_its_own_token(void **state)
{
	struct test_key	other;

	(void)state;
	/* A charter that gives our share key to nobody. */
	test_key_p256(&other);
	memcpy(b.net.share[0].signer.key.bytes, other.signer.key.bytes, 65);
	buf_reset(&b.net.charter_json);
	net_charter(&b.net, &b.net.charter_json);
	write_charter();
	test_key_done(&other);
	assert_int_equal(restore(in(place.root, "more.json"), NULL, NULL), RC_DENIED);
	assert_non_null(strstr(err.msg, "no share key that is in this token"));
	assert_false(file_exists(in(two, "custodian.json")));
}

static void
only_as_who_it_is(void **state)
{
	struct key	own = b.net.signing[0].signer.key;

	(void)state;
	/* Our share key, and another's signing key. */
	b.net.signing[0].signer.key = new.signer.key;
	buf_reset(&b.net.charter_json);
	net_charter(&b.net, &b.net.charter_json);
	b.net.signing[0].signer.key = own;
	write_charter();
	assert_int_equal(restore(in(place.root, "more.json"), NULL, NULL), RC_DENIED);
	assert_non_null(strstr(err.msg, "another signing key"));
}

static void
from_the_first_charter(void **state)
{
	(void)state;
	write_next(NULL, 0);
	assert_int_equal(restore(new_path, NULL, NULL), RC_USAGE);
	assert_non_null(strstr(err.msg, "give the first one"));
}

int
main(void)
{
#define TEST(f)	cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest	tests[] = {
		TEST(signs_and_lets_in),
		TEST(goes_on_from_no_less_than_it_signed),
		TEST(goes_on_from_its_own_log),
#ifndef __SANITIZE_ADDRESS__
		TEST(no_more_than_evidence_holds),
#endif
		TEST(goes_on_from_more),
		TEST(of_another_network),
		TEST(after_another_charter),
		TEST(nothing_else_changes),
		TEST(nobody_made_it),
		TEST(one_at_a_time),
		TEST(not_when_it_forgot),
		TEST(the_log_as_files),
		TEST(and_what_no_quorum_cosigned),
		TEST(nothing_without_a_quorum),
		TEST(begins_anew),
		TEST(over_no_database),
		TEST(with_a_new_identity),
		TEST(only_with_its_own_token),
		TEST(only_as_who_it_is),
		TEST(from_the_first_charter),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	place.amendable = true;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}
