/* The assignment against brute force; the arithmetic of k, f, q, h, n for n <= 9. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/quorum.h"

static const char *const roles[] = { "legal", "compliance", "auditor", "court" };
#define ROLES	(sizeof(roles) / sizeof(roles[0]))

/* A small generator of its own: a failure can be run again. */
static uint32_t
next(uint32_t *state)
{
	*state = *state * 1664525U + 1013904223U;
	return *state >> 8;
}

static struct person
person_of(unsigned mask)
{
	struct person	p = { .n_roles = 0 };

	for (size_t r = 0; r < ROLES; r++)
		if ((mask >> r & 1) != 0)
			strcpy(p.role[p.n_roles++], roles[r]);
	return p;
}

/* Every way to put voters into places, tried one by one. */
static bool
brute(const struct policy_rule *rule, const uint8_t *place, size_t n_places,
    const struct voter *voter, size_t n, uint32_t used)
{
	if (n_places == 0)
		return true;
	for (size_t v = 0; v < n; v++)
		if ((used >> v & 1) == 0 &&
		    voter_has_role(&voter[v], rule->need[place[0]].role) &&
		    brute(rule, place + 1, n_places - 1, voter, n,
		    used | 1U << v))
			return true;
	return false;
}

static bool
brute_met(const struct policy_rule *rule, const struct voter *voter,
    size_t n)
{
	uint8_t	place[POLICY_APPROVALS_MAX];
	size_t	n_places = 0;

	for (uint8_t i = 0; i < rule->n_need; i++)
		for (uint8_t j = 0; j < rule->need[i].count; j++)
			place[n_places++] = i;
	return n >= rule->people && brute(rule, place, n_places, voter, n, 0);
}

static struct policy_rule
random_rule(uint32_t *rng)
{
	struct policy_rule	rule = { .n_need = 0 };
	unsigned		sum = 0;

	for (size_t r = 0; r < ROLES; r++) {
		uint8_t	count = (uint8_t)(next(rng) % 3);

		if (count == 0)
			continue;
		strcpy(rule.need[rule.n_need].role, roles[r]);
		rule.need[rule.n_need++].count = count;
		sum += count;
	}
	if (sum == 0) {
		strcpy(rule.need[0].role, roles[0]);
		rule.need[0].count = 1;
		rule.n_need = 1;
		sum = 1;
	}
	rule.people = (uint8_t)(sum + next(rng) % 2);
	return rule;
}

static void
assignment_is_brute_force(void **state)
{
	unsigned	met = 0, rounds = 20000;
	uint32_t	rng = 42;

	(void)state;
	for (unsigned i = 0; i < rounds; i++) {
		struct policy_rule	 rule = random_rule(&rng);
		struct person		 people[6];
		struct voter		 voter[6];
		struct quorum		 q;
		char			 missing[160];
		size_t			 n = next(&rng) % 7;

		for (size_t v = 0; v < n; v++) {
			people[v] = person_of(next(&rng) % (1U << ROLES));
			voter[v] = (struct voter){ &people[v], &people[v] };
		}
		quorum_assign(&rule, voter, n, &q);
		assert_int_equal(quorum_met(&rule, &q),
		    brute_met(&rule, voter, n));
		quorum_missing(&rule, &q, missing, sizeof(missing));
		assert_int_equal(missing[0] == '\0', quorum_met(&rule, &q));
		met += quorum_met(&rule, &q);
		/* Nobody stands in two places, nobody in one that is not theirs. */
		for (size_t a = 0; a < q.n_places; a++) {
			if (q.voter[a] >= n)
				continue;
			assert_true(voter_has_role(&voter[q.voter[a]],
			    rule.need[q.role[a]].role));
			for (size_t b = 0; b < a; b++)
				assert_int_not_equal(q.voter[a], q.voter[b]);
		}
	}
	assert_in_range(met, rounds / 50, rounds);	/* both answers occur */
}

static void
says_what_is_missing(void **state)
{
	struct policy_rule	 rule = { .n_need = 2, .people = 4, .need = {
				    { "legal", 1 }, { "auditor", 2 } } };
	struct person		 legal = person_of(1), auditor = person_of(4);
	const struct voter	 voter[] = { { &legal, &legal }, { &auditor, &auditor } };
	struct quorum		 q;
	char			 text[160], small[8];

	(void)state;
	quorum_assign(&rule, voter, 0, &q);
	quorum_missing(&rule, &q, text, sizeof(text));
	assert_string_equal(text, "legal 1, auditor 2, any 1");
	quorum_assign(&rule, voter, 2, &q);
	quorum_missing(&rule, &q, text, sizeof(text));
	assert_string_equal(text, "auditor 1, any 1");
	quorum_missing(&rule, &q, small, sizeof(small));
	assert_string_equal(small, "auditor");
}

/* A rule that asks for nobody is met by nobody. */
static void
zero_never_passes(void **state)
{
	struct policy_rule	rule = { .n_need = 0, .people = 0 };
	struct quorum		q;

	(void)state;
	quorum_assign(&rule, NULL, 0, &q);
	assert_false(quorum_met(&rule, &q));
}

/* --- the arithmetic ------------------------------------------------------------------ */

/*
 * DESIGN 4 in its own words, by counting sets: a and b of size q overlap in at
 * least 2q - n, of whom f may lie; and so on.
 */
static bool
sound(int n, int k, int f, int q, int h)
{
	bool	two_pasts = 2 * q - n <= f;	/* an overlap of liars alone */
	bool	missed_no = q + k - n <= f;	/* k releasers who saw no "no" */
	bool	alone = f >= k;			/* liars release by themselves */
	bool	stuck = n - f < q;		/* with f silent nobody cosigns */

	return k >= 2 && k <= n && q >= k && q <= n && h >= q && h <= n &&
	    !two_pasts && !missed_no && !alone && !stuck;
}

static void
numbers_exhaustive(void **state)
{
	unsigned	accepted = 0;

	(void)state;
	for (unsigned n = 0; n <= 9; n++)
	for (unsigned k = 0; k <= 10; k++)
	for (unsigned f = 0; f <= 10; f++)
	for (unsigned q = 0; q <= 10; q++)
	for (unsigned h = 0; h <= 10; h++) {
		bool	ok = charter_numbers(n, k, f, q, h, NULL) == RC_OK;

		assert_int_equal(ok, n >= 2 &&
		    sound((int)n, (int)k, (int)f, (int)q, (int)h));
		accepted += ok;
	}
	assert_true(accepted > 100);
}

static void
smallest_quorum(void **state)
{
	(void)state;
	for (unsigned n = 2; n <= 9; n++)
	for (unsigned k = 2; k <= n; k++) {
		unsigned	most = 0;

		for (unsigned f = 0; f <= n; f++) {
			unsigned	q = charter_quorum(n, k, f), want = 0;

			for (unsigned t = n; t >= 1; t--)
				if (sound((int)n, (int)k, (int)f, (int)t, (int)n))
					want = t;
			assert_int_equal(q, want);
			if (want != 0 && f <= (n - 1) / 3)
				most = f;
		}
		assert_int_equal(charter_default_f(n, k), most);
		assert_int_not_equal(charter_quorum(n, k, 0), 0);
	}
}

/* What DESIGN 4 says of three networks. */
static void
known_networks(void **state)
{
	(void)state;
	assert_int_equal(charter_default_f(5, 3), 1);
	assert_int_equal(charter_quorum(5, 3, 1), 4);
	assert_int_equal(charter_quorum(5, 3, 0), 3);
	assert_int_equal(charter_default_f(7, 5), 2);
	assert_int_equal(charter_quorum(7, 5, 2), 5);
	assert_int_equal(charter_numbers(32, 3, 1, 20, 20, NULL), RC_FORMAT);
	assert_int_equal(charter_numbers(31, 21, 10, 21, 31, NULL), RC_OK);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(assignment_is_brute_force),
		cmocka_unit_test(says_what_is_missing),
		cmocka_unit_test(zero_never_passes),
		cmocka_unit_test(numbers_exhaustive),
		cmocka_unit_test(smallest_quorum),
		cmocka_unit_test(known_networks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
