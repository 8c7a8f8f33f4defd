#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "tests/unit/audit/parties.h"

static void
key_init(struct note_key *k, uint8_t secret[64], enum note_alg alg,
    const char *name, uint8_t number)
{
	uint8_t	seed[32];

	memset(seed, number, sizeof(seed));
	memset(k, 0, sizeof(*k));
	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	k->alg = (uint8_t)alg;
	if (crypto_sign_seed_keypair(k->key, secret, seed) != 0)
		abort();
}

void
parties_init(struct parties *p)
{
	char	name[32];

	if (sodium_init() < 0)
		abort();
	key_init(&p->log, p->log_secret, NOTE_ED25519, "log.example/1", 1);
	for (uint8_t i = 0; i < WITNESSES; i++) {
		(void)snprintf(name, sizeof(name), "witness%u.example", i);
		key_init(&p->witness[i], p->witness_secret[i],
		    NOTE_COSIGNATURE_V1, name, (uint8_t)(i + 2));
	}
}

void
parties_text(const struct parties *p, struct buf *out)
{
	struct checkpoint	c = { .size = 5 };

	memcpy(c.origin, p->log.name, sizeof(c.origin));
	memset(c.root, 0xab, sizeof(c.root));
	checkpoint_text(&c, out);
}

void
parties_sign_log(const struct parties *p, struct span text, struct buf *out)
{
	uint8_t	sig[NOTE_SIG_BYTES];

	if (crypto_sign_detached(sig, NULL, text.p, text.n, p->log_secret) != 0)
		abort();
	note_sig_line(&p->log, 0, sig, out);
}

void
parties_cosign(const struct parties *p, size_t witness, when time,
    struct span text, struct buf *out)
{
	struct buf	message = BUF_INIT(1 << 16);
	uint8_t		sig[NOTE_SIG_BYTES];

	cosignature_message(text, time, &message);
	if (message.rc != RC_OK || crypto_sign_detached(sig, NULL, message.p,
	    message.n, p->witness_secret[witness]) != 0)
		abort();
	note_sig_line(&p->witness[witness], time, sig, out);
	buf_done(&message);
}

void
parties_note(const struct parties *p, struct buf *out)
{
	struct buf	text = BUF_INIT(NOTE_BYTES_MAX);

	parties_text(p, &text);
	buf_span(out, buf_view(&text));
	buf_u8(out, '\n');
	parties_sign_log(p, buf_view(&text), out);
	for (size_t i = 0; i < WITNESSES; i++)
		parties_cosign(p, i, 1000 + i, buf_view(&text), out);
	buf_done(&text);
}
