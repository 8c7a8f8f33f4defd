/* Package files: one encoding, so that what opens is what the writer would write of its contents. */
#include "evidence/zip.h"
#include "tests/fuzz/lib/fuzz.h"

static enum rc
write_at(void *user, uint64_t offset, struct span data, struct err *err)
{
	struct buf	*b = user;

	(void)err;
	PROMISE(offset <= b->n);
	if (offset == b->n) {
		buf_span(b, data);
	} else {
		PROMISE(data.n <= b->n - offset);
		memcpy(b->p + offset, data.p, data.n);
	}
	return b->rc;
}

/* False: a content whose CRC is another. */
static bool
write_again(const struct zip *z, struct span in, struct buf *out)
{
	struct zip_writer	*w = NULL;
	struct zip_entry	 e, found;
	uint8_t			 digest[SHA256_BYTES];
	uint32_t		 i;
	uint64_t		 size;
	bool			 good = true;

	PROMISE(zip_writer_new(write_at, out, &w, NULL) == RC_OK);
	for (i = 0; i < zip_count(z) && good; i++) {
		zip_at(z, i, &e);
		PROMISE(zip_name_ok(e.name) && e.at <= in.n && e.size <= in.n - e.at);
		PROMISE(zip_find(z, e.name, NULL, &found, NULL) == RC_OK && found.at == e.at);
		good = zip_digest(z, &e, digest, NULL) == RC_OK;
		PROMISE(zip_add(w, e.name, SPAN(in.p + e.at, e.size), NULL, NULL) == RC_OK);
	}
	if (good)
		PROMISE(zip_finish(w, &size, NULL) == RC_OK && size == in.n);
	zip_writer_free(w);
	return good;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span	 in = SPAN(data, size);
	struct buf	 out = BUF_INIT(size + 1);
	struct zip	*z = NULL;

	if (zip_open(fuzz_read_at, &in, size, &z, NULL) == RC_OK) {
		PROMISE(zip_count(z) <= ZIP_ENTRIES_MAX);
		if (write_again(z, in, &out))
			fuzz_same(&out, in);
		zip_free(z);
	}
	buf_done(&out);
	return 0;
}
