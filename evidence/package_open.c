/* Opening a package: verify, open the keys, then segment by segment. */
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>

#include "evidence/cms.h"
#include "evidence/keys.h"
#include "evidence/verify_parts.h"

struct package_opening {
	struct verifier		*v;
	EVP_PKEY		*key;
	struct span		 certificate;
	struct secret		*keys;		/* keys-v1 */
	package_out_fn		 out;
	void			*out_user;
	uint32_t		 good, bad;	/* recipient mode: whose contributions proved true, and false */
	EVP_MD_CTX		*digest;	/* of the plaintext of the part at hand */
	struct opening		 opening;
};


/* --- the keys -------------------------------------------------------------------- */

static enum rc
open_message(const struct package_opening *o, const struct zip_entry *e, struct secret **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	der = BUF_INIT(CMS_BYTES_MAX);

	TRY(zip_read_all(o->v->view.zip, e, &der, err));
	return cms_open(o->key, o->certificate, buf_view(&der), ret, err);
}

/* Recipient mode: the messages as answers, with the receipts that the log has for them. */
struct answers {
	size_t			n;
	struct case_answer	answer[CUSTODIANS_MAX];
	struct buf		message[CUSTODIANS_MAX];
	struct secret		*opened[CUSTODIANS_MAX];
};

static void
answers_done(struct answers *a)
{
	for (size_t i = 0; i < a->n; i++) {
		buf_done(&a->message[i]);
		secret_free(a->opened[i]);
	}
}

static enum rc
take_answer(const struct package_opening *o, const struct view_message *m, struct answers *a, struct err *err)
{
	AUTO_DONE(statement_done) struct statement	s = { .type = STATEMENT_UNKNOWN };
	size_t						i = a->n++;
	enum rc						rc;

	a->message[i] = BUF_INIT(CMS_BYTES_MAX);
	a->answer[i].custodian = m->custodian;
	TRY(verifier_receipt(o->v, m->custodian, &s, &a->answer[i].receipt, err));
	TRY(zip_read_all(o->v->view.zip, &m->cms, &a->message[i], err));
	a->answer[i].message = buf_view(&a->message[i]);
	rc = cms_open(o->key, o->certificate, buf_view(&a->message[i]), &a->opened[i], err);
	if (rc == RC_NOMEM || rc == RC_IO || rc == RC_DENIED)
		return rc;
	/* One that does not open otherwise is that custodian's fault, and k others may do. */
	a->answer[i].contributions = a->opened[i];
	return RC_OK;
}

static enum rc
combine_messages(struct package_opening *o, struct err *err)
{
	AUTO_DONE(answers_done) struct answers	a = { .n = 0 };

	for (uint32_t i = 0; i < o->v->view.n_messages; i++)
		TRY(take_answer(o, &o->v->view.message[i], &a, err));
	return case_combine(o->v->checked, a.answer, a.n, &o->good, &o->bad, &o->keys, err);
}

static enum rc
open_keys(struct package_opening *o, struct err *err)
{
	const struct grant	*g = &o->v->checked->grant;

	if (!o->v->view.has_keys)
		return combine_messages(o, err);
	TRY(open_message(o, &o->v->view.keys, &o->keys, err));
	return keys_check(o->keys, g->order, g->scope.n_segments, err);
}

/* --- the segments ------------------------------------------------------------------- */

struct sink {				/* where one segment goes */
	const struct package_opening	*o;
	const uint8_t		*id;
	const struct part	*part;
	struct opened_part	*opened;
	uint64_t		 at;
};

static enum rc
put(void *user, struct span plaintext, struct err *err)
{
	struct sink	*s = user;

	TRY(s->o->out(s->o->out_user, s->id, s->part, s->at, plaintext, err));
	if (EVP_DigestUpdate(s->o->digest, plaintext.p, plaintext.n) != 1)
		return err_set(err, RC_NOMEM, "package: no memory");
	s->at += plaintext.n;
	s->opened->bytes += plaintext.n;
	return RC_OK;
}

/* Its first segment comes: what will be said of it. */
static enum rc
begin_part(const struct package_opening *o, const struct scope_artifact *a, const struct scope_part *p,
    struct opened_part *ret, struct err *err)
{
	*ret = (struct opened_part){ .first = p->first, .last = p->last };
	memcpy(ret->artifact, a->id, sizeof(ret->artifact));
	memcpy(ret->name, p->name, sizeof(ret->name));
	if (EVP_DigestInit_ex(o->digest, EVP_sha256(), NULL) != 1)
		return err_set(err, RC_NOMEM, "package: no memory");
	return RC_OK;
}

static enum rc
open_segment(void *user, uint32_t number, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, struct err *err)
{
	struct package_opening					*o = user;
	AUTO(secret_free) struct secret			*point = NULL;
	AUTO_DONE(view_segment_done) struct view_segment s = { .hash = NULL };
	uint32_t					 i = (uint32_t)(p - o->v->view.scope.part);
	struct sink					 sink = { .o = o, .id = a->id };

	sink.part = view_part(&o->v->view, i);
	sink.at = (uint64_t)segment << sink.part->segment_log2;
	sink.opened = &o->opening.part[i];
	if (segment == p->first)
		TRY(begin_part(o, a, p, sink.opened, err));
	TRY(keys_point(o->keys, number, &point, err));
	TRY(view_segment(&o->v->view, i, segment, &s, err));
	TRY(segment_open_stream(&s.source, point, put, &sink, err));
	if (segment == p->last && EVP_DigestFinal_ex(o->digest, sink.opened->sha256, NULL) != 1)
		return err_set(err, RC_NOMEM, "package: no memory");
	return RC_OK;
}

static enum rc
begin_opening(struct package_opening *o, struct err *err)
{
	uint32_t	n = o->v->view.scope.n_parts;

	o->opening = (struct opening){ .n_parts = n, .part = calloc(n, sizeof(*o->opening.part)), .bad = 0 };
	if (o->opening.part == NULL || (o->digest = EVP_MD_CTX_new()) == NULL)
		return err_set(err, RC_NOMEM, "package: no memory");
	memcpy(o->opening.genesis, o->v->genesis, SHA256_BYTES);
	memcpy(o->opening.order, o->v->checked->grant.order, SHA256_BYTES);
	return RC_OK;
}

/* A key without its certificate: is it the one of the approved recipient? */
static enum rc
key_fits(const struct package_opening *o, struct err *err)
{
	const unsigned char	*p = o->certificate.p;
	X509			*x = d2i_X509(NULL, &p, (long)o->certificate.n);
	bool			 fits = x != NULL && X509_check_private_key(x, o->key) == 1;

	X509_free(x);
	return fits ? RC_OK : err_set(err, RC_DENIED, "package: it is addressed to another key than this one");
}

/* --- what is said of it ------------------------------------------------------------- */

static void
say_keys(struct package_report *r, enum claim_verdict verdict, const char *words)
{
	r->claim[CLAIM_KEYS].verdict = verdict;
	(void)snprintf(r->claim[CLAIM_KEYS].words, CLAIM_WORDS, "%s", words);
}

static void
list_custodians(uint32_t set, struct buf *out)
{
	const char	*comma = "";

	for (unsigned i = 1; i <= CUSTODIANS_MAX; i++)
		if ((set >> (i - 1) & 1) != 0) {
			buf_printf(out, "%s%u", comma, i);
			comma = ", ";
		}
}

static enum rc
say_opened(const struct package_opening *o, struct package_report *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	words = BUF_INIT(CLAIM_WORDS);

	buf_printf(&words, "%u segment key%s, each under its commitment; every segment of the scope opened",
	    o->v->view.scope.n_segments, words_s(o->v->view.scope.n_segments));
	if (!o->v->view.has_keys) {
		buf_printf(&words, "; combined of contributions of custodians ");
		list_custodians(o->good, &words);
	}
	if (o->bad != 0) {
		buf_printf(&words, "; contributed wrongly: ");
		list_custodians(o->bad, &words);
	}
	TRY(buf_check(&words, "words of a claim", err));
	say_keys(r, CLAIM_YES, buf_text(&words));
	return RC_OK;
}

/* Of the package, and not of who opens it or of where to? */
static bool
is_its_fault(enum rc rc)
{
	return rc == RC_VERIFY || rc == RC_FORMAT || rc == RC_QUORUM;
}

static void
say_failed(const struct package_opening *o, enum rc rc, const struct err *why, struct package_report *r)
{
	AUTO_DONE(buf_done) struct buf	words = BUF_INIT(CLAIM_WORDS);

	if (!is_its_fault(rc)) {
		say_keys(r, CLAIM_UNKNOWN, "not tried, or not to the end");
		return;
	}
	buf_printf(&words, "%s", why->msg);
	if (o->bad != 0) {
		buf_printf(&words, "; contributed wrongly: ");
		list_custodians(o->bad, &words);
	}
	say_keys(r, CLAIM_NO, buf_text(&words));
	r->verdict = PACKAGE_INVALID;
}

/* --- all of it ------------------------------------------------------------------------ */

static enum rc
open_verified(struct package_opening *o, struct err *err)
{
	if (o->certificate.n == 0)
		o->certificate = buf_view(&o->v->checked->recipient);
	if (!span_eq(o->certificate, buf_view(&o->v->checked->recipient)))
		return err_set(err, RC_DENIED, "package: it is addressed to another certificate");
	TRY(key_fits(o, err));
	TRY(begin_opening(o, err));
	TRY(open_keys(o, err));
	return scope_each(&o->v->view.scope, open_segment, o, err);
}

static void
opening_end(struct package_opening *o)
{
	secret_free(o->keys);
	EVP_MD_CTX_free(o->digest);
	opening_done(&o->opening);
}

enum rc
package_open(stream_read_at read, void *user, uint64_t size, const struct package_trust *trust,
    EVP_PKEY *key, struct span certificate, package_out_fn out, void *out_user,
    struct package_report *ret, struct opening *ret_opening, struct err *err)
{
	AUTO_DONE(verifier_done) struct verifier	v;
	AUTO_DONE(opening_end) struct package_opening	o = { .v = &v, .key = key, .certificate = certificate,
							    .out = out, .out_user = out_user };
	struct err					why = { .rc = RC_OK };
	enum rc						rc;

	TRY(verifier_run(&v, read, user, size, trust, err));
	*ret = v.report;
	if (v.report.verdict == PACKAGE_INVALID)
		return err_set(err, RC_VERIFY, "package: not opened, for it does not verify");
	if ((rc = open_verified(&o, &why)) != RC_OK) {
		say_failed(&o, rc, &why, ret);
		return err_set(err, rc, "%s", why.msg);
	}
	o.opening.bad = o.bad;
	TRY(say_opened(&o, ret, err));
	if (ret_opening != NULL) {
		*ret_opening = o.opening;
		o.opening.part = NULL;
	}
	return RC_OK;
}

enum rc
package_recipient(stream_read_at read, void *user, uint64_t size, struct buf *ret, struct err *err)
{
	struct package_view	*v = calloc(1, sizeof(*v));
	enum rc			 rc;

	if (v == NULL)
		return err_set(err, RC_NOMEM, "package: no memory");
	if ((rc = view_walk(read, user, size, v, err)) == RC_OK)
		buf_span(ret, buf_view(&v->recipient));
	view_done(v);
	free(v);
	return rc == RC_OK ? buf_check(ret, "certificate", err) : rc;
}
