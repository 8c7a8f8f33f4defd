/* A custodian that moves: its replicator finds it where the charter in force says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/cosigning.h"
#include "coordinator/in_force.h"
#include "coordinator/pb.h"
#include "coordinator/replicator.h"
#include "coordinator/sequence.h"
#include "edge/edge.h"
#include "tests/unit/coordinator/rig.h"

#define WAIT_MS		20000u

static atomic_uint	calls;

static enum rc
on_append(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err)
{
	Quorate__V1__AppendReply	m = QUORATE__V1__APPEND_REPLY__INIT;

	(void)user;
	(void)call;
	(void)request;
	atomic_fetch_add(&calls, 1);
	m.rules = CHARTER_RULES;
	return pb_pack(&m.base, reply, err);
}

static uint32_t
anybody(void *user, const uint8_t pin[RPC_PIN_BYTES])
{
	(void)user;
	(void)pin;
	return 1;
}

/* A server with a certificate of its own; where it is and how it is known, for the charter. */
static struct rpc_server *
serve(char address[64], struct buf *b64, struct err *err)
{
	static const struct rpc_method	method = { "/quorate.v1.Custodian/Append", on_append, 1, 1 << 20 };
	struct buf			pem = BUF_INIT(16384), der = BUF_INIT(TLS_CERT_MAX);
	struct secret			*key;
	struct rpc_server		*s;
	struct rpc_server_options	 o;
	uint16_t			 port;

	assert_int_equal(tls_identity_new("custodian 1", &pem, &key, err), RC_OK);
	assert_int_equal(pem_to_der(buf_view(&pem), &der, err), RC_OK);
	memset(&o, 0, sizeof(o));
	o.address = "127.0.0.1:0";
	o.cert_pem = buf_view(&pem);
	o.key_pem = SPAN(secret_view(key), secret_len(key));
	o.methods = &method;
	o.n_methods = 1;
	o.who = anybody;
	assert_int_equal(rpc_server_new(&o, &s, err), RC_OK);
	assert_int_equal(rpc_server_start(s, &port, err), RC_OK);
	(void)snprintf(address, 64, "\"127.0.0.1:%u\"", port);
	buf_u8(b64, '"');
	b64_write(b64, buf_view(&der));
	buf_u8(b64, '"');
	secret_free(key);
	buf_done(&pem);
	buf_done(&der);
	return s;
}

static bool
called_since(unsigned before)
{
	uint64_t	until = clock_ms() + WAIT_MS;
	struct timespec	ts = { 0, 20000000L };

	while (atomic_load(&calls) == before && clock_ms() < until)
		(void)nanosleep(&ts, NULL);
	return atomic_load(&calls) != before;
}

static void
move_to(struct rig *r, const char *address, struct buf *certificate)
{
	struct net_edit	edits[2] = { { "custodians/0/address", address },
			    { "custodians/0/tls_certificate", buf_text(certificate) } };
	struct buf	doc = BUF_INIT(CHARTER_BYTES_MAX);
	struct err	err;

	net_next(&r->net, edits, 2, &doc);
	assert_int_equal(in_force_put(&r->c, buf_view(&doc), &err), RC_OK);
	buf_done(&doc);
}

static void
it_is_found_where_it_went(void **state)
{
	static struct rig	r;
	struct rpc_server	*one, *other;
	struct buf		 cert[2] = { BUF_INIT(16384), BUF_INIT(16384) };
	char			 at[2][64];
	struct err		 err;

	(void)state;
	rig_init_amendable(&r);
	assert_int_equal(tls_identity_new("coordinator", &r.c.tls_cert, &r.c.tls_key, &err), RC_OK);
	one = serve(at[0], &cert[0], &err);
	other = serve(at[1], &cert[1], &err);
	rig_start(&r);
	assert_int_equal(replicators_new(&r.c, &r.c.replicators, &err), RC_OK);
	assert_true(r.c.sequencer->ahead.until > 0);	/* the first statement waits for what clocks show */
	move_to(&r, at[0], &cert[0]);
	assert_true(called_since(0));
	/* Away: nobody is called any more, until it is elsewhere, with another certificate. */
	rpc_server_stop(one, 0);
	move_to(&r, at[1], &cert[1]);
	assert_true(called_since(atomic_load(&calls)));
	cosigning_wake(r.c.cosigning);
	replicators_free(r.c.replicators);
	rig_stop(&r);
	rpc_server_free(one);
	rpc_server_free(other);
	rig_done(&r);
	buf_done(&cert[0]);
	buf_done(&cert[1]);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(it_is_found_where_it_went),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
