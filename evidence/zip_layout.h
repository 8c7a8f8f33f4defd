/*
 * evidence/zip_layout.h - the bytes of a ZIP that are not content: for zip_*.c only.
 *
 * The writer emits these; the reader makes them again from what it read and
 * compares. Little-endian, as ZIP is. package-v1 section 2 has the tables.
 */
#ifndef EVIDENCE_ZIP_LAYOUT_H
#define EVIDENCE_ZIP_LAYOUT_H

#include "evidence/zip.h"

#define ZIP_LOCAL_FIXED		30
#define ZIP_CENTRAL_FIXED	46
#define ZIP_END_FIXED		22
#define ZIP_LOCATOR_BYTES	20
#define ZIP_END64_BYTES		56
#define ZIP_LOCAL_MAX		(ZIP_LOCAL_FIXED + ZIP_NAME_MAX + 20)
#define ZIP_CENTRAL_MAX		(ZIP_CENTRAL_FIXED + ZIP_NAME_MAX + 28)
#define ZIP_TAIL_MAX		(ZIP_END64_BYTES + ZIP_LOCATOR_BYTES + ZIP_END_FIXED)
#define ZIP_DIRECTORY_MAX	((size_t)ZIP_ENTRIES_MAX * ZIP_CENTRAL_MAX)
#define ZIP_CHUNK		((size_t)64 << 10)
/* What a 32-bit field says when the value stands in a zip64 field. */
#define ZIP_IN_64		UINT32_C(0xFFFFFFFF)
/* Far above any package, far below where sums of offsets wrap. */
#define ZIP_FILE_MAX		(UINT64_C(1) << 56)

/* A struct buf over an array: as it may not outgrow it, nothing is ever allocated. */
#define ZIP_BUF_OVER(array)	((struct buf){ (array), 0, sizeof(array), sizeof(array), RC_OK })

struct zip_header {
	const char	*name;
	uint64_t	 size, header;	/* content bytes; offset of the local header */
	uint32_t	 crc;
};

void	 zip_local_write(const struct zip_header *h, struct buf *out);
/* Where the CRC stands in a local header. */
#define ZIP_LOCAL_CRC_AT	14
void	 zip_crc_write(uint32_t crc, struct buf *out);
void	 zip_central_write(const struct zip_header *h, struct buf *out);
/* Everything after the central directory of `size` bytes at `at`. */
void	 zip_tail_write(uint32_t count, uint64_t at, uint64_t size, struct buf *out);

uint16_t zip_u16(const uint8_t *p);
uint32_t zip_u32(const uint8_t *p);
uint64_t zip_u64(const uint8_t *p);

/*
 * An order in which names that must not stand together are neighbours: letters
 * folded, '/' before everything, so that "a" comes just before "a/b".
 */
int	 zip_name_order(const char *a, const char *b);
/* Are these neighbours the same to some reader: equal when folded, or file and folder? */
bool	 zip_name_clash(const char *a, const char *b);

#endif
