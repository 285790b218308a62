/* What the files in this folder hold, made anew: for the program that writes
 * them and for the test that compares. */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <stdio.h>

#include "msg/catalog.h"

/* A frame of that kind with plain values; appended to out. */
void vectors_frame(struct msg_buf *out, enum msg_kind kind);

/* The file name of a kind: lower case, "-" for "_". */
void vectors_name(char name[64], const struct msg_shape *shape);

/* Every input and every result of the cryptography, one "name hex" a line. */
void vectors_crypto(FILE *to);

#endif
