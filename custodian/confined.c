/* custodian/confined.c - see confined.h. */
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "custodian/confined.h"
#include "edge/confine.h"

#define DNS_PORT	53
#define PORTS_MAX	(2 + CUSTODIANS_MAX)

/* Of "host:port"; 0, which nobody can connect to: whoever uses the address says what is wrong with it. */
static uint16_t
port_of(const char *address)
{
	const char	*colon = strrchr(address, ':');
	unsigned long	 port = colon == NULL ? 0 : strtoul(colon + 1, NULL, 10);

	return port > UINT16_MAX ? 0 : (uint16_t)port;
}

/* Where names of machines are looked up, read anew each time; how many may wait at its port; for how many processors. */
static size_t
resolver_places(struct confine_place *ret)
{
	static const char *const	path[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf",
					    "/etc/gai.conf", "/etc/services", "/proc/sys/net/core/somaxconn", "/sys/devices/system/cpu" };
	size_t				i, n = 0;

	for (i = 0; i < sizeof(path) / sizeof(path[0]); i++)
		if (file_exists(path[i]))
			ret[n++] = (struct confine_place){ path[i], false };
	return n;
}

enum rc
listener_confine(const struct custodian_config *c, const struct charter *charter, struct err *err)
{
	struct confine_place	place[8];
	/* 0, any that is free: gRPC binds one for a moment, and gives IPv6 up for good when it may not. */
	uint16_t		own = port_of(c->listen), bind[] = { own, 0 }, connect[PORTS_MAX] = { own, DNS_PORT };
	struct confine_ports	ports = { bind, connect, 2, 2 };
	bool			files, calls;
	uint8_t			i;

	/* Its own as well: it calls itself to see whether it still hears. */
	for (i = 0; i < charter->n; i++)
		connect[ports.n_connect++] = port_of(charter->custodian[i].address);
	TRY(confine_files(place, resolver_places(place), &ports, &files, err));
	TRY(confine_calls(CONFINE_LISTENER, &calls, err));
	confine_say(files, calls);
	return RC_OK;
}

static enum rc
token_works(struct custody *c, struct err *err)
{
	AUTO_DONE(buf_done) struct buf report = BUF_INIT(8192);
	struct hsm_probe	p;

	TRY(hsm_probe(c->hsm, c->share_key, &p, &report, err));
	if (c->config.token.accept_extractable)
		p.extracted = p.weak_claim = false;
	return hsm_probe_check(&p, err);
}

enum rc
keeper_confine(struct custody *c, struct err *err)
{
	struct confine_place	 place[1 + TOKEN_PLACES_MAX] = { { c->config.dir, true } };
	struct token_config	*t = &c->config.token;
	bool			 files, calls;
	uint8_t			 first;
	size_t			 i;
	enum rc			 rc;

	/* The database opens /dev/urandom when it first wants a number, and would make do with the time. */
	sqlite3_randomness(sizeof(first), &first);
	for (i = 0; i < t->n_places; i++)
		place[1 + i] = (struct confine_place){ t->place[i], file_is_dir(t->place[i]) };
	if ((rc = confine_files(place, 1 + t->n_places, NULL, &files, err)) != RC_OK)
		return err_wrap(err, rc, "token.places in %s/custodian.json", c->config.dir);
	TRY(confine_calls(CONFINE_KEEPER, &calls, err));
	confine_say(files, calls);
	if ((rc = token_works(c, err)) == RC_OK)
		return RC_OK;
	return err_wrap(err, RC_USAGE, "the token no longer works once the keeper is confined: does its module use other files "
	    "than token.places in %s/custodian.json names? See custodiand(8), CONFINEMENT", c->config.dir);
}

enum rc
parent_confine(struct err *err)
{
	bool	whole;

	return confine_calls(CONFINE_PARENT, &whole, err);	/* its children say what the kernel lacks */
}
