/*
 * custodian/steps.c - the count in the database and the marks in the token.
 *
 * A mark is instance, u64 steps, u64 size, root, under a name made of the genesis,
 * so that one token may serve two networks. Each process writes its own and then
 * reads all: whoever finds another's gives nothing away. The order of it is the
 * argument, see docs/adr/0009-restored-and-cloned.md.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/wire.h"
#include "custodian/custody.h"

#define STEPS_MAX	(UINT64_C(1) << 62)	/* whatever peers say: it never runs over */

struct mark {
	uint8_t		instance[STEPS_INSTANCE_BYTES];
	uint64_t	steps, size;
	uint8_t		root[SHA256_BYTES];
};

struct marks {
	struct mark	mark[HSM_MARKS_MAX];
	size_t		n;
};

/* What the database knows of this custodian's past. */
struct past {
	uint64_t	steps;
	uint8_t		instance[STEPS_INSTANCE_BYTES];	/* of the last start */
	uint64_t	seen;		/* the highest mark that this start found */
};

#define MARKS_CROWD	4	/* two of the last owner's, and what crashed starts left */

/* --- the token ------------------------------------------------------------------ */

static void
mark_name(const struct custody *c, char ret[HSM_LABEL_MAX + 1])
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	(void)snprintf(ret, HSM_LABEL_MAX + 1, "quorate mark 1 %.16s", hex_write(SPAN_OF(c->genesis), hex));
}

static enum rc
mark_parse(const struct hsm_mark *m, struct mark *ret, struct err *err)
{
	struct rd	r = rd_init(SPAN(m->bytes, m->n));

	if (!rd_bytes(&r, ret->instance, sizeof(ret->instance)) || !rd_u64(&r, &ret->steps) ||
	    !rd_u64(&r, &ret->size) || !rd_bytes(&r, ret->root, sizeof(ret->root)) || !rd_done(&r))
		return err_set(err, RC_FORMAT, "the token's mark of this custodian is malformed");
	return RC_OK;
}

static enum rc
read_marks(struct custody *c, struct marks *ret, struct err *err)
{
	struct hsm_mark	m[HSM_MARKS_MAX];
	char		name[HSM_LABEL_MAX + 1];
	size_t		i, n = 0;

	mark_name(c, name);
	TRY(hsm_mark_read(c->hsm, name, m, &n, err));
	for (i = 0; i < n; i++)
		TRY(mark_parse(&m[i], &ret->mark[i], err));
	ret->n = n;
	return RC_OK;
}

/* The largest checkpoint that it has signed, as far as it or the token knows. */
static enum rc
head(struct custody *c, uint64_t *ret_size, uint8_t ret_root[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(NOTE_BYTES_MAX + 64);
	struct rd	r;
	uint64_t	size = 0;
	enum rc		rc = store_get(c->store, CUSTODY_SIGNED, &v, err);

	if (rc != RC_OK && rc != RC_MISSING)
		return rc;
	r = rd_init(buf_view(&v));
	if (rc == RC_OK && (!rd_u64(&r, &size) || !rd_bytes(&r, ret_root, SHA256_BYTES)))
		return err_set(err, RC_BUG, "the record of what was cosigned is damaged");
	*ret_size = size;
	if (c->steps.restored && c->steps.floor >= size) {
		*ret_size = c->steps.floor;
		memcpy(ret_root, c->steps.floor_root, SHA256_BYTES);
	}
	return RC_OK;
}

static enum rc
write_mark(struct custody *c, bool make, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(HSM_MARK_MAX);
	uint8_t		root[SHA256_BYTES] = { 0 };
	uint64_t	size = 0;
	char		name[HSM_LABEL_MAX + 1];

	TRY(head(c, &size, root, err));
	buf_add(&v, c->steps.instance, sizeof(c->steps.instance));
	buf_u64(&v, c->steps.steps);
	buf_u64(&v, size);
	buf_add(&v, root, sizeof(root));
	TRY(buf_check(&v, "mark", err));
	mark_name(c, name);
	return hsm_mark_write(c->hsm, name, buf_view(&v), make, err);
}

static bool
same_instance(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, STEPS_INSTANCE_BYTES) == 0;		/* public */
}

/* --- the database ------------------------------------------------------------------ */

static enum rc
read_count(struct custody *c, uint64_t *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(8);
	struct rd	r;
	enum rc		rc = store_get(c->store, CUSTODY_STEPS, &v, err);

	*ret = 0;
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, ret) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of steps is damaged");
	return RC_OK;
}

static enum rc
write_count(struct custody *c, uint64_t steps, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(8);

	buf_u64(&v, steps);
	TRY(buf_check(&v, "steps", err));
	return store_put(c->store, CUSTODY_STEPS, buf_view(&v), err);
}

static enum rc
read_past(struct custody *c, struct past *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(64);
	struct rd	r;
	enum rc		rc;

	memset(ret, 0, sizeof(*ret));
	TRY(read_count(c, &ret->steps, err));
	rc = store_get(c->store, CUSTODY_STARTED, &v, err);
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_bytes(&r, ret->instance, sizeof(ret->instance)) || !rd_u64(&r, &ret->seen) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of the last start is damaged");
	return RC_OK;
}

static enum rc
write_started(struct custody *c, uint64_t seen, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(64);

	buf_add(&v, c->steps.instance, sizeof(c->steps.instance));
	buf_u64(&v, seen);
	TRY(buf_check(&v, "start", err));
	return store_put(c->store, CUSTODY_STARTED, buf_view(&v), err);
}

static enum rc
read_restored(struct custody *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(64);
	struct steps	*s = &c->steps;
	struct rd	 r;
	enum rc		 rc = store_get(c->store, CUSTODY_RESTORED, &v, err);

	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	r = rd_init(buf_view(&v));
	if (!rd_u64(&r, &s->floor) || !rd_bytes(&r, s->floor_root, sizeof(s->floor_root)) ||
	    !rd_u64(&r, &s->since) || !rd_done(&r))
		return err_set(err, RC_BUG, "the record of what was restored is damaged");
	s->restored = true;
	return RC_OK;
}

static enum rc
write_restored(struct custody *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(64);

	buf_u64(&v, c->steps.floor);
	buf_add(&v, c->steps.floor_root, sizeof(c->steps.floor_root));
	buf_u64(&v, c->steps.since);
	TRY(buf_check(&v, "restored", err));
	return store_put(c->store, CUSTODY_RESTORED, buf_view(&v), err);
}

/* --- forgotten ------------------------------------------------------------------------ */

/* Of two roots that were signed at one size neither is signed again: no root is all zeros. */
static void
raise_floor(struct steps *s, uint64_t size, const uint8_t root[SHA256_BYTES])
{
	s->restored = true;
	s->since = UINT64_MAX;
	if (size == s->floor && size > 0 && memcmp(root, s->floor_root, SHA256_BYTES) != 0)	/* public */
		memset(s->floor_root, 0, SHA256_BYTES);
	if (size <= s->floor)
		return;
	s->floor = size;
	memcpy(s->floor_root, root, SHA256_BYTES);
}

static void
say_forgot(const struct custody *c, uint64_t known, uint64_t elsewhere)
{
	log_line("ALARM: this custodian does not remember all that it did: its database counts %llu steps, its token or its "
	    "peers %llu. Was it restored from a copy? It signs nothing up to size %llu again, and contributes to no request "
	    "from before it has caught up; see custodiand(8), RESTORING", (unsigned long long)known,
	    (unsigned long long)elsewhere, (unsigned long long)c->steps.floor);
}

/*
 * Is this mark of our own past? Written by our last start, or not above what that
 * start found and judged.
 */
static bool
is_known(const struct past *p, const struct mark *m)
{
	return m->steps <= p->seen || (same_instance(m->instance, p->instance) && m->steps <= p->steps);
}

/* --- start ---------------------------------------------------------------------------- */

/* The steps that start takes into account; true: some of them are not of our past. */
static bool
weigh(struct steps *s, const struct past *p, const struct marks *m, uint64_t *ret_seen)
{
	bool	forgot = false;
	size_t	i;

	*ret_seen = 0;
	for (i = 0; i < m->n; i++) {
		if (m->mark[i].steps > *ret_seen)
			*ret_seen = m->mark[i].steps;
		if (is_known(p, &m->mark[i]))
			continue;
		raise_floor(s, m->mark[i].size, m->mark[i].root);
		forgot = true;
	}
	/*
	 * The start itself is a step: after it the highest mark is that of whoever
	 * started last. But a first start that never wrote its mark is still the first.
	 */
	s->steps = m->n == 0 ? 1 : (p->steps > *ret_seen ? p->steps : *ret_seen) + 1;
	return forgot;
}

static enum rc
record_start(struct custody *c, uint64_t seen, struct err *err)
{
	enum rc	rc;

	TRY(store_begin(c->store, err));
	rc = write_count(c, c->steps.steps, err);
	if (rc == RC_OK)
		rc = write_started(c, seen, err);
	if (rc == RC_OK && c->steps.restored)
		rc = write_restored(c, err);
	if (rc == RC_OK)
		rc = store_commit(c->store, err);
	if (rc != RC_OK)
		store_rollback(c->store);
	return rc;
}

/* Nobody else wrote since we looked, and our own mark is there. */
static enum rc
undisturbed(const struct custody *c, const struct marks *before, const struct marks *now, struct err *err)
{
	bool	ours = false, known;
	size_t	i, k;

	for (i = 0; i < now->n; i++) {
		known = same_instance(now->mark[i].instance, c->steps.instance);
		ours |= known && now->mark[i].steps == c->steps.steps;
		for (k = 0; k < before->n && !known; k++)
			known = same_instance(now->mark[i].instance, before->mark[k].instance) &&
			    now->mark[i].steps == before->mark[k].steps;
		if (!known)
			return err_set(err, RC_DENIED, "another custodiand works with this token: stop it, then start this "
			    "one again");
	}
	return ours ? RC_OK : err_set(err, RC_IO, "the token does not keep the mark of this custodian");
}

/* Ours first, then a look for others, and only then theirs go. */
static enum rc
take_over(struct custody *c, const struct marks *before, struct err *err)
{
	struct marks	now;
	char		name[HSM_LABEL_MAX + 1];

	TRY(write_mark(c, true, err));
	TRY(read_marks(c, &now, err));
	TRY(undisturbed(c, before, &now, err));
	mark_name(c, name);
	TRY(hsm_mark_sweep(c->hsm, name, c->steps.instance, err));
	c->steps.marked = c->steps.steps;
	return RC_OK;
}

/*
 * Starts that crash leave a mark each. The highest is that of who started last, and
 * who started took all that was there into account: the others may go.
 */
static enum rc
read_few_marks(struct custody *c, struct marks *ret, struct err *err)
{
	char	name[HSM_LABEL_MAX + 1];
	size_t	i, high = 0;

	TRY(read_marks(c, ret, err));
	if (ret->n <= MARKS_CROWD)
		return RC_OK;
	for (i = 1; i < ret->n; i++)
		if (ret->mark[i].steps > ret->mark[high].steps)
			high = i;
	mark_name(c, name);
	TRY(hsm_mark_sweep(c->hsm, name, ret->mark[high].instance, err));
	return read_marks(c, ret, err);
}

enum rc
steps_open(struct custody *c, struct err *err)
{
	struct marks	before;
	struct past	past;
	uint64_t	seen;
	bool		forgot;

	memset(&c->steps, 0, sizeof(c->steps));
	randombytes_buf(c->steps.instance, sizeof(c->steps.instance));
	TRY(read_past(c, &past, err));
	TRY(read_restored(c, err));
	TRY(read_few_marks(c, &before, err));
	if (before.n == 0 && past.steps > 1)
		return err_set(err, RC_DENIED, "the token has no mark of this custodian, though its database counts %llu "
		    "steps: put the right token in; see custodiand(8), RESTORING", (unsigned long long)past.steps);
	forgot = weigh(&c->steps, &past, &before, &seen);
	TRY(record_start(c, seen, err));
	TRY(take_over(c, &before, err));
	if (forgot)
		say_forgot(c, past.steps, seen);
	return RC_OK;
}

/* --- at work ---------------------------------------------------------------------------- */

/*
 * From the database, not from memory: a transaction that was rolled back must not
 * leave the token ahead.
 */
enum rc
steps_take(struct custody *c, struct err *err)
{
	uint64_t	steps;

	TRY(read_count(c, &steps, err));
	return write_count(c, steps + 1, err);
}

static enum rc
alone(const struct custody *c, const struct marks *m, struct err *err)
{
	bool	ours = false;
	size_t	i;

	for (i = 0; i < m->n; i++) {
		if (!same_instance(m->mark[i].instance, c->steps.instance))
			return err_set(err, RC_BUG, "another custodiand has taken this token over: this one stops; run one only");
		/* Our own count never falls: machine and database were put back as they ran, and the token was not. */
		if (m->mark[i].steps > c->steps.steps)
			return err_set(err, RC_BUG, "the token counts %llu steps of this process, the process %llu: it was put "
			    "back as it ran; this one stops, start it again", (unsigned long long)m->mark[i].steps,
			    (unsigned long long)c->steps.steps);
		ours |= m->mark[i].steps == c->steps.steps;
	}
	return ours ? RC_OK : err_set(err, RC_IO, "the token does not keep the mark of this custodian: is it there? It goes "
	    "on when the token is back");
}

static enum rc
mark(struct custody *c, struct err *err)
{
	struct marks	now;
	enum rc		rc;

	TRY(read_count(c, &c->steps.steps, err));
	rc = c->steps.marked == c->steps.steps ? RC_OK : write_mark(c, false, err);
	/* Who took the token over has left a mark of its own; where there is none at all, the token has gone. */
	if (rc == RC_OK || rc == RC_MISSING)
		rc = read_marks(c, &now, err);
	if (rc != RC_OK)
		return err_wrap(err, rc == RC_BUG ? RC_BUG : RC_IO, "nothing is given away that the token does not count");
	TRY(alone(c, &now, err));
	c->steps.marked = c->steps.steps;
	return RC_OK;
}

enum rc
steps_mark(struct custody *c, struct err *err)
{
	enum rc	rc = mark(c, err);

	c->steps.tokenless = rc != RC_OK;
	return rc;
}

enum rc
steps_forgot(struct custody *c, uint64_t steps, uint64_t size, const uint8_t root[SHA256_BYTES], struct err *err)
{
	struct steps	s = c->steps;
	uint64_t	known;
	enum rc		rc;

	if (steps > STEPS_MAX)
		return err_set(err, RC_FORMAT, "nobody takes %llu steps", (unsigned long long)steps);
	TRY(read_count(c, &known, err));
	raise_floor(&c->steps, size, root);
	TRY(store_begin(c->store, err));
	rc = write_count(c, steps > known ? steps : known, err);
	if (rc == RC_OK)
		rc = write_restored(c, err);
	if (rc == RC_OK)
		rc = store_commit(c->store, err);
	if (rc != RC_OK) {
		store_rollback(c->store);
		c->steps = s;
		return rc;
	}
	c->steps.steps = steps > known ? steps : known;
	say_forgot(c, known, steps);
	return RC_OK;
}

enum rc
steps_raise(struct custody *c, uint64_t size, const uint8_t root[SHA256_BYTES], struct err *err)
{
	struct steps	s = c->steps;
	enum rc		rc;

	if (size < c->steps.floor || size == 0)
		return RC_OK;
	raise_floor(&c->steps, size, root);
	if ((rc = write_restored(c, err)) != RC_OK)
		c->steps = s;
	return rc;
}

enum rc
steps_caught_up(struct custody *c, uint64_t size, struct err *err)
{
	enum rc	rc;

	if (!c->steps.restored || c->steps.since != UINT64_MAX)
		return RC_OK;
	c->steps.since = size;
	if ((rc = write_restored(c, err)) != RC_OK) {
		c->steps.since = UINT64_MAX;
		return rc;
	}
	log_line("caught up with the others after something was forgotten: contributes to requests from entry %llu on; "
	    "older ones are for the other custodians", (unsigned long long)size);
	return RC_OK;
}

/*
 * Of what was signed up to `floor`: that root again, or above it a log that goes through
 * it, or through one of a quorum, which then never was on that root's side.
 */
static bool
keeps_to(struct custody *c, uint64_t floor, const uint8_t floor_root[SHA256_BYTES], uint64_t size,
    const uint8_t root[SHA256_BYTES])
{
	uint8_t		there[SHA256_BYTES];
	uint64_t	cosigned;

	if (size <= floor)
		return size == floor && memcmp(root, floor_root, SHA256_BYTES) == 0;	/* public */
	if (floor == 0)
		return true;
	if (store_root_at(c->store, floor, there, NULL) == RC_OK && memcmp(there, floor_root, sizeof(there)) == 0)
		return true;
	return custody_cosigned_size(c, &cosigned, NULL) == RC_OK && cosigned >= floor;
}

bool
steps_may_cosign(struct custody *c, uint64_t size, const uint8_t root[SHA256_BYTES])
{
	const struct steps	*s = &c->steps;

	if (!s->restored)
		return true;
	if (!keeps_to(c, s->floor, s->floor_root, size, root))
		return false;
	/* What it forgot no token shows, and until it caught up each answer may show more of it. */
	return s->since != UINT64_MAX || !c->comparing.forgot ||
	    keeps_to(c, c->comparing.most, c->comparing.most_root, size, root);
}
