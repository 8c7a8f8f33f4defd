/* coordinator/stamper.c - time-stamps for a package that is being made. */
#include <stdio.h>

#include "coordinator/cosigning.h"
#include "coordinator/stamper.h"
#include "edge/edge.h"
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
	struct err	 why;
	enum rc		 rc;

	if (s->charter->n_tsas == 0) {
		(void)snprintf(s->words, sizeof(s->words), "the charter lists no time-stamping authority");
		return err_set(err, RC_MISSING, "%s", s->words);
	}
	rc = tsa_stamp(s->charter->tsa, s->charter->n_tsas, imprint, stopping, s->c, token, &which, &why);
	if (rc == RC_OK) {
		s->n++;
		return RC_OK;
	}
	if (rc == RC_MISSING) {
		log_err(&why, "a package goes without a time-stamp");
		(void)snprintf(s->words, sizeof(s->words), "%.*s", (int)sizeof(s->words) - 1, why.msg);
		(void)text_clean_str(s->words);	/* cut, perhaps inside a letter */
	}
	return err_set(err, rc, "%s", why.msg);
}
