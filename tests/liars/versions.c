#include "tests/liars/liar.h"

const struct theme versions_theme = { "versions", NULL, 0 };
