/* quorate log export: what it does not take from a coordinator, and what it does not do to a folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/log.h"
#include "tests/unit/cli/lab.h"
#include "tests/unit/cli/tree.h"

#define ENTRIES	4

static struct lab_server	server;
static struct remote		remote_;
static struct tree_folder	tree;

/* An empty folder that has the documents already. */
static void
folder_new(void)
{
	const struct state	*st = memstate_state(net.mem);
	uint8_t			 digest[2][SHA256_BYTES];
	char			 path[FILE_PATH_MAX + 128], hex[HEX_BYTES(SHA256_BYTES)];
	struct err		 err;
	size_t			 n;

	tree_make(&tree, NULL, 0);
	tree_drop(&tree, "checkpoint");
	for (size_t i = 0; i < ENTRIES; i++) {
		must(entry_blobs(buf_view(&net.log_entries.leaf[i]), digest, &n, &err), &err);
		for (size_t k = 0; k < n; k++) {
			AUTO_DONE(buf_done) struct buf	b = BUF_INIT(BIG);

			must(st->blob(st->user, digest[k], &b, &err), &err);
			(void)snprintf(path, sizeof(path), "%s.blobs/%s", tree.dir, hex_write(SPAN_OF(digest[k]), hex));
			must(file_write(path, buf_view(&b), 0600, &err), &err);
		}
	}
}

/* The coordinator shows a log of so many entries; `other` is another one in its place (SIZE_MAX: none). */
static void
show(size_t size, uint32_t cosigners, size_t other)
{
	Quorate__V1__HeadReply		h = QUORATE__V1__HEAD_REPLY__INIT;
	Quorate__V1__EntriesReply	e = QUORATE__V1__ENTRIES_REPLY__INIT;
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(BIG);
	ProtobufCBinaryData		leaf[ENTRIES];
	struct checkpoint		cp;

	lab_at(size, &cp);
	lab_note(&net.log, &cp, cosigners, &note);
	h.cosigned = data_of(buf_view(&note));
	lab_answer(&server, LAB_HEAD, &h);
	for (size_t i = 0; i < size; i++)
		leaf[i] = data_of(buf_view(&net.log_entries.leaf[i == other ? 0 : i]));
	e.n_leaves = size;
	e.leaves = leaf;
	e.size = size;
	lab_answer(&server, LAB_ENTRIES, &e);
}

/* The proof from `old` to the end; or none. */
static void
prove(size_t old, bool well)
{
	Quorate__V1__ConsistencyReply	c = QUORATE__V1__CONSISTENCY_REPLY__INIT;
	AUTO(log_source_free) struct log_source *s = NULL;
	struct tree_folder		whole;
	struct span			leaf[ENTRIES];
	ProtobufCBinaryData		hash[TREE_PATH_MAX];
	struct tree_path		path;
	struct err			err;

	for (size_t i = 0; i < ENTRIES; i++)
		leaf[i] = buf_view(&net.log_entries.leaf[i]);
	tree_make(&whole, leaf, ENTRIES);
	must(log_source_new(whole.dir, NULL, NULL, &s, &err), &err);
	must(log_source_at(s, &whole.cp, &err), &err);
	must(log_source_consistency(s, old, &path, &err), &err);
	tree_done(&whole);
	path.hash[0][0] ^= !well;
	for (size_t i = 0; i < path.n; i++)
		hash[i] = data_of(SPAN_OF(path.hash[i]));
	c.n_path = path.n;
	c.path = hash;
	lab_answer(&server, LAB_CONSISTENCY, &c);
}

static bool
has(const char *name)
{
	char	path[FILE_PATH_MAX + 64];

	(void)snprintf(path, sizeof(path), "%s/%s", tree.dir, name);
	return file_exists(path);
}

static size_t
size_of_folder(void)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX);
	struct checkpoint		cp;
	struct err			err;

	tree_get(&tree, "checkpoint", &note);
	must(checkpoint_stated(buf_view(&note), &cp, &err), &err);
	return cp.size;
}

static void
test_goes_on(void **state)
{
	struct err	err;

	(void)state;
	folder_new();
	show(3, 0xf, SIZE_MAX);
	must(log_export(&remote_, tree.dir, &err), &err);
	assert_int_equal(size_of_folder(), 3);
	assert_true(has("tile/0/000.p/3"));
	show(4, 0xf, SIZE_MAX);
	prove(3, true);
	must(log_export(&remote_, tree.dir, &err), &err);
	assert_int_equal(size_of_folder(), 4);
	assert_true(has("tile/0/000.p/3") && has("tile/0/000.p/4") && has("tile/entries/000.p/4"));
	tree_done(&tree);
}

static void
test_first(void **state)
{
	struct err	err;

	(void)state;
	folder_new();
	show(4, 0x7, SIZE_MAX);			/* no quorum */
	assert_int_equal(log_export(&remote_, tree.dir, &err), RC_QUORUM);
	assert_false(has("tile"));
	show(4, 0xf, 2);			/* another entry in its place */
	assert_int_equal(log_export(&remote_, tree.dir, &err), RC_VERIFY);
	assert_false(has("checkpoint"));
	assert_false(has("tile/0/000.p/4"));
	show(4, 0xf, SIZE_MAX);
	must(log_export(&remote_, tree.dir, &err), &err);
	tree_done(&tree);
}

/* Whatever is wrong, the checkpoint that stands there stays. */
static void
refuses(enum rc want)
{
	struct err	err;
	enum rc		rc = log_export(&remote_, tree.dir, &err);

	if (rc != want)
		fail_msg("%s: %s", rc_name(rc), err.msg);
}

static void
test_contradictions(void **state)
{
	AUTO_DONE(buf_done) struct buf	note = BUF_INIT(NOTE_BYTES_MAX), tile = BUF_INIT(BIG);
	struct err			err;

	(void)state;
	folder_new();
	show(3, 0xf, SIZE_MAX);
	must(log_export(&remote_, tree.dir, &err), &err);
	show(4, 0xf, SIZE_MAX);
	prove(3, false);
	refuses(RC_VERIFY);
	prove(3, true);
	show(4, 0xf, 3);
	refuses(RC_VERIFY);
	assert_int_equal(size_of_folder(), 3);
	/* A tile that the folder has is not what its checkpoint says. */
	show(4, 0xf, SIZE_MAX);
	prove(3, true);
	tree_get(&tree, "tile/0/000.p/3", &tile);
	tile.p[0] ^= 1;
	tree_put(&tree, "tile/0/000.p/3", buf_view(&tile));
	refuses(RC_VERIFY);
	tile.p[0] ^= 1;
	tree_put(&tree, "tile/0/000.p/3", buf_view(&tile));
	/* The coordinator shows less than the folder has. */
	must(log_export(&remote_, tree.dir, &err), &err);
	show(3, 0xf, SIZE_MAX);
	refuses(RC_VERIFY);
	assert_int_equal(size_of_folder(), 4);
	/* Another log. */
	show(4, 0xf, SIZE_MAX);
	tree_get(&tree, "checkpoint", &note);
	note.p[0] ^= 1;
	tree_put(&tree, "checkpoint", buf_view(&note));
	refuses(RC_USAGE);
	tree_put(&tree, "checkpoint", SPAN_STR("nothing"));
	refuses(RC_FORMAT);
	tree_done(&tree);
}

static void
blob_path(size_t entry, char ret[FILE_PATH_MAX + 128], struct buf *bytes)
{
	const struct state	*st = memstate_state(net.mem);
	uint8_t			 digest[2][SHA256_BYTES];
	char			 hex[HEX_BYTES(SHA256_BYTES)];
	struct err		 err;
	size_t			 n;

	must(entry_blobs(buf_view(&net.log_entries.leaf[entry]), digest, &n, &err), &err);
	assert_true(n > 0);
	must(st->blob(st->user, digest[0], bytes, &err), &err);
	(void)snprintf(ret, FILE_PATH_MAX + 128, "%s.blobs/%s", tree.dir, hex_write(SPAN_OF(digest[0]), hex));
}

static void
gives(const struct buf *blob)
{
	Quorate__V1__BlobReply	b = QUORATE__V1__BLOB_REPLY__INIT;

	b.data = data_of(buf_view(blob));
	b.size = blob->n;
	lab_answer(&server, LAB_BLOB, &b);
}

/* A document that is nowhere does not end an export, nor is it forgotten; a wrong one is written again. */
static void
test_documents(void **state)
{
	AUTO_DONE(buf_done) struct buf	blob = BUF_INIT(BIG), wrong = BUF_INIT(BIG), now = BUF_INIT(BIG);
	char				path[FILE_PATH_MAX + 128], mark[FILE_PATH_MAX + 128];
	struct err			err;

	(void)state;
	folder_new();
	(void)snprintf(mark, sizeof(mark), "%s.blobs/incomplete", tree.dir);
	blob_path(1, path, &blob);
	assert_int_equal(unlink(path), 0);
	lab_refuse(&server, LAB_BLOB, RC_MISSING, "no such blob");
	show(3, 0xf, SIZE_MAX);
	assert_int_equal(log_export(&remote_, tree.dir, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, "1 documents"));
	assert_int_equal(size_of_folder(), 3);
	assert_true(file_exists(mark));
	/* Any other fault ends it. */
	lab_refuse(&server, LAB_BLOB, RC_LIMIT, "busy");
	show(4, 0xf, SIZE_MAX);
	prove(3, true);
	refuses(RC_LIMIT);
	assert_int_equal(size_of_folder(), 3);
	gives(&blob);
	must(log_export(&remote_, tree.dir, &err), &err);
	assert_true(file_exists(path));
	assert_false(file_exists(mark));
	tree_done(&tree);
	/* Cut short, or altered. */
	folder_new();
	blob_path(2, path, &wrong);
	buf_reset(&blob);
	buf_span(&blob, buf_view(&wrong));
	wrong.p[wrong.n / 2] ^= 1;
	must(file_write(path, buf_view(&wrong), 0600, &err), &err);
	gives(&blob);
	show(3, 0xf, SIZE_MAX);
	must(log_export(&remote_, tree.dir, &err), &err);
	must(file_read(path, &now, &err), &err);
	assert_true(span_eq(buf_view(&now), buf_view(&blob)));
	tree_done(&tree);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_documents),
	};
	struct rpc_client_options	c = { .address = server.address };
	struct charter			*genesis;
	struct err			 err;
	int				 failed;

	must(secret_init(&err), &err);
	net_init(&net);
	for (unsigned i = 1; i < ENTRIES; i++)
		(void)net_seal(&net, "standard");
	must(charter_parse(buf_view(&net.charter_json), &genesis, &err), &err);
	remote_trust(&remote_, genesis);
	lab_start(&server, "Coordinator");
	c.server_cert = c.cert_pem = buf_view(&server.pem);
	c.key_pem = SPAN(secret_view(server.key), secret_len(server.key));
	must(rpc_client_new(&c, &remote_.rpc, &err), &err);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rpc_client_free(remote_.rpc);
	lab_done(&server);
	lineage_done(&remote_.lineage);
	net_done(&net);
	return failed;
}
