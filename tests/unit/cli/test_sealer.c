/* The answers of a sealer that stays, and who has which order's memory: seal-batch-v1 section 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "cli/sealer_impl.h"

static struct sealer_options	options;
static struct resident		s;
static struct job		job[BATCH_COUNT_MAX], *all[BATCH_COUNT_MAX];
static char			ref[SEAL_REF_MAX + 1];

static void
begin(void)
{
	memset(&s, 0, sizeof(s));
	s.o = &options;
	s.wake = -1;
	(void)pthread_mutex_init(&s.lock, NULL);
	(void)pthread_mutex_init(&s.answering, NULL);
	(void)pthread_cond_init(&s.work, NULL);
	(void)pthread_cond_init(&s.close, NULL);
	for (size_t i = 0; i < BATCH_COUNT_MAX; i++) {
		job[i] = (struct job){ .number = UINT64_MAX / 4 + i, .line = { .ref = ref }, .artifact = SEALED_ARTIFACT_INIT };
		job[i].artifact.size = UINT64_MAX / 4;
		job[i].artifact.has_record = true;
		all[i] = &job[i];
	}
}

/* A full batch, answered to this descriptor. */
static void
answer_all(int to)
{
	Quorate__V1__SubmitReply	entry = QUORATE__V1__SUBMIT_REPLY__INIT;
	Quorate__V1__SealReply		answer = QUORATE__V1__SEAL_REPLY__INIT;
	struct handover			h = { .n_artifacts = BATCH_COUNT_MAX, .answer = &answer, .holders = 31 };
	int				before = dup(STDOUT_FILENO);

	answer.entry = &entry;
	entry.index = UINT64_MAX / 4;
	assert_true(fflush(stdout) == 0 && before >= 0 && dup2(to, STDOUT_FILENO) >= 0);
	sealer_answer_sealed(&s, all, &h);
	assert_true(dup2(before, STDOUT_FILENO) >= 0);
	(void)close(before);
}

static uint64_t
lines_of(FILE *f)
{
	uint64_t	n = 0;
	int		c;

	while ((c = fgetc(f)) != EOF)
		n += c == '\n';
	return n;
}

/* U+0001 is six characters in an answer. */
static void
a_full_batch_of_the_longest_answers_is_written(void **state)
{
	FILE	*f = tmpfile();

	(void)state;
	assert_non_null(f);
	memset(ref, 1, SEAL_REF_MAX);
	begin();
	answer_all(fileno(f));
	assert_false(s.dead);
	assert_int_equal(s.n_sealed, BATCH_COUNT_MAX);
	rewind(f);
	assert_int_equal(lines_of(f), BATCH_COUNT_MAX);
	(void)fclose(f);
}

struct slow { int fd; uint64_t lines; };

static void *
read_slowly(void *user)
{
	struct slow	*r = user;
	FILE		*f = fdopen(r->fd, "r");

	(void)usleep(20000);
	r->lines = lines_of(f);
	(void)fclose(f);
	return NULL;
}

/* What a caller does to its end of a terminal or a socket, it does to ours. */
static void
a_pipe_that_does_not_block_has_them_all(void **state)
{
	struct slow	reader = { .lines = 0 };
	pthread_t	thread;
	int		ends[2];

	(void)state;
	memset(ref, 'r', SEAL_REF_MAX);
	begin();
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	reader.fd = ends[0];
	assert_int_equal(pthread_create(&thread, NULL, read_slowly, &reader), 0);
	answer_all(ends[1]);
	(void)close(ends[1]);
	(void)pthread_join(thread, NULL);
	assert_false(s.dead);
	assert_int_equal(reader.lines, BATCH_COUNT_MAX);
}

static void
nobody_who_hears_ends_it(void **state)
{
	int	full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_true(full >= 0);
	begin();
	answer_all(full);
	(void)close(full);
	assert_true(s.dead && s.over && s.quiet);
}

/* One artifact at a time needs the memory of one. */
static void
an_order_has_the_memory_that_was_used_last(void **state)
{
	struct job	*first, *second;

	(void)state;
	begin();
	for (size_t i = 0; i < 3; i++)
		jobs_push(&s.unused, &job[i]);
	first = jobs_pop(&s.unused);
	second = jobs_pop(&s.unused);
	sealer_release(&s, first);
	assert_ptr_equal(jobs_pop(&s.unused), first);
	sealer_release(&s, second);
	sealer_release(&s, first);
	assert_int_equal(s.unused.n, 3);
	assert_ptr_equal(jobs_pop(&s.unused), first);
	assert_ptr_equal(jobs_pop(&s.unused), second);
	assert_ptr_equal(jobs_pop(&s.unused), &job[2]);
	assert_null(jobs_pop(&s.unused));
	sealer_release(&s, second);
	jobs_push(&s.unused, first);
	assert_ptr_equal(jobs_pop(&s.unused), second);
	assert_ptr_equal(jobs_pop(&s.unused), first);
}

/* However many custodians there are: the coordinator takes a MiB in one call. */
static void
a_batch_fits_into_the_call_that_hands_it_over(void **state)
{
	static const struct { uint8_t shares; size_t descriptor, least, most; } batches[] = {
		{ 5, 400, 1024, 1024 }, { 11, 500, 900, 970 }, { 31, 800, 400, 440 }, { 31, DESCRIPTOR_BYTES_MAX, 190, 201 },
	};
	static struct job	*taken[BATCH_COUNT_MAX];

	(void)state;
	options.batch_max = BATCH_COUNT_MAX;
	for (size_t i = 0; i < sizeof(batches) / sizeof(batches[0]); i++) {
		size_t	n, all_of_them = 0;

		begin();
		s.over = s.quiet = true;
		for (size_t j = 0; j < BATCH_COUNT_MAX; j++) {
			job[j].artifact.size = 1;
			job[j].artifact.n_shares = batches[i].shares;
			job[j].artifact.descriptor.n = batches[i].descriptor;
			jobs_push(&s.ready, &job[j]);
		}
		n = sealer_take_batch(&s, taken);
		assert_true(n >= batches[i].least && n <= batches[i].most);
		assert_true(n * (batches[i].descriptor + 2) <= DESCRIPTOR_VECTOR_MAX);
		assert_true(n * (batches[i].descriptor + 2 + batches[i].shares * SEALED_SHARE_BYTES) < RPC_MESSAGE_MAX - DSSE_BYTES_MAX);
		for (; n > 0; n = sealer_take_batch(&s, taken)) {
			all_of_them += n;
			s.flying = 0;
		}
		assert_int_equal(all_of_them, BATCH_COUNT_MAX);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test(a_batch_fits_into_the_call_that_hands_it_over),
		cmocka_unit_test(a_full_batch_of_the_longest_answers_is_written),
		cmocka_unit_test(a_pipe_that_does_not_block_has_them_all),
		cmocka_unit_test(nobody_who_hears_ends_it),
		cmocka_unit_test(an_order_has_the_memory_that_was_used_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
