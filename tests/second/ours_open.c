/* Opens what the second implementation sealed: batch, shares, answers, envelopes. */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "tests/gen/lib/vector.h"
#include "tests/second/ours.h"
#include "tests/unit/own.h"

/* own_each() gives no pointer through: one opening at a time. */
static struct {
	struct net		*n;
	const char		*dir;
	struct statement	 s;
	struct buf		 vector, shares[NET_N];
	size_t			 passed, failed;
} theirs;

static struct buf
bytes_at(const struct own *v, const char *key, size_t at)
{
	const char	*text = own_text(v, key, at);
	struct buf	 b = BUF_INIT(BIG);
	size_t		 n;
	uint8_t		*p;

	vector_need(text != NULL, key);
	n = strlen(text) / 2;
	p = buf_extend(&b, n);
	vector_need((p != NULL || n == 0) && hex_parse(span_str(text), p, n), key);
	return b;
}

static struct secret *
secret_at(const struct own *v, const char *key, size_t at)
{
	struct buf	 b = bytes_at(v, key, at);
	struct secret	*s = secret_new(b.n);

	vector_need(s != NULL, "no locked memory");
	memcpy(secret_bytes(s), b.p, b.n);
	buf_done(&b);
	return s;
}

/* --- the batch -------------------------------------------------------------------- */

static enum rc
batch_read(const struct own *v, struct err *err)
{
	const struct charter		*c = replica_charter(theirs.n->replica);
	AUTO_DONE(buf_done) struct buf	 envelope = bytes_at(v, "envelope", 0);
	AUTO_DONE(dsse_done) struct dsse d = { 0 };

	theirs.vector = bytes_at(v, "vector", 0);
	TRY(dsse_parse(buf_view(&envelope), &d, err));
	if (!dsse_signed_by(&d, &c->sealer[0].key))
		return err_set(err, RC_VERIFY, "not signed by the sealer");
	TRY(statement_parse(&d, &theirs.s, err));
	TRY(batch_check(&theirs.s, c, buf_view(&theirs.vector), err));
	for (uint8_t i = 0; i < NET_N; i++) {
		theirs.shares[i] = bytes_at(v, "shares", i);
		TRY(batch_check_shares(&theirs.s, (uint8_t)(i + 1), buf_view(&theirs.shares[i]), err));
	}
	return RC_OK;
}

static void
batch_each(const struct own *v)
{
	struct err	err = { .msg = "" };
	enum rc		rc = batch_read(v, &err);

	if (rc != RC_OK)
		fprintf(stderr, "their batch: %s: %s\n", rc_name(rc), err.msg);
	vector_need(rc == RC_OK, "their batch");
}

/* --- a custodian's half -------------------------------------------------------------- */

/* What a token does: Z, of the share key and their ephemeral point. */
static struct secret *
agree(const struct test_key *k, const uint8_t point[SEALED_POINT_BYTES])
{
	struct secret	*z = secret_new(32);
	EVP_PKEY	*peer = EVP_PKEY_new();
	EVP_PKEY_CTX	*ctx = EVP_PKEY_CTX_new(k->pkey, NULL);
	size_t		 n = 32;

	vector_need(z != NULL && peer != NULL && ctx != NULL && EVP_PKEY_copy_parameters(peer, k->pkey) == 1 &&
	    EVP_PKEY_set1_encoded_public_key(peer, point, SEALED_POINT_BYTES) == 1 &&
	    EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer(ctx, peer) == 1 &&
	    EVP_PKEY_derive(ctx, secret_bytes(z), &n) == 1 && n == 32, "ECDH");
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	return z;
}

static enum rc
share_open(uint8_t at, uint32_t leaf, const uint8_t digest[SHA256_BYTES], struct secret *ret, struct err *err)
{
	AUTO(sealed_key_free) struct sealed_key *key = NULL;
	AUTO(secret_free) struct secret *z = NULL;
	const uint8_t		*encapsulation = theirs.s.u.batch.custodian[at].encapsulation;
	struct sealed_context	 c = { .custodian = (uint8_t)(at + 1), .epoch = theirs.s.u.batch.custodian[at].epoch };

	memcpy(c.genesis, theirs.n->genesis, sizeof(c.genesis));
	memcpy(c.batch_root, theirs.s.subject, sizeof(c.batch_root));
	z = agree(&theirs.n->share[at], encapsulation);
	TRY(sealed_key_from_z(&c, encapsulation, z, &key, err));
	return sealed_share_open(key, leaf, digest, theirs.shares[at].p + (size_t)leaf * SEALED_SHARE_BYTES,
	    secret_bytes(ret), err);
}

/* Every custodian opens its share and answers; all answers are combined. */
static enum rc
own_keys(const struct descriptor *d, uint32_t leaf, const uint8_t digest[SHA256_BYTES], const struct scope *scope,
    const uint8_t order[SHA256_BYTES], struct secret **ret, struct err *err)
{
	AUTO(secret_free) struct secret *share = secret_new(SHAMIR_SCALAR_BYTES);
	struct secret	*answer[NET_N] = { NULL };
	uint32_t	 bad = 0;
	enum rc		 rc = RC_OK;

	vector_need(share != NULL, "no locked memory");
	for (uint8_t i = 0; i < NET_N && rc == RC_OK; i++)
		if ((rc = share_open(i, leaf, digest, share, err)) == RC_OK)
			rc = answer_make(theirs.n, d, scope, (uint8_t)(i + 1), secret_bytes(share), order,
			    &answer[i], err);
	if (rc == RC_OK)
		rc = answers_combine(theirs.n, d, scope, answer, NET_N, order, &bad, ret, err);
	for (size_t i = 0; i < NET_N; i++)
		secret_free(answer[i]);
	return rc;
}

/* The answers that they made, as the worker sees them. */
static enum rc
their_keys(const struct own *v, const struct descriptor *d, const struct scope *scope,
    const uint8_t order[SHA256_BYTES], struct secret **ret, struct err *err)
{
	struct secret	*answer[NET_N] = { NULL };
	size_t		 n = own_count(v, "answer");
	uint32_t	 bad = 0, want = 0;
	uint8_t		 liar;
	enum rc		 rc;

	vector_need(n >= THRESHOLD && n <= NET_N, "answers");
	for (size_t i = 0; i < n; i++)
		answer[i] = secret_at(v, "answer", i);
	for (size_t i = 0; i < own_count(v, "bad"); i++) {
		own_hex(v, "bad", i, &liar, 1);
		want |= 1U << (liar - 1);
	}
	rc = answers_combine(theirs.n, d, scope, answer, n, order, &bad, ret, err);
	for (size_t i = 0; i < n; i++)
		secret_free(answer[i]);
	if (rc == RC_OK && bad != want)
		return err_set(err, RC_VERIFY, "bad are %x, not %x", bad, want);
	return rc;
}

/* --- the envelope ----------------------------------------------------------------------- */

struct ring {
	const struct scope	*scope;
	const struct secret	*keys;
	const char		*part;		/* looked for */
	uint32_t		 segment;
	struct secret		*found;
};

static enum rc
find(void *user, uint32_t number, const struct scope_artifact *a, const struct scope_part *p, uint32_t segment,
    struct err *err)
{
	struct ring	*r = user;

	(void)a;
	if (segment != r->segment || strcmp(p->name, r->part) != 0)
		return RC_OK;
	return keys_point(r->keys, number, &r->found, err);
}

static enum rc
point_of(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err)
{
	struct ring	*r = user;

	r->part = part;
	r->segment = segment;
	r->found = NULL;
	TRY(scope_each(r->scope, find, r, err));
	if (r->found == NULL)
		return err_set(err, RC_MISSING, "not in scope");
	*ret = r->found;
	return RC_OK;
}

static enum rc
read_at(void *user, uint64_t offset, uint8_t *out, size_t n, struct err *err)
{
	const struct buf	*b = user;

	if (offset > b->n || n > b->n - offset)
		return err_set(err, RC_FORMAT, "past the end");
	memcpy(out, b->p + offset, n);
	return RC_OK;
}

static enum rc
collect(void *user, struct span data, struct err *err)
{
	buf_span(user, data);
	return buf_check(user, "plaintext", err);
}

static uint64_t
be64(const uint8_t *p)
{
	uint64_t	n = 0;

	for (size_t i = 0; i < 8; i++)
		n = n << 8 | p[i];
	return n;
}

static enum rc
ranges_read(const struct own *v, const struct envelope *e, struct ring *r, struct err *err)
{
	for (size_t i = 0; i < own_count(v, "read"); i++) {
		AUTO_DONE(buf_done) struct buf plain = BUF_INIT(BIG);
		uint8_t	what[17], want[SHA256_BYTES], is[SHA256_BYTES];

		own_hex(v, "read", i, what, sizeof(what));
		own_hex(v, "read_sha256", i, want, sizeof(want));
		TRY(envelope_read(e, what[0], be64(what + 1), be64(what + 9), point_of, r, collect, &plain, err));
		sha256_one(is, buf_view(&plain));
		if (memcmp(is, want, sizeof(is)) != 0)
			return err_set(err, RC_VERIFY, "read %zu is another plaintext", i);
	}
	return RC_OK;
}

static enum rc
file_open(const struct own *v, struct buf *file, const uint8_t digest[SHA256_BYTES], struct ring *r, struct err *err)
{
	AUTO(envelope_free) struct envelope *e = NULL;

	TRY(envelope_open(read_at, file, file->n, digest, &e, err));
	TRY(envelope_verify(e, err));
	return ranges_read(v, e, r, err);
}

static enum rc
every_byte(const struct own *v, struct buf *file, const uint8_t digest[SHA256_BYTES], struct ring *r, struct err *err)
{
	for (size_t i = 0; i < file->n; i++) {
		uint8_t	bit = (uint8_t)(1U << i % 8);
		enum rc	rc;

		file->p[i] ^= bit;
		rc = file_open(v, file, digest, r, NULL);
		file->p[i] ^= bit;
		if (rc != RC_FORMAT && rc != RC_VERIFY)
			return err_set(err, RC_BUG, "byte %zu flipped: %s", i, rc_name(rc));
	}
	return RC_OK;
}

static struct buf
file_load(const char *name)
{
	struct buf	b = BUF_INIT(BIG);
	char		path[1024], part[4096];
	size_t		n;
	FILE		*f;

	(void)snprintf(path, sizeof(path), "%s/theirs/%s.envelope", theirs.dir, name);
	f = fopen(path, "rb");
	vector_need(f != NULL, path);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_add(&b, part, n);
	vector_need(fclose(f) == 0 && b.rc == RC_OK, path);
	return b;
}

/* --- an artifact -------------------------------------------------------------------------- */

static enum rc
keys_agree(const struct own *v, const struct descriptor *d, uint32_t leaf, const uint8_t digest[SHA256_BYTES],
    const struct scope *scope, struct secret **ret, struct err *err)
{
	AUTO(secret_free) struct secret *a = NULL, *b = NULL, *sent = secret_at(v, "keys", 0);
	uint8_t	order[SHA256_BYTES];

	own_hex(v, "order", 0, order, sizeof(order));
	TRY(keys_check(sent, order, scope->n_segments, err));
	TRY(own_keys(d, leaf, digest, scope, order, &a, err));
	TRY(their_keys(v, d, scope, order, &b, err));
	if (!secret_eq(a, b) || !secret_eq(a, sent))
		return err_set(err, RC_VERIFY, "keys differ");
	*ret = TAKE(a);
	return RC_OK;
}

static enum rc
artifact_open(const struct own *v, struct err *err)
{
	AUTO(secret_free) struct secret *keys = NULL;
	AUTO_DONE(scope_done) struct scope scope = { 0 };
	AUTO_DONE(buf_done) struct buf	blob = bytes_at(v, "scope", 0), file = file_load(v->name);
	struct ring		ring = { .scope = &scope };
	struct tree_path	path;
	struct descriptor	d;
	struct span		raw;
	uint8_t			at[4], digest[SHA256_BYTES];
	uint32_t		leaf;

	own_hex(v, "leaf", 0, at, sizeof(at));
	leaf = (uint32_t)at[2] << 8 | at[3];
	TRY(batch_inclusion(buf_view(&theirs.vector), theirs.s.u.batch.count, leaf, &raw, &path, err));
	TRY(descriptor_parse(raw, &d, err));
	sha256_one(digest, raw);
	TRY(scope_parse(buf_view(&blob), &scope, err));
	TRY(keys_agree(v, &d, leaf, digest, &scope, &keys, err));
	ring.keys = keys;
	TRY(file_open(v, &file, digest, &ring, err));
	return own_text(v, "every_byte", 0) == NULL ? RC_OK : every_byte(v, &file, digest, &ring, err);
}

static void
artifact_each(const struct own *v)
{
	struct err	err = { .msg = "" };
	enum rc		rc = artifact_open(v, &err);

	if (rc == RC_OK) {
		theirs.passed++;
		return;
	}
	theirs.failed++;
	printf("FAIL theirs/%s: %s: %s\n", v->name, rc_name(rc), err.msg);
}

void
open_all(struct net *n, const char *dir, size_t *ret_passed, size_t *ret_failed)
{
	theirs.n = n;
	theirs.dir = dir;
	vector_need(setenv("OWN_VECTORS", dir, 1) == 0, "no memory left");
	vector_need(own_each("batch-theirs", batch_each) == 1, "their batch");
	vector_need(own_each("theirs", artifact_each) == theirs.s.u.batch.count, "not a file a leaf");
	*ret_passed = theirs.passed;
	*ret_failed = theirs.failed;
	buf_done(&theirs.vector);
	for (size_t i = 0; i < NET_N; i++)
		buf_done(&theirs.shares[i]);
	statement_done(&theirs.s);
}
