/* cli/stop.c - signals that are noted, and carried out later. */
#include <signal.h>
#include <stddef.h>

#include "cli/stop.h"

#define SIGNALS	(sizeof(signals) / sizeof(signals[0]))

static const int		signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
static struct sigaction		before[SIGNALS];
static volatile sig_atomic_t	came;

static void
on_signal(int sig)
{
	came = sig;
}

void
stop_watch(void)
{
	struct sigaction	sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	came = 0;
	for (size_t i = 0; i < SIGNALS; i++)
		if (sigaction(signals[i], &sa, &before[i]) == 0 && before[i].sa_handler == SIG_IGN)
			(void)sigaction(signals[i], &before[i], NULL);
}

bool
stop_asked(void)
{
	return came != 0;
}

void
stop_end(void)
{
	for (size_t i = 0; i < SIGNALS; i++)
		(void)sigaction(signals[i], &before[i], NULL);
	if (came != 0)
		(void)raise(came);
}
