/* cli/acknowledge.c - quorate acknowledge: the recipient's opening note, into the log. */
#include <stdio.h>
#include <string.h>

#include "cli/remote.h"
#include "evidence/opening.h"

#define LIFE	3600	/* in which it must reach the log */

struct acknowledging {
	const char	*path, *key;
	struct buf	 note, dsse;
	struct opening	 opening;
	struct statement s;
};

static void
acknowledging_done(struct acknowledging *a)
{
	buf_done(&a->note);
	buf_done(&a->dsse);
	opening_done(&a->opening);
	statement_done(&a->s);
}

/* Nobody logs what an auditor would refuse afterwards. */
static enum rc
read_note(struct acknowledging *a, const struct remote *r, struct err *err)
{
	uint8_t	certificate[SHA256_BYTES];
	enum rc	rc;

	TRY(file_read_given(a->path, &a->note, err));
	if ((rc = opening_verify_own(buf_view(&a->note), &a->opening, certificate, err)) != RC_OK)
		return err_wrap(err, rc == RC_FORMAT || rc == RC_LIMIT ? RC_USAGE : rc, "%s: not an opening note as "
		    "`quorate open` signs it", a->path);
	if (memcmp(a->opening.genesis, r->first->digest, SHA256_BYTES) != 0)
		return err_set(err, RC_USAGE, "%s: it is of another network than QUORATE_CHARTER says", a->path);
	return RC_OK;
}

static enum rc
sign_it(struct acknowledging *a, struct remote *r, struct err *err)
{
	AUTO(keyfile_free) struct keyfile *key = NULL;

	TRY(cli_key(a->key, &key, err));
	TRY(remote_statement(r, STATEMENT_ACKNOWLEDGEMENT, LIFE, &a->s, err));
	memcpy(a->s.subject, a->opening.order, sizeof(a->s.subject));
	sha256_one(a->s.u.acknowledgement.opening, buf_view(&a->note));
	a->s.u.acknowledgement.bad = a->opening.bad;
	return statement_sign(&a->s, keyfile_signer(key), &a->dsse, err);
}

static void
tell_note(const struct remote *r, const struct opening *o)
{
	char	t[WHEN_TEXT_BYTES], hex[HEX_BYTES(SHA256_BYTES)];
	uint8_t	i;

	cli_say("opened %s, order %s\n", when_write(o->opened, t), hex_write(SPAN_OF(o->order), hex));
	for (i = 0; i < r->charter->n; i++)
		if ((o->bad >> i & 1) != 0)
			cli_say("custodian %u %s contributed wrongly\n", i + 1u, r->charter->custodian[i].name);
}

/* Straight into the log: it is no "no", and no custodian acts upon it. */
static enum rc
acknowledge(struct acknowledging *a, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	struct submitted	sent;
	struct span		blob[1];
	char			hex[HEX_BYTES(SHA256_BYTES)];

	TRY(remote_open(&r, err));
	TRY(read_note(a, r, err));
	TRY(sign_it(a, r, err));
	blob[0] = buf_view(&a->note);
	TRY(remote_submit(r, buf_view(&a->dsse), blob, 1, NULL, 0, &sent, err));
	if (cli_json)
		return cli_print_json(submitted_json("statement", &sent), err);
	tell_note(r, &a->opening);
	cli_say("acknowledged: entry %llu, cosigned by a quorum\nstatement %s\n", (unsigned long long)sent.index,
	    hex_write(SPAN_OF(sent.id), hex));
	return RC_OK;
}

enum rc
cmd_acknowledge(int argc, char **argv, struct err *err)
{
	AUTO_DONE(acknowledging_done) struct acknowledging a = { .note = BUF_INIT(OPENING_BYTES_MAX),
	    .dsse = BUF_INIT(DSSE_BYTES_MAX) };
	const struct option_row	rows[] = {
		{ "key", OPTION_TEXT | OPTION_NEEDED, &a.key, "KEY", "your key: file or PKCS#11 URI" },
		JSON_ROW,
	};
	const struct command	c = { "quorate acknowledge DIR/opening.p7s --key KEY",
		"Logs the recipient's signed word that a package was opened, and whose contributions were wrong. Once\n"
		"a person and order; auditors check the recipient's signature.", rows, 2 };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &a.path, 1, 1, &n, &help, err));
	return help ? RC_OK : acknowledge(&a, err);
}
