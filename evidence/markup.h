/*
 * evidence/markup.h - text that people chose, inside HTML and JSON that we write.
 *
 * Names, reasons and addresses are data. None of them ends a tag or a string, and none
 * turns the letters around it: a character that is not seen (a control, a direction
 * mark, what is no UTF-8) is shown for what it is, as [U+202E] in HTML and as \u202e in JSON.
 * Pure. Threads: no shared state.
 */
#ifndef EVIDENCE_MARKUP_H
#define EVIDENCE_MARKUP_H

#include "base/bytes.h"

void	 markup_html(struct buf *out, const char *s);
/* Of several lines: each line end becomes <br>. Bytes need not be UTF-8, nor end. */
void	 markup_html_lines(struct buf *out, struct span text);
/* With its quotes. */
void	 markup_json(struct buf *out, const char *s);
/* Is every character one that is seen, or a tab or line end? Then it can be shown as text. */
bool	 markup_is_text(struct span text);

#endif
