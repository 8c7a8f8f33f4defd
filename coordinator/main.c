/* coordinator/main.c - coordinatord: which command, with which options. */
#include <stdio.h>
#include <string.h>

#include "coordinator/coordinator.h"
#include "coordinator/tiles_child.h"
#include "coordinator/worker.h"
#include "edge/options.h"

static const char	usage[] =
"usage: coordinatord init DIR --organisation O --origin ORIGIN --address HOST:PORT\n"
"                         [--tiles HOST:PORT]\n"
"                         --module SO --token LABEL --pin-file FILE\n"
"       coordinatord enroll DIR --charter charter.json\n"
"       coordinatord run DIR\n"
"       coordinatord rebuild DIR --from EXPORT\n"
"       coordinatord envelopes DIR\n"
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
main_rebuild(int argc, char **argv)
{
	struct rebuild_options	o;
	const struct option_row	rows[] = {
		{ "from", OPTION_TEXT | OPTION_NEEDED, &o.from, "FOLDER",
		    "a copy of the log: custodiand export, quorate log export" },
		{ "blobs", OPTION_TEXT, &o.blobs, "FOLDER", "its fixed blobs; default: FOLDER.blobs" },
		{ "charter", OPTION_TEXT, &o.charter, "FILE",
		    "the genesis charter.json, where DIR is not enrolled" },
		{ "succession", OPTION_TEXT, &o.succession, "FILE",
		    "the new charter; FILE.dsse is signed by the amenders and q custodians" },
	};
	const struct command	c = {
		"coordinatord rebuild DIR --from FOLDER",
		"Makes the log anew on an empty disk: DIR was made by coordinatord init on the\n"
		"token that survived, or on a new one, which a succession names then. Every entry\n"
		"is replayed from the genesis.",
		rows, sizeof(rows) / sizeof(rows[0])
	};
	struct err	err;
	size_t		n;
	bool		help;

	memset(&o, 0, sizeof(o));
	if (options_read(&c, argc, argv, &o.dir, 1, 1, &n, &help, &err) != RC_OK)
		return say_usage(&err);
	return help ? EXIT_YES : command_rebuild(&o);
}

static int
main_envelopes(int argc, char **argv)
{
	const char		*dir = NULL;
	const struct command	 c = {
		"coordinatord envelopes DIR",
		"Which artifacts of the log have no envelope in DIR/envelopes. Exit code 1: some.",
		NULL, 0
	};
	struct err	err;
	size_t		n;
	bool		help;

	if (options_read(&c, argc, argv, &dir, 1, 1, &n, &help, &err) != RC_OK)
		return say_usage(&err);
	return help ? EXIT_YES : command_envelopes(dir);
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
		{ "rebuild", main_rebuild },
		{ "envelopes", main_envelopes },
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
