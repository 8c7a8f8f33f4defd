/* cli/conduct.c - what the log shows of each custodian. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/conduct.h"

enum rc
conduct_batch(struct conduct *c, uint64_t index, struct err *err)
{
	size_t		 cap = c->cap == 0 ? 256 : 2 * c->cap;
	uint64_t	*p;

	if (c->n == c->cap) {
		if ((p = realloc(c->batch, cap * sizeof(*p))) == NULL)
			return err_set(err, RC_NOMEM, "no memory");
		c->batch = p;
		c->cap = cap;
	}
	c->batch[c->n++] = index;
	return RC_OK;
}

static void
add_release(struct conduct *c, const struct statement *s)
{
	uint8_t	i, who;

	for (i = 0; i < s->u.release.n; i++) {
		who = s->u.release.custodian[i].index;
		if (!s->u.release.custodian[i].good && who >= 1 && who <= CUSTODIANS_MAX)
			c->wrong[who - 1]++;
	}
}

static enum rc
add_garbage(struct conduct *c, struct replica *r, const struct statement *s, struct err *err)
{
	uint8_t			who = s->u.garbage.custodian;
	enum void_reason	why;
	uint64_t		batch, at;
	bool			own;

	if (who < 1 || who > CUSTODIANS_MAX)
		return err_set(err, RC_BUG, "garbage of no custodian is effective");
	TRY(replica_logged(r, s->subject, &batch, &why, err));
	TRY(replica_garbage(r, batch, who, s->u.garbage.leaf, &at, &own, err));
	if (own)
		c->broken[who - 1]++;
	else
		c->garbage[who - 1]++;
	return RC_OK;
}

enum rc
conduct_entry(struct conduct *c, struct replica *r, const struct statement *s, struct err *err)
{
	if (s->type == STATEMENT_GARBAGE)
		return add_garbage(c, r, s, err);
	if (s->type == STATEMENT_RELEASE)
		add_release(c, s);
	return RC_OK;
}

enum rc
conduct_checked(struct conduct *c, struct replica *r, struct err *err)
{
	const struct charter	*charter = replica_charter(r);
	size_t			 k;
	uint8_t			 i;
	bool			 is;

	for (i = 0; i < charter->n; i++)
		for (k = 0; k < c->n; k++) {
			TRY(replica_checked(r, c->batch[k], (uint8_t)(i + 1), &is, err));
			c->checked[i] += is;
		}
	return RC_OK;
}

void
conduct_done(struct conduct *c)
{
	free(c->batch);
	*c = (struct conduct){ .n = 0 };
}

void
conduct_print(const struct conduct *c, const struct charter *charter, FILE *out)
{
	uint8_t	i;

	for (i = 0; i < charter->n; i++) {
		(void)fprintf(out, "  %-2u %-24s checked %llu of %zu batches", i + 1u, charter->custodian[i].name,
		    (unsigned long long)c->checked[i], c->n);
		if (c->garbage[i] > 0)
			(void)fprintf(out, "; GARBAGE instead of %llu shares: the sealer's doing or its own",
			    (unsigned long long)c->garbage[i]);
		if (c->broken[i] > 0)
			(void)fprintf(out, "; BROKE %llu shares that it had checked", (unsigned long long)c->broken[i]);
		if (c->wrong[i] > 0)
			(void)fprintf(out, "; GAVE WRONG CONTRIBUTIONS: %llu", (unsigned long long)c->wrong[i]);
		(void)fputc('\n', out);
	}
}

json_t *
conduct_json(const struct conduct *c, const struct charter *charter)
{
	json_t	*list = json_array();
	uint8_t	 i;

	for (i = 0; list != NULL && i < charter->n; i++)
		if (json_array_append_new(list, json_pack("{s:I,s:s,s:I,s:I,s:I,s:I,s:b}", "index", (json_int_t)(i + 1), "name",
		    charter->custodian[i].name, "checked", (json_int_t)c->checked[i], "garbage", (json_int_t)c->garbage[i],
		    "broken", (json_int_t)c->broken[i], "wrong_contributions", (json_int_t)c->wrong[i], "extractable", charter->custodian[i].extractable)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}
