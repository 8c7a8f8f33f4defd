/* Policies of verifier keys (C2SP tlog-policy; log-v1 section 8). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "audit/tlog_policy.h"
#include "base/auto.h"
#include "tests/unit/audit/parties.h"
#include "tests/unit/fault.h"
#include "tests/unit/vectors.h"

static struct parties	p;
static char		vkey[4][256];	/* the log's, then the witnesses' */

static int
setup(void **state)
{
	(void)state;
	parties_init(&p);
	for (unsigned i = 0; i < 4; i++) {
		AUTO_DONE(buf_done) struct buf	b = BUF_INIT(255);

		note_key_write(i == 0 ? &p.log : &p.witness[i - 1], &b);
		(void)snprintf(vkey[i], sizeof(vkey[i]), "%s", buf_text(&b));
	}
	return 0;
}

/* %0 is the log's key, %1 to %3 those of the witnesses. */
static void
fill(const char *text, struct buf *out)
{
	for (; *text != '\0'; text++)
		if (text[0] == '%' && text[1] >= '0' && text[1] <= '3')
			buf_span(out, span_str(vkey[*++text - '0']));
		else
			buf_u8(out, (uint8_t)*text);
}

static enum rc
parse(const char *text, struct tlog_policy *ret)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(TLOG_POLICY_BYTES_MAX + 1);
	uint8_t	*copy;
	enum rc	 rc;

	fill(text, &b);
	copy = heap_copy(b.p, b.n);
	rc = tlog_policy_parse(SPAN(copy, b.n), ret, NULL);
	free(copy);
	return rc;
}

#define THREE	"log %0\nwitness a %1\nwitness b %2\nwitness c %3\n"

static const struct {
	const char	*why, *text;
	enum rc		 want;
} files[] = {
	{ "as it should be",	THREE "group g 2 a b c\nquorum g\n", RC_OK },
	{ "no witness needed",	"quorum none\n", RC_OK },
	{ "one witness",	THREE "quorum b\n", RC_OK },
	{ "URLs",		"log %0 https://log.example/\nwitness a %1 https://w.example/\nquorum a\n", RC_OK },
	{ "blanks",		" \tlog\t%0 \n\n \t\n# words\n  # more\nwitness  a\t%1\t\n\tquorum a \n", RC_OK },
	{ "opaque name",	"witness K\xff\xe2 %1\nquorum K\xff\xe2\n", RC_OK },
	{ "groups of groups",	THREE "group x 1 a b\ngroup y all x c\nquorum y\n", RC_OK },
	{ "witness after the quorum", "witness a %1\nquorum a\nwitness b %2\n", RC_OK },
	{ "empty",		"", RC_FORMAT },
	{ "no quorum",		THREE "group g 2 a b c\n", RC_FORMAT },
	{ "two quorums",	THREE "quorum a\nquorum a\n", RC_FORMAT },
	{ "two none",		"quorum none\nquorum none\n", RC_FORMAT },
	{ "quorum of nobody",	THREE "quorum\n", RC_FORMAT },
	{ "quorum unknown",	THREE "quorum d\n", RC_FORMAT },
	{ "quorum before",	"quorum a\nwitness a %1\n", RC_FORMAT },
	{ "quorum of two",	THREE "quorum a b\n", RC_FORMAT },
	{ "no end of line",	"quorum none", RC_FORMAT },
	{ "carriage return",	"quorum none\r\n", RC_FORMAT },
	{ "form feed",		"# a\f\nquorum none\n", RC_FORMAT },
	{ "delete",		"# \x7f\nquorum none\n", RC_FORMAT },
	{ "unknown word",	"logs %0\nquorum none\n", RC_FORMAT },
	{ "word in capitals",	"Log %0\nquorum none\n", RC_FORMAT },
	{ "no key",		"log\nquorum none\n", RC_FORMAT },
	{ "words after",	"log %0 https://log.example/ more\nquorum none\n", RC_FORMAT },
	{ "comment after",	"quorum none # it\n", RC_FORMAT },
	{ "log twice",		"log %0\nlog %0 https://log.example/\nquorum none\n", RC_FORMAT },
	{ "witness's key as log", "log %1\nquorum none\n", RC_FORMAT },
	{ "log's key as witness", "witness a %0\nquorum a\n", RC_FORMAT },
	{ "witness twice",	"witness a %1\nwitness b %1\nquorum a\n", RC_FORMAT },
	{ "name twice",		"witness a %1\nwitness a %2\nquorum a\n", RC_FORMAT },
	{ "name of a group",	"witness a %1\ngroup g 1 a\nwitness g %2\nquorum a\n", RC_FORMAT },
	{ "group twice",	THREE "group g 1 a\ngroup g 1 b\nquorum g\n", RC_FORMAT },
	{ "group named as a witness", THREE "group a 1 b\nquorum a\n", RC_FORMAT },
	{ "witness none",	"witness none %1\nquorum none\n", RC_FORMAT },
	{ "group none",		THREE "group none 1 a\nquorum none\n", RC_FORMAT },
	{ "member none",	THREE "group g 1 a none\nquorum g\n", RC_FORMAT },
	{ "member unknown",	THREE "group g 1 a d\nquorum g\n", RC_FORMAT },
	{ "member of itself",	THREE "group g 1 a g\nquorum g\n", RC_FORMAT },
	{ "member twice",	THREE "group g 2 a a\nquorum g\n", RC_FORMAT },
	{ "member of two",	THREE "group g 1 a b\ngroup h 1 b c\nquorum g\n", RC_FORMAT },
	{ "group in two",	THREE "group g 1 a\ngroup h 1 g b\ngroup i 1 g c\nquorum h\n", RC_FORMAT },
	{ "member below",	"witness a %1\ngroup g 1 a b\nwitness b %2\nquorum g\n", RC_FORMAT },
	{ "no members",		"group g 1\nquorum g\n", RC_FORMAT },
	{ "all of none",	"group g all\nquorum g\n", RC_FORMAT },
	{ "any of none",	"group g any\nquorum g\n", RC_FORMAT },
	{ "zero",		THREE "group g 0 a b c\nquorum g\n", RC_FORMAT },
	{ "too many",		THREE "group g 4 a b c\nquorum g\n", RC_FORMAT },
	{ "far too many",	THREE "group g 258 a b c\nquorum g\n", RC_FORMAT },
	{ "leading zero",	THREE "group g 02 a b c\nquorum g\n", RC_FORMAT },
	{ "sign",		THREE "group g +2 a b c\nquorum g\n", RC_FORMAT },
	{ "most",		THREE "group g most a b c\nquorum g\n", RC_FORMAT },
	{ "no number",		THREE "group g a b c\nquorum g\n", RC_FORMAT },
};

static void
test_files(void **state)
{
	struct tlog_policy	got, was;
	enum rc			rc;

	(void)state;
	memset(&was, 9, sizeof(was));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		got = was;
		rc = parse(files[i].text, &got);
		if (rc != files[i].want)
			fail_msg("%s: %s", files[i].why, rc_name(rc));
		if (rc != RC_OK)
			assert_memory_equal(&got, &was, sizeof(got));
	}
}

static void
test_truncations(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(TLOG_POLICY_BYTES_MAX);
	struct tlog_policy		got;

	(void)state;
	fill(THREE "group g 2 a b c\nquorum g\n", &b);
	for (size_t n = 0; n < b.n; n++) {
		uint8_t	*cut = heap_copy(b.p, n);

		assert_int_equal(tlog_policy_parse(SPAN(cut, n), &got, NULL), RC_FORMAT);
		free(cut);
	}
	assert_int_equal(tlog_policy_parse(buf_view(&b), &got, NULL), RC_OK);
}

/* n lines of a kind, each with a key or name of its own. */
static enum rc
with(const char *kind, unsigned n)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(TLOG_POLICY_BYTES_MAX);
	bool			group = strcmp(kind, "group") == 0;
	struct tlog_policy	got;
	struct note_key		k = p.witness[0];

	if (group)
		buf_printf(&b, "witness w %s\n", vkey[1]);
	for (unsigned i = 0; i < n; i++) {
		if (group) {
			buf_printf(&b, i == 0 ? "group g%u 1 w\n" : "group g%u 1 g%u\n", i, i - 1);
			continue;
		}
		k.alg = strcmp(kind, "log") == 0 ? NOTE_ED25519 : NOTE_COSIGNATURE_V1;
		k.key[0] = (uint8_t)i;
		buf_printf(&b, k.alg == NOTE_ED25519 ? "log " : "witness n%u ", i);
		note_key_write(&k, &b);
		buf_u8(&b, '\n');
	}
	buf_printf(&b, "quorum none\n");
	return tlog_policy_parse(buf_view(&b), &got, NULL);
}

static void
test_bounds(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(TLOG_POLICY_BYTES_MAX + 16);
	struct tlog_policy		got;

	(void)state;
	assert_int_equal(with("log", TLOG_POLICY_LOGS), RC_OK);
	assert_int_equal(with("log", TLOG_POLICY_LOGS + 1), RC_FORMAT);
	assert_int_equal(with("witness", TLOG_POLICY_WITNESSES), RC_OK);
	assert_int_equal(with("witness", TLOG_POLICY_WITNESSES + 1), RC_FORMAT);
	assert_int_equal(with("group", TLOG_POLICY_GROUPS), RC_OK);
	assert_int_equal(with("group", TLOG_POLICY_GROUPS + 1), RC_FORMAT);
	buf_printf(&b, "quorum none\n#");
	while (b.n < TLOG_POLICY_BYTES_MAX - 1)
		buf_u8(&b, 'x');
	buf_u8(&b, '\n');
	assert_int_equal(tlog_policy_parse(buf_view(&b), &got, NULL), RC_OK);
	buf_u8(&b, '\n');
	assert_int_equal(tlog_policy_parse(buf_view(&b), &got, NULL), RC_FORMAT);
	buf_reset(&b);
	buf_printf(&b, "witness ");
	for (unsigned i = 0; i < NOTE_NAME_MAX + 1; i++)
		buf_u8(&b, 'x');
	buf_printf(&b, " %s\nquorum none\n", vkey[1]);
	assert_int_equal(tlog_policy_parse(buf_view(&b), &got, NULL), RC_FORMAT);
}

/* --- what is enough ------------------------------------------------------------------ */

static const struct {
	const char	*text;
	uint8_t		 met;		/* bit m: by the witnesses whose bits m has */
} enough[] = {
	{ THREE "quorum none\n",				0xff },
	{ THREE "quorum a\n",					0xaa },
	{ THREE "quorum c\n",					0xf0 },
	{ THREE "group g any a b c\nquorum g\n",		0xfe },
	{ THREE "group g 2 a b c\nquorum g\n",			0xe8 },
	{ THREE "group g all a b c\nquorum g\n",		0x80 },
	{ THREE "group g all a b\nquorum g\n",			0x88 },
	{ THREE "group x any a b\ngroup y all x c\nquorum y\n",	0xe0 },
	{ THREE "group x all a b\ngroup y any x c\nquorum y\n",	0xf8 },
	{ THREE "group x all a b\ngroup y any x c\nquorum x\n",	0x88 },
};

static void
test_enough(void **state)
{
	struct tlog_policy	got;

	(void)state;
	for (size_t i = 0; i < sizeof(enough) / sizeof(enough[0]); i++) {
		assert_int_equal(parse(enough[i].text, &got), RC_OK);
		for (uint32_t mask = 0; mask < 8; mask++)
			if (tlog_policy_met(&got, mask) != ((enough[i].met >> mask & 1) != 0))
				fail_msg("%zu: %u", i, mask);
		/* Witnesses that it does not know say nothing. */
		assert_true(tlog_policy_met(&got, 7));
		assert_int_equal(tlog_policy_met(&got, 0xfffffff8), enough[i].met & 1);
	}
}

static void
test_write(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(TLOG_POLICY_BYTES_MAX);
	struct tlog_policy		got;

	(void)state;
	for (unsigned q = 0; q <= WITNESSES; q++) {
		buf_reset(&b);
		tlog_policy_write(&p.log, p.witness, WITNESSES, q, &b);
		assert_int_equal(tlog_policy_parse(buf_view(&b), &got, NULL), RC_OK);
		assert_int_equal(got.n_logs, 1);
		assert_memory_equal(&got.log[0], &p.log, sizeof(p.log));
		assert_int_equal(got.n_witnesses, WITNESSES);
		assert_memory_equal(got.witness[2].key, p.witness[2].key, NOTE_KEY_BYTES);
		for (uint32_t mask = 0; mask < 8; mask++)
			assert_int_equal(tlog_policy_met(&got, mask), (unsigned)__builtin_popcount(mask) >= q);
	}
}

/* --- checkpoints ------------------------------------------------------------------------ */

static void
test_verify(void **state)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX), two = BUF_INIT(NOTE_BYTES_MAX);
	struct tlog_policy		got;
	struct checkpoint		c;
	struct note_cosigned		by;

	(void)state;
	parties_note(&p, &note);
	assert_int_equal(parse(THREE "group g all a b c\nquorum g\n", &got), RC_OK);
	assert_int_equal(tlog_policy_verify(&got, buf_view(&note), &c, &by, NULL), RC_OK);
	assert_int_equal(c.size, 5);
	assert_int_equal(by.mask, 7);
	/* Without the last witness's line. */
	buf_add(&two, note.p, (size_t)((const uint8_t *)memrchr(note.p, '\n', note.n - 1) + 1 - note.p));
	assert_int_equal(tlog_policy_verify(&got, buf_view(&two), &c, &by, NULL), RC_QUORUM);
	assert_int_equal(parse(THREE "group g 2 a b c\nquorum g\n", &got), RC_OK);
	assert_int_equal(tlog_policy_verify(&got, buf_view(&two), &c, NULL, NULL), RC_OK);
	/* Of a log that the policy does not list, or by another key of that name. */
	assert_int_equal(parse("witness a %1\nquorum a\n", &got), RC_OK);
	assert_int_equal(tlog_policy_verify(&got, buf_view(&note), &c, NULL, NULL), RC_VERIFY);
	assert_int_equal(parse(THREE "quorum a\n", &got), RC_OK);
	got.log[0].key[0] ^= 1;
	assert_int_equal(tlog_policy_verify(&got, buf_view(&note), &c, NULL, NULL), RC_VERIFY);
	/* A log that had two keys under its name. */
	got.log[1] = p.log;
	got.n_logs = 2;
	assert_int_equal(tlog_policy_verify(&got, buf_view(&note), &c, NULL, NULL), RC_OK);
	/* A known witness's bad line refuses it, whether or not it is needed. */
	note.p[note.n - 4] = note.p[note.n - 4] == 'A' ? 'B' : 'A';
	assert_int_equal(tlog_policy_verify(&got, buf_view(&note), &c, NULL, NULL), RC_VERIFY);
	assert_int_equal(tlog_policy_verify(&got, SPAN_STR("no note"), &c, NULL, NULL), RC_FORMAT);
}

/* The policy, the checkpoints and the proof that others made. */
static void
test_examples(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(0);
	struct tlog_policy		got;
	struct tlog_proof		proof;
	struct checkpoint		c;
	struct note_cosigned		by;
	uint8_t				leaf[TREE_HASH_BYTES];

	(void)state;
	if (!vectors_read("log/example-policy.txt", &b))
		return;
	assert_int_equal(tlog_policy_parse(buf_view(&b), &got, NULL), RC_OK);
	assert_int_equal(got.n_witnesses, 3);
	assert_string_equal(got.name[2], "w3");
	assert_false(tlog_policy_met(&got, 4));
	assert_true(tlog_policy_met(&got, 5));
	assert_true(vectors_read("log/example-checkpoint-300-cosigned.txt", &b));
	assert_int_equal(tlog_policy_verify(&got, buf_view(&b), &c, &by, NULL), RC_OK);
	assert_int_equal(by.mask, 7);
	/* Nobody cosigned these. */
	assert_true(vectors_read("log/example-checkpoint-7.txt", &b));
	assert_int_equal(tlog_policy_verify(&got, buf_view(&b), &c, &by, NULL), RC_QUORUM);
	assert_true(vectors_read("log/example-tiles/checkpoint", &b));
	assert_int_equal(tlog_policy_verify(&got, buf_view(&b), &c, &by, NULL), RC_QUORUM);
	assert_true(vectors_read("log/example.tlog-proof", &b));
	assert_int_equal(tlog_proof_parse(buf_view(&b), &proof, NULL), RC_OK);
	assert_int_equal(tlog_policy_verify(&got, proof.note, &c, &by, NULL), RC_OK);
	tree_leaf(SPAN_STR("entry-258"), leaf);
	assert_int_equal(tree_inclusion_verify(leaf, proof.index, c.size, &proof.path, c.root, NULL), RC_OK);
	tree_leaf(SPAN_STR("entry-259"), leaf);
	assert_int_equal(tree_inclusion_verify(leaf, proof.index, c.size, &proof.path, c.root, NULL), RC_VERIFY);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_enough),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_examples),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
