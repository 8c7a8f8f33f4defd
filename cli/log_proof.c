/*
 * cli/log_proof.c - quorate log proof, verify, policy: one entry's place in the log as a file.
 *
 * A proof carries its entry, so that it can be read and checked alone; what vouches for
 * it is the checkpoint's signatures, and those of witnesses who could have seen the entry.
 */
#include <stdio.h>
#include <string.h>

#include "audit/tlog_policy.h"
#include "cli/log.h"

/* --- proof ------------------------------------------------------------------------- */

enum rc
log_proof(struct remote *r, const char *word, const char *path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf file = BUF_INIT(TLOG_PROOF_BYTES_MAX);
	Quorate__V1__EntryReply	*a = NULL;
	struct tlog_proof	 p;
	uint64_t		 index;
	enum rc			 rc;

	TRY(log_number(word, &index, err));
	TRY(log_fetch(r, index, &a, err));
	if ((rc = tlog_proof_parse(SPAN(a->proof.data, a->proof.len), &p, err)) == RC_OK) {
		tlog_proof_write(index, &p.path, SPAN(a->leaf.data, a->leaf.len), p.note, &file);
		rc = buf_check(&file, "proof", err);
	}
	message_free(a);
	TRY(rc);
	if (path != NULL)
		TRY(file_write(path, buf_view(&file), 0644, err));
	if (cli_json)
		return cli_print_json(json_pack("{s:I,s:s}", "entry", (json_int_t)index, "proof", buf_text(&file)), err);
	if (path == NULL)
		(void)fwrite(file.p, 1, file.n, stdout);
	else
		printf("wrote the proof of entry %llu to %s; check it with: quorate log verify %s\n",
		    (unsigned long long)index, path, path);
	return RC_OK;
}

/* --- verify ------------------------------------------------------------------------- */

struct judged {
	struct tlog_proof	proof;
	struct checkpoint	cp;
	struct note_cosigned	by;
	unsigned		need;			/* 0: as the policy's groups say */
	size_t			n_witness;
	char			name[TLOG_POLICY_WITNESSES][NAME_MAX_BYTES + 1];	/* of people's charters, or of the policy */
	struct entry		entry;
	bool			is_ours;		/* time and statement; else any bytes */
	bool			is_dsse;
};

/* Nobody can have cosigned an entry before it was there. */
static unsigned
drop_early(struct judged *j)
{
	unsigned	n = 0;

	for (size_t i = 0; j->is_ours && i < j->n_witness; i++)
		if ((j->by.mask >> i & 1) != 0 && j->by.time[i] < j->entry.time) {
			j->by.mask &= ~(UINT32_C(1) << i);
			n++;
		}
	return n;
}

static enum rc
by_charter(const char *path, struct judged *j, struct err *err)
{
	AUTO(charter_free) struct charter *c = NULL;
	unsigned	early, have;
	enum rc		rc;

	TRY(local_charter(path, &c, err));
	rc = charter_checkpoint_verify(c, j->proof.note, true, &j->cp, &j->by, err);
	if (rc == RC_VERIFY)
		return err_wrap(err, rc, "under this charter (another log key after a succession? `quorate charter fetch --out FILE`, "
		    "then --charter FILE)");
	if (rc != RC_OK)
		return rc == RC_QUORUM ? err_wrap(err, RC_VERIFY, "the proof's checkpoint") : rc;
	if (!j->is_ours)
		return err_set(err, RC_FORMAT, "what the proof is of is no entry of such a log");
	j->need = c->q;
	j->n_witness = c->n;
	for (uint8_t i = 0; i < c->n; i++)
		(void)snprintf(j->name[i], sizeof(j->name[i]), "%s", c->custodian[i].name);
	early = drop_early(j);
	have = (unsigned)__builtin_popcount(j->by.mask);
	if (have < c->q)
		return err_set(err, RC_VERIFY, "%u custodians cosigned and %u are needed; %u cosigned before the entry was "
		    "logged, which is not counted", have, c->q, early);
	return RC_OK;
}

static enum rc
by_policy(const char *path, struct judged *j, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(TLOG_POLICY_BYTES_MAX);
	struct tlog_policy	p;
	unsigned		early;
	enum rc			rc;

	TRY(file_read_given(path, &text, err));
	if ((rc = tlog_policy_parse(buf_view(&text), &p, err)) != RC_OK)
		return err_wrap(err, rc, "%s", path);
	rc = tlog_policy_verify(&p, j->proof.note, &j->cp, &j->by, err);
	if (rc != RC_OK)
		return rc == RC_QUORUM ? err_wrap(err, RC_VERIFY, "%s", path) : rc;
	j->n_witness = p.n_witnesses;
	for (uint8_t i = 0; i < p.n_witnesses; i++)
		(void)snprintf(j->name[i], sizeof(j->name[i]), "%s", p.name[i]);
	early = drop_early(j);
	if (!tlog_policy_met(&p, j->by.mask))
		return err_set(err, RC_VERIFY, "%s asks for more: %u witnesses cosigned before the entry was logged, which is "
		    "not counted", path, early);
	return RC_OK;
}

/* What the proof is of: given beside it, or carried by it. */
static enum rc
leaf_read(const char *entry, const struct tlog_proof *p, struct buf *leaf, struct err *err)
{
	if (entry != NULL)
		return file_read_given(entry, leaf, err);
	if (p->extra.n == 0)
		return err_set(err, RC_USAGE, "the file does not carry its entry: give that with --entry FILE");
	return tlog_proof_extra(p, leaf, err);
}

static json_t *
cosigned_json(const struct judged *j)
{
	json_t	*all = json_array();
	char	 t[WHEN_TEXT_BYTES];

	for (size_t i = 0; i < j->n_witness; i++)
		if ((j->by.mask >> i & 1) != 0 && json_array_append_new(all, json_pack("{s:o?,s:s}", "name",
		    json_text(j->name[i]), "time", when_write(j->by.time[i], t))) != 0) {
			json_decref(all);
			return NULL;
		}
	return all;
}

static enum rc
tell_json(const struct judged *j, const char *type, const struct dsse *d, struct err *err)
{
	char	t[WHEN_TEXT_BYTES];
	json_t	*o = json_pack("{s:s,s:o?,s:I,s:I,s:o?,s:I,s:o?}", "verdict", "holds", "log", json_text(j->cp.origin),
		    "entry", (json_int_t)j->proof.index, "size", (json_int_t)j->cp.size, "root",
		    json_hex(SPAN_OF(j->cp.root)), "need", (json_int_t)j->need, "cosigned", cosigned_json(j));

	if (o != NULL && j->is_ours && json_object_set_new(o, "time", json_string(when_write(j->entry.time, t))) != 0)
		json_decref(TAKE(o));
	if (o != NULL && j->is_dsse && (json_object_set_new(o, "type", json_string(type)) != 0 ||
	    json_object_set_new(o, "id", json_hex(SPAN_OF(d->id))) != 0))
		json_decref(TAKE(o));
	return cli_print_json(o, err);
}

static void
tell_words(const struct judged *j, const char *type, const struct dsse *d)
{
	char	hex[HEX_BYTES(SHA256_BYTES)], t[WHEN_TEXT_BYTES], name[sizeof(j->cp.origin)];

	(void)snprintf(name, sizeof(name), "%s", j->cp.origin);
	printf("the proof holds: entry %llu of the log %s, which had %llu entries\n", (unsigned long long)j->proof.index,
	    text_clean_str(name), (unsigned long long)j->cp.size);
	if (j->is_ours)
		printf("logged    %s\n", when_write(j->entry.time, t));
	if (j->is_dsse)
		printf("it says   %s, id %s\n", type, hex_write(SPAN_OF(d->id), hex));
	printf("root      %s\n", hex_write(SPAN_OF(j->cp.root), hex));
	for (size_t i = 0; i < j->n_witness; i++) {
		if ((j->by.mask >> i & 1) == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%s", j->name[i]);
		printf("cosigned  %s by %s\n", when_write(j->by.time[i], t), text_clean_str(name));
	}
	if (j->need != 0)
		printf("%d of %zu custodians cosigned; %u are needed\n", __builtin_popcount(j->by.mask), j->n_witness, j->need);
}

/* Whether it is effective is what `quorate audit` works out; here is what it says. */
static enum rc
tell(struct judged *j, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	const char	*type = "not a statement";
	struct err	ignored;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	if (j->is_ours && dsse_parse(j->entry.dsse, &d, &ignored) == RC_OK) {
		j->is_dsse = true;
		if (statement_parse(&d, &s, &ignored) == RC_OK)
			type = statement_type_name(s.type);
	}
	if (cli_json)
		return tell_json(j, type, &d, err);
	tell_words(j, type, &d);
	return RC_OK;
}

enum rc
log_verify(const char *path, const char *entry, const struct log_trust *trust, struct err *err)
{
	AUTO_DONE(buf_done) struct buf file = BUF_INIT(TLOG_PROOF_BYTES_MAX), leaf = BUF_INIT(ENTRY_BYTES_MAX);
	struct judged	j;
	struct err	ignored;	/* another log's entries have another form */
	uint8_t		hash[TREE_HASH_BYTES];
	enum rc		rc;

	memset(&j, 0, sizeof(j));
	if (trust->charter != NULL && trust->policy != NULL)
		return err_set(err, RC_USAGE, "--charter or --policy, not both");
	TRY(file_read_given(path, &file, err));
	if ((rc = tlog_proof_parse(buf_view(&file), &j.proof, err)) != RC_OK)
		return err_wrap(err, rc, "%s", path);
	TRY(leaf_read(entry, &j.proof, &leaf, err));
	j.is_ours = entry_parse(buf_view(&leaf), &j.entry, &ignored) == RC_OK;
	TRY(trust->policy != NULL ? by_policy(trust->policy, &j, err) : by_charter(trust->charter, &j, err));
	tree_leaf(buf_view(&leaf), hash);
	TRY(tree_inclusion_verify(hash, j.proof.index, j.cp.size, &j.proof.path, j.cp.root, err));
	return tell(&j, err);
}

/* --- policy -------------------------------------------------------------------------- */

enum rc
log_policy(const char *charter, struct err *err)
{
	AUTO(charter_free) struct charter *c = NULL;
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(TLOG_POLICY_BYTES_MAX);
	struct note_key	log, witness[CUSTODIANS_MAX];

	TRY(local_charter(charter, &c, err));
	TRY(charter_log_note_key(c, &log, err));
	for (uint8_t i = 0; i < c->n; i++)
		TRY(charter_witness_note_key(c, (uint8_t)(i + 1), &witness[i], err));
	tlog_policy_write(&log, witness, c->n, c->q, &text);
	TRY(buf_check(&text, "policy", err));
	if (cli_json)
		return cli_print_json(json_pack("{s:o?}", "policy", json_text(buf_text(&text))), err);
	(void)fwrite(text.p, 1, text.n, stdout);
	return RC_OK;
}
