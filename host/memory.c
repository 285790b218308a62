/* See memory.h. */
#include "host/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* /proc/self/statm: pages of the program's size, then the resident ones. */
uint64_t
host_memory_resident(void)
{
    char line[128], *end = line;
    FILE *const from = fopen("/proc/self/statm", "re");
    if (from == NULL)
        return 0;
    const bool got = fgets(line, sizeof line, from) != NULL;
    (void)fclose(from); /* it was only read */
    if (!got)
        return 0;
    (void)strtoull(line, &end, 10);
    return strtoull(end, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}
