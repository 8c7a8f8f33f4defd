/*
 * Time-stamps in a package and the certificates that they keep alive. Each token is judged at
 * its own time; what ran out since is good if a token over it is older (package-v1 section 7).
 */
#include <string.h>

#include <openssl/x509.h>

#include "base/wire.h"
#include "evidence/archive.h"
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

enum rc
verifier_clock(const struct verifier *v, const struct timestamp *t, struct err *err)
{
	char	at[WHEN_TEXT_BYTES];

	if (t->time > v->trust->now && t->time - v->trust->now > VERIFY_CLOCK_SECONDS)
		return err_set(err, RC_VERIFY, "stamped at %s, which is in the future of this clock",
		    when_write(t->time, at));
	return RC_OK;
}

/* --- the archive ------------------------------------------------------------------------ */

/* A token over what another dated: not older, and there before that one's certificates ran out. */
static enum rc
follows(const struct timestamp *before, const struct timestamp *t, struct err *err)
{
	char	a[WHEN_TEXT_BYTES], b[WHEN_TEXT_BYTES];

	if (t->time < before->time)
		return err_set(err, RC_VERIFY, "stamped at %s, before what it covers was, at %s", when_write(t->time, a),
		    when_write(before->time, b));
	if (t->time > before->expires)
		return err_set(err, RC_VERIFY, "stamped at %s, when the certificates of %s had run out, at %s: too late",
		    when_write(t->time, a), before->signer, when_write(before->expires, b));
	return RC_OK;
}

static enum rc
mark_archive(const struct verifier *v, uint32_t i, const struct timestamp_trust *trust, struct time_mark *ret,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf	want = BUF_INIT(PACKAGE_TEXT_MAX), have = BUF_INIT(PACKAGE_TEXT_MAX);
	AUTO_DONE(buf_done) struct buf	token = BUF_INIT(TIMESTAMP_TOKEN_MAX);
	const struct view_archive	*a = &v->view.archives[i];
	uint8_t				 imprint[SHA256_BYTES];

	TRY(zip_read_all(v->view.zip, &a->manifest, &have, err));
	TRY(archive_manifest(&v->view.files, a->file, i + 1, &want, err));
	if (!span_eq(buf_view(&want), buf_view(&have)))
		return err_set(err, RC_VERIFY, "%s does not fit the files before it", a->manifest.name);
	TRY(zip_read_all(v->view.zip, &a->token, &token, err));
	sha256_one(imprint, buf_view(&have));
	TRY(verifier_mark(buf_view(&token), imprint, trust, ret, err));
	if (ret->kind == MARK_GOOD)
		TRY(timestamp_exact(buf_view(&token), trust->root, trust->n_roots, err));
	return ret->kind == MARK_BAD ? err_set(err, RC_VERIFY, "%s", ret->why) : RC_OK;
}

/* One more good one; before: the token that it comes after, if any. */
static enum rc
take_archive(struct verifier *v, const struct timestamp *t, const struct timestamp *before, struct err *err)
{
	struct archived	*all = &v->archived;
	char		 at[WHEN_TEXT_BYTES];

	TRY(verifier_clock(v, t, err));
	if (t->time + VERIFY_CLOCK_SECONDS < v->released)
		return err_set(err, RC_VERIFY, "stamped at %s, before the release was logged", when_write(t->time, at));
	if (before != NULL)
		TRY(follows(before, t, err));
	if (all->n_good++ == 0)
		all->first = t->time;
	all->last = *t;
	return RC_OK;
}

static enum rc
mark_archives(struct verifier *v, const struct timestamp_trust *trust, struct err *err)
{
	const struct timestamp	*before = v->stamped.kind == MARK_GOOD ? &v->stamped.t : NULL;
	struct archived		*all = &v->archived;
	struct time_mark	 m = { .kind = MARK_NONE };

	for (uint32_t i = 0; i < v->view.n_archives; i++) {
		TRY(mark_archive(v, i, trust, &m, err));
		if (m.kind == MARK_STRANGER) {
			all->kind = MARK_STRANGER;
			memcpy(all->why, m.t.signer, sizeof(m.t.signer));
			continue;
		}
		TRY(take_archive(v, &m.t, before, err));
		before = &all->last;
		if (all->kind == MARK_NONE)
			all->kind = MARK_GOOD;
	}
	return RC_OK;
}

enum rc
step_archive(struct verifier *v, struct err *err)
{
	const struct archived	*all = &v->archived;
	char			 a[WHEN_TEXT_BYTES], b[WHEN_TEXT_BYTES], c[WHEN_TEXT_BYTES];

	v->unsure = all->kind != MARK_GOOD;
	switch (all->kind) {
	case MARK_BAD:
		return err_set(err, RC_VERIFY, "%s", all->why);
	case MARK_NONE:
		buf_printf(&v->words, "there is no archive time-stamp");
		return RC_OK;
	case MARK_STRANGER:
		buf_printf(&v->words, "stamped by %s, whom neither the charter nor you named: --trust FILE names more",
		    all->why);
		return RC_OK;
	case MARK_GOOD:
		break;
	}
	if (all->n_good == 1)
		buf_printf(&v->words, "all of it was there before %s, says %s", when_write(all->first, a), all->last.signer);
	else
		buf_printf(&v->words, "all of it was there before %s, and is under %u time-stamps, the last of %s by %s",
		    when_write(all->first, a), all->n_good, when_write(all->last.time, b), all->last.signer);
	if (all->last.expires >= v->trust->now)
		buf_printf(&v->words, "; to be renewed before %s", when_write(all->last.expires, c));
	else
		buf_printf(&v->words, "; its certificates ran out at %s, and none later is here", when_write(all->last.expires, c));
	return RC_OK;
}

/* --- the signature ---------------------------------------------------------------------- */

/* What was added to the signature is signed, but not by its signature: that of a stranger dates nothing anyway. */
static enum rc
exactly(struct verifier *v, const struct roots *r, struct err *err)
{
	const struct blob_ref	*cert = &v->charter->coordinator.package_certificate;
	struct err		 why = { .rc = RC_OK };
	enum rc			 rc = RC_OK;

	if (v->stamped.kind == MARK_GOOD)
		rc = cades_exact(SPAN(cert->p, cert->n), &v->added, r->root, r->n, &why);
	if (rc == RC_OK || rc == RC_NOMEM || rc == RC_BUG)
		return rc == RC_OK ? rc : err_set(err, rc, "%s", why.msg);
	v->stamped.kind = MARK_BAD;
	memcpy(v->stamped.why, why.msg, sizeof(v->stamped.why));
	return RC_OK;
}

enum rc
verifier_marks(struct verifier *v, struct err *err)
{
	struct roots		r;
	struct timestamp_trust	trust = { .root = r.root }, own;
	uint8_t			imprint[SHA256_BYTES];

	struct err		why = { .rc = RC_OK };
	enum rc			rc;

	roots_init(&r, v->trust);
	for (uint32_t i = 0; i < v->charter->n_tsas; i++)
		roots_add(&r, &v->charter->tsa[i]);
	trust.n_roots = r.n;
	if (v->added.token.n > 0) {
		TRY(cades_imprint(buf_view(&v->view.signature), imprint, err));
		own = trust;
		cades_beside(&v->added, &own);
		TRY(verifier_mark(v->added.token, imprint, &own, &v->stamped, err));
		TRY(exactly(v, &r, err));
	}
	if ((rc = mark_archives(v, &trust, &why)) == RC_OK || rc == RC_NOMEM || rc == RC_IO || rc == RC_BUG)
		return rc == RC_OK ? rc : err_set(err, rc, "%s", why.msg);
	v->archived.kind = MARK_BAD;
	memcpy(v->archived.why, why.msg, sizeof(why.msg));
	return RC_OK;
}

/* Since when the signature is known to have been there: by the oldest good token over it, else since now. */
static when
there_since(const struct verifier *v)
{
	when	since = v->trust->now;

	if (v->stamped.kind == MARK_GOOD && v->stamped.t.time < since)
		since = v->stamped.t.time;
	if (v->archived.n_good > 0 && v->archived.first < since)
		since = v->archived.first;
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

/* The certificates behind a token ran out: the oldest archive token must be from before that. */
static enum rc
still_good(const struct verifier *v, const struct timestamp *t, struct err *err)
{
	char	at[WHEN_TEXT_BYTES];

	if (t->expires >= v->trust->now || (v->archived.n_good > 0 && v->archived.first <= t->expires))
		return RC_OK;
	return err_set(err, RC_VERIFY, "stamped in time, but the certificates of %s ran out at %s, and no archive time-stamp "
	    "is from before that", t->signer, when_write(t->expires, at));
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
	TRY(verifier_clock(v, &m->t, err));
	TRY(still_good(v, &m->t, err));
	buf_printf(&v->words, "signed before %s, says %s", when_write(m->t.time, at), m->t.signer);
	return RC_OK;
}
