/*
 * evidence/jsonld.h - write the nodes of a JSON-LD graph, member by member: for custody_case.c.
 *
 * Types and names of members are ours and need no escaping; what people chose comes through
 * ld_text() alone. Failure is the buf's. Pure.
 */
#ifndef EVIDENCE_JSONLD_H
#define EVIDENCE_JSONLD_H

#include "base/when.h"

#define LD_ID_BYTES	46		/* "kb:" and a UUID, with its NUL, and room */

struct ld {
	struct buf	*out;
	char		 genesis[HEX_BYTES(SHA256_BYTES)], order[HEX_BYTES(SHA256_BYTES)];
	bool		 more;		/* a node was written */
};

/*
 * The id of a thing: UUID version 5 (RFC 9562) in the name space of URLs, so that the same case gives
 * the same bytes, and another order's document other ids. Returns ret.
 */
char	*ld_id(const struct ld *w, char ret[LD_ID_BYTES], const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* A node of the graph, on a line of its own. */
void	 ld_open(struct ld *w, const char *id, const char *type);
void	 ld_close(struct ld *w);
void	 ld_text(struct ld *w, const char *name, const char *text);
void	 ld_typed(struct ld *w, const char *name, const char *type, const char *value);
void	 ld_number(struct ld *w, const char *name, uint64_t value);
void	 ld_time(struct ld *w, const char *name, when t);
void	 ld_one(struct ld *w, const char *name, const char *id);	/* a reference */
/* A list of references; more: false before the first. */
void	 ld_list(struct ld *w, const char *name);
void	 ld_item(struct ld *w, bool *more, const char *id);
void	 ld_list_end(struct ld *w);

#endif
