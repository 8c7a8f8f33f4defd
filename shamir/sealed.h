/*
 * shamir/sealed.h - shares sealed to a custodian's share key (docs/spec/sealed-share-v1.md).
 *
 * ECIES over P-256: one ephemeral key per custodian and batch; Z (the
 * x-coordinate, 32 bytes) goes through X9.63-KDF-SHA-256 with a SharedInfo that
 * binds genesis, batch root, custodian, epoch and the ephemeral key, giving an
 * AES-256-GCM key; each share is sealed with nonce = leaf index (12 bytes
 * big-endian) and AAD = SHA-256 of its descriptor. The custodian's half of the
 * ECDH runs in its token: either the token gives Z and sealed_open_* does the
 * rest (path R), or the token derives the AES key and decrypts (path T, hsm/).
 *
 * Pure; libcrypto. Threads: a sealer or opener belongs to one thread at a time.
 */
#ifndef SHAMIR_SEALED_H
#define SHAMIR_SEALED_H

#include "base/secret.h"

#define SEALED_POINT_BYTES	65	/* uncompressed P-256 point, 04 || x || y */
#define SEALED_POINT_FORM	4	/* its first byte */
#define SEALED_SHARE_BYTES	48	/* AES-GCM ciphertext || tag of a 32-byte share */
#define SEALED_NONCE_BYTES	12
#define SEALED_INFO_BYTES	158	/* see sealed_info() */

struct sealed_context {			/* what a sealed share is bound to; all public */
	uint8_t		genesis[SHA256_BYTES];
	uint8_t		batch_root[SHA256_BYTES];
	uint8_t		custodian;	/* 1..31 */
	uint32_t	epoch;		/* of the share key, from 1 */
};

/* RC_FORMAT unless 65 bytes, 04, on the curve, not infinity. Run on every foreign point. */
MUST_USE enum rc sealed_point_check(const uint8_t point[SEALED_POINT_BYTES], struct err *err);

/*
 * SharedInfo: "quorate/sealed-share/v1" || 00 || genesis || batch_root ||
 * u8 custodian || u32be epoch || ephemeral[65]: SEALED_INFO_BYTES in all.
 */
void	 sealed_info(const struct sealed_context *c, const uint8_t ephemeral[SEALED_POINT_BYTES],
	    struct buf *out);
void	 sealed_nonce(uint32_t leaf, uint8_t out[SEALED_NONCE_BYTES]);

struct sealed_key;			/* an AES-256-GCM key for one custodian and batch */
void	 sealed_key_free(struct sealed_key *k);
DEFINE_AUTO(sealed_key_free, struct sealed_key);

/* Sealer: a fresh ephemeral key against the custodian's public share key. RC_FORMAT bad point. */
MUST_USE enum rc sealed_key_encapsulate(const struct sealed_context *c,
    const uint8_t share_key[SEALED_POINT_BYTES], uint8_t ret_ephemeral[SEALED_POINT_BYTES],
    struct sealed_key **ret, struct err *err);
/* Custodian, path R: from Z read out of the token. */
MUST_USE enum rc sealed_key_from_z(const struct sealed_context *c,
    const uint8_t ephemeral[SEALED_POINT_BYTES], const struct secret *z,
    struct sealed_key **ret, struct err *err);

/* Each leaf once and in ascending order, as it is the nonce: RC_BUG otherwise. */
MUST_USE enum rc sealed_share_seal(struct sealed_key *k, uint32_t leaf,
    const uint8_t descriptor_digest[SHA256_BYTES], const uint8_t share[32],
    uint8_t ret[SEALED_SHARE_BYTES], struct err *err);
/* ret_share: 32 bytes in secret memory. RC_VERIFY: the tag fails; nothing is written. */
MUST_USE enum rc sealed_share_open(struct sealed_key *k, uint32_t leaf,
    const uint8_t descriptor_digest[SHA256_BYTES], const uint8_t sealed[SEALED_SHARE_BYTES],
    uint8_t *ret_share, struct err *err);

#endif
