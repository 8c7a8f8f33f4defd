/*
 * edge/confine.h - what a process may still do: files and ports by Landlock, system calls by seccomp.
 *
 * Never to be undone. Landlock holds for the calling thread and those that it starts later,
 * so it comes before any; seccomp for all threads of the process. What is open stays open.
 * A kernel that lacks one of them, or knows an early version of Landlock, leaves out what it
 * does not know: RC_OK with *ret_whole false, and the caller says so in one line of its log.
 * There is no way to turn either off. What each role may do, and why: docs/adr/0023.
 *
 * A call that no honest code makes (a program, a trace, another's memory) kills the process;
 * any other that its role does not list fails with EPERM, since libraries try things out.
 */
#ifndef EDGE_CONFINE_H
#define EDGE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A program with a sanitizer in it calls more, and reads /proc: its own report wants that. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFINE_SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CONFINE_SANITIZED
#endif
#endif

struct confine_place {
	const char	*path;		/* a folder: all beneath it; or one file; links are followed */
	bool		 write;		/* and make, change and remove what is there */
};

struct confine_ports {
	const uint16_t	*bind, *connect;	/* TCP */
	size_t		 n_bind, n_connect;
};

/*
 * No file is opened from here on but in these places, no TCP port bound or connected to but
 * these (NULL: none), and nobody outside is signalled or reached by an abstract socket. A second
 * call only takes away. RC_IO: a place that is not there.
 */
MUST_USE enum rc confine_files(const struct confine_place *place, size_t n, const struct confine_ports *ports,
    bool *ret_whole, struct err *err);

enum confine_role {
	CONFINE_LISTENER = 1 << 0,	/* custodiand: IP sockets, threads */
	CONFINE_KEEPER = 1 << 1,	/* custodiand: files, unix sockets (a token's daemon), threads */
	CONFINE_WORKER = 1 << 2,	/* coordinatord: reads and writes what is open, and nothing else */
	CONFINE_TILES = 1 << 3,		/* coordinatord: accepts connections, reads what is open, threads */
	CONFINE_OPEN = 1 << 4,		/* quorate open: files, threads */
	CONFINE_OPEN_CARD = 1 << 7,	/* the same, and unix sockets: a card's daemon */
	/* For these two only what no honest code calls is taken away; their children inherit that. */
	CONFINE_PARENT = 1 << 5,	/* custodiand, once the keeper is there: forks listeners */
	CONFINE_COORDINATOR = 1 << 6,	/* coordinatord: starts its own program anew */
};

/* A line of the log for what the kernel left out; none when both are whole. */
void	 confine_say(bool files_whole, bool calls_whole);

/*
 * RC_NOMEM, RC_IO: nothing was taken away, and the caller ends. Making the filter has two seconds of
 * processor time: libseccomp 2.5 may never end for want of memory. The process then ends by itself, with
 * a line to stderr and exit code 74. Meanwhile SIGXCPU and RLIMIT_CPU are set, for all its threads.
 */
MUST_USE enum rc confine_calls(enum confine_role role, bool *ret_whole, struct err *err);

#endif
