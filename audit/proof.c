#include "audit/note.h"
#include "audit/text.h"
#include "base/auto.h"

static const char MAGIC[] = "c2sp.org/tlog-proof@v1\n";

void
tlog_proof_write(uint64_t index, const struct tree_path *path,
    struct span extra, struct span checkpoint_note, struct buf *out)
{
	buf_span(out, SPAN_STR(MAGIC));
	if (extra.n != 0) {
		buf_printf(out, "extra ");
		b64_write(out, extra);
		buf_u8(out, '\n');
	}
	buf_printf(out, "index %ju\n", (uintmax_t)index);
	for (size_t i = 0; i < path->n; i++) {
		b64_write(out, SPAN_OF(path->hash[i]));
		buf_u8(out, '\n');
	}
	buf_u8(out, '\n');
	buf_span(out, checkpoint_note);
}

static enum rc
extra_take(struct span *rest, struct span *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(TLOG_EXTRA_BYTES_MAX);

	*ret = SPAN(NULL, 0);
	if (!text_skip(rest, SPAN_STR("extra ")))
		return RC_OK;
	if (!text_cut(rest, '\n', ret) || ret->n > TLOG_EXTRA_TEXT_MAX)
		return err_set(err, RC_FORMAT, "proof file: malformed extra");
	return text_b64_all(*ret, &b, err);
}

enum rc
tlog_proof_extra(const struct tlog_proof *p, struct buf *out, struct err *err)
{
	return p->extra.n == 0 ? RC_OK : text_b64_all(p->extra, out, err);
}

/* Hash lines up to the empty one, which is taken too. */
static enum rc
path_take(struct span *rest, struct tree_path *ret, struct err *err)
{
	struct span	line;
	enum rc		rc;

	for (ret->n = 0;; ret->n++) {
		if (!text_cut(rest, '\n', &line))
			return err_set(err, RC_FORMAT, "proof file: cut short");
		if (line.n == 0)
			return RC_OK;
		if (ret->n == TREE_PATH_MAX)
			return err_set(err, RC_FORMAT,
			    "proof file: over %d hashes", TREE_PATH_MAX);
		rc = text_b64(line, ret->hash[ret->n], TREE_HASH_BYTES, err);
		if (rc != RC_OK)
			return err_wrap(err, rc, "proof file: hash %u", ret->n);
	}
}

enum rc
tlog_proof_parse(struct span in, struct tlog_proof *ret, struct err *err)
{
	struct tlog_proof	p = { .index = 0 };
	struct span		line;
	enum rc			rc;

	/* log-v1 section 7. */
	if (!text_skip(&in, SPAN_STR(MAGIC)))
		return err_set(err, RC_FORMAT, "proof file: not tlog-proof@v1");
	if ((rc = extra_take(&in, &p.extra, err)) != RC_OK)
		return err_wrap(err, rc, "proof file: extra");
	if (!text_skip(&in, SPAN_STR("index ")) ||
	    !text_cut(&in, '\n', &line) ||
	    !text_decimal(line, &p.index))
		return err_set(err, RC_FORMAT, "proof file: bad index line");
	TRY(path_take(&in, &p.path, err));
	/* The note has its own rules; here only that it is there and bounded. */
	if (in.n == 0 || in.n > NOTE_BYTES_MAX)
		return err_set(err, RC_FORMAT,
		    "proof file: checkpoint of %zu bytes", in.n);
	p.note = in;
	*ret = p;
	return RC_OK;
}
