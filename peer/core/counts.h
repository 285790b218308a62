/* What the core counts of what it does, and what it tells the user of itself:
 * counting is an addition where something happens anyway, all else is gathered
 * when somebody asks. */
#ifndef PEER_COUNTS_H
#define PEER_COUNTS_H

#include "msg/step.h"

struct peer_core;
struct peer_room;

/* What came and was not taken, for it was not what it should be. */
enum peer_refused {
    PEER_REFUSED_REGISTRY,  /* of the registry */
    PEER_REFUSED_LINKS,     /* on links of other devices */
    PEER_REFUSED_SEALS,     /* sealed to this device, or said to be */
    PEER_REFUSED_ROOMS,     /* frames of rooms, and keys for them */
    PEER_REFUSED_KINDS
};

/* Since the start. */
struct peer_counts {
    uint64_t started_ms;    /* monotonic */
    uint64_t online_ms;     /* likewise: the last log-in */
    uint64_t log_ins;
    uint64_t sent;          /* messages */
    uint64_t received;
    uint64_t gaps_repaired;
    uint64_t gaps_shown;
    uint64_t frames_in;     /* on all links */
    uint64_t bytes_in;
    uint64_t frames_out;
    uint64_t bytes_out;
    uint64_t refused[PEER_REFUSED_KINDS];
};

/* Sends, and counts it. */
void peer_counts_send(struct peer_core *self, uint64_t link, enum msg_kind kind, const void *message);
void peer_counts_send_bytes(struct peer_core *self, uint64_t link, struct msg_span bytes);

/* Logs what was refused, and counts it. */
void peer_counts_refused(struct peer_core *self, enum peer_refused whose, const char *what, const char *detail);

/* In a room something is missing that was said, and is asked for ... */
void peer_counts_gap(struct peer_room *room);
/* ... and here is all that there is of it; what could not be had was told. */
void peer_counts_gap_closed(struct peer_core *self, struct peer_room *room);

/* The answer to CMD_STATS. */
void peer_counts_tell(struct peer_core *self, uint64_t req);

#endif
