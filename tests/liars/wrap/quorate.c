/*
 * tests/liars/wrap/quorate.c - a quorate that lies: the real one, linked with three of its
 * functions in the way (-Wl,--wrap). To the custodian whose index stands in LIE_TO it seals
 * a share of nothing; with LIE_NOTE it acknowledges opening notes that nobody signed. Without
 * these it is honest.
 */
#include <stdlib.h>
#include <string.h>

#include "evidence/opening.h"
#include "shamir/sealed.h"

enum rc	 __real_sealed_key_encapsulate(const struct sealed_context *c, const uint8_t *share_key,
	    uint8_t *ret_ephemeral, struct sealed_key **ret, struct err *err);
enum rc	 __wrap_sealed_key_encapsulate(const struct sealed_context *c, const uint8_t *share_key,
	    uint8_t *ret_ephemeral, struct sealed_key **ret, struct err *err);
enum rc	 __real_sealed_share_seal(struct sealed_key *k, uint32_t leaf, const uint8_t *descriptor_digest,
	    const uint8_t *share, uint8_t *ret, struct err *err);
enum rc	 __wrap_sealed_share_seal(struct sealed_key *k, uint32_t leaf, const uint8_t *descriptor_digest,
	    const uint8_t *share, uint8_t *ret, struct err *err);
enum rc	 __real_opening_verify_own(struct span der, struct opening *ret, uint8_t *ret_certificate, struct err *err);
enum rc	 __wrap_opening_verify_own(struct span der, struct opening *ret, uint8_t *ret_certificate, struct err *err);

static unsigned	custodian;		/* that is sealed to now */

enum rc
__wrap_sealed_key_encapsulate(const struct sealed_context *c, const uint8_t *share_key,
    uint8_t *ret_ephemeral, struct sealed_key **ret, struct err *err)
{
	custodian = c->custodian;
	return __real_sealed_key_encapsulate(c, share_key, ret_ephemeral, ret, err);
}

enum rc
__wrap_sealed_share_seal(struct sealed_key *k, uint32_t leaf, const uint8_t *descriptor_digest,
    const uint8_t *share, uint8_t *ret, struct err *err)
{
	static const uint8_t	nothing[32] = { 42 };
	const char		*to = getenv("LIE_TO");

	if (to != NULL && strtoul(to, NULL, 10) == custodian)
		share = nothing;
	return __real_sealed_share_seal(k, leaf, descriptor_digest, share, ret, err);
}

enum rc
__wrap_opening_verify_own(struct span der, struct opening *ret, uint8_t *ret_certificate, struct err *err)
{
	if (getenv("LIE_NOTE") != NULL)
		return opening_parse(der, ret, ret_certificate, err);
	return __real_opening_verify_own(der, ret, ret_certificate, err);
}
