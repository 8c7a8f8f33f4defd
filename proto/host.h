/*
 * proto/host.h - who is at the other end of a connection, for the door (guests.h).
 *
 * Pure. IPv4 stands as ::ffff:a.b.c.d, so that a listener on all of IPv6 counts it as one on
 * IPv4 does.
 */
#ifndef PROTO_HOST_H
#define PROTO_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct sockaddr;

struct host {
	uint8_t		address[16];
	uint16_t	port;
};

/* Of an address from accept4(); false: no address of IP. */
bool	 host_of(const struct sockaddr *a, struct host *ret);
/* Of "ipv4:127.0.0.1:4711", "ipv6:%5B::1%5D:4711", "ipv6:[fe80::1%25eth0]:4711". */
bool	 host_named(const char *peer, struct host *ret);
/* A number for whom it counts as: one address of IPv4, one /64 of IPv6. */
uint64_t host_network(const struct host *h);

#endif
