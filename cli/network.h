/*
 * cli/network.h - quorate status: the network, as custodians and coordinator say.
 */
#ifndef CLI_NETWORK_H
#define CLI_NETWORK_H

#include "cli/cli.h"

/*
 * Prints it, whoever answers. RC_VERIFY: there is proof of two pasts. Else what the
 * coordinator's silence or refusal was: RC_UNSURE, RC_DENIED...
 */
MUST_USE enum rc show_network(struct err *err);

#endif
