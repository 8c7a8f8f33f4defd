/*
 * tests/system/card.c - puts a key into a token, as whoever issues smart cards would.
 *
 *	card URI KEY.pem LABEL ID	ID: two hex digits
 */
#include <openssl/pem.h>

#include <stdio.h>
#include <stdlib.h>

#include "edge/edge.h"
#include "tests/unit/hsm/import.c"

int
main(int argc, char **argv)
{
	struct err	 err;
	struct hsm_uri	 uri;
	struct hsm	*h = NULL;
	EVP_PKEY	*key = NULL;
	FILE		*f = argc == 5 ? fopen(argv[2], "r") : NULL;
	enum rc		 rc = secret_init(&err);

	if (f == NULL || (key = PEM_read_PrivateKey(f, NULL, NULL, NULL)) == NULL)
		return 64;
	fclose(f);
	if (rc == RC_OK && (rc = keyfile_token(argv[1], NULL, NULL, &uri, &h, &err)) == RC_OK)
		rc = import_key(h, key, argv[3], (uint8_t)strtoul(argv[4], NULL, 16), true, &err);
	if (rc != RC_OK)
		fprintf(stderr, "card: %s\n", err.msg);
	EVP_PKEY_free(key);
	hsm_close(h);
	return rc == RC_OK ? 0 : 1;
}
