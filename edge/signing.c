/* edge/signing.c - the charter statement beside a charter. */
#include <string.h>

#include "edge/file.h"
#include "edge/signing.h"
#include "policy/statement.h"

/* The same bytes for everybody: no nonce, no times (policy/statement.h). */
static enum rc
payload_of(const struct charter *c, struct buf *payload, struct err *err)
{
	struct statement	s;
	enum rc			rc;

	memset(&s, 0, sizeof(s));
	s.type = STATEMENT_CHARTER;
	memcpy(s.subject, c->digest, SHA256_BYTES);
	memcpy(s.genesis, c->digest, SHA256_BYTES);
	memcpy(s.charter, c->digest, SHA256_BYTES);
	rc = statement_write(&s, payload, err);
	statement_done(&s);
	return rc;
}

static enum rc
read_envelope(const char *path, const struct charter *c, struct buf *text,
    struct dsse *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf payload = BUF_INIT(DSSE_BYTES_MAX);
	char	sidecar[FILE_PATH_MAX];

	TRY(file_path(sidecar, err, "%s.dsse", path));
	TRY(file_read(sidecar, text, err));
	while (text->n > 0 && text->p[text->n - 1] == '\n')
		text->n--;
	TRY(payload_of(c, &payload, err));
	TRY(dsse_parse(buf_view(text), ret, err));
	if (!span_eq(buf_view(&ret->payload), buf_view(&payload)))
		return err_set(err, RC_VERIFY,
		    "%s: signs another charter; the charter was changed after it was signed: remove it and sign again",
		    sidecar);
	return RC_OK;
}

enum rc
charter_sign_file(const char *path, const struct charter *c, const struct signer *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(DSSE_BYTES_MAX), payload = BUF_INIT(DSSE_BYTES_MAX),
	    out = BUF_INIT(DSSE_BYTES_MAX + 1);
	AUTO_DONE(dsse_done) struct dsse d;
	char	sidecar[FILE_PATH_MAX];
	enum rc	rc;

	memset(&d, 0, sizeof(d));
	TRY(file_path(sidecar, err, "%s.dsse", path));
	rc = read_envelope(path, c, &text, &d, err);
	if (rc == RC_OK && dsse_signed_by(&d, &s->key))
		return RC_OK;
	if (rc == RC_OK) {
		rc = dsse_sign_more(buf_view(&text), s, &out, err);
	} else if (rc == RC_MISSING) {
		TRY(payload_of(c, &payload, err));
		rc = dsse_sign(buf_view(&payload), s, &out, err);
	}
	TRY(rc);
	buf_u8(&out, '\n');
	TRY(buf_check(&out, "charter statement", err));
	return file_write(sidecar, buf_view(&out), 0644, err);
}

static bool
person_signed(const struct dsse *d, const struct person *p)
{
	uint8_t	i;

	for (i = 0; p != NULL && i < p->n_keys; i++)
		if (dsse_signed_by(d, &p->key[i]))
			return true;
	return false;
}

enum rc
charter_signatures(const char *path, const struct charter *c, struct buf *dsse,
    struct buf *missing, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	uint8_t	i;

	memset(&d, 0, sizeof(d));
	TRY(read_envelope(path, c, dsse, &d, err));
	for (i = 0; i < c->n; i++)
		if (!dsse_signed_by(&d, &c->custodian[i].signing_key))
			buf_printf(missing, "custodian %u (%s) has not signed\n", i + 1u,
			    c->custodian[i].name);
	for (i = 0; i < c->n_amenders; i++)
		if (!person_signed(&d, charter_person(c, c->amender[i])))
			buf_printf(missing, "%s has not signed\n", c->amender[i]);
	return buf_check(missing, "missing signatures", err);
}
