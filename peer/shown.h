/* The mark of what was shown: the highest arrival that the application has
 * dealt with, for each peer of a home, in a file of its own.  It is not synced:
 * it outlives every end of the process, kill -9 included; after a power cut
 * some messages are shown once more. */
#ifndef PEER_SHOWN_H
#define PEER_SHOWN_H

#include <sys/types.h>

#include "msg/base.h"

uint64_t peer_shown_read(int mark_fd, uint64_t number);
void peer_shown_mark(int mark_fd, uint64_t number, uint64_t arrival);

/* Writes the mark, and bytes to fd, both in one system call where the kernel
 * can and fd is not a file: then whoever sees the bytes and answers with a
 * kill -9 finds them marked.  All of the bytes, or -1 with errno (EINTR: a signal came before the first byte); on -1 the mark is what it
 * was, `before`. */
ssize_t peer_shown_write(int fd, struct msg_span bytes, int mark_fd, uint64_t number, uint64_t before, uint64_t arrival);

#endif
