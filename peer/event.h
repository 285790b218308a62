/* Tells of the core turned into what the public API hands out. */
#ifndef PEER_EVENT_H
#define PEER_EVENT_H

#include "msg/codec.h"
#include "peer/conclave.h"

/* Pages of an answer to a list that wait for the last one. */
struct peer_event_pages {
    uint64_t request;
    uint64_t count;             /* items in all */
    struct msg_buf frames;      /* the lists of the pages, one after the other */
    struct peer_event_pages *next;
};

/* The event of one peer: everything in `event` points into the rest. */
struct peer_event {
    struct msg_buf texts;       /* C strings */
    struct conclave_user *users;
    struct conclave_device *devices;
    struct conclave_room *rooms;
    struct conclave_member *members;
    struct conclave_stats stats;
    struct peer_event_pages *pages;
    struct msg_span ids;        /* in the frame: of the messages that it is about besides this one */
    struct msg_tell_messages rest; /* likewise: messages that come after this one */
    size_t rest_texts;          /* bytes of texts that they share */
    struct conclave_event event;
};

/* Reads a tell, as msg/flat has it, into self->event, which does not point into
 * it: the first event, where it tells of several.  false: nothing to show, as of
 * a page that is not the last. */
bool peer_event_read(struct peer_event *self, struct msg_span tell);

/* True while there is more in the frame that was read last, which must stand. */
static inline bool
peer_event_has_more(const struct peer_event *self)
{
    return self->ids.len > 0 || self->rest.batch.len > 0;
}

/* Moves self->event on to the next event of the same frame; there must be
 * more.  false: it is not what was said; all that was left is passed over. */
bool peer_event_next(struct peer_event *self);
/* Passes over all that is left. */
void peer_event_skip(struct peer_event *self);
void peer_event_wipe(struct peer_event *self);

#endif
