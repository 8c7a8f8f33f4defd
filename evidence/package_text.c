#include "evidence/package_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/tlog_policy.h"
#include "base/wire.h"
#include "policy/witness.h"

#define HEX_ID	HEX_BYTES(ARTIFACT_ID_BYTES)

/* The longest of these is far below ZIP_NAME_MAX: part names have at most 32 characters. */
static void
name_printf(package_name ret, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void
name_printf(package_name ret, const char *fmt, ...)
{
	va_list	ap;

	va_start(ap, fmt);
	if (vsnprintf(ret, ZIP_NAME_MAX + 1, fmt, ap) < 0)
		ret[0] = '\0';
	va_end(ap);
}

void
name_later(uint32_t later, package_name ret)
{
	name_printf(ret, NAME_LATER "%02" PRIu32 ".json", later + 2);
}

void
name_entry(uint64_t index, package_name ret)
{
	name_printf(ret, NAME_ENTRIES "%012" PRIu64 ".leaf", index);
}

void
name_proof(uint64_t index, package_name ret)
{
	name_printf(ret, NAME_PROOFS "%012" PRIu64 ".tlog-proof", index);
}

void
name_message(uint8_t custodian, package_name ret)
{
	name_printf(ret, NAME_MESSAGES "%02u.p7m", custodian);
}

void
name_anchor(uint64_t anchor, const char *what, package_name ret)
{
	name_printf(ret, NAME_ANCHORS "%012" PRIu64 "/%s", anchor, what);
}

void
name_anchor_certificate(uint64_t anchor, unsigned n, package_name ret)
{
	name_printf(ret, NAME_ANCHORS "%012" PRIu64 "/certificate-%u.cer", anchor, n);
}

void
name_anchor_crl(uint64_t anchor, unsigned n, package_name ret)
{
	name_printf(ret, NAME_ANCHORS "%012" PRIu64 "/crl-%u.crl", anchor, n);
}

void
name_anchor_proof(uint64_t anchor, uint64_t batch, package_name ret)
{
	name_printf(ret, NAME_ANCHORS "%012" PRIu64 "/%012" PRIu64 ".tlog-proof", anchor, batch);
}

void
name_erasable(const uint8_t digest[SHA256_BYTES], package_name ret)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	name_printf(ret, NAME_ERASABLE "%s", hex_write(SPAN(digest, SHA256_BYTES), hex));
}

void
name_artifact(const uint8_t id[ARTIFACT_ID_BYTES], const char *what, package_name ret)
{
	char	hex[HEX_ID];

	name_printf(ret, "data/artifacts/%s/%s", hex_write(SPAN(id, ARTIFACT_ID_BYTES), hex), what);
}

/* A folder of its own for parts: a part may be named "descriptor". */
void
name_leaves(const uint8_t id[ARTIFACT_ID_BYTES], const char *part, package_name ret)
{
	char	hex[HEX_ID];

	name_printf(ret, "data/artifacts/%s/parts/%s/leaves",
	    hex_write(SPAN(id, ARTIFACT_ID_BYTES), hex), part);
}

void
name_segment(const uint8_t id[ARTIFACT_ID_BYTES], const char *part, uint32_t segment, package_name ret)
{
	char	hex[HEX_ID];

	name_printf(ret, "data/artifacts/%s/parts/%s/%08" PRIu32 ".seg",
	    hex_write(SPAN(id, ARTIFACT_ID_BYTES), hex), part, segment);
}

enum rc
package_files_add(struct package_files *f, const char *name, uint64_t size,
    const uint8_t digest[SHA256_BYTES], struct err *err)
{
	struct package_file	*p;
	uint32_t		 cap = f->cap == 0 ? 64 : f->cap * 2;

	if (f->n == f->cap) {
		if (f->n >= ZIP_ENTRIES_MAX)
			return err_set(err, RC_LIMIT, "package: more than %d files", ZIP_ENTRIES_MAX);
		if ((p = realloc(f->file, cap * sizeof(*p))) == NULL)
			return err_set(err, RC_NOMEM, "package: no memory for %u files", cap);
		f->file = p;
		f->cap = cap;
	}
	p = &f->file[f->n++];
	name_printf(p->name, "%s", name);
	p->size = size;
	memcpy(p->digest, digest, SHA256_BYTES);
	return RC_OK;
}

void
package_files_done(struct package_files *f)
{
	free(f->file);
	*f = (struct package_files){ .file = NULL };
}

static bool
under(const char *name, const char *folder)
{
	return strncmp(name, folder, strlen(folder)) == 0;
}

static bool
is_container(const char *name)
{
	return strcmp(name, NAME_MIMETYPE) == 0 || under(name, "META-INF/");
}

static void
digest_line(const struct package_file *f, struct buf *out)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	buf_printf(out, "%s  %s\n", hex_write(SPAN_OF(f->digest), hex), f->name);
}

void
package_manifest(const struct package_files *f, struct buf *out)
{
	for (uint32_t i = 0; i < f->n; i++)
		if (under(f->file[i].name, "data/"))
			digest_line(&f->file[i], out);
}

void
package_tagmanifest(const struct package_files *f, struct buf *out)
{
	for (uint32_t i = 0; i < f->n; i++) {
		const char	*name = f->file[i].name;

		if (!under(name, "data/") && !is_container(name) && strcmp(name, NAME_TAGMANIFEST) != 0)
			digest_line(&f->file[i], out);
	}
}

/* The two notes have no suffix: their last step is "checkpoint". */
static const char *
media_type(const char *name)
{
	static const struct { const char *end, *type; } known[] = {
		{ ".txt", "text/plain" },
		{ ".tlog-proof", "text/plain" },
		{ ".tlog-policy", "text/plain" },
		{ ".json", "application/json" },
		{ ".jsonld", "application/ld+json" },
		{ ".html", "text/html" },
		{ ".p7m", "application/pkcs7-mime" },
		{ ".p7s", "application/pkcs7-signature" },
		{ ".cer", "application/pkix-cert" },
		{ ".crl", "application/pkix-crl" },
		{ ".tst", "application/vnd.etsi.timestamp-token" },
		{ ".xml", "application/xml" },
	};
	const char	*last = strrchr(name, '/');
	size_t		 n = strlen(name);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t	end = strlen(known[i].end);

		if (n > end && strcmp(name + n - end, known[i].end) == 0)
			return known[i].type;
	}
	return strcmp(last == NULL ? name : last + 1, NAME_CHECKPOINT) == 0 ? "text/plain" : "application/octet-stream";
}

/* Names need no escaping: zip_name_ok(). */
void
package_asic_begin(const char *signature, const char *type, struct buf *out)
{
	buf_printf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<asic:ASiCManifest xmlns:asic=\"http://uri.etsi.org/02918/v1.2.1#\""
	    " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\">\n"
	    " <asic:SigReference URI=\"%s\" MimeType=\"%s\"/>\n", signature, type);
}

void
package_asic_reference(const struct package_file *f, bool root, struct buf *out)
{
	buf_printf(out, " <asic:DataObjectReference URI=\"%s\" MimeType=\"%s\"%s>\n"
	    "  <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/>\n"
	    "  <ds:DigestValue>", f->name, media_type(f->name), root ? " Rootfile=\"true\"" : "");
	b64_write(out, SPAN_OF(f->digest));
	buf_printf(out, "</ds:DigestValue>\n </asic:DataObjectReference>\n");
}

void
package_asic_end(struct buf *out)
{
	buf_printf(out, "</asic:ASiCManifest>\n");
}

void
package_asic_manifest(const struct package_files *f, struct buf *out)
{
	package_asic_begin(NAME_SIGNATURE, "application/pkcs7-signature", out);
	for (uint32_t i = 0; i < f->n; i++)
		if (!is_container(f->file[i].name))
			package_asic_reference(&f->file[i], strcmp(f->file[i].name, NAME_SUMMARY) == 0, out);
	package_asic_end(out);
}

void
package_bag_info(const struct package_files *f, const char *organisation,
    const uint8_t order[SHA256_BYTES], when released, struct buf *out)
{
	char		hex[HEX_BYTES(SHA256_BYTES)], at[WHEN_TEXT_BYTES];
	uint64_t	bytes = 0;
	uint32_t	files = 0;

	for (uint32_t i = 0; i < f->n; i++)
		if (under(f->file[i].name, "data/")) {
			bytes += f->file[i].size;
			files++;
		}
	buf_printf(out, "Source-Organization: %s\n"
	    "External-Description: Quorate evidence package v1\n"
	    "External-Identifier: %s\n"
	    "Bagging-Date: %.10s\n"
	    "Payload-Oxum: %" PRIu64 ".%" PRIu32 "\n", organisation,
	    hex_write(SPAN(order, SHA256_BYTES), hex), when_write(released, at), bytes, files);
}

enum rc
package_witnesses(const struct charter *c, struct buf *out, struct err *err)
{
	struct note_key	log, witness[CUSTODIANS_MAX];

	TRY(charter_log_note_key(c, &log, err));
	for (uint8_t i = 0; i < c->n; i++)
		TRY(charter_witness_note_key(c, (uint8_t)(i + 1), &witness[i], err));
	tlog_policy_write(&log, witness, c->n, c->q, out);
	return buf_check(out, NAME_WITNESSES, err);
}

void
descriptor_path_write(const struct case_artifact *a, struct buf *out)
{
	buf_u64(out, a->batch);
	buf_u32(out, a->leaf);
	buf_u8(out, a->path.n);
	buf_add(out, a->path.hash, (size_t)a->path.n * TREE_HASH_BYTES);
}

enum rc
descriptor_path_parse(struct span in, struct case_artifact *ret, struct err *err)
{
	struct rd	r = rd_init(in);

	ret->path = (struct tree_path){ .n = 0 };
	if (!rd_u64(&r, &ret->batch) || !rd_u32(&r, &ret->leaf) || !rd_u8(&r, &ret->path.n) ||
	    ret->path.n > TREE_PATH_MAX ||
	    !rd_bytes(&r, &ret->path.hash[0][0], (size_t)ret->path.n * TREE_HASH_BYTES) || !rd_done(&r))
		return err_set(err, RC_FORMAT, "package: descriptor.path: malformed at byte %zu of %zu",
		    r.at, in.n);
	return RC_OK;
}
