/* cli/sealer_answer.c - the resident sealer's answers: seal-batch-v1 section 3. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "cli/cli.h"
#include "cli/sealer_impl.h"

#define LINE_MAX_BYTES	(6 * SEAL_REF_MAX + 2048)	/* each byte of a ref may be \u and four digits */
#define ANSWER_MAX	((size_t)BATCH_COUNT_MAX * LINE_MAX_BYTES)

void
sealer_say(const char *fmt, ...)
{
	char	text[ERR_MSG_BYTES + 64];
	va_list	ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "quorate seal: %s\n", text_clean_str(text));
}

void
sealer_give_up(struct resident *s, const char *words)
{
	struct job	*j;
	bool		 first;

	(void)pthread_mutex_lock(&s->lock);
	while ((j = jobs_pop(&s->waiting)) != NULL)
		sealer_release(s, j);
	first = !s->dead;
	if (!s->over)
		s->over_ms = clock_ms();
	s->over = s->dead = s->quiet = true;
	(void)pthread_cond_broadcast(&s->work);
	(void)pthread_cond_broadcast(&s->close);
	(void)pthread_mutex_unlock(&s->lock);
	(void)eventfd_write(s->wake, 1);
	if (first)
		sealer_say("%s", words);
}

/* Also where somebody else made the pipe one that does not block. */
static bool
write_all(struct span out)
{
	struct pollfd	p = { STDOUT_FILENO, POLLOUT, 0 };
	ssize_t		n;

	while (out.n > 0) {
		n = write(STDOUT_FILENO, out.p, out.n);
		if (n < 0 && errno == EAGAIN && (poll(&p, 1, -1) > 0 || errno == EINTR))
			continue;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		out.p += n;
		out.n -= (size_t)n;
	}
	return true;
}

/* Under `answering`. Takes o over; NULL is no memory. */
static void
add_line(struct buf *out, json_t *o)
{
	char	*text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);

	if (text == NULL)
		out->rc = RC_NOMEM;
	else {
		buf_span(out, span_str(text));
		buf_u8(out, '\n');
	}
	free(text);
	json_decref(o);
}

static void
put(struct resident *s, struct buf *out)
{
	if (out->rc != RC_OK)
		sealer_give_up(s, "no memory for the answers: what is not answered may be sealed");
	else if (!write_all(buf_view(out)))
		sealer_give_up(s, "cannot write to standard output: what is not answered may be sealed");
	buf_done(out);
}

static json_t *
sealed_line(const struct job *j, const struct handover *h, size_t leaf)
{
	const struct sealed_artifact	*a = &j->artifact;
	char				 hex[HEX_BYTES(ARTIFACT_ID_BYTES)], batch[HEX_BYTES(SHA256_BYTES)];
	char				 salt[HEX_BYTES(32)];
	json_t				*o;

	o = json_pack("{s:I,s:s,s:b,s:s,s:I,s:I,s:i,s:I,s:s}", "line", (json_int_t)j->number, "ref", j->line.ref, "sealed", 1,
	    "artifact", hex_write(SPAN_OF(a->id), hex), "entry", (json_int_t)h->answer->entry->index, "leaf",
	    (json_int_t)leaf, "holders", __builtin_popcount(h->holders), "envelope_bytes", (json_int_t)a->size, "batch",
	    hex_write(SPAN_OF(h->statement.id), batch));
	if (o != NULL && a->has_record &&
	    json_object_set_new(o, "record_salt", json_string(hex_write(SPAN_OF(a->salt), salt))) != 0) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static enum rc
keep_receipt(const struct resident *s, const struct handover *h, struct err *err)
{
	char		 path[FILE_PATH_MAX], batch[HEX_BYTES(SHA256_BYTES)], *text;
	json_t		*o = handover_receipt(h);
	enum rc		 rc;

	if (o == NULL || json_object_set_new(o, "entry", json_integer((json_int_t)h->answer->entry->index)) != 0 ||
	    (text = json_dumps(o, JSON_INDENT(2) | JSON_ENSURE_ASCII)) == NULL) {
		json_decref(o);
		return err_set(err, RC_NOMEM, "no memory for the receipt");
	}
	json_decref(o);
	rc = file_path(path, err, "%s/%s.json", s->o->receipts, hex_write(SPAN_OF(h->statement.id), batch));
	if (rc == RC_OK)
		rc = file_write(path, span_str(text), 0600, err);
	free(text);
	return rc;
}

void
sealer_answer_sealed(struct resident *s, struct job *const *job, const struct handover *h)
{
	struct buf	out = BUF_INIT(ANSWER_MAX);
	struct err	err;
	size_t		i;

	if (s->o->receipts != NULL && keep_receipt(s, h, &err) != RC_OK) {
		sealer_say("a receipt is not kept, but the network has what it says: %s", err.msg);
		(void)pthread_mutex_lock(&s->lock);
		s->receipts_failed = true;
		(void)pthread_mutex_unlock(&s->lock);
	}
	for (i = 0; i < h->n_artifacts; i++)
		add_line(&out, sealed_line(job[i], h, i));
	(void)pthread_mutex_lock(&s->answering);
	s->n_sealed += h->n_artifacts;
	put(s, &out);
	(void)pthread_mutex_unlock(&s->answering);
}

void
sealer_answer_error(struct resident *s, uint64_t number, const char *ref, const uint8_t *id, const struct err *err)
{
	struct buf	 out = BUF_INIT(ANSWER_MAX);
	char		 hex[HEX_BYTES(ARTIFACT_ID_BYTES)];
	json_t		*o;

	o = json_pack("{s:I,s:s?,s:b,s:s,s:o?}", "line", (json_int_t)number, "ref", ref, "sealed", 0, "error",
	    rc_name(err->rc), "message", json_text(err->msg));
	if (o != NULL && id != NULL &&
	    json_object_set_new(o, "artifact", json_string(hex_write(SPAN(id, ARTIFACT_ID_BYTES), hex))) != 0) {
		json_decref(o);
		o = NULL;
	}
	add_line(&out, o);
	(void)pthread_mutex_lock(&s->answering);
	if (id != NULL)
		s->n_perhaps++;
	else if (err->rc == RC_UNSURE)
		s->n_later++;
	else
		s->n_refused++;
	put(s, &out);
	(void)pthread_mutex_unlock(&s->answering);
}
