/* Opening notes: signed, verified, changed, read by openssl; and what opening a package says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/libcrypto.h"
#include "evidence/opening.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/world.h"
#include "tests/unit/fault.h"

#define KINDS	3
static const char *const kinds[KINDS] = { "P-256", "P-384", "RSA-2048" };

static struct { EVP_PKEY *key; struct buf cert, other; } person[KINDS];

static struct opened_part	parts[2] = {
	{ .name = "image", .last = 3, .bytes = 200000 }, { .name = "prompt", .bytes = 34 },
};
static const struct opening	example = { .opened = NET_START, .n_parts = 2, .part = parts, .bad = 2 };

static int
up(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		person[i].cert = person[i].other = BUF_INIT(8192);
		person[i].key = test_pkey(kinds[i]);
		test_cert(person[i].key, "recipient", &person[i].cert);
		test_cert_of(kinds[i], "recipient", &person[i].other);
	}
	return 0;
}

static int
down(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		EVP_PKEY_free(person[i].key);
		buf_done(&person[i].cert);
		buf_done(&person[i].other);
	}
	return 0;
}

static void
signs(void **state)
{
	AUTO_DONE(buf_done) struct buf ed = BUF_INIT(8192);

	(void)state;
	test_cert_of("ED25519", "recipient", &ed);
	for (size_t i = 0; i < KINDS; i++) {
		AUTO_DONE(buf_done) struct buf der = BUF_INIT(OPENING_BYTES_MAX);
		AUTO_DONE(opening_done) struct opening a = { .part = NULL }, b = { .part = NULL };
		struct opening	nobody = { .part = NULL };
		uint8_t		digest[SHA256_BYTES], want[SHA256_BYTES];

		assert_int_equal(opening_sign(&example, person[i].key, buf_view(&person[i].cert), &der, NULL), RC_OK);
		assert_int_equal(opening_verify(buf_view(&der), buf_view(&person[i].cert), &a, NULL), RC_OK);
		assert_int_equal(opening_verify_own(buf_view(&der), &b, digest, NULL), RC_OK);
		sha256_one(want, buf_view(&person[i].cert));
		assert_memory_equal(digest, want, SHA256_BYTES);
		assert_int_equal(a.n_parts, 2);
		assert_int_equal(a.bad, 2);
		assert_int_equal(b.opened, NET_START);
		assert_int_equal(opening_verify(buf_view(&der), buf_view(&person[i].other), &nobody, NULL), RC_VERIFY);
		assert_null(nobody.part);
		/* Neither another's certificate, nor one whose key cannot have been the recipient's. */
		assert_int_equal(opening_sign(&example, person[i].key, buf_view(&person[i].other), &der, NULL), RC_USAGE);
		assert_int_equal(opening_sign(&example, person[i].key, buf_view(&ed), &der, NULL), RC_FORMAT);
		assert_int_equal(opening_sign(&example, person[i].key, SPAN_STR("0"), &der, NULL), RC_FORMAT);
		assert_int_equal(opening_sign(&nobody, person[i].key, buf_view(&person[i].cert), &der, NULL), RC_USAGE);
	}
}

/* The signature value is the one thing that is not made again: a change there fails as one. */
static void
no_byte_is_free(void **state)
{
	struct opening	o = { .part = NULL };

	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		AUTO_DONE(buf_done) struct buf der = BUF_INIT(OPENING_BYTES_MAX);
		unsigned	verify = 0, other = 0;
		uint8_t		own[SHA256_BYTES];

		sha256_one(own, buf_view(&person[i].cert));
		assert_int_equal(opening_sign(&example, person[i].key, buf_view(&person[i].cert), &der, NULL), RC_OK);
		for (size_t at = 0; at < der.n; at++)
			for (unsigned bit = at & 3; bit < 8; bit += 4) {
				uint8_t	digest[SHA256_BYTES];
				enum rc	rc;

				der.p[at] = (uint8_t)(der.p[at] ^ 1U << bit);
				assert_int_not_equal(opening_verify(buf_view(&der), buf_view(&person[i].cert), &o, NULL), RC_OK);
				rc = opening_verify_own(buf_view(&der), &o, digest, NULL);
				/* Another certificate of this key, which its digest tells. */
				if (rc == RC_OK) {
					assert_memory_not_equal(digest, own, SHA256_BYTES);
					opening_done(&o);
				} else
					assert_true(rc == RC_FORMAT || rc == RC_VERIFY);
				verify += rc == RC_VERIFY;
				other += rc == RC_OK;
				der.p[at] = (uint8_t)(der.p[at] ^ 1U << bit);
			}
		assert_true(verify >= 2 * 64 && other > 0);
		for (size_t n = 0; n < der.n; n++) {
			uint8_t	*cut = heap_copy(der.p, n);

			assert_int_equal(opening_verify(SPAN(cut, n), buf_view(&person[i].cert), &o, NULL), RC_FORMAT);
			free(cut);
		}
		buf_u8(&der, 0);
		assert_int_equal(opening_verify(buf_view(&der), buf_view(&person[i].cert), &o, NULL), RC_FORMAT);
		assert_null(o.part);
	}
}

/* A key elsewhere that says why it failed is quoted; one that signs falsely is found out here. */
static void
keys_that_fail(void **state)
{
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(OPENING_BYTES_MAX);
	struct err	fault, err;

	(void)state;
	assert_null(libcrypto_key_fault(person[0].key));
	assert_int_equal(libcrypto_key_watch(person[0].key, &fault, &err), RC_OK);
	assert_ptr_equal(libcrypto_key_fault(person[0].key), &fault);
	assert_null(libcrypto_key_fault(person[1].key));
	/* What failed before is no word about this one. */
	(void)err_set(&fault, RC_IO, "long ago");
	assert_int_equal(opening_sign(&example, person[0].key, buf_view(&person[0].cert), &der, &err), RC_OK);
	assert_int_equal(fault.rc, RC_OK);
}

static void
no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < KINDS; i++) {
		AUTO_DONE(buf_done) struct buf der = BUF_INIT(OPENING_BYTES_MAX);
		struct opening	o = { .part = NULL };
		unsigned long	n;
		enum rc		rc;

		for (n = 1;; n++) {
			buf_done(&der);
			der = BUF_INIT(OPENING_BYTES_MAX);
			fault_at(n);
			rc = opening_sign(&example, person[i].key, buf_view(&person[i].cert), &der, NULL);
			if (!fault_fired())
				break;
			assert_int_equal(rc, RC_NOMEM);
		}
		assert_int_equal(rc, RC_OK);
		assert_true(n > 20);
		for (n = 1;; n++) {
			fault_at(n);
			rc = opening_verify(buf_view(&der), buf_view(&person[i].cert), &o, NULL);
			if (!fault_fired())
				break;
			assert_int_equal(rc, RC_NOMEM);
			assert_null(o.part);
		}
		assert_int_equal(rc, RC_OK);
		opening_done(&o);
	}
}

static void
too_many_parts(void **state)
{
	AUTO_DONE(buf_done) struct buf der = BUF_INIT(OPENING_BYTES_MAX);
	struct opening	o = { .n_parts = 4000, .part = calloc(4000, sizeof(*o.part)) };

	(void)state;
	for (uint32_t i = 0; i < o.n_parts; i++) {
		o.part[i] = parts[0];
		o.part[i].artifact[0] = (uint8_t)(i >> 8);
		o.part[i].artifact[1] = (uint8_t)i;
	}
	assert_int_equal(opening_sign(&o, person[0].key, buf_view(&person[0].cert), &der, NULL), RC_LIMIT);
	/* A thousand artifacts fit. */
	buf_reset(&der);
	der.rc = RC_OK;
	o.n_parts = 1024;
	assert_int_equal(opening_sign(&o, person[0].key, buf_view(&person[0].cert), &der, NULL), RC_OK);
	opening_done(&o);
}

static void
openssl_reads_it(void **state)
{
	char	folder[] = "/tmp/quorate-opening-XXXXXX", path[64], command[512];

	(void)state;
	if (!tool_here("openssl"))
		return;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < KINDS; i++) {
		struct memfile	note = MEMFILE_INIT;

		assert_int_equal(opening_sign(&example, person[i].key, buf_view(&person[i].cert), &note.b, NULL), RC_OK);
		snprintf(path, sizeof(path), "%s/opening.p7s", folder);
		memfile_save(&note, path);
		snprintf(command, sizeof(command), "cd %s && openssl cms -verify -inform DER -in opening.p7s -noverify -out note "
		    "2>/dev/null && grep -q '\"opened\":\"2026-11-22T10:00:00Z\"' note", folder);
		assert_true(tool_ok(command));
		note.b.p[note.b.n - 1] ^= 1;
		memfile_save(&note, path);
		snprintf(command, sizeof(command), "cd %s && ! openssl cms -verify -inform DER -in opening.p7s -noverify -out note "
		    "2>/dev/null", folder);
		assert_true(tool_ok(command));
		memfile_done(&note);
	}
	snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_true(tool_ok(command));
}

/* --- what package_open() says ------------------------------------------------------------------ */

static enum rc
take(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at, struct span plaintext,
    struct err *err)
{
	(void)user; (void)id; (void)part; (void)at; (void)plaintext; (void)err;
	return RC_OK;
}

static enum rc
full(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at, struct span plaintext,
    struct err *err)
{
	(void)user; (void)id; (void)part; (void)at; (void)plaintext;
	return err_set(err, RC_IO, "no space left");
}

static void
part_is(const struct opened_part *p, const char *name, uint64_t from, uint64_t n)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(1 << 20);
	uint8_t	digest[SHA256_BYTES];

	assert_string_equal(p->name, name);
	assert_int_equal(p->bytes, n);
	for (uint64_t i = from; i < from + n; i++)
		buf_u8(&b, world_byte(name, i));
	sha256_one(digest, buf_view(&b));
	assert_memory_equal(digest, p->sha256, SHA256_BYTES);
}

static void
says_what_it_opened(void **state)
{
	static const char *const policies[] = { "standard", "direct" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		AUTO_DONE(opening_done) struct opening o = { .part = NULL };
		AUTO_DONE(buf_done) struct buf cert = BUF_INIT(8192);
		struct world		w;
		struct memfile		f;
		struct package_report	r;
		struct err		err;

		world_up(&w, policies[i]);
		assert_true(world_package(&w, &f));
		assert_int_equal(package_recipient(memfile_read, &f, f.b.n, &cert, &err), RC_OK);
		assert_true(span_eq(buf_view(&cert), buf_view(&w.net.recipient)));
		assert_int_equal(package_open(memfile_read, &f, f.b.n, WORLD_TRUST(w.net.genesis, w.net.now),
		    w.net.recipient_key, SPAN(NULL, 0), take, NULL, &r, &o, &err), RC_OK);
		assert_int_equal(r.claim[CLAIM_KEYS].verdict, CLAIM_YES);
		assert_int_equal(r.verdict, PACKAGE_VALID);
		assert_int_equal(strstr(r.claim[CLAIM_KEYS].words, "combined of contributions of custodians ") != NULL, i == 1);
		assert_memory_equal(o.genesis, w.net.genesis, SHA256_BYTES);
		assert_memory_equal(o.order, w.order, SHA256_BYTES);
		assert_int_equal(o.n_parts, 2);
		part_is(&o.part[0], "image", 0, WORLD_IMAGE);
		part_is(&o.part[1], "prompt", 0, WORLD_PROMPT);
		assert_memory_equal(o.part[1].artifact, w.artifact[1].id, ARTIFACT_ID_BYTES);
		/* A disk that is full says nothing of the package. */
		assert_int_equal(package_open(memfile_read, &f, f.b.n, WORLD_TRUST(w.net.genesis, w.net.now),
		    w.net.recipient_key, SPAN(NULL, 0), full, NULL, &r, NULL, &err), RC_IO);
		assert_int_equal(r.claim[CLAIM_KEYS].verdict, CLAIM_UNKNOWN);
		assert_int_equal(r.verdict, PACKAGE_VALID);
		/* Nor does a key that is not its own. */
		assert_int_equal(package_open(memfile_read, &f, f.b.n, WORLD_TRUST(w.net.genesis, w.net.now), w.net.worker_key,
		    SPAN(NULL, 0), take, NULL, &r, NULL, &err), RC_DENIED);
		assert_int_equal(r.claim[CLAIM_KEYS].verdict, CLAIM_UNKNOWN);
		memfile_done(&f);
		world_down(&w);
	}
}

static void
says_which_segments(void **state)
{
	AUTO_DONE(opening_done) struct opening o = { .part = NULL };
	struct world		w;
	struct memfile		f;
	struct package_report	r;
	struct err		err;

	(void)state;
	world_up_partial(&w, "standard");
	assert_true(world_package(&w, &f));
	assert_int_equal(package_open(memfile_read, &f, f.b.n, WORLD_TRUST(w.net.genesis, w.net.now), w.net.recipient_key,
	    SPAN(NULL, 0), take, NULL, &r, &o, &err), RC_OK);
	assert_int_equal(o.n_parts, 2);
	part_is(&o.part[0], "prompt", 0, WORLD_PROMPT);
	part_is(&o.part[1], "image", 2 * 65536, 2 * 65536);
	assert_int_equal(o.part[1].first, 2);
	assert_int_equal(o.part[1].last, 3);
	memfile_done(&f);
	world_down(&w);
}

static void
no_package(void **state)
{
	AUTO_DONE(buf_done) struct buf cert = BUF_INIT(8192);
	struct memfile	f = MEMFILE_INIT;

	(void)state;
	buf_printf(&f.b, "no zip at all");
	assert_int_equal(package_recipient(memfile_read, &f, f.b.n, &cert, NULL), RC_FORMAT);
	assert_int_equal(cert.n, 0);
	memfile_done(&f);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(signs),
		cmocka_unit_test(no_byte_is_free),
		cmocka_unit_test(keys_that_fail),
		cmocka_unit_test(no_memory),
		cmocka_unit_test(too_many_parts),
		cmocka_unit_test(openssl_reads_it),
		cmocka_unit_test(says_what_it_opened),
		cmocka_unit_test(says_which_segments),
		cmocka_unit_test(no_package),
	};

	return cmocka_run_group_tests(tests, up, down);
}
