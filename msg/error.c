/* The tables behind msg/error.h.  Pure. */
#include "msg/error.h"

#include <stddef.h>
#include <string.h>

static const struct error_row {
    const char *code;
    const char *sentence;
} rows[] = {
#define ROW(name, code, sentence) [CONCLAVE_ERR_##name] = {code, sentence},
    CONCLAVE_ERRORS(ROW)
#undef ROW
};

#define ROWS (sizeof rows / sizeof rows[0])

/* An enum may hold any number once it came through a cast. */
static const struct error_row *
row_of(enum conclave_err err)
{
    const size_t index = (size_t)err;
    return &rows[index < ROWS ? index : CONCLAVE_ERR_INTERNAL];
}

const char *
msg_error_code(enum conclave_err err)
{
    return row_of(err)->code;
}

const char *
msg_error_sentence(enum conclave_err err)
{
    return row_of(err)->sentence;
}

enum conclave_err
msg_error_from_code(const char *code, unsigned long len)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strlen(rows[i].code) == len && memcmp(rows[i].code, code, len) == 0)
            return (enum conclave_err)i;
    }
    return CONCLAVE_ERR_INTERNAL;
}
