/* cli/package.c - an evidence package as a file, and the report about it. */
#include <sys/stat.h>

#include <openssl/evp.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/package.h"

#define REPORT_MAX	(256 << 10)
#define READ_BYTES	((size_t)1 << 20)

DEFINE_AUTO(EVP_MD_CTX_free, EVP_MD_CTX);

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

enum rc
package_file_digest(struct opened_file *f, uint8_t ret[SHA256_BYTES], struct err *err)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(READ_BYTES);
	uint8_t		*p = buf_extend(&b, READ_BYTES);
	uint64_t	 at;
	size_t		 n;

	if (ctx == NULL || p == NULL || EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) != 1)
		return err_set(err, RC_NOMEM, "no memory");
	for (at = 0; at < f->size; at += n) {
		n = f->size - at < READ_BYTES ? (size_t)(f->size - at) : READ_BYTES;
		TRY(package_read_at(f, at, p, n, err));
		if (EVP_DigestUpdate(ctx, p, n) != 1)
			return err_set(err, RC_NOMEM, "no memory");
	}
	return EVP_DigestFinal_ex(ctx, ret, NULL) == 1 ? RC_OK : err_set(err, RC_NOMEM, "no memory");
}

/* On a terminal, unless its owner wants none (https://no-color.org). */
static bool
in_colour(void)
{
	const char	*no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && (no == NULL || no[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

enum rc
package_report_print(const struct package_report *report, bool json, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	out = BUF_INIT(REPORT_MAX);
	struct package_report		clean = *report;

	/* The package's own words are among them: colours come after. */
	for (size_t i = 0; i < CLAIMS; i++)
		(void)text_clean_str(clean.claim[i].words);
	if (json)
		TRY(package_report_json(report, &out, err));
	else
		package_report_text(&clean, in_colour(), &out);
	TRY(buf_check(&out, "report", err));
	if (json)
		cli_answered = true;
	(void)fwrite(out.p, 1, out.n, stdout);
	return RC_OK;
}
