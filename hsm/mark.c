/*
 * hsm/mark.c - data objects that count along with a database (docs/adr/0009-restored-and-cloned.md).
 *
 * The name stands in CKA_APPLICATION and the mark, in hex, in CKA_LABEL: of a data
 * object that is the one attribute that PKCS#11 lets one change, and the one that
 * SoftHSM does change. CKA_VALUE is there because some tokens want one.
 */
#include "hsm/internal.h"

#include <string.h>

#define FILLING	"quorate mark"
#define TEXT_MAX	HEX_BYTES(HSM_MARK_MAX)

struct found {
	CK_OBJECT_HANDLE	 at[HSM_MARKS_MAX];
	struct hsm_mark		 mark[HSM_MARKS_MAX];
	CK_ULONG		 n;
};

struct marking {
	const char	*name;
	struct span	 value;		/* write */
	bool		 make;
	bool		 gone;		/* the owner's is not there */
	const uint8_t	*owner;		/* sweep */
	struct found	 found;
};

static CK_BBOOL yes = CK_TRUE;

static CK_RV
find_all(struct hsm_call *c, const char *name, struct found *ret)
{
	CK_OBJECT_CLASS		class = CKO_DATA;
	CK_ATTRIBUTE		want[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_APPLICATION, (void *)(uintptr_t)name, strlen(name) },
	};
	CK_OBJECT_HANDLE	o[HSM_MARKS_MAX + 1];
	CK_ULONG		n = 0, got = 1;
	CK_RV			rv, end;

	if ((rv = P11(c, C_FindObjectsInit, want, sizeof(want) / sizeof(want[0]))) != CKR_OK)
		return rv;
	/* Some tokens give fewer at a time than are asked for. */
	while (rv == CKR_OK && got > 0 && n <= HSM_MARKS_MAX) {
		rv = P11(c, C_FindObjects, o + n, HSM_MARKS_MAX + 1 - n, &got);
		n += rv == CKR_OK ? got : 0;
	}
	end = c->f->C_FindObjectsFinal(c->session);
	if (rv != CKR_OK || end != CKR_OK)
		return rv != CKR_OK ? rv : end;
	if (n > HSM_MARKS_MAX)
		return RV_AMBIGUOUS;
	memcpy(ret->at, o, n * sizeof(o[0]));
	ret->n = n;
	return CKR_OK;
}

static CK_RV
read_one(struct hsm_call *c, CK_OBJECT_HANDLE o, struct hsm_mark *ret)
{
	char	text[2 * HSM_MARK_MAX];
	size_t	n = 0;
	CK_RV	rv = hsm_object_bytes(c, o, CKA_LABEL, text, sizeof(text), &n);

	if (rv != CKR_OK)
		return rv;
	ret->n = n / 2;
	return ret->n >= HSM_MARK_OWNER && hex_parse(SPAN(text, n), ret->bytes, ret->n) ? CKR_OK : RV_NONSENSE;
}

static CK_RV
read_all(struct hsm_call *c, const char *name, struct found *ret)
{
	CK_RV	rv = find_all(c, name, ret);

	for (CK_ULONG i = 0; rv == CKR_OK && i < ret->n; i++)
		rv = read_one(c, ret->at[i], &ret->mark[i]);
	return rv;
}

static bool
owned(const struct hsm_mark *m, const uint8_t *owner)
{
	return owner != NULL && memcmp(m->bytes, owner, HSM_MARK_OWNER) == 0;	/* public */
}

static CK_RV
create(struct hsm_call *c, const struct marking *a)
{
	CK_OBJECT_CLASS	 class = CKO_DATA;
	char		 text[TEXT_MAX];
	CK_ATTRIBUTE	 t[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_MODIFIABLE, &yes, sizeof(yes) },
		{ CKA_APPLICATION, (void *)(uintptr_t)a->name, strlen(a->name) },
		{ CKA_LABEL, hex_write(a->value, text), 2 * a->value.n },
		{ CKA_VALUE, (void *)(uintptr_t)FILLING, sizeof(FILLING) - 1 },
	};
	CK_OBJECT_HANDLE o;

	return P11(c, C_CreateObject, t, sizeof(t) / sizeof(t[0]), &o);
}

static CK_RV
replace(struct hsm_call *c, const struct marking *a, CK_OBJECT_HANDLE o)
{
	char		text[TEXT_MAX];
	CK_ATTRIBUTE	t = { CKA_LABEL, hex_write(a->value, text), 2 * a->value.n };

	return P11(c, C_SetAttributeValue, o, &t, 1);
}

static CK_RV
destroy_some(struct hsm_call *c, const struct found *f, const bool *which)
{
	CK_RV	rv = CKR_OK;

	for (CK_ULONG i = 0; rv == CKR_OK && i < f->n; i++)
		if (which[i])
			rv = P11(c, C_DestroyObject, f->at[i]);
	return rv;
}

/* Of the owner's, the lowest and the highest: two objects, when there are two. */
static size_t
extremes(const struct found *f, const bool *own, CK_ULONG *ret_low, CK_ULONG *ret_high)
{
	size_t	n = 0;

	for (CK_ULONG i = 0; i < f->n; i++) {
		if (!own[i])
			continue;
		if (n == 0 || memcmp(f->mark[i].bytes, f->mark[*ret_low].bytes, HSM_MARK_MAX) < 0)
			*ret_low = i;
		if (n == 0 || memcmp(f->mark[i].bytes, f->mark[*ret_high].bytes, HSM_MARK_MAX) >= 0)
			*ret_high = i;
		n++;
	}
	return n;
}

/*
 * Over the lower of two, or anew; the higher stays as it is. SoftHSM empties the
 * file before it writes it, so that a crash or a full disk costs the one mark that was
 * being written, and never the one that something may have been given away for.
 */
static CK_RV
op_write(struct hsm_call *c, void *arg)
{
	struct marking	*a = arg;
	bool		 old[HSM_MARKS_MAX] = { false };
	CK_ULONG	 low = 0, high = 0;
	size_t		 n;
	CK_RV		 rv = read_all(c, a->name, &a->found);

	if (rv != CKR_OK)
		return rv;
	for (CK_ULONG i = 0; i < a->found.n; i++)
		old[i] = owned(&a->found.mark[i], a->value.p);
	n = extremes(&a->found, old, &low, &high);
	a->gone = n == 0 && !a->make;
	if (a->gone)
		return CKR_OK;
	rv = n < 2 ? CKR_ATTRIBUTE_READ_ONLY : replace(c, a, a->found.at[low]);
	if (rv == CKR_OBJECT_HANDLE_INVALID)
		return rv;		/* destroyed meanwhile: not made again */
	c->spoilt = n >= 2 && rv != CKR_OK;
	if (rv == CKR_OK)
		old[low] = false;
	else if ((rv = create(c, a)) != CKR_OK)
		return rv;
	old[high] = false;
	return destroy_some(c, &a->found, old);
}

static CK_RV
op_read(struct hsm_call *c, void *arg)
{
	struct marking	*a = arg;

	return read_all(c, a->name, &a->found);
}

static CK_RV
op_sweep(struct hsm_call *c, void *arg)
{
	struct marking	*a = arg;
	bool		 which[HSM_MARKS_MAX] = { false };
	CK_RV		 rv = read_all(c, a->name, &a->found);

	for (CK_ULONG i = 0; rv == CKR_OK && i < a->found.n; i++)
		which[i] = !owned(&a->found.mark[i], a->owner);
	return rv != CKR_OK ? rv : destroy_some(c, &a->found, which);
}

static enum rc
run(struct hsm *h, hsm_op op, struct marking *a, struct err *err)
{
	CK_RV	rv = CKR_OK;
	enum rc	rc = hsm_run(h, NULL, op, a, &rv, err);

	if (rv == RV_AMBIGUOUS)
		return err_set(err, RC_FORMAT, "the token has more than %d objects \"%s\"", HSM_MARKS_MAX, a->name);
	if (rv == RV_NONSENSE || rv == CKR_BUFFER_TOO_SMALL)
		return err_set(err, RC_FORMAT, "an object \"%s\" in the token is none of ours", a->name);
	return rc == RC_OK ? RC_OK : err_wrap(err, rc, "mark \"%s\"", a->name);
}

enum rc
hsm_mark_write(struct hsm *h, const char *name, struct span value, bool make, struct err *err)
{
	struct marking	a = { .name = name, .value = value, .make = make };

	if (value.n < HSM_MARK_OWNER || value.n > HSM_MARK_MAX)
		return err_set(err, RC_BUG, "a mark of %zu bytes", value.n);
	TRY(run(h, op_write, &a, err));
	return a.gone ? err_set(err, RC_MISSING, "the mark \"%s\" is gone from the token", name) : RC_OK;
}

enum rc
hsm_mark_read(struct hsm *h, const char *name, struct hsm_mark *ret, size_t *ret_n, struct err *err)
{
	struct marking	a = { .name = name };

	TRY(run(h, op_read, &a, err));
	memcpy(ret, a.found.mark, a.found.n * sizeof(ret[0]));
	*ret_n = a.found.n;
	return RC_OK;
}

enum rc
hsm_mark_sweep(struct hsm *h, const char *name, const uint8_t *owner, struct err *err)
{
	struct marking	a = { .name = name, .owner = owner };

	return run(h, op_sweep, &a, err);
}
