/*
 * hsm/uri.c - PKCS#11 URIs (RFC 7512), read strictly.
 *
 * p11-kit decodes; by itself it takes unknown attributes, repeated ones, white
 * space and an empty "pkcs11:", each of which would name another key than the
 * person meant. So the names are looked over first.
 */
#include "hsm/internal.h"

#include <p11-kit/uri.h>

#include <string.h>

#define URI_MAX 1024

DEFINE_AUTO(p11_kit_uri_free, P11KitUri);

enum attribute {
	A_TOKEN, A_SERIAL, A_MANUFACTURER, A_MODEL, A_OBJECT, A_ID, A_TYPE,
	A_MODULE_PATH, A_PIN_SOURCE,
};

static const struct {
	const char	*name;
	bool		 query;		/* stands after the question mark */
} known[] = {
	[A_TOKEN]	 = { "token",		false },
	[A_SERIAL]	 = { "serial",		false },
	[A_MANUFACTURER] = { "manufacturer",	false },
	[A_MODEL]	 = { "model",		false },
	[A_OBJECT]	 = { "object",		false },
	[A_ID]		 = { "id",		false },
	[A_TYPE]	 = { "type",		false },
	[A_MODULE_PATH]	 = { "module-path",	true },
	[A_PIN_SOURCE]	 = { "pin-source",	true },
};
#define KNOWN (sizeof(known) / sizeof(known[0]))

bool
hsm_is_uri(const char *text)
{
	return strncmp(text, "pkcs11:", 7) == 0;
}

static enum rc
attribute_check(const char *p, size_t n, bool query, unsigned *seen, struct err *err)
{
	const char	*eq = memchr(p, '=', n);
	size_t		 name_n = eq == NULL ? n : (size_t)(eq - p), i;

	if (name_n == 9 && memcmp(p, "pin-value", 9) == 0)
		return err_set(err, RC_USAGE, "PKCS#11 URI: pin-value would show the PIN to "
		    "everybody on this machine: put it into a file and use pin-source");
	for (i = 0; i < KNOWN; i++)
		if (known[i].query == query && strlen(known[i].name) == name_n &&
		    memcmp(known[i].name, p, name_n) == 0)
			break;
	if (i == KNOWN)
		return err_set(err, RC_USAGE, "PKCS#11 URI: an unknown attribute: we know token, serial, "
		    "manufacturer, model, object, id, type, and after ? module-path, pin-source");
	if (*seen & 1U << i)
		return err_set(err, RC_USAGE, "PKCS#11 URI: %s twice", known[i].name);
	if (eq == NULL || name_n + 1 == n)
		return err_set(err, RC_USAGE, "PKCS#11 URI: %s is empty", known[i].name);
	/* A NUL would end the name early, for us or for the token. */
	if (i != A_ID && memmem(p, n, "%00", 3) != NULL)
		return err_set(err, RC_USAGE, "PKCS#11 URI: NUL in %s", known[i].name);
	if (i == A_TYPE && (n != 12 || memcmp(p, "type=private", 12) != 0))
		return err_set(err, RC_USAGE, "PKCS#11 URI: the type must be private");
	*seen |= 1U << i;
	return RC_OK;
}

/* Every attribute of the path, then of the query; sets a bit for each. */
static enum rc
names_check(const char *text, unsigned *seen, struct err *err)
{
	const char	*p = text + strlen("pkcs11:");
	bool		 query = false;

	for (;;) {
		size_t	n = strcspn(p, query ? "&" : ";?");

		TRY(attribute_check(p, n, query, seen, err));
		p += n;
		if (*p == '\0')
			return RC_OK;
		query = query || *p == '?';
		p++;
	}
}

/* These words end up in messages for operators. */
static enum rc
text_check(const void *p, size_t n, const char *what, struct err *err)
{
	const uint8_t	*b = p;

	for (size_t i = 0; i < n; i++)
		if (b[i] < ' ' || b[i] == 0x7f)
			return err_set(err, RC_USAGE, "PKCS#11 URI: a control character in %s", what);
	return RC_OK;
}

/* Fields of CK_TOKEN_INFO are padded with spaces. */
static enum rc
copy_padded(char *out, const unsigned char *in, size_t n, const char *what, struct err *err)
{
	while (n > 0 && (in[n - 1] == ' ' || in[n - 1] == '\0'))
		n--;
	if (n == 0)
		return err_set(err, RC_USAGE, "PKCS#11 URI: %s is empty", what);
	TRY(text_check(in, n, what, err));
	memcpy(out, in, n);
	out[n] = '\0';
	return RC_OK;
}

static enum rc
copy_text(char *out, size_t max, const char *in, const char *what, struct err *err)
{
	if (in == NULL || in[0] == '\0' || strlen(in) > max)
		return err_set(err, RC_USAGE, "PKCS#11 URI: %s has more than %zu bytes", what, max);
	TRY(text_check(in, strlen(in), what, err));
	memcpy(out, in, strlen(in) + 1);
	return RC_OK;
}

static enum rc
copy_token(P11KitUri *uri, unsigned seen, struct hsm_uri *u, struct err *err)
{
	const CK_TOKEN_INFO	*t = p11_kit_uri_get_token_info(uri);

	if (seen & 1U << A_TOKEN)
		TRY(copy_padded(u->token, t->label, sizeof(t->label), "token", err));
	if (seen & 1U << A_SERIAL)
		TRY(copy_padded(u->serial, t->serialNumber, sizeof(t->serialNumber), "serial", err));
	if (seen & 1U << A_MANUFACTURER)
		TRY(copy_padded(u->manufacturer, t->manufacturerID, sizeof(t->manufacturerID),
		    "manufacturer", err));
	if (seen & 1U << A_MODEL)
		TRY(copy_padded(u->model, t->model, sizeof(t->model), "model", err));
	return RC_OK;
}

static enum rc
copy_object(P11KitUri *uri, struct hsm_uri *u, struct err *err)
{
	const CK_ATTRIBUTE	*label = p11_kit_uri_get_attribute(uri, CKA_LABEL);
	const CK_ATTRIBUTE	*id = p11_kit_uri_get_attribute(uri, CKA_ID);

	if (label != NULL) {
		if (label->ulValueLen > HSM_LABEL_MAX)
			return err_set(err, RC_USAGE, "PKCS#11 URI: object has more than %d bytes",
			    HSM_LABEL_MAX);
		TRY(text_check(label->pValue, label->ulValueLen, "object", err));
		memcpy(u->object, label->pValue, label->ulValueLen);
	}
	if (id != NULL) {
		if (id->ulValueLen > HSM_ID_MAX)
			return err_set(err, RC_USAGE, "PKCS#11 URI: id has more than %d bytes", HSM_ID_MAX);
		memcpy(u->id, id->pValue, id->ulValueLen);
		u->id_n = id->ulValueLen;
	}
	return RC_OK;
}

static enum rc
copy_query(P11KitUri *uri, unsigned seen, struct hsm_uri *u, struct err *err)
{
	const char	*pin = p11_kit_uri_get_pin_source(uri);

	if (seen & 1U << A_MODULE_PATH)
		TRY(copy_text(u->module_path, HSM_PATH_MAX, p11_kit_uri_get_module_path(uri),
		    "module-path", err));
	if (!(seen & 1U << A_PIN_SOURCE))
		return RC_OK;
	if (pin != NULL && pin[0] == '|')
		return err_set(err, RC_USAGE, "PKCS#11 URI: pin-source must be a file, not a command");
	if (pin != NULL && strncmp(pin, "file:", 5) == 0)
		pin += strncmp(pin, "file:///", 8) == 0 ? 7 : 5;
	return copy_text(u->pin_source, HSM_PATH_MAX, pin, "pin-source", err);
}

enum rc
hsm_uri_parse(const char *text, struct hsm_uri *ret, struct err *err)
{
	AUTO(p11_kit_uri_free) P11KitUri *uri = NULL;
	struct hsm_uri	 u = { .id_n = 0 };
	unsigned	 seen = 0;
	int		 r;

	if (!hsm_is_uri(text))
		return err_set(err, RC_USAGE, "PKCS#11 URI: does not start with pkcs11:");
	if (strlen(text) > URI_MAX)
		return err_set(err, RC_USAGE, "PKCS#11 URI: more than %d characters", URI_MAX);
	for (const char *p = text; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return err_set(err, RC_USAGE, "PKCS#11 URI: character %zu must be "
			    "percent-encoded", (size_t)(p - text) + 1);
	TRY(names_check(text, &seen, err));
	if (!(seen & (1U << A_TOKEN | 1U << A_SERIAL)))
		return err_set(err, RC_USAGE, "PKCS#11 URI: names no token: give token= or serial=");
	if ((uri = p11_kit_uri_new()) == NULL)
		return err_set(err, RC_NOMEM, "PKCS#11 URI: no memory");
	if ((r = p11_kit_uri_parse(text, P11_KIT_URI_FOR_ANY, uri)) != P11_KIT_URI_OK)
		return err_set(err, r == P11_KIT_URI_NO_MEMORY ? RC_NOMEM : RC_USAGE,
		    "PKCS#11 URI: %s", p11_kit_uri_message(r));
	if (p11_kit_uri_any_unrecognized(uri))
		return err_set(err, RC_USAGE, "PKCS#11 URI: a value is too long or cannot be read");
	TRY(copy_token(uri, seen, &u, err));
	TRY(copy_object(uri, &u, err));
	TRY(copy_query(uri, seen, &u, err));
	*ret = u;
	return RC_OK;
}
