/* See pages.h. */
#include "msg/pages.h"

#include <stdlib.h>
#include <sys/mman.h>

#if defined __has_feature
#if __has_feature(address_sanitizer)
#define ON_HEAP true
#endif
#elif defined __SANITIZE_ADDRESS__
#define ON_HEAP true
#endif
#ifndef ON_HEAP
#define ON_HEAP false /* true where the heap is watched: who writes beyond a table is to be found */
#endif

static bool
is_small(size_t count, size_t size)
{
    return ON_HEAP || size == 0 || count < (MSG_PAGES_LEAST + size - 1) / size;
}

void *
msg_pages_new(size_t count, size_t size)
{
    if (is_small(count, size))
        return calloc(count, size);
    if (count > PTRDIFF_MAX / size)
        return NULL;
    void *const at = mmap(NULL, count * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    (void)madvise(at, count * size, MADV_NOHUGEPAGE); /* else one byte may cost 2 MiB; a kernel without these refuses */
    return at;
}

void
msg_pages_free(void *at, size_t count, size_t size)
{
    if (at == NULL || is_small(count, size))
        free(at);
    else
        (void)munmap(at, count * size); /* fails for misuse alone */
}
