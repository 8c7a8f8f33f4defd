/* cli/missing.c - what was handed to custodians and is not in the log. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/custodians.h"

/* With the time that each of them says. */
struct gathered {
	struct missing	m;
	when		time[CUSTODIANS_MAX];
	unsigned	n;
};

/* False: malformed, and says nothing. */
static bool
read_row(const Quorate__V1__HandedRow *row, struct missing *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (row->id.len != SHA256_BYTES || row->subject.len != SHA256_BYTES)
		return false;
	memcpy(ret->id, row->id.data, SHA256_BYTES);
	memcpy(ret->subject, row->subject.data, SHA256_BYTES);
	(void)snprintf(ret->type, sizeof(ret->type), "%s", row->type);
	(void)snprintf(ret->who, sizeof(ret->who), "%s", row->who);
	(void)text_clean_str(ret->type);	/* the ends may be half a letter */
	(void)text_clean_str(ret->who);
	return true;
}

/* Who describes it otherwise, or lies about it, makes a row of its own. */
static bool
same(const struct missing *a, const struct missing *b)
{
	return memcmp(a->id, b->id, SHA256_BYTES) == 0 && memcmp(a->subject, b->subject, SHA256_BYTES) == 0 &&
	    strcmp(a->type, b->type) == 0 && strcmp(a->who, b->who) == 0;
}

static void
add(struct gathered *list, size_t *n, const Quorate__V1__HandedRow *row, uint8_t i)
{
	struct missing	m;
	size_t		k;

	if (!read_row(row, &m))
		return;
	for (k = 0; k < *n && !same(&list[k].m, &m); k++)
		;
	if (k == *n)
		list[(*n)++] = (struct gathered){ .m = m };
	if (list[k].m.at >> i & 1)
		return;
	list[k].m.at |= 1u << i;
	list[k].time[list[k].n++] = row->since;
}

static int
by_time(const void *a, const void *b)
{
	when	x = *(const when *)a, y = *(const when *)b;

	return x < y ? -1 : x > y;
}

static int
by_age(const void *a, const void *b)
{
	const struct missing	*x = a, *y = b;

	if (x->since != y->since)
		return x->since < y->since ? -1 : 1;
	return memcmp(x->id, y->id, SHA256_BYTES);
}

static size_t
gather(const struct custodians *c, struct gathered *list)
{
	size_t	n = 0, k;
	uint8_t	i;

	for (i = 0; i < c->charter->n; i++)
		for (k = 0; c->view[i].rc == RC_OK && k < c->view[i].reply->n_handed; k++)
			add(list, &n, c->view[i].reply->handed[k], i);
	return n;
}

enum rc
custodians_missing(const struct custodians *c, struct missing **ret, size_t *ret_n, struct err *err)
{
	struct gathered	*all = calloc((size_t)CUSTODIANS_MAX * CUSTODIANS_ROWS_MAX, sizeof(*all));
	struct missing	*list = calloc((size_t)CUSTODIANS_MAX * CUSTODIANS_ROWS_MAX, sizeof(*list));
	size_t		 n, k;

	if (all == NULL || list == NULL) {
		free(all);
		free(list);
		return err_set(err, RC_NOMEM, "no memory");
	}
	n = gather(c, all);
	for (k = 0; k < n; k++) {
		qsort(all[k].time, all[k].n, sizeof(when), by_time);
		all[k].m.since = all[k].time[all[k].n > c->charter->f ? c->charter->f : all[k].n - 1];
		list[k] = all[k].m;
	}
	free(all);
	qsort(list, n, sizeof(*list), by_age);
	*ret = list;
	*ret_n = n;
	return RC_OK;
}

bool
missing_is_kept_out(const struct missing *m, const struct charter *c, when now)
{
	return !m->logged && __builtin_popcount(m->at) > c->f && m->since < now && now - m->since > c->receipt_seconds;
}

uint32_t
custodians_handed(const struct custodians *c)
{
	uint32_t	n = 0;
	uint8_t		i;

	for (i = 0; i < c->charter->n; i++)
		if (c->view[i].rc == RC_OK && c->view[i].reply->health != NULL && c->view[i].reply->health->handed > n)
			n = c->view[i].reply->health->handed;
	return n;
}

void
missing_print(const struct missing *m, const struct charter *c)
{
	char		id[HEX_BYTES(SHA256_BYTES)], about[HEX_BYTES(SHA256_BYTES)], t[WHEN_TEXT_BYTES];
	unsigned	n = (unsigned)__builtin_popcount(m->at);

	cli_say("  %s  %-11s %-18s about %.16s, statement %.16s, at %u of %u custodians%s\n", when_write(m->since, t),
	    m->type, m->who, hex_write(SPAN_OF(m->subject), about), hex_write(SPAN_OF(m->id), id), n, c->n,
	    n <= c->f ? " (so few may be lying)" : "");
}

json_t *
missing_json(const struct missing *m, size_t n)
{
	json_t	*list = json_array();
	char	 t[WHEN_TEXT_BYTES];
	size_t	 i;

	for (i = 0; list != NULL && i < n; i++)
		if (!m[i].logged && json_array_append_new(list, json_pack("{s:o?,s:s,s:o?,s:s,s:s,s:I}", "id",
		    json_hex(SPAN_OF(m[i].id)), "type", m[i].type, "subject", json_hex(SPAN_OF(m[i].subject)), "who",
		    m[i].who, "since", when_write(m[i].since, t), "custodians",
		    (json_int_t)__builtin_popcount(m[i].at))) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}
