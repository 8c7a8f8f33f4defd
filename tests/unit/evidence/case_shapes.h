/*
 * tests/unit/evidence/case_shapes.h - is it CASE/UCO 1.4.0, as far as shapes tell?
 *
 * Of the classes that a custody document has: which members each may have, how often, and
 * of what kind, as the shapes of the ontologies say; ids are UUIDs and none stands twice;
 * every reference is to a node that is there, of the class that is wanted. Written from the
 * ontologies and the two samples of ../shared/vectors/provenance, not from our writer.
 */
#ifndef TESTS_UNIT_EVIDENCE_CASE_SHAPES_H
#define TESTS_UNIT_EVIDENCE_CASE_SHAPES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define CASE_SHAPES_WORDS	256

/* words: what is wrong first. */
bool	case_shapes(const json_t *document, char words[CASE_SHAPES_WORDS]);

#endif
