#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/unit/cli/lab.h"

struct net		net;
struct lab_server	lab[NET_N + 1];

static const char *const	methods[LAB_METHODS] = { "Submit", "Entry", "Request", "Blob", "Artifact", "Head",
	"Checkpoint", "Entries", "Charter", "Consistency", "Upload", "Seal" };
static pthread_mutex_t		lock = PTHREAD_MUTEX_INITIALIZER;

void
must(enum rc rc, const struct err *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "test: %s: %s\n", rc_name(rc), err->msg);
	abort();
}

ProtobufCBinaryData
data_of(struct span s)
{
	return (ProtobufCBinaryData){ s.n, (uint8_t *)(uintptr_t)s.p };
}

/* --- notes ---------------------------------------------------------------------------- */

static void
sign_note(const struct note_key *k, const struct test_key *by, when time, struct span text, struct buf *out)
{
	AUTO_DONE(buf_done) struct buf	message = BUF_INIT(BIG);
	uint8_t				sig[KEY_SIG_BYTES];
	struct err			err;

	if (k->alg == NOTE_COSIGNATURE_V1)
		cosignature_message(text, time, &message);
	else
		buf_span(&message, text);
	must(by->signer.sign(by->signer.user, buf_view(&message), sig, &err), &err);
	note_sig_line(k, time, sig, out);
}

void
lab_note(const struct test_key *log, const struct checkpoint *cp, uint32_t cosigners, struct buf *out)
{
	const struct charter	*charter = replica_charter(net.replica);
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(BIG);
	struct note_key		 key;
	struct err		 err;

	checkpoint_text(cp, &text);
	buf_span(out, buf_view(&text));
	buf_u8(out, '\n');
	must(charter_log_note_key(charter, &key, &err), &err);
	sign_note(&key, log, 0, buf_view(&text), out);
	for (unsigned i = 0; i < NET_N; i++) {
		if ((cosigners >> i & 1) == 0)
			continue;
		must(charter_witness_note_key(charter, (uint8_t)(i + 1), &key, &err), &err);
		sign_note(&key, &net.signing[i], net.now, buf_view(&text), out);
	}
}

void
lab_at(uint64_t size, struct checkpoint *ret)
{
	struct tree_range	range = TREE_RANGE_INIT;
	uint8_t			hash[TREE_HASH_BYTES];
	struct note_key		key;
	struct err		err;

	must(charter_log_note_key(replica_charter(net.replica), &key, &err), &err);
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->origin, key.name, sizeof(ret->origin));
	ret->size = size;
	for (size_t i = 0; i < size; i++) {
		tree_leaf(buf_view(&net.log_entries.leaf[i]), hash);
		must(tree_range_add(&range, hash, NULL, NULL, &err), &err);
	}
	tree_range_root(&range, ret->root);
}

void
lab_end(struct checkpoint *ret)
{
	lab_at(net.log_entries.n, ret);
}

/* --- servers ----------------------------------------------------------------------------- */

static void
pause_ms(unsigned ms)
{
	const struct timespec	t = { ms / 1000, (long)(ms % 1000) * 1000000L };

	(void)nanosleep(&t, NULL);
}

static enum rc
on_call(void *user, struct rpc_call *call, struct span request, struct buf *reply, struct err *err)
{
	struct lab_server	*s = user;
	struct lab_answer	*a = NULL;
	unsigned		 delay;
	enum rc			 rc;

	(void)pthread_mutex_lock(&lock);
	for (size_t i = 0; i < LAB_METHODS; i++)
		if (strcmp(strrchr(rpc_method_name(call), '/') + 1, methods[i]) == 0)
			a = &s->answer[i];
	MUST(a != NULL);
	a->calls++;
	a->called_ms = clock_ms();
	a->certificate = rpc_peer(call) != NULL;
	buf_reset(&a->request);
	buf_span(&a->request, request);
	delay = a->delay_ms;
	rc = a->rc;
	if (rc == RC_OK)
		buf_span(reply, buf_view(a->other.n > 0 && a->calls % 2 == 0 ? &a->other : &a->reply));
	else if (a->say != NULL)
		rpc_say(call, "%s", a->say);
	(void)pthread_mutex_unlock(&lock);
	pause_ms(delay);
	return rc == RC_OK ? RC_OK : err_set(err, rc, "as told");
}

static uint32_t
anybody(void *user, const uint8_t *pin)
{
	(void)user;
	(void)pin;
	return 1;
}

void
lab_start(struct lab_server *s, const char *service)
{
	struct rpc_server_options	o = { .address = "127.0.0.1:0", .n_methods = LAB_METHODS, .methods = s->method,
					    .user = s, .who = anybody };
	struct err			err;

	memset(s, 0, sizeof(*s));
	s->pem = s->der = BUF_INIT(16384);
	must(tls_identity_new(service, &s->pem, &s->key, &err), &err);
	must(pem_to_der(buf_view(&s->pem), &s->der, &err), &err);
	for (size_t i = 0; i < LAB_METHODS; i++) {
		s->answer[i].reply = s->answer[i].other = s->answer[i].request = BUF_INIT(2 * BIG);
		(void)snprintf(s->name[i], sizeof(s->name[i]), "/quorate.v1.%s/%s", service, methods[i]);
		s->method[i] = (struct rpc_method){ s->name[i], on_call, 1, BIG };
	}
	o.cert_pem = buf_view(&s->pem);
	o.key_pem = SPAN(secret_view(s->key), secret_len(s->key));
	must(rpc_server_new(&o, &s->server, &err), &err);
	must(rpc_server_start(s->server, &s->port, &err), &err);
	(void)snprintf(s->address, sizeof(s->address), "127.0.0.1:%u", s->port);
}

void
lab_stop(struct lab_server *s)
{
	rpc_server_free(s->server);
	s->server = NULL;
}

void
lab_done(struct lab_server *s)
{
	lab_stop(s);
	buf_done(&s->pem);
	buf_done(&s->der);
	secret_free(s->key);
	for (size_t i = 0; i < LAB_METHODS; i++) {
		buf_done(&s->answer[i].reply);
		buf_done(&s->answer[i].other);
		buf_done(&s->answer[i].request);
	}
}

static void
forget(struct lab_answer *a)
{
	buf_reset(&a->reply);
	buf_reset(&a->other);
	buf_reset(&a->request);
	a->rc = RC_OK;
	a->say = NULL;
	a->delay_ms = a->calls = 0;
}

void
lab_answer(struct lab_server *s, enum lab_method method, const void *m)
{
	struct lab_answer	*a = &s->answer[method];
	size_t			 n = protobuf_c_message_get_packed_size(m);
	uint8_t			*p;

	(void)pthread_mutex_lock(&lock);
	forget(a);
	p = buf_extend(&a->reply, n);
	MUST(p != NULL || n == 0);
	(void)protobuf_c_message_pack(m, p);
	(void)pthread_mutex_unlock(&lock);
}

void
lab_refuse(struct lab_server *s, enum lab_method method, enum rc rc, const char *say)
{
	(void)pthread_mutex_lock(&lock);
	forget(&s->answer[method]);
	s->answer[method].rc = rc;
	s->answer[method].say = say;
	(void)pthread_mutex_unlock(&lock);
}

static void
found(bool amendable)
{
	net_keys(&net);
	net.amendable = amendable;
	for (size_t i = 0; i <= NET_N; i++) {
		struct buf	*cert = i == 0 ? &net.coordinator_tls : &net.tls[i - 1];

		lab_start(&lab[i], i == 0 ? "Coordinator" : "Custodian");
		net.port[i] = lab[i].port;
		buf_reset(cert);
		buf_span(cert, buf_view(&lab[i].der));
	}
	net_found(&net);
}

void
lab_found(void)
{
	found(false);
}

void
lab_found_amendable(void)
{
	found(true);
}

void
lab_close(void)
{
	for (size_t i = 0; i <= NET_N; i++)
		lab_done(&lab[i]);
	net_done(&net);
}

/* --- what a custodian shows --------------------------------------------------------------- */

void
lab_honest(struct lab_showing *s, const struct checkpoint *cp)
{
	memset(s, 0, sizeof(*s));
	s->signed_ = s->cosigned = BUF_INIT(BIG);
	quorate__v1__checkpoint_reply__init(&s->r);
	quorate__v1__health__init(&s->health);
	s->health.ready = true;
	lab_note(&net.log, cp, 1, &s->signed_);
	lab_note(&net.log, cp, 0xf, &s->cosigned);
	s->r.size = cp->size;
	s->r.health = &s->health;
	s->r.checkpoint = data_of(buf_view(&s->signed_));
	s->r.cosigned = data_of(buf_view(&s->cosigned));
	s->r.handed = s->rows;
}

void
lab_showing_done(struct lab_showing *s)
{
	buf_done(&s->signed_);
	buf_done(&s->cosigned);
}

void
lab_all_honest(const struct checkpoint *cp)
{
	struct lab_showing	s;

	lab_honest(&s, cp);
	for (int i = 1; i <= NET_N; i++)
		lab_answer(&lab[i], LAB_CHECKPOINT, &s.r);
	lab_showing_done(&s);
}

void
lab_row(struct lab_showing *s, uint8_t id[32], char *type, char *who, when since)
{
	Quorate__V1__HandedRow	*r = &s->row[s->r.n_handed];

	quorate__v1__handed_row__init(r);
	r->id = r->subject = (ProtobufCBinaryData){ 32, id };
	r->type = type;
	r->who = who;
	r->since = since;
	s->rows[s->r.n_handed++] = r;
}
