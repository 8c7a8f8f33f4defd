/* The signature of a package, and the time-stamps that make it last: package-v1 sections 5 to 6a. */
#include <string.h>

#include "base/wire.h"
#include "evidence/cades.h"
#include "evidence/package_parts.h"

/* Whoever stamped it: what does not hold here would not hold in court. */
static enum rc
check_token(const struct package *p, struct span token, const uint8_t imprint[SHA256_BYTES], struct err *err)
{
	struct span		root[TSAS_MAX * TSA_CERTS_MAX];
	struct timestamp_trust	trust = { .root = root };
	struct timestamp	t;
	enum rc			rc;

	for (uint32_t i = 0; i < p->charter->n_tsas; i++)
		for (uint8_t k = 0; k < p->charter->tsa[i].n_certificates; k++)
			root[trust.n_roots++] = SPAN(p->charter->tsa[i].certificate[k].p,
			    p->charter->tsa[i].certificate[k].n);
	if ((rc = timestamp_verify(token, imprint, &trust, &t, err)) != RC_OK ||
	    (rc = timestamp_exact(token, trust.root, trust.n_roots, err)) != RC_OK)
		return err_wrap(err, rc, "package: the time-stamp that came for it");
	return RC_OK;
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

/* RC_MISSING: none could be had. */
static enum rc
stamp_signature(const struct package *p, const struct package_seal *seal, struct span signature, struct buf *out,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf	token = BUF_INIT(CADES_TOKEN_MAX);
	AUTO_DONE(buf_done) struct buf	chain = BUF_INIT(CADES_TOKEN_MAX);
	struct cades_added		added = { .n_crls = 0 };
	uint8_t				imprint[SHA256_BYTES];

	TRY(cades_imprint(signature, imprint, err));
	TRY(seal->stamp(seal->user, imprint, &token, err));
	TRY(buf_check(&token, "time-stamp", err));
	TRY(check_token(p, buf_view(&token), imprint, err));
	added.token = buf_view(&token);
	if (seal->archive)
		TRY(add_chain(seal, &chain, &added, err));
	return cades_add(signature, &added, out, err);
}

static enum rc
add_archive(struct package *p, const struct package_seal *seal, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	manifest = BUF_INIT(PACKAGE_TEXT_MAX), token = BUF_INIT(CADES_TOKEN_MAX);
	uint8_t				imprint[SHA256_BYTES];
	package_name			name;

	TRY(archive_stamp(&p->files, 1, seal->stamp, seal->user, &manifest, &token, err));
	sha256_one(imprint, buf_view(&manifest));
	TRY(check_token(p, buf_view(&token), imprint, err));
	name_archive_manifest(1, name);
	TRY(package_add_buf(p, name, &manifest, err));
	name_archive_token(1, name);
	return package_add_buf(p, name, &token, err);
}

/* That nobody stamps ends nothing: a release is not held up, and an archive can be renewed into it later. */
enum rc
package_add_seal(struct package *p, const struct package_seal *seal, when released, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	asic = BUF_INIT(PACKAGE_TEXT_MAX);
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(CADES_BYTES_MAX), t = BUF_INIT(CADES_BYTES_MAX);
	enum rc				rc = RC_MISSING;

	if ((seal->archive && seal->stamp == NULL) || seal->n_crls > CADES_LISTS_MAX)
		return err_set(err, RC_USAGE, "package: an archive needs time-stamps, and at most %d lists",
		    CADES_LISTS_MAX);
	package_asic_manifest(&p->files, &asic);
	TRY(package_add_buf(p, NAME_ASIC_MANIFEST, &asic, err));
	TRY(cades_sign(seal->key, seal->certificate, buf_view(&asic), released, &b, err));
	if (seal->stamp != NULL)
		rc = stamp_signature(p, seal, buf_view(&b), &t, err);
	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	TRY(package_add_buf(p, NAME_SIGNATURE, rc == RC_OK ? &t : &b, err));
	if (rc == RC_OK && seal->archive)
		rc = add_archive(p, seal, err);
	return rc == RC_MISSING ? RC_OK : rc;
}
