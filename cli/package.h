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
void	 opened_file_done(struct opened_file *f);

struct trusted {
	struct package_trust	trust;		/* trust.genesis NULL: no charter was given */
	uint8_t			genesis[SHA256_BYTES];
};
/* charter: the file of --charter, or NULL: then QUORATE_CHARTER. ret must not move afterwards. */
MUST_USE enum rc trusted_read(const char *charter, struct trusted *ret, struct err *err);

enum rc	 package_report_print(const struct package_report *report, bool json, struct err *err);

#endif
