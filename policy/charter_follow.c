/*
 * policy/charter_follow.c - may one charter take the place of another?
 * (docs/spec/charter-v1.md section 5). Both are held together as JSON values, member by
 * member: what a later version of charters adds is compared as well.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "policy/charter.h"

enum rc
charter_rules_of(struct span json, uint64_t *ret, struct err *err)
{
	AUTO(json_decref) json_t *v = NULL;
	const json_t	*rules;

	TRY(json_read(json, CHARTER_BYTES_MAX, &v, err));
	rules = json_object_get(v, "rules");
	if (!json_is_integer(rules) || json_integer_value(rules) < 1 ||
	    json_integer_value(rules) > UINT32_MAX)
		return err_set(err, RC_FORMAT,
		    "charter: no \"rules\" that say how to read it");
	*ret = (uint64_t)json_integer_value(rules);
	return RC_OK;
}

static bool
is_one_of(const char *name, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

/* The first member of either that the other has not, or otherwise; NULL: none but `free`. */
static const char *
differs(json_t *a, json_t *b, const char *const *free, size_t n_free)
{
	const char	*name;
	json_t		*v;

	json_object_foreach(a, name, v)
		if (!is_one_of(name, free, n_free) &&
		    !json_equal(v, json_object_get(b, name)))
			return name;
	json_object_foreach(b, name, v)
		if (!is_one_of(name, free, n_free) &&
		    json_object_get(a, name) == NULL)
			return name;
	return NULL;
}
#define DIFFERS(a, b, list)	differs((a), (b), (list), sizeof(list) / sizeof((list)[0]))

/* An amendment does not change the coordinator, nor who keeps what. */
static enum rc
amendment_check(json_t *a, json_t *b, struct err *err)
{
	static const char *const	may[] = { "amends", "rules", "name", "custodians",
	    "people", "sealers", "policies", "classes", "hosts", "tsas", "anchor",
	    "amend", "receipt_seconds", "order_seconds" };
	static const char *const	reached[] = { "address", "tls_certificate" };
	json_t				*was = json_object_get(a, "custodians");
	json_t				*is = json_object_get(b, "custodians");
	const char			*name = DIFFERS(a, b, may);

	if (name != NULL)
		return err_set(err, RC_FORMAT, "charter: an amendment may not change "
		    "\"%.40s\"%s", name, strcmp(name, "coordinator") == 0 ?
		    ": that is a succession" : strcmp(name, "threshold") == 0 ?
		    ": that needs a hand-over" : "");
	for (size_t i = 0; i < json_array_size(was); i++) {
		name = DIFFERS(json_array_get(was, i), json_array_get(is, i), reached);
		if (name != NULL)
			return err_set(err, RC_FORMAT, "charter: an amendment may not "
			    "change \"%.40s\" of custodian %zu: that needs a "
			    "hand-over", name, i + 1);
	}
	return RC_OK;
}

static enum rc
succession_check(json_t *a, json_t *b, struct err *err)
{
	static const char *const	may[] = { "amends", "coordinator" };
	const char			*name = DIFFERS(a, b, may);

	if (name != NULL)
		return err_set(err, RC_FORMAT, "charter: a succession changes "
		    "\"coordinator\" alone, not \"%.40s\"", name);
	return RC_OK;
}

/* Artifacts were sealed under them. */
static enum rc
classes_kept(const struct charter *now, const struct charter *next,
    struct err *err)
{
	for (size_t i = 0; i < now->n_classes; i++)
		if (charter_class(next, now->class_[i].id) == NULL)
			return err_set(err, RC_FORMAT, "charter: class \"%s\" is gone; "
			    "classes stay", now->class_[i].id);
	return RC_OK;
}

enum rc
charter_follows(const struct charter *now, const struct charter *next,
    enum change how, struct err *err)
{
	AUTO(json_decref) json_t *a = NULL, *b = NULL;

	if (!next->has_amends ||
	    memcmp(next->amends, now->digest, SHA256_BYTES) != 0)
		return err_set(err, RC_FORMAT, "charter: its \"amends\" is not the "
		    "digest of the charter in force");
	TRY(json_read(buf_view(&now->bytes), CHARTER_BYTES_MAX, &a, err));
	TRY(json_read(buf_view(&next->bytes), CHARTER_BYTES_MAX, &b, err));
	TRY(how == CHANGE_SUCCESSION ? succession_check(a, b, err) :
	    amendment_check(a, b, err));
	return classes_kept(now, next, err);
}
