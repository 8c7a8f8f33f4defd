/* tests/fuzz/make/seeds.h - what seeds.c has for those beside it. */
#ifndef TESTS_FUZZ_MAKE_SEEDS_H
#define TESTS_FUZZ_MAKE_SEEDS_H

#include "base/bytes.h"

void	 seed(const char *target, const char *name, struct span bytes);
/* The same, and frees it. */
void	 seed_buf(const char *target, const char *name, struct buf *b);

/* packages.c: package, signature, embed, opening, trust */
void	 make_packages(void);
/* calls.c: keeper; parties.c: worker, hired, cms, handlers, files, replies */
void	 make_calls(void);
void	 make_parties(void);

#endif
