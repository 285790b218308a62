/* The mark of what was shown: the highest arrival that the application has
 * dealt with, for each peer of a home, all in one file.  It is not synced: it
 * outlives every end of the process, kill -9 included; after a power cut some
 * messages are shown once more. */
#ifndef PEER_SHOWN_H
#define PEER_SHOWN_H

#include <linux/aio_abi.h>
#include <sys/types.h>

#include "msg/base.h"

struct peer_shown {
    int fd;                 /* the file, borrowed; -1: nothing is kept */
    uint64_t number;        /* of the peer; its mark is the number'th of the file */
    uint64_t arrival;       /* the mark */
    bool tried;             /* to get what follows, for a mark and a line in one call */
    uint64_t *page;         /* the part of the file that has the mark; NULL: not to be had */
    size_t page_len;
    int counter;            /* eventfd; -1: none */
    aio_context_t context;  /* 0: none */
};

/* Reads the mark; there is none (0) where nothing was ever shown. */
void peer_shown_open(struct peer_shown *self, int fd, uint64_t number);
void peer_shown_close(struct peer_shown *self);

/* A smaller arrival than the mark leaves it as it is. */
void peer_shown_mark(struct peer_shown *self, uint64_t arrival);

/* Writes the mark, and bytes to fd, both in one system call where the kernel
 * can and fd is a pipe or a socket: then whoever sees the bytes finds them
 * marked, and what is marked was written, at whatever moment the process is
 * killed.  Elsewhere the mark comes after the bytes, and a kill between them
 * shows them twice.  All of the bytes, or -1 with errno (EINTR: a signal came
 * before the first byte); on -1 the mark is what it was. */
ssize_t peer_shown_write(struct peer_shown *self, int fd, struct msg_span bytes, uint64_t arrival);

#endif
