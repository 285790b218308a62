/* Frames of meshes that came or were said lately, kept for members who missed
 * them while the registry is away: a ring in which the oldest make room.  A
 * pure table with its records; all memory is taken at init, and touched only
 * as it is used. */
#ifndef PEER_KEPT_H
#define PEER_KEPT_H

#include "msg/step.h"

#define PEER_KEPT_COUNT 512u            /* frames, in all rooms */
#define PEER_KEPT_BYTES (512u * 1024)   /* of them */
#define PEER_KEPT_STORED (PEER_KEPT_BYTES - 65536u) /* of those on disk: they fit in after a restart in any order */

struct peer_kept_frame {
    struct msg_id room;
    uint64_t epoch;
    uint64_t account;           /* the sender */
    uint64_t device;
    uint64_t incarnation;
    uint64_t first;
    uint64_t last;
    bool stored;                /* on our disk as well */
    size_t at;                  /* where it stands in the ring */
    size_t len;
};

struct peer_kept {
    struct peer_kept_frame *frames;     /* a ring of PEER_KEPT_COUNT */
    uint32_t oldest;                    /* index */
    uint32_t count;
    uint8_t *bytes;                     /* a ring of PEER_KEPT_BYTES; no frame is in two parts */
    size_t next;                        /* where the next one is written */
    size_t stored;                      /* bytes of those on disk */
};

/* False when there is not enough memory: wipe it then. */
bool CONCLAVE_CHECK peer_kept_init(struct peer_kept *self);
void peer_kept_wipe(struct peer_kept *self);

/* Keeps a frame, unless it has that one; store: with a record.  The oldest ones
 * make room, their records are deleted.  True when anything was written. */
bool peer_kept_add(struct peer_kept *self, const struct msg_room_frame *frame, bool store, struct msg_effects *out);

/* From a record, which stays; what was never put there like that is passed over. */
void peer_kept_restore(struct peer_kept *self, const struct msg_room_frame *frame);

/* Those of a room need no records any more: it has a log again.  True when any
 * were deleted. */
bool peer_kept_settle(struct peer_kept *self, const struct msg_id *room, struct msg_effects *out);

/* Forgets those of a room, or of one device in it, with their records.  Likewise. */
bool peer_kept_drop_room(struct peer_kept *self, const struct msg_id *room, struct msg_effects *out);
bool peer_kept_drop_sender(struct peer_kept *self, const struct msg_id *room, uint64_t account, uint64_t device, struct msg_effects *out);

/* The oldest first, from index 0 on; NULL at the end. */
const struct peer_kept_frame *peer_kept_each(const struct peer_kept *self, uint32_t *index);

/* As it came: one ROOM_FRAME.  Valid until the next add. */
struct msg_span peer_kept_bytes(const struct peer_kept *self, const struct peer_kept_frame *frame);

#endif
