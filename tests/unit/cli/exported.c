#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "audit/tile.h"
#include "tests/unit/cli/exported.h"

struct exporting { const char *dir; };

static void
write_at(const char *dir, const char *name, struct span bytes)
{
	char		path[FILE_PATH_MAX];
	struct err	err;
	size_t		i;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	for (i = 1; path[i] != '\0'; i++)
		if (path[i] == '/') {
			path[i] = '\0';
			MUST(mkdir(path, 0700) == 0 || errno == EEXIST);
			path[i] = '/';
		}
	must(file_write(path, bytes, 0644, &err), &err);
}

/* By definition: the root over the leaves below it. */
static enum rc
node(void *user, uint8_t level, uint64_t index, uint8_t ret[TREE_HASH_BYTES], struct err *err)
{
	uint64_t	n = UINT64_C(1) << level, i;
	uint8_t		(*leaf)[TREE_HASH_BYTES] = calloc(n, sizeof(*leaf));

	(void)user;
	(void)err;
	MUST(leaf != NULL && (index + 1) * n <= net.log_entries.n);
	for (i = 0; i < n; i++)
		tree_leaf(buf_view(&net.log_entries.leaf[index * n + i]), leaf[i]);
	tree_root((const uint8_t (*)[TREE_HASH_BYTES])leaf, n, ret);
	free(leaf);
	return RC_OK;
}

static enum rc
one_tile(void *user, const struct tile *t, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(TILE_BUNDLE_BYTES_MAX);
	struct exporting	*x = user;
	char			 name[TILE_NAME_MAX];
	unsigned		 i;

	if (t->entries)
		for (i = 0; i < t->width; i++)
			must(bundle_add(&b, buf_view(&net.log_entries.leaf[t->index * TILE_WIDTH + i]), err), err);
	else
		must(tile_hashes(node, NULL, t, &b, err), err);
	tile_name(t, name);
	write_at(x->dir, name, buf_view(&b));
	return RC_OK;
}

static void
blobs_of(const char *dir, struct span leaf)
{
	const struct state	*st = memstate_state(net.mem);
	uint8_t			 digest[2][SHA256_BYTES];
	char			 hex[HEX_BYTES(SHA256_BYTES)], path[FILE_PATH_MAX];
	struct err		 err;
	size_t			 n, i;

	must(entry_blobs(leaf, digest, &n, &err), &err);
	(void)snprintf(path, sizeof(path), "%s.blobs", dir);
	for (i = 0; i < n; i++) {
		AUTO_DONE(buf_done) struct buf b = BUF_INIT(BIG);

		/* What a void entry names may be nowhere. */
		if (st->blob(st->user, digest[i], &b, &err) == RC_OK)
			write_at(path, hex_write(SPAN_OF(digest[i]), hex), buf_view(&b));
	}
}

void
export_log(const char *dir, uint64_t size, struct span note)
{
	struct exporting	x = { dir };
	struct err		err;
	uint64_t		i;

	must(tile_each(size, one_tile, &x, &err), &err);
	for (i = 0; i < size; i++)
		blobs_of(dir, buf_view(&net.log_entries.leaf[i]));
	write_at(dir, "checkpoint", note);
}

void
export_note(uint64_t size, const struct test_key *log, uint32_t cosigners, struct buf *out)
{
	struct checkpoint	cp;

	lab_at(size, &cp);
	buf_reset(out);
	lab_note(log, &cp, cosigners, out);
}

void
export_alter(const char *dir, const char *name, long at)
{
	char	path[FILE_PATH_MAX];
	FILE	*f;
	int	 c;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	MUST((f = fopen(path, "r+b")) != NULL);
	MUST(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET) == 0);
	MUST((c = fgetc(f)) != EOF);
	MUST(fseek(f, -1, SEEK_CUR) == 0);
	MUST(fputc(c ^ 1, f) != EOF);
	MUST(fclose(f) == 0);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

void
export_remove(const char *dir)
{
	char	path[FILE_PATH_MAX];

	(void)snprintf(path, sizeof(path), "%s.blobs", dir);
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	(void)nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void
export_false_release(void)
{
	struct net_artifact	a = net_seal(&net, "lenient");
	struct statement	s;
	uint8_t			request[SHA256_BYTES], order[SHA256_BYTES];

	net_requested(&net, &a, 1, "lenient", request);
	MUST(net_decide(&net, request, NET_LEGAL, true).effective);
	MUST(net_order(&net, request, order).effective);
	net_statement(&net, &s, STATEMENT_RELEASE);
	memcpy(s.subject, order, sizeof(s.subject));
	memset(s.u.release.contents, 9, SHA256_BYTES);
	s.u.release.n = 4;
	for (uint8_t i = 0; i < 4; i++) {
		s.u.release.custodian[i].index = i + 1;
		s.u.release.custodian[i].good = true;
		MUST(net_receipt(&net, order, i + 1, s.u.release.custodian[i].receipt).effective);
	}
	memcpy(s.u.release.custodian[3].receipt, s.u.release.custodian[0].receipt, SHA256_BYTES);
	MUST(net_log(&net, &s, &net.log).effective);
}
