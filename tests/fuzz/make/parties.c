/* What a release worker and its parent say (worker, hired), messages (cms), calls to a coordinator (handlers). */
#include "coordinator/worker.h"
#include "tests/fuzz/lib/handlers.h"
#include "tests/fuzz/lib/replies.h"
#include "tests/fuzz/make/seeds.h"

/* ---- worker: steps as tests/fuzz/worker.c has them ------------------------------------- */

enum { SAY_CASE, SAY_ANSWER, SAY_COMBINE, SAY_RAW, SAY_OTHER_ORDER };
struct said { uint8_t what, x, which; };

static void
worker(const char *name, const struct said *s, size_t n)
{
	struct buf	b = BUF_INIT(256);
	size_t		i;

	for (i = 0; i < n; i++) {
		buf_u8(&b, s[i].what);
		buf_u16(&b, 40);
		buf_u8(&b, s[i].x);
		buf_u8(&b, s[i].which);
	}
	seed_buf("worker", name, &b);
}
#define WORKER(name, ...)	worker(name, (const struct said[]){ __VA_ARGS__ }, \
	sizeof((const struct said[]){ __VA_ARGS__ }) / sizeof(struct said))

static void
make_workers(void)
{
	WORKER("good", { SAY_CASE, 0, 0 }, { SAY_ANSWER, 0, 0 }, { SAY_ANSWER, 0, 1 }, { SAY_ANSWER, 0, 2 },
	    { SAY_COMBINE, 0, 0 });
	WORKER("short", { SAY_CASE, 0, 0 }, { SAY_ANSWER, 0, 0 }, { SAY_COMBINE, 0, 0 }, { SAY_ANSWER, 0, 1 },
	    { SAY_ANSWER, 0, 2 }, { SAY_COMBINE, 0, 0 });
	WORKER("one_lies", { SAY_CASE, 0, 0 }, { SAY_ANSWER, 0, 0 }, { SAY_ANSWER, 1, 1 }, { SAY_ANSWER, 0, 2 },
	    { SAY_COMBINE, 0, 0 });
	WORKER("twice", { SAY_CASE, 0, 0 }, { SAY_ANSWER, 0, 0 }, { SAY_ANSWER, 0, 0 }, { SAY_ANSWER, 0, 0 },
	    { SAY_COMBINE, 0, 0 });
	WORKER("another_case", { SAY_CASE, 1, 0 });
	WORKER("another_order", { SAY_OTHER_ORDER, 1, 0 });
	WORKER("no_case", { SAY_ANSWER, 0, 0 }, { SAY_COMBINE, 0, 0 });
	WORKER("raw", { SAY_RAW, 0, WORKER_ANSWER });
}

static void
hired(const char *name, uint8_t asked, uint8_t kind, struct span body)
{
	struct buf	b = BUF_INIT(256);

	buf_u8(&b, asked);
	buf_u32(&b, (uint32_t)body.n);
	buf_u8(&b, kind);
	buf_span(&b, body);
	seed_buf("hired", name, &b);
}

static void
make_hired(void)
{
	hired("keys", 0, WORKER_KEYS, SPAN_STR("\0\0\0\7\0\0\0\0keys"));
	hired("short", 0, WORKER_SHORT, SPAN_STR("\0\0\0\1\0\0\0\2"));
	hired("failed", 0, WORKER_FAILED, SPAN_STR("\3no such order"));
	hired("ready", 1, WORKER_READY, SPAN(NULL, 0));
	hired("no_code", 1, WORKER_FAILED, SPAN_STR("\377words"));
}

/* ---- messages ------------------------------------------------------------------------------ */

static void
make_messages(void)
{
	static const char *const	who[] = { "p256", "p384", "rsa" };
	char				name[32];
	struct buf			b;
	uint8_t				i;

	for (i = 0; i < 3; i++) {
		seed("cms", who[i], SPAN(&i, 1));
		(void)snprintf(name, sizeof(name), "%s_changed", who[i]);
		b = BUF_INIT(64);
		buf_u8(&b, i);
		buf_u16(&b, 60);
		buf_u8(&b, 1);
		buf_vec8(&b, SPAN_STR("x"));
		seed_buf("cms", name, &b);
	}
}

/* ---- handlers: methods as coordinator/service.c lists them ---------------------------------- */

enum { HEAD, SUBMIT, UPLOAD, SEAL, ENTRY, ENTRIES, ARTIFACT, REQUEST, LIST, BLOB, RELEASE, DOWNLOAD, CONSISTENCY, CHARTER,
	AMENDMENT };

static struct buf
one(uint8_t method, uint8_t fields)
{
	struct buf	b = BUF_INIT(1024);

	buf_u8(&b, method);
	buf_u8(&b, fields);
	return b;
}

static void
make_reads(void)
{
	struct buf	b = one(ENTRY, 1);

	field_known(&b, 2, HANDLERS_ID + 2);
	seed_buf("handlers", "entry", &b);
	b = one(ENTRIES, 2);
	field_number(&b, 1, 1);
	field_number(&b, 2, 9);
	seed_buf("handlers", "entries", &b);
	b = one(REQUEST, 1);
	field_known(&b, 1, HANDLERS_ID + 2);
	seed_buf("handlers", "request", &b);
	b = one(LIST, 2);
	field_bytes(&b, 1, SPAN_STR("requests"));
	field_bytes(&b, 2, SPAN_STR("auditor"));
	seed_buf("handlers", "list", &b);
	b = one(BLOB, 2);
	field_known(&b, 1, HANDLERS_GENESIS);
	field_number(&b, 2, 10);
	seed_buf("handlers", "blob", &b);
	b = one(CONSISTENCY, 2);
	field_number(&b, 1, 2);
	field_number(&b, 2, 5);
	seed_buf("handlers", "consistency", &b);
	b = one(HEAD, 0);
	buf_u8(&b, CHARTER);
	buf_u8(&b, 0);
	seed_buf("handlers", "head_charter", &b);
}

static void
make_writes(void)
{
	struct buf	b = one(SUBMIT, 1);

	field_known(&b, 1, HANDLERS_REVOCATION);
	seed_buf("handlers", "submit", &b);
	b = one(SUBMIT, 2);
	field_known(&b, 1, HANDLERS_REQUEST);
	field_known(&b, 2, HANDLERS_BLOB);
	seed_buf("handlers", "submit_request", &b);
	b = one(UPLOAD, 3);
	field_known(&b, 1, HANDLERS_16);
	field_bytes(&b, 3, SPAN_STR("some bytes"));
	field_number(&b, 4, 1);
	buf_u8(&b, SEAL);
	buf_u8(&b, 2);
	field_known(&b, 1, HANDLERS_ENTRY + 1);
	field_known(&b, 4, HANDLERS_16);
	seed_buf("handlers", "upload_seal", &b);
	b = one(UPLOAD, 2);
	field_known(&b, 1, HANDLERS_16);
	field_number(&b, 4, 1);
	seed_buf("handlers", "upload_empty", &b);
}

/* ---- files: u8 which, then the file ------------------------------------------------------ */

static void
file(const char *name, uint8_t which, const char *text)
{
	struct buf	b = BUF_INIT(4096);

	buf_u8(&b, which);
	buf_printf(&b, "%s", text);
	seed_buf("files", name, &b);
}

static void
make_files(void)
{
	static const char	token[] = "\"token\":{\"module\":\"/a.so\",\"uri\":\"pkcs11:token=a\",\"pin_file\":\"/pin\"}";
	char			text[1024];

	(void)snprintf(text, sizeof(text), "{\"organisation\":\"Example\",\"origin\":\"log.example/one\","
	    "\"address\":\"127.0.0.1:7000\",\"tiles\":\"127.0.0.1:7001\",%s}\n", token);
	file("coordinator", 0, text);
	(void)snprintf(text, sizeof(text), "{\"name\":\"Legal\",\"organisation\":\"Example\",\"listen\":"
	    "\"127.0.0.1:7002\",%s}\n", token);
	file("custodian", 1, text);
	file("genesis", 2, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n");
	/* The private key of RFC 8410, section 10.3. */
	file("key", 3, "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
	    "-----END PRIVATE KEY-----\n");
	file("succession", 4, "{\"payload\":\"e30=\",\"payloadType\":\"application/vnd.quorate+json\",\"signatures\":[]}");
}

/* ---- answers to a person's program -------------------------------------------------------- */

enum { ASK_HEAD, ASK_FOLLOW, ASK_BLOB, ASK_SUBMIT, ASK_LEAF };

static struct buf
answer(uint8_t asked, uint8_t fields)
{
	struct buf	b = BUF_INIT(1024);

	buf_u8(&b, asked);
	buf_u8(&b, 1);
	buf_u8(&b, fields);
	return b;
}

static void
make_answers(void)
{
	struct buf	b = answer(ASK_HEAD, 3);

	field_known(&b, 1, REPLIES_COSIGNED);
	field_number(&b, 2, 12);
	field_known(&b, 8, REPLIES_GENESIS);
	seed_buf("replies", "head", &b);
	b = answer(ASK_HEAD, 1);
	field_known(&b, 1, REPLIES_NOTE);
	seed_buf("replies", "head_of_one", &b);
	b = answer(ASK_FOLLOW, 3);
	field_known(&b, 1, REPLIES_CASE);
	field_number(&b, 2, 100);
	field_known(&b, 3, REPLIES_GENESIS);
	seed_buf("replies", "follow", &b);
	b = answer(ASK_BLOB, 2);
	field_known(&b, 1, REPLIES_BLOB);
	field_number(&b, 2, sizeof(REPLIES_BLOB_TEXT) - 1);
	seed_buf("replies", "blob", &b);
	b = answer(ASK_SUBMIT, 4);
	field_known(&b, 1, REPLIES_GENESIS);
	field_number(&b, 2, 1);
	field_number(&b, 4, 1);
	field_number(&b, 7, 1);
	buf_u8(&b, 1);
	buf_u8(&b, 2);
	field_known(&b, 2, REPLIES_LEAF);
	field_known(&b, 6, REPLIES_PROOF);
	seed_buf("replies", "submit", &b);
	b = BUF_INIT(64);
	buf_u8(&b, ASK_LEAF);
	buf_u8(&b, HOW_KNOWN);
	buf_u8(&b, REPLIES_LEAF);
	buf_u8(&b, HOW_KNOWN);
	buf_u8(&b, REPLIES_PROOF);
	buf_u8(&b, 1);
	seed_buf("replies", "leaf", &b);
}

void
make_parties(void)
{
	make_answers();
	make_files();
	make_workers();
	make_hired();
	make_messages();
	make_reads();
	make_writes();
}
