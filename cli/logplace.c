/* cli/logplace.c - named bytes below a folder or a URL. */
#include <stdlib.h>
#include <string.h>

#include "cli/logplace.h"
#include "edge/http.h"

#define GET_MS	60000	/* a full bundle may have 16 MiB */

struct log_place {
	char			 where[FILE_PATH_MAX];	/* without a slash at its end */
	struct http_session	*http;			/* NULL: a folder */
};

bool
log_place_is_url(const char *where)
{
	return strncmp(where, "http://", 7) == 0 || strncmp(where, "https://", 8) == 0;
}

enum rc
log_place_new(const char *where, struct log_place **ret, struct err *err)
{
	struct log_place	*p = calloc(1, sizeof(*p));
	size_t			 n = strlen(where);
	enum rc			 rc;

	if (p == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	while (n > 1 && where[n - 1] == '/')
		n--;
	rc = file_path(p->where, err, "%.*s", (int)n, where);
	if (rc == RC_OK && log_place_is_url(where) && (rc = http_init(err)) == RC_OK)
		rc = http_session_new(&p->http, err);
	if (rc != RC_OK)
		log_place_free(p);
	else
		*ret = p;
	return rc;
}

void
log_place_free(struct log_place *p)
{
	if (p == NULL)
		return;
	http_session_free(p->http);
	free(p);
}

enum rc
log_place_get(struct log_place *p, const char *name, struct buf *ret, struct err *err)
{
	char			path[FILE_PATH_MAX];
	struct http_request	q = { .url = path, .ms = GET_MS };

	TRY(file_path(path, err, "%s/%s", p->where, name));
	if (p->http == NULL)
		return file_read(path, ret, err);
	return http_session_exchange(p->http, &q, ret, err);
}

enum rc
log_place_tile(struct log_place *p, const struct tile *t, struct buf *ret, struct err *err)
{
	char	name[TILE_NAME_MAX];

	tile_name(t, name);
	return log_place_get(p, name, ret, err);
}
