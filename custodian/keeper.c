/*
 * custodian/keeper.c - the process that holds shares, token and replica; no network.
 *
 * It reads frames from the listener, one at a time, and answers each. Its parent
 * hands it the socket of each listener that it starts; what a listener sends that
 * is no frame costs that listener its socket and nobody else. It ends with its parent.
 */
#include <sys/resource.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/secret.h"
#include "custodian/confined.h"
#include "custodian/frame.h"
#include "custodian/methods.h"

#define REPLY_MAX	(1 << 20)	/* what the listener can send on; a frame holds it */
#define FILES_MAX	256		/* database, token and the two sockets need a tenth */

#define KNOWN	(CALLER_COORDINATOR | CALLER_PEER | CALLER_HOST)

const struct keeper_method	keeper_methods[] = {
	/* name				  callers		  max        */
	{ "/quorate.v1.Custodian/Append",     CALLER_COORDINATOR,     1 << 20,   custody_append },
	{ "/quorate.v1.Custodian/Contribute", CALLER_COORDINATOR,     64,	 custody_contribute },
	{ "/quorate.v1.Custodian/Checkpoint", KNOWN | CALLER_ANYBODY, 64,	 custody_checkpoint },
	{ "/quorate.v1.Custodian/Submit",     KNOWN | CALLER_ANYBODY, 512 << 10, custody_submit },
	{ "/quorate.v1.Custodian/Exchange",   CALLER_PEER,	      EXCHANGE_BYTES_MAX, custody_exchange },
	/* Not served over the network. */
	{ SELF_OUTGOING,		      CALLER_SELF,	      1,	 custody_outgoing },
	{ SELF_HEARD,			      CALLER_SELF,	      1 + EXCHANGE_BYTES_MAX, custody_heard },
	{ SELF_CHARTER,			      CALLER_SELF,	      SHA256_BYTES,	 custody_in_force },
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

#define FAILURES_MAX	50		/* lines about calls in FAILURES_MS: strangers cause them, too */
#define FAILURES_MS	10000

struct keeper {
	struct custody	*c;
	struct log_quota failures;
	int		 control, conn;		/* conn: the listener's; -1 when there is none */
	struct frame	 f;
	struct buf	 reply;
	int		 wait_ms;		/* for a frame, before the background check goes on */
	bool		 faulty;		/* the check failed, at ... */
	when		 fault;
};

/* One question. RC_IO: the listener is gone, or talks nonsense. RC_BUG: stop. */
static enum rc
serve_one(struct keeper *k, struct err *err)
{
	enum rc	rc;

	TRY(frame_read(k->conn, -1, &k->f, err));
	buf_reset(&k->reply);
	k->c->words[0] = '\0';
	k->c->caller = k->f.roles;
	k->c->from = k->f.from;
	rc = dispatch(k->c, &k->f, &k->reply, err);
	if (rc != RC_OK) {
		buf_reset(&k->reply);
		if (rc == RC_BUG || log_may(&k->failures, FAILURES_MAX, FAILURES_MS, clock_ms()))
			log_err(err, "%s", k->f.code < n_keeper_methods ? keeper_methods[k->f.code].name : "?");
	}
	if (rc == RC_BUG)
		return err_set(err, RC_BUG, "an invariant broke; stopping");
	return frame_write(k->conn, k->f.id, (uint8_t)rc, 0, 0, k->c->words, buf_view(&k->reply), err);
}

static void
hang_up(struct keeper *k)
{
	if (k->conn >= 0)
		(void)close(k->conn);
	k->conn = -1;
}

static bool
rests(const struct keeper *k, when now)
{
	return k->faulty && now >= k->fault && now - k->fault < CHECK_REST_MS / 1000;
}

static enum rc
work(struct keeper *k, when now, struct err *err)
{
	int	check_ms, consent_ms;

	TRY(check_work(k->c, now, &check_ms, err));
	TRY(consent_work(k->c, now, false, &consent_ms, err));
	k->wait_ms = consent_ms >= 0 && (check_ms < 0 || consent_ms < check_ms) ? consent_ms : check_ms;
	return RC_OK;
}

/*
 * A little of what can wait, when no frame does. Whatever goes wrong with it, those who
 * ask are served; one line says so, until it goes well again.
 */
static void
idle(struct keeper *k)
{
	when		now = clock_now();
	struct err	err;

	k->wait_ms = CHECK_REST_MS;
	if (rests(k, now))
		return;
	if (work(k, now, &err) == RC_OK) {
		k->faulty = false;
		return;
	}
	if (!k->faulty)
		log_err(&err, "the check of sealed shares, and consents to amendments, wait");
	k->faulty = true;
	k->fault = now;
	k->wait_ms = CHECK_REST_MS;
}

/* RC_IO: the parent is gone. */
static enum rc
turn(struct keeper *k, struct err *err)
{
	struct pollfd	p[2] = { { .fd = k->control, .events = POLLIN }, { .fd = k->conn, .events = POLLIN } };
	int		n = poll(p, 2, k->wait_ms);	/* a negative descriptor is passed over */
	enum rc		rc;

	if (n < 0)
		return errno == EINTR ? RC_OK : err_set(err, RC_IO, "poll: %s", strerror(errno));
	if (n == 0) {
		idle(k);
		return RC_OK;
	}
	k->wait_ms = 0;			/* it may have brought something to check */
	if (p[0].revents != 0) {
		hang_up(k);
		return frame_fd_recv(k->control, &k->conn, err);
	}
	if ((rc = serve_one(k, err)) == RC_BUG)
		return rc;
	if (rc != RC_OK)
		hang_up(k);		/* the parent starts another listener */
	return RC_OK;
}

static enum rc
start(const char *dir, struct custody **ret, struct err *err)
{
	AUTO(custody_free) struct custody *c = NULL;
	struct rlimit	files = { FILES_MAX, FILES_MAX };

	/* The parent decides when we end: a service manager signals all of us at once. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGTERM, SIG_IGN);
	TRY(harden(err));
	TRY(secret_init(err));
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		return err_set(err, RC_IO, "cannot limit open files: %s", strerror(errno));
	/* Before the token: whoever starts takes it over (custodian/steps.h), and by mistake nobody should. */
	TRY(file_lock(dir, "custodiand", err));
	TRY(custody_open(dir, &c, err));
	/* Before the first frame. */
	TRY(keeper_confine(c, err));
	*ret = TAKE(c);
	return RC_OK;
}

int
keeper_main(const char *dir, int control)
{
	AUTO(custody_free) struct custody *c = NULL;
	struct keeper	k = { .control = control, .conn = -1, .f = { .payload = BUF_INIT(FRAME_BYTES_MAX) },
			    .reply = BUF_INIT(REPLY_MAX) };
	struct err	err;
	enum rc		rc;

	if ((rc = start(dir, &c, &err)) != RC_OK) {
		log_err(&err, "cannot start");
		return exit_code(rc);
	}
	k.c = c;
	/* The parent learns that we can serve by this frame. */
	rc = frame_write(control, 0, RC_OK, 0, 0, NULL, SPAN(NULL, 0), &err);
	while (rc == RC_OK)
		rc = turn(&k, &err);
	hang_up(&k);
	buf_done(&k.f.payload);
	buf_done(&k.reply);
	if (rc == RC_BUG)
		log_err(&err, "keeper");
	return rc == RC_BUG ? exit_code(rc) : EXIT_YES;
}
