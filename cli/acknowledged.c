/*
 * cli/acknowledged.c - what was logged of a request's opening (docs/spec/opening-v1.md).
 *
 * The order is proved to be of the request, and each acknowledgement of the order. The note's
 * own signature `quorate audit` judges.
 */
#include <stdio.h>
#include <string.h>

#include "cli/decisions.h"

struct logged_seen {
	struct dsse		d;
	struct statement	s;
	when			time;
};

static void
logged_seen_done(struct logged_seen *l)
{
	dsse_done(&l->d);
	statement_done(&l->s);
}

/* Of this type and subject, and, once a quorum cosigned it, in the log. */
static enum rc
read_logged(struct remote *r, const Quorate__V1__LoggedEntry *e, enum statement_type type, const uint8_t subject[SHA256_BYTES],
    struct logged_seen *ret, struct err *err)
{
	struct entry	entry;

	TRY(entry_parse(SPAN(e->leaf.data, e->leaf.len), &entry, err));
	TRY(dsse_parse(entry.dsse, &ret->d, err));
	TRY(statement_parse(&ret->d, &ret->s, err));
	ret->time = entry.time;
	if (ret->s.type != type || memcmp(ret->s.subject, subject, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "the coordinator gave entry %llu as %s of this, and it is not",
		    (unsigned long long)e->index, statement_type_name(type));
	if (e->proof.len == 0)
		return RC_OK;
	return remote_check_leaf(r, e->index, SPAN(e->leaf.data, e->leaf.len), SPAN(e->proof.data, e->proof.len), NULL,
	    err);
}

static enum rc
order_id(struct remote *r, const uint8_t request[SHA256_BYTES], const Quorate__V1__RequestReply *a,
    uint8_t ret[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(logged_seen_done) struct logged_seen l = { .time = 0 };

	if (a->ordered == NULL)
		return err_set(err, RC_FORMAT, "the coordinator's answer has acknowledgements of no order");
	TRY(read_logged(r, a->ordered, STATEMENT_ORDER, request, &l, err));
	memcpy(ret, l.s.id, SHA256_BYTES);
	return RC_OK;
}

static void
print_one(struct remote *r, const Quorate__V1__LoggedEntry *e, const struct logged_seen *l)
{
	const struct person	*p = remote_signer(r, &l->d, &l->s);
	char			 t[WHEN_TEXT_BYTES];
	uint8_t			 i;

	cli_say("opened      said by its recipient; %s logged it %s, entry %llu%s%s%s\n", p != NULL ? p->name : "somebody",
	    when_write(l->time, t), (unsigned long long)e->index, e->proof.len != 0 ? "" : " (not cosigned yet)",
	    e->effective ? "" : " - void: ", e->effective ? "" : e->why);
	for (i = 0; i < CUSTODIANS_MAX; i++)
		if ((l->s.u.acknowledgement.bad >> i & 1) != 0)
			cli_say("            the recipient says that custodian %u contributed wrongly\n", i + 1u);
}

static json_t *
one_json(struct remote *r, const Quorate__V1__LoggedEntry *e, const struct logged_seen *l)
{
	const struct person	*p = remote_signer(r, &l->d, &l->s);
	json_t			*bad = json_array();
	uint8_t			 i;

	for (i = 0; bad != NULL && i < CUSTODIANS_MAX; i++)
		if ((l->s.u.acknowledgement.bad >> i & 1) != 0)
			(void)json_array_append_new(bad, json_integer(i + 1));
	return json_pack("{s:s,s:I,s:b,s:b,s:s,s:o?,s:o?}", "person", p != NULL ? p->id : "", "entry", (json_int_t)e->index,
	    "cosigned", e->proof.len != 0, "effective", e->effective, "why", e->why, "opening",
	    json_hex(SPAN_OF(l->s.u.acknowledgement.opening)), "wrong", bad);
}

enum rc
acknowledged_tell(struct remote *r, const uint8_t request[SHA256_BYTES], const Quorate__V1__RequestReply *a, json_t *list,
    struct err *err)
{
	uint8_t	order[SHA256_BYTES];
	size_t	i;

	if (a->n_acknowledged == 0)
		return RC_OK;
	TRY(order_id(r, request, a, order, err));
	for (i = 0; i < a->n_acknowledged; i++) {
		AUTO_DONE(logged_seen_done) struct logged_seen l = { .time = 0 };

		TRY(read_logged(r, a->acknowledged[i], STATEMENT_ACKNOWLEDGEMENT, order, &l, err));
		if (list == NULL)
			print_one(r, a->acknowledged[i], &l);
		else if (json_array_append_new(list, one_json(r, a->acknowledged[i], &l)) != 0)
			return err_set(err, RC_NOMEM, "no memory");
	}
	return RC_OK;
}
