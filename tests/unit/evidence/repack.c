#include "tests/unit/evidence/repack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence/cades.h"

#define MUST(cond)	do { if (!(cond)) abort(); } while (0)
#define BIG		((size_t)8 << 20)

void
repack_open(struct repack *r, struct memfile *package)
{
	AUTO(zip_free) struct zip	*z = NULL;
	struct zip_entry		 e;

	memset(r, 0, sizeof(*r));
	MUST(zip_open(memfile_read, package, package->b.n, &z, NULL) == RC_OK);
	MUST(zip_count(z) <= REPACK_FILES);
	for (r->n = 0; r->n < zip_count(z); r->n++) {
		zip_at(z, (uint32_t)r->n, &e);
		memcpy(r->name[r->n], e.name, sizeof(e.name));
		r->content[r->n] = BUF_INIT(BIG);
		MUST(zip_read_all(z, &e, &r->content[r->n], NULL) == RC_OK);
	}
}

void
repack_done(struct repack *r)
{
	for (size_t i = 0; i < r->n; i++)
		buf_done(&r->content[i]);
	r->n = 0;
}

struct buf *
repack_file(struct repack *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->name[i], name) == 0)
			return &r->content[i];
	fprintf(stderr, "repack: no %s\n", name);
	abort();
}

size_t
repack_starting(const struct repack *r, const char *prefix)
{
	for (size_t i = 0; i < r->n; i++)
		if (strncmp(r->name[i], prefix, strlen(prefix)) == 0)
			return i;
	abort();
}

size_t
repack_ending(const struct repack *r, const char *suffix)
{
	for (size_t i = 0; i < r->n; i++) {
		size_t	n = strlen(r->name[i]), end = strlen(suffix);

		if (n >= end && strcmp(r->name[i] + n - end, suffix) == 0)
			return i;
	}
	abort();
}

void
repack_drop(struct repack *r, size_t i)
{
	buf_done(&r->content[i]);
	r->n--;
	memmove(&r->name[i], &r->name[i + 1], (r->n - i) * sizeof(r->name[0]));
	memmove(&r->content[i], &r->content[i + 1], (r->n - i) * sizeof(r->content[0]));
}

void
repack_insert(struct repack *r, size_t i, const char *name, struct span content)
{
	MUST(r->n < REPACK_FILES && strlen(name) <= ZIP_NAME_MAX);
	memmove(&r->name[i + 1], &r->name[i], (r->n - i) * sizeof(r->name[0]));
	memmove(&r->content[i + 1], &r->content[i], (r->n - i) * sizeof(r->content[0]));
	r->n++;
	memcpy(r->name[i], name, strlen(name) + 1);
	r->content[i] = BUF_INIT(BIG);
	buf_span(&r->content[i], content);
}

void
repack_list(const struct repack *r, struct package_files *f)
{
	uint8_t	digest[SHA256_BYTES];

	*f = (struct package_files){ .file = NULL };
	for (size_t i = 0; i < r->n; i++) {
		sha256_one(digest, buf_view(&r->content[i]));
		MUST(package_files_add(f, r->name[i], r->content[i].n, digest, NULL) == RC_OK);
	}
}

static void
remake(struct repack *r, const char *name, void (*write)(const struct package_files *f, struct buf *out))
{
	struct buf		*b = repack_file(r, name);
	struct package_files	 f;

	repack_list(r, &f);
	buf_reset(b);
	write(&f, b);
	package_files_done(&f);
}

void
repack_manifests(struct repack *r)
{
	remake(r, NAME_MANIFEST, package_manifest);
	remake(r, NAME_TAGMANIFEST, package_tagmanifest);
}

void
repack_sign_over(struct repack *r, struct span manifest, const char *organisation, const uint8_t order[SHA256_BYTES],
    when released, EVP_PKEY *key, struct span certificate)
{
	struct buf		*info = repack_file(r, NAME_BAG_INFO), *p7s = repack_file(r, NAME_SIGNATURE);
	struct buf		*listed = repack_file(r, NAME_MANIFEST);
	struct package_files	 f;

	repack_list(r, &f);
	buf_reset(info);
	package_bag_info(&f, organisation, order, released, info);
	package_files_done(&f);
	remake(r, NAME_MANIFEST, package_manifest);
	if (manifest.n > 0) {
		buf_reset(listed);
		buf_span(listed, manifest);
	}
	remake(r, NAME_TAGMANIFEST, package_tagmanifest);
	remake(r, NAME_ASIC_MANIFEST, package_asic_manifest);
	buf_reset(p7s);
	MUST(cades_sign(key, certificate, buf_view(repack_file(r, NAME_ASIC_MANIFEST)), released, p7s,
	    NULL) == RC_OK);
}

void
repack_sign(struct repack *r, const char *organisation, const uint8_t order[SHA256_BYTES], when released,
    EVP_PKEY *key, struct span certificate)
{
	repack_sign_over(r, SPAN(NULL, 0), organisation, order, released, key, certificate);
}

void
repack_write(const struct repack *r, struct memfile *ret)
{
	AUTO(zip_writer_free) struct zip_writer	*w = NULL;
	uint64_t				 size;

	*ret = MEMFILE_INIT;
	MUST(zip_writer_new(memfile_write, ret, &w, NULL) == RC_OK);
	for (size_t i = 0; i < r->n; i++)
		MUST(zip_add(w, r->name[i], buf_view(&r->content[i]), NULL, NULL) == RC_OK);
	MUST(zip_finish(w, &size, NULL) == RC_OK);
}
