/* tests/unit/coordinator/rig.c - a coordinator without a token and without a network. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "coordinator/cosigning.h"
#include "coordinator/load.h"
#include "coordinator/readers.h"
#include "coordinator/sequencer.h"
#include "tests/unit/coordinator/rig.h"

#define MUST(x)								\
	do {								\
		if (!(x)) {						\
			fprintf(stderr, "rig: %s\n", #x);		\
			abort();					\
		}							\
	} while (0)

void
rig_folder(char out[64])
{
	(void)snprintf(out, 64, "/tmp/quorate-unit-XXXXXX");
	MUST(mkdtemp(out) != NULL);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void
rig_remove(const char *dir)
{
	MUST(nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

void
rig_init(struct rig *r)
{
	struct err	err;
	char		dir[64];

	net_init(&r->net);
	r->net.now = clock_now();
	coordinator_init(&r->c);
	rig_folder(dir);
	(void)snprintf(r->c.dir, sizeof(r->c.dir), "%s", dir);
	memcpy(r->c.genesis, r->net.genesis, SHA256_BYTES);
	MUST(charter_parse(buf_view(&r->net.charter_json), &r->c.charter, &err) == RC_OK);
	net_charter_envelope(&r->net, &r->c.charter_dsse);
	r->c.log = r->net.log.signer;
}

void
rig_done(struct rig *r)
{
	rig_remove(r->c.dir);
	coordinator_done(&r->c);
	net_done(&r->net);
}

void
rig_start(struct rig *r)
{
	struct err	err;

	MUST(cosigning_new(r->c.charter, sequencer_keep, &r->c, &r->c.cosigning, &err) == RC_OK);
	MUST(sequencer_new(&r->c, &r->c.sequencer, &err) == RC_OK);
	MUST(readers_new(&r->c, &r->c.readers, &err) == RC_OK);
}

void
rig_stop(struct rig *r)
{
	cosigning_wake(r->c.cosigning);
	readers_free(r->c.readers);
	sequencer_free(r->c.sequencer);
	cosigning_free(r->c.cosigning);
	r->c.readers = NULL;
	r->c.sequencer = NULL;
	r->c.cosigning = NULL;
}

void
rig_revocation(struct rig *r, enum net_person who, struct buf *out)
{
	rig_void(r, &r->net.person[who].signer, out);
}

void
rig_void(struct rig *r, struct signer *by, struct buf *out)
{
	static const uint8_t	other[KEY_ID_BYTES] = { 1 };
	struct statement	s;
	struct err		err;

	net_statement(&r->net, &s, STATEMENT_REVOCATION);
	s.seen_size = 0;
	tree_empty(s.seen_root);
	/* Of a key that nobody has: void, and logged all the same. */
	memcpy(s.subject, other, sizeof(other));
	MUST(statement_sign(&s, by, out, &err) == RC_OK);
	statement_done(&s);
}

void
rig_request(struct rig *r, struct span scope, struct buf *out)
{
	struct statement	s;
	struct err		err;

	net_statement(&r->net, &s, STATEMENT_REQUEST);
	s.seen_size = 0;
	tree_empty(s.seen_root);
	sha256_one(s.subject, scope);
	(void)snprintf(s.u.request.policy, sizeof(s.u.request.policy), "standard");
	buf_span(&s.bytes, buf_view(&r->net.recipient));
	MUST(statement_sign(&s, &r->net.person[NET_REQUESTER].signer, out, &err) == RC_OK);
	statement_done(&s);
}

void
rig_line(struct rig *r, uint8_t custodian, struct span text, struct buf *out)
{
	struct signer	*k = &r->net.signing[custodian - 1].signer;
	struct buf	 message = BUF_INIT(NOTE_BYTES_MAX);
	struct note_key	 key;
	struct err	 err;
	uint8_t		 sig[NOTE_SIG_BYTES];

	MUST(charter_witness_note_key(r->c.charter, custodian, &key, &err) == RC_OK);
	cosignature_message(text, 1000, &message);
	MUST(k->sign(k->user, buf_view(&message), sig, &err) == RC_OK);
	note_sig_line(&key, 1000, sig, out);
	buf_done(&message);
}

struct span
rig_text(struct span note)
{
	size_t	i;

	for (i = 1; i < note.n; i++)
		if (note.p[i] == '\n' && note.p[i - 1] == '\n')
			return SPAN(note.p, i);
	abort();
}
