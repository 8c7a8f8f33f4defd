/*
 * tests/unit/policy/rows.h - it refuses, and says why: one row for each entry
 * that must be void, with its reason, and for its neighbours that must pass, so
 * that no row is void for another cause. Each begins with a fresh network.
 */
#ifndef TESTS_UNIT_POLICY_ROWS_H
#define TESTS_UNIT_POLICY_ROWS_H

#include "tests/fixture/network.h"

#define BIG	((size_t)1 << 22)

struct row {
	const char		*name;
	struct verdict		(*run)(struct net *n);
	enum void_reason	 why;		/* VOID_NONE: it passes */
};

extern const struct row	rows_common[], rows_seal[], rows_ask[], rows_order[];
extern const size_t	n_rows_common, n_rows_seal, n_rows_ask, n_rows_order;
/* These in an amendable network. */
extern const struct row	rows_amend[], rows_amended[];
extern const size_t	n_rows_amend, n_rows_amended;

/* Fails the test unless v is effective. */
void	 good(struct verdict v);
/* One artifact sealed under the policy and asked for. */
void	 seal_and_ask(struct net *n, const char *policy, uint8_t request[32]);
/* ... and approved by legal, compliance and auditor; by legal alone. */
void	 met(struct net *n, const char *policy, uint8_t request[32]);
void	 met_by_legal(struct net *n, const char *policy, uint8_t request[32]);
/* A decision, not yet signed. */
void	 decision(struct net *n, struct statement *s, const uint8_t request[32], bool approve);

#endif
