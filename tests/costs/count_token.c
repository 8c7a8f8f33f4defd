/* tests/costs/count_token.c - calls of the PKCS#11 module. See count.h. */
#include <p11-kit/pkcs11.h>

#include <stdio.h>
#include <stdlib.h>

#include "tests/costs/count.h"

static CK_FUNCTION_LIST	*real_list, ours;

CK_RV	C_GetFunctionList(CK_FUNCTION_LIST **ret);

#define BEFORE(fn, parameters, arguments)			\
	static CK_RV						\
	my_##fn parameters					\
	{							\
		CK_RV	rv;					\
								\
		count("HSM " #fn, 1);				\
		count_enter();					\
		rv = real_list->fn arguments;			\
		count_leave();					\
		return rv;					\
	}

#define SESSION	CK_SESSION_HANDLE s
#define OBJECT	CK_OBJECT_HANDLE o
#define BYTES	unsigned char

BEFORE(C_GetSlotList, (BYTES present, CK_SLOT_ID *list, CK_ULONG *n), (present, list, n))
BEFORE(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO *info), (slot, info))
BEFORE(C_OpenSession, (CK_SLOT_ID slot, CK_FLAGS f, void *p, CK_NOTIFY notify, CK_SESSION_HANDLE *ret), (slot, f, p, notify, ret))
BEFORE(C_CloseSession, (SESSION), (s))
BEFORE(C_GetSessionInfo, (SESSION, CK_SESSION_INFO *info), (s, info))
BEFORE(C_Login, (SESSION, CK_USER_TYPE u, BYTES *pin, CK_ULONG n), (s, u, pin, n))
BEFORE(C_FindObjectsInit, (SESSION, CK_ATTRIBUTE *a, CK_ULONG n), (s, a, n))
BEFORE(C_FindObjects, (SESSION, CK_OBJECT_HANDLE *o, CK_ULONG n, CK_ULONG *ret), (s, o, n, ret))
BEFORE(C_FindObjectsFinal, (SESSION), (s))
BEFORE(C_GetAttributeValue, (SESSION, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n), (s, o, a, n))
BEFORE(C_SetAttributeValue, (SESSION, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n), (s, o, a, n))
BEFORE(C_CreateObject, (SESSION, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *ret), (s, a, n, ret))
BEFORE(C_DestroyObject, (SESSION, OBJECT), (s, o))
BEFORE(C_GenerateKeyPair, (SESSION, CK_MECHANISM *m, CK_ATTRIBUTE *a, CK_ULONG n, CK_ATTRIBUTE *b, CK_ULONG k,
    CK_OBJECT_HANDLE *x, CK_OBJECT_HANDLE *y), (s, m, a, n, b, k, x, y))
BEFORE(C_DeriveKey, (SESSION, CK_MECHANISM *m, OBJECT, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *ret), (s, m, o, a, n, ret))
BEFORE(C_SignInit, (SESSION, CK_MECHANISM *m, OBJECT), (s, m, o))
BEFORE(C_Sign, (SESSION, BYTES *in, CK_ULONG n, BYTES *out, CK_ULONG *ret), (s, in, n, out, ret))
BEFORE(C_DecryptInit, (SESSION, CK_MECHANISM *m, OBJECT), (s, m, o))
BEFORE(C_Decrypt, (SESSION, BYTES *in, CK_ULONG n, BYTES *out, CK_ULONG *ret), (s, in, n, out, ret))
BEFORE(C_GenerateRandom, (SESSION, BYTES *out, CK_ULONG n), (s, out, n))

static void
stand_before(void)
{
#define US(fn)	ours.fn = my_##fn
	US(C_GetSlotList), US(C_GetTokenInfo), US(C_OpenSession), US(C_CloseSession), US(C_GetSessionInfo), US(C_Login);
	US(C_FindObjectsInit), US(C_FindObjects), US(C_FindObjectsFinal);
	US(C_GetAttributeValue), US(C_SetAttributeValue), US(C_CreateObject), US(C_DestroyObject);
	US(C_GenerateKeyPair), US(C_DeriveKey), US(C_SignInit), US(C_Sign), US(C_DecryptInit), US(C_Decrypt);
	US(C_GenerateRandom);
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	const char		*path = getenv("INJECT_MODULE");
	CK_C_GetFunctionList	 get;
	void			*dl, *sym;

	if (real_list == NULL) {
		if (path == NULL || (dl = dlopen(path, RTLD_NOW | RTLD_LOCAL)) == NULL ||
		    (sym = dlsym(dl, "C_GetFunctionList")) == NULL) {
			fprintf(stderr, "costs.so: INJECT_MODULE names no PKCS#11 module\n");
			return CKR_GENERAL_ERROR;
		}
		memcpy(&get, &sym, sizeof(get));
		if (get(&real_list) != CKR_OK)
			return CKR_GENERAL_ERROR;
		ours = *real_list;
		stand_before();
	}
	*ret = &ours;
	return CKR_OK;
}
