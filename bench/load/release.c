/*
 * bench/load/release.c - how long a release takes once it is approved.
 *
 *	release one N		N requests of one artifact, released one after another
 *	release command N	the same, each by `quorate release` as a process
 *	release many B		one request for all artifacts of B batches of two
 *
 * With the environment of a network, run in its folder (bench/release does). Sealing, requests and
 * approvals are done before. Timed is the one call Release, from its first byte to the reply that
 * the package is ready under its name at the coordinator, synced; for `command` all of the process
 * that asks and fetches it. Beside each: what k custodians must at least do, one thing after
 * another, in a token of our own and by libsodium.
 */
#include <sodium.h>

#include <sys/wait.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "cli/cli.h"
#include "cli/remote.h"
#include "evidence/batch.h"
#include "evidence/envelope.h"
#include "hsm/hsm.h"
#include "policy/scope.h"

#define UPLOAD_ID_SIZE	16
#define ENVELOPE_MAX	8192
#define PER_BATCH	2
#define REQUESTS_MAX	1000
#define PAUSE_MS	150	/* between two releases: they come one at a time */
#define AIM_P50		"<=30"
#define AIM_P99		"<=90"
#define AIM_MANY	"<=3000"

static struct remote	*r;
static struct keyfile	*sealer, *requester, *approver[3];

/* ---- what is sealed ------------------------------------------------------------------- */

struct artifact { uint8_t id[ARTIFACT_ID_BYTES]; };

struct envelopes {
	struct buf	bytes;		/* one after the other */
	size_t		began;		/* the one at hand */
	uint8_t		upload[UPLOAD_ID_SIZE];
};

static struct artifact	*artifacts;
static size_t		 n_artifacts;

static enum rc
write_at(void *user, uint64_t at, struct span bytes, struct err *err)
{
	struct envelopes	*e = user;
	struct buf		*b = &e->bytes;

	at += e->began;
	if (at + bytes.n > b->n && buf_extend(b, at + bytes.n - b->n) == NULL)
		return buf_check(b, "envelope", err);
	memcpy(b->p + at, bytes.p, bytes.n);
	return RC_OK;
}

static enum rc
read_at(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const struct envelopes	*e = user;

	(void)err;
	memcpy(out, e->bytes.p + at, n);
	return RC_OK;
}

static void
encrypt(const struct policy_rule *policy, struct secret_arena *arena, struct batch *batch, struct envelopes *e, struct artifact *a)
{
	AUTO_DONE(buf_done) struct buf descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	struct envelope_params	 p = { .class_id = r->charter->class_[0].id, .sealed_at = clock_now(),
				    .threshold = r->charter->k, .shares = r->charter->n,
				    .segment_log2 = SEGMENT_LOG2_DEFAULT, .n_parts = 2, .part = { "image", "prompt" } };
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;
	struct err		 err;
	uint64_t		 size;
	uint32_t		 leaf;
	uint8_t			 i;

	memcpy(p.genesis, r->first->digest, SHA256_BYTES);
	memcpy(p.policy, policy->digest, SHA256_BYTES);
	artifact_id_make(clock_now(), p.id);
	memcpy(a->id, p.id, sizeof(p.id));
	e->began = e->bytes.n;
	bench_must(envelope_new(&p, arena, write_at, e, &w, &err), &err);
	for (i = 0; i < p.n_parts; i++) {
		bench_must(envelope_part(w, p.part[i], &err), &err);
		bench_must(envelope_write(w, SPAN_STR("a picture of a grey cat in a hat"), &err), &err);
	}
	bench_must(envelope_finish(w, &descriptor, &size, &err), &err);
	bench_must(batch_add(batch, buf_view(&descriptor), envelope_shares(w), &leaf, &err), &err);
}

static void
hand_in(struct span dsse, const struct batch_sealed *sealed, struct envelopes *e)
{
	Quorate__V1__SealRequest	 q = QUORATE__V1__SEAL_REQUEST__INIT;
	Quorate__V1__SealReply		*reply = NULL;
	ProtobufCBinaryData		 shares[CUSTODIANS_MAX];
	struct err			 err;
	bool				 done = false;
	size_t				 i;

	bench_must(remote_upload(r, "uploading", e->bytes.n, read_at, e, e->upload, &err), &err);
	for (i = 0; i < sealed->n; i++)
		shares[i] = (ProtobufCBinaryData){ sealed->shares[i].n, sealed->shares[i].p };
	q.statement = (ProtobufCBinaryData){ dsse.n, (uint8_t *)(uintptr_t)dsse.p };
	q.descriptors = (ProtobufCBinaryData){ sealed->descriptors.n, sealed->descriptors.p };
	q.n_shares = sealed->n;
	q.shares = shares;
	q.upload = (ProtobufCBinaryData){ sizeof(e->upload), e->upload };
	while (!done) {
		bench_must(remote_call(r, "Seal", &q, &quorate__v1__seal_reply__descriptor, REMOTE_MS_LONG, &reply, &err), &err);
		if (reply->entry == NULL || !reply->entry->effective)
			bench_must(err_set(&err, RC_DENIED, "not sealed: %.100s", reply->entry == NULL ? "" : reply->entry->words), &err);
		done = reply->sealed;
		message_free(reply);
	}
}

static void
seal_batch(const struct policy_rule *policy, struct artifact *a, size_t n)
{
	AUTO(secret_arena_free) struct secret_arena *arena = secret_arena_new(16384);
	AUTO(batch_free) struct batch	*batch = NULL;
	AUTO_DONE(buf_done) struct buf	 dsse = BUF_INIT(DSSE_BYTES_MAX);
	AUTO_DONE(batch_sealed_done) struct batch_sealed sealed = BATCH_SEALED_INIT;
	struct envelopes		 e = { .bytes = BUF_INIT(PER_BATCH * ENVELOPE_MAX) };
	struct statement		 s;
	struct err			 err;
	size_t				 i;

	if (arena == NULL)
		bench_must(err_set(&err, RC_NOMEM, "no locked memory"), &err);
	bench_must(batch_new(r->first->digest, r->charter, &batch, &err), &err);
	for (i = 0; i < n; i++)
		encrypt(policy, arena, batch, &e, &a[i]);
	bench_must(remote_statement(r, STATEMENT_BATCH, 3600, &s, &err), &err);
	bench_must(batch_seal(batch, &s, &sealed, &err), &err);
	bench_must(statement_sign(&s, keyfile_signer(sealer), &dsse, &err), &err);
	statement_done(&s);
	hand_in(buf_view(&dsse), &sealed, &e);
	buf_done(&e.bytes);
}

static void
seal_all(const char *policy, size_t batches, size_t each)
{
	const struct policy_rule	*rule = charter_policy(r->charter, policy);
	size_t				 i;

	if (rule == NULL)
		bench_fail("the charter has no policy %s", policy);
	if ((artifacts = calloc(batches * each, sizeof(*artifacts))) == NULL)
		bench_fail("no memory");
	n_artifacts = batches * each;
	for (i = 0; i < batches; i++)
		seal_batch(rule, artifacts + i * each, each);
}

/* ---- what is asked for, and approved ------------------------------------------------------ */

static int
by_id(const void *a, const void *b)
{
	return memcmp(((const struct artifact *)a)->id, ((const struct artifact *)b)->id, ARTIFACT_ID_BYTES);
}

static void
write_scope(struct buf *out)
{
	AUTO_DONE(scope_done) struct scope s = { .n_artifacts = 0 };
	static const char	*part[] = { "image", "prompt" };
	struct scope_part	*p;
	struct err		 err;
	size_t			 i, k;

	qsort(artifacts, n_artifacts, sizeof(*artifacts), by_id);
	s.artifact = calloc(n_artifacts, sizeof(*s.artifact));
	s.part = calloc(n_artifacts * 2, sizeof(*s.part));
	if (s.artifact == NULL || s.part == NULL)
		bench_fail("no memory");
	for (i = 0; i < n_artifacts; i++) {
		memcpy(s.artifact[i].id, artifacts[i].id, ARTIFACT_ID_BYTES);
		s.artifact[i].first_part = s.n_parts;
		s.artifact[i].n_parts = 2;
		for (k = 0; k < 2; k++) {
			p = &s.part[s.n_parts++];
			p->artifact = s.n_artifacts;
			(void)snprintf(p->name, sizeof(p->name), "%s", part[k]);
			s.n_segments++;
		}
		s.n_artifacts++;
	}
	bench_must(scope_write(&s, out, &err), &err);
}

static void
submit(struct statement *s, struct keyfile *key, const struct span *blob, size_t n)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct submitted	sent;
	struct err		err;

	bench_must(statement_sign(s, keyfile_signer(key), &dsse, &err), &err);
	bench_must(remote_submit(r, buf_view(&dsse), blob, n, NULL, 0, &sent, &err), &err);
	if (!sent.effective)
		bench_must(err_set(&err, RC_DENIED, "void: %.150s", sent.words), &err);
}

static void
ask(const char *policy, struct span scope, struct span certificate, uint8_t ret[SHA256_BYTES])
{
	AUTO_DONE(buf_done) struct buf reason = BUF_INIT(256);
	struct statement	s;
	struct span		blob[2];
	struct err		err;
	size_t			i;

	bench_must(remote_statement(r, STATEMENT_REQUEST, charter_policy(r->charter, policy)->request_seconds, &s, &err), &err);
	s.bytes = BUF_INIT(RECIPIENT_CERT_MAX);
	buf_span(&s.bytes, certificate);
	sha256_one(s.subject, scope);
	(void)snprintf(s.u.request.policy, sizeof(s.u.request.policy), "%s", policy);
	bench_must(erasable_new(SPAN_STR("to see how long it takes"), &reason, s.u.request.reason, &err), &err);
	blob[0] = scope;
	blob[1] = buf_view(&reason);
	submit(&s, requester, blob, 2);
	memcpy(ret, s.id, SHA256_BYTES);
	statement_done(&s);
	for (i = 0; i < 3; i++) {
		bench_must(remote_statement(r, STATEMENT_DECISION, 3600, &s, &err), &err);
		memcpy(s.subject, ret, SHA256_BYTES);
		s.u.decision.approve = true;
		submit(&s, approver[i], NULL, 0);
		statement_done(&s);
	}
}

/* ---- what is timed -------------------------------------------------------------------------- */

static double
release(const uint8_t id[SHA256_BYTES])
{
	Quorate__V1__ReleaseRequest	 q = QUORATE__V1__RELEASE_REQUEST__INIT;
	Quorate__V1__ReleaseReply	*a = NULL;
	struct err			 err;
	double				 began = bench_wall(), took;

	q.request = (ProtobufCBinaryData){ SHA256_BYTES, (uint8_t *)(uintptr_t)id };
	bench_must(remote_call(r, "Release", &q, &quorate__v1__release_reply__descriptor, REMOTE_MS_LONG, &a, &err), &err);
	took = 1e3 * (bench_wall() - began);
	if (!a->released)
		bench_must(err_set(&err, RC_DENIED, "not released: %.150s", a->words), &err);
	message_free(a);
	return took;
}

extern char	**environ;

static double
release_command(const uint8_t id[SHA256_BYTES])
{
	char	hex[HEX_BYTES(SHA256_BYTES)], path[FILE_PATH_MAX];
	char	*argv[] = { "quorate", "release", hex, "-o", path, NULL };
	double	began = bench_wall();
	pid_t	pid;
	int	status = 1;
	posix_spawn_file_actions_t	quiet;

	if (posix_spawn_file_actions_init(&quiet) != 0 ||
	    posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0) != 0)
		bench_fail("no memory");
	(void)hex_write(SPAN(id, SHA256_BYTES), hex);
	(void)snprintf(path, sizeof(path), "%.16s.asice", hex);
	if (posix_spawnp(&pid, argv[0], &quiet, NULL, argv, environ) != 0 || waitpid(pid, &status, 0) != pid || status != 0)
		bench_fail("quorate release failed");
	(void)unlink(path);
	(void)posix_spawn_file_actions_destroy(&quiet);
	return 1e3 * (bench_wall() - began);
}

/* ---- the reference ---------------------------------------------------------------------------- */

static struct hsm	*token;
static struct hsm_key	*share_key;

static void
open_token(void)
{
	struct hsm_uri		uri;
	struct hsm_config	c = { .module = getenv("QUORATE_PKCS11_MODULE"), .uri = &uri, .pin_file = "bench/pin" };
	struct err		err;

	bench_must(hsm_uri_parse("pkcs11:token=bench", &uri, &err), &err);
	bench_must(hsm_open(&c, &token, &err), &err);
	bench_must(hsm_key_generate(token, HSM_SHARE, "bench", &share_key, &err), &err);
}

static void
one_ecdh(void)
{
	struct sealed_context	 ctx;
	struct hsm_opener	*o = NULL;
	struct err		 err;
	enum rc			 rc;

	memset(&ctx, 0, sizeof(ctx));
	ctx.custodian = 1;
	ctx.epoch = 1;
	rc = hsm_opener_new(share_key, &ctx, hsm_key_public(share_key).p, &o, &err);
	bench_must(rc, &err);
	hsm_opener_free(o);
}

/* A hash to the group, and scalar multiplications: of the base, and of any point. */
static void
group(size_t hashes, size_t base, size_t any)
{
	static uint8_t	wide[crypto_core_ristretto255_HASHBYTES], s[crypto_core_ristretto255_SCALARBYTES];
	uint8_t		p[crypto_core_ristretto255_BYTES], q[crypto_core_ristretto255_BYTES];

	randombytes_buf(wide, sizeof(wide));
	crypto_core_ristretto255_scalar_random(s);
	(void)crypto_core_ristretto255_from_hash(p, wide);
	while (hashes-- > 0)
		(void)crypto_core_ristretto255_from_hash(p, wide);
	while (base-- > 0)
		(void)crypto_scalarmult_ristretto255_base(q, s);
	while (any-- > 0)
		if (crypto_scalarmult_ristretto255(q, s, p) != 0)
			bench_fail("no memory");
}

/*
 * For each segment: each of k custodians hashes to the group, applies its share and proves it (one
 * of the base, two of others); whoever combines hashes once, and for each verifies the proof (one of
 * the base, three of others) and takes it in (one).
 */
static double
reference(size_t batches, size_t segments)
{
	size_t	k = r->charter->k, i, j;
	double	began = bench_wall();

	for (i = 0; i < k; i++)
		for (j = 0; j < batches; j++)
			one_ecdh();
	for (j = 0; j < segments; j++)
		group(k + 1, k + k, 2 * k + 3 * k + k);
	return 1e3 * (bench_wall() - began);
}

/* ---- rows ------------------------------------------------------------------------------------- */

static void
row(const char *series, size_t x, double ours, double theirs, const char *aim)
{
	const struct bench_series	s = { series, "ms", "k ECDH in the token, and the group operations", aim };

	bench_row(&s, (double)x, ours, theirs);
}

static void
read_certificate(struct buf *der)
{
	AUTO_DONE(buf_done) struct buf pem = BUF_INIT(65536);
	struct err	err;

	bench_must(file_read_given("recipient/cert.pem", &pem, &err), &err);
	bench_must(pem_to_der(buf_view(&pem), der, &err), &err);
}

static void
measure_one(size_t n, bool command)
{
	static uint8_t	request[REQUESTS_MAX][SHA256_BYTES];
	static double	ours[REQUESTS_MAX], theirs[REQUESTS_MAX];
	AUTO_DONE(buf_done) struct buf scope = BUF_INIT(SCOPE_BYTES_MAX), der = BUF_INIT(RECIPIENT_CERT_MAX);
	size_t		i;

	if (n > REQUESTS_MAX)
		n = REQUESTS_MAX;
	seal_all("standard", 1, 1);
	write_scope(&scope);
	read_certificate(&der);
	for (i = 0; i < n; i++)
		ask("standard", buf_view(&scope), buf_view(&der), request[i]);
	for (i = 0; i < n; i++) {
		(void)usleep(PAUSE_MS * 1000);
		ours[i] = command ? release_command(request[i]) : release(request[i]);
		theirs[i] = reference(1, 2);
		fprintf(stderr, "%.1f ms\n", ours[i]);
	}
	if (command) {
		row("release-command", 0, bench_percentile(ours, n, 50), bench_percentile(theirs, n, 50), "-");
		return;
	}
	row("release-p50", 0, bench_percentile(ours, n, 50), bench_percentile(theirs, n, 50), AIM_P50);
	row("release-p99", 0, bench_percentile(ours, n, 99), bench_percentile(theirs, n, 99), AIM_P99);
}

static void
measure_many(size_t batches)
{
	AUTO_DONE(buf_done) struct buf scope = BUF_INIT(SCOPE_BYTES_MAX), der = BUF_INIT(RECIPIENT_CERT_MAX);
	uint8_t	request[SHA256_BYTES];
	double	ours;

	seal_all("veto", batches, PER_BATCH);
	write_scope(&scope);
	read_certificate(&der);
	ask("veto", buf_view(&scope), buf_view(&der), request);
	fprintf(stderr, "READY\n");
	ours = release(request);
	row("release-many", n_artifacts, ours, reference(batches, 2 * n_artifacts), batches >= 500 ? AIM_MANY : "-");
}

static void
read_keys(void)
{
	static const char *const	path[] = { "people/legal.key", "people/compliance.key", "people/auditor.key" };
	struct err			err;
	size_t				i;

	bench_must(cli_key("sealer.key", &sealer, &err), &err);
	bench_must(cli_key("people/requester.key", &requester, &err), &err);
	for (i = 0; i < 3; i++)
		bench_must(cli_key(path[i], &approver[i], &err), &err);
}

int
main(int argc, char **argv)
{
	struct err	err;
	size_t		n = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;

	if (n == 0) {
		fprintf(stderr, "usage: release one|command|many N (bench/release calls it)\n");
		return EXIT_USAGE;
	}
	bench_must(secret_init(&err), &err);
	read_keys();
	open_token();
	bench_must(remote_open(&r, &err), &err);
	if (strcmp(argv[1], "many") == 0)
		measure_many(n);
	else
		measure_one(n, strcmp(argv[1], "command") == 0);
	free(artifacts);
	remote_free(r);
	hsm_key_free(share_key);
	hsm_close(token);
	process_end(EXIT_YES);
}
