/* cli/changes.c - what a charter changes of the one that it follows, in words. */
#include <string.h>

#include "cli/changes.h"

/* --- words for one thing -------------------------------------------------------------- */

void
duration_words(uint64_t seconds, struct buf *out)
{
	static const struct { uint64_t s; const char *name; } units[] = {
		{ 86400, "day" }, { 3600, "hour" }, { 60, "minute" },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (seconds >= units[i].s && seconds % units[i].s == 0) {
			buf_printf(out, "%llu %s%s", (unsigned long long)(seconds / units[i].s), units[i].name,
			    seconds == units[i].s ? "" : "s");
			return;
		}
	buf_printf(out, "%llu s", (unsigned long long)seconds);
}

static void
names(const char *name, size_t size, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", name + i * size);
	if (n == 0)
		buf_printf(out, "none");
}

void
roles_words(const struct person *p, struct buf *out)
{
	names(p->role[0], sizeof(p->role[0]), p->n_roles, out);
}

void
policy_words(const struct policy_rule *p, struct buf *out)
{
	for (uint8_t i = 0; i < p->n_need; i++)
		buf_printf(out, "%s%u of role %s", i == 0 ? "" : ", ", p->need[i].count, p->need[i].role);
	buf_printf(out, "; %u people in all", p->people);
	if (p->requester_organisation_may_approve)
		buf_printf(out, "; the requester's organisation may approve");
	for (uint8_t i = 0; i < p->n_veto; i++)
		buf_printf(out, "; a denial by %s is a veto", p->veto[i]);
	for (uint8_t i = 0; i < p->n_attachments; i++)
		buf_printf(out, "; needs an attachment (%s)", p->attachment[i]);
	if (p->n_parts > 0) {
		buf_printf(out, "; only of ");
		names(p->part[0], sizeof(p->part[0]), p->n_parts, out);
	}
	buf_printf(out, "; a request lives ");
	duration_words(p->request_seconds, out);
	if (p->time_lock_seconds != 0) {
		buf_printf(out, "; not before ");
		duration_words(p->time_lock_seconds, out);
		buf_printf(out, " after sealing");
	}
	if (p->objection_seconds != 0) {
		buf_printf(out, "; ");
		duration_words(p->objection_seconds, out);
		buf_printf(out, " to object");
	}
	if (p->artifacts_per_day != 0)
		buf_printf(out, "; at most %u artifacts a day", p->artifacts_per_day);
	buf_printf(out, "; released to the %s", p->release_to_recipient ? "recipient" : "coordinator");
}

static void
key_line(const char *verb, const char *what, const char *of, const struct key *k, struct buf *out)
{
	uint8_t	id[KEY_ID_BYTES];
	char	hex[HEX_BYTES(KEY_ID_BYTES)];

	key_id(k, id);
	buf_printf(out, "%s a key of %s %s: %s\n", verb, what, of, hex_write(SPAN_OF(id), hex));
}

static void
text_line(const char *what, const char *a, const char *b, struct buf *out)
{
	if (strcmp(a, b) != 0)
		buf_printf(out, "%s: was %s, becomes %s\n", what, a, b);
}

static void
number_line(const char *what, uint64_t a, uint64_t b, struct buf *out)
{
	if (a != b)
		buf_printf(out, "%s: was %llu, becomes %llu\n", what, (unsigned long long)a, (unsigned long long)b);
}

static void
duration_line(const char *what, uint64_t a, uint64_t b, struct buf *out)
{
	if (a == b)
		return;
	buf_printf(out, "%s: was ", what);
	duration_words(a, out);
	buf_printf(out, ", becomes ");
	duration_words(b, out);
	buf_printf(out, "\n");
}

static void
blob_line(const char *what, const char *of, const struct blob_ref *a, const struct blob_ref *b, struct buf *out)
{
	if (!span_eq(SPAN(a->p, a->n), SPAN(b->p, b->n)))
		buf_printf(out, "%s of %s: another certificate\n", what, of);
}

/* --- lists of things with ids ----------------------------------------------------------- */

/*
 * One list of both charters: who of it is new, who is gone, and what `same` says of those
 * that are in both. An item begins with its id, whose size is `id`.
 */
struct list {
	const char	*word;		/* "person" */
	const void	*a, *b;		/* now, next */
	uint32_t	 n_a, n_b;
	size_t		 size, id;
	void		(*describe)(const void *item, struct buf *out);
	void		(*same)(const void *a, const void *b, struct buf *out);
};

static const char *
item(const void *list, const struct list *l, uint32_t i)
{
	return (const char *)list + (size_t)i * l->size + l->id;
}

static const void *
find(const void *list, uint32_t n, const struct list *l, const char *id)
{
	for (uint32_t i = 0; i < n; i++)
		if (strcmp(item(list, l, i), id) == 0)
			return (const char *)list + (size_t)i * l->size;
	return NULL;
}

static void
list_changes(const struct list *l, struct buf *out)
{
	const void	*x;

	for (uint32_t i = 0; i < l->n_a; i++)
		if (find(l->b, l->n_b, l, item(l->a, l, i)) == NULL) {
			buf_printf(out, "removes %s %s", l->word, item(l->a, l, i));
			l->describe((const char *)l->a + (size_t)i * l->size, out);
			buf_printf(out, "\n");
		}
	for (uint32_t i = 0; i < l->n_b; i++) {
		if ((x = find(l->a, l->n_a, l, item(l->b, l, i))) != NULL) {
			l->same(x, (const char *)l->b + (size_t)i * l->size, out);
			continue;
		}
		buf_printf(out, "adds %s %s", l->word, item(l->b, l, i));
		l->describe((const char *)l->b + (size_t)i * l->size, out);
		buf_printf(out, "\n");
	}
}

static void
person_is(const void *item_, struct buf *out)
{
	const struct person	*p = item_;

	buf_printf(out, ", %s of %s; roles: ", p->name, p->organisation);
	roles_words(p, out);
	for (uint8_t i = 0; i < p->n_keys; i++) {
		uint8_t	id[KEY_ID_BYTES];
		char	hex[HEX_BYTES(KEY_ID_BYTES)];

		key_id(&p->key[i], id);
		buf_printf(out, "; key %s", hex_write(SPAN_OF(id), hex));
	}
}

static bool
has_key(const struct person *p, const struct key *k)
{
	for (uint8_t i = 0; i < p->n_keys; i++)
		if (key_eq(&p->key[i], k))
			return true;
	return false;
}

static bool
same_roles(const struct person *a, const struct person *b)
{
	for (uint8_t i = 0; i < a->n_roles; i++)
		if (!person_has_role(b, a->role[i]))
			return false;
	return a->n_roles == b->n_roles;
}

static void
person_same(const void *a_, const void *b_, struct buf *out)
{
	const struct person	*a = a_, *b = b_;

	if (strcmp(a->name, b->name) != 0 || strcmp(a->organisation, b->organisation) != 0)
		buf_printf(out, "person %s: was %s of %s, becomes %s of %s\n", a->id, a->name, a->organisation, b->name,
		    b->organisation);
	if (!same_roles(a, b)) {
		buf_printf(out, "person %s: roles were ", a->id);
		roles_words(a, out);
		buf_printf(out, ", become ");
		roles_words(b, out);
		buf_printf(out, "\n");
	}
	for (uint8_t i = 0; i < a->n_keys; i++)
		if (!has_key(b, &a->key[i]))
			key_line("removes", "person", a->id, &a->key[i], out);
	for (uint8_t i = 0; i < b->n_keys; i++)
		if (!has_key(a, &b->key[i]))
			key_line("adds", "person", b->id, &b->key[i], out);
}

static void
policy_is(const void *p, struct buf *out)
{
	buf_printf(out, ": ");
	policy_words(p, out);
}

static void
policy_same(const void *a_, const void *b_, struct buf *out)
{
	const struct policy_rule	*a = a_, *b = b_;

	if (memcmp(a->digest, b->digest, SHA256_BYTES) == 0)
		return;
	buf_printf(out, "policy %s was:     ", a->id);
	policy_words(a, out);
	buf_printf(out, "\npolicy %s becomes: ", b->id);
	policy_words(b, out);
	buf_printf(out, "\n");
}

static void
sealer_is(const void *s_, struct buf *out)
{
	const struct sealer	*s = s_;
	uint8_t			 id[KEY_ID_BYTES];
	char			 hex[HEX_BYTES(KEY_ID_BYTES)];

	key_id(&s->key, id);
	buf_printf(out, ", of %s; key %s", s->organisation, hex_write(SPAN_OF(id), hex));
	if (s->artifacts_per_day != 0)
		buf_printf(out, "; at most %llu artifacts a day", (unsigned long long)s->artifacts_per_day);
}

static void
sealer_same(const void *a_, const void *b_, struct buf *out)
{
	const struct sealer	*a = a_, *b = b_;

	if (key_eq(&a->key, &b->key) && strcmp(a->organisation, b->organisation) == 0 &&
	    a->artifacts_per_day == b->artifacts_per_day)
		return;
	buf_printf(out, "sealer %s was", a->id);
	sealer_is(a, out);
	buf_printf(out, "\nsealer %s becomes", b->id);
	sealer_is(b, out);
	buf_printf(out, "\n");
}

static void
class_is(const void *c, struct buf *out)
{
	buf_printf(out, ", kept for %u days", ((const struct retention_class *)c)->retain_days);
}

static void
class_same(const void *a_, const void *b_, struct buf *out)
{
	const struct retention_class	*a = a_, *b = b_;

	if (a->retain_days != b->retain_days)
		buf_printf(out, "class %s: was kept for %u days, becomes %u\n", a->id, a->retain_days, b->retain_days);
}

static void
host_is(const void *h, struct buf *out)
{
	uint8_t			 digest[SHA256_BYTES];
	char			 hex[HEX_BYTES(SHA256_BYTES)];
	const struct blob_ref	*c = &((const struct host *)h)->tls_certificate;

	sha256_one(digest, SPAN(c->p, c->n));
	buf_printf(out, ", which may call; certificate %s", hex_write(SPAN_OF(digest), hex));
}

static void
host_same(const void *a_, const void *b_, struct buf *out)
{
	const struct host	*a = a_, *b = b_;

	blob_line("host", a->name, &a->tls_certificate, &b->tls_certificate, out);
}

static void
tsa_is(const void *t_, struct buf *out)
{
	const struct tsa	*t = t_;

	buf_printf(out, " at %s, %u trust anchors, %u revocation lists", t->url, t->n_certificates, t->n_crls);
}

static void
tsa_same(const void *a_, const void *b_, struct buf *out)
{
	const struct tsa	*a = a_, *b = b_;
	bool			 same = strcmp(a->url, b->url) == 0 && a->n_certificates == b->n_certificates &&
				    a->n_crls == b->n_crls;

	for (uint8_t i = 0; same && i < a->n_certificates; i++)
		same = span_eq(SPAN(a->certificate[i].p, a->certificate[i].n), SPAN(b->certificate[i].p, b->certificate[i].n));
	for (uint8_t i = 0; same && i < a->n_crls; i++)
		same = strcmp(a->crl[i], b->crl[i]) == 0;
	if (same)
		return;
	buf_printf(out, "TSA %s was", a->id);
	tsa_is(a, out);
	buf_printf(out, "; becomes");
	tsa_is(b, out);
	buf_printf(out, " (or other ones)\n");
}

/* --- the rest of it -------------------------------------------------------------------------- */

static void
coordinator_changes(const struct charter *a, const struct charter *b, struct buf *out)
{
	text_line("the coordinator's organisation", a->coordinator.organisation, b->coordinator.organisation, out);
	text_line("the coordinator's address", a->coordinator.address, b->coordinator.address, out);
	blob_line("TLS", "the coordinator", &a->coordinator.tls_certificate, &b->coordinator.tls_certificate, out);
	blob_line("packages", "the coordinator", &a->coordinator.package_certificate, &b->coordinator.package_certificate,
	    out);
	if (!key_eq(&a->coordinator.log_key, &b->coordinator.log_key)) {
		key_line("removes", "the", "log", &a->coordinator.log_key, out);
		key_line("adds", "the", "log", &b->coordinator.log_key, out);
	}
}

/* Who they are and their keys never change here: where one is reached. */
static void
custodian_changes(const struct charter *a, const struct charter *b, struct buf *out)
{
	for (uint8_t i = 0; i < a->n && i < b->n; i++) {
		const struct custodian	*x = &a->custodian[i], *y = &b->custodian[i];

		if (strcmp(x->address, y->address) != 0)
			buf_printf(out, "custodian %u (%s): was at %s, becomes %s\n", i + 1u, x->name, x->address, y->address);
		blob_line("TLS", x->name, &x->tls_certificate, &y->tls_certificate, out);
	}
}

static bool
same_names(const char (*a)[ID_MAX + 1], size_t n_a, const char (*b)[ID_MAX + 1], size_t n_b)
{
	size_t	i, j;

	for (i = 0; i < n_a; i++) {
		for (j = 0; j < n_b && strcmp(a[i], b[j]) != 0; j++)
			continue;
		if (j == n_b)
			return false;
	}
	return n_a == n_b;
}

static void
names_line(const char *what, const char (*a)[ID_MAX + 1], size_t n_a, const char (*b)[ID_MAX + 1], size_t n_b,
    struct buf *out)
{
	if (same_names(a, n_a, b, n_b))
		return;
	buf_printf(out, "%s: was ", what);
	names(a[0], sizeof(a[0]), n_a, out);
	buf_printf(out, "; becomes ");
	names(b[0], sizeof(b[0]), n_b, out);
	buf_printf(out, "\n");
}

static void
amend_changes(const struct charter *a, const struct charter *b, struct buf *out)
{
	names_line("who may amend the charter", a->amender, a->n_amenders, b->amender, b->n_amenders,
	    out);
	names_line("who may veto an amendment", a->amend_veto, a->n_amend_veto,
	    b->amend_veto, b->n_amend_veto, out);
	number_line("approvals that an amendment needs", charter_amend_need(a), charter_amend_need(b), out);
	duration_line("the delay before an amendment", a->amend_delay_seconds, b->amend_delay_seconds, out);
}

#define LIST(word, field, n, type, id_, is, same) \
	{ word, a->field, b->field, a->n, b->n, sizeof(type), offsetof(type, id_), is, same }

static void
all_lists(const struct charter *a, const struct charter *b, struct buf *out)
{
	const struct list	lists[] = {
		LIST("person", person, n_people, struct person, id, person_is, person_same),
		LIST("policy", policy, n_policies, struct policy_rule, id, policy_is, policy_same),
		LIST("sealer", sealer, n_sealers, struct sealer, id, sealer_is, sealer_same),
		LIST("class", class_, n_classes, struct retention_class, id, class_is, class_same),
		LIST("host", host, n_hosts, struct host, name, host_is, host_same),
		LIST("TSA", tsa, n_tsas, struct tsa, id, tsa_is, tsa_same),
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		list_changes(&lists[i], out);
}

void
charter_changes(const struct charter *now, const struct charter *next, struct buf *out)
{
	number_line("rules", now->rules, next->rules, out);
	text_line("name", now->name, next->name, out);
	number_line("one operator may run several custodians (1: yes)", now->single_operator, next->single_operator, out);
	all_lists(now, next, out);
	custodian_changes(now, next, out);
	coordinator_changes(now, next, out);
	amend_changes(now, next, out);
	number_line("an anchor after so many entries", now->anchor_entries, next->anchor_entries, out);
	duration_line("an anchor after", now->anchor_seconds, next->anchor_seconds, out);
	duration_line("a receipt must be in the log within", now->receipt_seconds, next->receipt_seconds, out);
	duration_line("an order lives at most", now->order_seconds, next->order_seconds, out);
}
