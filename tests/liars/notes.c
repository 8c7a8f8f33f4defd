/*
 * tests/liars/notes.c - checkpoints that no quorum cosigned. They cover nothing: an order
 * that stands in the log is not carried out before q custodians have signed that it does.
 */
#include "tests/liars/liar.h"

#include <stdlib.h>
#include <string.h>

struct uncovered {			/* an order in everybody's log, and their lines, not yet a note */
	struct asked		asked;
	struct checkpoint	c;
	struct lines		n;
	uint32_t		got;
};

static void
uncovered_up(struct liar *l, struct uncovered *u)
{
	story_ordered(l, l->story, "standard", &u->asked);
	lines_init(&u->n);
	u->got = bring(l, l->story, EVERYBODY, &u->n);
	checkpoint_of(l, l->story, story_size(l->story), &u->c);
	want(l, u->got == EVERYBODY, "not all cosigned: %x", u->got);
}

/* Refused, and the order is not covered by it. */
static void
covers_nothing(struct liar *l, const struct uncovered *u, const struct buf *note, const char *what)
{
	struct answer	a;

	say_note(l, 1, buf_view(note), &a);
	want(l, a.rc != RC_OK || a.append->cosigned_size < u->c.size, "%s: taken for a quorum's", what);
	answer_done(&a);
	ask_order(l, 1, u->asked.order, &a);
	want(l, a.rc == RC_QUORUM || a.rc == RC_DENIED || a.rc == RC_UNSURE, "%s: %s \"%s\"", what, rc_name(a.rc), a.words);
	answer_done(&a);
}

/* With the true note it is covered: what refused was the note. */
static void
uncovered_down(struct liar *l, struct uncovered *u)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX);
	struct answer			a;

	write_note(l, &u->c, &u->n, u->got, &note);
	say_note(l, 1, buf_view(&note), &a);
	want(l, a.rc == RC_OK && a.append->cosigned_size == u->c.size, "the true note is refused: %s", a.words);
	answer_done(&a);
	ask_order(l, 1, u->asked.order, &a);
	want_answer(l, &a, RC_OK, NULL, "under the true note");
	answer_done(&a);
	lines_done(&u->n);
	settle(l, l->story);
}

static void
short_of_q(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX);
	struct uncovered		u;

	uncovered_up(l, &u);
	write_note(l, &u.c, &u.n, 0, &note);
	covers_nothing(l, &u, &note, "no cosignature");
	write_note(l, &u.c, &u.n, ONLY(1) | ONLY(2) | ONLY(3), &note);
	covers_nothing(l, &u, &note, "three of the four that are needed");
	uncovered_down(l, &u);
}

static void
the_same_twice(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX);
	struct uncovered		u;
	unsigned			i;

	uncovered_up(l, &u);
	write_note(l, &u.c, &u.n, ONLY(1) | ONLY(2) | ONLY(3), &note);
	for (i = 0; i < 3; i++) {
		buf_span(&note, buf_view(&u.n.line[2]));
		covers_nothing(l, &u, &note, "a custodian more than once");
	}
	uncovered_down(l, &u);
}

/* Lines that custodians did sign, under a text that they did not. */
static void
of_another_text(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX);
	struct uncovered		u;
	struct checkpoint		c;

	uncovered_up(l, &u);
	c = u.c;
	c.root[0] ^= 1;
	write_note(l, &c, &u.n, EVERYBODY, &note);
	covers_nothing(l, &u, &note, "cosignatures of another root");
	c = u.c;
	c.size++;
	write_note(l, &c, &u.n, EVERYBODY, &note);
	covers_nothing(l, &u, &note, "cosignatures of another size");
	uncovered_down(l, &u);
}

/* Lines of an older checkpoint under the new text; the new text under a stranger's signature. */
static void
of_another_log(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX);
	struct uncovered		old, u;
	struct signer			log = l->keys.log.signer;
	uint32_t			mask;

	uncovered_up(l, &old);
	uncovered_up(l, &u);
	write_note(l, &u.c, &old.n, EVERYBODY, &note);
	covers_nothing(l, &u, &note, "cosignatures of the checkpoint before");
	for (mask = 1; mask < EVERYBODY; mask = mask << 1 | 1) {
		struct lines	mixed = u.n;
		unsigned	i;

		/* True ones, and one more that is not. */
		for (i = 0; i < NET_N; i++)
			if ((mask >> i & 1) == 0)
				mixed.line[i] = old.n.line[i];
		write_note(l, &u.c, &mixed, EVERYBODY, &note);
		covers_nothing(l, &u, &note, "some cosignatures of the checkpoint before");
	}
	l->keys.log.signer = l->keys.person[NET_STRANGER].signer;
	write_note(l, &u.c, &u.n, EVERYBODY, &note);
	l->keys.log.signer = log;
	covers_nothing(l, &u, &note, "all cosignatures, and not the log's own");
	lines_done(&old.n);
	uncovered_down(l, &u);
}

/* Cosignatures of the liar's making: a custodian's name, another's key. */
static void
made_up(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX), text = BUF_INIT(1024), message = BUF_INIT(2048);
	struct uncovered		u;
	struct note_key			key;
	uint8_t				sig[KEY_SIG_BYTES];
	struct signer			*log = &l->keys.log.signer;
	struct lines			n;
	struct err			err;
	uint8_t				i;

	uncovered_up(l, &u);
	lines_init(&n);
	checkpoint_text(&u.c, &text);
	cosignature_message(buf_view(&text), clock_now(), &message);
	must(log->sign(log->user, buf_view(&message), sig, &err), &err);
	for (i = 1; i <= NET_N; i++) {
		must(charter_witness_note_key(l->charter, i, &key, &err), &err);
		note_sig_line(&key, clock_now(), sig, &n.line[i - 1]);
	}
	write_note(l, &u.c, &n, EVERYBODY, &note);
	covers_nothing(l, &u, &note, "cosignatures by the log's own key");
	buf_reset(&n.line[0]);
	buf_reset(&n.line[1]);
	buf_reset(&n.line[2]);
	buf_span(&n.line[0], buf_view(&u.n.line[0]));
	buf_span(&n.line[1], buf_view(&u.n.line[1]));
	buf_span(&n.line[2], buf_view(&u.n.line[2]));
	write_note(l, &u.c, &n, EVERYBODY, &note);
	covers_nothing(l, &u, &note, "three true ones and two by the log's own key");
	lines_done(&n);
	uncovered_down(l, &u);
}

static void
garbage(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(BIG);
	struct uncovered		u;
	size_t				i, n;

	uncovered_up(l, &u);
	write_note(l, &u.c, &u.n, EVERYBODY, &note);
	n = note.n;
	for (i = 0; i < n; i += 37) {
		note.n = i;
		if (i > 0)		/* none is the same as none brought */
			covers_nothing(l, &u, &note, "a note cut short");
		if (note.n > 500)
			break;
	}
	note.n = n;
	memset(note.p, '\n', note.n);
	covers_nothing(l, &u, &note, "a note of empty lines");
	uncovered_down(l, &u);
}

static const struct scenario notes[] = {
	{ "short-of-q", short_of_q }, { "the-same-twice", the_same_twice }, { "of-another-text", of_another_text },
	{ "of-another-log", of_another_log }, { "made-up", made_up }, { "note-garbage", garbage },
};
const struct theme notes_theme = { "notes", notes, sizeof(notes) / sizeof(notes[0]) };
