/*
 * policy/key.h - public keys that the charter names, and whoever can sign for one.
 *
 * Two algorithms: Ed25519 (RFC 8032; 32-byte key) and ECDSA P-256 over SHA-256
 * (65-byte uncompressed point; signature r || s, 32 bytes each, so that a
 * signature has one encoding). A key's id is SHA-256(alg || key): what a
 * revocation names and what the keyid hint of a DSSE envelope holds in hex.
 *
 * Pure. A struct signer's function may do I/O (a token): it is given by the edge.
 */
#ifndef POLICY_KEY_H
#define POLICY_KEY_H

#include "base/secret.h"

#define KEY_BYTES_MAX	65
#define KEY_ID_BYTES	32
#define KEY_SIG_BYTES	64

enum key_alg {
	KEY_ED25519 = 1,
	KEY_P256 = 2,
	/* 3 is kept for WebAuthn ES256. */
};

struct key {
	uint8_t	alg;			/* enum key_alg */
	uint8_t	n;			/* 32 or 65 */
	uint8_t	bytes[KEY_BYTES_MAX];
};

void	 key_id(const struct key *k, uint8_t ret[KEY_ID_BYTES]);
bool	 key_eq(const struct key *a, const struct key *b);
/* "ed25519:BASE64" or "p256:BASE64", the text used in the charter and in .pub files. RC_FORMAT. */
MUST_USE enum rc key_parse(struct span text, struct key *ret, struct err *err);
void	 key_write(const struct key *k, struct buf *out);
/* RC_VERIFY: the signature fails. RC_FORMAT: a point off the curve. */
MUST_USE enum rc key_verify(const struct key *k, struct span message,
    const uint8_t sig[KEY_SIG_BYTES], struct err *err);

/* Whoever can sign `message` (hashing it itself where the algorithm does). */
struct signer {
	struct key	 key;
	enum rc		(*sign)(void *user, struct span message, uint8_t ret_sig[KEY_SIG_BYTES], struct err *err);
	void		*user;
};

#endif
