/* coordinator/release.c - the releases that run, and what who asks is told. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/clock.h"
#include "coordinator/cosigning.h"
#include "coordinator/pb.h"
#include "coordinator/refusals.h"
#include "coordinator/release_job.h"

#define ASK_MS_MAX	60000u	/* longest that one call waits for a release */
#define ASKERS_MAX	8u	/* that wait; the other workers are for those who say no */

PB_AUTO(release_request, ReleaseRequest);
PB_AUTO(download_request, DownloadRequest);

struct releases {
	struct coordinator	*c;
	pthread_mutex_t		 lock;
	pthread_cond_t		 over;		/* some job is */
	bool			 stopping;
	unsigned		 askers;	/* calls that wait */
	struct release_job	 job[RELEASES_MAX];
	struct refusals		 refusals;
	struct standby		*standby;
};

enum rc
releases_new(struct coordinator *c, struct releases **ret, struct err *err)
{
	struct releases	*r = calloc(1, sizeof(*r));
	size_t		 i;
	enum rc		 rc;

	if (r == NULL || pthread_mutex_init(&r->lock, NULL) != 0 || !cond_init(&r->over)) {
		free(r);
		return err_set(err, RC_NOMEM, "releases: no memory");
	}
	if ((rc = standby_new(c->genesis, &r->standby, err)) != RC_OK) {
		free(r);
		return rc;
	}
	r->c = c;
	for (i = 0; i < RELEASES_MAX; i++) {
		r->job[i].c = c;
		r->job[i].standby = r->standby;
		hired_init(&r->job[i].worker);
	}
	*ret = r;
	return RC_OK;
}

void
releases_stop(struct releases *r)
{
	size_t	i;

	(void)pthread_mutex_lock(&r->lock);
	r->stopping = true;
	(void)pthread_cond_broadcast(&r->over);
	for (i = 0; i < RELEASES_MAX; i++)
		if (r->job[i].used)
			hired_kill(&r->job[i].worker);
	(void)pthread_mutex_unlock(&r->lock);
}

void
releases_free(struct releases *r)
{
	size_t	i;

	if (r == NULL)
		return;
	releases_stop(r);
	for (i = 0; i < RELEASES_MAX; i++)
		if (r->job[i].used && !r->job[i].joined)
			(void)pthread_join(r->job[i].thread, NULL);
	standby_free(r->standby);
	gathering_wait_all();
	(void)pthread_cond_destroy(&r->over);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

/* ---- a job -------------------------------------------------------------------------------- */

static void *
job_thread(void *arg)
{
	struct release_job	*j = arg;
	struct releases		*r = j->c->releases;
	struct err		 err = { RC_OK, "" };
	char			 hex[HEX_BYTES(SHA256_BYTES)];
	enum rc			 rc = release_run(j, &err);

	hired_done(&j->worker);
	(void)hex_write(SPAN_OF(j->request), hex);
	if (rc == RC_OK)
		log_line("request %.16s: its package is ready, %llu bytes", hex,
		    (unsigned long long)j->row.size);
	else
		log_err(&err, "request %.16s: not released", hex);
	(void)pthread_mutex_lock(&r->lock);
	j->rc = rc;
	j->err = err;
	if (rc == RC_OK)
		refusals_forget(&r->refusals, j->request);
	else if (j->ordered)
		refusals_put(&r->refusals, j->request, &err, j->why, clock_ms());
	j->running = false;
	(void)pthread_cond_broadcast(&r->over);
	(void)pthread_mutex_unlock(&r->lock);
	standby_fill(r->standby);
	return NULL;
}

/* With the lock held. */
static void
job_reset(struct release_job *j, const uint8_t request[SHA256_BYTES], bool archive)
{
	memcpy(j->request, request, SHA256_BYTES);
	j->used = j->running = true;
	j->joined = false;
	j->rc = RC_UNSURE;
	j->why[0] = '\0';
	j->have = j->need = j->refused = 0;
	j->ordered = false;
	j->not_before = 0;
	j->archive = archive;
	j->unstamped[0] = '\0';
	memset(&j->row, 0, sizeof(j->row));
}

/* With the lock held: the one of this request that runs, or a new one. */
static enum rc
find_or_start(struct releases *r, const uint8_t request[SHA256_BYTES], bool archive,
    const struct refusal *last, struct release_job **ret, struct err *err)
{
	struct release_job	*free_one = NULL, *j;

	if (r->stopping)
		return err_set(err, RC_UNSURE, "the coordinator is stopping");
	for (j = r->job; j < r->job + RELEASES_MAX; j++) {
		if (j->used && j->running && memcmp(j->request, request, SHA256_BYTES) == 0) {
			*ret = j;
			return RC_OK;
		}
		if (!j->used || !j->running)
			free_one = j;
	}
	if (free_one == NULL)
		return err_set(err, RC_LIMIT, "%d releases run already: ask again", RELEASES_MAX);
	if (free_one->used && !free_one->joined) {
		(void)pthread_join(free_one->thread, NULL);	/* it is over */
		free_one->joined = true;
	}
	job_reset(free_one, request, archive);
	if (last != NULL)
		free_one->not_before = last->until;
	if (pthread_create(&free_one->thread, NULL, job_thread, free_one) != 0) {
		free_one->used = free_one->running = false;
		return err_set(err, RC_IO, "cannot start a release's thread");
	}
	*ret = free_one;
	return RC_OK;
}

/* ---- the answers ----------------------------------------------------------------------------- */

struct outcome {			/* a copy: the job's place may be taken again */
	bool		 running;	/* it is not over: asked again, it waits again */
	enum rc			rc;
	struct err		err;
	char			why[32];
	uint32_t		have, need, refused;
	struct package_row	row;
	char			unstamped[160];
};

/* The same answer as just before, and when another would be sought. */
static void
repeat(const struct refusal *last, struct outcome *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->rc = err_set(&ret->err, RC_DENIED, "%.140s (no new order for %llu s)", last->err.msg,
	    (unsigned long long)(last->until - clock_ms() + 999) / 1000);
	memcpy(ret->why, last->why, sizeof(ret->why));
}

static enum rc
wait_for(struct releases *r, const uint8_t request[SHA256_BYTES], bool archive, unsigned ms,
    struct outcome *ret, struct err *err)
{
	uint64_t		 until = clock_ms() + ms;
	struct release_job	*j = NULL;
	const struct refusal	*last;
	bool			 waits;
	enum rc			 rc;

	(void)pthread_mutex_lock(&r->lock);
	last = refusals_find(&r->refusals, request, clock_ms());
	if (last != NULL && last->err.rc == RC_DENIED) {
		repeat(last, ret);
		(void)pthread_mutex_unlock(&r->lock);
		return RC_OK;
	}
	rc = find_or_start(r, request, archive, last, &j, err);
	waits = ++r->askers <= ASKERS_MAX;
	while (rc == RC_OK && j->running && !r->stopping && waits)
		if (!cond_wait_until(&r->over, &r->lock, until))
			break;
	r->askers--;
	if (rc == RC_OK && memcmp(j->request, request, SHA256_BYTES) != 0)
		rc = err_set(err, RC_UNSURE, "ask again");	/* over, and its place taken */
	memset(ret, 0, sizeof(*ret));
	/* While it runs, all but `running` is its thread's own. */
	if (rc == RC_OK && j->running) {
		ret->rc = err_set(&ret->err, RC_UNSURE, "the release goes on: ask again");
		ret->running = true;
	} else if (rc == RC_OK) {
		*ret = (struct outcome){ .rc = j->rc, .err = j->err, .have = j->have,
		    .need = j->need, .refused = j->refused, .row = j->row };
		memcpy(ret->why, j->why, sizeof(ret->why));
		memcpy(ret->unstamped, j->unstamped, sizeof(ret->unstamped));
	}
	(void)pthread_mutex_unlock(&r->lock);
	return rc;
}

static size_t
list_mask(uint32_t mask, uint32_t list[CUSTODIANS_MAX])
{
	size_t		n = 0;
	uint32_t	i;

	for (i = 0; i < CUSTODIANS_MAX; i++)
		if ((mask >> i & 1) != 0)
			list[n++] = i + 1;
	return n;
}

static enum rc
answer(struct rpc_call *call, struct outcome *o, struct buf *reply, struct err *err)
{
	Quorate__V1__ReleaseReply	m = QUORATE__V1__RELEASE_REPLY__INIT;
	uint32_t	good[CUSTODIANS_MAX], bad[CUSTODIANS_MAX], refusers[CUSTODIANS_MAX];

	m.have = o->have;
	m.need = o->need;
	m.n_refusers = list_mask(o->refused, refusers);
	m.refusers = refusers;
	switch (o->rc) {
	case RC_OK:
		m.released = true;
		m.order = pb_bytes(SPAN_OF(o->row.order));
		m.order_index = o->row.order_index;
		m.release_index = o->row.release_index;
		m.package = pb_bytes(SPAN_OF(o->row.sha256));
		m.package_size = o->row.size;
		m.n_contributors = list_mask(o->row.good, good);
		m.contributors = good;
		m.n_liars = list_mask(o->row.bad, bad);
		m.liars = bad;
		m.stamps = o->row.stamps;
		m.unstamped = o->unstamped;
		break;
	case RC_DENIED:
		m.why = o->why;
		m.words = o->err.msg;
		break;
	case RC_UNSURE:
	case RC_QUORUM:
		m.why = pb_text(o->running ? "running" : "unavailable");
		m.words = o->err.msg;
		break;
	case RC_MISSING:
		rpc_say(call, "no such request in the log");
		return err_set(err, RC_MISSING, "%s", o->err.msg);
	case RC_FORMAT:
	case RC_VERIFY:
	case RC_LIMIT:
	case RC_NOMEM:
	case RC_IO:
	case RC_USAGE:
	case RC_BUG:
		rpc_say(call, "the release failed inside the coordinator: see its log");
		return err_set(err, o->rc, "%s", o->err.msg);
	}
	return pb_pack(&m.base, reply, err);
}

static unsigned
patience(const struct rpc_call *call)
{
	unsigned	left = rpc_ms_left(call);

	left = left > WAIT_MS_SPARE ? left - WAIT_MS_SPARE : 0;
	return left > ASK_MS_MAX ? ASK_MS_MAX : left;
}

enum rc
on_release(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator	*c = user;
	struct outcome		 o;
	uint8_t			 id[SHA256_BYTES];
	enum rc			 rc;

	PB_UNPACK(release_request, ReleaseRequest, q, request);
	TRY(pb_fixed(&q->request, "request", id, sizeof(id), err));
	rc = wait_for(c->releases, id, q->archive != 0, patience(call), &o, err);
	if (rc == RC_LIMIT)
		rpc_say(call, "%d releases run already: ask again", RELEASES_MAX);
	TRY(rc);
	return answer(call, &o, reply, err);
}

/* ---- the package ---------------------------------------------------------------------------------- */

static enum rc
read_piece(int fd, uint64_t offset, uint32_t max, struct buf *out, uint64_t *ret_size,
    struct err *err)
{
	size_t	want = max == 0 || max > DATA_BYTES_MAX ? DATA_BYTES_MAX : max;
	off_t	size = lseek(fd, 0, SEEK_END);
	uint8_t	*p;
	ssize_t	n;

	if (size < 0)
		return err_set(err, RC_IO, "package: %s", strerror(errno));
	*ret_size = (uint64_t)size;
	if (offset >= *ret_size)
		return RC_OK;
	if (want > *ret_size - offset)
		want = (size_t)(*ret_size - offset);
	p = buf_extend(out, want);
	TRY(buf_check(out, "package", err));
	n = pread(fd, p, want, (off_t)offset);
	if (n < 0 || (size_t)n != want)
		return err_set(err, RC_IO, "package: cannot be read");
	return RC_OK;
}

enum rc
on_download(void *user, struct rpc_call *call, struct span request, struct buf *reply,
    struct err *err)
{
	struct coordinator		*c = user;
	AUTO_DONE(buf_done) struct buf	 data = BUF_INIT(DATA_BYTES_MAX);
	Quorate__V1__DownloadReply	 m = QUORATE__V1__DOWNLOAD_REPLY__INIT;
	uint8_t				 sha256[SHA256_BYTES];
	char				 path[FILE_PATH_MAX];
	int				 fd;
	enum rc				 rc;

	PB_UNPACK(download_request, DownloadRequest, q, request);
	TRY(pb_fixed(&q->package, "package", sha256, sizeof(sha256), err));
	TRY(package_path(c, sha256, path, err));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		rpc_say(call, "no such package");
		return err_set(err, RC_MISSING, "no such package");
	}
	rc = read_piece(fd, q->offset, q->max, &data, &m.size, err);
	(void)close(fd);	/* it was only read */
	TRY(rc);
	m.data = pb_bytes(buf_view(&data));
	return pb_pack(&m.base, reply, err);
}
