/* Packages that earlier versions made, and kept (tests/data/packages): read and opened as ever. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/pem.h>

#include "base/secret.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/memfile.h"

#define KEPT		"tests/data/packages/"
#define THIRTY_YEARS	((when)30 * 365 * 86400)

#define NO		0
#define DATED		(1u << CLAIM_TIMESTAMP | 1u << CLAIM_SEALED)
#define ARCHIVED	(DATED | 1u << CLAIM_ARCHIVE)

static const struct {
	const char	*name, *key;
	uint32_t	 dated;		/* which of the claims that may stay unknown hold */
	bool		 lasts;		/* when every certificate has run out */
	size_t		 parts;
} kept[] = {
	{ "coordinator", "recipient", NO, false, 2 },
	{ "recipient", "recipient-rsa", NO, false, 2 },
	{ "partial", "recipient", NO, false, 1 },
	{ "anchored", "recipient", DATED, false, 1 },
	{ "archived", "recipient", ARCHIVED, true, 1 },
	{ "amended", "recipient", DATED, false, 1 },
};

static uint8_t		genesis[SHA256_BYTES];
static when		seconds;
static struct buf	plaintext = BUF_INIT(4096);	/* lines of digests and names */

static void
read_file(const char *name, const char *suffix, struct buf *out)
{
	char	path[128], block[4096];
	size_t	n;
	FILE	*f;

	assert_true(snprintf(path, sizeof(path), KEPT "%s%s", name, suffix) < (int)sizeof(path));
	if ((f = fopen(path, "rb")) == NULL)
		fail_msg("%s is not here", path);
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(out, block, n);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(out->rc, RC_OK);
}

static int
up(void **state)
{
	AUTO_DONE(buf_done) struct buf	charter = BUF_INIT(1 << 20), clock = BUF_INIT(32);

	(void)state;
	read_file("charter", ".json", &charter);
	sha256_one(genesis, buf_view(&charter));
	read_file("seconds", "", &clock);
	buf_add(&clock, "", 1);
	seconds = strtoull((const char *)clock.p, NULL, 10);
	read_file("plaintext", "", &plaintext);
	buf_add(&plaintext, "", 1);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	buf_done(&plaintext);
	return 0;
}

static struct package_trust
at(when now)
{
	return (struct package_trust){ .genesis = genesis, .now = now };
}

static void
verifies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		AUTO_DONE(memfile_done) struct memfile	f = MEMFILE_INIT;
		struct package_trust			now = at(seconds), later = at(seconds + THIRTY_YEARS);
		struct package_report			r;

		read_file(kept[i].name, ".asice", &f.b);
		assert_int_equal(package_verify(memfile_read, &f, f.b.n, &now, &r, NULL), RC_OK);
		for (size_t c = 0; c < CLAIMS; c++)
			if (r.claim[c].verdict != (c <= CLAIM_CUSTODY || (kept[i].dated >> c & 1) != 0 ? CLAIM_YES : CLAIM_UNKNOWN))
				fail_msg("%s: %s: %s", kept[i].name, claim_name((enum claim_name)c), r.claim[c].words);
		assert_int_equal(r.verdict, PACKAGE_VALID);
		assert_int_equal(package_verify(memfile_read, &f, f.b.n, &later, &r, NULL), RC_OK);
		if (r.verdict != (kept[i].lasts ? PACKAGE_VALID : PACKAGE_INVALID))
			fail_msg("%s, years later: %s", kept[i].name, package_verdict_name(r.verdict));
	}
}

static enum rc
drop(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t from, struct span bytes, struct err *err)
{
	(void)user;
	(void)id;
	(void)part;
	(void)from;
	(void)bytes;
	(void)err;
	return RC_OK;
}

static EVP_PKEY *
key_of(const char *name)
{
	AUTO_DONE(buf_done) struct buf	pem = BUF_INIT(8192);
	BIO				*bio;
	EVP_PKEY			*key;

	read_file(name, ".key", &pem);
	bio = BIO_new_mem_buf(pem.p, (int)pem.n);
	assert_non_null(bio);
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(key);
	return key;
}

/* What comes out is what went in: each part's digest is one of those that were written down. */
static void
opens(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		AUTO_DONE(memfile_done) struct memfile	f = MEMFILE_INIT;
		struct package_trust			now = at(seconds);
		struct package_report			r;
		struct opening				o;
		EVP_PKEY				*key = key_of(kept[i].key);
		struct err				err;

		read_file(kept[i].name, ".asice", &f.b);
		if (package_open(memfile_read, &f, f.b.n, &now, key, SPAN(NULL, 0), drop, NULL, &r, &o, &err) != RC_OK)
			fail_msg("%s: %s", kept[i].name, err.msg);
		EVP_PKEY_free(key);
		assert_int_equal(r.claim[CLAIM_KEYS].verdict, CLAIM_YES);
		assert_int_equal(o.n_parts, kept[i].parts);
		for (size_t p = 0; p < o.n_parts; p++) {
			char	hex[HEX_BYTES(SHA256_BYTES)];

			if (strstr((const char *)plaintext.p, hex_write(SPAN_OF(o.part[p].sha256), hex)) == NULL)
				fail_msg("%s: %s is another", kept[i].name, o.part[p].name);
		}
		opening_done(&o);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verifies),
		cmocka_unit_test(opens),
	};

	if (secret_init(NULL) != RC_OK) {
		fprintf(stderr, "cannot lock memory\n");
		return 2;
	}
	return cmocka_run_group_tests(tests, up, down);
}
