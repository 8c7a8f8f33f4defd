/* Which charter is in force, from the genesis: what is believed, kept, and not forgotten. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/changes.h"
#include "tests/unit/cli/lab.h"

static struct lab_server	server;
static char			dir[64];
static struct buf		lineage[3];	/* of one, two and three charters */

/* --- lineages of the network --------------------------------------------------------------- */

struct making { struct evidence_case c; struct buf later[8], note; };

static enum rc
add_later(void *user, const uint8_t digest[SHA256_BYTES], uint64_t since, struct err *err)
{
	struct making		*m = user;
	const struct state	*st = memstate_state(net.mem);
	struct buf		*b = &m->later[m->c.n_later];

	if (since == 0)
		return RC_OK;
	*b = BUF_INIT(CHARTER_BYTES_MAX);
	TRY(st->blob(st->user, digest, b, err));
	m->c.later[m->c.n_later++] = buf_view(b);
	return RC_OK;
}

static enum rc
add_entry(void *user, uint64_t index, struct err *err)
{
	struct making		*m = user;
	static uint8_t		 leaf[64][TREE_HASH_BYTES];
	struct tree_path	 path;

	MUST(net.log_entries.n <= 64);
	for (size_t i = 0; i < net.log_entries.n; i++)
		tree_leaf(buf_view(&net.log_entries.leaf[i]), leaf[i]);
	TRY(tree_inclusion_of((const uint8_t (*)[TREE_HASH_BYTES])leaf, net.log_entries.n, index, &path, err));
	return case_add_entry(&m->c, index, buf_view(&net.log_entries.leaf[index]), &path, err);
}

/* As the log stands now. */
static void
make_lineage(struct buf *ret)
{
	struct making		m = { .c = CASE_INIT, .note = BUF_INIT(BIG) };
	struct checkpoint	end;
	struct err		err;

	lab_end(&end);
	lab_note(&net.log, &end, 0xf, &m.note);
	m.c.charter = buf_view(&net.charter_json);
	m.c.checkpoint = buf_view(&m.note);
	must(replica_charters(net.replica, add_later, &m, &err), &err);
	must(replica_lineage(net.replica, add_entry, &m, &err), &err);
	*ret = BUF_INIT(CASE_BYTES_MAX);
	must(case_write(&m.c, ret, &err), &err);
	for (uint32_t i = 0; i < m.c.n_later; i++)
		buf_done(&m.later[i]);
	case_done(&m.c);
	buf_done(&m.note);
}

static void
begin(struct lineage *l)
{
	struct charter	*genesis;
	struct err	 err;

	must(charter_parse(buf_view(&net.charter_json), &genesis, &err), &err);
	lineage_begin(l, genesis);
}

static enum rc
take(struct lineage *l, struct span bytes, bool *news, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(CASE_BYTES_MAX);

	buf_span(&b, bytes);
	return lineage_take(l, &b, news, err);
}

/* --- what is believed ------------------------------------------------------------------------ */

static void
further_and_not_back(void **state)
{
	struct lineage		 l;
	const struct charter	*second;
	bool			 news;
	struct err		 err;

	(void)state;
	begin(&l);
	assert_memory_equal(lineage_in_force(&l)->digest, net.genesis, SHA256_BYTES);
	must(take(&l, buf_view(&lineage[0]), &news, &err), &err);
	assert_false(news);
	must(take(&l, buf_view(&lineage[1]), &news, &err), &err);
	assert_true(news);
	second = lineage_in_force(&l);
	assert_int_equal(second->receipt_seconds, 5000);
	must(take(&l, buf_view(&lineage[2]), &news, &err), &err);
	assert_true(news);
	assert_int_equal(lineage_in_force(&l)->receipt_seconds, 4000);
	/* It stays valid, and is found. */
	assert_ptr_equal(lineage_charter(&l, second->digest), second);
	assert_ptr_equal(lineage_charter(&l, net.genesis), l.charter[0]);
	/* What is true and older changes nothing. */
	for (int i = 0; i < 3; i++) {
		must(take(&l, buf_view(&lineage[i]), &news, &err), &err);
		assert_false(news);
		assert_int_equal(l.n, 3);
	}
	lineage_done(&l);
}

static void
nothing_unproven(void **state)
{
	struct lineage	l;
	struct buf	b = BUF_INIT(CASE_BYTES_MAX);
	bool		news;
	struct err	err;

	(void)state;
	begin(&l);
	buf_span(&b, buf_view(&lineage[2]));
	/* Somewhere in each of: magic, documents, entries, proofs; cut short; one byte more. */
	for (size_t at = 0; at < b.n; at += 977) {
		b.p[at] ^= 1;
		assert_int_not_equal(take(&l, buf_view(&b), &news, &err), RC_OK);
		assert_false(news);
		assert_int_equal(l.n, 1);
		b.p[at] ^= 1;
	}
	assert_int_equal(take(&l, SPAN(b.p, b.n - 1), &news, &err), RC_FORMAT);
	buf_u8(&b, 0);
	assert_int_equal(take(&l, buf_view(&b), &news, &err), RC_FORMAT);
	lineage_done(&l);
	buf_done(&b);
}

/* Another second charter, cosigned by as many: one of the two is a lie of q - f custodians. */
static void
two_second_charters(void **state)
{
	struct lineage	l;
	bool		news;
	struct err	err;

	(void)state;
	begin(&l);
	must(take(&l, buf_view(&lineage[1]), &news, &err), &err);
	l.charter[1]->digest[0] ^= 1;		/* as if we had been shown another */
	assert_int_equal(take(&l, buf_view(&lineage[2]), &news, &err), RC_VERIFY);
	assert_non_null(strstr(err.msg, "two pasts"));
	assert_int_equal(l.n, 2);
	lineage_done(&l);
}

/* --- the cache ----------------------------------------------------------------------------------- */

static void
cache_file(char path[FILE_PATH_MAX])
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	MUST(snprintf(path, FILE_PATH_MAX, "%s/deep/quorate/%s.lineage", dir, hex_write(SPAN_OF(net.genesis), hex)) > 0);
}

static void
kept_and_checked_again(void **state)
{
	struct lineage	l, m;
	char		path[FILE_PATH_MAX];
	bool		news;
	struct err	err;

	(void)state;
	cache_file(path);
	begin(&l);
	lineage_recall(&l);
	assert_int_equal(l.n, 1);
	lineage_keep(&l);			/* nothing to keep */
	assert_false(file_exists(path));
	must(take(&l, buf_view(&lineage[2]), &news, &err), &err);
	lineage_keep(&l);
	lineage_done(&l);
	begin(&m);
	lineage_recall(&m);
	assert_int_equal(m.n, 3);
	lineage_done(&m);
	must(file_write(path, SPAN(lineage[2].p, lineage[2].n / 2), 0600, &err), &err);
	begin(&m);
	lineage_recall(&m);
	assert_int_equal(m.n, 1);
	lineage_done(&m);
	assert_int_equal(unlink(path), 0);
}

/* --- a coordinator that names another charter -------------------------------------------------------- */

static void
connect_to(struct remote *r)
{
	struct rpc_client_options	c = { .address = server.address };
	struct charter			*genesis;
	struct err			err;

	memset(r, 0, sizeof(*r));
	must(charter_parse(buf_view(&net.charter_json), &genesis, &err), &err);
	remote_trust(r, genesis);
	c.server_cert = c.cert_pem = buf_view(&server.pem);
	c.key_pem = SPAN(secret_view(server.key), secret_len(server.key));
	must(rpc_client_new(&c, &r->rpc, &err), &err);
}

static void
disconnect(struct remote *r)
{
	rpc_client_free(r->rpc);
	message_free(r->head);
	lineage_done(&r->lineage);
}

static void
head_names(const uint8_t digest[SHA256_BYTES])
{
	Quorate__V1__HeadReply	h = QUORATE__V1__HEAD_REPLY__INIT;
	struct buf		note = BUF_INIT(BIG);
	struct checkpoint	end;

	lab_end(&end);
	lab_note(&net.log, &end, 0xf, &note);
	h.cosigned = data_of(buf_view(&note));
	h.charter = data_of(SPAN(digest, SHA256_BYTES));
	lab_answer(&server, LAB_HEAD, &h);
	buf_done(&note);
}

static void
charter_answers(struct span lineage_)
{
	Quorate__V1__CharterReply	a = QUORATE__V1__CHARTER_REPLY__INIT;

	a.data = data_of(lineage_);
	a.size = lineage_.n;
	lab_answer(&server, LAB_CHARTER, &a);
}

static void
statements_name_the_one_in_force(void **state)
{
	struct remote		r;
	struct statement	s;
	uint8_t			digest[SHA256_BYTES];
	struct err		err;

	(void)state;
	connect_to(&r);
	memcpy(digest, replica_charter(net.replica)->digest, sizeof(digest));
	head_names(digest);
	charter_answers(buf_view(&lineage[2]));
	must(remote_statement(&r, STATEMENT_DECISION, 60, &s, &err), &err);
	assert_memory_equal(s.genesis, net.genesis, SHA256_BYTES);
	assert_memory_equal(s.charter, digest, SHA256_BYTES);
	assert_int_equal(server.answer[LAB_CHARTER].calls, 1);
	/* It costs once. */
	must(remote_statement(&r, STATEMENT_DECISION, 60, &s, &err), &err);
	assert_int_equal(server.answer[LAB_CHARTER].calls, 1);
	/* Who names the first one again is believed no more than that there was one. */
	head_names(net.genesis);
	must(remote_statement(&r, STATEMENT_DECISION, 60, &s, &err), &err);
	assert_memory_equal(s.charter, digest, SHA256_BYTES);
	disconnect(&r);
}

static void
a_charter_that_is_not_shown(void **state)
{
	struct remote		r;
	struct statement	s;
	uint8_t			unknown[SHA256_BYTES] = { 7 };
	struct err		err;

	(void)state;
	connect_to(&r);
	head_names(unknown);
	lab_refuse(&server, LAB_CHARTER, RC_MISSING, NULL);
	assert_int_equal(remote_statement(&r, STATEMENT_DECISION, 60, &s, &err), RC_MISSING);
	assert_non_null(strstr(err.msg, "does not show how it came in force"));
	charter_answers(SPAN(lineage[2].p, lineage[2].n - 1));
	assert_int_equal(remote_statement(&r, STATEMENT_DECISION, 60, &s, &err), RC_FORMAT);
	assert_int_equal(server.answer[LAB_CHARTER].calls, 3);
	assert_ptr_equal(r.charter, r.first);
	disconnect(&r);
}

static void
the_trust_is_the_first_one(void **state)
{
	char		path[FILE_PATH_MAX];
	struct charter	*c = NULL;
	struct err	err;

	(void)state;
	MUST(snprintf(path, sizeof(path), "%s/second.json", dir) > 0);
	must(file_write(path, buf_view(&replica_charter(net.replica)->bytes), 0600, &err), &err);
	assert_int_equal(local_genesis(path, &c, &err), RC_USAGE);
	assert_non_null(strstr(err.msg, "follows another charter"));
	must(local_charter(path, &c, &err), &err);
	charter_free(c);
	assert_int_equal(unlink(path), 0);
}

/* --- changes in words ------------------------------------------------------------------------------ */

static void
changes(void **state)
{
	static const struct { const char *path, *value, *words; } row[] = {
		{ "name", "\"Other\"", "name: was Test network, becomes Other" },
		{ "people/0/roles", "[\"legal\"]", "person requester: roles were none, become legal" },
		{ "people/1/name", "\"Ina\"", "becomes Ina of Provider" },
		{ "people/4/keys/1", NULL, "removes a key of person auditor: " },
		{ "sealers/0/artifacts_per_day", "7", "at most 7 artifacts a day" },
		{ "policies/6/people", "2", "policy limited becomes: 1 of role legal; 2 people in all" },
		{ "classes/0/retain_days", "30", "class default: was kept for 365 days, becomes 30" },
		{ "amend/need", "4", "approvals that an amendment needs: was 3, becomes 4" },
		{ "amend/veto", "[]", "who may veto an amendment: was second-compliance; becomes none" },
		{ "amend/delay_seconds", "86400", "the delay before an amendment: was 1 hour, becomes 1 day" },
		{ "receipt_seconds", "7", "a receipt must be in the log within: was 4000 s, becomes 7 s" },
		{ "order_seconds", "60", "an order lives at most: was 1 hour, becomes 1 minute" },
		{ "custodians/2/address", "\"127.0.0.1:9\"", "custodian 3 (" },
		{ "coordinator/organisation", "\"Heir\"", "the coordinator's organisation: was Provider, becomes Heir" },
		{ "single_operator", "true", "one operator may run several custodians" },
	};
	const struct charter	*now = replica_charter(net.replica);
	struct err		 err;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		const struct net_edit	 edit = { row[i].path, row[i].value };
		struct buf		 doc = BUF_INIT(BIG), words = BUF_INIT(BIG);
		struct charter		*next;

		net_next(&net, &edit, 1, &doc);
		if (charter_parse(buf_view(&doc), &next, &err) != RC_OK)
			fail_msg("%s: %s", row[i].path, err.msg);
		charter_changes(now, next, &words);
		if (strstr(buf_text(&words), row[i].words) == NULL)
			fail_msg("%s: %s", row[i].path, buf_text(&words));
		buf_reset(&words);
		charter_changes(now, now, &words);
		assert_int_equal(words.n, 0);
		charter_free(next);
		buf_done(&doc);
		buf_done(&words);
	}
}

/* --- a successor ------------------------------------------------------------------------------------ */

static struct test_key	heir;

/* The log goes on under another key; ret: its lineage then. */
static void
succeed(struct buf *ret)
{
	struct buf	doc = BUF_INIT(BIG), dsse = BUF_INIT(BIG);
	struct net_edit	edit = { "coordinator/log_key", NULL };

	test_key_ed25519(&heir);
	edit.value = net_key_json(&heir);
	net_next(&net, &edit, 1, &doc);
	net_succession(&net, buf_view(&doc), 4, &dsse);
	MUST(net_log_dsse(&net, buf_view(&dsse)).effective);
	buf_done(&doc);
	buf_done(&dsse);
	/* lab_note() and make_lineage() sign with net.log. */
	net.log.signer.sign = heir.signer.sign;
	net.log.signer.user = heir.signer.user;
	net.log.signer.key = heir.signer.key;
	make_lineage(ret);
}

/* Who has not seen the succession is behind, and no liar; its key's notes prove nothing against the heir's. */
static void
behind_a_succession(void **state)
{
	struct signer		 was = net.log.signer;
	struct lab_showing	 old, now;
	struct custodians	*c;
	struct checkpoint	 cp, none = { .size = 0 };
	struct conflict		 x;
	struct remote		 r;
	struct buf		 bytes;
	bool			 news;
	struct err		 err;

	(void)state;
	lab_end(&cp);
	cp.size++;			/* as long as the log is afterwards, of another root */
	lab_honest(&old, &cp);
	succeed(&bytes);
	lab_end(&cp);
	lab_honest(&now, &cp);
	connect_to(&r);
	must(lineage_take(&r.lineage, &bytes, &news, &err), &err);
	r.charter = lineage_in_force(&r.lineage);
	must(custodians_new(&r, &c, &err), &err);
	for (int i = 1; i <= NET_N; i++)
		lab_answer(&lab[i], LAB_CHECKPOINT, i == NET_N ? &old.r : &now.r);
	custodians_look(c);
	assert_int_equal(custodians_up(c), NET_N);
	assert_ptr_equal(c->view[0].signed_by, r.charter);
	assert_true(key_eq(&c->view[NET_N - 1].signed_by->coordinator.log_key, &was.key));
	assert_false(custodians_conflict(c, &none, SPAN(NULL, 0), &x));
	/* A key that never was the log's. */
	net.log.signer = net.sealer.signer;
	lab_showing_done(&old);
	lab_honest(&old, &cp);
	lab_answer(&lab[NET_N], LAB_CHECKPOINT, &old.r);
	custodians_look(c);
	assert_int_equal(c->view[NET_N - 1].rc, RC_VERIFY);
	net.log.signer = was;
	custodians_free(c);
	disconnect(&r);
	lab_showing_done(&old);
	lab_showing_done(&now);
	buf_done(&bytes);
	test_key_done(&heir);
}

static void
set_up(void)
{
	const struct net_edit	second = { "receipt_seconds", "5000" }, third = { "receipt_seconds", "4000" };
	char			path[FILE_PATH_MAX];

	(void)snprintf(dir, sizeof(dir), "/tmp/quorate-lineage.XXXXXX");
	MUST(mkdtemp(dir) != NULL);
	(void)snprintf(path, sizeof(path), "%s/deep", dir);
	MUST(setenv("XDG_CACHE_HOME", path, 1) == 0);
	lab_found_amendable();
	make_lineage(&lineage[0]);
	net_amend(&net, &second, 1);
	make_lineage(&lineage[1]);
	net_amend(&net, &third, 1);
	make_lineage(&lineage[2]);
	lab_start(&server, "Coordinator");
}

static void
tear_down(void)
{
	char	path[FILE_PATH_MAX];

	cache_file(path);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/deep/quorate", dir);
	MUST(rmdir(path) == 0);
	(void)snprintf(path, sizeof(path), "%s/deep", dir);
	MUST(rmdir(path) == 0 && rmdir(dir) == 0);
	for (int i = 0; i < 3; i++)
		buf_done(&lineage[i]);
	lab_done(&server);
	lab_close();
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(further_and_not_back),
		cmocka_unit_test(nothing_unproven),
		cmocka_unit_test(two_second_charters),
		cmocka_unit_test(kept_and_checked_again),
		cmocka_unit_test(statements_name_the_one_in_force),
		cmocka_unit_test(a_charter_that_is_not_shown),
		cmocka_unit_test(the_trust_is_the_first_one),
		cmocka_unit_test(changes),
		cmocka_unit_test(behind_a_succession),	/* the last: the log has another key then */
	};
	struct err	err;
	int		failed;

	must(secret_init(&err), &err);
	set_up();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	tear_down();
	return failed;
}
