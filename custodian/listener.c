/*
 * custodian/listener.c - the process that parses the network; it holds no key but TLS's.
 *
 * Every call that its table and custodian/limit.h allow is handed to the keeper as it
 * came, one at a time, and answered with what the keeper said. It decides nothing else. When its own
 * port goes deaf (docs/adr/0001) it exits, and the parent starts another; so it does when
 * the charter in force, which the keeper tells it, names others or other places, and when
 * this custodian has agreed to a successor of the coordinator (custodian/agree.h), who
 * must be let in before the log can say so.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <sodium.h>

#include "custodian/agree.h"
#include "custodian/confined.h"
#include "custodian/frame.h"
#include "custodian/limit.h"
#include "custodian/methods.h"
#include "proto/quorate.pb-c.h"
#include "proto/rpc.h"

#define SUBMIT_METHOD	"/quorate.v1.Custodian/Submit"
#define METHODS_MAX	16
#define SELF_MS		5000	/* for the keeper to answer our own threads */
#define ALIVE_EVERY	10000	/* milliseconds */
#define ALIVE_WAIT_MS	3000
#define RENEW_EVERY	1000	/* milliseconds: looks for another charter */
#define LOOK_UP_MS	200	/* how soon a signal to stop is seen */
#define NOTES_MAX	50	/* lines about calls in NOTES_MS, and as many of the library's */
#define NOTES_MS	10000
#define STOP_GRACE_MS	500	/* for calls that run */

struct listener {
	int		 fd;
	/* One question at a time, in the order in which they came: whoever asks much does not get in first. */
	pthread_mutex_t	 lock;
	pthread_cond_t	 moved;
	uint64_t	 tickets, turn;
	pthread_mutex_t	 note_lock;
	struct log_quota notes;
	bool		 owed;		/* the answer to the last question is still to come */
	bool		 gone;		/* the keeper: nothing more can be asked */
	uint32_t	 next_id;
	struct frame	 frame;
	struct charter	*charter;	/* in force when it started */
	uint8_t		 index;		/* ours; 0 before entry 0 came */
	struct successor successor;
	struct peers	*peers;
	uint8_t		 pin[LIMIT_CALLERS_MAX][RPC_PIN_BYTES];
	uint32_t	 role[LIMIT_CALLERS_MAX];
	size_t		 n_pins;
	pthread_mutex_t	 limit_lock;
	struct limit	 limit;
};

_Static_assert(LIMIT_CALLERS_MAX == 2 + CUSTODIANS_MAX + HOSTS_MAX, "each caller has a bucket");

static atomic_int	stopping;		/* a signal sets it, every thread reads it */

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

/* Which of the callers that the charter knows. */
static size_t
caller_of(const struct listener *l, const uint8_t *pin)
{
	size_t	i;

	for (i = 0; pin != NULL && i < l->n_pins; i++)
		if (memcmp(l->pin[i], pin, RPC_PIN_BYTES) == 0)	/* public digests */
			return i;
	return LIMIT_STRANGER;
}

static uint32_t
who(void *user, const uint8_t pin[RPC_PIN_BYTES])
{
	const struct listener	*l = user;
	size_t			 caller = caller_of(l, pin);

	return caller == LIMIT_STRANGER ? CALLER_ANYBODY : l->role[caller] | CALLER_ANYBODY;
}

/* Which custodian calls: its index, or 0. */
static uint8_t
custodian_of(const struct listener *l, size_t caller)
{
	/* add_pin() took the coordinator's first, then theirs. */
	return caller >= 1 && caller <= l->charter->n ? (uint8_t)caller : 0;
}

/* Strangers can be refused faster than a disk wants to hear of it. */
static void
note(void *user, const struct rpc_call *call, const struct err *err)
{
	struct listener	*l = user;
	bool		 may;

	(void)pthread_mutex_lock(&l->note_lock);
	may = log_may(&l->notes, NOTES_MAX, NOTES_MS, clock_ms());
	(void)pthread_mutex_unlock(&l->note_lock);
	if (may)
		log_line("%s from %s: %s", rpc_method_name(call), rpc_peer_address(call), err->msg);
}

static void
library_line(const char *line)
{
	static pthread_mutex_t	lock = PTHREAD_MUTEX_INITIALIZER;
	static struct log_quota	lines;
	bool			may;

	(void)pthread_mutex_lock(&lock);
	may = log_may(&lines, NOTES_MAX, NOTES_MS, clock_ms());
	(void)pthread_mutex_unlock(&lock);
	if (may)
		log_line("tls: %s", line);
}

/*
 * The next frame of the keeper, looking up from time to time: when we are to
 * stop, nobody is kept waiting for a token that does not answer.
 */
static enum rc
read_by(struct listener *l, uint64_t end, struct err *err)
{
	uint64_t	now;
	enum rc		rc;

	for (;;) {
		now = clock_ms();
		rc = frame_read(l->fd, now >= end ? 0 : end - now < LOOK_UP_MS ? (int)(end - now) : LOOK_UP_MS,
		    &l->frame, err);
		if (rc == RC_IO)
			l->gone = true;
		if (rc != RC_UNSURE)
			return rc;
		if (stopping)
			return err_set(err, RC_UNSURE, "stopping");
		if (clock_ms() >= end)
			return err_set(err, RC_UNSURE, "the keeper is busy");
	}
}

/*
 * Nothing is asked while an answer is outstanding whose asker gave up: both
 * sides would write, and neither read.
 */
static enum rc
settle(struct listener *l, uint64_t end, struct err *err)
{
	if (l->owed)
		TRY(read_by(l, end, err));
	l->owed = false;
	return RC_OK;
}

static enum rc
ask(struct listener *l, uint8_t method, uint8_t roles, uint8_t from, struct span request, uint64_t end,
    struct err *err)
{
	uint32_t	id = l->next_id == UINT32_MAX ? (l->next_id = 1) : ++l->next_id;
	enum rc		rc;

	/* However many wait for their turn: none of them looks up for itself first. */
	if (stopping)
		return err_set(err, RC_UNSURE, "stopping");
	TRY(settle(l, end, err));
	if (clock_ms() >= end)
		return err_set(err, RC_UNSURE, "its caller waits no longer");
	l->owed = true;
	if ((rc = frame_write(l->fd, id, method, roles, from, NULL, request, err)) != RC_OK) {
		l->gone = true;
		return rc;
	}
	TRY(read_by(l, end, err));
	l->owed = false;
	if (l->frame.id == id)
		return RC_OK;
	l->gone = true;
	return err_set(err, RC_IO, "the keeper answered another question");
}

/* What the keeper said is the caller's; that it said nothing is ours. */
static enum rc
answer(struct listener *l, struct rpc_call *call, struct buf *reply, struct err *err)
{
	if (l->frame.words[0] != '\0')
		rpc_say(call, "%s", l->frame.words);
	if (l->frame.code != RC_OK)
		return err_set(err, (enum rc)l->frame.code, "keeper: %s",
		    l->frame.words[0] == '\0' ? "see its log" : l->frame.words);
	buf_span(reply, buf_view(&l->frame.payload));
	return buf_check(reply, "reply", err);
}

static void
take_turn(struct listener *l)
{
	uint64_t	ticket;

	(void)pthread_mutex_lock(&l->lock);
	ticket = l->tickets++;
	while (l->turn != ticket)
		(void)pthread_cond_wait(&l->moved, &l->lock);
	(void)pthread_mutex_unlock(&l->lock);
}

static void
end_turn(struct listener *l)
{
	(void)pthread_mutex_lock(&l->lock);
	l->turn++;
	(void)pthread_cond_broadcast(&l->moved);
	(void)pthread_mutex_unlock(&l->lock);
}

static enum rc
ask_keeper(struct listener *l, struct rpc_call *call, size_t caller, struct span request, struct buf *reply,
    struct err *err)
{
	const char	*name = rpc_method_name(call);
	uint8_t		 m;
	enum rc		 rc;

	for (m = 0; m < n_keeper_methods && strcmp(keeper_methods[m].name, name) != 0; m++)
		;
	take_turn(l);
	rc = l->gone || stopping ? err_set(err, RC_UNSURE, "the keeper is gone, or this is the end") :
	    ask(l, m, (uint8_t)rpc_roles(call), custodian_of(l, caller), request,
	    clock_ms() + rpc_ms_left(call), err);
	if (rc == RC_OK)
		rc = answer(l, call, reply, err);
	if (l->gone)
		stopping = 1;		/* the parent starts another of us, or ends */
	end_turn(l);
	return rc;
}

static bool
let_in(struct listener *l, struct rpc_call *call, size_t caller)
{
	bool	may;

	(void)pthread_mutex_lock(&l->limit_lock);
	may = limit_enter(&l->limit, caller, rpc_peer_address(call), clock_ms());
	(void)pthread_mutex_unlock(&l->limit_lock);
	return may;
}

/* Not for what the log shows or would refuse: else strangers could keep us talking to our peers. */
static bool
was_taken(struct span reply)
{
	Quorate__V1__SubmitReply	*r = quorate__v1__submit_reply__unpack(NULL, reply.n, reply.p);
	bool				 taken = r != NULL && r->effective && !r->logged;

	if (r != NULL)
		quorate__v1__submit_reply__free_unpacked(r, NULL);
	return taken;
}

static enum rc
forward(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err)
{
	struct listener	*l = user;
	size_t		 caller = caller_of(l, rpc_peer(call));
	enum rc		 rc;

	if (!let_in(l, call, caller)) {
		rpc_say(call, "too many calls at once: ask again in a few seconds");
		return err_set(err, RC_LIMIT, "too many calls at once from there");
	}
	rc = ask_keeper(l, call, caller, request, reply, err);
	if (rc == RC_OK && strcmp(rpc_method_name(call), SUBMIT_METHOD) == 0 && was_taken(buf_view(reply)))
		peers_wake(l->peers);	/* a "no" is everywhere within a second */
	(void)pthread_mutex_lock(&l->limit_lock);
	limit_leave(&l->limit, caller);
	(void)pthread_mutex_unlock(&l->limit_lock);
	return rc;
}

/* A question of our own threads. */
static enum rc
ask_self(void *user, const char *method, struct span request, struct buf *reply, struct err *err)
{
	struct listener	*l = user;
	uint8_t		 m;
	enum rc		 rc;

	for (m = 0; m < n_keeper_methods && strcmp(keeper_methods[m].name, method) != 0; m++)
		;
	take_turn(l);
	rc = l->gone || stopping ? err_set(err, RC_UNSURE, "the keeper is gone, or this is the end") :
	    ask(l, m, CALLER_SELF, 0, request, clock_ms() + SELF_MS, err);
	if (rc == RC_OK && l->frame.code != RC_OK)
		rc = err_set(err, (enum rc)l->frame.code, "keeper: %s", l->frame.words);
	if (rc == RC_OK)
		buf_span(reply, buf_view(&l->frame.payload));
	if (l->gone)
		stopping = 1;
	end_turn(l);
	return rc == RC_OK ? buf_check(reply, "reply", err) : rc;
}

/* The charter in force, when it is another than this one; our index. */
static enum rc
ask_charter(struct listener *l, const struct charter *have, struct charter **ret, uint8_t *ret_index, struct err *err)
{
	AUTO_DONE(buf_done) struct buf reply = BUF_INIT(1 + CHARTER_BYTES_MAX);

	*ret = NULL;
	TRY(ask_self(l, SELF_CHARTER, SPAN_OF(have->digest), &reply, err));
	if (reply.n == 0)
		return err_set(err, RC_IO, "the keeper said nothing");
	*ret_index = reply.p[0];
	return reply.n == 1 ? RC_OK : charter_parse(SPAN(reply.p + 1, reply.n - 1), ret, err);
}

/* The genesis from the folder, what followed from the keeper, whose state says so. */
static enum rc
read_charter(struct listener *l, const char *dir, struct err *err)
{
	AUTO(charter_free) struct charter *now = NULL;

	TRY(config_charter(dir, &l->charter, err));
	TRY(ask_charter(l, l->charter, &now, &l->index, err));
	if (now != NULL) {
		charter_free(l->charter);
		l->charter = TAKE(now);
	}
	return RC_OK;
}

/* Before the log came the keeper cannot say who we are; the charter does, by our certificate. */
static enum rc
look_up_index(struct listener *l, const char *dir, struct err *err)
{
	AUTO_DONE(buf_done) struct buf pem = BUF_INIT(16384), der = BUF_INIT(TLS_CERT_MAX);
	char	path[FILE_PATH_MAX];
	uint8_t	i;

	TRY(file_path(path, err, "%s/tls.crt", dir));
	TRY(file_read(path, &pem, err));
	TRY(pem_to_der(buf_view(&pem), &der, err));
	for (i = 0; i < l->charter->n && l->index == 0; i++)
		if (span_eq(SPAN(l->charter->custodian[i].tls_certificate.p, l->charter->custodian[i].tls_certificate.n),
		    buf_view(&der)))
			l->index = l->charter->custodian[i].index;
	return RC_OK;
}

static enum rc
set_up(struct listener *l, const char *dir, struct custodian_config *config, struct err *err)
{
	uint8_t		i;
	uint32_t	h;

	uint8_t		key[LIMIT_KEY_BYTES];

	randombytes_buf(key, sizeof(key));
	limit_init(&l->limit, key);
	TRY(config_read(dir, config, err));
	TRY(read_charter(l, dir, err));
	if (l->index == 0)
		TRY(look_up_index(l, dir, err));
	TRY(successor_read(dir, l->charter, l->index, &l->successor, err));
	add_pin(l, l->charter->coordinator.tls_certificate, CALLER_COORDINATOR);
	for (i = 0; i < l->charter->n; i++)
		add_pin(l, l->charter->custodian[i].tls_certificate, CALLER_PEER);
	for (h = 0; h < l->charter->n_hosts; h++)
		add_pin(l, l->charter->host[h].tls_certificate, CALLER_HOST);
	if (l->successor.charter != NULL)
		add_pin(l, l->successor.charter->coordinator.tls_certificate, CALLER_COORDINATOR);
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
	size_t				i, n;

	TRY(set_up(l, dir, &config, err));
	TRY(file_path(path, err, "%s/tls.crt", dir));
	TRY(file_read(path, &cert, err));
	TRY(file_path(path, err, "%s/tls.key", dir));
	TRY(file_read_secret(path, 16384, &key, err));
	TRY(listener_confine(&config, l->charter, err));
	for (i = n = 0; i < n_keeper_methods; i++)
		if (keeper_methods[i].callers != CALLER_SELF)
			methods[n++] = (struct rpc_method){ keeper_methods[i].name, forward,
			    keeper_methods[i].callers, keeper_methods[i].max_request };
	memset(&o, 0, sizeof(o));
	o.address = config.listen;
	o.cert_pem = buf_view(&cert);
	o.key_pem = SPAN(secret_view(key), secret_len(key));
	o.methods = methods;
	o.n_methods = n;
	o.user = l;
	o.who = who;
	o.note = note;
	o.max_memory = 64 << 20;
	o.workers = LIMIT_WORKERS;
	TRY(rpc_server_new(&o, &s, err));
	/* Before the first call may wake them. */
	TRY(peers_start(o.cert_pem, o.key_pem, l->charter, l->index, ask_self, l, &l->peers, err));
	TRY(rpc_server_start(s, &port, err));
	log_line("ready on %s", config.listen);
	*ret = TAKE(s);
	return RC_OK;
}

/* Have we others to let in, or to talk to, than when we started? A keeper that is busy is asked again. */
static bool
is_outdated(struct listener *l, const char *dir)
{
	AUTO(charter_free) struct charter *now = NULL;
	struct err	ignored;
	uint8_t		index = l->index;
	enum rc		rc = ask_charter(l, l->charter, &now, &index, &ignored);

	if (successor_changed(dir, &l->successor))
		return true;
	return rc == RC_OK && (now != NULL || (index != 0 && index != l->index));
}

static enum rc
watch(struct listener *l, const char *dir, struct rpc_server *s, bool *ret_renew, struct err *err)
{
	const struct timespec	tick = { 0, LOOK_UP_MS * 1000000L };
	unsigned		deaf = 0;
	uint64_t		next = clock_ms() + ALIVE_EVERY, look = clock_ms() + RENEW_EVERY;
	enum rc			rc = RC_OK;

	while (!stopping) {
		(void)nanosleep(&tick, NULL);
		if (clock_ms() >= look) {
			if ((*ret_renew = is_outdated(l, dir)))
				return RC_OK;
			look = clock_ms() + RENEW_EVERY;
		}
		if (clock_ms() < next)
			continue;
		rc = rpc_server_alive(s, ALIVE_WAIT_MS, err);
		deaf = rc == RC_OK ? 0 : deaf + 1;
		if (deaf == 2)
			return err_wrap(err, rc, "the port is deaf; starting anew");
		next = clock_ms() + ALIVE_EVERY;
	}
	return RC_OK;
}

int
listener_main(const char *dir, int fd)
{
	AUTO(rpc_server_free) struct rpc_server *s = NULL;
	static struct listener	l = { .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER,
				    .note_lock = PTHREAD_MUTEX_INITIALIZER, .limit_lock = PTHREAD_MUTEX_INITIALIZER };
	struct sigaction	sa = { .sa_handler = on_term };
	struct err		err;
	bool			renew = false;
	enum rc			rc;

	(void)signal(SIGINT, SIG_IGN);
	(void)sigaction(SIGTERM, &sa, NULL);
	l.fd = fd;
	l.frame.payload = BUF_INIT(FRAME_BYTES_MAX);
	rpc_log_to(library_line);
	if ((rc = harden(&err)) != RC_OK || (rc = secret_init(&err)) != RC_OK ||
	    (rc = start(&l, dir, &s, &err)) != RC_OK || (rc = watch(&l, dir, s, &renew, &err)) != RC_OK)
		log_err(&err, "listener");
	peers_stop(l.peers);
	if (s != NULL)
		rpc_server_stop(s, STOP_GRACE_MS);
	return renew ? LISTENER_RENEW : exit_code(rc);
}
