#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <openssl/conf.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "proto/inner.h"

DEFINE_AUTO(SSL_CTX_free, SSL_CTX);
DEFINE_AUTO(BIO_free_all, BIO);
DEFINE_AUTO(NCONF_free, CONF);

/*
 * The library sets TLS 1.2 as its least version and has no call to raise it,
 * nor one to turn tickets off (a resumed session presents no certificate).
 * OpenSSL's own "system default" section is what it leaves alone.
 */
static const char settings[] =
    "openssl_conf = quorate\n"
    "[quorate]\n"
    "ssl_conf = quorate_ssl\n"
    "[quorate_ssl]\n"
    "system_default = quorate_tls\n"
    "[quorate_tls]\n"
    "Protocol = ALL,-SSLv3,-TLSv1,-TLSv1.1,-TLSv1.2\n"
    "Options = -SessionTicket\n"
    "NumTickets = 0\n"
    "CipherString = DEFAULT:@SECLEVEL=2\n";

static _Atomic(void (*)(const char *)) sink;
static pthread_once_t	once = PTHREAD_ONCE_INIT;
static bool		tls_is_set;

void
rpc_log_to(void (*to)(const char *line))
{
	atomic_store(&sink, to);
}

static void
pass_on(gpr_log_func_args *args)
{
	void	(*to)(const char *) = atomic_load(&sink);
	char	line[256];

	if (to == NULL || args->message == NULL)
		return;
	plain_text(line, sizeof(line), span_str(args->message));
	to(line);
}

void
library_say(const char *fmt, ...)
{
	void	(*to)(const char *) = atomic_load(&sink);
	char	line[256];
	va_list	ap;

	if (to == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	to(line);
}

/* OpenSSL skips a setting of this section that it cannot follow, so look. */
static bool
settings_took(void)
{
	AUTO(SSL_CTX_free) SSL_CTX	*ctx = SSL_CTX_new(TLS_method());
	uint64_t			 want = SSL_OP_NO_TLSv1_2 | SSL_OP_NO_TLSv1_1 |
					    SSL_OP_NO_TLSv1 | SSL_OP_NO_TICKET;

	return ctx != NULL && (SSL_CTX_get_options(ctx) & want) == want &&
	    SSL_CTX_get_num_tickets(ctx) == 0;
}

static void
set_tls(void)
{
	AUTO(BIO_free_all) BIO	*bio = NULL;
	AUTO(NCONF_free) CONF	*conf = NULL;

	gpr_set_log_function(pass_on);
	/* The machine's own configuration first: ours stands on top of it. */
	if (OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, NULL) != 1)
		return;
	bio = BIO_new_mem_buf(settings, sizeof(settings) - 1);
	conf = NCONF_new(NULL);
	if (bio == NULL || conf == NULL || NCONF_load_bio(conf, bio, NULL) <= 0 ||
	    CONF_modules_load(conf, NULL, 0) <= 0)
		return;
	tls_is_set = settings_took();
	ERR_clear_error();
}

enum rc
library_enter(struct err *err)
{
	if (pthread_once(&once, set_tls) != 0 || !tls_is_set)
		return err_set(err, RC_IO,
		    "TLS: OpenSSL does not take \"TLS 1.3 only, no tickets\"");
	grpc_init();
	engine_enter();
	return RC_OK;
}

void
library_leave(void)
{
	/* The other one leaves threads behind that end some time later. */
	grpc_shutdown_blocking();
	engine_leave();
}
