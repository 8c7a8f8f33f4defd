#include "audit/tlog_policy.h"

#include <string.h>

#include "audit/text.h"

#define NONE	"none"		/* no witness is asked for; nothing else may have that name */

/* A file on its way: what no later line may say again. */
struct reading {
	struct tlog_policy	p;
	bool			has_quorum;
	uint32_t		member_witnesses, member_groups;	/* in some group already */
	unsigned		line;
};

/* --- words ------------------------------------------------------------------- */

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* The next word of a line; empty at its end. */
static struct span
word_take(struct span *line)
{
	size_t		at = 0, end;
	struct span	word;

	while (at < line->n && is_blank(line->p[at]))
		at++;
	for (end = at; end < line->n && !is_blank(line->p[end]);)
		end++;
	word = SPAN(line->n == 0 ? line->p : line->p + at, end - at);
	*line = SPAN(line->n == 0 ? line->p : line->p + end, line->n - end);
	return word;
}

static bool
text_is_allowed(struct span in)
{
	for (size_t i = 0; i < in.n; i++)
		if ((in.p[i] < 0x20 && in.p[i] != '\t' && in.p[i] != '\n') || in.p[i] == 0x7f)
			return false;
	return true;
}

static enum rc
wrong(const struct reading *r, struct err *err, const char *why)
{
	return err_set(err, RC_FORMAT, "policy, line %u: %s", r->line, why);
}

/* --- names --------------------------------------------------------------------- */

static int
witness_of(const struct tlog_policy *p, struct span name)
{
	for (int i = 0; i < p->n_witnesses; i++)
		if (span_eq(name, span_str(p->name[i])))
			return i;
	return -1;
}

static int
group_of(const struct tlog_policy *p, struct span name)
{
	for (int i = 0; i < p->n_groups; i++)
		if (span_eq(name, span_str(p->group[i].name)))
			return i;
	return -1;
}

/* Any bytes without blanks: names mean nothing outside of the file. */
static enum rc
name_define(struct reading *r, struct span name, char ret[NOTE_NAME_MAX + 1], struct err *err)
{
	if (name.n == 0 || name.n > NOTE_NAME_MAX)
		return wrong(r, err, "a name of 1 to 127 bytes is missing");
	if (span_eq(name, SPAN_STR(NONE)) || witness_of(&r->p, name) >= 0 || group_of(&r->p, name) >= 0)
		return wrong(r, err, "that name means something already");
	memcpy(ret, name.p, name.n);
	ret[name.n] = '\0';
	return RC_OK;
}

/* --- lines ----------------------------------------------------------------------- */

static bool
has_key(const struct note_key *k, unsigned n, const struct note_key *is)
{
	for (unsigned i = 0; i < n; i++)
		if (memcmp(k[i].key, is->key, sizeof(is->key)) == 0)
			return true;
	return false;
}

static enum rc
key_take(struct reading *r, struct span *line, enum note_alg alg, struct note_key *ret, struct err *err)
{
	enum rc	rc = note_key_parse(word_take(line), ret, err);

	if (rc != RC_OK)
		return err_wrap(err, rc, "policy, line %u", r->line);
	if (ret->alg != alg)
		return wrong(r, err, "the key is of the wrong type");
	(void)word_take(line);		/* a URL: not for who only verifies */
	return RC_OK;
}

static enum rc
log_line(struct reading *r, struct span *line, struct err *err)
{
	struct tlog_policy	*p = &r->p;

	if (p->n_logs == TLOG_POLICY_LOGS)
		return wrong(r, err, "too many logs");
	TRY(key_take(r, line, NOTE_ED25519, &p->log[p->n_logs], err));
	if (has_key(p->log, p->n_logs, &p->log[p->n_logs]))
		return wrong(r, err, "the key stands there twice");
	p->n_logs++;
	return RC_OK;
}

static enum rc
witness_line(struct reading *r, struct span *line, struct err *err)
{
	struct tlog_policy	*p = &r->p;
	unsigned		 n = p->n_witnesses;

	if (n == TLOG_POLICY_WITNESSES)
		return wrong(r, err, "too many witnesses");
	TRY(name_define(r, word_take(line), p->name[n], err));
	TRY(key_take(r, line, NOTE_COSIGNATURE_V1, &p->witness[n], err));
	/* A cosignature does not sign its name: under two of them one key would count twice. */
	if (has_key(p->witness, n, &p->witness[n]))
		return wrong(r, err, "the key stands there twice");
	p->n_witnesses++;
	return RC_OK;
}

/* A name is a member once in the whole file: nobody counts in two ways. */
static enum rc
member_add(struct reading *r, struct span name, unsigned g, struct err *err)
{
	int		 w = witness_of(&r->p, name), of = group_of(&r->p, name);
	uint32_t	*taken = w >= 0 ? &r->member_witnesses : &r->member_groups;
	uint32_t	 bit = UINT32_C(1) << (w >= 0 ? w : of >= 0 ? of : 0);

	if (w < 0 && of < 0)
		return wrong(r, err, "a member that no line above defines");
	if ((*taken & bit) != 0)
		return wrong(r, err, "a member that is in a group already");
	*taken |= bit;
	if (w >= 0)
		r->p.group[g].witnesses |= bit;
	else
		r->p.group[g].groups |= bit;
	return RC_OK;
}

static enum rc
group_line(struct reading *r, struct span *line, struct err *err)
{
	struct tlog_policy	*p = &r->p;
	unsigned		 g = p->n_groups;
	struct span		 need, member;
	uint64_t		 k = 0, n = 0;

	if (g == TLOG_POLICY_GROUPS)
		return wrong(r, err, "too many groups");
	TRY(name_define(r, word_take(line), p->group[g].name, err));
	need = word_take(line);
	for (; (member = word_take(line)).n != 0; n++)
		TRY(member_add(r, member, g, err));
	if (span_eq(need, SPAN_STR("any")))
		k = 1;
	else if (span_eq(need, SPAN_STR("all")))
		k = n;
	else if (!text_decimal(need, &k))
		return wrong(r, err, "how many of the group: any, all or a number");
	if (k < 1 || k > n)
		return wrong(r, err, "a group asks for 1 up to all of its members");
	p->group[g].need = (uint8_t)k;
	p->n_groups++;
	return RC_OK;
}

static enum rc
quorum_line(struct reading *r, struct span *line, struct err *err)
{
	struct span	name = word_take(line);

	if (r->has_quorum)
		return wrong(r, err, "a second quorum");
	r->has_quorum = true;
	if (span_eq(name, SPAN_STR(NONE)))
		return RC_OK;
	r->p.quorum_witness = (int8_t)witness_of(&r->p, name);
	r->p.quorum_group = (int8_t)group_of(&r->p, name);
	if (r->p.quorum_witness < 0 && r->p.quorum_group < 0)
		return wrong(r, err, "a quorum that no line above defines");
	return RC_OK;
}

static const struct {
	struct span	word;
	enum rc		(*read)(struct reading *r, struct span *line, struct err *err);
} kinds[] = {
	{ { (const uint8_t *)"log", 3 }, log_line },
	{ { (const uint8_t *)"witness", 7 }, witness_line },
	{ { (const uint8_t *)"group", 5 }, group_line },
	{ { (const uint8_t *)"quorum", 6 }, quorum_line },
};

static enum rc
line_read(struct reading *r, struct span line, struct err *err)
{
	struct span	word = word_take(&line);

	if (word.n == 0 || word.p[0] == '#')
		return RC_OK;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!span_eq(word, kinds[i].word))
			continue;
		TRY(kinds[i].read(r, &line, err));
		if (word_take(&line).n != 0)
			return wrong(r, err, "words after its end");
		return RC_OK;
	}
	return wrong(r, err, "neither log, witness, group nor quorum");
}

enum rc
tlog_policy_parse(struct span text, struct tlog_policy *ret, struct err *err)
{
	struct reading	r = { .p = { .quorum_witness = -1, .quorum_group = -1 } };
	struct span	line;

	if (text.n > TLOG_POLICY_BYTES_MAX)
		return err_set(err, RC_FORMAT, "policy: %zu bytes, at most %d", text.n, TLOG_POLICY_BYTES_MAX);
	if (!text_is_allowed(text))
		return err_set(err, RC_FORMAT, "policy: a control character");
	while (text.n != 0) {
		r.line++;
		if (!text_cut(&text, '\n', &line))
			return wrong(&r, err, "no end of line");
		TRY(line_read(&r, line, err));
	}
	if (!r.has_quorum)
		return err_set(err, RC_FORMAT, "policy: no quorum line");
	*ret = r.p;
	return RC_OK;
}

void
tlog_policy_write(const struct note_key *log, const struct note_key *witness, size_t n, unsigned q, struct buf *out)
{
	buf_printf(out, "log ");
	note_key_write(log, out);
	buf_u8(out, '\n');
	for (size_t i = 0; i < n; i++) {
		buf_printf(out, "witness %s ", witness[i].name);
		note_key_write(&witness[i], out);
		buf_u8(out, '\n');
	}
	if (q == 0 || n == 0) {
		buf_printf(out, "quorum none\n");
		return;
	}
	buf_printf(out, "group quorum %u", q);
	for (size_t i = 0; i < n; i++)
		buf_printf(out, " %s", witness[i].name);
	buf_printf(out, "\nquorum quorum\n");
}

/* --- judging ------------------------------------------------------------------------ */

bool
tlog_policy_met(const struct tlog_policy *p, uint32_t mask)
{
	uint32_t	met = 0;
	int		have;

	if (p->quorum_witness >= 0)
		return (mask >> p->quorum_witness & 1) != 0;
	if (p->quorum_group < 0)
		return true;
	/* Members are defined before their group. */
	for (unsigned i = 0; i < p->n_groups; i++) {
		have = __builtin_popcount(p->group[i].witnesses & mask) + __builtin_popcount(p->group[i].groups & met);
		if (have >= p->group[i].need)
			met |= UINT32_C(1) << i;
	}
	return (met >> p->quorum_group & 1) != 0;
}

enum rc
tlog_policy_verify(const struct tlog_policy *p, struct span note, struct checkpoint *ret,
    struct note_cosigned *ret_cosigned, struct err *err)
{
	struct checkpoint	c;
	struct note_cosigned	by;
	enum rc			rc;

	TRY(checkpoint_stated(note, &c, err));
	/* A log may have had several keys under its name. */
	rc = err_set(err, RC_VERIFY, "checkpoint: of no log that the policy lists");
	for (unsigned i = 0; rc == RC_VERIFY && i < p->n_logs; i++)
		if (strcmp(p->log[i].name, c.origin) == 0)
			rc = checkpoint_verify(note, &p->log[i], p->witness, p->n_witnesses, &c, &by, err);
	TRY(rc);
	if (!tlog_policy_met(p, by.mask))
		return err_set(err, RC_QUORUM, "checkpoint: %d witnesses of the policy cosigned, which is no quorum",
		    __builtin_popcount(by.mask));
	*ret = c;
	if (ret_cosigned != NULL)
		*ret_cosigned = by;
	return RC_OK;
}
