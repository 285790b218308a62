/* Of whom it is known whether they are there, among those we share small rooms
 * with: a pure table, sorted by account. */
#ifndef PEER_PRESENT_H
#define PEER_PRESENT_H

#include "msg/catalog.h"

#define PEER_PRESENT_MAX 4096u  /* people; of more nothing is known */

struct peer_present_one {
    uint64_t account;
    uint8_t status;             /* enum msg_status, as the registry said last */
    uint8_t told;               /* ... and as the user knows it; NOT_FOUND: the user does not */
    bool heard;                 /* it was said in this session */
};

struct peer_present {
    uint32_t count;
    struct peer_present_one list[PEER_PRESENT_MAX];
};

/* NULL where nothing is known of the account; add: known or new, offline and
 * not told, NULL when the table is full.  Stands until the next add or remove. */
struct peer_present_one *peer_present_find(struct peer_present *self, uint64_t account);
struct peer_present_one *peer_present_add(struct peer_present *self, uint64_t account);
void peer_present_remove(struct peer_present *self, struct peer_present_one *one);

#endif
