/*
 * evidence/package_view.h - a package's files, each known for what it is: for verify*.c only.
 *
 * view_walk() goes through the container in the one order that package-v1 allows, with
 * the package's own scope and descriptors as its guide. A file that is missing, too
 * many, misplaced or of the wrong size ends it. Afterwards small files are in memory
 * and large ones have their entry; no content was compared with anything yet.
 */
#ifndef EVIDENCE_PACKAGE_VIEW_H
#define EVIDENCE_PACKAGE_VIEW_H

#include "audit/anchor.h"
#include "evidence/archive.h"
#include "evidence/package.h"
#include "evidence/package_text.h"
#include "evidence/segment.h"
#include "evidence/summary.h"

struct view_message { uint8_t custodian; struct zip_entry cms; };

/* An anchor entry's blob, put together again from its files. */
struct view_anchor {
	uint64_t	index;
	struct buf	archive;	/* anchor-v1: whether the entry names it, the replay says */
	struct anchor	parts;		/* spans into it */
	uint32_t	first, n;	/* the batches that it dates: into package_view.anchored */
};

/* An archive manifest and its time-stamp, where they stand: all of them together may be large. */
struct view_archive {
	uint32_t		file;		/* number of the manifest in the container: it lists those before it */
	struct zip_entry	manifest, token;
};

struct package_view {
	struct zip		*zip;
	uint32_t		 at;		/* the next file of the walk */
	bool			 scope_failed;	/* the walk ended at an artifact */
	struct package_files	 files;		/* pass_run() */
	struct buf		 later[CASE_CHARTERS_MAX];	/* kase.n_later of them */
	struct buf		 charter, scope_bytes, recipient, checkpoint, release;
	struct buf		 bag_info, manifest, witnesses, tagmanifest, asic_manifest, signature;
	struct buf		 custody, custody_prov, summary;
	struct scope		 scope;
	bool			 has_keys;	/* else messages */
	struct zip_entry	 keys;
	uint32_t		 n_messages;
	struct view_message	 message[CUSTODIANS_MAX];
	uint32_t		 n_entries;	/* of the payload; their bytes below */
	uint64_t		*index;
	struct buf		*leaf;
	uint64_t		 release_index;
	size_t			 held;		/* bytes of leaves in memory */
	uint32_t		 n_erasables;
	uint8_t			 erasable[PACKAGE_ERASABLES_MAX][SHA256_BYTES];	/* named so */
	uint32_t		 erasable_file[PACKAGE_ERASABLES_MAX];	/* their number in the container */
	struct buf		 text_bytes[PACKAGE_ERASABLES_MAX];
	struct summary_text	 text[PACKAGE_ERASABLES_MAX];	/* the same, for summary.html: short ones with their bytes */
	struct descriptor	*descriptor;	/* by artifact of the scope */
	struct buf		*descriptor_bytes;
	uint32_t		*leaves, *segment;	/* first file of each scope part */
	uint32_t		 n_anchors, n_anchored, cap_anchored;
	struct view_anchor	*anchor;	/* ascending; kase.archive are their blobs */
	struct package_anchored	*anchored;
	struct span		 archive[PACKAGE_ANCHORS_MAX];	/* kase.archive */
	uint32_t		 n_archives;
	struct view_archive	 archives[ARCHIVES_MAX];	/* 001, 002... */
	struct evidence_case	 kase;		/* spans into the above */
};

/* RC_FORMAT: not a package. view_done() always. */
MUST_USE enum rc view_walk(stream_read_at read, void *user, uint64_t size, struct package_view *v,
    struct err *err);
void	 view_done(struct package_view *v);

/*
 * Segment `segment` of scope part `part`, ready for segment_open_stream(): its hashes are read from the part's leaves, of which
 * view_check_leaves() has proved the root. view_segment_done() frees them.
 */
struct view_segment {
	const struct zip	*zip;
	struct zip_entry	 entry;
	uint8_t			(*hash)[TREE_HASH_BYTES];
	struct segment_source	 source;
};
MUST_USE enum rc view_check_leaves(const struct package_view *v, uint32_t part, struct err *err);
MUST_USE enum rc view_segment(const struct package_view *v, uint32_t part, uint32_t segment,
    struct view_segment *ret, struct err *err);
void	 view_segment_done(struct view_segment *s);
/* Of a scope part; never NULL after a walk. */
const struct part *view_part(const struct package_view *v, uint32_t part);

#endif
