/*
 * cli/report_opening.c - what recipients said when they opened what they were given.
 *
 * Apply looks at the form of an opening note alone, so that replicas cannot part over an
 * X.509 library (docs/spec/opening-v1.md). Here its signature is judged. That a custodian
 * contributed wrongly is the recipient's word: in recipient mode nobody else can tell.
 */
#include <string.h>

#include "cli/report_impl.h"
#include "evidence/opening.h"

static enum rc
judge(struct walk *w, struct report_opening *o, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(OPENING_BYTES_MAX);
	AUTO_DONE(opening_done) struct opening said = { .part = NULL };
	uint8_t		certificate[SHA256_BYTES];	/* apply held it against the request */
	struct err	why = { RC_OK, "" };
	enum rc		rc;

	TRY(w->r->source->blob(w->r->source->user, o->note, &b, err));
	rc = opening_verify_own(buf_view(&b), &said, certificate, &why);
	if (rc == RC_NOMEM || rc == RC_BUG) {
		*err = why;
		return rc;
	}
	if (rc != RC_OK)
		return report_find(w->r, FINDING_OPENING_BAD, w->index, err, "the recipient's opening note does not hold: %.160s",
		    why.msg);
	o->good = true;
	o->opened = said.opened;
	return RC_OK;
}

enum rc
report_opening(struct walk *w, struct err *err)
{
	struct report		*r = w->r;
	struct report_opening	*o = report_more(&r->opening, &r->n_openings, &r->cap_openings, sizeof(*o));
	const struct person	*p = charter_person_by_key(w->charter, w->s.signer);
	unsigned		 i;

	if (o == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	memcpy(o->order, w->s.subject, sizeof(o->order));
	memcpy(o->note, w->s.u.acknowledgement.opening, sizeof(o->note));
	o->index = w->index;
	o->bad = w->s.u.acknowledgement.bad;
	(void)snprintf(o->person, sizeof(o->person), "%s", p == NULL ? "nobody" : p->id);
	TRY(judge(w, o, err));
	for (i = 0; o->good && i < w->charter->n; i++)
		if ((o->bad >> i & 1) != 0)
			TRY(report_find(r, FINDING_RECIPIENT_WRONG, w->index, err, "the recipient says that custodian %u, %s, gave "
			    "a wrong contribution", i + 1, w->charter->custodian[i].name));
	return RC_OK;
}
