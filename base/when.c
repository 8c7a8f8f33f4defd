#include "base/when.h"

#define DAY	86400U

/*
 * Days since 1970-01-01 of a Gregorian date. The year is taken to begin in
 * March, so that the leap day is its last and months have a closed form.
 */
static uint32_t
days_of(uint32_t y, uint32_t m, uint32_t d)
{
	uint32_t	march = m > 2 ? m - 3 : m + 9;
	uint32_t	era_day;

	if (m <= 2)
		y--;
	era_day = y * 365 + y / 4 - y / 100 + y / 400 + (153 * march + 2) / 5 + d - 1;
	return era_day - 719468;			/* 1970-01-01 counted from 0000-03-01 */
}

static void
date_of(uint32_t days, uint32_t *y, uint32_t *m, uint32_t *d)
{
	uint32_t	z = days + 719468;
	uint32_t	era = z / 146097;
	uint32_t	doe = z % 146097;
	uint32_t	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	uint32_t	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	uint32_t	march = (5 * doy + 2) / 153;

	*d = doy - (153 * march + 2) / 5 + 1;
	*m = march < 10 ? march + 3 : march - 9;
	*y = yoe + era * 400 + (*m <= 2);
}

uint32_t
when_day(when t)
{
	return (uint32_t)((t > WHEN_MAX ? WHEN_MAX : t) / DAY);
}

static char *
put(char *out, uint32_t v, unsigned width, char after)
{
	unsigned	i;

	for (i = width; i > 0; i--, v /= 10)
		out[i - 1] = (char)('0' + v % 10);
	out[width] = after;
	return out + width + 1;
}

char *
when_write(when t, char out[WHEN_TEXT_BYTES])
{
	uint32_t	y, m, d, s;
	char		*p = out;

	if (t > WHEN_MAX)
		t = WHEN_MAX;
	s = (uint32_t)(t % DAY);
	date_of(when_day(t), &y, &m, &d);
	p = put(p, y, 4, '-');
	p = put(p, m, 2, '-');
	p = put(p, d, 2, 'T');
	p = put(p, s / 3600, 2, ':');
	p = put(p, s / 60 % 60, 2, ':');
	p = put(p, s % 60, 2, 'Z');
	*p = '\0';
	return out;
}

/* `width` digits and then `after`. */
static bool
get(const uint8_t **p, unsigned width, char after, uint32_t *ret)
{
	uint32_t	v = 0;
	unsigned	i;

	for (i = 0; i < width; i++, (*p)++) {
		if (**p < '0' || **p > '9')
			return false;
		v = v * 10 + (uint32_t)(**p - '0');
	}
	if (**p != (uint8_t)after)
		return false;
	(*p)++;
	*ret = v;
	return true;
}

static uint32_t
month_days(uint32_t y, uint32_t m)
{
	static const uint8_t	days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (m == 2 && y % 4 == 0 && (y % 100 != 0 || y % 400 == 0))
		return 29;
	return days[m - 1];
}

bool
when_parse(struct span text, when *ret)
{
	const uint8_t	*p = text.p;
	uint32_t	 y, mo, d, h, mi, s;

	if (text.n != WHEN_TEXT_BYTES - 1)
		return false;
	if (!get(&p, 4, '-', &y) || !get(&p, 2, '-', &mo) || !get(&p, 2, 'T', &d) ||
	    !get(&p, 2, ':', &h) || !get(&p, 2, ':', &mi) || !get(&p, 2, 'Z', &s))
		return false;
	/* No leap second: POSIX time has no number for it. */
	if (y < 1970 || mo < 1 || mo > 12 || d < 1 || d > month_days(y, mo) ||
	    h > 23 || mi > 59 || s > 59)
		return false;
	*ret = (when)days_of(y, mo, d) * DAY + h * 3600 + mi * 60 + s;
	return true;
}
