/*
 * cli/seal.c - quorate seal: encrypt here, hand over ciphertext, believe only a receipt.
 *
 * One artifact (cli/sealing.h) in a batch of its own (cli/handover.h), or with --batch as
 * many as standard input names (cli/sealer.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/handover.h"
#include "cli/sealer.h"

struct seal_words {			/* the command line */
	const char	*policy, *class_id, *record, *key, *receipts;
	uint64_t	 batch_max, linger;
	bool		 batch;
	struct texts	 parts;
};

static enum rc
read_parts(struct seal_order *o, const struct texts *words, struct err *err)
{
	const char	*eq;
	size_t		 i;

	if (words->n == 0)
		return err_set(err, RC_USAGE, "--part is missing: --part NAME=FILE");
	for (i = 0; i < words->n; i++) {
		eq = strchr(words->v[i], '=');
		if (eq == NULL || eq[1] == '\0' || eq == words->v[i] || eq - words->v[i] > PART_NAME_MAX)
			return err_set(err, RC_USAGE, "--part %.60s: write NAME=FILE, NAME of at most %d characters",
			    words->v[i], PART_NAME_MAX);
		TRY(seal_order_part(o, SPAN(words->v[i], (size_t)(eq - words->v[i])), eq + 1, err));
	}
	return seal_order_check(o, err);
}

static enum rc
report(const struct sealed_artifact *a, const struct handover *h, struct err *err)
{
	char	hex[HEX_BYTES(ARTIFACT_ID_BYTES)], salt[HEX_BYTES(32)], size[24];
	int	holders = __builtin_popcount(h->holders);
	json_t	*o;

	hex_write(SPAN_OF(a->id), hex);
	hex_write(SPAN_OF(a->salt), salt);
	if (!cli_json) {
		printf("artifact %s\nsealed: entry %llu, cosigned by a quorum, held by %d of %u custodians (%s)\n", hex,
		    (unsigned long long)h->answer->entry->index, holders, h->r->charter->n, size_text(a->size, size));
		if (a->has_record)
			printf("record salt %s (keep it beside the record: the log holds a commitment to both)\n", salt);
		return RC_OK;
	}
	o = json_pack("{s:s,s:I,s:i,s:I,s:o?}", "artifact", hex, "entry", (json_int_t)h->answer->entry->index, "holders",
	    holders, "envelope_bytes", (json_int_t)a->size, "receipt", handover_receipt(h));
	if (o != NULL && a->has_record && json_object_set_new(o, "record_salt", json_string(salt)) != 0) {
		json_decref(o);
		return err_set(err, RC_NOMEM, "no memory");
	}
	return cli_print_json(o, err);
}

static enum rc
hand_over(struct remote *r, const struct signer *signer, struct seal_hand *hand, struct sealed_artifact *a, struct err *err)
{
	AUTO_DONE(handover_done) struct handover h;
	size_t	bad;

	handover_init(&h, r, signer, &a, 1);
	TRY(handover_make(&h, &bad, err));
	secret_arena_reset(hand->arena);
	TRY(handover_send(&h, err));
	return report(a, &h, err);
}

static enum rc
seal_one(const struct seal_words *w, struct err *err)
{
	AUTO_DONE(sealed_artifact_done) struct sealed_artifact a = SEALED_ARTIFACT_INIT;
	AUTO_DONE(seal_hand_done) struct seal_hand hand = SEAL_HAND_INIT;
	AUTO(keyfile_free) struct keyfile *key = NULL;
	AUTO(remote_free) struct remote *r = NULL;
	struct seal_order	o = { .policy = w->policy, .class_id = w->class_id, .record = w->record };

	if (w->policy == NULL)
		return err_set(err, RC_USAGE, "--policy is missing: the policy of the charter to seal under");
	TRY(read_parts(&o, &w->parts, err));
	TRY(seal_order_look(&o, err));
	TRY(remote_open(&r, err));
	TRY(seal_order_rules(&o, r->charter, err));
	TRY(cli_key(w->key, &key, err));
	TRY(seal_hand_init(&hand, err));
	TRY(seal_hand_help(&hand, err));
	TRY(seal_artifact(&hand, r->first->digest, r->charter, &o, &a, err));
	return hand_over(r, keyfile_signer(key), &hand, &a, err);
}

static enum rc
seal_batch(const struct seal_words *w, struct err *err)
{
	AUTO(keyfile_free) struct keyfile *key = NULL;
	struct sealer_options	o = { .policy = w->policy, .class_id = w->class_id, .receipts = w->receipts,
	    .batch_max = (uint32_t)w->batch_max, .linger_ms = w->linger };

	if (w->parts.n > 0 || w->record != NULL)
		return err_set(err, RC_USAGE, "with --batch each line names its own parts and record");
	if (w->batch_max < 1 || w->batch_max > BATCH_COUNT_MAX)
		return err_set(err, RC_USAGE, "--batch-max is 1 to %d", BATCH_COUNT_MAX);
	if (w->linger > SEALER_LINGER_MAX)
		return err_set(err, RC_USAGE, "--linger is 0 to %d milliseconds", SEALER_LINGER_MAX);
	TRY(cli_key(w->key, &key, err));
	o.signer = keyfile_signer(key);
	return sealer_run(&o, err);
}

enum rc
cmd_seal(int argc, char **argv, struct err *err)
{
	static struct seal_words w;
	const char		*given = NULL;
	const struct option_row	rows[] = {
		{ "policy", OPTION_TEXT, &w.policy, "ID", "the policy of the charter it is sealed under" },
		{ "part", OPTION_TEXTS, &w.parts, "NAME=FILE", "a part; again for more; FILE may be -" },
		{ "class", OPTION_TEXT, &w.class_id, "ID", "retention class (the charter's first)" },
		{ "record", OPTION_TEXT, &w.record, "FILE", "who, when, which model: only a salted commitment is logged" },
		{ "key", OPTION_TEXT, &given, "KEY", "the sealer's key (QUORATE_SEALER_KEY)" },
		{ "batch", OPTION_FLAG, &w.batch, NULL, "stay, and seal what each line of standard input names (JSON)" },
		{ "batch-max", OPTION_NUMBER, &w.batch_max, "N", "artifacts to a batch, at most (256)" },
		{ "linger", OPTION_NUMBER, &w.linger, "MS", "how long a batch may wait to be full (250)" },
		{ "receipts", OPTION_TEXT, &w.receipts, "DIR", "with --batch: a file for the receipt of each batch" },
		JSON_ROW,
	};
	const struct command	c = {
		"quorate seal --policy ID --part prompt=prompt.txt --part image=img.png [--key SEALER.key]\n"
		"       quorate seal --batch [--policy ID] [--key SEALER.key] <LINES",
		"Encrypts an artifact on this host and puts its key in custody, k-of-n. Says \"sealed\" only with a\n"
		"receipt: a quorum of custodians cosigned, and enough of them signed that they hold their shares.\n\n"
		"With --batch each line is an order, and each has a line as its answer (docs/spec/seal-batch-v1.md):\n"
		"  {\"ref\": \"r-17\", \"parts\": {\"prompt\": \"/run/q/17.txt\", \"image\": \"/run/q/17.png\"}}",
		rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;

	w = (struct seal_words){ .batch_max = SEALER_BATCH, .linger = SEALER_LINGER_MS };
	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	w.key = given != NULL ? given : getenv("QUORATE_SEALER_KEY");
	if (w.key == NULL)
		return err_set(err, RC_USAGE, "which sealer? Give --key, or set QUORATE_SEALER_KEY");
	return w.batch ? seal_batch(&w, err) : seal_one(&w, err);
}
