/*
 * tests/second/ours.c - seals what the second implementation opens, opens what it seals.
 *
 *	ours DIRECTORY COMMAND
 *
 * Makes a network, seals a batch into the folder (tests/second/ours.h), runs the command,
 * which opens that and seals a batch of its own under the same charter, and opens it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/gen/lib/vector.h"
#include "tests/second/ours.h"

int
main(int argc, char **argv)
{
	struct net	n;
	size_t		passed, failed;

	vector_need(argc == 3, "usage: ours DIRECTORY COMMAND");
	vector_need(secret_init(NULL) == RC_OK, "no locked memory");
	net_init(&n);
	seal_all(&n, argv[1]);
	(void)fflush(stdout);
	vector_need(system(argv[2]) == 0, "the second implementation failed");
	open_all(&n, argv[1], &passed, &failed);
	net_done(&n);
	printf("%zu passed, %zu failed\n", passed, failed);
	return failed == 0 && passed > 0 ? 0 : 1;
}
