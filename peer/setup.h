/* What it takes to open a peer from the options of the public API: its home,
 * keys, store, link and socket; and to close it again. */
#ifndef PEER_SETUP_H
#define PEER_SETUP_H

#include "peer/conclave.h"
#include "peer/event.h"
#include "peer/home.h"
#include "peer/keyfile.h"
#include "peer/node.h"
#include "peer/shown.h"
#include "peer/tells.h"

struct peer_setup {
    struct peer_home *home;         /* NULL: in memory */
    struct peer_keys keys;
    struct peer_shelf *shelf;
    struct peer_node *node;
    struct peer_tells tells;
    uint64_t number;                /* of the instance */
    struct peer_shown shown;        /* used in the thread of the caller */
    bool hold_messages;
    bool open;                      /* counts among the peers of this process */
    char instance[65];
};

/* Once for the process, safe to call again. */
enum conclave_err CONCLAVE_CHECK peer_setup_process(void);

/* How often this process is a child of one that used the library: handles of
 * the parent carry a smaller number. */
unsigned peer_setup_forks(void);

/* homes: those that peers of this loop share.  own_thread: with a descriptor
 * for events and a watchdog.  On an error everything is closed again but the
 * tells and keys, which peer_setup_release frees. */
enum conclave_err CONCLAVE_CHECK
peer_setup_open(struct peer_setup *self, struct peer_loop *loop, struct peer_home **homes,
                const struct conclave_options *options, bool own_thread, char *why, size_t why_cap);

/* In the thread of the loop. */
void peer_setup_close(struct peer_setup *self, struct peer_home **homes);

/* What the thread of the caller still uses: the tells, the keys. */
void peer_setup_release(struct peer_setup *self);

/* In the thread of the caller. */
enum conclave_err CONCLAVE_CHECK
peer_setup_passphrase(struct peer_setup *self, struct msg_text passphrase, char *why, size_t why_cap);

const char *peer_setup_version(void);

#endif
