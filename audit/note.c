#include "audit/note.h"

#include <sodium.h>
#include <string.h>

#include "audit/text.h"
#include "base/auto.h"

#define KEYID_BYTES	4

/* "U+2014 SP", what a signature line starts with. */
static const struct span	SIG_MARK = { (const uint8_t *)"\xe2\x80\x94 ", 4 };

/* --- verifier keys ------------------------------------------------------- */

void
note_keyid(const struct note_key *k, uint8_t ret[KEYID_BYTES])
{
	static const uint8_t	newline = '\n';
	uint8_t			digest[SHA256_BYTES];
	struct span		in[] = { span_str(k->name), SPAN(&newline, 1),
				    SPAN(&k->alg, 1), SPAN_OF(k->key) };

	sha256(digest, in, 4);
	memcpy(ret, digest, KEYID_BYTES);
}

enum rc
note_key_parse(struct span text, struct note_key *ret, struct err *err)
{
	struct span	name, id, key;
	struct note_key	k = { .alg = 0 };
	uint8_t		keyid[KEYID_BYTES], want[KEYID_BYTES];
	uint8_t		raw[1 + NOTE_KEY_BYTES];
	enum rc		rc;

	/* Only the key may hold '+', so the first two are the separators. */
	if (!text_cut(&text, '+', &name) || !text_cut(&text, '+', &id))
		return err_set(err, RC_FORMAT, "key: want name+id+key");
	key = text;
	if (!text_name(name, k.name))
		return err_set(err, RC_FORMAT, "key: bad name");
	if (!hex_parse(id, keyid, sizeof(keyid)))
		return err_set(err, RC_FORMAT, "key %s: bad id", k.name);
	if ((rc = text_b64(key, raw, sizeof(raw), err)) != RC_OK)
		return err_wrap(err, rc, "key %s", k.name);
	k.alg = raw[0];
	memcpy(k.key, raw + 1, sizeof(k.key));
	if (k.alg != NOTE_ED25519 && k.alg != NOTE_COSIGNATURE_V1)
		return err_set(err, RC_FORMAT, "key %s: unknown type %u",
		    k.name, k.alg);
	note_keyid(&k, want);
	if (memcmp(keyid, want, sizeof(want)) != 0)
		return err_set(err, RC_FORMAT, "key %s: id does not match",
		    k.name);
	*ret = k;
	return RC_OK;
}

void
note_key_write(const struct note_key *k, struct buf *out)
{
	uint8_t	keyid[KEYID_BYTES], raw[1 + NOTE_KEY_BYTES];
	char	hex[HEX_BYTES(KEYID_BYTES)];

	note_keyid(k, keyid);
	raw[0] = k->alg;
	memcpy(raw + 1, k->key, NOTE_KEY_BYTES);
	buf_printf(out, "%s+%s+", k->name, hex_write(SPAN_OF(keyid), hex));
	b64_write(out, SPAN_OF(raw));
}

/* --- checkpoint text ----------------------------------------------------- */

void
checkpoint_text(const struct checkpoint *c, struct buf *out)
{
	buf_printf(out, "%s\n%ju\n", c->origin, (uintmax_t)c->size);
	b64_write(out, SPAN_OF(c->root));
	buf_u8(out, '\n');
}

static enum rc
checkpoint_parse(struct span text, struct checkpoint *ret, struct err *err)
{
	struct span		origin, size, root;
	struct checkpoint	c = { .size = 0 };
	enum rc			rc;

	/* log-v1 section 4: three lines, nothing after them. */
	if (!text_cut(&text, '\n', &origin) ||
	    !text_cut(&text, '\n', &size) ||
	    !text_cut(&text, '\n', &root) ||
	    text.n != 0)
		return err_set(err, RC_FORMAT, "checkpoint: want three lines");
	if (!text_name(origin, c.origin))
		return err_set(err, RC_FORMAT, "checkpoint: bad origin");
	if (!text_decimal(size, &c.size))
		return err_set(err, RC_FORMAT, "checkpoint: bad size");
	if ((rc = text_b64(root, c.root, sizeof(c.root), err)) != RC_OK)
		return err_wrap(err, rc, "checkpoint: root");
	*ret = c;
	return RC_OK;
}

/* --- signature lines ----------------------------------------------------- */

void
cosignature_message(struct span text, when time, struct buf *out)
{
	buf_printf(out, "cosignature/v1\ntime %ju\n", (uintmax_t)time);
	buf_span(out, text);
}

void
note_sig_line(const struct note_key *k, when time,
    const uint8_t sig[NOTE_SIG_BYTES], struct buf *out)
{
	uint8_t	raw[KEYID_BYTES + 8 + NOTE_SIG_BYTES];
	size_t	n = KEYID_BYTES;

	note_keyid(k, raw);
	if (k->alg == NOTE_COSIGNATURE_V1)
		for (int shift = 56; shift >= 0; shift -= 8)
			raw[n++] = (uint8_t)(time >> shift);
	memcpy(raw + n, sig, NOTE_SIG_BYTES);
	buf_span(out, SIG_MARK);
	buf_printf(out, "%s ", k->name);
	b64_write(out, SPAN(raw, n + NOTE_SIG_BYTES));
	buf_u8(out, '\n');
}

struct sig_line {
	struct span	name;
	struct span	b64;
	uint8_t		keyid[KEYID_BYTES];
};

/* Takes one line off `rest`. Any name and key is well-formed here. */
static enum rc
sig_line_take(struct span *rest, struct sig_line *ret, struct err *err)
{
	struct span	line;
	char		name[NOTE_NAME_MAX + 1];

	if (!text_cut(rest, '\n', &line) ||
	    !text_skip(&line, SIG_MARK) ||
	    !text_cut(&line, ' ', &ret->name) ||
	    !text_name(ret->name, name))
		return err_set(err, RC_FORMAT, "note: malformed signature line");
	ret->b64 = line;
	return text_b64_head(line, ret->keyid, sizeof(ret->keyid), err);
}

static bool
sig_line_by(const struct sig_line *l, const struct note_key *k)
{
	uint8_t	keyid[KEYID_BYTES];

	note_keyid(k, keyid);
	return span_eq(l->name, span_str(k->name)) &&
	    memcmp(l->keyid, keyid, sizeof(keyid)) == 0;
}

static enum rc
ed25519_check(const struct note_key *k, const uint8_t sig[NOTE_SIG_BYTES],
    struct span message, struct err *err)
{
	if (crypto_sign_verify_detached(sig, message.p, message.n, k->key) != 0)
		return err_set(err, RC_VERIFY, "note: bad signature by %s",
		    k->name);
	return RC_OK;
}

static enum rc
log_sig_check(const struct sig_line *l, const struct note_key *k,
    struct span text, struct err *err)
{
	uint8_t	raw[KEYID_BYTES + NOTE_SIG_BYTES];
	enum rc	rc;

	if ((rc = text_b64(l->b64, raw, sizeof(raw), err)) != RC_OK)
		return err_wrap(err, rc, "note: signature by %s", k->name);
	return ed25519_check(k, raw + KEYID_BYTES, text, err);
}

static enum rc
cosig_check(const struct sig_line *l, const struct note_key *k,
    struct span text, when *ret_time, struct err *err)
{
	AUTO_DONE(buf_done) struct buf message = BUF_INIT(NOTE_BYTES_MAX + 64);
	uint8_t	raw[KEYID_BYTES + 8 + NOTE_SIG_BYTES];
	when	time = 0;
	enum rc	rc;

	if ((rc = text_b64(l->b64, raw, sizeof(raw), err)) != RC_OK)
		return err_wrap(err, rc, "note: cosignature by %s", k->name);
	for (size_t i = 0; i < 8; i++)
		time = time << 8 | raw[KEYID_BYTES + i];
	if (time > WHEN_MAX)
		return err_set(err, RC_FORMAT, "note: cosignature time by %s",
		    k->name);
	cosignature_message(text, time, &message);
	TRY(buf_check(&message, "cosignature message", err));
	TRY(ed25519_check(k, raw + KEYID_BYTES + 8, buf_view(&message), err));
	*ret_time = time;
	return RC_OK;
}

/* --- whole notes --------------------------------------------------------- */

struct note {
	struct span	text;
	struct span	sigs;
};

/* That it is plain text follows from its parts, whose forms are stricter. */
static enum rc
note_split(struct span in, struct note *ret, struct err *err)
{
	size_t	i;

	if (in.n > NOTE_BYTES_MAX)
		return err_set(err, RC_FORMAT, "note: %zu bytes, at most %d",
		    in.n, NOTE_BYTES_MAX);
	for (i = in.n; i >= 2; i--)
		if (in.p[i - 1] == '\n' && in.p[i - 2] == '\n')
			break;
	if (i < 2)
		return err_set(err, RC_FORMAT, "note: no empty line");
	ret->text = SPAN(in.p, i - 1);
	ret->sigs = SPAN(in.p + i, in.n - i);
	return RC_OK;
}

struct signers {
	const struct note_key	*log;
	size_t			 n_log;
	const struct note_key	*witness;
	size_t			 n_witness;
};

/* Which of two times would be the one? A note that says both says nothing. */
static enum rc
twice(const struct note_key *k, struct err *err)
{
	return err_set(err, RC_FORMAT, "note: signed twice by %s", k->name);
}

static enum rc
one_sig(const struct sig_line *l, const struct signers *who, struct span text,
    uint64_t *ret_logs, struct note_cosigned *ret, struct err *err)
{
	when	time = 0;

	for (size_t i = 0; i < who->n_log; i++) {
		if (!sig_line_by(l, &who->log[i]))
			continue;
		TRY(log_sig_check(l, &who->log[i], text, err));
		if ((*ret_logs >> i & 1) != 0)
			return twice(&who->log[i], err);
		*ret_logs |= UINT64_C(1) << i;
		return RC_OK;
	}
	for (size_t i = 0; i < who->n_witness; i++) {
		if (!sig_line_by(l, &who->witness[i]))
			continue;
		TRY(cosig_check(l, &who->witness[i], text, &time, err));
		if ((ret->mask >> i & 1) != 0)
			return twice(&who->witness[i], err);
		ret->mask |= UINT32_C(1) << i;
		ret->time[i] = time;
	}
	return RC_OK;
}

static enum rc
signers_check(const struct signers *who, struct err *err)
{
	bool	good = who->n_log >= 1 && who->n_log <= NOTE_LOGS && who->n_witness <= 32;

	for (size_t i = 0; good && i < who->n_log; i++)
		good = who->log[i].alg == NOTE_ED25519;
	for (size_t i = 0; good && i < who->n_witness; i++)
		good = who->witness[i].alg == NOTE_COSIGNATURE_V1;
	if (!good)
		return err_set(err, RC_USAGE, "checkpoint: keys of wrong types");
	return RC_OK;
}

enum rc
checkpoint_verify_any(struct span note, const struct note_key *log, size_t n_log,
    const struct note_key *witness, size_t n_witness, struct checkpoint *ret, int *ret_log,
    struct note_cosigned *ret_cosigned, struct err *err)
{
	struct signers		who = { log, n_log, witness, n_witness };
	struct note		parts;
	struct checkpoint	c;
	struct note_cosigned	cosigned = { .mask = 0 };
	struct sig_line		line;
	uint64_t		logs = 0;
	size_t			n = 0;

	TRY(signers_check(&who, err));
	TRY(note_split(note, &parts, err));
	TRY(checkpoint_parse(parts.text, &c, err));
	if (strcmp(c.origin, log->name) != 0)
		return err_set(err, RC_VERIFY, "checkpoint: not of log %s",
		    log->name);
	while (parts.sigs.n != 0) {
		if (++n > NOTE_SIGS)
			return err_set(err, RC_FORMAT,
			    "note: over %d signatures", NOTE_SIGS);
		TRY(sig_line_take(&parts.sigs, &line, err));
		TRY(one_sig(&line, &who, parts.text, &logs, &cosigned, err));
	}
	*ret = c;
	*ret_log = logs == 0 ? -1 : 63 - __builtin_clzll(logs);
	*ret_cosigned = cosigned;
	return RC_OK;
}

enum rc
checkpoint_verify(struct span note, const struct note_key *log,
    const struct note_key *witness, size_t n_witness, struct checkpoint *ret,
    struct note_cosigned *ret_cosigned, struct err *err)
{
	struct checkpoint	c;
	struct note_cosigned	cosigned;
	int			by_log;

	TRY(checkpoint_verify_any(note, log, 1, witness, n_witness, &c, &by_log,
	    &cosigned, err));
	if (by_log < 0)
		return err_set(err, RC_VERIFY, "checkpoint: not signed by %s",
		    log->name);
	*ret = c;
	if (ret_cosigned != NULL)
		*ret_cosigned = cosigned;
	return RC_OK;
}

enum rc
checkpoint_stated(struct span note, struct checkpoint *ret, struct err *err)
{
	struct note	parts;

	TRY(note_split(note, &parts, err));
	return checkpoint_parse(parts.text, ret, err);
}

enum rc
cosignature_line_verify(struct span line, struct span text,
    const struct note_key *witness, when *ret_time, struct err *err)
{
	struct sig_line	l;

	if (witness->alg != NOTE_COSIGNATURE_V1)
		return err_set(err, RC_USAGE, "cosignature: key of wrong type");
	if (line.n > NOTE_BYTES_MAX)
		return err_set(err, RC_FORMAT, "cosignature: too long");
	TRY(sig_line_take(&line, &l, err));
	if (line.n != 0)
		return err_set(err, RC_FORMAT, "cosignature: more than a line");
	if (!sig_line_by(&l, witness))
		return err_set(err, RC_VERIFY, "cosignature: not by %s",
		    witness->name);
	return cosig_check(&l, witness, text, ret_time, err);
}
