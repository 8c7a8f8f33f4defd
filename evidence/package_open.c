/* Opening a package: verify, open the keys, then segment by segment. */
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
	uint32_t				good, bad;

	for (uint32_t i = 0; i < o->v->view.n_messages; i++)
		TRY(take_answer(o, &o->v->view.message[i], &a, err));
	return case_combine(o->v->checked, a.answer, a.n, &good, &bad, &o->keys, err);
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
	uint64_t		 at;
};

static enum rc
put(void *user, struct span plaintext, struct err *err)
{
	struct sink	*s = user;

	TRY(s->o->out(s->o->out_user, s->id, s->part, s->at, plaintext, err));
	s->at += plaintext.n;
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
	TRY(keys_point(o->keys, number, &point, err));
	TRY(view_segment(&o->v->view, i, segment, &s, err));
	return segment_open_stream(&s.source, point, put, &sink, err);
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

static enum rc
open_verified(struct package_opening *o, struct err *err)
{
	if (o->v->report.verdict == PACKAGE_INVALID)
		return err_set(err, RC_VERIFY, "package: not opened, for it does not verify");
	if (o->certificate.n == 0)
		o->certificate = buf_view(&o->v->checked->recipient);
	if (!span_eq(o->certificate, buf_view(&o->v->checked->recipient)))
		return err_set(err, RC_DENIED, "package: it is addressed to another certificate");
	TRY(key_fits(o, err));
	TRY(open_keys(o, err));
	return scope_each(&o->v->view.scope, open_segment, o, err);
}

enum rc
package_open(stream_read_at read, void *user, uint64_t size, const struct package_trust *trust,
    EVP_PKEY *key, struct span certificate, package_out_fn out, void *out_user,
    struct package_report *ret, struct opening *ret_opening, struct err *err)
{
	AUTO_DONE(verifier_done) struct verifier	v;
	struct package_opening				o = { &v, key, certificate, NULL, out, out_user };
	enum rc						rc;

	if (ret_opening != NULL)
		memset(ret_opening, 0, sizeof(*ret_opening));
	TRY(verifier_run(&v, read, user, size, trust, err));
	*ret = v.report;
	rc = open_verified(&o, err);
	secret_free(o.keys);
	return rc;
}
