#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/serve.h"

DEFINE_AUTO(grpc_auth_context_release, grpc_auth_context);

/* grpc.health.v1: the listener answers for itself, to anyone. */
#define HEALTH_MAX	256
static const struct rpc_method health = {
	"/grpc.health.v1.Health/Check", NULL, 0, HEALTH_MAX
};

uint64_t
now_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- from the cradle to the grave ---- */

static void
call_free(struct rpc_call *c)
{
	if (c->has_request)
		grpc_slice_unref(c->request);
	if (c->payload != NULL)
		grpc_byte_buffer_destroy(c->payload);
	if (c->reply != NULL)
		grpc_byte_buffer_destroy(c->reply);
	grpc_call_details_destroy(&c->details);
	grpc_metadata_array_destroy(&c->head);
	gpr_free(c->address);
	if (c->call != NULL)
		grpc_call_unref(c->call);
	if (c->guest != 0)
		door_over(c->guest, c->refused || atomic_load(&c->cancelled), now_ms());
	free(c);
}

static void
call_phase(struct rpc_call *c, enum phase phase)
{
	pthread_mutex_lock(&c->s->lock);
	c->phase = phase;
	c->since = now_ms();
	pthread_mutex_unlock(&c->s->lock);
}

/* One of the two holds is over. */
static void
call_release(struct rpc_call *c)
{
	struct rpc_server	*s = c->s;
	bool			 last;

	pthread_mutex_lock(&s->lock);
	last = --c->holds == 0;
	if (last) {
		*c->link = c->next;
		if (c->next != NULL)
			c->next->link = c->link;
	}
	pthread_mutex_unlock(&s->lock);
	if (!last)
		return;
	call_free(c);
	/* Only now: whoever waits for the last call then takes the library down. */
	pthread_mutex_lock(&s->lock);
	s->n_live--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/* False: too many; the call is not ours to keep. */
static bool
call_enlist(struct rpc_call *c)
{
	struct rpc_server	*s = c->s;
	bool			 room;

	pthread_mutex_lock(&s->lock);
	room = s->n_live < s->max_calls;
	if (room) {
		s->n_live++;
		c->holds = 2;
		c->phase = CALL_RECEIVING;
		c->since = now_ms();
		c->next = s->live;
		c->link = &s->live;
		if (c->next != NULL)
			c->next->link = &c->next;
		s->live = c;
	}
	pthread_mutex_unlock(&s->lock);
	return room;
}

/*
 * A peer that opens a call and sends nothing, or takes no answer, would hold
 * it for ever: the library knows no such limit.
 */
void
call_sweep(struct rpc_server *s)
{
	uint64_t	now = now_ms();

	pthread_mutex_lock(&s->lock);
	for (struct rpc_call *c = s->live; c != NULL; c = c->next)
		if ((c->phase == CALL_RECEIVING || c->phase == CALL_ANSWERING) &&
		    now - c->since > s->stall_ms)
			grpc_call_cancel(c->call, NULL);
	pthread_mutex_unlock(&s->lock);
}

/* ---- answering ---- */

static void
on_answered(struct rpc_call *c, bool ok)
{
	(void)ok;	/* a peer that left has no use for the answer */
	call_release(c);
}

static size_t
answer_ops(struct rpc_call *c, grpc_op ops[3], grpc_metadata *mark, grpc_status_code status,
    grpc_slice *words)
{
	size_t	n = 0;

	ops[n++].op = GRPC_OP_SEND_INITIAL_METADATA;
	if (c->reply != NULL) {
		ops[n].op = GRPC_OP_SEND_MESSAGE;
		ops[n++].data.send_message.send_message = c->reply;
	}
	ops[n].op = GRPC_OP_SEND_STATUS_FROM_SERVER;
	ops[n].data.send_status_from_server.status = status;
	ops[n].data.send_status_from_server.status_details = words;
	if (mark != NULL) {
		ops[n].data.send_status_from_server.trailing_metadata = mark;
		ops[n].data.send_status_from_server.trailing_metadata_count = 1;
	}
	return n + 1;
}

/*
 * The last thing done with a call by whoever has it: c may be gone on return.
 * by_handler: the words are its own, and marked so.
 */
static void
answer(struct rpc_call *c, grpc_status_code status, const char *text, bool by_handler)
{
	grpc_op		ops[3];
	grpc_slice	words = grpc_slice_from_copied_string(text);
	grpc_metadata	mark;
	size_t		n;

	memset(ops, 0, sizeof(ops));
	memset(&mark, 0, sizeof(mark));
	mark.key = grpc_slice_from_static_string(RPC_SAID_KEY);
	mark.value = grpc_slice_from_static_string("1");
	call_phase(c, CALL_ANSWERING);
	n = answer_ops(c, ops, by_handler ? &mark : NULL, status, &words);
	if (grpc_call_start_batch(c->call, ops, n, &c->answered, NULL) != GRPC_CALL_OK) {
		grpc_call_cancel(c->call, NULL);
		call_release(c);
	}
	grpc_slice_unref(words);
}

static void
tell(struct rpc_call *c, enum rc rc, struct err *err)
{
	err->rc = rc;
	if (c->s->note != NULL)
		c->s->note(c->s->user, c, err);
}

/* Refused before a handler saw it; why is for the operator and the peer alike. */
static void
refuse(struct rpc_call *c, enum rc rc, grpc_status_code status, const char *why)
{
	struct err	err;

	c->refused = true;
	err_set(&err, rc, "%s", why);
	tell(c, rc, &err);
	answer(c, status, why, false);
}

/* ---- running, on a worker (health: on the network thread) ---- */

static enum rc
health_check(struct span request, struct buf *reply, struct err *err)
{
	/* The empty message, or the empty name of a service: the server itself. */
	static const uint8_t	empty_name[] = { 0x0a, 0x00 };
	static const uint8_t	serving[] = { 0x08, 0x01 };

	if (request.n != 0 && !span_eq(request, SPAN_OF(empty_name)))
		return err_set(err, RC_MISSING, "health of a service by name");
	buf_add(reply, serving, sizeof(serving));
	return RC_OK;
}

static enum rc
handle(struct rpc_call *c, struct buf *reply, struct err *err)
{
	struct span	request = slice_span(&c->request);
	enum rc		rc;

	if (rpc_cancelled(c))
		return err_set(err, RC_UNSURE, "the caller left before its turn");
	if (c->method == &health)
		rc = health_check(request, reply, err);
	else
		rc = c->method->handler(c->s->user, c, request, reply, err);
	return rc != RC_OK ? rc : buf_check(reply, "RPC reply", err);
}

void
call_run(struct rpc_call *c)
{
	AUTO_DONE(buf_done) struct buf	reply = BUF_INIT(c->s->max_message);
	struct err			err = { RC_OK, "" };
	grpc_slice			slice;
	enum rc				rc;

	call_phase(c, CALL_RUNNING);
	rc = handle(c, &reply, &err);
	if (rc != RC_OK) {
		tell(c, rc, &err);
		answer(c, status_of(rc), c->said[0] != '\0' ? c->said : status_words(rc),
		    true);
		return;
	}
	slice = grpc_slice_from_copied_buffer((const char *)reply.p, reply.n);
	c->reply = grpc_raw_byte_buffer_create(&slice, 1);
	grpc_slice_unref(slice);
	answer(c, GRPC_STATUS_OK, "", false);
}

/* ---- receiving, on the network thread ---- */

/* The request in one piece, or false when there is none. */
static bool
gather(struct rpc_call *c)
{
	grpc_byte_buffer_reader	reader;

	if (c->payload == NULL || !grpc_byte_buffer_reader_init(&reader, c->payload))
		return false;
	/* Small slices hold their bytes inside, so it is kept where it stays. */
	c->request = grpc_byte_buffer_reader_readall(&reader);
	c->has_request = true;
	grpc_byte_buffer_reader_destroy(&reader);
	grpc_byte_buffer_destroy(c->payload);
	c->payload = NULL;
	return true;
}

static void
on_received(struct rpc_call *c, bool ok)
{
	if (c->payload != NULL)
		door_whole(c->guest, grpc_byte_buffer_length(c->payload));
	if (!ok || c->payload == NULL) {
		refuse(c, RC_FORMAT, GRPC_STATUS_INVALID_ARGUMENT, "no request");
		return;
	}
	if (grpc_byte_buffer_length(c->payload) > c->method->max_request) {
		refuse(c, RC_LIMIT, GRPC_STATUS_RESOURCE_EXHAUSTED,
		    "the request is too large for this call");
		return;
	}
	if (!gather(c)) {
		refuse(c, RC_FORMAT, GRPC_STATUS_INVALID_ARGUMENT, "no request");
		return;
	}
	/* Here, so that a full pool does not look like a deaf listener. */
	if (c->method == &health) {
		call_run(c);
		return;
	}
	call_phase(c, CALL_QUEUED);
	if (!pool_give(&c->s->pool, c))
		refuse(c, RC_LIMIT, GRPC_STATUS_RESOURCE_EXHAUSTED, "busy, ask again later");
}

static void
on_closed(struct rpc_call *c, bool ok)
{
	if (!ok || c->close_flag != 0)
		atomic_store(&c->cancelled, true);
	call_release(c);
}

static bool
start_one(struct rpc_call *c, grpc_op *op, struct tag *tag)
{
	return grpc_call_start_batch(c->call, op, 1, tag, NULL) == GRPC_CALL_OK;
}

static void
receive(struct rpc_call *c)
{
	grpc_op	op;

	memset(&op, 0, sizeof(op));
	op.op = GRPC_OP_RECV_MESSAGE;
	op.data.recv_message.recv_message = &c->payload;
	if (!start_one(c, &op, &c->received)) {
		grpc_call_cancel(c->call, NULL);
		call_release(c);
	}
}

static void
watch_close(struct rpc_call *c)
{
	grpc_op	op;

	memset(&op, 0, sizeof(op));
	op.op = GRPC_OP_RECV_CLOSE_ON_SERVER;
	op.data.recv_close_on_server.cancelled = &c->close_flag;
	if (!start_one(c, &op, &c->closed)) {
		atomic_store(&c->cancelled, true);
		call_release(c);
	}
}

/* ---- arriving, on the network thread ---- */

/*
 * Asked of the connection for each call. The certificate was not checked
 * against anything, but the handshake proved that the peer has its key.
 * False: it has one that could not be read, as memory ran out; who calls is not known.
 */
static bool
find_pin(struct rpc_call *c)
{
	AUTO(grpc_auth_context_release) grpc_auth_context *ctx = grpc_call_auth_context(c->call);
	grpc_auth_property_iterator	 it;
	const grpc_auth_property	*p;

	if (ctx == NULL)
		return true;
	it = grpc_auth_context_find_properties_by_name(ctx, GRPC_X509_PEM_CERT_PROPERTY_NAME);
	p = grpc_auth_property_iterator_next(&it);
	if (p != NULL)
		c->has_pin = tls_pin_of_pem(p->value, p->value_length, c->pin);
	return p == NULL || c->has_pin;
}

static const struct rpc_method *
find_method(const struct rpc_server *s, struct span name)
{
	for (size_t i = 0; i < s->n_methods; i++)
		if (span_eq(name, span_str(s->methods[i].name)))
			return &s->methods[i];
	return span_eq(name, span_str(health.name)) ? &health : NULL;
}

/*
 * The library keeps to the bound that it announced only when the peer says that it has
 * heard of it.
 */
static bool
head_is_large(const struct rpc_call *c)
{
	size_t	n = 0;

	for (size_t i = 0; i < c->head.count && n <= RPC_METADATA_MAX; i++)
		n += GRPC_SLICE_LENGTH(c->head.metadata[i].key) + GRPC_SLICE_LENGTH(c->head.metadata[i].value) + 32;
	return n > RPC_METADATA_MAX;
}

/* Who calls what, decided before a byte of the request is read. */
static void
admit(struct rpc_call *c)
{
	struct span	name = slice_span(&c->details.method);
	bool		known;

	plain_text(c->name, sizeof(c->name), name);
	c->address = grpc_call_get_peer(c->call);
	c->deadline = c->details.deadline;
	watch_close(c);
	known = find_pin(c);
	c->roles = c->s->who(c->s->user, c->has_pin ? c->pin : NULL);
	c->method = find_method(c->s, name);
	c->guest = door_call(c->address != NULL ? c->address : "", (c->roles & ~c->s->strangers) != 0);
	if (head_is_large(c)) {
		door_close(c->guest);
		refuse(c, RC_LIMIT, GRPC_STATUS_RESOURCE_EXHAUSTED, "the headers are too large");
	} else if (c->method == NULL)
		refuse(c, RC_USAGE, GRPC_STATUS_UNIMPLEMENTED, "unknown method");
	else if (!known)	/* a "no" would be a verdict */
		refuse(c, RC_NOMEM, status_of(RC_IO), status_words(RC_IO));
	else if (c->method != &health && (c->method->roles & c->roles) == 0)
		refuse(c, RC_DENIED, GRPC_STATUS_PERMISSION_DENIED,
		    "this caller may not make this call");
	else
		receive(c);
}

static bool
post(struct rpc_call *c)
{
	return grpc_server_request_call(c->s->server, &c->call, &c->details, &c->head,
	    c->s->cq, c->s->cq, &c->arrived) == GRPC_CALL_OK;
}

static void
slot_gone(struct rpc_call *c)
{
	struct rpc_server	*s = c->s;

	call_free(c);
	pthread_mutex_lock(&s->lock);
	s->n_slots--;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
}

/*
 * Without memory for its successor a slot is used again for the next call and
 * this one is cut off: a server that ran out of slots would never hear again.
 */
static void
reuse_slot(struct rpc_call *c)
{
	grpc_call_cancel(c->call, NULL);
	grpc_call_unref(c->call);
	c->call = NULL;
	grpc_call_details_destroy(&c->details);
	grpc_metadata_array_destroy(&c->head);
	grpc_call_details_init(&c->details);
	grpc_metadata_array_init(&c->head);
	if (!post(c))
		slot_gone(c);
}

static void
on_arrived(struct rpc_call *c, bool ok)
{
	struct rpc_server	*s = c->s;

	if (!ok) {				/* the server shuts down */
		slot_gone(c);
		return;
	}
	if (!call_post(s)) {
		reuse_slot(c);
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->n_slots--;				/* its successor's stands */
	pthread_mutex_unlock(&s->lock);
	if (!call_enlist(c)) {
		grpc_call_cancel(c->call, NULL);
		call_free(c);
		return;
	}
	admit(c);
}

bool
call_post(struct rpc_server *s)
{
	struct rpc_call	*c = calloc(1, sizeof(*c));

	if (c == NULL)
		return false;
	c->s = s;
	c->arrived = (struct tag){ on_arrived, c };
	c->closed = (struct tag){ on_closed, c };
	c->received = (struct tag){ on_received, c };
	c->answered = (struct tag){ on_answered, c };
	grpc_call_details_init(&c->details);
	grpc_metadata_array_init(&c->head);
	pthread_mutex_lock(&s->lock);
	s->n_slots++;
	pthread_mutex_unlock(&s->lock);
	if (!post(c)) {
		slot_gone(c);
		return false;
	}
	return true;
}
