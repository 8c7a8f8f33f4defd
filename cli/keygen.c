/* cli/keygen.c - quorate keygen: a person's or sealer's key, the public half of one, a TLS identity. */
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
		return cli_print_json(json_pack("{s:o?}", "certificate", json_text(file)), err);
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
		return cli_print_json(json_pack("{s:o?,s:s,s:s}", "file", json_text(path), "key", buf_text(&text), "keyid",
		    hex_write(SPAN_OF(id), hex)), err);
	printf("wrote %s (secret) and %s.pub (for the charter)\nkey id %s\n", path, path,
	    hex_write(SPAN_OF(id), hex));
	return RC_OK;
}

/* What the charter wants of a key that exists already: in a file, or in a card. */
static enum rc
public_half(const char *from, const char *path, struct err *err)
{
	AUTO(keyfile_free) struct keyfile *key = NULL;
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(256);
	char	file[FILE_PATH_MAX], hex[HEX_BYTES(KEY_ID_BYTES)];
	uint8_t	id[KEY_ID_BYTES];

	TRY(cli_key(from, &key, err));
	key_write(&keyfile_signer(key)->key, &text);
	buf_u8(&text, '\n');
	TRY(buf_check(&text, "key", err));
	TRY(file_path(file, err, "%s.pub", path));
	TRY(file_create(file, buf_view(&text), 0644, err));
	key_id(&keyfile_signer(key)->key, id);
	hex_write(SPAN_OF(id), hex);
	if (cli_json)
		return cli_print_json(json_pack("{s:o?,s:s}", "file", json_text(file), "keyid", hex), err);
	printf("wrote %s (for the charter)\nkey id %s\n", file, hex);
	return RC_OK;
}

enum rc
cmd_keygen(int argc, char **argv, struct err *err)
{
	const char	*path = NULL, *from = NULL;
	bool		 tls = false;
	const struct option_row	rows[] = {
		{ "o", OPTION_TEXT | OPTION_NEEDED, &path, "FILE", "where to write it; never overwritten" },
		{ "tls", OPTION_FLAG, &tls, NULL, "a TLS identity: FILE.key and FILE.crt" },
		{ "from", OPTION_TEXT, &from, "KEY", "only FILE.pub, of a key that exists: file or PKCS#11 URI" },
		JSON_ROW,
	};
	const struct command	c = {
		"quorate keygen -o FILE [--tls | --from KEY]",
		"Makes an Ed25519 key: FILE (PKCS#8 PEM, readable by you alone) and FILE.pub.",
		rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	if (tls && from != NULL)
		return err_set(err, RC_USAGE, "--tls and --from: one of them");
	if (from != NULL)
		return public_half(from, path, err);
	return tls ? tls_identity(path, err) : signing_key(path, err);
}
