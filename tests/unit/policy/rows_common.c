/* Rows: what every statement must pass. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/policy/rows.h"

/* Signs without logging; free with buf_done(). */
static struct buf
sign(struct statement *s, const struct test_key *by)
{
	struct buf	b = BUF_INIT(BIG);

	assert_int_equal(statement_sign(s, &by->signer, &b, NULL), RC_OK);
	statement_done(s);
	return b;
}

static struct verdict
log_buf(struct net *n, struct buf b)
{
	struct verdict	v = net_log_dsse(n, buf_view(&b));

	buf_done(&b);
	return v;
}


static struct verdict
no_json(struct net *n)
{
	return net_log_dsse(n, SPAN_STR("this is no envelope"));
}

static struct verdict
trailing_byte(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];
	struct buf		b;

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	b = sign(&s, &n->person[NET_LEGAL]);
	buf_u8(&b, 'x');
	return log_buf(n, b);
}

static struct verdict
held_in_the_log(struct net *n)
{
	struct statement	s;

	net_statement(n, &s, STATEMENT_HELD);
	s.u.held.custodian = 1;
	return net_log(n, &s, &n->signing[0]);
}

/* A payload whose text is edited before it is signed: from -> to, same length. */
static struct verdict
edited(struct net *n, const char *from, const char *to)
{
	struct statement	s;
	uint8_t			request[32];
	struct buf		p = BUF_INIT(BIG), b = BUF_INIT(BIG);
	char			*at;

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	key_id(&n->person[NET_LEGAL].signer.key, s.signer);
	assert_int_equal(statement_write(&s, &p, NULL), RC_OK);
	at = strstr(buf_text(&p), from);
	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
	assert_int_equal(dsse_sign(buf_view(&p),
	    &n->person[NET_LEGAL].signer, &b, NULL), RC_OK);
	buf_done(&p);
	statement_done(&s);
	return log_buf(n, b);
}

static struct verdict
later_type(struct net *n)
{
	return edited(n, "/decision/v1", "/heldback/v1");
}

static struct verdict
unknown_member(struct net *n)
{
	return edited(n, "\"decision\":\"approve\"", "\"decisiom\":\"approve\"");
}

static struct verdict
second_charter(struct net *n)
{
	struct buf	b = BUF_INIT(BIG);

	net_charter_envelope(n, &b);
	return log_buf(n, b);
}

static struct verdict
other_genesis(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	s.genesis[0] ^= 1;
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
other_charter(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	s.charter[0] ^= 1;
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
expired(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	s.expires = n->now + 10;
	n->now += 11;
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
expires_now(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	s.expires = n->now + 10;
	n->now += 10;
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
expires_before_issued(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	s.issued = n->now + 20;
	s.expires = n->now + 10;
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
issued(struct net *n, uint64_t ahead)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	s.issued = n->now + ahead;
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict issued_301_ahead(struct net *n) { return issued(n, 301); }
static struct verdict issued_300_ahead(struct net *n) { return issued(n, 300); }

/* Effective time never goes back: an entry dated earlier expires nothing less. */
static struct verdict
expired_by_effective_time(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	s.expires = n->now + 10;
	n->now += 11;
	(void)net_log_dsse(n, SPAN_STR("a void entry moves time on"));
	n->now -= 11;
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
replayed(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];
	struct buf		b;

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	b = sign(&s, &n->person[NET_LEGAL]);
	good(net_log_dsse(n, buf_view(&b)));
	return log_buf(n, b);
}

/* The same bytes in another base64: without padding, URL-safe, spaced. */
static struct verdict
replayed_rewritten(struct net *n)
{
	AUTO_DONE(dsse_done) struct dsse d;
	struct statement	s;
	uint8_t			request[32];
	struct buf		b, c = BUF_INIT(BIG);
	size_t			at;

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	b = sign(&s, &n->person[NET_LEGAL]);
	good(net_log_dsse(n, buf_view(&b)));
	assert_int_equal(dsse_parse(buf_view(&b), &d, NULL), RC_OK);
	buf_printf(&c, "{ \"payloadType\":\"%s\",\"payload\":\"", DSSE_INTOTO);
	at = c.n;
	b64_write(&c, buf_view(&d.payload));
	while (c.p[c.n - 1] == '=')
		c.n--;
	for (; at < c.n; at++)
		c.p[at] = c.p[at] == '+' ? '-' : c.p[at] == '/' ? '_' : c.p[at];
	buf_printf(&c, "\",\"signatures\":[{\"sig\":\"");
	b64_write(&c, SPAN_OF(d.sig[0].sig));
	buf_printf(&c, "\"}] }");
	buf_done(&b);
	return log_buf(n, c);
}

/* A void statement has taken its id as well. */
static struct verdict
replayed_after_void(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];
	struct buf		b;

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	b = sign(&s, &n->person[NET_COURT]);
	assert_int_equal(net_log_dsse(n, buf_view(&b)).why, VOID_ROLE);
	return log_buf(n, b);
}

static struct verdict
broken_then_whole(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];
	struct buf		b, c = BUF_INIT(BIG);
	uint8_t			*sig;

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	b = sign(&s, &n->person[NET_LEGAL]);
	buf_span(&c, buf_view(&b));
	sig = (uint8_t *)strstr(buf_text(&c), "\"sig\":\"") + 10;
	*sig = *sig == 'A' ? 'B' : 'A';
	assert_int_equal(net_log_dsse(n, buf_view(&c)).why, VOID_SIGNATURE);
	buf_done(&c);
	return log_buf(n, b);
}

static struct verdict
broken_signature(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];
	struct buf		b;
	uint8_t			*sig;

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	b = sign(&s, &n->person[NET_LEGAL]);
	sig = (uint8_t *)strstr(buf_text(&b), "\"sig\":\"") + 10;
	*sig = *sig == 'A' ? 'B' : 'A';
	return log_buf(n, b);
}

static struct verdict
two_signatures(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];
	struct buf		b, c = BUF_INIT(BIG);

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	b = sign(&s, &n->person[NET_LEGAL]);
	assert_int_equal(dsse_sign_more(buf_view(&b),
	    &n->person[NET_COMPLIANCE].signer, &c, NULL), RC_OK);
	buf_done(&b);
	return log_buf(n, c);
}

/* Says that legal signs, but compliance did. */
static struct verdict
signed_by_another(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];
	struct buf		p = BUF_INIT(BIG), b = BUF_INIT(BIG);

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	key_id(&n->person[NET_LEGAL].signer.key, s.signer);
	assert_int_equal(statement_write(&s, &p, NULL), RC_OK);
	assert_int_equal(dsse_sign(buf_view(&p),
	    &n->person[NET_COMPLIANCE].signer, &b, NULL), RC_OK);
	buf_done(&p);
	statement_done(&s);
	return log_buf(n, b);
}

static struct verdict
stranger(struct net *n)
{
	uint8_t	request[32];

	seal_and_ask(n, "standard", request);
	return net_decide(n, request, NET_STRANGER, true);
}

static struct verdict
sealer_decides(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	return net_log(n, &s, &n->sealer);
}

static struct verdict
person_seals(struct net *n)
{
	struct descriptor	d;
	struct statement	s;

	net_descriptor(n, "standard", &d);
	net_batch(n, &d, 1, &s);
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
person_orders(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	met(n, "standard", request);
	net_statement(n, &s, STATEMENT_ORDER);
	memcpy(s.subject, request, sizeof(s.subject));
	buf_span(&s.bytes, buf_view(&n->worker));
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
other_custodians_receipt(struct net *n)
{
	struct statement	s;
	uint8_t			request[32], order[32];

	met(n, "standard", request);
	good(net_order(n, request, order));
	net_statement(n, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, order, sizeof(s.subject));
	s.u.receipt.custodian = 2;
	return net_log(n, &s, &n->signing[0]);
}

static struct verdict
custodian_beyond_n(struct net *n)
{
	struct statement	s;
	uint8_t			request[32], order[32];

	met(n, "standard", request);
	good(net_order(n, request, order));
	net_statement(n, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, order, sizeof(s.subject));
	s.u.receipt.custodian = 6;
	return net_log(n, &s, &n->signing[0]);
}

static struct verdict
saw_another_log(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	s.seen_root[5] ^= 1;
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
saw_the_future(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	s.seen_size++;
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
saw_the_past(struct net *n)
{
	struct statement	s;
	uint8_t			request[32];

	seal_and_ask(n, "standard", request);
	decision(n, &s, request, true);
	good(net_decide(n, request, NET_COMPLIANCE, true));
	return net_log(n, &s, &n->person[NET_LEGAL]);
}

static struct verdict
revoked_key(struct net *n)
{
	uint8_t	request[32];

	seal_and_ask(n, "standard", request);
	good(net_revoke(n, &n->person[NET_LEGAL], &n->person[NET_LEGAL]));
	return net_decide(n, request, NET_LEGAL, true);
}

const struct row rows_common[] = {
	{ "not an envelope",			no_json,		VOID_MALFORMED },
	{ "one trailing byte",			trailing_byte,		VOID_MALFORMED },
	{ "a member that nobody knows",		unknown_member,		VOID_MALFORMED },
	{ "a type of later rules",		later_type,		VOID_TYPE },
	{ "a held statement",			held_in_the_log,	VOID_TYPE },
	{ "a second charter",			second_charter,		VOID_DUPLICATE },
	{ "another genesis",			other_genesis,		VOID_GENESIS },
	{ "another charter",			other_charter,		VOID_CHARTER },
	{ "expired",				expired,		VOID_EXPIRED },
	{ "expires before it is issued",	expires_before_issued,	VOID_EXPIRED },
	{ "issued 301 s in the future",		issued_301_ahead,	VOID_EXPIRED },
	{ "expired by effective time",		expired_by_effective_time, VOID_EXPIRED },
	{ "replayed",				replayed,		VOID_REPLAY },
	{ "replayed in another base64",		replayed_rewritten,	VOID_REPLAY },
	{ "replayed after it was void",		replayed_after_void,	VOID_REPLAY },
	{ "a broken signature",			broken_signature,	VOID_SIGNATURE },
	{ "two signatures",			two_signatures,		VOID_SIGNATURE },
	{ "signed by another than it says",	signed_by_another,	VOID_SIGNATURE },
	{ "a key that the charter lacks",	stranger,		VOID_SIGNATURE },
	{ "a sealer's decision",		sealer_decides,		VOID_SIGNATURE },
	{ "a person's batch",			person_seals,		VOID_SIGNATURE },
	{ "a person's order",			person_orders,		VOID_SIGNATURE },
	{ "a receipt in another's name",	other_custodians_receipt, VOID_SIGNATURE },
	{ "custodian n+1",			custodian_beyond_n,	VOID_SIGNATURE },
	{ "its signer saw another log",		saw_another_log,	VOID_SEEN },
	{ "its signer saw the future",		saw_the_future,		VOID_SEEN },
	{ "a revoked key",			revoked_key,		VOID_REVOKED_KEY },

	{ "expires this second",		expires_now,		VOID_NONE },
	{ "issued 300 s in the future",		issued_300_ahead,	VOID_NONE },
	{ "a broken copy spoils nothing",	broken_then_whole,	VOID_NONE },
	{ "its signer saw the past",		saw_the_past,		VOID_NONE },
};
const size_t n_rows_common = sizeof(rows_common) / sizeof(rows_common[0]);
