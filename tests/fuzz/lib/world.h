/*
 * tests/fuzz/lib/world.h - a log with something in it, for statements that hit it.
 *
 * Keys and digests of a network differ each time it is made. In a corpus, runs of one byte
 * stand for them, in hex: world_real() puts this network's own in, world_placeholders()
 * takes them out. One artifact is sealed; one request is open with one approval, one is
 * met and ordered, one custodian has given a receipt.
 */
#ifndef TESTS_FUZZ_LIB_WORLD_H
#define TESTS_FUZZ_LIB_WORLD_H

#include "tests/fixture/network.h"

struct world {
	struct net		n;
	struct net_artifact	artifact;
	uint8_t			open[SHA256_BYTES], met[SHA256_BYTES], order[SHA256_BYTES], receipt[SHA256_BYTES];
	uint8_t			scope[SHA256_BYTES];
};
/* Made at the first call, and not changed any more. */
struct world	*world(void);

void	 world_real(struct span in, struct buf *out);
void	 world_placeholders(struct span in, struct buf *out);
/* Whose key has this id; the stranger's when nobody's. */
struct test_key	*world_key(const uint8_t id[KEY_ID_BYTES]);

#endif
