/*
 * evidence/crc32.h - the CRC-32 of ZIP (ISO 3309, reflected 0xEDB88320), by libdeflate.
 *
 * Against accidents, not against people. libdeflate uses the processor's carry-less
 * multiplication: else it would cost a verifier as much as SHA-256 does.
 */
#ifndef EVIDENCE_CRC32_H
#define EVIDENCE_CRC32_H

#include "base/bytes.h"

/* Goes on from `crc`, which is 0 at the start. */
uint32_t crc32_more(uint32_t crc, struct span in);

#endif
