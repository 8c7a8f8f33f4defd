/*
 * tests/fuzz/lib/fuzz.h - what a fuzz target has: an input, and promises to hold its parser to.
 *
 * tests/fuzz/NAME.c is one target, tests/fuzz/corpus/NAME/ what it starts from. With clang's
 * libFuzzer it searches (make fuzz); with plain/driver.c it runs its corpus (make unit).
 * A target keeps nothing between inputs but what it made at its first.
 */
#ifndef TESTS_FUZZ_LIB_FUZZ_H
#define TESTS_FUZZ_LIB_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/note.h"
#include "base/bytes.h"
#include "evidence/stream.h"
#include "tests/fixture/keys.h"

int	 LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* What takes its time is made here, before any input is waited for; both drivers call it when there is one. */
int	 LLVMFuzzerInitialize(int *argc, char ***argv);

/* How often plain/driver.c cuts and changes each file; 48 where a target does not say. */
extern const unsigned	fuzz_cuts;

#define PROMISE(x)							\
	do {								\
		if (!(x)) {						\
			(void)fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #x);	\
			abort();					\
		}							\
	} while (0)

/* What was written is what was read, byte for byte. */
void	 fuzz_same(const struct buf *written, struct span read);
/* A span inside another, or empty: what a parser says it borrowed. */
bool	 fuzz_within(struct span inner, struct span outer);

/* Keys from fixed seeds, so that a corpus stays good: the log's, and those of its witnesses. */
#define FUZZ_ORIGIN	"fuzz.example/log"
#define FUZZ_WITNESSES	3
struct fuzz_keys {
	struct test_key	log, witness[FUZZ_WITNESSES];
	struct note_key	log_note, witness_note[FUZZ_WITNESSES];
};
const struct fuzz_keys *fuzz_keys(void);

/* A stream_read_at over a span. */
enum rc	 fuzz_read_at(void *span, uint64_t offset, uint8_t *out, size_t n, struct err *err);

#endif
