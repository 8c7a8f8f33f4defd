/*
 * The frame of a message: cms-profile-v1 section 2. libcrypto looks at none of
 * the version numbers, takes short tags and passes over attributes, so that the
 * same plaintext would open from many messages. Only what libcrypto lets pass is
 * looked for here: that nothing is left over elsewhere, its parser sees.
 */
#include <string.h>

#include "base/wire.h"
#include "evidence/cms_parts.h"

#define SEQUENCE	0x30
#define SET		0x31
#define OCTETS		0x04
#define CONTEXT_0	0x80		/* [0] IMPLICIT, primitive */
#define CONTEXT_0_OF	0xa0		/* [0], constructed */
#define CONTEXT_1_OF	0xa1

static const uint8_t	auth_enveloped[] = {
	0x06, 0x0b, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17 };
static const uint8_t	data[] = {
	0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01 };
static const uint8_t	aes_256_gcm[] = {
	0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2e };
static const uint8_t	tag_of_16[] = { 0x02, 0x01, 0x10 };
static const uint8_t	version_0[] = { 0x02, 0x01, 0x00 };
static const uint8_t	version_2[] = { 0x02, 0x01, 0x02 };
static const uint8_t	version_3[] = { 0x02, 0x01, 0x03 };

/* A length; whether it is the shortest form is for who writes it again. */
static bool
rd_length(struct rd *r, size_t *ret)
{
	uint8_t	first, next;
	size_t	n = 0;

	if (!rd_u8(r, &first))
		return false;
	if (first < 0x80) {
		*ret = first;
		return true;
	}
	if (first > 0x84)
		return false;
	for (int i = first - 0x80; i > 0; i--) {
		if (!rd_u8(r, &next))
			return false;
		n = n << 8 | next;
	}
	*ret = n;
	return true;
}

/* One element with this tag; `inner` reads what is in it. */
static bool
rd_element(struct rd *r, uint8_t tag, struct rd *inner)
{
	struct span	in;
	size_t		n;

	if (!rd_expect(r, &tag, 1) || !rd_length(r, &n) || !rd_take(r, n, &in))
		return false;
	*inner = rd_init(in);
	return true;
}

/* The version of a recipient follows from how it is named. */
static bool
is_recipient(struct rd *set)
{
	struct rd	ri = { .at = 0 };
	uint8_t		tag = set->at < set->in.n ? set->in.p[set->at] : 0;

	if (tag == CONTEXT_1_OF)
		return rd_element(set, CONTEXT_1_OF, &ri) && rd_expect(&ri, version_3, sizeof(version_3));
	if (!rd_element(set, SEQUENCE, &ri) || ri.in.n <= sizeof(version_0))
		return false;
	return ri.in.p[sizeof(version_0)] == CONTEXT_0 ?
	    rd_expect(&ri, version_2, sizeof(version_2)) : rd_expect(&ri, version_0, sizeof(version_0));
}

static bool
is_content(struct rd *content)
{
	struct rd	alg, params, nonce, ciphertext;

	return rd_expect(content, data, sizeof(data)) &&
	    rd_element(content, SEQUENCE, &alg) &&
	    rd_expect(&alg, aes_256_gcm, sizeof(aes_256_gcm)) &&
	    rd_element(&alg, SEQUENCE, &params) &&
	    rd_element(&params, OCTETS, &nonce) && nonce.in.n == 12 &&
	    rd_expect(&params, tag_of_16, sizeof(tag_of_16)) && rd_done(&params) &&
	    rd_element(content, CONTEXT_0, &ciphertext);
}

enum rc
cms_shape(struct span der, struct err *err)
{
	struct rd	r = rd_init(der), info, explicit, body, recipients, content, tag;

	if (!rd_element(&r, SEQUENCE, &info) ||
	    !rd_expect(&info, auth_enveloped, sizeof(auth_enveloped)) ||
	    !rd_element(&info, CONTEXT_0_OF, &explicit) ||
	    !rd_element(&explicit, SEQUENCE, &body) ||
	    !rd_expect(&body, version_0, sizeof(version_0)))
		return err_set(err, RC_FORMAT, "cms: not AuthEnvelopedData");
	if (!rd_element(&body, SET, &recipients) ||
	    !is_recipient(&recipients) || !rd_done(&recipients))
		return err_set(err, RC_FORMAT, "cms: not exactly one recipient");
	if (!rd_element(&body, SEQUENCE, &content) || !is_content(&content))
		return err_set(err, RC_FORMAT, "cms: not AES-256-GCM with a 16-byte tag");
	if (!rd_element(&body, OCTETS, &tag) || tag.in.n != 16)
		return err_set(err, RC_FORMAT, "cms: not a 16-byte tag");
	if (!rd_done(&body))
		return err_set(err, RC_FORMAT, "cms: attributes that the tag does not cover");
	return RC_OK;
}
