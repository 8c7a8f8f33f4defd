/* Writes tests/vectors/sealed-share-v1: docs/spec/sealed-share-v1.md section 7. */
#include <string.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/obj_mac.h>
#include <sodium.h>

#include "shamir/sealed.h"
#include "tests/gen/lib/vector.h"

#define SPEC	"sealed-share-v1"

struct sealed {				/* everything that a vector shows */
	uint8_t			 share_secret[32], ephemeral_secret[32];
	uint8_t			 share_key[SEALED_POINT_BYTES], ephemeral[SEALED_POINT_BYTES];
	struct sealed_context	 context;
	uint8_t			 z[32], digest[SHA256_BYTES], share[32], sealed[SEALED_SHARE_BYTES];
	uint32_t		 leaf;
};

static const char	*out_dir;
static EC_GROUP		*group;

/* secret * point (the generator when NULL); also the x-coordinate. */
static void
multiply(const uint8_t secret[32], const uint8_t *point, uint8_t ret[SEALED_POINT_BYTES])
{
	BIGNUM		*k = BN_bin2bn(secret, 32, NULL);
	EC_POINT	*p = EC_POINT_new(group), *r = EC_POINT_new(group);

	vector_need(k != NULL && p != NULL && r != NULL, "no memory left");
	if (point == NULL)
		vector_need(EC_POINT_mul(group, r, k, NULL, NULL, NULL) == 1, "multiply");
	else
		vector_need(EC_POINT_oct2point(group, p, point, SEALED_POINT_BYTES, NULL) == 1 &&
		    EC_POINT_mul(group, r, NULL, p, k, NULL) == 1, "multiply");
	vector_need(EC_POINT_point2oct(group, r, POINT_CONVERSION_UNCOMPRESSED, ret,
	    SEALED_POINT_BYTES, NULL) == SEALED_POINT_BYTES, "multiply");
	EC_POINT_free(p);
	EC_POINT_free(r);
	BN_free(k);
}

/* A key below the order: its first byte is cleared, which is no way to make real ones. */
static void
key(const char *name, uint32_t number, uint8_t secret[32], uint8_t point[SEALED_POINT_BYTES])
{
	vector_seed(name, number, secret, 32);
	secret[0] = 0;
	multiply(secret, NULL, point);
}

static struct sealed_key *
from_z(const struct sealed *s)
{
	struct secret		*z = secret_new(32);
	struct sealed_key	*k = NULL;

	vector_need(z != NULL, "no locked memory");
	memcpy(secret_bytes(z), s->z, 32);
	vector_need(sealed_key_from_z(&s->context, s->ephemeral, z, &k, NULL) == RC_OK, "from_z");
	secret_free(z);
	return k;
}

static void
seal(struct sealed *s, uint32_t ephemeral_number, uint32_t leaf)
{
	uint8_t			agreed[SEALED_POINT_BYTES];
	struct sealed_key	*k;

	memset(s, 0, sizeof(*s));
	key("share key", 0, s->share_secret, s->share_key);
	key("ephemeral", ephemeral_number, s->ephemeral_secret, s->ephemeral);
	multiply(s->ephemeral_secret, s->share_key, agreed);
	memcpy(s->z, agreed + 1, 32);
	vector_seed("genesis", 0, s->context.genesis, 32);
	vector_seed("batch root", 0, s->context.batch_root, 32);
	s->context.custodian = 4;
	s->context.epoch = 0x01020304;
	vector_seed("descriptor", leaf, s->digest, 32);
	vector_seed("share", leaf, s->share, 32);
	s->leaf = leaf;
	k = from_z(s);
	vector_need(sealed_share_seal(k, leaf, s->digest, s->share, s->sealed, NULL) == RC_OK, "seal");
	sealed_key_free(k);
}

static void
put_u32(struct vector_out *v, const char *name, uint32_t value)
{
	uint8_t	be[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
	    (uint8_t)value };

	vector_hex(v, name, SPAN_OF(be));
}

/* The inner values, worked out here and not by the code under test. */
static void
put_inner(struct vector_out *v, const struct sealed *s)
{
	static const uint8_t	counter[4] = { 0, 0, 0, 1 };
	struct buf		info = BUF_INIT(SEALED_INFO_BYTES);
	uint8_t			aes[32], nonce[SEALED_NONCE_BYTES];

	sealed_info(&s->context, s->ephemeral, &info);
	sha256(aes, (const struct span[]){ SPAN_OF(s->z), SPAN_OF(counter), buf_view(&info) }, 3);
	sealed_nonce(s->leaf, nonce);
	vector_hex(v, "shared_info", buf_view(&info));
	vector_hex(v, "aes_key", SPAN_OF(aes));
	vector_hex(v, "gcm_nonce", SPAN_OF(nonce));
	buf_done(&info);
}

static void
put(const char *name, const char *expect, const char *comment, const struct sealed *s)
{
	struct vector_out	v = vector_open(out_dir, SPEC, name, expect, comment);

	vector_hex(&v, "share_secret", SPAN_OF(s->share_secret));
	vector_hex(&v, "share_key", SPAN_OF(s->share_key));
	if (strcmp(expect, "ok") == 0)
		vector_hex(&v, "ephemeral_secret", SPAN_OF(s->ephemeral_secret));
	vector_hex(&v, "ephemeral", SPAN_OF(s->ephemeral));
	vector_hex(&v, "z", SPAN_OF(s->z));
	vector_hex(&v, "genesis", SPAN_OF(s->context.genesis));
	vector_hex(&v, "batch_root", SPAN_OF(s->context.batch_root));
	vector_hex(&v, "custodian", SPAN(&s->context.custodian, 1));
	put_u32(&v, "epoch", s->context.epoch);
	put_u32(&v, "leaf", s->leaf);
	vector_hex(&v, "descriptor_digest", SPAN_OF(s->digest));
	if (strcmp(expect, "ok") == 0) {
		put_inner(&v, s);
		vector_hex(&v, "share", SPAN_OF(s->share));
	}
	vector_hex(&v, "sealed", SPAN_OF(s->sealed));
	vector_close(&v);
}

/* An ephemeral key whose agreed x-coordinate begins with a zero byte. */
static void
put_leading_zero(void)
{
	struct sealed	s;
	uint32_t	i = 1;

	do
		seal(&s, i++, 1);
	while (s.z[0] != 0);
	put("z_leading_zero", "ok", "the leading zero byte of Z is kept", &s);
}

static void
put_refused(const struct sealed *good)
{
	static const struct {
		const char	*name, *expect, *comment;
	} t[] = {
		{ "genesis_other", "verify", "sealed under another genesis" },
		{ "batch_root_other", "verify", "sealed in another batch" },
		{ "custodian_other", "verify", "sealed to another custodian" },
		{ "epoch_other", "verify", "sealed for another epoch" },
		{ "leaf_other", "verify", "the share of another leaf" },
		{ "descriptor_other", "verify", "sealed with another descriptor" },
		{ "ciphertext_changed", "verify", "one bit of the ciphertext" },
		{ "tag_changed", "verify", "one bit of the tag" },
		{ "custodian_zero", "format", "custodians count from 1" },
		{ "custodian_32", "format", "at most 31 custodians" },
		{ "epoch_zero", "format", "epochs count from 1" },
		{ "ephemeral_off_curve", "format", "one bit of y" },
		{ "ephemeral_hybrid", "format", "encoded as 06 or 07, not 04" },
		{ "ephemeral_infinity", "format", "the point at infinity, padded" },
	};
	struct sealed	s;
	size_t		i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		s = *good;
		switch (i) {
		case 0:  s.context.genesis[0] ^= 1; break;
		case 1:  s.context.batch_root[0] ^= 1; break;
		case 2:  s.context.custodian ^= 1; break;
		case 3:  s.context.epoch ^= 1; break;
		case 4:  s.leaf ^= 1; break;
		case 5:  s.digest[0] ^= 1; break;
		case 6:  s.sealed[0] ^= 1; break;
		case 7:  s.sealed[47] ^= 1; break;
		case 8:  s.context.custodian = 0; break;
		case 9:  s.context.custodian = 32; break;
		case 10: s.context.epoch = 0; break;
		case 11: s.ephemeral[64] ^= 1; break;
		case 12: s.ephemeral[0] = (uint8_t)(6 + (s.ephemeral[64] & 1)); break;
		default: memset(s.ephemeral, 0, sizeof(s.ephemeral)); break;
		}
		put(t[i].name, t[i].expect, t[i].comment, &s);
	}
}

int
main(int argc, char **argv)
{
	struct sealed	s;

	vector_need(argc == 2, "usage: sealed DIRECTORY");
	out_dir = argv[1];
	vector_need(secret_init(NULL) == RC_OK, "no locked memory");
	group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	vector_need(group != NULL, "no P-256");
	seal(&s, 0, 0x0a0b0c);
	put("good", "ok", "a share and all values on the way", &s);
	put_refused(&s);
	seal(&s, 0, 0);
	put("leaf_zero", "ok", "the first leaf of a batch", &s);
	put_leading_zero();
	EC_GROUP_free(group);
	return 0;
}
