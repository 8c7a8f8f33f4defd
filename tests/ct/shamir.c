/* Split, check, apply, contribute, verify, combine: shamir/shamir.h. */
#include <string.h>

#include <sodium.h>

#include "shamir/shamir.h"
#include "tests/ct/ct.h"

#define K	3
#define N	5
#define BYTES	SHAMIR_SCALAR_BYTES

struct split {
	struct secret_arena	*arena;
	struct secret		*secret;
	uint8_t			*share[SHAMIR_SHARES_MAX];
	struct shamir_commits	 commits;
	uint8_t			 label[SHAMIR_POINT_BYTES];
};

/* What is drawn for it is secret, as all that comes of it; commitments are published. */
static void
split_up(struct split *s)
{
	memset(s, 0, sizeof(*s));
	s->arena = secret_arena_new(4096);
	ct_need(s->arena != NULL, "an arena");
	ct_ok(shamir_label(SPAN_STR("a label"), s->label, NULL), "a label");
	ct_random_is_secret(true);
	ct_ok(shamir_split(K, N, s->arena, &s->secret, s->share, &s->commits, NULL), "a split");
	ct_random_is_secret(false);
	ct_public(&s->commits, sizeof(s->commits));	/* they go into the descriptor */
}

static void
split_down(struct split *s)
{
	secret_free(s->secret);
	secret_arena_free(s->arena);
}

static void
run_split(void)
{
	struct split	s;
	uint8_t		i;

	split_up(&s);
	ct_need(ct_is_secret(secret_view(s.secret), BYTES), "the scalar is secret");
	for (i = 0; i < N; i++)
		ct_need(ct_is_secret(s.share[i], BYTES), "a share is secret");
	split_down(&s);
}

static void
run_check(void)
{
	struct split	s;
	uint8_t		point[SHAMIR_POINT_BYTES];
	uint8_t		i;

	split_up(&s);
	for (i = 1; i <= N; i++)
		ct_ok(shamir_share_verify(&s.commits, i, s.share[i - 1], NULL), "a share is verified");
	ct_need(shamir_share_verify(&s.commits, 1, s.share[1], NULL) == RC_VERIFY, "another is refused");
	ct_ok(shamir_share_public(s.share[0], point, NULL), "its public side");
	ct_need(ct_is_secret(s.share[0], BYTES), "the share is still secret");
	split_down(&s);
}

/* Of one custodian, as it checks a batch; the weights are drawn as secrets, and are none. */
static void
run_check_batch(void)
{
	enum { BATCH = 70 };				/* more than one chunk */
	static struct shamir_commits	commits[BATCH];
	struct split			s;
	const uint8_t			*share[BATCH];
	size_t				 i;

	split_up(&s);
	for (i = 0; i < BATCH; i++) {
		commits[i] = s.commits;
		share[i] = s.share[1];
	}
	ct_random_is_secret(true);
	ct_ok(shamir_shares_verify(commits, 2, share, BATCH, NULL), "a batch is verified");
	share[BATCH - 1] = s.share[2];
	ct_need(shamir_shares_verify(commits, 2, share, BATCH, NULL) == RC_VERIFY, "one wrong share is found");
	ct_random_is_secret(false);
	split_down(&s);
}

static void
run_apply(void)
{
	struct split	 s;
	struct secret	*point = NULL;

	split_up(&s);
	ct_ok(shamir_apply(s.secret, s.label, &point, NULL), "the scalar is applied");
	ct_need(ct_is_secret(secret_view(point), SHAMIR_POINT_BYTES), "the segment's point is secret");
	secret_free(point);
	split_down(&s);
}

static void
contribute(const struct split *s, struct shamir_contribution c[N])
{
	uint8_t	i;

	ct_random_is_secret(true);			/* the proof's nonce */
	for (i = 0; i < N; i++)
		ct_ok(shamir_contribute(i + 1, s->share[i], s->label, &c[i], NULL), "a contribution");
	ct_random_is_secret(false);
}

static void
run_contribute(void)
{
	struct shamir_contribution	c[N];
	struct split			s;

	split_up(&s);
	contribute(&s, c);
	ct_need(ct_is_secret(c[0].point, sizeof(c[0].point)), "a contribution is secret");
	ct_need(ct_is_secret(c[0].proof, sizeof(c[0].proof)), "and what its proof was made of");
	split_down(&s);
}

/* As the release worker gets them: whose they are is public, what they are is not. */
static void
run_combine(void)
{
	struct shamir_contribution	 c[N];
	struct split			 s;
	struct secret			*point = NULL, *want = NULL;
	uint32_t			 bad = 0;

	split_up(&s);
	contribute(&s, c);
	ct_ok(shamir_contribution_verify(&c[2], &s.commits, s.label, NULL), "a proof holds");
	c[1].proof[40] ^= 1;
	ct_ok(shamir_combine(c, N, &s.commits, s.label, &bad, &point, NULL), "they are combined");
	ct_need(bad == 2, "the liar is named");
	ct_need(ct_is_secret(secret_view(point), SHAMIR_POINT_BYTES), "what comes out is secret");
	ct_ok(shamir_apply(s.secret, s.label, &want, NULL), "the scalar is applied");
	ct_need(secret_eq(point, want), "it is the segment's point");
	secret_free(point);
	secret_free(want);
	split_down(&s);
}

/* How far two secrets are alike does not show. */
static void
run_equal(void)
{
	struct secret	*a = secret_new(BYTES), *b = secret_new(BYTES);
	size_t		 i;

	ct_need(a != NULL && b != NULL, "secrets");
	ct_secret(secret_bytes(a), BYTES);
	ct_secret(secret_bytes(b), BYTES);
	ct_need(secret_eq(a, b), "both are zero");
	for (i = 0; i < BYTES; i++) {
		secret_bytes(b)[i] ^= 1;
		ct_need(!secret_eq(a, b), "they differ");
		secret_bytes(b)[i] ^= 1;
	}
	secret_free(a);
	secret_free(b);
}

const struct ct_case	ct_shamir[] = {
	{ "split", run_split, false },
	{ "check", run_check, false },
	{ "check-batch", run_check_batch, false },
	{ "apply", run_apply, false },
	{ "contribute", run_contribute, false },
	{ "combine", run_combine, false },
	{ "equal", run_equal, false },
	{ NULL, NULL, false },
};
