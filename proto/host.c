/* proto/host.c - see proto/host.h. */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "proto/host.h"

bool
host_of(const struct sockaddr *a, struct host *ret)
{
	struct sockaddr_in	v4;
	struct sockaddr_in6	v6;

	memset(ret, 0, sizeof(*ret));
	if (a->sa_family == AF_INET) {
		memcpy(&v4, a, sizeof(v4));
		memset(ret->address + 10, 0xff, 2);
		memcpy(ret->address + 12, &v4.sin_addr, 4);
		ret->port = ntohs(v4.sin_port);
		return true;
	}
	if (a->sa_family != AF_INET6)
		return false;
	memcpy(&v6, a, sizeof(v6));
	memcpy(ret->address, &v6.sin6_addr, 16);
	ret->port = ntohs(v6.sin6_port);
	return true;
}

bool
host_named(const char *peer, struct host *ret)
{
	const char	*from = strchr(peer, ':'), *to = strrchr(peer, ':');
	char		 text[80];
	size_t		 n;

	memset(ret, 0, sizeof(*ret));
	if (from == NULL || to <= from)
		return false;
	from += from[1] == '[' ? 2 : strncmp(from + 1, "%5B", 3) == 0 ? 4 : 1;
	ret->port = (uint16_t)strtoul(to + 1, NULL, 10);
	if (to < from || (n = (size_t)(to - from)) >= sizeof(text))
		return false;
	memcpy(text, from, n);
	text[n] = '\0';
	text[strncmp(peer, "ipv4:", 5) == 0 ? n : strcspn(text, "]%")] = '\0';
	if (inet_pton(AF_INET6, text, ret->address) == 1)
		return true;
	memset(ret->address + 10, 0xff, 2);
	return inet_pton(AF_INET, text, ret->address + 12) == 1;
}

uint64_t
host_network(const struct host *h)
{
	static const uint8_t	mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint64_t		x = 0;

	if (memcmp(h->address, mapped, sizeof(mapped)) == 0)
		memcpy(&x, h->address + 8, 8);
	else
		memcpy(&x, h->address, 8);
	return x;
}
