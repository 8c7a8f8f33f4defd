/*
 * custodian/listener.c - the process that parses the network; it holds no key but TLS's.
 *
 * Every call that its table allows is handed to the keeper as it came, one at a
 * time, and answered with what the keeper said. It decides nothing. When its own
 * port goes deaf (docs/adr/0001) it exits, and the parent starts another.
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "custodian/frame.h"
#include "custodian/methods.h"
#include "proto/rpc.h"

#define METHODS_MAX	16
#define ALIVE_EVERY	10	/* seconds */
#define ALIVE_WAIT_MS	3000

struct listener {
	int		 fd;
	pthread_mutex_t	 lock;		/* one question at a time */
	uint32_t	 next_id;
	struct frame	 frame;
	struct charter	*charter;
	uint8_t		 pin[1 + CUSTODIANS_MAX + HOSTS_MAX][RPC_PIN_BYTES];
	uint32_t	 role[1 + CUSTODIANS_MAX + HOSTS_MAX];
	size_t		 n_pins;
};

static volatile sig_atomic_t	stopping;

static void
on_term(int sig)
{
	(void)sig;
	stopping = 1;
}

static void
add_pin(struct listener *l, struct blob_ref cert, uint32_t role)
{
	sha256_one(l->pin[l->n_pins], SPAN(cert.p, cert.n));
	l->role[l->n_pins++] = role;
}

static uint32_t
who(void *user, const uint8_t pin[RPC_PIN_BYTES])
{
	struct listener	*l = user;
	size_t		 i;

	for (i = 0; pin != NULL && i < l->n_pins; i++)
		if (memcmp(l->pin[i], pin, RPC_PIN_BYTES) == 0)	/* public digests */
			return l->role[i];
	return 0;
}

static void
note(void *user, const struct rpc_call *call, const struct err *err)
{
	(void)user;
	log_line("%s from %s: %s", rpc_method_name(call), rpc_peer_address(call), err->msg);
}

static void
library_line(const char *line)
{
	log_line("tls: %s", line);
}

/* The keeper's answer to this id; older ones belong to callers who gave up. */
static enum rc
answer_of(struct listener *l, uint32_t id, unsigned ms, struct err *err)
{
	uint64_t	end = clock_ms() + ms, now;

	for (;;) {
		now = clock_ms();
		TRY(frame_read(l->fd, now >= end ? 0 : (int)(end - now), &l->frame, err));
		if (l->frame.id == id)
			return RC_OK;
	}
}

static enum rc
ask(struct listener *l, uint8_t method, uint8_t roles, struct span request, unsigned ms,
    struct buf *reply, char words[FRAME_WORDS_MAX + 1], struct err *err)
{
	uint32_t	id = l->next_id == UINT32_MAX ? (l->next_id = 1) : ++l->next_id;

	words[0] = '\0';
	TRY(frame_write(l->fd, id, method, roles, NULL, request, err));
	TRY(answer_of(l, id, ms, err));
	(void)snprintf(words, FRAME_WORDS_MAX + 1, "%s", l->frame.words);
	if (l->frame.code != RC_OK)
		return err_set(err, (enum rc)l->frame.code, "keeper: %s",
		    words[0] == '\0' ? "see its log" : words);
	buf_span(reply, buf_view(&l->frame.payload));
	return buf_check(reply, "reply", err);
}

static enum rc
forward(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err)
{
	struct listener	*l = user;
	const char	*name = rpc_method_name(call);
	char		 words[FRAME_WORDS_MAX + 1];
	uint8_t		 m;
	enum rc		 rc;

	for (m = 0; m < n_keeper_methods && strcmp(keeper_methods[m].name, name) != 0; m++)
		;
	(void)pthread_mutex_lock(&l->lock);
	rc = ask(l, m, (uint8_t)rpc_roles(call), request, rpc_ms_left(call), reply, words, err);
	(void)pthread_mutex_unlock(&l->lock);
	if (words[0] != '\0')
		rpc_say(call, "%s", words);
	if (rc == RC_IO && words[0] == '\0')
		stopping = 1;		/* the keeper is gone */
	return rc;
}

static enum rc
set_up(struct listener *l, const char *dir, struct custodian_config *config, struct err *err)
{
	uint8_t		i;
	uint32_t	h;

	TRY(config_read(dir, config, err));
	TRY(config_charter(dir, &l->charter, err));
	add_pin(l, l->charter->coordinator.tls_certificate, CALLER_COORDINATOR);
	for (i = 0; i < l->charter->n; i++)
		add_pin(l, l->charter->custodian[i].tls_certificate, CALLER_PEER);
	for (h = 0; h < l->charter->n_hosts; h++)
		add_pin(l, l->charter->host[h].tls_certificate, CALLER_HOST);
	return RC_OK;
}

static enum rc
start(struct listener *l, const char *dir, struct rpc_server **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf cert = BUF_INIT(16384);
	AUTO(secret_free) struct secret *key = NULL;
	AUTO(rpc_server_free) struct rpc_server *s = NULL;
	struct custodian_config		config;
	static struct rpc_method	methods[METHODS_MAX];
	struct rpc_server_options	o;
	char				path[FILE_PATH_MAX];
	uint16_t			port;
	size_t				i;

	TRY(set_up(l, dir, &config, err));
	TRY(file_path(path, err, "%s/tls.crt", dir));
	TRY(file_read(path, &cert, err));
	TRY(file_path(path, err, "%s/tls.key", dir));
	TRY(file_read_secret(path, 16384, &key, err));
	for (i = 0; i < n_keeper_methods; i++)
		methods[i] = (struct rpc_method){ keeper_methods[i].name, forward,
		    keeper_methods[i].callers, keeper_methods[i].max_request };
	memset(&o, 0, sizeof(o));
	o.address = config.listen;
	o.cert_pem = buf_view(&cert);
	o.key_pem = SPAN(secret_view(key), secret_len(key));
	o.methods = methods;
	o.n_methods = n_keeper_methods;
	o.user = l;
	o.who = who;
	o.note = note;
	o.max_memory = 64 << 20;
	TRY(rpc_server_new(&o, &s, err));
	TRY(rpc_server_start(s, &port, err));
	log_line("ready on %s", config.listen);
	*ret = TAKE(s);
	return RC_OK;
}

static enum rc
watch(struct rpc_server *s, struct err *err)
{
	unsigned	deaf = 0, second = 0;
	enum rc		rc = RC_OK;

	while (!stopping) {
		(void)sleep(1);		/* a clock tick; SIGTERM ends it early */
		if (++second % ALIVE_EVERY != 0)
			continue;
		rc = rpc_server_alive(s, ALIVE_WAIT_MS, err);
		deaf = rc == RC_OK ? 0 : deaf + 1;
		if (deaf == 2)
			return err_wrap(err, rc, "the port is deaf; starting anew");
	}
	return RC_OK;
}

int
listener_main(const char *dir, int fd)
{
	AUTO(rpc_server_free) struct rpc_server *s = NULL;
	static struct listener	l = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct sigaction	sa = { .sa_handler = on_term };
	struct err		err;
	enum rc			rc;

	(void)signal(SIGINT, SIG_IGN);
	(void)sigaction(SIGTERM, &sa, NULL);
	l.fd = fd;
	l.frame.payload = BUF_INIT(FRAME_BYTES_MAX);
	rpc_log_to(library_line);
	if ((rc = harden(&err)) != RC_OK || (rc = secret_init(&err)) != RC_OK ||
	    (rc = start(&l, dir, &s, &err)) != RC_OK || (rc = watch(s, &err)) != RC_OK)
		log_err(&err, "listener");
	if (s != NULL)
		rpc_server_stop(s, 500);
	return exit_code(rc);
}
