/* See text.h.  Hexadecimal: the sum (16), the sender (8), the channel (2), the
 * number (14), the intended moment (16); then letters that follow from sender
 * and number. */
#include "tools/stress/text.h"

#include <assert.h>
#include <string.h>

enum { SUM = 16, SENDER = 8, CHANNEL = 2, NUMBER = 14, INTENDED = 16, HEAD = SUM + SENDER + CHANNEL + NUMBER + INTENDED };
static_assert(HEAD <= STRESS_TEXT_MIN, "the head fits into the smallest text");

static char *
put_hex(char *at, uint64_t value, size_t digits)
{
    for (size_t i = digits; i-- > 0; value >>= 4)
        at[i] = "0123456789abcdef"[value & 15];
    return at + digits;
}

static bool
take_hex(const char **at, uint64_t *value, size_t digits)
{
    *value = 0;
    for (; digits > 0; digits--, (*at)++) {
        const char c = **at;
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return false;
        *value = *value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    return true;
}

/* Eight bytes at a time; each state depends on all before it. */
static uint64_t
sum(const char *at, size_t len)
{
    uint64_t state = 0x9e3779b97f4a7c15u ^ len, word;

    for (; len > 0; at += len < sizeof word ? len : sizeof word, len -= len < sizeof word ? len : sizeof word) {
        word = 0;
        memcpy(&word, at, len < sizeof word ? len : sizeof word);
        state = (state ^ word) * 0xff51afd7ed558ccdu;
        state ^= state >> 32;
    }
    return state;
}

static void
fill(char *at, size_t len, uint64_t seed)
{
    for (uint64_t word; len > 0; at += len < sizeof word ? len : sizeof word, len -= len < sizeof word ? len : sizeof word) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        word = (seed >> 4 & 0x0f0f0f0f0f0f0f0fu) + 0x6161616161616161u; /* a to p */
        memcpy(at, &word, len < sizeof word ? len : sizeof word);
    }
}

void
stress_text_write(char *at, size_t size, const struct stress_text *what)
{
    assert(size >= STRESS_TEXT_MIN);
    char *next = put_hex(at + SUM, what->sender, SENDER);
    next = put_hex(next, what->channel, CHANNEL);
    next = put_hex(next, what->number, NUMBER);
    next = put_hex(next, what->intended_ns, INTENDED);
    fill(next, size - HEAD, (uint64_t)what->sender << 32 ^ what->number);
    (void)put_hex(at, sum(at + SUM, size - SUM), SUM);
}

bool
stress_text_read(struct stress_text *what, const char *at, size_t len, size_t size)
{
    const char *next = at;
    uint64_t written, sender, channel;

    *what = (struct stress_text){0};
    if (len != size || len < HEAD || !take_hex(&next, &written, SUM) || written != sum(at + SUM, len - SUM))
        return false;
    if (!take_hex(&next, &sender, SENDER) || !take_hex(&next, &channel, CHANNEL) || channel >= STRESS_CHANNELS)
        return false;
    what->sender = (uint32_t)sender;
    what->channel = (enum stress_channel)channel;
    return take_hex(&next, &what->number, NUMBER) && take_hex(&next, &what->intended_ns, INTENDED);
}
