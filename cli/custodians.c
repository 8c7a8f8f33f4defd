/* cli/custodians.c - every custodian that the charter lists, asked directly and all at once. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/custodians.h"

#define AGAIN_MS	200	/* to one that has not come as far as the statement speaks of */
#define AGAIN_MAX	5
#define RECONNECT_MS	300	/* a connection that failed is tried anew within it */

enum rc
custodians_new(const struct remote *r, struct custodians **ret, struct err *err)
{
	AUTO(custodians_free) struct custodians *c = calloc(1, sizeof(*c));
	struct rpc_client_options	o = { .max_reply = CUSTODIANS_REPLY_MAX };
	uint8_t				i;

	if (c == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	c->charter = r->charter;
	c->lineage = &r->lineage;
	if (r->identity.key != NULL) {
		o.cert_pem = buf_view(&r->identity.cert);
		o.key_pem = SPAN(secret_view(r->identity.key), secret_len(r->identity.key));
	}
	for (i = 0; i < c->charter->n; i++) {
		o.address = c->charter->custodian[i].address;
		o.server_cert = SPAN(c->charter->custodian[i].tls_certificate.p,
		    c->charter->custodian[i].tls_certificate.n);
		TRY(rpc_client_new(&o, &c->rpc[i], err));
	}
	*ret = TAKE(c);
	return RC_OK;
}

void
custodians_free(struct custodians *c)
{
	size_t	i;

	if (c == NULL)
		return;
	for (i = 0; i < CUSTODIANS_MAX; i++) {
		rpc_client_free(c->rpc[i]);
		message_free(c->view[i].reply);
	}
	free(c);
}

/* --- all at once --------------------------------------------------------------------- */

typedef void	ask_fn(struct custodians *c, uint8_t i, const void *user);

struct asking_one {
	struct custodians	*c;
	ask_fn			*ask;
	const void		*user;
	uint8_t			 i;
	pthread_t		 thread;
	bool			 started;
};

static void *
ask_thread(void *user)
{
	struct asking_one	*one = user;

	one->ask(one->c, one->i, one->user);
	return NULL;
}

static void
ask_each(struct custodians *c, ask_fn *ask, const void *user)
{
	struct asking_one	one[CUSTODIANS_MAX];
	uint8_t			i;

	for (i = 0; i < c->charter->n; i++) {
		one[i] = (struct asking_one){ .c = c, .ask = ask, .user = user, .i = i };
		one[i].started = pthread_create(&one[i].thread, NULL, ask_thread, &one[i]) == 0;
		if (!one[i].started)
			ask(c, i, user);	/* a host that is short of threads is only slower */
	}
	for (i = 0; i < c->charter->n; i++)
		if (one[i].started)
			(void)pthread_join(one[i].thread, NULL);
}

static void
pause_ms(unsigned ms)
{
	const struct timespec	t = { 0, (long)ms * 1000000L };

	(void)nanosleep(&t, NULL);
}

/*
 * One call. What failed at once, before anything was said, is tried a second time:
 * every call here may be made twice, and under load the library now and then takes
 * a connection that is being made for one that failed.
 */
static enum rc
call(struct custodians *c, uint8_t i, const char *method, const void *q, const ProtobufCMessageDescriptor *reply,
    unsigned ms, char said[RPC_SAID_BYTES], void *ret, struct err *err)
{
	uint64_t	start = clock_ms();
	enum rc		rc = message_call(c->rpc[i], method, q, reply, ms, said, ret, err);

	if (rc != RC_UNSURE || said[0] != '\0' || clock_ms() - start > RECONNECT_MS)
		return rc;
	pause_ms(RECONNECT_MS);
	return message_call(c->rpc[i], method, q, reply, ms, said, ret, err);
}

/* --- how they are ---------------------------------------------------------------------- */

/*
 * By the key of the charter in force, or by one that a succession replaced: whoever has
 * not come so far shows what it last saw, and that was the log's.
 */
static enum rc
note_of_log(const struct lineage *l, const ProtobufCBinaryData *note, bool need_q, struct checkpoint *ret,
    const struct charter **ret_by, struct err *err)
{
	const struct charter	*now = lineage_in_force(l), *tried = now;
	struct span		 s = SPAN(note->data, note->len);
	enum rc			 rc = charter_checkpoint_verify(now, s, need_q, ret, NULL, err);

	*ret_by = now;
	for (uint32_t i = l->n; rc == RC_VERIFY && i-- > 0;) {
		if (key_eq(&l->charter[i]->coordinator.log_key, &tried->coordinator.log_key))
			continue;
		tried = *ret_by = l->charter[i];
		if (charter_checkpoint_verify(tried, s, need_q, ret, NULL, NULL) == RC_OK)
			return RC_OK;
	}
	return rc;
}

/* The notes that it shows are the log's, or nothing that it says is believed. */
static enum rc
read_notes(const struct lineage *l, struct custodian_view *v, struct err *err)
{
	const Quorate__V1__CheckpointReply	*a = v->reply;

	if (a->checkpoint.len > 0) {
		TRY(note_of_log(l, &a->checkpoint, false, &v->signed_, &v->signed_by, err));
		v->has_signed = true;
	}
	if (a->cosigned.len > 0) {
		TRY(note_of_log(l, &a->cosigned, true, &v->cosigned, &v->cosigned_by, err));
		v->has_cosigned = true;
	}
	return RC_OK;
}

static void
look_at(struct custodians *c, uint8_t i, const void *user)
{
	Quorate__V1__CheckpointRequest	 q = QUORATE__V1__CHECKPOINT_REQUEST__INIT;
	struct custodian_view		*v = &c->view[i];
	char				 said[RPC_SAID_BYTES];
	struct err			 err = { RC_OK, "" };

	(void)user;
	v->rc = call(c, i, "Custodian/Checkpoint", &q, &quorate__v1__checkpoint_reply__descriptor,
	    CUSTODIANS_LOOK_MS, said, &v->reply, &err);
	v->spoke = v->rc != RC_UNSURE || said[0] != '\0';
	if (v->rc == RC_OK && (v->rc = read_notes(c->lineage, v, &err)) != RC_OK)
		(void)err_wrap(&err, v->rc, "IT SHOWS WHAT THE LOG DID NOT SIGN");
	(void)snprintf(v->words, sizeof(v->words), "%s", err.msg);
	(void)text_clean_str(v->words);
}

static void
forget_views(struct custodians *c)
{
	uint8_t	i;

	for (i = 0; i < c->charter->n; i++) {
		message_free(c->view[i].reply);
		memset(&c->view[i], 0, sizeof(c->view[i]));
	}
}

void
custodians_look(struct custodians *c)
{
	uint8_t	i;

	forget_views(c);
	ask_each(c, look_at, NULL);
	for (i = 0; i < c->charter->n; i++)
		if (c->view[i].reply != NULL && c->view[i].reply->n_handed > CUSTODIANS_ROWS_MAX) {
			c->view[i].rc = RC_LIMIT;
			(void)snprintf(c->view[i].words, sizeof(c->view[i].words), "its answer is over the bounds");
		}
}

unsigned
custodians_up(const struct custodians *c)
{
	unsigned	n = 0;
	uint8_t		i;

	for (i = 0; i < c->charter->n; i++)
		n += c->view[i].rc == RC_OK;
	return n;
}

void
custodians_seen(const struct custodians *c, struct checkpoint *ret)
{
	struct tree_range	empty = TREE_RANGE_INIT;
	uint8_t			i;

	memset(ret, 0, sizeof(*ret));
	tree_range_root(&empty, ret->root);
	for (i = 0; i < c->charter->n; i++)
		if (c->view[i].has_cosigned && c->view[i].cosigned.size > ret->size)
			*ret = c->view[i].cosigned;
}

/* --- handing in -------------------------------------------------------------------------- */

struct handing {
	Quorate__V1__SubmitRequest	 q;
	ProtobufCBinaryData		 blob[2];
};

static void
read_took(const Quorate__V1__SubmitReply *a, struct custodian_took *t)
{
	if (a->logged)		/* with a reason it stands there as void */
		t->took = a->why[0] == '\0' ? TOOK_LOGGED : TOOK_REFUSED;
	else
		t->took = a->effective ? TOOK_IT : TOOK_REFUSED;
	t->index = a->index;
	if (t->took != TOOK_REFUSED)
		return;
	(void)snprintf(t->why, sizeof(t->why), "%s", a->why);
	(void)snprintf(t->words, sizeof(t->words), "%s", a->words);
	(void)text_clean_str(t->why);		/* the ends may be half a letter */
	(void)text_clean_str(t->words);
}

/* Words that are not about the way to it are its own. */
static enum took
took_of(enum rc rc, const char *said)
{
	if (rc == RC_UNSURE)
		return said[0] == '\0' ? TOOK_NO_ANSWER : TOOK_NOT_YET;
	return rc == RC_DENIED || rc == RC_FORMAT || rc == RC_VERIFY ? TOOK_REFUSED : TOOK_NO_ANSWER;
}

static void
hand_to(struct custodians *c, uint8_t i, const void *user)
{
	const struct handing		*h = user;
	struct custodian_took		*t = &c->took[i];
	Quorate__V1__SubmitReply	*a = NULL;
	char				 said[RPC_SAID_BYTES];
	struct err			 err = { RC_OK, "" };
	unsigned			 again;
	enum rc				 rc;

	memset(t, 0, sizeof(*t));
	/* Its own "not yet" may end soon: the entries that the statement speaks of are on their way to it. */
	for (again = 0;; again++) {
		rc = call(c, i, "Custodian/Submit", &h->q, &quorate__v1__submit_reply__descriptor,
		    CUSTODIANS_SUBMIT_MS, said, &a, &err);
		t->took = took_of(rc, said);
		if (rc == RC_OK || t->took != TOOK_NOT_YET || again == AGAIN_MAX)
			break;
		pause_ms(AGAIN_MS);
	}
	if (rc == RC_OK) {
		read_took(a, t);
		message_free(a);
		return;
	}
	(void)snprintf(t->words, sizeof(t->words), "%s", said[0] == '\0' ? err.msg : said);
	(void)text_clean_str(t->words);
}

void
custodians_submit(struct custodians *c, struct span dsse, const struct span *blob, size_t n_blobs)
{
	struct handing	h = { .q = QUORATE__V1__SUBMIT_REQUEST__INIT };
	size_t		i;

	for (i = 0; i < n_blobs && i < 2; i++)
		h.blob[i] = (ProtobufCBinaryData){ blob[i].n, (uint8_t *)(uintptr_t)blob[i].p };
	h.q.statement = (ProtobufCBinaryData){ dsse.n, (uint8_t *)(uintptr_t)dsse.p };
	h.q.n_blobs = i;
	h.q.blobs = h.blob;
	ask_each(c, hand_to, &h);
}

unsigned
custodians_took(const struct custodians *c, enum took took)
{
	unsigned	n = 0;
	uint8_t		i;

	for (i = 0; i < c->charter->n; i++)
		n += c->took[i].took == took;
	return n;
}

/* --- what cannot both be true ---------------------------------------------------------------- */

struct shown {
	const struct checkpoint	*cp;
	struct span		 note;
	uint8_t			 by;	/* custodian, 0: the coordinator */
	const struct charter	*of;	/* whose log key signed it */
};

static size_t
all_shown(const struct custodians *c, const struct checkpoint *head, struct span head_note, struct shown *out)
{
	const struct custodian_view	*v;
	size_t				 n = 0;
	uint8_t				 i;

	if (head->size > 0)
		out[n++] = (struct shown){ head, head_note, 0, c->charter };
	for (i = 0; i < c->charter->n; i++) {
		v = &c->view[i];
		if (v->has_signed)
			out[n++] = (struct shown){ &v->signed_, SPAN(v->reply->checkpoint.data, v->reply->checkpoint.len),
			    (uint8_t)(i + 1), v->signed_by };
		if (v->has_cosigned)
			out[n++] = (struct shown){ &v->cosigned, SPAN(v->reply->cosigned.data, v->reply->cosigned.len),
			    (uint8_t)(i + 1), v->cosigned_by };
	}
	return n;
}

static const char *
who_shows(const struct charter *c, uint8_t by)
{
	return by == 0 ? "the coordinator" : c->custodian[by - 1].name;
}

bool
custodians_conflict(const struct custodians *c, const struct checkpoint *head, struct span head_note,
    struct conflict *ret)
{
	struct shown	s[2 * CUSTODIANS_MAX + 1];
	size_t		n = all_shown(c, head, head_note, s), i, j;

	for (i = 0; i < n; i++)
		for (j = i + 1; j < n; j++)
			if (s[i].cp->size == s[j].cp->size && memcmp(s[i].cp->root, s[j].cp->root, TREE_HASH_BYTES) != 0 &&
			    key_eq(&s[i].of->coordinator.log_key, &s[j].of->coordinator.log_key)) {
				ret->a = s[i].note;
				ret->b = s[j].note;
				(void)snprintf(ret->words, sizeof(ret->words), "the log's key signed two pasts of %llu "
				    "entries: %.60s shows one, %.60s another", (unsigned long long)s[i].cp->size,
				    who_shows(c->charter, s[i].by), who_shows(c->charter, s[j].by));
				return true;
			}
	return false;
}
