/*
 * hsm/hsm.h - keys in a PKCS#11 token: open sealed shares, sign, certify.
 *
 * Relies on the portable set only (docs/adr/0004-hsm-portable-set.md): EC P-256
 * with CKM_ECDH1_DERIVE to open shares, CKM_ECDSA over a SHA-256 made in
 * software, CKM_EDDSA where the token has it. A private key never leaves the
 * token; what the token claims about that is tried out by hsm_probe().
 *
 * A token that went away and came back is picked up by the next call: one
 * C_Finalize, C_Initialize, login and find, at most every
 * HSM_RECOVERY_PAUSE_MS, then the call is made once more. A PIN that the token
 * refused is never tried again, see pin_guard below.
 *
 * Load a token after the last fork. Threads: all calls on one struct hsm and
 * its keys may run at the same time, except _free and _close; an opener belongs
 * to one thread at a time. hsm_close() comes after its keys, openers and
 * signers were freed. Several tokens of one module may be open in one process;
 * a recovery of one makes the others log in again, by themselves.
 *
 * Words used: RC_IO the token failed or is gone, a later call may succeed;
 * RC_DENIED the PIN was refused, now or earlier; RC_MISSING no such token or key.
 */
#ifndef HSM_HSM_H
#define HSM_HSM_H

#include <openssl/types.h>

#include "base/secret.h"
#include "shamir/sealed.h"

#define HSM_POINT_BYTES		65	/* P-256 public key, 04 || x || y */
#define HSM_ED25519_BYTES	32	/* Ed25519 public key */
#define HSM_SIGNATURE_BYTES	64	/* r || s, or an Ed25519 signature */
#define HSM_LABEL_MAX		64	/* bytes of a key's CKA_LABEL */
#define HSM_ID_MAX		64	/* bytes of a key's CKA_ID */
#define HSM_PATH_MAX		255
#define HSM_PIN_MAX		128
#define HSM_RECOVERY_PAUSE_MS	250

struct hsm;		/* one token, logged in */
struct hsm_key;		/* one private key in it: a name and its public half */
struct hsm_opener;	/* the shares of one batch for one custodian */
struct hsm_signer;	/* an Ed25519 key, in the token or sealed by a key of the token */

/*
 * RFC 7512, strictly: no unknown or repeated attribute, no empty value, at
 * least one of token and serial, no slot. pin-value is refused (it would stand
 * in argv and in logs); pin-source is the path of a file, with or without file:.
 */
struct hsm_uri {			/* "" or 0: not given */
	char	token[33];
	char	serial[17];
	char	manufacturer[33];
	char	model[17];
	char	object[HSM_LABEL_MAX + 1];
	uint8_t	id[HSM_ID_MAX];
	size_t	id_n;
	char	module_path[HSM_PATH_MAX + 1];
	char	pin_source[HSM_PATH_MAX + 1];
};
bool	 hsm_is_uri(const char *text);	/* starts with "pkcs11:" */
MUST_USE enum rc hsm_uri_parse(const char *text, struct hsm_uri *ret, struct err *err);

/*
 * The PIN out of a file: a regular file of this user or root that nobody else may
 * read, 1..HSM_PIN_MAX bytes, one newline at the end is dropped. RC_USAGE says which
 * of these fails, RC_MISSING no such file. To prompt is the business of the CLI.
 */
MUST_USE enum rc hsm_pin_read(const char *path, struct secret **ret, struct err *err);

enum hsm_path {		/* how shares are opened: one ciphertext, two ways */
	HSM_PATH_AUTO,		/* R where the token gives Z, else T; found out at first use */
	HSM_PATH_READ,		/* R: derive Z, read it, the rest in software */
	HSM_PATH_TOKEN,		/* T: KDF and AES-GCM in the token, only the share comes out */
};

struct hsm_config {			/* borrowed during hsm_open only */
	const char		*module;	/* absolute path of the .so; NULL: the URI's module-path */
	const char		*module_args;	/* pReserved of C_Initialize (NSS wants one); NULL: none */
	const struct hsm_uri	*uri;		/* which token */
	const struct secret	*pin;		/* copied; or NULL, then: */
	const char		*pin_file;	/* hsm_pin_read(); NULL: the URI's pin-source */
	/*
	 * A file that remembers, over restarts, that the token refused this PIN (a
	 * salted slow hash of it, 0600): no login is tried again with the same
	 * one, lest restarts lock the token. Gone after the next good login. NULL:
	 * not remembered, for a PIN that a person just typed. A daemon sets it.
	 */
	const char		*pin_guard;
	enum hsm_path		 path;
};

/* RC_USAGE: the configuration is wrong. RC_MISSING, RC_DENIED, RC_IO: see the top. */
MUST_USE enum rc hsm_open(const struct hsm_config *c, struct hsm **ret, struct err *err);
void	 hsm_close(struct hsm *h);
DEFINE_AUTO(hsm_close, struct hsm);

/* ---- keys ---- */

enum hsm_kind {
	HSM_SHARE,		/* P-256, derives and never signs */
	HSM_SIGN_P256,		/* P-256, signs and never derives */
	HSM_SIGN_ED25519,
	HSM_RECIPIENT,		/* of a person's certificate: hsm_recipient_open() */
};

/*
 * The key that object and/or id of the URI name, fit for `kind` (type and
 * curve are read from the token; people's cards may have keys with more uses).
 * RC_MISSING none; RC_FORMAT more than one, another type of key, or no public half to be found.
 */
MUST_USE enum rc hsm_key_find(struct hsm *h, const struct hsm_uri *u, enum hsm_kind kind,
    struct hsm_key **ret, struct err *err);
MUST_USE enum rc hsm_key_find_label(struct hsm *h, const char *label, enum hsm_kind kind,
    struct hsm_key **ret, struct err *err);
/* What is this key, of a person's card? Then hsm_key_find() with that kind: P-256 or Ed25519. */
MUST_USE enum rc hsm_key_find_signing(struct hsm *h, const struct hsm_uri *u,
    struct hsm_key **ret, struct err *err);
/*
 * A new key pair, non-extractable, with a random CKA_ID. RC_USAGE: a key of this
 * label is there already (two would be one too many to tell apart). RC_FORMAT: the
 * token cannot make one.
 */
MUST_USE enum rc hsm_key_generate(struct hsm *h, enum hsm_kind kind, const char *label,
    struct hsm_key **ret, struct err *err);
/* Destroys both halves in the token. The key object stays, to be freed. */
MUST_USE enum rc hsm_key_destroy(struct hsm_key *k, struct err *err);
void	 hsm_key_free(struct hsm_key *k);
DEFINE_AUTO(hsm_key_free, struct hsm_key);

enum hsm_kind	 hsm_key_kind(const struct hsm_key *k);
/* HSM_POINT_BYTES or HSM_ED25519_BYTES, valid as long as k. */
struct span	 hsm_key_public(const struct hsm_key *k);

/*
 * "quorate share 3": the label of the share key of epoch 3. out has HSM_LABEL_MAX + 1
 * bytes; returns out.
 */
char	*hsm_share_label(uint32_t epoch, char *out);

/* A real operation with the key (a signature that verifies, or an ECDH): RC_IO when the token is not well. */
MUST_USE enum rc hsm_key_health(struct hsm_key *k, struct err *err);

/* ---- signing ---- */

/* ECDSA over SHA-256(msg); RC_BUG: not a HSM_SIGN_P256 key. */
MUST_USE enum rc hsm_sign_p256(struct hsm_key *k, struct span msg,
    uint8_t ret_sig[HSM_SIGNATURE_BYTES], struct err *err);
/* Pure Ed25519 in the token; RC_BUG: not a HSM_SIGN_ED25519 key. */
MUST_USE enum rc hsm_sign_ed25519(struct hsm_key *k, struct span msg,
    uint8_t ret_sig[HSM_SIGNATURE_BYTES], struct err *err);

/*
 * A private key for X509_sign() and CMS_sign() with SHA-256: an EC key whose
 * signatures are made in the token. k must outlive it. HSM_SIGN_P256 only.
 */
MUST_USE enum rc hsm_evp_pkey(struct hsm_key *k, EVP_PKEY **ret, struct err *err);

/*
 * The key of a recipient's certificate (DER): EC P-256 or P-384, or RSA of 2048 to 8192 bits.
 * An EVP_PKEY for cms_open() and opening_sign(), whose ECDH, RSA decryption and
 * signatures are made in the token. OAEP padding is undone in software, in constant time;
 * in the token only where that decrypts in no other way.
 *
 * uri names the key; where it gives neither object nor id, it is that of the certificate, of which
 * the token then has a copy or the public key under the same id.
 * The key has proved to be the certificate's. When the token went away meanwhile, it is not
 * looked for again. That the token failed, libcrypto_key_fault() of base/libcrypto.h tells;
 * the pkey is valid as long as the object.
 *
 * RC_MISSING no such key. RC_DENIED: it is another's than the certificate's. RC_FORMAT: a certificate
 * that cannot receive, or a key that may not decrypt.
 */
struct hsm_recipient;
MUST_USE enum rc hsm_recipient_open(struct hsm *h, const struct hsm_uri *uri, struct span certificate,
    struct hsm_recipient **ret, struct err *err);
void	 hsm_recipient_free(struct hsm_recipient *r);
DEFINE_AUTO(hsm_recipient_free, struct hsm_recipient);
EVP_PKEY *hsm_recipient_pkey(const struct hsm_recipient *r);

/*
 * An Ed25519 key under our own label: in the token where it has CKM_EDDSA,
 * else a seed sealed by `sealer` (a HSM_SHARE key of the same token), opened into
 * locked memory at start.
 *
 * ret_sealed  what the caller must keep and give to _open: empty when the key is in
 *             the token, else HSM_SEALED_SEED_BYTES (nothing secret in them).
 */
#define HSM_SEALED_SEED_BYTES	154
MUST_USE enum rc hsm_signer_create(struct hsm *h, const char *label, struct hsm_key *sealer,
    struct buf *ret_sealed, struct hsm_signer **ret, struct err *err);
/* sealed empty: find the label in the token; sealer may then be NULL. RC_VERIFY: not sealed by this key. */
MUST_USE enum rc hsm_signer_open(struct hsm *h, const char *label, struct hsm_key *sealer,
    struct span sealed, struct hsm_signer **ret, struct err *err);
void	 hsm_signer_free(struct hsm_signer *s);
DEFINE_AUTO(hsm_signer_free, struct hsm_signer);
MUST_USE enum rc hsm_signer_sign(struct hsm_signer *s, struct span msg,
    uint8_t ret_sig[HSM_SIGNATURE_BYTES], struct err *err);
const uint8_t	*hsm_signer_public(const struct hsm_signer *s);	/* HSM_ED25519_BYTES */
bool	 hsm_signer_in_token(const struct hsm_signer *s);	/* the charter says which */

/* ---- marks: a few bytes that the token keeps, whatever becomes of the disk ---- */

#define HSM_MARK_MAX	96
#define HSM_MARK_OWNER	16	/* the first bytes of a mark: who wrote it */
#define HSM_MARKS_MAX	8	/* of one name */

struct hsm_mark {
	uint8_t	bytes[HSM_MARK_MAX];
	size_t	n;
};

/*
 * Private data objects of one name, for some owners. Nobody changes another owner's.
 * So of two who write theirs and then read all of them, at least one sees the other,
 * though no token can compare and write in one step.
 *
 * An owner's marks rise (compared as bytes, a count comes first), and its highest is
 * what counts: one or more lower ones may stand beside it, lest a write that is cut
 * short leaves none.
 *
 * hsm_mark_write: with `make` the owner may have none yet. RC_MISSING: not `make`, and
 * the owner's are gone. RC_FORMAT: the token keeps no data objects; or objects that
 * are none of ours, or too many.
 * hsm_mark_read: all of them, none included; ret has HSM_MARKS_MAX. RC_FORMAT as above.
 * hsm_mark_sweep destroys all but the owner's; `owner` NULL: all.
 */
MUST_USE enum rc hsm_mark_write(struct hsm *h, const char *name, struct span value, bool make, struct err *err);
MUST_USE enum rc hsm_mark_read(struct hsm *h, const char *name, struct hsm_mark *ret, size_t *ret_n,
    struct err *err);
MUST_USE enum rc hsm_mark_sweep(struct hsm *h, const char *name, const uint8_t *owner, struct err *err);

/* ---- sealed shares ---- */

/*
 * One ECDH in the token; then each share of the batch. The point is checked
 * in software before the token sees it: RC_FORMAT.
 */
MUST_USE enum rc hsm_opener_new(struct hsm_key *share_key, const struct sealed_context *c,
    const uint8_t ephemeral[SEALED_POINT_BYTES], struct hsm_opener **ret, struct err *err);
void	 hsm_opener_free(struct hsm_opener *o);
DEFINE_AUTO(hsm_opener_free, struct hsm_opener);
/* ret_share: 32 bytes in secret memory. RC_VERIFY: not sealed so; nothing is written. */
MUST_USE enum rc hsm_opener_share(struct hsm_opener *o, uint32_t leaf,
    const uint8_t descriptor_digest[SHA256_BYTES], const uint8_t sealed[SEALED_SHARE_BYTES],
    uint8_t *ret_share, struct err *err);

/* ---- what the token can do ---- */

struct hsm_probe {		/* each by doing it, not by asking the mechanism list */
	bool	ecdh;		/* P-256 key pair and CKM_ECDH1_DERIVE */
	bool	path_r;		/* gives Z */
	bool	path_t;		/* KDF and AES-GCM inside */
	bool	ecdsa;
	bool	eddsa;
	bool	mark;		/* keeps a data object, and gives back what was written last */
	bool	extracted;	/* a private key could be read, copied out or wrapped out */
	bool	weak_claim;	/* the key does not even claim SENSITIVE and not EXTRACTABLE */
};

/*
 * Tries everything out, with keys that live for the session, and the extraction also
 * with `share_key` where one is given (NULL before it is made).
 *
 * report  words for an operator, a line each, appended; says what is missing.
 * RC_OK means that the probe ran; hsm_probe_check() judges.
 */
MUST_USE enum rc hsm_probe(struct hsm *h, struct hsm_key *share_key, struct hsm_probe *ret,
    struct buf *report, struct err *err);
/*
 * RC_DENIED unless shares can be opened, ECDSA works, marks are kept and no private key came out. A
 * daemon whose configuration openly accepts an extractable token looks at
 * `extracted` itself and reports it in every audit.
 */
MUST_USE enum rc hsm_probe_check(const struct hsm_probe *p, struct err *err);

#endif
