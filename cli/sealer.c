/* cli/sealer.c - a sealer that stays: what it reads, and how it begins and ends. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "cli/sealer_impl.h"

#define READ_BYTES	((size_t)256 << 10)

struct signals { int fd; sigset_t before; };

struct input {
	uint8_t		*p;			/* room for a line and as much again */
	size_t		 n, at;			/* bytes there; those before `at` have been read */
	uint64_t	 number;		/* of lines so far */
	bool		 ended, skipping;	/* the rest of a line that is too long */
	struct signals	*signals;
	bool		 stopped;
};

/* --- lines ------------------------------------------------------------------------------- */

/* The next whole line, or the last one without its end. False: more has to be read for it. */
static bool
next_line(struct input *in, struct span *ret)
{
	uint8_t	*begin = in->p + in->at, *end;
	size_t	 left = in->n - in->at;

	if ((end = left == 0 ? NULL : memchr(begin, '\n', left)) != NULL)
		in->at += (size_t)(end - begin) + 1;
	else if (in->ended && (left > 0 || in->skipping)) {
		end = begin + left;
		in->at = in->n;
	} else
		return false;
	*ret = SPAN(begin, (size_t)(end - begin));
	return true;
}

/* Drops what was read, and makes room. A line that does not fit is left out but for its end. */
static void
make_room(struct input *in)
{
	memmove(in->p, in->p + in->at, in->n - in->at);
	in->n -= in->at;
	in->at = 0;
	if (in->n > SEAL_LINE_MAX) {
		in->n = 0;
		in->skipping = true;
	}
}

static bool
is_blank(struct span line)
{
	while (line.n > 0 && (line.p[line.n - 1] == ' ' || line.p[line.n - 1] == '\t' || line.p[line.n - 1] == '\r'))
		line.n--;
	return line.n == 0;
}

/* Fills in an order; false: there is nothing to do, or it was answered. */
static bool
read_order(struct resident *s, struct input *in, struct span text, struct seal_line *ret)
{
	struct err	err;
	enum rc		rc;

	in->number++;
	*ret = SEAL_LINE_INIT;
	if (in->skipping) {
		in->skipping = false;
		rc = err_set(&err, RC_LIMIT, "a line has at most %zu bytes", SEAL_LINE_MAX);
	} else if (is_blank(text))
		return false;
	else
		rc = seal_line_read(text, s->o->policy, s->o->class_id, ret, &err);
	if (rc == RC_OK && in->stopped)
		rc = err_set(&err, RC_DENIED, "not sealed: the sealer was told to stop before its turn came");
	if (rc == RC_OK)
		return true;
	sealer_answer_error(s, in->number, ret->ref, NULL, &err);
	seal_line_done(ret);
	return false;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void
set_quiet(struct resident *s, bool quiet)
{
	(void)pthread_mutex_lock(&s->lock);
	if (quiet && !s->quiet)
		(void)pthread_cond_broadcast(&s->close);
	s->quiet = quiet;
	(void)pthread_mutex_unlock(&s->lock);
}

/* From here on they are as they were, so that a second one ends us. */
static void
stop(struct input *in)
{
	struct signalfd_siginfo	info;

	if (read(in->signals->fd, &info, sizeof(info)) > 0)
		in->stopped = true;
	(void)pthread_sigmask(SIG_SETMASK, &in->signals->before, NULL);
}

/* Until standard input has something (if we want it), somebody wakes us, or we should stop. */
static bool
wait_for(struct resident *s, struct input *in, bool reads, int ms)
{
	struct pollfd	p[3] = { { in->signals->fd, POLLIN, 0 }, { s->wake, POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };
	eventfd_t	n;

	if (poll(p, reads ? 3 : 2, ms) <= 0)
		return false;
	if (p[0].revents != 0)
		stop(in);
	if (p[1].revents != 0)
		(void)eventfd_read(s->wake, &n);
	return reads && p[2].revents != 0;
}

static bool
is_dead(struct resident *s)
{
	bool	dead;

	(void)pthread_mutex_lock(&s->lock);
	dead = s->dead;
	(void)pthread_mutex_unlock(&s->lock);
	return dead;
}

/* An order's place; NULL: we should stop before there is one. */
static struct job *
take_unused(struct resident *s, struct input *in)
{
	struct job	*j;

	for (;;) {
		(void)pthread_mutex_lock(&s->lock);
		j = jobs_pop(&s->unused);
		(void)pthread_mutex_unlock(&s->lock);
		if (j != NULL || in->stopped || is_dead(s))
			return j;
		(void)wait_for(s, in, false, -1);
	}
}

static void
put_waiting(struct resident *s, struct job *j)
{
	(void)pthread_mutex_lock(&s->lock);
	jobs_push(&s->waiting, j);
	(void)pthread_cond_signal(&s->work);
	(void)pthread_mutex_unlock(&s->lock);
}

/* All that is here already. */
static void
take_lines(struct resident *s, struct input *in)
{
	struct seal_line	 line;
	struct span		 text;
	struct job		*j;

	while (next_line(in, &text)) {
		if (!read_order(s, in, text, &line))
			continue;
		if ((j = take_unused(s, in)) == NULL) {	/* to be answered as what comes too late */
			seal_line_done(&line);
			in->number--;
			if (!in->stopped)
				return;
			(void)read_order(s, in, text, &line);
			continue;
		}
		j->number = in->number;
		j->line = line;
		put_waiting(s, j);
	}
}

/* --- the reader --------------------------------------------------------------------------------- */

static enum rc
read_more(struct input *in, struct err *err)
{
	ssize_t	n;

	make_room(in);
	n = read(STDIN_FILENO, in->p + in->n, READ_BYTES);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return RC_OK;
	if (n < 0)
		return err_set(err, RC_IO, "cannot read standard input: %s", strerror(errno));
	in->ended = n == 0;
	in->n += (size_t)n;
	return RC_OK;
}

/* What stands behind the end of a line that is too long is a line again. */
static enum rc
read_lines(struct resident *s, struct input *in, struct err *err)
{
	while (!in->stopped && !in->ended && !is_dead(s)) {
		if (!wait_for(s, in, true, 0) && !in->stopped) {
			set_quiet(s, true);
			if (!wait_for(s, in, true, -1))
				continue;
		}
		if (in->stopped)
			break;
		set_quiet(s, false);	/* somebody may have woken us before there was something */
		TRY(read_more(in, err));
		take_lines(s, in);
	}
	if (in->stopped)
		take_lines(s, in);
	return RC_OK;
}

static void
no_more(struct resident *s)
{
	(void)pthread_mutex_lock(&s->lock);
	if (!s->over)
		s->over_ms = clock_ms();
	s->over = s->quiet = true;
	(void)pthread_cond_broadcast(&s->work);
	(void)pthread_cond_broadcast(&s->close);
	(void)pthread_mutex_unlock(&s->lock);
}

static bool
is_done(struct resident *s)
{
	bool	done;

	(void)pthread_mutex_lock(&s->lock);
	done = s->unused.n == s->n_jobs;
	(void)pthread_mutex_unlock(&s->lock);
	return done;
}

/* What a signal asks for is being done already; it is heard all the same, so that a second one ends us. */
static void
wait_done(struct resident *s, struct input *in)
{
	while (!in->stopped && !is_done(s))
		(void)wait_for(s, in, false, -1);
}

static enum rc
read_all(struct resident *s, struct signals *signals, struct err *err)
{
	struct input	in = { .p = malloc(SEAL_LINE_MAX + READ_BYTES + 1), .signals = signals };
	enum rc		rc;

	if (in.p == NULL)
		return err_set(err, RC_NOMEM, "no memory");
	rc = read_lines(s, &in, err);
	no_more(s);
	wait_done(s, &in);
	free(in.p);
	return rc;
}

/* --- beginning and end ----------------------------------------------------------------------------- */

static enum rc
sign_alone(void *user, struct span message, uint8_t ret_sig[KEY_SIG_BYTES], struct err *err)
{
	struct resident	*s = user;
	enum rc		 rc;

	(void)pthread_mutex_lock(&s->signing);
	rc = s->o->signer->sign(s->o->signer->user, message, ret_sig, err);
	(void)pthread_mutex_unlock(&s->signing);
	return rc;
}

static enum rc
make_places(struct resident *s, struct err *err)
{
	size_t	bytes = (size_t)s->charter->n * SHAMIR_SCALAR_BYTES;
	size_t	i;

	s->n_jobs = (size_t)SEALER_BATCHES * s->o->batch_max;
	if ((s->job = calloc(s->n_jobs, sizeof(*s->job))) == NULL)
		return err_set(err, RC_NOMEM, "no memory for %zu orders: give a smaller --batch-max", s->n_jobs);
	if ((s->shares = secret_arena_new(s->n_jobs * bytes)) == NULL)
		return err_set(err, RC_NOMEM, "no locked memory for the shares of %zu artifacts: raise the memlock limit (ulimit -l), "
		    "or give a smaller --batch-max", s->n_jobs);
	for (i = 0; i < s->n_jobs; i++) {
		s->job[i].artifact = SEALED_ARTIFACT_INIT;
		s->job[i].share = secret_arena_take(s->shares, bytes);
		jobs_push(&s->unused, &s->job[i]);
	}
	return RC_OK;
}

static enum rc
open_remotes(struct resident *s, struct err *err)
{
	size_t	i;

	for (i = 0; i < SEALER_FLIGHTS; i++)
		TRY(remote_open(&s->remote[i], err));
	s->genesis = s->remote[0]->first->digest;
	s->charter = s->remote[0]->charter;
	s->n_charters = s->remote[0]->lineage.n;
	return RC_OK;
}

static enum rc
sealer_start(struct resident *s, struct err *err)
{
	pthread_condattr_t	monotonic;

	s->signer = (struct signer){ s->o->signer->key, sign_alone, s };
	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_mutex_init(&s->answering, NULL);
	(void)pthread_mutex_init(&s->signing, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->work, NULL);
	(void)pthread_cond_init(&s->close, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	if ((s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
		return err_set(err, RC_IO, "no event descriptor: %s", strerror(errno));
	if (s->o->receipts != NULL)
		TRY(file_mkdir(s->o->receipts, err));
	TRY(open_remotes(s, err));
	return make_places(s, err);
}

static void
sealer_end(struct resident *s)
{
	size_t	i;

	for (i = 0; i < s->n_jobs && s->job != NULL; i++) {
		seal_line_done(&s->job[i].line);
		sealed_artifact_done(&s->job[i].artifact);
	}
	free(s->job);
	secret_arena_free(s->shares);
	for (i = 0; i < SEALER_FLIGHTS; i++)
		remote_free(s->remote[i]);
	if (s->wake >= 0)
		(void)close(s->wake);
	(void)pthread_cond_destroy(&s->work);
	(void)pthread_cond_destroy(&s->close);
	(void)pthread_mutex_destroy(&s->lock);
	(void)pthread_mutex_destroy(&s->answering);
	(void)pthread_mutex_destroy(&s->signing);
}

/* One of each kind is needed; more are welcome. */
static enum rc
run_threads(struct resident *s, struct signals *signals, struct err *err)
{
	pthread_t	encryptor[SEALER_ENCRYPTORS];
	struct flight	flight[SEALER_FLIGHTS];
	unsigned	want = processors(SEALER_ENCRYPTORS), encryptors = 0, flights = 0, i;
	enum rc		rc;

	while (encryptors < want && pthread_create(&encryptor[encryptors], NULL, sealer_encryptor, s) == 0)
		encryptors++;
	for (; flights < SEALER_FLIGHTS; flights++) {
		flight[flights] = (struct flight){ .s = s, .r = s->remote[flights] };
		if (pthread_create(&flight[flights].thread, NULL, sealer_flight, &flight[flights]) != 0)
			break;
	}
	rc = encryptors > 0 && flights > 0 ? read_all(s, signals, err) : err_set(err, RC_NOMEM, "cannot start threads");
	no_more(s);
	for (i = 0; i < encryptors; i++)
		(void)pthread_join(encryptor[i], NULL);
	for (i = 0; i < flights; i++)
		(void)pthread_join(flight[i].thread, NULL);
	return rc;
}

static enum rc
verdict(const struct resident *s, struct err *err)
{
	uint64_t	not = s->n_refused + s->n_perhaps + s->n_later, all = s->n_sealed + not;

	if (s->dead)
		return err_set(err, RC_IO, "ended early: what is not answered may be sealed");
	if (s->n_perhaps > 0)
		return err_set(err, RC_UNSURE, "of %llu %llu are not sealed, or not known to be: the lines of %llu name what to ask for",
		    (unsigned long long)all, (unsigned long long)not, (unsigned long long)s->n_perhaps);
	if (not > 0)
		return err_set(err, s->n_later > 0 ? RC_UNSURE : RC_DENIED, "%llu of %llu are not sealed: their lines say why",
		    (unsigned long long)not, (unsigned long long)all);
	return s->receipts_failed ? err_set(err, RC_IO, "all are sealed, but not every receipt is kept") : RC_OK;
}

/* Before the first connection: the library's threads inherit the mask. What is ignored (nohup) stays so. */
static enum rc
watch(struct signals *ret, struct err *err)
{
	static const int	ours[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction	sa;
	sigset_t		set;
	size_t			i;

	(void)sigemptyset(&set);
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (sigaction(ours[i], NULL, &sa) == 0 && sa.sa_handler != SIG_IGN)
			(void)sigaddset(&set, ours[i]);
	(void)pthread_sigmask(SIG_BLOCK, &set, &ret->before);
	if ((ret->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
		return err_set(err, RC_IO, "no signal descriptor: %s", strerror(errno));
	return RC_OK;
}

enum rc
sealer_run(const struct sealer_options *o, struct err *err)
{
	struct resident	s = { .o = o, .wake = -1 };
	struct signals	signals;
	enum rc		rc;

	TRY(watch(&signals, err));
	secret_reuse();
	rc = sealer_start(&s, err);
	cli_answered = rc == RC_OK;	/* from now on lines go to standard output, and nothing else */
	if (rc == RC_OK)
		rc = run_threads(&s, &signals, err);
	if (rc == RC_OK)
		rc = verdict(&s, err);
	sealer_end(&s);
	(void)close(signals.fd);
	return rc;
}
