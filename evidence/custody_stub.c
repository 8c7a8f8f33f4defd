/* Until evidence/custody.c is here: delete this file with it. */
#include "evidence/custody.h"

enum rc
custody_case(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err)
{
	(void)e;
	(void)c;
	buf_printf(out, "{}\n");
	return buf_check(out, "custody", err);
}

enum rc
custody_prov(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err)
{
	return custody_case(e, c, out, err);
}
