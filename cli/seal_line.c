/* cli/seal_line.c - one JSON object a line: seal-batch-v1 section 2. */
#include <string.h>

#include "cli/seal_line.h"

#define PATH_MAX_BYTES	4096

void
seal_line_done(struct seal_line *l)
{
	json_decref(l->doc);
	*l = SEAL_LINE_INIT;
}

static const char *
ref_of(const json_t *doc)
{
	const json_t	*v = json_object_get(doc, "ref");

	return json_is_string(v) && json_string_length(v) <= SEAL_REF_MAX ? json_string_value(v) : NULL;
}

static enum rc
read_parts(const json_t *parts, struct seal_order *o, struct err *err)
{
	const char	*name;
	json_t		*path;

	/* What a macro of the library does with a const object is its own affair. */
	json_object_foreach((json_t *)(uintptr_t)parts, name, path) {
		if (!json_is_string(path) || json_string_length(path) == 0 || json_string_length(path) > PATH_MAX_BYTES)
			return err_set(err, RC_FORMAT, "line: each part is the path of a file, a text of 1 to %d bytes", PATH_MAX_BYTES);
		TRY(seal_order_part(o, span_str(name), json_string_value(path), err));
	}
	return seal_order_check(o, err);
}

static const char *
or_else(const char *given, const char *otherwise)
{
	return given != NULL ? given : otherwise;
}

enum rc
seal_line_read(struct span text, const char *policy, const char *class_id, struct seal_line *ret, struct err *err)
{
	struct seal_order	*o = &ret->order;
	const json_t		*parts;
	struct jobj		 j;

	*ret = SEAL_LINE_INIT;
	TRY(json_read(text, SEAL_LINE_MAX, &ret->doc, err));
	ret->ref = ref_of(ret->doc);
	j = jobj_init(ret->doc, "line", err);
	(void)jobj_str(&j, "ref", 0, SEAL_REF_MAX);
	o->policy = or_else(jobj_str_opt(&j, "policy", ID_MAX), policy);
	o->class_id = or_else(jobj_str_opt(&j, "class", CLASS_NAME_MAX), class_id);
	o->record = jobj_str_opt(&j, "record", PATH_MAX_BYTES);
	parts = jobj_obj(&j, "parts");
	TRY(jobj_done(&j));
	if (o->policy == NULL)
		return err_set(err, RC_USAGE, "line: no policy: name one here, or with --policy for all that name none");
	o->files_only = true;
	return read_parts(parts, o, err);
}
