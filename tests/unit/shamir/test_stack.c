/*
 * What is left on the stack: each function runs on a stack of ours, which is
 * looked through afterwards for what nobody but its caller may have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "shamir/shamir.h"

#define STACK	((size_t)1 << 20)
#define N	5
#define K	3

struct world {
	struct secret_arena		*arena;
	struct secret			*secret, *point;
	uint8_t				*share[SHAMIR_SHARES_MAX];
	struct shamir_commits		 commits;
	uint8_t				 label[SHAMIR_POINT_BYTES];
	struct shamir_contribution	 answer[N];
	uint32_t			 bad;
	enum rc				 rc;
};

static void *
contribute(void *user)
{
	struct world	*w = user;

	w->rc = shamir_contribute(1, w->share[0], w->label, &w->answer[0], NULL);
	return NULL;
}

static void *
verify(void *user)
{
	struct world	*w = user;

	w->rc = shamir_contribution_verify(&w->answer[0], &w->commits, w->label, NULL);
	return NULL;
}

/* A wrong one, for the way out that is taken then. */
static void *
refuse(void *user)
{
	struct world			*w = user;

	w->answer[0].proof[0] ^= 1;
	w->rc = shamir_contribution_verify(&w->answer[0], &w->commits, w->label, NULL) ==
	    RC_VERIFY ? RC_OK : RC_BUG;
	w->answer[0].proof[0] ^= 1;
	return NULL;
}

static void *
combine(void *user)
{
	struct world	*w = user;

	w->rc = shamir_combine(w->answer, N, &w->commits, w->label, &w->bad, &w->point, NULL);
	return NULL;
}

static void *
apply(void *user)
{
	struct world	*w = user;

	secret_free(w->point);
	w->rc = shamir_apply(w->secret, w->label, &w->point, NULL);
	return NULL;
}

static void *
check_share(void *user)
{
	struct world	*w = user;

	w->rc = shamir_share_verify(&w->commits, 1, w->share[0], NULL);
	return NULL;
}

/* Alone it has the weight one: the sum that is left behind would be the share. */
static void *
check_shares(void *user)
{
	struct world	*w = user;
	const uint8_t	*share = w->share[0];

	w->rc = shamir_shares_verify(&w->commits, 1, &share, 1, NULL);
	return NULL;
}

static void
run(void *(*f)(void *), struct world *w, uint8_t *stack)
{
	pthread_attr_t	attr;
	pthread_t	t;

	memset(stack, 0, STACK);
	assert_int_equal(pthread_attr_init(&attr), 0);
	assert_int_equal(pthread_attr_setstack(&attr, stack, STACK), 0);
	assert_int_equal(pthread_create(&t, &attr, f, w), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	pthread_attr_destroy(&attr);
	assert_int_equal(w->rc, RC_OK);
}

static void
nothing_left(void **state)
{
	static const struct {
		const char	*name;
		void		*(*f)(void *user);
	} rows[] = {
		{ "a contribution",		contribute },
		{ "a contribution verified",	verify },
		{ "a contribution refused",	refuse },
		{ "contributions combined",	combine },
		{ "the secret applied",		apply },
		{ "a share checked",		check_share },
		{ "shares checked",		check_shares },
	};
	struct world	 w = { .bad = 0 };
	uint8_t		*stack;

	(void)state;
	assert_int_equal(posix_memalign((void **)&stack, 4096, STACK), 0);
	assert_non_null(w.arena = secret_arena_new(N * SHAMIR_SCALAR_BYTES));
	assert_int_equal(shamir_split(K, N, w.arena, &w.secret, w.share, &w.commits, NULL), RC_OK);
	assert_int_equal(shamir_label(SPAN_STR("a segment"), w.label, NULL), RC_OK);
	for (uint8_t i = 1; i < N; i++)
		assert_int_equal(shamir_contribute((uint8_t)(i + 1), w.share[i], w.label,
		    &w.answer[i], NULL), RC_OK);
	for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
		run(rows[r].f, &w, stack);
		/* It did run here. */
		assert_false(sodium_is_zero(stack, STACK));
		if (memmem(stack, STACK, w.share[0], SHAMIR_SCALAR_BYTES) != NULL)
			fail_msg("%s: the share is still on the stack", rows[r].name);
		for (size_t i = 0; i < N; i++)
			if (memmem(stack, STACK, w.answer[i].point, SHAMIR_POINT_BYTES) != NULL)
				fail_msg("%s: contribution %zu is still on the stack", rows[r].name, i + 1);
		if (w.point != NULL &&
		    memmem(stack, STACK, secret_view(w.point), SHAMIR_POINT_BYTES) != NULL)
			fail_msg("%s: the segment's point is still on the stack", rows[r].name);
	}
	secret_free(w.point);
	secret_free(w.secret);
	secret_arena_free(w.arena);
	free(stack);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(nothing_left),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
