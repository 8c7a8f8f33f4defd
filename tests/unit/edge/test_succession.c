/* A succession statement beside a charter: made by the first, signed by the others, all the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "edge/file.h"
#include "edge/succession.h"
#include "policy/statement.h"
#include "tests/fixture/network.h"

static struct net	net;
static char		dir[64], path[128], sidecar[136];
static struct succession what;

static void
ok(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

static void
write_document(const char *text)
{
	struct err	err;

	ok(file_write(path, span_str(text), 0644, &err), &err);
	sha256_one(what.next, span_str(text));
}

static int
up(void **state)
{
	(void)state;
	net_init(&net);
	strcpy(dir, "/tmp/quorate-succession.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)snprintf(path, sizeof(path), "%s/new.json", dir);
	(void)snprintf(sidecar, sizeof(sidecar), "%s.dsse", path);
	memset(&what, 0, sizeof(what));
	memcpy(what.genesis, net.genesis, 32);
	memcpy(what.now, replica_charter(net.replica)->digest, 32);
	what.size = 7;
	memset(what.root, 5, 32);
	write_document("{}");
	return 0;
}

static int
down(void **state)
{
	(void)state;
	(void)unlink(path);
	(void)unlink(sidecar);
	(void)rmdir(dir);
	net_done(&net);
	return 0;
}

static void
sign(struct test_key *by)
{
	struct err	err;

	ok(succession_file_sign(path, &what, &by->signer, &err), &err);
}

static void
all_sign_the_same(void **state)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX), again = BUF_INIT(DSSE_BYTES_MAX),
	    missing = BUF_INIT(4096);
	struct succession	read;
	struct err		err;

	(void)state;
	assert_int_equal(succession_file_read(path, &read, &dsse, &err), RC_MISSING);
	sign(&net.person[NET_LEGAL]);
	ok(succession_file_read(path, &read, &dsse, &err), &err);
	assert_memory_equal(read.genesis, what.genesis, 32);
	assert_memory_equal(read.now, what.now, 32);
	assert_memory_equal(read.next, what.next, 32);
	assert_memory_equal(read.root, what.root, 32);
	assert_int_equal(read.size, 7);
	sign(&net.person[NET_LEGAL]);		/* twice changes nothing */
	ok(succession_file_read(path, &read, &again, &err), &err);
	assert_true(span_eq(buf_view(&dsse), buf_view(&again)));
	for (int i = 0; i < 4; i++)
		sign(&net.signing[i]);
	buf_reset(&dsse);
	ok(succession_signatures(path, replica_charter(net.replica), &dsse, &missing, &err), &err);
	assert_non_null(strstr(buf_text(&missing), "amenders have signed"));
	assert_null(strstr(buf_text(&missing), "custodians have signed"));
}

static void
says_who_is_missing(void **state)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX), missing = BUF_INIT(4096);
	struct succession_signed have;
	struct dsse	d;
	struct err	err;

	(void)state;
	memset(&d, 0, sizeof(d));
	sign(&net.signing[0]);
	sign(&net.person[NET_COURT]);
	sign(&net.person[NET_REQUESTER]);	/* no amender: does not count */
	ok(succession_signatures(path, replica_charter(net.replica), &dsse, &missing, &err), &err);
	assert_non_null(strstr(buf_text(&missing), "1 of 4 custodians have signed"));
	assert_non_null(strstr(buf_text(&missing), "1 of "));
	ok(dsse_parse(buf_view(&dsse), &d, &err), &err);
	succession_count(&d, replica_charter(net.replica), &have);
	assert_int_equal(have.amenders, 1);
	assert_int_equal(have.custodians, 1);
	dsse_done(&d);
}

/* Whoever signs other bytes would sign alone. */
static void
another_is_refused(void **state)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX), missing = BUF_INIT(4096);
	struct succession	read, was = what;
	struct err		err;

	(void)state;
	sign(&net.person[NET_LEGAL]);
	what.size++;
	assert_int_equal(succession_file_sign(path, &what, &net.signing[0].signer, &err), RC_VERIFY);
	what = was;
	what.root[0]++;
	assert_int_equal(succession_file_sign(path, &what, &net.signing[0].signer, &err), RC_VERIFY);
	what = was;
	what.now[0]++;
	assert_int_equal(succession_file_sign(path, &what, &net.signing[0].signer, &err), RC_VERIFY);
	what = was;
	what.next[0]++;		/* not the document that stands there */
	assert_int_equal(succession_file_sign(path, &what, &net.signing[0].signer, &err), RC_VERIFY);
	write_document("{} ");
	assert_int_equal(succession_file_read(path, &read, &dsse, &err), RC_VERIFY);
	assert_non_null(strstr(err.msg, "changed after it was signed"));
	buf_reset(&dsse);
	assert_int_equal(succession_signatures(path, replica_charter(net.replica), &dsse, &missing, &err), RC_VERIFY);
	assert_int_equal(succession_file_sign(path, &what, &net.signing[0].signer, &err), RC_VERIFY);
}

static void
of_another_charter(void **state)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX), missing = BUF_INIT(4096);
	struct err	err;

	(void)state;
	what.now[3] ^= 1;
	sign(&net.person[NET_LEGAL]);
	assert_int_equal(succession_signatures(path, replica_charter(net.replica), &dsse, &missing, &err), RC_VERIFY);
	assert_non_null(strstr(err.msg, "another charter than the one in force"));
}

static void
no_succession(void **state)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX), out = BUF_INIT(DSSE_BYTES_MAX);
	struct succession	read;
	struct statement	s;
	struct err		err;

	(void)state;
	net_statement(&net, &s, STATEMENT_WITHDRAWAL);
	ok(statement_sign(&s, &net.person[NET_LEGAL].signer, &out, &err), &err);
	statement_done(&s);
	ok(file_write(sidecar, buf_view(&out), 0644, &err), &err);
	assert_int_equal(succession_file_read(path, &read, &dsse, &err), RC_FORMAT);
	assert_non_null(strstr(err.msg, "no succession"));
	ok(file_write(sidecar, SPAN_STR("{"), 0644, &err), &err);
	buf_reset(&dsse);
	assert_int_equal(succession_file_read(path, &read, &dsse, &err), RC_FORMAT);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(all_sign_the_same, up, down),
		cmocka_unit_test_setup_teardown(says_who_is_missing, up, down),
		cmocka_unit_test_setup_teardown(another_is_refused, up, down),
		cmocka_unit_test_setup_teardown(of_another_charter, up, down),
		cmocka_unit_test_setup_teardown(no_succession, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
