/* tests/schedules/node.c - a custodian: its start, its end, its copies, and what is asked of it. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/schedules/world.h"

static const char *const	parts[] = { "", "-wal", "-shm", "-journal" };
#define N_PARTS	(sizeof(parts) / sizeof(parts[0]))

/* --- files ------------------------------------------------------------------------------ */

static void
copy_file(const char *from, const char *to)
{
	static uint8_t	block[1 << 16];
	int		in = open(from, O_RDONLY | O_CLOEXEC), out;
	ssize_t		n;

	(void)unlink(to);
	if (in < 0)
		return;
	MUST((out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)) >= 0);
	while ((n = read(in, block, sizeof(block))) > 0)
		MUST(write(out, block, (size_t)n) == n);
	MUST(n == 0 && close(in) == 0 && close(out) == 0);
}

/* Of a custodian that is down. */
void
node_copy(struct node *x, bool back)
{
	char	own[160], copy[160];

	MUST(!x->up);
	for (size_t i = 0; i < N_PARTS; i++) {
		(void)snprintf(own, sizeof(own), "%s%s", x->path, parts[i]);
		(void)snprintf(copy, sizeof(copy), "%s.copy%s", x->path, parts[i]);
		copy_file(back ? copy : own, back ? own : copy);
	}
}

bool
node_has_copy(const struct node *x)
{
	char	copy[160];

	(void)snprintf(copy, sizeof(copy), "%s.copy", x->path);
	return access(copy, F_OK) == 0;
}

void
node_remove(struct node *x)
{
	char	path[160];

	for (size_t i = 0; i < N_PARTS; i++) {
		(void)snprintf(path, sizeof(path), "%s%s", x->path, parts[i]);
		(void)unlink(path);
		(void)snprintf(path, sizeof(path), "%s.copy%s", x->path, parts[i]);
		(void)unlink(path);
	}
}

/* --- start and end ------------------------------------------------------------------------- */

void
node_init(struct node *x, uint8_t index, unsigned face, bool liar)
{
	memset(x, 0, sizeof(*x));
	x->index = index;
	x->liar = liar;
	x->face = face;
	x->acting = -1;
	x->skew = (int64_t)pick(7) - 3;
	(void)snprintf(x->path, sizeof(x->path), "%s/%u-%u.db", world->dir, index, face);
}

static enum rc
start(struct node *x, struct err *err)
{
	struct custody	*c = &x->c;

	memset(c, 0, sizeof(*c));
	c->hsm = &x->token;
	memcpy(c->genesis, world->genesis, SHA256_BYTES);
	token_keys(x, &c->share_key, &c->signer);
	TRY(store_open(x->path, access(x->path, F_OK) == 0 ? STORE_OPEN : STORE_CREATE, &c->store, err));
	TRY(replica_new(store_state(c->store), c->genesis, &c->replica, err));
	TRY(stopped_load(c, err));
	return steps_open(c, err);
}

static void
stop(struct node *x)
{
	struct custody	*c = &x->c;

	checking_free(c->checking);
	compare_done(&c->comparing);
	replica_free(c->replica);
	store_close(c->store);
	hsm_signer_free(c->signer);
	hsm_key_free(c->share_key);
	memset(c, 0, sizeof(*c));
	x->up = false;
}

void
node_open(struct node *x)
{
	struct err	err;

	running = x;
	x->answered = 0;
	x->up = start(x, &err) == RC_OK;
	if (!x->up) {
		note("custodian %u does not start: %s", x->index, err.msg);
		stop(x);
	} else
		holds_node(x);
	running = NULL;
}

void
node_close(struct node *x)
{
	if (x->up)
		stop(x);
}

void
node_anew(struct node *x)
{
	node_close(x);
	node_remove(x);
	memset(&x->token, 0, sizeof(x->token));
	x->held = 0;
	x->n_no = 0;
	node_open(x);
}

struct node *
node_of(uint8_t index, unsigned branch)
{
	struct node	*found = NULL;

	for (unsigned i = 0; i < world->n_nodes; i++)
		if (world->node[i].index == index && (found == NULL || world->node[i].branch == branch))
			found = &world->node[i];
	return found;
}

/* --- Append ------------------------------------------------------------------------------------ */

struct call {
	Quorate__V1__AppendRequest	 q;
	ProtobufCBinaryData		 entry[ENTRIES_MAX], blob[ENTRIES_MAX], hash[TREE_PATH_MAX];
	Quorate__V1__ShareVector	 vector[BATCHES_MAX], *vectors[BATCHES_MAX];
	struct tree_path		 path;
	struct buf			 checkpoint, cosigned, altered;
	struct point			*point;
};

static ProtobufCBinaryData
data_of(struct span s)
{
	return (ProtobufCBinaryData){ s.n, (uint8_t *)(uintptr_t)s.p };
}

struct sending
sending_to(const struct node *x)
{
	uint64_t	n = world->branch[x->branch].n;

	return (struct sending){ .first = x->held < n ? x->held : n, .upto = n, .checkpoint = n, .note_of = -1 };
}

static void
put_entries(const struct node *x, const struct sending *s, struct call *k)
{
	for (uint64_t i = s->first; i < s->upto; i++) {
		const struct logged	*l = &world->logged[world->branch[x->branch].entry[i]];

		k->entry[k->q.n_entries++] = data_of(buf_view(&l->leaf));
		if (s->no_blobs)
			continue;
		if (i == 0)
			k->blob[k->q.n_blobs++] = data_of(buf_view(&world->charter_json));
		else if (l->said >= 0 && world->said[l->said].blob.n > 0)
			k->blob[k->q.n_blobs++] = data_of(buf_view(&world->said[l->said].blob));
	}
	if (!s->alter || k->q.n_entries == 0)
		return;
	buf_span(&k->altered, SPAN(k->entry[0].data, k->entry[0].len));
	k->altered.p[k->altered.n - 1] ^= 1;
	k->entry[0] = data_of(buf_view(&k->altered));
}

static void
put_shares(const struct node *x, const struct sending *s, struct call *k)
{
	const unsigned	whose = s->swapped ? x->index % world->n : x->index - 1U;
	uint64_t	index;

	for (int i = 0; i < world->n_batches && !s->no_shares; i++) {
		Quorate__V1__ShareVector	*v = &k->vector[k->q.n_shares];

		if (!is_on(x->branch, world->batch[i].said, s->upto, &index))
			continue;
		quorate__v1__share_vector__init(v);
		v->batch = index;
		v->vector = data_of(buf_view(&world->batch[i].sealed.shares[whose]));
		k->vectors[k->q.n_shares++] = v;
	}
}

static enum rc
hash_of(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	const struct branch	*b = user;
	struct tree_range	 r = TREE_RANGE_INIT;

	for (uint64_t i = index << level; i < (index + 1) << level; i++)
		TRY(tree_range_add(&r, world->logged[b->entry[i]].hash, NULL, NULL, err));
	tree_range_root(&r, ret);
	return RC_OK;
}

static void
put_notes(const struct node *x, const struct sending *s, struct call *k)
{
	const struct test_key	*log = s->other_key ? &pool.other_log : &pool.log;
	unsigned		 of = s->note_of >= 0 ? (unsigned)s->note_of : x->branch;
	struct point		*p = point_cosigned(x->branch), wrong;
	struct err		 err;

	if (s->checkpoint > 0 && !s->no_checkpoint) {
		k->point = point_of(of, s->checkpoint);
		wrong = *k->point;
		wrong.root[0] ^= s->other_root;
		if (s->other_root)
			k->point = point_at(wrong.size, wrong.root);
		point_note(k->point, log, 0, &k->checkpoint);
	}
	if (s->hasty)
		p = point_of(x->branch, s->upto);
	if (p != NULL && !s->no_cosigned)
		point_note(p, &pool.log, s->few > 0 ? s->few : N_MAX, &k->cosigned);
	if (s->checkpoint > s->upto && s->upto > 0) {
		must(tree_consistency(hash_of, &world->branch[x->branch], s->upto, s->checkpoint, &k->path, &err), &err);
		for (size_t i = 0; i < k->path.n; i++)
			k->hash[i] = data_of(SPAN(k->path.hash[i], TREE_HASH_BYTES));
		k->q.n_consistency = k->path.n;
	}
}

static void
call_fill(const struct node *x, const struct sending *s, struct call *k)
{
	memset(k, 0, sizeof(*k));
	quorate__v1__append_request__init(&k->q);
	k->checkpoint = k->cosigned = k->altered = BUF_INIT(BIG);
	k->q.first = s->first;
	k->q.entries = k->entry;
	k->q.blobs = k->blob;
	k->q.shares = k->vectors;
	k->q.consistency = k->hash;
	put_entries(x, s, k);
	put_shares(x, s, k);
	put_notes(x, s, k);
	k->q.checkpoint = data_of(buf_view(&k->checkpoint));
	k->q.cosigned = data_of(buf_view(&k->cosigned));
}

static void
call_done(struct call *k)
{
	buf_done(&k->checkpoint);
	buf_done(&k->cosigned);
	buf_done(&k->altered);
}

/* A line over what we sent, by that very custodian: whatever else a reply says, this binds it. */
static void
take_line(struct node *x, struct call *k, struct span line)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(2048);
	struct point	*p = k->point;
	struct err	 err;
	when		 time;

	if (line.n == 0)
		return;
	if (p == NULL)
		fails(8, "custodian %u cosigned what it was not shown", x->index);
	point_text(p, &text);
	must(cosignature_line_verify(line, buf_view(&text), &world->witness[x->index - 1], &time, &err), &err);
	holds_signed(x, p);
	if ((p->mask >> (x->index - 1) & 1) == 0)
		buf_span(&p->line[x->index - 1], line);
	p->mask |= 1U << (x->index - 1);
	world->cosigned++;
}

static void
take_held(struct node *x, struct span bytes)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	struct err	err;
	int		of;

	memset(&s, 0, sizeof(s));
	must(dsse_parse(bytes, &d, &err), &err);
	must(statement_parse(&d, &s, &err), &err);
	of = said_by_id(s.subject);
	if (of < 0 || world->said[of].type != STATEMENT_BATCH)
		fails(6, "custodian %u holds what nobody sealed", x->index);
	world->batch[world->said[of].subject].held[x->on] |= 1U << (x->index - 1);
}

static void
take_reply(struct node *x, struct call *k, struct span bytes)
{
	Quorate__V1__AppendReply	*r = quorate__v1__append_reply__unpack(NULL, bytes.n, bytes.p);

	MUST(r != NULL);
	take_line(x, k, SPAN(r->cosignature.data, r->cosignature.len));
	for (size_t i = 0; i < r->n_held; i++)
		take_held(x, SPAN(r->held[i].data, r->held[i].len));
	for (size_t i = 0; i < r->n_receipts; i++)
		world->heard[say_receipt(SPAN(r->receipts[i].data, r->receipts[i].len))] = true;
	for (size_t i = 0; i < r->n_statements; i++)
		world->heard[say_receipt(SPAN(r->statements[i]->statement.data, r->statements[i]->statement.len))] = true;
	quorate__v1__append_reply__free_unpacked(r, NULL);
}

enum rc
node_append(struct node *x, const struct sending *s)
{
	static struct call	k;
	struct buf		request = BUF_INIT(BIG), reply = BUF_INIT(BIG);
	struct err		err;
	enum rc			rc;

	running = x;
	call_fill(x, s, &k);
	(void)quorate__v1__append_request__pack(&k.q,
	    buf_extend(&request, quorate__v1__append_request__get_packed_size(&k.q)));
	x->c.words[0] = '\0';
	x->c.caller = CALLER_COORDINATOR;
	x->c.from = 0;
	rc = custody_append(&x->c, buf_view(&request), &reply, &err);
	holds_node(x);
	if (rc == RC_OK)
		take_reply(x, &k, buf_view(&reply));
	else
		note("  custodian %u: append: %s", x->index, err.msg);
	call_done(&k);
	buf_done(&request);
	buf_done(&reply);
	running = NULL;
	return rc;
}

/* --- the others -------------------------------------------------------------------------------------- */

enum rc
node_exchange(struct node *asks, struct node *answers, bool twisted)
{
	struct buf	q = BUF_INIT(BIG), a = BUF_INIT(BIG), again = BUF_INIT(16);
	struct err	err;
	enum rc		rc;

	running = asks;
	rc = custody_outgoing(&asks->c, SPAN(&answers->index, 1), &q, &err);
	if (rc == RC_OK && q.n > 0) {
		running = answers;
		answers->c.caller = CALLER_PEER;
		answers->c.from = asks->index;
		buf_u8(&a, answers->index);
		rc = custody_exchange(&answers->c, buf_view(&q), &a, &err);
		holds_node(answers);
		if (rc == RC_OK && twisted)
			a.p[1 + pick((uint32_t)a.n - 1)] ^= (uint8_t)(1 + pick(255));
		running = asks;
		asks->answered |= rc == RC_OK ? 1U << answers->index : 0;
		if (rc == RC_OK)
			rc = custody_heard(&asks->c, buf_view(&a), &again, &err);
		holds_node(asks);
	}
	if (rc != RC_OK)
		note("  %u asks %u: %s", asks->index, answers->index, err.msg);
	buf_done(&q);
	buf_done(&a);
	buf_done(&again);
	running = NULL;
	return rc;
}

static void
remember_no(struct node *x, int said)
{
	for (size_t i = 0; i < x->n_no; i++)
		if (x->no[i] == said)
			return;
	MUST(x->n_no < HANDED_NOTES);
	x->forgot[x->n_no] = false;
	x->no_at[x->n_no] = x->held;
	x->no[x->n_no++] = said;
	world->noes++;
}

enum rc
node_submit(struct node *x, int said)
{
	const struct said	*s = &world->said[said];
	struct span		 blob = buf_view(&s->blob);
	struct handed_answer	 a;
	struct err		 err;
	enum rc			 rc;

	running = x;
	x->c.words[0] = '\0';
	rc = handed_take(&x->c, 0, buf_view(&s->dsse), &blob, blob.n > 0, &a, &err);
	holds_node(x);
	/* Only what it says that it has taken binds it. */
	if (rc == RC_OK && a.no && (a.fate == HANDED_TAKEN || a.fate == HANDED_LOGGED))
		remember_no(x, said);
	note("  custodian %u: %s", x->index, rc != RC_OK ? err.msg : a.fate == HANDED_REFUSED ?
	    void_reason_name(a.why) : a.fate == HANDED_LOGGED ? "logged" : "taken");
	running = NULL;
	return rc;
}

enum rc
node_contribute(struct node *x, int order, struct buf *reply)
{
	Quorate__V1__ContributeRequest	q = QUORATE__V1__CONTRIBUTE_REQUEST__INIT;
	struct buf	request = BUF_INIT(BIG);
	struct err	err;
	enum rc		rc;

	running = x;
	x->acting = order;
	q.order = data_of(SPAN_OF(world->said[order].id));
	(void)quorate__v1__contribute_request__pack(&q,
	    buf_extend(&request, quorate__v1__contribute_request__get_packed_size(&q)));
	x->c.words[0] = '\0';
	x->c.caller = CALLER_COORDINATOR;
	buf_reset(reply);
	rc = custody_contribute(&x->c, buf_view(&request), reply, &err);
	x->acting = -1;
	holds_node(x);
	if (rc == RC_OK)
		holds_contributed(x, order, buf_view(reply));
	else
		note("  custodian %u: contribute: %s", x->index, err.msg);
	world->refused += rc != RC_OK;
	buf_done(&request);
	running = NULL;
	return rc;
}

/* The background check of shares. */
void
node_idle(struct node *x)
{
	struct err	err;
	int		wait_ms = 0;

	running = x;
	for (unsigned i = 0; i < 64 && wait_ms == 0; i++)
		if (check_work(&x->c, clock_now(), &wait_ms, &err) != RC_OK)
			break;
	holds_node(x);
	running = NULL;
}
