/* audit/anchor.c - what an `anchor` entry archives, as bytes. */
#include <string.h>

#include "audit/anchor.h"
#include "base/wire.h"

static const char	magic[] = "quorate anchor 1\n";

static void
list_write(const struct span *list, size_t n, struct buf *out)
{
	buf_u8(out, (uint8_t)n);
	for (size_t i = 0; i < n; i++)
		buf_vec32(out, list[i]);
}

static bool
list_parse(struct rd *r, uint8_t *ret_n, struct span *list, size_t max, size_t bytes_max)
{
	if (!rd_u8(r, ret_n) || *ret_n > max)
		return false;
	for (size_t i = 0; i < *ret_n; i++)
		if (!rd_vec32(r, 1, bytes_max, &list[i]))
			return false;
	return true;
}

static size_t
list_bytes(const struct span *list, size_t n)
{
	size_t	bytes = 1;

	for (size_t i = 0; i < n; i++)
		bytes += 4 + list[i].n;
	return bytes;
}

/* Known before anything is written: who is told RC_LIMIT tries again with the same buf. */
enum rc
anchor_write(const struct anchor *a, struct buf *out, struct err *err)
{
	if (a->n_certificates > TIMESTAMP_CERTS_MAX || a->n_crls > TIMESTAMP_CRLS_MAX)
		return err_set(err, RC_BUG, "anchor: too many certificates or lists");
	if (sizeof(magic) - 1 + 4 + a->note.n + 4 + a->token.n + list_bytes(a->certificate, a->n_certificates) +
	    list_bytes(a->crl, a->n_crls) > ANCHOR_BYTES_MAX)
		return err_set(err, RC_LIMIT, "anchor: over %d bytes", ANCHOR_BYTES_MAX);
	buf_add(out, magic, sizeof(magic) - 1);
	buf_vec32(out, a->note);
	buf_vec32(out, a->token);
	list_write(a->certificate, a->n_certificates, out);
	list_write(a->crl, a->n_crls, out);
	return buf_check(out, "anchor", err);
}

enum rc
anchor_parse(struct span in, struct anchor *ret, struct err *err)
{
	struct rd	r = rd_init(in);
	struct anchor	a;

	memset(&a, 0, sizeof(a));
	if (in.n > ANCHOR_BYTES_MAX)
		return err_set(err, RC_FORMAT, "anchor: %zu bytes, at most %d", in.n, ANCHOR_BYTES_MAX);
	/* anchor-v1 section 2, field for field. */
	if (!rd_expect(&r, magic, sizeof(magic) - 1) ||
	    !rd_vec32(&r, 1, NOTE_BYTES_MAX, &a.note) ||
	    !rd_vec32(&r, 1, TIMESTAMP_RESPONSE_MAX, &a.token) ||
	    !list_parse(&r, &a.n_certificates, a.certificate, TIMESTAMP_CERTS_MAX, TIMESTAMP_CERT_MAX) ||
	    !list_parse(&r, &a.n_crls, a.crl, TIMESTAMP_CRLS_MAX, TIMESTAMP_CRL_MAX) ||
	    !rd_done(&r))
		return err_set(err, RC_FORMAT, "anchor: malformed at byte %zu of %zu", r.at, in.n);
	*ret = a;
	return RC_OK;
}

enum rc
anchor_verify(const struct anchor *a, const struct span *root, size_t n_roots,
    struct timestamp *ret, struct err *err)
{
	struct timestamp_trust	trust = {
		.root = root,
		.n_roots = n_roots,
		.certificate = a->certificate,
		.n_certificates = a->n_certificates,
		.crl = a->crl,
		.n_crls = a->n_crls,
	};
	uint8_t			imprint[SHA256_BYTES];

	sha256_one(imprint, a->note);
	return timestamp_verify(a->token, imprint, &trust, ret, err);
}
