/* coordinator/config.c - the configuration file of one coordinator. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/config.h"

#define CONFIG_BYTES_MAX	(16 << 10)

static void
copy(char *out, size_t n, const char *s)
{
	(void)snprintf(out, n, "%s", s);
}

/* The origin is a key name of signed notes: no space, no '+'. */
static bool
is_origin(const char *s)
{
	return is_plain_text(s, NOTE_NAME_MAX) && *s != '\0' &&
	    strpbrk(s, " +") == NULL;
}

static enum rc
check_tiles(const struct config *c, struct err *err)
{
	if (c->tiles[0] != '\0' && (!is_plain_text(c->tiles, NAME_MAX_BYTES) || strrchr(c->tiles, ':') == NULL))
		return err_set(err, RC_USAGE, "tiles: give HOST:PORT");
	if ((c->tiles_cert[0] == '\0') != (c->tiles_key[0] == '\0'))
		return err_set(err, RC_USAGE, "give both tiles_cert and tiles_key, or none of them");
	if (c->tiles[0] == '\0' && c->tiles_cert[0] != '\0')
		return err_set(err, RC_USAGE, "tiles_cert: tiles must say where, HOST:PORT");
	return RC_OK;
}

enum rc
config_check(const struct config *c, struct err *err)
{
	if (!is_plain_text(c->organisation, NAME_MAX_BYTES) || c->organisation[0] == '\0')
		return err_set(err, RC_USAGE,
		    "organisation: give a name of 1 to %d bytes", NAME_MAX_BYTES);
	if (!is_origin(c->origin))
		return err_set(err, RC_USAGE, "origin: give the log a name without "
		    "space and '+', such as log.example.org/quorate");
	if (!is_plain_text(c->address, NAME_MAX_BYTES) || strrchr(c->address, ':') == NULL)
		return err_set(err, RC_USAGE, "address: give HOST:PORT");
	return check_tiles(c, err);
}

static void
copy_opt(char *out, size_t n, struct jobj *o, const char *name)
{
	const char	*s = jobj_str_opt(o, name, n - 1);

	copy(out, n, s == NULL ? "" : s);
}

static enum rc
config_parse(struct span text, struct config *ret, struct err *err)
{
	AUTO(json_decref) json_t *v = NULL;
	struct config	c;
	struct jobj	o;
	const json_t	*token;

	memset(&c, 0, sizeof(c));
	TRY(json_read(text, CONFIG_BYTES_MAX, &v, err));
	o = jobj_init(v, "coordinator.json", err);
	copy(c.organisation, sizeof(c.organisation),
	    jobj_str(&o, "organisation", 1, NAME_MAX_BYTES));
	copy(c.origin, sizeof(c.origin), jobj_str(&o, "origin", 1, NAME_MAX_BYTES));
	copy(c.address, sizeof(c.address), jobj_str(&o, "address", 1, NAME_MAX_BYTES));
	copy_opt(c.tiles, sizeof(c.tiles), &o, "tiles");
	copy_opt(c.tiles_cert, sizeof(c.tiles_cert), &o, "tiles_cert");
	copy_opt(c.tiles_key, sizeof(c.tiles_key), &o, "tiles_key");
	token = jobj_obj(&o, "token");
	TRY(jobj_done(&o));
	TRY(token_config_parse(token, &c.token, err));
	TRY(config_check(&c, err));
	*ret = c;
	return RC_OK;
}

enum rc
config_read(const char *dir, struct config *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(CONFIG_BYTES_MAX);
	char	path[FILE_PATH_MAX];
	enum rc	rc;

	TRY(file_path(path, err, "%s/coordinator.json", dir));
	rc = file_read(path, &b, err);
	if (rc == RC_MISSING)
		return err_set(err, RC_USAGE,
		    "%s: no coordinator here; run coordinatord init first", dir);
	if (rc != RC_OK)
		return rc;
	rc = config_parse(buf_view(&b), ret, err);
	return rc == RC_OK ? RC_OK : err_wrap(err, rc, "%s", path);
}

static const char *
or_null(const char *s)
{
	return s[0] == '\0' ? NULL : s;
}

enum rc
config_write(const char *dir, const struct config *c, struct err *err)
{
	AUTO(json_decref) json_t *v = NULL;
	char	 path[FILE_PATH_MAX], *text;
	enum rc	 rc;

	TRY(file_path(path, err, "%s/coordinator.json", dir));
	v = json_pack("{s:s, s:s, s:s, s:s*, s:s*, s:s*, s:o}", "organisation", c->organisation,
	    "origin", c->origin, "address", c->address, "tiles", or_null(c->tiles),
	    "tiles_cert", or_null(c->tiles_cert), "tiles_key", or_null(c->tiles_key),
	    "token", token_config_json(&c->token));
	if (v == NULL || (text = json_dumps(v, JSON_INDENT(2))) == NULL)
		return err_set(err, RC_NOMEM, "no memory for %s", path);
	rc = file_write(path, span_str(text), 0600, err);
	free(text);
	return rc;
}
