/* The processes of the harness, from outside: started, given orders, ended. */
#ifndef TOOLS_STRESS_CREW_H
#define TOOLS_STRESS_CREW_H

#include "tools/stress/hand.h"

/* Before anything of libconclave is used here.  False: why is a sentence. */
bool stress_crew_start(struct stress_world *world, char *why, size_t why_cap);

/* Gives an order to all. */
void stress_crew_give(struct stress_world *world, const struct stress_order *order);
/* Ends an order that lasts until then. */
void stress_crew_enough(struct stress_world *world);

enum stress_crew_news { STRESS_CREW_NONE, STRESS_CREW_DONE, STRESS_CREW_DEAD };
/* Waits at most timeout_ms.  DONE: all have done what they were told to.  DEAD:
 * one ended; why says so. */
enum stress_crew_news stress_crew_wait(struct stress_world *world, int timeout_ms, char *why, size_t why_cap);

/* Stops those who have nobody but members that are stopped, or continues them. */
void stress_crew_stop(const struct stress_world *world, bool stop);

/* In order: peers say goodbye, 5 s at most.  Else, at once. */
void stress_crew_end(struct stress_world *world, bool in_order);

#endif
