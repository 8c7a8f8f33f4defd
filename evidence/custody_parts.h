/*
 * evidence/custody_parts.h - a checked case as acts of people: for custody*.c and summary*.c.
 *
 * Each effective entry of the payload is an act, in the order of the log; a release is none,
 * since it stands outside. Who acted is told by the charter that was in force when the
 * entry was logged, whatever later charters say.
 */
#ifndef EVIDENCE_CUSTODY_PARTS_H
#define EVIDENCE_CUSTODY_PARTS_H

#include "evidence/custody.h"

#define NOBODY	UINT32_MAX

enum agent_kind { AGENT_PERSON, AGENT_SEALER, AGENT_CUSTODIAN, AGENT_COORDINATOR, AGENT_KEY /* nobody's we know */ };

/* Texts borrow from the charters of struct custody. */
struct custody_agent {
	enum agent_kind		 kind;
	char			 id[HEX_BYTES(KEY_ID_BYTES)];	/* person, sealer; number of a custodian; key id */
	const char		*name;		/* "" for a sealer, coordinator and key */
	const char		*organisation;	/* "" for a key */
	const struct person	*person;	/* for their roles; NULL for others */
};

struct custody_act {
	enum statement_type	 type;
	uint64_t		 index;		/* of the log entry */
	uint32_t		 entry;		/* in the case */
	uint32_t		 charter;	/* that was in force: in struct custody */
	when			 time;
	uint8_t			 id[SHA256_BYTES], subject[SHA256_BYTES];
	uint32_t		 agent;		/* NOBODY: many signed it */
	uint32_t		 about;		/* the act that its subject is; NOBODY */
	bool			 approve, counts;	/* a decision; counts: for this order */
	const char		*role;		/* the place that an approval fills; "" */
	uint8_t			 custodian;	/* 1.. where one acts, else 0 */
	uint64_t		 number;	/* artifacts of a batch, contributions of a receipt, size of an anchor */
	uint8_t			 digest[SHA256_BYTES];	/* message of a receipt, archive of an anchor, reason */
	bool			 has_reason;
	char			 name[ID_MAX + 1];	/* policy of a request, TSA of an anchor */
};

struct custody {
	const struct evidence_case	*e;
	const struct checked_case	*c;
	uint32_t			 n_charters, n_agents, n_acts;
	struct charter			*charter[CASE_CHARTERS_MAX + 1];	/* the genesis first */
	struct custody_agent		*agent;
	struct custody_act		*act;
};

/* custody_done() always. RC_USAGE: e is not the case that was checked. */
MUST_USE enum rc custody_read(const struct evidence_case *e, const struct checked_case *c, struct custody *ret,
    struct err *err);
void	 custody_done(struct custody *k);

const char *act_name(const struct custody *k, const struct custody_act *a);	/* "approved" */
/* What it says beyond who and when, in words; escapes nothing, holds nothing that people chose but idents. */
void	 act_words(const struct custody *k, const struct custody_act *a, struct buf *out);
/* The act of an order, or NOBODY; custodians' receipts are about it. */
uint32_t custody_find(const struct custody *k, const uint8_t id[SHA256_BYTES]);
/* "custodian 3", "coordinator", "sealer gateway", "person alice", "key 0a1b..." */
void	 agent_words(const struct custody_agent *a, struct buf *out);

#endif
