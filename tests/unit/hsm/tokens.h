/*
 * tests/unit/hsm/tokens.h - real tokens for the tests: SoftHSM2 and NSS softokn.
 *
 * Each program has one folder, made by tokens_up() and removed by
 * tokens_down(). Where a module is absent a line "skipped: ..." is printed.
 */
#ifndef TESTS_UNIT_HSM_TOKENS_H
#define TESTS_UNIT_HSM_TOKENS_H

#include <p11-kit/pkcs11.h>

#include "hsm/hsm.h"

#define TOKEN_PIN	"corr3ct"

struct tokens {
	char	dir[64];
	char	pin_file[96];		/* TOKEN_PIN, 0600 */
	char	wrong_pin_file[96];
	char	guard[96];		/* not there yet */
	char	nss_args[256];
};

/* The folder, PIN files, SOFTHSM2_CONF, locked memory. Aborts when it cannot. */
void	 tokens_up(struct tokens *t);
void	 tokens_down(const struct tokens *t);
void	 write_file(const char *path, const char *text, unsigned mode);

/* The module's path, or NULL and a line. */
const char	*softhsm_module(void);
const char	*nss_module(void);
/* A new SoftHSM token of this label, or the NSS database's one; false and a line. */
bool	 softhsm_token(const char *label);
bool	 nss_token(const struct tokens *t);

/* Opens by label with the right PIN. */
struct hsm	*softhsm_open(const struct tokens *t, const char *label, enum hsm_path path);
struct hsm	*nss_open(const struct tokens *t, enum hsm_path path);
struct hsm_uri	 uri_of(const char *token, const char *object);

/* The module's own functions, to do what hsm/ never would. */
CK_FUNCTION_LIST	*raw_functions(const char *module);
CK_SLOT_ID		 raw_slot(CK_FUNCTION_LIST *f, const char *label);

/* Fails the test with the words. */
void	 must(enum rc rc, const struct err *err);

#endif
