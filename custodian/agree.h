/*
 * custodian/agree.h - `custodiand agree`, and the successor of the coordinator that it let in.
 *
 * Whoever agrees to a succession signs it (edge/succession.h) and keeps the new charter
 * and the statement in its folder, as successor.json and successor.json.dsse. From then
 * on its listener lets the new coordinator in as a coordinator: what that one may do there
 * the keeper decides by the log, as ever. This custodian's own signature on the statement
 * says that the file was not put there by somebody else.
 */
#ifndef CUSTODIAN_AGREE_H
#define CUSTODIAN_AGREE_H

#include <sys/stat.h>

#include "policy/charter.h"

struct successor {
	struct charter	*charter;	/* NULL: none that is still to come */
	struct timespec	 changed;	/* of the file that was read; zeros: there was none */
};

/*
 * Of the custodian `index` (0: not known yet, then nobody) while `now` is in force. What is
 * there and is not its agreement, or is in force by now, counts as nothing; a line says the first.
 */
MUST_USE enum rc successor_read(const char *dir, const struct charter *now, uint8_t index, struct successor *ret,
    struct err *err);
/* Is another file there than the one that was read? */
bool	 successor_changed(const char *dir, const struct successor *s);

#endif
