/* Writes tests/vectors/log-v1: docs/spec/log-v1.md section 11. */
#include <string.h>

#include <sodium.h>

#include "audit/entry.h"
#include "audit/note.h"
#include "tests/gen/lib/vector.h"

#define SPEC		"log-v1"
#define ENTRIES		5U
#define WITNESSES	2U

static const char	*out_dir;

/* A log of five entries, its key and those of two witnesses. */
static struct {
	struct buf	entry[ENTRIES];
	uint8_t		leaf[ENTRIES][TREE_HASH_BYTES];
	struct note_key	key[1 + WITNESSES];	/* the log's first */
	uint8_t		seed[1 + WITNESSES][32], secret[1 + WITNESSES][64];
	struct buf	text, note;
} log_;

static struct vector_out
start(const char *name, const char *expect, const char *test, const char *comment)
{
	struct vector_out	v = vector_open(out_dir, SPEC, name, expect, comment);

	vector_text(&v, "test", test);
	return v;
}

static void
number(struct vector_out *v, const char *key, uint64_t n)
{
	uint8_t	b[8];

	for (size_t i = 0; i < 8; i++)
		b[i] = (uint8_t)(n >> (56 - 8 * i));
	vector_hex(v, key, SPAN_OF(b));
}

static void
key_text(struct vector_out *v, const char *name, const struct note_key *k)
{
	struct buf	b = BUF_INIT(1024);

	note_key_write(k, &b);
	vector_text(v, name, buf_text(&b));
	buf_done(&b);
}

/* --- the log ------------------------------------------------------------------- */

static void
sign(const struct note_key *k, const uint8_t secret[64], when time, struct span message, struct buf *out)
{
	uint8_t	sig[NOTE_SIG_BYTES];

	vector_need(crypto_sign_detached(sig, NULL, message.p, message.n, secret) == 0, "sign");
	note_sig_line(k, time, sig, out);
}

/* text, empty line, the log's signature over `text`, the witnesses' over `cosigned`. */
static void
note_make(struct span text, struct span cosigned, struct buf *out)
{
	struct buf	message = BUF_INIT(NOTE_BYTES_MAX);

	buf_reset(out);
	buf_span(out, text);
	buf_u8(out, '\n');
	sign(&log_.key[0], log_.secret[0], 0, text, out);
	for (unsigned i = 1; i <= WITNESSES; i++) {
		buf_reset(&message);
		cosignature_message(cosigned, 1700000100 + i, &message);
		sign(&log_.key[i], log_.secret[i], 1700000100 + i, buf_view(&message), out);
	}
	buf_done(&message);
}

static void
key_make(unsigned i, const char *name, enum note_alg alg)
{
	struct note_key	*k = &log_.key[i];

	vector_seed("log key", i, log_.seed[i], 32);
	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	k->alg = (uint8_t)alg;
	vector_need(crypto_sign_seed_keypair(k->key, log_.secret[i], log_.seed[i]) == 0, "key");
}

static void
log_make(void)
{
	struct checkpoint	c = { .size = ENTRIES };
	char			dsse[64];

	key_make(0, "log.example/1", NOTE_ED25519);
	key_make(1, "custodian1.example", NOTE_COSIGNATURE_V1);
	key_make(2, "custodian2.example", NOTE_COSIGNATURE_V1);
	for (unsigned i = 0; i < ENTRIES; i++) {
		(void)snprintf(dsse, sizeof(dsse), "{\"payload\":\"entry %u\"}", i);
		log_.entry[i] = BUF_INIT(ENTRY_BYTES_MAX);
		entry_write(1700000000 + i, span_str(dsse), &log_.entry[i]);
		tree_leaf(buf_view(&log_.entry[i]), log_.leaf[i]);
	}
	(void)snprintf(c.origin, sizeof(c.origin), "%s", log_.key[0].name);
	tree_root(log_.leaf, ENTRIES, c.root);
	log_.text = BUF_INIT(NOTE_BYTES_MAX);
	log_.note = BUF_INIT(NOTE_BYTES_MAX);
	checkpoint_text(&c, &log_.text);
	note_make(buf_view(&log_.text), buf_view(&log_.text), &log_.note);
}

/* --- entries and trees ------------------------------------------------------------ */

static void
entries(void)
{
	struct vector_out	v = start("entry_good", "ok", "entry", "log time and DSSE bytes");
	struct buf		late = BUF_INIT(64);

	number(&v, "time", 1700000000);
	vector_hex(&v, "dsse", SPAN(log_.entry[0].p + 8, log_.entry[0].n - 8));
	vector_hex(&v, "entry", buf_view(&log_.entry[0]));
	vector_hex(&v, "leaf", SPAN_OF(log_.leaf[0]));
	vector_close(&v);
	v = start("entry_empty", "format", "entry", "a time and nothing logged");
	vector_hex(&v, "entry", SPAN(log_.entry[0].p, 8));
	vector_close(&v);
	v = start("entry_time_10000", "format", "entry", "the first second of the year 10000");
	entry_write(WHEN_MAX + 1, SPAN_STR("{}"), &late);
	vector_hex(&v, "entry", buf_view(&late));
	vector_close(&v);
	buf_done(&late);
}

static void
trees(void)
{
	uint8_t			root[TREE_HASH_BYTES];
	struct vector_out	v;
	char			name[32];

	for (unsigned n = 0; n <= ENTRIES; n++) {
		(void)snprintf(name, sizeof(name), "tree_%u", n);
		v = start(name, "ok", "tree", "the root over so many entries");
		for (unsigned i = 0; i < n; i++)
			vector_hex(&v, "entry", buf_view(&log_.entry[i]));
		tree_root(log_.leaf, n, root);
		vector_hex(&v, "root", SPAN_OF(root));
		vector_close(&v);
	}
}

static enum rc
node(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	(void)user;
	(void)err;
	tree_root(log_.leaf + (index << level), UINT64_C(1) << level, ret);
	return RC_OK;
}

static void
inclusion(const char *name, const char *expect, const char *comment, uint64_t index, uint64_t claim, int change)
{
	struct vector_out	v = start(name, expect, "inclusion", comment);
	struct tree_path	p;
	uint8_t			root[TREE_HASH_BYTES];

	vector_need(tree_inclusion(node, NULL, index, ENTRIES, &p, NULL) == RC_OK, name);
	if (change == 1)
		p.hash[0][0] ^= 1;
	if (change == 2)
		p.n--;
	if (change == 3)
		memcpy(p.hash[p.n++], log_.leaf[0], TREE_HASH_BYTES);
	tree_root(log_.leaf, ENTRIES, root);
	vector_hex(&v, "leaf", SPAN_OF(log_.leaf[index]));
	number(&v, "index", claim);
	number(&v, "size", ENTRIES);
	for (unsigned i = 0; i < p.n; i++)
		vector_hex(&v, "hash", SPAN_OF(p.hash[i]));
	vector_hex(&v, "root", SPAN_OF(root));
	vector_close(&v);
}

static void
consistency(const char *name, const char *expect, const char *comment, uint64_t old, int change)
{
	struct vector_out	v = start(name, expect, "consistency", comment);
	struct tree_path	p;
	uint8_t			old_root[TREE_HASH_BYTES], root[TREE_HASH_BYTES];

	vector_need(tree_consistency(node, NULL, old, ENTRIES, &p, NULL) == RC_OK, name);
	tree_root(log_.leaf, old, old_root);
	tree_root(log_.leaf, ENTRIES, root);
	if (change == 1)
		old_root[0] ^= 1;
	if (change == 2)
		p.n--;
	if (change == 3)
		memcpy(p.hash[p.n++], log_.leaf[0], TREE_HASH_BYTES);
	number(&v, "old", old);
	vector_hex(&v, "old_root", SPAN_OF(old_root));
	number(&v, "size", ENTRIES);
	for (unsigned i = 0; i < p.n; i++)
		vector_hex(&v, "hash", SPAN_OF(p.hash[i]));
	vector_hex(&v, "root", SPAN_OF(root));
	vector_close(&v);
}

static void
proofs(void)
{
	inclusion("inclusion_first", "ok", "leaf 0 of 5", 0, 0, 0);
	inclusion("inclusion_last", "ok", "leaf 4 of 5: its path skips two levels", 4, 4, 0);
	inclusion("inclusion_other_index", "verify", "the path of leaf 1, said to be of leaf 2", 1, 2, 0);
	inclusion("inclusion_past_end", "verify", "there is no leaf 5 of 5", 4, 5, 0);
	inclusion("inclusion_changed", "verify", "a bit of the first hash", 2, 2, 1);
	inclusion("inclusion_short", "verify", "the last hash is missing", 2, 2, 2);
	inclusion("inclusion_long", "verify", "a hash too many", 2, 2, 3);
	consistency("consistency_power_of_two", "ok", "4 to 5: the old root is the first node", 4, 0);
	consistency("consistency_3", "ok", "3 to 5", 3, 0);
	consistency("consistency_same", "ok", "5 to 5: no hashes", 5, 0);
	consistency("consistency_empty", "ok", "0 to 5: no hashes", 0, 0);
	consistency("consistency_other_past", "verify", "the old root is another", 3, 1);
	consistency("consistency_same_other", "verify", "two roots of one size", 5, 1);
	consistency("consistency_not_empty", "verify", "not the root of the empty tree", 0, 1);
	consistency("consistency_short", "verify", "the last hash is missing", 3, 2);
	consistency("consistency_long", "verify", "a hash too many", 3, 3);
	consistency("consistency_same_long", "verify", "a hash where there is none", 5, 3);
}

/* --- notes -------------------------------------------------------------------------- */

static void
note(const char *name, const char *expect, const char *comment, struct span bytes)
{
	struct vector_out	v = start(name, expect, "checkpoint", comment);

	key_text(&v, "log", &log_.key[0]);
	for (unsigned i = 1; i <= WITNESSES; i++)
		key_text(&v, "witness", &log_.key[i]);
	vector_hex(&v, "note", bytes);
	if (strcmp(expect, "ok") == 0) {
		number(&v, "size", ENTRIES);
		vector_hex(&v, "text", buf_view(&log_.text));
	}
	vector_close(&v);
}

/* A note whose text, signed by all, is this instead. */
static void
note_text(const char *name, const char *expect, const char *comment, const char *text)
{
	struct buf	b = BUF_INIT(NOTE_BYTES_MAX);

	note_make(span_str(text), span_str(text), &b);
	note(name, expect, comment, buf_view(&b));
	buf_done(&b);
}

/* The good note with one line more. */
static void
note_line(const char *name, const char *expect, const char *comment, const char *line)
{
	struct buf	b = BUF_INIT(NOTE_BYTES_MAX);

	buf_span(&b, buf_view(&log_.note));
	buf_span(&b, span_str(line));
	note(name, expect, comment, buf_view(&b));
	buf_done(&b);
}

static void
note_good(void)
{
	struct vector_out	v = start("checkpoint_good", "ok", "checkpoint", "signed by the log and two witnesses");

	key_text(&v, "log", &log_.key[0]);
	for (unsigned i = 1; i <= WITNESSES; i++)
		key_text(&v, "witness", &log_.key[i]);
	vector_hex(&v, "note", buf_view(&log_.note));
	number(&v, "size", ENTRIES);
	vector_hex(&v, "text", buf_view(&log_.text));
	for (unsigned i = 0; i <= WITNESSES; i++)
		vector_hex(&v, "seed", SPAN_OF(log_.seed[i]));
	for (unsigned i = 1; i <= WITNESSES; i++)
		number(&v, "time", 1700000100 + i);
	vector_close(&v);
}

#define ROOT	"q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="
#define DASH	"\xe2\x80\x94 "

/* The note and one of its lines again: the log's is number 0. */
static void
twice(const char *name, const char *comment, unsigned line)
{
	struct buf	b = BUF_INIT(NOTE_BYTES_MAX);
	const char	*all = buf_text(&log_.note), *from = strstr(all, "\n\n") + 2;

	while (line-- > 0)
		from = strchr(from, '\n') + 1;
	buf_span(&b, buf_view(&log_.note));
	buf_add(&b, from, (size_t)(strchr(from, '\n') + 1 - from));
	note(name, "format", comment, buf_view(&b));
	buf_done(&b);
}

static void
notes(void)
{
	struct buf	b = BUF_INIT(NOTE_BYTES_MAX);

	note_good();
	note_line("checkpoint_stranger", "ok", "a signature by a key that nobody knows", DASH "somebody.example AAECAwQFBgc=\n");
	note_text("checkpoint_other_log", "verify", "the origin is another log's", "log.example/2\n5\n" ROOT "\n");
	note_text("checkpoint_extension", "format", "a fourth line", "log.example/1\n5\n" ROOT "\nmore\n");
	note_text("checkpoint_leading_zero", "format", "a size has one text", "log.example/1\n05\n" ROOT "\n");
	note_text("checkpoint_too_large", "format", "a size of 2^63", "log.example/1\n9223372036854775808\n" ROOT "\n");
	note_text("checkpoint_root_bits", "format", "spare bits of base64 are set",
	    "log.example/1\n5\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6t=\n");
	note_text("checkpoint_root_unpadded", "format", "base64 without its padding",
	    "log.example/1\n5\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s\n");
	note_line("checkpoint_hyphen", "format", "a hyphen is no dash", "- somebody.example AAECAwQFBgc=\n");
	note_line("checkpoint_no_newline", "format", "the last line does not end", DASH "somebody.example AAECAwQFBgc=");
	note_line("checkpoint_control", "format", "a tab", DASH "somebody.example\tAAECAwQFBgc=\n");
	note_line("checkpoint_not_utf8", "format", "an overlong sequence", DASH "a\xc0\xaf" "b AAECAwQFBgc=\n");
	note_line("checkpoint_only_id", "format", "a key id and no signature", DASH "somebody.example AAECAw==\n");
	buf_span(&b, buf_view(&log_.text));
	buf_u8(&b, '\n');
	note("checkpoint_unsigned", "verify", "no signature at all", buf_view(&b));
	note_make(buf_view(&log_.text), SPAN_STR("another text\n"), &b);
	note("checkpoint_bad_witness", "verify", "a known witness's signature fails", buf_view(&b));
	twice("checkpoint_log_twice", "the log's line stands there twice", 0);
	twice("checkpoint_witness_twice", "a known witness's line stands there twice", 2);
	buf_reset(&b);
	buf_span(&b, buf_view(&log_.note));
	b.p[14] = '6';
	note("checkpoint_other_size", "verify", "the text was changed after signing", buf_view(&b));
	buf_done(&b);
}

/* --- verifier keys -------------------------------------------------------------------- */

static void
key(const char *name, const char *expect, const char *comment, const char *text)
{
	struct vector_out	v = start(name, expect, "key", comment);

	vector_text(&v, "key", text);
	vector_close(&v);
}

static void
keys(void)
{
	struct buf	b = BUF_INIT(1024);

	note_key_write(&log_.key[0], &b);
	key("key_log", "ok", "an Ed25519 key of a log", buf_text(&b));
	b.p[0] = 'L';
	key("key_other_name", "format", "the id is that of another name", buf_text(&b));
	buf_reset(&b);
	note_key_write(&log_.key[1], &b);
	key("key_witness", "ok", "a cosigning key", buf_text(&b));
	b.p[b.n - 1] = '\0';
	key("key_short", "format", "a character is missing", (const char *)b.p);
	buf_reset(&b);
	log_.key[1].alg = 6;
	note_key_write(&log_.key[1], &b);
	log_.key[1].alg = NOTE_COSIGNATURE_V1;
	key("key_type_6", "format", "a type that version 1 does not have", buf_text(&b));
	buf_done(&b);
}

/* --- proof files ------------------------------------------------------------------------- */

static void
proof(const char *name, const char *expect, const char *comment, const struct buf *b)
{
	struct vector_out	v = start(name, expect, "proof", comment);

	vector_hex(&v, "file", buf_view(b));
	if (strcmp(expect, "ok") == 0) {
		vector_hex(&v, "entry", buf_view(&log_.entry[2]));
		key_text(&v, "log", &log_.key[0]);
	}
	vector_close(&v);
}

static void
proof_files(void)
{
	struct buf		b = BUF_INIT(1 << 16);
	struct tree_path	p;

	vector_need(tree_inclusion(node, NULL, 2, ENTRIES, &p, NULL) == RC_OK, "proof");
	tlog_proof_write(2, &p, SPAN(NULL, 0), buf_view(&log_.note), &b);
	proof("proof_good", "ok", "entry 2 under the good checkpoint", &b);
	b.p[21] = '2';
	proof("proof_version", "format", "another version", &b);
	b.n = 0;
	tlog_proof_write(2, &p, SPAN_STR("whatever"), buf_view(&log_.note), &b);
	proof("proof_extra", "ok", "with an extra line of another program", &b);
	b.n = 0;
	tlog_proof_write(2, &p, SPAN(NULL, 0), SPAN(NULL, 0), &b);
	proof("proof_no_checkpoint", "format", "the checkpoint is missing", &b);
	b.n = 0;
	p.n = TREE_PATH_MAX;
	memset(p.hash, 0xab, sizeof(p.hash));
	tlog_proof_write(2, &p, SPAN(NULL, 0), SPAN(NULL, 0), &b);
	b.n--;
	buf_printf(&b, ROOT "\n\n");
	buf_span(&b, buf_view(&log_.note));
	proof("proof_too_long", "format", "65 hashes", &b);
	buf_done(&b);
}

int
main(int argc, char **argv)
{
	vector_need(argc == 2, "usage: log DIRECTORY");
	vector_need(sodium_init() >= 0, "libsodium");
	out_dir = argv[1];
	log_make();
	entries();
	trees();
	proofs();
	notes();
	keys();
	proof_files();
	return 0;
}
