/* tests/liars/liar.c - the coordinator's keys and everybody else's, and how scenarios are run. */
#include "tests/liars/liar.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void
must(enum rc rc, const struct err *err)
{
	if (rc == RC_OK)
		return;
	fprintf(stderr, "liar: %s: %s\n", rc_name(rc), err->msg);
	exit(2);
}

bool
want(struct liar *l, bool holds, const char *fmt, ...)
{
	va_list	ap;

	if (!holds && !l->failed) {
		l->failed = true;
		va_start(ap, fmt);
		(void)vsnprintf(l->seen, sizeof(l->seen), fmt, ap);
		va_end(ap);
	}
	return holds;
}

bool
want_answer(struct liar *l, const struct answer *a, enum rc rc, const char *words, const char *what)
{
	return want(l, a->rc == rc && (words == NULL || strstr(a->words, words) != NULL),
	    "%s: %s \"%s\", wanted %s \"%s\"", what, rc_name(a->rc), a->words, rc_name(rc),
	    words == NULL ? "" : words);
}

void
wait_ms(unsigned ms)
{
	const struct timespec	t = { ms / 1000, (long)(ms % 1000) * 1000000L };

	(void)nanosleep(&t, NULL);
}

static void
run_devnet(struct liar *l, const char *before, const char *verb, unsigned custodian)
{
	char	command[3 * FILE_PATH_MAX];

	MUST(getenv("LIAR_DEVNET") != NULL);
	(void)snprintf(command, sizeof(command), "%s \"$LIAR_DEVNET\" %s '%s' custodian-%u >/dev/null", before, verb,
	    l->dir, custodian);
	MUST(system(command) == 0);
}

/* It answers again, whatever it says. */
static void
await(struct liar *l, unsigned custodian)
{
	uint64_t	until = clock_ms() + A_MINUTE;

	while (held(l, custodian) == UINT64_MAX && clock_ms() < until)
		wait_ms(100);
}

void
devnet(struct liar *l, const char *verb, unsigned custodian)
{
	run_devnet(l, "", verb, custodian);
	if (strcmp(verb, "start") == 0)
		await(l, custodian);
}

void
devnet_all(struct liar *l, const char *verb, uint32_t mask)
{
	char		command[3 * FILE_PATH_MAX], some[32] = "";
	unsigned	i;

	for (i = 1; i <= NET_N; i++)
		if ((mask & ONLY(i)) != 0)
			(void)snprintf(some + strlen(some), sizeof(some) - strlen(some), " %u", i);
	(void)snprintf(command, sizeof(command), "for i in%s; do \"$LIAR_DEVNET\" %s '%s' custodian-$i >/dev/null & done; wait",
	    some, verb, l->dir);
	MUST(system(command) == 0);
	for (i = 1; i <= NET_N && strcmp(verb, "start") == 0; i++)
		if ((mask & ONLY(i)) != 0)
			await(l, i);
}

void
start_with_clock(struct liar *l, unsigned custodian, const char *clock)
{
	MUST(getenv("LIAR_CLOCK") != NULL && setenv("CLOCK_IS", clock, 1) == 0);
	run_devnet(l, "LD_PRELOAD=\"$LIAR_CLOCK\"", "start", custodian);
	(void)unsetenv("CLOCK_IS");
	await(l, custodian);
}

/* --- keys ------------------------------------------------------------------------------ */

static const char *const	people[KEYS] = {
	[NET_REQUESTER] = "requester", [NET_LEGAL] = "legal", [NET_COMPLIANCE] = "compliance",
	[NET_AUDITOR] = "auditor", [NET_COURT] = "court", [NET_TWOHATS] = "twohats", [NET_STRANGER] = "stranger",
};

static void
open_people(struct liar *l)
{
	char		path[FILE_PATH_MAX];
	struct err	err;
	size_t		i;

	for (i = 0; i < KEYS; i++) {
		if (people[i] == NULL)
			continue;
		must(file_path(path, &err, "%s/people/%s.key", l->dir, people[i]), &err);
		must(keyfile_open(path, NULL, NULL, &l->file[i], &err), &err);
		l->keys.person[i].signer = *keyfile_signer(l->file[i]);
	}
	must(file_path(path, &err, "%s/sealer.key", l->dir), &err);
	must(keyfile_open(path, NULL, NULL, &l->sealer, &err), &err);
	l->keys.sealer.signer = *keyfile_signer(l->sealer);
}

static void
open_log_key(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	text = BUF_INIT(65536), sealed = BUF_INIT(HSM_SEALED_SEED_BYTES);
	struct token_config		token;
	json_t				*json = NULL;
	char				path[FILE_PATH_MAX];
	struct err			err;

	must(file_path(path, &err, "%s/coordinator/softhsm2.conf", l->dir), &err);
	MUST(setenv("SOFTHSM2_CONF", path, 1) == 0);
	must(file_path(path, &err, "%s/coordinator/state/coordinator.json", l->dir), &err);
	must(file_read(path, &text, &err), &err);
	must(json_read(buf_view(&text), 65536, &json, &err), &err);
	must(token_config_parse(json_object_get(json, "token"), &token, &err), &err);
	json_decref(json);
	must(file_path(path, &err, "%s/coordinator/state", l->dir), &err);
	must(token_open(&token, path, &l->hsm, &err), &err);
	must(hsm_signer_open(l->hsm, "quorate log", NULL, buf_view(&sealed), &l->log_key, &err), &err);
	l->keys.log.signer = hsm_as_signer(l->log_key);
}

static void
open_charter(struct liar *l)
{
	char		path[FILE_PATH_MAX];
	struct err	err;

	l->keys.charter_json = BUF_INIT(CHARTER_BYTES_MAX);
	must(file_path(path, &err, "%s/charter.json", l->dir), &err);
	must(file_read(path, &l->keys.charter_json, &err), &err);
	must(charter_parse(buf_view(&l->keys.charter_json), &l->charter, &err), &err);
	sha256_one(l->keys.genesis, buf_view(&l->keys.charter_json));
	MUST(l->charter->n == NET_N);
	l->keys.recipient = BUF_INIT(RECIPIENT_CERT_MAX);
	l->keys.worker = BUF_INIT(RECIPIENT_CERT_MAX);
	test_cert_of("P-256", "recipient", &l->keys.recipient);
	test_cert_of("P-256", "worker", &l->keys.worker);
}

static void
open_clients(struct liar *l)
{
	AUTO_DONE(buf_done) struct buf	cert = BUF_INIT(16384);
	AUTO(secret_free) struct secret	*key = NULL;
	struct rpc_client_options	o;
	char				path[FILE_PATH_MAX];
	struct err			err;
	size_t				i;

	must(file_path(path, &err, "%s/coordinator/state/tls.crt", l->dir), &err);
	must(file_read(path, &cert, &err), &err);
	must(file_path(path, &err, "%s/coordinator/state/tls.key", l->dir), &err);
	must(file_read_secret(path, 16384, &key, &err), &err);
	for (i = 0; i < NET_N; i++) {
		const struct custodian	*c = &l->charter->custodian[i];

		memset(&o, 0, sizeof(o));
		o.address = c->address;
		o.server_cert = SPAN(c->tls_certificate.p, c->tls_certificate.n);
		must(rpc_client_new(&o, &l->nobody[i], &err), &err);
		o.cert_pem = buf_view(&cert);
		o.key_pem = SPAN(secret_view(key), secret_len(key));
		must(rpc_client_new(&o, &l->client[i], &err), &err);
	}
}

static void
liar_open(struct liar *l, const char *network)
{
	struct err	err;

	memset(l, 0, sizeof(*l));
	must(file_path(l->dir, &err, "%s", network), &err);
	must(secret_init(&err), &err);
	l->arena = secret_arena_new(65536);
	MUST(l->arena != NULL);
	l->note = BUF_INIT(NOTE_BYTES_MAX);
	open_charter(l);
	open_people(l);
	open_log_key(l);
	open_clients(l);
	l->story = story_read(l, l->dir);
}

static void
liar_close(struct liar *l)
{
	size_t	i;

	story_free(l->story);
	for (i = 0; i < NET_N; i++) {
		rpc_client_free(l->client[i]);
		rpc_client_free(l->nobody[i]);
	}
	for (i = 0; i < KEYS; i++)
		keyfile_free(l->file[i]);
	keyfile_free(l->sealer);
	hsm_signer_free(l->log_key);
	hsm_close(l->hsm);
	charter_free(l->charter);
	buf_done(&l->keys.charter_json);
	buf_done(&l->keys.recipient);
	buf_done(&l->keys.worker);
	buf_done(&l->note);
	secret_arena_free(l->arena);
}

/* --- scenarios -------------------------------------------------------------------------- */

static const struct theme *const	themes[] = {
	&logs_theme, &entries_theme, &notes_theme, &orders_theme, &handed_theme, &replays_theme, &often_theme,
	&shares_theme, &clocks_theme, &versions_theme,
};

static const struct theme *
theme_named(const char *name)
{
	size_t	i;

	for (i = 0; i < sizeof(themes) / sizeof(themes[0]); i++)
		if (strcmp(themes[i]->name, name) == 0)
			return themes[i];
	return NULL;
}

struct tally { unsigned passed, failed; };

static void
run_scenario(struct liar *l, const struct theme *t, const struct scenario *s, struct tally *n)
{
	uint64_t	began = clock_ms();

	l->failed = false;
	s->run(l);
	if (l->failed)
		printf("FAIL: %s: %s: %s\n", t->name, s->name, l->seen);
	else
		printf("ok: %s: %s (%llu ms)\n", t->name, s->name, (unsigned long long)(clock_ms() - began));
	(void)fflush(stdout);
	*(l->failed ? &n->failed : &n->passed) += 1;
}

/* "orders" or "orders:expires"; false: there is none of that name. */
static bool
run_named(struct liar *l, const char *word, struct tally *n)
{
	const struct theme	*t;
	const char		*only = strchr(word, ':');
	char			 name[32];
	unsigned		 before = n->passed + n->failed;
	size_t			 i;

	(void)snprintf(name, sizeof(name), "%.*s", (int)(only == NULL ? strlen(word) : (size_t)(only - word)), word);
	if ((t = theme_named(name)) == NULL)
		return false;
	for (i = 0; i < t->n; i++)
		if (only == NULL || strcmp(only + 1, t->scenario[i].name) == 0)
			run_scenario(l, t, &t->scenario[i], n);
	return n->passed + n->failed > before;
}

int
main(int argc, char **argv)
{
	static struct liar	l;
	struct tally		n = { 0, 0 };
	bool			ok = true;
	int			i;

	if (argc < 3) {
		fprintf(stderr, "usage: coordinator NETWORK THEME[:SCENARIO]... (LIAR_DEVNET, LIAR_CLOCK, LIAR_OTHER)\n");
		return EXIT_USAGE;
	}
	liar_open(&l, argv[1]);
	l.other = getenv("LIAR_OTHER");
	settle(&l, l.story);
	for (i = 2; i < argc && ok; i++)
		if (!(ok = run_named(&l, argv[i], &n)))
			fprintf(stderr, "liar: nothing is called %s\n", argv[i]);
	liar_close(&l);
	if (ok)
		printf("%u passed, %u failed\n", n.passed, n.failed);
	return ok && n.failed == 0 ? EXIT_YES : EXIT_NO;
}
