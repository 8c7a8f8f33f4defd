/*
 * tests/system/forge.c - says to real daemons what our own programs never would.
 *
 *	forge decision REQUEST --key KEY [--deny] [--genesis HEX] [--charter HEX] [--expired]
 *	    [--seen-root HEX] [--subject HEX] [--flip-signature]	a DSSE envelope
 *	forge respell FILE			the same statement in the other base64 alphabet
 *	forge order NET REQUEST [--scope HEX] [--addressee CERT]	an order, signed with the log key in the
 *	    coordinator's own token
 *	forge submit FILE			hands an envelope in; prints the coordinator's answer
 *	forge contribute NET CUSTODIAN ORDER	asks a custodian as the coordinator would
 *	forge append NET CUSTODIAN NOTE		brings a custodian a "cosigned" note, no entries
 *
 *	forge hand CUSTODIAN FILE [--times N]	hands an envelope to a custodian, as anybody could; the last answer,
 *	    and how many calls were refused for being too many
 *
 * Answers are one JSON object. Exit: as edge/edge.h, by the answer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/artifact.h"

static bool	want_deny, want_expired, want_flip;

struct forging {
	const char	*key, *genesis, *charter, *seen_root, *subject, *scope, *addressee, *times;
};

static enum rc
override(const char *hex, uint8_t out[SHA256_BYTES], struct err *err)
{
	return hex == NULL ? RC_OK : cli_id(hex, out, SHA256_BYTES, "anything", err);
}

/* One member's value in the URL alphabet, without padding. */
static void
respell_member(struct buf *b, const char *member)
{
	char	*p = strstr(buf_text(b), member), *end;

	if (p == NULL)
		return;
	for (p += strlen(member), end = strchr(p, '"'); end != NULL && p < end; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	while (end != NULL && end[-1] == '=') {
		memmove(end - 1, end, b->n - (size_t)((uint8_t *)end - b->p));
		b->n--;
		end--;
	}
}

/*
 * The same envelope in the other alphabet: other bytes, the same statement. A payload
 * may spell the same in both; 64 bytes of signature always lose their padding.
 */
static void
to_url_alphabet(struct buf *b)
{
	respell_member(b, "\"payload\":\"");
	respell_member(b, "\"sig\":\"");
}

static void
flip_signature(struct buf *b)
{
	char	*p = strstr(buf_text(b), "\"sig\":\"");

	if (p != NULL)
		p[10] = p[10] == 'A' ? 'B' : 'A';
}

static enum rc
decision(const char *request, const struct forging *f, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(keyfile_free) struct keyfile *key = NULL;
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX);
	struct statement	s;

	TRY(remote_open(&r, err));
	TRY(cli_key(f->key, &key, err));
	TRY(remote_statement(r, STATEMENT_DECISION, 3600, &s, err));
	TRY(cli_id(request, s.subject, SHA256_BYTES, "a request", err));
	s.u.decision.approve = !want_deny;
	TRY(override(f->genesis, s.genesis, err));
	TRY(override(f->charter, s.charter, err));
	TRY(override(f->seen_root, s.seen_root, err));
	TRY(override(f->subject, s.subject, err));
	if (want_expired) {
		s.issued -= 7200;
		s.expires = s.issued + 3600;
	}
	TRY(statement_sign(&s, keyfile_signer(key), &dsse, err));
	if (want_flip)
		flip_signature(&dsse);
	(void)fwrite(dsse.p, 1, dsse.n, stdout);
	return RC_OK;
}

static enum rc
respell(const char *path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(2 * DSSE_BYTES_MAX);

	TRY(file_read(path, &dsse, err));
	to_url_alphabet(&dsse);
	(void)fwrite(dsse.p, 1, dsse.n, stdout);
	return RC_OK;
}

static enum rc
submit(const char *path, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(2 * DSSE_BYTES_MAX);
	Quorate__V1__SubmitRequest	 q = QUORATE__V1__SUBMIT_REQUEST__INIT;
	Quorate__V1__SubmitReply	*a = NULL;
	enum rc				 rc;

	TRY(remote_open(&r, err));
	TRY(file_read(path, &dsse, err));
	q.statement = (ProtobufCBinaryData){ dsse.n, dsse.p };
	TRY(remote_call(r, "Submit", &q, &quorate__v1__submit_reply__descriptor, REMOTE_MS, &a, err));
	rc = cli_print_json(json_pack("{s:o?,s:b,s:b,s:b,s:I,s:s,s:s}", "id",
	    json_hex(SPAN(a->id.data, a->id.len)), "logged", a->logged, "effective", a->effective,
	    "repeated", a->repeated, "entry", (json_int_t)a->index, "why", a->why, "words", a->words), err);
	if (rc == RC_OK && !a->effective)
		rc = RC_DENIED;
	message_free(a);
	return rc;
}

/* --- an order, as only the coordinator's key can sign ------------------------------------------ */

static enum rc
log_signer(const char *net, struct hsm **hsm, struct hsm_signer **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(65536), sealed = BUF_INIT(HSM_SEALED_SEED_BYTES);
	AUTO(json_decref) json_t *json = NULL;
	struct token_config	token;
	char			path[FILE_PATH_MAX];

	TRY(file_path(path, err, "%s/coordinator/state/coordinator.json", net));
	TRY(file_read(path, &text, err));
	TRY(json_read(buf_view(&text), 65536, &json, err));
	TRY(token_config_parse(json_object_get(json, "token"), &token, err));
	TRY(file_path(path, err, "%s/coordinator/state", net));
	TRY(token_open(&token, path, hsm, err));
	return hsm_signer_open(*hsm, "quorate log", NULL, buf_view(&sealed), ret, err);
}

static enum rc
order(const char *net, const char *request, const struct forging *f, struct err *err)
{
	AUTO(remote_free) struct remote *r = NULL;
	AUTO(hsm_close) struct hsm *hsm = NULL;
	AUTO(hsm_signer_free) struct hsm_signer *log = NULL;
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX), pem = BUF_INIT(65536);
	struct request_seen	seen;
	struct statement	s;
	struct signer		signer;
	uint8_t			id[SHA256_BYTES];
	char			path[FILE_PATH_MAX];

	TRY(remote_open(&r, err));
	TRY(cli_id(request, id, sizeof(id), "a request", err));
	TRY(request_fetch(r, id, &seen, err));
	TRY(log_signer(net, &hsm, &log, err));
	TRY(remote_statement(r, STATEMENT_ORDER, 600, &s, err));
	memcpy(s.subject, id, sizeof(id));
	memcpy(s.u.order.scope, seen.statement.subject, SHA256_BYTES);
	TRY(override(f->scope, s.u.order.scope, err));
	s.bytes = BUF_INIT(RECIPIENT_CERT_MAX);
	TRY(file_path(path, err, "%s/recipient/cert.pem", net));
	TRY(file_read(f->addressee == NULL ? path : f->addressee, &pem, err));
	TRY(pem_to_der(buf_view(&pem), &s.bytes, err));
	signer = hsm_as_signer(log);
	TRY(statement_sign(&s, &signer, &dsse, err));
	(void)fwrite(dsse.p, 1, dsse.n, stdout);
	request_seen_done(&seen);
	statement_done(&s);
	return RC_OK;
}

/* --- a custodian, asked with the coordinator's own identity --------------------------------- */

static enum rc
as_coordinator(const char *net, const struct charter *c, const char *number, struct rpc_client **ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf cert = BUF_INIT(16384);
	AUTO(secret_free) struct secret *key = NULL;
	struct rpc_client_options	o;
	char				path[FILE_PATH_MAX];
	unsigned			i = (unsigned)atoi(number);

	if (i < 1 || i > c->n)
		return err_set(err, RC_USAGE, "no custodian %s", number);
	TRY(file_path(path, err, "%s/coordinator/state/tls.crt", net));
	TRY(file_read(path, &cert, err));
	TRY(file_path(path, err, "%s/coordinator/state/tls.key", net));
	TRY(file_read_secret(path, 16384, &key, err));
	memset(&o, 0, sizeof(o));
	o.address = c->custodian[i - 1].address;
	o.server_cert = SPAN(c->custodian[i - 1].tls_certificate.p, c->custodian[i - 1].tls_certificate.n);
	o.cert_pem = buf_view(&cert);
	o.key_pem = SPAN(secret_view(key), secret_len(key));
	return rpc_client_new(&o, ret, err);
}

static enum rc
ask_custodian(const char *net, const char *number, const char *method, const ProtobufCMessage *q, struct err *err)
{
	AUTO(charter_free) struct charter *c = NULL;
	AUTO(rpc_client_free) struct rpc_client *client = NULL;
	AUTO_DONE(buf_done) struct buf out = BUF_INIT(RPC_MESSAGE_MAX), in = BUF_INIT(2 * RPC_MESSAGE_MAX);
	char	said[RPC_SAID_BYTES] = "";
	enum rc	rc, printed;

	TRY(local_charter(NULL, &c, err));
	TRY(as_coordinator(net, c, number, &client, err));
	(void)protobuf_c_message_pack(q, buf_extend(&out, protobuf_c_message_get_packed_size(q)));
	rc = rpc_call_said(client, method, buf_view(&out), 20000, &in, said, err);
	printed = cli_print_json(json_pack("{s:s,s:s,s:I}", "answer", rc_name(rc), "words", said, "bytes",
	    (json_int_t)in.n), err);
	return rc != RC_OK ? rc : printed;
}

static enum rc
contribute(const char *net, const char *number, const char *order, struct err *err)
{
	Quorate__V1__ContributeRequest	q = QUORATE__V1__CONTRIBUTE_REQUEST__INIT;
	uint8_t				id[SHA256_BYTES];

	TRY(cli_id(order, id, sizeof(id), "an order", err));
	q.order = (ProtobufCBinaryData){ sizeof(id), id };
	return ask_custodian(net, number, "/quorate.v1.Custodian/Contribute", &q.base, err);
}

static enum rc
append(const char *net, const char *number, const char *path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf note = BUF_INIT(NOTE_BYTES_MAX);
	Quorate__V1__AppendRequest	q = QUORATE__V1__APPEND_REQUEST__INIT;

	TRY(file_read(path, &note, err));
	q.cosigned = (ProtobufCBinaryData){ note.n, note.p };
	return ask_custodian(net, number, "/quorate.v1.Custodian/Append", &q.base, err);
}

/* --- a custodian, asked by a stranger --------------------------------------------------------- */

static enum rc
as_stranger(const char *number, struct rpc_client **ret, struct err *err)
{
	AUTO(charter_free) struct charter *c = NULL;
	struct rpc_client_options	o;
	unsigned			i = (unsigned)atoi(number);

	TRY(local_charter(NULL, &c, err));
	if (i < 1 || i > c->n)
		return err_set(err, RC_USAGE, "no custodian %s", number);
	memset(&o, 0, sizeof(o));
	o.address = c->custodian[i - 1].address;
	o.server_cert = SPAN(c->custodian[i - 1].tls_certificate.p, c->custodian[i - 1].tls_certificate.n);
	return rpc_client_new(&o, ret, err);
}

static enum rc
print_taken(enum rc rc, const char *said, unsigned limited, struct span reply, struct err *err)
{
	Quorate__V1__SubmitReply	*a = rc == RC_OK ? quorate__v1__submit_reply__unpack(NULL, reply.n, reply.p) : NULL;
	enum rc				 printed;

	printed = cli_print_json(json_pack("{s:s,s:s,s:I,s:b,s:b,s:s}", "answer", rc_name(rc), "words", said, "limited",
	    (json_int_t)limited, "taken", a != NULL && a->effective, "logged", a != NULL && a->logged, "why",
	    a == NULL ? "" : a->why), err);
	if (a != NULL)
		quorate__v1__submit_reply__free_unpacked(a, NULL);
	return rc != RC_OK ? rc : printed;
}

static enum rc
hand(const char *number, const char *path, const char *times, struct err *err)
{
	AUTO(rpc_client_free) struct rpc_client *client = NULL;
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(2 * DSSE_BYTES_MAX), out = BUF_INIT(RPC_MESSAGE_MAX);
	AUTO_DONE(buf_done) struct buf in = BUF_INIT(RPC_MESSAGE_MAX);
	Quorate__V1__SubmitRequest	q = QUORATE__V1__SUBMIT_REQUEST__INIT;
	char				said[RPC_SAID_BYTES] = "";
	unsigned			n = times == NULL ? 1 : (unsigned)atoi(times), limited = 0;
	enum rc				rc = RC_USAGE;

	TRY(as_stranger(number, &client, err));
	TRY(file_read(path, &dsse, err));
	q.statement = (ProtobufCBinaryData){ dsse.n, dsse.p };
	(void)quorate__v1__submit_request__pack(&q, buf_extend(&out, quorate__v1__submit_request__get_packed_size(&q)));
	while (n-- > 0) {
		buf_reset(&in);
		rc = rpc_call_said(client, "/quorate.v1.Custodian/Submit", buf_view(&out), 5000, &in, said, err);
		limited += rc == RC_LIMIT;
	}
	return print_taken(rc, said, limited, buf_view(&in), err);
}

static enum rc
run(int argc, char **argv, struct err *err)
{
	struct forging		 f = { .key = NULL };
	const char		*w[3] = { NULL, NULL, NULL };
	const struct option_row	 rows[] = {
		{ "key", OPTION_TEXT, &f.key, "KEY", "" }, { "genesis", OPTION_TEXT, &f.genesis, "HEX", "" },
		{ "charter", OPTION_TEXT, &f.charter, "HEX", "" }, { "seen-root", OPTION_TEXT, &f.seen_root, "HEX", "" },
		{ "subject", OPTION_TEXT, &f.subject, "HEX", "" }, { "deny", OPTION_FLAG, &want_deny, NULL, "" },
		{ "expired", OPTION_FLAG, &want_expired, NULL, "" }, { "flip-signature", OPTION_FLAG, &want_flip, NULL, "" },
		{ "scope", OPTION_TEXT, &f.scope, "HEX", "" }, { "addressee", OPTION_TEXT, &f.addressee, "FILE", "" },
		{ "times", OPTION_TEXT, &f.times, "N", "" },
	};
	const struct command	 c = { "forge decision|order|respell|submit|contribute|append|hand ...", "For tests.", rows,
		sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;

	if (argc < 2)
		return err_set(err, RC_USAGE, "%s", c.usage);
	TRY(options_read(&c, argc - 1, argv + 1, w, 1, 3, &n, &help, err));
	if (strcmp(argv[1], "decision") == 0 && n == 1 && f.key != NULL)
		return decision(w[0], &f, err);
	if (strcmp(argv[1], "order") == 0 && n == 2)
		return order(w[0], w[1], &f, err);
	if (strcmp(argv[1], "respell") == 0 && n == 1)
		return respell(w[0], err);
	if (strcmp(argv[1], "submit") == 0 && n == 1)
		return submit(w[0], err);
	if (strcmp(argv[1], "contribute") == 0 && n == 3)
		return contribute(w[0], w[1], w[2], err);
	if (strcmp(argv[1], "append") == 0 && n == 3)
		return append(w[0], w[1], w[2], err);
	if (strcmp(argv[1], "hand") == 0 && n == 2)
		return hand(w[0], w[1], f.times, err);
	return err_set(err, RC_USAGE, "%s", c.usage);
}

int
main(int argc, char **argv)
{
	struct err	err = { RC_OK, "" };
	enum rc		rc = secret_init(&err);

	if (rc == RC_OK)
		rc = run(argc, argv, &err);
	if (rc != RC_OK && err.msg[0] != '\0')
		fprintf(stderr, "forge: %s\n", err.msg);
	return exit_code(rc);
}
