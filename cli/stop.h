/*
 * cli/stop.h - work that must be taken back when somebody interrupts it.
 *
 * From stop_watch() to stop_end() an interrupt, a hang-up or a request to end is only
 * noted; who works asks now and then, and takes back what is half done. One thread, once
 * at a time. What was ignored before (nohup) stays ignored.
 */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <stdbool.h>

void	 stop_watch(void);
bool	 stop_asked(void);
/* Signals are as they were. If one came, it ends us now, as who sent it expects. */
void	 stop_end(void);

#endif
