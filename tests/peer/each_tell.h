/* What a core tells, as the public API hands it out: TELL_MESSAGES becomes one
 * TELL_MESSAGE after the other. */
#ifndef TESTS_PEER_EACH_TELL_H
#define TESTS_PEER_EACH_TELL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "peer/tables/batch.h"
#include "tests/told.h"

static inline void
each_tell(struct msg_span frame, void (*fn)(void *arg, struct msg_span frame), void *arg)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_tell_message message;
    union msg_any any;
    enum msg_kind kind;

    assert_int_equal(msg_codec_decode(frame, &kind, &any), CONCLAVE_OK);
    if (kind != MSG_TELL_MESSAGES) {
        fn(arg, frame);
        return;
    }
    struct msg_tell_messages rest = any.MSG_ANY_TELL_MESSAGES;
    while (peer_batch_next(&rest, &message)) {
        struct msg_buf one = {at, 0, sizeof at};
        assert_int_equal(msg_codec_encode(&one, MSG_TELL_MESSAGE, &message), CONCLAVE_OK);
        fn(arg, msg_span_of_buf(&one));
    }
    assert_int_equal(rest.batch.len, 0);
}

#endif
