#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/auto.h"
#include "tests/unit/audit/parties.h"
#include "tests/unit/fault.h"

static struct parties	p;

static int
setup(void **state)
{
	(void)state;
	parties_init(&p);
	return 0;
}

static enum rc
verify(struct span note, struct checkpoint *c, struct note_cosigned *by)
{
	return checkpoint_verify(note, &p.log, p.witness, WITNESSES, c, by, NULL);
}

static void
test_good(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	struct note_cosigned	by;
	struct checkpoint	c;
	uint8_t			root[TREE_HASH_BYTES];

	(void)state;
	parties_note(&p, &b);
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_OK);
	assert_string_equal(c.origin, "log.example/1");
	assert_int_equal(c.size, 5);
	memset(root, 0xab, sizeof(root));
	assert_memory_equal(c.root, root, sizeof(root));
	assert_int_equal(by.mask, 7);
	for (size_t i = 0; i < WITNESSES; i++)
		assert_int_equal(by.time[i], 1000 + i);
	/* Without witnesses their lines are by unknown keys. */
	assert_int_equal(checkpoint_verify(buf_view(&b), &p.log, NULL, 0, &c, NULL, NULL), RC_OK);
	assert_int_equal(checkpoint_verify(buf_view(&b), &p.log, p.witness + 1, 1, &c, &by, NULL), RC_OK);
	assert_int_equal(by.mask, 1);
	assert_int_equal(by.time[0], 1001);
}

/* A log whose key was replaced: whose signature is it? */
static void
test_several_keys(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX), text = BUF_INIT(1024);
	struct parties		next = p;
	struct note_key		both[2], swapped[2];
	const uint8_t		seed[32] = { 77 };
	struct note_cosigned	by;
	struct checkpoint	c;
	int			log;

	(void)state;
	assert_int_equal(crypto_sign_seed_keypair(next.log.key, next.log_secret, seed), 0);
	both[0] = swapped[1] = p.log;
	both[1] = swapped[0] = next.log;
	parties_note(&p, &b);
	assert_int_equal(checkpoint_verify_any(buf_view(&b), both, 2, p.witness, WITNESSES, &c, &log, &by, NULL), RC_OK);
	assert_int_equal(log, 0);
	assert_int_equal(checkpoint_verify_any(buf_view(&b), swapped, 2, p.witness, WITNESSES, &c, &log, &by, NULL), RC_OK);
	assert_int_equal(log, 1);
	/* By none that is known: the witnesses are. */
	assert_int_equal(checkpoint_verify_any(buf_view(&b), &next.log, 1, p.witness, WITNESSES, &c, &log, &by, NULL), RC_OK);
	assert_int_equal(log, -1);
	assert_int_equal(by.mask, 7);
	assert_int_equal(checkpoint_verify(buf_view(&b), &next.log, p.witness, WITNESSES, &c, &by, NULL), RC_VERIFY);
	/* Both signed: the last counts, and each once. */
	parties_text(&p, &text);
	parties_sign_log(&next, buf_view(&text), &b);
	assert_int_equal(checkpoint_verify_any(buf_view(&b), both, 2, NULL, 0, &c, &log, &by, NULL), RC_OK);
	assert_int_equal(log, 1);
	parties_sign_log(&next, buf_view(&text), &b);
	assert_int_equal(checkpoint_verify_any(buf_view(&b), both, 2, NULL, 0, &c, &log, &by, NULL), RC_FORMAT);
	/* A signature that an older key did not make. */
	buf_reset(&b);
	next.log = p.log;
	buf_span(&b, buf_view(&text));
	buf_u8(&b, '\n');
	parties_sign_log(&next, buf_view(&text), &b);
	assert_int_equal(checkpoint_verify_any(buf_view(&b), both, 2, NULL, 0, &c, &log, &by, NULL), RC_VERIFY);
	assert_int_equal(checkpoint_verify_any(buf_view(&b), both, 0, NULL, 0, &c, &log, &by, NULL), RC_USAGE);
	assert_int_equal(checkpoint_verify_any(buf_view(&b), both, NOTE_LOGS + 1, NULL, 0, &c, &log, &by, NULL), RC_USAGE);
}

static void
test_truncations(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	struct note_cosigned	by, by_was;
	struct checkpoint	c, was;
	uint8_t			*copy;
	enum rc			rc;

	(void)state;
	parties_note(&p, &b);
	memset(&was, 9, sizeof(was));
	memset(&by_was, 9, sizeof(by_was));
	for (size_t n = 0; n < b.n; n++) {
		copy = heap_copy(b.p, n);
		c = was;
		by = by_was;
		rc = verify(SPAN(copy, n), &c, &by);
		free(copy);
		/* Whole lines may be missing at the end, but not the log's. */
		if (n > 0 && b.p[n - 1] == '\n' && rc == RC_OK) {
			assert_true(by.mask == 0 || by.mask == 1 || by.mask == 3);
			continue;
		}
		assert_true(rc == RC_FORMAT || rc == RC_VERIFY);
		assert_memory_equal(&c, &was, sizeof(c));
		assert_memory_equal(&by, &by_was, sizeof(by));
	}
}

/* No byte can change: unless it only turns a known signer into a stranger. */
static void
test_bit_flips(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	struct note_cosigned	by;
	struct checkpoint	c;

	(void)state;
	parties_note(&p, &b);
	for (size_t i = 0; i < b.n; i++)
		for (uint8_t bit = 1; bit != 0; bit = (uint8_t)(bit << 1)) {
			b.p[i] ^= bit;
			if (verify(buf_view(&b), &c, &by) == RC_OK)
				assert_true(by.mask != 7);
			b.p[i] ^= bit;
		}
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_OK);
}

/* --- texts that are signed well and are still no checkpoint of ours ------------ */

#define ROOT	"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="

static const struct {
	const char	*why, *text;
	enum rc		 want;
} texts[] = {
	{ "as it should be",	"log.example/1\n5\n" ROOT "\n", RC_OK },
	{ "the largest size",	"log.example/1\n9223372036854775807\n" ROOT "\n", RC_OK },
	{ "another log",	"log.example/2\n5\n" ROOT "\n", RC_VERIFY },
	{ "extension line",	"log.example/1\n5\n" ROOT "\nmore\n", RC_FORMAT },
	{ "no root",		"log.example/1\n5\n", RC_FORMAT },
	{ "empty line in text",	"log.example/1\n5\n\n" ROOT "\n", RC_FORMAT },
	{ "no origin",		"\n5\n" ROOT "\n", RC_FORMAT },
	{ "origin with space",	"log.example /1\n5\n" ROOT "\n", RC_FORMAT },
	{ "origin with plus",	"log.example+1\n5\n" ROOT "\n", RC_FORMAT },
	{ "no size",		"log.example/1\n\n" ROOT "\n", RC_FORMAT },
	{ "leading zero",	"log.example/1\n05\n" ROOT "\n", RC_FORMAT },
	{ "sign",		"log.example/1\n+5\n" ROOT "\n", RC_FORMAT },
	{ "hexadecimal",	"log.example/1\n0x5\n" ROOT "\n", RC_FORMAT },
	{ "2^63",		"log.example/1\n9223372036854775808\n" ROOT "\n", RC_FORMAT },
	{ "2^64 + 5",		"log.example/1\n18446744073709551621\n" ROOT "\n", RC_FORMAT },
	{ "root unpadded",	"log.example/1\n5\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s\n", RC_FORMAT },
	{ "root, spare bits",	"log.example/1\n5\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6t=\n", RC_FORMAT },
	{ "root too short",	"log.example/1\n5\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6ur\n", RC_FORMAT },
	{ "root URL-safe",	"log.example/1\n5\n-6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n", RC_FORMAT },
	{ "carriage return",	"log.example/1\r\n5\n" ROOT "\n", RC_FORMAT },
	{ "space after",	"log.example/1\n5 \n" ROOT "\n", RC_FORMAT },
};

static void
test_texts(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	struct note_cosigned	by;
	struct checkpoint	c;
	enum rc			rc;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		buf_reset(&b);
		buf_printf(&b, "%s\n", texts[i].text);
		parties_sign_log(&p, span_str(texts[i].text), &b);
		rc = verify(buf_view(&b), &c, &by);
		if (rc != texts[i].want)
			fail_msg("%s: %s", texts[i].why, rc_name(rc));
	}
}

/* --- what may stand after the log's line ----------------------------------------- */

static const char	DASH[] = "\xe2\x80\x94 ";

static const struct {
	const char	*why, *line;	/* %D is the dash and its space */
	enum rc		 want;
} lines[] = {
	{ "stranger",		"%Dsomebody.example AAECAwQFBgc=\n", RC_OK },
	{ "name in UTF-8",	"%Dzo\xc3\xab.example AAECAwQFBgc=\n", RC_OK },
	{ "stranger by our name", "%Dlog.example/1 AAECAwQFBgc=\n", RC_OK },
	{ "empty line",		"\n", RC_FORMAT },
	{ "no newline",		"%Dsomebody.example AAECAwQFBgc=", RC_FORMAT },
	{ "ASCII hyphen",	"- somebody.example AAECAwQFBgc=\n", RC_FORMAT },
	{ "no space",		"\xe2\x80\x94somebody.example AAECAwQFBgc=\n", RC_FORMAT },
	{ "no name",		"%D AAECAwQFBgc=\n", RC_FORMAT },
	{ "plus in name",	"%Da+b AAECAwQFBgc=\n", RC_FORMAT },
	{ "no-break space",	"%Da\xc2\xa0" "b AAECAwQFBgc=\n", RC_FORMAT },
	{ "ideographic space",	"%Da\xe3\x80\x80" "b AAECAwQFBgc=\n", RC_FORMAT },
	{ "line separator",	"%Da\xe2\x80\xa8" "b AAECAwQFBgc=\n", RC_FORMAT },
	{ "no signature",	"%Dsomebody.example\n", RC_FORMAT },
	{ "empty signature",	"%Dsomebody.example \n", RC_FORMAT },
	{ "only the id",	"%Dsomebody.example AAECAw==\n", RC_FORMAT },
	{ "unpadded",		"%Dsomebody.example AAECAwQFBgc\n", RC_FORMAT },
	{ "URL-safe",		"%Dsomebody.example AAEC_wQFBgc=\n", RC_FORMAT },
	{ "spare bits",		"%Dsomebody.example AAECAwQFBgd=\n", RC_FORMAT },
	{ "carriage return",	"%Dsomebody.example AAECAwQFBgc=\r\n", RC_FORMAT },
	{ "en dash",		"\xe2\x80\x93 somebody.example AAECAwQFBgc=\n", RC_FORMAT },
	{ "two dashes",		"-- somebody.example AAECAwQFBgc=\n", RC_FORMAT },
	{ "two spaces",		"%Dsomebody.example  AAECAwQFBgc=\n", RC_FORMAT },
	{ "space after",	"%Dsomebody.example AAECAwQFBgc= \n", RC_FORMAT },
	{ "tab",		"%Dsomebody.example\tAAECAwQFBgc=\n", RC_FORMAT },
	{ "delete",		"%Da\x7f" "b AAECAwQFBgc=\n", RC_FORMAT },
	{ "C1 control",		"%Da\xc2\x85" "b AAECAwQFBgc=\n", RC_FORMAT },
	{ "overlong slash",	"%Da\xc0\xaf" "b AAECAwQFBgc=\n", RC_FORMAT },
	{ "overlong, three",	"%Da\xe0\x80\xaf" "b AAECAwQFBgc=\n", RC_FORMAT },
	{ "surrogate",		"%Da\xed\xa0\x80" "b AAECAwQFBgc=\n", RC_FORMAT },
	{ "past U+10FFFF",	"%Da\xf4\x90\x80\x80" "b AAECAwQFBgc=\n", RC_FORMAT },
	{ "cut sequence",	"%Da\xe2\x80 AAECAwQFBgc=\n", RC_FORMAT },
	{ "lone continuation",	"%Da\x80" "b AAECAwQFBgc=\n", RC_FORMAT },
};

static void
add_line(struct buf *b, const char *line)
{
	if (strncmp(line, "%D", 2) == 0) {
		buf_span(b, span_str(DASH));
		line += 2;
	}
	buf_span(b, span_str(line));
}

static void
test_lines(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	struct note_cosigned	by;
	struct checkpoint	c;
	uint8_t			*copy;
	enum rc			rc;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		buf_reset(&b);
		parties_note(&p, &b);
		add_line(&b, lines[i].line);
		copy = heap_copy(b.p, b.n);
		rc = verify(SPAN(copy, b.n), &c, &by);
		free(copy);
		if (rc != lines[i].want)
			fail_msg("%s: %s", lines[i].why, rc_name(rc));
	}
}

/* A line of a name of n bytes. */
static enum rc
with_name_of(size_t n)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	struct note_cosigned	by;
	struct checkpoint	c;

	parties_note(&p, &b);
	buf_span(&b, span_str(DASH));
	for (size_t i = 0; i < n; i++)
		buf_u8(&b, 'a');
	buf_span(&b, SPAN_STR(" AAECAwQFBgc=\n"));
	return verify(buf_view(&b), &c, &by);
}

static enum rc
with_strangers(size_t n)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	struct note_cosigned	by;
	struct checkpoint	c;

	parties_note(&p, &b);
	for (size_t i = 0; i < n; i++)
		add_line(&b, "%Dsomebody.example AAECAwQFBgc=\n");
	return verify(buf_view(&b), &c, &by);
}

static void
test_bounds(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX + 4);
	struct note_cosigned	by;
	struct checkpoint	c;
	size_t			fill;

	(void)state;
	assert_int_equal(with_name_of(NOTE_NAME_MAX), RC_OK);
	assert_int_equal(with_name_of(NOTE_NAME_MAX + 1), RC_FORMAT);
	assert_int_equal(with_strangers(NOTE_SIGS - 1 - WITNESSES), RC_OK);
	assert_int_equal(with_strangers(NOTE_SIGS - WITNESSES), RC_FORMAT);
	/* One signature so long that the note is as large as it may be; then larger. */
	parties_note(&p, &b);
	buf_printf(&b, "%s", DASH);
	for (fill = (NOTE_BYTES_MAX - b.n - 3) % 4 + 1; fill != 0; fill--)
		buf_u8(&b, 'a');
	buf_u8(&b, ' ');
	while (b.n < NOTE_BYTES_MAX - 1)
		buf_span(&b, SPAN_STR("AAAA"));
	buf_u8(&b, '\n');
	assert_int_equal(b.n, NOTE_BYTES_MAX);
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_OK);
	b.p[b.n - 1] = 'A';
	buf_printf(&b, "AAA\n");
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_FORMAT);
}

/* --- signatures --------------------------------------------------------------------- */

static void
test_twice(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(NOTE_BYTES_MAX);
	struct note_cosigned	by;
	struct checkpoint	c;

	(void)state;
	parties_text(&p, &text);
	parties_note(&p, &b);
	parties_cosign(&p, 1, 2000, buf_view(&text), &b);
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_FORMAT);
	/* To who does not know that witness it is a stranger, who may say what they like. */
	assert_int_equal(checkpoint_verify(buf_view(&b), &p.log, p.witness, 1, &c, &by, NULL), RC_OK);
	/* The very same line again. */
	buf_reset(&b);
	parties_note(&p, &b);
	parties_cosign(&p, 2, 1002, buf_view(&text), &b);
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_FORMAT);
	/* The log itself. */
	buf_reset(&b);
	parties_note(&p, &b);
	parties_sign_log(&p, buf_view(&text), &b);
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_FORMAT);
	/* A good line does not excuse a bad one of the same witness. */
	buf_reset(&b);
	parties_note(&p, &b);
	parties_cosign(&p, 0, 3000, SPAN_STR("another text\n"), &b);
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_VERIFY);
}

static void
test_log_signature(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(NOTE_BYTES_MAX);
	struct note_cosigned	by;
	struct checkpoint	c;

	(void)state;
	parties_text(&p, &text);
	buf_span(&b, buf_view(&text));
	buf_u8(&b, '\n');
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_VERIFY);
	parties_cosign(&p, 0, 1000, buf_view(&text), &b);
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_VERIFY);	/* witness only */
	parties_sign_log(&p, SPAN_STR("another text\n"), &b);
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_VERIFY);
	parties_sign_log(&p, buf_view(&text), &b);
	assert_int_equal(verify(buf_view(&b), &c, &by), RC_VERIFY);	/* the bad one stays */
}

/* A line by a known key whose payload has the other kind's length. */
static void
test_payload_length(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf	raw = BUF_INIT(256);
	struct note_cosigned	by;
	struct checkpoint	c;
	uint8_t			id[4], zero[80] = { 0 };

	(void)state;
	for (size_t n = 1; n <= sizeof(zero); n++) {
		buf_reset(&b);
		buf_reset(&raw);
		note_keyid(&p.witness[0], id);
		buf_add(&raw, id, sizeof(id));
		buf_add(&raw, zero, n);
		parties_note(&p, &b);
		buf_printf(&b, "%s%s ", DASH, p.witness[0].name);
		b64_write(&b, buf_view(&raw));
		buf_u8(&b, '\n');
		assert_int_equal(verify(buf_view(&b), &c, &by),
		    n == 8 + NOTE_SIG_BYTES ? RC_VERIFY : RC_FORMAT);
	}
}

static void
test_key_types(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	struct note_key		many[33];
	struct note_cosigned	by;
	struct checkpoint	c;

	(void)state;
	parties_note(&p, &b);
	assert_int_equal(checkpoint_verify(buf_view(&b), &p.witness[0], NULL, 0, &c, &by, NULL), RC_USAGE);
	assert_int_equal(checkpoint_verify(buf_view(&b), &p.log, &p.log, 1, &c, &by, NULL), RC_USAGE);
	for (size_t i = 0; i < 33; i++)
		many[i] = p.witness[0];
	assert_int_equal(checkpoint_verify(buf_view(&b), &p.log, many, 32, &c, &by, NULL), RC_OK);
	assert_int_equal(by.mask, UINT32_MAX);
	assert_int_equal(checkpoint_verify(buf_view(&b), &p.log, many, 33, &c, &by, NULL), RC_USAGE);
}

static void
test_cosignature_line(void **state)
{
	AUTO_DONE(buf_done) struct buf	line = BUF_INIT(1024);
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(NOTE_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX);
	struct note_cosigned	by;
	struct checkpoint	c;
	struct note_key		other;
	when			time = 0;
	uint8_t			*copy;

	(void)state;
	parties_note(&p, &note);
	parties_text(&p, &text);
	parties_cosign(&p, 0, 77, buf_view(&text), &line);
	assert_int_equal(cosignature_line_verify(buf_view(&line), buf_view(&text), &p.witness[0], &time, NULL), RC_OK);
	assert_int_equal(time, 77);
	time = 5;
	assert_int_equal(cosignature_line_verify(buf_view(&line), buf_view(&text), &p.witness[1], &time, NULL), RC_VERIFY);
	assert_int_equal(cosignature_line_verify(buf_view(&line), SPAN_STR("x\n"), &p.witness[0], &time, NULL), RC_VERIFY);
	assert_int_equal(cosignature_line_verify(buf_view(&line), buf_view(&text), &p.log, &time, NULL), RC_USAGE);
	for (size_t n = 0; n < line.n; n++) {
		copy = heap_copy(line.p, n);
		assert_int_equal(cosignature_line_verify(SPAN(copy, n), buf_view(&text), &p.witness[0], &time, NULL), RC_FORMAT);
		free(copy);
	}
	other = p.witness[0];		/* the same key under another name */
	memcpy(other.name, "someone.example", sizeof("someone.example"));
	assert_int_equal(cosignature_line_verify(buf_view(&line), buf_view(&text), &other, &time, NULL), RC_VERIFY);
	assert_int_equal(checkpoint_verify(buf_view(&note), &p.log, &other, 1, &c, &by, NULL), RC_OK);
	assert_int_equal(by.mask, 0);
	parties_cosign(&p, 0, 78, buf_view(&text), &line);
	assert_int_equal(cosignature_line_verify(buf_view(&line), buf_view(&text), &p.witness[0], &time, NULL), RC_FORMAT);
	buf_reset(&line);
	parties_cosign(&p, 0, WHEN_MAX + 1, buf_view(&text), &line);
	assert_int_equal(cosignature_line_verify(buf_view(&line), buf_view(&text), &p.witness[0], &time, NULL), RC_FORMAT);
	assert_int_equal(time, 5);
}

/* --- verifier keys --------------------------------------------------------------------- */

static void
test_key_text(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(1024);
	struct note_key	k, was;
	uint8_t		*copy;

	(void)state;
	note_key_write(&p.witness[0], &b);
	memset(&k, 0, sizeof(k));
	assert_int_equal(note_key_parse(buf_view(&b), &k, NULL), RC_OK);
	assert_memory_equal(&k, &p.witness[0], sizeof(k));
	memset(&was, 3, sizeof(was));
	for (size_t n = 0; n < b.n; n++) {
		copy = heap_copy(b.p, n);
		k = was;
		assert_int_equal(note_key_parse(SPAN(copy, n), &k, NULL), RC_FORMAT);
		assert_memory_equal(&k, &was, sizeof(k));
		free(copy);
	}
	for (size_t i = 0; i < b.n; i++) {	/* the id covers all of it */
		b.p[i] ^= 1;
		assert_int_equal(note_key_parse(buf_view(&b), &k, NULL), RC_FORMAT);
		b.p[i] ^= 1;
	}
	buf_u8(&b, '\n');
	assert_int_equal(note_key_parse(buf_view(&b), &k, NULL), RC_FORMAT);
	k = p.log;
	k.alg = 6;				/* ML-DSA-44 is kept for later */
	buf_reset(&b);
	note_key_write(&k, &b);
	assert_int_equal(note_key_parse(buf_view(&b), &k, NULL), RC_FORMAT);
}

/* --- memory ------------------------------------------------------------------------------ */

static void
test_no_memory(void **state)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	struct note_cosigned	by;
	struct checkpoint	c, was;
	unsigned long		n;
	enum rc			rc;

	(void)state;
	parties_note(&p, &b);
	memset(&was, 9, sizeof(was));
	for (n = 1;; n++) {
		c = was;
		fault_at(n);
		rc = verify(buf_view(&b), &c, &by);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_memory_equal(&c, &was, sizeof(c));
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 1);
	buf_reset(&b);
	note_key_write(&p.log, &b);
	fault_at(1);
	rc = note_key_parse(buf_view(&b), &(struct note_key){ .alg = 0 }, NULL);
	assert_true(fault_fired() ? rc == RC_NOMEM : rc == RC_OK);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_several_keys),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_bit_flips),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_log_signature),
		cmocka_unit_test(test_payload_length),
		cmocka_unit_test(test_key_types),
		cmocka_unit_test(test_cosignature_line),
		cmocka_unit_test(test_key_text),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
