/* Writes tests/vectors/{package,case}-v1: the container and the encoding of a case. */
#include <string.h>

#include "evidence/case.h"
#include "evidence/zip.h"
#include "tests/gen/lib/vector.h"

static const char	*out_dir;

/* --- package-v1: the container -------------------------------------------------- */

static enum rc
put(void *user, uint64_t at, struct span bytes, struct err *err)
{
	struct buf	*b = user;

	if (at == b->n)
		buf_span(b, bytes);
	else
		memcpy(b->p + at, bytes.p, bytes.n);
	return buf_check(b, "zip", err);
}

struct file { const char *name, *text; };

static void
zip(const struct file *file, size_t n, struct buf *out)
{
	AUTO(zip_writer_free) struct zip_writer	*w = NULL;
	uint64_t				 size;

	*out = BUF_INIT(65536);
	vector_need(zip_writer_new(put, out, &w, NULL) == RC_OK, "writer");
	for (size_t i = 0; i < n; i++)
		vector_need(zip_add(w, file[i].name, span_str(file[i].text), NULL, NULL) == RC_OK, "file");
	vector_need(zip_finish(w, &size, NULL) == RC_OK, "end");
}

static void
container(const char *name, const char *expect, const char *comment, struct span bytes)
{
	struct vector_out	v = vector_open(out_dir, "package-v1", name, expect, comment);

	vector_hex(&v, "zip", bytes);
	vector_close(&v);
}

/* One byte of a good container is another. */
static void
changed(const struct buf *b, size_t at, uint8_t to, const char *name, const char *comment)
{
	uint8_t	was = b->p[at];

	vector_need(was != to, "a change that changes something");
	b->p[at] = to;
	container(name, "format", comment, buf_view(b));
	b->p[at] = was;
}

static void
containers(void)
{
	static const struct file two[] = { { "a.txt", "alpha" }, { "b/c", "" } };
	static const struct file twice[] = { { "a.txt", "alpha" }, { "A.txt", "beta" } };
	static const struct file folder[] = { { "a", "alpha" }, { "a/b", "beta" } };
	struct buf		 b;
	size_t			 directory = 30 + 5 + 5 + 30 + 3, tail;

	zip(two, 2, &b);
	tail = b.n - 22;
	container("zip_two_files", "ok", "a.txt holds alpha, b/c nothing", buf_view(&b));
	container("zip_truncated", "format", "the last byte is missing", SPAN(b.p, b.n - 1));
	changed(&b, 6, 8, "zip_data_descriptor", "flag 3: sizes would stand after the content");
	changed(&b, 8, 8, "zip_deflated", "method 8 in the local header only");
	changed(&b, 10, 1, "zip_time", "a time of its own");
	changed(&b, 14, (uint8_t)(b.p[14] ^ 1), "zip_local_crc", "the local header's CRC is another");
	changed(&b, 18, 4, "zip_local_size", "the local header's size is another");
	changed(&b, 30, 'A', "zip_local_name", "the local header's name is another");
	changed(&b, 35, 'A', "zip_content", "the content does not fit the CRC");
	changed(&b, directory + 38, 0x10, "zip_attributes", "a folder, to a reader that looks at the attributes");
	changed(&b, directory + 42, 1, "zip_offset", "the directory points beside the local header");
	changed(&b, directory + 46, '/', "zip_absolute_name", "an absolute name in the directory");
	changed(&b, tail + 4, 1, "zip_disk", "it would go on on another disk");
	changed(&b, tail + 10, 1, "zip_count", "one entry less than there are");
	changed(&b, tail + 20, 1, "zip_comment", "a comment of a byte that is not there");
	buf_done(&b);
	zip(twice, 2, &b);
	container("zip_same_name", "format", "two names that some file systems take for one", buf_view(&b));
	buf_done(&b);
	zip(folder, 2, &b);
	container("zip_file_and_folder", "format", "a is a file and a folder", buf_view(&b));
	buf_done(&b);
}

/* --- case-v1 -------------------------------------------------------------------------- */

static void
encoding(const char *name, const char *expect, const char *comment, struct span bytes)
{
	struct vector_out	v = vector_open(out_dir, "case-v1", name, expect, comment);

	vector_hex(&v, "case", bytes);
	vector_close(&v);
}

/* Fields of the right shape; nothing here would pass a check. */
static void
small_case(struct buf *out)
{
	AUTO_DONE(case_done) struct evidence_case	c = CASE_INIT;
	struct tree_path				none = { .n = 0 }, one = { .n = 1 };
	uint8_t						id[2][ARTIFACT_ID_BYTES];

	vector_seed("case path", 0, one.hash[0], TREE_HASH_BYTES);
	memset(id[0], 0x11, sizeof(id[0]));
	memset(id[1], 0x22, sizeof(id[1]));
	c.charter = SPAN_STR("charter");
	c.scope = SPAN_STR("scope");
	c.checkpoint = SPAN_STR("note");
	vector_need(case_add_entry(&c, 0, SPAN_STR("entry 0"), &none, NULL) == RC_OK, "entry");
	vector_need(case_add_entry(&c, 7, SPAN_STR("entry 7"), &one, NULL) == RC_OK, "entry");
	vector_need(case_add_artifact(&c, id[0], 7, 0, &one, SPAN_STR("d0"), NULL) == RC_OK, "artifact");
	vector_need(case_add_artifact(&c, id[1], 7, 1, &one, SPAN_STR("d1"), NULL) == RC_OK, "artifact");
	*out = BUF_INIT(CASE_BYTES_MAX);
	vector_need(case_write(&c, out, NULL) == RC_OK, "case");
}

static void
cases(void)
{
	struct buf	b;
	/* After magic, charter, scope, note and the number of entries. */
	size_t		first = 16 + 11 + 9 + 8 + 4, second = first + 8 + 9 + 1, artifacts;

	small_case(&b);
	artifacts = second + 8 + 9 + 33;
	encoding("shape", "ok", "two entries, two artifacts", buf_view(&b));
	encoding("truncated", "format", "the last byte is missing", SPAN(b.p, b.n - 1));
	buf_u8(&b, 0);
	encoding("trailing", "format", "a byte after the end", buf_view(&b));
	b.n--;
	b.p[second + 7] = 0;
	encoding("entries_order", "format", "entry 0 twice", buf_view(&b));
	b.p[second + 7] = 7;
	b.p[second + 8 + 9] = 65;
	encoding("path_too_long", "format", "a path of 65 hashes", buf_view(&b));
	b.p[second + 8 + 9] = 1;
	b.p[artifacts + 3] = 0;
	encoding("no_artifacts", "format", "no artifact, and bytes after that", buf_view(&b));
	b.p[artifacts + 3] = 2;
	memset(b.p + artifacts + 4, 0x33, ARTIFACT_ID_BYTES);
	encoding("artifacts_order", "format", "ids do not ascend", buf_view(&b));
	memset(b.p + artifacts + 4, 0x11, ARTIFACT_ID_BYTES);
	b.p[0] ^= 0x20;
	encoding("magic", "format", "another magic", buf_view(&b));
	buf_done(&b);
}

int
main(int argc, char **argv)
{
	vector_need(argc == 2, "usage: package DIRECTORY");
	out_dir = argv[1];
	containers();
	cases();
	return 0;
}
