/* Messages that came in one envelope, or one frame of a room, and are told as
 * one: taken from it one by one.  Pure. */
#ifndef PEER_BATCH_H
#define PEER_BATCH_H

#include "msg/codec.h"

/* Takes the first message off *rest.  *message points into what `rest` points
 * into.  false: there is none, or what is there is no SAY. */
bool peer_batch_next(struct msg_tell_messages *rest, struct msg_tell_message *message);

#endif
