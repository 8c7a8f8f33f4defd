/*
 * tests/unit/evidence/repack.h - take a package apart and put it together otherwise.
 *
 * What an attacker without keys can do, and what a dishonest coordinator can: manifests
 * and signature made again over whatever the files are now.
 */
#ifndef TESTS_UNIT_EVIDENCE_REPACK_H
#define TESTS_UNIT_EVIDENCE_REPACK_H

#include <openssl/evp.h>

#include "base/when.h"
#include "evidence/package_text.h"
#include "tests/unit/evidence/memfile.h"

#define REPACK_FILES	160

struct repack {
	size_t		n;
	package_name	name[REPACK_FILES];
	struct buf	content[REPACK_FILES];
};

void	 repack_open(struct repack *r, struct memfile *package);
void	 repack_done(struct repack *r);
/* Aborts when there is none of this name. */
struct buf *repack_file(struct repack *r, const char *name);
/* The first file whose name starts or ends so. */
size_t	 repack_starting(const struct repack *r, const char *prefix);
size_t	 repack_ending(const struct repack *r, const char *suffix);
void	 repack_drop(struct repack *r, size_t i);
/* A new file before the i-th. */
void	 repack_insert(struct repack *r, size_t i, const char *name, struct span content);
/* All of them, as manifests see them; package_files_done(). */
void	 repack_list(const struct repack *r, struct package_files *f);
/* Manifests of the bag, with their own digests right again. */
void	 repack_manifests(struct repack *r);
/* bag-info.txt, manifests, ASiC manifest and signature. */
void	 repack_sign(struct repack *r, const char *organisation, const uint8_t order[SHA256_BYTES],
	    when released, EVP_PKEY *key, struct span certificate);
/* The same with this for the bag's manifest; empty: what the files make it. */
void	 repack_sign_over(struct repack *r, struct span manifest, const char *organisation,
	    const uint8_t order[SHA256_BYTES], when released, EVP_PKEY *key, struct span certificate);
/* Good CRCs, whatever else. */
void	 repack_write(const struct repack *r, struct memfile *ret);

#endif
