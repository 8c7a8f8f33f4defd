#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "proto/serve.h"

/* What 0 stands for in the options. */
#define WORKERS		4
#define QUEUE		64
#define CALLS		2048
#define STALL_MS	20000
#define MEMORY		((size_t)256 << 20)

DEFINE_AUTO(grpc_resource_quota_unref, grpc_resource_quota);

/* The tag of the shutdown, told from a call's by its address. */
static struct tag down_tag;

/* ---- options ---- */

static enum rc
check_methods(const struct rpc_server_options *o, size_t max_message, struct err *err)
{
	if (o->methods == NULL || o->n_methods == 0 || o->n_methods > RPC_METHODS_MAX)
		return err_set(err, RC_USAGE, "RPC server: 1 to %d methods", RPC_METHODS_MAX);
	for (size_t i = 0; i < o->n_methods; i++) {
		const struct rpc_method	*m = &o->methods[i];

		if (m->name == NULL || m->name[0] != '/' || m->handler == NULL ||
		    m->max_request > max_message)
			return err_set(err, RC_USAGE, "RPC server: method %zu of the table", i);
		for (size_t j = 0; j < i; j++)
			if (strcmp(m->name, o->methods[j].name) == 0)
				return err_set(err, RC_USAGE, "RPC server: %s twice", m->name);
	}
	return RC_OK;
}

static enum rc
take_options(struct rpc_server *s, const struct rpc_server_options *o, struct err *err)
{
	char	target[RPC_ADDRESS_MAX + 16];	/* for clients; a server takes it bare */

	s->workers = o->workers != 0 ? o->workers : WORKERS;
	s->queue = o->queue != 0 ? o->queue : QUEUE;
	s->max_message = o->max_message != 0 ? o->max_message : RPC_MESSAGE_MAX;
	s->max_calls = o->max_calls != 0 ? o->max_calls : CALLS;
	s->stall_ms = o->stall_ms != 0 ? o->stall_ms : STALL_MS;
	if (s->workers > RPC_WORKERS_MAX || s->queue > RPC_QUEUE_MAX ||
	    s->max_calls > RPC_CALLS_MAX || s->max_message > INT_MAX || o->who == NULL)
		return err_set(err, RC_USAGE, "RPC server: an option is out of bounds");
	TRY(check_methods(o, s->max_message, err));
	TRY(address_parse(o->address, true, target, err));
	snprintf(s->address, sizeof(s->address), "%s", o->address);
	snprintf(s->host, sizeof(s->host), "%.*s",
	    (int)(strrchr(o->address, ':') - o->address), o->address);
	s->methods = o->methods;
	s->n_methods = o->n_methods;
	s->user = o->user;
	s->who = o->who;
	s->strangers = o->who(o->user, NULL);
	s->told_ms = now_ms();
	s->note = o->note;
	return RC_OK;
}

/* A burst of connections must not find the descriptors used up: see the ADR. */
static void
raise_files(void)
{
	struct rlimit	r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);	/* as much as we may; no more to do */
	}
}

/* ---- the library's server ---- */

static enum rc
credentials_new(const char *key, const char *cert, grpc_server_credentials **ret,
    struct err *err)
{
	grpc_ssl_pem_key_cert_pair		 pair = { key, cert };
	grpc_ssl_server_certificate_config	*config;
	grpc_ssl_server_credentials_options	*options;

	config = grpc_ssl_server_certificate_config_create(NULL, &pair, 1);
	/*
	 * Any certificate, or none, gets through the handshake; `who` decides
	 * on each call. There is no CA whose word would count.
	 */
	options = grpc_ssl_server_credentials_create_options_using_config(
	    GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_BUT_DONT_VERIFY, config);
	*ret = grpc_ssl_server_credentials_create_with_options(options);
	if (*ret == NULL)
		return err_set(err, RC_FORMAT, "RPC server: the library refuses the keys");
	return RC_OK;
}

static grpc_server *
library_server(size_t max_message, size_t max_memory)
{
	AUTO(grpc_resource_quota_unref) grpc_resource_quota *quota =
	    grpc_resource_quota_create("quorate");
	grpc_arg		args[] = {
		arg_int(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)max_message),
		arg_int(GRPC_ARG_MAX_METADATA_SIZE, RPC_METADATA_MAX),
		/* 1: none but identity. Else a message unfolds before its size is checked. */
		arg_int(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1),
		arg_int(GRPC_ARG_MAX_CONCURRENT_STREAMS, RPC_STREAMS_MAX),
		arg_int(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, RPC_HANDSHAKE_MS),
		arg_int(GRPC_ARG_MAX_CONNECTION_IDLE_MS, RPC_IDLE_MS),
		arg_int(GRPC_ARG_KEEPALIVE_TIME_MS, 60000),
		arg_int(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20000),
		arg_int(GRPC_ARG_ENABLE_CHANNELZ, 0),
		/* Else a second server on the port would get half of the connections. */
		arg_int(GRPC_ARG_ALLOW_REUSEPORT, 0),
		{ .type = GRPC_ARG_POINTER,
		  .key = (char *)(uintptr_t)GRPC_ARG_RESOURCE_QUOTA,
		  .value.pointer = { quota, grpc_resource_quota_arg_vtable() } },
	};
	grpc_channel_args	list = { sizeof(args) / sizeof(args[0]), args };

	grpc_resource_quota_resize(quota, max_memory);
	return grpc_server_create(&list, NULL);
}

static enum rc
open_server(struct rpc_server *s, const struct rpc_server_options *o, struct err *err)
{
	char			 key[TLS_KEY_NAME];
	size_t			 memory = o->max_memory != 0 ? o->max_memory : MEMORY;

	TRY(tls_cert_read(o->cert_pem, &s->cert, err));
	if (s->cert.name[0] == '\0')	/* no client could go by it */
		return err_set(err, RC_FORMAT,
		    "TLS certificate: no DNS name and no common name to go by");
	TRY(tls_key_read(o->key_pem, &s->cert, key, err));
	TRY(credentials_new(key, s->cert.pem, &s->creds, err));
	s->cq = grpc_completion_queue_create_for_next(NULL);
	s->server = library_server(s->max_message, memory);
	grpc_server_register_completion_queue(s->server, s->cq, NULL);
	return RC_OK;
}

static void
init_locks(struct rpc_server *s)
{
	pthread_condattr_t	attr;

	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->hands, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
}

enum rc
rpc_server_new(const struct rpc_server_options *o, struct rpc_server **ret_server,
    struct err *err)
{
	struct rpc_server	*s = calloc(1, sizeof(*s));
	enum rc			 rc;

	if (s == NULL)
		return err_set(err, RC_NOMEM, "RPC server: no memory");
	if ((rc = take_options(s, o, err)) != RC_OK || (rc = door_open(err)) != RC_OK ||
	    (rc = library_enter(err)) != RC_OK) {
		free(s);
		return rc;
	}
	init_locks(s);
	raise_files();
	if ((rc = open_server(s, o, err)) != RC_OK) {
		rpc_server_free(s);
		return rc;
	}
	*ret_server = s;
	return RC_OK;
}

/* ---- serving ---- */

static void
on_down(struct rpc_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->down = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* Once a minute at most, for the operator: each connection by itself would fill a disk. */
static void
tell_door(struct rpc_server *s, uint64_t now)
{
	struct door_told	t;

	if (now - s->told_ms < RPC_TELL_MS)
		return;
	s->told_ms = now;
	t = door_tell();
	if (t.refused + t.closed + t.starved != 0)
		library_say("connections: %u refused, %u closed to make room or for what they did, %u without a descriptor",
		    t.refused, t.closed, t.starved);
}

static void
sweep(struct rpc_server *s, uint64_t now)
{
	call_sweep(s);
	door_sweep(now);
	tell_door(s, now);
}

static void
handle(struct rpc_server *s, const grpc_event *ev)
{
	struct tag	*tag = ev->tag;

	if (ev->type != GRPC_OP_COMPLETE)
		return;
	if (ev->tag == &down_tag)
		on_down(s);
	else
		tag->done(tag->call, ev->success != 0);
}

static void *
network(void *arg)
{
	struct rpc_server	*s = arg;
	uint64_t		 swept = now_ms();
	grpc_event		 ev;

	for (;;) {
		ev = grpc_completion_queue_next(s->cq, gpr_time_add(
		    gpr_now(GPR_CLOCK_MONOTONIC),
		    gpr_time_from_millis(RPC_SWEEP_MS, GPR_TIMESPAN)), NULL);
		if (ev.type == GRPC_QUEUE_SHUTDOWN)
			return NULL;
		pthread_mutex_lock(&s->hands);
		handle(s, &ev);
		pthread_mutex_unlock(&s->hands);
		if (now_ms() - swept >= RPC_SWEEP_MS) {
			sweep(s, now_ms());
			swept = now_ms();
		}
	}
}

/* Looks at what is there; false: nothing. */
static bool
look(struct rpc_server *s)
{
	grpc_event	ev;

	pthread_mutex_lock(&s->hands);
	ev = grpc_completion_queue_next(s->cq, gpr_inf_past(GPR_CLOCK_MONOTONIC), NULL);
	handle(s, &ev);
	pthread_mutex_unlock(&s->hands);
	return ev.type == GRPC_OP_COMPLETE;
}

/*
 * More is read from the network when nothing is left of what was read before. The network
 * thread cannot see to it: it may sleep while another thread of the library reads.
 */
static void *
doorman(void *arg)
{
	struct rpc_server	*s = arg;

	while (door_wait(&s->ending)) {
		while (look(s))
			;
		door_next();
	}
	return NULL;
}

/* Under the lock. */
static bool
is_idle(const struct rpc_server *s)
{
	return s->n_live == 0 && s->n_slots == 0 && s->down;
}

static void
wait_grace(struct rpc_server *s, unsigned grace_ms)
{
	uint64_t	until = now_ms() + grace_ms;
	struct timespec	t = { (time_t)(until / 1000), (long)(until % 1000) * 1000000 };

	pthread_mutex_lock(&s->lock);
	while (s->n_live != 0 && pthread_cond_timedwait(&s->changed, &s->lock, &t) == 0)
		;
	pthread_mutex_unlock(&s->lock);
}

/*
 * The library's own notice of the shutdown does not wait for handlers, and an
 * operation that a handler starts after the queue was shut down aborts. So:
 * both, the notice and no call left, before the queue goes.
 */
static void
drain(struct rpc_server *s, unsigned grace_ms)
{
	grpc_server_shutdown_and_notify(s->server, s->cq, &down_tag);
	wait_grace(s, grace_ms);
	/* Idle connections too: a peer that ignores GOAWAY would keep us. */
	grpc_server_cancel_all_calls(s->server);
	pthread_mutex_lock(&s->lock);
	while (!is_idle(s))
		pthread_cond_wait(&s->changed, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static void
join_threads(struct rpc_server *s)
{
	atomic_store(&s->ending, true);
	door_wake();
	pthread_join(s->doorman, NULL);
	grpc_completion_queue_shutdown(s->cq);
	pthread_join(s->network, NULL);
	pool_stop(&s->pool);
}

void
rpc_server_stop(struct rpc_server *s, unsigned grace_ms)
{
	if (!s->serving)
		return;
	drain(s, grace_ms);
	join_threads(s);
	s->serving = false;
}

static enum rc
bind_port(struct rpc_server *s, struct err *err)
{
	int	port = grpc_server_add_http2_port(s->server, s->address, s->creds);

	if (port <= 0)
		return err_set(err, RC_IO,
		    "cannot listen on %s: in use, or no address of this machine",
		    s->address);
	s->port = (uint16_t)port;
	return RC_OK;
}

static enum rc
start_threads(struct rpc_server *s, struct err *err)
{
	TRY(pool_start(&s->pool, s->workers, s->queue, err));
	if (pthread_create(&s->doorman, NULL, doorman, s) != 0) {
		pool_stop(&s->pool);
		return err_set(err, RC_IO, "RPC server: no threads");
	}
	if (pthread_create(&s->network, NULL, network, s) == 0)
		return RC_OK;
	atomic_store(&s->ending, true);
	door_wake();
	pthread_join(s->doorman, NULL);
	pool_stop(&s->pool);
	return err_set(err, RC_IO, "RPC server: no threads");
}

enum rc
rpc_server_start(struct rpc_server *s, uint16_t *ret_port, struct err *err)
{
	enum rc	rc;

	if (s->started)
		return err_set(err, RC_USAGE, "RPC server: starts once");
	s->started = true;
	TRY(start_threads(s, err));
	if ((rc = bind_port(s, err)) != RC_OK) {
		join_threads(s);
		return rc;
	}
	grpc_server_start(s->server);
	s->serving = true;
	for (int i = 0; i < RPC_SLOTS; i++)
		if (!call_post(s)) {
			rpc_server_stop(s, 0);
			return err_set(err, RC_NOMEM, "RPC server: no memory");
		}
	*ret_port = s->port;
	return RC_OK;
}

void
rpc_server_free(struct rpc_server *s)
{
	if (s == NULL)
		return;
	rpc_server_stop(s, 0);
	if (s->server != NULL)
		grpc_server_destroy(s->server);
	if (s->cq != NULL) {
		if (!s->started)	/* else join_threads() did, or there is no such queue */
			grpc_completion_queue_shutdown(s->cq);
		grpc_completion_queue_destroy(s->cq);
	}
	if (s->creds != NULL)
		grpc_server_credentials_release(s->creds);
	tls_cert_done(&s->cert);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	pthread_mutex_destroy(&s->hands);
	free(s);
	library_leave();
}

/* ---- the watchdog's question ---- */

enum rc
rpc_server_alive(struct rpc_server *s, unsigned timeout_ms, struct err *err)
{
	AUTO(rpc_client_free) struct rpc_client	*c = NULL;
	AUTO_DONE(buf_done) struct buf		 reply = BUF_INIT(64);
	char					 address[RPC_ADDRESS_MAX + 8];
	const char				*host = s->host;

	if (!s->serving)
		return err_set(err, RC_UNSURE, "the listener does not serve");
	if (strcmp(host, "0.0.0.0") == 0)
		host = "127.0.0.1";
	else if (strcmp(host, "[::]") == 0)
		host = "[::1]";
	snprintf(address, sizeof(address), "%s:%u", host, (unsigned)s->port);
	/* A client of its own, because what goes deaf is the accepting of connections. */
	TRY(rpc_client_new(&(struct rpc_client_options){ .address = address,
	    .server_cert = span_str(s->cert.pem) }, &c, err));
	return rpc_call(c, "/grpc.health.v1.Health/Check", SPAN(NULL, 0), timeout_ms, &reply,
	    err);
}
