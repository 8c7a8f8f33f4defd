/*
 * "It refuses", how much: packages with as much of everything as there may be, and with one more.
 * Memory has a ceiling whatever is in the file, and the file is read once, whatever its size.
 */
#include <sys/resource.h>
#include <sys/wait.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "evidence/archive.h"
#include "evidence/custody.h"
#include "evidence/summary.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/repack.h"
#include "tests/unit/evidence/world.h"

#define MIB		((size_t)1 << 20)
#define CEILING		(384 * MIB)	/* leaves 64, texts 48 and again 48, custody and summary 32 and again 32 */

#if defined(__SANITIZE_ADDRESS__)
#define CEILED	false		/* their shadow has no ceiling */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CEILED	false
#endif
#endif
#ifndef CEILED
#define CEILED	true
#endif

static struct world	w;
static struct memfile	good;
static struct repack	r;

static int
up(void **state)
{
	(void)state;
	world_up_anchored(&w, "standard");
	assert_true(world_package(&w, &good));
	repack_open(&r, &good);
	return 0;
}

static int
down(void **state)
{
	(void)state;
	repack_done(&r);
	memfile_done(&good);
	world_down(&w);
	return 0;
}

/* --- a file on disk, with what there is much of in place of what the good one has ----------- */

struct much {
	uint32_t	entries, erasables, later, archives, anchors, proofs;
	size_t		entry_bytes, erasable_bytes, text_bytes;	/* 0: as in the good one */
};

struct making { struct zip_writer *z; int fd; };
struct counting { int fd; uint64_t bytes, calls; };

static enum rc
disk_write(void *user, uint64_t at, struct span bytes, struct err *err)
{
	struct making	*m = user;

	(void)err;
	return pwrite(m->fd, bytes.p, bytes.n, (off_t)at) == (ssize_t)bytes.n ? RC_OK : RC_IO;
}

static enum rc
disk_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	struct counting	*c = user;

	c->bytes += n;
	c->calls++;
	return pread(c->fd, out, n, (off_t)at) == (ssize_t)n ? RC_OK : err_set(err, RC_FORMAT, "past the end");
}

static void
put(struct making *m, const char *name, struct span content)
{
	assert_int_equal(zip_add(m->z, name, content, NULL, NULL), RC_OK);
}

/* Junk of this length. */
static void
put_junk(struct making *m, const char *name, size_t n)
{
	static uint8_t	junk[MIB];
	size_t		k;

	memset(junk, 'j', sizeof(junk));
	assert_int_equal(zip_begin(m->z, name, n, NULL), RC_OK);
	for (; n > 0; n -= k) {
		k = n < sizeof(junk) ? n : sizeof(junk);
		assert_int_equal(zip_write(m->z, SPAN(junk, k), NULL), RC_OK);
	}
	assert_int_equal(zip_end(m->z, NULL, NULL), RC_OK);
}

static void
put_erasables(struct making *m, const struct much *much)
{
	uint8_t		digest[SHA256_BYTES] = { 0 };
	package_name	name;

	for (uint32_t i = 0; i < much->erasables; i++) {
		digest[0] = (uint8_t)(i >> 8);
		digest[1] = (uint8_t)i;
		name_erasable(digest, name);
		put_junk(m, name, much->erasable_bytes);
	}
}

static void
put_entries(struct making *m, const struct much *much)
{
	package_name	name;

	for (uint32_t i = 0; i < much->entries; i++) {
		name_entry(i, name);
		put_junk(m, name, much->entry_bytes);
	}
}

static void
put_proofs(struct making *m, const struct much *much)
{
	const struct buf	*first = &r.content[repack_starting(&r, NAME_PROOFS)];
	struct buf		 b = BUF_INIT(MIB);
	struct tlog_proof	 p;
	package_name		 name;

	assert_int_equal(tlog_proof_parse(buf_view(first), &p, NULL), RC_OK);
	for (uint32_t i = 0; i < much->entries + 1; i++) {
		buf_reset(&b);
		tlog_proof_write(i, &p.path, SPAN(NULL, 0), buf_view(repack_file(&r, NAME_CHECKPOINT)), &b);
		name_proof(i, name);
		put(m, name, buf_view(&b));
	}
	buf_done(&b);
}

/* So many anchors, and so many proofs under the last of them. */
static void
put_anchors(struct making *m, const struct much *much)
{
	const struct buf	*note = repack_file(&r, "data/anchors/000000000003/checkpoint");
	struct buf		 b = BUF_INIT(MIB);
	struct tree_path	 path = { .n = 1 };
	package_name		 name;

	for (uint32_t i = 0; i < much->anchors; i++) {
		uint32_t	n = i + 1 == much->anchors && much->proofs > 0 ? much->proofs : 1;

		name_anchor(i, "checkpoint", name);
		put(m, name, buf_view(note));
		name_anchor(i, "token.tst", name);
		put_junk(m, name, 60000);
		for (unsigned k = 1; k <= 2; k++) {
			name_anchor_crl(i, k, name);
			put_junk(m, name, 200000);
		}
		for (uint32_t k = 0; k < n; k++) {
			buf_reset(&b);
			tlog_proof_write(k, &path, SPAN(NULL, 0), buf_view(note), &b);
			name_anchor_proof(i, k, name);
			put(m, name, buf_view(&b));
		}
	}
	buf_done(&b);
}

static size_t
text_bytes(const char *name)
{
	static const struct { const char *name; size_t n; } text[] = {
		{ NAME_CUSTODY, CUSTODY_BYTES_MAX }, { NAME_CUSTODY_PROV, CUSTODY_BYTES_MAX },
		{ NAME_SUMMARY, SUMMARY_BYTES_MAX }, { NAME_MANIFEST, PACKAGE_TEXT_MAX },
		{ NAME_TAGMANIFEST, PACKAGE_TEXT_MAX }, { NAME_ASIC_MANIFEST, PACKAGE_TEXT_MAX },
		{ NAME_SIGNATURE, 2 * MIB },
	};

	for (size_t i = 0; i < sizeof(text) / sizeof(text[0]); i++)
		if (strcmp(text[i].name, name) == 0)
			return text[i].n;
	return 0;
}

static const char	*gone;		/* the folder whose files were put */

static bool
instead(struct making *m, const struct much *much, const char *name)
{
	static const struct { const char *folder; size_t at; void (*put)(struct making *m, const struct much *much); } row[] = {
		{ NAME_ENTRIES, offsetof(struct much, entries), put_entries },
		{ NAME_PROOFS, offsetof(struct much, entries), put_proofs },
		{ NAME_ERASABLE, offsetof(struct much, erasables), put_erasables },
		{ NAME_ANCHORS, offsetof(struct much, anchors), put_anchors },
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		if (strncmp(name, row[i].folder, strlen(row[i].folder)) != 0 ||
		    *(const uint32_t *)(const void *)((const char *)much + row[i].at) == 0)
			continue;
		if (gone != row[i].folder)
			row[i].put(m, much);
		gone = row[i].folder;
		return true;
	}
	return false;
}

static void
put_rest(struct making *m, const struct much *much, size_t i)
{
	package_name	name;

	if (much->text_bytes > 0 && text_bytes(r.name[i]) > 0)
		put_junk(m, r.name[i], text_bytes(r.name[i]));
	else
		put(m, r.name[i], buf_view(&r.content[i]));
	for (uint32_t k = 0; k < much->later && strcmp(r.name[i], NAME_CHARTER) == 0; k++) {
		name_later(k, name);
		put_junk(m, name, 8);
	}
}

/* The size of the file. */
static uint64_t
make(const struct much *much, int *ret_fd)
{
	char		path[] = "/tmp/quorate-bounds-XXXXXX";
	struct making	m = { .fd = mkstemp(path) };
	package_name	name;
	uint64_t	size;

	assert_true(m.fd >= 0 && unlink(path) == 0);
	assert_int_equal(zip_writer_new(disk_write, &m, &m.z, NULL), RC_OK);
	gone = NULL;
	for (size_t i = 0; i < r.n; i++)
		if (!instead(&m, much, r.name[i]))
			put_rest(&m, much, i);
	for (uint32_t i = 1; i <= much->archives; i++) {
		name_archive_manifest(i, name);
		put_junk(&m, name, 8);
		name_archive_token(i, name);
		put_junk(&m, name, 8);
	}
	assert_int_equal(zip_finish(m.z, &size, NULL), RC_OK);
	zip_writer_free(m.z);
	*ret_fd = m.fd;
	return size;
}

/* --- one more ---------------------------------------------------------------------------------- */

static void
verify(const struct much *much, struct package_report *ret, struct counting *c)
{
	uint64_t	size = make(much, &c->fd);
	struct err	err;

	if (package_verify(disk_read, c, size, WORLD_TRUST(w.net.genesis, w.net.now), ret, &err) != RC_OK)
		fail_msg("%s", err.msg);
	close(c->fd);
	assert_true(c->bytes <= 2 * size + 4096);
}

static void
one_more(void **state)
{
	static const struct { const char *words; struct much much; } row[] = {
		{ "more than 4096 log entries", { .entries = CASE_ENTRIES_MAX + 1, .entry_bytes = 8 } },
		{ "more than 4096 of a kind", { .entries = CASE_ENTRIES_MAX, .entry_bytes = 8 } },
		{ "bytes of log entries", { .entries = 1100, .entry_bytes = ENTRY_BYTES_MAX } },
		{ "at most 65535 can be", { .entries = 1, .entry_bytes = ENTRY_BYTES_MAX + 1 } },
		{ "more than 64 reasons", { .erasables = PACKAGE_ERASABLES_MAX + 1, .erasable_bytes = 40 } },
		{ "more than 64 later charters", { .later = CASE_CHARTERS_MAX + 1 } },
		{ "more than 64 anchors", { .anchors = PACKAGE_ANCHORS_MAX + 1 } },
		{ "more than 4096 proofs", { .anchors = 1, .proofs = PACKAGE_ANCHORED_MAX + 1 } },
		{ "more than 99 archive", { .archives = ARCHIVES_MAX + 1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct package_report	rep;
		struct counting		c = { .fd = -1 };

		verify(&row[i].much, &rep, &c);
		assert_int_equal(rep.verdict, PACKAGE_INVALID);
		assert_int_equal(rep.claim[CLAIM_CONTAINER].verdict, CLAIM_NO);
		if (strstr(rep.claim[CLAIM_CONTAINER].words, row[i].words) == NULL)
			fail_msg("%s: %s", row[i].words, rep.claim[CLAIM_CONTAINER].words);
	}
}

/* As many as may be pass the walk: what is wrong with them is another claim's affair. */
static void
as_many_as_may_be(void **state)
{
	static const struct much	row[] = {
		{ .entries = CASE_ENTRIES_MAX - 1, .entry_bytes = 8 },	/* and the release */
		{ .entries = 1, .entry_bytes = ENTRY_BYTES_MAX },
		{ .erasables = PACKAGE_ERASABLES_MAX, .erasable_bytes = 40 },
		{ .anchors = PACKAGE_ANCHORS_MAX },
		{ .anchors = 1, .proofs = PACKAGE_ANCHORED_MAX },
		{ .archives = ARCHIVES_MAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct package_report	rep;
		struct counting		c = { .fd = -1 };

		verify(&row[i], &rep, &c);
		assert_int_equal(rep.verdict, PACKAGE_INVALID);
		if (rep.claim[CLAIM_CONTAINER].verdict != CLAIM_YES)
			fail_msg("%zu: %s", i, rep.claim[CLAIM_CONTAINER].words);
	}
}

/* --- memory ---------------------------------------------------------------------------------------- */

static rlim_t
address_space(void)
{
	unsigned long	pages = 0;
	FILE		*f = fopen("/proc/self/statm", "r");

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu", &pages), 1);
	fclose(f);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* 0: refused; in a process of its own, which has so much to live in. */
static int
child(int fd, uint64_t size)
{
	struct counting		c = { .fd = fd };
	struct rlimit		most = { address_space() + CEILING, RLIM_INFINITY };
	struct package_report	rep;
	struct err		err;

	most.rlim_max = most.rlim_cur;
	if (setrlimit(RLIMIT_AS, &most) != 0)
		return 3;
	if (package_verify(disk_read, &c, size, WORLD_TRUST(w.net.genesis, w.net.now), &rep, &err) != RC_OK) {
		(void)fprintf(stderr, "%s\n", err.msg);
		return 2;
	}
	return rep.verdict == PACKAGE_INVALID && rep.claim[CLAIM_CONTAINER].verdict == CLAIM_YES ? 0 : 1;
}

static void
all_of_it_at_once(void **state)
{
	static const struct much	much = { .entries = CASE_ENTRIES_MAX - 1, .entry_bytes = 16000,
	    .erasables = PACKAGE_ERASABLES_MAX, .erasable_bytes = SUMMARY_TEXT_MAX, .text_bytes = 1,
	    .anchors = PACKAGE_ANCHORS_MAX, .proofs = 2000, .archives = ARCHIVES_MAX };
	uint64_t			size;
	int				fd, status;
	pid_t				pid;

	(void)state;
	if (!CEILED) {
		printf("skipped: the sanitizers' memory has no ceiling\n");
		return;
	}
	size = make(&much, &fd);
	assert_true(size > 170 * MIB);
	assert_true((pid = fork()) >= 0);
	if (pid == 0)
		_exit(child(fd, size));
	assert_true(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	close(fd);
}

/* Four times as much is read in four times as many bytes, and about as many calls. */
static void
as_long_as_the_file(void **state)
{
	struct package_report	rep;
	struct counting		a = { .fd = -1 }, b = { .fd = -1 };

	(void)state;
	verify(&(struct much){ .entries = 1024, .entry_bytes = 4000 }, &rep, &a);
	verify(&(struct much){ .entries = 4096, .entry_bytes = 4000 }, &rep, &b);
	assert_true(b.bytes < a.bytes * 9 / 2);
	assert_true(b.calls < a.calls * 9 / 2);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(one_more),
		cmocka_unit_test(as_many_as_may_be),
		cmocka_unit_test(all_of_it_at_once),
		cmocka_unit_test(as_long_as_the_file),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, up, down);
}
