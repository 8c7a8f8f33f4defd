/* edge/options.c - one way to read a command line. */
#include <stdio.h>
#include <string.h>

#include "edge/options.h"

#define ROWS_MAX	32

struct reading {
	const struct command	*c;
	bool			 seen[ROWS_MAX];
	struct err		*err;
};

static const char *
dashes(const char *name)
{
	return name[1] == '\0' ? "-" : "--";
}

static void
print_help(const struct command *c)
{
	char	left[64];
	size_t	i;

	printf("usage: %s\n\n%s\n\n", c->usage, c->purpose);
	for (i = 0; i < c->n_rows; i++) {
		(void)snprintf(left, sizeof(left), "%s%s%s%s", dashes(c->row[i].name),
		    c->row[i].name, c->row[i].value == NULL ? "" : " ",
		    c->row[i].value == NULL ? "" : c->row[i].value);
		printf("  %-26s %s%s\n", left, c->row[i].help,
		    (c->row[i].kind & OPTION_NEEDED) != 0 ? " (needed)" : "");
	}
	printf("  %-26s %s\n", "--help", "this text");
}

/* "--name" or "--name=value" or "-o": which row, and where its value starts. */
static enum rc
row_of(const struct reading *r, const char *word, size_t *ret, const char **ret_value)
{
	const char	*name = word + (word[1] == '-' ? 2 : 1);
	const char	*eq = word[1] == '-' ? strchr(name, '=') : NULL;
	size_t		 n = eq == NULL ? strlen(name) : (size_t)(eq - name), i;

	for (i = 0; i < r->c->n_rows; i++) {
		if (strlen(r->c->row[i].name) != n ||
		    strncmp(r->c->row[i].name, name, n) != 0 ||
		    (n == 1) != (word[1] != '-'))
			continue;
		*ret = i;
		*ret_value = eq == NULL ? NULL : eq + 1;
		return RC_OK;
	}
	return err_set(r->err, RC_USAGE, "no such option: %.60s (see --help)", word);
}

static enum rc
number(const char *text, const char *name, uint64_t *ret, struct err *err)
{
	uint64_t	v = 0;
	const char	*p;

	for (p = text; *p >= '0' && *p <= '9' && p - text < 19; p++)
		v = v * 10 + (uint64_t)(*p - '0');
	if (p == text || *p != '\0')
		return err_set(err, RC_USAGE, "%s%s: \"%.40s\" is not a number", dashes(name), name, text);
	*ret = v;
	return RC_OK;
}

static enum rc
put(struct reading *r, size_t i, const char *value)
{
	const struct option_row	*row = &r->c->row[i];
	int			 kind = row->kind & ~OPTION_NEEDED;
	struct texts		*t;

	if (r->seen[i] && kind != OPTION_TEXTS)
		return err_set(r->err, RC_USAGE, "%s%s is given twice", dashes(row->name), row->name);
	r->seen[i] = true;
	if (kind == OPTION_TEXT)
		*(const char **)row->to = value;
	if (kind == OPTION_NUMBER)
		return number(value, row->name, row->to, r->err);
	if (kind != OPTION_TEXTS)
		return RC_OK;
	t = row->to;
	if (t->n == OPTION_VALUES_MAX)
		return err_set(r->err, RC_USAGE, "%s%s: more than %d", dashes(row->name), row->name, OPTION_VALUES_MAX);
	t->v[t->n++] = value;
	return RC_OK;
}

static enum rc
option(struct reading *r, int argc, char **argv, int *at)
{
	const char	*value = NULL;
	size_t		 i = 0;
	int		 kind;

	TRY(row_of(r, argv[*at], &i, &value));
	kind = r->c->row[i].kind & ~OPTION_NEEDED;
	if (kind == OPTION_FLAG) {
		if (value != NULL)
			return err_set(r->err, RC_USAGE, "--%s takes no value", r->c->row[i].name);
		TRY(put(r, i, ""));
		*(bool *)r->c->row[i].to = true;
		return RC_OK;
	}
	if (value == NULL && *at + 1 >= argc)
		return err_set(r->err, RC_USAGE, "%s needs a value: %s", argv[*at],
		    r->c->row[i].value);
	if (value == NULL)
		value = argv[++*at];
	if (value[0] == '\0')
		return err_set(r->err, RC_USAGE, "%s%s is empty", dashes(r->c->row[i].name), r->c->row[i].name);
	return put(r, i, value);
}

enum rc
options_read(const struct command *c, int argc, char **argv, const char **positional,
    size_t min, size_t max, size_t *ret_n, bool *ret_help, struct err *err)
{
	struct reading	r = { .c = c, .err = err };
	size_t		n = 0, i;
	bool		words_only = false;
	int		at;

	*ret_help = false;
	if (c->n_rows > ROWS_MAX)
		return err_set(err, RC_BUG, "more options than the table holds");
	for (at = 1; at < argc; at++) {
		if (!words_only && strcmp(argv[at], "--help") == 0) {
			print_help(c);
			*ret_help = true;
			return RC_OK;
		}
		if (!words_only && strcmp(argv[at], "--") == 0) {
			words_only = true;
		} else if (!words_only && argv[at][0] == '-' && argv[at][1] != '\0') {
			TRY(option(&r, argc, argv, &at));
		} else if (argv[at][0] == '\0') {
			return err_set(err, RC_USAGE, "an empty word; usage: %s", c->usage);
		} else if (n == max) {
			return err_set(err, RC_USAGE, "unexpected word: %.60s; usage: %s",
			    argv[at], c->usage);
		} else {
			positional[n++] = argv[at];
		}
	}
	for (i = 0; i < c->n_rows; i++)
		if ((c->row[i].kind & OPTION_NEEDED) != 0 && !r.seen[i])
			return err_set(err, RC_USAGE, "%s%s is missing; usage: %s",
			    dashes(c->row[i].name), c->row[i].name, c->usage);
	if (n < min)
		return err_set(err, RC_USAGE, "something is missing; usage: %s", c->usage);
	*ret_n = n;
	return RC_OK;
}
