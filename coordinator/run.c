/* coordinator/run.c - coordinatord run: the threads, the server, the signal that ends it. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "coordinator/anchor.h"
#include "coordinator/begun.h"
#include "coordinator/cosigning.h"
#include "coordinator/envelopes.h"
#include "coordinator/in_force.h"
#include "coordinator/lineage.h"
#include "coordinator/load.h"
#include "coordinator/making.h"
#include "coordinator/readers.h"
#include "coordinator/rebuild.h"
#include "coordinator/release.h"
#include "coordinator/replicator.h"
#include "coordinator/sequencer.h"
#include "coordinator/tiles_child.h"
#include "coordinator/uploads.h"
#include "edge/confine.h"
#include "edge/file.h"
#include "edge/http.h"

#define WORKERS			32	/* calls may wait for custodians up to 10 s */
#define QUEUE			256
#define GRACE_MS		1000u
#define ALIVE_SECONDS		15	/* between calls to our own port */
#define ALIVE_TIMEOUT_MS	5000u
#define NOTES_MAX		50u	/* lines about calls in NOTES_MS, and as many of the library's */
#define NOTES_MS		10000u

/*
 * A log is begun by whom its genesis names only, and never where one is being rebuilt: its
 * first entry under this key, beside the old one, would be a second past.
 */
static enum rc
may_begin(const struct coordinator *c, struct err *err)
{
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/log.db", c->dir));
	if (file_exists(path))
		return RC_OK;
	TRY(file_path(path, err, "%s/" REBUILD_MARK, c->dir));
	if (file_exists(path))
		return err_set(err, RC_USAGE, "%s is here: a rebuild of the log was begun and did not end; run coordinatord "
		    "rebuild %s again", path, c->dir);
	TRY(begun_check(c, err));
	return charter_names_us(c, c->first, err);
}

/* All of them now, and synced: one that an earlier start made may not have been. */
static enum rc
make_folders(const struct coordinator *c, struct err *err)
{
	static const char *const	name[] = { "uploads", "blobs", "packages" };
	char				path[FILE_PATH_MAX];

	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		TRY(file_path(path, err, "%s/%s", c->dir, name[i]));
		TRY(file_mkdir_unsynced(path, err));
	}
	return file_sync_dir(c->dir, err);
}

enum rc
coordinator_start(struct coordinator *c, struct err *err)
{
	TRY(may_begin(c, err));
	TRY(make_folders(c, err));
	TRY(uploads_new(c->dir, clock_now(), &c->uploads, err));
	TRY(envelopes_start(c->dir, err));
	TRY(packages_clean(c, err));
	TRY(cosigning_new(c->first, sequencer_keep, c, &c->cosigning, err));
	TRY(sequencer_new(c, &c->sequencer, err));
	TRY(begun_mark(c, err));
	/* Only the log tells which charter it must be. */
	TRY(charter_names_us(c, coordinator_charter(c), err));
	TRY(readers_new(c, &c->readers, err));
	TRY(lineage_new(&c->lineage, err));
	TRY(releases_new(c, &c->releases, err));
	TRY(replicators_new(c, &c->replicators, err));
	return anchors_new(c, &c->anchors, err);
}

void
coordinator_wake(struct coordinator *c)
{
	if (c->anchors != NULL)
		anchors_stop(c->anchors);
	if (c->cosigning != NULL)
		cosigning_wake(c->cosigning);
	if (c->releases != NULL)
		releases_stop(c->releases);
	if (c->replicators != NULL)
		replicators_close(c->replicators);
}

/* In the reverse order of who uses whom. */
void
coordinator_stop(struct coordinator *c)
{
	coordinator_wake(c);
	anchors_free(c->anchors);
	releases_free(c->releases);
	replicators_free(c->replicators);
	lineage_free(c->lineage);
	readers_free(c->readers);
	sequencer_free(c->sequencer);
	cosigning_free(c->cosigning);
	uploads_free(c->uploads);
	c->anchors = NULL;
	c->releases = NULL;
	c->replicators = NULL;
	c->lineage = NULL;
	c->readers = NULL;
	c->sequencer = NULL;
	c->cosigning = NULL;
	c->uploads = NULL;
}

/* ---- the server -------------------------------------------------------------------- */

static bool
is_one_of(const uint8_t pin[RPC_PIN_BYTES], const uint8_t (*list)[RPC_PIN_BYTES], size_t n)
{
	size_t	i;

	for (i = 0; i < n; i++)
		if (memcmp(pin, list[i], RPC_PIN_BYTES) == 0)
			return true;
	return false;
}

static uint32_t
who(void *user, const uint8_t pin[RPC_PIN_BYTES])
{
	const struct in_force	*f = coordinator_in_force(user);
	uint32_t		 roles = 0;

	if (pin == NULL)
		return 0;
	if (is_one_of(pin, f->host_pin, f->charter->n_hosts))
		roles |= ROLE_HOST;
	if (is_one_of(pin, f->custodian_pin, f->charter->n))
		roles |= ROLE_CUSTODIAN;
	return roles;
}

/* Strangers can be refused faster than a disk wants to hear of it. */
static pthread_mutex_t	quota_lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_quota	notes, lines;

static bool
may_log(struct log_quota *q)
{
	bool	may;

	(void)pthread_mutex_lock(&quota_lock);
	may = log_may(q, NOTES_MAX, NOTES_MS, clock_ms());
	(void)pthread_mutex_unlock(&quota_lock);
	return may;
}

static void
note(void *user, const struct rpc_call *call, const struct err *err)
{
	(void)user;
	if (may_log(&notes))
		log_line("%s from %s: %s (%s)", rpc_method_name(call), rpc_peer_address(call),
		    err->msg, rc_name(err->rc));
}

static void
library_line(const char *line)
{
	if (may_log(&lines))
		log_line("rpc: %s", line);
}

static enum rc
serve(struct coordinator *c, struct rpc_server **ret, struct err *err)
{
	struct rpc_server_options	o = {
		.address = c->config.address,
		.cert_pem = buf_view(&c->tls_cert),
		.key_pem = SPAN(secret_view(c->tls_key), secret_len(c->tls_key)),
		.methods = service_methods,
		.n_methods = service_methods_n,
		.user = c,
		.who = who,
		.note = note,
		.workers = WORKERS,
		.queue = QUEUE,
	};
	uint16_t	port;

	TRY(rpc_server_new(&o, ret, err));
	return rpc_server_start(*ret, &port, err);
}

/* ---- until a signal ------------------------------------------------------------------ */

static void
block_signals(sigset_t *set)
{
	(void)sigemptyset(set);
	(void)sigaddset(set, SIGTERM);
	(void)sigaddset(set, SIGINT);
	/* Before any thread starts, so that all of them inherit it. */
	(void)pthread_sigmask(SIG_BLOCK, set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);		/* one package that is too large is no end of all */
}

/* A listener that went deaf stays so; a new process hears again (docs/adr/0001). */
static enum rc
until_signal(struct rpc_server *server, const sigset_t *set, struct err *err)
{
	struct timespec	ts = { ALIVE_SECONDS, 0 };
	unsigned	deaf = 0;
	int		sig;

	for (;;) {
		sig = sigtimedwait(set, NULL, &ts);
		if (sig == SIGTERM || sig == SIGINT) {
			log_line("stopping");
			return RC_OK;
		}
		if (sig < 0 && errno != EAGAIN && errno != EINTR)
			return err_set(err, RC_BUG, "sigtimedwait: %s", strerror(errno));
		if (rpc_server_alive(server, ALIVE_TIMEOUT_MS, err) == RC_OK)
			deaf = 0;
		else if (++deaf == 2)
			return err_set(err, RC_IO, "the listener is deaf; start me again");
	}
}

/* Two sequencers over one log would show two pasts. */
static enum rc
lock_folder(const char *dir, struct err *err)
{
	enum rc	rc = file_lock(dir, "coordinatord", err);

	return rc == RC_MISSING ? err_set(err, RC_USAGE, "%s: no coordinator here; run coordinatord init first", dir) : rc;
}

static enum rc
run(const char *dir, struct coordinator *c, struct err *err)
{
	AUTO(rpc_server_free) struct rpc_server *server = NULL;
	AUTO(tiles_child_free) struct tiles_child *tiles = NULL;
	sigset_t	set;
	bool		whole;
	enum rc		rc;

	block_signals(&set);
	TRY(close_inherited(err));
	TRY(secret_init(err));
	TRY(harden(err));
	TRY(http_init(err));
	rpc_log_to(library_line);
	TRY(lock_folder(dir, err));
	TRY(coordinator_load(dir, c, err));
	log_name("coordinatord", c->config.organisation);
	TRY(confine_calls(CONFINE_COORDINATOR, &whole, err));	/* what it lacks the tile server says */
	TRY(coordinator_start(c, err));
	TRY(serve(c, &server, err));
	if (c->config.tiles[0] != '\0')
		TRY(tiles_child_new(c->dir, c->genesis, &tiles, err));
	log_line("ready: %s at %s, %llu entries", c->config.origin, c->config.address,
	    (unsigned long long)sequencer_size(c->sequencer));
	rc = until_signal(server, &set, err);
	coordinator_wake(c);
	rpc_server_stop(server, GRACE_MS);
	return rc;
}

int
command_run(const char *dir)
{
	struct coordinator	*c = calloc(1, sizeof(*c));
	struct err		 err;
	enum rc			 rc;

	if (c == NULL) {
		log_line("run: no memory");
		return EXIT_IO;
	}
	coordinator_init(c);
	rc = run(dir, c, &err);
	if (rc != RC_OK)
		log_line("run: %s", err.msg);
	coordinator_stop(c);
	coordinator_done(c);
	free(c);
	return exit_code(rc);
}
