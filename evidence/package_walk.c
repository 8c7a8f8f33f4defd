/* One file of a package after the other: what package_view*.c do with each. */
#include <stdlib.h>
#include <string.h>

#include "evidence/package_walk.h"

static bool
under(const char *name, const char *folder)
{
	return strncmp(name, folder, strlen(folder)) == 0;
}

bool
view_next_under(const struct package_view *v, const char *folder, struct zip_entry *ret)
{
	if (v->at >= zip_count(v->zip))
		return false;
	zip_at(v->zip, v->at, ret);
	return under(ret->name, folder);
}

enum rc
view_expect(struct package_view *v, const char *name, struct zip_entry *ret, struct err *err)
{
	if (v->at >= zip_count(v->zip))
		return err_set(err, RC_FORMAT, "package: %s is missing", name);
	zip_at(v->zip, v->at, ret);
	if (strcmp(ret->name, name) == 0) {
		v->at++;
		return RC_OK;
	}
	v->scope_failed = under(name, "data/artifacts/") || under(ret->name, "data/artifacts/");
	return err_set(err, RC_FORMAT, "package: %s is where %s should be", ret->name, name);
}

enum rc
view_expect_size(struct package_view *v, const char *name, uint64_t size, struct err *err)
{
	struct zip_entry	e;

	TRY(view_expect(v, name, &e, err));
	if (e.size != size)
		return err_set(err, RC_FORMAT, "package: %s has %llu bytes, not %llu", name,
		    (unsigned long long)e.size, (unsigned long long)size);
	return RC_OK;
}

enum rc
view_load(struct package_view *v, const char *name, size_t max, struct buf *ret, struct err *err)
{
	struct zip_entry	e;

	TRY(view_expect(v, name, &e, err));
	*ret = BUF_INIT(max);
	return zip_read_all(v->zip, &e, ret, err);
}

enum rc
view_load_exactly(struct package_view *v, const char *name, struct span want, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	have = BUF_INIT(0);

	TRY(view_load(v, name, want.n, &have, err));
	if (!span_eq(buf_view(&have), want))
		return err_set(err, RC_FORMAT, "package: %s does not say what it should", name);
	return RC_OK;
}

uint64_t
view_number_in(const char *name, const char *folder)
{
	return strtoull(name + strlen(folder), NULL, 10);
}

enum rc
view_load_proof(struct package_view *v, const char *name, uint64_t index, struct span note, struct tree_path *ret,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf	bytes = BUF_INIT(0), again = BUF_INIT(PACKAGE_TEXT_MAX);
	struct tlog_proof		proof;

	TRY(view_load(v, name, NOTE_BYTES_MAX + 8192, &bytes, err));
	TRY(tlog_proof_parse(buf_view(&bytes), &proof, err));
	/* One form: no extra line, this index, this checkpoint. */
	tlog_proof_write(index, &proof.path, SPAN(NULL, 0), note, &again);
	TRY(buf_check(&again, name, err));
	if (!span_eq(buf_view(&again), buf_view(&bytes)))
		return err_set(err, RC_FORMAT, "package: %s is of another entry or checkpoint", name);
	*ret = proof.path;
	return RC_OK;
}
