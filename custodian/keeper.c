/*
 * custodian/keeper.c - the process that holds shares, token and replica; no network.
 *
 * It reads frames from the listener, one at a time, and answers each. It ends
 * when the listener's side is closed for good, that is with its parent.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"
#include "custodian/frame.h"
#include "custodian/methods.h"

const struct keeper_method	keeper_methods[] = {
	/* name				callers			  max      */
	{ "/quorate.v1.Custodian/Append", CALLER_COORDINATOR,	  1 << 20, custody_append },
	{ "/quorate.v1.Custodian/Contribute", CALLER_COORDINATOR, 64,	   custody_contribute },
	{ "/quorate.v1.Custodian/Checkpoint", CALLER_COORDINATOR | CALLER_PEER, 64, custody_checkpoint },
};
const size_t	n_keeper_methods = sizeof(keeper_methods) / sizeof(keeper_methods[0]);

static enum rc
dispatch(struct custody *c, const struct frame *f, struct buf *reply, struct err *err)
{
	const struct keeper_method	*m;

	if (f->code >= n_keeper_methods)
		return custody_say(c, err, RC_USAGE, "no such method");
	m = &keeper_methods[f->code];
	if ((m->callers & f->roles) == 0 || f->payload.n > m->max_request)
		return custody_say(c, err, RC_DENIED, "not allowed");
	return m->run(c, buf_view(&f->payload), reply, err);
}

static enum rc
serve_one(struct custody *c, int fd, struct frame *f, struct buf *reply, struct err *err)
{
	enum rc	rc;

	TRY(frame_read(fd, -1, f, err));
	buf_reset(reply);
	c->words[0] = '\0';
	rc = dispatch(c, f, reply, err);
	if (rc != RC_OK) {
		buf_reset(reply);
		log_err(err, "%s", f->code < n_keeper_methods ? keeper_methods[f->code].name : "?");
	}
	if (rc == RC_BUG)
		return err_set(err, RC_BUG, "an invariant broke; stopping");
	return frame_write(fd, f->id, (uint8_t)rc, 0, c->words, buf_view(reply), err);
}

int
keeper_main(const char *dir, int fd)
{
	AUTO_DONE(buf_done) struct buf reply = BUF_INIT(FRAME_BYTES_MAX);
	AUTO(custody_free) struct custody *c = NULL;
	struct frame	f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };
	struct err	err;
	enum rc		rc;

	(void)signal(SIGINT, SIG_IGN);	/* the parent decides */
	if ((rc = harden(&err)) != RC_OK || (rc = secret_init(&err)) != RC_OK ||
	    (rc = custody_open(dir, &c, &err)) != RC_OK) {
		log_err(&err, "cannot start");
		return exit_code(rc);
	}
	/* The parent learns that we serve by this frame; id 0 is never asked. */
	rc = frame_write(fd, 0, RC_OK, 0, NULL, SPAN(NULL, 0), &err);
	while (rc == RC_OK)
		rc = serve_one(c, fd, &f, &reply, &err);
	buf_done(&f.payload);
	if (rc == RC_BUG)
		log_err(&err, "keeper");
	return rc == RC_BUG ? exit_code(rc) : EXIT_YES;
}
