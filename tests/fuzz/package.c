/*
 * Evidence packages: a good one, changed. The input is a list of edits, after a byte that says what is
 * made again then: the CRCs alone, the manifests, the coordinator's signature; or the bytes of the
 * file are edited as they are. 0x40: renewed too; 0x80: the recipient's package. Whatever holds then has the evidence that was released, and what
 * does not hold gives no plaintext.
 */
#include "base/wire.h"
#include "evidence/verify.h"
#include "tests/fuzz/lib/fuzz.h"
#include "tests/unit/evidence/repack.h"
#include "tests/unit/evidence/world.h"

#define EDITS_MAX	8
#define FILE_BYTES_MAX	(300u << 10)

enum remake { CRCS, MANIFESTS, SIGNATURE, RAW, REMAKES };

static struct world	w[2];		/* released to the coordinator, to the recipient */
static struct memfile	good[2];
static struct repack	parts[2];
static when		released;

static void
make(void)
{
	static const char *const	policy[2] = { "standard", "direct" };

	PROMISE(secret_init(NULL) == RC_OK);
	for (int i = 0; i < 2; i++) {
		world_up_anchored(&w[i], policy[i]);
		w[i].seal = (struct package_seal){ .stamp = world_stamp, .user = &w[i], .archive = i == 0 };
		PROMISE(world_package(&w[i], &good[i]));
		repack_open(&parts[i], &good[i]);
		released = w[i].net.now;
	}
}

/* --- edits ------------------------------------------------------------------------- */

struct edit { uint8_t op; uint16_t at, to; struct span bytes; };

static bool
take_edit(struct rd *r, struct edit *e)
{
	return rd_u8(r, &e->op) && rd_u16(r, &e->at) && rd_u16(r, &e->to) && rd_vec8(r, 0, 255, &e->bytes);
}

/* Bytes at a place become others; more or fewer. */
static void
splice(struct buf *b, size_t at, size_t out, struct span in)
{
	struct buf	n = BUF_INIT(FILE_BYTES_MAX + 256);

	at = b->n == 0 ? 0 : at % (b->n + 1);
	out = out > b->n - at ? b->n - at : out;
	buf_add(&n, b->p, at);
	buf_span(&n, in);
	buf_add(&n, b->p + at + out, b->n - at - out);
	PROMISE(n.rc == RC_OK || b->n > FILE_BYTES_MAX);
	if (n.rc == RC_OK) {
		buf_done(b);
		*b = n;
	} else
		buf_done(&n);
}

static void
insert_named(struct repack *r, size_t at, struct span name, struct span content)
{
	char	text[ZIP_NAME_MAX + 1];

	if (r->n == REPACK_FILES || name.n == 0 || name.n > ZIP_NAME_MAX)
		return;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	if (zip_name_ok(text))
		repack_insert(r, at, text, content);
}

static void
move(struct repack *r, size_t from, size_t to)
{
	struct buf	b = r->content[from];
	package_name	name;

	memcpy(name, r->name[from], sizeof(name));
	r->content[from] = BUF_INIT(0);
	repack_drop(r, from);
	repack_insert(r, to, name, buf_view(&b));
	buf_done(&b);
}

static void
apply(struct repack *r, const struct edit *e)
{
	size_t	i = e->op / 8u % r->n, k = e->to % r->n;

	switch (e->op % 8) {
	case 0:
		splice(&r->content[i], e->at, e->bytes.n, e->bytes);
		break;
	case 1:
		splice(&r->content[i], e->at, 0, e->bytes);
		break;
	case 2:
		splice(&r->content[i], e->at, e->to, SPAN(NULL, 0));
		break;
	case 3:
		if (r->n > 1)
			repack_drop(r, e->at % r->n);
		break;
	case 4:
		insert_named(r, e->at % (r->n + 1), e->bytes, buf_view(&parts[0].content[i % parts[0].n]));
		break;
	case 5:
		move(r, e->at % r->n, k);
		break;
	case 6:		/* one file's content is another's, perhaps of the other package */
		buf_reset(&r->content[e->at % r->n]);
		buf_span(&r->content[e->at % r->n], buf_view(&parts[e->op >> 7].content[k % parts[e->op >> 7].n]));
		break;
	default:
		splice(&r->content[e->at % r->n], e->to, e->bytes.n, e->bytes);
		break;
	}
}

static bool
has(const struct repack *r, const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if (strcmp(r->name[i], name) == 0)
			return true;
	return false;
}

static void
make_again(struct repack *r, unsigned which, unsigned mode)
{
	static const char *const	needed[] = { NAME_BAG_INFO, NAME_MANIFEST, NAME_TAGMANIFEST, NAME_ASIC_MANIFEST,
	    NAME_SIGNATURE };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (!has(r, needed[i]))
			return;
	if (mode == MANIFESTS)
		repack_manifests(r);
	if (mode == SIGNATURE)
		repack_sign(r, "Provider", w[which].order, released, w[which].net.package_key,
		    buf_view(&w[which].net.package_cert));
}

/* A ZIP of these files, whatever their names; false: there can be none. */
static bool
write_parts(const struct repack *r, struct memfile *ret)
{
	struct zip_writer	*z = NULL;
	uint64_t		 size;
	bool			 ok = true;

	*ret = MEMFILE_INIT;
	PROMISE(zip_writer_new(memfile_write, ret, &z, NULL) == RC_OK);
	for (size_t i = 0; i < r->n && ok; i++)
		ok = zip_add(z, r->name[i], buf_view(&r->content[i]), NULL, NULL) == RC_OK;
	ok = ok && zip_finish(z, &size, NULL) == RC_OK;
	zip_writer_free(z);
	return ok;
}

static void
from_parts(struct rd *r, unsigned which, unsigned mode, struct memfile *ret)
{
	struct repack	p;
	struct edit	e;

	repack_open(&p, &good[which]);
	for (unsigned i = 0; i < EDITS_MAX && take_edit(r, &e); i++)
		apply(&p, &e);
	make_again(&p, which, mode);
	(void)write_parts(&p, ret);
	repack_done(&p);
}

/* Places count from the end too: that is where the directory is. */
static void
from_bytes(struct rd *r, unsigned which, struct memfile *ret)
{
	struct edit	e;
	size_t		at;

	*ret = MEMFILE_INIT;
	buf_span(&ret->b, buf_view(&good[which].b));
	for (unsigned i = 0; i < EDITS_MAX && take_edit(r, &e); i++) {
		at = (e.op & 1) != 0 && e.at < ret->b.n ? ret->b.n - e.at : e.at;
		splice(&ret->b, at, (e.op & 2) != 0 ? e.to : e.bytes.n, e.bytes);
	}
}

/* --- promises ------------------------------------------------------------------------ */

struct came { const struct world *w; uint64_t bytes; };

static enum rc
take(void *user, const uint8_t id[ARTIFACT_ID_BYTES], const struct part *part, uint64_t at, struct span plaintext,
    struct err *err)
{
	struct came	*c = user;

	(void)err;
	PROMISE(memcmp(id, c->w->artifact[strcmp(part->name, "image") == 0 ? 0 : 1].id, ARTIFACT_ID_BYTES) == 0);
	for (size_t i = 0; i < plaintext.n; i++)
		PROMISE(plaintext.p[i] == world_byte(part->name, at + i));
	c->bytes += plaintext.n;
	return RC_OK;
}

/* The evidence is what it was. README.txt is for people, and the coordinator's word. */
static void
same_evidence(struct memfile *f, unsigned which, unsigned mode)
{
	struct repack	have;

	repack_open(&have, f);
	for (size_t i = 0; i < parts[which].n; i++) {
		const char	*name = parts[which].name[i];

		if (strncmp(name, "META-INF/", 9) == 0)
			continue;
		PROMISE(i < have.n && strcmp(have.name[i], name) == 0);
		if (mode == SIGNATURE && (strcmp(name, NAME_README) == 0 || strcmp(name, NAME_TAGMANIFEST) == 0))
			continue;
		PROMISE(span_eq(buf_view(&have.content[i]), buf_view(&parts[which].content[i])));
	}
	repack_done(&have);
}

static enum package_verdict
verdict(struct memfile *f, unsigned which)
{
	struct package_report	rep;
	struct err		err;

	PROMISE(package_verify(memfile_read, f, f->b.n, WORLD_TRUST(w[which].net.genesis, w[which].net.now), &rep,
	    &err) == RC_OK);
	return rep.verdict;
}

static enum package_verdict
try_open(struct memfile *f, unsigned which)
{
	struct came		c = { &w[which], 0 };
	struct package_report	rep;
	struct opening		o;
	enum rc			rc;

	rc = package_open(memfile_read, f, f->b.n, WORLD_TRUST(w[which].net.genesis, w[which].net.now),
	    w[which].net.recipient_key, SPAN(NULL, 0), take, &c, &rep, &o, NULL);
	PROMISE((rc == RC_OK) == (rep.verdict == PACKAGE_VALID));
	PROMISE(c.bytes == (rc == RC_OK ? WORLD_IMAGE + WORLD_PROMPT : 0));
	if (rc == RC_OK)
		opening_done(&o);
	return rep.verdict;
}

/* A renewal copies what is there: it makes nothing of what is not valid. */
static void
try_renew(struct memfile *f, unsigned which, enum package_verdict was)
{
	struct memfile	again = MEMFILE_INIT;
	uint64_t	size;

	if (package_renew(memfile_read, f, f->b.n, world_stamp, &w[which], memfile_write, &again, &size, NULL) == RC_OK) {
		PROMISE(size == again.b.n);
		PROMISE(verdict(&again, which) != PACKAGE_VALID || was == PACKAGE_VALID);
	} else
		PROMISE(was != PACKAGE_VALID);
	memfile_done(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd		r = rd_init(SPAN(data, size));
	struct memfile		f;
	enum package_verdict	v;
	uint8_t			how;
	unsigned		which, mode;

	if (parts[0].n == 0)
		make();
	if (!rd_u8(&r, &how))
		return 0;
	which = how >> 7;
	mode = how % REMAKES;
	if (mode == RAW)
		from_bytes(&r, which, &f);
	else
		from_parts(&r, which, mode, &f);
	v = try_open(&f, which);
	if (v == PACKAGE_VALID)
		same_evidence(&f, which, mode);
	if ((how & 0x40) != 0)
		try_renew(&f, which, v);
	memfile_done(&f);
	return 0;
}
