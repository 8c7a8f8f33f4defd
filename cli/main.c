/* cli/main.c - quorate: which command. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "cli/cli.h"

static const struct {
	const char	*word;
	command_fn	*run;
	const char	*what;
} commands[] = {
	{ "seal", cmd_seal, "encrypt an artifact and put its key in custody" },
	{ "status", cmd_status, "the network, an artifact, a request or an amendment" },
	{ "list", cmd_list, "artifacts, requests or amendments" },
	{ "request", cmd_request, "ask for artifacts to be disclosed" },
	{ "show", cmd_show, "what an approver reads before signing" },
	{ "approve", cmd_approve, "approve a request or an amendment" },
	{ "deny", cmd_deny, "deny a request or an amendment" },
	{ "withdraw", cmd_withdraw, "take back a request, an amendment or an approval" },
	{ "revoke", cmd_revoke, "revoke a key" },
	{ "release", cmd_release, "have an approved request carried out" },
	{ "verify", cmd_verify, "check an evidence package, offline" },
	{ "open", cmd_open, "check an evidence package, then decrypt it" },
	{ "acknowledge", cmd_acknowledge, "log that a package was opened, as its recipient signed" },
	{ "package", cmd_package, "renew the time-stamp of a package" },
	{ "audit", cmd_audit, "replay the whole log and check everything" },
	{ "log", cmd_log, "checkpoint, entries, proofs and a copy of the log; accusations" },
	{ "keygen", cmd_keygen, "make a key" },
	{ "charter", cmd_charter, "draw up, sign, check, amend and follow charters" },
};

static int
usage(int code)
{
	FILE	*out = code == EXIT_YES ? stdout : stderr;
	size_t	 i;

	fputs("usage: quorate COMMAND ... (COMMAND --help tells more)\n\n", out);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-11s %s\n", commands[i].word, commands[i].what);
	fputs("\nexit codes: 0 yes, 1 no, 2 could not tell, 64 usage, 74 input or output\n", out);
	return code;
}

/* Asked for, whether or not the command line was understood so far. */
static bool
wants_json(int argc, char **argv)
{
	int	i;

	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0)
			return true;
	return false;
}

/* One line for people; with --json, one object for programs as well. */
static int
fail(const char *word, struct err *err, bool json)
{
	struct err	second;

	/* Some of the words are others': of the coordinator, of a file. */
	(void)text_clean_str(err->msg);
	fprintf(stderr, "quorate %s: %s\n", word, err->msg);
	if (json && !cli_answered && cli_print_json(json_pack("{s:s,s:s}", "error", rc_name(err->rc), "message",
	    err->msg), &second) != RC_OK)
		fprintf(stderr, "quorate %s: %s\n", word, second.msg);
	return exit_code(err->rc);
}

static int
quorate(int argc, char **argv)
{
	struct err	err = { RC_OK, "" };
	size_t		i;
	enum rc		rc;

	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);		/* a limit of a file's size is an error, as a full disk is */
	log_name("quorate", NULL);
	if (argc < 2)
		return usage(EXIT_USAGE);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return usage(EXIT_YES);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].word) != 0)
			continue;
		if ((rc = secret_init(&err)) == RC_OK)
			rc = commands[i].run(argc - 1, argv + 1, &err);
		if (rc != RC_OK)
			return fail(argv[1], &err, wants_json(argc, argv));
		/* A full disk behind standard output is a failure, not a success. */
		if (fflush(stdout) != 0 || ferror(stdout)) {
			fprintf(stderr, "quorate %s: cannot write the output\n", argv[1]);
			return EXIT_IO;
		}
		return EXIT_YES;
	}
	(void)err_set(&err, RC_USAGE, "no such command: %.40s; `quorate --help` lists them", argv[1]);
	return fail(text_clean_str(argv[1]), &err, wants_json(argc, argv));
}

int
main(int argc, char **argv)
{
	process_end(quorate(argc, argv));
}
