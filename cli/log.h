/*
 * cli/log.h - what `quorate log` is made of: each part is one verb.
 */
#ifndef CLI_LOG_H
#define CLI_LOG_H

#include "cli/remote.h"

/* The tlog-tiles tree below dir, and the fixed blobs in dir.blobs (docs/spec/log-v1.md section 8). */
MUST_USE enum rc log_export(struct remote *r, const char *dir, struct err *err);

#endif
