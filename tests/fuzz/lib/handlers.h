/* tests/fuzz/lib/handlers.h - the known values (message.h) of tests/fuzz/handlers.c. */
#ifndef TESTS_FUZZ_LIB_HANDLERS_H
#define TESTS_FUZZ_LIB_HANDLERS_H

#include "tests/fuzz/lib/message.h"

/* The log: 0 the charter, 1 a batch, 2 a request, 3 an approval, 4 an order. */
#define HANDLERS_ENTRIES	5u

enum {
	HANDLERS_ID,					/* of statements 0..4 */
	HANDLERS_ENTRY = HANDLERS_ID + HANDLERS_ENTRIES,
	HANDLERS_ORDER = HANDLERS_ENTRY + HANDLERS_ENTRIES,
	HANDLERS_GENESIS,
	HANDLERS_REVOCATION, HANDLERS_REQUEST,		/* statements that are not in the log */
	HANDLERS_BLOB,					/* that the request names */
	HANDLERS_16, HANDLERS_32,
	HANDLERS_END
};

#endif
