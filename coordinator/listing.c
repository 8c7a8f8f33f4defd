/*
 * coordinator/listing.c - artifacts, requests and amendments, newest first, in pages.
 *
 * The cursor is an entry's index: the next page starts below it. Artifacts come a
 * whole batch at a time, so that a page may be longer than was asked for.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/in_force.h"
#include "coordinator/journal.h"
#include "coordinator/logged.h"
#include "coordinator/pb.h"
#include "coordinator/queries.h"
#include "coordinator/readers.h"
#include "policy/apply.h"

#define ROWS_DEFAULT	50u
#define ROWS_MAX	500u
#define LOOKED_AT_MAX	5000u	/* entries that one page looks at */

PB_AUTO(list_request, ListRequest);

struct row {
	Quorate__V1__ListRow	m;
	uint8_t			id[SHA256_BYTES];
	char			policy[ID_MAX + 1], who[ID_MAX + 1], words[200];
};

struct listing {
	struct coordinator	*c;
	struct reader		*r;
	const char		*awaiting;	/* person id, or NULL */
	size_t			 max, n, cap;
	struct row		**row;
	uint64_t		 next;
};

static struct row *
add_row(struct listing *l)
{
	struct row	**bigger, *row;

	if (l->n == l->cap) {
		size_t	cap = l->cap == 0 ? 64 : 2 * l->cap;

		bigger = realloc(l->row, cap * sizeof(struct row *));
		if (bigger == NULL)
			return NULL;
		l->row = bigger;
		l->cap = cap;
	}
	if ((row = calloc(1, sizeof(*row))) == NULL)
		return NULL;
	quorate__v1__list_row__init(&row->m);
	row->m.policy = row->policy;
	row->m.who = row->who;
	row->m.words = row->words;
	return l->row[l->n++] = row;
}

static void
put_text(char *out, size_t n, const char *s)
{
	(void)snprintf(out, n, "%s", s);
}

/* ---- requests ----------------------------------------------------------------------- */

static bool
may_fill(const struct policy_rule *p, const struct person *who)
{
	uint8_t	i;

	for (i = 0; i < p->n_need; i++)
		if (person_has_role(who, p->need[i].role))
			return true;
	for (i = 0; i < p->n_veto; i++)
		if (person_has_role(who, p->veto[i]))
			return true;
	return false;
}

/* Who was not in the charter under which it was asked has no voice in it (apply: in R and in C). */
static enum rc
had_a_voice(const struct listing *l, const struct request_view *v, bool *ret, struct err *err)
{
	AUTO_DONE(logged_done) struct logged asked = LOGGED_INIT;
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(CHARTER_BYTES_MAX);
	AUTO(charter_free) struct charter *then = NULL;
	const struct person		*who;
	const struct policy_rule	*p;

	TRY(logged_read(l->r->store, v->index, &asked, err));
	*ret = memcmp(asked.s.charter, coordinator_charter(l->c)->digest, SHA256_BYTES) == 0;
	if (*ret)
		return RC_OK;
	TRY(store_blob(l->r->store, asked.s.charter, &b, err));
	TRY(charter_parse(buf_view(&b), &then, err));
	who = charter_person(then, l->awaiting);
	p = charter_policy(then, v->policy);
	*ret = who != NULL && p != NULL && may_fill(p, who);
	return RC_OK;
}

/* Would this person's decision change anything? */
static bool
awaits(const struct listing *l, const struct request_view *v)
{
	const struct person		*who = charter_person(coordinator_charter(l->c), l->awaiting);
	const struct policy_rule	*p = charter_policy(coordinator_charter(l->c), v->policy);
	uint32_t			 i;

	if (who == NULL || p == NULL || v->phase != REQUEST_OPEN ||
	    strcmp(v->requester, who->id) == 0)
		return false;
	for (i = 0; i < v->n_approvals; i++)
		if (strcmp(v->approval[i].person, who->id) == 0 &&
		    (v->approval[i].counts || !v->approval[i].approve))
			return false;
	return may_fill(p, who);
}

static enum rc
request_row(struct listing *l, uint64_t index, const uint8_t id[SHA256_BYTES], struct err *err)
{
	struct request_view	*v = calloc(1, sizeof(*v));
	struct row		*row;
	enum rc			 rc;
	bool			 listed;

	if (v == NULL)
		return err_set(err, RC_NOMEM, "list: no memory");
	rc = replica_request(l->r->replica, id, clock_now(), v, err);
	listed = rc == RC_OK && (l->awaiting == NULL || awaits(l, v));
	if (listed && l->awaiting != NULL)
		rc = had_a_voice(l, v, &listed, err);
	if (rc != RC_OK || !listed) {
		free(v);
		return rc == RC_MISSING ? RC_OK : rc;
	}
	if ((row = add_row(l)) == NULL) {
		free(v);
		return err_set(err, RC_NOMEM, "list: no memory");
	}
	memcpy(row->id, id, SHA256_BYTES);
	row->m.id = pb_bytes(SPAN_OF(row->id));
	row->m.index = index;
	row->m.time = v->logged;
	row->m.state = pb_text(request_phase_name(v->phase));
	put_text(row->policy, sizeof(row->policy), v->policy);
	put_text(row->who, sizeof(row->who), v->requester);
	if (v->missing[0] != '\0' && v->phase == REQUEST_OPEN)
		(void)snprintf(row->words, sizeof(row->words), "missing %s", v->missing);
	free(v);
	return RC_OK;
}

/* ---- amendments --------------------------------------------------------------------------- */

/* Would this amender's decision change anything? */
static bool
amendment_awaits(const struct listing *l, const struct amendment_view *v)
{
	const struct charter	*ch = coordinator_charter(l->c);
	bool			 may = false;
	uint32_t		 i;

	for (i = 0; i < ch->n_amenders; i++)
		may |= strcmp(ch->amender[i], l->awaiting) == 0;
	for (i = 0; i < ch->n_amend_veto; i++)
		may |= strcmp(ch->amend_veto[i], l->awaiting) == 0;
	for (i = 0; i < v->n_approvals; i++)
		if (strcmp(v->approval[i].person, l->awaiting) == 0 &&
		    (v->approval[i].counts || !v->approval[i].approve))
			may = false;
	return may && v->phase == AMENDMENT_OPEN && strcmp(v->proposer, l->awaiting) != 0;
}

static enum rc
fill_amendment(struct listing *l, const struct amendment_view *v, struct err *err)
{
	struct row	*row;

	if (l->awaiting != NULL && !amendment_awaits(l, v))
		return RC_OK;
	if ((row = add_row(l)) == NULL)
		return err_set(err, RC_NOMEM, "list: no memory");
	memcpy(row->id, v->id, SHA256_BYTES);
	row->m.id = pb_bytes(SPAN_OF(row->id));
	row->m.index = v->index;
	row->m.time = v->logged;
	row->m.state = pb_text(amendment_phase_name(v->phase));
	put_text(row->who, sizeof(row->who), v->proposer);
	(void)snprintf(row->words, sizeof(row->words), "%u of %u amenders, %d of %u custodians", v->have, v->need,
	    __builtin_popcount(v->consents), l->c->first->q);
	return RC_OK;
}

static enum rc
amendment_row(struct listing *l, const uint8_t id[SHA256_BYTES], struct err *err)
{
	struct amendment_view	*v = calloc(1, sizeof(*v));
	enum rc			 rc;

	if (v == NULL)
		return err_set(err, RC_NOMEM, "list: no memory");
	rc = replica_amendment(l->r->replica, id, clock_now(), v, err);
	if (rc == RC_OK)
		rc = fill_amendment(l, v, err);
	free(v);
	return rc == RC_MISSING ? RC_OK : rc;
}

/* ---- artifacts ------------------------------------------------------------------------- */

struct batch_rows {
	struct listing		*l;
	const struct logged	*batch;
	const char		*sealer;
	uint64_t		 index;
};

static void
part_words(const struct descriptor *d, char *out, size_t n)
{
	static const char *const	unit[] = { "B", "KB", "MB", "GB", "TB" };
	size_t				at = 0;
	uint8_t				i;

	out[0] = '\0';
	for (i = 0; i < d->n_parts && at < n; i++) {
		uint64_t	size = d->part[i].length;
		unsigned	u = 0;

		while (size >= 10000 && u < 4) {
			size = (size + 500) / 1000;
			u++;
		}
		at += (size_t)snprintf(out + at, n - at, "%s%s %llu %s", i == 0 ? "" : ", ",
		    d->part[i].name, (unsigned long long)size, unit[u]);
	}
}

static enum rc
artifact_row(void *user, uint32_t leaf, struct span bytes, struct err *err)
{
	struct batch_rows		*b = user;
	const struct policy_rule	*p;
	struct descriptor		 d;
	struct row			*row;

	(void)leaf;
	TRY(descriptor_parse_form(bytes, &d, err));
	if ((row = add_row(b->l)) == NULL)
		return err_set(err, RC_NOMEM, "list: no memory");
	memcpy(row->id, d.id, ARTIFACT_ID_BYTES);
	row->m.id = pb_bytes(SPAN(row->id, ARTIFACT_ID_BYTES));
	row->m.index = b->index;
	row->m.time = b->batch->time;
	row->m.state = pb_text("sealed");
	p = charter_policy_by_digest(coordinator_charter(b->l->c), d.policy);
	put_text(row->policy, sizeof(row->policy), p == NULL ? "" : p->id);
	put_text(row->who, sizeof(row->who), b->sealer);
	part_words(&d, row->words, sizeof(row->words));
	return RC_OK;
}

static enum rc
batch_rows(struct listing *l, uint64_t index, struct err *err)
{
	AUTO_DONE(logged_done) struct logged	batch = LOGGED_INIT;
	AUTO_DONE(buf_done) struct buf		vector = BUF_INIT(DESCRIPTOR_VECTOR_MAX);
	struct batch_view			view;
	struct batch_rows			b = { l, &batch, view.sealer, index };

	TRY(replica_batch(l->r->replica, index, &view, err));
	TRY(logged_read(l->r->store, index, &batch, err));
	TRY(store_blob(l->r->store, batch.s.u.batch.descriptors, &vector, err));
	return descriptor_vector_each(buf_view(&vector), batch.s.u.batch.count,
	    artifact_row, &b, err);
}

/* ---- a page, from the newest down -------------------------------------------------------- */

static enum rc
walk(struct listing *l, enum statement_type type, uint64_t from, struct err *err)
{
	struct verdict	v;
	uint64_t	index = from, looked = 0;

	while (index > 0 && l->n < l->max && looked++ < LOOKED_AT_MAX) {
		index--;
		TRY(store_verdict(l->r->store, index, &v, err));
		if (v.type != type || !v.effective)
			continue;
		if (type == STATEMENT_BATCH)
			TRY(batch_rows(l, index, err));
		else if (type == STATEMENT_AMENDMENT)
			TRY(amendment_row(l, v.id, err));
		else
			TRY(request_row(l, index, v.id, err));
	}
	l->next = index;
	return RC_OK;
}

static enum rc
write_list(struct listing *l, struct buf *reply, struct err *err)
{
	Quorate__V1__ListReply	 m = QUORATE__V1__LIST_REPLY__INIT;
	Quorate__V1__ListRow	**rows = calloc(l->n + 1, sizeof(Quorate__V1__ListRow *));
	size_t			 i;
	enum rc			 rc;

	if (rows == NULL)
		return err_set(err, RC_NOMEM, "list: no memory");
	for (i = 0; i < l->n; i++)
		rows[i] = &l->row[i]->m;
	m.n_rows = l->n;
	m.rows = rows;
	m.next = l->next;
	rc = pb_pack(&m.base, reply, err);
	free(rows);
	return rc;
}

enum rc
on_list(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	AUTO(reader_give) struct reader	*r = reader_take(c->readers);
	struct listing			 l = { .c = c, .r = r };
	uint64_t			 size = store_size(r->store);
	enum statement_type		 type;
	size_t				 i;
	enum rc				 rc;

	PB_UNPACK(list_request, ListRequest, q, request);
	if (strcmp(q->kind, "artifacts") == 0) {
		type = STATEMENT_BATCH;
	} else if (strcmp(q->kind, "requests") == 0) {
		type = STATEMENT_REQUEST;
	} else if (strcmp(q->kind, "amendments") == 0) {
		type = STATEMENT_AMENDMENT;
	} else {
		rpc_say(call, "list artifacts, requests or amendments");
		return err_set(err, RC_FORMAT, "list of an unknown kind");
	}
	if (q->awaiting != NULL && q->awaiting[0] != '\0')
		l.awaiting = q->awaiting;
	l.max = q->max == 0 ? ROWS_DEFAULT : q->max > ROWS_MAX ? ROWS_MAX : q->max;
	rc = walk(&l, type, q->after == 0 || q->after > size ? size : q->after, err);
	if (rc == RC_OK)
		rc = write_list(&l, reply, err);
	for (i = 0; i < l.n; i++)
		free(l.row[i]);
	free(l.row);
	return rc;
}
