/*
 * base/declassify.h - where a bit that was computed from a secret becomes public.
 *
 * What a function decides about a secret (it is a scalar, the proof holds) is told to
 * whoever asks, so it may decide a branch; the bytes it was computed from may not. Each
 * place where that happens says so here, with a comment why it is public.
 *
 * It does nothing to the value. `make ct` runs the secret paths with secrets marked as
 * undefined (tests/ct/README.md) and builds this with QUORATE_CT, so that valgrind
 * takes what stands here, and nothing else, as public.
 */
#ifndef BASE_DECLASSIFY_H
#define BASE_DECLASSIFY_H

#include <stdbool.h>
#include <stddef.h>

#ifdef QUORATE_CT
#include <valgrind/memcheck.h>
#endif

/* The n bytes at p are public from here on. */
static inline void
declassify(const void *p, size_t n)
{
#ifdef QUORATE_CT
	VALGRIND_MAKE_MEM_DEFINED(p, n);
#else
	(void)p;
	(void)n;
#endif
}

/* An answer that is public, whatever it is about. */
static inline bool
declassified(bool answer)
{
	declassify(&answer, sizeof(answer));
	return answer;
}

#endif
