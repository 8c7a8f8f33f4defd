/*
 * evidence/crc32.h - the CRC-32 of ZIP (ISO 3309, reflected 0xEDB88320).
 *
 * Against accidents, not against people. The table is the caller's: no globals.
 */
#ifndef EVIDENCE_CRC32_H
#define EVIDENCE_CRC32_H

#include "base/bytes.h"

struct crc32 {
	uint32_t	table[8][256];	/* eight bytes a step */
};

void	 crc32_init(struct crc32 *t);
/* Goes on from `crc`, which is 0 at the start. */
uint32_t crc32_more(const struct crc32 *t, uint32_t crc, struct span in);

#endif
