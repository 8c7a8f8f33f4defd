#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/unit/proto/peers.h"

static void
extend(X509 *x, int nid, const char *value)
{
	X509_EXTENSION	*e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_non_null(e);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static char *
text_of(BIO *bio)
{
	char	*p, *copy;
	long	 n = BIO_get_mem_data(bio, &p);

	copy = strndup(p, (size_t)n);
	assert_non_null(copy);
	BIO_free(bio);
	return copy;
}

static void
name_it(X509 *x, const char *name, int flags)
{
	X509_NAME	*subject = X509_get_subject_name(x);
	char		 san[128], other[32];

	if (flags & ID_SAN) {
		snprintf(san, sizeof(san), "DNS:%s", name);
		extend(x, NID_subject_alt_name, san);
		/* Each subject its own: a leaf named as its issuer looks self-signed. */
		snprintf(other, sizeof(other), "other name %ld",
		    ASN1_INTEGER_get(X509_get_serialNumber(x)));
		name = other;
	}
	if (name[0] != '\0')
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
		    (const unsigned char *)name, -1, -1, 0);
	X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC,
	    (const unsigned char *)"Quorate test", -1, -1, 0);
}

void
identity_make(struct identity *id, const char *name, int flags, const struct identity *by)
{
	static atomic_long	serial = 1;
	BIO			*cert = BIO_new(BIO_s_mem()), *key = BIO_new(BIO_s_mem());
	X509			*x = X509_new();

	id->key = EVP_EC_gen("P-256");
	id->x = x;
	assert_non_null(id->key);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), atomic_fetch_add(&serial, 1));
	X509_gmtime_adj(X509_getm_notBefore(x), -7200);
	X509_gmtime_adj(X509_getm_notAfter(x), (flags & ID_EXPIRED) ? -3600 : 3600);
	X509_set_pubkey(x, id->key);
	name_it(x, name, flags);
	X509_set_issuer_name(x, X509_get_subject_name(by != NULL ? by->x : x));
	if (flags & ID_CA)
		extend(x, NID_basic_constraints, "critical,CA:TRUE");
	if (flags & ID_SIGN_ONLY)
		extend(x, NID_key_usage, "critical,digitalSignature");
	assert_true(X509_sign(x, by != NULL ? by->key : id->key, EVP_sha256()) > 0);
	PEM_write_bio_X509(cert, x);
	PEM_write_bio_PrivateKey(key, id->key, NULL, NULL, 0, NULL, NULL);
	id->cert_pem = text_of(cert);
	id->key_pem = text_of(key);
	assert_int_equal(rpc_tls_fingerprint(span_str(id->cert_pem), id->pin, NULL), RC_OK);
}

void
identity_done(struct identity *id)
{
	X509_free(id->x);
	EVP_PKEY_free(id->key);
	free(id->cert_pem);
	free(id->key_pem);
}

void
sleep_ms(unsigned ms)
{
	struct timespec	t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

void
wait_until(atomic_uint *n, unsigned at_least)
{
	for (int i = 0; i < 12000 && atomic_load(n) < at_least; i++)
		sleep_ms(5);
	assert_true(atomic_load(n) >= at_least);
}

/* ---- handlers ---- */

static enum rc
on_echo(void *user, struct rpc_call *call, struct span in, struct buf *reply, struct err *err)
{
	struct peers	*p = user;

	(void)call;
	(void)err;
	atomic_fetch_add(&p->handled, 1);
	buf_span(reply, in);
	return RC_OK;
}

/* Byte 0: the code; what follows: words for the peer. */
static enum rc
on_fail(void *user, struct rpc_call *call, struct span in, struct buf *reply, struct err *err)
{
	struct peers	*p = user;

	atomic_fetch_add(&p->handled, 1);
	buf_add(reply, "never sent", 10);
	if (in.n > 1)
		rpc_say(call, "%.*s", (int)in.n - 1, (const char *)in.p + 1);
	return err_set(err, in.n > 0 ? (enum rc)in.p[0] : RC_BUG, "for operators only");
}

/* Roles (a byte), the pin if any, the time left in seconds (a byte). */
static enum rc
on_who(void *user, struct rpc_call *call, struct span in, struct buf *reply, struct err *err)
{
	(void)user;
	(void)in;
	(void)err;
	buf_u8(reply, (uint8_t)rpc_roles(call));
	buf_u8(reply, (uint8_t)((rpc_ms_left(call) + 999) / 1000));
	if (rpc_peer(call) != NULL)
		buf_add(reply, rpc_peer(call), RPC_PIN_BYTES);
	buf_printf(reply, "%s", rpc_peer_address(call));
	return RC_OK;
}

static enum rc
on_slow(void *user, struct rpc_call *call, struct span in, struct buf *reply, struct err *err)
{
	struct peers	*p = user;

	(void)in;
	(void)reply;
	atomic_fetch_add(&p->handled, 1);
	atomic_fetch_add(&p->slow, 1);
	while (!atomic_load(&p->gate) && !rpc_cancelled(call))
		sleep_ms(5);
	atomic_fetch_sub(&p->slow, 1);
	return atomic_load(&p->gate) ? RC_OK : err_set(err, RC_UNSURE, "gave up");
}

/* As many bytes as the request says, a megabyte at most. */
static enum rc
on_grow(void *user, struct rpc_call *call, struct span in, struct buf *reply, struct err *err)
{
	size_t	n = in.n >= 3 ? (size_t)in.p[0] << 16 | (size_t)in.p[1] << 8 | in.p[2] : 0;

	(void)user;
	(void)call;
	(void)err;
	buf_extend(reply, n);
	return RC_OK;
}

static const struct rpc_method methods[] = {
	{ "/t/Echo",	on_echo, ROLE_ALICE | ROLE_BOB | ROLE_ANYONE, RPC_MESSAGE_MAX },
	{ "/t/Alice",	on_echo, ROLE_ALICE,			RPC_MESSAGE_MAX },
	{ "/t/Nobody",	on_echo, 0,				RPC_MESSAGE_MAX },
	{ "/t/Small",	on_echo, ROLE_ALICE,			16 },
	{ "/t/Fail",	on_fail, ROLE_ALICE,			512 },
	{ "/t/Who",	on_who,	 ROLE_ALICE | ROLE_BOB | ROLE_ANYONE, 16 },
	{ "/t/Slow",	on_slow, ROLE_ALICE,			16 },
	{ "/t/Grow",	on_grow, ROLE_ALICE,			16 },
};

static uint32_t
who(void *user, const uint8_t *pin)
{
	const struct peers	*p = user;

	if (pin == NULL)
		return ROLE_ANYONE;
	if (memcmp(pin, p->alice.pin, RPC_PIN_BYTES) == 0)
		return ROLE_ALICE;
	return memcmp(pin, p->bob.pin, RPC_PIN_BYTES) == 0 ? ROLE_BOB : 0;
}

static void
note(void *user, const struct rpc_call *call, const struct err *err)
{
	struct peers	*p = user;

	pthread_mutex_lock(&p->lock);
	p->note.rc = err->rc;
	snprintf(p->note.words, sizeof(p->note.words), "%s", err->msg);
	snprintf(p->note.method, sizeof(p->note.method), "%s", rpc_method_name(call));
	pthread_mutex_unlock(&p->lock);
	atomic_fetch_add(&p->noted, 1);
}

struct peers_note
peers_noted(struct peers *p)
{
	struct peers_note	n;

	pthread_mutex_lock(&p->lock);
	n = p->note;
	pthread_mutex_unlock(&p->lock);
	return n;
}

/* ---- fixture ---- */

void
peers_init(struct peers *p)
{
	memset(p, 0, sizeof(*p));
	pthread_mutex_init(&p->lock, NULL);
	identity_make(&p->server, "custodian-1", ID_SAN, NULL);
	identity_make(&p->alice, "alice", 0, NULL);
	identity_make(&p->bob, "bob", 0, NULL);
	p->options = (struct rpc_server_options){
		.address = "127.0.0.1:0",
		.cert_pem = span_str(p->server.cert_pem),
		.key_pem = span_str(p->server.key_pem),
		.methods = methods,
		.n_methods = sizeof(methods) / sizeof(methods[0]),
		.user = p,
		.who = who,
		.note = note,
	};
}

void
peers_start(struct peers *p)
{
	struct err	err = { RC_OK, "" };

	if (rpc_server_new(&p->options, &p->s, &err) != RC_OK ||
	    rpc_server_start(p->s, &p->port, &err) != RC_OK)
		fail_msg("%s", err.msg);
	snprintf(p->address, sizeof(p->address), "127.0.0.1:%u", (unsigned)p->port);
}

void
peers_stop(struct peers *p)
{
	rpc_server_free(p->s);
	p->s = NULL;
}

void
peers_done(struct peers *p)
{
	peers_stop(p);
	identity_done(&p->server);
	identity_done(&p->alice);
	identity_done(&p->bob);
}

struct rpc_client *
peers_client(const struct peers *p, const struct identity *id)
{
	struct rpc_client_options	o = { .address = p->address,
					    .server_cert = span_str(p->server.cert_pem) };
	struct rpc_client		*c = NULL;
	struct err			 err = { RC_OK, "" };

	if (id != NULL) {
		o.cert_pem = span_str(id->cert_pem);
		o.key_pem = span_str(id->key_pem);
	}
	if (rpc_client_new(&o, &c, &err) != RC_OK)
		fail_msg("%s", err.msg);
	return c;
}
