/* policy/witness.c - whose cosignatures count. */
#include <stdio.h>
#include <string.h>

#include "policy/witness.h"

static enum rc
note_key_of(const struct key *k, const char *name, uint8_t alg,
    struct note_key *ret, struct err *err)
{
	if (k->alg != KEY_ED25519 || strlen(name) > NOTE_NAME_MAX)
		return err_set(err, RC_FORMAT, "%s: needs an Ed25519 key and a short name", name);
	memset(ret, 0, sizeof(*ret));
	(void)snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->alg = alg;
	memcpy(ret->key, k->bytes, NOTE_KEY_BYTES);
	return RC_OK;
}

enum rc
charter_log_note_key(const struct charter *c, struct note_key *ret, struct err *err)
{
	return note_key_of(&c->coordinator.log_key, c->origin, NOTE_ED25519, ret, err);
}

enum rc
charter_witness_note_key(const struct charter *c, uint8_t index,
    struct note_key *ret, struct err *err)
{
	char	name[NAME_MAX_BYTES + 32];

	if (index < 1 || index > c->n)
		return err_set(err, RC_BUG, "no custodian %u", index);
	(void)snprintf(name, sizeof(name), "%s/custodian-%u", c->origin, index);
	return note_key_of(&c->custodian[index - 1].signing_key, name,
	    NOTE_COSIGNATURE_V1, ret, err);
}

enum rc
charter_checkpoint_verify(const struct charter *c, struct span note, bool need_q,
    struct checkpoint *ret, struct note_cosigned *ret_cosigned, struct err *err)
{
	struct note_key		log, witness[CUSTODIANS_MAX];
	struct note_cosigned	cosigned;
	struct checkpoint	cp;
	unsigned		have;
	uint8_t			i;

	TRY(charter_log_note_key(c, &log, err));
	for (i = 0; i < c->n; i++)
		TRY(charter_witness_note_key(c, (uint8_t)(i + 1), &witness[i], err));
	TRY(checkpoint_verify(note, &log, witness, c->n, &cp, &cosigned, err));
	have = (unsigned)__builtin_popcount(cosigned.mask);
	if (need_q && have < c->q)
		return err_set(err, RC_QUORUM,
		    "checkpoint %llu has %u cosignatures, the charter asks for %u",
		    (unsigned long long)cp.size, have, c->q);
	*ret = cp;
	if (ret_cosigned != NULL)
		*ret_cosigned = cosigned;
	return RC_OK;
}
