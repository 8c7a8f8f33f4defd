/*
 * evidence/package.h - make a sealed evidence package (docs/spec/package-v1.md).
 *
 * An ASiC-E container (ETSI EN 319 162-1) whose payload is a BagIt bag (RFC 8493),
 * signed with a CAdES signature of the coordinator's package key. Made in two
 * steps, because the release that is logged names the payload, and the package
 * holds the release:
 *
 *	package_begin()		writes mimetype and data/..., gives `contents`, the
 *				SHA-256 of manifest-sha256.txt
 *	...			the coordinator logs the release statement with it, and
 *				waits until q custodians cosigned a checkpoint over it
 *	package_finish()	writes proofs, checkpoint, manifests and signature
 *
 * The bulk is written once. Core: the ciphertexts come, and the file goes, through
 * callbacks. Threads: an object is one thread's.
 */
#ifndef EVIDENCE_PACKAGE_H
#define EVIDENCE_PACKAGE_H

#include <openssl/evp.h>

#include "evidence/case.h"
#include "evidence/zip.h"

#define PACKAGE_CLOCK_SECONDS	300	/* by how much the clocks of log and TSA may differ */
#define PACKAGE_ERASABLES_MAX	64
#define PACKAGE_HASHES		2048	/* asked for at once */
#define PACKAGE_ERASABLE_BYTES	(16 << 20)	/* of one reason or attachment, salt included */

/*
 * Where the ciphertexts come from: the envelopes, as they were sealed
 * (envelope_leaf() and envelope_leaf_hashes()). What comes is checked against the
 * descriptors all the same: a damaged envelope makes no package.
 */
struct package_source {
	/* One leaf of a part's ciphertext tree; out has room for SEGMENT_LEAF_MAX. */
	enum rc (*leaf)(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const char *part,
	    uint64_t leaf, uint8_t *out, size_t *ret_n, struct err *err);
	/* n leaf hashes from `first` on; n is at most PACKAGE_HASHES. */
	enum rc (*hashes)(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const char *part,
	    uint64_t first, uint64_t n, uint8_t (*out)[TREE_HASH_BYTES], struct err *err);
	void *user;
};

/* In recipient mode: a custodian's CMS to the recipient, as its receipt names it. */
struct package_message { uint8_t custodian; struct span cms; };

/*
 * An anchor entry that dates batches of the scope, and each of those batches under the
 * note that was stamped. The entry stands among the case's, and its blob among the case's
 * archives: the replay needs it.
 */
#define PACKAGE_ANCHORS_MAX	CASE_ARCHIVES_MAX
#define PACKAGE_ANCHORED_MAX	4096	/* batches under anchors, all anchors together */
struct package_anchored { uint64_t batch; struct tree_path path; };
struct package_anchor {
	uint64_t			 index;		/* of the anchor entry */
	struct span			 archive;	/* anchor-v1 */
	const struct package_anchored	*batch;		/* ascending */
	size_t				 n;
};

/*
 * A time-stamp from whoever gives one: the token, with its chain and CRLs in it
 * (timestamp_embed()). RC_MISSING: none could be had, which ends nothing.
 */
typedef enum rc (*package_stamp_fn)(void *user, const uint8_t imprint[SHA256_BYTES], struct buf *token, struct err *err);

struct package_seal {
	EVP_PKEY		*key;		/* of `certificate`; may live in a token. P-256 */
	struct span		 certificate;	/* DER: the charter's package certificate */
	package_stamp_fn	 stamp;		/* NULL: level B */
	void			*user;
	when			 now;		/* no time-stamp is from after it; 0: not looked at */
	bool			 archive;	/* level LT, and a time-stamp over everything; needs stamp */
	const struct span	*crl;		/* for LT */
	size_t			 n_crls;
};

struct package_input {
	const struct evidence_case	*evidence;	/* entries up to the receipts, without the release */
	const struct checked_case	*checked;	/* case_check*() of it */
	struct span			 keys;		/* CMS to the recipient: coordinator mode */
	const struct package_message	*message;	/* ascending by custodian: recipient mode */
	size_t				 n_messages;
	const struct span		*erasable;	/* salt || bytes, of those that were not erased */
	size_t				 n_erasables;
	const struct package_anchor	*anchor;	/* ascending by index; not two of one TSA for a batch */
	size_t				 n_anchors;
	struct package_source		 source;
};

struct package;
/*
 * Everything in `in` is borrowed until this returns. ret_contents: what the release
 * statement must name. RC_USAGE: keys and messages do not fit the policy's release_to.
 */
MUST_USE enum rc package_begin(const struct package_input *in, stream_write_at write, void *user,
    struct package **ret, uint8_t ret_contents[SHA256_BYTES], struct err *err);
void	 package_free(struct package *p);
DEFINE_AUTO(package_free, struct package);

/*
 * final   the same entries and then the release, with paths to one q-cosigned
 *         checkpoint; its other members are not looked at.
 * RC_USAGE: other entries than in package_begin(), or a key that is not the certificate's.
 *
 * A time-stamp that comes is checked as a verifier will, by the charter's TSAs. One that is no good is
 * left out, as if none had come: what does not hold now would not hold in court.
 */
MUST_USE enum rc package_finish(struct package *p, const struct evidence_case *final, const struct package_seal *seal,
    uint64_t *ret_size, struct err *err);

/* After package_finish(): how many time-stamps went in (1: level T; 2: and an archive); why one did not, or "". */
unsigned package_stamps(const struct package *p);
const char *package_unstamped(const struct package *p);	/* as long as p */

/*
 * The package again, byte for byte, with one more archive manifest and its time-stamp: before
 * the certificates of the last one run out. (renew.c)
 * RC_FORMAT: not a package. RC_LIMIT: 99 of them. RC_MISSING: no time-stamp could be had.
 */
MUST_USE enum rc package_renew(stream_read_at read, void *read_user, uint64_t size, package_stamp_fn stamp,
    void *stamp_user, stream_write_at write, void *write_user, uint64_t *ret_size, struct err *err);

#endif
