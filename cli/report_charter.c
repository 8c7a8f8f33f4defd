/* cli/report_charter.c - the charters of a log, and what was proposed. */
#include <stdlib.h>
#include <string.h>

#include "cli/changes.h"
#include "cli/report_impl.h"

static enum rc
add_charter(void *user, const uint8_t digest[SHA256_BYTES], uint64_t since, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(CHARTER_BYTES_MAX);
	struct report			*r = user;
	struct report_charter		*c;

	TRY(r->source->blob(r->source->user, digest, &b, err));
	c = report_more(&r->charter, &r->n_charters, &r->cap_charters, sizeof(*c));
	if (c == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	c->since = since;
	return charter_parse(buf_view(&b), &c->doc, err);
}

enum rc
report_charters(struct report *r, struct err *err)
{
	return replica_charters(r->source->replica, add_charter, r, err);
}

void
report_charters_done(struct report *r)
{
	size_t	i;

	for (i = 0; i < r->n_charters; i++)
		charter_free(r->charter[i].doc);
	free(r->charter);
}

/* An entry that puts a charter in force was itself judged by the one before. */
const struct charter *
report_charter_at(const struct report *r, uint64_t index)
{
	size_t	i = r->n_charters;

	while (i > 1 && r->charter[i - 1].since >= index)
		i--;
	return r->charter[i - 1].doc;
}

const struct charter *
report_charter_of(const struct report *r, const uint8_t digest[SHA256_BYTES])
{
	size_t	i;

	for (i = 0; i < r->n_charters; i++)
		if (memcmp(r->charter[i].doc->digest, digest, SHA256_BYTES) == 0)
			return r->charter[i].doc;
	return NULL;
}

enum rc
report_amendment(struct walk *w, struct err *err)
{
	struct report		*r = w->r;
	struct report_request	*q = report_more(&r->amendment, &r->n_amendments, &r->cap_amendments, sizeof(*q));

	if (q == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	memcpy(q->id, w->s.id, sizeof(q->id));
	q->index = w->index;
	return RC_OK;
}

/* --- for people --------------------------------------------------------------------------------- */

enum rc
report_change(const struct report *r, size_t i, struct buf *out, struct err *err)
{
	charter_changes(r->charter[i - 1].doc, r->charter[i].doc, out);
	return buf_check(out, "what the charter changes", err);
}

const char *
report_came_by(const struct report *r, size_t i, struct verdict *v, struct err *err)
{
	if (i == 0)
		return "genesis";
	if (r->source->verdict(r->source->user, r->charter[i].since, v, err) != RC_OK)
		return NULL;
	return v->type == STATEMENT_SUCCESSION ? "succession" : "amendment";
}

static void
put_lines(const char *text, FILE *out)
{
	const char	*end;

	for (; *text != '\0'; text = end + (*end == '\n')) {
		end = strchrnul(text, '\n');
		(void)fprintf(out, "    %.*s\n", (int)(end - text), text);
	}
}

static enum rc
print_charter(const struct report *r, size_t i, FILE *out, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(1 << 20);
	const struct report_charter	*c = &r->charter[i];
	struct verdict			 v = { .time = 0 };
	const char			*by = report_came_by(r, i, &v, err);
	char				 hex[HEX_BYTES(8)], t[WHEN_TEXT_BYTES];

	if (by == NULL)
		return err->rc;
	(void)hex_write(SPAN(c->doc->digest, 8), hex);
	if (i == 0) {
		(void)fprintf(out, "  %s  the genesis: %s\n", hex, c->doc->name);
		return RC_OK;
	}
	(void)fprintf(out, "  %s  in force from entry %llu on, %s, by %s\n", hex, (unsigned long long)c->since,
	    when_write(v.time, t), by);
	TRY(report_change(r, i, &text, err));
	put_lines(buf_text(&text), out);
	return RC_OK;
}

static enum rc
print_amendment(const struct report *r, const struct report_request *q, FILE *out, struct err *err)
{
	struct amendment_view	v;
	char			hex[HEX_BYTES(8)], to[HEX_BYTES(8)], t[WHEN_TEXT_BYTES];
	uint32_t		i;
	bool			any = false;

	TRY(replica_amendment(r->source->replica, q->id, r->source->now, &v, err));
	(void)hex_write(SPAN(v.id, 8), hex);
	(void)hex_write(SPAN(v.charter, 8), to);
	(void)fprintf(out, "  amendment %s, entry %llu, %s: proposed by %s, to charter %s: %s; %u of %u approvals", hex,
	    (unsigned long long)v.index, when_write(v.logged, t), v.proposer, to, amendment_phase_name(v.phase), v.have, v.need);
	for (i = 0; i < v.n_approvals; i++) {
		(void)fprintf(out, "%s%s%s", any ? ", " : " (", v.approval[i].person, v.approval[i].approve ? "" : " against it");
		any = true;
	}
	(void)fprintf(out, "%s; %d custodians consented\n", any ? ")" : "", __builtin_popcount(v.consents));
	return RC_OK;
}

enum rc
report_print_charters(const struct report *r, FILE *out, struct err *err)
{
	size_t	i;

	(void)fprintf(out, "\nCHARTER\n");
	for (i = 0; i < r->n_charters; i++)
		TRY(print_charter(r, i, out, err));
	for (i = 0; i < r->n_amendments; i++)
		TRY(print_amendment(r, &r->amendment[i], out, err));
	return RC_OK;
}
