/* One more archive time-stamp for a package that is there: package-v1 section 6a. */
#include <string.h>

#include "evidence/archive.h"

struct renewal {
	struct zip		*from;
	struct zip_writer	*to;
	struct package_files	 files;
	uint32_t		 manifest;	/* where ASiCManifest001.xml stands */
	uint32_t		 archives;	/* pairs that follow it and the signature */
};

static void
renewal_done(struct renewal *r)
{
	zip_free(r->from);
	zip_writer_free(r->to);
	package_files_done(&r->files);
}

static enum rc
expect(const struct renewal *r, uint32_t i, const char *name, struct err *err)
{
	struct zip_entry	e;

	if (i >= zip_count(r->from))
		return err_set(err, RC_FORMAT, "package: %s is missing", name);
	zip_at(r->from, i, &e);
	if (strcmp(e.name, name) != 0)
		return err_set(err, RC_FORMAT, "package: %s where %s should be", e.name, name);
	return RC_OK;
}

/* Manifest, signature, then pairs that are numbered without a gap, and nothing else. */
static enum rc
look(struct renewal *r, struct err *err)
{
	struct zip_entry	e;
	package_name		name;
	uint32_t		at;

	TRY(expect(r, 0, NAME_MIMETYPE, err));
	if (zip_find(r->from, NAME_ASIC_MANIFEST, &r->manifest, &e, err) != RC_OK)
		return err_set(err, RC_FORMAT, "package: " NAME_ASIC_MANIFEST " is missing");
	TRY(expect(r, r->manifest + 1, NAME_SIGNATURE, err));
	for (at = r->manifest + 2; at < zip_count(r->from); at += 2) {
		if (r->archives == ARCHIVES_MAX)
			return err_set(err, RC_FORMAT, "package: more than %d archive time-stamps", ARCHIVES_MAX);
		name_archive_manifest(++r->archives, name);
		TRY(expect(r, at, name, err));
		name_archive_token(r->archives, name);
		TRY(expect(r, at + 1, name, err));
	}
	if (r->archives == ARCHIVES_MAX)
		return err_set(err, RC_LIMIT, "package: it has %d archive time-stamps, and cannot have more",
		    ARCHIVES_MAX);
	return RC_OK;
}

static enum rc
copy(struct renewal *r, struct err *err)
{
	struct zip_entry	e;
	uint8_t			digest[SHA256_BYTES];

	for (uint32_t i = 0; i < zip_count(r->from); i++) {
		zip_at(r->from, i, &e);
		TRY(zip_copy(r->to, r->from, &e, digest, err));
		TRY(package_files_add(&r->files, e.name, e.size, digest, err));
	}
	return RC_OK;
}

static enum rc
same(const struct package_file *f, const struct buf *again, struct err *err)
{
	uint8_t	digest[SHA256_BYTES];

	TRY(buf_check(again, f->name, err));
	sha256_one(digest, buf_view(again));
	if (memcmp(digest, f->digest, SHA256_BYTES) != 0)
		return err_set(err, RC_FORMAT, "package: %s is not what the other files make it: it is damaged, "
		    "and no time-stamp mends it", f->name);
	return RC_OK;
}

/* What lists the others must list them as they are: a time-stamp over anything else helps nobody. */
static enum rc
check(const struct renewal *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(PACKAGE_TEXT_MAX);

	buf_span(&text, SPAN_STR(PACKAGE_MIMETYPE));
	TRY(same(&r->files.file[0], &text, err));
	buf_reset(&text);
	package_asic_manifest(&r->files, &text);
	TRY(same(&r->files.file[r->manifest], &text, err));
	for (uint32_t i = 1; i <= r->archives; i++) {
		uint32_t	at = r->manifest + 2 * i;

		buf_reset(&text);
		TRY(archive_manifest(&r->files, at, i, &text, err));
		TRY(same(&r->files.file[at], &text, err));
	}
	return RC_OK;
}

static enum rc
add(struct renewal *r, package_stamp_fn stamp, void *user, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	manifest = BUF_INIT(PACKAGE_TEXT_MAX), token = BUF_INIT(TIMESTAMP_TOKEN_MAX);
	uint32_t			number = r->archives + 1;
	package_name			name;

	TRY(archive_stamp(&r->files, number, stamp, user, &manifest, &token, err));
	name_archive_manifest(number, name);
	TRY(zip_add(r->to, name, buf_view(&manifest), NULL, err));
	name_archive_token(number, name);
	return zip_add(r->to, name, buf_view(&token), NULL, err);
}

enum rc
package_renew(stream_read_at read, void *read_user, uint64_t size, package_stamp_fn stamp, void *stamp_user,
    stream_write_at write, void *write_user, uint64_t *ret_size, struct err *err)
{
	AUTO_DONE(renewal_done) struct renewal	r = { .from = NULL };

	TRY(zip_open(read, read_user, size, &r.from, err));
	TRY(look(&r, err));
	TRY(zip_writer_new(write, write_user, &r.to, err));
	TRY(copy(&r, err));
	TRY(check(&r, err));
	TRY(add(&r, stamp, stamp_user, err));
	return zip_finish(r.to, ret_size, err);
}
