/* cli/verify.c - quorate verify: an evidence package, claim by claim, offline. */
#include "cli/package.h"
#include "cli/remote.h"

static enum rc
judge(const struct package_report *r, struct err *err)
{
	switch (r->verdict) {
	case PACKAGE_VALID:
		return RC_OK;
	case PACKAGE_CONSISTENT:
		return err_set(err, RC_UNSURE, "consistent with itself; to know whether it is valid, give the genesis "
		    "charter that you trust: --charter FILE");
	case PACKAGE_INVALID:
		break;
	}
	return err_set(err, RC_VERIFY, "the package is not valid; see the claims that do not hold");
}

enum rc
cmd_verify(int argc, char **argv, struct err *err)
{
	AUTO_DONE(opened_file_done) struct opened_file f = OPENED_FILE_INIT;
	struct package_report	report;
	struct trusted		t;
	const char		*path = NULL, *charter = NULL;
	const struct option_row	rows[] = {
		{ "charter", OPTION_TEXT, &charter, "FILE", "the genesis charter that you trust (QUORATE_CHARTER)" },
		JSON_ROW,
	};
	const struct command	c = { "quorate verify package.asice [--charter FILE]",
		"Checks an evidence package offline, claim by claim. Exit 0: valid; 1: something does not hold; 2: it\n"
		"holds together, but no charter was given to trust.", rows, 2 };
	size_t	n;
	bool	help;

	TRY(options_read(&c, argc, argv, &path, 1, 1, &n, &help, err));
	if (help)
		return RC_OK;
	TRY(trusted_read(charter, &t, err));
	TRY(package_file(path, &f, err));
	TRY(package_verify(package_read_at, &f, f.size, &t.trust, &report, err));
	TRY(package_report_print(&report, cli_json, err));
	return judge(&report, err);
}
