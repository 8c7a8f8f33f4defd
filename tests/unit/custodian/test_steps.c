/* The marks in the token: crashes at each point, clones, and tokens that fail or are not the right one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/wire.h"
#include "hsm/internal.h"
#include "proto/quorate.pb-c.h"
#include "tests/unit/custodian/bench.h"

static struct bench_place	place;
static struct bench		b;
static CK_FUNCTION_LIST		*real, stand_in;

static int
up(void **state)
{
	(void)state;
	bench_up(&b, &place);
	real = place.hsm->m->f;
	stand_in = *real;
	place.hsm->m->f = &stand_in;
	return 0;
}

static int
down(void **state)
{
	char	path[128];

	(void)state;
	place.hsm->m->f = real;
	bench_unmark(&b);
	bench_down(&b);
	for (const char *const *copy = (const char *const[]){ "old", "other", NULL }; *copy != NULL; copy++) {
		snprintf(path, sizeof(path), "%s/%s.db", place.root, *copy);
		(void)unlink(path);
	}
	return 0;
}

static void
ok(enum rc rc, const struct err *err)
{
	if (rc != RC_OK)
		fail_msg("%s: %s", rc_name(rc), err->msg);
}

static void
copy(const char *from, const char *to)
{
	char	command[256];

	snprintf(command, sizeof(command), "cd '%s' && rm -f %s.db-wal %s.db-shm && cp %s.db %s.db", place.root, to, to,
	    from, to);
	assert_int_equal(system(command), 0);
}

/* The module is started over at most so often. */
static void
pause_over(void)
{
	struct timespec	ts = { 0, (HSM_RECOVERY_PAUSE_MS + 20) * 1000000L };

	nanosleep(&ts, NULL);
}

static enum rc
start(struct err *err)
{
	bench_stop(&b);
	return bench_start(&b, STORE_OPEN, err);
}

static void
start_ok(void)
{
	struct err	err;

	ok(start(&err), &err);
}

/* --- a cosignature ------------------------------------------------------------------------------ */

static enum rc
send(bool *ret_signed, struct err *err)
{
	struct bench_sending		 s = bench_sending(&b);
	Quorate__V1__AppendReply	*r = NULL;
	enum rc				 rc = bench_send(&b, &s, &r, err);

	*ret_signed = rc == RC_OK && r->cosignature.len > 0;
	if (rc == RC_OK)
		bench_reply_free(r);
	return rc;
}

static void
cosigns(void)
{
	struct err	err;
	bool		signed_it;

	ok(send(&signed_it, &err), &err);
	assert_true(signed_it);
}

static void
does_not_cosign(enum rc want, const char *word)
{
	struct err	err;
	bool		signed_it;

	assert_int_equal(send(&signed_it, &err), want);
	assert_false(signed_it);
	if (strstr(err.msg, word) == NULL)
		fail_msg("%s", err.msg);
}

static void
seal_some(void)
{
	b.net.now = clock_now() - 60;
	(void)bench_seal(&b, "standard");
}

/* Of how many instances are there marks? */
static size_t
count_owners(void)
{
	struct hsm_mark	m[HSM_MARKS_MAX];
	char		name[HSM_LABEL_MAX + 1];
	size_t		n = 0, owners = 0, i, j;
	struct err	err;

	bench_mark_name(&b, name);
	ok(hsm_mark_read(place.hsm, name, m, &n, &err), &err);
	for (i = 0; i < n; i++) {
		for (j = 0; j < i; j++)
			if (memcmp(m[j].bytes, m[i].bytes, HSM_MARK_OWNER) == 0)
				break;
		owners += j == i;
	}
	return owners;
}

/* --- functions of the module that fail ----------------------------------------------------------- */

static CK_RV
no_set(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	(void)s, (void)o, (void)a, (void)n;
	return CKR_DEVICE_ERROR;
}

static CK_RV
no_create(CK_SESSION_HANDLE s, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *o)
{
	(void)s, (void)a, (void)n, (void)o;
	return CKR_DEVICE_MEMORY;
}

static CK_RV
no_destroy(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
	(void)s, (void)o;
	return CKR_DEVICE_ERROR;
}

static CK_RV
forgets(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n)
{
	(void)s, (void)o, (void)a, (void)n;
	return CKR_OK;
}

static unsigned	asked;

static CK_RV
no_sign(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	(void)s, (void)m, (void)key;
	asked++;
	return CKR_DEVICE_ERROR;
}

static unsigned	signatures, derivations;

static CK_RV
count_sign(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key)
{
	signatures++;
	return real->C_SignInit(s, m, key);
}

static CK_RV
count_derive(CK_SESSION_HANDLE s, CK_MECHANISM *m, CK_OBJECT_HANDLE key, CK_ATTRIBUTE *a, CK_ULONG n,
    CK_OBJECT_HANDLE *ret)
{
	derivations++;
	return real->C_DeriveKey(s, m, key, a, n, ret);
}

static void
writes_fail(bool fail)
{
	stand_in.C_SetAttributeValue = fail ? no_set : real->C_SetAttributeValue;
	stand_in.C_CreateObject = fail ? no_create : real->C_CreateObject;
	if (fail)
		pause_over();
}

/* --- crashes --------------------------------------------------------------------------------------- */

/* What the token does not count is not signed; the entries stay, and the next call goes on. */
static void
commit_without_mark(void **state)
{
	uint64_t	marked;

	(void)state;
	cosigns();
	seal_some();
	marked = b.c.steps.marked;
	stand_in.C_SignInit = count_sign;
	writes_fail(true);
	does_not_cosign(RC_IO, "nothing is given away");
	assert_int_equal(store_size(b.c.store), b.net.log_entries.n);
	assert_int_equal(b.c.steps.marked, marked);
	signatures = 0;		/* that it holds its shares it has said by now */
	does_not_cosign(RC_IO, "nothing is given away");
	assert_int_equal(signatures, 0);
	writes_fail(false);
	cosigns();
	assert_int_equal(b.c.steps.marked, marked + 1);
}

/* Nor does a token that signs nothing keep entries and shares from being stored: they are said to be held later. */
static void
commit_without_signature(void **state)
{
	uint64_t	batch;
	struct err	err;
	bool		has = false;

	(void)state;
	cosigns();
	for (unsigned i = 0; i < 8; i++)
		seal_some();
	batch = b.batch[b.n_batches - 1].index;
	stand_in.C_SignInit = no_sign;
	asked = 0;
	pause_over();
	does_not_cosign(RC_IO, "");
	/* When it was stored, and for the answer; each call once more after it started over. */
	assert_in_range(asked, 1, 4);
	assert_int_equal(store_size(b.c.store), b.net.log_entries.n);
	ok(store_shares_has(b.c.store, batch, &has, &err), &err);
	assert_true(has);
	stand_in.C_SignInit = real->C_SignInit;
	pause_over();
	cosigns();
}

/* Who looks at it is told, until the token is back. */
static void
tokenless_is_shown(void **state)
{
	Quorate__V1__Health	h;
	struct err		err;

	(void)state;
	cosigns();
	ok(health_fill(&b.c, 1, &h, &err), &err);
	assert_string_equal(h.doubt, "");
	seal_some();
	writes_fail(true);
	does_not_cosign(RC_IO, "");
	ok(health_fill(&b.c, 1, &h, &err), &err);
	assert_non_null(strstr(h.doubt, "token"));
	writes_fail(false);
	ok(health_fill(&b.c, 1, &h, &err), &err);
	assert_non_null(strstr(h.doubt, "token"));	/* tried once a second */
	ok(health_fill(&b.c, 2, &h, &err), &err);
	assert_string_equal(h.doubt, "");
	assert_int_equal(h.clock, 2);
	cosigns();
}

/* The database is ahead by what a crash leaves: nothing was forgotten. */
static void
crash_before_mark(void **state)
{
	(void)state;
	cosigns();
	seal_some();
	writes_fail(true);
	does_not_cosign(RC_IO, "");
	writes_fail(false);
	start_ok();
	assert_false(b.c.steps.restored);
	cosigns();
	start_ok();
	assert_false(b.c.steps.restored);
}

/* An act that the token does not count opens no share. */
static void
act_without_mark(void **state)
{
	Quorate__V1__ContributeReply	*r = NULL;
	uint8_t				 request[32], order[32];
	struct err			 err;

	(void)state;
	b.net.now = clock_now() - 60;
	bench_order(&b, bench_seal(&b, "standard"), "standard", request, order);
	bench_sync(&b, 4);
	stand_in.C_DeriveKey = count_derive;
	derivations = 0;
	writes_fail(true);
	assert_int_equal(bench_contribute(&b, order, &r, &err), RC_IO);
	assert_non_null(strstr(err.msg, "nothing is given away"));
	assert_null(r);
	assert_int_equal(derivations, 0);
	assert_true(bench_journalled(&b, JOURNAL_ACT, order));
	writes_fail(false);
	ok(bench_contribute(&b, order, &r, &err), &err);
	assert_int_equal(derivations, 1);
	quorate__v1__contribute_reply__free_unpacked(r, NULL);
}

/* A transaction that was rolled back is no step: the token must not count it. */
static void
rolled_back(void **state)
{
	struct err	err;
	bool		signed_it;

	(void)state;
	cosigns();
	seal_some();
	bench_disk_full(true);
	assert_int_equal(send(&signed_it, &err), RC_IO);
	bench_disk_full(false);
	ok(steps_mark(&b.c, &err), &err);
	start_ok();
	assert_false(b.c.steps.restored);
	cosigns();
}

/* At each point of a start, and more than once. */
static void
crash_at_start(void **state)
{
	struct err	err;

	(void)state;
	cosigns();
	for (int i = 0; i < 2; i++) {
		writes_fail(true);
		assert_int_not_equal(start(&err), RC_OK);	/* its count is committed, its mark is not written */
		writes_fail(false);
	}
	pause_over();
	stand_in.C_DestroyObject = no_destroy;
	for (int i = 0; i < 2 * HSM_MARKS_MAX; i++)
		assert_int_equal(start(&err), RC_IO);	/* its mark is, and the old ones are there as well */
	stand_in.C_DestroyObject = real->C_DestroyObject;
	pause_over();
	assert_true(count_owners() > 1);
	start_ok();
	assert_int_equal(count_owners(), 1);
	assert_false(b.c.steps.restored);
	cosigns();
}

static void
crash_at_first_start(void **state)
{
	char		path[128];
	struct err	err;

	(void)state;
	bench_stop(&b);
	bench_unmark(&b);
	snprintf(path, sizeof(path), "%s/test.db", place.root);
	assert_int_equal(unlink(path), 0);
	writes_fail(true);
	assert_int_not_equal(bench_start(&b, STORE_CREATE, &err), RC_OK);
	assert_int_not_equal(start(&err), RC_OK);
	writes_fail(false);
	start_ok();
	assert_false(b.c.steps.restored);
	assert_int_equal(b.c.steps.marked, 1);
	cosigns();
}

/* --- the right token, and one that works ------------------------------------------------------------ */

static void
no_mark(void **state)
{
	struct err	err;

	(void)state;
	cosigns();
	bench_unmark(&b);
	seal_some();
	does_not_cosign(RC_IO, "does not keep the mark");
	assert_int_equal(start(&err), RC_DENIED);
	assert_non_null(strstr(err.msg, "put the right token in"));
	assert_int_equal(start(&err), RC_DENIED);
}

static void
malformed_mark(void **state)
{
	static const uint8_t	odd[HSM_MARK_MAX] = { 1 };
	static const size_t	sizes[] = { HSM_MARK_OWNER, 63, 65, HSM_MARK_MAX };
	char			name[HSM_LABEL_MAX + 1];
	struct err		err;

	(void)state;
	bench_mark_name(&b, name);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ok(hsm_mark_write(place.hsm, name, SPAN(odd, sizes[i]), true, &err), &err);
		assert_int_equal(start(&err), RC_FORMAT);
		ok(hsm_mark_sweep(place.hsm, name, b.c.steps.instance, &err), &err);
		bench_unmark(&b);
	}
}

static void
token_forgets(void **state)
{
	(void)state;
	cosigns();
	seal_some();
	stand_in.C_SetAttributeValue = forgets;
	does_not_cosign(RC_IO, "does not keep");
	does_not_cosign(RC_IO, "does not keep");
	stand_in.C_SetAttributeValue = real->C_SetAttributeValue;
	cosigns();
}

/* --- clones ---------------------------------------------------------------------------------------- */

/* A second keeper over a copy of the database, with the same token. */
static enum rc
second_keeper(struct custody *ret, const char *name, struct err *err)
{
	char	path[128];

	memset(ret, 0, sizeof(*ret));
	ret->config = b.c.config;
	ret->hsm = b.c.hsm;
	ret->share_key = b.c.share_key;
	ret->signer = b.c.signer;
	memcpy(ret->genesis, b.c.genesis, sizeof(ret->genesis));
	snprintf(path, sizeof(path), "%s/%s.db", place.root, name);
	ok(store_open(path, STORE_OPEN, &ret->store, err), err);
	ok(replica_new(store_state(ret->store), ret->genesis, &ret->replica, err), err);
	return steps_open(ret, err);
}

static void
second_done(struct custody *c)
{
	compare_done(&c->comparing);
	replica_free(c->replica);
	store_close(c->store);
}

static void
swap(struct custody *c)
{
	struct custody	t = b.c;

	b.c = *c;
	*c = t;
}

static void
clone_of(const char *name)
{
	struct err	err;

	bench_stop(&b);
	copy("test", name);
	ok(bench_start(&b, STORE_OPEN, &err), &err);
}

static void
the_older_stops(void **state)
{
	Quorate__V1__ContributeReply	*r = NULL;
	uint8_t				 request[32], order[32];
	struct custody			 newer;
	struct err			 err;

	(void)state;
	b.net.now = clock_now() - 60;
	bench_order(&b, bench_seal(&b, "standard"), "standard", request, order);
	bench_sync(&b, 4);
	clone_of("other");
	ok(second_keeper(&newer, "other", &err), &err);
	assert_true(newer.steps.restored);		/* the start after its copy was taken it does not know */
	stand_in.C_DeriveKey = count_derive;
	derivations = 0;
	assert_int_equal(bench_contribute(&b, order, &r, &err), RC_BUG);
	assert_int_equal(derivations, 0);
	seal_some();
	does_not_cosign(RC_BUG, "run one only");
	swap(&newer);
	bench_compare(&b);
	cosigns();
	swap(&newer);
	does_not_cosign(RC_BUG, "run one only");
	second_done(&newer);
}

/* A newer one that crashed before it removed the older mark has taken over all the same. */
static void
the_older_sees_the_newer(void **state)
{
	struct custody	newer;
	struct err	err;

	(void)state;
	cosigns();
	clone_of("other");
	stand_in.C_DestroyObject = no_destroy;
	assert_int_not_equal(second_keeper(&newer, "other", &err), RC_OK);
	stand_in.C_DestroyObject = real->C_DestroyObject;
	pause_over();
	assert_int_equal(count_owners(), 2);
	does_not_cosign(RC_BUG, "taken this token over");	/* the same note again, too */
	seal_some();
	does_not_cosign(RC_BUG, "taken this token over");
	second_done(&newer);
}

/* While one starts, another writes: it shows after ours was made. */
static enum { NOBODY, ANOTHER, THE_OLDER } disturber;
static uint8_t	older[STEPS_INSTANCE_BYTES];

static CK_RV
disturbed_create(CK_SESSION_HANDLE s, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *o)
{
	AUTO_DONE(buf_done) struct buf v = BUF_INIT(HSM_MARK_MAX);
	uint8_t		who[STEPS_INSTANCE_BYTES] = { 1, 2, 3 }, root[SHA256_BYTES] = { 0 };
	char		name[HSM_LABEL_MAX + 1];
	CK_RV		rv = real->C_CreateObject(s, a, n, o);
	struct err	err;

	stand_in.C_CreateObject = real->C_CreateObject;
	if (disturber == THE_OLDER)
		memcpy(who, older, sizeof(who));
	buf_add(&v, who, sizeof(who));
	buf_u64(&v, 77);
	buf_u64(&v, 7);
	buf_add(&v, root, sizeof(root));
	bench_mark_name(&b, name);
	ok(hsm_mark_write(place.hsm, name, buf_view(&v), true, &err), &err);
	return rv;
}

static void
disturbed_start(void **state)
{
	struct err	err;

	(void)state;
	for (disturber = ANOTHER; disturber <= THE_OLDER; disturber++) {
		memcpy(older, b.c.steps.instance, sizeof(older));
		stand_in.C_CreateObject = disturbed_create;
		assert_int_equal(start(&err), RC_DENIED);
		assert_non_null(strstr(err.msg, "stop it, then start this one again"));
		/* And then it takes what that one did for forgotten. */
		start_ok();
		assert_true(b.c.steps.restored);
		assert_int_equal(b.c.steps.floor, 7);
		assert_true(b.c.steps.marked > 77);
		assert_int_equal(count_owners(), 1);
		bench_unmark(&b);
		bench_down(&b);
		bench_up(&b, &place);
		place.hsm->m->f = &stand_in;
	}
}

/* A database far ahead of the token is none that the token knows, when another worked meanwhile. */
static void
ahead_and_foreign(void **state)
{
	struct err	err;

	(void)state;
	cosigns();
	bench_stop(&b);
	copy("test", "old");
	ok(bench_start(&b, STORE_OPEN, &err), &err);
	writes_fail(true);
	for (int i = 0; i < 3; i++) {
		seal_some();
		does_not_cosign(RC_IO, "");
	}
	writes_fail(false);
	bench_stop(&b);
	copy("test", "other");
	copy("old", "test");
	ok(bench_start(&b, STORE_OPEN, &err), &err);
	cosigns();
	bench_stop(&b);
	copy("other", "test");
	ok(bench_start(&b, STORE_OPEN, &err), &err);
	assert_true(b.c.steps.restored);
}

/* One token may serve two networks; their marks are apart. */
static void
two_networks(void **state)
{
	struct custody	second = { .index = 0 };
	char		path[128];
	struct err	err;

	(void)state;
	cosigns();
	second.hsm = b.c.hsm;
	memset(second.genesis, 0x5a, sizeof(second.genesis));
	snprintf(path, sizeof(path), "%s/other.db", place.root);
	ok(store_open(path, STORE_CREATE, &second.store, &err), &err);
	ok(steps_open(&second, &err), &err);
	assert_false(second.steps.restored);
	assert_int_equal(second.steps.marked, 1);
	seal_some();
	cosigns();
	ok(store_begin(second.store, &err), &err);
	ok(steps_take(&second, &err), &err);
	ok(store_commit(second.store, &err), &err);
	ok(steps_mark(&second, &err), &err);
	assert_int_equal(second.steps.marked, 2);
	assert_int_equal(count_owners(), 1);
	store_close(second.store);
}

/* --- the keeper as it starts --------------------------------------------------------------------- */

static void
opened_twice(void **state)
{
	AUTO(custody_free) struct custody	*first = NULL, *second = NULL;
	char					 path[128];
	struct err				 err;

	(void)state;
	bench_write_genesis(&b);
	snprintf(path, sizeof(path), "%s/replica.db", place.dir);
	bench_unmark(&b);
	ok(custody_open(place.dir, &first, &err), &err);
	assert_false(first->steps.restored);
	ok(steps_mark(first, &err), &err);
	ok(custody_open(place.dir, &second, &err), &err);
	assert_false(second->steps.restored);
	ok(steps_mark(second, &err), &err);
	assert_int_equal(steps_mark(first, &err), RC_BUG);
	custody_free(TAKE(first));
	custody_free(TAKE(second));
	/* As after a disk was lost: made anew, but not as if nothing had been. */
	assert_int_equal(unlink(path), 0);
	ok(custody_open(place.dir, &first, &err), &err);
	assert_true(first->steps.restored);
	custody_free(TAKE(first));
	assert_int_equal(unlink(path), 0);
}

static CK_RV
generous_copy(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, CK_ULONG n, CK_OBJECT_HANDLE *ret)
{
	static CK_OBJECT_CLASS	class = CKO_DATA;
	static CK_BBOOL		off = CK_FALSE;
	CK_ATTRIBUTE		data[] = {
		{ CKA_CLASS, &class, sizeof(class) }, { CKA_TOKEN, &off, 1 },
		{ CKA_VALUE, (void *)(uintptr_t)"the key", 7 },
	};

	(void)o, (void)a, (void)n;
	return real->C_CreateObject(s, data, 3, ret);
}

static void
write_config(const struct custodian_config *c)
{
	char		path[128];
	struct err	err;

	snprintf(path, sizeof(path), "%s/custodian.json", place.dir);
	assert_int_equal(unlink(path), 0);
	ok(config_write(c, &err), &err);
}

/* Who openly accepts that keys come out accepts nothing else. */
static void
one_weakness_accepted(void **state)
{
	AUTO(custody_free) struct custody	*c = NULL;
	struct custodian_config			 config = place.config;
	struct err				 err;

	(void)state;
	bench_write_genesis(&b);
	stand_in.C_CopyObject = generous_copy;
	assert_int_equal(custody_open(place.dir, &c, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "lets a private key out"));
	config.token.accept_extractable = true;
	write_config(&config);
	stand_in.C_CreateObject = no_create;
	assert_int_equal(custody_open(place.dir, &c, &err), RC_DENIED);
	assert_non_null(strstr(err.msg, "CKO_DATA"));
	write_config(&place.config);
	assert_null(c);
}

#define TEST(fn)	cmocka_unit_test_setup_teardown(fn, up, down)

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		TEST(commit_without_mark),
		TEST(commit_without_signature),
		TEST(tokenless_is_shown),
		TEST(crash_before_mark),
		TEST(act_without_mark),
		TEST(rolled_back),
		TEST(crash_at_start),
		TEST(crash_at_first_start),
		TEST(no_mark),
		TEST(malformed_mark),
		TEST(token_forgets),
		TEST(the_older_stops),
		TEST(the_older_sees_the_newer),
		TEST(disturbed_start),
		TEST(ahead_and_foreign),
		TEST(two_networks),
		TEST(opened_twice),
		TEST(one_weakness_accepted),
	};
	int	failed;

	if (!bench_place_up(&place))
		return 0;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	bench_place_down(&place);
	return failed;
}
