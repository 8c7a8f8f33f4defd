/*
 * policy/rules.h - the rules that a request must satisfy, all of them: policy/tally.h.
 * Internal to policy/.
 */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "policy/tally.h"

/* ret->n is 0 where the charter in force has no such policy, or they do not agree to whom it goes. */
MUST_USE enum rc rules_of(struct replica *r, const struct rec_request *q, struct rules *ret, struct err *err);
/* Attachments and parts, which a later charter may ask for or leave out. */
MUST_USE enum rc rules_fit(struct replica *r, const struct rec_request *q, const struct rules *rules,
    enum void_reason *ret, struct err *err);
/* What keeps this voter's approval from counting under one of them. */
enum void_reason approval_blocked_by(const struct policy_rule *rule, const struct rules *rules,
    const char *requester, const struct voter *v);

#endif
