/*
 * coordinator/service.c - who may call what, how large: one table.
 *
 * Hosts are those that the charter lists, by TLS certificate. Custodians read the
 * log; nobody else is let in. What a person may do, their signature decides.
 */
#include "coordinator/queries.h"
#include "coordinator/release.h"
#include "coordinator/seal.h"
#include "coordinator/submit.h"

#define BOTH	(ROLE_HOST | ROLE_CUSTODIAN)
#define S	"/quorate.v1.Coordinator/"

const struct rpc_method service_methods[] = {
	/* name			handler		roles		max request */
	{ S "Head",		on_head,	BOTH,		64 },
	{ S "Submit",		on_submit,	BOTH,		1 << 20 },
	{ S "Upload",		on_upload,	ROLE_HOST,	640 << 10 },
	{ S "Seal",		on_seal,	ROLE_HOST,	1 << 20 },
	{ S "Entry",		on_entry,	BOTH,		256 },
	{ S "Entries",		on_entries,	BOTH,		256 },
	{ S "Artifact",		on_artifact,	BOTH,		256 },
	{ S "Request",		on_request,	BOTH,		256 },
	{ S "List",		on_list,	BOTH,		256 },
	{ S "Blob",		on_blob,	BOTH,		256 },
	{ S "Release",		on_release,	ROLE_HOST,	256 },
	{ S "Download",		on_download,	ROLE_HOST,	256 },
	{ S "Consistency",	on_consistency,	BOTH,		256 },
	{ S "Charter",		on_charter,	BOTH,		64 },
	{ S "Amendment",	on_amendment,	BOTH,		256 },
};
const size_t	service_methods_n = sizeof(service_methods) / sizeof(service_methods[0]);
