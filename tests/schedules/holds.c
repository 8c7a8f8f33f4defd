/*
 * tests/schedules/holds.c - DESIGN section 3, over what was seen to happen. An invariant that
 * does not hold ends the run. Liars are not judged: what they do must not matter.
 */
#include <sodium.h>
#include <string.h>

#include "base/wire.h"
#include "evidence/cms.h"
#include "evidence/keys.h"
#include "tests/schedules/world.h"

/* --- 8: one past, everywhere the same ---------------------------------------------------- */

static bool
find_branch(struct node *x, uint64_t size, const uint8_t root[SHA256_BYTES], unsigned *ret)
{
	uint8_t	there[SHA256_BYTES];

	for (unsigned turn = 0; turn < world->n_branches; turn++) {
		unsigned	b = (x->branch + turn) % world->n_branches;

		if (world->branch[b].n < size)
			continue;
		root_of(b, size, there);
		if (memcmp(there, root, sizeof(there)) != 0)
			continue;
		*ret = b;
		return true;
	}
	return false;
}

static void
same_state(struct node *x)
{
	unsigned	b = x->held <= world->fork ? 0 : x->on;
	uint8_t		state[SHA256_BYTES];
	struct err	err;

	must(replica_state_digest(x->c.replica, state, &err), &err);
	if (!world->has_state[b][x->held])
		memcpy(world->state[b][x->held], state, sizeof(state));
	world->has_state[b][x->held] = true;
	if (memcmp(world->state[b][x->held], state, sizeof(state)) != 0)
		fails(8, "custodian %u has another state than others after the same %llu entries", x->index,
		    (unsigned long long)x->held);
}

static void
same_verdicts(struct node *x, uint64_t from)
{
	static struct model	m;
	struct verdict		v;
	struct err		err;

	model_of(x->on, x->held, &m);
	for (uint64_t i = from; i < x->held; i++) {
		must(store_verdict(x->c.store, i, &v, &err), &err);
		if (!m.opaque[i] && v.effective != m.effective[i])
			fails(1, "entry %llu (%s) is %s to custodian %u (%s), and should not be", (unsigned long long)i,
			    statement_type_name((enum statement_type)v.type), v.effective ? "effective" : "void", x->index,
			    void_reason_name((enum void_reason)v.why));
	}
}

void
holds_node(struct node *x)
{
	uint64_t	size = store_size(x->c.store), from;
	uint8_t		root[SHA256_BYTES];
	unsigned	on = 0;
	struct err	err;

	if (size == x->held && size == 0)
		return;
	must(store_root_at(x->c.store, size, root, &err), &err);
	if (!find_branch(x, size, root, &on))
		fails(8, "custodian %u holds %llu entries that were never logged so", x->index, (unsigned long long)size);
	if (size == x->held && on == x->on)
		return;
	from = on == x->on && size > x->held ? x->held : 0;
	for (uint64_t i = 0; i < size; i++) {
		unsigned	as = (unsigned)world->branch[on].entry[i];

		if (i >= x->held || x->came_as[i] != as)
			x->came[i] = world->ms / 1000 + (uint64_t)x->skew;
		x->came_as[i] = as;
	}
	x->held = size;
	x->on = on;
	same_state(x);
	same_verdicts(x, from);
}

static bool
on_one_log(const struct point *a, const struct point *b)
{
	uint8_t	root[2][SHA256_BYTES];

	for (unsigned i = 0; i < world->n_branches; i++) {
		if (a->size > world->branch[i].n || b->size > world->branch[i].n)
			continue;
		root_of(i, a->size, root[0]);
		root_of(i, b->size, root[1]);
		if (memcmp(root[0], a->root, SHA256_BYTES) == 0 && memcmp(root[1], b->root, SHA256_BYTES) == 0)
			return true;
	}
	return false;
}

static void
no_two_pasts(const struct point *p, uint32_t mask)
{
	if (count_bits(mask) < world->q)
		return;
	for (int i = 0; i < world->n_points; i++)
		if (count_bits(world->point[i].mask) >= world->q && !on_one_log(p, &world->point[i]))
			fails(8, "sizes %llu and %llu of two pasts are both cosigned by q", (unsigned long long)p->size,
			    (unsigned long long)world->point[i].size);
}

static void
has_compared(const struct node *x, const char *does)
{
	unsigned	need = (unsigned)(world->n - world->q + world->f + 1);

	if (count_bits(x->answered) < need)
		fails(8, "custodian %u %s after %u of %u peers answered since its start", x->index, does,
		    count_bits(x->answered), need);
}

void
holds_signed(struct node *x, struct point *p)
{
	uint8_t	root[SHA256_BYTES];

	no_two_pasts(p, p->mask | 1U << (x->index - 1));
	if (x->liar)
		return;
	has_compared(x, "cosigns");
	if (p->size > x->held)
		fails(8, "custodian %u cosigned %llu entries and holds %llu", x->index, (unsigned long long)p->size,
		    (unsigned long long)x->held);
	root_of(x->on, p->size, root);
	if (memcmp(root, p->root, sizeof(root)) != 0)
		fails(8, "custodian %u cosigned another log than it replayed", x->index);
	if (p->size < x->signed_size ||
	    (p->size == x->signed_size && memcmp(p->root, x->signed_root, sizeof(root)) != 0))
		fails(8, "custodian %u cosigned size %llu after size %llu, or another root of it", x->index,
		    (unsigned long long)p->size, (unsigned long long)x->signed_size);
	x->signed_size = p->size;
	memcpy(x->signed_root, p->root, sizeof(root));
}

/* --- 3: logged before done ------------------------------------------------------------------- */

static void
order_is_cosigned(struct node *x, int order)
{
	struct point	*p = point_cosigned(x->on);
	uint64_t	 index;

	if (!is_on(x->on, order, x->held, &index))
		fails(3, "custodian %u carries out an order that it does not have in its log", x->index);
	if (p == NULL || p->size <= index)
		fails(3, "custodian %u carries out an order that q did not cosign", x->index);
}

void
holds_opens(struct node *x)
{
	AUTO(store_close) struct store	*look = NULL;
	AUTO_DONE(buf_done) struct buf	 v = BUF_INIT(64), steps = BUF_INIT(8);
	struct err			 err;
	bool				 counted = false;

	if (x->liar || x->acting < 0)
		return;
	order_is_cosigned(x, x->acting);
	/* By another handle: what is not committed is not there. */
	must(store_open(x->path, STORE_READ, &look, &err), &err);
	if (store_journal_get(look, JOURNAL_ACT, SPAN_OF(world->said[x->acting].id), &v, &err) != RC_OK)
		fails(3, "custodian %u opens a share before its journal says so", x->index);
	must(store_get(look, CUSTODY_STEPS, &steps, &err), &err);
	for (size_t i = 0; i < x->token.n; i++)		/* a mark: whose, how many, ... */
		counted |= memcmp(x->token.mark[i].bytes + STEPS_INSTANCE_BYTES, steps.p, 8) == 0;
	if (!counted)
		fails(3, "custodian %u opens a share before its token counts it", x->index);
}

static void
nothing_overdue(const struct node *x)
{
	when	own = (when)((int64_t)(world->ms / 1000) + x->skew);

	for (size_t i = 0; i < x->n_owed; i++)
		if (own > world->said[x->owed[i]].issued + RECEIPT_SECONDS && !is_on(x->on, x->owed[i], x->held, NULL))
			fails(3, "custodian %u contributes while a receipt of its own is kept out of the log", x->index);
}

/* --- 2: a "no" cannot be censored ---------------------------------------------------------------- */

/* The log shows it, or another like it that came since. */
static bool
is_shown(const struct node *x, const struct model *m, size_t number)
{
	const struct said	*no = &world->said[x->no[number]];

	for (uint64_t i = 0; i < x->held; i++) {
		int			 n = world->logged[world->branch[x->on].entry[i]].said;
		const struct said	*s = n < 0 ? NULL : &world->said[n];

		if (s == NULL || !m->authentic[i])
			continue;
		if (n == x->no[number] || (i >= x->no_at[number] && s->type == no->type && s->by == no->by &&
		    s->subject == no->subject && s->approve == no->approve))
			return true;
	}
	return false;
}

static bool
affects(const struct node *x, const struct model *m, size_t number, const struct m_request *r)
{
	const struct said	*no = &world->said[x->no[number]];

	if (x->forgot[number] && r->index >= x->c.steps.since)
		return false;		/* said in ADR 9 */
	if (no->type == STATEMENT_REVOCATION)
		return !x->forgot[number] && !m->revoked[no->subject] &&
		    (no->subject == world->said[r->said].by || r->of[no->subject].state == 1);
	if (no->subject != r->said)
		return false;
	return no->type == STATEMENT_DECISION ? r->of[no->by].state != 2 :
	    no->by == world->said[r->said].by || r->of[no->by].state == 1;
}

static void
nobody_objects(const struct node *x, const struct model *m, const struct m_request *r)
{
	for (size_t i = 0; i < x->n_no; i++)
		if (!is_shown(x, m, i) && affects(x, m, i, r))
			fails(2, "custodian %u contributes against a %s by %s that it was handed", x->index,
			    statement_type_name(world->said[x->no[i]].type), people[world->said[x->no[i]].by].id);
}

/* --- 1, 4: what came is what the order says, and no more ------------------------------------------- */

void
label_of(int order, unsigned segment, uint8_t ret[SHAMIR_POINT_BYTES], const struct batch_made **ret_batch)
{
	AUTO_DONE(buf_done) struct buf	msg = BUF_INIT(LABEL_MSG_MAX);
	const struct said		*q = &world->said[world->said[order].subject];
	struct err			 err;
	int				 b = 0;

	while ((q->artifacts >> b & 1) == 0)
		b++;
	*ret_batch = &world->batch[b];
	label_msg(world->genesis, world->batch[b].id, segment < 2 ? "image" : "prompt", segment < 2 ? segment : 0, &msg);
	must(shamir_label(buf_view(&msg), ret, &err), &err);
}

bool
contribution_read(uint8_t index, int order, struct span reply, struct shamir_contribution *ret, unsigned *ret_n,
    int *ret_receipt)
{
	Quorate__V1__ContributeReply	*r = quorate__v1__contribute_reply__unpack(NULL, reply.n, reply.p);
	AUTO(secret_free) struct secret	*plain = NULL;
	struct rd			 at;
	uint8_t				 version, who, id[SHA256_BYTES], one[SHAMIR_CONTRIBUTION_BYTES];
	uint32_t			 n = 0;
	struct err			 err;
	bool				 ok;

	MUST(r != NULL);
	ok = cms_open(pool.worker_key, buf_view(&pool.worker), SPAN(r->message.data, r->message.len), &plain, &err) == RC_OK;
	*ret_receipt = say_receipt(SPAN(r->receipt.data, r->receipt.len));
	quorate__v1__contribute_reply__free_unpacked(r, NULL);
	if (!ok)
		return false;
	at = rd_init(SPAN(secret_view(plain), secret_len(plain)));
	ok = rd_u8(&at, &version) && rd_u8(&at, &who) && rd_bytes(&at, id, sizeof(id)) && rd_u32(&at, &n) &&
	    version == 1 && who == index && memcmp(id, world->said[order].id, sizeof(id)) == 0 && n <= 3;
	for (uint32_t i = 0; ok && i < n; i++)
		ok = rd_bytes(&at, one, sizeof(one)) && shamir_contribution_parse(SPAN_OF(one), &ret[i], &err) == RC_OK;
	*ret_n = n;
	return ok && rd_done(&at);
}

static void
is_the_order(struct node *x, int order, struct span reply)
{
	struct shamir_contribution	 c[3];
	const struct batch_made		*b;
	uint8_t				 label[SHAMIR_POINT_BYTES], want[SHAMIR_POINT_BYTES];
	unsigned			 n;
	int				 receipt;

	if (!contribution_read(x->index, order, reply, c, &n, &receipt))
		fails(4, "custodian %u answers what nobody can read", x->index);
	if (n != world->said[world->said[order].subject].segments)
		fails(1, "custodian %u contributes to %u segments of %u", x->index, n,
		    world->said[world->said[order].subject].segments);
	for (unsigned i = 0; i < n; i++) {
		label_of(order, i, label, &b);
		MUST(crypto_scalarmult_ristretto255(want, b->share[x->index - 1], label) == 0);
		if (memcmp(want, c[i].point, sizeof(want)) != 0)
			fails(4, "custodian %u contributes to another segment", x->index);
	}
	for (size_t i = 0; i < x->n_owed; i++)
		if (x->owed[i] == receipt)
			return;
	MUST(x->n_owed < HANDED_NOTES);
	x->owed[x->n_owed++] = receipt;
}

void
holds_contributed(struct node *x, int order, struct span reply)
{
	static struct model	 m;
	struct m_request	*r = NULL;
	when			 own = (when)((int64_t)(world->ms / 1000) + x->skew), met;
	uint64_t		 index;
	const char		*why;

	if (x->liar)
		return;
	model_of(x->on, x->held, &m);
	if ((why = model_may(&m, order, own, &met, &index, &r)) != NULL)
		fails(1, "custodian %u contributes in spite of: %s", x->index, why);
	if (own < x->came[index] + rules[world->said[r->said].policy].objection)
		fails(1, "custodian %u contributes before the objection window ran out by its own clock", x->index);
	has_compared(x, "contributes");
	order_is_cosigned(x, order);
	nobody_objects(x, &m, r);
	nothing_overdue(x);
	is_the_order(x, order, reply);
	world->contributed++;
}

/* --- 6 and 8, at the end ---------------------------------------------------------------------------- */

static void
replays(const struct node *x)
{
	AUTO(memstate_free) struct memstate	*mem = NULL;
	AUTO(replica_free) struct replica	*r = NULL;
	struct verdict				 v;
	uint8_t					 state[2][SHA256_BYTES];
	struct err				 err;

	must(memstate_new(&mem, &err), &err);
	must(memstate_blob(mem, buf_view(&world->charter_json), &err), &err);
	for (int i = 0; i < world->n_said; i++)
		if (world->said[i].blob.n > 0)
			must(memstate_blob(mem, buf_view(&world->said[i].blob), &err), &err);
	must(replica_new(memstate_state(mem), world->genesis, &r, &err), &err);
	for (uint64_t i = 0; i < x->held; i++) {
		const struct logged	*l = &world->logged[world->branch[x->on].entry[i]];

		must(memstate_leaf(mem, l->hash, &err), &err);
		must(replica_apply(r, i, buf_view(&l->leaf), &v, &err), &err);
	}
	must(replica_state_digest(r, state[0], &err), &err);
	must(replica_state_digest(x->c.replica, state[1], &err), &err);
	if (memcmp(state[0], state[1], SHA256_BYTES) != 0)
		fails(8, "a stranger who replays the log of custodian %u comes to another state", x->index);
}

static void
keeps_shares(const struct node *x)
{
	uint8_t		sealed[SEALED_SHARE_BYTES];
	uint64_t	index;
	struct err	err;

	for (int i = 0; i < world->n_batches && !x->gone_back; i++)
		if ((world->batch[i].held[x->on] >> (x->index - 1) & 1) != 0 &&
		    is_on(x->on, world->batch[i].said, x->held, &index) &&
		    (store_share(x->c.store, index, 0, sealed, sizeof(sealed), &err) != RC_OK ||
		    memcmp(sealed, world->batch[i].sealed.shares[x->index - 1].p, sizeof(sealed)) != 0))
			fails(6, "custodian %u said that it holds its share of batch %d, and does not", x->index, i);
}

void
holds_end(void)
{
	bool	replayed = false;

	for (unsigned i = 0; i < world->n_nodes; i++) {
		struct node	*x = &world->node[i];

		if (x->liar)
			continue;
		node_close(x);
		x->token.fail_in = 0;
		node_open(x);
		if (!x->up)
			fails(6, "custodian %u does not start", x->index);
		keeps_shares(x);
		if (!replayed && x->held > 0)
			replays(x);
		replayed |= x->held > 0;
	}
}
