/*
 * Time-stamps in a package and the certificates that they keep alive. Each token is judged at
 * its own time; what ran out since is good if a token over it is older (package-v1 section 7).
 */
#include <string.h>

#include <openssl/x509.h>

#include "base/wire.h"
#include "evidence/verify_parts.h"

DEFINE_AUTO(X509_free, X509);
DEFINE_AUTO(ASN1_TIME_free, ASN1_TIME);

#define CARRIED_MAX	(TIMESTAMP_CERTS_MAX * (TIMESTAMP_CERT_MAX + 4))

/* --- one token ----------------------------------------------------------------------- */

void
roots_init(struct roots *r, const struct package_trust *trust)
{
	for (r->n = 0; r->n < trust->n_roots && r->n < TRUST_ROOTS_MAX; r->n++)
		r->root[r->n] = trust->root[r->n];
}

void
roots_add(struct roots *r, const struct tsa *t)
{
	for (uint8_t i = 0; i < t->n_certificates; i++)
		r->root[r->n++] = SPAN(t->certificate[i].p, t->certificate[i].n);
}

/*
 * Is the token good in itself, by the certificates that it carries? Then no more is wrong
 * with it than that nobody here knows who made it.
 */
static enum rc
by_itself(struct span token, const uint8_t imprint[SHA256_BYTES], const struct timestamp_trust *trust,
    struct timestamp *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	all = BUF_INIT(CARRIED_MAX);
	struct roots			r = { .n = 0 };
	struct timestamp_trust		own = *trust;
	struct rd			in;
	size_t				n;

	TRY(timestamp_certificates(token, &all, &n, err));
	in = rd_init(buf_view(&all));
	while (r.n < n && rd_vec32(&in, 1, TIMESTAMP_CERT_MAX, &r.root[r.n]))
		r.n++;
	own.root = r.root;
	own.n_roots = r.n;
	return timestamp_verify(token, imprint, &own, ret, err);
}

enum rc
verifier_mark(struct span token, const uint8_t imprint[SHA256_BYTES], const struct timestamp_trust *trust,
    struct time_mark *ret, struct err *err)
{
	struct err	why = { .rc = RC_OK }, other = { .rc = RC_OK };
	enum rc		rc;

	ret->kind = MARK_GOOD;
	rc = timestamp_verify(token, imprint, trust, &ret->t, &why);
	if (rc == RC_OK)
		return RC_OK;
	ret->kind = MARK_BAD;
	memcpy(ret->why, why.msg, sizeof(ret->why));
	if (rc == RC_VERIFY && (rc = by_itself(token, imprint, trust, &ret->t, &other)) == RC_OK)
		ret->kind = MARK_STRANGER;
	return rc == RC_NOMEM || rc == RC_BUG ? err_set(err, rc, "no memory to check a time-stamp") : RC_OK;
}

/* --- the signature ---------------------------------------------------------------------- */

enum rc
verifier_marks(struct verifier *v, struct err *err)
{
	struct roots		r;
	struct timestamp_trust	trust = { .root = r.root };
	uint8_t			imprint[SHA256_BYTES];

	if (v->added.token.n == 0)
		return RC_OK;
	roots_init(&r, v->trust);
	for (uint32_t i = 0; i < v->charter->n_tsas; i++)
		roots_add(&r, &v->charter->tsa[i]);
	trust.n_roots = r.n;
	TRY(cades_imprint(buf_view(&v->view.signature), imprint, err));
	return verifier_mark(v->added.token, imprint, &trust, &v->stamped, err);
}

/* Since when the signature is known to have been there: by the oldest good token over it, else since now. */
static when
there_since(const struct verifier *v)
{
	when	since = v->trust->now;

	if (v->stamped.kind == MARK_GOOD && v->stamped.t.time < since)
		since = v->stamped.t.time;
	return since;
}

static enum rc
time_of(const ASN1_TIME *t, when *ret, struct err *err)
{
	AUTO(ASN1_TIME_free) ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
	int	days, seconds;

	if (epoch == NULL)
		return err_set(err, RC_NOMEM, "package signature: no memory");
	if (ASN1_TIME_diff(&days, &seconds, epoch, t) != 1)
		return err_set(err, RC_FORMAT, "the package certificate's dates cannot be read");
	*ret = days < 0 || seconds < 0 ? 0 : (when)days * 86400 + (when)seconds;
	return RC_OK;
}

enum rc
verifier_dates(struct verifier *v, struct err *err)
{
	const struct blob_ref	*cert = &v->charter->coordinator.package_certificate;
	const unsigned char	*p = cert->p;
	AUTO(X509_free) X509	*x = d2i_X509(NULL, &p, (long)cert->n);
	char			 a[WHEN_TEXT_BYTES], b[WHEN_TEXT_BYTES];
	when			 from, until, since = there_since(v);

	if (x == NULL)
		return err_set(err, RC_NOMEM, "package signature: no memory");
	TRY(time_of(X509_get0_notBefore(x), &from, err));
	TRY(time_of(X509_get0_notAfter(x), &until, err));
	if (v->released + VERIFY_CLOCK_SECONDS < from)
		return err_set(err, RC_VERIFY, "signed at %s, before its certificate was valid, from %s",
		    when_write(v->released, a), when_write(from, b));
	if (v->released > until || since > until)
		return err_set(err, RC_VERIFY, "its certificate ran out at %s, and no time-stamp by anybody trusted "
		    "shows that the signature is older", when_write(until, a));
	return RC_OK;
}

/* A TSA's own certificates were good at the token's time; if not today, a token over it came in time. */
enum rc
verifier_time(const struct verifier *v, const struct timestamp *t, struct err *err)
{
	char	at[WHEN_TEXT_BYTES];

	if (t->time > v->trust->now && t->time - v->trust->now > VERIFY_CLOCK_SECONDS)
		return err_set(err, RC_VERIFY, "stamped at %s, which is in the future of this clock",
		    when_write(t->time, at));
	if (t->expires >= v->trust->now)
		return RC_OK;
	return err_set(err, RC_VERIFY, "the certificates of %s ran out at %s, and no archive time-stamp is older than that",
	    t->signer, when_write(t->expires, at));
}

enum rc
step_timestamp(struct verifier *v, struct err *err)
{
	const struct time_mark	*m = &v->stamped;
	char			 at[WHEN_TEXT_BYTES];

	switch (m->kind) {
	case MARK_GOOD:
		break;
	case MARK_BAD:
		return err_set(err, RC_VERIFY, "%s", m->why);
	case MARK_STRANGER:
		if (v->charter->n_tsas > 0)
			return err_set(err, RC_VERIFY, "stamped by %s, which is none of the charter's authorities",
			    m->t.signer);
		v->unsure = true;
		buf_printf(&v->words, "stamped at %s by %s, whom neither the charter nor you named",
		    when_write(m->t.time, at), m->t.signer);
		return RC_OK;
	case MARK_NONE:
		v->unsure = true;
		buf_printf(&v->words, "no time-stamping authority stamped the signature; the log says when it was made");
		return RC_OK;
	}
	if (m->t.time + VERIFY_CLOCK_SECONDS < v->released)
		return err_set(err, RC_VERIFY, "stamped at %s, before the release was logged", when_write(m->t.time, at));
	TRY(verifier_time(v, &m->t, err));
	buf_printf(&v->words, "signed before %s, says %s", when_write(m->t.time, at), m->t.signer);
	return RC_OK;
}
