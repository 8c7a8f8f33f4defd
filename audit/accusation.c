#include "audit/accusation.h"

#include <string.h>

#include "audit/text.h"
#include "base/auto.h"

static const char MAGIC[] = "quorate accusation v1\n";

/* Whose signatures count. */
struct parties {
	const struct note_key	*log;
	const struct note_key	*witness;
	size_t			 n_witness;
};

/* accusation-v1 section 3: steps 3 to 6. */
static enum rc
contradiction(const struct parties *who, const uint8_t root[TREE_HASH_BYTES], const struct tree_path *path,
    struct accusation *ret, struct err *err)
{
	struct accusation	x = *ret;

	TRY(checkpoint_verify(x.note_a, who->log, who->witness, who->n_witness, &x.a, &x.cosigned_a, err));
	TRY(checkpoint_verify(x.note_b, who->log, who->witness, who->n_witness, &x.b, &x.cosigned_b, err));
	/* Refuses the larger one first, too. */
	TRY(tree_consistency_verify(x.a.size, root, x.b.size, x.b.root, path, err));
	if (memcmp(root, x.a.root, TREE_HASH_BYTES) == 0)	/* public */
		return err_set(err, RC_VERIFY, "accusation: the two checkpoints can be of one log");
	*ret = x;
	return RC_OK;
}

static void
line_write(const char *word, const uint8_t hash[TREE_HASH_BYTES], struct buf *out)
{
	buf_printf(out, "%s ", word);
	b64_write(out, SPAN(hash, TREE_HASH_BYTES));
	buf_u8(out, '\n');
}

static void
note_write(struct span note, struct buf *out)
{
	buf_printf(out, "note %zu\n", note.n);
	buf_span(out, note);
}

enum rc
accusation_write(struct span note_a, struct span note_b, const uint8_t root[TREE_HASH_BYTES],
    const struct tree_path *path, const struct note_key *log, const struct note_key *witness, size_t n_witness,
    struct buf *out, struct err *err)
{
	const struct parties	who = { log, witness, n_witness };
	struct accusation	x = { .note_a = note_a, .note_b = note_b };

	TRY(contradiction(&who, root, path, &x, err));
	buf_span(out, SPAN_STR(MAGIC));
	line_write("root", root, out);
	for (size_t i = 0; i < path->n; i++)
		line_write("proof", path->hash[i], out);
	note_write(note_a, out);
	note_write(note_b, out);
	return buf_check(out, "accusation", err);
}

static enum rc
path_take(struct span *rest, struct tree_path *ret, struct err *err)
{
	struct span	line;

	for (ret->n = 0; text_skip(rest, SPAN_STR("proof ")); ret->n++) {
		if (ret->n == TREE_PATH_MAX || !text_cut(rest, '\n', &line))
			return err_set(err, RC_FORMAT, "accusation: over %d hashes, or cut short", TREE_PATH_MAX);
		TRY(text_b64(line, ret->hash[ret->n], TREE_HASH_BYTES, err));
	}
	return RC_OK;
}

static enum rc
note_take(struct span *rest, struct span *ret, struct err *err)
{
	struct span	line;
	uint64_t	n;

	if (!text_skip(rest, SPAN_STR("note ")) || !text_cut(rest, '\n', &line) || !text_decimal(line, &n) ||
	    n > NOTE_BYTES_MAX || n > rest->n)
		return err_set(err, RC_FORMAT, "accusation: a malformed note line");
	*ret = SPAN(rest->p, (size_t)n);
	*rest = SPAN(rest->p + n, rest->n - (size_t)n);
	return RC_OK;
}

enum rc
accusation_verify(struct span text, const struct note_key *log, const struct note_key *witness,
    size_t n_witness, struct accusation *ret, struct err *err)
{
	const struct parties	who = { log, witness, n_witness };
	struct accusation	x = { .a = { .size = 0 } };
	struct tree_path	path = { .n = 0 };
	struct span		line;
	uint8_t			root[TREE_HASH_BYTES];

	/* accusation-v1 section 2. */
	if (!text_skip(&text, SPAN_STR(MAGIC)) || !text_skip(&text, SPAN_STR("root ")) ||
	    !text_cut(&text, '\n', &line))
		return err_set(err, RC_FORMAT, "accusation: not quorate accusation v1");
	TRY(text_b64(line, root, sizeof(root), err));
	TRY(path_take(&text, &path, err));
	TRY(note_take(&text, &x.note_a, err));
	TRY(note_take(&text, &x.note_b, err));
	if (text.n != 0)
		return err_set(err, RC_FORMAT, "accusation: %zu bytes after its end", text.n);
	TRY(contradiction(&who, root, &path, &x, err));
	*ret = x;
	return RC_OK;
}
