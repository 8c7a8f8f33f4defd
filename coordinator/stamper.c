/* coordinator/stamper.c - time-stamps for a package that is being made. */
#include "coordinator/cosigning.h"
#include "coordinator/stamper.h"
#include "edge/tsa.h"

static bool
stopping(void *coordinator)
{
	return cosigning_woken(((struct coordinator *)coordinator)->cosigning);
}

enum rc
stamper_stamp(void *user, const uint8_t imprint[SHA256_BYTES], struct buf *token, struct err *err)
{
	struct stamper	*s = user;
	size_t		 which;

	if (s->charter->n_tsas == 0)
		return err_set(err, RC_MISSING, "the charter lists no time-stamping authority");
	return tsa_stamp(s->charter->tsa, s->charter->n_tsas, imprint, stopping, s->c, token, &which, err);
}
