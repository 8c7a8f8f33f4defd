/* edge/edge.c - clock, exit codes, the log line, process hardening. */
#include <sys/prctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "edge/edge.h"

_Noreturn void
process_end(int code)
{
	(void)fflush(NULL);
	_exit(code);
}

int
exit_code(enum rc rc)
{
	switch (rc) {
	case RC_OK:
		return EXIT_YES;
	case RC_FORMAT:
	case RC_VERIFY:
	case RC_DENIED:
	case RC_QUORUM:
	case RC_MISSING:
		return EXIT_NO;
	case RC_UNSURE:
	case RC_BUG:
		return EXIT_UNSURE;
	case RC_USAGE:
		return EXIT_USAGE;
	case RC_LIMIT:
	case RC_NOMEM:
	case RC_IO:
		return EXIT_IO;
	}
	return EXIT_UNSURE;
}

when
clock_now(void)
{
	struct timespec	ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0 || ts.tv_sec < 0)
		return 0;	/* before everything: release rules then refuse */
	return (when)ts.tv_sec;
}

uint64_t
clock_ms(void)
{
	struct timespec	ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);	/* cannot fail on Linux */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static char	log_who[160] = "quorate";

void
log_name(const char *program, const char *instance)
{
	if (instance == NULL)
		(void)snprintf(log_who, sizeof(log_who), "%s", program);
	else
		(void)snprintf(log_who, sizeof(log_who), "%s[%s]", program, instance);
}

void
log_line(const char *fmt, ...)
{
	char	words[1024], text[WHEN_TEXT_BYTES];
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	(void)text_clean_str(words);	/* a peer may have got something into it */
	/* One write each, so that lines of threads do not mix. */
	(void)dprintf(2, "%s %s: %s\n", when_write(clock_now(), text), log_who, words);
}

void
log_err(const struct err *err, const char *fmt, ...)
{
	char	words[512];
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	log_line("%s: %s (%s)", words, err->msg, rc_name(err->rc));
}

bool
log_may(struct log_quota *q, unsigned max, uint64_t ms, uint64_t now_ms)
{
	unsigned	unsaid = 0;

	if (q->n == 0 || now_ms - q->since >= ms) {
		unsaid = q->n > max ? q->n - max : 0;
		q->n = 0;
		q->since = now_ms;
	}
	if (unsaid != 0)
		log_line("%u more lines like the next were left out", unsaid);
	if (q->n < UINT_MAX)
		q->n++;
	return q->n <= max;
}

enum rc
close_inherited(struct err *err)
{
	if (close_range(3, ~0u, 0) != 0)
		return err_set(err, RC_IO, "cannot close what it inherited: %s", strerror(errno));
	return RC_OK;
}

enum rc
harden(struct err *err)
{
	struct rlimit	none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(err, RC_IO, "cannot turn core dumps and new privileges off: %s",
		    strerror(errno));
	return RC_OK;
}
