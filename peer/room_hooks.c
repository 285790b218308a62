/* Where sender keys, frames and the log of rooms come in: what rosters do to
 * them.  All are called within the step that takes the entry, before it is on
 * disk, and for each entry while a long roster is being read, too: they only
 * note what is to be done.  The room's facts, role and mates are as after the
 * entry. */
#include "peer/parts.h"

/* Another epoch began (the first one with CREATE): our sender key is over. */
void
peer_room_epoch_began(struct peer_core *self, struct peer_room *room)
{
    (void)self;
    (void)room;
}

/* The account came in (with CREATE, too); it may be ours. */
void
peer_room_joined(struct peer_core *self, struct peer_room *room, uint64_t account)
{
    (void)self;
    (void)room;
    (void)account;
}

/* The account went, or was put out; it may be ours.  A new epoch began, which
 * is said by itself after this. */
void
peer_room_left(struct peer_core *self, struct peer_room *room, uint64_t account)
{
    (void)self;
    (void)room;
    (void)account;
}

/* ROOM_STATE spoke of it: offset and mesh are what the registry says. */
void
peer_room_heard(struct peer_core *self, struct peer_room *room)
{
    (void)self;
    (void)room;
}

/* It is about to be given up for good: records of it beside those of rooms.h
 * and its outbox (which room_ops.c deletes) must go. */
void
peer_room_dropped(struct peer_core *self, struct peer_room *room)
{
    (void)self;
    (void)room;
}

/* Something is said in a room that we are a member of; not empty, and not too
 * large.  Answers the command. */
void
peer_room_say(struct peer_core *self, struct peer_room *room, uint64_t cmd, struct msg_text text)
{
    (void)room;
    (void)text;
    peer_step_failed(self, cmd, CONCLAVE_ERR_UNKNOWN_COMMAND, msg_text("Nothing can be said in rooms yet."), 0);
}
