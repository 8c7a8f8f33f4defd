/* tests/unit/coordinator/published.c - see published.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/entry.h"
#include "audit/store/store.h"
#include "policy/witness.h"
#include "tests/unit/coordinator/published.h"

#define MUST(x)								\
	do {								\
		if (!(x)) {						\
			fprintf(stderr, "published: %s\n", #x);		\
			abort();					\
		}							\
	} while (0)

static struct store *
open_log(struct rig *r)
{
	char		 path[FILE_PATH_MAX];
	struct store	*s;

	published_path(r, path);
	MUST(store_open(path, STORE_OPEN, &s, NULL) == RC_OK);
	return s;
}

void
published_path(const struct rig *r, char path[FILE_PATH_MAX])
{
	MUST(file_path(path, NULL, "%s/log.db", r->c.dir) == RC_OK);
}

void
published_leaf(uint64_t index, struct buf *out)
{
	uint64_t	i;

	/* Of many lengths, one of them the longest there is. */
	buf_printf(out, "entry %llu", (unsigned long long)index);
	for (i = 0; i < (index == PUBLISHED_LONGEST ? ENTRY_BYTES_MAX : index * 7); i++)
		if (out->n < ENTRY_BYTES_MAX)
			buf_u8(out, (uint8_t)(index + i));
}

void
published_fill(struct rig *r, uint64_t size)
{
	struct store	*s = open_log(r);
	struct buf	 leaf = BUF_INIT(ENTRY_BYTES_MAX);

	MUST(store_begin(s, NULL) == RC_OK);
	while (store_size(s) < size) {
		buf_reset(&leaf);
		published_leaf(store_size(s), &leaf);
		MUST(buf_check(&leaf, "leaf", NULL) == RC_OK);
		MUST(store_append(s, buf_view(&leaf), NULL) == RC_OK);
	}
	MUST(store_commit(s, NULL) == RC_OK);
	buf_done(&leaf);
	store_close(s);
}

static void
sign_note(struct rig *r, const struct checkpoint *cp, unsigned cosigners, struct buf *note)
{
	struct buf	text = BUF_INIT(NOTE_BYTES_MAX);
	struct note_key	key;
	uint8_t		sig[NOTE_SIG_BYTES];
	unsigned	i;

	checkpoint_text(cp, &text);
	MUST(charter_log_note_key(r->c.first, &key, NULL) == RC_OK);
	MUST(r->c.log.sign(r->c.log.user, buf_view(&text), sig, NULL) == RC_OK);
	buf_span(note, buf_view(&text));
	buf_u8(note, '\n');
	note_sig_line(&key, 0, sig, note);
	for (i = 1; i <= cosigners; i++)
		rig_line(r, (uint8_t)i, buf_view(&text), note);
	MUST(buf_check(note, "note", NULL) == RC_OK);
	buf_done(&text);
}

void
published_note(struct rig *r, uint64_t size, unsigned cosigners, struct buf *note)
{
	struct store		*s = open_log(r);
	struct checkpoint	 cp = { .size = size };

	memcpy(cp.origin, r->c.first->origin, sizeof(cp.origin) - 1);
	if (size <= store_size(s))
		MUST(store_root_at(s, size, cp.root, NULL) == RC_OK);
	buf_reset(note);
	sign_note(r, &cp, cosigners, note);
	MUST(store_put(s, "cosigned", buf_view(note), NULL) == RC_OK);
	store_close(s);
}
