/*
 * cli/changes.h - what a charter changes of the one that it follows, in words.
 *
 * For people who are to approve it, and for reports. Every member of struct charter is
 * looked at; a document that says the same in another order changes nothing.
 */
#ifndef CLI_CHANGES_H
#define CLI_CHANGES_H

#include "policy/charter.h"

/* A line each, "removes person legal, Lena Legal of ...". Nothing appended: nothing changes. */
void	 charter_changes(const struct charter *now, const struct charter *next, struct buf *out);
/* One policy: "1 of role legal; 3 people in all; ...". No line end. */
void	 policy_words(const struct policy_rule *p, struct buf *out);
/* "legal, compliance" */
void	 roles_words(const struct person *p, struct buf *out);
/* "3 days", "90 s" */
void	 duration_words(uint64_t seconds, struct buf *out);

#endif
