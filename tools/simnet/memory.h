/* What memory this process has, as the kernel counts it. */
#ifndef TOOLS_SIMNET_MEMORY_H
#define TOOLS_SIMNET_MEMORY_H

#include <stdint.h>

uint64_t simnet_memory_taken_b(void);    /* of address space, touched or not */
uint64_t simnet_memory_resident_b(void); /* touched; to the page, by a walk through all of it */

#endif
