/* cli/trust.c - what the reader of a package trusts: a genesis and roots of TSAs, given out of band. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/timestamp.h"
#include "base/json.h"
#include "cli/package.h"
#include "cli/remote.h"
#include "policy/cert.h"

#define TRUST_FILE_MAX	(256 << 10)
#define CERT_FILE_MAX	(4 * TIMESTAMP_CERT_MAX)	/* as PEM, perhaps with words before it */
#define BASE64		"base64:"

void
trusted_done(struct trusted *t)
{
	for (size_t i = 0; i < t->trust.n_roots; i++)
		buf_done(&t->der[i]);
}

/* --- one root -------------------------------------------------------------------------- */

static const char pem_begin[] = "-----BEGIN CERTIFICATE-----";

static const void *
find_pem(struct span in)
{
	return memmem(in.p, in.n, pem_begin, sizeof(pem_begin) - 1);
}

/* One file, one certificate: of a bundle, which one did they mean? */
static enum rc
from_pem(const char *path, struct span text, const uint8_t *begin, struct buf *ret, struct err *err)
{
	const uint8_t	*rest = begin + sizeof(pem_begin) - 1;

	if (find_pem(SPAN(rest, (size_t)(text.p + text.n - rest))) != NULL)
		return err_set(err, RC_USAGE, "%s: more than one certificate; give each a file of its own", path);
	return pem_to_der(text, ret, err);
}

static enum rc
root_file(const char *path, struct buf *ret, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(CERT_FILE_MAX);
	const uint8_t			*begin;

	TRY(file_read_given(path, &text, err));
	if ((begin = find_pem(buf_view(&text))) != NULL)
		return from_pem(path, buf_view(&text), begin, ret, err);
	buf_span(ret, buf_view(&text));
	return buf_check(ret, path, err);
}

/* A name is that of a file beside the trust file, unless it begins with a slash. */
static enum rc
beside(const char *trust, const char *name, char ret[FILE_PATH_MAX], struct err *err)
{
	const char	*slash = strrchr(trust, '/');

	if (name[0] == '/' || slash == NULL)
		return file_path(ret, err, "%s", name);
	return file_path(ret, err, "%.*s/%s", (int)(slash - trust), trust, name);
}

static enum rc
read_root(const char *trust, const char *root, struct buf *ret, struct err *err)
{
	char	path[FILE_PATH_MAX];

	if (strncmp(root, BASE64, sizeof(BASE64) - 1) == 0)
		return b64_parse(ret, span_str(root + sizeof(BASE64) - 1), err);
	TRY(beside(trust, root, path, err));
	return root_file(path, ret, err);
}

static enum rc
add_root(struct trusted *t, const char *trust, const char *root, struct err *err)
{
	size_t		n = t->trust.n_roots;
	uint8_t		key[SHA256_BYTES];
	enum cert_kind	kind;
	enum rc		rc;

	t->der[n] = BUF_INIT(TIMESTAMP_CERT_MAX);
	t->trust.n_roots++;
	rc = read_root(trust, root, &t->der[n], err);
	if (rc == RC_OK)
		rc = cert_check(buf_view(&t->der[n]), &kind, key, err);
	if (rc != RC_OK)
		return err_wrap(err, rc == RC_FORMAT || rc == RC_LIMIT ? RC_USAGE : rc, "%s: root %zu", trust, n + 1);
	t->root[n] = buf_view(&t->der[n]);
	return RC_OK;
}

/* --- the file ---------------------------------------------------------------------------- */

static enum rc
genesis_of(const char *path, struct trusted *t, struct err *err)
{
	AUTO(charter_free) struct charter *c = NULL;

	TRY(local_genesis(path, &c, err));
	memcpy(t->genesis, c->digest, SHA256_BYTES);
	t->trust.genesis = t->genesis;
	return RC_OK;
}

/* "genesis" or "charter", or neither: then the file is about roots alone. */
static enum rc
read_genesis(const char *trust, struct jobj *o, struct trusted *t, struct err *err)
{
	const char	*hex = jobj_str_opt(o, "genesis", 2 * SHA256_BYTES);
	const char	*charter = jobj_str_opt(o, "charter", FILE_PATH_MAX - 1);
	char		 path[FILE_PATH_MAX];

	if (o->rc != RC_OK)
		return o->rc;
	if (hex != NULL && charter != NULL)
		return err_set(err, RC_USAGE, "%s: \"genesis\" and \"charter\" say the same; leave one out", trust);
	if (hex != NULL) {
		if (!hex_parse(span_str(hex), t->genesis, SHA256_BYTES))
			return err_set(err, RC_USAGE, "%s: \"genesis\" is not the digest of a charter, 64 digits of hex", trust);
		t->trust.genesis = t->genesis;
	}
	if (charter == NULL)
		return RC_OK;
	TRY(beside(trust, charter, path, err));
	return genesis_of(path, t, err);
}

static enum rc
read_members(const char *trust, const json_t *v, struct trusted *t, struct err *err)
{
	struct jobj	 o = jobj_init(v, "trust file", err);
	const json_t	*roots = jobj_arr_opt(&o, "tsa_roots", TRUST_ROOTS_MAX), *one;

	TRY(read_genesis(trust, &o, t, err));
	TRY(jobj_done(&o));
	for (size_t i = 0; i < json_array_size(roots); i++) {
		one = json_array_get(roots, i);
		if (!json_is_string(one))
			return err_set(err, RC_USAGE, "%s: \"tsa_roots\" is a list of names of files", trust);
		TRY(add_root(t, trust, json_string_value(one), err));
	}
	if (t->trust.genesis == NULL && t->trust.n_roots == 0)
		return err_set(err, RC_USAGE, "%s: it names nothing to trust: write \"genesis\" or \"charter\", and \"tsa_roots\"",
		    trust);
	return RC_OK;
}

static enum rc
read_trust(const char *path, struct trusted *t, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(TRUST_FILE_MAX);
	AUTO(json_decref) json_t	*v = NULL;
	enum rc				rc;

	if ((rc = file_read_given(path, &text, err)) != RC_OK)
		return rc == RC_LIMIT ? err_wrap(err, RC_USAGE, "--trust") : rc;
	if ((rc = json_read(buf_view(&text), TRUST_FILE_MAX, &v, err)) == RC_OK)
		rc = read_members(path, v, t, err);
	return rc == RC_FORMAT || rc == RC_LIMIT ? err_wrap(err, RC_USAGE, "%s", path) : rc;
}

enum rc
trusted_read(const char *charter, const char *trust, struct trusted *ret, struct err *err)
{
	uint8_t	said[SHA256_BYTES];
	bool	has;

	memset(ret, 0, sizeof(*ret));
	ret->trust.now = clock_now();
	ret->trust.root = ret->root;
	if (trust != NULL)
		TRY(read_trust(trust, ret, err));
	has = ret->trust.genesis != NULL;
	memcpy(said, ret->genesis, sizeof(said));
	if (charter == NULL && (has || getenv("QUORATE_CHARTER") == NULL))
		return RC_OK;
	TRY(genesis_of(charter, ret, err));
	if (has && memcmp(said, ret->genesis, sizeof(said)) != 0)
		return err_set(err, RC_USAGE, "--charter %s is another network's than %s names; which do you trust?", charter, trust);
	return RC_OK;
}
