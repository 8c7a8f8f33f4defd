/* cli/handin.c - a person's statement on its two ways: into the log, and straight to custodians. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "cli/handin.h"
#include "policy/apply.h"

static void
into_the_log(struct handin *h)
{
	h->log_err.msg[0] = '\0';
	h->log_rc = remote_submit(h->r, h->dsse, h->blob, h->n_blobs, h->upload, h->n_uploads, &h->sent, &h->log_err);
	(void)text_clean_str(h->log_err.msg);
}

static void *
log_thread(void *user)
{
	into_the_log(user);
	return NULL;
}

/*
 * Who is told to run a command again, and does, is not refused: their log shows the first
 * statement, or another's that says the same, and acts upon that.
 */
static void
note_repeats(struct handin *h)
{
	struct custodian_took	*t = h->c->took;
	uint8_t			 i;

	for (i = 0; h->again != NULL && i < h->c->charter->n; i++)
		if (t[i].took == TOOK_REFUSED && strcmp(t[i].why, h->again) == 0) {
			t[i].took = TOOK_LOGGED;
			h->repeats = true;
		}
}

void
handin_no(struct handin *h)
{
	pthread_t	t;
	bool		beside = pthread_create(&t, NULL, log_thread, h) == 0;

	custodians_submit(h->c, h->dsse, h->blob, h->n_fixed);
	if (beside)
		(void)pthread_join(t, NULL);
	else
		into_the_log(h);	/* custodians first, then */
	note_repeats(h);
}

enum rc
handin_other(struct handin *h, struct err *err)
{
	into_the_log(h);
	if (h->log_rc == RC_OK)
		return RC_OK;
	TRY(custodians_new(h->r, &h->c, err));
	custodians_submit(h->c, h->dsse, h->blob, h->n_fixed);
	note_repeats(h);
	return RC_OK;
}

/* --- how it ended --------------------------------------------------------------------- */

/* On whichever way: it acts upon it now, or its log shows it. */
static unsigned
has_it(const struct handin *h)
{
	return custodians_took(h->c, TOOK_IT) + custodians_took(h->c, TOOK_LOGGED);
}

/* What one of them said who did this; NULL: none did. */
static const char *
words_of(const struct handin *h, enum took took)
{
	uint8_t	i;

	for (i = 0; i < h->c->charter->n; i++)
		if (h->c->took[i].took == took)
			return h->c->took[i].words[0] == '\0' ? "no reason given" : h->c->took[i].words;
	return NULL;
}

/* "Withdrawn, vetoed or released, or has expired" may be what was asked for, or the opposite. */
static const char *
hint(const struct handin *h)
{
	uint8_t	i;

	for (i = 0; i < h->c->charter->n; i++)
		if (h->c->took[i].took == TOOK_REFUSED && strcmp(h->c->took[i].why, void_reason_name(VOID_ENDED)) == 0)
			return "; `quorate status REQUEST` tells which";
	return "";
}

/* No one liar makes a statement void: more than f must say so, or one beside the coordinator. */
static bool
is_void(const struct handin *h)
{
	unsigned	n = custodians_took(h->c, TOOK_REFUSED);

	return n > h->c->charter->f || (h->log_rc == RC_DENIED && n + custodians_took(h->c, TOOK_NOT_YET) > 0);
}

static enum rc
judge_nobody(const struct handin *h, struct err *err)
{
	const char	*refused = words_of(h, TOOK_REFUSED), *not_yet = words_of(h, TOOK_NOT_YET);

	if (is_void(h))
		return refused == NULL ? err_set(err, RC_DENIED, "%s", h->log_err.msg) :
		    err_set(err, RC_DENIED, "refused: %s%s", refused, hint(h));
	if (refused != NULL || not_yet != NULL)
		return err_set(err, RC_UNSURE, "nobody took it; a custodian says: %s", refused != NULL ? refused : not_yet);
	return err_set(err, RC_UNSURE, "nobody took it: no custodian answers; the coordinator: %s", h->log_err.msg);
}

static enum rc
judge_no(const struct handin *h, struct err *err)
{
	const struct charter	*c = h->c->charter;
	unsigned		 n = has_it(h);

	if (h->log_rc == RC_OK || n >= c->q)
		return RC_OK;
	if (n > 0)
		return err_set(err, RC_UNSURE, "only %u of %u custodians took it (%u suffice) and the log does not show it "
		    "yet; run the command again", n, c->n, c->q);
	return judge_nobody(h, err);
}

static enum rc
judge_other(const struct handin *h, struct err *err)
{
	unsigned	n;

	if (h->log_rc == RC_OK || (h->repeats && custodians_took(h->c, TOOK_LOGGED) >= h->c->charter->q))
		return RC_OK;
	n = has_it(h);
	if (n > 0)
		return err_set(err, RC_UNSURE, "handed to %u custodian%s; it is expected in the log, which does not show it "
		    "yet: %s", n, n == 1 ? "" : "s", h->log_err.msg);
	return err_set(err, h->log_rc, "%s", h->log_err.msg);
}

enum rc
handin_judge(const struct handin *h, bool no, struct err *err)
{
	return no ? judge_no(h, err) : judge_other(h, err);
}

/* --- telling ---------------------------------------------------------------------------- */

static const char *
took_word(enum took t)
{
	switch (t) {
	case TOOK_IT:
		return "taken";
	case TOOK_LOGGED:
		return "logged";
	case TOOK_REFUSED:
		return "refused";
	case TOOK_NOT_YET:
		return "not yet";
	case TOOK_NO_ANSWER:
		break;
	}
	return "no answer";
}

static json_t *
custodians_json(const struct handin *h)
{
	json_t	*list = json_array();
	uint8_t	 i;

	for (i = 0; list != NULL && i < h->c->charter->n; i++)
		if (json_array_append_new(list, json_pack("{s:I,s:s,s:s,s:s,s:s}", "index", (json_int_t)(i + 1), "name",
		    h->c->charter->custodian[i].name, "answer", took_word(h->c->took[i].took), "why",
		    h->c->took[i].why, "words", h->c->took[i].words)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static enum rc
tell_json(const struct handin *h, struct err *err)
{
	bool	 logged = h->log_rc == RC_OK;
	json_t	*o = json_pack("{s:o?,s:b,s:b,s:b,s:s}", h->name, json_hex(SPAN_OF(h->id)), "effective", logged,
	    "cosigned", logged, "repeated", h->sent.repeated || h->repeats, "log", logged ? "" : h->log_err.msg);

	if (o != NULL && logged)
		(void)json_object_set_new(o, "entry", json_integer((json_int_t)h->sent.index));
	if (o != NULL && h->c != NULL) {
		(void)json_object_set_new(o, "taken", json_integer((json_int_t)has_it(h)));
		(void)json_object_set_new(o, "custodians", custodians_json(h));
	}
	return cli_print_json(o, err);
}

static void
tell_custodians(const struct handin *h, bool no)
{
	const struct charter	*c = h->c->charter;
	uint8_t			 i;

	cli_say("%s %u of %u custodians\n", no || h->repeats ? "in effect at" : "handed to", has_it(h), c->n);
	for (i = 0; i < c->n; i++)
		if (h->c->took[i].took < TOOK_LOGGED)
			cli_say("  not at %u %s: %s: %s\n", i + 1u, c->custodian[i].name, took_word(h->c->took[i].took),
			    h->c->took[i].words);
}

static void
tell_words(const struct handin *h, bool no)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	if (h->log_rc == RC_OK)
		cli_say("%s: entry %llu, cosigned by a quorum\n", h->word, (unsigned long long)h->sent.index);
	else if (h->repeats)
		cli_say("%s already: an earlier statement that says the same stands\n", h->word);
	else
		cli_say("%s, and expected in the log, which does not show it yet: %s\n", no ? h->word : "handed in",
		    h->log_err.msg);
	if (h->c != NULL)
		tell_custodians(h, no);
	cli_say("%s %s\n", h->name, hex_write(SPAN_OF(h->id), hex));
}

enum rc
handin_tell(const struct handin *h, bool no, struct err *err)
{
	enum rc	rc = handin_judge(h, no, err);

	/* Nobody has it: one line of error is all there is to say. */
	if (rc != RC_OK && has_it(h) == 0)
		return rc;
	if (cli_json)
		TRY(tell_json(h, err));
	else
		tell_words(h, no);
	return rc;
}
