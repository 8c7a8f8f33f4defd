/*
 * What a person's program hears from a coordinator that says whatever it likes. The input: u8 what is
 * asked, then the answers, each a u8 code (0: none) and a message (lib/message.h). A checkpoint that is taken is
 * the log's, a blob the one that was named, a charter in force the one that there is.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cli/remote.h"
#include "tests/fuzz/lib/replies.h"
#include "tests/unit/evidence/world.h"

enum asked { ASK_HEAD, ASK_FOLLOW, ASK_BLOB, ASK_SUBMIT, ASK_LEAF, ASKS };

static struct world	w;
static struct known	known;
static struct rd	answers;
static uint8_t		root[SHA256_BYTES];

enum rc	 __wrap_rpc_client_new(const struct rpc_client_options *o, struct rpc_client **ret, struct err *err);
void	 __wrap_rpc_client_free(struct rpc_client *c);
enum rc	 __wrap_rpc_call_said(struct rpc_client *c, const char *method, struct span request, unsigned timeout_ms,
	    struct buf *ret_reply, char said[RPC_SAID_BYTES], struct err *err);

/* A connection that is none. */
enum rc
__wrap_rpc_client_new(const struct rpc_client_options *o, struct rpc_client **ret, struct err *err)
{
	(void)o;
	(void)err;
	*ret = (struct rpc_client *)(uintptr_t)&known;
	return RC_OK;
}

void
__wrap_rpc_client_free(struct rpc_client *c)
{
	(void)c;
}

enum rc
__wrap_rpc_call_said(struct rpc_client *c, const char *method, struct span request, unsigned timeout_ms,
    struct buf *ret_reply, char said[RPC_SAID_BYTES], struct err *err)
{
	uint8_t	code;

	(void)method;
	(void)request;
	(void)timeout_ms;
	PROMISE(c == (struct rpc_client *)(uintptr_t)&known);
	said[0] = '\0';
	if (!rd_u8(&answers, &code) || code == 0)
		return err_set(err, RC_UNSURE, "no answer in time");
	message_make(&answers, &known, ret_reply);
	return buf_check(ret_reply, "reply", err);
}

static void
add(struct buf *b, uint8_t at)
{
	PROMISE(b->rc == RC_OK && known_add(&known, buf_view(b)) == at);
	buf_done(b);
}

static void
add_case(void)
{
	struct evidence_case	c = CASE_INIT;
	struct buf		b = BUF_INIT(MESSAGE_MAX);

	/* The lineage of a charter that nobody changed: its entry, under a checkpoint. */
	world_case(&w, 4, &c);
	PROMISE(case_write(&c, &b, NULL) == RC_OK);
	add(&b, REPLIES_CASE);
	b = BUF_INIT(MESSAGE_MAX);
	tlog_proof_write(w.batch, &case_entry_at(&c, w.batch)->path, SPAN(NULL, 0), c.checkpoint, &b);
	add(&b, REPLIES_PROOF);
	tree_range_root(&w.net.range, root);
	case_done(&c);
}

static void
make(void)
{
	static char	cache[] = "/tmp/quorate-fuzz-none";
	struct buf	b;

	PROMISE(secret_init(NULL) == RC_OK && setenv("XDG_CACHE_HOME", cache, 1) == 0);
	world_up(&w, "standard");
	b = BUF_INIT(MESSAGE_MAX);
	world_note(&w, 4, w.net.now, &b);
	add(&b, REPLIES_COSIGNED);
	b = BUF_INIT(MESSAGE_MAX);
	world_note(&w, 1, w.net.now, &b);
	add(&b, REPLIES_NOTE);
	add_case();
	PROMISE(known_add(&known, SPAN_OF(w.net.genesis)) == REPLIES_GENESIS);
	PROMISE(known_add(&known, buf_view(&w.net.log_entries.leaf[w.batch])) == REPLIES_LEAF);
	PROMISE(known_add(&known, buf_view(&w.net.charter_json)) == REPLIES_CHARTER);
	PROMISE(known_add(&known, SPAN_STR(REPLIES_BLOB_TEXT)) == REPLIES_BLOB && known.n == REPLIES_END);
}

static void
head(struct remote *r)
{
	struct buf		note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint	cp;

	if (remote_head(r, &cp, &note, NULL) == RC_OK) {
		PROMISE(cp.size == w.net.log_entries.n && memcmp(cp.root, root, sizeof(root)) == 0);
		PROMISE(!span_eq(buf_view(&note), buf_view(&known.value[REPLIES_NOTE])));	/* by too few */
	}
	buf_done(&note);
}

static void
blob(struct remote *r)
{
	struct buf	b = BUF_INIT(MESSAGE_MAX);
	uint8_t		want[SHA256_BYTES];

	sha256_one(want, SPAN_STR(REPLIES_BLOB_TEXT));
	if (remote_blob(r, want, &b, NULL) == RC_OK)
		PROMISE(span_eq(buf_view(&b), SPAN_STR(REPLIES_BLOB_TEXT)));
	buf_done(&b);
}

/* Nothing that it was told makes it stand in the log: only the leaf and its proof. */
static void
submit(struct remote *r)
{
	struct submitted	s;

	memset(&s, 0, sizeof(s));
	PROMISE(remote_submit(r, SPAN_STR("no statement"), NULL, 0, NULL, 0, &s, NULL) != RC_OK);
	PROMISE(memchr(s.why, '\0', sizeof(s.why)) != NULL && memchr(s.words, '\0', sizeof(s.words)) != NULL);
}

static void
leaf(struct remote *r)
{
	struct buf		l = BUF_INIT(MESSAGE_MAX), proof = BUF_INIT(MESSAGE_MAX);
	struct checkpoint	cp;
	uint8_t			at;

	message_value(&answers, &known, &l);
	message_value(&answers, &known, &proof);
	if (rd_u8(&answers, &at) && remote_check_leaf(r, at, buf_view(&l), buf_view(&proof), &cp, NULL) == RC_OK) {
		PROMISE(at == w.batch && span_eq(buf_view(&l), buf_view(&known.value[REPLIES_LEAF])));
		PROMISE(memcmp(cp.root, root, sizeof(root)) == 0);
	}
	buf_done(&l);
	buf_done(&proof);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	make();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(remote_free) struct remote *r = calloc(1, sizeof(*r));
	struct charter	*charter;
	uint8_t		 what;

	answers = rd_init(SPAN(data, size));
	PROMISE(r != NULL);
	PROMISE(charter_parse(buf_view(&w.net.charter_json), &charter, NULL) == RC_OK);
	remote_trust(r, charter);
	r->rpc = (struct rpc_client *)(uintptr_t)&known;
	if (!rd_u8(&answers, &what))
		return 0;
	switch ((enum asked)(what % ASKS)) {
	case ASK_HEAD:
		head(r);
		break;
	case ASK_FOLLOW:
		(void)!remote_follow(r, NULL);
		break;
	case ASK_BLOB:
		blob(r);
		break;
	case ASK_SUBMIT:
		submit(r);
		break;
	case ASK_LEAF:
	case ASKS:
		leaf(r);
	}
	/* Nobody amended it. */
	PROMISE(memcmp(r->charter->digest, w.net.genesis, SHA256_BYTES) == 0);
	return 0;
}
