/*
 * edge/edge.h - what the three programs share at their edge: the clock, exit codes,
 * one log line, options, TLS identities, the token of a daemon.
 */
#ifndef EDGE_EDGE_H
#define EDGE_EDGE_H

#include <openssl/types.h>

#include "base/json.h"
#include "hsm/hsm.h"
#include "policy/witness.h"

/* Exit codes of every program (docs/spec/exit-codes.md). */
enum exit_code {
	EXIT_YES = 0,
	EXIT_NO = 1,		/* refused, invalid, not found */
	EXIT_UNSURE = 2,	/* could not tell: too few custodians, nobody answered */
	EXIT_USAGE = 64,
	EXIT_IO = 74,
};
int	 exit_code(enum rc rc);
/*
 * How a program ends that used proto/rpc.h: what it wrote is flushed, and nothing else runs.
 * The library's threads may still be in TLS when main() returns, and would fall over
 * what libcrypto frees at exit: a right answer with the exit code of a crash.
 */
_Noreturn void process_end(int code);

when	 clock_now(void);			/* CLOCK_REALTIME, seconds */
uint64_t clock_ms(void);			/* CLOCK_MONOTONIC, milliseconds */

/* One line to stderr: "2026-11-22T10:00:00Z custodiand[legal]: words". Thread-safe. */
void	 log_name(const char *program, const char *instance);
void	 log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void	 log_err(const struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * For lines that somebody else can cause: true for the first max in ms of them. After
 * that a line says how many were left out. All zeros at first; under the caller's lock.
 */
struct log_quota { uint64_t since; unsigned n; };
bool	 log_may(struct log_quota *q, unsigned max, uint64_t ms, uint64_t now_ms);

/*
 * In place: what would steer a terminal, hide itself or turn letters round, and
 * what is no UTF-8, becomes "?", each byte of it. lines: line ends and tabs stay.
 * For every word that somebody else chose before it is shown.
 */
void	 text_clean(uint8_t *p, size_t n, bool lines);
char	*text_clean_str(char *s);		/* returns s */

/* A self-signed EC P-256 certificate and key, 10 years: TLS identities. The name is cut to fit. */
MUST_USE enum rc tls_identity_new(const char *common_name, struct buf *cert_pem, struct secret **ret_key_pem, struct err *err);
MUST_USE enum rc pem_to_der(struct span pem, struct buf *der, struct err *err);	/* one certificate */
MUST_USE enum rc der_to_pem(struct span der, struct buf *pem, struct err *err);

/*
 * The "token" member of a daemon's config file: {"module","module_args"(opt),"uri","pin_file",
 * "places"(opt: [PATH...], files that the module uses; folders are written to),
 * "accept_extractable"(opt bool)}. Opens it with a pin guard in `dir`, after the last fork.
 */
#define TOKEN_PLACES_MAX	8
struct token_config {
	char	module[1024];
	char	module_args[512], pin_file[1024], uri[512];
	char	place[TOKEN_PLACES_MAX][1024];
	size_t	n_places;
	bool	accept_extractable;
};
MUST_USE enum rc token_config_parse(const json_t *v, struct token_config *ret, struct err *err);
/*
 * From a daemon's command line: uri or the token's label (one of them NULL), args may be NULL.
 * The label is escaped, files become absolute: the config outlives this working folder.
 */
MUST_USE enum rc token_config_options(const char *module, const char *args, const char *label,
    const char *uri, const char *pin_file, struct token_config *ret, struct err *err);
MUST_USE enum rc token_config_places(struct token_config *c, const char *const *place, size_t n, struct err *err);
json_t	*token_config_json(const struct token_config *c);	/* new reference, NULL: no memory */
MUST_USE enum rc token_open(const struct token_config *c, const char *dir, struct hsm **ret, struct err *err);

/* A software signer from a PKCS#8 PEM file (Ed25519 or EC P-256) held in secret memory, or a PKCS#11 URI. */
struct keyfile;
typedef enum rc (*pin_prompt)(void *user, const char *what, struct secret **ret, struct err *err);
MUST_USE enum rc keyfile_open(const char *path_or_uri, pin_prompt prompt, void *user, struct keyfile **ret, struct err *err);
/* The token of a PKCS#11 URI alone, with its PIN from where the URI says or from the prompt. */
MUST_USE enum rc keyfile_token(const char *uri_text, pin_prompt prompt, void *user, struct hsm_uri *ret_uri,
    struct hsm **ret, struct err *err);
void	 keyfile_free(struct keyfile *k);
const struct signer *keyfile_signer(const struct keyfile *k);
DEFINE_AUTO(keyfile_free, struct keyfile);
/* A new Ed25519 key: path (PKCS#8 PEM, 0600) and path.pub ("ed25519:..."). Never overwrites. */
MUST_USE enum rc keyfile_generate(const char *path, struct key *ret_public, struct err *err);

/* A signer over an HSM Ed25519 key, valid as long as s. */
struct signer hsm_as_signer(struct hsm_signer *s);

/* What every daemon does before it serves: no core dumps, no ptrace, no new privileges. */
MUST_USE enum rc harden(struct err *err);
/*
 * And first of all: away with what whoever started it left open, but for standard input,
 * output and error. Before any library may have opened something.
 */
MUST_USE enum rc close_inherited(struct err *err);

#endif
