/* hsm/pin.c - the PIN: out of a file, and never twice when it was refused. */
#include "hsm/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- out of a file ---- */

static void
close_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);	/* read only, or synced before: nothing can be lost */
}

static enum rc
pin_open(const char *path, int *ret, struct err *err)
{
	AUTO_DONE(close_fd) int fd = -1;
	struct stat	st;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0)
		return err_set(err, errno == ENOENT ? RC_MISSING : RC_USAGE, "PIN file %s: %s", path,
		    strerror(errno));
	if (fstat(fd, &st) != 0)
		return err_set(err, RC_IO, "PIN file %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, RC_USAGE, "PIN file %s: not a regular file", path);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return err_set(err, RC_USAGE, "PIN file %s: belongs to another user", path);
	if (st.st_mode & 077)
		return err_set(err, RC_USAGE, "PIN file %s: others may read or write it: chmod 600", path);
	*ret = fd;
	fd = -1;
	return RC_OK;
}

static enum rc
read_all(int fd, uint8_t *p, size_t cap, size_t *ret_n)
{
	size_t	n = 0;

	while (n < cap) {
		ssize_t	r = read(fd, p + n, cap - n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return RC_IO;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	*ret_n = n;
	return RC_OK;
}

enum rc
hsm_pin_read(const char *path, struct secret **ret, struct err *err)
{
	AUTO(secret_free) struct secret *all = secret_new(HSM_PIN_MAX + 2);
	AUTO(secret_free) struct secret *pin = NULL;
	AUTO_DONE(close_fd) int fd = -1;
	size_t	n = 0;

	if (all == NULL)
		return err_set(err, RC_NOMEM, "PIN file %s: no locked memory", path);
	TRY(pin_open(path, &fd, err));
	if (read_all(fd, secret_bytes(all), HSM_PIN_MAX + 2, &n) != RC_OK)
		return err_set(err, RC_IO, "PIN file %s: %s", path, strerror(errno));
	if (n > 0 && secret_view(all)[n - 1] == '\n')
		n--;
	if (n == 0)
		return err_set(err, RC_USAGE, "PIN file %s: empty", path);
	if (n > HSM_PIN_MAX)
		return err_set(err, RC_USAGE, "PIN file %s: more than %d bytes", path, HSM_PIN_MAX);
	if (memchr(secret_view(all), '\0', n) != NULL || memchr(secret_view(all), '\n', n) != NULL)
		return err_set(err, RC_USAGE, "PIN file %s: more than one line", path);
	if ((pin = secret_new(n)) == NULL)
		return err_set(err, RC_NOMEM, "PIN file %s: no locked memory", path);
	memcpy(secret_bytes(pin), secret_view(all), n);
	*ret = TAKE(pin);
	return RC_OK;
}

/* ---- the guard: salt and slow hash of a PIN that was refused, in hex ---- */

#define GUARD_HASH	32
#define GUARD_BYTES	(crypto_pwhash_SALTBYTES + GUARD_HASH)
#define GUARD_MEMORY	(8U << 20)	/* a keeper stays below 32 MiB */

static enum rc
guard_hash(const struct secret *pin, const uint8_t *salt, uint8_t out[GUARD_HASH], struct err *err)
{
	if (crypto_pwhash(out, GUARD_HASH, (const char *)secret_view(pin), secret_len(pin), salt, 3,
	    GUARD_MEMORY, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return err_set(err, RC_NOMEM, "PIN guard: no memory");
	return RC_OK;
}

enum rc
hsm_guard_check(const char *path, const struct secret *pin, struct err *err)
{
	AUTO_DONE(close_fd) int fd = -1;
	uint8_t	text[GUARD_BYTES * 2 + 1], noted[GUARD_BYTES], hash[GUARD_HASH];
	size_t	n = 0;

	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) < 0)
		return errno == ENOENT ? RC_OK :
		    err_set(err, RC_IO, "PIN guard %s: %s", path, strerror(errno));
	/* What cannot be read may say "refused": only a person can tell. */
	if (read_all(fd, text, sizeof(text), &n) != RC_OK ||
	    !hex_parse(SPAN(text, n), noted, sizeof(noted)))
		return err_set(err, RC_USAGE, "PIN guard %s: not readable: check that the PIN is right, "
		    "then delete it", path);
	TRY(guard_hash(pin, noted, hash, err));
	if (sodium_memcmp(hash, noted + crypto_pwhash_SALTBYTES, GUARD_HASH) != 0)
		return RC_OK;
	return err_set(err, RC_DENIED, "the token refused this PIN before, and would lock if it were "
	    "tried again and again: correct the PIN file, or, if the token changed, delete %s", path);
}

static enum rc
guard_write(int fd, const char *text, size_t n)
{
	while (n > 0) {
		ssize_t	w = write(fd, text, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return RC_IO;
		text += w;
		n -= (size_t)w;
	}
	return fsync(fd) == 0 ? RC_OK : RC_IO;
}

enum rc
hsm_guard_note(const char *path, const struct secret *pin, struct err *err)
{
	AUTO_DONE(close_fd) int fd = -1;
	uint8_t	noted[GUARD_BYTES];
	char	text[HEX_BYTES(GUARD_BYTES)];

	randombytes_buf(noted, crypto_pwhash_SALTBYTES);
	TRY(guard_hash(pin, noted, noted + crypto_pwhash_SALTBYTES, err));
	hex_write(SPAN_OF(noted), text);
	/* Half a file, after a crash, reads as a refusal too. */
	if ((fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)) < 0 ||
	    guard_write(fd, text, strlen(text)) != RC_OK)
		return err_set(err, RC_IO, "PIN guard %s: %s", path, strerror(errno));
	return RC_OK;
}

void
hsm_guard_forget(const char *path)
{
	/* Left behind, it names a PIN that is not in use: harmless. */
	(void)unlink(path);
}
