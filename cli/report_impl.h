/*
 * cli/report_impl.h - one entry on its way into a report. Internal to cli/report*.c.
 */
#ifndef CLI_REPORT_IMPL_H
#define CLI_REPORT_IMPL_H

#include "cli/report.h"

struct walk {
	struct report		*r;
	const struct charter	*charter;	/* in force at the entry */
	when			 last;		/* the latest time that an entry has had so far */
	/* This entry. */
	uint64_t		 index;
	when			 time;		/* as it says */
	struct verdict		 v;
	bool			 parsed;	/* s is its statement */
	struct statement	 s;
};

#endif
