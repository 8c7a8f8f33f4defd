#include "evidence/zip.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#include "evidence/crc32.h"
#include "evidence/zip_layout.h"

DEFINE_AUTO(EVP_MD_CTX_free, EVP_MD_CTX);
DEFINE_AUTO(free, uint8_t);

struct zip {
	stream_read_at	 read;
	void		*user;
	uint64_t	 size;			/* of the file */
	uint64_t	 directory_at, directory_size;
	uint32_t	 count;
	struct zip_entry *entry;		/* in file order */
	uint32_t	*by_name;		/* in zip_name_order() */
	uint8_t		*directory;
};

void
zip_free(struct zip *z)
{
	if (z == NULL)
		return;
	free(z->entry);
	free(z->by_name);
	free(z->directory);
	free(z);
}

static enum rc
read_at(const struct zip *z, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	if (at > z->size || n > z->size - at)
		return err_set(err, RC_FORMAT, "package: cut short: nothing at byte %llu",
		    (unsigned long long)at);
	if (n == 0)
		return RC_OK;
	return z->read(z->user, at, out, n, err);
}

/* Is what stands at `at` what the writer would have written there? */
static enum rc
expect_at(const struct zip *z, uint64_t at, const struct buf *want, const char *what, struct err *err)
{
	uint8_t	have[ZIP_LOCAL_MAX];

	if (want->rc != RC_OK || want->n > sizeof(have))
		return err_set(err, RC_BUG, "package: %s too long", what);
	TRY(read_at(z, at, have, want->n, err));
	if (memcmp(have, want->p, want->n) != 0)
		return err_set(err, RC_FORMAT, "package: %s at byte %llu is not as the format has it",
		    what, (unsigned long long)at);
	return RC_OK;
}

/* Where the directory is: at the very end, with nothing after it and no comment. */
static enum rc
find_directory(struct zip *z, struct err *err)
{
	uint8_t		room[ZIP_TAIL_MAX], end[ZIP_END_FIXED], end64[ZIP_END64_BYTES];
	struct buf	want = ZIP_BUF_OVER(room);
	uint64_t	tail = ZIP_END_FIXED;

	if (z->size < ZIP_END_FIXED || z->size > ZIP_FILE_MAX)
		return err_set(err, RC_FORMAT, "package: not a ZIP file");
	TRY(read_at(z, z->size - ZIP_END_FIXED, end, sizeof(end), err));
	z->count = zip_u16(end + 10);
	z->directory_size = zip_u32(end + 12);
	z->directory_at = zip_u32(end + 16);
	if (z->directory_at == ZIP_IN_64) {
		tail = ZIP_TAIL_MAX;
		if (z->size < tail)
			return err_set(err, RC_FORMAT, "package: not a ZIP file");
		TRY(read_at(z, z->size - tail, end64, sizeof(end64), err));
		z->directory_at = zip_u64(end64 + 48);
	}
	if (z->directory_at > z->size || z->directory_size > z->size ||
	    z->directory_at + z->directory_size + tail != z->size)
		return err_set(err, RC_FORMAT, "package: no ZIP directory at its end");
	zip_tail_write(z->count, z->directory_at, z->directory_size, &want);
	if (want.n != tail)
		return err_set(err, RC_FORMAT, "package: zip64 where none is needed");
	return expect_at(z, z->size - tail, &want, "end of the directory", err);
}

static enum rc
allocate(struct zip *z, struct err *err)
{
	if (z->count == 0 || z->count > ZIP_ENTRIES_MAX)
		return err_set(err, RC_LIMIT, "package: %u entries, 1 to %d can be",
		    z->count, ZIP_ENTRIES_MAX);
	if (z->directory_size > (uint64_t)z->count * ZIP_CENTRAL_MAX)
		return err_set(err, RC_FORMAT, "package: directory too long for %u entries", z->count);
	z->entry = calloc(z->count, sizeof(*z->entry));
	z->by_name = calloc(z->count, sizeof(*z->by_name));
	z->directory = malloc(z->directory_size + 1);
	if (z->entry == NULL || z->by_name == NULL || z->directory == NULL)
		return err_set(err, RC_NOMEM, "package: no memory for %u entries", z->count);
	return read_at(z, z->directory_at, z->directory, z->directory_size, err);
}

/* Takes one directory record's values on trust; check_entries() looks at every byte. */
static enum rc
take_record(struct zip *z, struct zip_entry *e, size_t *at, struct err *err)
{
	const uint8_t	*p = z->directory + *at;
	size_t		 left = z->directory_size - *at, name, fields;

	if (left < ZIP_CENTRAL_FIXED)
		return err_set(err, RC_FORMAT, "package: directory cut short");
	name = zip_u16(p + 28);
	fields = zip_u16(p + 30);
	if (left - ZIP_CENTRAL_FIXED < name + fields)
		return err_set(err, RC_FORMAT, "package: directory cut short");
	if (name > ZIP_NAME_MAX || memchr(p + ZIP_CENTRAL_FIXED, '\0', name) != NULL)
		return err_set(err, RC_FORMAT, "package: an entry's name is too long or has a NUL");
	memcpy(e->name, p + ZIP_CENTRAL_FIXED, name);
	e->name[name] = '\0';
	e->crc = zip_u32(p + 16);
	e->size = zip_u32(p + 24);
	if (e->size == ZIP_IN_64 && fields >= 20)
		e->size = zip_u64(p + ZIP_CENTRAL_FIXED + name + 4);
	*at += ZIP_CENTRAL_FIXED + name + fields;
	return RC_OK;
}

/* qsort_r() has no way to fail, and no global. */
static int
compare(const void *a, const void *b, void *user)
{
	const struct zip	*z = user;

	return zip_name_order(z->entry[*(const uint32_t *)a].name, z->entry[*(const uint32_t *)b].name);
}

static enum rc
check_names(struct zip *z, struct err *err)
{
	for (uint32_t i = 0; i < z->count; i++) {
		z->by_name[i] = i;
		if (!zip_name_ok(z->entry[i].name))
			return err_set(err, RC_FORMAT, "package: entry %u has a name that is refused: "
			    "a path that leaves the package, or other characters than letters, digits, "
			    "\".\", \"_\", \"-\" and \"/\"", i + 1);
	}
	qsort_r(z->by_name, z->count, sizeof(*z->by_name), compare, z);
	for (uint32_t i = 1; i < z->count; i++)
		if (zip_name_clash(z->entry[z->by_name[i - 1]].name, z->entry[z->by_name[i]].name))
			return err_set(err, RC_FORMAT, "package: %s is there twice, "
			    "or as a file and a folder", z->entry[z->by_name[i]].name);
	return RC_OK;
}

/*
 * Entries follow each other from byte 0 to the directory. The offset in the
 * record is compared as part of the record's bytes.
 */
static enum rc
check_entries(struct zip *z, struct err *err)
{
	uint8_t		local[ZIP_LOCAL_MAX], central[ZIP_CENTRAL_MAX];
	uint64_t	at = 0;
	size_t		record = 0;

	for (uint32_t i = 0; i < z->count; i++) {
		struct zip_entry	*e = &z->entry[i];
		struct zip_header	 h = { e->name, e->size, at, e->crc };
		struct buf		 l = ZIP_BUF_OVER(local), c = ZIP_BUF_OVER(central);

		zip_local_write(&h, &l);
		zip_central_write(&h, &c);
		if (l.n > z->directory_at - at || e->size > z->directory_at - at - l.n)
			return err_set(err, RC_FORMAT, "package: %s reaches beyond the file", e->name);
		TRY(expect_at(z, at, &l, "header of an entry", err));
		if (c.n > z->directory_size - record || memcmp(z->directory + record, c.p, c.n) != 0)
			return err_set(err, RC_FORMAT, "package: directory record of %s is not "
			    "as the format has it", e->name);
		e->at = at + l.n;
		at = e->at + e->size;
		record += c.n;
	}
	if (at != z->directory_at || record != z->directory_size)
		return err_set(err, RC_FORMAT, "package: bytes that belong to no entry");
	return RC_OK;
}

static enum rc
read_directory(struct zip *z, struct err *err)
{
	size_t	at = 0;

	TRY(allocate(z, err));
	for (uint32_t i = 0; i < z->count; i++)
		TRY(take_record(z, &z->entry[i], &at, err));
	TRY(check_names(z, err));
	TRY(check_entries(z, err));
	free(z->directory);
	z->directory = NULL;
	return RC_OK;
}

enum rc
zip_open(stream_read_at read, void *user, uint64_t size, struct zip **ret, struct err *err)
{
	AUTO(zip_free) struct zip *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return err_set(err, RC_NOMEM, "package: no memory to read");
	z->read = read;
	z->user = user;
	z->size = size;
	TRY(find_directory(z, err));
	TRY(read_directory(z, err));
	*ret = TAKE(z);
	return RC_OK;
}

uint32_t
zip_count(const struct zip *z)
{
	return z->count;
}

void
zip_at(const struct zip *z, uint32_t i, struct zip_entry *ret)
{
	*ret = z->entry[i];
}

enum rc
zip_find(const struct zip *z, const char *name, uint32_t *ret_i, struct zip_entry *ret, struct err *err)
{
	uint32_t	low = 0, high = z->count;

	while (low < high) {
		uint32_t	mid = low + (high - low) / 2;
		uint32_t	i = z->by_name[mid];
		int		order = zip_name_order(name, z->entry[i].name);

		if (order == 0 && strcmp(name, z->entry[i].name) == 0) {
			if (ret_i != NULL)
				*ret_i = i;
			*ret = z->entry[i];
			return RC_OK;
		}
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return err_set(err, RC_MISSING, "package: %s is missing", name);
}

enum rc
zip_read(const struct zip *z, const struct zip_entry *e, uint64_t offset, uint8_t *out, size_t n,
    struct err *err)
{
	if (offset > e->size || n > e->size - offset)
		return err_set(err, RC_FORMAT, "package: %s is shorter than it should be", e->name);
	return read_at(z, e->at + offset, out, n, err);
}

enum rc
zip_read_all(const struct zip *z, const struct zip_entry *e, struct buf *out, struct err *err)
{
	uint8_t	*p;

	if (out->rc != RC_OK)
		return buf_check(out, e->name, err);
	if (e->size > out->max - out->n)
		return err_set(err, RC_LIMIT, "package: %s has %llu bytes, at most %zu can be",
		    e->name, (unsigned long long)e->size, out->max - out->n);
	p = buf_extend(out, (size_t)e->size);
	TRY(buf_check(out, e->name, err));
	return zip_read(z, e, 0, p, (size_t)e->size, err);
}

enum rc
zip_digest(const struct zip *z, const struct zip_entry *e, uint8_t ret[SHA256_BYTES], struct err *err)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *hash = EVP_MD_CTX_new();
	AUTO(free) uint8_t	*chunk = malloc(ZIP_CHUNK);
	uint8_t			 digest[EVP_MAX_MD_SIZE];
	uint32_t		 crc = 0;
	size_t			 n;

	if (hash == NULL || chunk == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		return err_set(err, RC_NOMEM, "package: no memory to hash");
	for (uint64_t at = 0; at < e->size; at += n) {
		n = e->size - at < ZIP_CHUNK ? (size_t)(e->size - at) : ZIP_CHUNK;
		TRY(zip_read(z, e, at, chunk, n, err));
		if (EVP_DigestUpdate(hash, chunk, n) != 1)
			return err_set(err, RC_BUG, "package: SHA-256 failed");
		crc = crc32_more(crc, SPAN(chunk, n));
	}
	if (EVP_DigestFinal_ex(hash, digest, NULL) != 1)
		return err_set(err, RC_BUG, "package: SHA-256 failed");
	if (crc != e->crc)
		return err_set(err, RC_FORMAT, "package: %s is damaged: its CRC is another", e->name);
	memcpy(ret, digest, SHA256_BYTES);
	return RC_OK;
}
