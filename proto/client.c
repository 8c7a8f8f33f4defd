#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/inner.h"

DEFINE_AUTO(grpc_channel_credentials_release, grpc_channel_credentials);
DEFINE_AUTO(grpc_byte_buffer_destroy, grpc_byte_buffer);

/* A call that runs, for rpc_client_close() to find. */
struct running {
	grpc_call	*call;
	struct running	*next;
};

struct rpc_client {
	char		 address[RPC_ADDRESS_MAX + 1];
	size_t		 max_reply;
	grpc_channel	*channel;
	pthread_mutex_t	 lock;
	pthread_cond_t	 left;		/* somebody left `running` */
	struct running	*running;
	bool		 closed;
};

/* What the library tells about a call that ended. */
struct outcome {
	grpc_metadata_array	 head, tail;
	grpc_byte_buffer	*reply;
	grpc_status_code	 status;
	grpc_slice		 details;
};

static void
outcome_init(struct outcome *o)
{
	*o = (struct outcome){ .status = GRPC_STATUS_UNKNOWN };
	grpc_metadata_array_init(&o->head);
	grpc_metadata_array_init(&o->tail);
	o->details = grpc_empty_slice();
}

static void
outcome_done(struct outcome *o)
{
	grpc_metadata_array_destroy(&o->head);
	grpc_metadata_array_destroy(&o->tail);
	if (o->reply != NULL)
		grpc_byte_buffer_destroy(o->reply);
	grpc_slice_unref(o->details);
}

/*
 * A certificate that the pinned one issued would pass the library's check of
 * the chain; only the pinned one itself passes here. Before any byte of a call
 * is sent. Non-zero refuses.
 */
static int
is_pinned(const char *target, const char *pem, void *user)
{
	const uint8_t	*want = user;
	uint8_t		 pin[RPC_PIN_BYTES];

	(void)target;
	return pem == NULL || !tls_pin_of_pem(pem, strlen(pem), pin) ||
	    !span_eq(SPAN_OF(pin), SPAN(want, RPC_PIN_BYTES));
}

static enum rc
credentials_new(const struct rpc_client_options *o, const struct tls_cert *server,
    grpc_channel_credentials **ret, struct err *err)
{
	AUTO_DONE(tls_cert_done) struct tls_cert own = { NULL, "", { 0 } };
	char				 key[TLS_KEY_NAME] = "";
	grpc_ssl_pem_key_cert_pair	 pair;
	grpc_ssl_verify_peer_options	 verify;
	uint8_t				*pin;

	if (o->cert_pem.n != 0 || o->key_pem.n != 0) {
		TRY(tls_cert_read(o->cert_pem, &own, err));
		TRY(tls_key_read(o->key_pem, &own, key, err));
	}
	pair = (grpc_ssl_pem_key_cert_pair){ key, own.pem };
	pin = malloc(RPC_PIN_BYTES);
	if (pin == NULL)
		return err_set(err, RC_NOMEM, "RPC client: no memory");
	memcpy(pin, server->pin, RPC_PIN_BYTES);
	/* The credentials own the pin from here: connections outlive the client. */
	verify = (grpc_ssl_verify_peer_options){ is_pinned, pin, free };
	*ret = grpc_ssl_credentials_create_ex(server->pem, key[0] == '\0' ? NULL : &pair,
	    &verify, NULL);
	if (*ret == NULL)
		return err_set(err, RC_FORMAT, "RPC client: the library refuses the keys");
	return RC_OK;
}

static grpc_channel *
channel_new(const char *target, const struct tls_cert *server, size_t max_reply,
    grpc_channel_credentials *creds)
{
	grpc_arg		args[] = {
		arg_str(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, server->name),
		arg_int(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)max_reply),
		arg_int(GRPC_ARG_MAX_METADATA_SIZE, RPC_METADATA_MAX),
		arg_int(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1),
		arg_int(GRPC_ARG_ENABLE_RETRIES, 0),
		arg_int(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
		arg_int(GRPC_ARG_ENABLE_CHANNELZ, 0),
		arg_int(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
		/* Else two clients to one address share a connection. */
		arg_int(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
		arg_int(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100),
		arg_int(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000),
		arg_int(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000),
		arg_int(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 500),
	};
	grpc_channel_args	list = { sizeof(args) / sizeof(args[0]), args };

	return grpc_channel_create(target, creds, &list);
}

/* Everything that needs the library; the caller has entered it. */
static enum rc
client_connect(struct rpc_client *c, const struct rpc_client_options *o, const char *target,
    struct err *err)
{
	AUTO_DONE(tls_cert_done) struct tls_cert server = { NULL, "", { 0 } };
	AUTO(grpc_channel_credentials_release) grpc_channel_credentials *creds = NULL;

	TRY(tls_cert_read(o->server_cert, &server, err));
	if (server.name[0] == '\0')
		return err_set(err, RC_FORMAT,
		    "TLS certificate: no DNS name and no common name to go by");
	TRY(credentials_new(o, &server, &creds, err));
	c->channel = channel_new(target, &server, c->max_reply, creds);
	return RC_OK;
}

enum rc
rpc_client_new(const struct rpc_client_options *o, struct rpc_client **ret_client,
    struct err *err)
{
	char			 target[RPC_ADDRESS_MAX + 16];
	struct rpc_client	*c;
	enum rc			 rc;

	TRY(address_parse(o->address, false, target, err));
	if (o->max_reply > INT32_MAX)
		return err_set(err, RC_USAGE, "RPC client: max_reply is out of bounds");
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return err_set(err, RC_NOMEM, "RPC client: no memory");
	if ((rc = library_enter(err)) != RC_OK) {
		free(c);
		return rc;
	}
	snprintf(c->address, sizeof(c->address), "%s", o->address);
	c->max_reply = o->max_reply != 0 ? o->max_reply : RPC_MESSAGE_MAX;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->left, NULL);
	if ((rc = client_connect(c, o, target, err)) != RC_OK) {
		rpc_client_free(c);
		return err_wrap(err, rc, "%s", o->address);
	}
	*ret_client = c;
	return RC_OK;
}

void
rpc_client_close(struct rpc_client *c)
{
	pthread_mutex_lock(&c->lock);
	c->closed = true;
	for (struct running *r = c->running; r != NULL; r = r->next)
		grpc_call_cancel(r->call, NULL);
	pthread_mutex_unlock(&c->lock);
}

void
rpc_client_free(struct rpc_client *c)
{
	if (c == NULL)
		return;
	rpc_client_close(c);
	pthread_mutex_lock(&c->lock);
	while (c->running != NULL)
		pthread_cond_wait(&c->left, &c->lock);
	pthread_mutex_unlock(&c->lock);
	if (c->channel != NULL)
		grpc_channel_destroy(c->channel);
	pthread_cond_destroy(&c->left);
	pthread_mutex_destroy(&c->lock);
	free(c);
	library_leave();
}

static bool
run_enter(struct rpc_client *c, struct running *r)
{
	bool	open;

	pthread_mutex_lock(&c->lock);
	open = !c->closed;
	if (open) {
		r->next = c->running;
		c->running = r;
	}
	pthread_mutex_unlock(&c->lock);
	return open;
}

static void
run_leave(struct rpc_client *c, const struct running *r)
{
	struct running	**at;

	pthread_mutex_lock(&c->lock);
	for (at = &c->running; *at != r; at = &(*at)->next)
		;
	*at = r->next;
	pthread_cond_broadcast(&c->left);
	pthread_mutex_unlock(&c->lock);
}

/* The six operations of a unary call in one batch, then wait for all of them. */
static void
run_batch(grpc_call *call, grpc_completion_queue *cq, grpc_byte_buffer *request,
    struct outcome *o)
{
	grpc_op		ops[6];
	grpc_event	ev;

	memset(ops, 0, sizeof(ops));
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[1].op = GRPC_OP_SEND_MESSAGE;
	ops[1].data.send_message.send_message = request;
	ops[2].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	ops[3].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[3].data.recv_initial_metadata.recv_initial_metadata = &o->head;
	ops[4].op = GRPC_OP_RECV_MESSAGE;
	ops[4].data.recv_message.recv_message = &o->reply;
	ops[5].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	ops[5].data.recv_status_on_client.trailing_metadata = &o->tail;
	ops[5].data.recv_status_on_client.status = &o->status;
	ops[5].data.recv_status_on_client.status_details = &o->details;
	if (grpc_call_start_batch(call, ops, 6, o, NULL) != GRPC_CALL_OK) {
		o->status = GRPC_STATUS_INTERNAL;
		return;
	}
	/* The call has a deadline, so that this ends. */
	ev = grpc_completion_queue_pluck(cq, o, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
	(void)ev;	/* a received status succeeds whatever became of the call */
}

/* RC_UNSURE: the client is closed; else o is filled in. */
static enum rc
run(struct rpc_client *c, const char *method, struct span request, unsigned timeout_ms,
    struct outcome *o, struct err *err)
{
	AUTO(grpc_byte_buffer_destroy) grpc_byte_buffer *message = NULL;
	grpc_completion_queue	*cq = grpc_completion_queue_create_for_pluck(NULL);
	gpr_timespec		 deadline = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
				    gpr_time_from_millis(timeout_ms, GPR_TIMESPAN));
	grpc_slice		 name = grpc_slice_from_copied_string(method);
	grpc_slice		 body;
	struct running		 r;
	bool			 open;

	body = grpc_slice_from_copied_buffer((const char *)request.p, request.n);
	message = grpc_raw_byte_buffer_create(&body, 1);
	grpc_slice_unref(body);
	r.call = grpc_channel_create_call(c->channel, NULL, GRPC_PROPAGATE_DEFAULTS, cq,
	    name, NULL, deadline, NULL);
	grpc_slice_unref(name);
	open = run_enter(c, &r);
	if (open) {
		run_batch(r.call, cq, message, o);
		run_leave(c, &r);
	}
	grpc_call_unref(r.call);
	grpc_completion_queue_shutdown(cq);
	grpc_completion_queue_destroy(cq);
	if (!open)
		return err_set(err, RC_UNSURE, "%s: the connection was closed", c->address);
	return RC_OK;
}

/* Did a handler choose the words, or the library on either side? */
static bool
has_said(const struct outcome *o)
{
	for (size_t i = 0; i < o->tail.count; i++)
		if (grpc_slice_str_cmp(o->tail.metadata[i].key, RPC_SAID_KEY) == 0)
			return true;
	return false;
}

static const char *
reason(grpc_status_code status)
{
	switch ((int)status) {
	case GRPC_STATUS_DEADLINE_EXCEEDED:
		return "no answer in time";
	case GRPC_STATUS_UNAVAILABLE:
		return "cannot be reached";
	case GRPC_STATUS_CANCELLED:
		return "the call was cancelled";
	case GRPC_STATUS_UNIMPLEMENTED:
		return "does not know this call";
	case GRPC_STATUS_RESOURCE_EXHAUSTED:
		return "a limit was reached";
	default:
		return "the call failed";
	}
}

/* gRPC says four times that it cannot connect, and why at the end; messages that quote it are cut. */
static const char *
at_last(const char *words)
{
	static const char	said[] = "Failed to connect to remote host: ";
	const char		*at;

	while ((at = strstr(words, said)) != NULL)
		words = at + sizeof(said) - 1;
	return words;
}

static enum rc
failed(const struct rpc_client *c, const struct outcome *o, char said[RPC_SAID_BYTES],
    struct err *err)
{
	char	words[RPC_SAID_BYTES];
	enum rc	rc = status_rc(o->status);

	plain_text(words, sizeof(words), slice_span(&o->details));
	if (has_said(o)) {
		memcpy(said, words, sizeof(words));
		return err_set(err, rc, "%s answers: %s", c->address, words);
	}
	return err_set(err, rc, "%s: %s (%s)", c->address, reason(o->status), at_last(words));
}

static enum rc
take_reply(const struct rpc_client *c, const struct outcome *o, struct buf *ret_reply,
    struct err *err)
{
	grpc_byte_buffer_reader	reader;
	grpc_slice		slice;
	size_t			before = ret_reply->n;

	if (o->reply == NULL)
		return err_set(err, RC_IO, "%s: an answer without a message", c->address);
	if (!grpc_byte_buffer_reader_init(&reader, o->reply))
		return err_set(err, RC_IO, "%s: an answer that cannot be read", c->address);
	while (grpc_byte_buffer_reader_next(&reader, &slice)) {
		buf_span(ret_reply, slice_span(&slice));
		grpc_slice_unref(slice);
	}
	grpc_byte_buffer_reader_destroy(&reader);
	if (ret_reply->rc != RC_OK)
		ret_reply->n = before;
	return buf_check(ret_reply, "RPC reply", err);
}

enum rc
rpc_call_said(struct rpc_client *c, const char *method, struct span request,
    unsigned timeout_ms, struct buf *ret_reply, char said[RPC_SAID_BYTES], struct err *err)
{
	struct outcome	o;
	enum rc		rc;

	said[0] = '\0';
	if (request.n > INT32_MAX || method[0] != '/')
		return err_set(err, RC_USAGE, "RPC call: no such method or message");
	if (timeout_ms > RPC_MS_MAX)
		timeout_ms = RPC_MS_MAX;
	outcome_init(&o);
	rc = run(c, method, request, timeout_ms, &o, err);
	if (rc == RC_OK)
		rc = o.status == GRPC_STATUS_OK ? take_reply(c, &o, ret_reply, err) :
		    failed(c, &o, said, err);
	outcome_done(&o);
	return rc;
}

enum rc
rpc_call(struct rpc_client *c, const char *method, struct span request,
    unsigned timeout_ms, struct buf *ret_reply, struct err *err)
{
	char	said[RPC_SAID_BYTES];

	return rpc_call_said(c, method, request, timeout_ms, ret_reply, said, err);
}
