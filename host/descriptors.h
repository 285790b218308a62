/* File descriptors: how many this process may have, and whether some are left.
 * A connection of ZeroMQ takes about four. */
#ifndef HOST_DESCRIPTORS_H
#define HOST_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

#define HOST_DESCRIPTORS_MAX 262144u /* more are not worth their tables */

/* Raises the soft limit to the hard one, HOST_DESCRIPTORS_MAX at most.  The
 * usual soft limit is low.  False: it stays what it was. */
bool host_descriptors_raise(void);

/* True when `count` more (at most 32) can be had now. */
bool host_descriptors_left(size_t count);

#endif
