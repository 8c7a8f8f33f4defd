/*
 * tests/unit/count.h - how often libsodium verified a signature (linked with
 * --wrap=crypto_sign_verify_detached into every unit test).
 */
#ifndef TESTS_UNIT_COUNT_H
#define TESTS_UNIT_COUNT_H

#include <stdatomic.h>

extern atomic_ulong	count_verified;

#endif
