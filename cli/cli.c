/* cli/cli.c - what the commands share: JSON answers, prompts, ids. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"

#define ANSWER_MAX	128	/* bytes of a PIN or passphrase */

bool	cli_json;

enum rc
cli_print_json(json_t *o, struct err *err)
{
	char	*text = o == NULL ? NULL : json_dumps(o, JSON_INDENT(2));

	json_decref(o);
	if (text == NULL)
		return err_set(err, RC_NOMEM, "no memory for the answer");
	puts(text);
	free(text);
	return RC_OK;
}

json_t *
json_hex(struct span bytes)
{
	char	*text = malloc(HEX_BYTES(bytes.n));
	json_t	*v = text == NULL ? NULL : json_string(hex_write(bytes, text));

	free(text);
	return v;
}

enum rc
cli_prompt(void *user, const char *what, struct secret **ret, struct err *err)
{
	AUTO(secret_free) struct secret *line = secret_new(ANSWER_MAX), *out = NULL;
	struct termios	old, quiet;
	int		fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	size_t		n = 0;
	char		c = 0;

	(void)user;
	if (fd < 0 || tcgetattr(fd, &old) != 0) {
		if (fd >= 0)
			(void)close(fd);
		return err_set(err, RC_USAGE, "%s wants a PIN or passphrase and there is no terminal to ask on; "
		    "add ?pin-source=FILE to the URI", what);
	}
	if (line == NULL) {
		(void)close(fd);
		return err_set(err, RC_NOMEM, "no locked memory");
	}
	quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(fd, TCSAFLUSH, &quiet);
	(void)dprintf(fd, "PIN or passphrase of %s: ", what);
	while (n < ANSWER_MAX && read(fd, &c, 1) == 1 && c != '\n')
		secret_bytes(line)[n++] = (uint8_t)c;
	wipe(&c, sizeof(c));
	(void)tcsetattr(fd, TCSAFLUSH, &old);
	(void)dprintf(fd, "\n");
	(void)close(fd);
	if (n == 0 || n == ANSWER_MAX)
		return err_set(err, RC_USAGE, "%s: no PIN or passphrase given, or one of over %d bytes", what,
		    ANSWER_MAX - 1);
	if ((out = secret_new(n)) == NULL)
		return err_set(err, RC_NOMEM, "no locked memory");
	memcpy(secret_bytes(out), secret_view(line), n);
	*ret = TAKE(out);
	return RC_OK;
}

enum rc
cli_key(const char *path_or_uri, struct keyfile **ret, struct err *err)
{
	return keyfile_open(path_or_uri, cli_prompt, NULL, ret, err);
}

enum rc
cli_id(const char *text, uint8_t *ret, size_t n, const char *what, struct err *err)
{
	if (hex_parse(span_str(text), ret, n))
		return RC_OK;
	return err_set(err, RC_USAGE, "\"%.70s\" is not the id of %s: %zu lower-case hex digits", text, what, 2 * n);
}

char *
size_text(uint64_t n, char out[24])
{
	static const char *const	unit[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double				v = (double)n;
	size_t				u = 0;

	while (v >= 1024 && u + 1 < sizeof(unit) / sizeof(unit[0])) {
		v /= 1024;
		u++;
	}
	(void)snprintf(out, 24, "%.*f %s", u == 0 ? 0 : 1, v, unit[u]);
	return out;
}
