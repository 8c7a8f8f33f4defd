/*
 * policy/view.h - what the questions beside apply share: approvals as they are shown,
 * and what one custodian alone knows. Internal to policy/.
 */
#ifndef POLICY_VIEW_H
#define POLICY_VIEW_H

#include "policy/tally.h"

#define VIEW_APPROVALS	(sizeof(((struct request_view *)0)->approval) / \
			 sizeof(struct request_approval))

/* At most VIEW_APPROVALS of them; how many. */
uint32_t view_approvals(const struct tally *t, struct request_approval *ret);

/* RC_DENIED: a "no" that was handed to it affects the subject, which rests on `key` and on the approvals that count. */
MUST_USE enum rc own_no_objection(const struct own_view *own, const uint8_t subject[SHA256_BYTES],
    const uint8_t key[KEY_ID_BYTES], const struct tally *t, struct err *err);
/* RC_DENIED: logged below the floor. */
MUST_USE enum rc own_not_forgotten(const struct own_view *own, uint64_t index, struct err *err);
/* RC_DENIED: entry `index` came here less than that long ago. */
MUST_USE enum rc own_waited(const struct own_view *own, uint64_t index, uint64_t seconds, struct err *err);

#endif
