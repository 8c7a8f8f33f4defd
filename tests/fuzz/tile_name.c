/* Names of tiles: one spelling each, and a log that is large enough has it. */
#include "audit/tile.h"
#include "tests/fuzz/lib/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tile	t;
	char		name[TILE_NAME_MAX];

	if (tile_name_parse(SPAN(data, size), &t, NULL) != RC_OK)
		return 0;
	PROMISE(t.width >= 1 && t.width <= TILE_WIDTH && t.level <= TILE_LEVEL_MAX);
	PROMISE(!t.entries || t.level == 0);
	tile_name(&t, name);
	PROMISE(strlen(name) == size && memcmp(name, data, size) == 0);
	PROMISE(!tile_is_in(&t, 0));
	return 0;
}
