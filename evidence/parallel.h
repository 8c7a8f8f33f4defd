/*
 * evidence/parallel.h - work that can be done side by side.
 *
 * The core starts no thread. Where it has jobs that do not touch each other it asks for
 * them to be run; the edge may give a function that does so on several threads.
 */
#ifndef EVIDENCE_PARALLEL_H
#define EVIDENCE_PARALLEL_H

#include <stddef.h>

struct parallel {
	/* job(arg, 0) to job(arg, n - 1), each once, begun in this order; returns when all are done. */
	void	(*run)(void *user, size_t n, void (*job)(void *arg, size_t i), void *arg);
	void	*user;
};

#endif
