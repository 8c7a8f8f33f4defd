/* Writes tests/vectors/share-v1: docs/spec/share-v1.md section 9. */
#include <string.h>

#include <sodium.h>

#include "shamir/dleq.h"
#include "tests/gen/lib/vector.h"

#define SPEC	"share-v1"

/* A split that is the same at each run, and its contributions for one label. */
struct split {
	uint8_t				 k, n;
	uint8_t				 coefficient[SHAMIR_SHARES_MAX][32];
	uint8_t				*share[SHAMIR_SHARES_MAX];
	struct shamir_commits		 commits;
	uint8_t				 label[32];
	uint8_t				 nonce[SHAMIR_SHARES_MAX][32];
	struct shamir_contribution	 c[SHAMIR_SHARES_MAX];
};

static const char		*out_dir;
static struct secret_arena	*arena;
static const char		 message[] = "the bytes that name a segment";

static struct vector_out
start(const char *name, const char *expect, const char *test, const char *comment)
{
	struct vector_out	v = vector_open(out_dir, SPEC, name, expect, comment);

	vector_text(&v, "test", test);
	return v;
}

static void
scalar(const char *name, uint32_t number, uint8_t ret[32])
{
	uint8_t	wide[64];

	vector_seed(name, number, wide, sizeof(wide));
	crypto_core_ristretto255_scalar_reduce(ret, wide);
}

static void
contribute(const char *context, uint8_t index, const uint8_t *share, const uint8_t *label,
    const uint8_t nonce[32], struct shamir_contribution *ret)
{
	uint8_t		public[32];
	struct dleq	d = { span_str(context), public, label, ret->point };

	ret->index = index;
	vector_need(crypto_scalarmult_ristretto255_base(public, share) == 0 &&
	    crypto_scalarmult_ristretto255(ret->point, share, label) == 0 &&
	    dleq_prove(&d, share, nonce, ret->proof, NULL) == RC_OK, "contribute");
}

static void
split(struct split *s, uint8_t k, uint8_t n)
{
	uint32_t	i;

	memset(s, 0, sizeof(*s));
	s->k = k;
	s->n = n;
	for (i = 0; i < k; i++)
		scalar("coefficient", (uint32_t)k << 16 | (uint32_t)n << 8 | i, s->coefficient[i]);
	vector_need(shamir_split_with((const uint8_t (*)[32])s->coefficient, k, n, arena, s->share,
	    &s->commits, NULL) == RC_OK && shamir_label(SPAN_STR(message), s->label, NULL) == RC_OK, "split");
	for (i = 0; i < n; i++) {
		scalar("nonce", (uint32_t)k << 16 | (uint32_t)n << 8 | i, s->nonce[i]);
		contribute("quorate/contribution/v1", (uint8_t)(i + 1), s->share[i], s->label, s->nonce[i],
		    &s->c[i]);
		vector_need(shamir_contribution_verify(&s->c[i], &s->commits, s->label, NULL) == RC_OK,
		    "verify");
	}
}

static void
put_commits(struct vector_out *v, const struct shamir_commits *c, size_t n)
{
	uint8_t	j;

	vector_hex(v, "threshold", SPAN(&c->threshold, 1));
	for (j = 0; j < n; j++)
		vector_hex(v, "commitment", SPAN_OF(c->point[j]));
}

static void
put_contribution(struct vector_out *v, const struct shamir_contribution *c)
{
	uint8_t	raw[SHAMIR_CONTRIBUTION_BYTES];

	shamir_contribution_write(c, raw);
	vector_hex(v, "contribution", SPAN_OF(raw));
}

static void
write_split(const char *name, uint8_t k, uint8_t n)
{
	struct split		s;
	struct vector_out	v = start(name, "ok", "split",
	    "coefficients in rising order, the first is the secret; shares of index 1, 2, ...");
	uint8_t			i, at[32];

	split(&s, k, n);
	vector_hex(&v, "shares", SPAN(&n, 1));
	for (i = 0; i < k; i++)
		vector_hex(&v, "coefficient", SPAN_OF(s.coefficient[i]));
	put_commits(&v, &s.commits, k);
	for (i = 0; i < n; i++) {
		vector_hex(&v, "share", SPAN(s.share[i], 32));
		vector_need(shamir_share_commit(&s.commits, i + 1, at, NULL) == RC_OK, "commit");
		vector_hex(&v, "share_commitment", SPAN_OF(at));
	}
	vector_close(&v);
}

static void
write_label(const char *name, struct span msg, const char *comment)
{
	struct vector_out	v = start(name, "ok", "label", comment);
	uint8_t			label[32];

	vector_need(shamir_label(msg, label, NULL) == RC_OK, "label");
	vector_hex(&v, "message", msg);
	vector_hex(&v, "label", SPAN_OF(label));
	vector_close(&v);
}

/* One contribution by itself; `expect` is what whoever verifies it says. */
static void
write_one(const char *name, const char *expect, const char *comment, const struct split *s,
    const struct shamir_commits *commits, const uint8_t label[32], struct span contribution)
{
	struct vector_out	v = start(name, expect, "contribution", comment);

	put_commits(&v, commits, s->k);
	vector_hex(&v, "label", SPAN(label, 32));
	vector_hex(&v, "contribution", contribution);
	vector_close(&v);
}

static void
write_good(const struct split *s)
{
	struct vector_out	v = start("contribution_good", "ok", "contribution",
	    "made with the share and the nonce given");

	vector_hex(&v, "message", SPAN_STR(message));
	vector_hex(&v, "share", SPAN(s->share[3], 32));
	vector_hex(&v, "nonce", SPAN_OF(s->nonce[3]));
	put_commits(&v, &s->commits, s->k);
	vector_hex(&v, "label", SPAN_OF(s->label));
	put_contribution(&v, &s->c[3]);
	vector_close(&v);
}

/* The good contribution of index 4 with one field replaced. */
static void
write_changed(const struct split *s)
{
	static const uint8_t	zero[32], one[1] = { 1 };
	static const uint8_t	no_point[32] = { 1 };	/* odd, so no canonical encoding */
	static const uint8_t	order[32] = {
		0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
		0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
	};
	static const uint8_t	i0[1] = { 0 }, i3[1] = { 3 }, i32[1] = { 32 };
	const uint8_t		high[1] = { s->c[3].point[31] | 0x80 };
	const struct {
		const char	*name, *expect, *comment;
		size_t		 at;
		const uint8_t	*with;
		size_t		 n;
	} t[] = {
		{ "index_zero", "format", "index 0 would be the secret", 0, i0, 1 },
		{ "index_32", "format", "an index is at most 31", 0, i32, 1 },
		{ "index_other", "verify", "the answer of custodian 4 under the name of 3", 0, i3, 1 },
		{ "point_identity", "format", "the identity", 1, zero, 32 },
		{ "point_not_canonical", "format", "no encoding of an element", 1, no_point, 32 },
		{ "point_high_bit", "format", "the highest bit is set, which some libraries pass over", 32, high, 1 },
		{ "point_other", "verify", "the point of custodian 1", 1, s->c[0].point, 32 },
		{ "challenge_zero", "format", "c is zero", 33, zero, 32 },
		{ "challenge_not_reduced", "format", "c is L", 33, order, 32 },
		{ "challenge_other", "verify", "one byte of c changed", 33, one, 1 },
		{ "response_zero", "format", "s is zero", 65, zero, 32 },
		{ "response_not_reduced", "format", "s is L", 65, order, 32 },
		{ "response_other", "verify", "one byte of s changed", 65, one, 1 },
	};
	uint8_t	raw[SHAMIR_CONTRIBUTION_BYTES];
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		shamir_contribution_write(&s->c[3], raw);
		vector_need(memcmp(raw + t[i].at, t[i].with, t[i].n) != 0, "nothing changed");
		memcpy(raw + t[i].at, t[i].with, t[i].n);
		write_one(t[i].name, t[i].expect, t[i].comment, s, &s->commits, s->label, SPAN_OF(raw));
	}
}

static void
write_refused(const struct split *s)
{
	struct shamir_contribution	c = s->c[3];
	struct shamir_commits		commits = s->commits;
	uint8_t				raw[SHAMIR_CONTRIBUTION_BYTES + 1] = { 0 }, label[32];
	static const uint8_t		zero[32];

	shamir_contribution_write(&c, raw);
	write_one("truncated", "format", "one byte too few", s, &commits, s->label, SPAN(raw, 96));
	write_one("trailing", "format", "one byte too many", s, &commits, s->label, SPAN(raw, 98));
	vector_need(shamir_label(SPAN_STR("another segment"), label, NULL) == RC_OK, "label");
	write_one("label_other", "verify", "asked for another label", s, &commits, label, SPAN(raw, 97));
	write_one("label_identity", "format", "the label is the identity", s, &commits, zero, SPAN(raw, 97));
	memset(commits.point[1], 0, 32);
	write_one("commitment_identity", "format", "a commitment is the identity", s, &commits, s->label,
	    SPAN(raw, 97));
	commits = s->commits;
	memcpy(commits.point[2], s->commits.point[1], 32);
	write_one("commitment_other", "verify", "commitments of another split", s, &commits, s->label,
	    SPAN(raw, 97));
	commits = s->commits;
	commits.threshold = 1;
	write_one("threshold_one", "format", "1-of-n is a copy, not an escrow", s, &commits, s->label,
	    SPAN(raw, 97));
	commits.threshold = 32;
	write_one("threshold_32", "format", "at most 31", s, &commits, s->label, SPAN(raw, 97));
	contribute("quorate/contribution/v2", 4, s->share[3], s->label, s->nonce[3], &c);
	shamir_contribution_write(&c, raw);
	write_one("context_other", "verify", "the proof is under another context string", s, &s->commits,
	    s->label, SPAN(raw, 97));
}

static void
write_combine(const char *name, const char *comment, const struct split *s,
    const struct shamir_contribution *in, size_t n, const char *expect)
{
	struct vector_out	v = start(name, expect, "combine", comment);
	struct secret		*point = NULL;
	uint32_t		bad;
	size_t			i;
	uint8_t			index;
	enum rc			rc = shamir_combine(in, n, &s->commits, s->label, &bad, &point, NULL);

	vector_need(strcmp(rc_name(rc), expect) == 0, name);
	put_commits(&v, &s->commits, s->k);
	vector_hex(&v, "label", SPAN_OF(s->label));
	for (i = 0; i < n; i++)
		put_contribution(&v, &in[i]);
	for (index = 1; index <= SHAMIR_SHARES_MAX; index++)
		if ((bad >> (index - 1) & 1) != 0)
			vector_hex(&v, "bad", SPAN(&index, 1));
	if (point != NULL)
		vector_hex(&v, "point", SPAN(secret_view(point), 32));
	vector_close(&v);
	secret_free(point);
}

static void
write_combines(const struct split *s)
{
	struct shamir_contribution	in[5];

	write_combine("combine_all", "five good ones of which three are needed", s, s->c, 5, "ok");
	in[0] = s->c[4];
	in[1] = s->c[0];
	in[2] = s->c[2];
	write_combine("combine_order", "any three in any order give the same point", s, in, 3, "ok");
	write_combine("combine_too_few", "two good ones", s, s->c, 2, "quorum");
	memcpy(in, s->c, sizeof(in));
	memcpy(in[1].point, s->c[0].point, 32);
	memset(in[3].point, 0xff, 32);
	write_combine("combine_two_lies", "2 and 4 are bad, three others suffice", s, in, 5, "ok");
	write_combine("combine_too_many_lies", "2 and 4 are bad, 1 and 3 do not suffice", s, in, 4, "quorum");
	memcpy(in, s->c, sizeof(in));
	in[3] = in[0];
	write_combine("combine_repeated", "index 1 twice", s, in, 4, "format");
}

int
main(int argc, char **argv)
{
	static uint8_t	longest[65535];
	struct split	s;

	vector_need(argc == 2, "usage: share DIRECTORY");
	out_dir = argv[1];
	vector_need(secret_init(NULL) == RC_OK, "no locked memory");
	arena = secret_arena_new(16384);
	vector_need(arena != NULL, "no locked memory");
	write_split("split_2_of_2", 2, 2);
	write_split("split_3_of_5", 3, 5);
	write_split("split_16_of_31", 16, 31);
	write_label("label_message", SPAN_STR(message), "some bytes");
	write_label("label_empty", SPAN(NULL, 0), "no bytes");
	write_label("label_300", SPAN(longest, 300), "300 zero bytes, more than a block of the hash");
	split(&s, 3, 5);
	write_good(&s);
	write_changed(&s);
	write_refused(&s);
	write_combines(&s);
	secret_arena_free(arena);
	return 0;
}
