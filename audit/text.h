/*
 * audit/text.h - the lexical rules that notes and proof files share.
 *
 * For audit/ only. Each answers whether a span has the form; one value has one
 * text. Pure.
 */
#ifndef AUDIT_TEXT_H
#define AUDIT_TEXT_H

#include "audit/note.h"

/* Moves what stands before the first `sep` to ret, and `rest` past it. */
bool	text_cut(struct span *rest, char sep, struct span *ret);
/* Moves `rest` past `head`, when it starts so. */
bool	text_skip(struct span *rest, struct span head);
/* 1..NOTE_NAME_MAX bytes of UTF-8 without white space, control or '+'. */
bool	text_name(struct span in, char ret[NOTE_NAME_MAX + 1]);
/* Decimal without sign or leading zero, below 2^63. */
bool	text_decimal(struct span in, uint64_t *ret);
/* Standard base64, padded, of exactly n bytes. RC_FORMAT, RC_NOMEM. */
MUST_USE enum rc text_b64(struct span in, uint8_t *ret, size_t n, struct err *err);
/* As text_b64 of any number of bytes but none, as many as out may have. */
MUST_USE enum rc text_b64_all(struct span in, struct buf *out, struct err *err);
/* As text_b64 of more than n bytes; gives the first n. */
MUST_USE enum rc text_b64_head(struct span in, uint8_t *ret, size_t n, struct err *err);

#endif
