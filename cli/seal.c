/*
 * cli/seal.c - quorate seal: encrypt here, hand over ciphertext, believe only a receipt.
 *
 * Plaintext, the secret and the segment keys never leave this process. The envelope
 * is spooled in an unnamed file, since its head is known last. "Sealed" is said when
 * q custodians cosigned the batch and h signed that they hold their shares.
 */
#include <sodium.h>

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/artifact.h"
#include "evidence/batch.h"
#include "evidence/envelope.h"
#include "policy/apply.h"

#define READ_BYTES	(1 << 20)
#define ARENA_BYTES	(64 << 10)
#define BATCH_LIFE	3600
#define WAIT_SECONDS	30
#define SIGN_TRIES	3	/* again, when the charter changed meanwhile */

struct seal_part { const char *path; char name[PART_NAME_MAX + 1]; };

struct sealing {
	struct remote		*r;
	const struct policy_rule *policy;
	const char		*class_id;
	struct seal_part	 part[PARTS_MAX];
	size_t			 n_parts;
	uint8_t			 id[ARTIFACT_ID_BYTES], salt[32], record[SHA256_BYTES];
	struct secret_arena	*arena;
	struct envelope_writer	*writer;
	int			 spool;
	uint64_t		 size;
	struct buf		 descriptor, dsse;
	struct batch_sealed	 sealed;
	struct statement	 statement;
	uint8_t			 upload[16];
};

static void
sealing_done(struct sealing *s)
{
	envelope_writer_free(s->writer);
	secret_arena_free(s->arena);
	if (s->spool >= 0)
		(void)close(s->spool);
	buf_done(&s->descriptor);
	buf_done(&s->dsse);
	batch_sealed_done(&s->sealed);
	statement_done(&s->statement);
}

/* --- the command line ---------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct seal_part *)a)->name, ((const struct seal_part *)b)->name);
}

static enum rc
read_parts(struct sealing *s, const struct texts *words, struct err *err)
{
	const char	*eq;
	size_t		 i;

	if (words->n == 0)
		return err_set(err, RC_USAGE, "--part is missing: --part NAME=FILE");
	if (words->n > PARTS_MAX)
		return err_set(err, RC_USAGE, "an artifact has at most %d parts", PARTS_MAX);
	for (i = 0; i < words->n; i++) {
		eq = strchr(words->v[i], '=');
		if (eq == NULL || eq[1] == '\0' || eq == words->v[i] || eq - words->v[i] > PART_NAME_MAX)
			return err_set(err, RC_USAGE, "--part %.60s: write NAME=FILE, NAME of at most %d characters",
			    words->v[i], PART_NAME_MAX);
		(void)snprintf(s->part[i].name, sizeof(s->part[i].name), "%.*s", (int)(eq - words->v[i]), words->v[i]);
		s->part[i].path = eq + 1;
		if (!is_ident(s->part[i].name, PART_NAME_MAX))
			return err_set(err, RC_USAGE, "part \"%s\": lower-case letters, digits, . _ -", s->part[i].name);
	}
	s->n_parts = words->n;
	qsort(s->part, s->n_parts, sizeof(s->part[0]), by_name);
	for (i = 1; i < s->n_parts; i++)
		if (strcmp(s->part[i - 1].name, s->part[i].name) == 0)
			return err_set(err, RC_USAGE, "part \"%s\" is given twice", s->part[i].name);
	return RC_OK;
}

/* Refuse before anything is encrypted what would be refused after. */
static enum rc
check_parts(const struct sealing *s, struct err *err)
{
	struct stat	st;
	size_t		i, piped = 0;

	for (i = 0; i < s->n_parts; i++) {
		if (strcmp(s->part[i].path, "-") == 0 && ++piped > 1)
			return err_set(err, RC_USAGE, "standard input can be one part only: give files");
		if (strcmp(s->part[i].path, "-") == 0)
			continue;
		if (stat(s->part[i].path, &st) != 0)
			return err_set(err, errno == ENOENT ? RC_USAGE : RC_IO, "part %s: %s: %s", s->part[i].name,
			    s->part[i].path, strerror(errno));
		if (S_ISDIR(st.st_mode))
			return err_set(err, RC_USAGE, "part %s: %s is a folder; seal files", s->part[i].name,
			    s->part[i].path);
		if (S_ISREG(st.st_mode) && st.st_size == 0)
			return err_set(err, RC_USAGE, "part %s: %s is empty; there is nothing to seal, leave it out",
			    s->part[i].name, s->part[i].path);
	}
	return RC_OK;
}

static enum rc
commit_record(struct sealing *s, const char *path, struct err *err)
{
	AUTO_DONE(buf_done) struct buf record = BUF_INIT(1 << 20);

	randombytes_buf(s->salt, sizeof(s->salt));
	if (path != NULL)
		TRY(file_read_given(path, &record, err));
	sha256(s->record, (struct span[]){ SPAN_OF(s->salt), buf_view(&record) }, 2);
	return RC_OK;
}

/* --- encryption ------------------------------------------------------------------------ */

static enum rc
spool_open(struct sealing *s, struct err *err)
{
	const char	*dir = getenv("TMPDIR");
	char		 path[FILE_PATH_MAX];

	if (dir == NULL || dir[0] == '\0')
		dir = "/var/tmp";
	s->spool = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (s->spool < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
		/* A file system that has no unnamed files. */
		TRY(file_path(path, err, "%s/quorate-spool.XXXXXX", dir));
		if ((s->spool = mkostemp(path, O_CLOEXEC)) >= 0)
			(void)unlink(path);
	}
	if (s->spool < 0)
		return err_set(err, RC_IO, "cannot spool in %s: %s; set TMPDIR to a folder with room", dir,
		    strerror(errno));
	return RC_OK;
}

static enum rc
spool_write(void *user, uint64_t at, struct span bytes, struct err *err)
{
	struct sealing	*s = user;
	ssize_t		 n;

	while (bytes.n > 0) {
		n = pwrite(s->spool, bytes.p, bytes.n, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(err, RC_IO, "cannot spool the envelope: %s; set TMPDIR to a folder with room",
			    strerror(errno));
		bytes.p += n;
		bytes.n -= (size_t)n;
		at += (uint64_t)n;
	}
	return RC_OK;
}

static enum rc
spool_read(void *user, uint64_t at, uint8_t *out, size_t n, struct err *err)
{
	struct sealing	*s = user;
	ssize_t		 done;

	while (n > 0) {
		done = pread(s->spool, out, n, (off_t)at);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return err_set(err, RC_IO, "cannot read the spooled envelope");
		out += done;
		n -= (size_t)done;
		at += (uint64_t)done;
	}
	return RC_OK;
}

static enum rc
encrypt_part(struct sealing *s, const struct seal_part *p, uint8_t *tmp, struct err *err)
{
	int	fd = strcmp(p->path, "-") == 0 ? STDIN_FILENO : open(p->path, O_RDONLY | O_CLOEXEC);
	ssize_t	n = 0;
	enum rc	rc;

	if (fd < 0)
		return err_set(err, RC_IO, "part %s: %s: %s", p->name, p->path, strerror(errno));
	rc = envelope_part(s->writer, p->name, err);
	while (rc == RC_OK && (n = read(fd, tmp, READ_BYTES)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		rc = n < 0 ? err_set(err, RC_IO, "part %s: %s: %s", p->name, p->path, strerror(errno)) :
		    envelope_write(s->writer, SPAN(tmp, (size_t)n), err);
	}
	if (fd != STDIN_FILENO)
		(void)close(fd);
	return rc;
}

static enum rc
encrypt(struct sealing *s, struct err *err)
{
	struct envelope_params	p;
	AUTO(secret_free) struct secret *tmp = secret_new(READ_BYTES);
	size_t			i;

	memset(&p, 0, sizeof(p));
	memcpy(p.genesis, s->r->first->digest, SHA256_BYTES);
	memcpy(p.id, s->id, sizeof(p.id));
	memcpy(p.policy, s->policy->digest, SHA256_BYTES);
	memcpy(p.record, s->record, SHA256_BYTES);
	p.class_id = s->class_id;
	p.sealed_at = clock_now();
	p.time_lock = s->policy->time_lock_seconds == 0 ? 0 : p.sealed_at + s->policy->time_lock_seconds;
	p.threshold = s->r->charter->k;
	p.shares = s->r->charter->n;
	p.segment_log2 = SEGMENT_LOG2_DEFAULT;
	p.n_parts = s->n_parts;
	for (i = 0; i < s->n_parts; i++)
		p.part[i] = s->part[i].name;
	if ((s->arena = secret_arena_new(ARENA_BYTES)) == NULL || tmp == NULL)
		return err_set(err, RC_NOMEM, "no locked memory; raise the memlock limit (ulimit -l)");
	TRY(envelope_new(&p, s->arena, spool_write, s, &s->writer, err));
	for (i = 0; i < s->n_parts; i++)
		TRY(encrypt_part(s, &s->part[i], secret_bytes(tmp), err));
	return envelope_finish(s->writer, &s->descriptor, &s->size, err);
}

/* The descriptor pins its policy: word for word it must be in force still. */
static enum rc
check_policy(const struct sealing *s, struct err *err)
{
	char	hex[HEX_BYTES(ARTIFACT_ID_BYTES)];

	if (charter_policy_by_digest(s->r->charter, s->policy->digest) != NULL)
		return RC_OK;
	return err_set(err, RC_DENIED, "artifact %s is not sealed: policy %s was amended meanwhile, and nothing was logged; read "
	    "it (`quorate charter show --in-force`) and run the command again", hex_write(SPAN_OF(s->id), hex), s->policy->id);
}

static enum rc
make_batch(struct sealing *s, const struct signer *signer, struct err *err)
{
	AUTO(batch_free) struct batch *b = NULL;
	uint32_t	leaf;

	/* First, for it looks which charter is in force by now. */
	TRY(remote_statement(s->r, STATEMENT_BATCH, BATCH_LIFE, &s->statement, err));
	TRY(check_policy(s, err));
	TRY(batch_new(s->r->first->digest, s->r->charter, &b, err));
	TRY(batch_add(b, buf_view(&s->descriptor), envelope_shares(s->writer), &leaf, err));
	TRY(batch_seal(b, &s->statement, &s->sealed, err));
	return statement_sign(&s->statement, signer, &s->dsse, err);
}

/*
 * A charter came in force between. What was sealed stays as it is, if its policy is still
 * there word for word: only who says so, and under which charter, is signed again.
 */
static enum rc
sign_again(struct sealing *s, const struct signer *signer, struct err *err)
{
	struct statement	fresh;

	TRY(remote_statement(s->r, STATEMENT_BATCH, BATCH_LIFE, &fresh, err));
	if (memcmp(fresh.charter, s->statement.charter, SHA256_BYTES) == 0)
		return err_set(err, RC_UNSURE, "not sealed: the coordinator speaks of another charter and does not show it; run "
		    "the command again");
	TRY(check_policy(s, err));
	memcpy(fresh.subject, s->statement.subject, sizeof(fresh.subject));
	fresh.u = s->statement.u;
	statement_done(&s->statement);
	s->statement = fresh;
	buf_reset(&s->dsse);
	return statement_sign(&s->statement, signer, &s->dsse, err);
}

/* --- handing over and the receipt --------------------------------------------------------- */

static enum rc
check_receipt(const struct sealing *s, const Quorate__V1__SealReply *a, uint32_t *ret_holders, struct err *err)
{
	struct entry	e;
	uint32_t	mask = 0;

	TRY(entry_parse(SPAN(a->leaf.data, a->leaf.len), &e, err));
	if (!span_eq(e.dsse, buf_view(&s->dsse)))
		return err_set(err, RC_VERIFY, "the log has another statement than the one handed in");
	TRY(remote_check_leaf(s->r, a->entry->index, SPAN(a->leaf.data, a->leaf.len),
	    SPAN(a->proof.data, a->proof.len), NULL, err));
	TRY(held_verify(s->r->first, &s->statement, a->held, a->n_held, &mask, err));
	if ((unsigned)__builtin_popcount(mask) < s->r->charter->h)
		return err_set(err, RC_UNSURE, "held by %d custodians, the charter asks for %u",
		    __builtin_popcount(mask), s->r->charter->h);
	*ret_holders = mask;
	return RC_OK;
}

static enum rc
hand_over(struct sealing *s, Quorate__V1__SealReply **ret, struct err *err)
{
	Quorate__V1__SealRequest	q = QUORATE__V1__SEAL_REQUEST__INIT;
	ProtobufCBinaryData		shares[CUSTODIANS_MAX];
	const struct timespec		pause = { 0, 200 * 1000000L };
	uint64_t			end = clock_ms() + WAIT_SECONDS * 1000;
	Quorate__V1__SealReply		*a = NULL;
	char				hex[HEX_BYTES(ARTIFACT_ID_BYTES)];
	enum rc				rc;
	uint8_t				i;

	for (i = 0; i < s->sealed.n; i++)
		shares[i] = (ProtobufCBinaryData){ s->sealed.shares[i].n, s->sealed.shares[i].p };
	q.statement = (ProtobufCBinaryData){ s->dsse.n, s->dsse.p };
	q.descriptors = (ProtobufCBinaryData){ s->sealed.descriptors.n, s->sealed.descriptors.p };
	q.n_shares = s->sealed.n;
	q.shares = shares;
	q.upload = (ProtobufCBinaryData){ sizeof(s->upload), s->upload };
	for (;;) {
		/* The same call again is the same batch: it only asks for the receipt. */
		rc = remote_call(s->r, "Seal", &q, &quorate__v1__seal_reply__descriptor, REMOTE_MS_LONG, &a, err);
		if (rc == RC_UNSURE)	/* it may stand in the log: nobody should lose its name */
			return err_wrap(err, rc, "artifact %s may or may not be sealed, ask `quorate status`",
			    hex_write(SPAN_OF(s->id), hex));
		TRY(rc);
		if (a->sealed || a->entry == NULL || !a->entry->logged || !a->entry->effective || clock_ms() > end)
			break;
		message_free(TAKE(a));
		(void)nanosleep(&pause, NULL);	/* it waited for custodians already: this only keeps us from spinning */
	}
	*ret = a;
	return RC_OK;
}

static bool
is_other_charter(const Quorate__V1__SealReply *a)
{
	return a->entry != NULL && !a->entry->effective && strcmp(a->entry->why, void_reason_name(VOID_CHARTER)) == 0;
}

/* As often as the charter changes under it, and no more than a few times. */
static enum rc
hand_over_signed(struct sealing *s, const struct signer *signer, Quorate__V1__SealReply **ret, struct err *err)
{
	Quorate__V1__SealReply	*a = NULL;
	bool			 logged;

	for (unsigned tries = 0;; tries++) {
		TRY(hand_over(s, &a, err));
		if (!is_other_charter(a) || tries == SIGN_TRIES)
			break;
		logged = a->entry->logged;
		message_free(TAKE(a));
		TRY(sign_again(s, signer, err));
		if (logged)	/* as void: the upload went with it */
			TRY(remote_upload(s->r, "sealing", s->size, spool_read, s, s->upload, err));
	}
	*ret = a;
	return RC_OK;
}

static enum rc
judge(const struct sealing *s, const Quorate__V1__SealReply *a, uint32_t *ret_holders, struct err *err)
{
	char	hex[HEX_BYTES(ARTIFACT_ID_BYTES)];

	if (a->entry == NULL)
		return err_set(err, RC_FORMAT, "the coordinator's answer has no entry");
	if (!a->entry->logged || !a->entry->effective)
		return err_set(err, RC_DENIED, "not sealed: %.200s", a->entry->words);
	if (!a->sealed)
		return err_set(err, RC_UNSURE, "artifact %s is logged but not yet held by enough custodians "
		    "(%u of %u cosigned); keep the originals and ask `quorate status %s`",
		    hex_write(SPAN_OF(s->id), hex), a->entry->have, a->entry->need, hex);
	return check_receipt(s, a, ret_holders, err);
}

static json_t *
held_json(const Quorate__V1__SealReply *a)
{
	json_t	*list = json_array();
	size_t	 i;

	for (i = 0; list != NULL && i < a->n_held; i++)
		if (json_array_append_new(list, json_stringn((const char *)a->held[i].data, a->held[i].len)) != 0) {
			json_decref(list);
			return NULL;
		}
	return list;
}

static enum rc
report(const struct sealing *s, const Quorate__V1__SealReply *a, uint32_t holders, bool record, struct err *err)
{
	char	hex[HEX_BYTES(ARTIFACT_ID_BYTES)], salt[HEX_BYTES(32)], size[24];
	json_t	*o;

	hex_write(SPAN_OF(s->id), hex);
	hex_write(SPAN_OF(s->salt), salt);
	if (!cli_json) {
		printf("artifact %s\nsealed: entry %llu, cosigned by a quorum, held by %d of %u custodians (%s)\n", hex,
		    (unsigned long long)a->entry->index, __builtin_popcount(holders), s->r->charter->n,
		    size_text(s->size, size));
		if (record)
			printf("record salt %s (keep it beside the record: the log holds a commitment to both)\n", salt);
		return RC_OK;
	}
	o = json_pack("{s:s,s:I,s:i,s:I,s:{s:o?,s:s%,s:o?}}", "artifact", hex, "entry",
	    (json_int_t)a->entry->index, "holders", __builtin_popcount(holders), "envelope_bytes",
	    (json_int_t)s->size, "receipt", "batch", json_hex(SPAN_OF(s->statement.id)), "proof",
	    (const char *)a->proof.data, a->proof.len, "held", held_json(a));
	if (o != NULL && record && json_object_set_new(o, "record_salt", json_string(salt)) != 0) {
		json_decref(o);
		return err_set(err, RC_NOMEM, "no memory");
	}
	return cli_print_json(o, err);
}

static enum rc
seal(struct sealing *s, const char *keypath, bool record, struct err *err)
{
	AUTO(keyfile_free) struct keyfile *key = NULL;
	Quorate__V1__SealReply	*a = NULL;
	uint32_t		 holders = 0;
	enum rc			 rc;

	TRY(cli_key(keypath, &key, err));
	randombytes_buf(s->id, sizeof(s->id));
	TRY(spool_open(s, err));
	TRY(encrypt(s, err));
	TRY(make_batch(s, keyfile_signer(key), err));
	TRY(remote_upload(s->r, "sealing", s->size, spool_read, s, s->upload, err));
	TRY(hand_over_signed(s, keyfile_signer(key), &a, err));
	rc = judge(s, a, &holders, err);
	if (rc == RC_OK)
		rc = report(s, a, holders, record, err);
	message_free(a);
	return rc;
}

enum rc
cmd_seal(int argc, char **argv, struct err *err)
{
	static struct texts	 parts;
	const char		*policy = NULL, *class_id = NULL, *record = NULL, *key = getenv("QUORATE_SEALER_KEY");
	const char		*given = NULL;
	AUTO(remote_free) struct remote *r = NULL;
	AUTO_DONE(sealing_done) struct sealing s = { .spool = -1, .descriptor = BUF_INIT(DESCRIPTOR_BYTES_MAX),
	    .dsse = BUF_INIT(DSSE_BYTES_MAX), .sealed = BATCH_SEALED_INIT };
	const struct option_row	rows[] = {
		{ "policy", OPTION_TEXT | OPTION_NEEDED, &policy, "ID", "the policy of the charter it is sealed under" },
		{ "part", OPTION_TEXTS, &parts, "NAME=FILE", "a part; again for more; FILE may be -" },
		{ "class", OPTION_TEXT, &class_id, "ID", "retention class (the charter's first)" },
		{ "record", OPTION_TEXT, &record, "FILE", "who, when, which model: only a salted commitment is logged" },
		{ "key", OPTION_TEXT, &given, "KEY", "the sealer's key (QUORATE_SEALER_KEY)" },
		JSON_ROW,
	};
	const struct command	c = {
		"quorate seal --policy ID --part prompt=prompt.txt --part image=img.png [--key SEALER.key]",
		"Encrypts an artifact on this host and puts its key in custody, k-of-n. Says \"sealed\" only with a\n"
		"receipt: a quorum of custodians cosigned, and enough of them signed that they hold their shares.",
		rows, sizeof(rows) / sizeof(rows[0]) };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, NULL, 0, 0, &n, &help, err));
	if (help)
		return RC_OK;
	if (given != NULL)
		key = given;
	if (key == NULL)
		return err_set(err, RC_USAGE, "which sealer? Give --key, or set QUORATE_SEALER_KEY");
	TRY(read_parts(&s, &parts, err));
	TRY(check_parts(&s, err));
	TRY(remote_open(&r, err));
	s.r = r;
	if ((s.policy = charter_policy(r->charter, policy)) == NULL)
		return err_set(err, RC_USAGE, "the charter has no policy \"%.40s\"; see `quorate charter show`", policy);
	s.class_id = class_id != NULL ? class_id : r->charter->n_classes > 0 ? r->charter->class_[0].id : "";
	if (charter_class(r->charter, s.class_id) == NULL)
		return err_set(err, RC_USAGE, "the charter has no class \"%.40s\"", s.class_id);
	TRY(commit_record(&s, record, err));
	return seal(&s, key, record != NULL, err);
}
