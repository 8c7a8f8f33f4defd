/* hsm/object.c - objects in a token: find them, read what is public of them. */
#include "hsm/internal.h"

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdlib.h>
#include <string.h>

DEFINE_AUTO(X509_free, X509);

#define CERTIFICATE_MAX 16384

CK_RV
hsm_object_find(struct hsm_call *c, CK_ATTRIBUTE *want, CK_ULONG n, CK_OBJECT_HANDLE *ret)
{
	CK_OBJECT_HANDLE	o[2] = { 0, 0 };
	CK_ULONG		found = 0;
	CK_RV			rv, end;

	if ((rv = P11(c, C_FindObjectsInit, want, n)) != CKR_OK)
		return rv;
	rv = P11(c, C_FindObjects, o, 2, &found);
	end = c->f->C_FindObjectsFinal(c->session);
	if (rv != CKR_OK)
		return rv;
	if (end != CKR_OK) {
		c->at = "C_FindObjectsFinal";
		return end;
	}
	if (found != 1)
		return found == 0 ? RV_NOT_FOUND : RV_AMBIGUOUS;
	*ret = o[0];
	return CKR_OK;
}

CK_RV
hsm_object_bytes(struct hsm_call *c, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type, void *ret,
    size_t cap, size_t *ret_n)
{
	CK_ATTRIBUTE	a = { type, ret, cap };
	CK_RV		rv = P11(c, C_GetAttributeValue, o, &a, 1);

	if (rv != CKR_OK)
		return rv;
	if (a.ulValueLen == CK_UNAVAILABLE_INFORMATION || a.ulValueLen > cap)
		return RV_NONSENSE;
	*ret_n = a.ulValueLen;
	return CKR_OK;
}

/* Objects of a class, by label and id as far as given. */
static CK_RV
find_named(struct hsm_call *c, CK_OBJECT_CLASS class, const char *label, const uint8_t *id,
    size_t id_n, CK_OBJECT_HANDLE *ret)
{
	CK_ATTRIBUTE	want[3] = { { CKA_CLASS, &class, sizeof(class) } };
	CK_ULONG	n = 1;

	if (label[0] != '\0')
		want[n++] = (CK_ATTRIBUTE){ CKA_LABEL, (void *)(uintptr_t)label, strlen(label) };
	if (id_n > 0)
		want[n++] = (CK_ATTRIBUTE){ CKA_ID, (void *)(uintptr_t)id, id_n };
	return hsm_object_find(c, want, n, ret);
}

CK_RV
hsm_object_private(struct hsm_call *c, const char *label, const uint8_t *id, size_t id_n,
    CK_OBJECT_HANDLE *ret)
{
	return find_named(c, CKO_PRIVATE_KEY, label, id, id_n, ret);
}

/* ---- the public half ---- */

bool
hsm_point_parse(struct span in, size_t want, uint8_t *out)
{
	/* OCTET STRING: want is below 128, so one byte of length. */
	if (in.n == want + 2 && in.p[0] == 0x04 && in.p[1] == want)
		in = SPAN(in.p + 2, want);
	if (in.n != want)
		return false;
	memcpy(out, in.p, want);
	return true;
}

static bool
params_are(const uint8_t *p, size_t n, const char *want, size_t want_n)
{
	return n == want_n && memcmp(p, want, n) == 0;
}

/* The curve, from CKA_EC_PARAMS: an OID, or a name as PKCS#11 3.0 has it for Edwards curves. */
static CK_RV
curve_of(const uint8_t *p, size_t n, struct hsm_key *k)
{
	if (params_are(p, n, HSM_P256_OID, sizeof(HSM_P256_OID) - 1)) {
		k->kind = HSM_SIGN_P256;
		k->public_n = HSM_POINT_BYTES;
	} else if (params_are(p, n, "\x06\x03\x2b\x65\x70", 5) ||
	    params_are(p, n, "\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01", 11) ||
	    params_are(p, n, "\x13\x0c" "edwards25519", 14)) {
		k->kind = HSM_SIGN_ED25519;
		k->public_n = HSM_ED25519_BYTES;
	} else {
		return CKR_CURVE_NOT_SUPPORTED;
	}
	return CKR_OK;
}

static CK_RV
public_from_key(struct hsm_call *c, CK_OBJECT_HANDLE o, struct hsm_key *k)
{
	uint8_t	params[64], point[HSM_POINT_BYTES + 8];
	size_t	params_n = 0, point_n = 0;
	CK_RV	rv;

	if ((rv = hsm_object_bytes(c, o, CKA_EC_PARAMS, params, sizeof(params), &params_n)) != CKR_OK ||
	    (rv = curve_of(params, params_n, k)) != CKR_OK ||
	    (rv = hsm_object_bytes(c, o, CKA_EC_POINT, point, sizeof(point), &point_n)) != CKR_OK)
		return rv;
	return hsm_point_parse(SPAN(point, point_n), k->public_n, k->public) ? CKR_OK : RV_NONSENSE;
}

static CK_RV
public_from_der(const uint8_t *der, size_t n, struct hsm_key *k)
{
	AUTO(X509_free) X509 *x = d2i_X509(NULL, &der, (long)n);
	EVP_PKEY	*p;
	size_t		 got = 0;

	if (x == NULL || (p = X509_get0_pubkey(x)) == NULL)
		return RV_NONSENSE;
	if (EVP_PKEY_is_a(p, "ED25519")) {
		k->kind = HSM_SIGN_ED25519;
		got = k->public_n = HSM_ED25519_BYTES;
		return EVP_PKEY_get_raw_public_key(p, k->public, &got) == 1 ? CKR_OK : RV_NONSENSE;
	}
	k->kind = HSM_SIGN_P256;
	k->public_n = HSM_POINT_BYTES;
	/* The caller checks that these 65 bytes are a point of P-256. */
	if (!EVP_PKEY_is_a(p, "EC") || EVP_PKEY_get_octet_string_param(p, "encoded-pub-key", k->public,
	    HSM_POINT_BYTES, &got) != 1 || got != HSM_POINT_BYTES)
		return CKR_CURVE_NOT_SUPPORTED;
	return CKR_OK;
}

static CK_RV
public_from_certificate(struct hsm_call *c, CK_OBJECT_HANDLE o, struct hsm_key *k)
{
	uint8_t	*der = malloc(CERTIFICATE_MAX);
	size_t	 n = 0;
	CK_RV	 rv = der == NULL ? CKR_HOST_MEMORY :
	    hsm_object_bytes(c, o, CKA_VALUE, der, CERTIFICATE_MAX, &n);

	if (rv == CKR_OK)
		rv = public_from_der(der, n, k);
	free(der);
	return rv;
}

/*
 * Where a token keeps the public half: in a public key of the same id (or
 * label, when there is no id), in the private key itself, or, on many people's
 * cards, only in the certificate.
 */
CK_RV
hsm_object_public(struct hsm_call *c, struct hsm_key *k)
{
	const char		*label = k->id_n > 0 ? "" : k->label;
	CK_OBJECT_HANDLE	 o;
	CK_RV			 rv;

	if (find_named(c, CKO_PUBLIC_KEY, label, k->id, k->id_n, &o) == CKR_OK)
		rv = public_from_key(c, o, k);
	else if (public_from_key(c, k->handle, k) == CKR_OK)
		rv = CKR_OK;
	else if ((rv = find_named(c, CKO_CERTIFICATE, label, k->id, k->id_n, &o)) == CKR_OK)
		rv = public_from_certificate(c, o, k);
	c->spoilt = true;	/* some of this may have failed on the way */
	if (rv == CKR_OK && k->kind != HSM_SIGN_ED25519 && sealed_point_check(k->public, NULL) != RC_OK)
		rv = RV_NONSENSE;
	return rv;
}
