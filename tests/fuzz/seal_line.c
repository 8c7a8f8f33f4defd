/* Lines to the sealer that stays: what is taken has parts in order, with names that a descriptor may hold. */
#include "cli/seal_line.h"
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seal_line	 l;
	const struct seal_order	*o = &l.order;
	enum rc			 rc = seal_line_read(SPAN(data, size), "standard", NULL, &l, NULL);

	PROMISE(l.ref == NULL || strlen(l.ref) <= SEAL_REF_MAX);
	if (rc == RC_OK) {
		PROMISE(size <= SEAL_LINE_MAX && l.ref != NULL && o->policy != NULL && o->files_only);
		PROMISE(o->n_parts >= 1 && o->n_parts <= PARTS_MAX);
		for (size_t i = 0; i < o->n_parts; i++) {
			PROMISE(is_ident(o->part[i].name, PART_NAME_MAX) && o->part[i].path[0] != '\0');
			PROMISE(i == 0 || strcmp(o->part[i - 1].name, o->part[i].name) < 0);
		}
	}
	seal_line_done(&l);
	return 0;
}
