/*
 * coordinator/worker.c - the release worker. See worker.h.
 *
 * It trusts the genesis it was started with and the mathematics, and nothing that
 * its parent says. k contributions in the clear are the keys: they exist here,
 * in locked memory, between COMBINE and the end of the process.
 */
#include <sys/prctl.h>
#include <sys/resource.h>

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/wire.h"
#include "coordinator/worker.h"
#include "edge/confine.h"
#include "edge/edge.h"
#include "evidence/case.h"
#include "evidence/cms.h"

#define KEY_LIFE	86400u
#define CPU_SECONDS	600u
#define SECURE_HEAP	(64u << 10)	/* OpenSSL keeps the private key there */
#define IN		0
#define OUT		1

struct answer {
	struct buf	 message, receipt;
	struct secret	*contributions;
	uint8_t		 custodian;
};

struct worker {
	uint8_t			 genesis[SHA256_BYTES];
	EVP_PKEY		*key;
	struct buf		 certificate;
	struct buf		 case_bytes;
	struct evidence_case	 evidence;
	struct checked_case	*checked;
	struct answer		 answer[CUSTODIANS_MAX];
	size_t			 n;
};

/* Nothing can be opened, written or started from here on. */
static enum rc
drop_all(struct err *err)
{
	static const struct {
		__rlimit_resource_t	what;
		struct rlimit		limit;
	} limits[] = {
		{ RLIMIT_NOFILE, { 3, 3 } },
		{ RLIMIT_FSIZE, { 0, 0 } },
		{ RLIMIT_NPROC, { 0, 0 } },
		{ RLIMIT_CPU, { CPU_SECONDS, CPU_SECONDS } },
	};
	size_t	i;
	bool	whole;

	TRY(close_inherited(err));
	/* What the kernel lacks of these two the limits make good. */
	TRY(confine_files(NULL, 0, NULL, &whole, err));
	for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		if (setrlimit(limits[i].what, &limits[i].limit) != 0)
			return err_set(err, RC_IO, "worker: cannot limit itself");
	/* Its parent's end is its own. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return err_set(err, RC_IO, "worker: cannot bind itself to its parent");
	return confine_calls(CONFINE_WORKER, &whole, err);
}

static enum rc
prepare(struct worker *w, const char *genesis, struct err *err)
{
	if (!hex_parse(span_str(genesis), w->genesis, sizeof(w->genesis)))
		return err_set(err, RC_USAGE, "worker: no genesis digest was given");
	/* No configuration file is read: there is no disk. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1 ||
	    CRYPTO_secure_malloc_init(SECURE_HEAP, 32) != 1)
		return err_set(err, RC_IO, "worker: no locked memory for its key");
	TRY(secret_init(err));
	TRY(harden(err));
	return drop_all(err);
}

/* ---- what the parent sends ------------------------------------------------------------ */

/* Not before there is an order to be given: a key is as young as what it is for. */
static enum rc
begin(struct worker *w, struct err *err)
{
	if (w->key != NULL)
		return err_set(err, RC_FORMAT, "worker: it has begun");
	TRY(cms_addressee_new("quorate release worker", clock_now(), KEY_LIFE,
	    &w->key, &w->certificate, err));
	return frame_send(OUT, -1, WORKER_CERTIFICATE, buf_view(&w->certificate), err);
}

static enum rc
take_case(struct worker *w, struct span body, struct err *err)
{
	uint8_t	order[SHA256_BYTES];

	if (w->key == NULL || w->checked != NULL || body.n < sizeof(order))
		return err_set(err, RC_FORMAT, "worker: an unexpected case");
	memcpy(order, body.p, sizeof(order));
	buf_add(&w->case_bytes, body.p + sizeof(order), body.n - sizeof(order));
	TRY(buf_check(&w->case_bytes, "case", err));
	TRY(case_parse(buf_view(&w->case_bytes), &w->evidence, err));
	TRY(case_check(&w->evidence, w->genesis, order, clock_now(), &w->checked, err));
	if (w->checked->to_recipient)
		return err_set(err, RC_DENIED, "worker: the policy releases to the recipient alone");
	if (!span_eq(buf_view(&w->checked->grant.addressee), buf_view(&w->certificate)))
		return err_set(err, RC_VERIFY, "worker: the order is addressed to another worker");
	return frame_send(OUT, -1, WORKER_READY, SPAN(NULL, 0), err);
}

static enum rc
take_answer(struct worker *w, struct span body, struct err *err)
{
	struct rd	r = rd_init(body);
	struct answer	*a = &w->answer[w->n];
	struct span	 message, receipt;
	uint8_t		 custodian;

	if (!rd_u8(&r, &custodian) ||
	    !rd_vec32(&r, 0, CMS_BYTES_MAX, &message) ||
	    !rd_vec32(&r, 0, DSSE_BYTES_MAX, &receipt) ||
	    !rd_done(&r))
		return err_set(err, RC_FORMAT, "worker: a malformed answer");
	if (w->checked == NULL || w->n == CUSTODIANS_MAX)
		return err_set(err, RC_FORMAT, "worker: an unexpected answer");
	a->message = BUF_INIT(CMS_BYTES_MAX);
	a->receipt = BUF_INIT(DSSE_BYTES_MAX);
	a->custodian = custodian;
	w->n++;
	buf_span(&a->message, message);
	buf_span(&a->receipt, receipt);
	TRY(buf_check(&a->message, "answer", err));
	TRY(buf_check(&a->receipt, "answer", err));
	/* One that does not open is its sender's fault: combining says so. */
	if (cms_open(w->key, buf_view(&w->certificate), message, &a->contributions,
	    NULL) == RC_NOMEM)
		return err_set(err, RC_NOMEM, "worker: no locked memory");
	return RC_OK;
}

/* ---- what it answers ------------------------------------------------------------------- */

static enum rc
combine(struct worker *w, uint32_t *good, uint32_t *bad, struct buf *keys_cms, struct err *err)
{
	AUTO(secret_free) struct secret *keys = NULL;
	struct case_answer	in[CUSTODIANS_MAX];
	size_t			i;

	if (w->checked == NULL)
		return err_set(err, RC_FORMAT, "worker: nothing to combine");
	for (i = 0; i < w->n; i++)
		in[i] = (struct case_answer){ w->answer[i].custodian,
		    buf_view(&w->answer[i].message), buf_view(&w->answer[i].receipt),
		    w->answer[i].contributions };
	TRY(case_combine(w->checked, in, w->n, good, bad, &keys, err));
	return cms_seal(buf_view(&w->checked->recipient),
	    SPAN(secret_view(keys), secret_len(keys)), keys_cms, err);
}

static enum rc
on_combine(struct worker *w, bool *ret_done, struct err *err)
{
	AUTO_DONE(buf_done) struct buf keys = BUF_INIT(CMS_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf out = BUF_INIT(CMS_BYTES_MAX + 8);
	uint32_t	good = 0, bad = 0;
	enum rc		rc = combine(w, &good, &bad, &keys, err);

	if (rc != RC_OK && rc != RC_QUORUM)
		return rc;
	buf_u32(&out, good);
	buf_u32(&out, bad);
	buf_span(&out, buf_view(&keys));
	TRY(buf_check(&out, "keys", err));
	*ret_done = rc == RC_OK;
	return frame_send(OUT, -1, rc == RC_OK ? WORKER_KEYS : WORKER_SHORT, buf_view(&out), err);
}

static enum rc
serve_one(struct worker *w, struct buf *body, bool *ret_done, struct err *err)
{
	uint8_t	kind;

	TRY(frame_receive(IN, -1, &kind, body, err));
	switch (kind) {
	case WORKER_BEGIN:
		return begin(w, err);
	case WORKER_CASE:
		return take_case(w, buf_view(body), err);
	case WORKER_ANSWER:
		return take_answer(w, buf_view(body), err);
	case WORKER_COMBINE:
		return on_combine(w, ret_done, err);
	default:
		return err_set(err, RC_FORMAT, "worker: a frame of unknown kind %u", kind);
	}
}

static enum rc
work(struct worker *w, const char *genesis, struct err *err)
{
	AUTO_DONE(buf_done) struct buf body = BUF_INIT(WORKER_FRAME_MAX);
	bool	done = false;

	TRY(prepare(w, genesis, err));
	while (!done)
		TRY(serve_one(w, &body, &done, err));
	return RC_OK;
}

static void
worker_done(struct worker *w)
{
	size_t	i;

	for (i = 0; i < w->n; i++) {
		secret_free(w->answer[i].contributions);
		buf_done(&w->answer[i].message);
		buf_done(&w->answer[i].receipt);
	}
	checked_case_free(w->checked);
	case_done(&w->evidence);
	buf_done(&w->case_bytes);
	buf_done(&w->certificate);
	EVP_PKEY_free(w->key);
}

int
worker_main(int argc, char **argv)
{
	struct worker	w = {
		.certificate = BUF_INIT(CMS_CERT_MAX),
		.case_bytes = BUF_INIT(CASE_BYTES_MAX),
		.evidence = CASE_INIT,
	};
	struct err	err = { RC_OK, "" };
	uint8_t		words[1 + ERR_MSG_BYTES];
	enum rc		rc;

	(void)prctl(PR_SET_NAME, "release-worker", 0, 0, 0);	/* what ps and top call it */
	rc = work(&w, argc == 2 ? argv[1] : "", &err);
	worker_done(&w);
	if (rc == RC_OK)
		return EXIT_YES;
	words[0] = (uint8_t)rc;
	memcpy(words + 1, err.msg, strlen(err.msg));
	if (frame_send(OUT, -1, WORKER_FAILED, SPAN(words, 1 + strlen(err.msg)), NULL) != RC_OK)
		return EXIT_IO;		/* nobody reads it any more */
	return exit_code(rc);
}
