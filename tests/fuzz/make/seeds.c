/*
 * tests/fuzz/make/seeds.c - writes tests/fuzz/corpus/: what the targets start from.
 * usage: seeds CORPUS VECTORS	(make seeds)
 *
 * Most of it is the good vectors of tests/vectors, as the bytes that they are; the rest is made
 * here. The certificates' and the charter's keys are fresh ones: run again, those differ.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "audit/accusation.h"
#include "audit/anchor.h"
#include "audit/entry.h"
#include "audit/tile.h"
#include "evidence/cms.h"
#include "policy/dsse.h"
#include "tests/fixture/network.h"
#include "tests/fuzz/lib/world.h"
#include "tests/fuzz/lib/fuzz.h"
#include "tests/fuzz/make/seeds.h"

#define SEED_MAX	(16u << 10)

static const char	*corpus, *vectors;

void
seed(const char *target, const char *name, struct span bytes)
{
	char	 path[512];
	FILE	*f;

	(void)snprintf(path, sizeof(path), "%s/%s", corpus, target);
	PROMISE(mkdir(path, 0755) == 0 || errno == EEXIST);
	(void)snprintf(path, sizeof(path), "%s/%s/%s", corpus, target, name);
	f = fopen(path, "wb");
	PROMISE(f != NULL && fwrite(bytes.p, 1, bytes.n, f) == bytes.n && fclose(f) == 0);
}

void
seed_buf(const char *target, const char *name, struct buf *b)
{
	PROMISE(b->rc == RC_OK);
	seed(target, name, buf_view(b));
	buf_done(b);
}

/* ---- vectors ------------------------------------------------------------------------- */

typedef void (*vector_fn)(const char *target, const char *name, struct span bytes);

static void
one_vector(const char *target, const char *path, const char *name, const char *key, vector_fn fn)
{
	static char	 line[1 << 20];
	static uint8_t	 bytes[sizeof(line) / 2];
	const size_t	 k = strlen(key);
	FILE		*f = fopen(path, "r");
	size_t		 n;

	PROMISE(f != NULL && fgets(line, sizeof(line), f) != NULL);
	if (strcmp(line, "expect: ok\n") == 0)
		while (fgets(line, sizeof(line), f) != NULL) {
			n = strcspn(line, "\n");
			if (strncmp(line, key, k) != 0 || strncmp(line + k, ": ", 2) != 0 || n > 2 * SEED_MAX)
				continue;
			n = (n - k - 2) / 2;
			PROMISE(hex_parse(SPAN(line + k + 2, 2 * n), bytes, n));
			fn(target, name, SPAN(bytes, n));
		}
	(void)fclose(f);
}

static void
from_vectors(const char *target, const char *spec, const char *key, vector_fn fn)
{
	char		 path[512], name[128];
	struct dirent	*e;
	DIR		*d;

	(void)snprintf(path, sizeof(path), "%s/%s", vectors, spec);
	PROMISE((d = opendir(path)) != NULL);
	while ((e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".txt") == NULL)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s/%s", vectors, spec, e->d_name);
		(void)snprintf(name, sizeof(name), "%.*s", (int)(strlen(e->d_name) - 4), e->d_name);
		one_vector(target, path, name, key, fn);
	}
	(void)closedir(d);
}

static void
payload(const char *target, const char *name, struct span bytes)
{
	struct dsse	d;

	PROMISE(dsse_parse(bytes, &d, NULL) == RC_OK);
	seed(target, name, buf_view(&d.payload));
	dsse_done(&d);
}

static void
entry(const char *target, const char *name, struct span bytes)
{
	struct buf	b = BUF_INIT(ENTRY_BYTES_MAX);

	entry_write(NET_START, bytes, &b);
	seed_buf(target, name, &b);
}

static void
of_vectors(void)
{
	from_vectors("statement", "statement-v1", "envelope", payload);
	from_vectors("dsse", "statement-v1", "envelope", seed);
	from_vectors("entry", "statement-v1", "envelope", entry);
	from_vectors("descriptor", "descriptor-v1", "descriptor", seed);
	from_vectors("scope", "scope-v1", "scope", seed);
	from_vectors("case", "case-v1", "case", seed);
	from_vectors("envelope", "envelope-v1", "envelope", seed);
	from_vectors("zip", "package-v1", "zip", seed);
	from_vectors("json", "charter-v1", "json", seed);
	from_vectors("tlog_proof", "log-v1", "proof", seed);
	from_vectors("text", "statement-v1", "text", seed);
}

/* ---- notes ----------------------------------------------------------------------------- */

static void
note_of(const struct checkpoint *cp, struct buf *out)
{
	const struct fuzz_keys	*k = fuzz_keys();
	struct buf		 text = BUF_INIT(4096), message = BUF_INIT(4096);
	uint8_t			 sig[NOTE_SIG_BYTES];
	unsigned		 i;

	checkpoint_text(cp, &text);
	PROMISE(k->log.signer.sign(k->log.signer.user, buf_view(&text), sig, NULL) == RC_OK);
	buf_span(out, buf_view(&text));
	buf_u8(out, '\n');
	note_sig_line(&k->log_note, 0, sig, out);
	for (i = 0; i < FUZZ_WITNESSES; i++) {
		buf_reset(&message);
		cosignature_message(buf_view(&text), NET_START, &message);
		PROMISE(k->witness[i].signer.sign(k->witness[i].signer.user, buf_view(&message), sig, NULL) == RC_OK);
		note_sig_line(&k->witness_note[i], NET_START, sig, out);
	}
	buf_done(&text);
	buf_done(&message);
}

static void
make_notes(struct buf *note)
{
	const struct fuzz_keys	*k = fuzz_keys();
	struct checkpoint	 a = { .origin = FUZZ_ORIGIN, .size = 3 }, b = a;
	struct tree_path	 path = { .n = 0 };
	struct buf		 other = BUF_INIT(NOTE_BYTES_MAX), text = BUF_INIT(ACCUSATION_BYTES_MAX);

	b.root[0] = 1;
	note_of(&a, note);
	note_of(&b, &other);
	seed("note", "cosigned", buf_view(note));
	PROMISE(accusation_write(buf_view(note), buf_view(&other), b.root, &path, &k->log_note, k->witness_note,
	    FUZZ_WITNESSES, &text, NULL) == RC_OK);
	seed_buf("accusation", "one_size", &text);
	path.n = 2;
	memcpy(path.hash, path.hash + 2, 2 * sizeof(path.hash[0]));
	tlog_proof_write(1, &path, SPAN_STR("extra"), buf_view(note), &text);
	seed_buf("tlog_proof", "extra", &text);
	note_key_write(&k->log_note, &text);
	seed_buf("note_key", "log", &text);
	note_key_write(&k->witness_note[0], &text);
	seed_buf("note_key", "witness", &text);
	buf_done(&other);
}

static void
make_policy(void)
{
	const struct fuzz_keys	*k = fuzz_keys();
	struct buf		 key[3] = { BUF_INIT(512), BUF_INIT(512), BUF_INIT(512) }, b = BUF_INIT(8192);
	unsigned		 i;

	note_key_write(&k->log_note, &key[0]);
	note_key_write(&k->witness_note[0], &key[1]);
	note_key_write(&k->witness_note[1], &key[2]);
	buf_printf(&b, "# a policy\nlog %s https://log.example/\nwitness a %s\nwitness b\t%s https://b.example/\n\n"
	    "group both all a b\ngroup one 1 both\nquorum one\n", buf_text(&key[0]), buf_text(&key[1]), buf_text(&key[2]));
	seed_buf("tlog_policy", "groups", &b);
	buf_printf(&b, "log %s\nquorum none\n", buf_text(&key[0]));
	seed_buf("tlog_policy", "none", &b);
	for (i = 0; i < 3; i++)
		buf_done(&key[i]);
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void
make_tiles(void)
{
	struct buf	b = BUF_INIT(8192);

	seed("tile_name", "full", SPAN_STR("tile/0/x001/x234/067"));
	seed("tile_name", "partial", SPAN_STR("tile/1/000.p/5"));
	seed("tile_name", "entries", SPAN_STR("tile/entries/x001/234.p/255"));
	buf_u8(&b, 2);
	PROMISE(bundle_add(&b, SPAN_STR("one"), NULL) == RC_OK && bundle_add(&b, SPAN_STR("another"), NULL) == RC_OK &&
	    bundle_add(&b, SPAN_STR("and a third entry"), NULL) == RC_OK);
	seed_buf("bundle", "three", &b);
}

static void
make_frames(void)
{
	struct buf	b = BUF_INIT(1024);

	buf_u32(&b, 10 + 5 + 7);
	buf_u32(&b, 1);
	buf_add(&b, "\x03\x01\x02\0\0\5words", 6 + 5);
	buf_add(&b, "payload", 7);
	seed_buf("frame", "custodian", &b);
	buf_u32(&b, 5);
	buf_add(&b, "\2hello", 6);
	seed_buf("frame", "worker", &b);
}

static void
make_certificates(const struct buf *note)
{
	static const char *const kinds[] = { "P-256", "P-384", "RSA-2048", "ED25519" };
	struct anchor	 a = { .note = buf_view(note), .token = SPAN_STR("a token"), .n_certificates = 1, .n_crls = 2,
			    .crl = { SPAN_STR("one"), SPAN_STR("two") } };
	struct buf	 cert = BUF_INIT(8192), b = BUF_INIT(SEED_MAX);
	size_t		 i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		buf_reset(&cert);
		test_cert_of(kinds[i], "fuzz", &cert);
		seed("cert", kinds[i], buf_view(&cert));
		if (i < 3) {
			PROMISE(cms_seal(buf_view(&cert), SPAN_STR("words"), &b, NULL) == RC_OK);
			seed("cert", i == 0 ? "cms_ec" : i == 1 ? "cms_ec384" : "cms_rsa", buf_view(&b));
			buf_reset(&b);
		}
	}
	a.certificate[0] = buf_view(&cert);
	PROMISE(anchor_write(&a, &b, NULL) == RC_OK);
	seed_buf("anchor", "small", &b);
	buf_done(&cert);
}

/* The question that tests/fuzz/timestamp.c asks: timestamp.sh has it answered. */
static void
make_query(void)
{
	static const uint8_t	imprint[SHA256_BYTES] = { 1, 2, 3 }, nonce[TIMESTAMP_NONCE_BYTES] = { 4, 5, 6 };
	struct buf		b = BUF_INIT(TIMESTAMP_QUERY_MAX);

	PROMISE(timestamp_query(imprint, nonce, &b, NULL) == RC_OK);
	seed_buf("timestamp", "query", &b);
}

static void
make_texts(void)
{
	struct buf	b = BUF_INIT(1024);

	key_write(&fuzz_keys()->log.signer.key, &b);
	seed_buf("text", "key", &b);
	seed("text", "key_url", SPAN_STR("ed25519:i8_d2y9bGQ-9UvstPLpdcspnCb8dlBIb83SIAbQPb1w="));
	seed("text", "time", SPAN_STR("2026-11-22T10:00:00Z"));
	seed("text", "base64", SPAN_STR("aGVsbG8_d29ybGQ-"));
	seed("text", "padded", SPAN_STR("aGVsbG8/d29ybGQ+IQ=="));
	seed("text", "hex", SPAN_STR("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"));
	seed("text", "uri", SPAN_STR("pkcs11:token=a%20b;object=signing;id=%01?pin-source=/a/pin&module-path=/a.so"));
	seed("text", "utf8", SPAN_STR("Gr\xc3\xbc\xc3\x9f Gott \xe2\x80\x94 \xf0\x9f\x90\x88"));
}

static void
make_charter(void)
{
	struct net	n;

	net_init(&n);
	seed("charter", "five", buf_view(&n.charter_json));
	net_done(&n);
}

/* ---- statements that hit ------------------------------------------------------------------ */

static void
apply_seed(const char *name, struct statement *s, struct test_key *by)
{
	struct buf	dsse = BUF_INIT(DSSE_BYTES_MAX), b = BUF_INIT(DSSE_BYTES_MAX);
	struct dsse	d;

	memset(s->nonce, 5, sizeof(s->nonce));		/* not those of what was logged */
	PROMISE(statement_sign(s, &by->signer, &dsse, NULL) == RC_OK);
	PROMISE(dsse_parse(buf_view(&dsse), &d, NULL) == RC_OK);
	world_placeholders(buf_view(&d.payload), &b);
	seed_buf("apply", name, &b);
	dsse_done(&d);
	buf_done(&dsse);
	statement_done(s);
}

static void
of_people(struct world *w)
{
	struct statement	s;

	net_request(&w->n, &w->artifact, 1, "pair", &s);
	apply_seed("request", &s, &w->n.person[NET_REQUESTER]);
	net_statement(&w->n, &s, STATEMENT_DECISION);
	memcpy(s.subject, w->open, SHA256_BYTES);
	s.u.decision.approve = true;
	apply_seed("approve", &s, &w->n.person[NET_COMPLIANCE]);
	net_statement(&w->n, &s, STATEMENT_DECISION);
	memcpy(s.subject, w->met, SHA256_BYTES);
	apply_seed("deny", &s, &w->n.person[NET_LEGAL]);
	net_statement(&w->n, &s, STATEMENT_WITHDRAWAL);
	memcpy(s.subject, w->met, SHA256_BYTES);
	apply_seed("withdrawal", &s, &w->n.person[NET_REQUESTER]);
	net_statement(&w->n, &s, STATEMENT_REVOCATION);
	key_id(&w->n.person[NET_LEGAL].signer.key, s.subject);
	apply_seed("revocation", &s, &w->n.person[NET_COURT]);
	net_statement(&w->n, &s, STATEMENT_AMENDMENT);
	memcpy(s.subject, w->n.genesis, SHA256_BYTES);
	apply_seed("amendment", &s, &w->n.person[NET_LEGAL]);
}

static void
of_others(struct world *w)
{
	struct statement	s;

	net_statement(&w->n, &s, STATEMENT_ORDER);
	memcpy(s.subject, w->met, SHA256_BYTES);
	memcpy(s.u.order.scope, w->scope, SHA256_BYTES);
	s.expires = s.issued + 600;
	buf_span(&s.bytes, buf_view(&w->n.worker));
	apply_seed("order", &s, &w->n.log);
	net_statement(&w->n, &s, STATEMENT_RECEIPT);
	memcpy(s.subject, w->order, SHA256_BYTES);
	s.u.receipt.custodian = 2;
	s.u.receipt.count = 4;
	apply_seed("receipt", &s, &w->n.signing[1]);
	net_statement(&w->n, &s, STATEMENT_RELEASE);
	memcpy(s.subject, w->order, SHA256_BYTES);
	s.u.release.n = 1;
	s.u.release.custodian[0].index = 1;
	s.u.release.custodian[0].good = true;
	memcpy(s.u.release.custodian[0].receipt, w->receipt, SHA256_BYTES);
	apply_seed("release", &s, &w->n.log);
	net_statement(&w->n, &s, STATEMENT_CONSENT);
	memcpy(s.subject, w->met, SHA256_BYTES);
	s.u.consent.custodian = 3;
	apply_seed("consent", &s, &w->n.signing[2]);
	net_statement(&w->n, &s, STATEMENT_CHECKED);
	memcpy(s.subject, w->met, SHA256_BYTES);
	s.u.checked.custodian = 3;
	s.u.checked.first = 1;
	apply_seed("checked", &s, &w->n.signing[2]);
}

int
main(int argc, char **argv)
{
	struct buf	note = BUF_INIT(NOTE_BYTES_MAX);

	PROMISE(argc == 3);
	corpus = argv[1];
	vectors = argv[2];
	PROMISE(mkdir(corpus, 0755) == 0 || errno == EEXIST);
	of_vectors();
	make_notes(&note);
	make_policy();
	make_tiles();
	make_frames();
	make_certificates(&note);
	make_query();
	make_texts();
	make_charter();
	make_packages();
	make_calls();
	make_parties();
	of_people(world());
	of_others(world());
	buf_done(&note);
	return 0;
}
