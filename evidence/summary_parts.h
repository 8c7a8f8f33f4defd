/*
 * evidence/summary_parts.h - what summary*.c share: for them only.
 */
#ifndef EVIDENCE_SUMMARY_PARTS_H
#define EVIDENCE_SUMMARY_PARTS_H

#include "evidence/custody_parts.h"
#include "evidence/markup.h"
#include "evidence/summary.h"

struct page {
	struct custody			 k;
	const struct charter		*charter;	/* in force when the order was logged */
	const struct policy_rule	*policy;	/* of the request, under it */
	struct statement		 request;
	const struct summary_text	*text;
	size_t				 n_texts;
	struct buf			*out;
};

/* "2026-11-22 10:00:05 UTC" */
void	 page_time(struct page *p, when t);
/* "65,537" */
void	 page_number(struct page *p, uint64_t n);
void	 page_digest(struct page *p, const uint8_t *digest, size_t n);
/* Name and organisation of who acted, by the charter then; "all who signed it" for NOBODY. */
void	 page_agent(struct page *p, const struct custody_act *a);
/* The text under this digest, as it was given, or why it is not here. */
void	 page_text(struct page *p, const uint8_t digest[SHA256_BYTES]);
const struct summary_text *page_find(const struct page *p, const uint8_t digest[SHA256_BYTES]);

/* summary_log.c: what the log has, from sealing to the contributions. */
void	 page_sealing(struct page *p);
void	 page_charters(struct page *p);
void	 page_acts(struct page *p);
void	 page_void(struct page *p);
/* summary_words.c: what is the same in every package of its kind. */
void	 page_head(struct page *p);
void	 page_recipient_does(struct page *p);
void	 page_checking(struct page *p);
void	 page_end(struct page *p);

#endif
