/*
 * evidence/package_text.h - names and texts of a package: for package and verifier only.
 *
 * Every text is fixed or follows from the other files. The builder writes them; the
 * verifier makes them again and compares, so that there is no XML or manifest parser to
 * fool (package-v1 sections 3 to 5).
 */
#ifndef EVIDENCE_PACKAGE_TEXT_H
#define EVIDENCE_PACKAGE_TEXT_H

#include "base/when.h"
#include "evidence/case.h"
#include "evidence/zip.h"

#define PACKAGE_MIMETYPE	"application/vnd.etsi.asic-e+zip"
#define PACKAGE_BAGIT		"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
#define PACKAGE_TEXT_MAX	((size_t)16 << 20)	/* manifests of ZIP_ENTRIES_MAX files */

#define NAME_MIMETYPE		"mimetype"
#define NAME_CHARTER		"data/charter.json"
#define NAME_LATER		"data/charter-"		/* 02.json, 03.json...: those that followed */
#define NAME_SCOPE		"data/scope"
#define NAME_RECIPIENT		"data/recipient.cer"
#define NAME_KEYS		"data/keys.p7m"
#define NAME_MESSAGES		"data/contributions/"
#define NAME_ENTRIES		"data/entries/"
#define NAME_ERASABLE		"data/erasable/"
#define NAME_ANCHORS		"data/anchors/"
#define NAME_CUSTODY		"data/custody.jsonld"
#define NAME_CUSTODY_PROV	"data/custody-prov.json"
#define NAME_SUMMARY		"data/summary.html"
#define NAME_BAGIT		"bagit.txt"
#define NAME_BAG_INFO		"bag-info.txt"
#define NAME_MANIFEST		"manifest-sha256.txt"
#define NAME_CHECKPOINT		"checkpoint"
#define NAME_WITNESSES		"witnesses.tlog-policy"
#define NAME_PROOFS		"proofs/"
#define NAME_RELEASE		"release.leaf"
#define NAME_README		"README.txt"
#define NAME_TAGMANIFEST	"tagmanifest-sha256.txt"
#define NAME_ASIC_MANIFEST	"META-INF/ASiCManifest001.xml"
#define NAME_SIGNATURE		"META-INF/signature001.p7s"

#define PATH_BYTES_MAX		(13 + TREE_PATH_MAX * TREE_HASH_BYTES)	/* descriptor.path */

typedef char package_name[ZIP_NAME_MAX + 1];

void	 name_later(uint32_t later, package_name ret);	/* from 0: the charter after the genesis */
void	 name_entry(uint64_t index, package_name ret);
void	 name_proof(uint64_t index, package_name ret);
void	 name_message(uint8_t custodian, package_name ret);
/* In the folder of anchor entry `anchor`: what is "checkpoint", "token.tst"... */
void	 name_anchor(uint64_t anchor, const char *what, package_name ret);
/* n from 1: certificate-1.cer, crl-1.crl */
void	 name_anchor_certificate(uint64_t anchor, unsigned n, package_name ret);
void	 name_anchor_crl(uint64_t anchor, unsigned n, package_name ret);
void	 name_anchor_proof(uint64_t anchor, uint64_t batch, package_name ret);
void	 name_erasable(const uint8_t digest[SHA256_BYTES], package_name ret);
/* what: "descriptor" or "descriptor.path" */
void	 name_artifact(const uint8_t id[ARTIFACT_ID_BYTES], const char *what, package_name ret);
void	 name_leaves(const uint8_t id[ARTIFACT_ID_BYTES], const char *part, package_name ret);
void	 name_segment(const uint8_t id[ARTIFACT_ID_BYTES], const char *part, uint32_t segment,
	    package_name ret);

/* The files of a package in their order, as far as they are known. */
struct package_file {
	package_name	name;
	uint64_t	size;
	uint8_t		digest[SHA256_BYTES];
};
struct package_files {
	uint32_t		n, cap;
	struct package_file	*file;
};
MUST_USE enum rc package_files_add(struct package_files *f, const char *name, uint64_t size,
    const uint8_t digest[SHA256_BYTES], struct err *err);
void	 package_files_done(struct package_files *f);

/* What a manifest calls a file of this name: "text/plain". */
/* Its pieces, for manifests over other files as well. */
void	 package_asic_begin(const char *signature, const char *type, struct buf *out);
void	 package_asic_reference(const struct package_file *f, bool root, struct buf *out);
void	 package_asic_end(struct buf *out);

/* manifest-sha256.txt: what stands under data/. tagmanifest-sha256.txt: the other files of the bag. */
void	 package_manifest(const struct package_files *f, struct buf *out);
void	 package_tagmanifest(const struct package_files *f, struct buf *out);
/* ASiCManifest001.xml: everything but mimetype and META-INF/. */
void	 package_asic_manifest(const struct package_files *f, struct buf *out);
/* Its pieces, for manifests over other files as well. */
void	 package_asic_begin(const char *signature, const char *type, struct buf *out);
void	 package_asic_reference(const struct package_file *f, bool root, struct buf *out);
void	 package_asic_end(struct buf *out);
void	 package_bag_info(const struct package_files *f, const char *organisation,
	    const uint8_t order[SHA256_BYTES], when released, struct buf *out);
extern const char package_readme[];

/* u64 batch entry, u32 leaf, u8 n, n hashes. */
void	 descriptor_path_write(const struct case_artifact *a, struct buf *out);
MUST_USE enum rc descriptor_path_parse(struct span in, struct case_artifact *ret, struct err *err);

/* witnesses.tlog-policy: the log, its custodians, and how many of them are needed. */
MUST_USE enum rc package_witnesses(const struct charter *c, struct buf *out, struct err *err);

#endif
