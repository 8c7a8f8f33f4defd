/* coordinator/in_force.c - the charter in force, and the pins that it gives. */
#include <stdlib.h>
#include <string.h>

#include "coordinator/in_force.h"
#include "edge/edge.h"
#include "policy/witness.h"

const struct in_force *
coordinator_in_force(const struct coordinator *c)
{
	return atomic_load(&c->in_force);
}

const struct charter *
coordinator_charter(const struct coordinator *c)
{
	return coordinator_in_force(c)->charter;
}

static void
free_one(struct in_force *f)
{
	charter_free(f->charter);
	free(f);
}

static enum rc
read_pins(struct in_force *f, struct err *err)
{
	const struct charter	*ch = f->charter;
	uint32_t		 i;

	for (i = 0; i < ch->n; i++)
		TRY(rpc_tls_fingerprint(SPAN(ch->custodian[i].tls_certificate.p,
		    ch->custodian[i].tls_certificate.n), f->custodian_pin[i], err));
	for (i = 0; i < ch->n_hosts; i++)
		TRY(rpc_tls_fingerprint(SPAN(ch->host[i].tls_certificate.p,
		    ch->host[i].tls_certificate.n), f->host_pin[i], err));
	return RC_OK;
}

enum rc
in_force_put(struct coordinator *c, struct span document, struct err *err)
{
	struct in_force	*f = calloc(1, sizeof(*f));
	enum rc		 rc;

	if (f == NULL)
		return err_set(err, RC_NOMEM, "charter in force: no memory");
	rc = charter_parse(document, &f->charter, err);
	if (rc == RC_OK)
		rc = read_pins(f, err);
	if (rc != RC_OK) {
		free_one(f);
		return rc;
	}
	f->before = atomic_load(&c->in_force);
	if (f->before == NULL)
		c->first = f->charter;
	atomic_store(&c->in_force, f);
	return RC_OK;
}

enum rc
in_force_follow(struct coordinator *c, const struct replica *r, struct err *err)
{
	const struct charter	*now = replica_charter(r);
	char			 hex[HEX_BYTES(SHA256_BYTES)];

	if (now == NULL || memcmp(now->digest, coordinator_charter(c)->digest, SHA256_BYTES) == 0)
		return RC_OK;
	TRY(in_force_put(c, buf_view(&now->bytes), err));
	log_line("the charter %.16s is in force", hex_write(SPAN_OF(now->digest), hex));
	return RC_OK;
}

void
in_force_done(struct coordinator *c)
{
	struct in_force	*f = atomic_load(&c->in_force), *before;

	for (; f != NULL; f = before) {
		before = f->before;
		free_one(f);
	}
	atomic_store(&c->in_force, NULL);
	c->first = NULL;
}

/* ---- notes under the keys that this log had ------------------------------------------- */

struct looking {
	struct replica		*r;
	struct span		 note;
	struct checkpoint	*ret;
	enum rc			 rc;
};

static enum rc
try_charter(void *user, const uint8_t digest[SHA256_BYTES], uint64_t since, struct err *err)
{
	struct looking		*l = user;
	const struct charter	*ch;

	(void)since;
	if (l->rc == RC_OK)
		return RC_OK;
	TRY(replica_charter_of(l->r, digest, &ch, err));
	l->rc = charter_checkpoint_verify(ch, l->note, true, l->ret, NULL, NULL);
	return RC_OK;
}

enum rc
in_force_checkpoint(struct replica *r, struct span note, struct checkpoint *ret, struct err *err)
{
	struct looking	l = { r, note, ret, RC_VERIFY };

	/* Nearly always the one in force now, and it says best what is wrong with a note. */
	if (charter_checkpoint_verify(replica_charter(r), note, true, ret, NULL, err) == RC_OK)
		return RC_OK;
	TRY(replica_charters(r, try_charter, &l, err));
	return l.rc == RC_OK ? RC_OK : err_set(err, l.rc, "the note is by no key that this log had");
}
