/* See sources.h.  A table of counts by the source's text. */
#include "host/sources.h"

#include <arpa/inet.h>
#include <czmq.h>
#include <stdlib.h>
#include <string.h>

struct host_sources {
    zhashx_t *counts;   /* uint32_t; those of which there are none are not in it */
};

static void
free_count(void **item)
{
    free(*item);
    *item = NULL;
}

struct host_sources *
host_sources_new(void)
{
    struct host_sources *self = calloc(1, sizeof *self);

    if (self == NULL)
        return NULL;
    self->counts = zhashx_new();
    if (self->counts == NULL)
        host_sources_destroy(&self);
    else
        zhashx_set_destructor(self->counts, free_count);
    return self;
}

void
host_sources_destroy(struct host_sources **self_p)
{
    if (*self_p == NULL)
        return;
    zhashx_destroy(&(*self_p)->counts);
    free(*self_p);
    *self_p = NULL;
}

static void
print_source(char text[INET6_ADDRSTRLEN], const struct host_peer *peer)
{
    struct in6_addr address;

    memcpy(&address, peer->address, sizeof address);
    if (!IN6_IS_ADDR_V4MAPPED(&address))
        memset(address.s6_addr + 8, 0, 8);
    inet_ntop(AF_INET6, &address, text, INET6_ADDRSTRLEN);
}

uint32_t
host_sources_add(struct host_sources *self, const struct host_peer *peer)
{
    char text[INET6_ADDRSTRLEN];

    print_source(text, peer);
    uint32_t *count = zhashx_lookup(self->counts, text);
    if (count == NULL) {
        count = calloc(1, sizeof *count);
        if (count == NULL)
            abort(); /* out of memory: there is nothing better to do */
        zhashx_insert(self->counts, text, count);
    }
    return ++*count;
}

void
host_sources_remove(struct host_sources *self, const struct host_peer *peer)
{
    char text[INET6_ADDRSTRLEN];

    print_source(text, peer);
    uint32_t *count = zhashx_lookup(self->counts, text);
    if (count != NULL && --*count == 0)
        zhashx_delete(self->counts, text);
}
