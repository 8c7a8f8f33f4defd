/*
 * tests/unit/coordinator/rig.h - a coordinator without a token and without a network:
 * a folder of its own, the fixture's charter and keys, software signatures.
 */
#ifndef TESTS_UNIT_COORDINATOR_RIG_H
#define TESTS_UNIT_COORDINATOR_RIG_H

#include "coordinator/coordinator.h"
#include "coordinator/sequencer.h"
#include "tests/fixture/network.h"

struct rig {
	struct net		net;
	struct coordinator	c;	/* charter, keys, dir; no threads */
};

void	 rig_init(struct rig *r);
/* The same with a charter that can be amended, begun two hours ago. */
void	 rig_init_amendable(struct rig *r);
/* The same with these members "tsas" and "anchor" in the charter. */
void	 rig_init_tsas(struct rig *r, const char *tsas);
void	 rig_done(struct rig *r);		/* removes the folder */
/* Cosigning and sequencer, and readers; stopped by rig_stop(). */
void	 rig_start(struct rig *r);
void	 rig_stop(struct rig *r);

/* A revocation of a key of their own, signed; each is another statement. */
void	 rig_revocation(struct rig *r, enum net_person who, struct buf *out);
/* The same by any key. */
void	 rig_void(struct rig *r, struct signer *by, struct buf *out);
/* The requester's request, signed, over this as its scope (which is none: it will be void). */
void	 rig_request(struct rig *r, struct span scope, struct buf *out);
/*
 * Signs and logs a statement of the fixture, with the blobs that it names, as if its
 * signer had seen the empty log. s is done with afterwards but for its id.
 */
struct verdict rig_log(struct rig *r, struct statement *s, const struct signer *by);
/* One artifact sealed and asked for under a policy, approved by legal, ordered: the order's id. */
void	 rig_ordered(struct rig *r, const char *policy, uint8_t ret_order[SHA256_BYTES]);
/* A custodian's receipt for an order over this message, signed; each is another statement. */
void	 rig_receipt(struct rig *r, uint8_t custodian, const uint8_t order[SHA256_BYTES], struct span message,
	    struct signer *by, struct buf *out);
/* A custodian's cosignature line over a checkpoint's text, by its key; dated now, or then. */
void	 rig_line_at(struct rig *r, uint8_t custodian, when time, struct span text, struct buf *out);
void	 rig_line(struct rig *r, uint8_t custodian, struct span text, struct buf *out);
/* The text of a note: up to and with the newline before the empty line. */
struct span rig_text(struct span note);
/* A folder under TMPDIR, and its removal with all that is in it. */
void	 rig_folder(char out[64]);
void	 rig_remove(const char *dir);

#endif
