/*
 * The keeper of a custodian, through its own frames: calls by whoever the listener says they are, and
 * frames that are none. The input: how much of the log it holds (u8: nothing, five entries, all),
 * then calls: u8 method, u8 roles, u8 custodian, then a message (lib/message.h), or at method 255 a
 * vec16 of bytes for the socket. Whatever comes, it holds and signs no other log than the one that
 * there is, and contributes to no order that stands not in it.
 */
#include <sys/socket.h>
#include <sys/stat.h>

#include "custodian/keeper.c"
#include "audit/entry.h"
#include "tests/fuzz/lib/party.h"
#include "tests/unit/custodian/hand.h"

#define CALLS_MAX	6
#define ORDER_AT	6u
#define SOCKET_HOLDS	(64u << 10)	/* without a reader, at least */

const unsigned			fuzz_cuts = 2;
static struct bench_place	place;
static struct bench		b;
static struct known		known;
static uint8_t			root[PARTY_ENTRIES + 1][SHA256_BYTES];
static unsigned			holds;		/* entries that the replica was given */
static struct stat		then;		/* its write-ahead log, when it was */

/* ---- the log ------------------------------------------------------------------------- */

static void
add_buf(struct buf *v, uint8_t at)
{
	PROMISE(v->rc == RC_OK && known_add(&known, buf_view(v)) == at);
	buf_done(v);
}

static void
add_note(unsigned size, unsigned cosigners, bool other, uint8_t at)
{
	struct buf	v = BUF_INIT(NOTE_BYTES_MAX);

	bench_note(&b, size, cosigners, other, &v);
	add_buf(&v, at);
}

static void
add_blob(uint64_t entry, uint8_t at)
{
	const struct state	*st = memstate_state(b.net.mem);
	struct buf		 v = BUF_INIT(MESSAGE_MAX);
	uint8_t			 digest[2][SHA256_BYTES];
	size_t			 n;

	PROMISE(entry_blobs(buf_view(&b.net.log_entries.leaf[entry]), digest, &n, NULL) == RC_OK && n >= 1);
	PROMISE(st->blob(st->user, digest[0], &v, NULL) == RC_OK);
	add_buf(&v, at);
}

static void
add_said(struct said *s, uint8_t at)
{
	add_buf(&s->dsse, at);
	buf_done(&s->blob);
}

static void
add_statements(void)
{
	struct entry	e;
	struct dsse	d;
	uint8_t		i, id[PARTY_ENTRIES][SHA256_BYTES];

	for (i = 0; i < PARTY_ENTRIES; i++) {
		PROMISE(entry_parse(buf_view(&b.net.log_entries.leaf[i]), &e, NULL) == RC_OK);
		PROMISE(dsse_parse(e.dsse, &d, NULL) == RC_OK);
		memcpy(id[i], d.id, SHA256_BYTES);
		dsse_done(&d);
		PROMISE(known_add(&known, e.dsse) == KNOWN_STATEMENT + i);
	}
	for (i = 0; i < PARTY_ENTRIES; i++)
		PROMISE(known_add(&known, SPAN_OF(id[i])) == KNOWN_ID + i);
}

static void
add_others(const struct bench_batch *batch, const uint8_t request[SHA256_BYTES], const uint8_t order[SHA256_BYTES])
{
	static const uint8_t	bytes[32] = { 1, 2, 3 };
	uint8_t			state[SHA256_BYTES];
	struct said		s;

	PROMISE(known_add(&known, SPAN(batch->artifact.id, ARTIFACT_ID_BYTES)) == KNOWN_ARTIFACT);
	say_decision(&b, request, NET_SECOND_LEGAL, false, &s);
	add_said(&s, KNOWN_DENIAL);
	say_withdrawal(&b, request, NET_LEGAL, &s);
	add_said(&s, KNOWN_WITHDRAWAL);
	say_revocation(&b, &b.net.person[NET_COURT], NET_COURT, &s);
	add_said(&s, KNOWN_REVOCATION);
	say_request(&b, batch, "standard", &s);
	add_said(&s, KNOWN_REQUEST);
	PROMISE(known_add(&known, SPAN(bytes, 32)) == KNOWN_32 && known_add(&known, SPAN(bytes, 16)) == KNOWN_16);
	say_receipt(&b, order, 2, &s);
	add_said(&s, KNOWN_RECEIPT);
	PROMISE(replica_state_digest(b.net.replica, state, NULL) == RC_OK);
	PROMISE(known_add(&known, SPAN_OF(state)) == KNOWN_STATE);
}

static void
roots(void)
{
	struct tree_range	r = TREE_RANGE_INIT;
	uint8_t			hash[TREE_HASH_BYTES];
	unsigned		i;

	tree_empty(root[0]);
	for (i = 0; i < PARTY_ENTRIES; i++) {
		tree_leaf(buf_view(&b.net.log_entries.leaf[i]), hash);
		PROMISE(tree_range_add(&r, hash, NULL, NULL, NULL) == RC_OK);
		tree_range_root(&r, root[i + 1]);
	}
}

static void
make(void)
{
	struct bench_batch	*batch;
	uint8_t			 request[SHA256_BYTES], order[SHA256_BYTES], another[SHA256_BYTES];
	uint8_t			 i;

	bench_up(&b, &place);
	batch = bench_seal(&b, "standard");
	b.net.now = clock_now() - 30;		/* an order lives ten minutes */
	bench_order(&b, batch, "standard", request, order);
	net_requested(&b.net, &batch->artifact, 1, "standard", another);
	PROMISE(b.net.log_entries.n == PARTY_ENTRIES);
	roots();
	for (i = 0; i < PARTY_ENTRIES; i++)
		PROMISE(known_add(&known, buf_view(&b.net.log_entries.leaf[i])) == KNOWN_ENTRY + i);
	for (i = 0; i < PARTY_ENTRIES; i++)
		add_note(i + 1u, 0, false, (uint8_t)(KNOWN_NOTE + i));
	for (i = 0; i < PARTY_ENTRIES; i++)
		add_note(i + 1u, 4, false, (uint8_t)(KNOWN_COSIGNED + i));
	add_note(PARTY_ENTRIES, 0, true, KNOWN_FORK);
	add_note(PARTY_ENTRIES, 4, true, KNOWN_FORK_COSIGNED);
	add_blob(0, KNOWN_CHARTER);
	add_blob(1, KNOWN_DESCRIPTORS);
	add_blob(2, KNOWN_SCOPE);
	add_blob(7, KNOWN_SCOPE_2);
	PROMISE(known_add(&known, buf_view(&batch->sealed.shares[0])) == KNOWN_VECTOR);
	add_statements();
	add_others(batch, another, order);
	PROMISE(known.n == KNOWN_END);
	holds = PARTY_ENTRIES + 1;	/* no start yet */
}

/*
 * SoftHSM leaks (tests/unit/custodian/lsan.c), and to see whose a leak is takes whole stacks, with
 * which this is a tenth as fast: the unit tests look for leaks in the same code.
 */
int	__lsan_is_turned_off(void);

int
__lsan_is_turned_off(void)
{
	return 1;
}

/* Nothing has to outlive this process: the database and the token are many times as fast so. */
int	fsync(int fd);
int	fdatasync(int fd);

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

/* ---- as it was ------------------------------------------------------------------------- */

static void
look(struct stat *ret)
{
	char	path[128];

	(void)snprintf(path, sizeof(path), "%s/test.db-wal", place.root);
	if (stat(path, ret) != 0)
		memset(ret, 0, sizeof(*ret));
}

static bool
is_as_it_was(unsigned want)
{
	struct stat	now;

	look(&now);
	return holds == want && now.st_size == then.st_size && now.st_mtim.tv_sec == then.st_mtim.tv_sec &&
	    now.st_mtim.tv_nsec == then.st_mtim.tv_nsec;
}

static void
unlink_store(void)
{
	static const char *const	ends[] = { "", "-wal", "-shm" };
	char				path[128];
	size_t				i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/test.db%s", place.root, ends[i]);
		(void)unlink(path);
	}
}

/* A new database, given so many entries with their blobs and shares. */
static void
begin_anew(unsigned want)
{
	struct bench_sending		 s;
	Quorate__V1__AppendReply	*r;
	struct err			 err;

	if (is_as_it_was(want)) {
		bench_forget(&b);
		bench_compare(&b);
		return;
	}
	bench_stop(&b);
	unlink_store();
	bench_unmark(&b);
	PROMISE(bench_start(&b, STORE_CREATE, &err) == RC_OK);
	if (want > 0) {
		s = bench_sending(&b);
		s.size = s.checkpoint = want;
		s.cosigners = 4;
		s.no_shares = want < 2;
		PROMISE(bench_send(&b, &s, &r, &err) == RC_OK);
		bench_reply_free(r);
	}
	holds = want;
	look(&then);
}

/* ---- calls ------------------------------------------------------------------------------- */

enum taken { TAKEN_NONE, TAKEN_CALL, TAKEN_RAW };

static enum taken
take_frame(struct rd *r, int fd, struct buf *asked)
{
	uint8_t		method, roles, from, peer;
	struct span	raw;

	if (!rd_u8(r, &method))
		return TAKEN_NONE;
	buf_reset(asked);
	if (method == 255) {
		if (!rd_vec16(r, 0, SOCKET_HOLDS, &raw))
			return TAKEN_NONE;
		PROMISE(raw.n == 0 || write(fd, raw.p, raw.n) == (ssize_t)raw.n);
		return TAKEN_RAW;
	}
	if (!rd_u8(r, &roles) || !rd_u8(r, &from))
		return TAKEN_NONE;
	method %= (uint8_t)(n_keeper_methods + 1);
	/* What is for the listener's threads begins with a peer. */
	if (method < n_keeper_methods && keeper_methods[method].run == custody_heard && rd_u8(r, &peer))
		buf_u8(asked, peer);
	message_make(r, &known, asked);
	PROMISE(asked->rc == RC_OK);
	if (asked->n > SOCKET_HOLDS)
		return TAKEN_NONE;
	PROMISE(frame_write(fd, 7, method, roles, from, NULL, buf_view(asked), NULL) == RC_OK);
	return TAKEN_CALL;
}

/* Contributed: to the order in the log, and to whom may ask. */
static void
check_contributed(struct span asked)
{
	Quorate__V1__ContributeRequest	*q = quorate__v1__contribute_request__unpack(NULL, asked.n, asked.p);

	PROMISE(q != NULL && store_size(b.c.store) > ORDER_AT && (b.c.caller & CALLER_COORDINATOR) != 0);
	PROMISE(span_eq(SPAN(q->order.data, q->order.len), buf_view(&known.value[KNOWN_ID + ORDER_AT])));
	quorate__v1__contribute_request__free_unpacked(q, NULL);
}

static void
take_answer(int fd, struct span asked, uint8_t method)
{
	struct frame	f = { .payload = BUF_INIT(FRAME_BYTES_MAX) };

	PROMISE(frame_read(fd, 0, &f, NULL) == RC_OK);
	PROMISE(f.id == 7 && f.code < RC_BUG && f.payload.n <= REPLY_MAX);
	PROMISE(f.code == RC_OK || f.payload.n == 0);
	if (f.code == RC_OK && method < n_keeper_methods && keeper_methods[method].run == custody_contribute)
		check_contributed(asked);
	buf_done(&f.payload);
}

static void
check_log(void)
{
	struct compared_note	note = COMPARED_NOTE_INIT;
	uint8_t			have[SHA256_BYTES];
	uint64_t		size = store_size(b.c.store);

	PROMISE(size <= PARTY_ENTRIES);
	PROMISE(store_root_at(b.c.store, size, have, NULL) == RC_OK && memcmp(have, root[size], sizeof(have)) == 0);
	PROMISE(compare_note_get(&b.c, CUSTODY_SIGNED, &note, NULL) == RC_OK);
	PROMISE(note.size <= size && (note.size == 0 || memcmp(note.root, root[note.size], SHA256_BYTES) == 0));
	compared_note_done(&note);
}

/* What is no frame ends the connection, and nothing else. */
static void
run_raw(struct keeper *k, int fd)
{
	PROMISE(shutdown(fd, SHUT_WR) == 0);
	while (serve_one(k, NULL) == RC_OK)
		check_log();
	check_log();
}

static void
run(struct rd *r, struct keeper *k, int fd)
{
	struct buf	asked = BUF_INIT(MESSAGE_MAX);
	enum taken	taken = TAKEN_CALL;
	int		calls;

	for (calls = 0; calls < CALLS_MAX && taken == TAKEN_CALL; calls++) {
		taken = take_frame(r, fd, &asked);
		if (taken == TAKEN_RAW)
			run_raw(k, fd);
		if (taken != TAKEN_CALL)
			break;
		PROMISE(serve_one(k, NULL) == RC_OK);
		take_answer(fd, buf_view(&asked), k->f.code);
		check_log();
	}
	buf_done(&asked);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	PROMISE(bench_place_up(&place));
	make();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned	how_much[] = { 0, 5, PARTY_ENTRIES };
	struct keeper		k = { .c = &b.c, .control = -1, .f = { .payload = BUF_INIT(FRAME_BYTES_MAX) },
				    .reply = BUF_INIT(REPLY_MAX) };
	struct rd		r = rd_init(SPAN(data, size));
	int			fd[2];
	uint8_t			want;

	if (!rd_u8(&r, &want))
		return 0;
	begin_anew(how_much[want % 3]);
	PROMISE(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	k.conn = fd[0];
	run(&r, &k, fd[1]);
	hang_up(&k);
	(void)close(fd[1]);
	buf_done(&k.f.payload);
	buf_done(&k.reply);
	return 0;
}
