/*
 * "It refuses", opening notes: of another network, order or recipient, with a list that accuses who did
 * not contribute, by another key, changed in any bit. The log keeps them all, and none of them counts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/opening.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/world.h"
#include "tests/unit/fault.h"

#define BIG	((size_t)1 << 20)

static struct world	w;
static struct memfile	good;
static struct opening	told;		/* what package_open() says */

static enum rc
ignore(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at, struct span plaintext,
    struct err *err)
{
	(void)user;
	(void)id;
	(void)part;
	(void)at;
	(void)plaintext;
	(void)err;
	return RC_OK;
}

static int
up(void **state)
{
	struct package_report	rep;

	(void)state;
	world_up(&w, "direct");
	assert_true(world_package(&w, &good));
	assert_int_equal(package_open(memfile_read, &good, good.b.n, WORLD_TRUST(w.net.genesis, w.net.now),
	    w.net.recipient_key, SPAN(NULL, 0), ignore, NULL, &rep, &told, NULL), RC_OK);
	sha256_one(told.package, buf_view(&good.b));
	told.opened = w.net.now;
	return 0;
}

static int
down(void **state)
{
	(void)state;
	opening_done(&told);
	memfile_done(&good);
	world_down(&w);
	return 0;
}

static void
sign(const struct opening *o, EVP_PKEY *key, const struct buf *certificate, struct buf *der)
{
	*der = BUF_INIT(OPENING_BYTES_MAX);
	assert_int_equal(opening_sign(o, key, buf_view(certificate), der, NULL), RC_OK);
}

/* --- in the log ----------------------------------------------------------------------- */

/* Logged by a person of the charter: what comes of it. */
static enum void_reason
acknowledge(const struct buf *der, const uint8_t order[SHA256_BYTES], uint32_t bad, enum net_person by)
{
	struct statement	s;
	struct verdict		v;

	assert_int_equal(memstate_blob(w.net.mem, buf_view(der), NULL), RC_OK);
	net_statement(&w.net, &s, STATEMENT_ACKNOWLEDGEMENT);
	memcpy(s.subject, order, SHA256_BYTES);
	sha256_one(s.u.acknowledgement.opening, buf_view(der));
	s.u.acknowledgement.bad = bad;
	v = net_log(&w.net, &s, &w.net.person[by]);
	assert_int_equal(v.effective, v.why == VOID_NONE);
	return v.why;
}

static void nothing(struct opening *o) { (void)o; }
static void another_network(struct opening *o) { o->genesis[0] ^= 1; }
static void another_order(struct opening *o) { o->order[0] ^= 1; }
static void an_accusation(struct opening *o) { o->bad = 1; }
static void who_was_not_there(struct opening *o) { o->bad = 2; }	/* custodian 2 */

static void
notes_in_the_log(void **state)
{
	static const struct {
		const char	*what;
		void		(*change)(struct opening *o);
		bool		 worker;		/* signed by it, with its certificate */
		uint32_t	 says;			/* the statement: bad */
		enum void_reason why;
	} row[] = {
		{ "another network", another_network, false, 0, VOID_OPENING },
		{ "another order", another_order, false, 0, VOID_OPENING },
		{ "another recipient", nothing, true, 0, VOID_OPENING },
		{ "a statement that accuses more", nothing, false, 1, VOID_OPENING },
		{ "a statement that accuses less", an_accusation, false, 0, VOID_OPENING },
		{ "a statement that accuses another", an_accusation, false, 4, VOID_OPENING },
		{ "who did not contribute", who_was_not_there, false, 2, VOID_SCOPE },
		{ "as it should be", an_accusation, false, 1, VOID_NONE },
		{ "a second time by the same", nothing, false, 0, VOID_DUPLICATE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct opening		o = told;
		struct buf		der;
		enum void_reason	why;

		row[i].change(&o);
		sign(&o, row[i].worker ? w.net.worker_key : w.net.recipient_key, row[i].worker ? &w.net.worker :
		    &w.net.recipient, &der);
		why = acknowledge(&der, w.order, row[i].says, NET_LEGAL);
		if (why != row[i].why)
			fail_msg("%s: %s", row[i].what, void_reason_name(why));
		buf_done(&der);
	}
}

/* By whom, of what, and of nothing that is a note. */
static void
logged_otherwise(void **state)
{
	uint8_t		other[SHA256_BYTES] = { 1 };
	struct buf	der, none = BUF_INIT(BIG);

	(void)state;
	sign(&told, w.net.recipient_key, &w.net.recipient, &der);
	assert_int_not_equal(acknowledge(&der, w.order, 0, NET_STRANGER), VOID_NONE);
	assert_int_equal(acknowledge(&der, other, 0, NET_COURT), VOID_UNKNOWN_SUBJECT);
	assert_int_equal(acknowledge(&der, w.request, 0, NET_COURT), VOID_UNKNOWN_SUBJECT);
	buf_span(&none, SPAN_STR("{\"opening\":1}"));
	assert_int_equal(acknowledge(&none, w.order, 0, NET_COURT), VOID_OPENING);
	buf_u8(&der, 0);
	assert_int_equal(acknowledge(&der, w.order, 0, NET_COURT), VOID_OPENING);
	der.n--;
	assert_int_equal(acknowledge(&der, w.order, 0, NET_COURT), VOID_NONE);
	buf_done(&der);
	buf_done(&none);
}

/* --- by itself ---------------------------------------------------------------------------- */

/* The package and the digests in it are the recipient's word: under its signature, and no other's. */
static void
by_another_key(void **state)
{
	struct opening	o;
	struct buf	der, other = BUF_INIT(OPENING_BYTES_MAX);
	uint8_t		*at;

	(void)state;
	assert_int_equal(opening_sign(&told, w.net.worker_key, buf_view(&w.net.recipient), &other, NULL), RC_USAGE);
	sign(&told, w.net.worker_key, &w.net.worker, &der);
	assert_int_equal(opening_verify(buf_view(&der), buf_view(&w.net.worker), &o, NULL), RC_OK);
	opening_done(&o);
	assert_int_equal(opening_verify(buf_view(&der), buf_view(&w.net.recipient), &o, NULL), RC_VERIFY);
	/* The signature of one note under the text of another. */
	at = memmem(der.p, der.n, "\"package\":\"", 11);
	assert_non_null(at);
	at[11] = at[11] == '0' ? '1' : '0';
	assert_int_equal(opening_verify(buf_view(&der), buf_view(&w.net.worker), &o, NULL), RC_FORMAT);
	buf_done(&der);
	buf_done(&other);
}

static void
no_bit_is_free(void **state)
{
	struct opening	o;
	struct buf	der;

	(void)state;
	sign(&told, w.net.recipient_key, &w.net.recipient, &der);
	for (size_t i = 0; i < der.n; i++) {
		der.p[i] ^= (uint8_t)(1 << i % 8);
		if (opening_verify(buf_view(&der), buf_view(&w.net.recipient), &o, NULL) == RC_OK)
			fail_msg("byte %zu is free", i);
		der.p[i] ^= (uint8_t)(1 << i % 8);
	}
	for (size_t n = 0; n < der.n; n += n < 64 || der.n - n < 64 ? 1 : 13) {
		uint8_t	*cut = heap_copy(der.p, n);

		assert_int_not_equal(opening_verify(SPAN(cut, n), buf_view(&w.net.recipient), &o, NULL), RC_OK);
		free(cut);
	}
	buf_done(&der);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(notes_in_the_log, up, down),
		cmocka_unit_test_setup_teardown(logged_otherwise, up, down),
		cmocka_unit_test_setup_teardown(by_another_key, up, down),
		cmocka_unit_test_setup_teardown(no_bit_is_free, up, down),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
