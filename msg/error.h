/* What an error is called on the wire and told to people.  Pure tables. */
#ifndef MSG_ERROR_H
#define MSG_ERROR_H

#include "msg/errors.h"

/* The stable code, such as "name-taken"; "internal" for a value outside. */
const char *msg_error_code(enum conclave_err err);

/* The sentence for people; never NULL. */
const char *msg_error_sentence(enum conclave_err err);

/* The error that a code of len bytes stands for; CONCLAVE_ERR_INTERNAL for a
 * code this version does not know. */
enum conclave_err msg_error_from_code(const char *code, unsigned long len);

#endif
