/* Sessions that are told of changes of the list of rooms, and the changes that
 * are gathered for them.  A pure table of fixed size. */
#ifndef BROKER_ROOM_WATCH_H
#define BROKER_ROOM_WATCH_H

#include "broker/tables/wheel.h"
#include "msg/catalog.h"

#define BROKER_ROOM_CHANGES 64u /* gathered at most */

struct broker_room_change {
    enum msg_act act;           /* CREATE, DELETE or TOPIC */
    struct msg_id room;
    uint64_t flags;
    char name[MSG_ROOM_NAME_MAX + 1]; /* the room may be gone when it is told */
};

struct broker_room_watch {
    uint32_t *next, *prev;      /* by session: slot + 1 */
    bool *on;                   /* by session */
    uint32_t first, count;
    uint64_t due_ms;            /* when to tell; BROKER_NEVER: nothing changed */
    uint32_t changes;
    struct broker_room_change list[BROKER_ROOM_CHANGES];
};

bool CONCLAVE_CHECK broker_room_watch_init(struct broker_room_watch *self, uint32_t sessions);
void broker_room_watch_wipe(struct broker_room_watch *self);

void broker_room_watch_set(struct broker_room_watch *self, uint32_t session, bool on);

/* Notes a change, which makes up for what it makes untold: who comes and goes
 * at once was never there.  false: there is no space; tell first. */
bool CONCLAVE_CHECK broker_room_watch_note(struct broker_room_watch *self, const struct broker_room_change *change);

#endif
