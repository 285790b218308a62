/* The table of figures, and histograms. */
#include "msg/figures.h"

#include <assert.h>
#include <endian.h>

static const struct msg_figure_info infos[] = {
#define INFO(id, name, type, label, help) {name, MSG_FIGURE_##type, label, help},
    MSG_FIGURES(INFO)
#undef INFO
};

const struct msg_figure_info *
msg_figure_info(enum msg_figure figure)
{
    assert(figure < MSG_FIGURE_COUNT_OF);
    return &infos[figure];
}

enum msg_figure
msg_figure_by_name(struct msg_text name)
{
    for (unsigned i = 0; i < MSG_FIGURE_COUNT_OF; i++)
        if (msg_text_equal(name, msg_text(infos[i].name)))
            return (enum msg_figure)i;
    return MSG_FIGURE_COUNT_OF;
}

static const uint64_t bounds[] = {5,     10,    25,     50,     100,    250,     500,     1000,
                                  2500,  5000,  10000,  25000,  100000, 250000,  1000000, UINT64_MAX};
static_assert(sizeof bounds / sizeof *bounds == MSG_HISTOGRAM_BUCKETS, "each bucket has a bound");

uint64_t
msg_histogram_bound(size_t bucket)
{
    return bounds[bucket];
}

void
msg_histogram_add(struct msg_histogram *self, uint64_t us)
{
    size_t at = 0;

    while (us > bounds[at])
        at++;
    self->buckets[at]++;
    self->sum_us += us;
}

uint64_t
msg_histogram_count(const struct msg_histogram *self)
{
    uint64_t count = 0;

    for (size_t i = 0; i < MSG_HISTOGRAM_BUCKETS; i++)
        count += self->buckets[i];
    return count;
}

uint64_t
msg_histogram_at(const struct msg_histogram *self, uint64_t permille)
{
    const uint64_t count = msg_histogram_count(self);
    uint64_t passed = 0;

    if (count == 0)
        return 0;
    /* In this order a great count does not overflow, nor a small one round down to nothing. */
    const uint64_t wanted = count / 1000 * permille + (count % 1000 * permille + 999) / 1000;
    for (size_t i = 0; i < MSG_HISTOGRAM_BUCKETS - 1; i++) {
        passed += self->buckets[i];
        if (passed >= wanted && passed > 0)
            return bounds[i];
    }
    return bounds[MSG_HISTOGRAM_BUCKETS - 2];
}

void
msg_histogram_write(const struct msg_histogram *self, uint8_t out[MSG_HISTOGRAM_BYTES])
{
    for (size_t i = 0; i < MSG_HISTOGRAM_BUCKETS; i++) {
        const uint64_t wire = htobe64(self->buckets[i]);
        memcpy(out + 8 * i, &wire, sizeof wire);
    }
}

void
msg_histogram_read(struct msg_histogram *self, uint64_t sum_us, struct msg_span bytes)
{
    *self = (struct msg_histogram){.sum_us = sum_us};
    assert(bytes.len == MSG_HISTOGRAM_BYTES);
    for (size_t i = 0; i < MSG_HISTOGRAM_BUCKETS; i++) {
        uint64_t wire;
        memcpy(&wire, bytes.at + 8 * i, sizeof wire);
        self->buckets[i] = be64toh(wire);
    }
}
