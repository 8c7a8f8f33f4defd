/*
 * The release worker: what its parent tells it. Frames by the input, made of a good case and good answers
 * that are cut, changed, mixed up or left out. It says "ready" only to the case as it is, and gives
 * keys only when good answers of a quorum came after it.
 * The input: steps of u8 what, u16 at, u8 exclusive-or, u8 which.
 */
#include <fcntl.h>

#include "coordinator/worker.c"
#include "tests/fuzz/lib/fuzz.h"
#include "tests/unit/evidence/world.h"

#define STEPS_MAX	12
#define NEED		3u	/* of the network's five */

enum step { STEP_CASE, STEP_ANSWER, STEP_COMBINE, STEP_RAW, STEP_OTHER_ORDER, STEPS };

static struct world	w;
static struct buf	whole = BUF_INIT(CASE_BYTES_MAX), message[WORLD_ANSWERS];
static int		in[2], out[2];		/* of the worker's standard input and output */
static int		was[2];			/* standard input and output, otherwise */

static void
make(void)
{
	struct evidence_case	c;
	int			i;

	PROMISE(secret_init(NULL) == RC_OK);
	world_up(&w, "standard");
	world_case(&w, 4, &c);
	PROMISE(case_write(&c, &whole, NULL) == RC_OK);
	case_done(&c);
	for (i = 0; i < WORLD_ANSWERS; i++) {
		message[i] = BUF_INIT(CMS_BYTES_MAX);
		buf_span(&message[i], buf_view(&w.answer[i].message));
	}
	was[IN] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	was[OUT] = fcntl(OUT, F_DUPFD_CLOEXEC, 10);
	PROMISE(was[IN] >= 0 && was[OUT] >= 0 && dup2(was[IN], IN) == IN);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* Pipes that hold all of what is said in one step. */
static void
plug(void)
{
	PROMISE(pipe(in) == 0 && pipe(out) == 0);
	PROMISE(fcntl(in[1], F_SETPIPE_SZ, 1 << 20) > 0 && fcntl(out[1], F_SETPIPE_SZ, 1 << 20) > 0);
	PROMISE(fcntl(out[0], F_SETFL, O_NONBLOCK) == 0);
	PROMISE(dup2(in[0], IN) == IN && dup2(out[1], OUT) == OUT);
	(void)close(in[0]);
	(void)close(out[1]);
}

static void
unplug(void)
{
	(void)close(in[1]);
	(void)close(out[0]);
	PROMISE(dup2(was[IN], IN) == IN && dup2(was[OUT], OUT) == OUT);
}

struct took {
	bool		ready, altered;		/* altered: the case was not the good one */
	unsigned	good;			/* bit i: answer i came as it is */
};

static void
say_case(struct took *t, uint16_t at, uint8_t x, bool other)
{
	struct buf	body = BUF_INIT(CASE_BYTES_MAX + SHA256_BYTES);

	buf_add(&body, w.order, SHA256_BYTES);
	buf_span(&body, buf_view(&whole));
	body.p[other ? at % SHA256_BYTES : SHA256_BYTES + (at * 7u) % whole.n] ^= x;
	t->altered = x != 0;
	PROMISE(frame_send(in[1], -1, WORKER_CASE, buf_view(&body), NULL) == RC_OK);
	buf_done(&body);
}

static void
say_answer(struct took *t, uint16_t at, uint8_t x, uint8_t which)
{
	const struct world_answer	*a = &w.answer[which % WORLD_ANSWERS];
	struct buf			 body = BUF_INIT(CMS_BYTES_MAX + DSSE_BYTES_MAX + 16);

	buf_u8(&body, a->custodian);
	buf_vec32(&body, buf_view(&message[which % WORLD_ANSWERS]));
	buf_vec32(&body, buf_view(&a->receipt));
	body.p[at % body.n] ^= x;
	if (x == 0)
		t->good |= 1u << which % WORLD_ANSWERS;
	PROMISE(frame_send(in[1], -1, WORKER_ANSWER, buf_view(&body), NULL) == RC_OK);
	buf_done(&body);
}

static bool
say(struct rd *r, struct took *t)
{
	uint8_t		what, x, which;
	uint16_t	at;

	if (!rd_u8(r, &what) || !rd_u16(r, &at) || !rd_u8(r, &x) || !rd_u8(r, &which))
		return false;
	switch ((enum step)(what % STEPS)) {
	case STEP_CASE:
	case STEP_OTHER_ORDER:
		say_case(t, at, x, what % STEPS == STEP_OTHER_ORDER);
		break;
	case STEP_ANSWER:
		say_answer(t, at, x, which);
		break;
	case STEP_COMBINE:
		PROMISE(frame_send(in[1], -1, WORKER_COMBINE, SPAN(NULL, 0), NULL) == RC_OK);
		break;
	case STEP_RAW:
	case STEPS:
		PROMISE(frame_send(in[1], -1, which, SPAN(&at, sizeof(at)), NULL) == RC_OK);
	}
	return true;
}

/* What it said to that, if anything. */
static void
hear(const struct took *t, struct buf *body)
{
	uint8_t	kind;

	if (frame_receive(out[0], 0, &kind, body, NULL) != RC_OK)
		return;
	PROMISE(kind == WORKER_READY || kind == WORKER_KEYS || kind == WORKER_SHORT);
	PROMISE(!t->altered);
	if (kind == WORKER_KEYS)
		PROMISE((unsigned)__builtin_popcount(t->good) >= NEED);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	make();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct worker	k = { .certificate = BUF_INIT(CMS_CERT_MAX), .case_bytes = BUF_INIT(CASE_BYTES_MAX),
			    .evidence = CASE_INIT };
	struct buf	body = BUF_INIT(WORKER_FRAME_MAX), said = BUF_INIT(WORKER_FRAME_MAX);
	struct rd	r = rd_init(SPAN(data, size));
	struct took	t = { .good = 0 };
	bool		done = false;
	int		i;

	memcpy(k.genesis, w.net.genesis, SHA256_BYTES);
	k.key = w.net.worker_key;
	PROMISE(EVP_PKEY_up_ref(k.key) == 1);
	buf_span(&k.certificate, buf_view(&w.net.worker));
	plug();
	for (i = 0; i < STEPS_MAX && !done && say(&r, &t); i++) {
		if (serve_one(&k, &body, &done, NULL) != RC_OK)
			break;
		hear(&t, &said);
	}
	unplug();
	worker_done(&k);
	buf_done(&body);
	buf_done(&said);
	return 0;
}
