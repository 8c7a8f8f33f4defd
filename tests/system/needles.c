/*
 * tests/system/needles.c - what is secret, as lines "KIND HEX" for tests/system/hunt.c.
 *
 *	needles package PACKAGE KEY.pem		what the recipient finds in a package: each
 *						contribution, each segment's point (`key`), and the
 *						AES key that it gives (`segment`)
 *	needles shares DIR ARTIFACT...		what the custodian whose folder that is opens with its
 *						token: its shares (share.INDEX.ARTIFACT), and what they
 *						were sealed with: Z and the AES key of the batch
 *	needles scalar K <LINES			the lines, and for each artifact the scalar that K of
 *						its shares make: what nobody but its sealer ever has
 *	needles pem KIND FILE...		private keys: as bytes in both orders, and as PEM's text
 *	needles text KIND FILE...		the first line of a file: a PIN
 *
 * For tests alone: it prints secrets.
 */
#include <sys/types.h>

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/pem.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "custodian/append.h"
#include "custodian/opener.h"
#include "edge/edge.h"
#include "evidence/cms.h"
#include "evidence/keys.h"
#include "evidence/zip.h"
#include "hsm/internal.h"
#include "policy/descriptor.h"
#include "policy/statement.h"

#define NEEDLE	32

/* ---- of a package ------------------------------------------------------------------------- */

struct finding {
	struct zip		*z;
	EVP_PKEY		*key;
	struct buf		 cert, scope_bytes;
	struct scope		 scope;
	uint8_t			 genesis[SHA256_BYTES];
	struct secret		*from[CUSTODIANS_MAX];	/* contributions */
	size_t			 n;
	struct descriptor	 d;
	uint32_t		 artifact;		/* whose descriptor that is */
};

static void
say(const char *kind, const uint8_t *p)
{
	char	hex[HEX_BYTES(NEEDLE)];

	printf("%s %s\n", kind, hex_write(SPAN(p, NEEDLE), hex));
}

/* A segment's point, and its key (docs/spec/envelope-v1.md). */
static void
say_point(const uint8_t *point)
{
	EVP_KDF		*kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX	*ctx = EVP_KDF_CTX_new(kdf);
	char		 digest[] = "SHA256", salt[] = "quorate/segment/v1", info[] = "key";
	uint8_t		 key[NEEDLE];
	OSSL_PARAM	 params[] = {
		OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)point, NEEDLE),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt) - 1),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_INFO, info, sizeof(info) - 1),
		OSSL_PARAM_END
	};

	params[0].data_size = sizeof(digest) - 1;
	if (EVP_KDF_derive(ctx, key, sizeof(key), params) != 1)
		abort();
	say("key", point);
	say("segment", key);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static enum rc
read_at(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	int	fd = *(int *)user;

	return pread(fd, out, n, (off_t)at) == (ssize_t)n ? RC_OK : err_set(err, RC_IO, "cannot read the package");
}

static enum rc
member(struct zip *z, const char *name, struct buf *out, struct err *err)
{
	struct zip_entry	e;

	TRY(zip_find(z, name, NULL, &e, err));
	return zip_read_all(z, &e, out, err);
}

static enum rc
open_message(struct finding *f, const char *name, struct secret **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(CMS_BYTES_MAX);

	TRY(member(f->z, name, &b, err));
	return cms_open(f->key, buf_view(&f->cert), buf_view(&b), ret, err);
}

static enum rc
load_descriptor(struct finding *f, const struct scope_artifact *a, struct err *err)
{
	static struct buf	b;
	char			hex[HEX_BYTES(ARTIFACT_ID_BYTES)], name[128];

	b = BUF_INIT(DESCRIPTOR_BYTES_MAX);		/* the descriptor may borrow from it */
	(void)snprintf(name, sizeof(name), "data/artifacts/%s/descriptor", hex_write(SPAN(a->id, ARTIFACT_ID_BYTES), hex));
	TRY(member(f->z, name, &b, err));
	return descriptor_parse(buf_view(&b), &f->d, err);
}

/* Each contribution to this segment, and the point that they make. */
static enum rc
combine(void *user, uint32_t number, const struct scope_artifact *a, const struct scope_part *p,
    uint32_t segment, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	msg = BUF_INIT(LABEL_MSG_MAX);
	AUTO(secret_free) struct secret	*point = NULL;
	struct shamir_contribution	 in[CUSTODIANS_MAX];
	struct finding			*f = user;
	uint8_t				 label[SHAMIR_POINT_BYTES];
	uint32_t			 bad;

	TRY(load_descriptor(f, a, err));
	label_msg(f->genesis, a->id, p->name, segment, &msg);
	TRY(shamir_label(buf_view(&msg), label, err));
	for (size_t i = 0; i < f->n; i++) {
		contributions_get(f->from[i], number, &in[i]);
		say("contribution", in[i].point);
	}
	TRY(shamir_combine(in, f->n, &f->d.commits, label, &bad, &point, err));
	say_point(secret_view(point));
	return RC_OK;
}

static enum rc
needles_of_contributions(struct finding *f, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	charter = BUF_INIT(1 << 20);
	char				name[64];

	TRY(member(f->z, "data/charter.json", &charter, err));
	sha256_one(f->genesis, buf_view(&charter));
	for (unsigned i = 1; i <= CUSTODIANS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "data/contributions/%02u.p7m", i);
		if (zip_find(f->z, name, NULL, &(struct zip_entry){ .size = 0 }, NULL) == RC_OK)
			TRY(open_message(f, name, &f->from[f->n++], err));
	}
	TRY(member(f->z, "data/scope", &f->scope_bytes, err));
	TRY(scope_parse(buf_view(&f->scope_bytes), &f->scope, err));
	return scope_each(&f->scope, combine, f, err);
}

static enum rc
of_package(const char *path, const char *key, struct err *err)
{
	struct finding	f = { .cert = BUF_INIT(CMS_CERT_MAX), .scope_bytes = BUF_INIT(SCOPE_BYTES_MAX) };
	struct secret	*keys = NULL;
	FILE		*pem = fopen(key, "r");
	int		 fd = open(path, O_RDONLY);
	off_t		 size = lseek(fd, 0, SEEK_END);

	if (pem == NULL || (f.key = PEM_read_PrivateKey(pem, NULL, NULL, NULL)) == NULL || size < 0)
		return err_set(err, RC_USAGE, "cannot read %s or %s", path, key);
	TRY(zip_open(read_at, &fd, (uint64_t)size, &f.z, err));
	TRY(member(f.z, "data/recipient.cer", &f.cert, err));
	if (zip_find(f.z, "data/keys.p7m", NULL, &(struct zip_entry){ .size = 0 }, NULL) != RC_OK)
		return needles_of_contributions(&f, err);
	TRY(open_message(&f, "data/keys.p7m", &keys, err));
	for (size_t at = KEYS_HEAD_BYTES; at + NEEDLE <= secret_len(keys); at += NEEDLE)
		say_point(secret_view(keys) + at);
	return RC_OK;
}

/* ---- of a custodian: its shares, opened by its token ------------------------------------------ */

static enum rc
custodian_up(const char *dir, struct custody **ret, struct err *err)
{
	AUTO(custody_free) struct custody *c = NULL;
	const struct charter	*charter;

	TRY(custody_look(dir, &c, err));
	TRY(config_keys(&c->config, &c->hsm, &c->share_key, &c->signer, err));
	TRY(custody_charter(c, &charter, err));		/* learns its index */
	*ret = TAKE(c);
	return RC_OK;
}

/* Z, and X9.63-KDF-SHA-256 of it, one block (docs/spec/sealed-share-v1.md). */
static enum rc
say_batch_key(struct custody *c, uint64_t batch, struct err *err)
{
	static const uint8_t		 one[] = { 0, 0, 0, 1 };
	AUTO_DONE(dsse_done) struct dsse d;
	AUTO_DONE(statement_done) struct statement s;
	AUTO_DONE(buf_done) struct buf	 info = BUF_INIT(SEALED_INFO_BYTES);
	AUTO(secret_free) struct secret *z = NULL;
	struct sealed_context		 ctx;
	uint8_t				 key[SHA256_BYTES];
	const uint8_t			*point;

	memset(&d, 0, sizeof(d));
	memset(&s, 0, sizeof(s));
	TRY(batch_of(c, batch, &d, &s, err));
	memcpy(ctx.genesis, c->genesis, sizeof(ctx.genesis));
	memcpy(ctx.batch_root, s.subject, sizeof(ctx.batch_root));
	ctx.custodian = c->index;
	ctx.epoch = s.u.batch.custodian[c->index - 1].epoch;
	point = s.u.batch.custodian[c->index - 1].encapsulation;
	TRY(hsm_derive_z(c->share_key, SPAN(point, SEALED_POINT_BYTES), &z, err));
	sealed_info(&ctx, point, &info);
	sha256(key, (const struct span[]){ SPAN(secret_view(z), secret_len(z)), SPAN_OF(one), buf_view(&info) }, 3);
	say("z", secret_view(z));
	say("batchkey", key);
	return RC_OK;
}

static enum rc
say_share(struct custody *c, const char *artifact, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	 bytes = BUF_INIT(DESCRIPTOR_BYTES_MAX);
	AUTO(hsm_opener_free) struct hsm_opener *o = NULL;
	const struct state		*st = store_state(c->store);
	struct escrow_at		 at;
	uint8_t				 id[ARTIFACT_ID_BYTES], sealed[SEALED_SHARE_BYTES], digest[SHA256_BYTES], share[NEEDLE];
	char				 kind[48];

	if (!hex_parse(span_str(artifact), id, sizeof(id)))
		return err_set(err, RC_USAGE, "%s: not an artifact", artifact);
	TRY(st->escrow_find(st->user, id, &at, &bytes, err));
	TRY(store_share(c->store, at.batch, at.leaf, sealed, sizeof(sealed), err));
	TRY(opener_new(c, at.batch, &o, err));
	sha256_one(digest, buf_view(&bytes));
	TRY(hsm_opener_share(o, at.leaf, digest, sealed, share, err));
	(void)snprintf(kind, sizeof(kind), "share.%u.%.32s", c->index, artifact);
	say(kind, share);
	return say_batch_key(c, at.batch, err);
}

static enum rc
of_shares(const char *dir, char **artifacts, struct err *err)
{
	AUTO(custody_free) struct custody *c = NULL;

	TRY(custodian_up(dir, &c, err));
	for (; *artifacts != NULL; artifacts++)
		TRY(say_share(c, *artifacts, err));
	return RC_OK;
}

/* ---- what K shares make ------------------------------------------------------------------------ */

struct line { unsigned index; char artifact[33]; uint8_t share[NEEDLE]; };

/* Lagrange at zero; indexes are small. */
static void
add_term(uint8_t sum[NEEDLE], const struct line *const *in, size_t k, size_t at)
{
	uint8_t	num[NEEDLE] = { 1 }, den[NEEDLE] = { 1 }, x[NEEDLE], y[NEEDLE];

	for (size_t i = 0; i < k; i++) {
		if (i == at)
			continue;
		memset(x, 0, sizeof(x));
		x[0] = (uint8_t)in[i]->index;
		crypto_core_ristretto255_scalar_mul(num, num, x);
		memset(y, 0, sizeof(y));
		y[0] = (uint8_t)in[at]->index;
		crypto_core_ristretto255_scalar_sub(x, x, y);
		crypto_core_ristretto255_scalar_mul(den, den, x);
	}
	if (crypto_core_ristretto255_scalar_invert(den, den) != 0)
		abort();
	crypto_core_ristretto255_scalar_mul(num, num, den);
	crypto_core_ristretto255_scalar_mul(num, num, in[at]->share);
	crypto_core_ristretto255_scalar_add(sum, sum, num);
}

static bool
say_scalar(const struct line *all, size_t n, size_t of, size_t k)
{
	const struct line	*in[SHAMIR_SHARES_MAX];
	uint8_t			 sum[NEEDLE] = { 0 };
	size_t			 have = 0;

	for (size_t i = of; i < n && have < k; i++)
		if (strcmp(all[i].artifact, all[of].artifact) == 0)
			in[have++] = &all[i];
	for (size_t i = 0; i < have && have == k; i++)
		add_term(sum, in, k, i);
	if (have == k)
		say("scalar", sum);
	return have == k;
}

static enum rc
of_scalars(size_t k, struct err *err)
{
	static struct line	all[1024];
	char			text[512], hex[2 * NEEDLE + 1];
	size_t			n = 0, said = 0;

	if (k < 2 || k > SHAMIR_SHARES_MAX)
		return err_set(err, RC_USAGE, "K is 2 to %d", SHAMIR_SHARES_MAX);
	while (fgets(text, sizeof(text), stdin) != NULL) {
		fputs(text, stdout);
		if (n < 1024 && sscanf(text, "share.%u.%32s %64s", &all[n].index, all[n].artifact, hex) == 3 &&
		    hex_parse(span_str(hex), all[n].share, NEEDLE))
			n++;
	}
	for (size_t i = 0; i < n; i++) {
		size_t	first = 0;

		while (strcmp(all[first].artifact, all[i].artifact) != 0)
			first++;
		if (first == i)
			said += say_scalar(all, n, i, k);
	}
	return said > 0 ? RC_OK : err_set(err, RC_QUORUM, "too few shares");
}

/* ---- of files ------------------------------------------------------------------------------------ */

static void
say_text(const char *kind, const char *text, size_t n)
{
	printf("%s ", kind);
	while (n-- > 0)
		printf("%02x", (unsigned char)*text++);
	putchar('\n');
}

static bool
raw_private(EVP_PKEY *key, uint8_t raw[NEEDLE])
{
	BIGNUM	*d = NULL;
	size_t	 n = NEEDLE;
	bool	 ok;

	if (EVP_PKEY_get_raw_private_key(key, raw, &n) == 1)
		return n == NEEDLE;
	ok = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d) == 1 && BN_bn2binpad(d, raw, NEEDLE) == NEEDLE;
	BN_free(d);
	return ok;
}

/* The bytes of the key, and those of PEM's base64 that depend on nothing else. */
static enum rc
of_pem(const char *kind, const char *path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	 text = BUF_INIT(256), whole = BUF_INIT(16384);
	FILE				*f = fopen(path, "r");
	EVP_PKEY			*key = f == NULL ? NULL : PEM_read_PrivateKey(f, NULL, NULL, NULL);
	uint8_t				 raw[NEEDLE], back[NEEDLE];
	unsigned			 seen = 0;

	if (key == NULL || !raw_private(key, raw) || file_read(path, &whole, err) != RC_OK)
		return err_set(err, RC_USAGE, "%s: no P-256 or Ed25519 key", path);
	for (size_t i = 0; i < NEEDLE; i++)
		back[i] = raw[NEEDLE - 1 - i];
	say(kind, raw);
	say(kind, back);		/* as numbers stand in memory */
	for (size_t skip = 0; skip < 3; skip++) {
		buf_reset(&text);
		b64_write(&text, SPAN(raw + skip, (NEEDLE - skip) / 3 * 3));
		/* A line may end within it. */
		for (size_t at = 0; at + 16 <= text.n; at += 12)
			if (memmem(whole.p, whole.n, text.p + at, 16) != NULL) {
				say_text(kind, (const char *)text.p + at, 16);
				seen++;
			}
	}
	EVP_PKEY_free(key);
	(void)fclose(f);
	return seen > 0 ? RC_OK : err_set(err, RC_BUG, "%s: its key is not in it", path);
}

static enum rc
of_text(const char *kind, const char *path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	b = BUF_INIT(4096);
	size_t				n;

	TRY(file_read(path, &b, err));
	n = strcspn(buf_text(&b), "\n");
	say_text(kind, buf_text(&b), n);
	printf("%s ", kind);			/* as UTF-16, both ways, but for the first byte */
	for (size_t i = 0; i < n; i++)
		printf("%02x%s", b.p[i], i + 1 < n ? "00" : "\n");
	return RC_OK;
}

static enum rc
of_files(enum rc (*each)(const char *, const char *, struct err *), const char *kind, char **path, struct err *err)
{
	for (; *path != NULL; path++)
		TRY(each(kind, *path, err));
	return RC_OK;
}

static enum rc
run(int argc, char **argv, struct err *err)
{
	const char	*word = argc > 1 ? argv[1] : "";

	TRY(secret_init(err));
	if (strcmp(word, "package") == 0 && argc == 4)
		return of_package(argv[2], argv[3], err);
	if (strcmp(word, "shares") == 0 && argc > 3)
		return of_shares(argv[2], argv + 3, err);
	if (strcmp(word, "scalar") == 0 && argc == 3)
		return of_scalars(strtoul(argv[2], NULL, 10), err);
	if (strcmp(word, "pem") == 0 && argc > 3)
		return of_files(of_pem, argv[2], argv + 3, err);
	if (strcmp(word, "text") == 0 && argc > 3)
		return of_files(of_text, argv[2], argv + 3, err);
	return err_set(err, RC_USAGE, "needles package PACKAGE KEY.pem | shares DIR ARTIFACT... | scalar K | "
	    "pem KIND FILE... | text KIND FILE...");
}

int
main(int argc, char **argv)
{
	struct err	err = { RC_OK, "" };
	enum rc		rc = run(argc, argv, &err);

	if (rc != RC_OK)
		fprintf(stderr, "needles: %s\n", err.msg);
	return exit_code(rc);
}
