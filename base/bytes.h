/*
 * base/bytes.h - byte ranges, a bounded growing buffer, hex, base64, SHA-256.
 *
 * A span borrows; a buf owns. Nothing here is for secrets: see base/secret.h.
 * Threads: distinct objects are independent.
 */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct span {
	const uint8_t	*p;	/* may be NULL when n is 0 */
	size_t		 n;
};

#define SPAN(ptr, len)	((struct span){ (const uint8_t *)(ptr), (len) })
#define SPAN_OF(array)	((struct span){ (const uint8_t *)(array), sizeof(array) })
/* A string literal without its NUL. */
#define SPAN_STR(lit)	((struct span){ (const uint8_t *)(lit), sizeof(lit) - 1 })

struct span	 span_str(const char *s);		/* strlen; NULL gives empty */
bool		 span_eq(struct span a, struct span b);	/* public bytes only */

/*
 * A growing buffer with a ceiling. Failure is sticky: after a failed append
 * every further one fails too, and buf_check() says why, so that a writer is
 * straight-line code with one check at its end.
 */
struct buf {
	uint8_t	*p;
	size_t	 n, cap;
	size_t	 max;		/* never grows past this many bytes */
	enum rc	 rc;		/* RC_OK, RC_LIMIT or RC_NOMEM */
};

#define BUF_INIT(limit)	((struct buf){ NULL, 0, 0, (limit), RC_OK })

void	 buf_done(struct buf *b);			/* frees; b is reusable */
void	 buf_reset(struct buf *b);			/* empties, keeps memory */
void	 buf_add(struct buf *b, const void *p, size_t n);
void	 buf_span(struct buf *b, struct span s);
void	 buf_u8(struct buf *b, uint8_t v);
void	 buf_u16(struct buf *b, uint16_t v);		/* big-endian, all of them */
void	 buf_u32(struct buf *b, uint32_t v);
void	 buf_u64(struct buf *b, uint64_t v);
void	 buf_vec8(struct buf *b, struct span s);	/* u8 length, bytes; RC_LIMIT if longer */
void	 buf_vec16(struct buf *b, struct span s);	/* u16 length, bytes */
void	 buf_vec32(struct buf *b, struct span s);	/* u32 length, bytes */
void	 buf_printf(struct buf *b, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));	/* no NUL is counted */
/* n zeroed bytes to be written by the caller, or NULL (sticky). */
uint8_t	*buf_extend(struct buf *b, size_t n);
/* RC_OK, or the sticky failure with words in err ("what" names the thing). */
MUST_USE enum rc buf_check(const struct buf *b, const char *what, struct err *err);
struct span	 buf_view(const struct buf *b);		/* valid until b changes */
/* NUL-terminated text, valid until b changes; "" on failure. The NUL is not counted. */
const char	*buf_text(struct buf *b);

#define HEX_BYTES(n)	((n) * 2 + 1)			/* text size with its NUL */

/* Lower-case hex with NUL; out has HEX_BYTES(in.n). Returns out. */
char	*hex_write(struct span in, char *out);
/* Exactly out_n bytes of lower-case hex in text; false otherwise. */
bool	 hex_parse(struct span text, uint8_t *out, size_t out_n);

/* Standard alphabet, padded. */
void	 b64_write(struct buf *out, struct span in);
/*
 * Standard or URL-safe alphabet, with or without padding, no white space.
 * Refuses non-zero trailing bits, mixed alphabets and misplaced padding: one
 * value has one encoding in each form. Appends to out.
 */
MUST_USE enum rc b64_parse(struct buf *out, struct span text, struct err *err);
/* As b64_parse into exactly out_n bytes of a fixed array; needs no memory. */
MUST_USE enum rc b64_parse_fixed(uint8_t *out, size_t out_n, struct span text, struct err *err);

#define SHA256_BYTES 32

/* SHA-256 of the concatenation of n spans. Cannot fail: aborts if libcrypto lacks SHA-256. */
void	 sha256(uint8_t out[SHA256_BYTES], const struct span *in, size_t n);
/* As sha256; of what is secret nothing is left on the stack. */
void	 sha256_wiped(uint8_t out[SHA256_BYTES], const struct span *in, size_t n);
void	 sha256_one(uint8_t out[SHA256_BYTES], struct span in);

#endif
