/* cli/accuse.c - is there proof that the log's key signed two pasts? */
#include <stdio.h>
#include <string.h>

#include "cli/accuse.h"

/* The note keys of a charter. */
struct keys {
	struct note_key	log, witness[CUSTODIANS_MAX];
};

static enum rc
read_keys(const struct charter *c, struct keys *ret, struct err *err)
{
	uint8_t	i;

	TRY(charter_log_note_key(c, &ret->log, err));
	for (i = 0; i < c->n; i++)
		TRY(charter_witness_note_key(c, (uint8_t)(i + 1), &ret->witness[i], err));
	return RC_OK;
}

enum rc
accusation_check(const struct charter *c, struct span text, struct accusation *ret, struct err *err)
{
	struct keys	k;

	TRY(read_keys(c, &k, err));
	return accusation_verify(text, &k.log, k.witness, c->n, ret, err);
}

/* Two of one size need no path: the one's root is what the other has not. */
static enum rc
accuse_at_sight(const struct charter *c, const struct conflict *x, struct buf *ret, struct err *err)
{
	struct tree_path	none = { .n = 0 };
	struct checkpoint	b;
	struct keys		k;

	TRY(read_keys(c, &k, err));
	TRY(charter_checkpoint_verify(c, x->b, false, &b, NULL, err));
	return accusation_write(x->a, x->b, b.root, &none, &k.log, k.witness, c->n, ret, err);
}

enum rc
accusation_find(const struct custodians *c, const struct checkpoint *head, struct span head_note, struct buf *ret,
    struct accusation *ret_parsed, struct err *err)
{
	const Quorate__V1__CheckpointReply	*a;
	struct conflict	x;
	uint8_t		i;

	/* It proves itself: whoever brings it, and whatever else that one says. */
	for (i = 0; i < c->charter->n; i++) {
		a = c->view[i].reply;
		if (a == NULL || a->accusation.len == 0 ||
		    accusation_check(c->charter, SPAN(a->accusation.data, a->accusation.len), ret_parsed, err) != RC_OK)
			continue;
		buf_add(ret, a->accusation.data, a->accusation.len);
		return buf_check(ret, "accusation", err);
	}
	if (!custodians_conflict(c, head, head_note, &x))
		return err_set(err, RC_MISSING, "no accusation");
	TRY(accuse_at_sight(c->charter, &x, ret, err));
	return accusation_check(c->charter, buf_view(ret), ret_parsed, err);
}

/* --- telling ------------------------------------------------------------------------- */

static void
print_names(const struct charter *c, uint32_t mask)
{
	uint8_t	i;

	for (i = 0; i < c->n; i++)
		if (mask >> i & 1)
			cli_say(" %u %s%s", i + 1u, c->custodian[i].name, mask >> i == 1 ? "" : ",");
}

static void
print_side(const struct charter *c, const char *which, const struct checkpoint *cp, uint32_t mask)
{
	char	hex[HEX_BYTES(TREE_HASH_BYTES)];

	cli_say("%s: %llu entries, root %s\n  cosigned by %d of %u custodians%s", which, (unsigned long long)cp->size,
	    hex_write(SPAN_OF(cp->root), hex), __builtin_popcount(mask), c->n, mask == 0 ? "" : ":");
	print_names(c, mask);
	puts("");
}

static void
print_both(const struct charter *c, const struct accusation *x)
{
	uint32_t	both = x->cosigned_a.mask & x->cosigned_b.mask;

	if (both == 0)
		return;
	cli_say("cosigned both:");
	print_names(c, both);
	puts(x->a.size == x->b.size ? "\n  An honest custodian never does: each of these lied." :
	    "\n  An honest custodian does so only when it dropped the smaller, which then never got its quorum.");
}

static void
print_words(const struct charter *c, const struct accusation *x)
{
	cli_say("ACCUSATION: the key of the log %s signed two checkpoints that cannot both be true.\n"
	    "Whoever holds that key showed different people different pasts.\n", c->origin);
	print_side(c, "one", &x->a, x->cosigned_a.mask);
	print_side(c, "the other", &x->b, x->cosigned_b.mask);
	print_both(c, x);
}

static json_t *
side_json(const struct checkpoint *cp, uint32_t mask)
{
	json_t	*list = json_array();
	uint8_t	 i;

	for (i = 0; list != NULL && i < CUSTODIANS_MAX; i++)
		if ((mask >> i & 1) && json_array_append_new(list, json_integer(i + 1)) != 0) {
			json_decref(list);
			return NULL;
		}
	return json_pack("{s:I,s:o?,s:o?}", "size", (json_int_t)cp->size, "root", json_hex(SPAN_OF(cp->root)),
	    "cosigners", list);
}

static enum rc
tell(const struct charter *c, const struct accusation *x, struct span text, bool with_text, struct err *err)
{
	if (cli_json)
		return cli_print_json(json_pack("{s:b,s:o?,s:o?,s:s%}", "accusation", true, "one",
		    side_json(&x->a, x->cosigned_a.mask), "other", side_json(&x->b, x->cosigned_b.mask), "text",
		    (const char *)text.p, text.n), err);
	print_words(c, x);
	if (with_text) {
		puts("");
		(void)fwrite(text.p, 1, text.n, stdout);
	}
	return RC_OK;
}

/* --- the command --------------------------------------------------------------------- */

static enum rc
check_file(const char *file, struct err *err)
{
	AUTO(charter_free) struct charter *c = NULL;
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(ACCUSATION_BYTES_MAX);
	struct accusation	x;
	enum rc			rc;

	TRY(local_genesis(NULL, &c, err));
	TRY(file_read_given(file, &text, err));
	if ((rc = accusation_check(c, buf_view(&text), &x, err)) != RC_OK)
		return err_wrap(err, rc, "%s does not hold", file);
	return tell(c, &x, buf_view(&text), false, err);
}

/* Too few answers prove nothing: the honest ones among them may not have heard. */
static enum rc
nothing_found(const struct custodians *c, struct err *err)
{
	unsigned	up = custodians_up(c);

	if (up < c->charter->q)
		return err_set(err, RC_UNSURE, "none found, but only %u of %u custodians answer (%u are needed to tell)", up,
		    c->charter->n, c->charter->q);
	if (cli_json)
		return cli_print_json(json_pack("{s:b,s:I}", "accusation", false, "answered", (json_int_t)up), err);
	cli_say("no accusation: %u of %u custodians answer, and none knows of a second past\n", up, c->charter->n);
	return RC_OK;
}

static enum rc
found(const struct custodians *c, const struct accusation *x, struct span text, const char *out, struct err *err)
{
	if (out != NULL)
		TRY(file_create(out, text, 0644, err));
	TRY(tell(c->charter, x, text, out == NULL, err));
	return err_set(err, RC_VERIFY, "the log's key signed two pasts; nothing is released until that is settled%s%s",
	    out == NULL ? "" : "; the proof is in ", out == NULL ? "" : out);
}

enum rc
log_accuse(const char *file, const char *out, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(custodians_free) struct custodians *c = NULL;
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX), text = BUF_INIT(ACCUSATION_BYTES_MAX);
	struct checkpoint	head;
	struct accusation	x;
	enum rc			rc;

	if (file != NULL)
		return out == NULL ? check_file(file, err) :
		    err_set(err, RC_USAGE, "either a FILE to check or --out FILE to write, not both");
	TRY(remote_open_people(&r, err));
	TRY(custodians_new(r, &c, err));
	custodians_look(c);
	memset(&head, 0, sizeof(head));
	if (remote_head(r, &head, &note, err) != RC_OK)
		memset(&head, 0, sizeof(head));		/* one voice less */
	rc = accusation_find(c, &head, buf_view(&note), &text, &x, err);
	if (rc == RC_MISSING)
		return nothing_found(c, err);
	TRY(rc);
	return found(c, &x, buf_view(&text), out, err);
}
