/*
 * proto/inner.h - what the files of proto/ share. Not for others: gRPC types.
 */
#ifndef PROTO_INNER_H
#define PROTO_INNER_H

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/compression.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/slice.h>
#include <grpc/status.h>
#include <grpc/support/alloc.h>
#include <grpc/support/log.h>
#include <grpc/support/time.h>
#include <openssl/types.h>

#include "proto/rpc.h"

#define RPC_ADDRESS_MAX	261	/* a DNS name of 253, colon, port, brackets */
#define RPC_PEM_MAX	65536	/* a certificate or key, as text */

/* The trailing header that says: these words are the handler's own. */
#define RPC_SAID_KEY	"quorate-said"

/* ---- library.c: the process-wide part ---- */

/*
 * OpenSSL's settings once, then grpc_init(); pair with library_leave().
 * RC_IO: TLS 1.3 alone, or the absence of tickets, could not be had.
 */
MUST_USE enum rc library_enter(struct err *err);
void	 library_leave(void);
/* A line of our own, to where the library's go. */
void	 library_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- tls.c ---- */

/* A certificate in the forms that the library and we need. */
struct tls_cert {
	char	*pem;				/* this one certificate, NUL-terminated */
	char	 name[RPC_ADDRESS_MAX + 1];	/* a name it carries, "" if none */
	uint8_t	 pin[RPC_PIN_BYTES];
};

/* PEM or DER, exactly one. RC_FORMAT, RC_NOMEM. */
MUST_USE enum rc tls_cert_read(struct span in, struct tls_cert *ret, struct err *err);
void	 tls_cert_done(struct tls_cert *c);

/*
 * A private key that belongs to cert: kept where engine.c has it. ret is what the library
 * takes for it, and no secret. RC_FORMAT, RC_NOMEM.
 */
#define TLS_KEY_NAME	(16 + HEX_BYTES(RPC_PIN_BYTES))
MUST_USE enum rc tls_key_read(struct span pem, const struct tls_cert *cert, char ret[TLS_KEY_NAME],
    struct err *err);

/* The SHA-256 of the PEM text that the library gives for a peer's leaf. */
bool	 tls_pin_of_pem(const char *pem, size_t n, uint8_t ret_pin[RPC_PIN_BYTES]);

/* ---- engine.c ---- */

/* Keeps a reference to the key of the certificate of that pin, and names it. RC_NOMEM. */
MUST_USE enum rc engine_hold(EVP_PKEY *key, const uint8_t pin[RPC_PIN_BYTES], char ret[TLS_KEY_NAME],
    struct err *err);
/* The library is used, and no more: when nobody does, all keys are let go. */
void	 engine_enter(void);
void	 engine_leave(void);

/* ---- status.c ---- */

grpc_status_code status_of(enum rc rc);
enum rc		 status_rc(grpc_status_code status);
/* What a peer reads when the handler chose no words; static. */
const char	*status_words(enum rc rc);

/* Printable ASCII as it is, anything else "?"; cut to size, NUL-terminated. */
void	 plain_text(char *out, size_t size, struct span in);
struct span slice_span(const grpc_slice *s);	/* valid while *s stays where it is */
/*
 * "host:port" with a plain host, an IPv4 or a [bracketed] IPv6 address, into
 * what the library's resolver wants. RC_USAGE: anything else.
 */
MUST_USE enum rc address_parse(const char *text, bool port_zero_ok,
    char ret_target[RPC_ADDRESS_MAX + 16], struct err *err);

static inline grpc_arg
arg_int(const char *key, int value)
{
	return (grpc_arg){ .type = GRPC_ARG_INTEGER, .key = (char *)(uintptr_t)key,
	    .value.integer = value };
}

static inline grpc_arg
arg_str(const char *key, const char *value)
{
	return (grpc_arg){ .type = GRPC_ARG_STRING, .key = (char *)(uintptr_t)key,
	    .value.string = (char *)(uintptr_t)value };
}

#endif
