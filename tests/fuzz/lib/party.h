/*
 * tests/fuzz/lib/party.h - a log, and the known values (message.h) that calls about it are made of.
 *
 * The log: 0 the charter, 1 a batch, 2 a request for it, 3 to 5 its approvals, 6 its order, 7
 * another request. Keys differ each time; what stands at an index does not.
 */
#ifndef TESTS_FUZZ_LIB_PARTY_H
#define TESTS_FUZZ_LIB_PARTY_H

#include "tests/fixture/network.h"
#include "tests/fuzz/lib/message.h"

#define PARTY_ENTRIES	8u

enum party_known {
	KNOWN_ENTRY,					/* 0..7 */
	KNOWN_NOTE = KNOWN_ENTRY + PARTY_ENTRIES,	/* of size 1..8, signed by the log */
	KNOWN_COSIGNED = KNOWN_NOTE + PARTY_ENTRIES,	/* ... and by four custodians */
	KNOWN_FORK = KNOWN_COSIGNED + PARTY_ENTRIES,	/* of size 8 and another root, signed by the log */
	KNOWN_FORK_COSIGNED,
	KNOWN_CHARTER, KNOWN_DESCRIPTORS, KNOWN_SCOPE, KNOWN_SCOPE_2,	/* blobs */
	KNOWN_VECTOR,					/* of the first custodian */
	KNOWN_STATEMENT,				/* of entries 0..7 */
	KNOWN_ID = KNOWN_STATEMENT + PARTY_ENTRIES,	/* likewise */
	KNOWN_ARTIFACT = KNOWN_ID + PARTY_ENTRIES,
	KNOWN_DENIAL, KNOWN_WITHDRAWAL, KNOWN_REVOCATION, KNOWN_REQUEST,	/* not in the log */
	KNOWN_32, KNOWN_16,				/* bytes of that number */
	KNOWN_RECEIPT,					/* of custodian 2 for the order */
	KNOWN_STATE,					/* digest after all entries */
	KNOWN_END
};

#endif
