/*
 * coordinator/confine.h - what a process may still do, where the kernel has Landlock.
 *
 * For the thread that calls and those that it starts later; never to be undone. A kernel
 * without Landlock, or with an early version of it, leaves out what it does not know:
 * RC_OK with *ret_whole false.
 */
#ifndef COORDINATOR_CONFINE_H
#define COORDINATOR_CONFINE_H

#include <stdbool.h>

#include "base/err.h"

/*
 * No file is opened from here on but those beneath `dir`, to read (NULL: none at all); what
 * is open stays so. No TCP port is bound or connected to, and nobody outside is signalled.
 */
MUST_USE enum rc confine(const char *dir, bool *ret_whole, struct err *err);

#endif
