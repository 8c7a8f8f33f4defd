/* cli/cli.c - what the commands share: JSON answers, prompts, ids. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/cli.h"

#define ANSWER_MAX	128	/* bytes of a PIN or passphrase */

bool	cli_json, cli_answered;

void
cli_say(const char *fmt, ...)
{
	char	*text = NULL;
	va_list	 ap;
	int	 n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		puts("(no memory for what belongs here)");
		return;
	}
	text_clean((uint8_t *)text, (size_t)n, true);
	(void)fwrite(text, 1, (size_t)n, stdout);	/* main() looks at the stream */
	free(text);
}

enum rc
cli_print_json(json_t *o, struct err *err)
{
	char	*text = o == NULL ? NULL : json_dumps(o, JSON_INDENT(2) | JSON_ENSURE_ASCII);

	json_decref(o);
	if (text == NULL)
		return err_set(err, RC_NOMEM, "no memory for the answer");
	puts(text);
	free(text);
	cli_answered = true;
	return RC_OK;
}

json_t *
json_text(const char *s)
{
	char	*copy = strdup(s);
	json_t	*v = copy == NULL ? NULL : json_string(text_clean_str(copy));

	free(copy);
	return v;
}

json_t *
json_hex(struct span bytes)
{
	char	*text = malloc(HEX_BYTES(bytes.n));
	json_t	*v = text == NULL ? NULL : json_string(hex_write(bytes, text));

	free(text);
	return v;
}

static volatile sig_atomic_t	interrupted;

static void
on_interrupt(int sig)
{
	interrupted = sig;
}

/* A line without echo, which comes back whatever ends the question. Its length. */
static size_t
read_quietly(int fd, const struct termios *old, const char *what, uint8_t *out)
{
	static const int	sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	struct sigaction	before[5], sa = { .sa_handler = on_interrupt };
	struct termios		quiet = *old;
	size_t			n = 0, i;
	char			c = 0;

	interrupted = 0;
	for (i = 0; i < 5; i++)
		(void)sigaction(sigs[i], &sa, &before[i]);
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)tcsetattr(fd, TCSAFLUSH, &quiet);
	(void)dprintf(fd, "PIN or passphrase of %s: ", what);
	while (interrupted == 0 && n < ANSWER_MAX && read(fd, &c, 1) == 1 && c != '\n')
		out[n++] = (uint8_t)c;
	wipe(&c, sizeof(c));
	(void)tcsetattr(fd, TCSAFLUSH, old);
	(void)dprintf(fd, "\n");
	for (i = 0; i < 5; i++)
		(void)sigaction(sigs[i], &before[i], NULL);
	if (interrupted != 0) {
		wipe(out, n);
		(void)raise(interrupted);
		return 0;
	}
	return n;
}

enum rc
cli_prompt(void *user, const char *what, struct secret **ret, struct err *err)
{
	AUTO(secret_free) struct secret *line = secret_new(ANSWER_MAX), *out = NULL;
	struct termios	old;
	int		fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	size_t		n;

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
	n = read_quietly(fd, &old, what, secret_bytes(line));
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
