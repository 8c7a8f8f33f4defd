/* cli/network.c - quorate status: the network, as custodians and coordinator say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/accuse.h"
#include "cli/anchor.h"
#include "cli/network.h"

#define HEAD_MS		5000	/* the custodians' answers should not wait longer for the coordinator's */

typedef Quorate__V1__CustodianStatus	status_of_one;

struct network {
	struct remote			*r;
	struct custodians		*c;
	Quorate__V1__HeadReply		*head;		/* NULL: see head_rc */
	enum rc				 head_rc;
	struct err			 head_err;
	struct checkpoint		 cp;		/* size 0: none */
	const status_of_one		*said[CUSTODIANS_MAX];	/* by the coordinator; NULL: nothing */
	struct missing			*missing;
	size_t				 n_missing;
	bool				 two_pasts;
	char				 proof[ERR_MSG_BYTES];
};

static void
network_done(struct network *n)
{
	free(n->missing);
	message_free(n->head);
	custodians_free(n->c);
	remote_free(n->r);
}

/* --- asking -------------------------------------------------------------------------- */

static struct span
head_note(const struct network *n)
{
	return n->cp.size == 0 ? SPAN(NULL, 0) : SPAN(n->head->cosigned.data, n->head->cosigned.len);
}

static void
ask_coordinator(struct network *n)
{
	const struct charter		*c;
	Quorate__V1__HeadReply		*a;
	size_t				 i;

	n->head_rc = remote_ask_head(n->r, HEAD_MS, &n->head, &n->head_err);
	if (n->head_rc != RC_OK)
		return;
	a = n->head;
	c = n->r->charter;
	if (a->cosigned.len != 0)
		n->head_rc = charter_checkpoint_verify(c, SPAN(a->cosigned.data, a->cosigned.len), true, &n->cp, NULL,
		    &n->head_err);
	for (i = 0; i < a->n_custodians; i++)
		if (a->custodians[i]->index >= 1 && a->custodians[i]->index <= c->n)
			n->said[a->custodians[i]->index - 1] = a->custodians[i];
}

/* Proof of two pasts, if any of them has it. */
static enum rc
look_for_proof(struct network *n, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(ACCUSATION_BYTES_MAX);
	struct accusation	x;
	struct conflict		seen;
	enum rc			rc = accusation_find(n->c, &n->cp, head_note(n), &text, &x, err);

	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	n->two_pasts = true;
	if (custodians_conflict(n->c, &n->cp, head_note(n), &seen))
		(void)snprintf(n->proof, sizeof(n->proof), "%s", seen.words);
	else
		(void)snprintf(n->proof, sizeof(n->proof), "the log's key signed two pasts, of %llu and %llu entries",
		    (unsigned long long)x.a.size, (unsigned long long)x.b.size);
	return RC_OK;
}

static enum rc
ask_all(struct network *n, struct err *err)
{
	TRY(remote_open_people(&n->r, err));
	TRY(custodians_new(n->r, &n->c, err));
	custodians_look(n->c);
	ask_coordinator(n);
	TRY(custodians_missing(n->c, &n->missing, &n->n_missing, err));
	return look_for_proof(n, err);
}

/* --- words ----------------------------------------------------------------------------- */

static unsigned long long
depth_now(const Quorate__V1__Depth *d)
{
	return d == NULL ? 0 : d->now;
}

static unsigned long long
depth_max(const Quorate__V1__Depth *d)
{
	return d == NULL ? 0 : d->max;
}

/* What is on its way, and how much of it there may be. */
static void
print_depths(const Quorate__V1__HeadReply *h)
{
	char	now[24], max[24];

	cli_say("waiting: %llu of %llu uploads (%s of %s), %llu of %llu statements for the log, %llu of %llu entries for a quorum\n",
	    depth_now(h->uploads_there), depth_max(h->uploads_there), size_text(depth_now(h->upload_bytes), now),
	    size_text(depth_max(h->upload_bytes), max), depth_now(h->queue), depth_max(h->queue), depth_now(h->backlog),
	    depth_max(h->backlog));
}

static void
print_log(const struct network *n)
{
	const struct charter	*c = n->r->charter;
	struct checkpoint	 seen;

	if (n->head == NULL || n->head_rc != RC_OK) {
		custodians_seen(n->c, &seen);
		cli_say("%s: %llu entries cosigned by a quorum (%u of %u), as the custodians show\n"
		    "%s%s\n", c->origin, (unsigned long long)seen.size, c->q, c->n, n->r->rpc == NULL ? "" :
		    "the coordinator: ", n->head_err.msg);
		return;
	}
	cli_say("%s: %llu entries, %llu of them cosigned by a quorum (%u of %u)\nthe coordinator says:\n"
	    "%llu artifacts in escrow, %llu share vectors still on their way, %llu unfinished uploads\n", c->origin,
	    (unsigned long long)n->head->size, (unsigned long long)n->cp.size, c->q, c->n,
	    (unsigned long long)n->head->escrows, (unsigned long long)n->head->unheld,
	    (unsigned long long)n->head->uploads);
	print_depths(n->head);
	if (n->head->held[0] != '\0')
		cli_say("HELD: %.200s\n", n->head->held);
}

static void
print_health(const Quorate__V1__Health *h)
{
	if (h == NULL)
		return;
	if (!h->ready)
		cli_say("; NOT READY%s", h->doubt[0] != '\0' ? "" : ": it has not compared with enough others since its start");
	if (h->doubt[0] != '\0')
		cli_say("; CONTRIBUTES TO NOTHING: %.200s", h->doubt);
	if (h->handed > 0)
		cli_say("; %u handed in and not logged", h->handed);
	if (h->owed > 0)
		cli_say("; %u of its receipts not logged", h->owed);
	if (h->unchecked > 0)
		cli_say("; %llu batches not checked yet", (unsigned long long)h->unchecked);
}

/* What the coordinator says of it, where that is trouble; why, where we do not know. */
static void
print_said(const status_of_one *s, bool up)
{
	if (s != NULL && s->unheld > 0)
		cli_say("; %llu share vectors wait for it", (unsigned long long)s->unheld);
	if (s == NULL || (s->reachable && !s->frozen && s->words[0] == '\0'))
		return;
	cli_say("; the coordinator says: %s", s->reachable ? "up" : "DOWN");
	if (s->frozen && s->differs_at > 0)
		cli_say(", FROZEN: after entry %llu it has another state", (unsigned long long)s->differs_at - 1);
	else if (s->frozen)
		cli_say(", FROZEN: it computed another state");
	if (up && s->words[0] != '\0')
		cli_say(": %s", s->words);
}

static void
print_custodian(const struct network *n, uint8_t i)
{
	const struct custodian_view	*v = &n->c->view[i];

	cli_say("  %-2u %-24s ", i + 1u, n->r->charter->custodian[i].name);
	if (v->rc == RC_OK) {
		cli_say("up, %llu entries", (unsigned long long)v->reply->size);
		if (v->has_signed && !key_eq(&v->signed_by->coordinator.log_key, &n->r->charter->coordinator.log_key))
			cli_say("; still AT THE LOG OF A KEY THAT WAS REPLACED: `custodiand agree` lets the successor in");
		print_health(v->reply->health);
	} else {
		cli_say("%s: %s", v->spoke ? "up" : "DOWN", v->words);
	}
	print_said(n->said[i], v->rc == RC_OK);
	puts("");
}

static void
print_missing(const struct network *n)
{
	uint32_t	told = custodians_handed(n->c);
	size_t		i;

	if (n->n_missing == 0 && told == 0)
		return;
	if (n->n_missing == 0) {
		cli_say("%u statements were handed in and ARE MISSING IN THE LOG; custodians show a host of the charter which\n",
		    told);
		return;
	}
	cli_say("handed in and MISSING IN THE LOG, as custodians say (since, what, by whom):\n");
	for (i = 0; i < n->n_missing; i++)
		missing_print(&n->missing[i], n->r->charter);
	if (told > CUSTODIANS_ROWS_MAX)
		cli_say("  ... of %u in all\n", told);
}

static void
network_words(const struct network *n)
{
	uint8_t	i;

	if (n->two_pasts)
		cli_say("ACCUSATION: %s\n            see `quorate log accuse`\n", n->proof);
	print_log(n);
	puts("the custodians say:");
	for (i = 0; i < n->r->charter->n; i++)
		print_custodian(n, i);
	if (n->head != NULL && n->head_rc == RC_OK)
		anchors_print(n->head);
	print_missing(n);
}

/* --- JSON -------------------------------------------------------------------------------- */

static json_t *
health_json(const Quorate__V1__Health *h)
{
	if (h == NULL)
		return json_null();
	return json_pack("{s:b,s:s,s:I,s:I,s:I,s:I}", "ready", h->ready, "doubt", h->doubt, "unchecked",
	    (json_int_t)h->unchecked, "handed", (json_int_t)h->handed, "oldest", (json_int_t)h->oldest, "owed",
	    (json_int_t)h->owed);
}

static json_t *
said_json(const status_of_one *s)
{
	if (s == NULL)
		return json_null();
	return json_pack("{s:b,s:I,s:I,s:b,s:I,s:s,s:I,s:o?}", "reachable", s->reachable, "size", (json_int_t)s->size,
	    "lag_seconds", (json_int_t)s->lag_seconds, "frozen", s->frozen, "differs_at", (json_int_t)s->differs_at,
	    "words", s->words, "unheld", (json_int_t)s->unheld, "health", health_json(s->health));
}

static json_t *
custodian_json(const struct network *n, uint8_t i)
{
	const struct custodian_view	*v = &n->c->view[i];
	bool				 good = v->rc == RC_OK;

	return json_pack("{s:I,s:s,s:b,s:s,s:I,s:o?,s:o?}", "index", (json_int_t)(i + 1), "name",
	    n->r->charter->custodian[i].name, "up", v->spoke, "words", v->words, "size",
	    (json_int_t)(good ? v->reply->size : 0), "health", health_json(good ? v->reply->health : NULL),
	    "coordinator_says", said_json(n->said[i]));
}

static json_t *
depth_json(const Quorate__V1__Depth *d)
{
	return json_pack("{s:I,s:I}", "now", (json_int_t)depth_now(d), "max", (json_int_t)depth_max(d));
}

static json_t *
depths_json(const Quorate__V1__HeadReply *h)
{
	return json_pack("{s:o?,s:o?,s:o?,s:o?}", "uploads", depth_json(h->uploads_there), "upload_bytes",
	    depth_json(h->upload_bytes), "queue", depth_json(h->queue), "backlog", depth_json(h->backlog));
}

static enum rc
network_json(const struct network *n, struct err *err)
{
	json_t	*list = json_array(), *o;
	bool	 head = n->head != NULL && n->head_rc == RC_OK;
	uint8_t	 i;

	for (i = 0; list != NULL && i < n->r->charter->n; i++)
		(void)json_array_append_new(list, custodian_json(n, i));
	o = json_pack("{s:b,s:s,s:s,s:I,s:o?,s:o?}", "coordinator", head, "coordinator_words", head ? "" :
	    n->head_err.msg, "accusation", n->proof, "handed", (json_int_t)custodians_handed(n->c), "missing",
	    missing_json(n->missing, n->n_missing), "custodians", list);
	if (o != NULL && head)
		(void)json_object_update_new(o, json_pack("{s:I,s:I,s:I,s:I,s:I,s:s,s:o?,s:o?}", "size", (json_int_t)n->head->size,
		    "cosigned", (json_int_t)n->cp.size, "escrows", (json_int_t)n->head->escrows, "uploads",
		    (json_int_t)n->head->uploads, "unheld", (json_int_t)n->head->unheld, "held", n->head->held,
		    "anchors", anchors_json(n->head), "waiting", depths_json(n->head)));
	return cli_print_json(o, err);
}

/* --- the command --------------------------------------------------------------------------- */

static enum rc
judge(const struct network *n, struct err *err)
{
	if (n->two_pasts)
		return err_set(err, RC_VERIFY, "%s", n->proof);
	return n->head_rc == RC_OK ? RC_OK : err_set(err, n->head_rc, "%s", n->head_err.msg);
}

enum rc
show_network(struct err *err)
{
	AUTO_DONE(network_done) struct network n;

	memset(&n, 0, sizeof(n));
	TRY(ask_all(&n, err));
	(void)text_clean_str(n.head_err.msg);
	if (cli_json)
		TRY(network_json(&n, err));
	else
		network_words(&n);
	return judge(&n, err);
}
