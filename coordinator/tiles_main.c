/* coordinator/tiles_main.c - the tile server's process. See tiles_child.h. */
#include <sys/prctl.h>
#include <sys/resource.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/config.h"
#include "coordinator/tiles_child.h"
#include "coordinator/tiles_http.h"
#include "edge/confine.h"

#define PEM_BYTES_MAX	(64 << 10)
#define DESCRIPTORS	(TILES_CONNECTIONS + 64)	/* connections, log.db, the library's own */

struct server {
	struct config		 config;
	struct tiles		*tiles[TILES_THREADS];
	struct buf		 cert;
	struct secret		*key;		/* PEM with a NUL, as the library wants it */
	int			 listener;
	struct tiles_http	*http;
};

/* Its parent's end is its own, also when the parent had no time to say so. */
static enum rc
drop_all(struct err *err)
{
	static const struct rlimit	descriptors = { DESCRIPTORS, DESCRIPTORS };
	const pid_t			parent = getppid();

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
		return err_set(err, RC_IO, "cannot bind itself to its parent");
	TRY(close_inherited(err));
	if (setrlimit(RLIMIT_NOFILE, &descriptors) != 0)
		return err_set(err, RC_IO, "cannot limit itself: %s", strerror(errno));
	return harden(err);
}

/* ---- TLS, where the configuration names a certificate ------------------------------------ */

/* The RPC side's identity is pinned by the charter and is not for a process that strangers reach. */
static enum rc
check_own(const char *dir, struct span pem, struct err *err)
{
	AUTO_DONE(buf_done) struct buf rpc = BUF_INIT(PEM_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf theirs = BUF_INIT(PEM_BYTES_MAX);
	AUTO_DONE(buf_done) struct buf ours = BUF_INIT(PEM_BYTES_MAX);
	char	path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/tls.crt", dir));
	TRY(file_read(path, &rpc, err));
	TRY(pem_to_der(buf_view(&rpc), &theirs, err));
	TRY(pem_to_der(pem, &ours, err));
	if (span_eq(buf_view(&ours), buf_view(&theirs)))
		return err_set(err, RC_USAGE, "tiles_cert: give the tile server a certificate of its own");
	return RC_OK;
}

static enum rc
read_tls(struct server *s, const char *dir, struct err *err)
{
	AUTO(secret_free) struct secret *key = NULL;

	if (s->config.tiles_cert[0] == '\0')
		return RC_OK;
	TRY(file_read_given(s->config.tiles_cert, &s->cert, err));
	TRY(check_own(dir, buf_view(&s->cert), err));
	TRY(file_read_secret(s->config.tiles_key, PEM_BYTES_MAX, &key, err));
	if (buf_text(&s->cert)[0] == '\0' || (s->key = secret_new(secret_len(key) + 1)) == NULL)
		return err_set(err, RC_NOMEM, "no memory for the TLS key");
	memcpy(secret_bytes(s->key), secret_view(key), secret_len(key));
	return RC_OK;
}

/* ---- its life -------------------------------------------------------------------------------- */

static enum rc
open_log(struct server *s, const char *dir, const char *genesis_hex, struct err *err)
{
	struct tiles_answer	a = TILES_ANSWER_INIT;
	uint8_t			genesis[SHA256_BYTES];
	char			path[FILE_PATH_MAX];
	enum rc			rc;
	size_t			i;

	if (!hex_parse(span_str(genesis_hex), genesis, sizeof(genesis)))
		return err_set(err, RC_USAGE, "no genesis digest was given");
	TRY(file_path(path, err, "%s/log.db", dir));
	for (i = 0; i < TILES_THREADS; i++) {
		TRY(tiles_open(path, genesis, &s->tiles[i], err));
		/* The first question opens what the database needs beside its file. */
		rc = tiles_ask(s->tiles[i], "GET", "/checkpoint", NULL, &a, err);
		tiles_answer_done(&a);
		if (rc == RC_IO)
			return rc;
	}
	return RC_OK;
}

static enum rc
prepare(struct server *s, const char *dir, const char *genesis, struct err *err)
{
	const struct confine_place	state = { dir, false };
	bool				files, calls;

	TRY(secret_init(err));
	TRY(drop_all(err));
	TRY(config_read(dir, &s->config, err));
	TRY(read_tls(s, dir, err));
	TRY(tiles_listen(s->config.tiles, &s->listener, err));
	/* Where it may not, the database does not open its side files to write either. */
	TRY(confine_files(&state, 1, NULL, &files, err));
	TRY(open_log(s, dir, genesis, err));
	TRY(confine_files(NULL, 0, NULL, &files, err));	/* before the library's threads, which inherit it */
	TRY(confine_calls(CONFINE_TILES, &calls, err));
	confine_say(files, calls);
	TRY(tiles_http_new(&(struct tiles_http_options){ .tiles = { s->tiles[0], s->tiles[1] },
	    .listener = s->listener, .cert_pem = buf_view(&s->cert), .key_pem = s->key }, &s->http, err));
	return RC_OK;
}

/* Until the parent's end of the pipe is closed. */
static void
serve(struct server *s)
{
	struct pollfd	p = { .fd = 0, .events = POLLIN };

	log_line("ready: %s://%s/checkpoint", s->cert.n > 0 ? "https" : "http", s->config.tiles);
	while (poll(&p, 1, 1000) <= 0)
		tiles_http_sweep(s->http, clock_ms());
}

int
tiles_main(int argc, char **argv)
{
	struct server	s = { .cert = BUF_INIT(PEM_BYTES_MAX), .listener = -1 };
	struct err	err = { RC_OK, "" };
	enum rc		rc;
	size_t		i;

	log_name("coordinatord", "tiles");
	(void)prctl(PR_SET_NAME, "tiles", 0, 0, 0);	/* what ps and top call it */
	(void)signal(SIGINT, SIG_IGN);		/* of a terminal: the parent's to answer */
	(void)signal(SIGPIPE, SIG_IGN);
	rc = prepare(&s, argc == 3 ? argv[1] : "", argc == 3 ? argv[2] : "", &err);
	if (rc == RC_OK)
		serve(&s);
	else
		log_line("%s", err.msg);
	tiles_http_free(s.http);
	for (i = 0; i < TILES_THREADS; i++)
		tiles_close(s.tiles[i]);
	buf_done(&s.cert);
	secret_free(s.key);
	return exit_code(rc);
}
