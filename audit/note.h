/*
 * audit/note.h - C2SP signed notes, tlog-checkpoint, cosignature/v1, tlog-proof.
 *
 * Notes are text that people and other programs already read; the exact rules
 * are in docs/spec/log-v1.md. Parsing is strict: UTF-8, no control characters
 * but newline, split at the last empty line, at most NOTE_SIGS signatures; a
 * signature by an unknown key is ignored, a bad one by a known key refuses the
 * note. Pure; Ed25519 by libsodium. Threads: no shared state.
 */
#ifndef AUDIT_NOTE_H
#define AUDIT_NOTE_H

#include "audit/tree.h"
#include "base/when.h"

#define NOTE_BYTES_MAX		32768	/* a whole checkpoint note with 1 + 31 signatures fits */
#define NOTE_SIGS		64
#define NOTE_LOGS		64	/* keys of one log, one after another */
#define NOTE_NAME_MAX		127
#define NOTE_KEY_BYTES		32
#define NOTE_SIG_BYTES		64

enum note_alg {
	NOTE_ED25519 = 0x01,		/* the log's own signature */
	NOTE_COSIGNATURE_V1 = 0x04,	/* a witness's */
};

struct note_key {			/* a verifier key */
	char		name[NOTE_NAME_MAX + 1];	/* no space, no '+' */
	uint8_t		alg;				/* enum note_alg */
	uint8_t		key[NOTE_KEY_BYTES];
};

struct checkpoint {
	char		origin[NOTE_NAME_MAX + 1];
	uint64_t	size;
	uint8_t		root[TREE_HASH_BYTES];
};

/* keyid = SHA-256(name || 0A || alg || key)[0:4] */
void	 note_keyid(const struct note_key *k, uint8_t ret[4]);
/* "name+hex(keyid)+base64(alg || key)" both ways. RC_FORMAT. */
MUST_USE enum rc note_key_parse(struct span text, struct note_key *ret, struct err *err);
void	 note_key_write(const struct note_key *k, struct buf *out);

/* The three lines of the text; no extension lines exist in our logs. */
void	 checkpoint_text(const struct checkpoint *c, struct buf *out);

/* What is signed: text for the log key; cosignature_message for a witness at `time`. */
void	 cosignature_message(struct span text, when time, struct buf *out);

/* Appends one signature line "— name base64(keyid || [time u64be ||] sig)\n". */
void	 note_sig_line(const struct note_key *k, when time /* cosignatures only */,
	    const uint8_t sig[NOTE_SIG_BYTES], struct buf *out);

struct note_cosigned {			/* who of the witnesses signed, when */
	uint32_t	mask;		/* bit i: witness[i] signed */
	when		time[32];
};

/*
 * Parse a checkpoint note and verify it: the log's signature must be present
 * and good; each witness that signed must be good; one known key that signed twice
 * refuses the note (RC_FORMAT). witness may be NULL with n_witness 0; at most 32.
 * RC_FORMAT malformed, RC_VERIFY a known key's signature fails or the log's is
 * absent. The caller decides how many cosignatures are enough.
 */
MUST_USE enum rc checkpoint_verify(struct span note, const struct note_key *log,
    const struct note_key *witness, size_t n_witness, struct checkpoint *ret,
    struct note_cosigned *ret_cosigned, struct err *err);

/*
 * The same of a log that has had several keys (of one name; the newest last, at most
 * NOTE_LOGS): *ret_log is the last of those that signed, or -1: none did, and what it
 * says is worth what the cosignatures are.
 */
MUST_USE enum rc checkpoint_verify_any(struct span note, const struct note_key *log, size_t n_log,
    const struct note_key *witness, size_t n_witness, struct checkpoint *ret, int *ret_log,
    struct note_cosigned *ret_cosigned, struct err *err);

/* What a note says, nobody's signature looked at: for who verifies it later, or only compares. RC_FORMAT. */
MUST_USE enum rc checkpoint_stated(struct span note, struct checkpoint *ret, struct err *err);

/* Verify a single cosignature line (as note_sig_line writes it) over text. */
MUST_USE enum rc cosignature_line_verify(struct span line, struct span text,
    const struct note_key *witness, when *ret_time, struct err *err);

/*
 * tlog-proof: index, path and the checkpoint note. `extra`, which may be empty, is not
 * authenticated: ours is the entry itself, whose leaf is then proved like one given beside it.
 */
#define TLOG_EXTRA_BYTES_MAX	65535
#define TLOG_EXTRA_TEXT_MAX	87380		/* of its base64 */
#define TLOG_PROOF_BYTES_MAX	(TLOG_EXTRA_TEXT_MAX + NOTE_BYTES_MAX + 4096)
void	 tlog_proof_write(uint64_t index, const struct tree_path *path, struct span extra,
	    struct span checkpoint_note, struct buf *out);
struct tlog_proof {
	uint64_t		index;
	struct tree_path	path;
	struct span		extra;	/* its base64; empty: none; borrows from the input, as does note */
	struct span		note;
};
MUST_USE enum rc tlog_proof_parse(struct span in, struct tlog_proof *ret, struct err *err);
/* Appends what `extra` says; nothing when there is none. */
MUST_USE enum rc tlog_proof_extra(const struct tlog_proof *p, struct buf *out, struct err *err);

#endif
