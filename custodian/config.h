/*
 * custodian/config.h - the state folder of a custodian, and the commands of custodiand.
 */
#ifndef CUSTODIAN_CONFIG_H
#define CUSTODIAN_CONFIG_H

#include "edge/edge.h"
#include "edge/file.h"

#define SIGNING_LABEL	"quorate signing"

struct custodian_config {
	char			dir[FILE_PATH_MAX];
	char			name[NAME_MAX_BYTES + 1], organisation[NAME_MAX_BYTES + 1];
	char			listen[NAME_MAX_BYTES + 1];
	struct token_config	token;
};

MUST_USE enum rc config_read(const char *dir, struct custodian_config *ret, struct err *err);
MUST_USE enum rc config_write(const struct custodian_config *c, struct err *err);
/* DIR/genesis. RC_MISSING: not enrolled yet; the message says what to do. */
MUST_USE enum rc config_genesis(const char *dir, uint8_t ret[SHA256_BYTES], struct err *err);
/* DIR/charter.json, whose digest must be the genesis. */
MUST_USE enum rc config_charter(const char *dir, struct charter **ret, struct err *err);
/* The newest share key in a token. RC_MISSING: none. */
MUST_USE enum rc config_share_key(struct hsm *hsm, struct hsm_key **ret, struct err *err);
/* The token, its newest share key and the signing key of this folder. */
MUST_USE enum rc config_keys(const struct custodian_config *c, struct hsm **ret_hsm,
    struct hsm_key **ret_share, struct hsm_signer **ret_signer, struct err *err);

MUST_USE enum rc custodian_init(int argc, char **argv, struct err *err);
MUST_USE enum rc custodian_enroll(int argc, char **argv, struct err *err);
MUST_USE enum rc custodian_agree(int argc, char **argv, struct err *err);
MUST_USE enum rc custodian_export(int argc, char **argv, struct err *err);
MUST_USE enum rc custodian_restore(int argc, char **argv, struct err *err);
MUST_USE enum rc custodian_run(int argc, char **argv, struct err *err);

#endif
