/*
 * tests/unit/audit/parties.h - a log and three witnesses with throwaway keys.
 *
 * Seeds are the party's number in every byte, so notes come out the same in
 * every run.
 */
#ifndef TESTS_UNIT_AUDIT_PARTIES_H
#define TESTS_UNIT_AUDIT_PARTIES_H

#include "audit/note.h"

#define WITNESSES	3

struct parties {
	struct note_key	log, witness[WITNESSES];
	uint8_t		log_secret[64], witness_secret[WITNESSES][64];
};

void	 parties_init(struct parties *p);
/* The text of a checkpoint of log.example/1 at size 5. */
void	 parties_text(const struct parties *p, struct buf *out);
void	 parties_sign_log(const struct parties *p, struct span text, struct buf *out);
void	 parties_cosign(const struct parties *p, size_t witness, when time, struct span text, struct buf *out);
/* Text, empty line, the log's line, then one of each witness at 1000 + its number. */
void	 parties_note(const struct parties *p, struct buf *out);

#endif
