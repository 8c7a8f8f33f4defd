/* coordinator/hire.c - the parent's end of a release worker. */
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/wire.h"
#include "coordinator/hire.h"
#include "evidence/cms.h"
#include "policy/dsse.h"

void
hired_init(struct hired *w)
{
	(void)pthread_mutex_init(&w->lock, NULL);	/* a plain mutex cannot fail on Linux */
	w->pid = 0;
	w->to = w->from = -1;
	w->silent_ms = WORKER_SILENT_MS;
}

static int
actions_fill(posix_spawn_file_actions_t *a, int in, int out)
{
	int	e;

	if ((e = posix_spawn_file_actions_adddup2(a, in, 0)) != 0 ||
	    (e = posix_spawn_file_actions_adddup2(a, out, 1)) != 0 ||
	    (e = posix_spawn_file_actions_addopen(a, 2, "/dev/null", O_WRONLY, 0)) != 0)
		return e;
	return posix_spawn_file_actions_addclosefrom_np(a, 3);
}

static int
attributes_fill(posix_spawnattr_t *a)
{
	sigset_t	none, usual;
	int		e;

	(void)sigemptyset(&none);
	(void)sigemptyset(&usual);
	(void)sigaddset(&usual, SIGPIPE);
	if ((e = posix_spawnattr_setsigmask(a, &none)) != 0 ||
	    (e = posix_spawnattr_setsigdefault(a, &usual)) != 0)
		return e;
	return posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static int
spawn(pid_t *pid, int in, int out, const uint8_t genesis[SHA256_BYTES])
{
	char	name[] = "coordinatord", command[] = WORKER_COMMAND;
	char	hex[HEX_BYTES(SHA256_BYTES)];
	char	*argv[] = { name, command, hex, NULL }, *envp[] = { NULL };
	posix_spawn_file_actions_t	actions;
	posix_spawnattr_t		attributes;
	int				e;

	(void)hex_write(SPAN(genesis, SHA256_BYTES), hex);
	if ((e = posix_spawn_file_actions_init(&actions)) != 0)
		return e;
	if ((e = posix_spawnattr_init(&attributes)) != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return e;
	}
	e = actions_fill(&actions, in, out);
	if (e == 0)
		e = attributes_fill(&attributes);
	if (e == 0)
		e = posix_spawn(pid, "/proc/self/exe", &actions, &attributes, argv, envp);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return e;
}

enum rc
hired_spawn(struct hired *w, const uint8_t genesis[SHA256_BYTES], struct err *err)
{
	int	in[2], out[2], e;
	pid_t	pid;

	if (pipe2(in, O_CLOEXEC) != 0)
		return err_set(err, RC_IO, "release worker: %s", strerror(errno));
	if (pipe2(out, O_CLOEXEC) != 0) {
		e = errno;
		(void)close(in[0]);
		(void)close(in[1]);
		return err_set(err, RC_IO, "release worker: %s", strerror(e));
	}
	/* One that hangs must not hold a release for ever: our ends do not block. */
	e = fcntl(in[1], F_SETFL, O_NONBLOCK) != 0 || fcntl(out[0], F_SETFL, O_NONBLOCK) != 0 ? errno :
	    spawn(&pid, in[0], out[1], genesis);
	(void)close(in[0]);
	(void)close(out[1]);
	w->to = in[1];
	w->from = out[0];
	if (e != 0)
		return err_set(err, RC_IO, "release worker: %s", strerror(e));
	(void)pthread_mutex_lock(&w->lock);
	w->pid = pid;
	(void)pthread_mutex_unlock(&w->lock);
	return RC_OK;
}

/* What the worker says went wrong becomes our own error. */
static enum rc
expect(struct hired *w, uint8_t kind, uint8_t other, uint8_t *ret_kind, struct buf *body,
    struct err *err)
{
	size_t	n;
	enum rc	rc;

	TRY(frame_receive(w->from, w->silent_ms, ret_kind, body, err));
	if (*ret_kind == kind || *ret_kind == other)
		return RC_OK;
	if (*ret_kind != WORKER_FAILED || body->n < 1)
		return err_set(err, RC_BUG, "release worker: an unexpected frame");
	rc = body->p[0] > RC_OK && body->p[0] <= RC_BUG ? (enum rc)body->p[0] : RC_BUG;
	n = body->n - 1;
	return err_set(err, rc, "%.*s", (int)(n < ERR_MSG_BYTES ? n : ERR_MSG_BYTES - 1),
	    (const char *)body->p + 1);
}

enum rc
hired_begin(struct hired *w, struct buf *certificate, struct err *err)
{
	uint8_t	kind;
	enum rc	rc = frame_send(w->to, w->silent_ms, WORKER_BEGIN, SPAN(NULL, 0), err);

	/* When it failed before, what it said stands in the other pipe. */
	if (rc == RC_OK || rc == RC_UNSURE)
		rc = expect(w, WORKER_CERTIFICATE, WORKER_CERTIFICATE, &kind, certificate, err);
	return rc;
}

enum rc
hired_start(struct hired *w, const uint8_t genesis[SHA256_BYTES], struct buf *certificate,
    struct err *err)
{
	TRY(hired_spawn(w, genesis, err));
	return hired_begin(w, certificate, err);
}

void
hired_move(struct hired *w, struct hired *from)
{
	pid_t	pid;

	(void)pthread_mutex_lock(&from->lock);
	pid = from->pid;
	from->pid = 0;
	(void)pthread_mutex_unlock(&from->lock);
	w->to = from->to;
	w->from = from->from;
	from->to = from->from = -1;
	(void)pthread_mutex_lock(&w->lock);
	w->pid = pid;
	(void)pthread_mutex_unlock(&w->lock);
}

enum rc
hired_brief(struct hired *w, const uint8_t order[SHA256_BYTES], struct span bytes, struct err *err)
{
	AUTO_DONE(buf_done) struct buf body = BUF_INIT(WORKER_FRAME_MAX);

	buf_add(&body, order, SHA256_BYTES);
	buf_span(&body, bytes);
	TRY(buf_check(&body, "case", err));
	return frame_send(w->to, w->silent_ms, WORKER_CASE, buf_view(&body), err);
}

enum rc
hired_ready(struct hired *w, struct err *err)
{
	AUTO_DONE(buf_done) struct buf body = BUF_INIT(WORKER_FRAME_MAX);
	uint8_t	kind;

	return expect(w, WORKER_READY, WORKER_READY, &kind, &body, err);
}

enum rc
hired_case(struct hired *w, const uint8_t order[SHA256_BYTES], struct span bytes,
    struct err *err)
{
	enum rc	rc = hired_brief(w, order, bytes, err);

	/* When it failed before, what it said stands in the other pipe. */
	return rc == RC_OK || rc == RC_UNSURE ? hired_ready(w, err) : rc;
}

enum rc
hired_answer(struct hired *w, uint8_t custodian, struct span message, struct span receipt,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf body = BUF_INIT(CMS_BYTES_MAX + DSSE_BYTES_MAX + 16);
	enum rc	rc;

	buf_u8(&body, custodian);
	buf_vec32(&body, message);
	buf_vec32(&body, receipt);
	TRY(buf_check(&body, "answer", err));
	rc = frame_send(w->to, w->silent_ms, WORKER_ANSWER, buf_view(&body), err);
	return rc == RC_UNSURE ? RC_OK : rc;	/* combining tells what it said */
}

enum rc
hired_combine(struct hired *w, uint32_t *ret_good, uint32_t *ret_bad, struct buf *keys,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf body = BUF_INIT(CMS_BYTES_MAX + 8);
	struct rd	r;
	uint8_t		kind;
	enum rc		rc;

	rc = frame_send(w->to, w->silent_ms, WORKER_COMBINE, SPAN(NULL, 0), err);
	if (rc != RC_OK && rc != RC_UNSURE)
		return rc;
	TRY(expect(w, WORKER_KEYS, WORKER_SHORT, &kind, &body, err));
	r = rd_init(buf_view(&body));
	if (!rd_u32(&r, ret_good) || !rd_u32(&r, ret_bad))
		return err_set(err, RC_BUG, "release worker: a malformed answer");
	if (kind == WORKER_SHORT)
		return err_set(err, RC_QUORUM, "too few good contributions");
	buf_add(keys, body.p + r.at, body.n - r.at);
	return buf_check(keys, "keys", err);
}

void
hired_kill(struct hired *w)
{
	(void)pthread_mutex_lock(&w->lock);
	if (w->pid > 0)
		(void)kill(w->pid, SIGKILL);
	(void)pthread_mutex_unlock(&w->lock);
}

void
hired_done(struct hired *w)
{
	pid_t	pid;

	if (w->to >= 0)
		(void)close(w->to);	/* at its end of file the worker goes by itself */
	if (w->from >= 0)
		(void)close(w->from);
	w->to = w->from = -1;
	hired_kill(w);
	(void)pthread_mutex_lock(&w->lock);
	pid = w->pid;
	w->pid = 0;
	(void)pthread_mutex_unlock(&w->lock);
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}
