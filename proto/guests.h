/*
 * proto/guests.h - the accounts of the door (door.h): who is here, and what each may still do.
 *
 * door.c stands between the C library and gRPC, and asks here. It holds the lock over each
 * call of a group below, and over what it does to the descriptor meanwhile: so nobody is sent
 * away who got a number that another just gave up. What door.h declares from door_call() on
 * is here as well, and takes the lock itself.
 */
#ifndef PROTO_GUESTS_H
#define PROTO_GUESTS_H

#include "proto/door.h"

struct guest;
struct sockaddr;

void	 guests_lock(void);
void	 guests_unlock(void);

/* Whose descriptor it is; NULL: nobody's. Without the lock it is good for "nobody's" only. */
struct guest *guests_at(int fd);

/* From now on: once. */
void	 guests_open(uint64_t now);
bool	 guests_are_open(void);		/* without the lock */

/* A place for a connection that came; false, and counted: none. */
bool	 guests_enter(int fd, const struct sockaddr *a, uint64_t now);
/* Its descriptor goes. */
void	 guests_leave(struct guest *g);
/* Somebody makes room for another's descriptor. */
void	 guests_spare_one(void);
void	 guests_count_starved(void);

/* It was told to go, and the library does not know yet. */
bool	 guest_is_leaving(const struct guest *g);
/* How much of it may be read now; 0: nothing before the next round, and the doorman is called. */
size_t	 guest_may_read(struct guest *g);
/* n bytes were read; false: no more of this one. */
bool	 guest_has_read(struct guest *g, size_t n, uint64_t now);

#endif
