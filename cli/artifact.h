/*
 * cli/artifact.h - an artifact and a request as the log has them, checked.
 */
#ifndef CLI_ARTIFACT_H
#define CLI_ARTIFACT_H

#include "cli/remote.h"
#include "policy/scope.h"

/*
 * The descriptor, proved: under its batch root, the batch signed by a sealer and in the cosigned log.
 * ret_holders (may be NULL): a bit for each custodian whose held statement proves that it has its share.
 */
MUST_USE enum rc artifact_fetch(struct remote *r, const uint8_t id[ARTIFACT_ID_BYTES], struct descriptor *ret,
    Quorate__V1__ArtifactReply **ret_reply, uint32_t *ret_holders, struct err *err);

/*
 * Who holds the shares of this batch statement, by their own signatures. A custodian signs only for a
 * batch that its replica found effective. Custodians and their keys are those of the genesis. RC_VERIFY: one of them is of something else, or not signed.
 */
MUST_USE enum rc held_verify(const struct charter *genesis, const struct statement *batch,
    const ProtobufCBinaryData *held, size_t n, uint32_t *ret_holders, struct err *err);

/* A request, proved to be in the log, with its scope. */
struct request_seen {
	Quorate__V1__RequestReply	*reply;
	struct dsse			 dsse;
	struct statement		 statement;
	struct scope			 scope;
	when				 logged;
};
MUST_USE enum rc request_fetch(struct remote *r, const uint8_t id[SHA256_BYTES], struct request_seen *ret,
    struct err *err);
void	 request_seen_done(struct request_seen *s);

/* Prints a request as `quorate show` does. attachments: a folder to save them in, or NULL. */
MUST_USE enum rc show_request(struct remote *r, const uint8_t id[SHA256_BYTES], const char *attachments,
    struct err *err);

#endif
