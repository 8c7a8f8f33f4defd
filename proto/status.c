#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "proto/inner.h"

/*
 * The one table of codes on the wire. RC_VERIFY looks like RC_FORMAT: which of
 * the two it was would tell a forger how far they came.
 */
static const struct {
	enum rc			 rc;
	grpc_status_code	 status;
	const char		*words;
} table[] = {
	{ RC_OK,	GRPC_STATUS_OK,			"" },
	{ RC_FORMAT,	GRPC_STATUS_INVALID_ARGUMENT,	"not a valid request" },
	{ RC_VERIFY,	GRPC_STATUS_INVALID_ARGUMENT,	"not a valid request" },
	{ RC_DENIED,	GRPC_STATUS_PERMISSION_DENIED,	"denied" },
	{ RC_QUORUM,	GRPC_STATUS_FAILED_PRECONDITION, "no quorum yet" },
	{ RC_MISSING,	GRPC_STATUS_NOT_FOUND,		"no such thing here" },
	{ RC_LIMIT,	GRPC_STATUS_RESOURCE_EXHAUSTED,	"a limit was reached" },
	{ RC_NOMEM,	GRPC_STATUS_RESOURCE_EXHAUSTED,	"no memory left" },
	{ RC_IO,	GRPC_STATUS_ABORTED,		"failed inside, try again" },
	{ RC_UNSURE,	GRPC_STATUS_UNAVAILABLE,	"not known yet, ask again" },
	{ RC_USAGE,	GRPC_STATUS_INVALID_ARGUMENT,	"not a valid request" },
	{ RC_BUG,	GRPC_STATUS_INTERNAL,		"failed inside" },
};

grpc_status_code
status_of(enum rc rc)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].rc == rc)
			return table[i].status;
	return GRPC_STATUS_INTERNAL;
}

const char *
status_words(enum rc rc)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].rc == rc)
			return table[i].words;
	return "failed inside";
}

/*
 * What a caller can conclude. A peer's bug is not ours: RC_BUG would stop us.
 * What the library says of a broken connection leaves open what the peer did.
 */
enum rc
status_rc(grpc_status_code status)
{
	switch (status) {
	case GRPC_STATUS_OK:
		return RC_OK;
	case GRPC_STATUS_INVALID_ARGUMENT:
	case GRPC_STATUS_OUT_OF_RANGE:
		return RC_FORMAT;
	case GRPC_STATUS_PERMISSION_DENIED:
	case GRPC_STATUS_UNAUTHENTICATED:
		return RC_DENIED;
	case GRPC_STATUS_FAILED_PRECONDITION:
		return RC_QUORUM;
	case GRPC_STATUS_NOT_FOUND:
		return RC_MISSING;
	case GRPC_STATUS_RESOURCE_EXHAUSTED:
		return RC_LIMIT;
	case GRPC_STATUS_UNIMPLEMENTED:
		return RC_USAGE;
	case GRPC_STATUS_UNAVAILABLE:
	case GRPC_STATUS_DEADLINE_EXCEEDED:
	case GRPC_STATUS_CANCELLED:
		return RC_UNSURE;
	case GRPC_STATUS_UNKNOWN:
	case GRPC_STATUS_ALREADY_EXISTS:
	case GRPC_STATUS_ABORTED:
	case GRPC_STATUS_INTERNAL:
	case GRPC_STATUS_DATA_LOSS:
	case GRPC_STATUS__DO_NOT_USE:
		return RC_IO;
	}
	return RC_IO;
}

void
plain_text(char *out, size_t size, struct span in)
{
	size_t	n = in.n < size - 1 ? in.n : size - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = in.p[i] >= 0x20 && in.p[i] < 0x7f ? (char)in.p[i] : '?';
	out[n] = '\0';
}

struct span
slice_span(const grpc_slice *s)
{
	return SPAN(GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s));
}

static bool
port_is_good(const char *text, bool zero_ok)
{
	unsigned long	port = 0;
	size_t		n = strlen(text);

	if (n < 1 || n > 5 || strspn(text, "0123456789") != n ||
	    (n > 1 && text[0] == '0'))
		return false;
	for (size_t i = 0; i < n; i++)
		port = port * 10 + (unsigned long)(text[i] - '0');
	return port <= 65535 && (port != 0 || zero_ok);
}

/*
 * Checked here and not by the library, which would take "unix:/path",
 * "xds:///name" or a list of addresses as well.
 */
enum rc
address_parse(const char *text, bool port_zero_ok, char ret_target[RPC_ADDRESS_MAX + 16],
    struct err *err)
{
	static const char	hosts[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-";
	const char		*colon;
	size_t			 n;
	bool			 good;

	if (text == NULL || strlen(text) > RPC_ADDRESS_MAX)
		return err_set(err, RC_USAGE, "address: missing or too long");
	colon = strrchr(text, ':');
	n = colon == NULL ? 0 : (size_t)(colon - text);
	if (n > 2 && text[0] == '[' && text[n - 1] == ']')
		good = strspn(text + 1, "0123456789abcdefABCDEF:.") == n - 2;
	else
		good = n > 0 && strspn(text, hosts) == n;
	if (!good || !port_is_good(colon + 1, port_zero_ok)) {
		char	shown[80];

		plain_text(shown, sizeof(shown), span_str(text));
		return err_set(err, RC_USAGE, "address \"%s\" is not host:port", shown);
	}
	snprintf(ret_target, RPC_ADDRESS_MAX + 16, "dns:///%s", text);
	return RC_OK;
}
