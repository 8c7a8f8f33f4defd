/*
 * evidence/package_parts.h - what package.c and package_payload.c share: for them only.
 */
#ifndef EVIDENCE_PACKAGE_PARTS_H
#define EVIDENCE_PACKAGE_PARTS_H

#include "audit/anchor.h"
#include "evidence/archive.h"
#include "evidence/package.h"
#include "evidence/package_text.h"

struct logged {				/* an entry of the payload, to know it again */
	uint64_t	index;
	uint8_t		leaf[TREE_HASH_BYTES];
};

struct package {
	struct zip_writer	*w;
	struct package_files	 files;
	uint8_t			*scratch;	/* a leaf of ciphertext, or PACKAGE_HASHES hashes */
	struct buf		 manifest, witnesses;
	uint8_t			 contents[SHA256_BYTES], order[SHA256_BYTES];
	struct charter		*charter;	/* in force when the payload was made */
	when			 released;	/* log time of the release */
	unsigned		 stamps;
	char			 unstamped[sizeof(((struct err *)0)->msg)];
	struct logged		*logged;
	uint32_t		 n_logged;
};

MUST_USE enum rc package_add(struct package *p, const char *name, struct span bytes, struct err *err);
MUST_USE enum rc package_add_buf(struct package *p, const char *name, const struct buf *b, struct err *err);
/* End an entry that was begun with zip_begin(). */
MUST_USE enum rc package_end(struct package *p, const char *name, uint64_t size, struct err *err);

/* data/anchors: package_anchor.c. RC_USAGE: an anchor that is not the case's, or dates what is not in scope. */
MUST_USE enum rc package_add_anchors(struct package *p, const struct package_input *in, struct err *err);
/* META-INF. RC_USAGE: an archive without time-stamps. */
MUST_USE enum rc package_add_seal(struct package *p, const struct package_seal *seal, struct err *err);
/* Everything under data/. */
MUST_USE enum rc package_add_payload(struct package *p, const struct package_input *in, struct err *err);

#endif
