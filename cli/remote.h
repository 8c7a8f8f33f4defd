/*
 * cli/remote.h - the coordinator as the CLI sees it: asked, and checked.
 *
 * remote_open() reads the environment: QUORATE_CHARTER (the trust: its digest is
 * the genesis), QUORATE_GENESIS (if set, must be that digest), QUORATE_TLS_CERT
 * and QUORATE_TLS_KEY. Which charter is in force follows from the genesis
 * (cli/lineage.h): as this user saw it last, and as the coordinator shows it.
 * Every checkpoint is verified against the charter's quorum, every entry against
 * a checkpoint. One thread.
 */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "audit/entry.h"
#include "cli/lineage.h"
#include "policy/statement.h"
#include "proto/quorate.pb-c.h"
#include "proto/rpc.h"

#define REMOTE_MS		15000	/* for one answer */
#define REMOTE_MS_LONG		120000	/* sealing, releasing */
#define REMOTE_CHUNK		(512 << 10)

/* This host's TLS identity; empty when neither of the two variables is set. */
struct identity {
	struct buf	 cert;
	struct secret	*key;
};

struct remote {
	struct lineage		 lineage;
	const struct charter	*first;		/* the trust: its digest is the genesis */
	const struct charter	*charter;	/* in force, as far as we know; one that was stays valid */
	Quorate__V1__HeadReply	*head;		/* as it was asked last, if nobody used it yet */
	uint64_t		 head_ms;
	struct checkpoint	 seen;		/* the largest that was verified, and when; size 0: none */
	uint64_t		 seen_ms;
	struct rpc_client	*rpc;		/* NULL: no identity, and the coordinator wants one */
	struct identity		 identity;
};

/* A document alone: QUORATE_CHARTER or `path`. It may be one that follows another. */
MUST_USE enum rc local_charter(const char *path, struct charter **ret, struct err *err);
/* The same as the trust: RC_USAGE when it follows another charter. */
MUST_USE enum rc local_genesis(const char *path, struct charter **ret, struct err *err);
/* r trusts this charter from now on, and takes it over. */
void	 remote_trust(struct remote *r, struct charter *genesis);
/*
 * path: of the charter; NULL: QUORATE_CHARTER. These ask the coordinator which charter is in
 * force; whether it answers, the caller learns from what it asks then.
 */
MUST_USE enum rc remote_open_by(const char *path, struct remote **ret, struct err *err);
MUST_USE enum rc remote_open(struct remote **ret, struct err *err);
/*
 * The same for what people may do without the coordinator: no identity is no
 * error here, and every remote_call() then is RC_UNSURE.
 */
MUST_USE enum rc remote_open_people(struct remote **ret, struct err *err);
void	 remote_free(struct remote *r);
DEFINE_AUTO(remote_free, struct remote);

/*
 * "Custodian/Submit": packs q, calls, unpacks the reply and cleans its texts. said: the
 * peer's own bare words. Free the reply with message_free().
 */
MUST_USE enum rc message_call(struct rpc_client *c, const char *method, const void *q,
    const ProtobufCMessageDescriptor *reply, unsigned ms, char said[RPC_SAID_BYTES], void *ret, struct err *err);
/* "Submit", of the coordinator. */
MUST_USE enum rc remote_call(struct remote *r, const char *method, const void *q,
    const ProtobufCMessageDescriptor *reply, unsigned ms, void *ret, struct err *err);
void	 message_free(void *message);
/* Each of its texts as text_clean_str() leaves it; message_call() has done it. */
void	 message_clean(void *message);

/* As remote_call("Head"); where it names a charter that is new to us, that is shown and followed first. */
MUST_USE enum rc remote_ask_head(struct remote *r, unsigned ms, Quorate__V1__HeadReply **ret, struct err *err);
/* From now on the coordinator is the one that this charter names. */
MUST_USE enum rc remote_connect(struct remote *r, const struct charter *at, struct err *err);
/* Fetches, checks and keeps the lineage. RC_OK, whether or not there was anything new. */
MUST_USE enum rc remote_follow(struct remote *r, struct err *err);
/* One that is or was in force; NULL: none such, as far as we know. */
const struct charter *remote_charter_of(const struct remote *r, const uint8_t digest[SHA256_BYTES]);
/* Who signed it, of the charter that it names, else of the one in force; NULL: nobody. */
const struct person *remote_signer(const struct remote *r, const struct dsse *d, const struct statement *s);

/* The newest q-cosigned checkpoint, verified. note may be NULL. RC_UNSURE: none yet. */
MUST_USE enum rc remote_head(struct remote *r, struct checkpoint *ret, struct buf *note, struct err *err);

/* A statement of `type` by somebody who saw that checkpoint, or verified one just now. */
MUST_USE enum rc remote_statement(struct remote *r, enum statement_type type, uint64_t life,
    struct statement *ret, struct err *err);

/* What was seen a moment ago is out of date: the next statement asks, and so finds the charter that is in force. */
void	 remote_look_again(struct remote *r);

struct submitted {
	uint8_t		id[SHA256_BYTES];
	uint64_t	index;
	bool		effective, cosigned, repeated;
	uint32_t	have, need;
	char		why[64], words[256];
};
/*
 * Hands a statement in and, when it is cosigned, checks that it stands in the log.
 * RC_DENIED: refused or void (ret says why). RC_UNSURE: too few custodians so far.
 */
MUST_USE enum rc remote_submit(struct remote *r, struct span dsse, const struct span *blob, size_t n_blobs,
    const uint8_t (*upload)[16], size_t n_uploads, struct submitted *ret, struct err *err);
/* Members for --json: id, index, effective, cosigned... */
json_t	*submitted_json(const char *name, const struct submitted *s);

/* Leaf data under the q-cosigned checkpoint in `proof`; both from the coordinator. RC_VERIFY. */
MUST_USE enum rc remote_check_leaf(struct remote *r, uint64_t index, struct span leaf, struct span proof,
    struct checkpoint *ret, struct err *err);

/* An upload from a callback of known size; shows progress on a terminal. */
typedef enum rc (*upload_read)(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err);
MUST_USE enum rc remote_upload(struct remote *r, const char *what, uint64_t size, upload_read read, void *user,
    uint8_t ret_id[16], struct err *err);
/*
 * The same under a name of the caller's, from *at on, which afterwards tells how much the coordinator has:
 * what failed goes on from there with the same name. RC_OK: all of it is durable there.
 */
MUST_USE enum rc remote_upload_on(struct remote *r, const char *what, uint64_t size, upload_read read, void *user,
    unsigned ms, const uint8_t id[16], uint64_t *at, struct err *err);
/* A blob by digest, whole, checked against it. */
MUST_USE enum rc remote_blob(struct remote *r, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err);

/* A fresh erasable blob: salt || bytes, and its salted digest. */
MUST_USE enum rc erasable_new(struct span bytes, struct buf *ret, uint8_t ret_digest[SHA256_BYTES], struct err *err);

#endif
