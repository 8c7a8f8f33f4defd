/* The chain of custody in the vocabularies of others: custody-v1. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "evidence/custody.h"
#include "tests/unit/evidence/world.h"

#define BIG	((size_t)32 << 20)

static struct world	w;

static int
up(void **state)
{
	(void)state;
	world_up(&w, "standard");
	return 0;
}

static int
down(void **state)
{
	(void)state;
	world_down(&w);
	return 0;
}

typedef enum rc (*write_fn)(const struct evidence_case *e, const struct checked_case *c, struct buf *out, struct err *err);

/* One document of the world as it is now. */
static struct buf
document(write_fn fn)
{
	AUTO(checked_case_free) struct checked_case	*k = NULL;
	struct evidence_case				 c;
	struct buf					 out = BUF_INIT(BIG);
	struct err					 err;

	world_case(&w, 4, &c);
	if (case_check_past(&c, w.net.genesis, w.order, NULL, &k, &err) != RC_OK)
		fail_msg("%s", err.msg);
	if (fn(&c, k, &out, &err) != RC_OK)
		fail_msg("%s", err.msg);
	case_done(&c);
	return out;
}

static json_t *
parsed(const struct buf *b)
{
	json_error_t	 e;
	json_t		*v = json_loadb((const char *)b->p, b->n, JSON_REJECT_DUPLICATES, &e);

	if (v == NULL)
		fail_msg("%s at line %d", e.text, e.line);
	return v;
}

static void
the_same_case_gives_the_same_bytes(void **state)
{
	static const write_fn	fn[] = { custody_case, custody_prov };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf	a = document(fn[i]), b = document(fn[i]);

		json_decref(parsed(&a));
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.p, b.p, a.n);
		buf_done(&a);
		buf_done(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest	tests[] = {
		cmocka_unit_test_setup_teardown(the_same_case_gives_the_same_bytes, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
