/* An audit from nothing: what it replays, remembers, refuses and tells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/anchor.h"
#include "cli/replay.h"
#include "tests/unit/cli/exported.h"
#include "tests/unit/tsa.h"

static char			top[FILE_PATH_MAX], dir[FILE_PATH_MAX + 16], state[FILE_PATH_MAX + 16];
static struct charter		*genesis;
static struct buf		note;
static struct replayed		done;
static struct err		err;
static uint8_t			request[SHA256_BYTES], order[SHA256_BYTES];

/* --- a log, and an auditor ------------------------------------------------------------------ */

static void
found(bool amendable, const char *tsas)
{
	net_keys(&net);
	net.amendable = amendable;
	net.tsas = tsas;
	net_found(&net);
	must(charter_parse(buf_view(&net.charter_json), &genesis, &err), &err);
	note = BUF_INIT(BIG);
	(void)snprintf(top, sizeof(top), "%s/quorate-replay.XXXXXX", getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR"));
	MUST(mkdtemp(top) != NULL);
	(void)snprintf(dir, sizeof(dir), "%s/log", top);
	(void)snprintf(state, sizeof(state), "%s/state", top);
}

static int
begin(void **unused)
{
	(void)unused;
	found(false, NULL);
	return 0;
}

static int
begin_amendable(void **unused)
{
	(void)unused;
	found(true, NULL);
	return 0;
}

static int
end(void **unused)
{
	(void)unused;
	replayed_done(&done);
	buf_done(&note);
	charter_free(TAKE(genesis));
	net_done(&net);
	export_remove(dir);
	export_remove(top);
	return 0;
}

static void
export_end(void)
{
	export_note(net.log_entries.n, &net.log, 0xf, &note);
	export_log(dir, net.log_entries.n, buf_view(&note));
}

/* One audit of the folder; r may be NULL. */
static enum rc
audit_with(struct replay **ret)
{
	AUTO(log_source_free) struct log_source *source = NULL;
	AUTO(replay_free) struct replay	*r = NULL;
	enum rc				 rc;

	replayed_done(&done);
	memset(&done, 0, sizeof(done));
	must(log_source_new(dir, NULL, NULL, &source, &err), &err);
	must(replay_open(state, genesis, &r, &err), &err);
	rc = replay_run(r, source, NULL, NULL, &done, &err);
	if (ret != NULL)
		*ret = TAKE(r);
	return rc;
}

static enum rc
audit(void)
{
	return audit_with(NULL);
}

static void
refuses(enum rc rc, const char *words)
{
	assert_int_equal(rc, RC_VERIFY);
	if (strstr(err.msg, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, err.msg);
}

static void
release(const uint8_t by[3])
{
	struct statement	s;

	net_statement(&net, &s, STATEMENT_RELEASE);
	memcpy(s.subject, order, sizeof(s.subject));
	memset(s.u.release.contents, 7, SHA256_BYTES);
	s.u.release.n = 4;
	for (uint8_t i = 0; i < 3; i++) {
		s.u.release.custodian[i].index = by[i];
		s.u.release.custodian[i].good = true;
		assert_true(net_receipt(&net, order, by[i], s.u.release.custodian[i].receipt).effective);
	}
	s.u.release.custodian[3].index = 5;
	assert_true(net_log(&net, &s, &net.log).effective);
}

/* A request that is released, with an approval by somebody in no place of the policy. */
static void
a_case(void)
{
	static const uint8_t	by[] = { 1, 2, 3 };
	struct net_artifact	a = net_seal(&net, "standard");

	net_requested(&net, &a, 1, "standard", request);
	assert_true(net_decide(&net, request, NET_LEGAL, true).effective);
	assert_true(net_decide(&net, request, NET_COMPLIANCE, true).effective);
	assert_false(net_decide(&net, request, NET_REQUESTER, true).effective);
	assert_true(net_decide(&net, request, NET_AUDITOR, true).effective);
	assert_true(net_order(&net, request, order).effective);
	release(by);
}

/* At most one of a kind. */
static const struct finding *
found_one(const struct report *r, enum finding_kind k)
{
	const struct finding	*f = NULL;

	for (size_t i = 0; i < r->n_findings; i++)
		if (r->finding[i].kind == k) {
			assert_null(f);
			f = &r->finding[i];
		}
	return f;
}

static char *
printed(const struct report *r)
{
	char	*text = NULL;
	size_t	 n;
	FILE	*f = open_memstream(&text, &n);

	assert_non_null(f);
	must(report_print(r, f, &err), &err);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* --- what it tells -------------------------------------------------------------------------- */

static void
tells(void **unused)
{
	AUTO(replay_free) struct replay *r = NULL;
	AUTO_DONE(report_done) struct report report = { .source = NULL };
	AUTO(json_decref) json_t	*j = json_object();
	struct net_artifact		 a;
	struct report_source		 reads;
	uint8_t				 open[SHA256_BYTES];
	const struct report_order	*o;
	const struct finding		*f;
	char				*text;

	(void)unused;
	a_case();
	a = net_seal(&net, "pair");
	net_requested(&net, &a, 1, "pair", open);
	export_end();
	must(audit_with(&r), &err);
	assert_int_equal(done.cp.size, net.log_entries.n);
	assert_int_equal(done.from, 0);
	assert_int_equal(done.cosigned.mask, 0xf);
	reads = replay_read(r, net.now);
	must(report_make(&reads, &report, &err), &err);
	assert_int_equal(report.artifacts, 2);
	assert_int_equal(report.voids, 1);
	assert_int_equal(report.n_requests, 2);
	assert_int_equal(report.n_orders, 1);
	o = &report.order[0];
	assert_memory_equal(o->request, request, SHA256_BYTES);
	assert_int_equal(o->n_places, 3);
	assert_string_equal(o->place[0].person, "legal");
	assert_string_equal(o->place[0].role, "legal");
	assert_string_equal(o->place[2].person, "auditor");
	assert_int_equal(o->receipts, 7);
	assert_true(o->released);
	assert_int_equal(o->good, 7);
	assert_int_equal(o->wrong, 1 << 4);
	assert_null(report_false_release(&report));
	assert_null(found_one(&report, FINDING_RELEASE_QUORUM));
	assert_null(found_one(&report, FINDING_RELEASE_RECEIPT));
	assert_null(found_one(&report, FINDING_TIME_BACK));
	assert_non_null(f = found_one(&report, FINDING_WRONG));
	assert_int_equal(f->index, o->release);
	assert_non_null(f = found_one(&report, FINDING_VOID));
	assert_non_null(strstr(f->words, "approval by requester"));
	text = printed(&report);
	assert_non_null(strstr(text, "(legal) as legal in entry 3"));
	assert_non_null(strstr(text, "waits for legal 1, compliance 1"));
	assert_non_null(strstr(text, "RELEASED in entry"));
	assert_non_null(strstr(text, "WRONG CONTRIBUTIONS: 1"));
	free(text);
	must(report_json(&report, j, &err), &err);
	assert_int_equal(json_array_size(json_object_get(j, "requests")), 2);
	assert_int_equal(json_array_size(json_object_get(j, "charters")), 1);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(j, "numbers"), "release")), 1);
}

static void
false_release(void **unused)
{
	AUTO(replay_free) struct replay *r = NULL;
	AUTO_DONE(report_done) struct report report = { .source = NULL };
	struct report_source		 reads;
	const struct finding		*f;
	char				*text;

	(void)unused;
	export_false_release();
	export_end();
	must(audit_with(&r), &err);
	reads = replay_read(r, net.now);
	must(report_make(&reads, &report, &err), &err);
	assert_non_null(f = found_one(&report, FINDING_RELEASE_RECEIPT));
	assert_int_equal(f->index, net.log_entries.n - 1);
	assert_ptr_equal(report_false_release(&report), f);
	assert_int_equal(report.order[0].receipts, 0xf);
	assert_int_equal(report.order[0].good, 7);
	text = printed(&report);
	assert_non_null(strstr(text, "FALSE RELEASES"));
	assert_non_null(strstr(text, "custodian 4 contributed"));
	free(text);
}

/* Signed by the person that it names, then not. */
static void
others_names(void **unused)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(BIG);
	AUTO(replay_free) struct replay *r = NULL;
	AUTO_DONE(report_done) struct report report = { .source = NULL };
	AUTO(json_decref) json_t	*j = json_object();
	struct net_artifact		 a = net_seal(&net, "standard");
	struct report_source		 reads;
	struct statement		 s;
	json_t				*event;
	uint8_t				*sig;
	char				*text;

	(void)unused;
	net_requested(&net, &a, 1, "standard", request);
	net_statement(&net, &s, STATEMENT_DECISION);
	memcpy(s.subject, request, sizeof(s.subject));
	must(statement_sign(&s, &net.person[NET_LEGAL].signer, &b, &err), &err);
	statement_done(&s);
	assert_non_null(sig = memmem(b.p, b.n, "\"sig\":\"", 7));
	sig[20] = sig[20] == 'A' ? 'B' : 'A';
	assert_int_equal(net_log_dsse(&net, buf_view(&b)).why, VOID_SIGNATURE);
	export_end();
	must(audit_with(&r), &err);
	reads = replay_read(r, net.now);
	must(report_make(&reads, &report, &err), &err);
	assert_non_null(strstr(found_one(&report, FINDING_VOID)->words, "denial in the name of legal: "));
	text = printed(&report);
	assert_non_null(strstr(text, "in the name of legal "));
	assert_null(strstr(text, "in the name of requester"));
	free(text);
	must(report_json(&report, j, &err), &err);
	event = json_array_get(json_object_get(j, "events"), json_array_size(json_object_get(j, "events")) - 1);
	assert_string_equal(json_string_value(json_object_get(event, "who")), "legal");
	assert_true(json_is_false(json_object_get(event, "signed")));
}

/* A charter's names may hold what turns letters round: they are told, but not so. */
static void
names_that_deceive(void **unused)
{
	static const struct net_edit	edit = { "name", "\"turned \xe2\x80\xae round \xe2\x81\xa6\"" };
	AUTO(replay_free) struct replay *r = NULL;
	AUTO_DONE(report_done) struct report report = { .source = NULL };
	struct report_source		 reads;
	char				*text;

	(void)unused;
	net_amend(&net, &edit, 1);
	export_end();
	must(audit_with(&r), &err);
	reads = replay_read(r, net.now);
	must(report_make(&reads, &report, &err), &err);
	text = printed(&report);
	assert_non_null(strstr(text, "turned ??? round ???"));
	assert_null(strstr(text, "\xe2\x80\xae"));
	assert_non_null(strstr(text, "\n"));
	free(text);
}

static size_t
overdue(struct replay *r, when now, enum finding_kind k)
{
	AUTO_DONE(report_done) struct report	report = { .source = NULL };
	struct report_source			reads = replay_read(r, now);

	must(report_make(&reads, &report, &err), &err);
	return found_one(&report, k) != NULL;
}

/* The fixture's charter: receipts within 600 s; the order lives 600 s. */
static void
times(void **unused)
{
	AUTO(replay_free) struct replay *r = NULL;
	AUTO_DONE(report_done) struct report report = { .source = NULL };
	struct report_source		 reads;
	struct net_artifact		 a = net_seal(&net, "lenient");
	when				 ordered;

	(void)unused;
	net_requested(&net, &a, 1, "lenient", request);
	assert_true(net_decide(&net, request, NET_LEGAL, true).effective);
	assert_true(net_order(&net, request, order).effective);
	ordered = net.now;
	net.now += 601;
	assert_true(net_receipt(&net, order, 2, NULL).effective);
	net.now -= 100;			/* the log's clock goes back */
	(void)net_seal(&net, "lenient");
	net.now += 100;
	export_end();
	must(audit_with(&r), &err);
	reads = replay_read(r, net.now);
	must(report_make(&reads, &report, &err), &err);
	assert_int_equal(report.order[0].late, 1 << 1);
	assert_int_equal(found_one(&report, FINDING_RECEIPT_LATE)->index, 5);
	assert_int_equal(found_one(&report, FINDING_TIME_BACK)->index, 6);
	assert_false(overdue(r, ordered + 600, FINDING_RECEIPTS_MISSING));
	assert_true(overdue(r, ordered + 601, FINDING_RECEIPTS_MISSING));
	assert_false(overdue(r, ordered + 600, FINDING_ORDER_UNUSED));
	assert_true(overdue(r, ordered + 601, FINDING_ORDER_UNUSED));
}

/* A charter that gives receipts more time, or less, is not for orders before it. */
static void
times_of_then(void **unused)
{
	static const struct net_edit	longer = { "receipt_seconds", "8000000" };
	AUTO(replay_free) struct replay *r = NULL;
	AUTO_DONE(report_done) struct report report = { .source = NULL };
	struct report_source		 reads;
	struct net_artifact		 a = net_seal(&net, "lenient");
	when				 ordered;

	(void)unused;
	net_requested(&net, &a, 1, "lenient", request);
	assert_true(net_decide(&net, request, NET_LEGAL, true).effective);
	assert_true(net_order(&net, request, order).effective);
	ordered = net.now;
	net_amend(&net, &longer, 1);
	assert_true(net.now - ordered > 600 && net.now - ordered < 8000000);
	assert_true(net_receipt(&net, order, 2, NULL).effective);
	export_end();
	must(audit_with(&r), &err);
	reads = replay_read(r, net.now);
	must(report_make(&reads, &report, &err), &err);
	assert_int_equal(report.order[0].late, 1 << 1);
	assert_non_null(strstr(found_one(&report, FINDING_RECEIPT_LATE)->words, "allows 600 s"));
	assert_non_null(strstr(found_one(&report, FINDING_RECEIPTS_MISSING)->words, "after 600 s"));
}

/* Two good notes in one, the lines of b after those of a. */
static void
join(struct buf *a, const struct buf *b)
{
	const uint8_t	*line = memmem(b->p, b->n, "/custodian-", 11);

	assert_non_null(line);
	while (line[-1] != '\n')
		line--;
	buf_add(a, line, (size_t)(b->p + b->n - line));
}

/* By the log key of the genesis, under its own name. */
static void
old_coordinators(struct buf *out)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(BIG);
	struct checkpoint	cp;
	struct note_key		key;
	uint8_t			sig[NOTE_SIG_BYTES];

	lab_end(&cp);
	checkpoint_text(&cp, &text);
	must(charter_log_note_key(genesis, &key, &err), &err);
	must(net.log.signer.sign(net.log.signer.user, buf_view(&text), sig, &err), &err);
	buf_span(out, buf_view(&text));
	buf_u8(out, '\n');
	note_sig_line(&key, 0, sig, out);
}

static void
charters(void **unused)
{
	static const struct net_edit	edit = { "name", "\"Renamed\"" };
	AUTO_DONE(buf_done) struct buf	doc = BUF_INIT(BIG), b = BUF_INIT(BIG), old = BUF_INIT(BIG);
	AUTO(replay_free) struct replay *r = NULL;
	AUTO_DONE(report_done) struct report report = { .source = NULL };
	struct net_edit			successor;
	struct report_source		reads;
	char				*text;

	(void)unused;
	a_case();
	net_amend(&net, &edit, 1);
	a_case();
	export_end();
	must(audit(), &err);
	successor = (struct net_edit){ "coordinator/log_key", net_key_json(&net.person[NET_STRANGER]) };
	net_next(&net, &successor, 1, &doc);
	net_succession(&net, buf_view(&doc), 4, &b);
	assert_true(net_log_dsse(&net, buf_view(&b)).effective);
	/* The old coordinator's note over it is nobody's, whoever cosigned it. */
	export_note(net.log_entries.n, &net.person[NET_STRANGER], 0xf, &note);
	old_coordinators(&old);
	join(&old, &note);
	export_log(dir, net.log_entries.n, buf_view(&old));
	refuses(audit(), "not signed");
	/* The successor's, in the same run that replays its coming. */
	export_note(net.log_entries.n, &net.person[NET_STRANGER], 0xf, &note);
	export_log(dir, net.log_entries.n, buf_view(&note));
	must(audit_with(&r), &err);
	reads = replay_read(r, net.now);
	must(report_make(&reads, &report, &err), &err);
	assert_int_equal(report.n_charters, 3);
	assert_int_equal(report.n_amendments, 1);
	assert_int_equal(report.n_orders, 2);
	assert_string_equal(report.order[1].place[0].person, "legal");
	text = printed(&report);
	assert_non_null(strstr(text, "Renamed"));
	assert_non_null(strstr(text, "by succession"));
	free(text);
}

static struct tsa_party	tsa_ca, tsa;

static void
found_with_tsa(void)
{
	AUTO_DONE(buf_done) struct buf	tsas = BUF_INIT(BIG);

	tsa_party_new(&tsa_ca, "TSA root", NULL, true, TSA_EKU, 1, -3650, 3650);
	tsa_party_new(&tsa, "TSA", &tsa_ca, false, TSA_EKU, 2, -365, 365);
	buf_printf(&tsas, "\"tsas\":[{\"id\":\"first\",\"url\":\"http://127.0.0.1:1/\",\"certificates\":[\"");
	b64_write(&tsas, tsa_cert(&tsa_ca));
	buf_printf(&tsas, "\"],\"crls\":[]}],\"anchor\":{\"entries\":3,\"seconds\":1000}");
	found(false, buf_text(&tsas));
}

static int
end_with_tsa(void **state_of_test)
{
	tsa_party_done(&tsa);
	tsa_party_done(&tsa_ca);
	return end(state_of_test);
}

static void
stamp(const uint8_t imprint[SHA256_BYTES], struct buf *token)
{
	static const uint8_t		nonce[TIMESTAMP_NONCE_BYTES] = { 1 };
	AUTO_DONE(buf_done) struct buf	query = BUF_INIT(TIMESTAMP_QUERY_MAX), answer = BUF_INIT(TIMESTAMP_RESPONSE_MAX);
	struct tsa_how			how = { .time = net.now };

	must(timestamp_query(imprint, nonce, &query, &err), &err);
	tsa_answer(&tsa, NULL, &how, buf_view(&query), &answer);
	must(timestamp_token(buf_view(&answer), imprint, nonce, token, &err), &err);
}

/* A token that is none is of the right shape for the log, and worth nothing to an auditor. */
static void
anchor(uint64_t size, bool good)
{
	AUTO_DONE(buf_done) struct buf	blob = BUF_INIT(ANCHOR_BYTES_MAX), token = BUF_INIT(TIMESTAMP_RESPONSE_MAX);
	struct anchor			a = { .token = SPAN_STR("no token at all") };
	struct statement		s;

	export_note(size, &net.log, 0xf, &note);
	a.note = buf_view(&note);
	net_statement(&net, &s, STATEMENT_ANCHOR);
	sha256_one(s.subject, a.note);
	if (good) {
		stamp(s.subject, &token);
		a.token = buf_view(&token);
	}
	must(anchor_write(&a, &blob, &err), &err);
	must(memstate_blob(net.mem, buf_view(&blob), &err), &err);
	sha256_one(s.u.anchor.archive, buf_view(&blob));
	s.u.anchor.size = size;
	strcpy(s.u.anchor.tsa, "first");
	assert_true(net_log(&net, &s, &net.log).effective);
}

static void
seal_and_wait(when seconds)
{
	(void)net_seal(&net, "standard");
	net.now += seconds;
}

static void
reports(struct replay **r, struct report_source *reads, struct report *ret)
{
	export_end();
	must(audit_with(r), &err);
	*reads = replay_read(*r, net.now);
	must(report_make(reads, ret, &err), &err);
}

static void
anchors(void **unused)
{
	AUTO(replay_free) struct replay *r = NULL;
	AUTO_DONE(report_done) struct report report = { .source = NULL };
	struct report_source		 reads;
	when				 last;

	(void)unused;
	found_with_tsa();
	net.now += 10;
	seal_and_wait(990 + 120);	/* due a thousand seconds after the charter, and two minutes for it */
	anchor(net.log_entries.n, true);
	net.now += 5000;		/* nothing but the anchor itself: none is due */
	seal_and_wait(120);
	anchor(net.log_entries.n, true);
	seal_and_wait(0);
	seal_and_wait(0);
	seal_and_wait(0);		/* the third: due at once */
	last = net.now;
	net.now += 121;
	anchor(net.log_entries.n, true);
	seal_and_wait(0);
	reports(&r, &reads, &report);
	assert_int_equal(report.n_anchors, 3);
	assert_int_equal(found_one(&report, FINDING_ANCHOR_GAP)->index, 8);
	assert_null(found_one(&report, FINDING_ANCHOR_BAD));
	assert_false(overdue(r, last + 121 + 1000 + 120, FINDING_ANCHOR_OVERDUE));
	assert_true(overdue(r, last + 121 + 1000 + 121, FINDING_ANCHOR_OVERDUE));
	for (size_t i = 0; i < 3; i++)
		assert_true(report.anchor[i].good);
}

/* A token that proves nothing meets no schedule. */
static void
worthless_anchors(void **unused)
{
	AUTO(replay_free) struct replay *r = NULL;
	AUTO_DONE(report_done) struct report report = { .source = NULL };
	struct report_source		 reads;
	when				 due = NET_START + 1000;

	(void)unused;
	found_with_tsa();
	net.now += 10;
	seal_and_wait(990);
	anchor(net.log_entries.n, false);
	reports(&r, &reads, &report);
	assert_non_null(found_one(&report, FINDING_ANCHOR_BAD));
	assert_false(report.anchor[0].good);
	assert_false(overdue(r, due + 120, FINDING_ANCHOR_OVERDUE));
	assert_true(overdue(r, due + 121, FINDING_ANCHOR_OVERDUE));
	replay_free(TAKE(r));
	report_done(&report);
	net.now = due + 121;
	anchor(net.log_entries.n, true);
	reports(&r, &reads, &report);
	assert_int_equal(found_one(&report, FINDING_ANCHOR_GAP)->index, 3);
}

/* A token over the first entries says nothing of those that came after them. */
static void
short_anchors(void **unused)
{
	AUTO(replay_free) struct replay *r = NULL;
	AUTO_DONE(report_done) struct report report = { .source = NULL };
	struct report_source		 reads;
	when				 third;

	(void)unused;
	found_with_tsa();
	seal_and_wait(10);
	seal_and_wait(10);
	anchor(1, true);		/* two wait */
	net.now += 10;
	third = net.now;
	seal_and_wait(10);
	reports(&r, &reads, &report);
	assert_null(found_one(&report, FINDING_ANCHOR_GAP));
	assert_false(overdue(r, third + 120, FINDING_ANCHOR_OVERDUE));
	assert_true(overdue(r, third + 121, FINDING_ANCHOR_OVERDUE));
	replay_free(TAKE(r));
	report_done(&report);
	seal_and_wait(10);
	anchor(2, true);		/* three still wait, and are due since the third of them came */
	reports(&r, &reads, &report);
	assert_null(found_one(&report, FINDING_ANCHOR_GAP));
	assert_true(overdue(r, third + 10 + 121, FINDING_ANCHOR_OVERDUE));
	assert_false(overdue(r, third + 120, FINDING_ANCHOR_OVERDUE));
}

/* --- what it remembers ----------------------------------------------------------------------- */

static void
goes_on(void **unused)
{
	AUTO(replay_free) struct replay *r = NULL;
	uint64_t			 was;

	(void)unused;
	a_case();
	export_end();
	must(audit(), &err);
	was = net.log_entries.n;
	must(audit(), &err);
	assert_int_equal(done.from, was);
	/* An older copy is of this log: nothing is lost, and it is said. */
	export_note(was - 2, &net.log, 0xf, &note);
	export_log(dir, was - 2, buf_view(&note));
	must(audit(), &err);
	assert_int_equal(done.behind, was - 2);
	assert_int_equal(done.cp.size, was);
	(void)net_seal(&net, "standard");
	export_end();
	must(audit_with(&r), &err);
	assert_int_equal(done.from, was);
	assert_int_equal(done.behind, 0);
	assert_int_equal(replay_read(r, net.now).size, was + 1);
}

/* Another log by the same key, which parts from the first at its last entry. */
static void
two_pasts(void **unused)
{
	struct net_log	*l = &net.log_entries;

	(void)unused;
	a_case();
	export_end();
	must(audit(), &err);
	l->leaf[l->n - 1].p[7] ^= 1;
	export_end();
	refuses(audit(), "TWO PASTS");
	assert_int_equal(done.other_cp.size, done.cp.size);
	assert_true(done.other.n > 0);
	/* Longer, and shorter: at its size it was another. */
	(void)net_seal(&net, "standard");
	export_end();
	refuses(audit(), "TWO PASTS");
	l->n -= 2;
	l->leaf[l->n - 1].p[7] ^= 1;
	export_end();
	refuses(audit(), "TWO PASTS");
	/* Not signed by the log, it accuses nobody. */
	export_note(l->n, &net.sealer, 0xf, &note);
	export_log(dir, l->n, buf_view(&note));
	refuses(audit(), "not signed");
	assert_int_equal(done.other.n, 0);
	/* The state is that of the first: it is still there. */
	l->leaf[l->n - 1].p[7] ^= 1;
	l->n += 1;
	l->leaf[l->n - 1].p[7] ^= 1;
	export_end();
	must(audit(), &err);
	l->n += 1;
}

static void
cosigned_before(void **unused)
{
	AUTO_DONE(buf_done) struct buf early = BUF_INIT(BIG);
	struct checkpoint	cp;

	(void)unused;
	a_case();
	net.now--;
	export_note(net.log_entries.n, &net.log, 0xf, &note);
	net.now++;
	export_log(dir, net.log_entries.n, buf_view(&note));
	refuses(audit(), "dated before its last entry");
	assert_int_equal(done.early, 0xf);
	/* What was replayed is not replayed again, and one beside four does not spoil them. */
	lab_end(&cp);
	net.now--;
	lab_note(&net.log, &cp, 0x10, &early);
	net.now++;
	export_note(net.log_entries.n, &net.log, 0xf, &note);
	join(&note, &early);
	export_log(dir, net.log_entries.n, buf_view(&note));
	must(audit(), &err);
	assert_int_equal(done.from, net.log_entries.n);
	assert_int_equal(done.cosigned.mask, 0xf);
	assert_int_equal(done.early, 0x10);
}

/* What an audit that did not end has left was never verified: it binds nobody. */
static void
left_over(void **unused)
{
	struct net_log	*l = &net.log_entries;

	(void)unused;
	a_case();
	net.now--;
	export_end();
	net.now++;
	refuses(audit(), "dated before");
	export_note(l->n - 1, &net.log, 0xf, &note);
	export_log(dir, l->n - 1, buf_view(&note));
	assert_int_equal(audit(), RC_UNSURE);
	l->leaf[l->n - 1].p[7] ^= 1;
	export_end();
	refuses(audit(), "start again");
}

/* --- what it refuses -------------------------------------------------------------------------- */

static void
altered(void **unused)
{
	static const struct { const char *name; long at; const char *words; } rows[] = {
		{ "tile/entries/000.p/12",	700,	"tile/entries/000.p/12" },
		{ "tile/entries/000.p/12",	-3,	"tile/entries/000.p/12" },
		{ "tile/0/000.p/12",		40,	"tile/0/000.p/12" },
		{ "checkpoint",			-20,	"" },
	};
	AUTO_DONE(buf_done) struct buf few = BUF_INIT(BIG);
	char	blob[HEX_BYTES(SHA256_BYTES)], blobs[FILE_PATH_MAX + 32], path[FILE_PATH_MAX + 128];
	size_t	i;

	(void)unused;
	a_case();
	assert_int_equal(net.log_entries.n, 12);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		export_end();
		export_alter(dir, rows[i].name, rows[i].at);
		refuses(audit(), rows[i].words);
		export_remove(state);
	}
	/* The charter's document, and then none at all. */
	export_end();
	(void)snprintf(blobs, sizeof(blobs), "%s.blobs", dir);
	(void)net_seal(&net, "standard");
	export_end();
	export_note(12, &net.log, 0x7, &few);
	export_log(dir, 12, buf_view(&few));
	refuses(audit(), "3 cosignatures, the charter asks for 4");
	export_end();
	{
		uint8_t	digest[2][SHA256_BYTES];
		size_t	n;

		must(entry_blobs(buf_view(&net.log_entries.leaf[12]), digest, &n, &err), &err);
		(void)hex_write(SPAN_OF(digest[0]), blob);
	}
	export_alter(blobs, blob, 9);
	refuses(audit(), blob);
	(void)snprintf(path, sizeof(path), "%s/%s", blobs, blob);
	MUST(unlink(path) == 0);
	refuses(audit(), "entry 12");
	export_end();
	must(audit(), &err);
}

static void
state_folders(void **unused)
{
	AUTO(replay_free) struct replay *r = NULL, *second = NULL;
	struct charter	*other = calloc(1, sizeof(*other));
	char		 db[FILE_PATH_MAX + 32];

	(void)unused;
	export_end();
	must(audit_with(&r), &err);
	assert_int_equal(replay_open(state, genesis, &second, &err), RC_USAGE);
	assert_non_null(strstr(err.msg, "another audit runs here"));
	replay_free(TAKE(r));
	/* Another network's. */
	assert_non_null(other);
	memcpy(other->digest, request, SHA256_BYTES);
	other->digest[0] ^= 1;
	assert_int_equal(replay_open(state, other, &second, &err), RC_USAGE);
	assert_non_null(strstr(err.msg, "another --state"));
	free(other);
	(void)snprintf(db, sizeof(db), "%s/log.db", state);
	(void)unlink(db);
	MUST(symlink(dir, db) == 0);
	assert_int_equal(replay_open(state, genesis, &second, &err), RC_IO);
	assert_non_null(strstr(err.msg, "remove"));
	MUST(unlink(db) == 0);
	must(file_write(db, SPAN_STR("this is no database, and never was one; this is no database"), 0600, &err), &err);
	assert_int_equal(replay_open(state, genesis, &second, &err), RC_IO);
	assert_non_null(strstr(err.msg, "remove"));
}

/* As one that is signed by a key that nobody knows. */
static void
drop_logs_line(struct buf *b)
{
	uint8_t	*line = memmem(b->p, b->n, "\n\n", 2), *end;

	assert_non_null(line);
	line += 2;
	assert_non_null(end = memchr(line, '\n', (size_t)(b->p + b->n - line)));
	end++;
	memmove(line, end, (size_t)(b->p + b->n - end));
	b->n -= (size_t)(end - line);
}

/* Anybody can sign a log with a key of theirs: without the custodians none of it is replayed. */
static void
strangers(void **unused)
{
	(void)unused;
	a_case();
	export_note(net.log_entries.n, &net.log, 0x7, &note);
	drop_logs_line(&note);
	export_log(dir, net.log_entries.n, buf_view(&note));
	refuses(audit(), "cosigned by 3 custodians");
	export_end();
	must(audit(), &err);
	assert_int_equal(done.from, 0);
}

/* A genesis that is not the log's. */
static void
other_genesis(void **unused)
{
	AUTO(log_source_free) struct log_source *source = NULL;
	AUTO(replay_free) struct replay	*r = NULL;
	AUTO(charter_free) struct charter	*c = NULL;
	AUTO_DONE(buf_done) struct buf	doc = BUF_INIT(BIG);
	const char			*name;

	(void)unused;
	export_end();
	buf_span(&doc, buf_view(&net.charter_json));
	assert_non_null(name = memmem(doc.p, doc.n, "\"name\":\"", 8));
	doc.p[(const uint8_t *)name + 8 - doc.p] ^= 1;
	must(charter_parse(buf_view(&doc), &c, &err), &err);
	must(log_source_new(dir, NULL, NULL, &source, &err), &err);
	must(replay_open(state, c, &r, &err), &err);
	memset(&done, 0, sizeof(done));
	refuses(replay_run(r, source, NULL, NULL, &done, &err), "entry 0");
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(tells, begin, end),
		cmocka_unit_test_setup_teardown(false_release, begin, end),
		cmocka_unit_test_setup_teardown(others_names, begin, end),
		cmocka_unit_test_setup_teardown(times, begin, end),
		cmocka_unit_test_setup_teardown(times_of_then, begin_amendable, end),
		cmocka_unit_test_setup_teardown(names_that_deceive, begin_amendable, end),
		cmocka_unit_test_setup_teardown(charters, begin_amendable, end),
		cmocka_unit_test_teardown(anchors, end_with_tsa),
		cmocka_unit_test_teardown(worthless_anchors, end_with_tsa),
		cmocka_unit_test_teardown(short_anchors, end_with_tsa),
		cmocka_unit_test_setup_teardown(goes_on, begin, end),
		cmocka_unit_test_setup_teardown(two_pasts, begin, end),
		cmocka_unit_test_setup_teardown(cosigned_before, begin, end),
		cmocka_unit_test_setup_teardown(left_over, begin, end),
		cmocka_unit_test_setup_teardown(altered, begin, end),
		cmocka_unit_test_setup_teardown(state_folders, begin, end),
		cmocka_unit_test_setup_teardown(strangers, begin, end),
		cmocka_unit_test_setup_teardown(other_genesis, begin, end),
	};

	must(secret_init(&err), &err);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
