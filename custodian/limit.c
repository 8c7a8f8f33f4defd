/* custodian/limit.c - see custodian/limit.h. */
#include <arpa/inet.h>

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "custodian/limit.h"

#define CALL	1000u			/* thousandths */

void
limit_init(struct limit *l, const uint8_t key[LIMIT_KEY_BYTES])
{
	memset(l, 0, sizeof(*l));
	memcpy(l->key, key, sizeof(l->key));
}

/* --- where from ------------------------------------------------------------------- */

/* "ipv6:%5B::1%5D:4711", "ipv6:[::1]:4711", "ipv4:127.0.0.1:4711": what stands before the port. */
static bool
host_of(const char *address, char *ret, size_t n)
{
	const char	*from = strchr(address, ':'), *to = strrchr(address, ':');

	if (from == NULL || to == from)
		return false;
	from++;
	if (strncmp(from, "%5B", 3) == 0 && to - from >= 6 && strncmp(to - 3, "%5D", 3) == 0) {
		from += 3;
		to -= 3;
	} else if (*from == '[' && to[-1] == ']') {
		from++;
		to--;
	}
	if (to <= from || (size_t)(to - from) >= n)
		return false;
	memcpy(ret, from, (size_t)(to - from));
	ret[to - from] = '\0';
	return true;
}

/* Eight bytes: an IPv4 address, also one written as IPv6, or the /64 of an IPv6 address. */
static void
network_of(const char *address, uint8_t ret[8])
{
	static const uint8_t	mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint8_t			v6[16];
	char			host[64], *zone;

	memset(ret, 0, 8);
	if (!host_of(address, host, sizeof(host)))
		return;
	if ((zone = strchr(host, '%')) != NULL)		/* fe80::1%eth0 */
		*zone = '\0';
	if (inet_pton(AF_INET, host, ret + 4) == 1)
		return;
	if (inet_pton(AF_INET6, host, v6) != 1)
		return;
	if (memcmp(v6, mapped, sizeof(mapped)) == 0)
		memcpy(ret + 4, v6 + 12, 4);
	else
		memcpy(ret, v6, 8);
}

size_t
limit_source(const struct limit *l, const char *address)
{
	uint8_t	network[8], hash[crypto_shorthash_BYTES];

	_Static_assert(LIMIT_KEY_BYTES == crypto_shorthash_KEYBYTES, "SipHash");
	network_of(address, network);
	(void)crypto_shorthash(hash, network, sizeof(network), l->key);
	return hash[0] % LIMIT_SOURCES;
}

/* --- buckets ------------------------------------------------------------------------ */

/* Room for one more? What was spent runs off by `rate` calls a second. */
static bool
has_room(struct limit_bucket *b, unsigned rate, unsigned burst, uint64_t now_ms)
{
	uint64_t	passed = now_ms > b->at_ms ? now_ms - b->at_ms : 0;

	/* A thousandth of a call a millisecond for each call a second. */
	if (passed >= b->spent / rate + 1)
		b->spent = 0;
	else
		b->spent -= passed * rate;
	b->at_ms = now_ms;
	return b->spent + CALL <= (uint64_t)burst * CALL;
}

static bool
enter_stranger(struct limit *l, const char *address, uint64_t now_ms)
{
	struct limit_bucket	*b = &l->source[limit_source(l, address)];

	if (!has_room(b, LIMIT_SOURCE_RATE, LIMIT_SOURCE_BURST, now_ms) ||
	    !has_room(&l->strangers, LIMIT_STRANGERS_RATE, LIMIT_STRANGERS_BURST, now_ms) ||
	    l->strangers_running >= LIMIT_STRANGERS_AT_ONCE)
		return false;
	b->spent += CALL;
	l->strangers.spent += CALL;
	l->strangers_running++;
	return true;
}

bool
limit_enter(struct limit *l, size_t caller, const char *address, uint64_t now_ms)
{
	if (caller >= LIMIT_CALLERS_MAX)
		return enter_stranger(l, address, now_ms);
	if (!has_room(&l->known[caller], LIMIT_KNOWN_RATE, LIMIT_KNOWN_BURST, now_ms) ||
	    l->running[caller] >= LIMIT_AT_ONCE)
		return false;
	l->known[caller].spent += CALL;
	l->running[caller]++;
	return true;
}

void
limit_leave(struct limit *l, size_t caller)
{
	if (caller >= LIMIT_CALLERS_MAX)
		l->strangers_running--;
	else
		l->running[caller]--;
}
