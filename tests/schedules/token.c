/*
 * tests/schedules/token.c - what custodian/ asks of a token, in software: the same
 * functions as hsm/, which is not linked. A token keeps its marks over the lives of its
 * custodian, fails when it is told to, and looks on when a share is opened.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tests/schedules/world.h"

struct hsm_key { const struct test_key *key; };
struct hsm_signer { const struct test_key *key; };
struct hsm_opener { struct sealed_key *k; };

static enum rc
works(struct hsm *h, struct err *err)
{
	if (h->fail_in > 0 && --h->fail_in == 0)
		return err_set(err, RC_IO, "the token fails, as the schedule says");
	return RC_OK;
}

/* --- marks ------------------------------------------------------------------------------ */

static bool
is_of(const struct hsm_mark *m, const uint8_t *owner)
{
	return memcmp(m->bytes, owner, HSM_MARK_OWNER) == 0;
}

enum rc
hsm_mark_write(struct hsm *h, const char *name, struct span value, bool make, struct err *err)
{
	size_t	i;

	(void)name;
	TRY(works(h, err));
	for (i = 0; i < h->n && !is_of(&h->mark[i], value.p); i++)
		;
	if (i == h->n && !make)
		return err_set(err, RC_MISSING, "no mark of this owner");
	if (i == HSM_MARKS_MAX)
		return err_set(err, RC_FORMAT, "too many marks");
	memcpy(h->mark[i].bytes, value.p, value.n);
	h->mark[i].n = value.n;
	h->n += i == h->n;
	return RC_OK;
}

enum rc
hsm_mark_read(struct hsm *h, const char *name, struct hsm_mark *ret, size_t *ret_n, struct err *err)
{
	(void)name;
	TRY(works(h, err));
	memcpy(ret, h->mark, h->n * sizeof(*ret));
	*ret_n = h->n;
	return RC_OK;
}

enum rc
hsm_mark_sweep(struct hsm *h, const char *name, const uint8_t *owner, struct err *err)
{
	size_t	i, kept = 0;

	(void)name;
	TRY(works(h, err));
	for (i = 0; i < h->n; i++)
		if (owner != NULL && is_of(&h->mark[i], owner))
			h->mark[kept++] = h->mark[i];
	h->n = kept;
	return RC_OK;
}

/* --- keys --------------------------------------------------------------------------------- */

struct span
hsm_key_public(const struct hsm_key *k)
{
	return SPAN(k->key->signer.key.bytes, k->key->signer.key.n);
}

void
hsm_key_free(struct hsm_key *k)
{
	free(k);
}

const uint8_t *
hsm_signer_public(const struct hsm_signer *s)
{
	return s->key->signer.key.bytes;
}

enum rc
hsm_signer_sign(struct hsm_signer *s, struct span msg, uint8_t ret[HSM_SIGNATURE_BYTES], struct err *err)
{
	TRY(works(&running->token, err));
	return s->key->signer.sign(s->key->signer.user, msg, ret, err);
}

void
hsm_signer_free(struct hsm_signer *s)
{
	free(s);
}

void
hsm_close(struct hsm *h)
{
	(void)h;
}

/* For node.c: config_keys() would open a real one. */
void
token_keys(const struct node *x, struct hsm_key **ret_share, struct hsm_signer **ret_signer)
{
	*ret_share = calloc(1, sizeof(**ret_share));
	*ret_signer = calloc(1, sizeof(**ret_signer));
	MUST(*ret_share != NULL && *ret_signer != NULL);
	(*ret_share)->key = &pool.share[x->index - 1];
	(*ret_signer)->key = &pool.signing[x->index - 1];
}

/* --- shares ----------------------------------------------------------------------------------- */

static struct secret *
agree(const struct test_key *own, const uint8_t ephemeral[SEALED_POINT_BYTES])
{
	EVP_PKEY	*peer = EVP_PKEY_new();
	EVP_PKEY_CTX	*x;
	struct secret	*z = secret_new(32);
	size_t		 n = 32;

	MUST(z != NULL && peer != NULL && EVP_PKEY_copy_parameters(peer, own->pkey) == 1);
	MUST(EVP_PKEY_set1_encoded_public_key(peer, ephemeral, SEALED_POINT_BYTES) == 1);
	MUST((x = EVP_PKEY_CTX_new(own->pkey, NULL)) != NULL && EVP_PKEY_derive_init(x) == 1);
	MUST(EVP_PKEY_derive_set_peer(x, peer) == 1 && EVP_PKEY_derive(x, secret_bytes(z), &n) == 1 && n == 32);
	EVP_PKEY_CTX_free(x);
	EVP_PKEY_free(peer);
	return z;
}

enum rc
hsm_opener_new(struct hsm_key *k, const struct sealed_context *c, const uint8_t ephemeral[SEALED_POINT_BYTES],
    struct hsm_opener **ret, struct err *err)
{
	AUTO(secret_free) struct secret *z = NULL;
	struct hsm_opener	*o;

	TRY(sealed_point_check(ephemeral, err));
	holds_opens(running);
	TRY(works(&running->token, err));
	z = agree(k->key, ephemeral);
	MUST((o = calloc(1, sizeof(*o))) != NULL);
	must(sealed_key_from_z(c, ephemeral, z, &o->k, err), err);
	*ret = o;
	return RC_OK;
}

enum rc
hsm_opener_share(struct hsm_opener *o, uint32_t leaf, const uint8_t descriptor[SHA256_BYTES],
    const uint8_t sealed[SEALED_SHARE_BYTES], uint8_t *ret, struct err *err)
{
	holds_opens(running);
	TRY(works(&running->token, err));
	return sealed_share_open(o->k, leaf, descriptor, sealed, ret, err);
}

void
hsm_opener_free(struct hsm_opener *o)
{
	if (o == NULL)
		return;
	sealed_key_free(o->k);
	free(o);
}
