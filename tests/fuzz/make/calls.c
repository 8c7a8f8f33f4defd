/* Calls to a custodian's keeper (tests/fuzz/keeper.c), each a good one on the log of lib/party.h. */
#include "custodian/methods.h"
#include "tests/fuzz/lib/party.h"
#include "tests/fuzz/make/seeds.h"

enum { NOTHING, FIVE, ALL };	/* that it holds */
enum { APPEND, CONTRIBUTE, CHECKPOINT, SUBMIT, EXCHANGE, OUTGOING, HEARD, CHARTER };

static void
call(struct buf *b, uint8_t method, uint8_t roles, uint8_t from)
{
	buf_u8(b, method);
	buf_u8(b, roles);
	buf_u8(b, from);
}

static struct buf
keeper(uint8_t holds, uint8_t method, uint8_t roles, uint8_t from)
{
	struct buf	b = BUF_INIT(8192);

	buf_u8(&b, holds);
	call(&b, method, roles, from);
	return b;
}

/* AppendRequest: entries from..to-1 with all blobs, the vector of the batch, the notes. */
static void
append(struct buf *b, uint8_t from, uint8_t to, uint8_t note, uint8_t cosigned)
{
	uint8_t	i;

	buf_u8(b, (uint8_t)(1 + (to - from) + 4 + 1 + 2));
	field_number(b, 1, from);
	for (i = from; i < to; i++)
		field_known(b, 2, (uint8_t)(KNOWN_ENTRY + i));
	for (i = KNOWN_CHARTER; i <= KNOWN_SCOPE_2; i++)
		field_known(b, 3, i);
	buf_u8(b, 4);
	buf_u8(b, HOW_MESSAGE);
	buf_u8(b, 2);
	field_number(b, 1, 1);
	field_known(b, 2, KNOWN_VECTOR);
	field_known(b, 5, note);
	field_known(b, 6, cosigned);
}

static void
make_appends(void)
{
	struct buf	b = keeper(NOTHING, APPEND, CALLER_COORDINATOR, 0);

	append(&b, 0, 8, KNOWN_NOTE + 7, KNOWN_COSIGNED + 7);
	seed_buf("keeper", "append_all", &b);
	b = keeper(FIVE, APPEND, CALLER_COORDINATOR, 0);
	append(&b, 5, 8, KNOWN_NOTE + 7, KNOWN_COSIGNED + 4);
	call(&b, CONTRIBUTE, CALLER_COORDINATOR, 0);
	buf_u8(&b, 1);
	field_known(&b, 1, KNOWN_ID + 6);
	seed_buf("keeper", "append_contribute", &b);
	b = keeper(FIVE, APPEND, CALLER_COORDINATOR, 0);
	append(&b, 5, 8, KNOWN_FORK, KNOWN_FORK_COSIGNED);
	seed_buf("keeper", "append_fork", &b);
}

static void
make_one_field(void)
{
	struct buf	b = keeper(ALL, CONTRIBUTE, CALLER_COORDINATOR, 0);

	buf_u8(&b, 1);
	field_known(&b, 1, KNOWN_ID + 6);
	seed_buf("keeper", "contribute", &b);
	b = keeper(ALL, CONTRIBUTE, CALLER_ANYBODY, 0);
	buf_u8(&b, 1);
	field_known(&b, 1, KNOWN_ID + 6);
	seed_buf("keeper", "contribute_to_anybody", &b);
	b = keeper(ALL, CHECKPOINT, CALLER_ANYBODY, 0);
	buf_u8(&b, 0);
	seed_buf("keeper", "checkpoint", &b);
	b = keeper(ALL, CHARTER, CALLER_SELF, 0);
	buf_u8(&b, 0);
	seed_buf("keeper", "charter", &b);
	b = keeper(FIVE, 255, 0, 0);
	b.n = 2;
	buf_vec16(&b, SPAN_STR("\0\0\0\x0a\0\0\0\1\2\x08\0\0\0\0"));
	seed_buf("keeper", "raw", &b);
}

static void
make_submits(void)
{
	struct buf	b = keeper(ALL, SUBMIT, CALLER_ANYBODY, 0);

	buf_u8(&b, 1);
	field_known(&b, 1, KNOWN_DENIAL);
	call(&b, SUBMIT, CALLER_HOST, 0);
	buf_u8(&b, 2);
	field_known(&b, 1, KNOWN_REQUEST);
	field_known(&b, 2, KNOWN_SCOPE);
	call(&b, SUBMIT, CALLER_ANYBODY, 0);
	buf_u8(&b, 1);
	field_known(&b, 1, KNOWN_WITHDRAWAL);
	call(&b, SUBMIT, CALLER_ANYBODY, 0);
	buf_u8(&b, 1);
	field_known(&b, 1, KNOWN_REVOCATION);
	seed_buf("keeper", "submit", &b);
}

/* ExchangeRequest of custodian 2. */
static void
exchange(struct buf *b, uint8_t note)
{
	call(b, EXCHANGE, CALLER_PEER, 2);
	buf_u8(b, 8);
	field_known(b, 1, KNOWN_32);
	field_known(b, 2, KNOWN_16);
	field_number(b, 3, 5);
	field_known(b, 4, note);
	buf_u8(b, 6);
	buf_u8(b, HOW_MESSAGE);
	buf_u8(b, 2);
	field_known(b, 1, KNOWN_DENIAL);
	field_number(b, 3, NET_START);
	field_number(b, 7, 8);
	field_known(b, 8, KNOWN_STATE);
	field_number(b, 9, 5);
}

/* ExchangeReply of custodian 3: its number stands before it. */
static void
heard(struct buf *b, uint8_t note, uint8_t cosigned)
{
	call(b, OUTGOING, CALLER_SELF, 0);
	buf_u8(b, 0);
	call(b, HEARD, CALLER_SELF, 0);
	buf_u8(b, 3);
	buf_u8(b, 8);
	field_known(b, 1, note);
	field_known(b, 2, cosigned);
	buf_u8(b, 6);
	buf_u8(b, HOW_MESSAGE);
	buf_u8(b, 2);
	field_known(b, 1, KNOWN_RECEIPT);
	field_number(b, 3, NET_START);
	field_known(b, 11, KNOWN_16);
	field_number(b, 12, 4);
	field_number(b, 13, 8);
	field_known(b, 14, KNOWN_STATE);
	field_known(b, 7, KNOWN_ID + 2);
}

static void
make_exchanges(void)
{
	struct buf	b = BUF_INIT(8192);

	buf_u8(&b, ALL);
	exchange(&b, KNOWN_NOTE + 7);
	exchange(&b, KNOWN_FORK);
	seed_buf("keeper", "exchange", &b);
	b = BUF_INIT(8192);
	buf_u8(&b, ALL);
	heard(&b, KNOWN_NOTE + 7, KNOWN_COSIGNED + 7);
	heard(&b, KNOWN_FORK, KNOWN_FORK_COSIGNED);
	seed_buf("keeper", "heard", &b);
}

void
make_calls(void)
{
	make_appends();
	make_one_field();
	make_submits();
	make_exchanges();
}
