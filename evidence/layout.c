#include "evidence/layout.h"

uint64_t
layout_level(uint64_t leaves, uint8_t level)
{
	uint64_t nodes = 0;

	for (uint8_t l = 0; l < level && leaves >> l != 0; l++)
		nodes += leaves >> l;
	return nodes;
}

uint64_t
layout_nodes(uint64_t leaves)
{
	return layout_level(leaves, 64);
}

enum rc
layout_init(struct layout *l, const struct descriptor *d, size_t descriptor_bytes,
    struct err *err)
{
	uint64_t	at = ENVELOPE_HEAD_BYTES + descriptor_bytes, leaves = 0;

	for (uint8_t i = 0; i < d->n_parts; i++) {
		leaves += part_leaves(&d->part[i]);
		if (leaves > ENVELOPE_LEAVES_MAX)
			return err_set(err, RC_LIMIT, "envelope: parts of more than %llu GiB in all",
			    (unsigned long long)(ENVELOPE_LEAVES_MAX * SEGMENT_CHUNK_BYTES >> 30));
		l->part[i] = at;
		at += part_ciphertext_bytes(&d->part[i]);
	}
	for (uint8_t i = 0; i < d->n_parts; i++) {
		l->table[i] = at;
		at += layout_nodes(part_leaves(&d->part[i])) * TREE_HASH_BYTES;
	}
	l->size = at;
	return RC_OK;
}
