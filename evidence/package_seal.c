/* The signature of a package, and the time-stamps that make it last: package-v1 sections 5 to 6a. */
#include <string.h>

#include "base/wire.h"
#include "evidence/cades.h"
#include "evidence/package_parts.h"

/* A time-stamp that was had, and looked at. */
struct stamped {
	struct buf		token;
	struct timestamp	t;
};
#define STAMPED_INIT	((struct stamped){ .token = BUF_INIT(CADES_TOKEN_MAX) })

static void
stamped_done(struct stamped *s)
{
	buf_done(&s->token);
}

/* What a verifier will ask of its time. before: the one that it comes after, or NULL. */
static enum rc
check_time(const struct timestamp *t, const struct package_seal *seal, when released, const struct timestamp *before,
    struct err *err)
{
	char	at[WHEN_TEXT_BYTES];

	if (t->time + PACKAGE_CLOCK_SECONDS < released || (before != NULL && t->time < before->time))
		return err_set(err, RC_VERIFY, "its time is %s, which is before what it stamps", when_write(t->time, at));
	if (before != NULL && t->time > before->expires)
		return err_set(err, RC_VERIFY, "the certificates of the one before it ran out at %s",
		    when_write(before->expires, at));
	if (seal->now != 0 && t->time > seal->now + PACKAGE_CLOCK_SECONDS)
		return err_set(err, RC_VERIFY, "its time is %s, which is in the future", when_write(t->time, at));
	return RC_OK;
}

/* What does not hold here would not hold in court. beside: whose lists will stand beside it, or NULL. */
static enum rc
check_token(const struct package *p, const uint8_t imprint[SHA256_BYTES], const struct package_seal *beside,
    struct stamped *s, struct err *err)
{
	struct cades_added	added = { .token = buf_view(&s->token) };
	struct span		root[TSAS_MAX * TSA_CERTS_MAX];
	struct timestamp_trust	trust = { .root = root };

	for (uint32_t i = 0; i < p->charter->n_tsas; i++)
		for (uint8_t k = 0; k < p->charter->tsa[i].n_certificates; k++)
			root[trust.n_roots++] = SPAN(p->charter->tsa[i].certificate[k].p,
			    p->charter->tsa[i].certificate[k].n);
	for (size_t i = 0; beside != NULL && i < beside->n_crls; i++)
		added.crl[added.n_crls++] = beside->crl[i];
	cades_beside(&added, &trust);
	TRY(timestamp_verify(buf_view(&s->token), imprint, &trust, &s->t, err));
	return timestamp_exact(buf_view(&s->token), trust.root, trust.n_roots, err);
}

/*
 * RC_MISSING: none could be had, or what came is no good. Either holds up nothing: the release is
 * logged, and an authority with a wrong clock must not keep its package from being.
 */
static enum rc
stamp(struct package *p, const struct package_seal *seal, const uint8_t imprint[SHA256_BYTES],
    const struct timestamp *before, struct stamped *ret, struct err *err)
{
	struct err	why = { .rc = RC_OK };
	enum rc		rc = seal->stamp(seal->user, imprint, &ret->token, &why);

	if (rc == RC_OK)
		TRY(buf_check(&ret->token, "time-stamp", err));
	if (rc == RC_OK)
		rc = check_token(p, imprint, before == NULL && seal->archive ? seal : NULL, ret, &why);
	if (rc == RC_OK)
		rc = check_time(&ret->t, seal, p->released, before, &why);
	if (rc == RC_OK)
		p->stamps++;
	if (rc == RC_VERIFY || rc == RC_FORMAT || rc == RC_LIMIT)
		rc = RC_MISSING;
	memcpy(p->unstamped, rc == RC_MISSING ? why.msg : "", rc == RC_MISSING ? sizeof(p->unstamped) : 1);
	return rc == RC_OK ? RC_OK : err_set(err, rc, "%s", why.msg);
}

/* Level LT: the chain of who stamped it stands beside the signer's certificate too. */
static enum rc
add_chain(const struct package_seal *seal, struct buf *chain, struct cades_added *added, struct err *err)
{
	struct rd	r;
	struct span	der;
	size_t		n;

	TRY(timestamp_certificates(added->token, chain, &n, err));
	r = rd_init(buf_view(chain));
	while (rd_vec32(&r, 1, TIMESTAMP_CERT_MAX, &der))
		if (!span_eq(der, seal->certificate) && added->n_certificates < CADES_LISTS_MAX)
			added->certificate[added->n_certificates++] = der;
	for (size_t i = 0; i < seal->n_crls; i++)
		added->crl[added->n_crls++] = seal->crl[i];
	return RC_OK;
}

/* RC_MISSING: no time-stamp. */
static enum rc
stamp_signature(struct package *p, const struct package_seal *seal, struct span signature, struct stamped *s,
    struct buf *out, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	chain = BUF_INIT(CADES_TOKEN_MAX);
	struct cades_added		added = { .n_crls = 0 };
	uint8_t				imprint[SHA256_BYTES];

	TRY(cades_imprint(signature, imprint, err));
	TRY(stamp(p, seal, imprint, NULL, s, err));
	added.token = buf_view(&s->token);
	if (seal->archive)
		TRY(add_chain(seal, &chain, &added, err));
	return cades_add(signature, &added, out, err);
}

/* RC_MISSING likewise. before: of the signature. */
static enum rc
add_archive(struct package *p, const struct package_seal *seal, const struct timestamp *before, struct err *err)
{
	AUTO_DONE(buf_done) struct buf		manifest = BUF_INIT(PACKAGE_TEXT_MAX);
	AUTO_DONE(stamped_done) struct stamped	s = STAMPED_INIT;
	uint8_t					imprint[SHA256_BYTES];
	package_name				name;

	TRY(archive_manifest(&p->files, p->files.n, 1, &manifest, err));
	sha256_one(imprint, buf_view(&manifest));
	TRY(stamp(p, seal, imprint, before, &s, err));
	name_archive_manifest(1, name);
	TRY(package_add_buf(p, name, &manifest, err));
	name_archive_token(1, name);
	return package_add_buf(p, name, &s.token, err);
}

enum rc
package_add_seal(struct package *p, const struct package_seal *seal, struct err *err)
{
	AUTO_DONE(buf_done) struct buf		asic = BUF_INIT(PACKAGE_TEXT_MAX);
	AUTO_DONE(buf_done) struct buf		b = BUF_INIT(CADES_BYTES_MAX), t = BUF_INIT(CADES_BYTES_MAX);
	AUTO_DONE(stamped_done) struct stamped	s = STAMPED_INIT;
	enum rc					rc = RC_MISSING;

	if ((seal->archive && seal->stamp == NULL) || seal->n_crls > CADES_LISTS_MAX)
		return err_set(err, RC_USAGE, "package: an archive needs time-stamps, and at most %d lists",
		    CADES_LISTS_MAX);
	package_asic_manifest(&p->files, &asic);
	TRY(package_add_buf(p, NAME_ASIC_MANIFEST, &asic, err));
	TRY(cades_sign(seal->key, seal->certificate, buf_view(&asic), p->released, &b, err));
	if (seal->stamp != NULL)
		rc = stamp_signature(p, seal, buf_view(&b), &s, &t, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	TRY(package_add_buf(p, NAME_SIGNATURE, rc == RC_OK ? &t : &b, err));
	if (rc == RC_OK && seal->archive)
		rc = add_archive(p, seal, &s.t, err);
	return rc == RC_MISSING ? RC_OK : rc;
}

unsigned
package_stamps(const struct package *p)
{
	return p->stamps;
}

const char *
package_unstamped(const struct package *p)
{
	return p->unstamped;
}
