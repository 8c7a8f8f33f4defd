#include <pthread.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "tests/unit/fault.h"
#include "tests/unit/proto/peers.h"

#define MS 60000

/* ---- certificates and keys as bytes ---- */

static void
test_fingerprint(void **state)
{
	struct identity	id;
	uint8_t		want[RPC_PIN_BYTES], pin[RPC_PIN_BYTES];
	unsigned char	*der = NULL;
	char		*two;
	size_t		n, len;

	(void)state;
	identity_make(&id, "x", 0, NULL);
	n = (size_t)i2d_X509(id.x, &der);
	sha256_one(want, SPAN(der, n));
	assert_int_equal(rpc_tls_fingerprint(SPAN(der, n), pin, NULL), RC_OK);
	assert_memory_equal(pin, want, sizeof(pin));
	assert_int_equal(rpc_tls_fingerprint(span_str(id.cert_pem), pin, NULL), RC_OK);
	assert_memory_equal(pin, want, sizeof(pin));
	for (size_t i = 0; i < n; i++) {
		uint8_t	*cut = heap_copy(der, i);

		assert_int_equal(rpc_tls_fingerprint(SPAN(cut, i), pin, NULL), RC_FORMAT);
		free(cut);
	}
	len = strlen(id.cert_pem);
	for (size_t i = 0; i < len - 1; i++) {	/* all but its last newline */
		uint8_t	*cut = heap_copy(id.cert_pem, i);

		if (rpc_tls_fingerprint(SPAN(cut, i), pin, NULL) == RC_OK)
			assert_memory_equal(pin, want, sizeof(pin));
		free(cut);
	}
	two = malloc(2 * len + 1);
	snprintf(two, 2 * len + 1, "%s%s", id.cert_pem, id.cert_pem);
	assert_int_equal(rpc_tls_fingerprint(span_str(two), pin, NULL), RC_FORMAT);
	free(two);
	der = OPENSSL_realloc(der, n + 1);
	der[n] = 0;
	assert_int_equal(rpc_tls_fingerprint(SPAN(der, n + 1), pin, NULL), RC_FORMAT);
	assert_int_equal(rpc_tls_fingerprint(span_str(id.key_pem), pin, NULL), RC_FORMAT);
	assert_int_equal(rpc_tls_fingerprint(SPAN_STR("garbage"), pin, NULL), RC_FORMAT);
	OPENSSL_free(der);
	identity_done(&id);
}

static enum rc
client_rc(const char *address, const char *server, const char *cert, const char *key)
{
	struct rpc_client_options	 o = { address, span_str(server), span_str(cert),
					    span_str(key), 0 };
	struct rpc_client		*c = NULL;
	struct err			 err = { RC_OK, "" };
	enum rc				 rc = rpc_client_new(&o, &c, &err);

	assert_true(rc == RC_OK || err.msg[0] != '\0');
	assert_true((rc == RC_OK) == (c != NULL));
	rpc_client_free(c);
	return rc;
}

/* A key behind a password; nobody may be asked for it. */
static char *
locked_key(const struct identity *id)
{
	BIO	*bio = BIO_new(BIO_s_mem());
	char	*p, *copy;
	long	 n;

	PEM_write_bio_PrivateKey(bio, id->key, EVP_aes_128_cbc(), (unsigned char *)"pass", 4,
	    NULL, NULL);
	n = BIO_get_mem_data(bio, &p);
	copy = strndup(p, (size_t)n);
	BIO_free(bio);
	return copy;
}

static void
test_client_input(void **state)
{
	static const char *const bad[] = { "", "localhost", ":1", "a:", "a:0", "a:65536",
	    "a:-1", "a:1 ", "a:01", "a b:1", "unix:/tmp/x:1", "unix:x", "dns:///a:1",
	    "xds:///a:1", "a,b:1", "::1:1", "[::1]", "[]:1", "[::1]x:1", "[g]:1", "a:1\n",
	    "a%00:1" };
	static const char *const good[] = { "localhost:1", "127.0.0.1:65535", "[::1]:1",
	    "custodian-1.example.org:7001" };
	char		 longer[400];
	struct identity	 s, a, b, wild, bare;
	char		*locked;

	(void)state;
	identity_make(&s, "s", 0, NULL);
	identity_make(&a, "a", 0, NULL);
	identity_make(&b, "b", 0, NULL);
	identity_make(&wild, "*.example.org", ID_SAN, NULL);
	identity_make(&bare, "", 0, NULL);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(client_rc(bad[i], s.cert_pem, "", ""), RC_USAGE);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(client_rc(good[i], s.cert_pem, "", ""), RC_OK);
	memset(longer, 'a', sizeof(longer));
	memcpy(longer + sizeof(longer) - 3, ":1", 3);
	assert_int_equal(client_rc(longer, s.cert_pem, "", ""), RC_USAGE);
	assert_int_equal(client_rc("a:1", s.cert_pem, a.cert_pem, a.key_pem), RC_OK);
	assert_int_equal(client_rc("a:1", "", "", ""), RC_FORMAT);
	assert_int_equal(client_rc("a:1", "x", "", ""), RC_FORMAT);
	assert_int_equal(client_rc("a:1", s.cert_pem, a.cert_pem, ""), RC_FORMAT);
	assert_int_equal(client_rc("a:1", s.cert_pem, "", a.key_pem), RC_FORMAT);
	assert_int_equal(client_rc("a:1", s.cert_pem, a.cert_pem, b.key_pem), RC_FORMAT);
	assert_int_equal(client_rc("a:1", s.cert_pem, a.cert_pem, a.cert_pem), RC_FORMAT);
	/* Names that the library could not be given. */
	assert_int_equal(client_rc("a:1", wild.cert_pem, "", ""), RC_FORMAT);
	assert_int_equal(client_rc("a:1", bare.cert_pem, "", ""), RC_FORMAT);
	locked = locked_key(&a);
	assert_int_equal(client_rc("a:1", s.cert_pem, a.cert_pem, locked), RC_FORMAT);
	free(locked);
	identity_done(&s);
	identity_done(&a);
	identity_done(&b);
	identity_done(&wild);
	identity_done(&bare);
}

/* ---- whom a client talks to ---- */

static enum rc
echo(const struct peers *p, const char *pinned, struct err *err)
{
	struct rpc_client_options	 o = { p->address, span_str(pinned),
					    span_str(p->alice.cert_pem),
					    span_str(p->alice.key_pem), 0 };
	struct rpc_client		*c = NULL;
	struct buf			 reply = BUF_INIT(64);
	enum rc				 rc;

	assert_int_equal(rpc_client_new(&o, &c, err), RC_OK);
	rc = rpc_call(c, "/t/Echo", SPAN_STR("hi"), MS, &reply, err);
	buf_done(&reply);
	rpc_client_free(c);
	return rc;
}

static void
serve_as(struct peers *p, const struct identity *id)
{
	peers_stop(p);
	p->options.cert_pem = span_str(id->cert_pem);
	p->options.key_pem = span_str(id->key_pem);
	peers_start(p);
}

static void
test_pin(void **state)
{
	struct peers	p;
	struct identity	twin, ca, leaf, kinds[3], old;
	struct err	err = { RC_OK, "" };

	(void)state;
	peers_init(&p);
	identity_make(&twin, "custodian-1", ID_SAN, NULL);	/* same names, another key */
	identity_make(&ca, "custodian-1", ID_SAN | ID_CA, NULL);
	identity_make(&leaf, "custodian-1", ID_SAN, &ca);
	identity_make(&kinds[0], "a name", 0, NULL);
	identity_make(&kinds[1], "custodian-2.example.org", ID_SAN | ID_SIGN_ONLY, NULL);
	identity_make(&kinds[2], "custodian-3", ID_CA, NULL);
	identity_make(&old, "custodian-4", ID_EXPIRED, NULL);
	peers_start(&p);
	assert_int_equal(echo(&p, p.server.cert_pem, &err), RC_OK);
	assert_int_equal(echo(&p, twin.cert_pem, &err), RC_UNSURE);
	assert_non_null(strstr(err.msg, p.address));
	/* A certificate that the pinned one issued is not the pinned one. */
	serve_as(&p, &leaf);
	assert_int_equal(echo(&p, ca.cert_pem, &err), RC_UNSURE);
	assert_int_equal(atomic_load(&p.handled), 1);
	/* Self-signed in whatever manner. */
	for (int i = 0; i < 3; i++) {
		serve_as(&p, &kinds[i]);
		assert_int_equal(echo(&p, kinds[i].cert_pem, &err), RC_OK);
		identity_done(&kinds[i]);
	}
	serve_as(&p, &old);
	assert_int_equal(echo(&p, old.cert_pem, &err), RC_UNSURE);
	identity_done(&twin);
	identity_done(&ca);
	identity_done(&leaf);
	identity_done(&old);
	peers_done(&p);
}

/* ---- the protocol underneath, with OpenSSL alone on the other side ---- */

static atomic_uint	tickets;

static int
on_ticket(SSL *ssl, SSL_SESSION *session)
{
	(void)ssl;
	(void)session;
	atomic_fetch_add(&tickets, 1);
	return 0;
}

static SSL_CTX *
plain_ctx(const SSL_METHOD *method, int version)
{
	SSL_CTX	*ctx = SSL_CTX_new(method);

	/* This process's settings hold for us as well: undo them. */
	SSL_CTX_clear_options(ctx, SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_3 | SSL_OP_NO_TICKET);
	assert_int_equal(SSL_CTX_set_min_proto_version(ctx, version), 1);
	assert_int_equal(SSL_CTX_set_max_proto_version(ctx, version), 1);
	return ctx;
}

static int
tcp_connect(uint16_t port)
{
	struct sockaddr_in	a = { .sin_family = AF_INET, .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval		t = { 1, 0 };
	int			fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	return fd;
}

/* Did the handshake succeed with exactly this version? Then reads a while. */
static bool
handshake(uint16_t port, int version)
{
	static const unsigned char	h2[] = { 2, 'h', '2' };
	SSL_CTX	*ctx = plain_ctx(TLS_client_method(), version);
	SSL	*ssl;
	char	 bytes[64];
	int	 fd = tcp_connect(port);
	bool	 good;

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT);
	SSL_CTX_sess_set_new_cb(ctx, on_ticket);
	SSL_CTX_set_alpn_protos(ctx, h2, sizeof(h2));
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, fd);
	good = SSL_connect(ssl) == 1 && SSL_version(ssl) == version;
	while (good && SSL_read(ssl, bytes, sizeof(bytes)) > 0)
		;
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(fd);
	return good;
}

static void
test_server_versions(void **state)
{
	struct peers	p;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	assert_true(handshake(p.port, TLS1_3_VERSION));
	assert_int_equal(atomic_load(&tickets), 0);
	assert_false(handshake(p.port, TLS1_2_VERSION));
	peers_done(&p);
}

/* Connections that never do a thing, one in its handshake, one after it. */
static void
test_stop_with_idlers(void **state)
{
	static const unsigned char	h2[] = { 2, 'h', '2' };
	struct peers	p;
	struct timespec	from, to;
	SSL_CTX		*ctx;
	SSL		*ssl;
	int		 bare, idle;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	ctx = plain_ctx(TLS_client_method(), TLS1_3_VERSION);
	SSL_CTX_set_alpn_protos(ctx, h2, sizeof(h2));
	bare = tcp_connect(p.port);
	idle = tcp_connect(p.port);
	ssl = SSL_new(ctx);
	SSL_set_fd(ssl, idle);
	assert_int_equal(SSL_connect(ssl), 1);
	sleep_ms(100);
	clock_gettime(CLOCK_MONOTONIC, &from);
	rpc_server_stop(p.s, 20000);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true(to.tv_sec - from.tv_sec < 15);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	close(bare);
	close(idle);
	peers_done(&p);
}

struct acceptor {
	pthread_t	 thread;
	int		 fd;
	SSL_CTX		*ctx;
	int		 accepted;	/* what SSL_accept said */
};

static int
choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_n, const unsigned char *in,
    unsigned int n, void *arg)
{
	(void)ssl;
	(void)in;
	(void)n;
	(void)arg;
	*out = (const unsigned char *)"h2";
	*out_n = 2;
	return SSL_TLSEXT_ERR_OK;
}

static void *
accept_one(void *arg)
{
	struct acceptor	*a = arg;
	int		 fd = accept(a->fd, NULL, NULL);
	SSL		*ssl = SSL_new(a->ctx);

	SSL_set_fd(ssl, fd);
	a->accepted = SSL_accept(ssl);
	SSL_free(ssl);
	close(fd);
	return NULL;
}

/* Does our client shake hands with the right server that speaks only version? */
static bool
client_accepts(struct peers *p, int version)
{
	struct sockaddr_in	at = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t		n = sizeof(at);
	struct acceptor		a = { .fd = socket(AF_INET, SOCK_STREAM, 0) };
	struct err		err;

	a.ctx = plain_ctx(TLS_server_method(), version);
	SSL_CTX_set_alpn_select_cb(a.ctx, choose_h2, NULL);
	assert_int_equal(SSL_CTX_use_certificate(a.ctx, p->server.x), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(a.ctx, p->server.key), 1);
	assert_int_equal(bind(a.fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(a.fd, 1), 0);
	getsockname(a.fd, (struct sockaddr *)&at, &n);
	snprintf(p->address, sizeof(p->address), "127.0.0.1:%u",
	    (unsigned)ntohs(at.sin_port));
	assert_int_equal(pthread_create(&a.thread, NULL, accept_one, &a), 0);
	assert_int_equal(echo(p, p->server.cert_pem, &err), RC_UNSURE);
	pthread_join(a.thread, NULL);
	SSL_CTX_free(a.ctx);
	close(a.fd);
	return a.accepted == 1;
}

static void
test_client_versions(void **state)
{
	struct peers	p;

	(void)state;
	peers_init(&p);
	assert_true(client_accepts(&p, TLS1_3_VERSION));
	assert_false(client_accepts(&p, TLS1_2_VERSION));
	peers_done(&p);
}

/* ---- a server's options ---- */

static enum rc
server_rc(const struct rpc_server_options *o)
{
	struct rpc_server	*s = NULL;
	struct err		 err = { RC_OK, "" };
	enum rc			 rc = rpc_server_new(o, &s, &err);

	assert_true((rc == RC_OK) == (s != NULL));
	assert_true(rc == RC_OK || err.msg[0] != '\0');
	rpc_server_free(s);
	return rc;
}

#define REFUSED(field, value, code)					\
	do {								\
		struct rpc_server_options o_ = p.options;		\
		o_.field = (value);					\
		assert_int_equal(server_rc(&o_), (code));		\
	} while (0)

static void
test_server_input(void **state)
{
	struct peers		p;
	struct rpc_method	twice[2];

	(void)state;
	peers_init(&p);
	assert_int_equal(server_rc(&p.options), RC_OK);
	REFUSED(address, "127.0.0.1", RC_USAGE);
	REFUSED(address, "unix:/tmp/x:1", RC_USAGE);
	REFUSED(address, NULL, RC_USAGE);
	REFUSED(methods, NULL, RC_USAGE);
	REFUSED(n_methods, 0, RC_USAGE);
	REFUSED(n_methods, RPC_METHODS_MAX + 1, RC_USAGE);
	REFUSED(who, NULL, RC_USAGE);
	REFUSED(workers, RPC_WORKERS_MAX + 1, RC_USAGE);
	REFUSED(queue, RPC_QUEUE_MAX + 1, RC_USAGE);
	REFUSED(max_calls, RPC_CALLS_MAX + 1, RC_USAGE);
	REFUSED(max_message, (size_t)INT32_MAX + 1, RC_USAGE);
	REFUSED(max_message, 4096, RC_USAGE);	/* less than a method's */
	REFUSED(cert_pem, SPAN_STR("x"), RC_FORMAT);
	REFUSED(key_pem, SPAN_STR("x"), RC_FORMAT);
	REFUSED(key_pem, span_str(p.alice.key_pem), RC_FORMAT);
	twice[0] = twice[1] = p.options.methods[0];
	p.options.n_methods = 2;
	REFUSED(methods, twice, RC_USAGE);
	twice[1].name = "no/slash";
	REFUSED(methods, twice, RC_USAGE);
	twice[1].name = "/t/Other";
	REFUSED(methods, twice, RC_OK);
	twice[1].handler = NULL;
	REFUSED(methods, twice, RC_USAGE);
	peers_done(&p);
}

static void
test_address_in_use(void **state)
{
	struct peers		 p;
	struct rpc_server	*other = NULL;
	struct err		 err = { RC_OK, "" };
	uint16_t		 port = 7;

	(void)state;
	peers_init(&p);
	peers_start(&p);
	p.options.address = p.address;
	assert_int_equal(rpc_server_new(&p.options, &other, &err), RC_OK);
	assert_int_equal(rpc_server_start(other, &port, &err), RC_IO);
	assert_non_null(strstr(err.msg, p.address));
	assert_int_equal(port, 7);
	assert_int_equal(rpc_server_start(other, &port, &err), RC_USAGE);
	rpc_server_free(other);
	assert_int_equal(rpc_server_alive(p.s, MS, &err), RC_OK);
	peers_done(&p);
}

static void
test_no_memory(void **state)
{
	struct peers			 p;
	struct rpc_server		*s = NULL;
	struct rpc_client		*c = NULL;
	struct rpc_client_options	 o;
	uint16_t			 port;
	unsigned long			 n;
	enum rc				 rc;

	(void)state;
	peers_init(&p);
	for (n = 1;; n++) {
		fault_at(n);
		rc = rpc_server_new(&p.options, &s, NULL);
		if (rc == RC_OK)
			rc = rpc_server_start(s, &port, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		rpc_server_free(s);
		s = NULL;
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 32);
	rpc_server_free(s);
	o = (struct rpc_client_options){ "127.0.0.1:1", span_str(p.server.cert_pem),
	    span_str(p.alice.cert_pem), span_str(p.alice.key_pem), 0 };
	for (n = 1;; n++) {
		fault_at(n);
		rc = rpc_client_new(&o, &c, NULL);
		if (!fault_fired())
			break;
		assert_int_equal(rc, RC_NOMEM);
		assert_null(c);
	}
	assert_int_equal(rc, RC_OK);
	assert_true(n > 4);
	rpc_client_free(c);
	peers_done(&p);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_client_input),
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_server_versions),
		cmocka_unit_test(test_stop_with_idlers),
		cmocka_unit_test(test_client_versions),
		cmocka_unit_test(test_server_input),
		cmocka_unit_test(test_address_in_use),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
