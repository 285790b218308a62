/* The mark of what was shown: the highest arrival that the application has
 * dealt with, for each peer of a home, all in one file.  It is not synced: it
 * outlives every end of the process, kill -9 included; after a power cut some
 * messages are shown once more. */
#ifndef PEER_SHOWN_H
#define PEER_SHOWN_H

#include <sys/types.h>

#include "msg/base.h"

struct peer_shown {
    int fd;                 /* the file, borrowed; -1: nothing is kept */
    uint64_t number;        /* of the peer; its mark is the number'th of the file */
    uint64_t arrival;       /* the mark */
    bool tried;             /* to get what follows, for the first line */
    bool may_wait;          /* the kernel has no write that is refused instead of waiting */
    uint64_t *page;         /* the part of the file that has the mark; NULL: not to be had */
    size_t page_len;
    int counter;            /* eventfd; -1: none */
};

/* Reads the mark; there is none (0) where nothing was ever shown. */
void peer_shown_open(struct peer_shown *self, int fd, uint64_t number);
void peer_shown_close(struct peer_shown *self);

/* A smaller arrival than the mark leaves it as it is. */
void peer_shown_mark(struct peer_shown *self, uint64_t arrival);

/* Writes the mark, and bytes to fd.  Up to PIPE_BUF bytes to a pipe or a socket
 * that nobody else writes to go with the mark in one system call, where Linux
 * can: whoever sees the bytes finds them marked, and what is marked was written,
 * at whatever moment the process is killed.  (It needs Linux 5.14 and a file
 * system that maps; elsewhere a kill in the first microsecond shows a line
 * twice.)  Other writers can fill a pipe in between: a kill within some
 * microseconds of that (before Linux 6.4: as long as it is full) leaves the
 * line out.  All else is written before its mark, and a kill between them shows
 * it twice.  All of the bytes, or -1 with errno (EINTR: a signal came before the
 * first byte); on -1 the mark is what it was. */
ssize_t peer_shown_write(struct peer_shown *self, int fd, struct msg_span bytes, uint64_t arrival);

#endif
