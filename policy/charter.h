/*
 * policy/charter.h - the signed constitution: who may do what (docs/spec/charter-v1.md).
 *
 * One JSON document that a lawyer can read. Its digest is the SHA-256 of its
 * exact bytes. It is signed through a charter statement (policy/statement.h)
 * that names that digest and carries a signature of every custodian and every
 * amender: entry 0 of the log. The first charter's digest is the genesis. Later
 * ones name the charter that they follow and come in force by amendment or
 * succession (docs/spec/apply-v1.md).
 *
 * charter_parse() accepts only charters that could work: the arithmetic of k,
 * f, q, h, n, distinct keys, distinct organisations, and for each policy that
 * somebody other than the requester must approve and that somebody could
 * request it. Pure. A parsed charter is read-only and may be shared by threads.
 */
#ifndef POLICY_CHARTER_H
#define POLICY_CHARTER_H

#include <stdatomic.h>

#include "policy/descriptor.h"
#include "policy/key.h"

#define CHARTER_BYTES_MAX	(256 << 10)
#define CHARTER_RULES		1	/* the version of apply that this code is */
#define CUSTODIANS_MAX		31
#define PEOPLE_MAX		256
#define PERSON_KEYS_MAX		8
#define PERSON_ROLES_MAX	8
#define SEALERS_MAX		64
#define POLICIES_MAX		64
#define CLASSES_MAX		32
#define HOSTS_MAX		64
#define TSAS_MAX		8
#define TSA_CERTS_MAX		4	/* trust anchors of one TSA */
#define TSA_CRLS_MAX		4
#define URL_MAX_BYTES		256
#define AMEND_DELAY_DEFAULT	604800	/* a week, where a charter does not say */
#define POLICY_ROLES_MAX	8	/* distinct roles one policy names */
#define POLICY_APPROVALS_MAX	31	/* people one policy can need */
#define EPOCHS_MAX		16
#define NAME_MAX_BYTES		128	/* of names people read */
#define ID_MAX			32	/* of idents: person, policy, role, class, attachment kind */
#define TLS_CERT_MAX		4096

struct blob_ref { const uint8_t *p; size_t n; };	/* owned by the charter */

struct custodian {
	uint8_t		index;				/* 1..n, ascending in the document */
	char		name[NAME_MAX_BYTES + 1], organisation[NAME_MAX_BYTES + 1];
	char		address[NAME_MAX_BYTES + 1];	/* host:port */
	struct blob_ref	tls_certificate;		/* DER; pinned */
	struct key	signing_key;			/* Ed25519 */
	bool		signing_key_sealed;		/* not in the token: sealed by the share key */
	bool		extractable;			/* the probe could take a key out; every audit says so */
	uint8_t		n_epochs;
	uint8_t		share_key[EPOCHS_MAX][65];	/* share_key[e-1]: epoch e, from 1 */
};

struct person {
	char		id[ID_MAX + 1], name[NAME_MAX_BYTES + 1], organisation[NAME_MAX_BYTES + 1];
	uint8_t		n_roles, n_keys;
	char		role[PERSON_ROLES_MAX][ID_MAX + 1];
	struct key	key[PERSON_KEYS_MAX];
};

struct sealer {
	char		id[ID_MAX + 1], organisation[NAME_MAX_BYTES + 1];
	struct key	key;
	uint64_t	artifacts_per_day;		/* quota; 0: none */
};

struct role_need { char role[ID_MAX + 1]; uint8_t count; };

struct policy_rule {
	char		id[ID_MAX + 1];
	uint8_t		digest[SHA256_BYTES];		/* SHA-256 of its RFC 8785 form */
	uint8_t		n_need;
	struct role_need need[POLICY_ROLES_MAX];
	uint8_t		people;				/* distinct humans in all, >= sum of counts */
	bool		requester_organisation_may_approve;
	uint8_t		n_attachments, n_parts, n_veto;
	char		attachment[4][ID_MAX + 1];	/* compulsory kinds: "court-order" */
	char		part[PARTS_MAX][PART_NAME_MAX + 1];	/* n_parts 0: every part */
	char		veto[POLICY_ROLES_MAX][ID_MAX + 1];	/* roles whose denial is a veto */
	uint64_t	request_seconds;		/* longest life of a request */
	uint64_t	time_lock_seconds;		/* after sealing */
	uint64_t	objection_seconds;		/* after the policy is met */
	uint32_t	artifacts_per_day;		/* 0: no limit */
	bool		release_to_recipient;		/* false: release_to coordinator */
};

struct retention_class { char id[CLASS_NAME_MAX + 1]; uint32_t retain_days; };
struct host { char name[NAME_MAX_BYTES + 1]; struct blob_ref tls_certificate; };

/* A time-stamping authority (RFC 3161) whose tokens over checkpoints this network wants. */
struct tsa {
	char		id[ID_MAX + 1];
	char		url[URL_MAX_BYTES + 1];		/* http:// or https:// */
	uint8_t		n_certificates, n_crls;
	struct blob_ref	certificate[TSA_CERTS_MAX];	/* DER; where its chain must end */
	char		crl[TSA_CRLS_MAX][URL_MAX_BYTES + 1];	/* from where the lists come that are archived */
};

struct charter {
	atomic_uint	owners;
	uint8_t		digest[SHA256_BYTES];
	uint32_t	rules;
	bool		has_amends;			/* false: a first charter */
	uint8_t		amends[SHA256_BYTES];		/* the digest of the charter that this one follows */
	char		name[NAME_MAX_BYTES + 1];
	char		origin[NAME_MAX_BYTES + 1];	/* of the log */
	bool		single_operator;
	uint8_t		n, k, f, q, h;
	struct {
		char		organisation[NAME_MAX_BYTES + 1], address[NAME_MAX_BYTES + 1];
		struct blob_ref	tls_certificate, package_certificate;	/* DER */
		struct key	log_key;			/* Ed25519 */
	} coordinator;
	struct custodian	custodian[CUSTODIANS_MAX];	/* n of them; index i at [i-1] */
	uint32_t	n_people, n_sealers, n_policies, n_classes, n_hosts, n_tsas;
	struct person	*person;
	struct sealer	*sealer;
	struct policy_rule *policy;
	struct retention_class *class_;
	struct host	*host;
	struct tsa	*tsa;
	uint64_t	anchor_entries, anchor_seconds;	/* an anchor at the latest after so many; 0: not counted so */
	uint8_t		n_amenders, n_amend_veto, amend_need;
	char		amender[32][ID_MAX + 1];	/* person ids; each signs the genesis */
	char		amend_veto[32][ID_MAX + 1];
	uint64_t	amend_delay_seconds;		/* between the last approval needed and the consents */
	uint64_t	receipt_seconds;		/* a receipt must be in the log within */
	uint64_t	order_seconds;			/* life of an order */
	struct buf	bytes;				/* the document; blob_refs' storage is separate */
	void		*pool;				/* decoded certificates */
};

/*
 * RC_FORMAT: malformed, or a charter that must not be (the message says which rule
 * and what to change). RC_LIMIT. The charter is large: allocate with charter_parse only.
 */
MUST_USE enum rc charter_parse(struct span json, struct charter **ret, struct err *err);
/* One more owner of the same document, which nobody changes: each ends with charter_free(). From any thread. */
struct charter *charter_ref(const struct charter *c);
/* When the last owner lets go. */
void	 charter_free(struct charter *c);
DEFINE_AUTO(charter_free, struct charter);

/* The arithmetic of DESIGN 4, alone. RC_FORMAT says which inequality fails. */
MUST_USE enum rc charter_numbers(unsigned n, unsigned k, unsigned f, unsigned q, unsigned h, struct err *err);
/* The smallest q that fits, or 0 when none does; the default f for n and k. */
unsigned charter_quorum(unsigned n, unsigned k, unsigned f);
unsigned charter_default_f(unsigned n, unsigned k);
/* What the numbers mean, in sentences, for `charter verify` and `charter show`. */
void	 charter_explain(const struct charter *c, struct buf *out);

/*
 * How many amenders, other than who proposes, must approve an amendment: `need`, and
 * never fewer than the people of the strictest policy. More than there are: it can
 * never be amended, and charter_explain() says so.
 */
unsigned charter_amend_need(const struct charter *c);
/* The `rules` that a document names, which we may be unable to read otherwise. RC_FORMAT. */
MUST_USE enum rc charter_rules_of(struct span json, uint64_t *ret, struct err *err);
/*
 * May `next` take the place of `now`? An amendment changes people, sealers, policies,
 * classes (none goes), hosts, TSAs, anchors, times, amenders, the name, and where a
 * custodian is reached (address, TLS certificate). A succession changes `coordinator`
 * and nothing else. RC_FORMAT names what may not change (changing custodians or the
 * threshold needs a hand-over).
 */
enum change { CHANGE_AMENDMENT, CHANGE_SUCCESSION };
MUST_USE enum rc charter_follows(const struct charter *now, const struct charter *next, enum change how,
    struct err *err);

const struct person	*charter_person(const struct charter *c, const char *id);
/* The person who has this key; ret_key (may be NULL) its id. */
const struct person	*charter_person_by_key(const struct charter *c, const uint8_t key_id[KEY_ID_BYTES]);
const struct policy_rule *charter_policy(const struct charter *c, const char *id);
const struct policy_rule *charter_policy_by_digest(const struct charter *c, const uint8_t digest[SHA256_BYTES]);
const struct tsa *charter_tsa(const struct charter *c, const char *id);
const struct retention_class *charter_class(const struct charter *c, const char *id);
bool	 person_has_role(const struct person *p, const char *role);
bool	 person_has_key(const struct person *p, const uint8_t key_id[KEY_ID_BYTES]);
bool	 charter_is_amender(const struct charter *c, const struct person *p);
bool	 charter_may_veto_amendment(const struct charter *c, const struct person *p);

#endif
