/*
 * What a peer can do that our own client does not: the library's C interface
 * and bare sockets against our server.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/libcrypto.h"
#include "proto/inner.h"
#include "tests/unit/fault.h"
#include "tests/unit/proto/peers.h"

#define MS 60000

/* libcrypto's memory (base/libcrypto.c): the nth from now on fails; 0: none does. */
static atomic_ulong	crypto_left;
static atomic_bool	crypto_failed;

void	*__real_realloc(void *p, size_t n);

void *
reallocarray(void *p, size_t n, size_t each)
{
	unsigned long	left = atomic_load(&crypto_left);

	while (left != 0)
		if (atomic_compare_exchange_weak(&crypto_left, &left, left - 1)) {
			if (left != 1)
				break;
			atomic_store(&crypto_failed, true);
			return NULL;
		}
	return __real_realloc(p, n * each);
}

/* A channel without our settings, and one call on it at a time. */
struct raw {
	grpc_channel		*channel;
	grpc_completion_queue	*cq;
};

static int
any_name(const char *target, const char *pem, void *user)
{
	(void)target;
	(void)pem;
	(void)user;
	return 0;
}

static void
raw_open(struct raw *r, const struct peers *p, const struct identity *id, bool gzip)
{
	grpc_ssl_pem_key_cert_pair	 pair = { id->key_pem, id->cert_pem };
	grpc_ssl_verify_peer_options	 verify = { any_name, NULL, NULL };
	grpc_channel_credentials	*creds;
	grpc_arg			 args[] = {
		arg_str(GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, "custodian-1"),
		arg_int(GRPC_ARG_ENABLE_RETRIES, 0),
		arg_int(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1),
		arg_int(GRPC_ARG_MAX_METADATA_SIZE, 1 << 20),
		arg_int(GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM,
		    gzip ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE),
	};
	grpc_channel_args		 list = { sizeof(args) / sizeof(args[0]), args };

	creds = grpc_ssl_credentials_create_ex(p->server.cert_pem, &pair, &verify, NULL);
	r->channel = grpc_channel_create(p->address, creds, &list);
	grpc_channel_credentials_release(creds);
	r->cq = grpc_completion_queue_create_for_pluck(NULL);
}

static void
raw_close(struct raw *r)
{
	grpc_completion_queue_shutdown(r->cq);
	grpc_completion_queue_destroy(r->cq);
	grpc_channel_destroy(r->channel);
}

static grpc_call *
raw_call(struct raw *r, const char *method, int timeout_ms)
{
	grpc_slice	name = grpc_slice_from_copied_string(method);
	grpc_call	*call = grpc_channel_create_call(r->channel, NULL,
			    GRPC_PROPAGATE_DEFAULTS, r->cq, name, NULL,
			    gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
			    gpr_time_from_millis(timeout_ms, GPR_TIMESPAN)), NULL);

	grpc_slice_unref(name);
	return call;
}

/* SEND_INITIAL_METADATA, and the request if there is one; n_meta bytes of header. */
static void
raw_send(grpc_call *call, grpc_byte_buffer *message, size_t n_meta, bool close, void *tag)
{
	grpc_op		ops[3];
	size_t		n = 1;
	grpc_metadata	meta;
	char		*text = malloc(n_meta + 1);

	memset(ops, 0, sizeof(ops));
	memset(&meta, 0, sizeof(meta));
	memset(text, 'm', n_meta);
	meta.key = grpc_slice_from_static_string("x-large");
	meta.value = grpc_slice_from_copied_buffer(text, n_meta);
	ops[0].op = GRPC_OP_SEND_INITIAL_METADATA;
	ops[0].data.send_initial_metadata.count = n_meta != 0;
	ops[0].data.send_initial_metadata.metadata = &meta;
	if (message != NULL) {
		ops[n].op = GRPC_OP_SEND_MESSAGE;
		ops[n++].data.send_message.send_message = message;
	}
	if (close)
		ops[n++].op = GRPC_OP_SEND_CLOSE_FROM_CLIENT;
	assert_int_equal(grpc_call_start_batch(call, ops, n, tag, NULL), GRPC_CALL_OK);
	grpc_slice_unref(meta.value);
	free(text);
}

static void
raw_wait(struct raw *r, void *tag)
{
	grpc_completion_queue_pluck(r->cq, tag, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
}

/* All that may come back; the tag is e. */
struct ending {
	grpc_metadata_array	 head, tail;
	grpc_byte_buffer	*reply;
	grpc_status_code	 status;
	grpc_slice		 details;
};

static void
raw_ask_ending(grpc_call *call, struct ending *e)
{
	grpc_op	ops[3];

	memset(ops, 0, sizeof(ops));
	*e = (struct ending){ .status = GRPC_STATUS_UNKNOWN };
	grpc_metadata_array_init(&e->head);
	grpc_metadata_array_init(&e->tail);
	ops[0].op = GRPC_OP_RECV_INITIAL_METADATA;
	ops[0].data.recv_initial_metadata.recv_initial_metadata = &e->head;
	ops[1].op = GRPC_OP_RECV_MESSAGE;
	ops[1].data.recv_message.recv_message = &e->reply;
	ops[2].op = GRPC_OP_RECV_STATUS_ON_CLIENT;
	ops[2].data.recv_status_on_client.trailing_metadata = &e->tail;
	ops[2].data.recv_status_on_client.status = &e->status;
	ops[2].data.recv_status_on_client.status_details = &e->details;
	assert_int_equal(grpc_call_start_batch(call, ops, 3, e, NULL), GRPC_CALL_OK);
}

static void
ending_done(struct ending *e)
{
	grpc_metadata_array_destroy(&e->head);
	grpc_metadata_array_destroy(&e->tail);
	if (e->reply != NULL)
		grpc_byte_buffer_destroy(e->reply);
	grpc_slice_unref(e->details);
}

/* A whole unary call of n zero bytes; how it ended. */
static grpc_status_code
raw_unary(struct raw *r, const char *method, size_t n, size_t n_meta)
{
	void			*zeros = calloc(1, n + 1);
	grpc_slice		 body = grpc_slice_from_copied_buffer(zeros, n);
	grpc_byte_buffer	*message = grpc_raw_byte_buffer_create(&body, 1);
	grpc_call		*call = raw_call(r, method, MS);
	struct ending		 e;
	int			 sent;

	raw_send(call, message, n_meta, true, &sent);
	raw_ask_ending(call, &e);
	raw_wait(r, &sent);
	raw_wait(r, &e);
	ending_done(&e);
	grpc_call_unref(call);
	grpc_byte_buffer_destroy(message);
	grpc_slice_unref(body);
	free(zeros);
	return e.status;
}

/*
 * 64 KiB of zeros are no bomb, but a server that unfolds these unfolds 512 MiB
 * before it looks at the size. So nothing compressed is taken at all.
 */
static void
test_compressed(void **state)
{
	struct peers	p;
	struct raw	plain, gzip;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	raw_open(&plain, &p, &p.alice, false);
	raw_open(&gzip, &p, &p.alice, true);
	assert_int_equal(raw_unary(&plain, "/t/Echo", 65536, 0), GRPC_STATUS_OK);
	assert_int_equal(raw_unary(&gzip, "/t/Echo", 65536, 0), GRPC_STATUS_UNIMPLEMENTED);
	assert_int_equal(atomic_load(&p.handled), 1);
	assert_int_equal(raw_unary(&gzip, "/t/Echo", (size_t)64 << 20, 0),
	    GRPC_STATUS_UNIMPLEMENTED);
	assert_int_equal(atomic_load(&p.handled), 1);
	assert_int_equal(raw_unary(&plain, "/t/Echo", 1, 0), GRPC_STATUS_OK);
	raw_close(&plain);
	raw_close(&gzip);
	peers_done(&p);
}

static void
test_large_headers(void **state)
{
	struct peers	p;
	struct raw	r;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	raw_open(&r, &p, &p.alice, false);
	assert_int_equal(raw_unary(&r, "/t/Echo", 1, 7000), GRPC_STATUS_OK);
	assert_int_not_equal(raw_unary(&r, "/t/Echo", 1, 9000), GRPC_STATUS_OK);
	raw_close(&r);
	/* That connection may be lost, the server is not. */
	raw_open(&r, &p, &p.alice, false);
	assert_int_equal(raw_unary(&r, "/t/Echo", 1, 0), GRPC_STATUS_OK);
	assert_int_equal(atomic_load(&p.handled), 2);
	raw_close(&r);
	peers_done(&p);
}

static enum rc
echo(struct rpc_client *c)
{
	struct buf	reply = BUF_INIT(64);
	enum rc		rc = rpc_call(c, "/t/Echo", SPAN_STR("hi"), MS, &reply, NULL);

	buf_done(&reply);
	return rc;
}

/* Calls that are opened and never say anything: cut off, and bounded until then. */
static void
test_silent_calls(void **state)
{
	enum { CALLS = 12, MOST = 8 };
	struct peers		 p;
	struct raw		 r;
	struct rpc_client	*c;
	grpc_call		*calls[CALLS];
	struct ending		 ends[CALLS];
	int			 sent[CALLS];
	enum rc			 rc = RC_UNSURE;

	(void)state;
	peers_init(&p);
	p.options.max_calls = MOST;
	p.options.stall_ms = 4000;
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	raw_open(&r, &p, &p.alice, false);
	assert_int_equal(echo(c), RC_OK);
	for (int i = 0; i < CALLS; i++) {
		calls[i] = raw_call(&r, "/t/Echo", 60000);
		raw_send(calls[i], NULL, 0, false, &sent[i]);
		raw_ask_ending(calls[i], &ends[i]);
		raw_wait(&r, &sent[i]);
	}
	sleep_ms(300);
	assert_int_equal(echo(c), RC_UNSURE);		/* every place is taken */
	for (int i = 0; i < CALLS; i++) {		/* until they were swept */
		raw_wait(&r, &ends[i]);
		assert_int_equal(ends[i].status, GRPC_STATUS_CANCELLED);
		ending_done(&ends[i]);
		grpc_call_unref(calls[i]);
	}
	for (int i = 0; i < 400 && rc != RC_OK; i++) {
		sleep_ms(50);
		rc = echo(c);
	}
	assert_int_equal(rc, RC_OK);
	raw_close(&r);
	rpc_client_free(c);
	peers_done(&p);
}

/* Out of memory when a call arrives costs that call and not the server. */
static void
test_no_memory_on_arrival(void **state)
{
	struct peers		 p;
	struct rpc_client	*c;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, &p.alice);
	assert_int_equal(echo(c), RC_OK);
	for (int i = 0; i < 40; i++) {			/* more than there are slots */
		fault_at(1);
		assert_int_equal(echo(c), RC_UNSURE);
		assert_true(fault_fired());
	}
	assert_int_equal(echo(c), RC_OK);
	assert_int_equal(atomic_load(&p.handled), 2);
	rpc_client_free(c);
	peers_done(&p);
}

/* Whose certificate cannot be read for want of memory is not told that they may not. */
static void
test_no_memory_for_the_name(void **state)
{
	struct rpc_client	*c;
	struct peers		 p;
	unsigned		 n, failed = 0;
	enum rc			 rc;

	(void)state;
	libcrypto_begin();	/* its memory is asked for as in our programs */
	peers_init(&p);
	peers_start(&p);
	for (n = 1;; n++) {
		AUTO_DONE(buf_done) struct buf reply = BUF_INIT(64), again = BUF_INIT(64);

		c = peers_client(&p, &p.alice);
		/* Connected, so that it is the call that fails and not the handshake. */
		assert_int_equal(rpc_call(c, "/t/Alice", SPAN_STR("hi"), MS, &again, NULL), RC_OK);
		atomic_store(&crypto_failed, false);
		atomic_store(&crypto_left, n);
		rc = rpc_call(c, "/t/Alice", SPAN_STR("hi"), MS, &reply, NULL);
		atomic_store(&crypto_left, 0);
		rpc_client_free(c);
		if (!atomic_load(&crypto_failed))
			break;
		assert_int_not_equal(rc, RC_DENIED);
		failed += rc != RC_OK;
	}
	assert_int_equal(rc, RC_OK);
	assert_true(failed > 0);
	peers_stop(&p);
	peers_done(&p);
}

static void
test_health(void **state)
{
	static const uint8_t	named[] = { 0x0a, 0x01, 'x' }, unnamed[] = { 0x0a, 0x00 };
	static const uint8_t	serving[] = { 0x08, 0x01 };
	struct peers		p;
	struct rpc_client	*c;
	struct buf		reply = BUF_INIT(64);
	uint8_t			large[300] = { 0 };

	(void)state;
	peers_init(&p);
	peers_start(&p);
	c = peers_client(&p, NULL);
	assert_int_equal(rpc_call(c, "/grpc.health.v1.Health/Check", SPAN_OF(unnamed), MS,
	    &reply, NULL), RC_OK);
	assert_true(span_eq(buf_view(&reply), SPAN_OF(serving)));
	buf_reset(&reply);
	assert_int_equal(rpc_call(c, "/grpc.health.v1.Health/Check", SPAN_OF(named), MS,
	    &reply, NULL), RC_MISSING);
	assert_int_equal(rpc_call(c, "/grpc.health.v1.Health/Check", SPAN_OF(large), MS,
	    &reply, NULL), RC_LIMIT);
	assert_int_equal(rpc_server_alive(p.s, MS, NULL), RC_OK);
	buf_done(&reply);
	rpc_client_free(c);
	peers_done(&p);
}

/* ---- CVE-2023-4785 ---- */

static int
bare_connection(uint16_t port)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int			fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	if (fd >= 0)
		(void)connect(fd, (struct sockaddr *)&a, sizeof(a));
	return fd;
}

/*
 * The library's listener that finds no descriptor free goes deaf and stays so. The door
 * keeps that from it (proto/door.h): when there are descriptors again, it hears.
 */
static void
test_deaf(void **state)
{
	struct peers	p;
	struct rlimit	had, low;
	struct err	err = { RC_OK, "" };
	int		fds[64], n = 0, top;
	enum rc		alive, fresh;

	(void)state;
	peers_init(&p);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &had), 0);
	low = had;
	low.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	peers_start(&p);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &had), 0);
	assert_int_equal(had.rlim_cur, had.rlim_max);
	assert_int_equal(rpc_server_alive(p.s, MS, &err), RC_OK);
	top = dup(0);
	assert_true(top >= 0);
	close(top);
	low = had;
	low.rlim_cur = (rlim_t)top + 30;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < 64 && (fds[n] = bare_connection(p.port)) >= 0)
		n++;
	sleep_ms(500);
	assert_true(n > 5 && n < 64);
	while (n > 0)
		close(fds[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &had), 0);
	sleep_ms(500);
	alive = rpc_server_alive(p.s, MS, &err);
	{
		struct rpc_client	*c = peers_client(&p, &p.alice);
		struct buf		 reply = BUF_INIT(64);

		fresh = rpc_call(c, "/t/Echo", SPAN_STR("hi"), MS, &reply, NULL);
		buf_done(&reply);
		rpc_client_free(c);
	}
	assert_int_equal(alive, RC_OK);
	assert_int_equal(fresh, RC_OK);
	/* A new listener hears as well: what the watchdog would do. */
	peers_stop(&p);
	peers_start(&p);
	assert_int_equal(rpc_server_alive(p.s, MS, &err), RC_OK);
	peers_done(&p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_compressed),
		cmocka_unit_test(test_large_headers),
		cmocka_unit_test(test_silent_calls),
		cmocka_unit_test(test_no_memory_on_arrival),
		cmocka_unit_test(test_no_memory_for_the_name),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_deaf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
