/* See descriptors.h. */
#include "host/descriptors.h"

#include <assert.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define COUNT_MAX 32u

bool
host_descriptors_raise(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0)
        return false;
    const rlim_t most = files.rlim_max < HOST_DESCRIPTORS_MAX ? files.rlim_max : HOST_DESCRIPTORS_MAX;
    if (files.rlim_cur >= most)
        return true;
    files.rlim_cur = most;
    return setrlimit(RLIMIT_NOFILE, &files) == 0;
}

/* The system does not say; it shows it. */
bool
host_descriptors_left(size_t count)
{
    int fds[COUNT_MAX];
    size_t n = 0;

    assert(count <= COUNT_MAX);
    while (n < count && (fds[n] = eventfd(0, EFD_CLOEXEC)) >= 0)
        n++;
    const bool left = n == count;
    while (n > 0)
        (void)close(fds[--n]); /* nothing is buffered in an eventfd */
    return left;
}
