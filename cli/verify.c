/* cli/verify.c - quorate verify: an evidence package, claim by claim, offline. */
#include <string.h>

#include "cli/cli.h"
#include "cli/package.h"
#include "cli/parallel.h"

#define HTML_MAX	((size_t)1 << 20)

struct verifying {
	const char	*path, *charter, *trust, *at, *html;
	struct trusted	 trusted;
};

static void
verifying_done(struct verifying *v)
{
	trusted_done(&v->trusted);
}

/* Without a trust nothing is called valid. */
static enum rc
judge(const struct package_report *r, struct err *err)
{
	switch (r->verdict) {
	case PACKAGE_VALID:
		return RC_OK;
	case PACKAGE_CONSISTENT:
		return err_set(err, RC_UNSURE, "consistent with itself; whether it can be relied on depends on the charter "
		    "that you trust: give --charter FILE or --trust FILE");
	case PACKAGE_INVALID:
		break;
	}
	return err_set(err, RC_VERIFY, "something does not hold: see the claims that say no");
}

static enum rc
what_is_trusted(struct verifying *v, struct err *err)
{
	TRY(trusted_read(v->charter, v->trust, &v->trusted, err));
	if (v->at != NULL && !when_parse(span_str(v->at), &v->trusted.trust.now))
		return err_set(err, RC_USAGE, "--at: give a time as 2031-01-31T12:00:00Z");
	return RC_OK;
}

/*
 * The file's name may hold anything; markup is made of it there. A page that leaves the file's side
 * says which file it is about; the file is read once more for that.
 */
static enum rc
write_html(const struct verifying *v, struct opened_file *f, const struct package_report *r, struct err *err)
{
	AUTO_DONE(buf_done) struct buf	page = BUF_INIT(HTML_MAX);
	const char			*slash = strrchr(v->path, '/');
	uint8_t				 digest[SHA256_BYTES];

	if (v->html == NULL)
		return RC_OK;
	TRY(package_file_digest(f, digest, err));
	package_report_html(r, slash == NULL ? v->path : slash + 1, digest, v->trusted.trust.now, &page);
	TRY(buf_check(&page, "report", err));
	return file_create(v->html, buf_view(&page), 0644, err);
}

static enum rc
verify(struct verifying *v, struct err *err)
{
	AUTO_DONE(opened_file_done) struct opened_file f = OPENED_FILE_INIT;
	AUTO(hands_free) struct hands *hands = NULL;
	struct package_report	report;

	TRY(what_is_trusted(v, err));
	if (v->html != NULL && file_exists(v->html))
		return err_set(err, RC_USAGE, "%s: exists already; it is not overwritten: choose another name", v->html);
	TRY(package_file(v->path, &f, err));
	TRY(hands_new(0, &hands, err));
	v->trusted.trust.parallel = hands_parallel(hands);
	TRY(package_verify(package_read_at, &f, f.size, &v->trusted.trust, &report, err));
	TRY(write_html(v, &f, &report, err));
	TRY(package_report_print(&report, cli_json, err));
	return judge(&report, err);
}

enum rc
cmd_verify(int argc, char **argv, struct err *err)
{
	AUTO_DONE(verifying_done) struct verifying v = { .trusted = TRUSTED_INIT };
	const struct option_row	rows[] = {
		{ "charter", OPTION_TEXT, &v.charter, "FILE", "the genesis charter that you trust (QUORATE_CHARTER)" },
		TRUST_ROW(&v.trust),
		{ "at", OPTION_TEXT, &v.at, "TIME", "verify as of this time, not now: 2031-01-31T12:00:00Z" },
		{ "html", OPTION_TEXT, &v.html, "FILE", "write the report there as well, as a page that can be printed" },
		JSON_ROW,
	};
	const struct command	c = { "quorate verify package.asice [--charter FILE] [--trust FILE]",
		"Checks an evidence package offline, claim by claim. Exit 0: valid; 1: something does not hold; 2: it\n"
		"holds together, but no charter was given to trust.", rows, 5 };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &v.path, 1, 1, &n, &help, err));
	return help ? RC_OK : verify(&v, err);
}
