/* How much memory this process holds. */
#ifndef HOST_MEMORY_H
#define HOST_MEMORY_H

#include <stdint.h>

/* Resident bytes, shared ones included; 0: the system does not say. */
uint64_t host_memory_resident(void);

#endif
