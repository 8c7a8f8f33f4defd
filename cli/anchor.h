/*
 * cli/anchor.h - trusted time, for people: what `status` says of it, and its archive as files.
 */
#ifndef CLI_ANCHOR_H
#define CLI_ANCHOR_H

#include "cli/remote.h"

/* What the coordinator says of each TSA's last anchor; nothing where there is no TSA. */
void	 anchors_print(const Quorate__V1__HeadReply *head);
json_t	*anchors_json(const Quorate__V1__HeadReply *head);

/*
 * quorate log anchor N --out DIR: what entry N archives, checked, as files that openssl reads
 * (docs/spec/anchor-v1.md section 5). dir NULL: only the check. RC_VERIFY: the token is not good.
 * RC_UNSURE: no charter that is or was in force says whom to trust.
 */
MUST_USE enum rc log_anchor(struct remote *r, const char *word, const char *dir, struct err *err);

#endif
