/* The package's signature at levels B, T and LT: what was added, where, and that nothing else can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/pem.h>

#include "audit/timestamp.h"
#include "base/auto.h"
#include "base/der.h"
#include "evidence/cades.h"
#include "tests/unit/evidence/memfile.h"
#include "tests/unit/fault.h"
#include "tests/unit/tsa.h"
#include "tests/unit/vectors.h"

#define BUF(name)	AUTO_DONE(buf_done) struct buf name = BUF_INIT(CADES_BYTES_MAX)
#define CONTENT		SPAN_STR("the content")
#define AT		(TSA_NOW - 60)

static struct tsa_party	ca, tsa, signer, other;
static struct buf	level_b, level_t, level_lt, token, crl[2];
static struct span	root;

static void
stamp(const uint8_t imprint[SHA256_BYTES], struct buf *out)
{
	static const uint8_t		nonce[TIMESTAMP_NONCE_BYTES] = { 1, 2, 3 };
	static const struct tsa_how	how;
	struct span			crls[] = { buf_view(&crl[0]) };
	BUF(query);
	BUF(response);
	BUF(plain);

	assert_int_equal(timestamp_query(imprint, nonce, &query, NULL), RC_OK);
	tsa_answer(&tsa, NULL, &how, buf_view(&query), &response);
	assert_int_equal(timestamp_token(buf_view(&response), imprint, nonce, &plain, NULL), RC_OK);
	assert_int_equal(timestamp_embed(buf_view(&plain), &root, 1, crls, 1, out, NULL), RC_OK);
}

static int
up(void **state)
{
	struct cades_added	a = { .n_certificates = 0 };
	uint8_t			imprint[SHA256_BYTES];

	(void)state;
	tsa_party_new(&ca, "Root", NULL, true, TSA_EKU_NONE, 1, -1, 3650);
	tsa_party_new(&tsa, "Stamps", &ca, false, TSA_EKU, 2, -1, 365);
	tsa_party_new(&signer, "Coordinator", &ca, false, TSA_EKU_NONE, 3, -1, 365);
	tsa_party_new(&other, "Another", &ca, false, TSA_EKU_NONE, 4, -1, 365);
	root = tsa_cert(&ca);
	level_b = level_t = level_lt = token = crl[0] = crl[1] = BUF_INIT(CADES_BYTES_MAX);
	tsa_crl(&ca, 0, 0, -1, -10, 1000, &crl[0]);
	tsa_crl(&ca, 4, -5, -1, -5, 1000, &crl[1]);
	assert_int_equal(cades_sign(signer.key, tsa_cert(&signer), CONTENT, AT, &level_b, NULL), RC_OK);
	assert_int_equal(cades_imprint(buf_view(&level_b), imprint, NULL), RC_OK);
	stamp(imprint, &token);
	a.token = buf_view(&token);
	assert_int_equal(cades_add(buf_view(&level_b), &a, &level_t, NULL), RC_OK);
	a.n_certificates = 3;
	a.certificate[0] = tsa_cert(&signer);	/* is there anyway */
	a.certificate[1] = root;
	a.certificate[2] = tsa_cert(&other);
	a.n_crls = 2;
	a.crl[0] = buf_view(&crl[0]);
	a.crl[1] = buf_view(&crl[1]);
	assert_int_equal(cades_add(buf_view(&level_b), &a, &level_lt, NULL), RC_OK);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	buf_done(&level_b);
	buf_done(&level_t);
	buf_done(&level_lt);
	buf_done(&token);
	buf_done(&crl[0]);
	buf_done(&crl[1]);
	tsa_party_done(&ca);
	tsa_party_done(&tsa);
	tsa_party_done(&signer);
	tsa_party_done(&other);
	return 0;
}

static enum rc
verify(struct span signature, struct cades_added *added)
{
	return cades_verify(tsa_cert(&signer), CONTENT, AT, signature, added, NULL);
}

/* --- the levels ----------------------------------------------------------------------- */

static bool
among(struct span one, const struct span *all, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (span_eq(one, all[i]))
			return true;
	return false;
}

static void
levels(void **state)
{
	struct timestamp_trust	trust = { .root = &root, .n_roots = 1 };
	struct cades_added	a;
	struct timestamp	t;
	uint8_t			imprint[SHA256_BYTES], again[SHA256_BYTES];

	(void)state;
	assert_int_equal(verify(buf_view(&level_b), &a), RC_OK);
	assert_int_equal(a.token.n + a.n_certificates + a.n_crls, 0);
	assert_int_equal(verify(buf_view(&level_t), &a), RC_OK);
	assert_true(span_eq(a.token, buf_view(&token)));
	assert_int_equal(a.n_certificates + a.n_crls, 0);
	assert_int_equal(verify(buf_view(&level_lt), &a), RC_OK);
	assert_true(span_eq(a.token, buf_view(&token)));
	assert_int_equal(a.n_certificates, 2);
	assert_true(among(root, a.certificate, 2) && among(tsa_cert(&other), a.certificate, 2));
	assert_int_equal(a.n_crls, 2);
	assert_true(among(buf_view(&crl[0]), a.crl, 2) && among(buf_view(&crl[1]), a.crl, 2));
	/* What was added is not stamped: the value stays. */
	assert_int_equal(cades_imprint(buf_view(&level_lt), imprint, NULL), RC_OK);
	assert_int_equal(cades_imprint(buf_view(&level_b), again, NULL), RC_OK);
	assert_memory_equal(imprint, again, sizeof(imprint));
	assert_int_equal(timestamp_verify(a.token, imprint, &trust, &t, NULL), RC_OK);
	assert_int_equal(t.time, TSA_NOW);
	/* Another content, certificate, time. */
	assert_int_equal(cades_verify(tsa_cert(&signer), SPAN_STR("Another"), AT, buf_view(&level_lt), NULL, NULL),
	    RC_FORMAT);
	assert_int_equal(cades_verify(tsa_cert(&signer), CONTENT, AT + 1, buf_view(&level_lt), NULL, NULL), RC_FORMAT);
	assert_int_equal(cades_verify(tsa_cert(&other), CONTENT, AT, buf_view(&level_lt), NULL, NULL), RC_FORMAT);
}

static void
what_cannot_be_added(void **state)
{
	static const uint8_t	ber[] = { 0x30, 0x81, 0x02, 0x05, 0x00 };
	struct cades_added	a = { .token = buf_view(&token) }, good = a;
	struct span		b = buf_view(&level_b);
	uint8_t			imprint[SHA256_BYTES] = { 7 };
	BUF(alien);
	BUF(out);

	(void)state;
	assert_int_equal(cades_add(buf_view(&level_t), &a, &out, NULL), RC_USAGE);
	assert_int_equal(cades_add(buf_view(&level_lt), &a, &out, NULL), RC_USAGE);
	stamp(imprint, &alien);
	a.token = buf_view(&alien);
	assert_int_equal(cades_add(b, &a, &out, NULL), RC_VERIFY);
	a.token = SPAN_OF(ber);
	assert_int_equal(cades_add(b, &a, &out, NULL), RC_FORMAT);
	a.token = SPAN(NULL, 0);
	a.crl[0] = buf_view(&crl[0]);
	a.n_crls = 1;
	assert_int_equal(cades_add(b, &a, &out, NULL), RC_FORMAT);
	a.n_crls = 0;
	a.certificate[0] = root;
	a.n_certificates = 1;
	assert_int_equal(cades_add(b, &a, &out, NULL), RC_FORMAT);
	a = good;
	a.n_certificates = a.n_crls = 1;
	a.certificate[0] = buf_view(&crl[0]);
	a.crl[0] = buf_view(&crl[0]);
	assert_int_equal(cades_add(b, &a, &out, NULL), RC_FORMAT);
	a.certificate[0] = root;
	a.crl[0] = root;
	assert_int_equal(cades_add(b, &a, &out, NULL), RC_FORMAT);
	a.crl[0] = SPAN(root.p, root.n - 1);
	assert_int_equal(cades_add(b, &a, &out, NULL), RC_FORMAT);
	a = good;
	a.n_crls = CADES_LISTS_MAX + 1;
	assert_int_equal(cades_add(b, &a, &out, NULL), RC_LIMIT);
	a = good;
	a.n_certificates = CADES_LISTS_MAX + 1;
	assert_int_equal(cades_add(b, &a, &out, NULL), RC_LIMIT);
	assert_int_equal(cades_add(SPAN(b.p, b.n - 1), &good, &out, NULL), RC_FORMAT);
	assert_int_equal(out.n, 0);
}

/* --- what others may put together ------------------------------------------------------- */

struct pieces { struct span oid, head, certificates, crls, info, value, added; };

static void
take(struct span signature, struct pieces *p)
{
	struct rd	r = rd_init(signature);
	struct span	v;

	memset(p, 0, sizeof(*p));
	assert_true(der_take(&r, DER_SEQUENCE, NULL, &v));
	r = rd_init(v);
	assert_true(der_take(&r, DER_OID, &p->oid, NULL) && der_take(&r, DER_CONTEXT(0), NULL, &v));
	r = rd_init(v);
	assert_true(der_take(&r, DER_SEQUENCE, NULL, &v));
	r = rd_init(v);
	for (int i = 0; i < 3; i++)
		assert_true(der_any(&r, &p->head));
	p->head = SPAN(v.p, r.at);
	(void)der_take(&r, DER_CONTEXT(0), NULL, &p->certificates);
	(void)der_take(&r, DER_CONTEXT(1), NULL, &p->crls);
	assert_true(der_take(&r, DER_SET, NULL, &v));
	r = rd_init(v);
	assert_true(der_take(&r, DER_SEQUENCE, NULL, &v));
	r = rd_init(v);
	for (int i = 0; i < 5; i++)
		assert_true(der_any(&r, &p->info));
	p->info = SPAN(v.p, r.at);
	assert_true(der_take(&r, DER_OCTETS, NULL, &p->value));
	(void)der_take(&r, DER_CONTEXT(1), NULL, &p->added);
}

static void
wrap(struct buf *b, uint8_t tag)
{
	BUF(inside);

	buf_span(&inside, buf_view(b));
	buf_reset(b);
	der_write(b, tag, buf_view(&inside));
}

static void
put(const struct pieces *p, struct buf *out)
{
	BUF(data);
	BUF(signers);

	buf_span(&signers, p->info);
	der_write(&signers, DER_OCTETS, p->value);
	if (p->added.p != NULL)
		der_write(&signers, DER_CONTEXT(1), p->added);
	wrap(&signers, DER_SEQUENCE);
	buf_span(&data, p->head);
	if (p->certificates.p != NULL)
		der_write(&data, DER_CONTEXT(0), p->certificates);
	if (p->crls.p != NULL)
		der_write(&data, DER_CONTEXT(1), p->crls);
	der_write(&data, DER_SET, buf_view(&signers));
	wrap(&data, DER_SEQUENCE);
	buf_span(out, p->oid);
	der_write(out, DER_CONTEXT(0), buf_view(&data));
	wrap(out, DER_SEQUENCE);
}

static enum rc
rebuilt(const struct pieces *p)
{
	BUF(out);

	put(p, &out);
	return verify(buf_view(&out), NULL);
}

/* Whoever asks what a time-stamp is to be over does not make the message again. */
static enum rc
imprint_of(const struct pieces *p)
{
	uint8_t	imprint[SHA256_BYTES];
	BUF(out);

	put(p, &out);
	return cades_imprint(buf_view(&out), imprint, NULL);
}

/* An attribute of this last byte of its type, with `n` values. */
static void
add_attribute(struct buf *out, uint8_t type, struct span value, unsigned n)
{
	uint8_t	oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x02, type };
	BUF(values);
	BUF(a);

	while (n-- > 0)
		buf_span(&values, value);
	der_write(&a, DER_OID, SPAN_OF(oid));
	der_write(&a, DER_SET, buf_view(&values));
	der_write(out, DER_SEQUENCE, buf_view(&a));
}

struct stamps_row { const char *what; uint8_t type[2]; unsigned n[2]; enum rc rc; };

static void
time_stamps_otherwise(void **state)
{
	static const struct stamps_row rows[] = {
		{ "one",			{ 14, 0 },	{ 1, 0 },	RC_OK },
		{ "twice",			{ 14, 0 },	{ 2, 0 },	RC_FORMAT },
		{ "two attributes",		{ 14, 14 },	{ 1, 1 },	RC_FORMAT },
		{ "none in its attribute",	{ 14, 0 },	{ 0, 0 },	RC_FORMAT },
		{ "another attribute",		{ 24, 0 },	{ 1, 0 },	RC_FORMAT },
		{ "another attribute as well",	{ 14, 24 },	{ 1, 1 },	RC_FORMAT },
		{ "no attribute",		{ 0, 0 },	{ 0, 0 },	RC_FORMAT },
	};
	struct pieces	p;

	(void)state;
	take(buf_view(&level_t), &p);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BUF(added);

		buf_span(&added, SPAN_STR(""));
		for (size_t k = 0; k < 2; k++)
			if (rows[i].type[k] != 0)
				add_attribute(&added, rows[i].type[k], buf_view(&token), rows[i].n[k]);
		p.added = SPAN(added.n == 0 ? (const uint8_t *)"" : added.p, added.n);
		if (rebuilt(&p) != rows[i].rc || imprint_of(&p) != rows[i].rc)
			fail_msg("%s", rows[i].what);
	}
}

static void
join(struct buf *out, struct span a, struct span b, struct span c)
{
	buf_reset(out);
	buf_span(out, a);
	buf_span(out, b);
	buf_span(out, c);
}

static void
lists_otherwise(void **state)
{
	struct span	c[3] = { tsa_cert(&signer), root, tsa_cert(&other) }, l[2] = { buf_view(&crl[0]), buf_view(&crl[1]) };
	struct span	none = SPAN(NULL, 0);
	struct pieces	lt, p;
	BUF(set);

	(void)state;
	take(buf_view(&level_lt), &lt);
	assert_int_equal(rebuilt(&lt), RC_OK);
	assert_int_equal(der_sort(c, 3), 3);
	assert_int_equal(der_sort(l, 2), 2);
	p = lt;
	join(&set, c[0], c[1], c[2]);
	p.certificates = buf_view(&set);
	assert_int_equal(rebuilt(&p), RC_OK);
	for (size_t i = 0; i < 3; i++) {	/* two changed places; one twice; the signer's alone, or not there */
		join(&set, c[i == 0 ? 1 : 0], c[i == 0 ? 0 : i == 1 ? 2 : 1], c[i == 0 ? 2 : i == 1 ? 1 : 2]);
		p.certificates = buf_view(&set);
		assert_int_equal(rebuilt(&p), i == 2 ? RC_OK : RC_FORMAT);
		join(&set, c[i], c[i], none);
		p.certificates = buf_view(&set);
		assert_int_equal(rebuilt(&p), RC_FORMAT);
		join(&set, c[i], none, none);
		p.certificates = buf_view(&set);
		assert_int_equal(rebuilt(&p), span_eq(c[i], tsa_cert(&signer)) ? RC_OK : RC_FORMAT);
	}
	p = lt;
	join(&set, l[1], l[0], none);
	p.crls = buf_view(&set);
	assert_int_equal(rebuilt(&p), RC_FORMAT);
	join(&set, l[0], l[0], none);
	p.crls = buf_view(&set);
	assert_int_equal(rebuilt(&p), RC_FORMAT);
	join(&set, l[0], l[1], none);
	buf_add(&set, "\x30\x00", 2);
	p.crls = buf_view(&set);
	assert_int_equal(rebuilt(&p), RC_FORMAT);
	p.crls = SPAN("", 0);
	assert_int_equal(rebuilt(&p), RC_FORMAT);
	p.crls = root;			/* a certificate among the lists */
	assert_int_equal(rebuilt(&p), RC_FORMAT);
}

/* Level B with anything beside the signer's certificate is no level at all. */
static void
lists_without_a_time_stamp(void **state)
{
	struct pieces	lt, p;

	(void)state;
	take(buf_view(&level_lt), &lt);
	take(buf_view(&level_b), &p);
	assert_int_equal(rebuilt(&p), RC_OK);
	p.crls = lt.crls;
	assert_int_equal(rebuilt(&p), RC_FORMAT);
	take(buf_view(&level_b), &p);
	p.certificates = lt.certificates;
	assert_int_equal(rebuilt(&p), RC_FORMAT);
}

static bool
inside(const uint8_t *at, struct span s)
{
	return s.n > 0 && at >= s.p && at < s.p + s.n;
}

/* Outside of what was added. */
static void
no_bit_is_free(void **state)
{
	struct cades_added	good, a;
	uint8_t			*p = level_lt.p;

	(void)state;
	assert_int_equal(verify(buf_view(&level_lt), &good), RC_OK);
	for (size_t i = 0; i < level_lt.n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			bool	added = inside(p + i, good.token);

			for (unsigned k = 0; k < 2; k++)
				added = added || inside(p + i, good.certificate[k]) || inside(p + i, good.crl[k]);
			if (added)
				continue;	/* no_byte_of_what_was_added_is_free() */
			p[i] = (uint8_t)(p[i] ^ 1U << bit);
			if (verify(buf_view(&level_lt), &a) == RC_OK)
				fail_msg("bit %u of byte %zu", bit, i);
			p[i] = (uint8_t)(p[i] ^ 1U << bit);
		}
	for (size_t n = 0; n < level_lt.n; n++) {
		uint8_t	*cut = malloc(n == 0 ? 1 : n);

		memcpy(cut, p, n);
		assert_int_not_equal(verify(SPAN(cut, n), NULL), RC_OK);
		free(cut);
	}
}

/* What a verifier asks of it, by a root that it trusts. */
static enum rc
judged(void)
{
	struct timestamp_trust	trust = { .root = &root, .n_roots = 1 };
	struct cades_added	a;
	struct timestamp	t;
	uint8_t			imprint[SHA256_BYTES];

	TRY(verify(buf_view(&level_lt), &a));
	TRY(cades_imprint(buf_view(&level_lt), imprint, NULL));
	TRY(timestamp_verify(a.token, imprint, &trust, &t, NULL));
	return cades_exact(tsa_cert(&signer), &a, &root, 1, NULL);
}

static void
no_byte_of_what_was_added_is_free(void **state)
{
	uint8_t	*p = level_lt.p;

	(void)state;
	assert_int_equal(judged(), RC_OK);
	for (size_t i = 0; i < level_lt.n; i++) {
		p[i] = (uint8_t)(p[i] ^ 1U << i % 8);
		if (judged() == RC_OK)
			fail_msg("bit %zu of byte %zu", i % 8, i);
		p[i] = (uint8_t)(p[i] ^ 1U << i % 8);
	}
	assert_int_equal(cades_exact(tsa_cert(&signer), &(struct cades_added){ .n_crls = 0 }, NULL, 0, NULL), RC_OK);
}

/* Signed by nobody who is known: neither trusted, nor the signer, nor of the chain of one that is. */
static void
strangers_certificates(void **state)
{
	struct tsa_party	alone, below;
	struct cades_added	a = { .token = buf_view(&token), .n_certificates = 1 };
	BUF(list);

	(void)state;
	tsa_party_new(&alone, "Alone", NULL, true, TSA_EKU_NONE, 1, -1, 100);
	tsa_party_new(&below, "Below", &alone, false, TSA_EKU_NONE, 2, -1, 100);
	tsa_crl(&alone, 0, 0, -1, -5, 1000, &list);
	a.certificate[0] = tsa_cert(&below);
	assert_int_equal(cades_exact(tsa_cert(&signer), &a, &root, 1, NULL), RC_FORMAT);
	assert_int_equal(cades_exact(tsa_cert(&below), &a, &root, 1, NULL), RC_OK);
	a.certificate[0] = tsa_cert(&alone);
	assert_int_equal(cades_exact(tsa_cert(&signer), &a, &root, 1, NULL), RC_FORMAT);	/* by itself */
	assert_int_equal(cades_exact(tsa_cert(&below), &a, &root, 1, NULL), RC_OK);
	a.n_certificates = 0;
	a.n_crls = 1;
	a.crl[0] = buf_view(&list);
	assert_int_equal(cades_exact(tsa_cert(&signer), &a, &root, 1, NULL), RC_FORMAT);
	a.n_certificates = 1;
	assert_int_equal(cades_exact(tsa_cert(&signer), &a, &root, 1, NULL), RC_FORMAT);
	assert_int_equal(cades_exact(tsa_cert(&below), &a, &root, 1, NULL), RC_OK);
	tsa_party_done(&alone);
	tsa_party_done(&below);
}

static void
without_memory(void **state)
{
	struct cades_added	a = { .token = buf_view(&token), .n_certificates = 1, .n_crls = 1 };
	unsigned long		n;
	enum rc			rc;
	BUF(out);

	(void)state;
	a.certificate[0] = root;
	a.crl[0] = buf_view(&crl[0]);
	for (n = 1;; n++) {
		buf_done(&out);
		fault_at(n);
		rc = cades_add(buf_view(&level_b), &a, &out, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 10);
	for (n = 1;; n++) {
		fault_at(n);
		rc = verify(buf_view(&out), NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
	}
	assert_int_equal(rc, RC_OK);
}

/* --- what others made, what others say -------------------------------------------------------- */

/* The stored file of this name in a ZIP of somebody else's, which our own reader refuses. */
static struct span
stored(struct span zip, const char *name)
{
	size_t	n = strlen(name), size;

	for (size_t i = 0; i + 30 + n < zip.n; i++) {
		const uint8_t	*p = zip.p + i;

		if (memcmp(p, "PK\3\4", 4) != 0 || p[26] != n || memcmp(p + 30, name, n) != 0)
			continue;
		size = (size_t)p[18] | (size_t)p[19] << 8;
		assert_true(size < zip.n - i - 30 - n);
		return SPAN(p + 30 + n + p[28], size);
	}
	fail_msg("%s is not there", name);
	return SPAN(NULL, 0);
}

static void
pem_body(const struct buf *pem, struct buf *out)
{
	unsigned char	*der = NULL;
	long		 n;
	BIO		*bio = BIO_new_mem_buf(pem->p, (int)pem->n);

	assert_int_equal(PEM_bytes_read_bio(&der, &n, NULL, PEM_STRING_X509, bio, NULL, NULL), 1);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	BIO_free(bio);
}

static struct span
token_in(struct span added)
{
	struct rd	r = rd_init(added);
	struct span	v;

	assert_true(der_take(&r, DER_SEQUENCE, NULL, &v));
	r = rd_init(v);
	assert_true(der_take(&r, DER_OID, NULL, NULL) && der_take(&r, DER_SET, NULL, &v));
	return v;
}

static void
of_others(void **state)
{
	static const char *const names[] = { "package/example-evidence-bagit.asice", "package/example-evidence-bagit-LT.asice" };
	BUF(file);
	BUF(pem);
	BUF(der);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct timestamp_trust	trust = { .n_roots = 1 };
		struct timestamp	t;
		struct span		p7s, r;
		struct pieces		p;
		uint8_t			imprint[SHA256_BYTES];

		if (!vectors_read(names[i], &file) || !vectors_read("package/lab-ca.pem", &pem))
			return;
		buf_reset(&der);
		pem_body(&pem, &der);
		r = buf_view(&der);
		trust.root = &r;
		p7s = stored(buf_view(&file), "META-INF/signature001.p7s");
		take(p7s, &p);
		sha256_one(imprint, p.value);
		assert_int_equal(timestamp_verify(token_in(p.added), imprint, &trust, &t, NULL), RC_OK);
		assert_string_equal(t.signer, "CN=Lab TSA,O=Lab Std,C=EE");
		assert_true(t.expires > t.time);
		assert_int_equal(p.crls.n > 0, i == 1);
		imprint[0] ^= 1;
		assert_int_equal(timestamp_verify(token_in(p.added), imprint, &trust, &t, NULL), RC_VERIFY);
	}
}

static void
save(const char *folder, const char *name, struct span bytes)
{
	struct memfile	f = MEMFILE_INIT;
	char		path[96];

	buf_span(&f.b, bytes);
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	memfile_save(&f, path);
	memfile_done(&f);
}

static void
run(const char *folder, const char *command)
{
	char	all[1024];

	assert_true(snprintf(all, sizeof(all), "cd %s && { %s; } >/dev/null 2>log || { cat log; false; }", folder,
	    command) < (int)sizeof(all));
	if (!tool_ok(all))
		fail_msg("%s", command);
}

#define CMS_VERIFY	"openssl cms -verify -cades -purpose any -attime 1800000001 -CAfile ca.pem -binary " \
			"-inform DER -content content -out /dev/null -in "
#define TS_VERIFY	"openssl ts -verify -attime 1800000001 -CAfile ca.pem -token_in -in token.tst -data "

static void
other_programs_accept_it(void **state)
{
	char		folder[] = "/tmp/quorate-cades-XXXXXX", command[64];
	struct pieces	p;

	(void)state;
	if (!tool_here("openssl"))
		return;
	assert_non_null(mkdtemp(folder));
	take(buf_view(&level_lt), &p);
	save(folder, "content", CONTENT);
	save(folder, "b.p7s", buf_view(&level_b));
	save(folder, "t.p7s", buf_view(&level_t));
	save(folder, "lt.p7s", buf_view(&level_lt));
	save(folder, "value", p.value);
	save(folder, "token.tst", token_in(p.added));
	save(folder, "ca.der", root);
	run(folder, "openssl x509 -inform DER -in ca.der -out ca.pem");
	run(folder, CMS_VERIFY "b.p7s");
	run(folder, CMS_VERIFY "t.p7s");
	run(folder, CMS_VERIFY "lt.p7s");
	run(folder, CMS_VERIFY "lt.p7s -crl_check");	/* by the list in it */
	run(folder, "! " CMS_VERIFY "t.p7s -crl_check");
	run(folder, "openssl pkcs7 -inform DER -in lt.p7s -print_certs -noout");
	run(folder, TS_VERIFY "value");
	run(folder, "! " TS_VERIFY "content");
	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	assert_true(tool_ok(command));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels),
		cmocka_unit_test(what_cannot_be_added),
		cmocka_unit_test(time_stamps_otherwise),
		cmocka_unit_test(lists_otherwise),
		cmocka_unit_test(lists_without_a_time_stamp),
		cmocka_unit_test(no_bit_is_free),
		cmocka_unit_test(no_byte_of_what_was_added_is_free),
		cmocka_unit_test(strangers_certificates),
		cmocka_unit_test(without_memory),
		cmocka_unit_test(of_others),
		cmocka_unit_test(other_programs_accept_it),
	};

	return cmocka_run_group_tests(tests, up, down);
}
