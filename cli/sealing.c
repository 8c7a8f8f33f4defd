/* cli/sealing.c - one artifact, encrypted on this host. */
#include <sodium.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/sealing.h"
#include "edge/edge.h"
#include "edge/file.h"

#define READ_BYTES	(256 << 10)	/* locked, for each thread: the memlock limit is 8 MiB on many hosts */
#define ARENA_BYTES	(64 << 10)
#define RECORD_MAX	(1 << 20)

/* --- what is asked for ------------------------------------------------------------------ */

enum rc
seal_order_part(struct seal_order *o, struct span name, const char *path, struct err *err)
{
	struct seal_part	*p = &o->part[o->n_parts];

	if (o->n_parts == PARTS_MAX)
		return err_set(err, RC_USAGE, "an artifact has at most %d parts", PARTS_MAX);
	if (name.n == 0 || name.n > PART_NAME_MAX)
		return err_set(err, RC_USAGE, "part %.*s: a name has 1 to %d characters", (int)(name.n < 60 ? name.n : 60),
		    (const char *)name.p, PART_NAME_MAX);
	memcpy(p->name, name.p, name.n);
	p->name[name.n] = '\0';
	if (!is_ident(p->name, PART_NAME_MAX))
		return err_set(err, RC_USAGE, "part \"%s\": lower-case letters, digits, . _ -", p->name);
	p->path = path;
	o->n_parts++;
	return RC_OK;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct seal_part *)a)->name, ((const struct seal_part *)b)->name);
}

enum rc
seal_order_check(struct seal_order *o, struct err *err)
{
	size_t	i;

	if (o->n_parts == 0)
		return err_set(err, RC_USAGE, "no part: there is nothing to seal");
	qsort(o->part, o->n_parts, sizeof(o->part[0]), by_name);
	for (i = 1; i < o->n_parts; i++)
		if (strcmp(o->part[i - 1].name, o->part[i].name) == 0)
			return err_set(err, RC_USAGE, "part \"%s\" is given twice", o->part[i].name);
	return RC_OK;
}

/* Refuse before anything is encrypted what would be refused after. */
static enum rc
look_at(const struct seal_order *o, const struct seal_part *p, struct err *err)
{
	struct stat	st;

	if (stat(p->path, &st) != 0)
		return err_set(err, errno == ENOENT ? RC_USAGE : RC_IO, "part %s: %s: %s", p->name, p->path,
		    strerror(errno));
	if (S_ISDIR(st.st_mode))
		return err_set(err, RC_USAGE, "part %s: %s is a folder; seal files", p->name, p->path);
	if (S_ISREG(st.st_mode) && st.st_size == 0)
		return err_set(err, RC_USAGE, "part %s: %s is empty; there is nothing to seal, leave it out", p->name, p->path);
	if (o->files_only && !S_ISREG(st.st_mode))
		return err_set(err, RC_USAGE, "part %s: %s is no regular file", p->name, p->path);
	return RC_OK;
}

/* A record may be empty. */
static enum rc
look_at_record(const struct seal_order *o, struct err *err)
{
	struct stat	st;

	if (stat(o->record, &st) != 0)
		return err_set(err, errno == ENOENT ? RC_USAGE : RC_IO, "record: %s: %s", o->record, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, RC_USAGE, "record: %s is no regular file", o->record);
	return RC_OK;
}

static bool
is_stdin(const struct seal_order *o, const struct seal_part *p)
{
	return !o->files_only && strcmp(p->path, "-") == 0;
}

enum rc
seal_order_look(const struct seal_order *o, struct err *err)
{
	size_t	i, piped = 0;

	for (i = 0; i < o->n_parts; i++) {
		if (!is_stdin(o, &o->part[i]))
			TRY(look_at(o, &o->part[i], err));
		else if (++piped > 1)
			return err_set(err, RC_USAGE, "standard input can be one part only: give files");
	}
	return o->files_only && o->record != NULL ? look_at_record(o, err) : RC_OK;
}

static const char *
class_of(const struct seal_order *o, const struct charter *charter)
{
	if (o->class_id != NULL)
		return o->class_id;
	return charter->n_classes > 0 ? charter->class_[0].id : "";
}

enum rc
seal_order_rules(const struct seal_order *o, const struct charter *charter, struct err *err)
{
	if (charter_policy(charter, o->policy) == NULL)
		return err_set(err, RC_USAGE, "the charter has no policy \"%.40s\"; see `quorate charter show`", o->policy);
	if (charter_class(charter, class_of(o, charter)) == NULL)
		return err_set(err, RC_USAGE, "the charter has no class \"%.40s\"", class_of(o, charter));
	return RC_OK;
}

/* --- what comes of it ----------------------------------------------------------------- */

void
sealed_artifact_done(struct sealed_artifact *a)
{
	buf_done(&a->descriptor);
	spool_done(&a->envelope);
	wipe(a->salt, sizeof(a->salt));
}

void
sealed_artifact_reset(struct sealed_artifact *a)
{
	a->descriptor.rc = RC_OK;
	buf_reset(&a->descriptor);
	spool_reset(&a->envelope);
	wipe(a->salt, sizeof(a->salt));
	a->has_record = false;
	a->size = 0;
	a->n_shares = 0;
}

enum rc
seal_hand_init(struct seal_hand *h, struct err *err)
{
	h->arena = secret_arena_new(ARENA_BYTES);
	h->tmp = secret_new(READ_BYTES);
	if (h->arena != NULL && h->tmp != NULL)
		return RC_OK;
	seal_hand_done(h);
	return err_set(err, RC_NOMEM, "no locked memory; raise the memlock limit (ulimit -l)");
}

void
seal_hand_done(struct seal_hand *h)
{
	secret_arena_free(h->arena);
	secret_free(h->tmp);
	hands_free(h->hands);
	*h = SEAL_HAND_INIT;
}

enum rc
seal_hand_help(struct seal_hand *h, struct err *err)
{
	return hands_new(0, &h->hands, err);
}

/* --- encryption ------------------------------------------------------------------------ */

/* Where orders come from standard input, "-" is a file of that name. */
static const char *
record_of(const struct seal_order *o)
{
	return o->files_only && strcmp(o->record, "-") == 0 ? "./-" : o->record;
}

static enum rc
commit_record(const struct seal_order *o, struct sealed_artifact *a, uint8_t ret[SHA256_BYTES], struct err *err)
{
	AUTO_DONE(buf_done) struct buf record = BUF_INIT(RECORD_MAX);

	randombytes_buf(a->salt, sizeof(a->salt));
	if ((a->has_record = o->record != NULL))
		TRY(file_read_given(record_of(o), &record, err));
	sha256(ret, (struct span[]){ SPAN_OF(a->salt), buf_view(&record) }, 2);
	return RC_OK;
}

static enum rc
read_part(int fd, struct envelope_writer *w, const struct seal_part *p, struct secret *tmp, struct err *err)
{
	size_t	most = 0;
	ssize_t	n = 0;
	enum rc	rc = envelope_part(w, p->name, err);

	while (rc == RC_OK && (n = read(fd, secret_bytes(tmp), READ_BYTES)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n > 0 && (size_t)n > most)
			most = (size_t)n;
		rc = n < 0 ? err_set(err, RC_IO, "part %s: %s: %s", p->name, p->path, strerror(errno)) :
		    envelope_write(w, SPAN(secret_view(tmp), (size_t)n), err);
	}
	wipe(secret_bytes(tmp), most);
	return rc;
}

struct part_file { const struct seal_part *part; int fd; };

/* From several threads at once. */
static enum rc
part_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	const struct part_file	*f = user;
	ssize_t			 done;

	while (n > 0) {
		done = pread(f->fd, out, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_set(err, RC_IO, "part %s: %s: %s", f->part->name, f->part->path,
			    done < 0 ? strerror(errno) : "it became shorter while it was read; seal it again");
		out += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return RC_OK;
}

/* Worth more than one thread, and there as a whole? */
static bool
is_long(const struct seal_hand *h, int fd, uint64_t *ret_length)
{
	struct stat	st;

	if (h->hands == NULL || fd == STDIN_FILENO || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) ||
	    st.st_size <= 1 << SEGMENT_LOG2_DEFAULT)
		return false;
	*ret_length = (uint64_t)st.st_size;
	return true;
}

/* A spool that is a file is written from several threads. */
static enum rc
read_whole(int fd, uint64_t length, const struct seal_hand *h, struct envelope_writer *w, struct spool *spool,
    const struct seal_part *p, struct err *err)
{
	struct part_file	f = { p, fd };

	TRY(spool_to_file(spool, err));
	return envelope_part_from(w, p->name, part_read, &f, length, hands_parallel(h->hands), err);
}

static enum rc
still_a_file(const struct seal_part *p, int fd, struct err *err)
{
	struct stat	st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return RC_OK;
	return err_set(err, RC_USAGE, "part %s: %s is no regular file any more", p->name, p->path);
}

/* Not to block: what was a file when it was looked at may be a pipe by now, or a device that never ends. */
static enum rc
encrypt_part(const struct seal_order *o, const struct seal_part *p, struct envelope_writer *w, struct spool *spool,
    const struct seal_hand *h, struct err *err)
{
	uint64_t length;
	int	fd = is_stdin(o, p) ? STDIN_FILENO : open(p->path, O_RDONLY | O_CLOEXEC | (o->files_only ? O_NONBLOCK : 0));
	enum rc	rc;

	if (fd < 0)
		return err_set(err, RC_IO, "part %s: %s: %s", p->name, p->path, strerror(errno));
	rc = o->files_only ? still_a_file(p, fd, err) : RC_OK;
	if (rc == RC_OK)
		rc = is_long(h, fd, &length) ? read_whole(fd, length, h, w, spool, p, err) : read_part(fd, w, p, h->tmp, err);
	if (fd != STDIN_FILENO)
		(void)close(fd);
	return rc;
}

/* seal_order_rules() was content with it. */
static void
under(const struct charter *charter, const struct seal_order *o, struct sealed_artifact *a, struct envelope_params *p)
{
	const struct policy_rule	*policy = charter_policy(charter, o->policy);

	p->class_id = class_of(o, charter);
	memcpy(p->policy, policy->digest, SHA256_BYTES);
	memcpy(a->policy, policy->digest, SHA256_BYTES);
	memcpy(a->policy_id, policy->id, sizeof(a->policy_id));
	p->sealed_at = clock_now();
	p->time_lock = policy->time_lock_seconds == 0 ? 0 : p->sealed_at + policy->time_lock_seconds;
	p->threshold = charter->k;
	p->shares = a->n_shares = charter->n;
}

static enum rc
encrypt(struct seal_hand *h, const struct envelope_params *p, const struct seal_order *o, struct sealed_artifact *a,
    struct err *err)
{
	AUTO(envelope_writer_free) struct envelope_writer *w = NULL;
	size_t	i;

	TRY(envelope_new(p, h->arena, spool_write, &a->envelope, &w, err));
	for (i = 0; i < o->n_parts; i++)
		TRY(encrypt_part(o, &o->part[i], w, &a->envelope, h, err));
	TRY(envelope_finish(w, &a->descriptor, &a->size, err));
	for (i = 0; i < a->n_shares; i++)
		a->share[i] = envelope_shares(w)[i];
	return RC_OK;
}

enum rc
seal_artifact(struct seal_hand *h, const uint8_t genesis[SHA256_BYTES], const struct charter *charter,
    const struct seal_order *o, struct sealed_artifact *a, struct err *err)
{
	struct envelope_params	p;
	size_t			i;

	secret_arena_reset(h->arena);
	memset(&p, 0, sizeof(p));
	TRY(seal_order_rules(o, charter, err));
	under(charter, o, a, &p);
	TRY(commit_record(o, a, p.record, err));
	artifact_id_make(clock_now(), a->id);
	memcpy(p.genesis, genesis, SHA256_BYTES);
	memcpy(p.id, a->id, sizeof(p.id));
	p.segment_log2 = SEGMENT_LOG2_DEFAULT;
	p.n_parts = o->n_parts;
	for (i = 0; i < o->n_parts; i++)
		p.part[i] = o->part[i].name;
	return encrypt(h, &p, o, a, err);
}
