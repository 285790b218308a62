/* What a core told its user, as a frame: so that what it says is held against
 * the catalog, which nobody does between a core and its own shell. */
#ifndef TESTS_TOLD_H
#define TESTS_TOLD_H

#include <stdlib.h>

#include "msg/codec.h"
#include "msg/flat.h"

/* Stands until the next call. */
static inline struct msg_span
told_frame(struct msg_span told)
{
    static uint8_t at[1u << 18];
    struct msg_buf frame = {at, 0, sizeof at};
    union msg_any any;

    if (msg_codec_encode(&frame, msg_flat_get(told, &any), &any) != CONCLAVE_OK)
        abort();
    return msg_span_of_buf(&frame);
}

#endif
