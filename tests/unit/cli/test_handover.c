/* A batch handed over to a coordinator that refuses, garbles, or speaks of another charter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/handover.h"
#include "policy/descriptor.h"
#include "tests/unit/cli/lab.h"

static struct lab_server	server;
static struct remote		remote_;
static struct sealed_artifact	artifact, *one = &artifact;
static unsigned			signatures, bad_signature;

/* All of them, save one. */
static enum rc
sign(void *user, struct span message, uint8_t ret_sig[KEY_SIG_BYTES], struct err *err)
{
	(void)user;
	if (++signatures == bad_signature)
		return err_set(err, RC_IO, "the token is away");
	return net.sealer.signer.sign(net.sealer.signer.user, message, ret_sig, err);
}

/* --- one artifact, and what is answered to it --------------------------------------------------- */

static void
make_artifact(void)
{
	static uint8_t		share[NET_N][SHAMIR_SCALAR_BYTES];
	struct descriptor	d;
	struct err		err;

	artifact = SEALED_ARTIFACT_INIT;
	net_descriptor(&net, "standard", &d);
	descriptor_write(&d, &artifact.descriptor);
	memcpy(artifact.id, d.id, sizeof(artifact.id));
	memcpy(artifact.policy, d.policy, sizeof(artifact.policy));
	must(spool_write(&artifact.envelope, 0, SPAN_STR("an envelope"), &err), &err);
	artifact.size = 11;
	for (size_t i = 0; i < NET_N; i++)
		artifact.share[i] = share[i];
	artifact.n_shares = NET_N;
}

static void
answer_head(void)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(BIG);
	Quorate__V1__HeadReply		r = QUORATE__V1__HEAD_REPLY__INIT;
	struct checkpoint		end;

	lab_end(&end);
	lab_note(&net.log, &end, 31, &note);
	r.cosigned = data_of(buf_view(&note));
	lab_answer(&server, LAB_HEAD, &r);
}

static void
answer_upload(void)
{
	Quorate__V1__UploadReply	r = QUORATE__V1__UPLOAD_REPLY__INIT;

	r.received = artifact.size;
	r.whole = true;
	lab_answer(&server, LAB_UPLOAD, &r);
}

static void
answer_seal(bool logged, bool effective, enum void_reason why)
{
	Quorate__V1__SealReply		r = QUORATE__V1__SEAL_REPLY__INIT;
	Quorate__V1__SubmitReply	entry = QUORATE__V1__SUBMIT_REPLY__INIT;

	r.entry = &entry;
	entry.logged = logged;
	entry.effective = effective;
	entry.why = (char *)(uintptr_t)void_reason_name(why);
	lab_answer(&server, LAB_SEAL, &r);
}

/* Made and ready to be sent. */
static void
begin(struct handover *h)
{
	static struct signer	ours;
	struct err			 err;
	size_t				 bad;

	signatures = bad_signature = 0;
	ours = (struct signer){ net.sealer.signer.key, sign, NULL };
	answer_head();
	answer_upload();
	remote_look_again(&remote_);
	handover_init(h, &remote_, &ours, &one, 1);
	h->wait_ms = 0;
	must(handover_make(h, &bad, &err), &err);
}

/* --- what is concluded from it ----------------------------------------------------------------------- */

static void
what_may_be_logged_is_said_to_be(void **state)
{
	static const struct { enum rc rc, want; bool asked; } refusals[] = {
		{ RC_DENIED, RC_DENIED, false }, { RC_QUORUM, RC_QUORUM, false }, { RC_MISSING, RC_MISSING, false },
		{ RC_LIMIT, RC_LIMIT, true }, { RC_NOMEM, RC_LIMIT, true }, { RC_FORMAT, RC_FORMAT, true },
		{ RC_IO, RC_IO, true }, { RC_BUG, RC_IO, true }, { RC_UNSURE, RC_UNSURE, true },
	};
	char		hex[HEX_BYTES(ARTIFACT_ID_BYTES)];
	struct handover	h;
	struct err	err;

	(void)state;
	(void)hex_write(SPAN_OF(artifact.id), hex);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		begin(&h);
		lab_refuse(&server, LAB_SEAL, refusals[i].rc, NULL);
		assert_int_equal(handover_send(&h, &err), refusals[i].want);
		assert_int_equal(h.asked, refusals[i].asked);
		if (refusals[i].want == RC_IO || refusals[i].want == RC_UNSURE)
			assert_non_null(strstr(err.msg, hex));
		handover_done(&h);
	}
	/* An answer that is none. */
	begin(&h);
	answer_seal(true, true, VOID_NONE);
	buf_reset(&server.answer[LAB_SEAL].reply);
	buf_add(&server.answer[LAB_SEAL].reply, "\xff\xff\xff", 3);
	assert_int_equal(handover_send(&h, &err), RC_FORMAT);
	assert_true(h.asked);
	/* The same call again: it was not logged after all. */
	answer_seal(false, false, VOID_SIGNATURE);
	assert_int_equal(handover_send(&h, &err), RC_DENIED);
	assert_false(h.asked);
	/* Logged, and nobody holds it yet. */
	answer_seal(true, true, VOID_NONE);
	assert_int_equal(handover_send(&h, &err), RC_UNSURE);
	assert_true(h.asked);
	handover_done(&h);
}

/* However little time went by since the log was looked at. */
static void
another_charter_is_looked_for(void **state)
{
	struct handover	h;
	struct err	err;

	(void)state;
	begin(&h);
	assert_int_equal(server.answer[LAB_HEAD].calls, 1);
	answer_seal(false, false, VOID_CHARTER);
	assert_int_equal(handover_send(&h, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, "does not show it"));
	assert_int_equal(server.answer[LAB_HEAD].calls, 2);
	assert_int_equal(signatures, 1);
	handover_done(&h);
}

/* What was signed stays until there is something in its place. */
static void
a_signature_that_fails_changes_nothing(void **state)
{
	AUTO_DONE(buf_done) struct buf	was = BUF_INIT(DSSE_BYTES_MAX);
	uint8_t				id[SHA256_BYTES];
	struct handover			h;
	struct err			err;

	(void)state;
	begin(&h);
	buf_span(&was, buf_view(&h.dsse));
	memcpy(id, h.statement.id, sizeof(id));
	bad_signature = 2;
	answer_seal(false, false, VOID_EXPIRED);
	assert_int_equal(handover_send(&h, &err), RC_IO);
	assert_int_equal(signatures, 2);
	assert_true(span_eq(buf_view(&was), buf_view(&h.dsse)));
	assert_memory_equal(h.statement.id, id, sizeof(id));
	/* Signed again, as often as it may be. */
	assert_int_equal(handover_send(&h, &err), RC_DENIED);
	assert_false(span_eq(buf_view(&was), buf_view(&h.dsse)));
	handover_done(&h);
}

/* To five bytes, and none, and five again. */
static void
what_is_taken_back_has_an_end(void **state)
{
	Quorate__V1__UploadReply	some = QUORATE__V1__UPLOAD_REPLY__INIT;
	struct handover			h;
	struct err			err;

	(void)state;
	begin(&h);
	some.received = 5;
	lab_answer(&server, LAB_UPLOAD, &some);
	buf_add(&server.answer[LAB_UPLOAD].other, "\x08\x00", 2);	/* received: 0 */
	(void)alarm(60);
	assert_int_equal(handover_send(&h, &err), RC_IO);
	(void)alarm(0);
	assert_non_null(strstr(err.msg, "does not take the upload"));
	assert_int_equal(server.answer[LAB_UPLOAD].calls, 8);
	assert_false(h.asked);
	/* It goes on when the coordinator does. */
	answer_upload();
	lab_refuse(&server, LAB_SEAL, RC_LIMIT, NULL);
	assert_int_equal(handover_send(&h, &err), RC_LIMIT);
	assert_true(h.whole);
	handover_done(&h);
}

/* --- set-up -------------------------------------------------------------------------------------------- */

static void
start_server(void)
{
	struct rpc_client_options	c = { .address = server.address };
	struct err			err;

	lab_start(&server, "Coordinator");
	c.server_cert = c.cert_pem = buf_view(&server.pem);
	c.key_pem = SPAN(secret_view(server.key), secret_len(server.key));
	must(rpc_client_new(&c, &remote_.rpc, &err), &err);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(what_may_be_logged_is_said_to_be),
		cmocka_unit_test(another_charter_is_looked_for),
		cmocka_unit_test(a_signature_that_fails_changes_nothing),
		cmocka_unit_test(what_is_taken_back_has_an_end),
	};
	struct err	err;
	struct charter	*genesis;
	int		failed;

	must(secret_init(&err), &err);
	net_init(&net);
	must(charter_parse(buf_view(&net.charter_json), &genesis, &err), &err);
	remote_trust(&remote_, genesis);
	start_server();
	make_artifact();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rpc_client_free(remote_.rpc);
	lab_done(&server);
	sealed_artifact_done(&artifact);
	lineage_done(&remote_.lineage);
	net_done(&net);
	return failed;
}
