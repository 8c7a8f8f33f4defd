#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/store/place.h"

void
place_init(struct place *p)
{
	const char	*tmp = getenv("TMPDIR");

	(void)snprintf(p->dir, sizeof(p->dir), "%.32s/quorate-store-XXXXXX",
	    tmp == NULL ? "/tmp" : tmp);
	assert_non_null(mkdtemp(p->dir));
	(void)snprintf(p->db, sizeof(p->db), "%s/db", p->dir);
}

static void
each(const struct place *p, void (*fn)(const char *path, const char *name, void *user), void *user)
{
	DIR		*d = opendir(p->dir);
	struct dirent	*e;
	char		 path[512];

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", p->dir, e->d_name);
		fn(path, e->d_name, user);
	}
	(void)closedir(d);
}

static void
remove_one(const char *path, const char *name, void *user)
{
	(void)name;
	(void)user;
	assert_int_equal(unlink(path), 0);
}

void
place_done(struct place *p)
{
	each(p, remove_one, NULL);
	assert_int_equal(rmdir(p->dir), 0);
}

static void
add_size(const char *path, const char *name, void *user)
{
	struct stat	st;

	(void)name;
	assert_int_equal(stat(path, &st), 0);
	*(off_t *)user += st.st_size;
}

off_t
place_bytes(const struct place *p)
{
	off_t	n = 0;

	each(p, add_size, &n);
	return n;
}

static void
copy_one(const char *path, const char *name, void *user)
{
	const struct place	*to = user;
	char			 out[512], chunk[4096];
	FILE			*r, *w;
	size_t			 n;

	(void)snprintf(out, sizeof(out), "%s/%s", to->dir, name);
	r = fopen(path, "rb");
	w = fopen(out, "wb");
	assert_non_null(r);
	assert_non_null(w);
	while ((n = fread(chunk, 1, sizeof(chunk), r)) != 0)
		assert_int_equal(fwrite(chunk, 1, n, w), n);
	(void)fclose(r);
	assert_int_equal(fclose(w), 0);
}

void
place_copy(const struct place *from, const struct place *to)
{
	struct place	p = *to;

	each(to, remove_one, NULL);
	each(from, copy_one, &p);
}

struct store *
opened(const struct place *p, enum store_mode mode)
{
	struct store	*s = NULL;
	struct err	 err = { RC_OK, "" };

	if (store_open(p->db, mode, &s, &err) != RC_OK)
		fail_msg("%s", err.msg);
	return s;
}

/* --- batches ------------------------------------------------------------------------ */

void
batch_id(uint64_t batch, uint32_t leaf, uint8_t ret[ARTIFACT_ID_BYTES])
{
	uint8_t	digest[SHA256_BYTES];
	struct { uint64_t batch, leaf; } both = { batch, leaf };

	sha256_one(digest, SPAN(&both, sizeof(both)));
	memcpy(ret, digest, ARTIFACT_ID_BYTES);
}

void
batch_init(struct batch *b, uint64_t batch, uint32_t count, size_t bytes)
{
	uint8_t	d[DESCRIPTOR_BYTES_MAX];

	*b = (struct batch){ .vector = BUF_INIT(4 << 20), .count = count };
	for (uint32_t i = 0; i < count; i++) {
		memset(d, (int)(i % 251), sizeof(d));
		batch_id(batch, i, d);
		buf_vec16(&b->vector, SPAN(d, bytes));
	}
	sha256_one(b->digest, buf_view(&b->vector));
	assert_int_equal(b->vector.rc, RC_OK);
	if (descriptor_vector_root(buf_view(&b->vector), count, b->root, NULL) != RC_OK)
		memset(b->root, 0, sizeof(b->root));
}

void
batch_done(struct batch *b)
{
	buf_done(&b->vector);
}

struct adding {
	struct store	*s;
	uint64_t	 batch;
};

static enum rc
add_one(void *user, uint32_t leaf, struct span descriptor, struct err *err)
{
	struct adding		*a = user;
	const struct state	*st = store_state(a->s);
	struct escrow_at	 at = { a->batch, leaf };

	return st->escrow_add(st->user, descriptor.p, at, descriptor, err);
}

enum rc
batch_apply(struct store *s, struct batch *b, struct span leaf, struct err *err)
{
	const struct state	*st = store_state(s);
	struct adding		 a = { s, store_size(s) };
	static uint8_t		 shares[VECTOR_MAX * STORE_SHARE_BYTES];
	uint8_t			 digest[SHA256_BYTES];

	for (size_t i = 0; i < sizeof(shares); i++)
		shares[i] = (uint8_t)(i / STORE_SHARE_BYTES + a.batch);
	TRY(store_append(s, leaf, err));
	TRY(store_blob_put(s, buf_view(&b->vector), digest, err));
	TRY(st->descriptors(st->user, digest, b->root, b->count, add_one, &a, err));
	return store_shares_put(s, a.batch,
	    SPAN(shares, (size_t)b->count * STORE_SHARE_BYTES), err);
}
