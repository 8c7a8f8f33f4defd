/*
 * coordinator/queries.h - who asks, reads: answers from read-only handles, in pages.
 */
#ifndef COORDINATOR_QUERIES_H
#define COORDINATOR_QUERIES_H

#include "coordinator/coordinator.h"

#define ON(name) \
	enum rc	 name(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err)
ON(on_head);
ON(on_entry);
ON(on_entries);
ON(on_artifact);
ON(on_request);
ON(on_amendment);
ON(on_charter);
ON(on_list);
ON(on_blob);
ON(on_consistency);
#undef ON

#endif
