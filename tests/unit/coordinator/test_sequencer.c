/* The sequencer: what is logged, what is not, and what survives. */
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "coordinator/cosigning.h"
#include "coordinator/journal.h"
#include "coordinator/readers.h"
#include "coordinator/sequencer.h"
#include "policy/apply.h"
#include "tests/unit/coordinator/rig.h"

#define THREADS	8
#define EACH	12

static struct rig	*rig;

static int
setup(void **state)
{
	(void)state;
	rig = calloc(1, sizeof(*rig));
	if (rig == NULL)
		return -1;
	rig_init(rig);
	rig_start(rig);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	if (rig->c.sequencer != NULL)
		rig_stop(rig);
	rig_done(rig);
	free(rig);
	return 0;
}

static void
again(void)
{
	rig_stop(rig);
	rig_start(rig);
}

static enum rc
submit(struct span dsse, struct submission *sub)
{
	struct err	err;

	*sub = (struct submission){ .dsse = dsse };
	return sequencer_submit(rig->c.sequencer, sub, &err);
}

/* The checkpoint over `size` entries is offered soon after they are durable. */
static void
await_target(uint64_t size, struct buf *note)
{
	struct target	t = { .note = BUF_INIT(NOTE_BYTES_MAX) };
	uint64_t	seen = 0, until = clock_ms() + 10000;
	struct err	err;

	do {
		assert_int_equal(cosigning_target(rig->c.cosigning,
		    clock_ms() + 2 * COSIGNING_PATIENCE_MAX, &t, &err), RC_OK);
		if (t.size < size)
			seen = cosigning_await(rig->c.cosigning, seen, 20);
	} while (t.size < size && clock_ms() < until);
	assert_int_equal(t.size, size);
	if (note != NULL)
		buf_span(note, buf_view(&t.note));
	buf_done(&t.note);
}

static void
starts_with_the_charter(void **state)
{
	struct buf		note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint	cp;
	struct err		err;

	(void)state;
	assert_int_equal(sequencer_size(rig->c.sequencer), 1);
	await_target(1, &note);
	assert_int_equal(charter_checkpoint_verify(rig->c.first, buf_view(&note), false,
	    &cp, NULL, &err), RC_OK);
	assert_int_equal(cp.size, 1);
	buf_done(&note);
}

static void
refuses_an_unsigned_charter(void **state)
{
	struct buf	one = BUF_INIT(DSSE_BYTES_MAX);
	struct statement s;
	struct err	err;
	static const uint8_t none[SHA256_BYTES];
	struct rig	*r = calloc(1, sizeof(*r));

	(void)state;
	assert_non_null(r);
	rig_init(r);
	/* Of all who must sign, one did. */
	statement_init(&s, STATEMENT_CHARTER, r->net.genesis, r->net.genesis, 0, none, 0, 0);
	memcpy(s.subject, r->net.genesis, SHA256_BYTES);
	assert_int_equal(statement_sign(&s, &r->net.signing[0].signer, &one, &err), RC_OK);
	statement_done(&s);
	buf_reset(&r->c.charter_dsse);
	buf_span(&r->c.charter_dsse, buf_view(&one));
	assert_int_equal(cosigning_new(r->c.first, sequencer_keep, &r->c, &r->c.cosigning, &err), RC_OK);
	assert_int_equal(sequencer_new(&r->c, &r->c.sequencer, &err), RC_VERIFY);
	cosigning_free(r->c.cosigning);
	r->c.cosigning = NULL;
	buf_done(&one);
	rig_done(r);
	free(r);
}

static void
logs_what_the_charter_signed(void **state)
{
	struct buf		dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct submission	sub;

	(void)state;
	rig_revocation(rig, NET_LEGAL, &dsse);
	assert_int_equal(submit(buf_view(&dsse), &sub), RC_OK);
	assert_int_equal(sub.fate, FATE_LOGGED);
	assert_int_equal(sub.index, 1);
	assert_false(sub.verdict.effective);	/* void, and in the log */
	assert_int_equal(sub.verdict.type, STATEMENT_REVOCATION);
	await_target(2, NULL);

	assert_int_equal(submit(buf_view(&dsse), &sub), RC_OK);
	assert_int_equal(sub.fate, FATE_REPEATED);
	assert_int_equal(sub.index, 1);
	assert_int_equal(sequencer_size(rig->c.sequencer), 2);

	/* It stood there before this start, too. */
	again();
	assert_int_equal(sequencer_size(rig->c.sequencer), 2);
	assert_int_equal(submit(buf_view(&dsse), &sub), RC_OK);
	assert_int_equal(sub.fate, FATE_REPEATED);
	buf_done(&dsse);
}

static void
strangers_leave_no_trace(void **state)
{
	struct buf		dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct submission	sub;

	(void)state;
	rig_revocation(rig, NET_STRANGER, &dsse);
	assert_int_equal(submit(buf_view(&dsse), &sub), RC_OK);
	assert_int_equal(sub.fate, FATE_REFUSED);
	assert_int_equal(sub.why, VOID_SIGNATURE);
	assert_int_equal(submit(SPAN_STR("{}"), &sub), RC_OK);
	assert_int_equal(sub.fate, FATE_REFUSED);
	assert_int_equal(sub.why, VOID_MALFORMED);
	assert_int_equal(sequencer_size(rig->c.sequencer), 1);
	buf_done(&dsse);
}

/* Who hears of a statement before the log does must not spoil it with another signature. */
static void
no_copy_takes_its_place(void **state)
{
	struct buf		dsse = BUF_INIT(DSSE_BYTES_MAX), more = BUF_INIT(DSSE_BYTES_MAX);
	struct buf		another = BUF_INIT(DSSE_BYTES_MAX);
	struct signer		*by = &rig->net.signing[1].signer;
	struct submission	sub;
	struct dsse		d;
	struct err		err;

	(void)state;
	rig_revocation(rig, NET_LEGAL, &dsse);
	assert_int_equal(dsse_parse(buf_view(&dsse), &d, &err), RC_OK);
	assert_int_equal(dsse_sign_more(buf_view(&dsse), &rig->net.person[NET_STRANGER].signer, &more, &err), RC_OK);
	assert_int_equal(dsse_sign(buf_view(&d.payload), by, &another, &err), RC_OK);
	assert_int_equal(submit(buf_view(&more), &sub), RC_OK);
	assert_int_equal(sub.fate, FATE_REFUSED);
	assert_int_equal(sub.why, VOID_SIGNATURE);
	assert_int_equal(submit(buf_view(&another), &sub), RC_OK);
	assert_int_equal(sub.fate, FATE_REFUSED);
	assert_int_equal(sub.why, VOID_SIGNATURE);
	assert_int_equal(submit(buf_view(&dsse), &sub), RC_OK);
	assert_int_equal(sub.fate, FATE_LOGGED);
	dsse_done(&d);
	buf_done(&dsse);
	buf_done(&more);
	buf_done(&another);
}

static void
waits_for_fixed_blobs(void **state)
{
	struct buf		dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct submission	sub;

	(void)state;
	rig_request(rig, SPAN_STR("its scope"), &dsse);
	assert_int_equal(submit(buf_view(&dsse), &sub), RC_MISSING);
	assert_int_equal(sequencer_size(rig->c.sequencer), 1);
	buf_done(&dsse);
}

/* Such an entry would seem sealed, and nobody would ever get its shares. */
static void
a_batch_comes_with_its_shares(void **state)
{
	struct buf		dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct descriptor	d;
	struct statement	s;
	struct submission	sub;
	struct err		err;

	(void)state;
	net_descriptor(&rig->net, "standard", &d);
	net_batch(&rig->net, &d, 1, &s);
	assert_int_equal(statement_sign(&s, &rig->net.sealer.signer, &dsse, &err), RC_OK);
	statement_done(&s);
	assert_int_equal(submit(buf_view(&dsse), &sub), RC_FORMAT);
	assert_int_equal(sequencer_size(rig->c.sequencer), 1);
	buf_done(&dsse);
}

static void
one_custodian_does_not_fill_the_log(void **state)
{
	struct buf		dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct submission	sub;
	unsigned		i;

	(void)state;
	for (i = 1; i <= CUSTODIAN_VOIDS_MAX + 1; i++) {
		buf_reset(&dsse);
		rig_void(rig, &rig->net.signing[1].signer, &dsse);
		assert_int_equal(submit(buf_view(&dsse), &sub),
		    i <= CUSTODIAN_VOIDS_MAX ? RC_OK : RC_LIMIT);
	}
	assert_int_equal(sequencer_size(rig->c.sequencer), 1 + CUSTODIAN_VOIDS_MAX);
	/* The others are heard, and so are people. */
	buf_reset(&dsse);
	rig_void(rig, &rig->net.signing[2].signer, &dsse);
	assert_int_equal(submit(buf_view(&dsse), &sub), RC_OK);
	buf_reset(&dsse);
	rig_revocation(rig, NET_LEGAL, &dsse);
	assert_int_equal(submit(buf_view(&dsse), &sub), RC_OK);
	assert_int_equal(sub.fate, FATE_LOGGED);
	buf_done(&dsse);
}

/* What no message to a custodian could carry would stop the log for good. */
static void
refuses_what_does_not_fit_a_message(void **state)
{
	const size_t		size[] = { FIXED_BYTES_MAX + 1, FIXED_BYTES_MAX };
	uint8_t			*bytes = calloc(1, FIXED_BYTES_MAX + 1);
	struct buf		dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct submission	sub;
	struct span		blob;
	struct err		err;
	size_t			i;

	(void)state;
	assert_non_null(bytes);
	for (i = 0; i < 2; i++) {
		blob = SPAN(bytes, size[i]);
		buf_reset(&dsse);
		rig_request(rig, blob, &dsse);
		sub = (struct submission){ .dsse = buf_view(&dsse), .blob = &blob, .n_blobs = 1 };
		assert_int_equal(sequencer_submit(rig->c.sequencer, &sub, &err), i == 0 ? RC_LIMIT : RC_OK);
		assert_int_equal(sequencer_size(rig->c.sequencer), 1 + i);
	}
	buf_done(&dsse);
	free(bytes);
}

static enum rc
put_large(struct store *store, void *user, struct err *err)
{
	uint8_t	digest[SHA256_BYTES];

	return store_blob_put(store, *(struct span *)user, digest, err);
}

/* Not by way of a blob that is here for another reason either. */
static void
refuses_a_large_blob_that_is_here(void **state)
{
	uint8_t			*bytes = calloc(1, FIXED_BYTES_MAX + 1);
	struct span		 blob = SPAN(bytes, FIXED_BYTES_MAX + 1);
	struct buf		 dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct submission	 sub;
	struct err		 err;

	(void)state;
	assert_non_null(bytes);
	assert_int_equal(sequencer_do(rig->c.sequencer, put_large, &blob, &err), RC_OK);
	rig_request(rig, blob, &dsse);
	assert_int_equal(submit(buf_view(&dsse), &sub), RC_LIMIT);
	buf_done(&dsse);
	free(bytes);
}

static enum rc
fails(struct store *store, void *user, struct err *err)
{
	(void)store;
	(void)user;
	return err_set(err, RC_IO, "no space");
}

static enum rc
counts(struct store *store, void *user, struct err *err)
{
	(void)store;
	(void)err;
	++*(int *)user;
	return RC_OK;
}

static void
a_failure_undoes_the_entry(void **state)
{
	struct buf		a = BUF_INIT(DSSE_BYTES_MAX), b = BUF_INIT(DSSE_BYTES_MAX);
	struct submission	sub;
	struct err		err;
	int			ran = 0;

	(void)state;
	rig_revocation(rig, NET_LEGAL, &a);
	rig_revocation(rig, NET_LEGAL, &b);
	sub = (struct submission){ .dsse = buf_view(&a), .fn = fails };
	assert_int_equal(sequencer_submit(rig->c.sequencer, &sub, &err), RC_IO);
	assert_int_equal(sub.fate, FATE_REFUSED);
	assert_int_equal(sequencer_size(rig->c.sequencer), 1);
	/* The replica went back with it: the next entry is number 1. */
	sub = (struct submission){ .dsse = buf_view(&b), .fn = counts, .user = &ran };
	assert_int_equal(sequencer_submit(rig->c.sequencer, &sub, &err), RC_OK);
	assert_int_equal(sub.index, 1);
	assert_int_equal(ran, 1);
	/* fn belongs to the first time only. */
	assert_int_equal(sequencer_submit(rig->c.sequencer, &sub, &err), RC_OK);
	assert_int_equal(ran, 1);
	assert_int_equal(sequencer_do(rig->c.sequencer, counts, &ran, &err), RC_OK);
	assert_int_equal(ran, 2);
	buf_done(&a);
	buf_done(&b);
}

struct many { struct buf dsse[EACH]; uint64_t index[EACH]; };

static void *
submit_many(void *arg)
{
	struct many		*m = arg;
	struct submission	 sub;
	int			 i;

	for (i = 0; i < EACH; i++)
		m->index[i] = submit(buf_view(&m->dsse[i]), &sub) == RC_OK &&
		    sub.fate == FATE_LOGGED ? sub.index : 0;
	return NULL;
}

static void
many_at_a_time(void **state)
{
	static struct many	m[THREADS];
	bool			seen[1 + THREADS * EACH] = { true };
	pthread_t		t[THREADS];
	struct reader		*r;
	struct verdict		v;
	struct err		err;
	when			last = 0;
	uint64_t		i;
	int			j;

	(void)state;
	for (i = 0; i < THREADS; i++)
		for (j = 0; j < EACH; j++) {
			m[i].dsse[j] = BUF_INIT(DSSE_BYTES_MAX);
			rig_revocation(rig, NET_LEGAL, &m[i].dsse[j]);
		}
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, submit_many, &m[i]), 0);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(sequencer_size(rig->c.sequencer), 1 + THREADS * EACH);
	for (i = 0; i < THREADS; i++)
		for (j = 0; j < EACH; j++) {
			assert_in_range(m[i].index[j], 1, THREADS * EACH);
			assert_false(seen[m[i].index[j]]);
			seen[m[i].index[j]] = true;
			buf_done(&m[i].dsse[j]);
		}
	await_target(1 + THREADS * EACH, NULL);
	r = reader_take(rig->c.readers);
	for (i = 0; i < 1 + THREADS * EACH; i++) {
		assert_int_equal(store_verdict(r->store, i, &v, &err), RC_OK);
		assert_true(v.time >= last);
		last = v.time;
	}
	reader_give(r);
}

/* A note of q custodians over `size`, as if they had cosigned it. */
static void
make_note(struct span log_note, struct buf *out)
{
	uint8_t	i;

	buf_span(out, log_note);
	for (i = 1; i <= rig->c.first->q; i++)
		rig_line(rig, i, rig_text(log_note), out);
}

static void
keeps_the_cosigned_note(void **state)
{
	struct buf	log_note = BUF_INIT(NOTE_BYTES_MAX), note = BUF_INIT(NOTE_BYTES_MAX);
	struct buf	back = BUF_INIT(NOTE_BYTES_MAX);
	struct err	err;
	uint64_t	size;
	unsigned	have;

	(void)state;
	await_target(1, &log_note);
	make_note(buf_view(&log_note), &note);
	sequencer_keep(&rig->c, 1, buf_view(&note));
	assert_int_equal(cosigning_wait(rig->c.cosigning, 1, 10000, &have, &err), RC_OK);
	again();
	assert_int_equal(cosigning_latest(rig->c.cosigning, &back, &size, &err), RC_OK);
	assert_int_equal(size, 1);
	assert_true(span_eq(buf_view(&back), buf_view(&note)));
	buf_done(&log_note);
	buf_done(&note);
	buf_done(&back);
}

/* Each has its own code and its own words, whatever becomes of the others. */
static void
together_and_each_by_itself(void **state)
{
	struct buf		dsse[4];
	struct submission	sub[4] = { { .fate = FATE_REFUSED } };
	struct descriptor	d;
	struct statement	s;
	struct err		err;
	size_t			i;

	(void)state;
	for (i = 0; i < 4; i++)
		dsse[i] = BUF_INIT(DSSE_BYTES_MAX);
	rig_revocation(rig, NET_LEGAL, &dsse[0]);
	rig_revocation(rig, NET_STRANGER, &dsse[1]);
	net_descriptor(&rig->net, "standard", &d);
	net_batch(&rig->net, &d, 1, &s);
	assert_int_equal(statement_sign(&s, &rig->net.sealer.signer, &dsse[2], &err), RC_OK);
	statement_done(&s);
	rig_revocation(rig, NET_LEGAL, &dsse[3]);
	for (i = 0; i < 4; i++)
		sub[i].dsse = buf_view(&dsse[i]);
	sequencer_submit_all(rig->c.sequencer, sub, 4);
	assert_true(sub[0].rc == RC_OK && sub[0].fate == FATE_LOGGED && sub[0].index == 1);
	assert_true(sub[1].rc == RC_OK && sub[1].fate == FATE_REFUSED && sub[1].why == VOID_SIGNATURE);
	assert_int_equal(sub[2].rc, RC_FORMAT);
	assert_non_null(strstr(sub[2].err.msg, "by Seal"));
	assert_true(sub[3].rc == RC_OK && sub[3].fate == FATE_LOGGED && sub[3].index == 2);
	assert_int_equal(sequencer_size(rig->c.sequencer), 3);
	for (i = 0; i < 4; i++)
		buf_done(&dsse[i]);
}

/* What nobody waits for waits for company, not for ever. */
static void
the_patient_keep_others_company(void **state)
{
	struct submission	sub = { .fn = counts, .patient = true };
	struct err		err;
	uint64_t		began;
	int			ran = 0;

	(void)state;
	await_target(1, NULL);
	sub.user = &ran;
	began = clock_ms();
	assert_int_equal(sequencer_hand(rig->c.sequencer, &sub, &err), RC_OK);
	assert_int_equal(sequencer_wait(rig->c.sequencer, &sub, &err), RC_OK);
	assert_true(clock_ms() - began >= SEQUENCER_PATIENT_MS);
	assert_int_equal(ran, 1);
	assert_int_equal(sequencer_hand(rig->c.sequencer, &sub, &err), RC_OK);
	assert_int_equal(sequencer_do(rig->c.sequencer, counts, &ran, &err), RC_OK);
	assert_int_equal(ran, 3);
	assert_int_equal(sequencer_wait(rig->c.sequencer, &sub, &err), RC_OK);
}

/* Keeps the sequencer busy until it is told. */
static enum rc
holds(struct store *store, void *user, struct err *err)
{
	(void)store;
	(void)err;
	while (sem_wait(user) != 0)
		;
	return RC_OK;
}

/* A note goes with what is written anyway; what is undone takes no note with it that anybody was shown. */
static void
a_note_is_durable_whoever_fails(void **state)
{
	struct buf		log_note = BUF_INIT(NOTE_BYTES_MAX), note = BUF_INIT(NOTE_BYTES_MAX);
	struct submission	held = { .fn = holds }, good = { .fn = counts, .patient = true }, bad = { .fn = fails };
	struct err		err;
	sem_t			go;
	uint64_t		size;
	unsigned		have;
	int			ran = 0;

	(void)state;
	assert_int_equal(sem_init(&go, 0, 0), 0);
	await_target(1, &log_note);
	make_note(buf_view(&log_note), &note);
	held.user = &go;
	good.user = &ran;
	assert_int_equal(sequencer_hand(rig->c.sequencer, &held, &err), RC_OK);
	while (sequencer_waiting(rig->c.sequencer) > 0)
		;
	assert_int_equal(sequencer_hand(rig->c.sequencer, &good, &err), RC_OK);
	assert_int_equal(sequencer_hand(rig->c.sequencer, &bad, &err), RC_OK);
	sequencer_keep(&rig->c, 1, buf_view(&note));
	assert_int_equal(sem_post(&go), 0);
	assert_int_equal(sequencer_wait(rig->c.sequencer, &held, &err), RC_OK);
	assert_int_equal(sequencer_wait(rig->c.sequencer, &good, &err), RC_OK);
	assert_int_equal(sequencer_wait(rig->c.sequencer, &bad, &err), RC_IO);
	assert_string_equal(err.msg, "no space");
	assert_int_equal(ran, 2);		/* undone with the other, and once more alone */
	assert_int_equal(cosigning_wait(rig->c.cosigning, 1, 10000, &have, &err), RC_OK);
	again();
	assert_int_equal(cosigning_latest(rig->c.cosigning, NULL, &size, &err), RC_OK);
	assert_int_equal(size, 1);
	assert_int_equal(sem_destroy(&go), 0);
	buf_done(&log_note);
	buf_done(&note);
}

/* A log that is shorter than what q custodians cosigned was restored: it stops. */
static void
an_old_copy_does_not_start(void **state)
{
	struct buf	dsse = BUF_INIT(DSSE_BYTES_MAX), log_note = BUF_INIT(NOTE_BYTES_MAX);
	struct buf	note = BUF_INIT(NOTE_BYTES_MAX);
	struct submission sub;
	char		command[FILE_PATH_MAX + 128];
	struct err	err;
	unsigned	have;

	(void)state;
	rig_revocation(rig, NET_LEGAL, &dsse);
	assert_int_equal(submit(buf_view(&dsse), &sub), RC_OK);
	await_target(2, &log_note);
	make_note(buf_view(&log_note), &note);
	rig_stop(rig);
	/* Entry 1 is gone, the note over it is not. */
	(void)snprintf(command, sizeof(command), "cd %s && rm -f log.db* signed", rig->c.dir);
	assert_int_equal(system(command), 0);
	rig_start(rig);
	sequencer_keep(&rig->c, 2, buf_view(&note));
	assert_int_equal(cosigning_wait(rig->c.cosigning, 2, 10000, &have, &err), RC_OK);
	rig_stop(rig);
	assert_int_equal(cosigning_new(rig->c.first, sequencer_keep, &rig->c,
	    &rig->c.cosigning, &err), RC_OK);
	assert_int_equal(sequencer_new(&rig->c, &rig->c.sequencer, &err), RC_BUG);
	cosigning_free(rig->c.cosigning);
	rig->c.cosigning = NULL;
	buf_done(&dsse);
	buf_done(&log_note);
	buf_done(&note);
}

static enum rc
start_again(void)
{
	struct err	err;
	enum rc		rc;

	assert_int_equal(cosigning_new(rig->c.first, sequencer_keep, &rig->c, &rig->c.cosigning, &err), RC_OK);
	rc = sequencer_new(&rig->c, &rig->c.sequencer, &err);
	if (rc == RC_OK)
		sequencer_free(rig->c.sequencer);
	rig->c.sequencer = NULL;
	cosigning_free(rig->c.cosigning);
	rig->c.cosigning = NULL;
	return rc;
}

static void
in_folder(const char *what)
{
	char	command[FILE_PATH_MAX + 128];

	(void)snprintf(command, sizeof(command), "cd %s && %s", rig->c.dir, what);
	assert_int_equal(system(command), 0);
}

/* Nobody cosigned it, and its key signed it: a log.db that lost it would sign another. */
static void
what_was_signed_is_not_lost(void **state)
{
	struct buf	dsse = BUF_INIT(DSSE_BYTES_MAX), log_note = BUF_INIT(NOTE_BYTES_MAX);
	struct submission sub;

	(void)state;
	rig_stop(rig);
	in_folder("cp log.db old");
	rig_start(rig);
	rig_revocation(rig, NET_LEGAL, &dsse);
	assert_int_equal(submit(buf_view(&dsse), &sub), RC_OK);
	await_target(2, &log_note);
	rig_stop(rig);
	assert_int_equal(start_again(), RC_OK);
	in_folder("mv log.db new && cp old log.db && rm -f log.db-*");
	assert_int_equal(start_again(), RC_BUG);
	in_folder("rm -f log.db*");
	assert_int_equal(start_again(), RC_BUG);
	/* The last write of the mark was cut short: the one before it still counts. */
	in_folder("rm -f log.db* && cp old log.db && cp signed whole && truncate -s 4100 signed");
	assert_int_equal(start_again(), RC_OK);
	in_folder("rm -f log.db* && cp new log.db && truncate -s 0 signed && truncate -s 5000 signed");
	assert_int_equal(start_again(), RC_FORMAT);
	in_folder("cp whole signed");
	assert_int_equal(start_again(), RC_OK);
	buf_done(&dsse);
	buf_done(&log_note);
}

#define T(fn)	cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		T(starts_with_the_charter),
		T(logs_what_the_charter_signed),
		T(strangers_leave_no_trace),
		T(no_copy_takes_its_place),
		T(waits_for_fixed_blobs),
		T(a_batch_comes_with_its_shares),
		T(one_custodian_does_not_fill_the_log),
		T(refuses_what_does_not_fit_a_message),
		T(refuses_a_large_blob_that_is_here),
		T(a_failure_undoes_the_entry),
		T(many_at_a_time),
		T(keeps_the_cosigned_note),
		T(together_and_each_by_itself),
		T(the_patient_keep_others_company),
		T(a_note_is_durable_whoever_fails),
		T(an_old_copy_does_not_start),
		T(what_was_signed_is_not_lost),
		cmocka_unit_test(refuses_an_unsigned_charter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
