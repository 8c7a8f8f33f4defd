/* Our own vectors: what docs/spec/log-v1.md promises to others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <sodium.h>

#include "audit/accusation.h"
#include "audit/entry.h"
#include "audit/note.h"
#include "base/auto.h"
#include "tests/unit/own.h"

#define BYTES_MAX	4096

static uint64_t
number(const struct own *v, const char *key)
{
	uint8_t		b[8];
	uint64_t	n = 0;

	own_hex(v, key, 0, b, 8);
	for (size_t i = 0; i < 8; i++)
		n = n << 8 | b[i];
	return n;
}

static struct span
bytes(const struct own *v, const char *key, uint8_t out[BYTES_MAX])
{
	return SPAN(out, own_bytes(v, key, out, BYTES_MAX));
}

static void
path(const struct own *v, struct tree_path *ret)
{
	for (ret->n = 0; ret->n < own_count(v, "hash"); ret->n++)
		own_hex(v, "hash", ret->n, ret->hash[ret->n], TREE_HASH_BYTES);
}

static enum rc
run_entry(const struct own *v)
{
	static uint8_t	raw[BYTES_MAX], dsse[BYTES_MAX];
	uint8_t		leaf[TREE_HASH_BYTES], want[TREE_HASH_BYTES];
	struct span	in = bytes(v, "entry", raw);
	struct entry	e;

	TRY(entry_parse(in, &e, NULL));
	assert_int_equal(e.time, number(v, "time"));
	assert_true(span_eq(e.dsse, bytes(v, "dsse", dsse)));
	tree_leaf(in, leaf);
	own_hex(v, "leaf", 0, want, sizeof(want));
	assert_memory_equal(leaf, want, sizeof(want));
	return RC_OK;
}

static enum rc
run_tree(const struct own *v)
{
	static uint8_t		raw[BYTES_MAX];
	struct tree_range	r = TREE_RANGE_INIT;
	uint8_t			leaf[TREE_HASH_BYTES], root[TREE_HASH_BYTES], want[TREE_HASH_BYTES];
	size_t			n;

	for (size_t i = 0; i < own_count(v, "entry"); i++) {
		n = strlen(own_text(v, "entry", i)) / 2;
		own_hex(v, "entry", i, raw, n);
		tree_leaf(SPAN(raw, n), leaf);
		TRY(tree_range_add(&r, leaf, NULL, NULL, NULL));
	}
	tree_range_root(&r, root);
	own_hex(v, "root", 0, want, sizeof(want));
	assert_memory_equal(root, want, sizeof(want));
	return RC_OK;
}

static enum rc
run_inclusion(const struct own *v)
{
	uint8_t			leaf[TREE_HASH_BYTES], root[TREE_HASH_BYTES];
	struct tree_path	p;

	own_hex(v, "leaf", 0, leaf, sizeof(leaf));
	own_hex(v, "root", 0, root, sizeof(root));
	path(v, &p);
	return tree_inclusion_verify(leaf, number(v, "index"), number(v, "size"), &p, root, NULL);
}

static enum rc
run_consistency(const struct own *v)
{
	uint8_t			old_root[TREE_HASH_BYTES], root[TREE_HASH_BYTES];
	struct tree_path	p;

	own_hex(v, "old_root", 0, old_root, sizeof(old_root));
	own_hex(v, "root", 0, root, sizeof(root));
	path(v, &p);
	return tree_consistency_verify(number(v, "old"), old_root, number(v, "size"), root, &p, NULL);
}

static struct note_key
key(const struct own *v, const char *name, size_t i)
{
	struct note_key	k;

	assert_int_equal(note_key_parse(span_str(own_text(v, name, i)), &k, NULL), RC_OK);
	return k;
}

/* The good note is made again from its seeds. */
static void
make_again(const struct own *v, struct span want, const struct checkpoint *c)
{
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(NOTE_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf	message = BUF_INIT(NOTE_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf	out = BUF_INIT(NOTE_BYTES_MAX);
	struct note_key	k;
	uint8_t		seed[32], secret[64], sig[NOTE_SIG_BYTES], time[8];
	when		at = 0;

	checkpoint_text(c, &text);
	buf_span(&out, buf_view(&text));
	buf_u8(&out, '\n');
	for (size_t i = 0; i < own_count(v, "seed"); i++) {
		own_hex(v, "seed", i, seed, sizeof(seed));
		k = i == 0 ? key(v, "log", 0) : key(v, "witness", i - 1);
		assert_int_equal(crypto_sign_seed_keypair(k.key, secret, seed), 0);
		buf_reset(&message);
		if (i == 0) {
			buf_span(&message, buf_view(&text));
		} else {
			own_hex(v, "time", i - 1, time, sizeof(time));
			for (size_t b = 0; b < 8; b++)
				at = at << 8 | time[b];
			cosignature_message(buf_view(&text), at, &message);
		}
		assert_int_equal(crypto_sign_detached(sig, NULL, message.p, message.n, secret), 0);
		note_sig_line(&k, at, sig, &out);
	}
	assert_true(span_eq(buf_view(&out), want));
}

static enum rc
run_checkpoint(const struct own *v)
{
	static uint8_t		raw[BYTES_MAX], raw_text[BYTES_MAX];
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(NOTE_BYTES_MAX);
	struct note_key		log = key(v, "log", 0), witness[2];
	struct note_cosigned	by;
	struct checkpoint	c;
	struct span		note = bytes(v, "note", raw);

	for (size_t i = 0; i < 2; i++)
		witness[i] = key(v, "witness", i);
	TRY(checkpoint_verify(note, &log, witness, 2, &c, &by, NULL));
	assert_int_equal(c.size, number(v, "size"));
	checkpoint_text(&c, &text);
	assert_true(span_eq(buf_view(&text), bytes(v, "text", raw_text)));
	assert_int_equal(by.mask, 3);
	if (own_count(v, "seed") != 0)
		make_again(v, note, &c);
	return RC_OK;
}

static enum rc
run_key(const struct own *v)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(1024);
	struct note_key	k;

	TRY(note_key_parse(span_str(own_text(v, "key", 0)), &k, NULL));
	note_key_write(&k, &b);
	assert_string_equal(buf_text(&b), own_text(v, "key", 0));
	return RC_OK;
}

static enum rc
run_proof(const struct own *v)
{
	static uint8_t		raw[BYTES_MAX], entry[BYTES_MAX];
	struct tlog_proof	p;
	struct checkpoint	c;
	struct note_key		log;
	uint8_t			leaf[TREE_HASH_BYTES];

	TRY(tlog_proof_parse(bytes(v, "file", raw), &p, NULL));
	log = key(v, "log", 0);
	TRY(checkpoint_verify(p.note, &log, NULL, 0, &c, NULL, NULL));
	tree_leaf(bytes(v, "entry", entry), leaf);
	return tree_inclusion_verify(leaf, p.index, c.size, &p.path, c.root, NULL);
}

static const struct {
	const char	*test;
	enum rc		(*run)(const struct own *v);
} runs[] = {
	{ "entry", run_entry },
	{ "tree", run_tree },
	{ "inclusion", run_inclusion },
	{ "consistency", run_consistency },
	{ "checkpoint", run_checkpoint },
	{ "key", run_key },
	{ "proof", run_proof },
};

static void
check(const struct own *v)
{
	enum rc	rc;

	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		if (strcmp(runs[i].test, own_text(v, "test", 0)) != 0)
			continue;
		rc = runs[i].run(v);
		if (rc != own_expect(v))
			fail_msg("%s: %s", v->name, rc_name(rc));
		return;
	}
	fail_msg("%s: no such test", v->name);
}

static void
test_log_v1(void **state)
{
	(void)state;
	assert_true(own_each("log-v1", check) > (own_elsewhere() ? 0 : 50));
}

static void
check_accusation(const struct own *v)
{
	static uint8_t		raw[ACCUSATION_BYTES_MAX];
	struct note_key		log = key(v, "log", 0), witness[2] = { key(v, "witness", 0), key(v, "witness", 1) };
	size_t			n = own_bytes(v, "accusation", raw, sizeof(raw));
	struct accusation	a;
	enum rc			rc = accusation_verify(SPAN(raw, n), &log, witness, 2, &a, NULL);

	if (rc != own_expect(v))
		fail_msg("%s: %s", v->name, rc_name(rc));
}

static void
test_accusation_v1(void **state)
{
	(void)state;
	assert_true(own_each("accusation-v1", check_accusation) >= (own_elsewhere() ? 0 : 20));
}

int
main(void)
{
	const struct CMUnitTest	tests[] = { cmocka_unit_test(test_log_v1), cmocka_unit_test(test_accusation_v1) };

	if (sodium_init() < 0)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
