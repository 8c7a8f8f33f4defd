/*
 * tests/unit/cli/exported.h - the network's log as a folder of tiles, whole or up to a size.
 */
#ifndef TESTS_UNIT_CLI_EXPORTED_H
#define TESTS_UNIT_CLI_EXPORTED_H

#include "tests/unit/cli/lab.h"

/* dir, and dir.blobs beside it; what stands there is written over. */
void	 export_log(const char *dir, uint64_t size, struct span note);
/* The note of that size, cosigned by these as of n->now. */
void	 export_note(uint64_t size, const struct test_key *log, uint32_t cosigners, struct buf *out);
/* Turns the byte at `at` of dir/name round; from the end when negative. */
void	 export_alter(const char *dir, const char *name, long at);
/* rm -r, and of dir.blobs. */
void	 export_remove(const char *dir);

/* A case whose release names, for custodian 4, the receipt of custodian 1. Effective: three others suffice. */
void	 export_false_release(void);

#endif
