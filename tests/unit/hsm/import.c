#include <openssl/bn.h>
#include <openssl/core_names.h>

#include <string.h>

#include "hsm/internal.h"
#include "tests/unit/hsm/import.h"

#define NUMBER_MAX	1024
#define LIST_MAX	24

struct object {				/* in the making */
	CK_ATTRIBUTE	a[LIST_MAX];
	CK_ULONG	n;
	uint8_t		number[8][NUMBER_MAX];
	size_t		n_numbers;
};

static CK_BBOOL	yes = CK_TRUE, no = CK_FALSE;

static void
put(struct object *o, CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	o->a[o->n++] = (CK_ATTRIBUTE){ type, (void *)(uintptr_t)p, n };
}

static void
put_number(struct object *o, CK_ATTRIBUTE_TYPE type, EVP_PKEY *key, const char *name)
{
	uint8_t	*to = o->number[o->n_numbers++];
	BIGNUM	*v = NULL;

	if (EVP_PKEY_get_bn_param(key, name, &v) == 1)
		put(o, type, to, (size_t)BN_bn2bin(v, to));
	BN_clear_free(v);
}

static CK_RV
op_create(struct hsm_call *c, void *arg)
{
	struct object		*o = arg;
	CK_OBJECT_HANDLE	 h;

	return P11(c, C_CreateObject, o->a, o->n, &h);
}

static void
put_ec(struct object *o, EVP_PKEY *key)
{
	static const char	oid256[] = HSM_P256_OID, oid384[] = "\x06\x05\x2b\x81\x04\x00\x22";
	static CK_KEY_TYPE	type = CKK_EC;

	put(o, CKA_KEY_TYPE, &type, sizeof(type));
	if (EVP_PKEY_get_bits(key) == 256)
		put(o, CKA_EC_PARAMS, oid256, sizeof(oid256) - 1);
	else
		put(o, CKA_EC_PARAMS, oid384, sizeof(oid384) - 1);
	put_number(o, CKA_VALUE, key, OSSL_PKEY_PARAM_PRIV_KEY);
}

static void
put_rsa(struct object *o, EVP_PKEY *key)
{
	static CK_KEY_TYPE	type = CKK_RSA;

	put(o, CKA_KEY_TYPE, &type, sizeof(type));
	put_number(o, CKA_MODULUS, key, OSSL_PKEY_PARAM_RSA_N);
	put_number(o, CKA_PUBLIC_EXPONENT, key, OSSL_PKEY_PARAM_RSA_E);
	put_number(o, CKA_PRIVATE_EXPONENT, key, OSSL_PKEY_PARAM_RSA_D);
	put_number(o, CKA_PRIME_1, key, OSSL_PKEY_PARAM_RSA_FACTOR1);
	put_number(o, CKA_PRIME_2, key, OSSL_PKEY_PARAM_RSA_FACTOR2);
	put_number(o, CKA_EXPONENT_1, key, OSSL_PKEY_PARAM_RSA_EXPONENT1);
	put_number(o, CKA_EXPONENT_2, key, OSSL_PKEY_PARAM_RSA_EXPONENT2);
	put_number(o, CKA_COEFFICIENT, key, OSSL_PKEY_PARAM_RSA_COEFFICIENT1);
}

enum rc
import_key(struct hsm *h, EVP_PKEY *key, const char *label, uint8_t id, bool may_open, struct err *err)
{
	static CK_OBJECT_CLASS	class = CKO_PRIVATE_KEY;
	struct object		o = { .n = 0 };

	put(&o, CKA_CLASS, &class, sizeof(class));
	put(&o, CKA_TOKEN, &yes, 1);
	put(&o, CKA_PRIVATE, &yes, 1);
	put(&o, CKA_SENSITIVE, &yes, 1);
	put(&o, CKA_EXTRACTABLE, &no, 1);
	put(&o, CKA_SIGN, &yes, 1);
	put(&o, CKA_DERIVE, may_open ? &yes : &no, 1);
	put(&o, CKA_DECRYPT, may_open ? &yes : &no, 1);
	put(&o, CKA_LABEL, label, strlen(label));
	put(&o, CKA_ID, &id, 1);
	if (EVP_PKEY_is_a(key, "RSA"))
		put_rsa(&o, key);
	else
		put_ec(&o, key);
	return hsm_run(h, NULL, op_create, &o, NULL, err);
}

enum rc
import_certificate(struct hsm *h, struct span der, uint8_t id, struct err *err)
{
	static CK_OBJECT_CLASS		class = CKO_CERTIFICATE;
	static CK_CERTIFICATE_TYPE	type = CKC_X_509;
	struct object			o = { .n = 0 };

	put(&o, CKA_CLASS, &class, sizeof(class));
	put(&o, CKA_CERTIFICATE_TYPE, &type, sizeof(type));
	put(&o, CKA_TOKEN, &yes, 1);
	put(&o, CKA_SUBJECT, "\x30\x00", 2);
	put(&o, CKA_LABEL, "a certificate", 13);
	put(&o, CKA_ID, &id, 1);
	put(&o, CKA_VALUE, der.p, der.n);
	return hsm_run(h, NULL, op_create, &o, NULL, err);
}
