/*
 * cli/package.h - what `verify`, `open` and `package renew` share: the file, and what its reader trusts.
 */
#ifndef CLI_PACKAGE_H
#define CLI_PACKAGE_H

#include "evidence/verify.h"

struct opened_file { int fd; uint64_t size; };
#define OPENED_FILE_INIT	((struct opened_file){ -1, 0 })

/* A regular file, for package_read_at(). opened_file_done() always. */
MUST_USE enum rc package_file(const char *path, struct opened_file *ret, struct err *err);
MUST_USE enum rc package_read_at(void *opened_file, uint64_t at, uint8_t *out, size_t n, struct err *err);
/* Which file it was: SHA-256 over all of it, as any tool computes it. */
MUST_USE enum rc package_file_digest(struct opened_file *f, uint8_t ret[SHA256_BYTES], struct err *err);
void	 opened_file_done(struct opened_file *f);

/* spans of trust.root into der; trusted_done() always. */
struct trusted {
	struct package_trust	trust;		/* trust.genesis NULL: no charter was given */
	uint8_t			genesis[SHA256_BYTES];
	struct span		root[TRUST_ROOTS_MAX];
	struct buf		der[TRUST_ROOTS_MAX];
};
#define TRUSTED_INIT	((struct trusted){ .trust = { .genesis = NULL } })
/*
 * charter  the file of --charter, or NULL: then QUORATE_CHARTER, unless `trust` has a genesis.
 * trust    the file of --trust (quorate(1)), or NULL: {"genesis": HEX | "charter": FILE,
 *          "tsa_roots": [FILE...]}, each optional. Files are beside it, PEM or DER, one
 *          certificate each; "base64:..." stands for a file that holds that.
 * ret must not move afterwards. RC_USAGE: what to mend.
 */
MUST_USE enum rc trusted_read(const char *charter, const char *trust, struct trusted *ret, struct err *err);
void	 trusted_done(struct trusted *t);
#define TRUST_ROW(to)	{ "trust", OPTION_TEXT, to, "FILE", "what you trust: a genesis, roots of time-stamping authorities" }

enum rc	 package_report_print(const struct package_report *report, bool json, struct err *err);

#endif
