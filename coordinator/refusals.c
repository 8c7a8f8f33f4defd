/* coordinator/refusals.c - releases that came to nothing after their order was logged. */
#include <stdio.h>
#include <string.h>

#include "coordinator/refusals.h"

static struct refusal *
row_of(struct refusals *r, const uint8_t request[SHA256_BYTES])
{
	size_t	i;

	for (i = 0; i < REFUSALS_MAX; i++)
		if (r->row[i].until != 0 && memcmp(r->row[i].request, request, SHA256_BYTES) == 0)
			return &r->row[i];
	return NULL;
}

static struct refusal *
new_row(struct refusals *r, const uint8_t request[SHA256_BYTES])
{
	struct refusal	*first = &r->row[0];
	size_t		 i;

	for (i = 1; i < REFUSALS_MAX; i++)
		if (r->row[i].until < first->until)
			first = &r->row[i];
	memset(first, 0, sizeof(*first));
	memcpy(first->request, request, SHA256_BYTES);
	return first;
}

void
refusals_put(struct refusals *r, const uint8_t request[SHA256_BYTES], const struct err *err,
    const char *why, uint64_t now_ms)
{
	struct refusal	*row = row_of(r, request);
	uint64_t	 ms = err->rc == RC_DENIED ? REFUSED_MS : FAILED_MS;

	if (row == NULL)
		row = new_row(r, request);
	/* Long over: it begins anew. */
	if (row->times == 0 || now_ms > row->until + REFUSED_MS * REFUSALS_TIMES)
		row->times = 1;
	else if (row->times < REFUSALS_TIMES)
		row->times *= 2;
	row->until = now_ms + ms * row->times;
	row->err = *err;
	(void)snprintf(row->why, sizeof(row->why), "%s", why);
}

void
refusals_forget(struct refusals *r, const uint8_t request[SHA256_BYTES])
{
	struct refusal	*row = row_of(r, request);

	if (row != NULL)
		memset(row, 0, sizeof(*row));
}

const struct refusal *
refusals_find(const struct refusals *r, const uint8_t request[SHA256_BYTES], uint64_t now_ms)
{
	size_t	i;

	for (i = 0; i < REFUSALS_MAX; i++)
		if (r->row[i].until > now_ms && memcmp(r->row[i].request, request, SHA256_BYTES) == 0)
			return &r->row[i];
	return NULL;
}
