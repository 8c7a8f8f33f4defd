#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

enum rc
err_set(struct err *err, enum rc rc, const char *fmt, ...)
{
	va_list	ap;

	if (err == NULL)
		return rc;
	err->rc = rc;
	va_start(ap, fmt);
	if (vsnprintf(err->msg, sizeof(err->msg), fmt, ap) < 0)
		err->msg[0] = '\0';
	va_end(ap);
	return rc;
}

enum rc
err_wrap(struct err *err, enum rc rc, const char *fmt, ...)
{
	char	context[ERR_MSG_BYTES], was[ERR_MSG_BYTES];
	size_t	n, room;
	va_list	ap;

	if (err == NULL)
		return rc;
	va_start(ap, fmt);
	if (vsnprintf(context, sizeof(context), fmt, ap) < 0)
		context[0] = '\0';
	va_end(ap);
	memcpy(was, err->msg, sizeof(was));
	was[sizeof(was) - 1] = '\0';
	err->rc = rc;

	/* By hand: a cut is wanted here, and -Wformat-truncation would object. */
	n = strlen(context);
	memcpy(err->msg, context, n + 1);
	if (was[0] == '\0' || n + 3 >= sizeof(err->msg))
		return rc;
	memcpy(err->msg + n, ": ", 2);
	n += 2;
	room = sizeof(err->msg) - 1 - n;
	if (room > strlen(was))
		room = strlen(was);
	memcpy(err->msg + n, was, room);
	err->msg[n + room] = '\0';
	return rc;
}

const char *
rc_name(enum rc rc)
{
	switch (rc) {
	case RC_OK:		return "ok";
	case RC_FORMAT:		return "format";
	case RC_VERIFY:		return "verify";
	case RC_DENIED:		return "denied";
	case RC_QUORUM:		return "quorum";
	case RC_MISSING:	return "missing";
	case RC_LIMIT:		return "limit";
	case RC_NOMEM:		return "nomem";
	case RC_IO:		return "io";
	case RC_UNSURE:		return "unsure";
	case RC_USAGE:		return "usage";
	case RC_BUG:		return "bug";
	}
	return "unknown";
}
