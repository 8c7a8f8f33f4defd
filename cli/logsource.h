/*
 * cli/logsource.h - a whole log to read: the coordinator's, or an exported folder.
 *
 * Nothing that comes from a source is believed: `quorate audit` replays it.
 */
#ifndef CLI_LOGSOURCE_H
#define CLI_LOGSOURCE_H

#include "cli/remote.h"
#include "policy/apply.h"

#define LOG_BLOB_MAX	(1 << 20)

typedef enum rc (*log_leaf_fn)(void *user, uint64_t index, struct span leaf, struct err *err);

struct log_source {
	/* The newest checkpoint, with its quorum verified against the charter. */
	enum rc	(*checkpoint)(struct log_source *s, struct checkpoint *ret, struct buf *note, struct err *err);
	/* Entries 0..size-1 in order. */
	enum rc	(*each)(struct log_source *s, uint64_t size, log_leaf_fn fn, void *user, struct err *err);
	/* A fixed blob, checked against its digest. */
	enum rc	(*blob)(struct log_source *s, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err);
	const struct charter	*charter;	/* borrowed */
	struct remote		*remote;	/* borrowed, or NULL */
	char			 dir[FILE_PATH_MAX];
};

MUST_USE enum rc log_source_remote(struct remote *r, struct log_source **ret, struct err *err);
MUST_USE enum rc log_source_folder(const struct charter *c, const char *dir, struct log_source **ret, struct err *err);
void	 log_source_free(struct log_source *s);
DEFINE_AUTO(log_source_free, struct log_source);

#endif
