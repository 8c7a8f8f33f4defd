/*
 * "It refuses", the container: a real package whose ZIP lies, to us or to some other reader, in
 * each way that we know of. Headers that agree with each other are as good a lie as headers
 * that do not. What is refused is refused after reading little, and nothing of it comes out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evidence/crc32.h"
#include "evidence/verify.h"
#include "tests/unit/evidence/repack.h"
#include "tests/unit/evidence/world.h"
#include "tests/unit/vectors.h"

#define BIG	((size_t)8 << 20)

static struct world	w;
static struct memfile	good;
static struct repack	r;

static int
up(void **state)
{
	(void)state;
	world_up(&w, "standard");
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

/* --- a ZIP writer that writes what it is told ------------------------------------------- */

struct member {
	const char	*name, *local;		/* in the directory, in its own header */
	struct span	 content;
	uint32_t	 made, needed, flags, method, time, date, internal, external, disk;
	uint32_t	 local_method, local_flags;
	uint32_t	 crc, local_crc, size, packed, local_size, local_packed;
	struct span	 extra, local_extra, comment, after;	/* after: behind the content */
	uint32_t	 moved;			/* added to the offset in the directory */
	bool		 unlisted;
	uint32_t	 at;			/* where it came to stand */
};

struct tail {
	struct span	before, gap, comment;	/* before everything, before the directory */
	uint32_t	more, at, size;		/* added to count, offset and size of the directory */
	uint32_t	disk;
	bool		twice;			/* the end record */
};

static struct member	member[REPACK_FILES + 1];
static size_t		n_members;
static struct tail	tail;

static void
put(struct buf *out, uint64_t v, int bytes)
{
	for (int i = 0; i < bytes; i++)
		buf_u8(out, (uint8_t)(v >> 8 * i));
}

static void
member_of(struct member *m, const char *name, struct span content)
{

	*m = (struct member){ .name = name, .local = name, .content = content, .made = 0x032d, .needed = 20,
	    .date = 0x21, .external = 0x81a40000 };
	m->crc = m->local_crc = crc32_more(0, content);
	m->size = m->packed = m->local_size = m->local_packed = (uint32_t)content.n;
}

/* The good package's, to be changed. */
static void
members(void)
{
	for (n_members = 0; n_members < r.n; n_members++)
		member_of(&member[n_members], r.name[n_members], buf_view(&r.content[n_members]));
	tail = (struct tail){ .more = 0 };
}

static void
write_local(struct member *m, struct buf *out)
{
	m->at = (uint32_t)out->n;
	put(out, 0x04034b50, 4);
	put(out, m->needed, 2);
	put(out, m->local_flags, 2);
	put(out, m->local_method, 2);
	put(out, m->time, 2);
	put(out, m->date, 2);
	put(out, m->local_crc, 4);
	put(out, m->local_packed, 4);
	put(out, m->local_size, 4);
	put(out, strlen(m->local), 2);
	put(out, m->local_extra.n, 2);
	buf_span(out, span_str(m->local));
	buf_span(out, m->local_extra);
	buf_span(out, m->content);
	buf_span(out, m->after);
}

static void
write_record(const struct member *m, struct buf *out)
{
	put(out, 0x02014b50, 4);
	put(out, m->made, 2);
	put(out, m->needed, 2);
	put(out, m->flags, 2);
	put(out, m->method, 2);
	put(out, m->time, 2);
	put(out, m->date, 2);
	put(out, m->crc, 4);
	put(out, m->packed, 4);
	put(out, m->size, 4);
	put(out, strlen(m->name), 2);
	put(out, m->extra.n, 2);
	put(out, m->comment.n, 2);
	put(out, m->disk, 2);
	put(out, m->internal, 2);
	put(out, m->external, 4);
	put(out, m->at + m->moved, 4);
	buf_span(out, span_str(m->name));
	buf_span(out, m->extra);
	buf_span(out, m->comment);
}

static void
write_end(uint32_t count, uint32_t at, uint32_t size, struct buf *out)
{
	put(out, 0x06054b50, 4);
	put(out, tail.disk, 2);
	put(out, tail.disk, 2);
	put(out, count + tail.more, 2);
	put(out, count + tail.more, 2);
	put(out, size + tail.size, 4);
	put(out, at + tail.at, 4);
	put(out, tail.comment.n, 2);
	buf_span(out, tail.comment);
}

static void
pack(struct memfile *ret)
{
	struct buf	*out = &ret->b;
	uint32_t	 at, n = 0, size;

	*ret = MEMFILE_INIT;
	buf_span(out, tail.before);
	for (size_t i = 0; i < n_members; i++)
		write_local(&member[i], out);
	buf_span(out, tail.gap);
	at = (uint32_t)out->n;
	for (size_t i = 0; i < n_members; i++)
		if (!member[i].unlisted) {
			write_record(&member[i], out);
			n++;
		}
	size = (uint32_t)out->n - at;
	write_end(n, at, size, out);
	if (tail.twice)
		write_end(n, at, size, out);
	assert_int_equal(out->rc, RC_OK);
}

/* --- what must come of it ------------------------------------------------------------------ */

struct counting { struct memfile *f; uint64_t bytes, calls; };

static enum rc
count_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	struct counting	*c = user;

	c->bytes += n;
	c->calls++;
	return memfile_read(c->f, at, out, n, err);
}

static enum rc
nothing_comes_out(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at,
    struct span plaintext, struct err *err)
{
	(void)user;
	(void)id;
	(void)part;
	(void)at;
	(void)plaintext;
	(void)err;
	fail_msg("plaintext of a package that is refused");
	return RC_BUG;
}

/* Whatever it is, it is refused before much of it was read: the same bytes twice at most. */
static void
refused(struct memfile *f, const char *what)
{
	struct counting		c = { f, 0, 0 };
	struct package_report	rep;
	struct err		err;

	assert_int_equal(package_verify(count_read, &c, f->b.n, WORLD_TRUST(w.net.genesis, w.net.now), &rep, &err), RC_OK);
	if (rep.verdict != PACKAGE_INVALID ||
	    (rep.claim[CLAIM_CONTAINER].verdict != CLAIM_NO && rep.claim[CLAIM_SCOPE].verdict != CLAIM_NO))
		fail_msg("%s: it is %s", what, package_verdict_name(rep.verdict));
	if (c.bytes > 2 * f->b.n + 4096)
		fail_msg("%s: %llu bytes were read of %zu", what, (unsigned long long)c.bytes, f->b.n);
	assert_int_equal(package_open(memfile_read, f, f->b.n, WORLD_TRUST(w.net.genesis, w.net.now), w.net.recipient_key,
	    SPAN(NULL, 0), nothing_comes_out, NULL, &rep, NULL, &err), RC_VERIFY);
}

static void
refused_packed(const char *what)
{
	struct memfile	f;

	pack(&f);
	refused(&f, what);
	memfile_done(&f);
}

static size_t
number(const char *suffix)
{
	return repack_ending(&r, suffix);
}

/* The writer of this test writes the good package, byte for byte. */
static void
told_the_truth(void **state)
{
	struct memfile	f;

	(void)state;
	members();
	pack(&f);
	assert_true(span_eq(buf_view(&f.b), buf_view(&good.b)));
	memfile_done(&f);
}

/* --- one member ------------------------------------------------------------------------------ */

/* A name as some readers take it from a field of Info-ZIP, over a name that is good. */
static const uint8_t	unicode_path[] = { 0x75, 0x70, 9, 0, 1, 0, 0, 0, 0, '.', '.', '/', 'x' };
static const uint8_t	zip64_field[20] = { 1, 0, 16, 0, 1 };
static const uint8_t	descriptor[16] = { 'P', 'K', 7, 8 };
static const uint8_t	stored_block[] = { 1, 1, 0, 0xfe, 0xff, 'x' };

static void symlink_(struct member *m) { m->external = 0xa1ff0000; }
static void folder(struct member *m) { m->external = 0x41ed0010; }
static void device(struct member *m) { m->external = 0x61a40000; }
static void setuid_(struct member *m) { m->external = 0x89ed0000; }
static void executable(struct member *m) { m->external = 0x81ed0000; }
static void dos_folder(struct member *m) { m->external |= 0x10; }
static void made_by_dos(struct member *m) { m->made = 20; }
static void encrypted(struct member *m) { m->flags = m->local_flags = 1; }
static void encrypted_locally(struct member *m) { m->local_flags = 1; }
static void encrypted_centrally(struct member *m) { m->flags = 1; }
static void utf8(struct member *m) { m->flags = m->local_flags = 0x800; }
static void strong(struct member *m) { m->flags = m->local_flags = 0x2041; }
static void deflated(struct member *m) { m->method = m->local_method = 8; }
static void deflated_locally(struct member *m) { m->local_method = 8; }
static void deflated_centrally(struct member *m) { m->method = 8; }
static void aes(struct member *m) { m->method = m->local_method = 99; }
static void newer(struct member *m) { m->needed = 63; }
static void dated(struct member *m) { m->date = 0x5c21; m->time = 0x6000; }
static void text(struct member *m) { m->internal = 1; }
static void other_disk(struct member *m) { m->disk = 1; }
static void commented(struct member *m) { m->comment = SPAN_STR("innocent"); }
static void named_again(struct member *m) { m->extra = m->local_extra = SPAN_OF(unicode_path); }
static void named_again_locally(struct member *m) { m->local_extra = SPAN_OF(unicode_path); }
static void named_again_centrally(struct member *m) { m->extra = SPAN_OF(unicode_path); }
static void zip64(struct member *m) { m->extra = m->local_extra = SPAN_OF(zip64_field); m->needed = 45; }
static void unlisted(struct member *m) { m->unlisted = true; }
static void moved(struct member *m) { m->moved = 1; }
static void moved_back(struct member *m) { m->moved = UINT32_MAX; }
static void crc_locally(struct member *m) { m->local_crc ^= 1; }
static void crc_centrally(struct member *m) { m->crc ^= 1; }
static void crc_both(struct member *m) { m->local_crc ^= 1; m->crc ^= 1; }
static void followed(struct member *m) { m->after = SPAN_STR("hidden"); }
static void local_size(struct member *m) { m->local_size++; }
static void local_packed(struct member *m) { m->local_packed--; }
static void size(struct member *m) { m->size++; }
static void packed(struct member *m) { m->packed++; }
static void sizes_up(struct member *m) { m->size = m->packed = m->local_size = m->local_packed = m->size + 1; }
static void sizes_down(struct member *m) { m->size = m->packed = m->local_size = m->local_packed = m->size - 1; }

static void
sizes_huge(struct member *m)
{
	m->size = m->packed = m->local_size = m->local_packed = 0xfffffffe;
}

/* Sizes of zero in the header, the true ones behind the content: where other readers stop. */
static void
described(struct member *m)
{
	m->flags = m->local_flags = 8;
	m->local_crc = m->local_size = m->local_packed = 0;
	m->after = SPAN_OF(descriptor);
}

/* A few bytes that say that they become four gigabytes. */
static void
bomb(struct member *m)
{
	m->method = m->local_method = 8;
	m->content = SPAN_OF(stored_block);
	m->packed = m->local_packed = sizeof(stored_block);
	m->size = m->local_size = 0xfffffffe;
}

static void
bomb_centrally(struct member *m)
{
	m->method = 8;
	m->size = 0xfffffffe;
}

static void
members_that_lie(void **state)
{
	static const struct { const char *what; void (*lie)(struct member *m); } lies[] = {
		{ "a symlink", symlink_ }, { "a folder", folder }, { "a device", device }, { "setuid", setuid_ },
		{ "executable", executable }, { "a folder to DOS", dos_folder }, { "made by DOS", made_by_dos },
		{ "encrypted", encrypted }, { "encrypted in its header", encrypted_locally },
		{ "encrypted in the directory", encrypted_centrally }, { "UTF-8", utf8 },
		{ "strong encryption", strong }, { "deflated", deflated }, { "deflated in its header", deflated_locally },
		{ "deflated in the directory", deflated_centrally }, { "AES", aes }, { "a newer version", newer },
		{ "dated", dated }, { "text", text }, { "on another disk", other_disk }, { "commented", commented },
		{ "named again", named_again }, { "named again in its header", named_again_locally },
		{ "named again in the directory", named_again_centrally }, { "zip64 for nothing", zip64 },
		{ "not in the directory", unlisted }, { "moved", moved }, { "moved back", moved_back },
		{ "CRC in its header", crc_locally }, { "CRC in the directory", crc_centrally }, { "both CRCs", crc_both },
		{ "followed by something", followed }, { "size in its header", local_size },
		{ "packed size in its header", local_packed }, { "size in the directory", size },
		{ "packed size in the directory", packed }, { "larger than it is", sizes_up },
		{ "smaller than it is", sizes_down }, { "four gigabytes", sizes_huge },
		{ "with a data descriptor", described }, { "a bomb", bomb }, { "a bomb in the directory", bomb_centrally },
	};
	const size_t	where[] = { 0, number("/leaves"), number(".seg"), number("summary.html"), number("checkpoint"),
	    r.n - 1 };

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		for (size_t k = 0; k < sizeof(where) / sizeof(where[0]); k++) {
			members();
			lies[i].lie(&member[where[k]]);
			refused_packed(lies[i].what);
		}
}

/* --- names ------------------------------------------------------------------------------------- */

static void
renamed(const char *what, const char *fmt_before, const char *fmt_after, size_t i, int which)
{
	static char	name[512];

	assert_true(strlen(fmt_before) + strlen(r.name[i]) + strlen(fmt_after) < sizeof(name));
	strcpy(name, fmt_before);
	strcat(name, r.name[i]);
	strcat(name, fmt_after);
	members();
	if (which != 1)
		member[i].name = name;
	if (which != 2)
		member[i].local = name;
	refused_packed(what);
}

/* Each member in turn, by both headers or by one. */
static void
names_that_lie(void **state)
{
	static const struct { const char *before, *after; } row[] = {
		{ "../", "" }, { "/", "" }, { "./", "" }, { "a/../", "" }, { "//", "" }, { "C:", "" }, { "..\\", "" },
		{ "", "/" }, { "", "/." }, { "", "/.." }, { "", " " }, { "", "." }, { "", "\x7f" }, { "", "\xc2\xa0" },
		{ "\xe2\x80\xae", "" }, { "", "\n" }, { " ", "" }, { "~/", "" }, { "", "::$DATA" },
	};

	(void)state;
	for (size_t i = 0; i < r.n; i++)
		for (size_t k = 0; k < sizeof(row) / sizeof(row[0]); k++)
			renamed(row[k].before, row[k].before, row[k].after, i, (int)((i + k) % 3));
}

static void
fold(char *name)
{
	for (; *name != '\0'; name++)
		if (*name >= 'a' && *name <= 'z')
			*name = (char)(*name - 'a' + 'A');
}

/* The first letters in capitals; the same beside the one that is right; the very same twice. */
static void
names_that_are_another_to_some(void **state)
{
	static const char	other[] = "other content";
	char			name[ZIP_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < r.n; i++) {
		strcpy(name, r.name[i]);
		fold(name);
		members();
		member[i].name = member[i].local = name;
		refused_packed(name);
		for (int same = 0; same < 3; same++) {
			members();
			member_of(&member[n_members++], same == 0 ? name : r.name[i], SPAN_STR(other));
			if (same == 2)
				member[n_members - 1].unlisted = true;
			refused_packed(name);
		}
	}
}

/* A name in the directory that is a good member's, and another in the header. */
static void
names_exchanged(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < r.n; i++) {
		members();
		member[i].local = r.name[i + 1];
		refused_packed(r.name[i]);
		members();
		member[i].local = member[i].name = r.name[i + 1];
		member[i + 1].local = member[i + 1].name = r.name[i];
		refused_packed(r.name[i]);
	}
}

/* --- the whole ------------------------------------------------------------------------------------ */

/* Another package in front or behind: which of them a reader finds is its own affair. */
static void
two_in_one(void **state)
{
	struct memfile	f = MEMFILE_INIT;

	(void)state;
	buf_span(&f.b, buf_view(&good.b));
	buf_span(&f.b, buf_view(&good.b));
	refused(&f, "twice");
	memfile_done(&f);
	members();
	tail.before = buf_view(&good.b);
	refused_packed("another before it");
	tail.before = SPAN_STR("#!/bin/sh\n");
	refused_packed("a program before it");
	tail.before = SPAN(NULL, 0);
	tail.gap = SPAN_STR("signing block");
	refused_packed("a block before the directory");
	tail.gap = SPAN(NULL, 0);
	tail.comment = buf_view(&good.b);
	tail.comment.n = 60000;
	refused_packed("a comment");
	tail.comment = SPAN(NULL, 0);
	tail.twice = true;
	refused_packed("two ends");
}

static void
ends_that_lie(void **state)
{
	static const struct { const char *what; struct tail tail; } row[] = {
		{ "one more", { .more = 1 } }, { "one less", { .more = UINT32_MAX } }, { "many more", { .more = 30000 } },
		{ "size", { .size = 1 } }, { "less", { .size = UINT32_MAX } }, { "all", { .size = 0x7fffffff } },
		{ "offset", { .at = 1 } }, { "back", { .at = UINT32_MAX } }, { "far", { .at = 0x7fffffff } },
		{ "disk", { .disk = 1 } }, { "zip64", { .disk = 0xffff } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		members();
		tail = row[i].tail;
		refused_packed(row[i].what);
	}
}

/* Each record of the directory points at one large member: a bomb without any packing. */
static void
members_that_overlap(void **state)
{
	size_t		seg = number(".seg");
	uint32_t	first;
	struct memfile	f;

	(void)state;
	members();
	pack(&f);
	memfile_done(&f);
	first = member[seg].at;
	for (size_t i = 0; i < n_members; i++) {
		member[i].moved = first - member[i].at;
		member[i].size = member[i].packed = member[seg].size;
		member[i].crc = member[seg].crc;
	}
	refused_packed("all are one");
	/* As a quoted overlap has it: each member begins where the one before it does, and holds it. */
	members();
	for (size_t i = 1; i < n_members; i++)
		member[i].size = member[i].packed = member[i].local_size = member[i].local_packed = (uint32_t)good.b.n / 2;
	refused_packed("each holds the next");
}

/* A directory of 32,768 records, each of four gigabytes: read once, and not believed. */
static void
many_that_lie(void **state)
{
	struct memfile	f = MEMFILE_INIT;
	struct member	m;
	uint32_t	at, n;
	char		name[16];

	(void)state;
	members();
	member_of(&m, "x", SPAN(NULL, 0));
	sizes_huge(&m);
	write_local(&m, &f.b);
	at = (uint32_t)f.b.n;
	for (n = 0; n < ZIP_ENTRIES_MAX; n++) {
		(void)snprintf(name, sizeof(name), "x%u", n);
		m.name = name;
		write_record(&m, &f.b);
	}
	write_end(n, at, (uint32_t)f.b.n - at, &f.b);
	refused(&f, "many");
	memfile_done(&f);
}

/* --- what others made -------------------------------------------------------------------------------- */

/* The bad examples, and the good ones: those are good ASiC-E, but no packages of ours. */
static void
foreign(void **state)
{
	static const char *const	name[] = { "neg-data-altered", "neg-duplicate-entry", "neg-manifest-altered",
	    "neg-path-traversal", "neg-uncovered-file", "example-evidence-bagit", "example-evidence-bagit-LT" };
	char				path[64];

	(void)state;
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		struct memfile	f = MEMFILE_INIT;

		(void)snprintf(path, sizeof(path), "package/%s.asice", name[i]);
		if (!vectors_read(path, &f.b))
			return;
		refused(&f, name[i]);
		memfile_done(&f);
	}
}

/* --- files where others should be -------------------------------------------------------------------- */

static void
refused_saying(const char *words)
{
	struct memfile		f = MEMFILE_INIT;
	struct package_report	rep;

	repack_write(&r, &f);
	assert_int_equal(package_verify(memfile_read, &f, f.b.n, WORLD_TRUST(w.net.genesis, w.net.now), &rep, NULL), RC_OK);
	assert_int_equal(rep.verdict, PACKAGE_INVALID);
	assert_int_equal(rep.claim[CLAIM_CONTAINER].verdict, CLAIM_NO);
	if (strstr(rep.claim[CLAIM_CONTAINER].words, words) == NULL)
		fail_msg("%s: it says %s", words, rep.claim[CLAIM_CONTAINER].words);
	memfile_done(&f);
}

/* The i-th file under another name. */
static void
placed_as(size_t i, const char *name, const char *words)
{
	package_name	was;

	memcpy(was, r.name[i], sizeof(was));
	(void)snprintf(r.name[i], sizeof(r.name[i]), "%s", name);
	refused_saying(words);
	memcpy(r.name[i], was, sizeof(was));
}

static void
places_that_lie(void **state)
{
	static const char	messages[] = NAME_MESSAGES "00.p7m", other[] = NAME_MESSAGES "32.p7m";
	size_t			at, last = 0;

	(void)state;
	placed_as(repack_starting(&r, NAME_ERASABLE), NAME_ERASABLE "0123", "not a digest");
	for (size_t i = 0; i < r.n; i++)
		if (strncmp(r.name[i], NAME_PROOFS, strlen(NAME_PROOFS)) == 0)
			last = i;
	placed_as(last, NAME_PROOFS "1.tlog-proof", "does not come last");
	at = repack_starting(&r, NAME_KEYS);
	repack_insert(&r, at, messages, SPAN_STR("x"));
	refused_saying("no such custodian");
	repack_drop(&r, at);
	repack_insert(&r, at, other, SPAN_STR("x"));
	refused_saying("no such custodian");
	repack_drop(&r, at);
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(told_the_truth),
		cmocka_unit_test(members_that_lie),
		cmocka_unit_test(names_that_lie),
		cmocka_unit_test(names_that_are_another_to_some),
		cmocka_unit_test(names_exchanged),
		cmocka_unit_test(two_in_one),
		cmocka_unit_test(ends_that_lie),
		cmocka_unit_test(members_that_overlap),
		cmocka_unit_test(many_that_lie),
		cmocka_unit_test(places_that_lie),
		cmocka_unit_test(foreign),
	};

	if (secret_init(NULL) != RC_OK)
		return 1;
	return cmocka_run_group_tests(tests, up, down);
}
