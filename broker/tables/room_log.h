/* The log of a room: frames in the order of their offsets, kept up to a
 * number, an age and a size.  Each record has counted how many frames and bytes
 * the log ever had, so that the first and the last one tell how many there are
 * now.  Reads come from the view, writes go out as effects.  Pure. */
#ifndef BROKER_ROOM_LOG_H
#define BROKER_ROOM_LOG_H

#include "broker/tables/view.h"

#define BROKER_ROOM_LOG_TRIM 16u    /* frames that one more frame may push out, at most */
#define BROKER_ROOM_LOG_SWEEP 64u   /* frames that one look at a room takes away, at most */

/* How a log stands, with what is on its way to the disk. */
struct broker_room_log {
    bool loaded;                /* looked up since the start; all else is zero before that */
    uint64_t last;              /* offset given last; 0: none yet */
    uint64_t first;             /* the oldest that is kept; 0: none is */
    uint64_t first_ms;          /* when it came */
    uint64_t frames, bytes;     /* that it ever had */
    uint64_t gone_frames, gone_bytes; /* of them, those before `first` */
};

struct broker_room_log_limits {
    uint64_t frames;
    uint64_t bytes;
    uint64_t age_ms;
};

/* Looks up where the log stands, with some 50 reads at most, unless that was
 * done before.  No offset up to at_least is given any more. */
void broker_room_log_load(struct broker_room_log *self, const struct broker_view *view, const struct msg_id *room,
                          uint64_t at_least);

/* Counts a frame and gives it an offset that no frame of the room had, in this
 * run of the daemon (they begin at run_first) or before. */
uint64_t broker_room_log_give(struct broker_room_log *self, uint64_t run_first, uint64_t wall_ms, size_t bytes);

/* The same frame, as counted when it was given its offset, to the disk. */
void broker_room_log_put(struct msg_effects *out, const struct msg_id *room, uint64_t offset, uint64_t wall_ms,
                         uint64_t frames, uint64_t bytes, struct msg_span frame);
void broker_room_log_delete(struct msg_effects *out, const struct msg_id *room, uint64_t offset);

/* Takes away up to `most` of the oldest frames that the limits do not let stay;
 * never the newest one; where very many are kept, not before there are `most` too many.  How many it were. */
uint32_t broker_room_log_trim(struct broker_room_log *self, const struct broker_view *view, const struct msg_id *room,
                              const struct broker_room_log_limits *limits, uint64_t wall_ms, uint32_t most,
                              struct msg_effects *out);

/* The first frame on disk behind an offset; valid until the next look into the
 * view.  false: there is none. */
bool broker_room_log_next(const struct broker_view *view, const struct msg_id *room, uint64_t after, uint64_t *offset,
                          struct msg_rec_room_frame *out);

/* The room of the first log on disk behind that of *room (begin with zeros);
 * false: that was the last one. */
bool broker_room_log_next_room(const struct broker_view *view, struct msg_id *room);

#endif
