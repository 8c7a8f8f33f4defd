/*
 * cli/recipient.h - the private key that a package is addressed to: a PEM file, or a key in a token.
 */
#ifndef CLI_RECIPIENT_H
#define CLI_RECIPIENT_H

#include <openssl/evp.h>

#include "hsm/hsm.h"

struct recipient_key {
	EVP_PKEY		*pkey;		/* for as long as the rest is there */
	struct hsm_uri		 uri;
	struct hsm		*hsm;		/* NULL: from a file */
	struct hsm_recipient	*card;
	EVP_PKEY		*file;
};

/* Asks for passphrase or PIN. recipient_key_done() always. */
MUST_USE enum rc recipient_key_open(const char *path_or_uri, struct recipient_key *ret, struct err *err);
/* The key of this certificate (DER), in the token. Not for a key of a file, which is there already. */
MUST_USE enum rc recipient_key_find(struct recipient_key *k, struct span certificate, struct err *err);
void	 recipient_key_done(struct recipient_key *k);

#endif
