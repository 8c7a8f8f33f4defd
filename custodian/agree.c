/* custodian/agree.c - `custodiand agree`: to a successor of the coordinator. */
#include <stdio.h>
#include <string.h>

#include "base/wire.h"
#include "custodian/agree.h"
#include "custodian/custody.h"
#include "edge/options.h"
#include "edge/succession.h"

#define SUCCESSOR	"successor.json"

/* --- the successor that was agreed to ------------------------------------------------- */

static struct timespec
changed_at(const char *dir)
{
	struct timespec	none = { 0, 0 };
	struct stat	st;
	struct err	ignored;
	char		path[FILE_PATH_MAX];

	/* Written last: with it both are there. */
	if (file_path(path, &ignored, "%s/" SUCCESSOR ".dsse", dir) != RC_OK || stat(path, &st) != 0)
		return none;
	return st.st_mtim;
}

bool
successor_changed(const char *dir, const struct successor *s)
{
	struct timespec	t = changed_at(dir);

	return t.tv_sec != s->changed.tv_sec || t.tv_nsec != s->changed.tv_nsec;
}

/* Of this log, after this charter, and signed by ourselves. RC_MISSING: nothing to come. */
static enum rc
check_agreed(const char *path, const struct charter *now, uint8_t index, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(DSSE_BYTES_MAX);
	AUTO_DONE(dsse_done) struct dsse d;
	struct succession	s;

	memset(&d, 0, sizeof(d));
	TRY(succession_file_read(path, &s, &text, err));
	if (memcmp(s.now, now->digest, sizeof(s.now)) != 0)	/* public digests */
		return err_set(err, RC_MISSING, "it follows another charter than the one in force");
	TRY(dsse_parse(buf_view(&text), &d, err));
	if (index == 0 || !dsse_signed_by(&d, &now->custodian[index - 1].signing_key))
		return err_set(err, RC_DENIED, "this custodian did not sign it");
	return RC_OK;
}

enum rc
successor_read(const char *dir, const struct charter *now, uint8_t index, struct successor *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(CHARTER_BYTES_MAX);
	char	path[FILE_PATH_MAX];
	enum rc	rc;

	ret->charter = NULL;
	ret->changed = changed_at(dir);
	TRY(file_path(path, err, "%s/" SUCCESSOR, dir));
	if (ret->changed.tv_sec == 0 && ret->changed.tv_nsec == 0)
		return RC_OK;
	rc = check_agreed(path, now, index, err);
	if (rc == RC_OK)
		rc = file_read(path, &json, err);
	if (rc == RC_OK)
		rc = charter_parse(buf_view(&json), &ret->charter, err);
	if (rc == RC_OK)
		log_line("lets in the coordinator that is to succeed, as agreed: %s", ret->charter->coordinator.organisation);
	else if (rc != RC_MISSING)
		log_err(err, "%s is not looked at", path);
	return rc == RC_NOMEM ? rc : RC_OK;
}

/* --- agree ------------------------------------------------------------------------------ */

struct agreeing {
	const char		*dir, *path;
	struct custody		*c;
	const struct charter	*now;
	struct charter		*next;
	struct succession	 what;
};

static void
agreeing_done(struct agreeing *a)
{
	charter_free(a->next);
	custody_free(a->c);
}

static enum rc
read_next(struct agreeing *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf json = BUF_INIT(CHARTER_BYTES_MAX), text = BUF_INIT(DSSE_BYTES_MAX);
	enum rc	rc;

	TRY(file_read_given(a->path, &json, err));
	TRY(charter_parse(buf_view(&json), &a->next, err));
	rc = charter_follows(a->now, a->next, CHANGE_SUCCESSION, err);
	if (rc != RC_OK)
		return err_wrap(err, RC_DENIED, "%s may not take the place of the charter in force", a->path);
	if ((rc = custody_may_follow(a->c, err)) != RC_OK)
		return err_wrap(err, rc == RC_LIMIT ? RC_DENIED : rc, "%s is not agreed to", a->path);
	rc = succession_file_read(a->path, &a->what, &text, err);
	if (rc == RC_MISSING)
		return err_set(err, RC_USAGE, "%s.dsse is not there: `quorate charter succeed` makes it, from what an export of the "
		    "log says", a->path);
	return rc;
}

/* What it signed, as far as it knows. RC_UNSURE: it does not know. */
static enum rc
most_signed(struct agreeing *a, uint64_t *ret, struct err *err)
{
	AUTO_DONE(compared_note_done) struct compared_note n = COMPARED_NOTE_INIT;
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(64);
	struct rd	r;
	uint64_t	since;
	enum rc		rc;

	TRY(compare_note_get(a->c, CUSTODY_SIGNED, &n, err));
	*ret = n.size;
	rc = store_get(a->c->store, CUSTODY_RESTORED, &v, err);
	if (rc == RC_MISSING)
		return RC_OK;
	TRY(rc);
	r = rd_init(SPAN(v.p + (v.n < 8 ? 0 : v.n - 8), v.n < 8 ? 0 : 8));
	if (!rd_u64(&r, &since))
		return err_set(err, RC_BUG, "the record of what was restored is damaged");
	if (since == UINT64_MAX)
		return err_set(err, RC_UNSURE, "this custodian was put back and has not caught up with the others: it does not know what "
		    "it signed; let others agree");
	return RC_OK;
}

/*
 * Where q custodians agree each of whom signed no longer log than the one that goes on,
 * no q ever cosigned a longer one: nothing that was acknowledged is lost. What is past our
 * own end the new coordinator must bring.
 */
static enum rc
check_seen(struct agreeing *a, struct err *err)
{
	const struct succession	*s = &a->what;
	uint64_t		 size = store_size(a->c->store), most;
	uint8_t			 root[SHA256_BYTES];

	TRY(most_signed(a, &most, err));
	if (memcmp(s->genesis, a->c->genesis, sizeof(s->genesis)) != 0 ||
	    memcmp(s->now, a->now->digest, sizeof(s->now)) != 0)	/* public digests */
		return err_set(err, RC_DENIED, "%s.dsse is of another log, or follows another charter than the one in force", a->path);
	if (s->size < most)
		return err_set(err, RC_DENIED, "%s.dsse goes on from %llu entries, and this custodian cosigned %llu, which must not be "
		    "lost: make it again from an export of the custodian that has the most", a->path,
		    (unsigned long long)s->size, (unsigned long long)most);
	if (s->size > size) {
		printf("of the %llu entries %llu are here; the new coordinator must bring the others\n", (unsigned long long)s->size,
		    (unsigned long long)size);
		return RC_OK;
	}
	TRY(store_root_at(a->c->store, s->size, root, err));
	if (memcmp(root, s->root, sizeof(root)) != 0)	/* public */
		return err_set(err, RC_DENIED, "%s.dsse goes on from another log than this custodian holds", a->path);
	return RC_OK;
}

static void
show_party(const char *word, const struct charter *c)
{
	AUTO_DONE(buf_done) struct buf key = BUF_INIT(256);
	uint8_t	tls[SHA256_BYTES], package[SHA256_BYTES];
	char	hex[HEX_BYTES(SHA256_BYTES)], hex2[HEX_BYTES(SHA256_BYTES)];

	key_write(&c->coordinator.log_key, &key);
	sha256_one(tls, SPAN(c->coordinator.tls_certificate.p, c->coordinator.tls_certificate.n));
	sha256_one(package, SPAN(c->coordinator.package_certificate.p, c->coordinator.package_certificate.n));
	printf("%s %s at %s\n  log key             %s\n  TLS certificate     %s\n  package certificate %s\n", word,
	    c->coordinator.organisation, c->coordinator.address, buf_text(&key), hex_write(SPAN_OF(tls), hex),
	    hex_write(SPAN_OF(package), hex2));
}

static void
show(const struct agreeing *a)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];

	show_party("coordinator until now:", a->now);
	show_party("coordinator from now: ", a->next);
	printf("nothing else changes. It goes on from %llu entries, root %s\n", (unsigned long long)a->what.size,
	    hex_write(SPAN_OF(a->what.root), hex));
}

/* Two successors at one time would be two logs: of the first somebody must have said that it will not be. */
static enum rc
not_another(struct agreeing *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf text = BUF_INIT(DSSE_BYTES_MAX);
	struct succession	s;
	char			path[FILE_PATH_MAX];
	enum rc			rc;

	TRY(file_path(path, err, "%s/" SUCCESSOR, a->dir));
	rc = succession_file_read(path, &s, &text, err);
	if (rc != RC_OK || memcmp(s.now, a->now->digest, sizeof(s.now)) != 0 ||
	    memcmp(s.next, a->what.next, sizeof(s.next)) == 0)
		return rc == RC_NOMEM || rc == RC_IO ? rc : RC_OK;
	return err_set(err, RC_DENIED, "this custodian agreed to another successor already: when it is certain that that one never "
	    "runs, remove %s and %s.dsse, and agree again", path, path);
}

static enum rc
keep_file(const char *from, const char *dir, const char *name, size_t max, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(max);
	char	path[FILE_PATH_MAX];

	TRY(file_read(from, &b, err));
	TRY(file_path(path, err, "%s/%s", dir, name));
	return file_write(path, buf_view(&b), 0644, err);
}

static enum rc
sign(struct agreeing *a, uint8_t *ret_index, struct err *err)
{
	AUTO(hsm_close) struct hsm *hsm = NULL;
	AUTO(hsm_key_free) struct hsm_key *share = NULL;
	AUTO(hsm_signer_free) struct hsm_signer *signer = NULL;
	struct signer	s;
	uint8_t		i;
	char		sidecar[FILE_PATH_MAX];

	TRY(config_keys(&a->c->config, &hsm, &share, &signer, err));
	s = hsm_as_signer(signer);
	for (i = 0; i < a->now->n; i++)
		if (memcmp(a->now->custodian[i].signing_key.bytes, hsm_signer_public(signer), HSM_ED25519_BYTES) == 0)
			*ret_index = (uint8_t)(i + 1);
	if (*ret_index == 0)
		return err_set(err, RC_DENIED, "the charter in force does not name this custodian's signing key");
	TRY(succession_file_sign(a->path, &a->what, &s, err));
	TRY(file_path(sidecar, err, "%s.dsse", a->path));
	TRY(keep_file(a->path, a->dir, SUCCESSOR, CHARTER_BYTES_MAX, err));
	return keep_file(sidecar, a->dir, SUCCESSOR ".dsse", DSSE_BYTES_MAX + 1, err);
}

static enum rc
agree(struct agreeing *a, struct err *err)
{
	AUTO_DONE(buf_done) struct buf dsse = BUF_INIT(DSSE_BYTES_MAX), missing = BUF_INIT(4096);
	uint8_t	index = 0;

	TRY(custody_look(a->dir, &a->c, err));
	a->now = replica_charter(a->c->replica);
	TRY(read_next(a, err));
	TRY(check_seen(a, err));
	TRY(not_another(a, err));
	show(a);
	TRY(sign(a, &index, err));
	printf("signed as custodian %u (%s); the new coordinator is let in here from now on\n", index, a->c->config.name);
	TRY(succession_signatures(a->path, a->now, &dsse, &missing, err));
	fputs(missing.n == 0 ? "all that is needed have signed: the new coordinator can begin\n" : buf_text(&missing), stdout);
	return RC_OK;
}

enum rc
custodian_agree(int argc, char **argv, struct err *err)
{
	AUTO_DONE(agreeing_done) struct agreeing a;
	const char	*dir = NULL, *charter = NULL;
	const struct option_row	rows[] = {
		{ "charter", OPTION_TEXT | OPTION_NEEDED, &charter, "FILE", "the charter that names the new coordinator" },
	};
	const struct command	c = {
		"custodiand agree DIR --charter NEW.json",
		"For a coordinator that was lost: checks that NEW.json changes the coordinator and nothing else,\n"
		"and that NEW.json.dsse (`quorate charter succeed`) goes on from the log of DIR and forgets nothing\n"
		"that this custodian cosigned; shows it, and signs NEW.json.dsse. A custodiand that runs may go on.",
		rows, 1 };
	size_t	n;
	bool	help;

	memset(&a, 0, sizeof(a));
	TRY(options_read(&c, argc, argv, &dir, 1, 1, &n, &help, err));
	a.dir = dir;
	a.path = charter;
	return help ? RC_OK : agree(&a, err);
}
