/*
 * policy/scope.h - what a request asks for: artifacts, parts, ranges of segments.
 *
 *	u8 version = 1, u16 artifacts (1..1024),
 *	artifacts * { u8 id[16], u8 parts (1..16), parts * { vec8 name, u32 first, u32 last } }
 *
 * A fixed blob named by digest in the request. Ascending by id, then by name; one range
 * a part, inclusive; at most SCOPE_SEGMENTS_MAX segments in all. docs/spec/scope-v1.md.
 * Segments in scope order (artifact, part, segment) is the order of contributions and keys.
 */
#ifndef POLICY_SCOPE_H
#define POLICY_SCOPE_H

#include "policy/descriptor.h"

#define SCOPE_ARTIFACTS_MAX	1024
#define SCOPE_SEGMENTS_MAX	8192
#define SCOPE_BYTES_MAX		(1 << 20)	/* parse limit; what fits an RPC is smaller */

struct scope_part {
	uint32_t	artifact;		/* index into scope.artifact */
	char		name[PART_NAME_MAX + 1];
	uint32_t	first, last;
};

struct scope_artifact {
	uint8_t		id[ARTIFACT_ID_BYTES];
	uint32_t	first_part, n_parts;	/* into scope.part */
};

struct scope {
	uint32_t		n_artifacts, n_parts, n_segments;
	struct scope_artifact	*artifact;
	struct scope_part	*part;
};

MUST_USE enum rc scope_parse(struct span in, struct scope *ret, struct err *err);
void	 scope_done(struct scope *s);
/* s must be sorted as above; RC_FORMAT otherwise. */
MUST_USE enum rc scope_write(const struct scope *s, struct buf *out, struct err *err);

/* Calls fn for each segment in scope order, numbered from 0. */
typedef enum rc (*scope_fn)(void *user, uint32_t number, const struct scope_artifact *a,
    const struct scope_part *p, uint32_t segment, struct err *err);
MUST_USE enum rc scope_each(const struct scope *s, scope_fn fn, void *user, struct err *err);

#endif
