/* coordinator/begun.c - see coordinator/begun.h. */
#include <string.h>

#include "coordinator/begun.h"

#define MARK	"quorate log begun"

/* Its owner is the log: the first bytes of the genesis. RC_FORMAT: this token keeps no marks. */
static enum rc
is_marked(const struct coordinator *c, bool *ret, struct err *err)
{
	struct hsm_mark	m[HSM_MARKS_MAX];
	size_t		n, i;

	*ret = false;
	TRY(hsm_mark_read(c->hsm, MARK, m, &n, err));
	for (i = 0; i < n; i++)
		if (m[i].n == SHA256_BYTES && memcmp(m[i].bytes, c->genesis, SHA256_BYTES) == 0)
			*ret = true;
	return RC_OK;
}

enum rc
begun_check(const struct coordinator *c, struct err *err)
{
	bool	marked;
	enum rc	rc = is_marked(c, &marked, err);

	if (rc == RC_FORMAT)
		return RC_OK;
	TRY(rc);
	if (!marked)
		return RC_OK;
	return err_set(err, RC_USAGE, "%s/log.db is not here, but the log was begun under this token's key: to begin it "
	    "again would be a second past; make it from a copy: coordinatord rebuild %s --from EXPORT", c->dir, c->dir);
}

enum rc
begun_mark(const struct coordinator *c, struct err *err)
{
	bool	marked;
	enum rc	rc = is_marked(c, &marked, err);

	if (rc == RC_OK && !marked)
		rc = hsm_mark_write(c->hsm, MARK, SPAN_OF(c->genesis), true, err);
	if (rc != RC_FORMAT)
		return rc;
	log_line("the token keeps no marks: nothing but log.db shows that this log was begun; never start without it");
	return RC_OK;
}
