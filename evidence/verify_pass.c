/* The one reading of a whole package: docs/adr/0022-one-reading.md. */
#include "evidence/verify_pass.h"

#include <openssl/evp.h>

#include <stdlib.h>
#include <string.h>

#include "evidence/crc32.h"

DEFINE_AUTO(EVP_MD_CTX_free, EVP_MD_CTX);

#define WINDOW		((size_t)2 << 20)
#define PIECES		1024		/* of a window */
#define LEAVES		(PIECES + WINDOW / SEGMENT_SEALED_CHUNK_MAX)	/* each piece may end in a short one */
#define LEAVES_A_JOB	4

/* Of one file, in one window. */
struct piece {
	uint32_t	 file;
	struct zip_entry entry;
	const uint8_t	*p;
	size_t		 n;
	uint64_t	 at;			/* in the file */
	bool		 ends;			/* the file */
	bool		 damaged;		/* its CRC is another */
	bool		 ciphertext;		/* and then: */
	uint32_t	 part, segment;
	uint64_t	 length, chunk;		/* plaintext bytes of the segment; the first leaf here */
	size_t		 leaf, leaves;		/* their hashes: into the window's */
};

enum work { READ, HASH, CRC, LEAF };
struct job {
	enum work	work;
	uint32_t	piece;
	size_t		from, n;	/* leaves of it */
	enum rc		rc;
	bool		bad;		/* a leaf is; `from` is which */
};

struct window {
	uint8_t		*bytes;
	size_t		 used;
	uint32_t	 n_pieces;
	struct piece	*piece;
	size_t		 n_leaves;
	uint8_t		(*leaf)[TREE_HASH_BYTES];	/* that must be */
};

/* A file that goes on in the next window. */
struct going { EVP_MD_CTX *hash; uint32_t crc; };

struct pass {
	struct package_view	*v;
	struct window		 window[2], *now, *next;
	struct going		 in, out;
	/* Where the reader is. */
	uint32_t		 file, part;
	uint64_t		 at;
	struct err		 err;
	size_t			 n_jobs;
	struct job		*job;
};
#define JOBS	(1 + 2 * PIECES + LEAVES)

/* --- reading: one window ahead ------------------------------------------------------------ */

static struct leaf_place
place(const struct piece *p, uint64_t chunk)
{
	struct part	alone = { .length = p->length, .segment_log2 = SEGMENT_LOG2_MAX };

	return part_leaf(&alone, chunk);
}

/* Is this file a segment, and which? Files and scope parts have the same order. */
static void
know_segment(struct pass *s, struct piece *p)
{
	const struct package_view	*v = s->v;
	const struct scope_part		*part;

	for (; s->part < v->scope.n_parts; s->part++) {
		part = &v->scope.part[s->part];
		if (p->file < v->segment[s->part])
			return;
		if (p->file - v->segment[s->part] > part->last - part->first)
			continue;
		p->ciphertext = true;
		p->part = s->part;
		p->segment = part->first + (p->file - v->segment[s->part]);
		p->length = part_segment_length(view_part(v, p->part), p->segment);
		return;
	}
}

/* As many whole leaves as there is room for, and the hashes that they must have. */
static enum rc
take_leaves(struct pass *s, struct window *w, struct piece *p, size_t room, struct err *err)
{
	const struct part	*part = view_part(s->v, p->part);
	uint64_t		 chunks = segment_chunks(p->length);
	struct zip_entry	 leaves;

	p->chunk = p->at == 0 ? 0 : (p->at - SEGMENT_COMMITMENT_BYTES) / SEGMENT_SEALED_CHUNK_MAX;
	p->leaf = w->n_leaves;
	for (p->n = 0; p->chunk + p->leaves < chunks; p->leaves++) {
		size_t	n = place(p, p->chunk + p->leaves).n;

		if (n > room - p->n)
			break;
		p->n += n;
	}
	w->n_leaves += p->leaves;
	zip_at(s->v->zip, s->v->leaves[p->part], &leaves);
	return zip_read(s->v->zip, &leaves, (part_segment_leaf(part, p->segment) + p->chunk) * TREE_HASH_BYTES,
	    w->leaf[p->leaf], p->leaves * TREE_HASH_BYTES, err);
}

/* The next piece of the file at hand. *ret_full: nothing of it fits any more. */
static enum rc
take_piece(struct pass *s, struct window *w, bool *ret_full, struct err *err)
{
	struct piece	*p = &w->piece[w->n_pieces];
	size_t		 room = WINDOW - w->used;

	*p = (struct piece){ .file = s->file, .at = s->at, .p = w->bytes + w->used };
	zip_at(s->v->zip, s->file, &p->entry);
	know_segment(s, p);
	if (p->ciphertext)
		TRY(take_leaves(s, w, p, room, err));
	else
		p->n = p->entry.size - p->at < room ? (size_t)(p->entry.size - p->at) : room;
	*ret_full = p->n == 0 && p->entry.size > 0;
	if (*ret_full)
		return RC_OK;
	TRY(zip_read(s->v->zip, &p->entry, p->at, w->bytes + w->used, p->n, err));
	p->ends = p->at + p->n == p->entry.size;
	w->used += p->n;
	w->n_pieces++;
	s->at = p->ends ? 0 : p->at + p->n;
	s->file += p->ends;
	return RC_OK;
}

static enum rc
fill(struct pass *s, struct err *err)
{
	struct window	*w = s->next;
	bool		 full = false;

	w->used = 0;
	w->n_pieces = 0;
	w->n_leaves = 0;
	while (!full && w->n_pieces < PIECES && s->file < zip_count(s->v->zip))
		TRY(take_piece(s, w, &full, err));
	return RC_OK;
}

/* --- one window ----------------------------------------------------------------------------- */

static enum rc
hash_piece(struct pass *s, const struct piece *p)
{
	AUTO(EVP_MD_CTX_free) EVP_MD_CTX *hash = p->at > 0 ? TAKE(s->in.hash) : EVP_MD_CTX_new();

	if (hash == NULL || (p->at == 0 && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1))
		return RC_NOMEM;
	if (EVP_DigestUpdate(hash, p->p, p->n) != 1)
		return RC_BUG;
	if (!p->ends)
		s->out.hash = TAKE(hash);
	else if (EVP_DigestFinal_ex(hash, s->v->files.file[p->file].digest, NULL) != 1)
		return RC_BUG;
	return RC_OK;
}

static void
crc_piece(struct pass *s, struct piece *p)
{
	uint32_t	crc = crc32_more(p->at > 0 ? s->in.crc : 0, SPAN(p->p, p->n));

	if (!p->ends)
		s->out.crc = crc;
	p->damaged = p->ends && crc != p->entry.crc;
}

static void
check_leaves(const struct window *w, const struct piece *p, struct job *j)
{
	uint64_t	base = p->at;
	uint8_t		hash[TREE_HASH_BYTES];

	for (size_t end = j->from + j->n; j->from < end; j->from++) {
		struct leaf_place	at = place(p, p->chunk + j->from);

		tree_leaf(SPAN(p->p + (at.offset - base), at.n), hash);
		j->bad = memcmp(hash, w->leaf[p->leaf + j->from], TREE_HASH_BYTES) != 0;	/* public */
		if (j->bad)
			return;
	}
}

static void
run_job(void *pass, size_t i)
{
	struct pass	*s = pass;
	struct job	*j = &s->job[i];
	struct piece	*p = &s->now->piece[j->piece];

	switch (j->work) {
	case READ:
		j->rc = fill(s, &s->err);
		return;
	case HASH:
		j->rc = hash_piece(s, p);
		return;
	case CRC:
		crc_piece(s, p);
		return;
	case LEAF:
		check_leaves(s->now, p, j);
		return;
	}
}

static void
add_job(struct pass *s, enum work work, uint32_t piece, size_t from, size_t n)
{
	s->job[s->n_jobs++] = (struct job){ .work = work, .piece = piece, .from = from, .n = n };
}

/* What takes longest comes first, and what can be split up last: then nobody waits for long. */
static void
plan(struct pass *s)
{
	const struct window	*w = s->now;

	s->n_jobs = 0;
	add_job(s, READ, 0, 0, 0);
	for (uint32_t i = 0; i < w->n_pieces; i++)
		add_job(s, HASH, i, 0, 0);
	for (uint32_t i = 0; i < w->n_pieces; i++)
		add_job(s, CRC, i, 0, 0);
	for (uint32_t i = 0; i < w->n_pieces; i++)
		for (size_t at = 0; at < w->piece[i].leaves; at += LEAVES_A_JOB)
			add_job(s, LEAF, i, at, w->piece[i].leaves - at < LEAVES_A_JOB ? w->piece[i].leaves - at :
			    LEAVES_A_JOB);
}

/* What a window came to, in the order of the file, however the jobs ran. */
static enum rc
look_at_jobs(const struct pass *s, struct pass_leaf *bad, struct err *err)
{
	for (uint32_t i = 0; i < s->now->n_pieces; i++)
		if (s->now->piece[i].damaged)
			return err_set(err, RC_FORMAT, "package: %s is damaged: its CRC is another",
			    s->now->piece[i].entry.name);
	for (size_t i = 0; i < s->n_jobs; i++) {
		const struct job	*j = &s->job[i];
		const struct piece	*p = &s->now->piece[j->piece];

		if (j->rc != RC_OK)
			return j->work == READ ? err_set(err, j->rc, "%s", s->err.msg) :
			    err_set(err, j->rc, "package: SHA-256 failed, or no memory to hash");
		if (j->bad && !bad->found)
			*bad = (struct pass_leaf){ true, p->part, p->segment, p->chunk + j->from };
	}
	return RC_OK;
}

/* --- all of them ------------------------------------------------------------------------------ */

static void
pass_done(struct pass *s)
{
	for (size_t i = 0; i < 2; i++) {
		free(s->window[i].bytes);
		free(s->window[i].piece);
		free(s->window[i].leaf);
	}
	free(s->job);
	EVP_MD_CTX_free(s->in.hash);
	EVP_MD_CTX_free(s->out.hash);
}

static enum rc
pass_init(struct pass *s, struct err *err)
{
	struct zip_entry	e;
	const uint8_t		none[SHA256_BYTES] = { 0 };
	bool			all = true;

	for (size_t i = 0; i < 2; i++) {
		s->window[i].bytes = malloc(WINDOW);
		s->window[i].piece = calloc(PIECES, sizeof(struct piece));
		s->window[i].leaf = calloc(LEAVES, TREE_HASH_BYTES);
		all = all && s->window[i].bytes != NULL && s->window[i].piece != NULL && s->window[i].leaf != NULL;
	}
	s->job = calloc(JOBS, sizeof(*s->job));
	if (!all || s->job == NULL)
		return err_set(err, RC_NOMEM, "package: no memory to hash");
	/* Before any job: the list of files does not move while they run. */
	for (uint32_t i = 0; i < zip_count(s->v->zip); i++) {
		zip_at(s->v->zip, i, &e);
		TRY(package_files_add(&s->v->files, e.name, e.size, none, err));
	}
	s->next = &s->window[0];
	return RC_OK;
}

static void
run_all(const struct parallel *parallel, struct pass *s)
{
	if (parallel != NULL) {
		parallel->run(parallel->user, s->n_jobs, run_job, s);
		return;
	}
	for (size_t i = 0; i < s->n_jobs; i++)
		run_job(s, i);
}

static void
turn(struct pass *s)
{
	s->now = s->next;
	s->next = s->now == &s->window[0] ? &s->window[1] : &s->window[0];
	s->in = s->out;
	s->out = (struct going){ NULL, 0 };
}

enum rc
pass_run(struct package_view *v, const struct parallel *parallel, struct pass_leaf *ret, struct err *err)
{
	AUTO_DONE(pass_done) struct pass	s = { .v = v };

	*ret = (struct pass_leaf){ .found = false };
	TRY(pass_init(&s, err));
	TRY(fill(&s, err));
	while (s.next->n_pieces > 0) {
		turn(&s);
		plan(&s);
		run_all(parallel, &s);
		TRY(look_at_jobs(&s, ret, err));
	}
	return RC_OK;
}
