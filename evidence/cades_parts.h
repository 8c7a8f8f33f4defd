/*
 * evidence/cades_parts.h - what cades.c and cades_form.c share: for them only.
 */
#ifndef EVIDENCE_CADES_PARTS_H
#define EVIDENCE_CADES_PARTS_H

#include "base/der.h"
#include "evidence/cades.h"

#define SIG_DER_MAX	72

/* A piece of DER in the making: as large as a signature may be, from the heap. */
#define PIECE		BUF_INIT(CADES_BYTES_MAX)
#define AUTO_PIECE(b)	AUTO_DONE(buf_done) struct buf b = PIECE

/*
 * A signature in three parts: what follows from certificate, content and time, the
 * signature value, and what was added; all of them spans.
 */
struct form {
	struct span		head;		/* of SignedData: before the certificates */
	struct span		info;		/* of SignerInfo: before the signature value */
	struct span		value;
	uint32_t		n_certificates;	/* the signer's among them */
	struct span		certificate[1 + CADES_LISTS_MAX];
	struct cades_added	added;		/* its certificates are those above */
};

/* "package signature: " and the words; libcrypto's own go. */
enum rc	cades_fail(struct err *err, enum rc rc, const char *words);
/* As der_write(), keeping the failure of a piece: one that was cut short must not look whole. */
void	cades_wrap(struct buf *out, uint8_t tag, const struct buf *piece);
/* Attribute ::= SEQUENCE { type, SET OF one value } */
void	cades_attribute(struct buf *out, struct span oid, const struct buf *value);

/* ContentInfo { signedData, SignedData }, in its one form. */
void	form_write(const struct form *f, struct buf *out);
/* Of that form, as far as what was added goes; what stands in head and info is not looked at. */
MUST_USE enum rc form_take(struct span signature, struct form *ret, struct err *err);
/* May that be added? That the token is one, and over this signature, is for timestamp_verify(). */
MUST_USE enum rc added_ok(const struct cades_added *a, struct err *err);

#endif
