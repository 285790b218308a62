/* See batch.h. */
#include "peer/tables/batch.h"

#include "msg/chain.h"

bool
peer_batch_next(struct msg_tell_messages *rest, struct msg_tell_message *message)
{
    union msg_any any;
    enum msg_kind kind;
    if (rest->batch.len == 0 || msg_codec_next_frame(&rest->batch, &kind, &any) != CONCLAVE_OK || kind != MSG_SAY)
        return false;
    const struct msg_say *say = &any.MSG_ANY_SAY;
    *message = (struct msg_tell_message){rest->arrival++, say->id, rest->from, rest->to, rest->room, msg_chain_ts_ms(&say->id), say->text};
    return true;
}
