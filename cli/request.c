/* cli/request.c - quorate request: ask for artifacts, parts or segments to be disclosed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/artifact.h"
#include "cli/handin.h"

#define REASON_MAX	16384
#define ATTACHMENT_MAX	(32 << 20)
#define INLINE_MAX	(128 << 10)	/* larger blobs are uploaded first */

struct asking {
	struct remote		*r;
	const struct policy_rule *policy;
	struct texts		 artifacts, parts, attach;
	const char		*segments, *reason, *recipient;
	bool			 ranged;
	uint32_t		 first, last;
	struct statement	 statement;
	struct buf		 scope, reason_blob, attachment[ATTACHMENTS_MAX];
	uint8_t			 upload[ATTACHMENTS_MAX][16];
	size_t			 n_uploads;
};

static void
asking_done(struct asking *a)
{
	size_t	i;

	statement_done(&a->statement);
	buf_done(&a->scope);
	buf_done(&a->reason_blob);
	for (i = 0; i < ATTACHMENTS_MAX; i++)
		buf_done(&a->attachment[i]);
}

/* --- scope ----------------------------------------------------------------------------- */

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, ARTIFACT_ID_BYTES);
}

/* 1 to 9 digits and nothing else: no sign, no space. */
static bool
segment_number(const char **p, uint32_t *ret)
{
	const char	*from = *p;
	uint32_t	 v = 0;

	for (; **p >= '0' && **p <= '9' && *p - from < 9; (*p)++)
		v = v * 10 + (uint32_t)(**p - '0');
	*ret = v;
	return *p != from;
}

static enum rc
parse_segments(struct asking *a, struct err *err)
{
	const char	*p = a->segments;
	uint32_t	 first, last;
	bool		 ok;

	if (p == NULL)
		return RC_OK;
	ok = segment_number(&p, &first);
	last = first;
	if (ok && *p == '-') {
		p++;
		ok = segment_number(&p, &last);
	}
	if (!ok || *p != '\0')
		return err_set(err, RC_USAGE, "--segments %.40s: write FIRST-LAST, counted from 0", a->segments);
	if (last >= first && last - first >= SCOPE_SEGMENTS_MAX)
		return err_set(err, RC_USAGE, "--segments %.40s: at most %d of them in one request", a->segments,
		    SCOPE_SEGMENTS_MAX);
	if (first > last)
		return err_set(err, RC_USAGE, "--segments %.40s: the first comes after the last", a->segments);
	if (a->parts.n != 1)
		return err_set(err, RC_USAGE, "--segments needs exactly one --part: of which part?");
	a->ranged = true;
	a->first = first;
	a->last = last;
	return RC_OK;
}

static bool
wanted(const struct asking *a, const char *name)
{
	size_t	i;
	uint8_t	p;

	for (i = 0; i < a->parts.n; i++)
		if (strcmp(a->parts.v[i], name) == 0)
			return true;
	if (a->parts.n > 0)
		return false;
	for (p = 0; p < a->policy->n_parts; p++)	/* everything that the policy covers */
		if (strcmp(a->policy->part[p], name) == 0)
			return true;
	return a->policy->n_parts == 0;
}

static enum rc
add_artifact(struct asking *a, const struct descriptor *d, struct scope *s, struct err *err)
{
	struct scope_artifact	*sa = &s->artifact[s->n_artifacts];
	struct scope_part	*p;
	uint8_t			 i;

	memcpy(sa->id, d->id, sizeof(sa->id));
	sa->first_part = s->n_parts;
	sa->n_parts = 0;
	for (i = 0; i < d->n_parts; i++) {
		if (!wanted(a, d->part[i].name))
			continue;
		p = &s->part[s->n_parts++];
		p->artifact = s->n_artifacts;
		(void)snprintf(p->name, sizeof(p->name), "%s", d->part[i].name);
		p->first = a->ranged ? a->first : 0;
		p->last = a->ranged ? a->last : part_segments(&d->part[i]) - 1;
		/* Each at most as many as one descriptor has: 16 parts cannot wrap it round. */
		if (s->n_segments <= SCOPE_SEGMENTS_MAX)
			s->n_segments += p->last - p->first + 1;
		sa->n_parts++;
	}
	if (sa->n_parts == 0)
		return err_set(err, RC_USAGE, "an artifact has none of the parts asked for; `quorate status ID` lists them");
	s->n_artifacts++;
	return RC_OK;
}

static enum rc
check_parts_exist(const struct asking *a, const struct descriptor *d, struct err *err)
{
	size_t	i;

	for (i = 0; i < a->parts.n; i++)
		if (descriptor_part(d, a->parts.v[i]) == NULL)
			return err_set(err, RC_USAGE, "an artifact has no part \"%.40s\"; `quorate status ID` lists its parts",
			    a->parts.v[i]);
	return RC_OK;
}

static enum rc
build_scope(struct asking *a, struct err *err)
{
	AUTO_DONE(scope_done) struct scope s = { .n_artifacts = 0 };
	static uint8_t		ids[SCOPE_ARTIFACTS_MAX][ARTIFACT_ID_BYTES];
	struct descriptor	d;
	size_t			i;

	if (a->artifacts.n == 0 || a->artifacts.n > SCOPE_ARTIFACTS_MAX)
		return err_set(err, RC_USAGE, "--artifact: 1 to %d of them", SCOPE_ARTIFACTS_MAX);
	for (i = 0; i < a->artifacts.n; i++)
		TRY(cli_id(a->artifacts.v[i], ids[i], ARTIFACT_ID_BYTES, "an artifact", err));
	qsort(ids, a->artifacts.n, sizeof(ids[0]), by_id);
	s.artifact = calloc(a->artifacts.n, sizeof(*s.artifact));
	s.part = calloc(a->artifacts.n * PARTS_MAX, sizeof(*s.part));
	if (s.artifact == NULL || s.part == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	for (i = 0; i < a->artifacts.n; i++) {
		if (i > 0 && memcmp(ids[i - 1], ids[i], ARTIFACT_ID_BYTES) == 0)
			return err_set(err, RC_USAGE, "an artifact is given twice");
		TRY(artifact_fetch(a->r, ids[i], &d, NULL, NULL, err));
		TRY(check_parts_exist(a, &d, err));
		TRY(add_artifact(a, &d, &s, err));
	}
	if (s.n_segments > SCOPE_SEGMENTS_MAX)
		return err_set(err, RC_USAGE, "%u segments in one request; at most %d: ask for fewer at a time",
		    s.n_segments, SCOPE_SEGMENTS_MAX);
	return scope_write(&s, &a->scope, err);
}

/* --- texts, attachments, recipient ----------------------------------------------------- */

/* "kind=FILE", or FILE alone where the policy asks for one kind. */
static enum rc
attachment_kind(const struct asking *a, const char *word, char kind[ID_MAX + 1], const char **ret_path,
    struct err *err)
{
	const char	*eq = strchr(word, '=');

	if (eq != NULL && eq - word <= ID_MAX && strchr(word, '/') == NULL) {
		(void)snprintf(kind, ID_MAX + 1, "%.*s", (int)(eq - word), word);
		*ret_path = eq + 1;
	} else {
		(void)snprintf(kind, ID_MAX + 1, "%s", a->policy->n_attachments >= 1 ? a->policy->attachment[0] : "other");
		*ret_path = word;
	}
	if (!is_ident(kind, ID_MAX))
		return err_set(err, RC_USAGE, "--attach %.60s: the kind is lower-case letters, digits, . _ -", word);
	return RC_OK;
}

static enum rc
read_blob(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const struct buf	*b = user;

	if (at + n > b->n)
		return err_set(err, RC_BUG, "past the end of an attachment");
	memcpy(out, b->p + at, n);
	return RC_OK;
}

static enum rc
attach(struct asking *a, size_t i, struct err *err)
{
	AUTO_DONE(buf_done) struct buf file = BUF_INIT(ATTACHMENT_MAX);
	struct statement_attachment	*t = &a->statement.u.request.attachment[i];
	const char			*path;

	TRY(attachment_kind(a, a->attach.v[i], t->kind, &path, err));
	TRY(file_read_given(path, &file, err));
	if (file.n == 0)
		return err_set(err, RC_USAGE, "%s is empty", path);
	t->size = file.n;
	TRY(erasable_new(buf_view(&file), &a->attachment[i], t->digest, err));
	if (a->attachment[i].n > INLINE_MAX)
		TRY(remote_upload(a->r, path, a->attachment[i].n, read_blob, &a->attachment[i],
		    a->upload[a->n_uploads++], err));
	return RC_OK;
}

static enum rc
read_recipient(struct asking *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf pem = BUF_INIT(65536);
	enum rc	rc;

	TRY(file_read_given(a->recipient, &pem, err));
	if ((rc = pem_to_der(buf_view(&pem), &a->statement.bytes, err)) != RC_OK)
		return err_wrap(err, rc, "recipient %s", a->recipient);
	return RC_OK;
}

static enum rc
fill(struct asking *a, struct err *err)
{
	size_t	i;

	TRY(remote_statement(a->r, STATEMENT_REQUEST, a->policy->request_seconds, &a->statement, err));
	a->statement.bytes = BUF_INIT(RECIPIENT_CERT_MAX);
	TRY(build_scope(a, err));
	sha256_one(a->statement.subject, buf_view(&a->scope));
	(void)snprintf(a->statement.u.request.policy, sizeof(a->statement.u.request.policy), "%s", a->policy->id);
	TRY(erasable_new(span_str(a->reason), &a->reason_blob, a->statement.u.request.reason, err));
	if (a->attach.n > ATTACHMENTS_MAX)
		return err_set(err, RC_USAGE, "at most %d attachments", ATTACHMENTS_MAX);
	for (i = 0; i < a->attach.n; i++)
		TRY(attach(a, i, err));
	a->statement.u.request.n_attachments = (uint8_t)a->attach.n;
	return read_recipient(a, err);
}

static enum rc
hand_in(struct asking *a, const char *keypath, struct err *err)
{
	AUTO(keyfile_free) struct keyfile *key = NULL;
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct span		blobs[2 + ATTACHMENTS_MAX];
	AUTO(custodians_free) struct custodians *c = NULL;
	struct handin		h = { .r = a->r, .word = "requested", .name = "request", .blob = blobs, .n_fixed = 1 };
	size_t			n = 0, i;
	enum rc			rc;

	TRY(cli_key(keypath, &key, err));
	rc = fill(a, err);
	if (rc == RC_UNSURE)
		return err_wrap(err, rc, "to ask for artifacts, they must be looked up first, and the coordinator does not "
		    "show them");
	TRY(rc);
	TRY(statement_sign(&a->statement, keyfile_signer(key), &dsse, err));
	blobs[n++] = buf_view(&a->scope);
	blobs[n++] = buf_view(&a->reason_blob);
	for (i = 0; i < a->attach.n; i++)
		if (a->attachment[i].n <= INLINE_MAX)
			blobs[n++] = buf_view(&a->attachment[i]);
	memcpy(h.id, a->statement.id, sizeof(h.id));
	h.dsse = buf_view(&dsse);
	h.n_blobs = n;
	h.upload = (const uint8_t (*)[16])a->upload;
	h.n_uploads = a->n_uploads;
	rc = handin_other(&h, err);
	c = h.c;
	TRY(rc);
	TRY(handin_tell(&h, false, err));
	if (!cli_json)
		puts("approvers read it with: quorate show REQUEST");
	return RC_OK;
}

enum rc
cmd_request(int argc, char **argv, struct err *err)
{
	static struct asking	 a;
	AUTO(remote_free) struct remote *r = NULL;
	const char		*policy = NULL, *key = NULL;
	const struct option_row	rows[] = {
		{ "artifact", OPTION_TEXTS, &a.artifacts, "ID", "what to disclose; again for more" },
		{ "part", OPTION_TEXTS, &a.parts, "NAME", "only this part; again for more (all that the policy covers)" },
		{ "segments", OPTION_TEXT, &a.segments, "A-B", "only these segments of the one part, from 0" },
		{ "policy", OPTION_TEXT | OPTION_NEEDED, &policy, "ID", "the policy it was sealed under" },
		{ "reason", OPTION_TEXT | OPTION_NEEDED, &a.reason, "TEXT", "why, for the approvers" },
		{ "attach", OPTION_TEXTS, &a.attach, "[KIND=]FILE", "a court order or the like; again for more" },
		{ "recipient", OPTION_TEXT | OPTION_NEEDED, &a.recipient, "CERT.pem", "who will be able to open it" },
		{ "key", OPTION_TEXT | OPTION_NEEDED, &key, "KEY", "your key: file or PKCS#11 URI" },
		JSON_ROW,
	};
	const struct command	c = {
		"quorate request --artifact ID [...] --policy ID --reason TEXT --recipient cert.pem --key KEY",
		"Asks for artifacts to be disclosed to the holder of a certificate (EC P-256, P-384 or RSA).",
		rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n, i;
	bool	help;
	enum rc	rc;

	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	if (!is_plain_text(a.reason, REASON_MAX))
		return err_set(err, RC_USAGE, "--reason: printable text of at most %d bytes", REASON_MAX);
	TRY(parse_segments(&a, err));
	TRY(remote_open(&r, err));
	a.r = r;
	if ((a.policy = charter_policy(r->charter, policy)) == NULL)
		return err_set(err, RC_USAGE, "the charter has no policy \"%.40s\"; see `quorate charter show`", policy);
	a.scope = BUF_INIT(SCOPE_BYTES_MAX);
	a.reason_blob = BUF_INIT(REASON_MAX + ERASABLE_SALT_BYTES);
	for (i = 0; i < ATTACHMENTS_MAX; i++)
		a.attachment[i] = BUF_INIT(ATTACHMENT_MAX + ERASABLE_SALT_BYTES);
	rc = hand_in(&a, key, err);
	asking_done(&a);
	return rc;
}
