/* Charters: whatever else a document says, the arithmetic of one that parses is sound. */
#include "policy/charter.h"
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct charter	*c = NULL;

	if (charter_parse(SPAN(data, size), &c, NULL) != RC_OK)
		return 0;
	PROMISE(c->n >= c->k && c->n <= CUSTODIANS_MAX && c->k >= 2);
	PROMISE(c->f < c->k && c->q >= c->k && c->q <= c->n - c->f);
	PROMISE(2 * c->q > c->n + c->f && c->q + c->k > c->n + c->f && c->h >= c->q && c->h <= c->n);
	PROMISE(c->n_people <= PEOPLE_MAX && c->n_hosts <= HOSTS_MAX);
	PROMISE(span_eq(buf_view(&c->bytes), SPAN(data, size)));
	charter_free(c);
	return 0;
}
