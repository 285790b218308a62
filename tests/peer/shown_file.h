/* A file of marks, and a peer that has one in it. */
#ifndef TESTS_PEER_SHOWN_FILE_H
#define TESTS_PEER_SHOWN_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer/shown.h"

static int mark_fd;
static char mark_path[] = "/tmp/conclave-shown-XXXXXX";
static struct peer_shown shown;

/* Where the kernel cannot, lines may come twice, and are not asked here. */
static bool
can_be_one(void)
{
    return shown.page != NULL && madvise(shown.page, shown.page_len, MADV_POPULATE_WRITE) == 0;
}

/* What a process that begins now finds. */
static uint64_t
mark_of(uint64_t number)
{
    struct peer_shown other;
    peer_shown_open(&other, mark_fd, number);
    const uint64_t arrival = other.arrival;
    peer_shown_close(&other);
    return arrival;
}

static int
set_up(void **state)
{
    (void)state;
    memcpy(mark_path + sizeof mark_path - 7, "XXXXXX", 6);
    mark_fd = mkstemp(mark_path);
    peer_shown_open(&shown, mark_fd, 1);
    return mark_fd >= 0 ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    peer_shown_close(&shown);
    close(mark_fd);
    return unlink(mark_path);
}

#endif
