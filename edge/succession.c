/* edge/succession.c - the succession statement beside a charter. */
#include <string.h>

#include "edge/file.h"
#include "edge/succession.h"
#include "policy/statement.h"

/* The same bytes for everybody: no signer, no nonce, no times. */
static enum rc
payload_of(const struct succession *what, struct buf *payload, struct err *err)
{
	AUTO_DONE(statement_done) struct statement s;

	memset(&s, 0, sizeof(s));
	statement_init(&s, STATEMENT_SUCCESSION, what->genesis, what->now, what->size, what->root, 0, 0);
	memcpy(s.subject, what->next, SHA256_BYTES);
	return statement_write(&s, payload, err);
}

/* Without the line's end that the file has: an entry must be all of it. */
static enum rc
read_envelope(const char *path, struct buf *text, struct dsse *d, struct err *err)
{
	char	sidecar[FILE_PATH_MAX];

	TRY(file_path(sidecar, err, "%s.dsse", path));
	TRY(file_read(sidecar, text, err));
	while (text->n > 0 && text->p[text->n - 1] == '\n')
		text->n--;
	return dsse_parse(buf_view(text), d, err);
}

static enum rc
says(const char *path, const struct dsse *d, struct succession *ret, struct err *err)
{
	AUTO_DONE(statement_done) struct statement s;

	memset(&s, 0, sizeof(s));
	TRY(statement_parse(d, &s, err));
	if (s.type != STATEMENT_SUCCESSION)
		return err_set(err, RC_FORMAT, "%s.dsse: a %s, and no succession", path, statement_type_name(s.type));
	memcpy(ret->genesis, s.genesis, SHA256_BYTES);
	memcpy(ret->now, s.charter, SHA256_BYTES);
	memcpy(ret->next, s.subject, SHA256_BYTES);
	memcpy(ret->root, s.seen_root, SHA256_BYTES);
	ret->size = s.seen_size;
	return RC_OK;
}

static enum rc
is_of_document(const char *path, const struct succession *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(CHARTER_BYTES_MAX);
	uint8_t	digest[SHA256_BYTES];

	TRY(file_read_given(path, &json, err));
	sha256_one(digest, buf_view(&json));
	if (memcmp(digest, s->next, sizeof(digest)) != 0)	/* public digests */
		return err_set(err, RC_VERIFY, "%s.dsse: signs another charter; %s was changed after it was signed: "
		    "remove the .dsse and sign again", path, path);
	return RC_OK;
}

enum rc
succession_file_read(const char *path, struct succession *ret, struct buf *dsse, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	struct succession	s;

	memset(&d, 0, sizeof(d));
	TRY(read_envelope(path, dsse, &d, err));
	TRY(says(path, &d, &s, err));
	TRY(is_of_document(path, &s, err));
	*ret = s;
	return RC_OK;
}

static enum rc
write_envelope(const char *path, struct buf *out, struct err *err)
{
	char	sidecar[FILE_PATH_MAX];

	buf_u8(out, '\n');
	TRY(buf_check(out, "succession", err));
	TRY(file_path(sidecar, err, "%s.dsse", path));
	return file_write(sidecar, buf_view(out), 0644, err);
}

enum rc
succession_file_sign(const char *path, const struct succession *what, const struct signer *s, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(DSSE_BYTES_MAX), payload = BUF_INIT(DSSE_BYTES_MAX),
	    out = BUF_INIT(DSSE_BYTES_MAX + 1);
	AUTO_DONE(dsse_done) struct dsse d;
	enum rc	rc;

	memset(&d, 0, sizeof(d));
	TRY(is_of_document(path, what, err));
	TRY(payload_of(what, &payload, err));
	rc = read_envelope(path, &text, &d, err);
	if (rc == RC_MISSING) {
		TRY(dsse_sign(buf_view(&payload), s, &out, err));
		return write_envelope(path, &out, err);
	}
	TRY(rc);
	if (!span_eq(buf_view(&d.payload), buf_view(&payload)))
		return err_set(err, RC_VERIFY, "%s.dsse: speaks of another charter, or of another size or root of the log; "
		    "all must sign the same: agree on one, or remove the .dsse and sign again", path);
	if (dsse_signed_by(&d, &s->key))
		return RC_OK;
	TRY(dsse_sign_more(buf_view(&text), s, &out, err));
	return write_envelope(path, &out, err);
}

/* --- who has signed --------------------------------------------------------------- */

static bool
person_signed(const struct dsse *d, const struct person *p)
{
	uint8_t	i;

	for (i = 0; p != NULL && i < p->n_keys; i++)
		if (dsse_signed_by(d, &p->key[i]))
			return true;
	return false;
}

void
succession_count(const struct dsse *d, const struct charter *now, struct succession_signed *ret)
{
	uint8_t	i;

	ret->amenders = ret->custodians = 0;
	for (i = 0; i < now->n; i++)
		ret->custodians += dsse_signed_by(d, &now->custodian[i].signing_key);
	for (i = 0; i < now->n_amenders; i++)
		ret->amenders += person_signed(d, charter_person(now, now->amender[i]));
}

enum rc
succession_signatures(const char *path, const struct charter *now, struct buf *dsse, struct buf *missing,
    struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	struct succession		 s;
	struct succession_signed	 have;

	memset(&d, 0, sizeof(d));
	TRY(read_envelope(path, dsse, &d, err));
	TRY(says(path, &d, &s, err));
	TRY(is_of_document(path, &s, err));
	if (memcmp(s.now, now->digest, sizeof(s.now)) != 0)	/* public digests */
		return err_set(err, RC_VERIFY, "%s.dsse: follows another charter than the one in force", path);
	succession_count(&d, now, &have);
	if (have.amenders < charter_amend_need(now))
		buf_printf(missing, "%u of %u amenders have signed\n", have.amenders, charter_amend_need(now));
	if (have.custodians < now->q)
		buf_printf(missing, "%u of %u custodians have signed\n", have.custodians, now->q);
	return buf_check(missing, "missing signatures", err);
}
