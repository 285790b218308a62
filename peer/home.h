/* The directories of a peer: found or made, locked against a second process,
 * and the small files in them.  What is not ours is left alone. */
#ifndef PEER_HOME_H
#define PEER_HOME_H

#include "msg/base.h"
#include "msg/error.h"
#include "peer/store.h"

#define PEER_HOME_PATH 4096u

struct peer_home {
    char config[PEER_HOME_PATH];    /* directory; may not be there */
    char data[PEER_HOME_PATH];      /* directory; keys, store, lock, port */
    int dir_fd;                     /* data */
    int lock_fd;
    int shown_fd;
    struct peer_store *store;       /* in data/store */
    unsigned users;                 /* peers of this process */
    struct peer_home *next;         /* homes of one loop */
};

/* What stands in conclave.conf; "" where it says nothing. */
struct peer_home_config {
    char link[MSG_LINK_MAX + 1];
    char listen[MSG_ENDPOINT_MAX + 1];
    uint64_t direct;                /* enum msg_direct */
};

/* Where the home is: dir, or the XDG directories when it is NULL.
 * BAD_ARGUMENTS when a path is too long, or HOME is not set. */
enum conclave_err CONCLAVE_CHECK peer_home_find(struct peer_home *self, const char *dir, char *why, size_t why_cap);

/* Makes what is missing, locks it, opens the store.  IN_USE at once when
 * another process has it; UNSAFE_FILE when others may write to it. */
enum conclave_err CONCLAVE_CHECK peer_home_open(struct peer_home *self, char *why, size_t why_cap);
void peer_home_close(struct peer_home *self);

enum conclave_err CONCLAVE_CHECK
peer_home_config(const struct peer_home *self, struct peer_home_config *config, char *why, size_t why_cap);

/* An instance is "" or a name that makes a file name. */
bool peer_home_instance_valid(const char *instance);
/* "keys", "keys-NAME" and so on. */
void peer_home_file(char *name, size_t cap, const char *stem, const char *instance);

/* The port of the inbound socket, kept over restarts; 0: none yet. */
uint16_t peer_home_port(const struct peer_home *self, const char *instance);
void peer_home_keep_port(const struct peer_home *self, const char *instance, uint16_t port);

/* The link of a conclaved of this user on this machine; false: none. */
bool peer_home_local_link(char link[MSG_LINK_MAX + 1]);

/* Further endpoints under which a socket bound to host and port can be reached
 * from other machines; how many. */
uint32_t peer_home_addresses(char out[MSG_ENDPOINT_COUNT][MSG_ENDPOINT_MAX + 1], const char *host, uint16_t port);

#endif
