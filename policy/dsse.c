/*
 * policy/dsse.c - see policy/dsse.h.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/wire.h"
#include "policy/dsse.h"

#define PAE_HEADER_MAX	(64 + sizeof(DSSE_INTOTO))
#define KEYID_TEXT_MAX	128	/* a hint of somebody else's making may be longer than ours */
#define PAE_MAX		(DSSE_BYTES_MAX + PAE_HEADER_MAX)

void
dsse_pae_of(struct span type, struct span payload, struct buf *out)
{
	buf_printf(out, "DSSEv1 %zu ", type.n);
	buf_span(out, type);
	buf_printf(out, " %zu ", payload.n);
	buf_span(out, payload);
}

void
dsse_pae(struct span payload, struct buf *out)
{
	dsse_pae_of(SPAN_STR(DSSE_INTOTO), payload, out);
}

void
dsse_id(struct span payload, uint8_t ret[SHA256_BYTES])
{
	char		header[PAE_HEADER_MAX];
	int		n;
	struct span	parts[2];

	n = snprintf(header, sizeof(header), "DSSEv1 %zu %s %zu ",
	    sizeof(DSSE_INTOTO) - 1, DSSE_INTOTO, payload.n);
	parts[0] = SPAN(header, (size_t)n);
	parts[1] = payload;
	sha256(ret, parts, 2);
}

static enum rc
sig_parse(const json_t *v, struct dsse_sig *ret, struct err *err)
{
	struct jobj	 o = jobj_init(v, "signature", err);
	struct dsse_sig	 s = { 0 };
	const char	*keyid;

	keyid = jobj_str_opt(&o, "keyid", KEYID_TEXT_MAX);
	jobj_b64(&o, "sig", s.sig, sizeof(s.sig));
	TRY(jobj_done(&o));
	/* A hint that is not ours is no hint. */
	if (keyid == NULL ||
	    !hex_parse(span_str(keyid), s.keyid, sizeof(s.keyid)))
		memset(s.keyid, 0, sizeof(s.keyid));
	*ret = s;
	return RC_OK;
}

static enum rc
envelope_parse(const json_t *v, struct dsse *d, struct err *err)
{
	struct jobj	 o = jobj_init(v, "envelope", err);
	const json_t	*sigs;
	const char	*type;

	jobj_b64_buf(&o, "payload", 1, DSSE_BYTES_MAX, &d->payload);
	type = jobj_str(&o, "payloadType", 1, 255);
	sigs = jobj_arr(&o, "signatures", 1, DSSE_SIGS_MAX);
	if (o.rc == RC_OK && strcmp(type, DSSE_INTOTO) != 0)
		jobj_fail(&o, "payloadType is not " DSSE_INTOTO);
	TRY(jobj_done(&o));
	for (; d->n_sig < json_array_size(sigs); d->n_sig++)
		TRY(sig_parse(json_array_get(sigs, d->n_sig),
		    &d->sig[d->n_sig], err));
	return RC_OK;
}

/* --- as we write it -------------------------------------------------------------- */

/* A string of the base64 alphabets and nothing else, its closing quote taken too. */
static bool
rd_b64(struct rd *r, struct span *ret)
{
	const uint8_t	*p = r->in.p + r->at;
	size_t		 left = r->in.n - r->at;
	const uint8_t	*end = memchr(p, '"', left);

	if (end == NULL || memchr(p, '\\', (size_t)(end - p)) != NULL)
		return false;
	*ret = SPAN(p, (size_t)(end - p));
	r->at += ret->n + 1;
	return true;
}

#define EXPECT(r, text)	rd_expect((r), (text), sizeof(text) - 1)

static bool
rd_sig(struct rd *r, struct dsse_sig *s, enum rc *ret_rc)
{
	struct span	hex, b64;

	return EXPECT(r, "{\"keyid\":\"") &&
	    rd_take(r, 2 * KEY_ID_BYTES, &hex) &&
	    hex_parse(hex, s->keyid, sizeof(s->keyid)) &&
	    EXPECT(r, "\",\"sig\":\"") &&
	    rd_b64(r, &b64) &&
	    (*ret_rc = b64_parse_fixed(s->sig, sizeof(s->sig), b64, NULL)) == RC_OK &&
	    EXPECT(r, "}");
}

/*
 * Nearly every envelope is one that envelope_write() made, and a replay parses a log of
 * them. What this takes envelope_parse() takes as well, and reads the same in it; what it
 * does not take is no answer; *ret_rc is RC_NOMEM when that was for want of memory.
 */
static bool
envelope_is_ours(struct span in, struct dsse *d, enum rc *ret_rc)
{
	struct rd	r = rd_init(in);
	struct span	b64;

	if (in.n > DSSE_BYTES_MAX ||
	    !EXPECT(&r, "{\"payload\":\"") ||
	    !rd_b64(&r, &b64) || b64.n == 0 ||
	    (*ret_rc = b64_parse(&d->payload, b64, NULL)) != RC_OK ||
	    !EXPECT(&r, ",\"payloadType\":\"" DSSE_INTOTO "\",\"signatures\":["))
		return false;
	do {
		if (d->n_sig == DSSE_SIGS_MAX || !rd_sig(&r, &d->sig[d->n_sig], ret_rc))
			return false;
		d->n_sig++;
	} while (EXPECT(&r, ","));
	return EXPECT(&r, "]}") && rd_done(&r);
}

static void
dsse_begin(struct dsse *d)
{
	memset(d, 0, sizeof(*d));
	d->payload = BUF_INIT(DSSE_BYTES_MAX);
	d->pae = BUF_INIT(PAE_MAX);
}

enum rc
dsse_parse(struct span in, struct dsse *ret, struct err *err)
{
	AUTO(json_decref) json_t *v = NULL;
	enum rc	rc = RC_OK;

	dsse_begin(ret);
	if (!envelope_is_ours(in, ret, &rc)) {
		if (rc == RC_NOMEM)
			return err_set(err, rc, "envelope: no memory left");
		dsse_done(ret);
		dsse_begin(ret);
		TRY(json_read(in, DSSE_BYTES_MAX, &v, err));
		TRY(envelope_parse(v, ret, err));
	}
	dsse_pae(buf_view(&ret->payload), &ret->pae);
	TRY(buf_check(&ret->pae, "envelope", err));
	sha256_one(ret->id, buf_view(&ret->pae));
	return RC_OK;
}

void
dsse_done(struct dsse *d)
{
	buf_done(&d->payload);
	buf_done(&d->pae);
	d->n_sig = 0;
}

static void
sig_write(const struct dsse_sig *s, struct buf *out)
{
	char	hex[HEX_BYTES(KEY_ID_BYTES)];

	buf_printf(out, "{\"keyid\":\"%s\",\"sig\":\"",
	    hex_write(SPAN_OF(s->keyid), hex));
	b64_write(out, SPAN_OF(s->sig));
	buf_printf(out, "\"}");
}

static enum rc
envelope_write(struct span payload, const struct dsse_sig *sig, size_t n,
    struct buf *out, struct err *err)
{
	AUTO_DONE(buf_done) struct buf b = BUF_INIT(DSSE_BYTES_MAX);

	buf_printf(&b, "{\"payload\":\"");
	b64_write(&b, payload);
	buf_printf(&b, "\",\"payloadType\":\"%s\",\"signatures\":[", DSSE_INTOTO);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_u8(&b, ',');
		sig_write(&sig[i], &b);
	}
	buf_printf(&b, "]}");
	/* Whole or not at all: a failed call adds nothing to out. */
	TRY(buf_check(&b, "envelope", err));
	buf_span(out, buf_view(&b));
	return buf_check(out, "envelope", err);
}

static enum rc
sig_make(struct span pae, const struct signer *signer, struct dsse_sig *ret,
    struct err *err)
{
	key_id(&signer->key, ret->keyid);
	return signer->sign(signer->user, pae, ret->sig, err);
}

enum rc
dsse_sign(struct span payload, const struct signer *signer, struct buf *out,
    struct err *err)
{
	AUTO_DONE(buf_done) struct buf pae = BUF_INIT(PAE_MAX);
	struct dsse_sig	sig;

	dsse_pae(payload, &pae);
	TRY(buf_check(&pae, "statement", err));
	TRY(sig_make(buf_view(&pae), signer, &sig, err));
	return envelope_write(payload, &sig, 1, out, err);
}

enum rc
dsse_sign_more(struct span envelope, const struct signer *signer,
    struct buf *out, struct err *err)
{
	AUTO_DONE(dsse_done) struct dsse d = { 0 };

	TRY(dsse_parse(envelope, &d, err));
	if (dsse_signed_by(&d, &signer->key))
		return err_set(err, RC_DENIED,
		    "this key has signed the statement already");
	if (d.n_sig == DSSE_SIGS_MAX)
		return err_set(err, RC_LIMIT,
		    "the statement has %d signatures: no room for more",
		    DSSE_SIGS_MAX);
	TRY(sig_make(buf_view(&d.pae), signer, &d.sig[d.n_sig], err));
	return envelope_write(buf_view(&d.payload), d.sig, d.n_sig + 1, out, err);
}

bool
dsse_signed_by(const struct dsse *d, const struct key *k)
{
	uint8_t	id[KEY_ID_BYTES];

	key_id(k, id);
	/* First where the hint names the key, then everywhere else. */
	for (int hinted = 1; hinted >= 0; hinted--)
		for (size_t i = 0; i < d->n_sig; i++) {
			bool	named = memcmp(d->sig[i].keyid, id, sizeof(id)) == 0;

			if (named == (hinted == 1) &&
			    key_verify(k, buf_view(&d->pae), d->sig[i].sig,
			    NULL) == RC_OK)
				return true;
		}
	return false;
}
