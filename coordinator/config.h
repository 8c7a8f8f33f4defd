/*
 * coordinator/config.h - coordinator.json, and the names of what stands in DIR.
 *
 *	coordinator.json	{"organisation","origin","address","token":{...}}, and where the log
 *				is served to all: "tiles", over TLS with "tiles_cert" and "tiles_key"
 *	tls.crt tls.key		its TLS identity, pinned by the charter
 *	package.crt		the certificate that signs packages, DER
 *	log-key.sealed		only where the token lacks Ed25519
 *	enrolment.json		public: what `quorate charter add` reads
 *	charter.json charter.json.dsse genesis	after enroll
 *	log.db			the log, the state, the journals
 *	uploads/ envelopes/ blobs/ packages/ lock
 */
#ifndef COORDINATOR_CONFIG_H
#define COORDINATOR_CONFIG_H

#include "edge/edge.h"
#include "edge/file.h"

#define LABEL_LOG	"quorate log"
#define LABEL_PACKAGE	"quorate package"
#define LABEL_SEALER	"quorate log sealer"

struct config {
	char	organisation[NAME_MAX_BYTES + 1];
	char	origin[NAME_MAX_BYTES + 1];
	char	address[NAME_MAX_BYTES + 1];
	struct token_config token;
	/* The tile server's HOST:PORT; its certificate and key, PEM files. "": none. */
	char	tiles[NAME_MAX_BYTES + 1];
	char	tiles_cert[FILE_PATH_MAX], tiles_key[FILE_PATH_MAX];
};

/* RC_MISSING: not initialised; RC_FORMAT names the member. */
MUST_USE enum rc config_read(const char *dir, struct config *ret, struct err *err);
MUST_USE enum rc config_write(const char *dir, const struct config *c, struct err *err);
/* RC_USAGE: a name, origin or address that no charter could hold. */
MUST_USE enum rc config_check(const struct config *c, struct err *err);

#endif
