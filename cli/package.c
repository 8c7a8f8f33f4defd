/* cli/package.c - an evidence package as a file, and what its reader trusts. */
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/package.h"
#include "cli/remote.h"

#define REPORT_MAX	(256 << 10)

void
opened_file_done(struct opened_file *f)
{
	if (f->fd >= 0)
		(void)close(f->fd);
}

enum rc
package_file(const char *path, struct opened_file *ret, struct err *err)
{
	struct stat	st;

	if ((ret->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) < 0)
		return err_set(err, errno == ENOENT ? RC_USAGE : RC_IO, "%s: %s", path, strerror(errno));
	if (fstat(ret->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, RC_USAGE, "%s: not a regular file", path);
	ret->size = (uint64_t)st.st_size;
	return RC_OK;
}

enum rc
package_read_at(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const struct opened_file	*f = user;
	ssize_t				 done;

	if (at > f->size || n > f->size - at)
		return err_set(err, RC_FORMAT, "the file ends too early");
	while (n > 0) {
		done = pread(f->fd, out, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_set(err, RC_IO, "cannot read the package: %s",
			    done == 0 ? "it shrank" : strerror(errno));
		out += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return RC_OK;
}

/* --charter, else QUORATE_CHARTER, else nothing. */
enum rc
trusted_read(const char *charter, struct trusted *ret, struct err *err)
{
	AUTO(charter_free) struct charter *c = NULL;

	memset(ret, 0, sizeof(*ret));
	ret->trust.now = clock_now();
	if (charter == NULL && getenv("QUORATE_CHARTER") == NULL)
		return RC_OK;
	TRY(local_genesis(charter, &c, err));
	memcpy(ret->genesis, c->digest, SHA256_BYTES);
	ret->trust.genesis = ret->genesis;
	return RC_OK;
}

enum rc
package_report_print(const struct package_report *report, bool json, struct err *err)
{
	AUTO_DONE(buf_done) struct buf out = BUF_INIT(REPORT_MAX);

	if (json)
		TRY(package_report_json(report, &out, err));
	else
		package_report_text(report, &out);
	TRY(buf_check(&out, "report", err));
	if (json)
		cli_answered = true;
	else
		text_clean(out.p, out.n, true);		/* the package's own words among them */
	(void)fwrite(out.p, 1, out.n, stdout);
	return RC_OK;
}
