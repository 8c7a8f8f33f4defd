/* tests/system/hunt/files.c - files and folders; part of tests/system/hunt.c. */
#include <sys/stat.h>

#include <fts.h>

/* In hex, both cases, and in base64 as it stands at each of three offsets: what depends on its neighbours is left out. */
static bool
other_forms(void)
{
	size_t	n = n_needles;
	char	hex[HEX_BYTES(NEEDLE_MAX)];
	bool	ok = true;

	for (size_t i = 0; ok && i < n; i++) {
		struct span	s = SPAN(needle[i].p, needle[i].n);
		uint16_t	of = needle[i].kind;

		(void)hex_write(s, hex);
		if (2 * s.n <= NEEDLE_MAX)
			ok = add_needle(SPAN(hex, 2 * s.n), of, "hex");
		for (size_t c = 0; c < 2 * s.n; c++)
			if (hex[c] >= 'a')
				hex[c] = (char)(hex[c] - 'a' + 'A');
		if (ok && 2 * s.n <= NEEDLE_MAX && s.n > 8)
			ok = add_needle(SPAN(hex, 2 * s.n), of, "HEX");
		for (size_t skip = 0; ok && skip < 3 && s.n > 8 + skip; skip++) {
			AUTO_DONE(buf_done) struct buf b = BUF_INIT(2 * NEEDLE_MAX + 8);

			b64_write(&b, SPAN(s.p + skip, (s.n - skip) / 3 * 3));
			ok = b.rc == RC_OK && (b.n > NEEDLE_MAX || add_needle(buf_view(&b), of, "base64"));
		}
	}
	return ok;
}

static bool
look_in_file(const char *path, off_t size)
{
	static uint8_t	*bytes;
	static size_t	 cap;
	FILE		*f;
	size_t		 n;
	bool		 found = false;

	if ((size_t)size > cap) {
		bytes = realloc(bytes, cap = (size_t)size);
		if (bytes == NULL)
			abort();
	}
	if ((f = fopen(path, "re")) == NULL)
		return false;		/* it went away */
	n = fread(bytes, 1, (size_t)size, f);
	(void)fclose(f);
	for (size_t i = 0; i + NEEDLE_MIN <= n; i++) {
		const struct needle	*w = needle_at(bytes + i, n - i, 0);

		if (w == NULL)
			continue;
		printf("%s %s %s\n", path, kind[w->kind], w->form);
		found = true;
	}
	return found;
}

static int
files(char **paths)
{
	FTS		*all = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT		*e;
	unsigned long	 n = 0;
	bool		 found = false;

	if (all == NULL || !other_forms())
		return EXIT_USAGE;
	while ((e = fts_read(all)) != NULL) {
		if (e->fts_info != FTS_F || e->fts_statp->st_size == 0)
			continue;
		n++;
		if (look_in_file(e->fts_path, e->fts_statp->st_size))
			found = true;
	}
	(void)fts_close(all);
	printf("looked at %lu files\n", n);
	return found ? EXIT_NO : EXIT_YES;
}
