/* cli/lineage.c - which charter is in force, shown from the genesis. */
#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>

#include "cli/lineage.h"

void
lineage_begin(struct lineage *l, struct charter *genesis)
{
	memset(l, 0, sizeof(*l));
	l->bytes = BUF_INIT(CASE_BYTES_MAX);
	l->charter[l->n++] = genesis;
}

void
lineage_done(struct lineage *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		charter_free(l->charter[i]);
	checked_case_free(l->checked);
	case_done(&l->kase);
	buf_done(&l->bytes);
	l->n = 0;
}

const struct charter *
lineage_in_force(const struct lineage *l)
{
	return l->charter[l->n - 1];
}

const struct charter *
lineage_charter(const struct lineage *l, const uint8_t digest[SHA256_BYTES])
{
	for (uint32_t i = 0; i < l->n; i++)
		if (memcmp(l->charter[i]->digest, digest, SHA256_BYTES) == 0)
			return l->charter[i];
	return NULL;
}

/* --- more of it ------------------------------------------------------------------------ */

/* Two charters that follow the same one would be two pasts, each cosigned by q. */
static enum rc
same_so_far(const struct lineage *l, const struct checked_case *k, struct err *err)
{
	for (uint32_t i = 0; i < l->n && i < k->n_charters; i++)
		if (memcmp(k->charters[i], l->charter[i]->digest, SHA256_BYTES) != 0)
			return err_set(err, RC_VERIFY, "another charter is shown as the %u. than was shown before: two pasts "
			    "of this log were cosigned; see `quorate log accuse`", i + 1);
	return RC_OK;
}

/* The charters that are new to us, parsed. */
static enum rc
add_charters(struct lineage *l, const struct evidence_case *c, struct err *err)
{
	while (l->n < c->n_later + 1) {
		TRY(charter_parse(c->later[l->n - 1], &l->charter[l->n], err));
		l->n++;
	}
	return RC_OK;
}

enum rc
lineage_take(struct lineage *l, struct buf *bytes, bool *ret_news, struct err *err)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	AUTO_DONE(case_done) struct evidence_case	 c = CASE_INIT;

	*ret_news = false;
	TRY(case_parse(buf_view(bytes), &c, err));
	TRY(case_lineage(&c, l->charter[0]->digest, &k, err));
	TRY(same_so_far(l, k, err));
	if (k->n_charters <= l->n)
		return RC_OK;
	TRY(add_charters(l, &c, err));
	checked_case_free(l->checked);
	case_done(&l->kase);
	buf_done(&l->bytes);
	l->checked = TAKE(k);
	l->kase = c;
	c = CASE_INIT;
	l->bytes = *bytes;
	*bytes = BUF_INIT(CASE_BYTES_MAX);
	*ret_news = true;
	return RC_OK;
}

/* --- the cache --------------------------------------------------------------------------- */

static enum rc
cache_dir(char ret[FILE_PATH_MAX], struct err *err)
{
	const char	*xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (xdg != NULL && xdg[0] == '/')
		return file_path(ret, err, "%s/quorate", xdg);
	if (home == NULL || home[0] != '/')
		return err_set(err, RC_MISSING, "no home folder");
	return file_path(ret, err, "%s/.cache/quorate", home);
}

static enum rc
cache_path(const struct lineage *l, char ret[FILE_PATH_MAX], struct err *err)
{
	char	dir[FILE_PATH_MAX], hex[HEX_BYTES(SHA256_BYTES)];

	TRY(cache_dir(dir, err));
	return file_path(ret, err, "%s/%s.lineage", dir, hex_write(SPAN_OF(l->charter[0]->digest), hex));
}

void
lineage_recall(struct lineage *l)
{
	AUTO_DONE(buf_done) struct buf	bytes = BUF_INIT(CASE_BYTES_MAX);
	char				path[FILE_PATH_MAX];
	bool				news;

	if (cache_path(l, path, NULL) == RC_OK && file_exists(path) && file_read(path, &bytes, NULL) == RC_OK)
		(void)(lineage_take(l, &bytes, &news, NULL) == RC_OK);	/* a broken cache is none */
}

/* The folders above it, one after the other, as far as they are not there. */
static enum rc
make_dirs(const char *path, struct err *err)
{
	char	dir[FILE_PATH_MAX];

	for (const char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		TRY(file_path(dir, err, "%.*s", (int)(p - path), path));
		if (mkdir(dir, 0700) != 0 && !file_exists(dir))
			return err_set(err, RC_IO, "cannot make %s", dir);
	}
	return RC_OK;
}

void
lineage_keep(const struct lineage *l)
{
	char	path[FILE_PATH_MAX];

	if (l->bytes.n == 0 || cache_path(l, path, NULL) != RC_OK || make_dirs(path, NULL) != RC_OK)
		return;
	(void)(file_write(path, buf_view(&l->bytes), 0600, NULL) == RC_OK);	/* else it is fetched again */
}
