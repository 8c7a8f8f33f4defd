/*
 * evidence/layout.h - where things stand in an envelope (envelope-v1 section 2).
 *
 * For evidence/envelope*.c only. All of it follows from the descriptor. Pure.
 */
#ifndef EVIDENCE_LAYOUT_H
#define EVIDENCE_LAYOUT_H

#include "evidence/envelope.h"

#define ENVELOPE_MAGIC_BYTES	(sizeof(ENVELOPE_MAGIC) - 1)
#define ENVELOPE_HEAD_BYTES	(ENVELOPE_MAGIC_BYTES + 4)	/* and the descriptor */

struct layout {
	uint64_t	part[PARTS_MAX];	/* offset of its ciphertext */
	uint64_t	table[PARTS_MAX];	/* offset of its node table */
	uint64_t	size;			/* of the file */
};

/* RC_LIMIT: more leaves than ENVELOPE_LEAVES_MAX. */
MUST_USE enum rc layout_init(struct layout *l, const struct descriptor *d,
    size_t descriptor_bytes, struct err *err);

/* n bytes of a part's ciphertext as they are: within the part, and whoever reads them proves them. */
MUST_USE enum rc envelope_ciphertext(const struct envelope *e, size_t part, uint64_t offset, uint8_t *out,
    size_t n, struct err *err);

/* Complete nodes of a tree of `leaves` below `level`: where that level starts, in nodes. */
uint64_t layout_level(uint64_t leaves, uint8_t level);
/* All complete nodes. */
uint64_t layout_nodes(uint64_t leaves);

#endif
