/*
 * tests/unit/evidence/sealing.h - a sealed artifact in memory, and its key.
 *
 * The polynomial is given by the test, so that points can be had without
 * custodians; sealing_combined() takes the long way, through k contributions.
 */
#ifndef TESTS_UNIT_EVIDENCE_SEALING_H
#define TESTS_UNIT_EVIDENCE_SEALING_H

#include "evidence/envelope.h"

struct sealing_part {
	const char	*name;
	size_t		 n;
};

struct sealing {
	struct envelope_params	params;
	struct secret_arena	*arena;
	uint8_t			*share[SHAMIR_SHARES_MAX];
	uint8_t			*file;		/* a heap block of exactly `size` */
	uint64_t		 size;
	struct buf		 descriptor;
	uint8_t			 digest[SHA256_BYTES];	/* of the descriptor */
	uint64_t		 read;		/* bytes that were read so far */
	unsigned		 fail_at;	/* the nth read or write fails; 0: none */
};

/* 3-of-5, genesis, id and so on fixed; the polynomial's coefficients are 5, 7 and 9. */
extern const uint8_t	sealing_coefficient[3][SHAMIR_SCALAR_BYTES];

void	 sealing_params(struct sealing *s, const struct sealing_part *part, size_t n, uint8_t segment_log2);
/* Byte i of a part. */
uint8_t	 sealing_byte(const char *part, uint64_t i);
/* sealing_params and the whole of envelope_new_with ... envelope_finish, `step` bytes a write. */
void	 sealing_up(struct sealing *s, const struct sealing_part *part, size_t n,
	    uint8_t segment_log2, size_t step);
void	 sealing_down(struct sealing *s);

/* stream_read_at and stream_write_at over s->file. */
enum rc	 sealing_read(void *user, uint64_t offset, uint8_t *out, size_t n, struct err *err);
enum rc	 sealing_write(void *user, uint64_t offset, struct span data, struct err *err);

/* envelope_point, both: by the scalar, and by custodians 1, 3 and 5. */
enum rc	 sealing_point(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err);
enum rc	 sealing_combined(void *user, const char *part, uint32_t segment, struct secret **ret, struct err *err);

/* stream_write that checks each byte against sealing_byte. */
struct sealing_sink {
	const char	*part;
	uint64_t	 at;		/* of the next byte */
	uint64_t	 n;		/* bytes that came */
};
enum rc	 sealing_sink(void *user, struct span data, struct err *err);

#endif
