/*
 * The release worker as its parent sees it. This program is started again as the
 * worker: /proc/self/exe with the worker's command.
 */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "coordinator/standby.h"
#include "evidence/case.h"
#include "evidence/cms.h"
#include "tests/unit/coordinator/rig.h"
#include "tests/unit/fault.h"

static struct net	net;
static struct err	err;

static int
setup(void **state)
{
	(void)state;
	net_init(&net);
	/* The worker reads the clock: the log must not be of the past or the future. */
	net.now = clock_now() - 2;
	(void)signal(SIGPIPE, SIG_IGN);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	net_done(&net);
	return 0;
}

/* ---- frames ---------------------------------------------------------------- */

static void
frames_are_whole_or_nothing(void **state)
{
	static const uint8_t	sent[] = { 0, 0, 0, 3, WORKER_ANSWER, 'a', 'b', 'c' };
	struct buf		body = BUF_INIT(16);
	uint8_t			kind;
	size_t			n;
	int			p[2];

	(void)state;
	for (n = 0; n <= sizeof(sent); n++) {
		assert_int_equal(pipe(p), 0);
		assert_int_equal(write(p[1], sent, n), (ssize_t)n);
		assert_int_equal(close(p[1]), 0);
		assert_int_equal(frame_receive(p[0], -1, &kind, &body, &err),
		    n == sizeof(sent) ? RC_OK : RC_UNSURE);
		assert_int_equal(close(p[0]), 0);
	}
	assert_int_equal(kind, WORKER_ANSWER);
	assert_true(span_eq(buf_view(&body), SPAN_STR("abc")));
	buf_done(&body);
}

static void
frames_are_bounded(void **state)
{
	static const uint8_t	large[] = { 0xff, 0xff, 0xff, 0xff, WORKER_CASE };
	static const uint8_t	over[] = { 0, 0, 0, 17, WORKER_CASE };
	struct buf		body = BUF_INIT(16);
	uint8_t			kind;
	int			p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(write(p[1], large, sizeof(large)), (ssize_t)sizeof(large));
	assert_int_equal(frame_receive(p[0], -1, &kind, &body, &err), RC_FORMAT);
	assert_int_equal(write(p[1], over, sizeof(over)), (ssize_t)sizeof(over));
	assert_int_equal(frame_receive(p[0], -1, &kind, &body, &err), RC_FORMAT);
	assert_int_equal(close(p[0]), 0);
	assert_int_equal(frame_send(p[1], -1, WORKER_CASE, SPAN_STR("x"), &err), RC_UNSURE);
	assert_int_equal(close(p[1]), 0);
}

/* ---- a worker ---------------------------------------------------------------- */

static unsigned
open_files(pid_t pid)
{
	char		path[64];
	unsigned	n = 0;
	struct dirent	*e;
	DIR		*d;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if ((d = opendir(path)) == NULL)
		return 3;	/* not dumpable: only root may look */
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	(void)closedir(d);
	return n;
}

static void
has_pipes_and_nothing_else(void **state)
{
	struct buf	cert = BUF_INIT(CMS_CERT_MAX);
	struct hired	w;
	int		leak = dup(2);		/* inherited, were it not closed */

	(void)state;
	hired_init(&w);
	assert_int_equal(hired_start(&w, net.genesis, &cert, &err), RC_OK);
	assert_int_equal(cms_recipient_check(buf_view(&cert), &err), RC_OK);
	assert_int_equal(open_files(w.pid), 3);
	hired_done(&w);
	assert_int_equal(w.pid, 0);
	assert_int_equal(close(leak), 0);
	buf_done(&cert);
}

static void
every_worker_has_its_own_key(void **state)
{
	struct buf	a = BUF_INIT(CMS_CERT_MAX), b = BUF_INIT(CMS_CERT_MAX);
	struct hired	v, w;

	(void)state;
	hired_init(&v);
	hired_init(&w);
	assert_int_equal(hired_start(&v, net.genesis, &a, &err), RC_OK);
	assert_int_equal(hired_start(&w, net.genesis, &b, &err), RC_OK);
	assert_false(span_eq(buf_view(&a), buf_view(&b)));
	hired_done(&v);
	hired_done(&w);
	buf_done(&a);
	buf_done(&b);
}

static void
a_killed_worker_is_noticed(void **state)
{
	struct buf	cert = BUF_INIT(CMS_CERT_MAX), keys = BUF_INIT(CMS_BYTES_MAX);
	uint32_t	good, bad;
	struct hired	w;

	(void)state;
	hired_init(&w);
	assert_int_equal(hired_start(&w, net.genesis, &cert, &err), RC_OK);
	hired_kill(&w);
	assert_int_equal(hired_combine(&w, &good, &bad, &keys, &err), RC_UNSURE);
	hired_done(&w);
	buf_done(&cert);
	buf_done(&keys);
}

/* A worker that hangs does not hold its release for ever, nor stay behind. */
static void
a_silent_worker_is_given_up(void **state)
{
	struct buf	cert = BUF_INIT(CMS_CERT_MAX), keys = BUF_INIT(CMS_BYTES_MAX);
	uint8_t		*large = calloc(1, 1 << 20);
	uint32_t	good, bad;
	struct hired	w;
	pid_t		pid;

	(void)state;
	assert_non_null(large);
	hired_init(&w);
	assert_int_equal(hired_start(&w, net.genesis, &cert, &err), RC_OK);
	pid = w.pid;
	w.silent_ms = 100;
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(hired_combine(&w, &good, &bad, &keys, &err), RC_IO);
	assert_int_equal(hired_answer(&w, 1, SPAN(large, 1 << 20), SPAN_STR("r"), &err), RC_IO);
	hired_done(&w);
	assert_int_equal(kill(pid, 0), -1);
	free(large);
	buf_done(&cert);
	buf_done(&keys);
}

/* It says nothing and has no key before it is to begin, and begins once. */
static void
begins_when_it_is_told(void **state)
{
	struct buf	cert = BUF_INIT(CMS_CERT_MAX), keys = BUF_INIT(CMS_BYTES_MAX);
	uint32_t	good, bad;
	uint8_t		kind;
	struct hired	w;

	(void)state;
	hired_init(&w);
	assert_int_equal(hired_spawn(&w, net.genesis, &err), RC_OK);
	assert_int_equal(frame_receive(w.from, 200, &kind, &cert, &err), RC_IO);
	assert_int_equal(hired_begin(&w, &cert, &err), RC_OK);
	assert_int_equal(cms_recipient_check(buf_view(&cert), &err), RC_OK);
	assert_int_equal(hired_begin(&w, &cert, &err), RC_FORMAT);
	hired_done(&w);
	assert_int_equal(hired_spawn(&w, net.genesis, &err), RC_OK);
	assert_int_equal(hired_combine(&w, &good, &bad, &keys, &err), RC_FORMAT);
	hired_done(&w);
	buf_done(&cert);
	buf_done(&keys);
}

/* ---- one that waits --------------------------------------------------------------- */

/* Its process: there is one thread that starts it, at its own time. */
static pid_t
waits(void)
{
	char	path[64], pid[16];
	pid_t	found = 0;
	int	tries;
	FILE	*f;

	/* Of all threads of ours, since each has its own children. */
	for (tries = 0; tries < 1000 && found == 0; tries++) {
		struct dirent	*e;
		DIR		*d = opendir("/proc/self/task");

		assert_non_null(d);
		while ((e = readdir(d)) != NULL) {
			(void)snprintf(path, sizeof(path), "/proc/self/task/%.20s/children", e->d_name);
			if (e->d_name[0] == '.' || (f = fopen(path, "r")) == NULL)
				continue;
			if (fscanf(f, "%15s", pid) == 1)
				found = (pid_t)strtol(pid, NULL, 10);
			(void)fclose(f);
		}
		(void)closedir(d);
		(void)usleep(10000);
	}
	return found;
}

static void
one_that_waits_is_taken(void **state)
{
	struct buf	cert = BUF_INIT(CMS_CERT_MAX), other = BUF_INIT(CMS_CERT_MAX);
	struct standby	*s;
	struct hired	v, w;
	pid_t		pid;

	(void)state;
	hired_init(&v);
	hired_init(&w);
	assert_int_equal(standby_new(net.genesis, &s, &err), RC_OK);
	pid = waits();
	assert_true(pid > 0);
	assert_int_equal(standby_take(s, &v, &cert, &err), RC_OK);
	assert_int_equal(v.pid, pid);
	/* Nobody else gets it: the next is another, though none waits. */
	assert_int_equal(standby_take(s, &w, &other, &err), RC_OK);
	assert_int_not_equal(w.pid, pid);
	assert_false(span_eq(buf_view(&cert), buf_view(&other)));
	hired_done(&v);
	hired_done(&w);
	standby_fill(s);
	pid = waits();
	assert_true(pid > 0);
	standby_free(s);
	assert_int_equal(kill(pid, 0), -1);
	buf_done(&cert);
	buf_done(&other);
}

static void
one_that_died_as_it_waited_is_replaced(void **state)
{
	struct buf	cert = BUF_INIT(CMS_CERT_MAX);
	struct standby	*s;
	struct hired	w;
	pid_t		pid;

	(void)state;
	hired_init(&w);
	assert_int_equal(standby_new(net.genesis, &s, &err), RC_OK);
	pid = waits();
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(standby_take(s, &w, &cert, &err), RC_OK);
	assert_int_not_equal(w.pid, pid);
	assert_int_equal(cms_recipient_check(buf_view(&cert), &err), RC_OK);
	hired_done(&w);
	standby_free(s);
	buf_done(&cert);
}

/* ---- a case ---------------------------------------------------------------------- */

struct given {
	uint8_t		order[SHA256_BYTES];
	struct buf	bytes;
};

static void
add_entries(struct evidence_case *c, uint8_t (*leaf)[TREE_HASH_BYTES])
{
	struct tree_path	path;
	size_t			i;

	for (i = 0; i < net.log_entries.n; i++) {
		assert_int_equal(tree_inclusion_of(
		    (const uint8_t (*)[TREE_HASH_BYTES])leaf, net.log_entries.n, i, &path, &err), RC_OK);
		assert_int_equal(case_add_entry(c, i, buf_view(&net.log_entries.leaf[i]), &path, &err), RC_OK);
	}
}

/* The checkpoint over the net's log, by the log and the first `n` custodians. */
static void
make_note(const struct charter *charter, unsigned n, uint8_t (*leaf)[TREE_HASH_BYTES],
    struct buf *note)
{
	struct checkpoint	cp = { .size = net.log_entries.n };
	struct buf		text = BUF_INIT(NOTE_BYTES_MAX);
	struct rig		r;
	struct note_key		key;
	uint8_t			sig[NOTE_SIG_BYTES], i;

	(void)snprintf(cp.origin, sizeof(cp.origin), "%.127s", charter->origin);
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])leaf, net.log_entries.n, cp.root);
	checkpoint_text(&cp, &text);
	assert_int_equal(charter_log_note_key(charter, &key, &err), RC_OK);
	assert_int_equal(net.log.signer.sign(net.log.signer.user, buf_view(&text), sig, &err), RC_OK);
	buf_span(note, buf_view(&text));
	buf_u8(note, '\n');
	note_sig_line(&key, 0, sig, note);
	memset(&r, 0, sizeof(r));
	r.c.first = charter;
	for (i = 1; i <= n; i++) {
		r.net.signing[i - 1].signer = net.signing[i - 1].signer;
		rig_line(&r, i, buf_view(&text), note);
	}
	buf_done(&text);
}

/* An order to `addressee`, over one artifact, with two approvals missing or not. */
static void
order_to(struct span addressee, bool approved, uint8_t ret[SHA256_BYTES],
    struct net_artifact *artifact, uint8_t scope[SHA256_BYTES])
{
	uint8_t		 request[SHA256_BYTES];
	struct statement s;
	struct verdict	 v;

	*artifact = net_seal(&net, "pair");
	net_scope(&net, artifact, 1, "image:0-3", scope);
	net_requested(&net, artifact, 1, "pair", request);
	(void)net_decide(&net, request, NET_LEGAL, true);
	if (approved)
		(void)net_decide(&net, request, NET_COMPLIANCE, true);
	net_statement(&net, &s, STATEMENT_ORDER);
	s.expires = s.issued + 600;
	memcpy(s.subject, request, SHA256_BYTES);
	memcpy(s.u.order.scope, scope, SHA256_BYTES);
	buf_done(&s.bytes);
	s.bytes = BUF_INIT(RECIPIENT_CERT_MAX);
	buf_span(&s.bytes, addressee);
	v = net_log(&net, &s, &net.log);
	assert_int_equal(v.effective, approved);
	memcpy(ret, v.id, SHA256_BYTES);
}

static void
make_case(struct span addressee, bool approved, unsigned cosigners, struct given *g)
{
	const struct state	*st = memstate_state(net.mem);
	struct evidence_case	 c = CASE_INIT;
	struct charter		*charter = NULL;
	struct buf		 note = BUF_INIT(NOTE_BYTES_MAX), scope = BUF_INIT(4096);
	struct buf		 descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct net_artifact	 artifact;
	struct escrow_at	 at;
	struct tree_path	 none = { .n = 0 };
	uint8_t			(*leaf)[TREE_HASH_BYTES], digest[SHA256_BYTES];
	size_t			 i;

	order_to(addressee, approved, g->order, &artifact, digest);
	leaf = calloc(net.log_entries.n, sizeof(*leaf));
	assert_non_null(leaf);
	for (i = 0; i < net.log_entries.n; i++)
		tree_leaf(buf_view(&net.log_entries.leaf[i]), leaf[i]);
	assert_int_equal(charter_parse(buf_view(&net.charter_json), &charter, &err), RC_OK);
	make_note(charter, cosigners, leaf, &note);
	add_entries(&c, leaf);
	assert_int_equal(st->escrow_find(st->user, artifact.id, &at, &descriptor, &err), RC_OK);
	assert_int_equal(case_add_artifact(&c, artifact.id, at.batch, at.leaf, &none,
	    buf_view(&descriptor), &err), RC_OK);
	assert_int_equal(st->blob(st->user, digest, &scope, &err), RC_OK);
	c.charter = buf_view(&net.charter_json);
	c.scope = buf_view(&scope);
	c.checkpoint = buf_view(&note);
	g->bytes = BUF_INIT(CASE_BYTES_MAX);
	assert_int_equal(case_write(&c, &g->bytes, &err), RC_OK);
	case_done(&c);
	charter_free(charter);
	buf_done(&note);
	buf_done(&scope);
	buf_done(&descriptor);
	free(leaf);
}

/* What a fresh worker says to a case of a fresh network; or of another genesis. */
static enum rc
brief(bool right_genesis, bool own, bool approved, unsigned cosigners)
{
	static const uint8_t	other[SHA256_BYTES] = { 1 };
	struct buf	cert = BUF_INIT(CMS_CERT_MAX);
	struct given	g;
	struct hired	w;
	enum rc		rc;

	(void)setup(NULL);
	hired_init(&w);
	assert_int_equal(hired_start(&w, right_genesis ? net.genesis : other, &cert, &err), RC_OK);
	make_case(own ? buf_view(&cert) : buf_view(&net.worker), approved, cosigners, &g);
	rc = hired_case(&w, g.order, buf_view(&g.bytes), &err);
	hired_done(&w);
	buf_done(&g.bytes);
	buf_done(&cert);
	(void)teardown(NULL);
	return rc;
}

static void
believes_a_whole_case(void **state)
{
	(void)state;
	assert_int_equal(brief(true, true, true, 5), RC_OK);
	assert_int_equal(brief(true, true, true, 4), RC_OK);
}

static void
believes_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(brief(false, true, true, 5), RC_VERIFY);
	assert_int_equal(brief(true, false, true, 5), RC_VERIFY);	/* another worker's order */
	assert_int_not_equal(brief(true, true, false, 5), RC_OK);	/* not approved */
	assert_int_equal(brief(true, true, true, 3), RC_QUORUM);		/* not cosigned */
}

static void
combines_only_good_answers(void **state)
{
	struct buf	cert = BUF_INIT(CMS_CERT_MAX), keys = BUF_INIT(CMS_BYTES_MAX);
	uint32_t	good = 9, bad = 0;
	struct given	g;
	struct hired	w;

	(void)state;
	hired_init(&w);
	assert_int_equal(hired_start(&w, net.genesis, &cert, &err), RC_OK);
	make_case(buf_view(&cert), true, 5, &g);
	assert_int_equal(hired_case(&w, g.order, buf_view(&g.bytes), &err), RC_OK);
	/* Neither a message nor a receipt: whoever sent it is bad, and too few are left. */
	assert_int_equal(hired_answer(&w, 2, SPAN_STR("no CMS"), SPAN_STR("{}"), &err), RC_OK);
	assert_int_equal(hired_combine(&w, &good, &bad, &keys, &err), RC_QUORUM);
	assert_int_equal(good, 0);
	assert_int_equal(bad, 2);
	assert_int_equal(keys.n, 0);
	hired_done(&w);
	buf_done(&g.bytes);
	buf_done(&cert);
	buf_done(&keys);
}

static void
malformed_input_ends_it(void **state)
{
	static const uint8_t	order[SHA256_BYTES] = { 1 };
	struct buf		cert = BUF_INIT(CMS_CERT_MAX), keys = BUF_INIT(CMS_BYTES_MAX);
	uint32_t		good, bad;
	struct hired		w;

	(void)state;
	hired_init(&w);
	assert_int_equal(hired_start(&w, net.genesis, &cert, &err), RC_OK);
	assert_int_equal(hired_case(&w, order, SPAN_STR("not a case"), &err), RC_FORMAT);
	hired_done(&w);
	buf_reset(&cert);
	assert_int_equal(hired_start(&w, net.genesis, &cert, &err), RC_OK);
	assert_int_equal(hired_combine(&w, &good, &bad, &keys, &err), RC_FORMAT);	/* no case */
	hired_done(&w);
	buf_done(&cert);
	buf_done(&keys);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(int argc, char **argv)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(frames_are_whole_or_nothing),
		T(frames_are_bounded),
		T(has_pipes_and_nothing_else),
		T(every_worker_has_its_own_key),
		T(a_killed_worker_is_noticed),
		T(a_silent_worker_is_given_up),
		T(begins_when_it_is_told),
		T(one_that_waits_is_taken),
		T(one_that_died_as_it_waited_is_replaced),
		cmocka_unit_test(believes_a_whole_case),
		cmocka_unit_test(believes_nothing_else),
		T(combines_only_good_answers),
		T(malformed_input_ends_it),
	};

	if (argc > 1 && strcmp(argv[1], WORKER_COMMAND) == 0)
		return worker_main(argc - 1, argv + 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
