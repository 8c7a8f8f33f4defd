/* cli/artifact.c - artifacts and requests, checked against log and charter. */
#include <string.h>

#include "cli/artifact.h"
#include "evidence/batch.h"

static enum rc
parse_leaf(struct span leaf, struct dsse *d, struct statement *s, when *ret_time, struct err *err)
{
	struct entry	e;

	TRY(entry_parse(leaf, &e, err));
	TRY(dsse_parse(e.dsse, d, err));
	TRY(statement_parse(d, s, err));
	*ret_time = e.time;
	return RC_OK;
}

/* Of the charter under which it was sealed: later ones may not have that sealer. */
static bool
by_a_sealer(const struct charter *c, const struct dsse *d)
{
	uint32_t	i;

	for (i = 0; c != NULL && i < c->n_sealers; i++)
		if (dsse_signed_by(d, &c->sealer[i].key))
			return true;
	return false;
}

static enum rc
one_held(const struct charter *c, const struct statement *batch, struct span dsse, uint32_t *mask, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement st;
	uint8_t	i;

	memset(&d, 0, sizeof(d));
	memset(&st, 0, sizeof(st));
	TRY(dsse_parse(dsse, &d, err));
	TRY(statement_parse(&d, &st, err));
	i = st.type == STATEMENT_HELD ? st.u.held.custodian : 0;
	if (i < 1 || i > c->n || i > batch->u.batch.n || memcmp(st.subject, batch->id, SHA256_BYTES) != 0 ||
	    memcmp(st.genesis, c->digest, SHA256_BYTES) != 0 ||
	    memcmp(st.u.held.shares, batch->u.batch.custodian[i - 1].shares, SHA256_BYTES) != 0 ||
	    !dsse_signed_by(&d, &c->custodian[i - 1].signing_key))
		return err_set(err, RC_VERIFY, "a held statement is not of this batch, or not signed by its custodian");
	*mask |= UINT32_C(1) << (i - 1);
	return RC_OK;
}

enum rc
held_verify(const struct charter *c, const struct statement *batch, const ProtobufCBinaryData *held, size_t n,
    uint32_t *ret_holders, struct err *err)
{
	uint32_t	mask = 0;
	size_t		i;

	for (i = 0; i < n; i++)
		TRY(one_held(c, batch, SPAN(held[i].data, held[i].len), &mask, err));
	*ret_holders = mask;
	return RC_OK;
}

static enum rc
check_artifact(struct remote *r, const uint8_t id[ARTIFACT_ID_BYTES], const Quorate__V1__ArtifactReply *a,
    struct descriptor *ret, uint32_t *ret_holders, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	struct tree_path	path = { .n = 0 };
	uint8_t			hash[TREE_HASH_BYTES];
	when			logged;
	size_t			i;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	if (a->n_path > TREE_PATH_MAX)
		return err_set(err, RC_FORMAT, "the proof of the descriptor is too long");
	for (i = 0; i < a->n_path; i++) {
		if (a->path[i].len != TREE_HASH_BYTES)
			return err_set(err, RC_FORMAT, "the proof of the descriptor is malformed");
		memcpy(path.hash[path.n++], a->path[i].data, TREE_HASH_BYTES);
	}
	TRY(parse_leaf(SPAN(a->entry.data, a->entry.len), &d, &s, &logged, err));
	if (s.type != STATEMENT_BATCH || !by_a_sealer(remote_charter_of(r, s.charter), &d))
		return err_set(err, RC_VERIFY, "entry %llu is not a batch of a sealer of the charter",
		    (unsigned long long)a->batch);
	TRY(remote_check_leaf(r, a->batch, SPAN(a->entry.data, a->entry.len), SPAN(a->proof.data, a->proof.len),
	    NULL, err));
	tree_leaf(SPAN(a->descriptor.data, a->descriptor.len), hash);
	TRY(tree_inclusion_verify(hash, a->leaf, s.u.batch.count, &path, s.subject, err));
	TRY(descriptor_parse(SPAN(a->descriptor.data, a->descriptor.len), ret, err));
	if (memcmp(ret->id, id, ARTIFACT_ID_BYTES) != 0)
		return err_set(err, RC_VERIFY, "the coordinator gave another artifact's descriptor");
	return held_verify(r->first, &s, a->held, a->n_held, ret_holders, err);
}

enum rc
artifact_fetch(struct remote *r, const uint8_t id[ARTIFACT_ID_BYTES], struct descriptor *ret,
    Quorate__V1__ArtifactReply **ret_reply, uint32_t *ret_holders, struct err *err)
{
	Quorate__V1__ArtifactRequest	 q = QUORATE__V1__ARTIFACT_REQUEST__INIT;
	Quorate__V1__ArtifactReply	*a = NULL;
	char				 hex[HEX_BYTES(ARTIFACT_ID_BYTES)];
	uint32_t			 holders = 0;
	enum rc				 rc;

	q.id = (ProtobufCBinaryData){ ARTIFACT_ID_BYTES, (uint8_t *)(uintptr_t)id };
	rc = remote_call(r, "Artifact", &q, &quorate__v1__artifact_reply__descriptor, REMOTE_MS, &a, err);
	if (rc == RC_MISSING)
		return err_set(err, rc, "no artifact %s in this log; see `quorate list artifacts`",
		    hex_write(SPAN(id, ARTIFACT_ID_BYTES), hex));
	TRY(rc);
	rc = a->proof.len == 0 ? err_set(err, RC_UNSURE, "artifact %s is logged but not yet cosigned by a quorum",
	    hex_write(SPAN(id, ARTIFACT_ID_BYTES), hex)) : check_artifact(r, id, a, ret, &holders, err);
	if (rc == RC_OK && ret_holders != NULL)
		*ret_holders = holders;
	if (rc == RC_OK && ret_reply != NULL)
		*ret_reply = TAKE(a);
	message_free(a);
	return rc;
}

/* --- requests -------------------------------------------------------------------------- */

void
request_seen_done(struct request_seen *s)
{
	message_free(s->reply);
	dsse_done(&s->dsse);
	statement_done(&s->statement);
	scope_done(&s->scope);
	memset(s, 0, sizeof(*s));	/* once more is fine */
}

static enum rc
check_request(struct remote *r, const uint8_t id[SHA256_BYTES], struct request_seen *s, struct err *err)
{
	const Quorate__V1__LoggedEntry	*e = s->reply->entry;
	uint8_t				 digest[SHA256_BYTES];
	struct span			 scope = SPAN(s->reply->scope.data, s->reply->scope.len);

	if (e == NULL)
		return err_set(err, RC_FORMAT, "the coordinator's answer has no request in it");
	TRY(parse_leaf(SPAN(e->leaf.data, e->leaf.len), &s->dsse, &s->statement, &s->logged, err));
	if (s->statement.type != STATEMENT_REQUEST || memcmp(s->statement.id, id, SHA256_BYTES) != 0)
		return err_set(err, RC_VERIFY, "the coordinator gave another statement than the request asked for");
	if (e->proof.len == 0)
		return err_set(err, RC_UNSURE, "the request is logged but not yet cosigned by a quorum; ask again");
	TRY(remote_check_leaf(r, e->index, SPAN(e->leaf.data, e->leaf.len), SPAN(e->proof.data, e->proof.len),
	    NULL, err));
	sha256_one(digest, scope);
	if (memcmp(digest, s->statement.subject, sizeof(digest)) != 0)
		return err_set(err, RC_VERIFY, "the scope is not the one that the request names");
	return scope_parse(scope, &s->scope, err);
}

enum rc
request_fetch(struct remote *r, const uint8_t id[SHA256_BYTES], struct request_seen *ret, struct err *err)
{
	Quorate__V1__RequestRequest	q = QUORATE__V1__REQUEST_REQUEST__INIT;
	char				hex[HEX_BYTES(SHA256_BYTES)];
	enum rc				rc;

	memset(ret, 0, sizeof(*ret));
	q.id = (ProtobufCBinaryData){ SHA256_BYTES, (uint8_t *)(uintptr_t)id };
	rc = remote_call(r, "Request", &q, &quorate__v1__request_reply__descriptor, REMOTE_MS, &ret->reply, err);
	if (rc == RC_MISSING)
		return err_set(err, rc, "no request %s in this log; see `quorate list requests`",
		    hex_write(SPAN(id, SHA256_BYTES), hex));
	TRY(rc);
	rc = check_request(r, id, ret, err);
	if (rc != RC_OK)
		request_seen_done(ret);
	return rc;
}
