/* A library without a network, for the tests of peer/cli: it answers by the
 * names it is asked about, and remembers how it was called. */
#ifndef TESTS_CLI_FAKE_CONCLAVE_H
#define TESTS_CLI_FAKE_CONCLAVE_H

#include "peer/conclave.h"

/* What the fake does, set before a run:
 *   users: alice (ourselves), bob online, carol offline, nobody else;
 *   the password is "correct horse"; a message to bob is delivered at once,
 *   one to carol stays queued, one to dave is stored and no more, one to erin
 *   is told not to fit her mailbox, one to mallory is refused; "slow" is never
 *   answered;
 *   rooms: #lab, which is ours, with bob and carol in it (and three who get what
 *   is said, but for "part", which eve does not get); #far, where what is
 *   said stays queued, and #big, where it is stored and no more; #den, with
 *   the password "open sesame"; #cave, where we may do nothing; a room with a
 *   blank in its name cannot be. */
extern struct fake {
    enum conclave_err open_err; /* what conclave_open says */
    bool enrolled;              /* this home belongs to alice */
    bool logged_out;
    bool unreachable;           /* the registry is down */
    unsigned waiting;           /* messages that wait for us at the start */
    bool in_room;               /* those are of #lab; and then things happen there */
    bool mates;                 /* with each /away others come and go: see fake_mates */
} fake;

/* Written to a file of the run's directory as it goes, one word a line:
 * open, hold, close, shown N, read N. */
extern const char *fake_trace;

#endif
