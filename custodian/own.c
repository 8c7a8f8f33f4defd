/* custodian/own.c - what only this custodian knows: its clock, what was handed to it, when things came. */
#include <stdlib.h>
#include <string.h>

#include "custodian/custody.h"

void
own_done(struct own *o)
{
	free(o->list);
	memset(o, 0, sizeof(*o));
}

enum rc
own_of(struct custody *c, when now, struct own *ret, struct err *err)
{
	AUTO_DONE(own_done) struct own	o;

	memset(&o, 0, sizeof(o));
	o.view = (struct own_view){ .now = now, .arrived = custody_arrived, .user = c };
	TRY(handed_objections(c, &o.list, &o.view.n_objections, err));
	TRY(custody_cosigned_size(c, &o.view.cosigned_size, err));
	o.view.floor = c->steps.restored ? c->steps.since : 0;
	o.view.objection = o.list;
	*ret = o;
	o.list = NULL;
	return RC_OK;
}
