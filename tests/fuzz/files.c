/*
 * Files that a daemon or a person is started with: coordinator.json, custodian.json, genesis, a key, a
 * succession beside its charter. The input: u8 which, then the file. A configuration that is taken
 * says the same again when it is written and read; a key is taken only with its public half.
 */
#include <sys/stat.h>
#include <unistd.h>

/* Two folders have a config.h of that name: the coordinator's stands here under others. */
#define config_read	coordinator_config_read
#define config_write	coordinator_config_write
#define config_check	coordinator_config_check
#include "coordinator/config.c"
#undef config_read
#undef config_write
#undef config_check

#include "custodian/config.h"
#include "base/secret.h"
#include "edge/succession.h"
#include "tests/fuzz/lib/fuzz.h"

enum which { COORDINATOR, CUSTODIAN, GENESIS, KEY, SUCCESSION, WHICHS };

static char	dir[64];

static void
path_of(const char *name, char ret[FILE_PATH_MAX])
{
	PROMISE(file_path(ret, NULL, "%s/%s", dir, name) == RC_OK);
}

static void
put(const char *name, struct span bytes)
{
	char	path[FILE_PATH_MAX];
	FILE	*f;

	path_of(name, path);
	(void)unlink(path);
	PROMISE((f = fopen(path, "wb")) != NULL);
	PROMISE(fchmod(fileno(f), 0600) == 0);
	PROMISE((bytes.n == 0 || fwrite(bytes.p, 1, bytes.n, f) == bytes.n) && fclose(f) == 0);
}

static void
gone(const char *name)
{
	char	path[FILE_PATH_MAX];

	path_of(name, path);
	PROMISE(unlink(path) == 0);
}

static void
of_coordinator(struct span in)
{
	static struct config	a, b;

	put("coordinator.json", in);
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	if (coordinator_config_read(dir, &a, NULL) == RC_OK) {
		gone("coordinator.json");
		PROMISE(coordinator_config_write(dir, &a, NULL) == RC_OK);
		PROMISE(coordinator_config_read(dir, &b, NULL) == RC_OK && memcmp(&a, &b, sizeof(a)) == 0);
	}
	gone("coordinator.json");
}

static void
of_custodian(struct span in)
{
	static struct custodian_config	a, b;

	put("custodian.json", in);
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	if (config_read(dir, &a, NULL) == RC_OK) {
		gone("custodian.json");
		PROMISE(config_write(&a, NULL) == RC_OK);
		PROMISE(config_read(dir, &b, NULL) == RC_OK && memcmp(&a, &b, sizeof(a)) == 0);
	}
	gone("custodian.json");
}

static void
of_genesis(struct span in)
{
	char	hex[HEX_BYTES(SHA256_BYTES)];
	uint8_t	digest[SHA256_BYTES];

	put("genesis", in);
	if (config_genesis(dir, digest, NULL) == RC_OK) {
		(void)hex_write(SPAN_OF(digest), hex);
		PROMISE(in.n == 2 * SHA256_BYTES + 1 && memcmp(in.p, hex, 2 * SHA256_BYTES) == 0);
	}
	gone("genesis");
}

static enum rc
no_words(void *user, const char *what, struct secret **ret, struct err *err)
{
	(void)user;
	(void)what;
	(void)ret;
	return err_set(err, RC_USAGE, "nobody is there to ask");
}

static void
of_key(struct span in)
{
	AUTO(keyfile_free) struct keyfile *k = NULL;
	const struct signer	*s;
	char			 path[FILE_PATH_MAX];
	uint8_t			 sig[KEY_SIG_BYTES];

	put("key", in);
	path_of("key", path);
	if (keyfile_open(path, no_words, NULL, &k, NULL) == RC_OK) {
		s = keyfile_signer(k);
		PROMISE(s->sign(s->user, SPAN_STR("words"), sig, NULL) == RC_OK);
		PROMISE(key_verify(&s->key, SPAN_STR("words"), sig, NULL) == RC_OK);
	}
	gone("key");
}

static void
of_succession(struct span in)
{
	struct succession	s;
	struct buf		dsse = BUF_INIT(DSSE_BYTES_MAX);
	uint8_t			digest[SHA256_BYTES];
	char			path[FILE_PATH_MAX];

	put("new.json.dsse", in);
	put("new.json", SPAN_STR("{}"));
	path_of("new.json", path);
	/* What names another document is not taken. */
	sha256_one(digest, SPAN_STR("{}"));
	if (succession_file_read(path, &s, &dsse, NULL) == RC_OK)
		PROMISE(memcmp(s.next, digest, sizeof(digest)) == 0);
	buf_done(&dsse);
	gone("new.json.dsse");
	gone("new.json");
}

static void
at_end(void)
{
	(void)rmdir(dir);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (dir[0] == '\0') {
		PROMISE(secret_init(NULL) == RC_OK);
		(void)snprintf(dir, sizeof(dir), "/tmp/quorate-fuzz-XXXXXX");
		PROMISE(mkdtemp(dir) != NULL && atexit(at_end) == 0);
	}
	if (size == 0)
		return 0;
	switch ((enum which)(data[0] % WHICHS)) {
	case COORDINATOR:
		of_coordinator(SPAN(data + 1, size - 1));
		break;
	case CUSTODIAN:
		of_custodian(SPAN(data + 1, size - 1));
		break;
	case GENESIS:
		of_genesis(SPAN(data + 1, size - 1));
		break;
	case KEY:
		of_key(SPAN(data + 1, size - 1));
		break;
	case SUCCESSION:
	case WHICHS:
		of_succession(SPAN(data + 1, size - 1));
	}
	return 0;
}
