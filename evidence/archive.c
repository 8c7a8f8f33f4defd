#include "evidence/archive.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void
name_archive_manifest(uint32_t number, package_name ret)
{
	if (snprintf(ret, ZIP_NAME_MAX + 1, NAME_ARCHIVES "%03" PRIu32 ".xml", number) < 0)
		ret[0] = '\0';
}

void
name_archive_token(uint32_t number, package_name ret)
{
	if (snprintf(ret, ZIP_NAME_MAX + 1, "META-INF/timestamp%03" PRIu32 ".tst", number) < 0)
		ret[0] = '\0';
}

enum rc
archive_manifest(const struct package_files *f, uint32_t n, uint32_t number, struct buf *out, struct err *err)
{
	package_name	token, before;

	if (number < 1 || number > ARCHIVES_MAX)
		return err_set(err, RC_LIMIT, "package: it has %d archive time-stamps, and cannot have more",
		    ARCHIVES_MAX);
	if (n > f->n)
		return err_set(err, RC_BUG, "package: an archive time-stamp over more files than there are");
	name_archive_token(number, token);
	name_archive_manifest(number - 1, before);	/* before the first: the name of none */
	package_asic_begin(token, "application/vnd.etsi.timestamp-token", out);
	for (uint32_t i = 0; i < n; i++) {
		const char	*name = f->file[i].name;

		/* ETSI EN 319 162-1: the manifest of the time-stamp before this one is its root. */
		if (strcmp(name, NAME_MIMETYPE) != 0)
			package_asic_reference(&f->file[i], strcmp(name, before) == 0, out);
	}
	package_asic_end(out);
	return buf_check(out, "archive manifest", err);
}

enum rc
archive_stamp(const struct package_files *f, uint32_t number, package_stamp_fn stamp, void *user,
    struct buf *manifest, struct buf *token, struct err *err)
{
	uint8_t	imprint[SHA256_BYTES];
	size_t	from = manifest->n;

	TRY(archive_manifest(f, f->n, number, manifest, err));
	sha256_one(imprint, SPAN(manifest->p + from, manifest->n - from));
	TRY(stamp(user, imprint, token, err));
	TRY(buf_check(token, "archive time-stamp", err));
	return timestamp_over(buf_view(token), imprint, err);
}
