/* cli/remote.c - the coordinator as the CLI sees it. */
#include <sodium.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/remote.h"
#include "proto/unpack.h"

#define TLS_FILE_MAX	16384
#define HEAD_MS		5000	/* for what a command begins with */
#define FRESH_MS	2000	/* an answer that is no older is not asked for again */
#define UPLOAD_STUCK	3	/* pieces in a row that brought nothing, or all that were taken back */

static enum rc
identity_read(struct identity *ret, struct err *err)
{
	const char	*cert = getenv("QUORATE_TLS_CERT"), *key = getenv("QUORATE_TLS_KEY");

	if (cert == NULL && key == NULL)
		return RC_OK;
	if (cert == NULL || key == NULL)
		return err_set(err, RC_USAGE, "QUORATE_TLS_CERT and QUORATE_TLS_KEY go together: set both, or neither");
	TRY(file_read_given(cert, &ret->cert, err));
	return file_read_secret(key, TLS_FILE_MAX, &ret->key, err);
}

enum rc
remote_connect(struct remote *r, const struct charter *at, struct err *err)
{
	struct rpc_client_options	o;

	rpc_client_free(r->rpc);
	r->rpc = NULL;
	if (r->identity.key == NULL)
		return RC_OK;		/* remote_call() says so */
	memset(&o, 0, sizeof(o));
	o.address = at->coordinator.address;
	o.server_cert = SPAN(at->coordinator.tls_certificate.p, at->coordinator.tls_certificate.n);
	o.cert_pem = buf_view(&r->identity.cert);
	o.key_pem = SPAN(secret_view(r->identity.key), secret_len(r->identity.key));
	return rpc_client_new(&o, &r->rpc, err);
}

/* Which charter is in force? Who does not answer, is asked again, for what is wanted. */
static enum rc
catch_up(struct remote *r, struct err *err)
{
	enum rc	rc = remote_ask_head(r, HEAD_MS, &r->head, err);

	r->head_ms = clock_ms();
	return rc == RC_VERIFY || rc == RC_FORMAT || rc == RC_NOMEM ? rc : RC_OK;
}

static enum rc
open_remote(const char *path, bool needs_identity, struct remote **ret, struct err *err)
{
	AUTO(remote_free) struct remote *r = calloc(1, sizeof(*r));
	AUTO(charter_free) struct charter *genesis = NULL;

	if (r == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	r->identity.cert = BUF_INIT(TLS_FILE_MAX);
	TRY(local_genesis(path, &genesis, err));
	remote_trust(r, TAKE(genesis));
	lineage_recall(&r->lineage);
	r->charter = lineage_in_force(&r->lineage);
	TRY(identity_read(&r->identity, err));
	TRY(remote_connect(r, r->charter, err));
	if (r->rpc == NULL && needs_identity)
		return err_set(err, RC_USAGE, "set QUORATE_TLS_CERT and QUORATE_TLS_KEY to this host's TLS "
		    "identity (`quorate keygen --tls` makes one; the charter lists it under hosts)");
	if (needs_identity)
		TRY(catch_up(r, err));
	*ret = TAKE(r);
	return RC_OK;
}

enum rc
remote_open(struct remote **ret, struct err *err)
{
	return open_remote(NULL, true, ret, err);
}

enum rc
remote_open_by(const char *path, struct remote **ret, struct err *err)
{
	return open_remote(path, true, ret, err);
}

enum rc
remote_open_people(struct remote **ret, struct err *err)
{
	return open_remote(NULL, false, ret, err);
}

void
remote_free(struct remote *r)
{
	if (r == NULL)
		return;
	rpc_client_free(r->rpc);
	buf_done(&r->identity.cert);
	secret_free(r->identity.key);
	message_free(r->head);
	lineage_done(&r->lineage);
	free(r);
}

void
message_free(void *message)
{
	if (message != NULL)
		protobuf_c_message_free_unpacked(message, NULL);
}

/* Every text of an answer goes to a terminal or into JSON sooner or later. */
static void
clean_field(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
	uint8_t	*at = (uint8_t *)m + f->offset;
	size_t	 n = 1, i;
	void	**v = (void **)(void *)at;

	if (f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_MESSAGE)
		return;
	if (f->label == PROTOBUF_C_LABEL_REPEATED) {
		memcpy(&n, (const uint8_t *)m + f->quantifier_offset, sizeof(n));
		memcpy(&v, at, sizeof(v));
	}
	for (i = 0; i < n; i++)
		if (v[i] == NULL || v[i] == f->default_value)
			continue;
		else if (f->type == PROTOBUF_C_TYPE_MESSAGE)
			message_clean(v[i]);
		else if (((const char *)v[i])[0] != '\0')	/* the empty one may be a constant */
			(void)text_clean_str(v[i]);
}

void
message_clean(void *message)
{
	ProtobufCMessage	*m = message;
	unsigned		 i;

	for (i = 0; i < m->descriptor->n_fields; i++)
		clean_field(m, &m->descriptor->fields[i]);
}

enum rc
message_call(struct rpc_client *c, const char *method, const void *q, const ProtobufCMessageDescriptor *reply,
    unsigned ms, char said[RPC_SAID_BYTES], void *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf out = BUF_INIT(2 * RPC_MESSAGE_MAX), in = BUF_INIT(2 * RPC_MESSAGE_MAX);
	const ProtobufCMessage	*m = q;
	ProtobufCMessage	*answer;
	char			 name[96];
	uint8_t			*p = buf_extend(&out, protobuf_c_message_get_packed_size(m));

	TRY(buf_check(&out, "request", err));
	(void)protobuf_c_message_pack(m, p);
	(void)snprintf(name, sizeof(name), "/quorate.v1.%s", method);
	TRY(rpc_call_said(c, name, buf_view(&out), ms, &in, said, err));
	if ((answer = protobuf_c_message_unpack(reply, unpack_memory(), in.n, in.p)) == NULL)
		return err_wrap(err, unpack_failed("answer", err), "%s", method);
	message_clean(answer);
	memcpy(ret, &answer, sizeof(answer));
	return RC_OK;
}

enum rc
remote_call(struct remote *r, const char *method, const void *q,
    const ProtobufCMessageDescriptor *reply, unsigned ms, void *ret, struct err *err)
{
	char	name[64], said[RPC_SAID_BYTES];

	if (r->rpc == NULL)
		return err_set(err, RC_UNSURE, "the coordinator was not asked: QUORATE_TLS_CERT is not set");
	(void)snprintf(name, sizeof(name), "Coordinator/%s", method);
	return message_call(r->rpc, name, q, reply, ms, said, ret, err);
}

/* --- the checkpoint, and what is under it ---------------------------------------------- */

static void
keep_seen(struct remote *r, const struct checkpoint *cp)
{
	if (cp->size < r->seen.size)
		return;
	r->seen = *cp;
	r->seen_ms = clock_ms();
}

static enum rc
take_head(struct remote *r, Quorate__V1__HeadReply **ret, struct err *err)
{
	if (r->head == NULL || clock_ms() - r->head_ms > FRESH_MS)
		return remote_ask_head(r, REMOTE_MS, ret, err);
	*ret = TAKE(r->head);
	return RC_OK;
}

enum rc
remote_head(struct remote *r, struct checkpoint *ret, struct buf *note, struct err *err)
{
	Quorate__V1__HeadReply	*a = NULL;
	enum rc			 rc;

	TRY(take_head(r, &a, err));
	if (a->cosigned.len == 0)
		rc = err_set(err, RC_UNSURE, "the log has no checkpoint that %u custodians cosigned yet; ask again",
		    r->charter->q);
	else
		rc = charter_checkpoint_verify(r->charter, SPAN(a->cosigned.data, a->cosigned.len), true, ret,
		    NULL, err);
	if (rc == RC_OK)
		keep_seen(r, ret);
	if (rc == RC_OK && note != NULL) {
		buf_add(note, a->cosigned.data, a->cosigned.len);
		rc = buf_check(note, "checkpoint", err);
	}
	message_free(a);
	return rc;
}

enum rc
remote_statement(struct remote *r, enum statement_type type, uint64_t life,
    struct statement *ret, struct err *err)
{
	struct checkpoint	cp = r->seen;

	/* What a receipt showed a moment ago need not be asked for. */
	if (cp.size == 0 || r->seen_ms == 0 || clock_ms() - r->seen_ms > FRESH_MS)
		TRY(remote_head(r, &cp, NULL, err));
	statement_init(ret, type, r->first->digest, r->charter->digest, cp.size, cp.root, clock_now(), life);
	return RC_OK;
}

void
remote_look_again(struct remote *r)
{
	message_free(TAKE(r->head));
	r->seen_ms = 0;
}

/* A cosignature from before the entry is not one over it. */
static enum rc
cosigned_since(const struct charter *c, const struct note_cosigned *who, when time, struct err *err)
{
	unsigned	n = 0;
	uint8_t		i;

	for (i = 0; i < c->n; i++)
		n += (who->mask >> i & 1) != 0 && who->time[i] >= time;
	return n >= c->q ? RC_OK : err_set(err, RC_QUORUM, "only %u custodians cosigned it at or after its own time, %u must",
	    n, c->q);
}

enum rc
remote_check_leaf(struct remote *r, uint64_t index, struct span leaf, struct span proof,
    struct checkpoint *ret, struct err *err)
{
	struct tlog_proof	p;
	uint8_t			hash[TREE_HASH_BYTES];
	struct checkpoint	cp;
	struct note_cosigned	who;
	struct entry		e;

	TRY(tlog_proof_parse(proof, &p, err));
	if (p.index != index)
		return err_set(err, RC_VERIFY, "the proof is of entry %llu, not %llu",
		    (unsigned long long)p.index, (unsigned long long)index);
	/* Whose cosignatures count is known once the entry is. */
	TRY(charter_checkpoint_verify(r->charter, p.note, false, &cp, &who, err));
	tree_leaf(leaf, hash);
	TRY(tree_inclusion_verify(hash, index, cp.size, &p.path, cp.root, err));
	TRY(entry_parse(leaf, &e, err));
	TRY(cosigned_since(r->charter, &who, e.time, err));
	keep_seen(r, &cp);
	if (ret != NULL)
		*ret = cp;
	return RC_OK;
}

/* --- statements ------------------------------------------------------------------ */

static void
copy_reply(const Quorate__V1__SubmitReply *a, struct submitted *ret)
{
	ret->index = a->index;
	ret->effective = a->effective;
	ret->cosigned = a->cosigned;
	ret->repeated = a->repeated;
	ret->have = a->have;
	ret->need = a->need;
	(void)snprintf(ret->why, sizeof(ret->why), "%s", a->why);
	(void)snprintf(ret->words, sizeof(ret->words), "%s", a->words);
	(void)text_clean_str(ret->words);	/* the end may be half a letter */
}

/* Our own reckoning: what stands in the log is compared with it. */
static enum rc
statement_id(struct span dsse, uint8_t ret[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d;

	memset(&d, 0, sizeof(d));
	TRY(dsse_parse(dsse, &d, err));
	memcpy(ret, d.id, SHA256_BYTES);
	return RC_OK;
}

/* The coordinator says that it logged our statement: does the log say so too? */
static enum rc
confirm(struct remote *r, const struct submitted *s, struct err *err)
{
	Quorate__V1__EntryRequest	 q = QUORATE__V1__ENTRY_REQUEST__INIT;
	Quorate__V1__EntryReply		*a = NULL;
	struct entry			 e;
	uint8_t				 id[SHA256_BYTES];
	enum rc				 rc;

	q.index = s->index;
	TRY(remote_call(r, "Entry", &q, &quorate__v1__entry_reply__descriptor, REMOTE_MS, &a, err));
	rc = remote_check_leaf(r, s->index, SPAN(a->leaf.data, a->leaf.len), SPAN(a->proof.data, a->proof.len),
	    NULL, err);
	if (rc == RC_OK)
		rc = entry_parse(SPAN(a->leaf.data, a->leaf.len), &e, err);
	/* By its id: one that was handed in before may stand there in another encoding. */
	if (rc == RC_OK)
		rc = statement_id(e.dsse, id, err);
	if (rc == RC_OK && memcmp(id, s->id, sizeof(id)) != 0)
		rc = err_set(err, RC_VERIFY, "entry %llu is not the statement that was handed in",
		    (unsigned long long)s->index);
	message_free(a);
	return rc;
}

static enum rc
judge(struct remote *r, struct span dsse, const Quorate__V1__SubmitReply *a, struct submitted *ret,
    struct err *err)
{
	memset(ret, 0, sizeof(*ret));
	TRY(statement_id(dsse, ret->id, err));
	copy_reply(a, ret);
	if (!a->logged)
		return err_set(err, RC_DENIED, "refused: %s", ret->words);
	if (!ret->effective)
		return err_set(err, RC_DENIED, "refused (entry %llu): %s", (unsigned long long)ret->index, ret->words);
	if (!ret->cosigned)
		return err_set(err, RC_UNSURE, "entry %llu waits: %u of %u custodians cosigned; it stands as "
		    "soon as another returns", (unsigned long long)ret->index, ret->have, ret->need);
	return confirm(r, ret, err);
}

enum rc
remote_submit(struct remote *r, struct span dsse, const struct span *blob, size_t n_blobs,
    const uint8_t (*upload)[16], size_t n_uploads, struct submitted *ret, struct err *err)
{
	Quorate__V1__SubmitRequest	 q = QUORATE__V1__SUBMIT_REQUEST__INIT;
	Quorate__V1__SubmitReply	*a = NULL;
	ProtobufCBinaryData		 blobs[8], uploads[8];
	size_t				 i;
	enum rc				 rc;

	if (n_blobs > 8 || n_uploads > 8)
		return err_set(err, RC_BUG, "more blobs than a statement names");
	for (i = 0; i < n_blobs; i++)
		blobs[i] = (ProtobufCBinaryData){ blob[i].n, (uint8_t *)(uintptr_t)blob[i].p };
	for (i = 0; i < n_uploads; i++)
		uploads[i] = (ProtobufCBinaryData){ 16, (uint8_t *)(uintptr_t)upload[i] };
	q.statement = (ProtobufCBinaryData){ dsse.n, (uint8_t *)(uintptr_t)dsse.p };
	q.n_blobs = n_blobs;
	q.blobs = blobs;
	q.n_uploads = n_uploads;
	q.uploads = uploads;
	TRY(remote_call(r, "Submit", &q, &quorate__v1__submit_reply__descriptor, REMOTE_MS, &a, err));
	rc = judge(r, dsse, a, ret, err);
	message_free(a);
	return rc;
}

json_t *
submitted_json(const char *name, const struct submitted *s)
{
	return json_pack("{s:o?,s:I,s:b,s:b,s:b}", name, json_hex(SPAN_OF(s->id)), "entry",
	    (json_int_t)s->index, "effective", s->effective, "cosigned", s->cosigned, "repeated", s->repeated);
}

/* --- blobs ------------------------------------------------------------------------- */

static void
progress(const char *what, uint64_t done, uint64_t size, bool *shown)
{
	char	a[24], b[24];

	if (!isatty(STDERR_FILENO) || size < (8 << 20))
		return;
	(void)dprintf(STDERR_FILENO, "\r%s: %s of %s%s", what, size_text(done, a), size_text(size, b),
	    done == size ? "\n" : "   ");
	*shown = true;
}

/* One piece from *at on. ret_whole: that was the last, and all of it is durable there. */
static enum rc
upload_piece(struct remote *r, const Quorate__V1__UploadRequest *q, uint64_t size, unsigned ms, uint64_t *at,
    bool *ret_whole, struct err *err)
{
	Quorate__V1__UploadReply	*a = NULL;
	uint64_t			 received;

	TRY(remote_call(r, "Upload", q, &quorate__v1__upload_reply__descriptor, ms, &a, err));
	received = a->received;
	*ret_whole = q->last && a->whole;
	message_free(a);
	if (received > size)
		return err_set(err, RC_FORMAT, "the coordinator has more bytes of the upload than there are");
	*at = received;
	return RC_OK;
}

enum rc
remote_upload_on(struct remote *r, const char *what, uint64_t size, upload_read read_at, void *user, unsigned ms,
    const uint8_t id[16], uint64_t *at, struct err *err)
{
	AUTO_DONE(buf_done) struct buf chunk = BUF_INIT(REMOTE_CHUNK);
	Quorate__V1__UploadRequest	 q = QUORATE__V1__UPLOAD_REQUEST__INIT;
	uint8_t				*p = buf_extend(&chunk, REMOTE_CHUNK);
	unsigned			 stuck = 0, back = 0;
	bool				 whole = false, shown = false;

	TRY(buf_check(&chunk, "upload", err));
	q.upload = (ProtobufCBinaryData){ 16, (uint8_t *)(uintptr_t)id };
	while (!whole) {
		q.offset = *at;
		q.data = (ProtobufCBinaryData){ size - *at < REMOTE_CHUNK ? (size_t)(size - *at) : REMOTE_CHUNK, p };
		q.last = q.offset + q.data.len == size;
		TRY(read_at(user, q.offset, p, q.data.len, err));
		TRY(upload_piece(r, &q, size, ms, at, &whole, err));
		stuck = *at > q.offset || whole ? 0 : stuck + 1;
		back += *at < q.offset;
		if (stuck > UPLOAD_STUCK || back > UPLOAD_STUCK)
			return err_set(err, RC_IO, "the coordinator does not take the upload: it has %llu of %llu bytes and takes "
			    "no more", (unsigned long long)*at, (unsigned long long)size);
		progress(what, *at, size, &shown);
	}
	return RC_OK;
}

enum rc
remote_upload(struct remote *r, const char *what, uint64_t size, upload_read read_at, void *user,
    uint8_t ret_id[16], struct err *err)
{
	uint8_t		id[16];
	uint64_t	at = 0;

	randombytes_buf(id, sizeof(id));
	TRY(remote_upload_on(r, what, size, read_at, user, REMOTE_MS_LONG, id, &at, err));
	memcpy(ret_id, id, sizeof(id));
	return RC_OK;
}

enum rc
remote_blob(struct remote *r, const uint8_t digest[SHA256_BYTES], struct buf *ret, struct err *err)
{
	Quorate__V1__BlobRequest	 q = QUORATE__V1__BLOB_REQUEST__INIT;
	Quorate__V1__BlobReply		*a = NULL;
	uint8_t				 have[SHA256_BYTES];
	uint64_t			 size;

	q.sha256 = (ProtobufCBinaryData){ SHA256_BYTES, (uint8_t *)(uintptr_t)digest };
	do {
		q.offset = ret->n;
		TRY(remote_call(r, "Blob", &q, &quorate__v1__blob_reply__descriptor, REMOTE_MS, &a, err));
		buf_add(ret, a->data.data, a->data.len);
		size = a->data.len == 0 ? ret->n : a->size;
		message_free(TAKE(a));
		TRY(buf_check(ret, "blob", err));
	} while (ret->n < size);
	sha256_one(have, buf_view(ret));
	if (memcmp(have, digest, sizeof(have)) != 0)
		return err_set(err, RC_VERIFY, "the coordinator gave another blob than the one that was named");
	return RC_OK;
}

enum rc
erasable_new(struct span bytes, struct buf *ret, uint8_t ret_digest[SHA256_BYTES], struct err *err)
{
	uint8_t	salt[ERASABLE_SALT_BYTES];

	randombytes_buf(salt, sizeof(salt));
	buf_add(ret, salt, sizeof(salt));
	buf_span(ret, bytes);
	TRY(buf_check(ret, "text", err));
	sha256_one(ret_digest, buf_view(ret));
	return RC_OK;
}
