/* cli/keygen.c - quorate keygen: a person's or sealer's key, or a host's TLS identity. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static enum rc
tls_identity(const char *path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf cert = BUF_INIT(16384);
	AUTO(secret_free) struct secret *key = NULL;
	char		file[FILE_PATH_MAX];
	const char	*name = strrchr(path, '/');

	TRY(tls_identity_new(name == NULL ? path : name + 1, &cert, &key, err));
	TRY(file_path(file, err, "%s.key", path));
	TRY(file_create(file, SPAN(secret_view(key), secret_len(key)), 0600, err));
	TRY(file_path(file, err, "%s.crt", path));
	TRY(file_create(file, buf_view(&cert), 0644, err));
	if (cli_json)
		return cli_print_json(json_pack("{s:s}", "certificate", file), err);
	printf("wrote %s.key (secret) and %s\n", path, file);
	return RC_OK;
}

static enum rc
signing_key(const char *path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(256);
	struct key	k;
	uint8_t		id[KEY_ID_BYTES];
	char		hex[HEX_BYTES(KEY_ID_BYTES)];

	TRY(keyfile_generate(path, &k, err));
	key_write(&k, &text);
	TRY(buf_check(&text, "key", err));
	key_id(&k, id);
	if (cli_json)
		return cli_print_json(json_pack("{s:s,s:s,s:s}", "file", path, "key", buf_text(&text), "keyid",
		    hex_write(SPAN_OF(id), hex)), err);
	printf("wrote %s (secret) and %s.pub (for the charter)\nkey id %s\n", path, path,
	    hex_write(SPAN_OF(id), hex));
	return RC_OK;
}

enum rc
cmd_keygen(int argc, char **argv, struct err *err)
{
	const char	*path = NULL;
	bool		 tls = false;
	const struct option_row	rows[] = {
		{ "o", OPTION_TEXT | OPTION_NEEDED, &path, "FILE", "where to write it; never overwritten" },
		{ "tls", OPTION_FLAG, &tls, NULL, "a TLS identity: FILE.key and FILE.crt" },
		JSON_ROW,
	};
	const struct command	c = {
		"quorate keygen -o FILE [--tls]",
		"Makes an Ed25519 key: FILE (PKCS#8 PEM, readable by you alone) and FILE.pub.",
		rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	return tls ? tls_identity(path, err) : signing_key(path, err);
}
