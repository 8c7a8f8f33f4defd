#include "tests/unit/hsm/tokens.h"

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
die(const char *what)
{
	perror(what);
	abort();
}

void
must(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

void
write_file(const char *path, const char *text, unsigned mode)
{
	FILE	*f;

	unlink(path);
	if ((f = fopen(path, "w")) == NULL || fputs(text, f) < 0 || fclose(f) != 0 ||
	    chmod(path, (mode_t)mode) != 0)
		die(path);
}

void
tokens_up(struct tokens *t)
{
	struct err	err;
	char		path[96], conf[256];

	if (secret_init(&err) != RC_OK) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	snprintf(t->dir, sizeof(t->dir), "/tmp/quorate-hsm.XXXXXX");
	if (mkdtemp(t->dir) == NULL)
		die("mkdtemp");
	snprintf(path, sizeof(path), "%s/soft", t->dir);
	if (mkdir(path, 0700) != 0)
		die(path);
	snprintf(conf, sizeof(conf), "directories.tokendir = %s\nobjectstore.backend = file\n"
	    "log.level = ERROR\n", path);
	snprintf(path, sizeof(path), "%s/softhsm.conf", t->dir);
	write_file(path, conf, 0600);
	setenv("SOFTHSM2_CONF", path, 1);
	snprintf(path, sizeof(path), "%s/nss", t->dir);
	if (mkdir(path, 0700) != 0)
		die(path);
	snprintf(t->nss_args, sizeof(t->nss_args),
	    "configdir='sql:%s' certPrefix='' keyPrefix='' secmod='secmod.db'", path);
	snprintf(t->pin_file, sizeof(t->pin_file), "%s/pin", t->dir);
	snprintf(t->wrong_pin_file, sizeof(t->wrong_pin_file), "%s/wrong", t->dir);
	snprintf(t->guard, sizeof(t->guard), "%s/guard", t->dir);
	write_file(t->pin_file, TOKEN_PIN "\n", 0600);
	write_file(t->wrong_pin_file, "wr0ng-pin\n", 0600);
}

void
tokens_down(const struct tokens *t)
{
	char	command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", t->dir);
	if (system(command) != 0)
		die(command);
}

static const char *
first_there(const char *const *paths, const char *what)
{
	for (; *paths != NULL; paths++)
		if (access(*paths, R_OK) == 0)
			return *paths;
	printf("skipped: %s is not installed\n", what);
	return NULL;
}

const char *
softhsm_module(void)
{
	static const char *const paths[] = {
		"/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
		"/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so", NULL,
	};

	return first_there(paths, "SoftHSM2 (softhsm2)");
}

const char *
nss_module(void)
{
	static const char *const paths[] = {
		"/usr/lib/x86_64-linux-gnu/libsoftokn3.so",
		"/usr/lib/x86_64-linux-gnu/nss/libsoftokn3.so",
		"/usr/lib/aarch64-linux-gnu/libsoftokn3.so", NULL,
	};

	return first_there(paths, "NSS softokn (libnss3)");
}

bool
softhsm_token(const char *label)
{
	char	command[256];

	if (softhsm_module() == NULL)
		return false;
	snprintf(command, sizeof(command), "softhsm2-util --init-token --free --label '%s' --pin "
	    TOKEN_PIN " --so-pin 12345678 >/dev/null", label);
	if (system(command) != 0)
		die(command);
	return true;
}

CK_FUNCTION_LIST *
raw_functions(const char *module)
{
	CK_FUNCTION_LIST	*f = NULL;
	CK_C_GetFunctionList	 get;
	void			*dl = dlopen(module, RTLD_NOW | RTLD_LOCAL), *sym;

	if (dl == NULL || (sym = dlsym(dl, "C_GetFunctionList")) == NULL)
		die(module);
	memcpy(&get, &sym, sizeof(get));
	if (get(&f) != CKR_OK)
		die("C_GetFunctionList");
	return f;
}

CK_SLOT_ID
raw_slot(CK_FUNCTION_LIST *f, const char *label)
{
	CK_SLOT_ID	slots[16];
	CK_ULONG	n = 16;
	CK_TOKEN_INFO	t;

	if (f->C_GetSlotList(CK_TRUE, slots, &n) != CKR_OK)
		die("C_GetSlotList");
	for (CK_ULONG i = 0; i < n; i++)
		if (f->C_GetTokenInfo(slots[i], &t) == CKR_OK &&
		    memcmp(t.label, label, strlen(label)) == 0)
			return slots[i];
	die(label);
	return 0;
}

/* A new database has an empty SO password and no PIN. */
bool
nss_token(const struct tokens *t)
{
	struct {
		CK_C_INITIALIZE_ARGS	 args;
		void			*past;
	} a = { .args = { .flags = CKF_OS_LOCKING_OK }, .past = NULL };
	static unsigned char	 pin[] = TOKEN_PIN, none[1];
	CK_FUNCTION_LIST	*f;
	CK_SESSION_HANDLE	 s;

	if (nss_module() == NULL)
		return false;
	f = raw_functions(nss_module());
	a.args.pReserved = (void *)(uintptr_t)t->nss_args;
	if (f->C_Initialize(&a) != CKR_OK ||
	    f->C_OpenSession(raw_slot(f, "NSS Certificate DB"), CKF_SERIAL_SESSION | CKF_RW_SESSION,
	    NULL, NULL, &s) != CKR_OK || f->C_Login(s, CKU_SO, none, 0) != CKR_OK ||
	    f->C_InitPIN(s, pin, sizeof(pin) - 1) != CKR_OK || f->C_Finalize(NULL) != CKR_OK)
		die("NSS C_InitPIN");
	return true;
}

struct hsm_uri
uri_of(const char *token, const char *object)
{
	struct hsm_uri	u = { .id_n = 0 };

	snprintf(u.token, sizeof(u.token), "%s", token);
	snprintf(u.object, sizeof(u.object), "%s", object);
	return u;
}

static struct hsm *
open_with(const struct tokens *t, const char *module, const char *args, const char *label,
    enum hsm_path path)
{
	struct hsm_uri		 u = uri_of(label, "");
	struct hsm_config	 c = {
		.module = module,
		.module_args = args,
		.uri = &u,
		.pin_file = t->pin_file,
		.path = path,
	};
	struct hsm		*h = NULL;
	struct err		 err;

	must(hsm_open(&c, &h, &err), &err);
	return h;
}

struct hsm *
softhsm_open(const struct tokens *t, const char *label, enum hsm_path path)
{
	return open_with(t, softhsm_module(), NULL, label, path);
}

struct hsm *
nss_open(const struct tokens *t, enum hsm_path path)
{
	return open_with(t, nss_module(), t->nss_args, "NSS Certificate DB", path);
}
