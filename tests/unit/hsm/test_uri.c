#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "hsm/hsm.h"

static void
test_good(void **state)
{
	struct hsm_uri	u;
	struct err	err;

	(void)state;
	assert_int_equal(hsm_uri_parse("pkcs11:model=M1;manufacturer=Maker%20Ltd;serial=00ff;"
	    "token=court%20card;id=%00%01%fe;object=my%20key;type=private"
	    "?module-path=/usr/lib/x.so&pin-source=/run/pin", &u, &err), RC_OK);
	assert_string_equal(u.model, "M1");
	assert_string_equal(u.manufacturer, "Maker Ltd");
	assert_string_equal(u.serial, "00ff");
	assert_string_equal(u.token, "court card");
	assert_string_equal(u.object, "my key");
	assert_int_equal(u.id_n, 3);
	assert_memory_equal(u.id, "\x00\x01\xfe", 3);
	assert_string_equal(u.module_path, "/usr/lib/x.so");
	assert_string_equal(u.pin_source, "/run/pin");

	assert_int_equal(hsm_uri_parse("pkcs11:serial=1?pin-source=file:/run/p", &u, &err), RC_OK);
	assert_string_equal(u.pin_source, "/run/p");
	assert_string_equal(u.token, "");
	assert_int_equal(u.id_n, 0);
	assert_int_equal(hsm_uri_parse("pkcs11:serial=1?pin-source=file:///run/p", &u, &err), RC_OK);
	assert_string_equal(u.pin_source, "/run/p");
	assert_int_equal(hsm_uri_parse("pkcs11:serial=1?pin-source=file:%2Frun%2Fp", &u, &err), RC_OK);
	assert_string_equal(u.pin_source, "/run/p");
}

static const struct {
	const char	*name, *text, *word;
} bad[] = {
	{ "nothing",			"",				"pkcs11:" },
	{ "another scheme",		"file:token=a",			"pkcs11:" },
	{ "capitals",			"PKCS11:token=a",		"pkcs11:" },
	{ "empty",			"pkcs11:",			"unknown" },
	{ "only a query",		"pkcs11:?pin-source=/p",	"unknown" },
	{ "no token",			"pkcs11:object=a",		"no token" },
	{ "unknown attribute",		"pkcs11:token=a;tokem=b",	"unknown" },
	{ "unknown in the query",	"pkcs11:token=a?x=b",		"unknown" },
	{ "vendor attribute",		"pkcs11:token=a;x-v=b",		"unknown" },
	{ "slot-id is not stable",	"pkcs11:token=a;slot-id=1",	"unknown" },
	{ "query name in the path",	"pkcs11:token=a;pin-source=b",	"unknown" },
	{ "path name in the query",	"pkcs11:token=a?object=b",	"unknown" },
	{ "repeated",			"pkcs11:token=a;token=b",	"twice" },
	{ "repeated the same",		"pkcs11:token=a;token=a",	"twice" },
	{ "repeated in the query",	"pkcs11:token=a?pin-source=a&pin-source=a", "twice" },
	{ "PIN in the open",		"pkcs11:token=a?pin-value=1234", "pin-value" },
	{ "PIN in the path",		"pkcs11:token=a;pin-value=1234", "pin-value" },
	{ "empty value",		"pkcs11:token=",		"empty" },
	{ "no equals sign",		"pkcs11:token",			"empty" },
	{ "value of spaces",		"pkcs11:token=%20%20",		"empty" },
	{ "empty object",		"pkcs11:token=a;object=",	"empty" },
	{ "trailing semicolon",		"pkcs11:token=a;",		"unknown" },
	{ "trailing ampersand",		"pkcs11:token=a?pin-source=/p&", "unknown" },
	{ "trailing question mark",	"pkcs11:token=a?",		"unknown" },
	{ "white space",		"pkcs11:token=a b",		"encoded" },
	{ "leading white space",	"pkcs11: token=a",		"encoded" },
	{ "a new line",			"pkcs11:token=a\n",		"encoded" },
	{ "eight bits",			"pkcs11:token=\xc3\xa4",	"encoded" },
	{ "NUL in the token",		"pkcs11:token=a%00b",		"NUL" },
	{ "NUL in a path",		"pkcs11:token=a?pin-source=/p%00q", "NUL" },
	{ "control in the object",	"pkcs11:token=a;object=%0ab",	"control" },
	{ "control in the token",	"pkcs11:token=%1b[1m",		"control" },
	{ "control in a path",		"pkcs11:token=a?pin-source=/%07", "control" },
	{ "half a percent",		"pkcs11:token=%4",		"" },
	{ "no hex",			"pkcs11:token=%zz",		"" },
	{ "public key",			"pkcs11:token=a;type=public",	"private" },
	{ "a command for the PIN",	"pkcs11:token=a?pin-source=|cat", "command" },
	{ "empty file for the PIN",	"pkcs11:token=a?pin-source=file:", "" },
	{ "token of 33 bytes",		"pkcs11:token=012345678901234567890123456789012", "" },
	{ "object of 65 bytes",		"pkcs11:token=a;object=0123456789012345678901234567890123456789"
	    "0123456789012345678901234",						  "object" },
};

static void
test_bad(void **state)
{
	struct hsm_uri	u, before;
	struct err	err;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(&u, &before, sizeof(u));
		if (hsm_uri_parse(bad[i].text, &u, &err) != RC_USAGE)
			fail_msg("%s: not refused", bad[i].name);
		if (strstr(err.msg, bad[i].word) == NULL)
			fail_msg("%s: \"%s\" does not say %s", bad[i].name, err.msg, bad[i].word);
		assert_memory_equal(&u, &before, sizeof(u));
		assert_null(strstr(err.msg, "1234"));
	}
}

static void
test_long(void **state)
{
	struct hsm_uri	u;
	struct err	err;
	char		text[1200] = "pkcs11:token=a;id=";

	(void)state;
	for (size_t i = 0; i < HSM_ID_MAX; i++)
		strcat(text, "%41");
	assert_int_equal(hsm_uri_parse(text, &u, &err), RC_OK);
	assert_int_equal(u.id_n, HSM_ID_MAX);
	strcat(text, "%41");
	assert_int_equal(hsm_uri_parse(text, &u, &err), RC_USAGE);
	memset(text + 13, 'a', 1100);
	text[1113] = '\0';
	assert_int_equal(hsm_uri_parse(text, &u, &err), RC_USAGE);
	assert_non_null(strstr(err.msg, "1024"));
	/* A path that does not fit. */
	snprintf(text, sizeof(text), "pkcs11:token=a?pin-source=/%0255d", 0);
	assert_int_equal(hsm_uri_parse(text, &u, &err), RC_USAGE);
	assert_non_null(strstr(err.msg, "255"));
	snprintf(text, sizeof(text), "pkcs11:token=a?pin-source=/%0254d", 0);
	assert_int_equal(hsm_uri_parse(text, &u, &err), RC_OK);
}

static void
test_is(void **state)
{
	(void)state;
	assert_true(hsm_is_uri("pkcs11:token=a"));
	assert_false(hsm_is_uri("me.key"));
	assert_false(hsm_is_uri("pkcs11.key"));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
