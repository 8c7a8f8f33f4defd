/* quorate log verify, offline: what a proof file must have, and whose cosignatures count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/tlog_policy.h"
#include "cli/log.h"
#include "tests/unit/cli/lab.h"

static char	dir[FILE_PATH_MAX];
static char	file[FILE_PATH_MAX + 16], charter[FILE_PATH_MAX + 16], policy[FILE_PATH_MAX + 16], entry[FILE_PATH_MAX + 16];

static int
setup(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(TLOG_POLICY_BYTES_MAX);
	struct note_key			log, witness[NET_N];
	struct err			err;

	(void)state;
	net_init(&net);
	for (unsigned i = 0; i < 3; i++)
		(void)net_seal(&net, "standard");
	(void)snprintf(dir, sizeof(dir), "%s/quorate-proof.XXXXXX", getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR"));
	MUST(mkdtemp(dir) != NULL);
	(void)snprintf(file, sizeof(file), "%s/proof", dir);
	(void)snprintf(charter, sizeof(charter), "%s/charter", dir);
	(void)snprintf(policy, sizeof(policy), "%s/policy", dir);
	(void)snprintf(entry, sizeof(entry), "%s/entry", dir);
	must(file_write(charter, buf_view(&net.charter_json), 0600, &err), &err);
	must(charter_log_note_key(replica_charter(net.replica), &log, &err), &err);
	for (uint8_t i = 0; i < NET_N; i++)
		must(charter_witness_note_key(replica_charter(net.replica), (uint8_t)(i + 1), &witness[i], &err), &err);
	tlog_policy_write(&log, witness, NET_N, 4, &b);
	must(file_write(policy, buf_view(&b), 0600, &err), &err);
	must(file_write(entry, buf_view(&net.log_entries.leaf[2]), 0600, &err), &err);
	(void)unsetenv("QUORATE_CHARTER");
	(void)unsetenv("QUORATE_GENESIS");
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(file);
	(void)unlink(charter);
	(void)unlink(policy);
	(void)unlink(entry);
	MUST(rmdir(dir) == 0);
	net_done(&net);
	return 0;
}

/* The proof of entry 2 of 4, cosigned by these at net.now + `later`, carrying these bytes. */
static void
write_proof(uint32_t cosigners, int later, uint64_t index, struct span extra)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(BIG), out = BUF_INIT(BIG);
	uint8_t				leaf[4][TREE_HASH_BYTES];
	struct tree_path		path;
	struct checkpoint		end;
	struct err			err;
	when				now = net.now;

	MUST(net.log_entries.n == 4);
	for (size_t i = 0; i < 4; i++)
		tree_leaf(buf_view(&net.log_entries.leaf[i]), leaf[i]);
	must(tree_inclusion_of((const uint8_t (*)[TREE_HASH_BYTES])leaf, 4, 2, &path, &err), &err);
	lab_end(&end);
	net.now = (when)((int64_t)now + later);
	lab_note(&net.log, &end, cosigners, &note);
	net.now = now;
	tlog_proof_write(index, &path, extra, buf_view(&note), &out);
	must(file_write(file, buf_view(&out), 0600, &err), &err);
}

static enum rc
verify(const char *beside, bool by_policy, struct err *err)
{
	struct log_trust	t = { by_policy ? NULL : charter, by_policy ? policy : NULL };

	return log_verify(file, beside, &t, err);
}

static void
test_holds(void **state)
{
	struct span	leaf = buf_view(&net.log_entries.leaf[2]);
	struct err	err;

	(void)state;
	for (int p = 0; p < 2; p++) {
		write_proof(0xf, 0, 2, leaf);
		assert_int_equal(verify(NULL, p == 1, &err), RC_OK);
		assert_int_equal(verify(entry, p == 1, &err), RC_OK);
		/* What it carries is nothing beside what it is asked about. */
		write_proof(0xf, 0, 2, SPAN_STR("whatever"));
		assert_int_equal(verify(entry, p == 1, &err), RC_OK);
		assert_int_equal(verify(NULL, p == 1, &err), p == 1 ? RC_VERIFY : RC_FORMAT);
		write_proof(0xf, 0, 2, SPAN(NULL, 0));
		assert_int_equal(verify(entry, p == 1, &err), RC_OK);
		assert_int_equal(verify(NULL, p == 1, &err), RC_USAGE);
	}
}

static void
test_does_not(void **state)
{
	struct span	leaf = buf_view(&net.log_entries.leaf[2]), other = buf_view(&net.log_entries.leaf[1]);
	struct err	err;

	(void)state;
	for (int p = 0; p < 2; p++) {
		write_proof(0xf, 0, 2, other);
		assert_int_equal(verify(NULL, p == 1, &err), RC_VERIFY);
		write_proof(0xf, 0, 1, leaf);
		assert_int_equal(verify(NULL, p == 1, &err), RC_VERIFY);
		write_proof(0xf, 0, 4, leaf);
		assert_int_equal(verify(NULL, p == 1, &err), RC_VERIFY);
		write_proof(0x7, 0, 2, leaf);
		assert_int_equal(verify(NULL, p == 1, &err), RC_VERIFY);
	}
}

/* A custodian cannot have cosigned what was not there yet. */
static void
test_early(void **state)
{
	struct span	leaf = buf_view(&net.log_entries.leaf[2]);
	struct entry	e;
	struct err	err;

	(void)state;
	must(entry_parse(leaf, &e, &err), &err);
	for (int p = 0; p < 2; p++) {
		write_proof(0x1f, (int)(e.time - net.now), 2, leaf);
		assert_int_equal(verify(NULL, p == 1, &err), RC_OK);
		write_proof(0x1f, (int)(e.time - net.now) - 1, 2, leaf);
		assert_int_equal(verify(NULL, p == 1, &err), RC_VERIFY);
		assert_non_null(strstr(err.msg, "before"));
	}
}

static void
test_trust(void **state)
{
	struct log_trust	both = { charter, policy }, none = { NULL, NULL };
	struct err		err;

	(void)state;
	write_proof(0xf, 0, 2, buf_view(&net.log_entries.leaf[2]));
	assert_int_equal(log_verify(file, NULL, &both, &err), RC_USAGE);
	assert_int_equal(log_verify(file, NULL, &none, &err), RC_USAGE);
	assert_int_equal(log_verify(entry, NULL, &both, &err), RC_USAGE);
	both.policy = NULL;
	assert_int_equal(log_verify(entry, NULL, &both, &err), RC_FORMAT);
	both.charter = policy;
	assert_int_equal(log_verify(file, NULL, &both, &err), RC_FORMAT);
	both = (struct log_trust){ NULL, charter };
	assert_int_equal(log_verify(file, NULL, &both, &err), RC_FORMAT);
	assert_int_equal(log_policy(charter, &err), RC_OK);
	assert_int_equal(log_policy(policy, &err), RC_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_holds),
		cmocka_unit_test(test_does_not),
		cmocka_unit_test(test_early),
		cmocka_unit_test(test_trust),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
