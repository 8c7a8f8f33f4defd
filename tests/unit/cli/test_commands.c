/* Whole commands against custodians and a coordinator that say what they are told to: the exit codes. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/accuse.h"
#include "tests/unit/cli/exported.h"

static char	dir[FILE_PATH_MAX];
static uint8_t	logged[32];		/* the id of a statement that the log shows */

static char *
in_dir(const char *name)
{
	static char	path[4][FILE_PATH_MAX + 32];
	static int	i;

	i = (i + 1) % 4;
	(void)snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static void
put(const char *name, struct span bytes, unsigned mode)
{
	struct err	err;

	must(file_write(in_dir(name), bytes, mode, &err), &err);
}

/* --- the coordinator --------------------------------------------------------------------- */

/* It has this log, and says so. */
static void
coordinator_at(const struct checkpoint *cp)
{
	AUTO_DONE(buf_done) struct buf		note = BUF_INIT(BIG);
	Quorate__V1__HeadReply			h = QUORATE__V1__HEAD_REPLY__INIT;
	Quorate__V1__EntriesReply		e = QUORATE__V1__ENTRIES_REPLY__INIT;
	Quorate__V1__BlobReply			b = QUORATE__V1__BLOB_REPLY__INIT;
	ProtobufCBinaryData			leaf[64];

	lab_note(&net.log, cp, 0xf, &note);
	h.cosigned = data_of(buf_view(&note));
	h.size = e.size = cp->size;
	lab_answer(&lab[0], LAB_HEAD, &h);
	for (size_t i = 0; i < net.log_entries.n; i++)
		leaf[i] = data_of(buf_view(&net.log_entries.leaf[i]));
	e.n_leaves = net.log_entries.n;
	e.leaves = leaf;
	lab_answer(&lab[0], LAB_ENTRIES, &e);
	b.data = data_of(buf_view(&net.charter_json));	/* the one blob that this log names */
	b.size = net.charter_json.n;
	lab_answer(&lab[0], LAB_BLOB, &b);
}

static void
all_well(struct checkpoint *ret)
{
	lab_end(ret);
	lab_all_honest(ret);
	coordinator_at(ret);
}

/* --- a command ----------------------------------------------------------------------------- */

static enum rc
run(command_fn *command, struct err *err, const char *w0, const char *w1, const char *w2, const char *w3)
{
	const char	*word[] = { w0, w1, w2, w3, NULL };
	char		*argv[5];
	int		 argc;

	for (argc = 0; argc < 4 && word[argc] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)word[argc];
	argv[argc] = NULL;
	err->msg[0] = '\0';
	return command(argc, argv, err);
}

#define RUN1(c, err, a)			run(c, err, a, NULL, NULL, NULL)
#define RUN2(c, err, a, b)		run(c, err, a, b, NULL, NULL)
#define RUN3(c, err, a, b, d)		run(c, err, a, b, d, NULL)

/* Standard output into the file "out", from here to words_read(). */
static int
words_kept(void)
{
	int	was = dup(STDOUT_FILENO);
	FILE	*f = fopen(in_dir("out"), "w");

	MUST(was >= 0 && f != NULL && fflush(stdout) == 0 && dup2(fileno(f), STDOUT_FILENO) >= 0 && fclose(f) == 0);
	return was;
}

static void
words_read(int was, struct buf *out)
{
	struct err	err;

	MUST(fflush(stdout) == 0 && dup2(was, STDOUT_FILENO) >= 0 && close(was) == 0);
	buf_reset(out);
	must(file_read(in_dir("out"), out, &err), &err);
	MUST(unlink(in_dir("out")) == 0);
}

static enum rc
audit_words(const char *option, struct buf *out, struct err *err)
{
	int	was = words_kept();
	enum rc	rc = RUN2(cmd_audit, err, "audit", option);

	cli_json = false;
	words_read(was, out);
	return rc;
}

static void
says_clean(void **state)
{
	AUTO_DONE(buf_done) struct buf out = BUF_INIT(BIG);
	int	was = words_kept();

	(void)state;
	cli_say("a %s,\n\t%d %s\n", "J\xc3\xb6rg\xe2\x80\xaf\xe2\x80\xae", 7, "\x1b[2J\xe2\x80\x8e\xef\xbb\xbf");
	words_read(was, &out);
	assert_string_equal(buf_text(&out), "a J\xc3\xb6rg\xe2\x80\xaf???,\n\t7 ?[2J??????\n");
}

/* Two notes of one size: by the log's key, and seen by nobody in their right mind. */
static void
fork_at(uint8_t custodian, const struct checkpoint *end)
{
	struct checkpoint	fork = *end;
	struct lab_showing	s;

	fork.root[3] ^= 1;
	lab_honest(&s, end);
	buf_reset(&s.cosigned);
	lab_note(&net.log, &fork, 0x1e, &s.cosigned);
	s.r.cosigned = data_of(buf_view(&s.cosigned));
	lab_answer(&lab[custodian], LAB_CHECKPOINT, &s.r);
	lab_showing_done(&s);
}

/* Custodians of the mask say that the log lacks it since then. */
static void
hold(uint32_t mask, uint8_t id[32], when since, const struct checkpoint *end)
{
	static char		type[] = "request", who[] = "requester";
	struct lab_showing	s;

	lab_honest(&s, end);
	lab_row(&s, id, type, who, since);
	s.health.handed = 1;
	for (int i = 1; i <= NET_N; i++)
		if (mask >> (i - 1) & 1)
			lab_answer(&lab[i], LAB_CHECKPOINT, &s.r);
	lab_showing_done(&s);
}

static void
status(void **state)
{
	static uint8_t		id[32] = { 9 };
	struct checkpoint	end;
	struct err		err;

	(void)state;
	all_well(&end);
	assert_int_equal(RUN1(cmd_status, &err, "status"), RC_OK);
	hold(0x1f, id, 7, &end);
	assert_int_equal(RUN1(cmd_status, &err, "status"), RC_OK);
	/* Whoever does not answer, the others are shown. */
	lab_refuse(&lab[0], LAB_HEAD, RC_UNSURE, "not now");
	assert_int_equal(RUN1(cmd_status, &err, "status"), RC_UNSURE);
	lab_refuse(&lab[0], LAB_HEAD, RC_DENIED, "not you");
	assert_int_equal(RUN1(cmd_status, &err, "status"), RC_DENIED);
	fork_at(4, &end);
	assert_int_equal(RUN1(cmd_status, &err, "status"), RC_VERIFY);
	assert_non_null(strstr(err.msg, "two pasts"));
	all_well(&end);
	fork_at(4, &end);
	assert_int_equal(RUN2(cmd_status, &err, "status", "--json"), RC_VERIFY);
	cli_json = false;
	/* A coordinator that shows what no quorum signed is none. */
	all_well(&end);
	end.root[0] ^= 1;
	{
		AUTO_DONE(buf_done) struct buf	note = BUF_INIT(BIG);
		Quorate__V1__HeadReply		h = QUORATE__V1__HEAD_REPLY__INIT;

		lab_note(&net.log, &end, 0x7, &note);
		h.cosigned = data_of(buf_view(&note));
		lab_answer(&lab[0], LAB_HEAD, &h);
	}
	assert_int_equal(RUN1(cmd_status, &err, "status"), RC_QUORUM);
}

static void
accuse(void **state)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(BIG);
	struct checkpoint	end;
	struct err		err;

	(void)state;
	all_well(&end);
	assert_int_equal(RUN2(cmd_log, &err, "log", "accuse"), RC_OK);
	/* Fewer than q prove nothing by knowing nothing. */
	lab_refuse(&lab[1], LAB_CHECKPOINT, RC_LIMIT, "busy");
	assert_int_equal(RUN2(cmd_log, &err, "log", "accuse"), RC_OK);
	lab_refuse(&lab[2], LAB_CHECKPOINT, RC_LIMIT, "busy");
	assert_int_equal(RUN2(cmd_log, &err, "log", "accuse"), RC_UNSURE);
	/* One that knows suffices. */
	fork_at(5, &end);
	assert_int_equal(RUN2(cmd_log, &err, "log", "accuse"), RC_VERIFY);
	assert_int_equal(run(cmd_log, &err, "log", "accuse", "--out", in_dir("proof")), RC_VERIFY);
	/* What it wrote stands by itself. */
	assert_int_equal(RUN3(cmd_log, &err, "log", "accuse", in_dir("proof")), RC_OK);
	assert_int_equal(run(cmd_log, &err, "log", "accuse", in_dir("proof"), "--json"), RC_OK);
	cli_json = false;
	must(file_read(in_dir("proof"), &text, &err), &err);
	text.p[text.n - 10] ^= 1;
	put("altered", buf_view(&text), 0644);
	assert_int_equal(exit_code(RUN3(cmd_log, &err, "log", "accuse", in_dir("altered"))), EXIT_NO);
	/* It is never overwritten: it may be all there is. */
	assert_int_equal(run(cmd_log, &err, "log", "accuse", "--out", in_dir("proof")), RC_USAGE);
	assert_int_equal(RUN3(cmd_log, &err, "log", "accuse", in_dir("none")), RC_USAGE);
}

static void
audit(void **state)
{
	static uint8_t		id[32] = { 9 };
	struct checkpoint	end;
	struct err		err;

	(void)state;
	all_well(&end);
	assert_int_equal(RUN1(cmd_audit, &err, "audit"), RC_OK);
	/* Two of five hold something for years, which the log has not; f = 1. */
	hold(0x3, id, 7, &end);
	assert_int_equal(RUN1(cmd_audit, &err, "audit"), RC_VERIFY);
	assert_non_null(strstr(err.msg, "kept out"));
	assert_int_equal(RUN2(cmd_audit, &err, "audit", "--json"), RC_VERIFY);
	cli_json = false;
	/* It has: they are only behind. */
	hold(0x3, logged, 7, &end);
	assert_int_equal(RUN1(cmd_audit, &err, "audit"), RC_OK);
	/* For a moment only; or one alone says so. */
	hold(0x3, id, clock_now(), &end);
	assert_int_equal(RUN1(cmd_audit, &err, "audit"), RC_OK);
	all_well(&end);
	hold(0x2, id, 7, &end);
	assert_int_equal(RUN1(cmd_audit, &err, "audit"), RC_OK);
	all_well(&end);
	fork_at(2, &end);
	assert_int_equal(RUN1(cmd_audit, &err, "audit"), RC_VERIFY);
	assert_non_null(strstr(err.msg, "another past"));
}

/* Who could ask nobody, or only so many as may lie, does not say that nothing is missing. */
static void
audit_alone(void **state)
{
	AUTO_DONE(buf_done) struct buf out = BUF_INIT(BIG);
	struct checkpoint	end;
	struct err		err;

	(void)state;
	all_well(&end);
	for (int i = 1; i <= NET_N; i++)
		lab_refuse(&lab[i], LAB_CHECKPOINT, RC_LIMIT, "busy");
	assert_int_equal(audit_words(NULL, &out, &err), RC_OK);
	assert_non_null(strstr(buf_text(&out), "custodians-not-asked: 0 of 5"));
	assert_non_null(strstr(buf_text(&out), "NOT LOOKED AT"));
	assert_null(strstr(buf_text(&out), "not logged: nothing"));
	assert_int_equal(audit_words("--json", &out, &err), RC_OK);
	assert_non_null(strstr(buf_text(&out), "custodians-not-asked"));
	all_well(&end);
	for (int i = 2; i <= NET_N; i++)
		lab_refuse(&lab[i], LAB_CHECKPOINT, RC_LIMIT, "busy");
	assert_int_equal(audit_words(NULL, &out, &err), RC_OK);
	assert_non_null(strstr(buf_text(&out), "custodians-not-asked: 1 of 5"));
	all_well(&end);
	assert_int_equal(audit_words(NULL, &out, &err), RC_OK);
	assert_null(strstr(buf_text(&out), "custodians-not-asked"));
	assert_non_null(strstr(buf_text(&out), "5 of 5 custodians were asked what was handed in and is not logged: nothing"));
}

/* What its signer saw comes from the custodians: the coordinator is not asked for anything first. */
static void
deny(void **state)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	Quorate__V1__SubmitReply	taken = QUORATE__V1__SUBMIT_REPLY__INIT;
	Quorate__V1__SubmitRequest	*q;
	struct checkpoint		end;
	char				hex[HEX_BYTES(32)];
	char				*argv[] = { "deny", hex, "--reason", "no", "--key", in_dir("key"), NULL };
	struct err			err;

	(void)state;
	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	(void)hex_write(SPAN_OF(logged), hex);
	all_well(&end);
	lab_refuse(&lab[0], LAB_HEAD, RC_IO, NULL);
	lab_refuse(&lab[0], LAB_REQUEST, RC_IO, NULL);
	lab_refuse(&lab[0], LAB_SUBMIT, RC_IO, NULL);
	taken.effective = true;
	for (int i = 1; i <= NET_N; i++)
		lab_answer(&lab[i], LAB_SUBMIT, &taken);
	must(cmd_deny(6, argv, &err), &err);
	assert_int_equal(lab[0].answer[LAB_HEAD].calls, 0);
	assert_int_equal(lab[0].answer[LAB_REQUEST].calls, 0);
	assert_int_equal(lab[0].answer[LAB_SUBMIT].calls, 1);
	q = quorate__v1__submit_request__unpack(NULL, lab[5].answer[LAB_SUBMIT].request.n,
	    lab[5].answer[LAB_SUBMIT].request.p);
	assert_non_null(q);
	must(dsse_parse(SPAN(q->statement.data, q->statement.len), &d, &err), &err);
	must(statement_parse(&d, &s, &err), &err);
	assert_int_equal(q->n_blobs, 0);		/* the reason is erasable: it stays with the coordinator */
	assert_int_equal(s.type, STATEMENT_DECISION);
	assert_false(s.u.decision.approve);
	assert_memory_equal(s.subject, logged, 32);
	assert_int_equal(s.seen_size, end.size);
	assert_memory_equal(s.seen_root, end.root, 32);
	assert_true(lab[5].answer[LAB_SUBMIT].certificate);
	quorate__v1__submit_request__free_unpacked(q, NULL);
	/* An approval asks to be shown what it approves. */
	coordinator_at(&end);
	argv[2] = "--key";
	argv[3] = argv[5];
	argv[4] = NULL;
	assert_int_not_equal(cmd_approve(4, argv, &err), RC_OK);
	assert_int_equal(lab[0].answer[LAB_SUBMIT].calls, 1);
}

/* --- set-up ------------------------------------------------------------------------------------- */

static void
set_up(void)
{
	struct statement	s;
	struct err		err;

	(void)snprintf(dir, sizeof(dir), "%s/quorate-unit.XXXXXX", getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR"));
	MUST(mkdtemp(dir) != NULL);
	lab_found();
	net_statement(&net, &s, STATEMENT_WITHDRAWAL);	/* void, and in the log */
	(void)net_log(&net, &s, &net.person[NET_LEGAL]);
	memcpy(logged, s.id, 32);
	put("charter.json", buf_view(&net.charter_json), 0644);
	put("tls.crt", buf_view(&lab[0].pem), 0644);
	put("tls.key", SPAN(secret_view(lab[0].key), secret_len(lab[0].key)), 0600);
	must(keyfile_generate(in_dir("key"), &(struct key){ 0 }, &err), &err);
	MUST(setenv("QUORATE_CHARTER", in_dir("charter.json"), 1) == 0);
	MUST(setenv("QUORATE_TLS_CERT", in_dir("tls.crt"), 1) == 0);
	MUST(setenv("QUORATE_TLS_KEY", in_dir("tls.key"), 1) == 0);
	MUST(unsetenv("QUORATE_GENESIS") == 0);
	MUST(setenv("XDG_STATE_HOME", in_dir("state"), 1) == 0);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void
tear_down(void)
{
	static const char *const names[] = { "charter.json", "tls.crt", "tls.key", "key", "key.pub", "proof", "altered" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(in_dir(names[i]));
	(void)nftw(in_dir("state"), remove_one, 8, FTW_DEPTH | FTW_PHYS);
	(void)rmdir(dir);
	lab_close();
}

/* Effective, and yet it says what is not: the audit names its entry. The last test, for the log has it then. */
static void
false_release(void **state)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(BIG);
	char		from[FILE_PATH_MAX + 32], words[32];
	struct err	err;

	(void)state;
	(void)snprintf(from, sizeof(from), "%s/exported", dir);
	export_false_release();
	export_note(net.log_entries.n, &net.log, 0xf, &note);
	export_log(from, net.log_entries.n, buf_view(&note));
	(void)snprintf(words, sizeof(words), "entry %zu:", net.log_entries.n - 1);
	assert_int_equal(RUN3(cmd_audit, &err, "audit", "--from", from), RC_VERIFY);
	assert_non_null(strstr(err.msg, words));
	assert_int_equal(run(cmd_audit, &err, "audit", "--from", from, "--json"), RC_VERIFY);
	cli_json = false;
	export_remove(from);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(says_clean),
		cmocka_unit_test(status),
		cmocka_unit_test(accuse),
		cmocka_unit_test(audit),
		cmocka_unit_test(audit_alone),
		cmocka_unit_test(deny),
		cmocka_unit_test(false_release),
	};
	struct err	err;
	int		failed;

	must(secret_init(&err), &err);
	set_up();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	tear_down();
	return failed;
}
