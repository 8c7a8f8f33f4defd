/* custodian/health.c - what whoever relies on this custodian should know about it. */
#include <stdio.h>
#include <string.h>

#include "custodian/custody.h"
#include "proto/quorate.pb-c.h"

#define OWED_MAX	1000	/* it stops contributing long before */

static enum rc
on_owed(void *user, struct span key, struct span value, struct err *err)
{
	uint32_t	*n = user;

	(void)key;
	(void)value;
	(void)err;
	(*n)++;
	return RC_OK;
}

#define TOKENLESS	"its token does not answer, or is another one: see its log"

/* The sentence with which it would refuse whatever it is asked for; "" when it would not. */
static enum rc
doubt(struct custody *c, when now, char **ret, struct err *err)
{
	enum rc	rc = custody_willing(c, now, err);

	c->doubt[0] = '\0';
	if (rc == RC_DENIED || rc == RC_UNSURE)
		memcpy(c->doubt, c->words, sizeof(c->doubt));
	else
		TRY(rc);
	if (c->doubt[0] == '\0' && c->steps.tokenless)
		(void)snprintf(c->doubt, sizeof(c->doubt), "%s", TOKENLESS);
	c->words[0] = '\0';	/* nobody was refused anything */
	*ret = c->doubt;
	return RC_OK;
}

/* Is the token back? No call may come that would find out: whoever says so is asked for nothing. */
static enum rc
look_for_token(struct custody *c, when now, struct err *err)
{
	if (!c->steps.tokenless || c->steps.tried == now)
		return RC_OK;
	c->steps.tried = now;
	return steps_mark(c, err) == RC_BUG ? RC_BUG : RC_OK;
}

enum rc
health_fill(struct custody *c, when now, Quorate__V1__Health *h, struct err *err)
{
	quorate__v1__health__init(h);
	TRY(check_waiting(c, &h->unchecked, err));
	TRY(handed_count(c, &h->handed, &h->oldest, err));
	TRY(store_journal_each(c->store, JOURNAL_RECEIPT, SPAN(NULL, 0), OWED_MAX, on_owed, &h->owed, err));
	TRY(look_for_token(c, now, err));
	TRY(doubt(c, now, &h->doubt, err));	/* looks whether it is ready by now */
	h->ready = c->comparing.ready;
	h->clock = now;
	return RC_OK;
}
