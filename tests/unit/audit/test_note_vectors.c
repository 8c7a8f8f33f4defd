/* Notes and proof files that others made (log/ of the vectors). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sodium.h>

#include "audit/note.h"
#include "base/auto.h"
#include "tests/unit/vectors.h"

/* The nth line, from 0, of a file of verifier keys. */
static bool
key_of(const char *name, unsigned nth, struct note_key *ret)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(0);
	AUTO_DONE(buf_done) struct buf	again = BUF_INIT(1024);
	char				*line, *rest;

	if (!vectors_read(name, &b))
		return false;
	buf_u8(&b, '\0');
	rest = (char *)b.p;
	for (unsigned i = 0; i < nth; i++)
		(void)strsep(&rest, "\n");
	line = strsep(&rest, "\n");
	assert_int_equal(note_key_parse(span_str(line), ret, NULL), RC_OK);
	note_key_write(ret, &again);
	assert_true(span_eq(buf_view(&again), span_str(line)));
	return true;
}

static bool
keys(struct note_key *log, struct note_key witness[3])
{
	if (!key_of("log/example-log.vkey", 0, log))
		return false;
	for (unsigned i = 0; i < 3; i++)
		assert_true(key_of("log/example-witnesses.vkeys", i, &witness[i]));
	return true;
}

/* The example of C2SP signed-note.md: key id, signature and line are as ours. */
static void
test_c2sp_example(void **state)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(0);
	AUTO_DONE(buf_done) struct buf	raw = BUF_INIT(128);
	AUTO_DONE(buf_done) struct buf	line = BUF_INIT(1024);
	struct span	text = SPAN_STR("This is an example message.\n");
	struct span	b64;
	struct note_key	k;

	(void)state;
	if (!vectors_read("log/c2sp-signed-note-example.txt", &note))
		return;
	assert_true(key_of("log/c2sp-signed-note-example.vkey", 0, &k));
	assert_int_equal(k.alg, NOTE_ED25519);
	b64.p = (const uint8_t *)memrchr(note.p, ' ', note.n) + 1;
	b64.n = (size_t)(note.p + note.n - 1 - b64.p);
	assert_int_equal(b64_parse(&raw, b64, NULL), RC_OK);
	assert_int_equal(raw.n, 4 + NOTE_SIG_BYTES);
	assert_int_equal(crypto_sign_verify_detached(raw.p + 4, text.p, text.n, k.key), 0);
	buf_span(&line, text);
	buf_u8(&line, '\n');
	note_sig_line(&k, 0, raw.p + 4, &line);
	assert_true(span_eq(buf_view(&line), buf_view(&note)));
}

static void
test_checkpoints(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(0);
	struct note_key		log, witness[3];
	struct note_cosigned	by;
	struct checkpoint	c;

	(void)state;
	if (!keys(&log, witness) || !vectors_read("log/example-checkpoint-7.txt", &b))
		return;
	assert_int_equal(checkpoint_verify(buf_view(&b), &log, witness, 3, &c, &by, NULL), RC_OK);
	assert_int_equal(c.size, 7);
	assert_int_equal(by.mask, 0);
	assert_true(vectors_read("log/example-checkpoint-300-cosigned.txt", &b));
	assert_int_equal(checkpoint_verify(buf_view(&b), &log, witness, 3, &c, &by, NULL), RC_OK);
	assert_int_equal(c.size, 300);
	assert_int_equal(by.mask, 7);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(by.time[i], 1700000100 + i);
}

/* What w1 signed, byte for byte, and its line as the witness answered it. */
static void
test_cosignature(void **state)
{
	AUTO_DONE(buf_done) struct buf	want = BUF_INIT(0);
	AUTO_DONE(buf_done) struct buf	got = BUF_INIT(1024);
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(1024);
	AUTO_DONE(buf_done) struct buf	line = BUF_INIT(0);
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(0);
	struct note_key		log, witness[3];
	struct checkpoint	c;
	when			time = 0;

	(void)state;
	if (!keys(&log, witness) || !vectors_read("log/example-cosigned-message-w1.bin", &want))
		return;
	assert_true(vectors_read("log/example-checkpoint-300-cosigned.txt", &note));
	assert_int_equal(checkpoint_verify(buf_view(&note), &log, NULL, 0, &c, NULL, NULL), RC_OK);
	checkpoint_text(&c, &text);
	assert_memory_equal(note.p, text.p, text.n);
	cosignature_message(buf_view(&text), 1700000100, &got);
	assert_true(span_eq(buf_view(&got), buf_view(&want)));
	assert_true(vectors_read("log/example-add-checkpoint-response-w1.txt", &line));
	assert_int_equal(cosignature_line_verify(buf_view(&line), buf_view(&text), &witness[0], &time, NULL), RC_OK);
	assert_int_equal(time, 1700000100);
}

/* A line of text, without its end. */
static struct span
line_of(struct span *rest)
{
	const uint8_t	*end = memchr(rest->p, '\n', rest->n);
	struct span	 line;

	assert_non_null(end);
	line = SPAN(rest->p, (size_t)(end - rest->p));
	*rest = SPAN(end + 1, rest->n - line.n - 1);
	return line;
}

/* What the log asks its first witness: from 7 entries, of which the note is there too, to 300. */
static void
test_add_checkpoint(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(0), old = BUF_INIT(0);
	struct note_key		log, witness[3];
	struct tree_path	path = { .n = 0 };
	struct checkpoint	was, now;
	struct span		rest, line;

	(void)state;
	if (!keys(&log, witness) || !vectors_read("log/example-add-checkpoint-request.txt", &b))
		return;
	assert_true(vectors_read("log/example-checkpoint-7.txt", &old));
	assert_int_equal(checkpoint_verify(buf_view(&old), &log, NULL, 0, &was, NULL, NULL), RC_OK);
	rest = buf_view(&b);
	line = line_of(&rest);
	assert_true(span_eq(line, SPAN_STR("old 7")));
	while ((line = line_of(&rest)).n != 0) {
		assert_true(path.n < TREE_PATH_MAX);
		assert_int_equal(b64_parse_fixed(path.hash[path.n++], TREE_HASH_BYTES, line, NULL), RC_OK);
	}
	assert_int_equal(checkpoint_verify(rest, &log, NULL, 0, &now, NULL, NULL), RC_OK);
	assert_int_equal(now.size, 300);
	assert_int_equal(tree_consistency_verify(was.size, was.root, now.size, now.root, &path, NULL), RC_OK);
	path.hash[0][0] ^= 1;
	assert_int_equal(tree_consistency_verify(was.size, was.root, now.size, now.root, &path, NULL), RC_VERIFY);
}

static void
test_proof_file(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(0);
	AUTO_DONE(buf_done) struct buf	again = BUF_INIT(1 << 16);
	struct note_key		log, witness[3];
	struct tlog_proof	proof;
	struct checkpoint	c;
	uint8_t			leaf[TREE_HASH_BYTES];

	(void)state;
	if (!keys(&log, witness) || !vectors_read("log/example.tlog-proof", &b))
		return;
	assert_int_equal(tlog_proof_parse(buf_view(&b), &proof, NULL), RC_OK);
	assert_int_equal(proof.index, 258);
	assert_int_equal(checkpoint_verify(proof.note, &log, witness, 3, &c, NULL, NULL), RC_OK);
	tree_leaf(SPAN_STR("entry-258"), leaf);
	assert_int_equal(tree_inclusion_verify(leaf, proof.index, c.size, &proof.path, c.root, NULL), RC_OK);
	tlog_proof_write(proof.index, &proof.path, SPAN(NULL, 0), proof.note, &again);
	assert_true(span_eq(buf_view(&again), buf_view(&b)));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_c2sp_example),
		cmocka_unit_test(test_checkpoints),
		cmocka_unit_test(test_cosignature),
		cmocka_unit_test(test_add_checkpoint),
		cmocka_unit_test(test_proof_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
