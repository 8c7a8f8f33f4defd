/*
 * tests/crashes/look.c - what stands in a party's database, for a test to compare.
 *
 *	look FILE log		each entry: index, type, yes|void, statement id, subject, state digest
 *	look FILE acts		the orders that this custodian decided to contribute to
 *	look FILE packages	request, package digest, order, release entry
 *	look FILE lacks		reads artifact ids; prints those that are not in escrow there
 *
 * Through the store's own functions, beside the daemon that has the file open.
 */
#include <stdio.h>
#include <string.h>

#include "audit/store/store.h"
#include "coordinator/journal.h"
#include "edge/edge.h"

#define ROWS_MAX	100000

static void
say(const char *before, struct span bytes)
{
	char	hex[HEX_BYTES(64)];

	printf("%s%s", before, bytes.n <= 64 ? hex_write(bytes, hex) : "long");
}

static enum rc
look_log(struct store *s, struct err *err)
{
	struct verdict	v;
	uint64_t	i;

	for (i = 0; i < store_size(s); i++) {
		AUTO_DONE(buf_done) struct buf leaf = BUF_INIT(1 << 20);

		TRY(store_entry(s, i, &leaf, err));
		TRY(store_verdict(s, i, &v, err));
		printf("%llu %s %s", (unsigned long long)i, statement_type_name((enum statement_type)v.type),
		    v.effective ? "yes" : "void");
		say(" ", SPAN_OF(v.id));
		say(" ", SPAN_OF(v.subject));
		say(" ", SPAN_OF(v.state));
		putchar('\n');
	}
	return RC_OK;
}

static enum rc
on_act(void *user, struct span key, struct span value, struct err *err)
{
	(void)user;
	(void)value;
	(void)err;
	say("", key);
	putchar('\n');
	return RC_OK;
}

static enum rc
on_package(void *user, struct span key, struct span value, struct err *err)
{
	struct package_row	p;

	(void)value;
	TRY(journal_package(user, key.p, &p, err));
	say("", key);
	say(" ", SPAN_OF(p.sha256));
	say(" ", SPAN_OF(p.order));
	printf(" %llu\n", (unsigned long long)p.release_index);
	return RC_OK;
}

static enum rc
look_lacks(struct store *s, struct err *err)
{
	const struct state	*st = store_state(s);
	struct escrow_at	 at;
	uint8_t			 id[ARTIFACT_ID_BYTES];
	char			 line[128];
	enum rc			 rc;

	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (!hex_parse(SPAN(line, strlen(line)), id, sizeof(id)))
			return err_set(err, RC_USAGE, "%s: no artifact id", line);
		rc = st->escrow_find(st->user, id, &at, NULL, err);
		if (rc == RC_MISSING)
			puts(line);
		else
			TRY(rc);
	}
	return RC_OK;
}

static enum rc
look(const char *file, const char *what, struct err *err)
{
	AUTO(store_close) struct store *s = NULL;

	TRY(store_open(file, STORE_READ, &s, err));
	TRY(store_begin(s, err));
	if (strcmp(what, "log") == 0)
		return look_log(s, err);
	if (strcmp(what, "acts") == 0)
		return store_journal_each(s, "act", SPAN(NULL, 0), ROWS_MAX, on_act, NULL, err);
	if (strcmp(what, "packages") == 0)
		return store_journal_each(s, "package", SPAN(NULL, 0), ROWS_MAX, on_package, s, err);
	if (strcmp(what, "lacks") == 0)
		return look_lacks(s, err);
	return err_set(err, RC_USAGE, "usage: look FILE log|acts|packages|lacks");
}

int
main(int argc, char **argv)
{
	struct err	err = { RC_OK, "" };

	if (argc != 3)
		return 64;
	if (look(argv[1], argv[2], &err) == RC_OK)
		return fflush(stdout) == 0 ? 0 : 74;
	fprintf(stderr, "look: %s: %s\n", argv[1], err.msg);
	return 1;
}
