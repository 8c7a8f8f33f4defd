/* tests/fuzz/lib/replies.h - the known values (message.h) of tests/fuzz/replies.c. */
#ifndef TESTS_FUZZ_LIB_REPLIES_H
#define TESTS_FUZZ_LIB_REPLIES_H

#include "tests/fuzz/lib/message.h"

#define REPLIES_BLOB_TEXT	"a blob"

enum {
	REPLIES_COSIGNED, REPLIES_NOTE,		/* of the log: by four custodians, by one */
	REPLIES_CASE, REPLIES_PROOF,		/* the log as a case; its batch under the checkpoint */
	REPLIES_GENESIS, REPLIES_LEAF, REPLIES_CHARTER, REPLIES_BLOB,
	REPLIES_END
};

#endif
