/* Writes tests/vectors/accusation-v1: docs/spec/accusation-v1.md section 5. */
#include <string.h>

#include <sodium.h>

#include "audit/accusation.h"
#include "tests/gen/lib/vector.h"

#define SPEC		"accusation-v1"
#define LEAVES		9U
#define FORK		2U	/* the two logs part here */
#define WITNESSES	2U

typedef uint8_t	leaves[LEAVES][TREE_HASH_BYTES];

static const char	*out_dir;
static leaves		 shown[2];		/* two pasts of one log */
static struct note_key	 key[1 + WITNESSES];	/* the log's first */
static uint8_t		 secret[1 + WITNESSES][64];

static void
key_make(unsigned i, const char *name, enum note_alg alg)
{
	uint8_t	seed[32];

	vector_seed("accusation key", i, seed, 32);
	(void)snprintf(key[i].name, sizeof(key[i].name), "%s", name);
	key[i].alg = (uint8_t)alg;
	vector_need(crypto_sign_seed_keypair(key[i].key, secret[i], seed) == 0, "key");
}

static void
logs_make(void)
{
	key_make(0, "log.example/1", NOTE_ED25519);
	key_make(1, "custodian1.example", NOTE_COSIGNATURE_V1);
	key_make(2, "custodian2.example", NOTE_COSIGNATURE_V1);
	for (unsigned i = 0; i < LEAVES; i++) {
		char	one[32], two[32];

		(void)snprintf(one, sizeof(one), "entry %u", i);
		(void)snprintf(two, sizeof(two), i < FORK ? "entry %u" : "another %u", i);
		tree_leaf(span_str(one), shown[0][i]);
		tree_leaf(span_str(two), shown[1][i]);
	}
}

static void
sign(unsigned by, when time, struct span message, struct buf *out)
{
	uint8_t	sig[NOTE_SIG_BYTES];

	vector_need(crypto_sign_detached(sig, NULL, message.p, message.n, secret[by]) == 0, "sign");
	note_sig_line(&key[by], time, sig, out);
}

/* Over the first `size` leaves of one past; mask: who cosigned. */
static void
note(unsigned past, uint64_t size, unsigned mask, struct buf *out)
{
	struct checkpoint	c = { .size = size };
	struct buf		text = BUF_INIT(NOTE_BYTES_MAX), message = BUF_INIT(NOTE_BYTES_MAX);

	(void)snprintf(c.origin, sizeof(c.origin), "%s", key[0].name);
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])shown[past], size, c.root);
	checkpoint_text(&c, &text);
	*out = BUF_INIT(NOTE_BYTES_MAX);
	buf_span(out, buf_view(&text));
	buf_u8(out, '\n');
	sign(0, 0, buf_view(&text), out);
	for (unsigned i = 1; i <= WITNESSES; i++) {
		if ((mask & 1U << (i - 1)) == 0)
			continue;
		buf_reset(&message);
		cosignature_message(buf_view(&text), 1700000000 + i, &message);
		sign(i, 1700000000 + i, buf_view(&message), out);
	}
	buf_done(&text);
	buf_done(&message);
}

static enum rc
node(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	const leaves	*l = user;

	(void)err;
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])*l + (index << level), UINT64_C(1) << level, ret);
	return RC_OK;
}

struct made {			/* what the lines of one are made of */
	struct buf		a, b;
	uint8_t			root[TREE_HASH_BYTES];
	struct tree_path	path;
};

static void
make(struct made *m, unsigned small, uint64_t a, unsigned large, uint64_t b)
{
	note(small, a, 3, &m->a);
	note(large, b, 2, &m->b);
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])shown[large], a, m->root);
	vector_need(tree_consistency(node, &shown[large], a < b ? a : b, b, &m->path, NULL) == RC_OK, "path");
}

/* Without any check: what does not hold is to be written, too. */
static void
text(const struct made *m, struct buf *out)
{
	*out = BUF_INIT(ACCUSATION_BYTES_MAX);
	buf_printf(out, "quorate accusation v1\nroot ");
	b64_write(out, SPAN_OF(m->root));
	for (size_t i = 0; i < m->path.n; i++) {
		buf_printf(out, "\nproof ");
		b64_write(out, SPAN_OF(m->path.hash[i]));
	}
	buf_printf(out, "\nnote %zu\n", m->a.n);
	buf_span(out, buf_view(&m->a));
	buf_printf(out, "note %zu\n", m->b.n);
	buf_span(out, buf_view(&m->b));
}

static void
put(const char *name, const char *expect, const char *comment, struct span in)
{
	struct vector_out	v = vector_open(out_dir, SPEC, name, expect, comment);
	struct buf		k = BUF_INIT(1024);

	for (unsigned i = 0; i <= WITNESSES; i++) {
		buf_reset(&k);
		note_key_write(&key[i], &k);
		vector_text(&v, i == 0 ? "log" : "witness", buf_text(&k));
	}
	vector_hex(&v, "accusation", in);
	vector_close(&v);
	buf_done(&k);
}

/* change: 0 none, 1 the root, 2 the proof, 3 a hash too few, 4 one too many. */
static void
pair(const char *name, const char *expect, const char *comment, unsigned small, uint64_t a, unsigned large,
    uint64_t b, int change)
{
	struct made	m;
	struct buf	t;

	make(&m, small, a, large, b);
	if (change == 1)
		m.root[0] ^= 1;
	if (change == 2)
		m.path.hash[0][0] ^= 1;
	if (change == 3)
		m.path.n--;
	if (change == 4)
		memset(m.path.hash[m.path.n++], 1, TREE_HASH_BYTES);
	text(&m, &t);
	put(name, expect, comment, buf_view(&t));
	buf_done(&m.a);
	buf_done(&m.b);
	buf_done(&t);
}

/* The text of a good one, with `was` replaced once. */
static void
spelled(const char *name, const char *expect, const char *comment, const char *was, const char *is)
{
	struct made	m;
	struct buf	t, u = BUF_INIT(ACCUSATION_BYTES_MAX);
	uint8_t		*at;

	make(&m, 1, 3, 0, 9);
	text(&m, &t);
	at = memmem(t.p, t.n, was, strlen(was));
	vector_need(at != NULL, was);
	buf_add(&u, t.p, (size_t)(at - t.p));
	buf_span(&u, span_str(is));
	buf_add(&u, at + strlen(was), t.n - (size_t)(at - t.p) - strlen(was));
	put(name, expect, comment, buf_view(&u));
	buf_done(&m.a);
	buf_done(&m.b);
	buf_done(&t);
	buf_done(&u);
}

static void
trailing(void)
{
	struct made	m;
	struct buf	t;

	make(&m, 1, 3, 0, 9);
	text(&m, &t);
	buf_u8(&t, '\n');
	put("trailing", "format", "a byte after its end", buf_view(&t));
	buf_done(&m.a);
	buf_done(&m.b);
	buf_done(&t);
}

int
main(int argc, char **argv)
{
	vector_need(argc == 2, "usage: accusation DIRECTORY");
	vector_need(sodium_init() >= 0, "libsodium");
	out_dir = argv[1];
	logs_make();
	pair("one_size", "ok", "two roots of size 4", 1, 4, 0, 4, 0);
	pair("smaller_and_larger", "ok", "size 3 of one past, size 9 of another", 1, 3, 0, 9, 0);
	pair("perfect_smaller", "ok", "size 4, a perfect tree, against 8", 1, 4, 0, 8, 0);
	pair("next", "ok", "one entry apart", 1, 8, 0, 9, 0);
	pair("same_log", "verify", "size 9 contains size 3", 0, 3, 0, 9, 0);
	pair("same_note", "verify", "one checkpoint, twice", 0, 4, 0, 4, 0);
	pair("before_the_fork", "verify", "two pasts, but both have these two entries", 1, 2, 0, 9, 0);
	pair("larger_first", "verify", "size 5 before size 4", 1, 5, 0, 4, 0);
	pair("root_made_up", "verify", "the root is not one that the proof leads from", 0, 3, 0, 9, 1);
	pair("proof_changed", "verify", "a bit of the proof", 1, 3, 0, 9, 2);
	pair("proof_short", "verify", "a hash too few", 1, 3, 0, 9, 3);
	pair("proof_long", "verify", "a hash too many", 1, 3, 0, 9, 4);
	spelled("version", "format", "another version", "accusation v1", "accusation v2");
	spelled("no_root", "format", "a proof where the root should be", "root ", "proof ");
	spelled("root_short", "format", "31 bytes and a bit", "root ", "root A");
	spelled("length_zero", "format", "a length with a leading zero", "note ", "note 0");
	spelled("length_short", "format", "a length that ends within the note", "note ", "note 1\n");
	spelled("other_log", "verify", "another origin than the key's", "log.example/1\n3", "log.example/2\n3");
	spelled("bad_signature", "verify", "the log did not sign this size", "log.example/1\n3\n", "log.example/1\n4\n");
	trailing();
	return 0;
}
