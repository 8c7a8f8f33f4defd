/* custodian/check_batch.c - open the shares of one batch and hold them against its descriptors. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/wire.h"
#include "custodian/checking.h"
#include "custodian/opener.h"
#include "evidence/batch.h"

void
check_batch_close(struct checking *k)
{
	hsm_opener_free(TAKE(k->opener));
	buf_reset(&k->descriptors);
	buf_reset(&k->sealed);
	k->count = k->leaf = k->n_bad = k->said = 0;
	k->at = 0;
	k->open = false;
}

/* --- its vectors ------------------------------------------------------------------- */

/* What a damaged disk gives back must not become an accusation of the sealer. */
static enum rc
read_vectors(struct custody *c, struct checking *k, uint64_t index, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	size_t	 n;
	uint8_t	*p;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	TRY(batch_of(c, index, &d, &s, err));
	n = (size_t)s.u.batch.count * SEALED_SHARE_BYTES;
	if ((p = buf_extend(&k->sealed, n)) == NULL)
		return buf_check(&k->sealed, "shares", err);
	TRY(store_share(c->store, index, 0, p, n, err));
	TRY(batch_check_shares(&s, c->index, buf_view(&k->sealed), err));
	TRY(store_blob(c->store, s.u.batch.descriptors, &k->descriptors, err));
	k->count = s.u.batch.count;
	return RC_OK;
}

static enum rc
open_batch(struct custody *c, struct checking *k, uint64_t index, struct err *err)
{
	const struct charter	*charter;
	enum rc			 rc;

	TRY(custody_charter(c, &charter, err));		/* learns our index */
	rc = read_vectors(c, k, index, err);
	/* Shorter than it was stored, or other bytes: not what it was. */
	if (rc == RC_MISSING || rc == RC_FORMAT || rc == RC_VERIFY)
		return err_wrap(err, RC_VERIFY, "the shares of batch %llu are not as they were stored",
		    (unsigned long long)index);
	TRY(rc);
	return opener_new(c, index, &k->opener, err);
}

enum rc
check_batch_open(struct custody *c, struct checking *k, uint64_t index, struct err *err)
{
	enum rc	rc;

	check_batch_close(k);
	rc = open_batch(c, k, index, err);
	if (rc != RC_OK)
		check_batch_close(k);
	k->open = rc == RC_OK;
	k->batch = index;
	return rc;
}

/* --- one slice ----------------------------------------------------------------------- */

struct slice {
	size_t		n;			/* shares that opened */
	uint32_t	leaf;			/* after the last that was tried */
	size_t		at;
};

static void
note_bad(struct checking *k, uint32_t leaf, const uint8_t *share)
{
	struct bad_share	*b;

	if (k->n_bad < CHECK_GARBAGE_MAX) {
		b = &k->bad[k->n_bad];
		b->leaf = leaf;
		b->kind = GARBAGE_OTHER;
		if (share == NULL || shamir_share_public(share, b->point, NULL) != RC_OK)
			b->kind = GARBAGE_SHUT;
	}
	k->n_bad++;
}

/* RC_VERIFY: it does not open. */
static enum rc
open_share(struct checking *k, const struct slice *s, struct span descriptor, struct err *err)
{
	uint8_t	digest[SHA256_BYTES];

	if (k->opener == NULL)
		return err_set(err, RC_VERIFY, "batch %llu: the encapsulation is no point", (unsigned long long)k->batch);
	sha256_one(digest, descriptor);
	return hsm_opener_share(k->opener, s->leaf, digest, k->sealed.p + (size_t)s->leaf * SEALED_SHARE_BYTES,
	    secret_bytes(k->shares) + s->n * SHAMIR_SCALAR_BYTES, err);
}

static enum rc
open_one(struct checking *k, struct slice *s, struct err *err)
{
	struct rd		r = rd_init(buf_view(&k->descriptors));
	struct descriptor	d;
	struct span		bytes;
	enum rc			rc;

	r.at = s->at;
	if (!rd_vec16(&r, 1, DESCRIPTOR_BYTES_MAX, &bytes) || descriptor_parse_form(bytes, &d, err) != RC_OK)
		return err_set(err, RC_BUG, "batch %llu does not fit its descriptors", (unsigned long long)k->batch);
	rc = open_share(k, s, bytes, err);
	if (rc != RC_OK && rc != RC_VERIFY)
		return rc;
	if (rc == RC_VERIFY)
		note_bad(k, s->leaf, NULL);
	k->commits[s->n] = d.commits;
	k->leaf_of[s->n] = s->leaf;
	s->n += rc == RC_OK;
	s->leaf++;
	s->at = r.at;
	return RC_OK;
}

static uint64_t
milliseconds(void)
{
	struct timespec	t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);	/* cannot fail */
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static enum rc
open_slice(struct checking *k, struct slice *s, struct err *err)
{
	uint64_t	until = milliseconds() + CHECK_SLICE_MS;
	unsigned	i;

	for (i = 0; i < CHECK_SLICE && s->leaf < k->count; i++) {
		if (i > 0 && milliseconds() >= until)
			break;
		TRY(open_one(k, s, err));
	}
	return RC_OK;
}

/*
 * Somebody is about to be accused: what the batched check finds, the single one, by
 * the other library, must find as well.
 */
static enum rc
find_bad(struct custody *c, struct checking *k, const uint8_t *const *share, size_t n, struct err *err)
{
	uint32_t	before = k->n_bad;
	size_t		i;

	for (i = 0; i < n; i++)
		if (shamir_shares_verify(&k->commits[i], c->index, &share[i], 1, err) != RC_OK &&
		    shamir_share_verify(&k->commits[i], c->index, share[i], err) != RC_OK)
			note_bad(k, k->leaf_of[i], share[i]);
	if (k->n_bad == before)
		return err_set(err, RC_BUG, "batch %llu: shares are wrong together and right alone",
		    (unsigned long long)k->batch);
	return RC_OK;
}

static enum rc
verify_slice(struct custody *c, struct checking *k, const struct slice *s, struct err *err)
{
	const uint8_t	*share[CHECK_SLICE];
	enum rc		 rc;

	for (size_t i = 0; i < s->n; i++)
		share[i] = secret_view(k->shares) + i * SHAMIR_SCALAR_BYTES;
	rc = shamir_shares_verify(k->commits, c->index, share, s->n, err);
	if (rc == RC_VERIFY || rc == RC_FORMAT)
		return find_bad(c, k, share, s->n, err);
	return rc;
}

enum rc
check_batch_slice(struct custody *c, struct checking *k, struct err *err)
{
	struct slice	s = { .leaf = k->leaf, .at = k->at };
	uint32_t	before = k->n_bad;
	enum rc		rc;

	rc = open_slice(k, &s, err);
	if (rc == RC_OK)
		rc = verify_slice(c, k, &s, err);
	wipe(secret_bytes(k->shares), secret_len(k->shares));
	if (rc != RC_OK) {
		k->n_bad = before;	/* it is tried again, or nobody is accused */
		return rc;
	}
	k->leaf = s.leaf;
	k->at = s.at;
	return RC_OK;
}
