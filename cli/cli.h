/*
 * cli/cli.h - quorate: commands, what they share, how they answer.
 *
 * A command is a function of its words. It prints either sentences or, with
 * --json, one object; failures go through err and end in one line on stderr
 * and an exit code of edge/edge.h. Nothing here decides: policy/ does, and what
 * a server says is checked against the charter in hand before it is believed.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "edge/edge.h"
#include "edge/file.h"
#include "edge/options.h"

typedef enum rc command_fn(int argc, char **argv, struct err *err);

command_fn	cmd_keygen, cmd_charter, cmd_seal, cmd_status, cmd_list, cmd_request, cmd_show,
		cmd_approve, cmd_deny, cmd_withdraw, cmd_revoke, cmd_release, cmd_verify,
		cmd_open, cmd_acknowledge, cmd_audit, cmd_log, cmd_package;

/* The row every command has. */
extern bool	cli_json;
extern bool	cli_answered;	/* the one object has been printed */
#define JSON_ROW	{ "json", OPTION_FLAG, &cli_json, NULL, "print one JSON object" }

/* Words for people, to standard output: what others chose among them is made fit for a terminal. */
void	 cli_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints and releases o (NULL: RC_NOMEM). */
MUST_USE enum rc cli_print_json(json_t *o, struct err *err);
/* A string value of any bytes, as for a terminal; NULL: no memory. */
json_t	*json_text(const char *s);
/* A hex string value; NULL: no memory. */
json_t	*json_hex(struct span bytes);

/* Asks on the terminal, without echo. RC_USAGE: there is none. */
enum rc	 cli_prompt(void *user, const char *what, struct secret **ret, struct err *err);
/* A key file or PKCS#11 URI, with that prompt. */
MUST_USE enum rc cli_key(const char *path_or_uri, struct keyfile **ret, struct err *err);

/* Hex ids on the command line; RC_USAGE says what was expected. */
MUST_USE enum rc cli_id(const char *text, uint8_t *ret, size_t n, const char *what, struct err *err);

/* "12.3 MiB" in a static buffer of the caller. */
char	*size_text(uint64_t n, char out[24]);

#endif
