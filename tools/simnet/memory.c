/* See memory.h.  The counters of /proc/self/status are too coarse for what is
 * resident: each processor may keep some of it for itself. */
#include "tools/simnet/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_ROOM 256

/* A line like "Anonymous:  12 kB"; 0: there is none. */
static uint64_t
field_b(const char *path, const char *field)
{
    char line[LINE_ROOM];
    uint64_t kb = 0;
    FILE *file = fopen(path, "r");

    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0)
            kb = strtoull(line + strlen(field), NULL, 10);
    (void)fclose(file); /* only read */
    return kb * 1024;
}

uint64_t
simnet_memory_taken_b(void)
{
    return field_b("/proc/self/status", "VmData:");
}

uint64_t
simnet_memory_resident_b(void)
{
    return field_b("/proc/self/smaps_rollup", "Anonymous:");
}
