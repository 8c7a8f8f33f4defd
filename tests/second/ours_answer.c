/* What custodians and the release worker do between sealing and opening, without the network between. */
#include "tests/second/ours.h"

#define ANSWERS_MAX	NET_N

struct work {
	const struct net		*n;
	const struct descriptor		*d;
	uint8_t				 custodian;
	const uint8_t			*share;
	struct secret *const		*answer;
	size_t				 n_answers;
	uint32_t			 bad;
	struct secret			*out;
};

static enum rc
label_of(const struct work *w, const struct scope_artifact *a, const struct scope_part *p, uint32_t segment,
    uint8_t label[SHAMIR_POINT_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf msg = BUF_INIT(LABEL_MSG_MAX);

	label_msg(w->n->genesis, a->id, p->name, segment, &msg);
	return shamir_label(buf_view(&msg), label, err);
}

static enum rc
contribute(void *user, uint32_t number, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, struct err *err)
{
	struct work			*w = user;
	struct shamir_contribution	 c;
	uint8_t				 label[SHAMIR_POINT_BYTES];

	TRY(label_of(w, a, p, segment, label, err));
	TRY(shamir_contribute(w->custodian, w->share, label, &c, err));
	contributions_put(w->out, number, &c);
	return RC_OK;
}

enum rc
answer_make(const struct net *n, const struct descriptor *d, const struct scope *scope, uint8_t custodian,
    const uint8_t *share, const uint8_t order[SHA256_BYTES], struct secret **ret, struct err *err)
{
	struct work	w = { .n = n, .d = d, .custodian = custodian, .share = share };

	TRY(shamir_share_verify(&d->commits, custodian, share, err));
	TRY(contributions_new(custodian, order, scope->n_segments, &w.out, err));
	TRY(scope_each(scope, contribute, &w, err));
	*ret = w.out;
	return RC_OK;
}

static enum rc
combine(void *user, uint32_t number, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, struct err *err)
{
	AUTO(secret_free) struct secret *point = NULL;
	struct work			*w = user;
	struct shamir_contribution	 c[ANSWERS_MAX];
	uint8_t				 label[SHAMIR_POINT_BYTES];
	uint32_t			 bad;

	for (size_t i = 0; i < w->n_answers; i++)
		contributions_get(w->answer[i], number, &c[i]);
	TRY(label_of(w, a, p, segment, label, err));
	TRY(shamir_combine(c, w->n_answers, &w->d->commits, label, &bad, &point, err));
	w->bad |= bad;
	keys_put(w->out, number, point);
	return RC_OK;
}

enum rc
answers_combine(const struct net *n, const struct descriptor *d, const struct scope *scope,
    struct secret *const *answer, size_t n_answers, const uint8_t order[SHA256_BYTES], uint32_t *ret_bad,
    struct secret **ret, struct err *err)
{
	struct work	w = { .n = n, .d = d, .answer = answer, .n_answers = n_answers };

	if (n_answers > ANSWERS_MAX)
		return err_set(err, RC_BUG, "more answers than custodians");
	for (size_t i = 0; i < n_answers; i++)
		TRY(contributions_check(answer[i], secret_view(answer[i])[1], order, scope->n_segments, err));
	TRY(keys_new(order, scope->n_segments, &w.out, err));
	TRY(scope_each(scope, combine, &w, err));
	*ret_bad = w.bad;
	*ret = w.out;
	return RC_OK;
}
