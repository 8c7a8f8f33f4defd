/*
 * edge/options.h - one way to read a command line.
 *
 * A command is a table of options. --help prints usage, purpose and the table and
 * asks the caller to exit with EXIT_YES; anything unknown, repeated or missing is
 * one RC_USAGE message that says what to write. "--name value" and "--name=value".
 */
#ifndef EDGE_OPTIONS_H
#define EDGE_OPTIONS_H

#include "base/bytes.h"

#define OPTION_VALUES_MAX	1024	/* of one repeated option */

enum option_kind {
	OPTION_FLAG,		/* bool *, becomes true */
	OPTION_TEXT,		/* const char **, at most once */
	OPTION_TEXTS,		/* struct texts *, any number of times */
	OPTION_NUMBER,		/* uint64_t *, decimal, at most once */
	OPTION_NEEDED = 0x100,	/* or-ed in: must be there */
};

struct texts { size_t n; const char *v[OPTION_VALUES_MAX]; };

struct option_row {
	const char	*name;		/* without dashes; "o" is -o */
	int		 kind;
	void		*to;
	const char	*value;		/* "FILE", for --help; NULL for flags */
	const char	*help;
};

struct command {
	const char		*usage;		/* "quorate seal --policy ID --part NAME=FILE ..." */
	const char		*purpose;	/* a sentence or three */
	const struct option_row	*row;
	size_t			 n_rows;
};

/*
 * argv[0] is the command's own word. Positional words go to `positional`, at least
 * min and at most max of them. *ret_help: --help was asked and has been printed.
 */
MUST_USE enum rc options_read(const struct command *c, int argc, char **argv, const char **positional,
    size_t min, size_t max, size_t *ret_n, bool *ret_help, struct err *err);

#endif
