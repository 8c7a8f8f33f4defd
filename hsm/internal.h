/*
 * hsm/internal.h - what the files of hsm/ share; nobody else includes it.
 *
 * Layers: a module (one .so, C_Initialize, generations), a token (login,
 * sessions, hsm_run), then keys, signatures, openers and the probe, which only
 * ever talk to the token from within an op that hsm_run() calls.
 */
#ifndef HSM_INTERNAL_H
#define HSM_INTERNAL_H

#include <p11-kit/pkcs11.h>

#include <pthread.h>
#include <stdatomic.h>

#include "hsm/hsm.h"

#define HSM_MODULES_MAX		8	/* different .so files in one process */
#define HSM_SESSIONS_MAX	16	/* calls at a time on one token; more wait */
#define HSM_P256_OID	"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"	/* DER, 10 bytes */

/* Results of our own, outside of what a token may answer. */
#define RV_OURS		(CKR_VENDOR_DEFINED | 0x514f5200UL)
#define RV_NOT_FOUND	(RV_OURS | 1)	/* no such object */
#define RV_AMBIGUOUS	(RV_OURS | 2)	/* more than one such object */
#define RV_CHANGED	(RV_OURS | 3)	/* another key under the same name */
#define RV_NONSENSE	(RV_OURS | 4)	/* an answer of the wrong size or form */
#define RV_STALE	(RV_OURS | 5)	/* from before the last recovery */

struct hsm_module {
	char			 path[HSM_PATH_MAX + 1];
	char			 args[HSM_PATH_MAX + 1];
	void			*dl;
	CK_FUNCTION_LIST	*f;
	unsigned		 refs;		/* under the registry's lock */
	/* Held for reading by every call, for writing by C_Initialize and C_Finalize. */
	pthread_rwlock_t	 lock;
	bool			 up;		/* these under `lock` */
	uint64_t		 generation;	/* counts C_Initialize; handles are good for one */
	int64_t			 next_try_ms;
};

MUST_USE enum rc hsm_module_get(const char *path, const char *args, struct hsm_module **ret,
    struct err *err);
void	 hsm_module_put(struct hsm_module *m);
/*
 * One C_Finalize and C_Initialize, unless somebody did since `seen`. RC_IO: it is
 * too soon after the last one (unless at_once), or the module does not come up.
 */
MUST_USE enum rc hsm_module_recover(struct hsm_module *m, uint64_t seen, bool at_once);

struct hsm {
	struct hsm_module	*m;
	struct hsm_uri		 uri;
	struct secret		*pin;
	char			 guard[HSM_PATH_MAX + 1];	/* "": none */
	atomic_int		 path;		/* enum hsm_path; settles from AUTO */
	bool			 opening;	/* within hsm_open: nobody else has it yet */

	pthread_mutex_t		 lock;		/* for all below, and handles of keys */
	pthread_cond_t		 freed;		/* a session came back */
	uint64_t		 generation;	/* of the module, that we are logged into; 0: none */
	bool			 pin_refused;
	CK_SLOT_ID		 slot;
	CK_SESSION_HANDLE	 anchor;	/* keeps the login alive, does nothing else */
	CK_SESSION_HANDLE	 idle[HSM_SESSIONS_MAX];
	size_t			 idle_n, in_use;
	size_t			 limit;		/* learnt from CKR_SESSION_COUNT */
};

struct hsm_key {
	struct hsm		*h;
	enum hsm_kind		 kind;
	char			 label[HSM_LABEL_MAX + 1];
	uint8_t			 id[HSM_ID_MAX];
	size_t			 id_n;
	uint8_t			 public[HSM_POINT_BYTES];
	size_t			 public_n;
	bool			 always_auth;	/* the PIN before each use (PIV's 9c) */
	/* Of a recipient: where it says that the token failed; NULL for all others. */
	struct err		*fault;
	bool			 no_raw_rsa;	/* the token undoes the padding itself, or nobody does */
	/* A key of one session, for the probe: it cannot be found again. */
	bool			 passing;
	CK_SESSION_HANDLE	 session;
	CK_OBJECT_HANDLE	 handle;	/* these under h->lock */
	CK_OBJECT_HANDLE	 public_handle;	/* of a passing key */
	uint64_t		 generation;
};

/* One call on a token: a session of our own, and what went wrong. */
struct hsm_call {
	struct hsm		*h;
	CK_FUNCTION_LIST	*f;
	CK_SESSION_HANDLE	 session;
	CK_OBJECT_HANDLE	 key;		/* of the key given to hsm_run */
	uint64_t		 generation;
	const char		*at;		/* the function that failed */
	CK_RV			 rv;
	bool			 keep;		/* the op takes the session over */
	bool			 spoilt;	/* throw the session away, though all went well */
};

/* Call a function of the module and remember its name for the message. */
#define P11(c, fn, ...)	((c)->at = #fn, (c)->f->fn((c)->session, __VA_ARGS__))

typedef CK_RV	(*hsm_op)(struct hsm_call *c, void *arg);

/*
 * Run op in a session, with the handle of k (NULL: none). When the token seems
 * gone, recover once and run it once more; op must bear that.
 * ret_rv (NULL is fine): what the token said last.
 */
MUST_USE enum rc hsm_run(struct hsm *h, struct hsm_key *k, hsm_op op, void *arg,
    CK_RV *ret_rv, struct err *err);
/* Run op in a kept session, with no recovery; RV_STALE when it is from before the last one. */
MUST_USE CK_RV hsm_run_kept(struct hsm *h, CK_SESSION_HANDLE session, uint64_t generation,
    hsm_op op, void *arg, const char **ret_at);
/* Close a session that an op kept. */
void	 hsm_session_close(struct hsm *h, CK_SESSION_HANDLE session, uint64_t generation);
/* CKU_CONTEXT_SPECIFIC, for keys that want the PIN before each use. */
MUST_USE CK_RV hsm_call_login_again(struct hsm_call *c);

const char	*hsm_rv_name(CK_RV rv);
bool		 hsm_rv_gone(CK_RV rv);		/* may mean that the token went away */
enum rc		 hsm_rv_rc(CK_RV rv);
bool		 hsm_rv_pin(CK_RV rv);		/* the PIN is wrong, expired or locked */

/* pin_guard: has this PIN been refused? note it; forget it. */
MUST_USE enum rc hsm_guard_check(const char *path, const struct secret *pin, struct err *err);
MUST_USE enum rc hsm_guard_note(const char *path, const struct secret *pin, struct err *err);
void	 hsm_guard_forget(const char *path);

/* Objects (object.c). At most one: RV_NOT_FOUND, RV_AMBIGUOUS. */
MUST_USE CK_RV hsm_object_find(struct hsm_call *c, CK_ATTRIBUTE *want, CK_ULONG n,
    CK_OBJECT_HANDLE *ret);
/* At most cap bytes; *ret_n is written on CKR_OK only. */
MUST_USE CK_RV hsm_object_bytes(struct hsm_call *c, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type,
    void *ret, size_t cap, size_t *ret_n);
MUST_USE CK_RV hsm_object_private(struct hsm_call *c, const char *label, const uint8_t *id,
    size_t id_n, CK_OBJECT_HANDLE *ret);
/* The public half, from a public key, the private key or a certificate. Sets public, public_n, and
 * kind to HSM_SIGN_P256 or HSM_SIGN_ED25519 by the curve. */
MUST_USE CK_RV hsm_object_public(struct hsm_call *c, struct hsm_key *k);
/* CKA_EC_POINT raw or as an OCTET STRING; false when neither. */
bool	 hsm_point_parse(struct span in, size_t want, uint8_t *out);

/* A key pair of the session (passing) or of the token. */
MUST_USE enum rc hsm_key_make(struct hsm *h, enum hsm_kind kind, const char *label, bool passing,
    struct hsm_key **ret, struct err *err);
/* ECDSA over 32 bytes that are a digest already. */
MUST_USE enum rc hsm_sign_digest(struct hsm_key *k, const uint8_t digest[SHA256_BYTES],
    uint8_t ret_sig[HSM_SIGNATURE_BYTES], struct err *err);
/* As hsm_opener_new, by one path only; settles nothing. */
MUST_USE enum rc hsm_opener_by(struct hsm_key *k, const struct sealed_context *c,
    const uint8_t ephemeral[SEALED_POINT_BYTES], enum hsm_path path, struct hsm_opener **ret,
    struct err *err);
/* ECDH and read Z (path R): the half of the uncompressed point, which was checked. */
MUST_USE enum rc hsm_derive_z(struct hsm_key *k, struct span point, struct secret **ret, struct err *err);
/* Exactly n bytes of signature. */
MUST_USE enum rc hsm_sign_raw(struct hsm_key *k, CK_MECHANISM_TYPE mechanism, struct span in, uint8_t *sig, size_t n,
    struct err *err);


/* ---- an EVP_PKEY over a key (evp.c, recipient.c) ---- */

#define HSM_FIELD_MAX	48	/* bytes of a coordinate of P-384 */
#define HSM_RSA_MAX	1024	/* bytes of a modulus */

MUST_USE enum rc hsm_evp_ec(struct hsm_key *k, int curve, struct span point, EVP_PKEY **ret, struct err *err);
MUST_USE enum rc hsm_evp_rsa(struct hsm_key *k, const RSA *public, EVP_PKEY **ret, struct err *err);
/* What failed was the token, and not what it was given. */
void	 hsm_key_failed(struct hsm_key *k, const struct err *why);
/* 1 < in < n - 1: any such value is a ciphertext to the key, and a token that refuses it is not well. */
bool	 hsm_rsa_in_range(const RSA *rsa, const uint8_t *in, size_t n);
/* The block under the ciphertext, padding and all: as many bytes as the modulus. */
MUST_USE enum rc hsm_decrypt_raw(struct hsm_key *k, const RSA *rsa, struct span in, uint8_t *out, struct err *err);

#endif
