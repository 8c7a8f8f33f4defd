/*
 * hsm/module.c - PKCS#11 modules: load, C_Initialize, and do that again.
 *
 * C_Initialize is once per process and .so, so modules are shared by the tokens
 * that stand in them. They are never unloaded: some leave threads or exit
 * handlers behind.
 */
#include "hsm/internal.h"

#include <dlfcn.h>
#include <string.h>
#include <time.h>

static pthread_mutex_t		registry = PTHREAD_MUTEX_INITIALIZER;
static struct hsm_module	modules[HSM_MODULES_MAX];

static int64_t
now_ms(void)
{
	struct timespec	t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* With m->lock held for writing. A token that another part of this process started is fine. */
static CK_RV
start(struct hsm_module *m)
{
	/* NSS reads a pointer past the end of the standard's struct. */
	struct {
		CK_C_INITIALIZE_ARGS	args;
		void			*past;
	} a = { .args = {
		/* Exactly this: SoftHSM crashes without it, others refuse more. */
		.flags = CKF_OS_LOCKING_OK,
		.pReserved = m->args[0] == '\0' ? NULL : m->args,
	}, .past = NULL };
	CK_RV	rv = m->f->C_Initialize(&a);

	if (rv == CKR_CRYPTOKI_ALREADY_INITIALIZED)
		rv = CKR_OK;
	m->up = rv == CKR_OK;
	m->generation++;
	return rv;
}

static enum rc
load(struct hsm_module *m, struct err *err)
{
	CK_C_GetFunctionList	get;
	void			*dl, *sym;

	if ((dl = dlopen(m->path, RTLD_NOW | RTLD_LOCAL)) == NULL)
		return err_set(err, RC_USAGE, "PKCS#11 module: %s", dlerror());
	if ((sym = dlsym(dl, "C_GetFunctionList")) == NULL) {
		dlclose(dl);
		return err_set(err, RC_USAGE, "PKCS#11 module %s: not a PKCS#11 module", m->path);
	}
	/* ISO C has no cast from an object to a function pointer. */
	memcpy(&get, &sym, sizeof(get));
	if (get(&m->f) != CKR_OK || m->f == NULL) {
		dlclose(dl);
		return err_set(err, RC_IO, "PKCS#11 module %s: gives no functions", m->path);
	}
	m->dl = dl;
	return RC_OK;
}

static enum rc
lock_init(struct hsm_module *m, struct err *err)
{
	pthread_rwlockattr_t	a;
	int			r;

	if ((r = pthread_rwlockattr_init(&a)) == 0) {
		/* A recovery must not wait until nobody wants the dead token any more. */
		r = pthread_rwlockattr_setkind_np(&a, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
		if (r == 0)
			r = pthread_rwlock_init(&m->lock, &a);
		pthread_rwlockattr_destroy(&a);
	}
	return r == 0 ? RC_OK : err_set(err, RC_NOMEM, "PKCS#11 module: no lock: %s", strerror(r));
}

/* The entry of this path, or a free one with the path filled in; registry is held. */
static struct hsm_module *
find_entry(const char *path)
{
	size_t	i;

	for (i = 0; i < HSM_MODULES_MAX && modules[i].path[0] != '\0'; i++)
		if (strcmp(modules[i].path, path) == 0)
			return &modules[i];
	if (i == HSM_MODULES_MAX)
		return NULL;
	memcpy(modules[i].path, path, strlen(path) + 1);
	return &modules[i];
}

static enum rc
first_use(struct hsm_module *m, const char *args, struct err *err)
{
	CK_RV	rv;

	if (m->dl == NULL) {
		TRY(load(m, err));
		TRY(lock_init(m, err));
	}
	memcpy(m->args, args, strlen(args) + 1);
	pthread_rwlock_wrlock(&m->lock);
	rv = start(m);
	pthread_rwlock_unlock(&m->lock);
	if (rv != CKR_OK)
		return err_set(err, RC_IO, "PKCS#11 module %s: C_Initialize: %s", m->path,
		    hsm_rv_name(rv));
	return RC_OK;
}

static enum rc
get_locked(const char *path, const char *args, struct hsm_module **ret, struct err *err)
{
	struct hsm_module	*m = find_entry(path);

	if (m == NULL)
		return err_set(err, RC_LIMIT, "more than %d PKCS#11 modules in one process",
		    HSM_MODULES_MAX);
	if (m->refs == 0)
		TRY(first_use(m, args, err));
	else if (strcmp(m->args, args) != 0)
		return err_set(err, RC_USAGE, "PKCS#11 module %s: in use with other arguments", path);
	m->refs++;
	*ret = m;
	return RC_OK;
}

enum rc
hsm_module_get(const char *path, const char *args, struct hsm_module **ret, struct err *err)
{
	enum rc	rc;

	if (path == NULL || path[0] != '/' || strlen(path) > HSM_PATH_MAX)
		return err_set(err, RC_USAGE, "PKCS#11 module: give the absolute path of its .so file");
	if (args == NULL)
		args = "";
	if (strlen(args) > HSM_PATH_MAX)
		return err_set(err, RC_USAGE, "PKCS#11 module: arguments over %d bytes", HSM_PATH_MAX);
	pthread_mutex_lock(&registry);
	rc = get_locked(path, args, ret, err);
	pthread_mutex_unlock(&registry);
	return rc;
}

void
hsm_module_put(struct hsm_module *m)
{
	pthread_mutex_lock(&registry);
	if (--m->refs == 0) {
		pthread_rwlock_wrlock(&m->lock);
		if (m->up)
			m->f->C_Finalize(NULL);	/* nothing to be done when it fails */
		m->up = false;
		pthread_rwlock_unlock(&m->lock);
	}
	pthread_mutex_unlock(&registry);
}

enum rc
hsm_module_recover(struct hsm_module *m, uint64_t seen, bool at_once)
{
	enum rc	rc = RC_OK;

	pthread_rwlock_wrlock(&m->lock);
	if (m->generation == seen) {
		if (!at_once && now_ms() < m->next_try_ms) {
			rc = RC_IO;
		} else {
			m->next_try_ms = now_ms() + HSM_RECOVERY_PAUSE_MS;
			if (m->up)
				m->f->C_Finalize(NULL);	/* it may have died: go on */
			if (start(m) != CKR_OK)
				rc = RC_IO;
		}
	}
	pthread_rwlock_unlock(&m->lock);
	return rc;
}
