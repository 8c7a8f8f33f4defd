/* coordinator/main.c - coordinatord: which command, with which options. */
#include <stdio.h>
#include <string.h>

#include "coordinator/coordinator.h"
#include "coordinator/tiles_child.h"
#include "coordinator/worker.h"
#include "edge/options.h"

static const char	usage[] =
"usage: coordinatord init DIR --organisation O --origin ORIGIN --address HOST:PORT\n"
"                         --module SO --token LABEL --pin-file FILE\n"
"       coordinatord enroll DIR --charter charter.json\n"
"       coordinatord run DIR\n"
"\n"
"The coordinator of a Quorate network: it orders the log, keeps the envelopes and\n"
"makes evidence packages. Each command has --help.\n";

static int
say_usage(const struct err *err)
{
	log_line("%s", err->msg);
	return exit_code(err->rc);
}

static int
main_init(int argc, char **argv)
{
	struct init_options	o;
	const struct option_row	rows[] = {
		{ "organisation", OPTION_TEXT | OPTION_NEEDED, &o.organisation, "NAME",
		    "who runs this coordinator" },
		{ "origin", OPTION_TEXT | OPTION_NEEDED, &o.origin, "ORIGIN",
		    "the log's name: log.example.org/quorate" },
		{ "address", OPTION_TEXT | OPTION_NEEDED, &o.address, "HOST:PORT",
		    "where it listens" },
		{ "tiles", OPTION_TEXT, &o.tiles, "HOST:PORT",
		    "where all may read the log, over HTTP" },
		{ "module", OPTION_TEXT | OPTION_NEEDED, &o.module, "SO",
		    "the token's PKCS#11 module" },
		{ "module-args", OPTION_TEXT, &o.module_args, "TEXT",
		    "what the module wants at its start" },
		{ "token", OPTION_TEXT, &o.token, "LABEL", "the token's label, or" },
		{ "uri", OPTION_TEXT, &o.uri, "URI", "its PKCS#11 URI" },
		{ "pin-file", OPTION_TEXT | OPTION_NEEDED, &o.pin_file, "FILE",
		    "a file that holds the PIN, mode 0600" },
	};
	const struct command	c = {
		"coordinatord init DIR --organisation O ...",
		"Makes the coordinator's keys in a token, its TLS identity, and\n"
		"DIR/enrolment.json, the public part, for the charter.",
		rows, sizeof(rows) / sizeof(rows[0])
	};
	struct err	err;
	size_t		n;
	bool		help;

	memset(&o, 0, sizeof(o));
	if (options_read(&c, argc, argv, &o.dir, 1, 1, &n, &help, &err) != RC_OK)
		return say_usage(&err);
	return help ? EXIT_YES : command_init(&o);
}

static int
main_enroll(int argc, char **argv)
{
	const char		*dir = NULL, *charter = NULL;
	const struct option_row	rows[] = {
		{ "charter", OPTION_TEXT | OPTION_NEEDED, &charter, "FILE",
		    "charter.json; FILE.dsse stands beside it" },
	};
	const struct command	c = {
		"coordinatord enroll DIR --charter charter.json",
		"Checks that the charter names this coordinator and that every custodian\n"
		"and amender has signed it, prints the genesis, and takes it over.",
		rows, sizeof(rows) / sizeof(rows[0])
	};
	struct err	err;
	size_t		n;
	bool		help;

	if (options_read(&c, argc, argv, &dir, 1, 1, &n, &help, &err) != RC_OK)
		return say_usage(&err);
	return help ? EXIT_YES : command_enroll(dir, charter);
}

static int
main_run(int argc, char **argv)
{
	const char		*dir = NULL;
	const struct command	 c = {
		"coordinatord run DIR",
		"Serves in the foreground until SIGTERM; says \"ready\" when it does.",
		NULL, 0
	};
	struct err	err;
	size_t		n;
	bool		help;

	if (options_read(&c, argc, argv, &dir, 1, 1, &n, &help, &err) != RC_OK)
		return say_usage(&err);
	return help ? EXIT_YES : command_run(dir);
}

static int
coordinatord(int argc, char **argv)
{
	static const struct {
		const char	*name;
		int		(*run)(int argc, char **argv);
	} commands[] = {
		{ "init", main_init },
		{ "enroll", main_enroll },
		{ "run", main_run },
		{ WORKER_COMMAND, worker_main },	/* started by run, never by people */
		{ TILES_COMMAND, tiles_main },		/* likewise */
	};
	size_t	i;

	log_name("coordinatord", NULL);
	if (argc < 2 || strcmp(argv[1], "--help") == 0) {
		(void)fputs(usage, argc < 2 ? stderr : stdout);
		return argc < 2 ? EXIT_USAGE : EXIT_YES;
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	log_line("no such command: %.60s (see coordinatord --help)", argv[1]);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	process_end(coordinatord(argc, argv));
}
