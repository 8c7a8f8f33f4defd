/* tests/schedules/pool.c - keys and certificates of all parties, and the charter of a run. */
#include <stdlib.h>
#include <string.h>

#include "tests/schedules/world.h"

struct pool	pool;

const struct rule	rules[POLICIES] = {
	[PAIR] = { "pair", ROLE_LEGAL | ROLE_COMPLIANCE, 2, 0, 0, 0 },
	[WINDOW] = { "window", ROLE_LEGAL | ROLE_COMPLIANCE, 2, ROLE_AUDITOR, 0, 50 },
	[LOCK] = { "lock", ROLE_LEGAL, 1, 0, 90, 0 },
	[VETO] = { "veto", ROLE_LEGAL | ROLE_COMPLIANCE, 3, ROLE_LEGAL, 0, 0 },
};

const struct being	people[PEOPLE] = {
	[REQUESTER] = { "requester", "Provider", 0 },
	[INSIDER] = { "insider", "Provider", ROLE_LEGAL },
	[LEGAL] = { "legal", "Legal & Co", ROLE_LEGAL },
	[COMPLIANCE] = { "compliance", "Compliance Ltd", ROLE_COMPLIANCE },
	[AUDITOR] = { "auditor", "Auditors LLP", ROLE_AUDITOR },
	[TWOHATS] = { "twohats", "Hats", ROLE_LEGAL | ROLE_COMPLIANCE },
	[LEGAL2] = { "second-legal", "Legal & Co", ROLE_LEGAL },
	[COMPLIANCE2] = { "second-compliance", "Compliance Ltd", ROLE_COMPLIANCE },
};

static void
certificate(const char *name, EVP_PKEY **ret_key, struct buf *ret)
{
	EVP_PKEY	*k = test_pkey("P-256");

	*ret = BUF_INIT(BIG);
	test_cert(k, name, ret);
	if (ret_key != NULL)
		*ret_key = k;
	else
		EVP_PKEY_free(k);
}

void
pool_init(void)
{
	chance_seed(0, 0);		/* the same keys in every run */
	for (size_t i = 0; i < N_MAX; i++) {
		test_key_ed25519(&pool.signing[i]);
		test_key_p256(&pool.share[i]);
		certificate("custodian", NULL, &pool.tls[i]);
	}
	for (size_t i = 0; i < PEOPLE; i++)
		test_key_ed25519(&pool.person[i]);
	test_key_ed25519(&pool.log);
	test_key_ed25519(&pool.other_log);
	test_key_ed25519(&pool.sealer);
	certificate("coordinator", NULL, &pool.coordinator_tls);
	certificate("package", NULL, &pool.package);
	certificate("recipient", NULL, &pool.recipient);
	certificate("worker", &pool.worker_key, &pool.worker);
}

/* --- the charter -------------------------------------------------------------------------- */

static void
put_cert(struct buf *out, const char *name, const struct buf *der)
{
	buf_printf(out, "\"%s\":\"", name);
	b64_write(out, buf_view(der));
	buf_printf(out, "\"");
}

static void
put_key(struct buf *out, const struct test_key *k)
{
	buf_printf(out, "\"");
	key_write(&k->signer.key, out);
	buf_printf(out, "\"");
}

static void
put_roles(struct buf *out, unsigned roles, const char *before, const char *after)
{
	static const char *const	name[] = { "legal", "compliance", "auditor" };
	const char			*comma = "";

	for (unsigned i = 0; i < 3; i++)
		if ((roles >> i & 1) != 0) {
			buf_printf(out, "%s%s\"%s\"%s", comma, before, name[i], after);
			comma = ",";
		}
}

static void
put_custodians(struct buf *out)
{
	for (unsigned i = 0; i < world->n; i++) {
		buf_printf(out, "%s{\"index\":%u,\"name\":\"custodian-%u\",\"organisation\":\"Organisation %u\","
		    "\"address\":\"127.0.0.1:%u\",", i > 0 ? "," : "", i + 1, i + 1, i + 1, 7001 + i);
		put_cert(out, "tls_certificate", &pool.tls[i]);
		buf_printf(out, ",\"signing_key\":");
		put_key(out, &pool.signing[i]);
		buf_printf(out, ",\"signing_key_home\":\"sealed\",\"share_keys\":[{\"epoch\":1,\"key\":");
		put_key(out, &pool.share[i]);
		buf_printf(out, "}]}");
	}
}

static void
put_people(struct buf *out)
{
	for (unsigned i = 0; i < PEOPLE; i++) {
		buf_printf(out, "%s{\"id\":\"%s\",\"name\":\"Person %u\",\"organisation\":\"%s\",\"roles\":[",
		    i > 0 ? "," : "", people[i].id, i, people[i].organisation);
		put_roles(out, people[i].roles, "", "");
		buf_printf(out, "],\"keys\":[");
		put_key(out, &pool.person[i]);
		buf_printf(out, "]}");
	}
}

static void
put_policies(struct buf *out)
{
	for (unsigned i = 0; i < POLICIES; i++) {
		const struct rule	*r = &rules[i];

		buf_printf(out, "%s{\"id\":\"%s\",\"approvals\":[", i > 0 ? "," : "", r->id);
		put_roles(out, r->roles, "{\"role\":", ",\"count\":1}");
		buf_printf(out, "],\"people\":%u,\"requester_organisation_may_approve\":false,\"attachments\":[],"
		    "\"parts\":[],\"veto\":[", r->people);
		put_roles(out, r->veto, "", "");
		buf_printf(out, "],\"request_seconds\":%u,\"time_lock_seconds\":%u,\"objection_seconds\":%u,"
		    "\"artifacts_per_day\":0,\"release_to\":\"coordinator\"}", REQUEST_SECONDS, r->lock, r->objection);
	}
}

static void
put_charter(struct buf *out)
{
	buf_printf(out, "{\"charter\":1,\"rules\":1,\"name\":\"A network of liars\",\"origin\":\"test.example/log\","
	    "\"threshold\":{\"n\":%u,\"k\":%u,\"f\":%u,\"q\":%u,\"h\":%u},"
	    "\"coordinator\":{\"organisation\":\"Provider\",\"address\":\"127.0.0.1:7000\",",
	    world->n, world->k, world->f, world->q, world->h);
	put_cert(out, "tls_certificate", &pool.coordinator_tls);
	buf_printf(out, ",");
	put_cert(out, "package_certificate", &pool.package);
	buf_printf(out, ",\"log_key\":");
	put_key(out, &pool.log);
	buf_printf(out, "},\"custodians\":[");
	put_custodians(out);
	buf_printf(out, "],\"people\":[");
	put_people(out);
	buf_printf(out, "],\"sealers\":[{\"id\":\"sealer\",\"organisation\":\"Provider\",\"key\":");
	put_key(out, &pool.sealer);
	buf_printf(out, ",\"artifacts_per_day\":4000}],\"policies\":[");
	put_policies(out);
	buf_printf(out, "],\"classes\":[{\"id\":\"default\",\"retain_days\":365}],\"hosts\":[],\"tsas\":[],"
	    "\"amend\":{\"people\":[\"legal\",\"compliance\"],\"need\":2,\"veto\":[]},"
	    "\"receipt_seconds\":%u,\"order_seconds\":%u}", RECEIPT_SECONDS, ORDER_SECONDS);
}

/* --- a world --------------------------------------------------------------------------------- */

/* DESIGN section 4: q is the smallest with q >= k, 2q > n+f and q+k > n+f; f < k, f <= n-q. */
static bool
choose_numbers(void)
{
	struct world	*w = world;

	w->n = (uint8_t)(one_in(4) ? 6 + pick(2) : 3 + pick(3));
	w->k = (uint8_t)(2 + pick(w->n - 1U));
	w->f = (uint8_t)pick(3);
	for (w->q = w->k; w->q <= w->n; w->q++)
		if (2 * w->q > w->n + w->f && w->q + w->k > w->n + w->f)
			break;
	if (w->q > w->n || w->f >= w->k || w->f > w->n - w->q)
		return false;
	w->h = (uint8_t)(w->q + pick(w->n - w->q + 1U));
	return true;
}

static void
found(void)
{
	AUTO_DONE(buf_done) struct buf envelope = BUF_INIT(BIG);
	struct err	err;
	uint8_t		i;

	world->charter_json = BUF_INIT(BIG);
	put_charter(&world->charter_json);
	sha256_one(world->genesis, buf_view(&world->charter_json));
	must(charter_parse(buf_view(&world->charter_json), &world->charter, &err), &err);
	must(charter_log_note_key(world->charter, &world->log_key, &err), &err);
	for (i = 0; i < world->n; i++)
		must(charter_witness_note_key(world->charter, (uint8_t)(i + 1), &world->witness[i], &err), &err);
	charter_envelope(&envelope);
	log_bytes(0, -1, START, buf_view(&envelope), true);
}

/* Who lies is any f of them: the first, for the numbers of the others mean nothing. */
static void
people_nodes(void)
{
	unsigned	liars = world->f == 0 ? 0 : pick(world->f + 1U);
	uint8_t		i;

	for (i = 1; i <= world->n; i++) {
		node_init(&world->node[world->n_nodes++], i, 0, i <= liars);
		if (i <= liars)
			node_init(&world->node[world->n_nodes++], i, 1, true);
	}
	for (unsigned x = 0; x < world->n_nodes; x++)
		node_open(&world->node[x]);
}

void
world_up(uint64_t seed, const char *dir)
{
	struct world	*w = world;

	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->ms = START * 1000;
	w->n_branches = 1;
	w->fork = UINT64_MAX;
	w->answered = -1;
	(void)snprintf(w->dir, sizeof(w->dir), "%s", dir);
	chance_seed(seed, 0);
	while (!choose_numbers())
		;
	w->lies = !one_in(3);
	MUST((w->arena = secret_arena_new(16384)) != NULL);
	note("%u custodians, k=%u f=%u q=%u h=%u; the coordinator %s", w->n, w->k, w->f, w->q, w->h,
	    w->lies ? "lies" : "is honest");
	found();
	people_nodes();
}

void
world_down(void)
{
	struct world	*w = world;

	for (unsigned x = 0; x < w->n_nodes; x++) {
		node_close(&w->node[x]);
		node_remove(&w->node[x]);
	}
	for (int i = 0; i < w->n_said; i++) {
		buf_done(&w->said[i].dsse);
		buf_done(&w->said[i].blob);
	}
	for (int i = 0; i < w->n_logged; i++)
		buf_done(&w->logged[i].leaf);
	for (int i = 0; i < w->n_points; i++)
		for (unsigned c = 0; c < N_MAX; c++)
			buf_done(&w->point[i].line[c]);
	for (int i = 0; i < w->n_batches; i++) {
		batch_sealed_done(&w->batch[i].sealed);
		secret_free(w->batch[i].secret);
	}
	for (unsigned c = 0; c < N_MAX; c++)
		buf_done(&w->answer[c]);
	buf_done(&w->charter_json);
	charter_free(w->charter);
	secret_arena_free(w->arena);
}
