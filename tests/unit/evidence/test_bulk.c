/*
 * Packages of a thousand artifacts, and of a part of hundreds of segments: what memory their
 * making and their verification take. Ciphertexts are made up as they are read; nobody opens them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <malloc.h>
#include <unistd.h>

#include "evidence/batch.h"
#include "evidence/cms.h"
#include "evidence/package.h"
#include "evidence/segment.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/world.h"

#define BIG	((size_t)8 << 20)

#if defined(__SANITIZE_ADDRESS__)
#define COUNTED	false		/* mallinfo2() knows nothing of their memory */
#else
#define COUNTED	true
#endif

struct bulk {
	struct world		 w;		/* its network alone */
	uint32_t		 n;		/* artifacts, of one part each */
	struct descriptor	*d;		/* ascending by id */
	uint8_t			(*hash)[TREE_HASH_BYTES];	/* of the leaves of a part: all parts are alike */
	struct buf		 vector, scope, checkpoint, cms;
	uint64_t		 batch;
	uint8_t			 request[SHA256_BYTES], order[SHA256_BYTES], receipt[3][SHA256_BYTES];
	int			 fd;		/* the package */
	size_t			 before, most;	/* bytes allocated */
};

static void
must(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

static size_t
allocated(void)
{
	struct mallinfo2	m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void
look(struct bulk *b)
{
	size_t	now = allocated();

	if (now > b->most)
		b->most = now;
}

/* --- made-up ciphertext --------------------------------------------------------------------- */

static void
leaf_bytes(const struct part *p, uint64_t leaf, uint8_t *out, size_t *ret_n)
{
	*ret_n = part_leaf(p, leaf).n;
	memset(out, 'q', *ret_n);
	memcpy(out, &leaf, sizeof(leaf));
}

static enum rc
source_leaf(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const char *part, uint64_t leaf, uint8_t *out,
    size_t *ret_n, struct err *err)
{
	const struct bulk	*b = user;

	(void)id;
	(void)part;
	(void)err;
	leaf_bytes(&b->d[0].part[0], leaf, out, ret_n);
	return RC_OK;
}

static enum rc
source_hashes(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const char *part, uint64_t first, uint64_t n,
    uint8_t (*out)[TREE_HASH_BYTES], struct err *err)
{
	const struct bulk	*b = user;

	(void)id;
	(void)part;
	(void)err;
	memcpy(out, b->hash[first], n * TREE_HASH_BYTES);
	return RC_OK;
}

static void
make_part(struct bulk *b, uint32_t segments, struct part *p)
{
	uint8_t	*bytes = malloc(SEGMENT_LEAF_MAX);
	size_t	 n;

	memset(p, 0, sizeof(*p));
	strcpy(p->name, "prompt");
	p->segment_log2 = SEGMENT_LOG2_MIN + 2;
	p->length = segments == 1 ? 100 : (uint64_t)segments << p->segment_log2;
	b->hash = calloc(part_leaves(p), sizeof(*b->hash));
	assert_true(bytes != NULL && b->hash != NULL);
	for (uint64_t i = 0; i < part_leaves(p); i++) {
		leaf_bytes(p, i, bytes, &n);
		tree_leaf(SPAN(bytes, n), b->hash[i]);
	}
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])b->hash, part_leaves(p), p->root);
	free(bytes);
}

/* --- the log: sealed, asked for, ordered, answered -------------------------------------------- */

static void
seal(struct bulk *b, uint32_t segments)
{
	struct statement	s;
	struct part		part;
	const struct state	*st;
	struct err		err;

	assert_non_null(b->d = calloc(b->n, sizeof(*b->d)));
	make_part(b, segments, &part);
	for (uint32_t i = 0; i < b->n; i++) {
		net_descriptor(&b->w.net, "standard", &b->d[i]);
		b->d[i].id[0] = (uint8_t)(i >> 8);
		b->d[i].id[1] = (uint8_t)i;
		b->d[i].n_parts = 1;
		b->d[i].part[0] = part;
	}
	net_batch(&b->w.net, b->d, b->n, &s);
	st = memstate_state(b->w.net.mem);
	b->vector = BUF_INIT(BIG);
	must(st->blob(st->user, s.u.batch.descriptors, &b->vector, &err), &err);
	b->batch = b->w.net.log_entries.n;
	assert_true(net_log(&b->w.net, &s, &b->w.net.sealer).effective);
}

static void
ask(struct bulk *b, uint32_t segments)
{
	struct scope_artifact	*a = calloc(b->n, sizeof(*a));
	struct scope_part	*p = calloc(b->n, sizeof(*p));
	struct scope		 scope = { b->n, b->n, b->n * segments, a, p };
	struct statement	 s;
	struct err		 err;

	assert_true(a != NULL && p != NULL);
	for (uint32_t i = 0; i < b->n; i++) {
		a[i] = (struct scope_artifact){ .first_part = i, .n_parts = 1 };
		memcpy(a[i].id, b->d[i].id, ARTIFACT_ID_BYTES);
		p[i] = (struct scope_part){ i, "prompt", 0, segments - 1 };
	}
	b->scope = BUF_INIT(BIG);
	must(scope_write(&scope, &b->scope, &err), &err);
	must(memstate_blob(b->w.net.mem, buf_view(&b->scope), &err), &err);
	net_statement(&b->w.net, &s, STATEMENT_REQUEST);
	sha256_one(s.subject, buf_view(&b->scope));
	strcpy(s.u.request.policy, "standard");
	buf_span(&s.bytes, buf_view(&b->w.net.recipient));
	assert_true(net_log(&b->w.net, &s, &b->w.net.person[NET_REQUESTER]).effective);
	memcpy(b->request, s.id, SHA256_BYTES);
	assert_true(net_decide(&b->w.net, b->request, NET_LEGAL, true).effective);
	assert_true(net_decide(&b->w.net, b->request, NET_COMPLIANCE, true).effective);
	assert_true(net_decide(&b->w.net, b->request, NET_AUDITOR, true).effective);
	b->w.net.now += 5;
	assert_true(net_order(&b->w.net, b->request, b->order).effective);
	free(a);
	free(p);
}

static void
answer(struct bulk *b, uint32_t segments)
{
	for (uint8_t i = 0; i < 3; i++) {
		struct statement	s;

		net_statement(&b->w.net, &s, STATEMENT_RECEIPT);
		memcpy(s.subject, b->order, SHA256_BYTES);
		s.u.receipt.custodian = (uint8_t)(i + 1);
		s.u.receipt.count = b->n * segments;
		assert_true(net_log(&b->w.net, &s, &b->w.net.signing[i]).effective);
		memcpy(b->receipt[i], s.id, SHA256_BYTES);
	}
}

static void
log_release(struct bulk *b, const uint8_t contents[SHA256_BYTES])
{
	struct statement	s;

	net_statement(&b->w.net, &s, STATEMENT_RELEASE);
	memcpy(s.subject, b->order, SHA256_BYTES);
	memcpy(s.u.release.contents, contents, SHA256_BYTES);
	s.u.release.n = 3;
	for (uint8_t i = 0; i < 3; i++) {
		s.u.release.custodian[i].index = (uint8_t)(i + 1);
		memcpy(s.u.release.custodian[i].receipt, b->receipt[i], SHA256_BYTES);
		s.u.release.custodian[i].good = true;
	}
	assert_true(net_log(&b->w.net, &s, &b->w.net.log).effective);
}

static void
make_case(struct bulk *b, struct evidence_case *ret)
{
	const struct net_log	*l = &b->w.net.log_entries;
	uint8_t			(*hash)[TREE_HASH_BYTES] = calloc(l->n, sizeof(*hash));
	struct tree_path	 path;
	struct span		 descriptor;
	struct err		 err;

	assert_non_null(hash);
	buf_done(&b->checkpoint);
	b->checkpoint = BUF_INIT(BIG);
	world_note(&b->w, 4, b->w.net.now, &b->checkpoint);
	*ret = CASE_INIT;
	ret->charter = buf_view(&b->w.net.charter_json);
	ret->scope = buf_view(&b->scope);
	ret->checkpoint = buf_view(&b->checkpoint);
	for (size_t i = 0; i < l->n; i++)
		tree_leaf(buf_view(&l->leaf[i]), hash[i]);
	for (size_t i = 0; i < l->n; i++) {
		must(tree_inclusion_of((const uint8_t (*)[TREE_HASH_BYTES])hash, l->n, i, &path, &err), &err);
		must(case_add_entry(ret, i, buf_view(&l->leaf[i]), &path, &err), &err);
	}
	for (uint32_t i = 0; i < b->n; i++) {
		must(batch_inclusion(buf_view(&b->vector), b->n, i, &descriptor, &path, &err), &err);
		must(case_add_artifact(ret, b->d[i].id, b->batch, i, &path, descriptor, &err), &err);
	}
	free(hash);
}

/* --- the package, in a file ---------------------------------------------------------------------- */

static enum rc
write_at(void *user, uint64_t offset, struct span data, struct err *err)
{
	struct bulk	*b = user;

	look(b);
	if (pwrite(b->fd, data.p, data.n, (off_t)offset) != (ssize_t)data.n)
		return err_set(err, RC_IO, "bulk: cannot write");
	return RC_OK;
}

static enum rc
read_at(void *user, uint64_t offset, uint8_t *out, size_t n, struct err *err)
{
	struct bulk	*b = user;

	look(b);
	if (pread(b->fd, out, n, (off_t)offset) != (ssize_t)n)
		return err_set(err, RC_FORMAT, "bulk: past the end");
	return RC_OK;
}

static void
up(struct bulk *b, uint32_t artifacts, uint32_t segments)
{
	FILE	*f = tmpfile();

	memset(b, 0, sizeof(*b));
	b->n = artifacts;
	assert_non_null(f);
	b->fd = dup(fileno(f));
	fclose(f);
	net_keys(&b->w.net);
	b->w.net.quota = 2 * artifacts + 10;
	net_found(&b->w.net);
	seal(b, segments);
	ask(b, segments);
	answer(b, segments);
	b->cms = BUF_INIT(BIG);
	must(cms_seal(buf_view(&b->w.net.recipient), SPAN_STR("keys"), &b->cms, NULL), NULL);
}

static void
down(struct bulk *b)
{
	close(b->fd);
	free(b->d);
	free(b->hash);
	buf_done(&b->vector);
	buf_done(&b->scope);
	buf_done(&b->checkpoint);
	buf_done(&b->cms);
	net_done(&b->w.net);
}

/* Bytes that making a package takes beyond the case that it is made from. */
static size_t
build(struct bulk *b, uint64_t *ret_size)
{
	AUTO(package_free) struct package		*p = NULL;
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	AUTO_DONE(case_done) struct evidence_case	 c = CASE_INIT, final = CASE_INIT;
	struct package_input				 in;
	uint8_t						 contents[SHA256_BYTES];
	struct err					 err;
	size_t						 before, most;

	make_case(b, &c);
	must(case_check_past(&c, b->w.net.genesis, b->order, NULL, &k, &err), &err);
	in = (struct package_input){ .evidence = &c, .checked = k, .keys = buf_view(&b->cms),
	    .source = { source_leaf, source_hashes, b } };
	before = b->most = allocated();
	must(package_begin(&in, write_at, b, &p, contents, &err), &err);
	most = b->most - before;
	log_release(b, contents);
	make_case(b, &final);
	/* What begin keeps, and finish takes besides. */
	before = b->most = allocated();
	must(package_finish(p, &final, WORLD_SEAL(b->w.net.package_key, buf_view(&b->w.net.package_cert)), ret_size,
	    &err), &err);
	return most + b->most - before;
}

static size_t
verify(struct bulk *b, uint64_t size)
{
	struct package_report	r;
	struct err		err;
	size_t			before = b->most = allocated();

	must(package_verify(read_at, b, size, WORLD_TRUST(b->w.net.genesis, b->w.net.now), &r, &err), &err);
	for (size_t i = 0; i < CLAIMS; i++)
		if (r.claim[i].verdict == CLAIM_NO)
			fail_msg("%s: %s", claim_name((enum claim_name)i), r.claim[i].words);
	assert_int_equal(r.verdict, PACKAGE_VALID);
	return b->most - before;
}

/* What both take for so much. */
static void
measure(uint32_t artifacts, uint32_t segments, size_t *ret_build, size_t *ret_verify)
{
	static struct bulk	b;
	uint64_t		size;

	up(&b, artifacts, segments);
	*ret_build = build(&b, &size);
	*ret_verify = verify(&b, size);
	print_message("%u artifacts of %u segments: %llu KiB; to build %zu KiB, to verify %zu KiB\n", artifacts, segments,
	    (unsigned long long)size >> 10, *ret_build >> 10, *ret_verify >> 10);
	down(&b);
}

static void
a_part_of_hundreds_of_segments(void **state)
{
	size_t	build_few, build_many, verify_few, verify_many;

	(void)state;
	measure(1, 2, &build_few, &verify_few);
	measure(1, 300, &build_many, &verify_many);
	if (!COUNTED)
		return;
	/* 75 MiB more of evidence: a few hundred bytes for each file, and no more. */
	assert_true(build_many < build_few + 300 * 1500);
	assert_true(verify_many < verify_few + 300 * 1500);
}

static void
a_thousand_artifacts(void **state)
{
	size_t	build_few, build_many, verify_few, verify_many;

	(void)state;
	measure(10, 1, &build_few, &verify_few);
	measure(1000, 1, &build_many, &verify_many);
	if (!COUNTED)
		return;
	assert_true(build_many < build_few + 1000 * 10000);
	assert_true(verify_many < verify_few + 1000 * 20000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_part_of_hundreds_of_segments),
		cmocka_unit_test(a_thousand_artifacts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
