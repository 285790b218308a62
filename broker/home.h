/* The data directory: found, entered, locked; and the ports that are kept in
 * it.  Files that are not ours are left alone. */
#ifndef BROKER_HOME_H
#define BROKER_HOME_H

#include "msg/base.h"
#include "msg/error.h"

/* Makes the directory (0700) where it is missing and goes into it.  NULL:
 * /var/lib/conclaved for root, else the user's data directory. */
enum conclave_err CONCLAVE_CHECK
broker_home_enter(const char *dir, char *why, size_t why_cap);

/* Takes the lock that the daemon and its children hold; those of a daemon that
 * was killed are waited for, 5 s at most.  IN_USE with the sentence.  The lock
 * lives as long as the descriptor, in any process that has it. */
enum conclave_err CONCLAVE_CHECK broker_home_lock(int *fd, char *why, size_t why_cap);

/* With the lock: a registry that has served has its store; a directory that
 * was not mounted, say, is no reason to begin anew. */
enum conclave_err CONCLAVE_CHECK broker_home_check(char *why, size_t why_cap);

/* What to do about an errno of writing there, as a sentence after a space; "". */
const char *broker_home_advice(int error);

/* A remembered port; 0: none. */
uint16_t broker_home_port(const char *file);
enum conclave_err CONCLAVE_CHECK broker_home_save_port(const char *file, uint16_t port);

#define BROKER_DOOR_PORT "door.port"
#define BROKER_FRONT_PORT "front.port"

/* The user's home, from the environment or else the user database; NULL: none. */
const char *broker_home_of_user(void);

/* Makes each directory of a path that is missing, 0700. */
enum conclave_err CONCLAVE_CHECK broker_home_make(const char *path);

#endif
