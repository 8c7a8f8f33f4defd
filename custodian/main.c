/* custodian/main.c - custodiand: init, enroll, run; export, agree, restore. */
#include <sys/stat.h>

#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "custodian/config.h"

static const struct {
	const char	*word;
	enum rc		(*run)(int argc, char **argv, struct err *err);
	const char	*what;
} commands[] = {
	{ "init", custodian_init, "make the keys and identity of a custodian" },
	{ "enroll", custodian_enroll, "agree to a charter" },
	{ "run", custodian_run, "serve" },
	{ "export", custodian_export, "write its copy of the log as files" },
	{ "agree", custodian_agree, "agree to a successor of the coordinator" },
	{ "restore", custodian_restore, "begin anew with the token of a custodian whose disk is lost" },
};

static int
usage(int code)
{
	FILE	*out = code == EXIT_YES ? stdout : stderr;
	size_t	 i;

	fputs("usage: custodiand COMMAND ... (COMMAND --help tells more)\n\n", out);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-10s %s\n", commands[i].word, commands[i].what);
	return code;
}

int
main(int argc, char **argv)
{
	struct err	err;
	size_t		i;
	enum rc		rc;

	log_name("custodiand", NULL);
	(void)umask(077);	/* what the database and the token's library make is ours alone */
	if (argc < 2)
		return usage(EXIT_USAGE);
	if (strcmp(argv[1], "--help") == 0)
		return usage(EXIT_YES);
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].word) != 0)
			continue;
		/* run's parent touches no secret; its children lock memory themselves. */
		if (commands[i].run != custodian_run && (rc = secret_init(&err)) != RC_OK) {
			log_err(&err, "cannot start");
			return exit_code(rc);
		}
		rc = commands[i].run(argc - 1, argv + 1, &err);
		if (rc != RC_OK)
			fprintf(stderr, "custodiand %s: %s\n", argv[1], err.msg);
		return exit_code(rc);
	}
	return usage(EXIT_USAGE);
}
