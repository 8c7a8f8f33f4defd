/*
 * proto/engine.c - the library is told where a TLS key is, and not what it is.
 *
 * Given PEM, gRPC keeps the text of the key in its own memory, neither locked nor zeroed, a
 * copy for each connection that it opens. Given "engine:ENGINE:NAME" instead, it asks libcrypto
 * for the key of that name. We are that engine: keys stand in libcrypto's locked heap, once,
 * and are named by the certificate that they belong to (docs/adr/0001).
 *
 * libcrypto deprecates engines, and gRPC has no other way; nothing else of them is used.
 */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/engine.h>
#include <openssl/err.h>

#include "proto/inner.h"

#define NAME	"quorate"

/* As long as anybody uses the library: connections outlive whoever opened them. One an identity. */
struct held {
	struct held	*next;
	EVP_PKEY	*key;
	char		 name[HEX_BYTES(RPC_PIN_BYTES)];
};

static pthread_mutex_t	 lock = PTHREAD_MUTEX_INITIALIZER;
static struct held	*all;
static ENGINE		*stands;		/* for as long as the process does: gRPC keeps what it asked for it */
static unsigned		 users;			/* of the library */

static struct held *
find(const char *name)
{
	struct held	*h;

	for (h = all; h != NULL && strcmp(h->name, name) != 0; h = h->next)
		;
	return h;
}

/* The library's question, from whichever of its threads. */
static EVP_PKEY *
load_key(ENGINE *e, const char *name, UI_METHOD *ui, void *user)
{
	struct held	*h;
	EVP_PKEY	*key = NULL;

	(void)e;
	(void)ui;
	(void)user;
	(void)pthread_mutex_lock(&lock);
	if ((h = find(name)) != NULL && EVP_PKEY_up_ref(h->key) == 1)
		key = h->key;
	(void)pthread_mutex_unlock(&lock);
	return key;
}

static bool
stand_up(void)
{
	ENGINE	*e;

	if (stands != NULL)
		return true;
	e = ENGINE_new();
	if (e != NULL && ENGINE_set_id(e, NAME) == 1 && ENGINE_set_name(e, NAME) == 1 &&
	    ENGINE_set_load_privkey_function(e, load_key) == 1 && ENGINE_add(e) == 1)
		stands = e;
	(void)ENGINE_free(e);		/* the list of engines has it */
	return stands != NULL;
}

static bool
hold(const char *name, EVP_PKEY *key)
{
	struct held	*h = find(name);

	if (h != NULL)
		return true;		/* the key of the same certificate */
	if (!stand_up() || (h = calloc(1, sizeof(*h))) == NULL)
		return false;
	if (EVP_PKEY_up_ref(key) != 1) {
		free(h);
		return false;
	}
	(void)snprintf(h->name, sizeof(h->name), "%s", name);
	h->key = key;
	h->next = all;
	all = h;
	return true;
}

enum rc
engine_hold(EVP_PKEY *key, const uint8_t pin[RPC_PIN_BYTES], char ret[TLS_KEY_NAME], struct err *err)
{
	char	name[HEX_BYTES(RPC_PIN_BYTES)];
	bool	held;

	(void)hex_write(SPAN(pin, RPC_PIN_BYTES), name);
	(void)pthread_mutex_lock(&lock);
	held = hold(name, key);
	(void)pthread_mutex_unlock(&lock);
	ERR_clear_error();
	if (!held)
		return err_set(err, RC_NOMEM, "TLS key: no memory");
	(void)snprintf(ret, TLS_KEY_NAME, "engine:" NAME ":%s", name);
	return RC_OK;
}

void
engine_enter(void)
{
	(void)pthread_mutex_lock(&lock);
	users++;
	(void)pthread_mutex_unlock(&lock);
}

void
engine_leave(void)
{
	struct held	*h;

	(void)pthread_mutex_lock(&lock);
	users--;
	while (users == 0 && (h = all) != NULL) {
		all = h->next;
		EVP_PKEY_free(h->key);
		free(h);
	}
	(void)pthread_mutex_unlock(&lock);
}
