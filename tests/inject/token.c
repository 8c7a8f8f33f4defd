/*
 * tests/inject/token.c - a PKCS#11 module that stands before another one (INJECT_MODULE), and
 * fails when the plan says so. See inject.h.
 *
 * Where inject.so is there as well, the two share its hand on the plan; else a process goes by
 * the name that it has when it loads this.
 */
#include <p11-kit/pkcs11.h>

#include <sys/prctl.h>

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/inject/inject.h"

static CK_FUNCTION_LIST	*real, ours;

CK_RV	C_GetFunctionList(CK_FUNCTION_LIST **ret);

__attribute__((constructor)) static void
begin(void)
{
	char	name[INJECT_NAME + 1] = "";
	FILE	*f = fopen("/proc/self/comm", "re");

	if (f != NULL && fgets(name, sizeof(name), f) != NULL)
		name[strcspn(name, "\n")] = '\0';
	if (f != NULL)
		(void)fclose(f);
	inject_rename(name);
	(void)inject_plan();
}

/* CKR_OK: the call is made. *ret_die: and is the last. A session of 0: it has none. */
static CK_RV
turn(CK_SESSION_HANDLE s, bool login, bool *ret_die)
{
	const struct timespec	a_second = { 1, 0 };
	enum inject_action	a;

	*ret_die = false;
	if (!inject_turn(INJECT_TOKEN, &a))
		return CKR_OK;
	*ret_die = a == INJECT_AFTER || a == INJECT_HALF;
	switch (a) {
	case INJECT_FAIL:
		return CKR_FUNCTION_FAILED;
	case INJECT_FULL:
		return CKR_DEVICE_REMOVED;
	case INJECT_PIN:	/* whoever was logged in is no longer, and nobody can */
		return login ? CKR_PIN_LOCKED : CKR_USER_NOT_LOGGED_IN;
	case INJECT_SESSION:
		if (s == 0)
			return CKR_FUNCTION_FAILED;
		(void)real->C_CloseSession(s);
		return CKR_SESSION_HANDLE_INVALID;
	case INJECT_SLOW:
		(void)nanosleep(&a_second, NULL);
		return CKR_OK;
	case INJECT_KILL:
	case INJECT_AFTER:
	case INJECT_HALF:
	case INJECT_ACTIONS:
		break;
	}
	return CKR_OK;
}

#define BEFORE(fn, session, login, parameters, arguments)		\
	static CK_RV							\
	my_##fn parameters						\
	{								\
		bool	die;						\
		CK_RV	rv = turn((session), (login), &die);		\
									\
		if (rv == CKR_OK)					\
			rv = real->fn arguments;			\
		if (die)						\
			inject_die();					\
		return rv;						\
	}

#define SESSION	CK_SESSION_HANDLE s
#define OBJECT	CK_OBJECT_HANDLE o
#define BYTES	unsigned char

BEFORE(C_GetSlotList, 0, false, (BYTES present, CK_SLOT_ID *list, CK_ULONG *n), (present, list, n))
BEFORE(C_GetTokenInfo, 0, false, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), (slot, info))
BEFORE(C_OpenSession, 0, false, (CK_SLOT_ID slot, CK_FLAGS f, void *p, CK_NOTIFY notify, CK_SESSION_HANDLE *ret),
    (slot, f, p, notify, ret))
BEFORE(C_Login, s, true, (SESSION, CK_USER_TYPE u, BYTES *pin, CK_ULONG n), (s, u, pin, n))
BEFORE(C_FindObjectsInit, s, false, (SESSION, CK_ATTRIBUTE *a, CK_ULONG n), (s, a, n))
BEFORE(C_FindObjects, s, false, (SESSION, CK_OBJECT_HANDLE *o, CK_ULONG n, CK_ULONG *ret), (s, o, n, ret))
BEFORE(C_FindObjectsFinal, s, false, (SESSION), (s))
BEFORE(C_GetAttributeValue, s, false, (SESSION, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n), (s, o, a, n))
BEFORE(C_SetAttributeValue, s, false, (SESSION, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n), (s, o, a, n))
BEFORE(C_CreateObject, s, false, (SESSION, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *ret), (s, a, n, ret))
BEFORE(C_CopyObject, s, false, (SESSION, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *ret), (s, o, a, n, ret))
BEFORE(C_DestroyObject, s, false, (SESSION, OBJECT), (s, o))
BEFORE(C_GenerateKey, s, false, (SESSION, CK_MECHANISM *m, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *ret),
    (s, m, a, n, ret))
BEFORE(C_GenerateKeyPair, s, false, (SESSION, CK_MECHANISM *m, CK_ATTRIBUTE *a, CK_ULONG n, CK_ATTRIBUTE *b, CK_ULONG k,
    CK_OBJECT_HANDLE *x, CK_OBJECT_HANDLE *y), (s, m, a, n, b, k, x, y))
BEFORE(C_WrapKey, s, false, (SESSION, CK_MECHANISM *m, CK_OBJECT_HANDLE by, OBJECT, BYTES *p, CK_ULONG *n),
    (s, m, by, o, p, n))
BEFORE(C_DeriveKey, s, false, (SESSION, CK_MECHANISM *m, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *ret),
    (s, m, o, a, n, ret))
BEFORE(C_SignInit, s, false, (SESSION, CK_MECHANISM *m, OBJECT), (s, m, o))
BEFORE(C_Sign, s, false, (SESSION, BYTES *in, CK_ULONG n, BYTES *out, CK_ULONG *ret), (s, in, n, out, ret))
BEFORE(C_DecryptInit, s, false, (SESSION, CK_MECHANISM *m, OBJECT), (s, m, o))
BEFORE(C_Decrypt, s, false, (SESSION, BYTES *in, CK_ULONG n, BYTES *out, CK_ULONG *ret), (s, in, n, out, ret))
BEFORE(C_GenerateRandom, s, false, (SESSION, BYTES *out, CK_ULONG n), (s, out, n))

static void
stand_before(void)
{
#define US(fn)	ours.fn = my_##fn
	US(C_GetSlotList), US(C_GetTokenInfo), US(C_OpenSession), US(C_Login);
	US(C_FindObjectsInit), US(C_FindObjects), US(C_FindObjectsFinal);
	US(C_GetAttributeValue), US(C_SetAttributeValue);
	US(C_CreateObject), US(C_CopyObject), US(C_DestroyObject);
	US(C_GenerateKey), US(C_GenerateKeyPair), US(C_WrapKey), US(C_DeriveKey);
	US(C_SignInit), US(C_Sign), US(C_DecryptInit), US(C_Decrypt), US(C_GenerateRandom);
}

/* ISO C has no cast from an object to a function pointer. */
CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	const char		*path = getenv("INJECT_MODULE");
	CK_C_GetFunctionList	 get;
	void			*dl, *sym;

	if (real == NULL) {
		if (path == NULL || (dl = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL ||
		    (sym = dlsym(dl, "C_GetFunctionList")) == NULL) {
			fprintf(stderr, "inject_token.so: INJECT_MODULE names no PKCS#11 module\n");
			return CKR_GENERAL_ERROR;
		}
		memcpy(&get, &sym, sizeof(get));
		if (get(&real) != CKR_OK)
			return CKR_GENERAL_ERROR;
		ours = *real;
		stand_before();
	}
	*ret = &ours;
	return CKR_OK;
}
