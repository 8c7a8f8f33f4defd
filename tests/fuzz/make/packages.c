/* Of packages: edits of good ones (tests/fuzz/package.c, signature.c), opening notes, tokens, trust files. */
#include "evidence/opening.h"
#include "tests/fixture/network.h"
#include "tests/fuzz/lib/fuzz.h"
#include "tests/fuzz/make/seeds.h"

/* --- edits ------------------------------------------------------------------------- */

struct edit { uint8_t op; uint16_t at, to; const char *bytes; };

static void
edits(const char *name, uint8_t how, const struct edit *e, size_t n)
{
	struct buf	b = BUF_INIT(4096);

	buf_u8(&b, how);
	for (size_t i = 0; i < n; i++) {
		buf_u8(&b, e[i].op);
		buf_u16(&b, e[i].at);
		buf_u16(&b, e[i].to);
		buf_vec8(&b, span_str(e[i].bytes));
	}
	seed_buf("package", name, &b);
}

/* Operations and files as in package.c; 0x80: of the recipient's package. */
static void
make_edits(void)
{
	edits("as_it_is", 0, NULL, 0);
	edits("as_it_is_to_the_recipient", 0x80, NULL, 0);
	edits("signed_again", 2, NULL, 0);
	edits("raw", 3, NULL, 0);
	edits("renewed", 0x40, NULL, 0);
	edits("charter", 2, &(struct edit){ 8, 100, 0, "x" }, 1);
	edits("scope_longer", 2, &(struct edit){ 17, 0, 0, "more" }, 1);
	edits("cut", 0x41, &(struct edit){ 34, 10, 5, "" }, 1);
	edits("dropped", 2, &(struct edit){ 3, 9, 0, "" }, 1);
	edits("added", 2, &(struct edit){ 4, 20, 0, "data/entries/000000000099.leaf" }, 1);
	edits("moved", 2, &(struct edit){ 5, 9, 12, "" }, 1);
	edits("anothers", 0x82, &(struct edit){ 6, 4, 4, "" }, 1);
	edits("last", 0, &(struct edit){ 7, 65, 60, "x" }, 1);
	edits("archive_twice", 0, (struct edit[]){ { 4, 67, 0, "META-INF/ASiCArchiveManifest002.xml" },
	    { 4, 68, 0, "META-INF/timestamp002.tst" } }, 2);
	edits("end_of_directory", 3, &(struct edit){ 1, 22, 0, "PK" }, 1);
	edits("in_the_directory", 3, &(struct edit){ 3, 500, 3, "" }, 1);
}

static void
make_signatures(void)
{
	static const char	one[] = { 0, 0, 3, 1, 1, 'x' };
	struct buf		b;

	for (uint8_t i = 0; i < 3; i++) {
		char	name[16];

		(void)snprintf(name, sizeof(name), "level_%u", i);
		b = BUF_INIT(64);
		buf_u8(&b, i);
		seed_buf("signature", name, &b);
		(void)snprintf(name, sizeof(name), "changed_%u", i);
		b = BUF_INIT(64);
		buf_u8(&b, i);
		buf_add(&b, one, sizeof(one));
		seed_buf("signature", name, &b);
	}
}

/* --- opening notes ------------------------------------------------------------------ */

static void
make_openings(void)
{
	struct opened_part	part[2] = { { .name = "image", .last = 3, .bytes = 200000 }, { .name = "prompt", .bytes = 12 } };
	struct opening		o = { .opened = NET_START, .n_parts = 2, .part = part, .bad = 5 };
	struct buf		json = BUF_INIT(OPENING_BYTES_MAX), der = BUF_INIT(OPENING_BYTES_MAX);
	struct net		n;

	part[1].artifact[0] = 1;
	net_init(&n);
	PROMISE(opening_write(&o, &json, NULL) == RC_OK);
	seed_buf("opening", "json", &json);
	PROMISE(opening_sign(&o, n.recipient_key, buf_view(&n.recipient), &der, NULL) == RC_OK);
	seed_buf("opening", "p384", &der);
	der = BUF_INIT(OPENING_BYTES_MAX);
	PROMISE(opening_sign(&o, n.worker_key, buf_view(&n.worker), &der, NULL) == RC_OK);
	seed_buf("opening", "p256", &der);
	net_done(&n);
}

/* --- trust files ---------------------------------------------------------------------- */

static void
make_trust(void)
{
	struct buf	b = BUF_INIT(16384);
	struct net	n;

	net_init(&n);
	seed("trust", "genesis", SPAN_STR("{\"genesis\":\""
	    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"}"));
	buf_printf(&b, "{\"tsa_roots\":[\"base64:");
	b64_write(&b, buf_view(&n.recipient));
	buf_printf(&b, "\"]}\n");
	seed_buf("trust", "root", &b);
	seed("trust", "charter", SPAN_STR("{\"charter\":\"charter.json\",\"tsa_roots\":[]}"));
	seed("trust", "nothing", SPAN_STR("{}"));
	net_done(&n);
}

void
make_packages(void)
{
	make_edits();
	make_signatures();
	make_openings();
	make_trust();
}
