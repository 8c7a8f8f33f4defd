/* Trusted time: when, by whom, and what is not believed; with authorities on loopback. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "audit/anchor.h"
#include "coordinator/anchor.h"
#include "coordinator/cosigning.h"
#include "edge/http.h"
#include "tests/unit/coordinator/rig.h"
#include "tests/unit/tsa.h"

#define ROOM	(1 << 20)

/* ---- an authority on loopback ------------------------------------------------------ */

enum manner { HONEST, OTHER_NONCE, OTHER_SIGNER, OLD_SIGNER, REFUSES, SENDS_ELSEWHERE, SILENT };
enum list { GOOD_LIST, NO_LIST, REVOKED_LIST, OTHERS_LIST, NOISE_LIST, LONG_LIST };

struct authority {
	pthread_t		thread;
	int			listener, quit[2];
	char			url[64], crl[64];
	_Atomic enum manner	manner;
	_Atomic enum list	list;
	atomic_uint		asked;
};

static struct tsa_party	ca, other_ca, tsa, old, strange;
static struct authority	one, two;
static struct buf	charter;

static bool
wait_for(struct authority *a, int fd)
{
	struct pollfd	p[2] = { { fd, POLLIN, 0 }, { a->quit[0], POLLIN, 0 } };

	return poll(p, 2, 60000) > 0 && p[1].revents == 0;
}

static bool
hear(struct authority *a, int fd, char *q, size_t *n)
{
	const char	*end = NULL, *length;
	ssize_t		 got;
	size_t		 body = 0;

	for (*n = 0; end == NULL || *n < (size_t)(end - q) + 4 + body; *n += (size_t)got) {
		if (!wait_for(a, fd) || (got = read(fd, q + *n, 4095 - *n)) <= 0)
			return false;
		q[*n + (size_t)got] = '\0';
		if ((end = strstr(q, "\r\n\r\n")) != NULL && (length = strstr(q, "Content-Length: ")) != NULL)
			body = strtoul(length + 16, NULL, 10);
	}
	return true;
}

static void
say(int fd, const char *head, struct span body)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(ROOM);

	buf_printf(&b, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n", head, body.n);
	buf_span(&b, body);
	(void)!send(fd, b.p, b.n, MSG_NOSIGNAL);
}

static void
answer_list(struct authority *a, int fd)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(ROOM);
	enum list	list = a->list;

	if (list == NO_LIST) {
		say(fd, "404 None", SPAN(NULL, 0));
		return;
	}
	if (list == NOISE_LIST)
		buf_span(&b, SPAN_STR("noise"));
	else if (list == LONG_LIST)
		tsa_crl_long(&ca, 9000, &b);
	else
		tsa_crl(list == OTHERS_LIST ? &other_ca : &ca, list == REVOKED_LIST ? 2 : 99, -60, -1, -100, 1000, &b);
	say(fd, "200 OK\r\nContent-Type: application/pkix-crl", buf_view(&b));
}

static void
answer_query(struct authority *a, int fd, uint8_t *q, size_t n)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(ROOM);
	enum manner		manner = a->manner;
	struct tsa_how		how = { .refuse = manner == REFUSES };
	const struct tsa_party	*by = manner == OTHER_SIGNER ? &strange : manner == OLD_SIGNER ? &old : &tsa;

	if (manner == SENDS_ELSEWHERE) {
		say(fd, "302 Found\r\nLocation: http://127.0.0.1:1/", SPAN(NULL, 0));
		return;
	}
	if (manner == OTHER_NONCE)
		q[n - 4] ^= 1;		/* before the three bytes of certReq */
	tsa_answer(by, NULL, &how, SPAN(q, n), &b);
	say(fd, "200 OK\r\nContent-Type: application/timestamp-reply", buf_view(&b));
}

static void *
serve(void *arg)
{
	struct authority	*a = arg;
	char			 q[4096];
	const char		*body;
	size_t			 n;
	int			 fd;

	while (wait_for(a, a->listener) && (fd = accept(a->listener, NULL, NULL)) >= 0) {
		if (hear(a, fd, q, &n) && strncmp(q, "GET", 3) == 0) {
			answer_list(a, fd);
		} else if (a->manner == SILENT) {
			a->asked++;
			(void)wait_for(a, fd);	/* until who asks hangs up */
		} else {
			a->asked++;
			body = strstr(q, "\r\n\r\n") + 4;
			answer_query(a, fd, (uint8_t *)q + (body - q), n - (size_t)(body - q));
		}
		(void)close(fd);
	}
	return NULL;
}

static void
start(struct authority *a)
{
	struct sockaddr_in	at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t		n = sizeof(at);

	assert_int_equal(pipe(a->quit), 0);
	a->listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(a->listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(a->listener, 8), 0);
	assert_int_equal(getsockname(a->listener, (struct sockaddr *)&at, &n), 0);
	(void)snprintf(a->url, sizeof(a->url), "http://127.0.0.1:%u/", ntohs(at.sin_port));
	(void)snprintf(a->crl, sizeof(a->crl), "http://127.0.0.1:%u/crl", ntohs(at.sin_port));
	assert_int_equal(pthread_create(&a->thread, NULL, serve, a), 0);
}

static void
end(struct authority *a)
{
	assert_int_equal(write(a->quit[1], "", 1), 1);
	assert_int_equal(pthread_join(a->thread, NULL), 0);
	(void)close(a->listener);
	(void)close(a->quit[0]);
	(void)close(a->quit[1]);
}

static void
put_tsa(const char *id, const struct authority *a)
{
	buf_printf(&charter, "{\"id\":\"%s\",\"url\":\"%s\",\"certificates\":[\"", id, a->url);
	b64_write(&charter, tsa_cert(&ca));
	buf_printf(&charter, "\"],\"crls\":[\"%s\"]}", a->crl);
}

static int
set_up(void **state)
{
	(void)state;
	tsa_party_new(&ca, "CA", NULL, true, TSA_EKU, 1, -10, 3650);
	tsa_party_new(&other_ca, "other CA", NULL, true, TSA_EKU, 1, -10, 3650);
	tsa_party_new(&tsa, "TSA", &ca, false, TSA_EKU, 2, -1, 365);
	tsa_party_new(&old, "old TSA", &ca, false, TSA_EKU, 3, -9, -1);
	tsa_party_new(&strange, "stranger", &other_ca, false, TSA_EKU, 4, -1, 365);
	start(&one);
	start(&two);
	charter = BUF_INIT(ROOM);
	buf_printf(&charter, "\"tsas\":[");
	put_tsa("one", &one);
	buf_printf(&charter, ",");
	put_tsa("two", &two);
	buf_printf(&charter, "],\"anchor\":{\"entries\":2,\"seconds\":0}");
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	end(&one);
	end(&two);
	tsa_party_done(&ca);
	tsa_party_done(&other_ca);
	tsa_party_done(&tsa);
	tsa_party_done(&old);
	tsa_party_done(&strange);
	buf_done(&charter);
	return 0;
}

/* ---- when ---------------------------------------------------------------------------- */

static void
schedule(void **state)
{
	static const struct {
		uint64_t	entries, seconds, fresh;
		bool		any;
		when		now;		/* the last was at 1000 */
		bool		due;
	} t[] = {
		{ 10, 60, 0, false, 5000, false },	/* nothing to stamp */
		{ 10, 60, 1, false, 5000, true },	/* never yet */
		{ 10, 60, 0, true, 5000, false },	/* nothing new, however long ago */
		{ 10, 60, 9, true, 1059, false },
		{ 10, 60, 10, true, 1001, true },
		{ 10, 60, 1, true, 1060, true },
		{ 10, 60, 1, true, 1059, false },
		{ 0, 60, 1000000, true, 1059, false },	/* not counted */
		{ 10, 0, 9, true, 1000000, false },	/* not timed */
		{ 10, 60, 1, true, 900, false },	/* a clock that went back */
	};
	struct anchor_at	last = { 3, 2, 1000 };
	struct charter		*c = calloc(1, sizeof(*c));

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		c->anchor_entries = t[i].entries;
		c->anchor_seconds = t[i].seconds;
		if (anchor_due(c, t[i].fresh, t[i].any ? &last : NULL, t[i].now) != t[i].due)
			fail_msg("row %zu", i);
	}
	free(c);
}

/* ---- one exchange ------------------------------------------------------------------------ */

static void
make_tsa(struct tsa *t)
{
	memset(t, 0, sizeof(*t));
	strcpy(t->id, "one");
	strcpy(t->url, one.url);
	t->n_certificates = 1;
	t->certificate[0] = (struct blob_ref){ ca.der, ca.n };
	t->n_crls = 1;
	for (size_t i = 0; i < 3; i++)
		strcpy(t->crl[i], one.crl);
}

static void
exchanges(void **state)
{
	static const struct {
		enum manner	 manner;
		enum list	 list;
		enum rc		 rc;
		const char	*word;		/* of why not, or of what was left out */
		unsigned	 lists;
	} t[] = {
		{ HONEST, GOOD_LIST, RC_OK, "", 1 },
		{ HONEST, NO_LIST, RC_OK, "without a revocation list: http", 0 },
		{ HONEST, NOISE_LIST, RC_OK, "cannot be read", 0 },
		{ HONEST, OTHERS_LIST, RC_OK, "none that could be had is by the signer's issuer", 0 },
		{ HONEST, LONG_LIST, RC_OK, "too long for an entry", 0 },
		{ HONEST, REVOKED_LIST, RC_VERIFY, "certificate revoked", 0 },
		{ OTHER_NONCE, GOOD_LIST, RC_VERIFY, "another nonce", 0 },
		{ OTHER_SIGNER, NO_LIST, RC_VERIFY, "not to be trusted", 0 },
		{ OLD_SIGNER, NO_LIST, RC_VERIFY, "expired", 0 },
		{ REFUSES, GOOD_LIST, RC_DENIED, "refused", 0 },
		{ SENDS_ELSEWHERE, GOOD_LIST, RC_DENIED, "redirects", 0 },
	};
	struct tsa	about;

	(void)state;
	make_tsa(&about);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		AUTO_DONE(buf_done) struct buf blob = BUF_INIT(ANCHOR_BYTES_MAX);
		struct span		root = tsa_cert(&ca);
		struct anchor		a;
		struct timestamp	ts;
		char			left_out[ANCHOR_WORDS];
		struct err		err = { .rc = RC_OK };
		enum rc			rc;

		one.manner = t[i].manner;
		one.list = t[i].list;
		about.n_crls = t[i].list == LONG_LIST ? 3 : 1;
		rc = anchor_ask(&about, SPAN_STR("a note"), NULL, NULL, &blob, left_out, &err);
		if (rc != t[i].rc || strstr(rc == RC_OK ? left_out : err.msg, t[i].word) == NULL ||
		    (t[i].word[0] == '\0' && left_out[0] != '\0'))
			fail_msg("row %zu: %s: %s / %s", i, rc_name(rc), err.msg, left_out);
		assert_int_equal(blob.n == 0, rc != RC_OK);
		if (rc != RC_OK)
			continue;
		assert_int_equal(anchor_parse(buf_view(&blob), &a, NULL), RC_OK);
		assert_true(span_eq(a.note, SPAN_STR("a note")));
		assert_int_equal(a.n_crls, t[i].lists);
		assert_int_equal(a.n_certificates, 1);
		assert_int_equal(anchor_verify(&a, &root, 1, &ts, NULL), RC_OK);
		assert_int_equal(ts.time, TSA_NOW);
	}
	one.manner = HONEST;
	one.list = GOOD_LIST;
}

/* ---- a stamp from the first that answers ---------------------------------------------------- */

static bool always(void *user) { (void)user; return true; }

/* What carries its chain and lists itself is judged by them: roots are enough. */
static enum rc
judge(struct span token, const uint8_t imprint[SHA256_BYTES], struct err *err)
{
	struct span		root = tsa_cert(&ca);
	struct timestamp_trust	trust = { .root = &root, .n_roots = 1 };
	struct timestamp	ts;

	return timestamp_verify(token, imprint, &trust, &ts, err);
}

static void
first_that_answers(void **state)
{
	static const struct {
		enum manner	 one, two;
		enum list	 list;		/* of the first */
		enum rc		 rc;
		size_t		 which;
		const char	*word;
	} t[] = {
		{ HONEST, HONEST, GOOD_LIST, RC_OK, 0, "" },
		{ HONEST, HONEST, NO_LIST, RC_OK, 0, "" },
		{ HONEST, HONEST, REVOKED_LIST, RC_OK, 1, "" },
		{ OTHER_NONCE, HONEST, GOOD_LIST, RC_OK, 1, "" },
		{ OTHER_SIGNER, HONEST, NO_LIST, RC_OK, 1, "" },
		{ OLD_SIGNER, HONEST, NO_LIST, RC_OK, 1, "" },
		{ REFUSES, SENDS_ELSEWHERE, GOOD_LIST, RC_MISSING, 0, "no time-stamp: TSA two: " },
	};
	struct tsa	about[2];
	uint8_t		imprint[SHA256_BYTES] = { 7 };
	struct err	err;
	size_t		which = 9;

	(void)state;
	make_tsa(&about[0]);
	make_tsa(&about[1]);
	strcpy(about[1].id, "two");
	strcpy(about[1].url, two.url);
	strcpy(about[1].crl[0], two.crl);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		AUTO_DONE(buf_done) struct buf token = BUF_INIT(TIMESTAMP_TOKEN_MAX);
		enum rc	rc;

		one.manner = t[i].one;
		one.list = t[i].list;
		two.manner = t[i].two;
		rc = tsa_stamp(about, 2, imprint, NULL, NULL, &token, &which, &err);
		if (rc != t[i].rc || (rc == RC_OK && which != t[i].which) || (rc != RC_OK && strstr(err.msg, t[i].word) == NULL))
			fail_msg("row %zu: %s, by %zu: %s", i, rc_name(rc), which, err.msg);
		assert_int_equal(token.n == 0, rc != RC_OK);
		if (rc == RC_OK)
			assert_int_equal(judge(buf_view(&token), imprint, &err), RC_OK);
	}
	one.manner = two.manner = HONEST;
	one.list = GOOD_LIST;
}

/* A list that came is in the token: years later it is seen without asking anybody. */
static void
lists_are_embedded(void **state)
{
	AUTO_DONE(buf_done) struct buf token = BUF_INIT(TIMESTAMP_TOKEN_MAX), crl = BUF_INIT(ROOM);
	uint8_t		imprint[SHA256_BYTES] = { 7 };
	struct tsa	about;
	size_t		which, i;

	(void)state;
	make_tsa(&about);
	tsa_crl(&ca, 99, -60, -1, -100, 1000, &crl);
	assert_int_equal(tsa_stamp(&about, 1, imprint, NULL, NULL, &token, &which, NULL), RC_OK);
	/* Signed anew each time: up to its signature. */
	for (i = 0; i + crl.n <= token.n && memcmp(token.p + i, crl.p + 4, crl.n - 84) != 0; i++)
		;
	assert_true(i + crl.n <= token.n);
}

/* One that is silent does not hold up the next, nor all of them the package, nor any whoever stops. */
static void
silence_is_bounded(void **state)
{
	AUTO_DONE(buf_done) struct buf token = BUF_INIT(TIMESTAMP_TOKEN_MAX);
	uint8_t		imprint[SHA256_BYTES] = { 7 };
	struct tsa	about[4];
	struct err	err;
	size_t		which;
	uint64_t	began = clock_ms();

	(void)state;
	for (size_t i = 0; i < 4; i++)
		make_tsa(&about[i]);
	strcpy(about[3].url, two.url);
	one.manner = SILENT;
	assert_int_equal(tsa_stamp(about, 4, imprint, always, NULL, &token, &which, &err), RC_UNSURE);
	assert_true(clock_ms() - began < TSA_STAMP_ALL_MS - 500);	/* as long as one is given, and not all */
	assert_int_equal(tsa_stamp(about, 4, imprint, NULL, NULL, &token, &which, &err), RC_MISSING);
	assert_int_equal(token.n, 0);
	assert_int_equal(tsa_stamp(about + 2, 2, imprint, NULL, NULL, &token, &which, &err), RC_OK);
	assert_int_equal(which, 1);
	buf_reset(&token);
	assert_int_equal(tsa_stamp(NULL, 0, imprint, NULL, NULL, &token, &which, &err), RC_MISSING);
	assert_int_equal(token.n, 0);
	one.manner = HONEST;
}

/* ---- a log that is stamped ------------------------------------------------------------------ */

static struct rig	*rig;

static bool
soon(bool (*is)(void))
{
	for (int i = 0; i < 6000; i++) {
		if (is())
			return true;
		(void)usleep(10000);
	}
	return false;
}

/* Four custodians cosign all that is there, once the log has signed it. */
static void
cosign(void)
{
	struct target	t = { 0, BUF_INIT(NOTE_BYTES_MAX) };
	uint64_t	size = sequencer_size(rig->c.sequencer);
	unsigned	have;

	for (int i = 0; i < 6000 && t.size < size; i++) {
		assert_int_equal(cosigning_target(rig->c.cosigning, clock_ms() + 100000, &t, NULL), RC_OK);
		(void)usleep(10000);
	}
	assert_true(t.size >= size);
	for (uint8_t i = 1; i <= 4; i++) {
		AUTO_DONE(buf_done) struct buf line = BUF_INIT(1024);

		rig_line(rig, i, rig_text(buf_view(&t.note)), &line);
		assert_int_equal(cosigning_add(rig->c.cosigning, i, t.size, buf_view(&line), clock_ms(), NULL), RC_OK);
	}
	assert_int_equal(cosigning_wait(rig->c.cosigning, t.size, 5000, &have, NULL), RC_OK);
	buf_done(&t.note);
}

/* An entry of some kind; void will do. */
static void
log_one(void)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct submission	sub = { .why = VOID_NONE };

	rig_revocation(rig, NET_LEGAL, &dsse);
	sub.dsse = buf_view(&dsse);
	assert_int_equal(sequencer_submit(rig->c.sequencer, &sub, NULL), RC_OK);
	assert_int_equal(sub.fate, FATE_LOGGED);
}

static struct anchor_status
status(uint32_t i)
{
	AUTO(reader_give) struct reader *r = reader_take(rig->c.readers);
	struct anchor_status	s;

	assert_int_equal(anchors_status(rig->c.anchors, r, coordinator_charter(&rig->c), i, &s, NULL), RC_OK);
	return s;
}

static bool three_entries(void) { return sequencer_size(rig->c.sequencer) == 3; }
static bool five_entries(void) { return sequencer_size(rig->c.sequencer) == 5; }
static bool seven_entries(void) { return sequencer_size(rig->c.sequencer) == 7; }
static bool one_fails(void) { return status(0).words[0] != '\0'; }
static bool one_is_good(void) { return status(0).any && !status(0).overdue; }
static bool two_is_good(void) { return status(1).any && !status(1).overdue; }
static bool was_asked(void) { return one.asked > 0; }

static void
begin(void)
{
	rig = calloc(1, sizeof(*rig));
	rig_init_tsas(rig, buf_text(&charter));
	rig_start(rig);
	one.asked = two.asked = 0;
	assert_int_equal(anchors_new(&rig->c, &rig->c.anchors, NULL), RC_OK);
}

static void
finish(void)
{
	anchors_free(rig->c.anchors);
	rig->c.anchors = NULL;
	rig_stop(rig);
	rig_done(rig);
	free(rig);
}

/* Every two entries, by each; stamps themselves are not counted; nothing uncosigned is stamped. */
static void
stamps(void **state)
{
	struct anchor_status	s;

	(void)state;
	begin();
	(void)usleep(1200000);
	assert_int_equal(sequencer_size(rig->c.sequencer), 1);
	assert_int_equal(one.asked, 0);
	cosign();
	assert_true(soon(three_entries));
	s = status(0);
	assert_true(s.any && !s.overdue && s.words[0] == '\0');
	assert_int_equal(s.last.size, 1);
	cosign();
	log_one();
	cosign();
	(void)usleep(1200000);
	assert_int_equal(sequencer_size(rig->c.sequencer), 4);
	log_one();
	assert_true(soon(five_entries));
	cosign();
	assert_true(soon(seven_entries));
	assert_int_equal(status(0).last.size, 5);
	assert_int_equal(status(1).last.size, 5);
	assert_int_equal(one.asked, 2);
	finish();
}

/* One that lies leaves nothing in the log; the other is not held up; and it is told until it is over. */
static void
fails(void **state)
{
	struct anchor_status	s;

	(void)state;
	one.manner = OTHER_NONCE;
	begin();
	cosign();
	assert_true(soon(one_fails));
	s = status(0);
	assert_true(s.overdue && !s.any);
	assert_memory_equal(s.words, "since 20", 8);
	assert_non_null(strstr(s.words, ": time-stamp: not an answer to this question"));
	assert_true(soon(two_is_good));
	(void)usleep(100000);
	assert_int_equal(sequencer_size(rig->c.sequencer), 2);
	one.manner = HONEST;
	assert_true(soon(one_is_good));
	assert_int_equal(status(0).words[0], '\0');
	assert_int_equal(sequencer_size(rig->c.sequencer), 3);
	finish();
}

static void
is_broken_off(void **state)
{
	uint64_t	since;

	(void)state;
	one.manner = SILENT;
	begin();
	cosign();
	assert_true(soon(was_asked));
	since = clock_ms();
	finish();
	assert_true(clock_ms() - since < ANCHOR_ASK_MS - 5000);
	one.manner = HONEST;
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(schedule),
		cmocka_unit_test(exchanges),
		cmocka_unit_test(first_that_answers),
		cmocka_unit_test(lists_are_embedded),
		cmocka_unit_test(silence_is_bounded),
		cmocka_unit_test(stamps),
		cmocka_unit_test(fails),
		cmocka_unit_test(is_broken_off),
	};

	if (http_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
