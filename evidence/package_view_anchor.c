/* data/anchors: package-v1 section 3a. What stands there is anchor-v1 in pieces, and is put together again. */
#include <stdlib.h>
#include <string.h>

#include "evidence/package_walk.h"

void
view_anchors_done(struct package_view *v)
{
	for (uint32_t i = 0; i < v->n_anchors; i++)
		buf_done(&v->anchor[i].archive);
	free(v->anchor);
	free(v->anchored);
}

/* The files of one anchor while they become one blob. */
struct pieces {
	struct buf	note, token;
	struct buf	certificate[TIMESTAMP_CERTS_MAX], crl[TIMESTAMP_CRLS_MAX];
};

static void
pieces_done(struct pieces *p)
{
	buf_done(&p->note);
	buf_done(&p->token);
	for (size_t i = 0; i < TIMESTAMP_CERTS_MAX; i++)
		buf_done(&p->certificate[i]);
	for (size_t i = 0; i < TIMESTAMP_CRLS_MAX; i++)
		buf_done(&p->crl[i]);
}

/* certificate-1.cer, certificate-2.cer... as far as they go. One too many is a file where another should be. */
static enum rc
load_list(struct package_view *v, uint64_t index, void (*name_it)(uint64_t, unsigned, package_name), struct buf *list,
    unsigned max, size_t bytes_max, struct span *ret, uint8_t *ret_n, struct err *err)
{
	struct zip_entry	e;
	package_name		name;

	for (*ret_n = 0; *ret_n < max; (*ret_n)++) {
		name_it(index, *ret_n + 1u, name);
		if (!view_next_under(v, name, &e))
			return RC_OK;
		TRY(view_load(v, name, bytes_max, &list[*ret_n], err));
		ret[*ret_n] = buf_view(&list[*ret_n]);
	}
	return RC_OK;
}

static enum rc
load_archive(struct package_view *v, struct view_anchor *a, struct err *err)
{
	AUTO_DONE(pieces_done) struct pieces	p = { .note = BUF_INIT(0) };
	struct anchor				parts = { .n_crls = 0 };
	package_name				name;
	enum rc					rc;

	name_anchor(a->index, "checkpoint", name);
	TRY(view_load(v, name, NOTE_BYTES_MAX, &p.note, err));
	parts.note = buf_view(&p.note);
	name_anchor(a->index, "token.tst", name);
	TRY(view_load(v, name, TIMESTAMP_RESPONSE_MAX, &p.token, err));
	parts.token = buf_view(&p.token);
	TRY(load_list(v, a->index, name_anchor_certificate, p.certificate, TIMESTAMP_CERTS_MAX, TIMESTAMP_CERT_MAX,
	    parts.certificate, &parts.n_certificates, err));
	TRY(load_list(v, a->index, name_anchor_crl, p.crl, TIMESTAMP_CRLS_MAX, TIMESTAMP_CRL_MAX, parts.crl,
	    &parts.n_crls, err));
	if ((rc = anchor_write(&parts, &a->archive, err)) != RC_OK ||
	    (rc = anchor_parse(buf_view(&a->archive), &a->parts, err)) != RC_OK)
		return err_wrap(err, rc, "package: anchor entry %llu", (unsigned long long)a->index);
	return RC_OK;
}

static enum rc
grow_anchored(struct package_view *v, struct err *err)
{
	uint32_t		 cap = v->cap_anchored == 0 ? 16 : v->cap_anchored * 2;
	struct package_anchored	*p;

	if (v->n_anchored < v->cap_anchored)
		return RC_OK;
	if (v->n_anchored == PACKAGE_ANCHORED_MAX)
		return err_set(err, RC_LIMIT, "package: more than %d proofs under anchors", PACKAGE_ANCHORED_MAX);
	if ((p = realloc(v->anchored, cap * sizeof(*p))) == NULL)
		return err_set(err, RC_NOMEM, "package: no memory for %u proofs", cap);
	v->anchored = p;
	v->cap_anchored = cap;
	return RC_OK;
}
_Static_assert((PACKAGE_ANCHORED_MAX & (PACKAGE_ANCHORED_MAX - 1)) == 0 && PACKAGE_ANCHORED_MAX >= 16,
    "doubling 16 ends at the limit");

static enum rc
load_proofs(struct package_view *v, struct view_anchor *a, struct err *err)
{
	struct package_anchored	*p;
	struct zip_entry	 e;
	package_name		 folder, name;

	name_anchor(a->index, "", folder);
	for (a->first = v->n_anchored; view_next_under(v, folder, &e); v->n_anchored++, a->n++) {
		TRY(grow_anchored(v, err));
		p = &v->anchored[v->n_anchored];
		p->batch = view_number_in(e.name, folder);
		if (a->n > 0 && p->batch <= v->anchored[v->n_anchored - 1].batch)
			return err_set(err, RC_FORMAT, "package: %s: out of order", e.name);
		name_anchor_proof(a->index, p->batch, name);
		TRY(view_load_proof(v, name, p->batch, a->parts.note, &p->path, err));
	}
	return a->n > 0 ? RC_OK : err_set(err, RC_FORMAT, "package: %s dates no batch", folder);
}

enum rc
view_walk_anchors(struct package_view *v, struct err *err)
{
	struct view_anchor	*a;
	struct zip_entry	 e;
	uint64_t		 index;

	if (!view_next_under(v, NAME_ANCHORS, &e))
		return RC_OK;
	if ((v->anchor = calloc(PACKAGE_ANCHORS_MAX, sizeof(*v->anchor))) == NULL)
		return err_set(err, RC_NOMEM, "package: no memory for anchors");
	v->kase.archive = v->archive;
	while (view_next_under(v, NAME_ANCHORS, &e)) {
		if (v->n_anchors == PACKAGE_ANCHORS_MAX)
			return err_set(err, RC_LIMIT, "package: more than %d anchors", PACKAGE_ANCHORS_MAX);
		index = view_number_in(e.name, NAME_ANCHORS);
		a = &v->anchor[v->n_anchors];
		if (v->n_anchors > 0 && index <= a[-1].index)
			return err_set(err, RC_FORMAT, "package: %s: anchors out of order", e.name);
		*a = (struct view_anchor){ .index = index, .archive = BUF_INIT(ANCHOR_BYTES_MAX) };
		v->n_anchors++;
		TRY(load_archive(v, a, err));
		v->archive[v->kase.n_archives++] = buf_view(&a->archive);
		TRY(load_proofs(v, a, err));
	}
	return RC_OK;
}
