/* Signatures are made as they are; what was signed in this world is known to
 * be, so that two hundred members who check one frame cost one hash each.
 * Whatever else comes is checked for real.  libsodium's own functions of these
 * names stand behind these, under the names of their primitive. */
#include <sodium.h>
#include <stdlib.h>

#include "tests/sim/sim.h"

struct word {
    uint64_t low, high; /* 0, 0: free */
};

static struct word *known; /* open addressing */
static size_t known_count, known_room;

void
sim_signatures_forget(void)
{
    free(known);
    known = NULL;
    known_count = known_room = 0;
}

static struct word
word_of(const unsigned char *sig, const unsigned char *m, unsigned long long mlen, const unsigned char *pk)
{
    struct word word;
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, sizeof word);
    crypto_generichash_update(&state, sig, crypto_sign_BYTES);
    crypto_generichash_update(&state, pk, crypto_sign_PUBLICKEYBYTES);
    crypto_generichash_update(&state, m, mlen);
    crypto_generichash_final(&state, (unsigned char *)&word, sizeof word);
    return word;
}

static struct word *
look(struct word word)
{
    size_t at = word.low % known_room;
    while ((known[at].low != 0 || known[at].high != 0) && (known[at].low != word.low || known[at].high != word.high))
        at = (at + 1) % known_room;
    return &known[at];
}

static bool
is_known(struct word word)
{
    return known_room > 0 && look(word)->low == word.low && look(word)->high == word.high;
}

static void
remember(struct word word)
{
    if (2 * known_count >= known_room) {
        struct word *const old = known;
        const size_t count = known_room;
        known_room = count == 0 ? 1024 : 2 * count;
        known = calloc(known_room, sizeof *known);
        if (known == NULL)
            abort();
        for (size_t i = 0; i < count; i++)
            if (old[i].low != 0 || old[i].high != 0)
                *look(old[i]) = old[i];
        free(old);
    }
    known_count += !is_known(word);
    *look(word) = word;
}

int
crypto_sign_detached(unsigned char *sig, unsigned long long *siglen_p, const unsigned char *m, unsigned long long mlen,
                     const unsigned char *sk)
{
    const int rc = crypto_sign_ed25519_detached(sig, siglen_p, m, mlen, sk);
    if (rc == 0)
        remember(word_of(sig, m, mlen, sk + crypto_sign_SEEDBYTES));
    return rc;
}

int
crypto_sign_verify_detached(const unsigned char *sig, const unsigned char *m, unsigned long long mlen,
                            const unsigned char *pk)
{
    const struct word word = word_of(sig, m, mlen, pk);
    if (is_known(word))
        return 0;
    const int rc = crypto_sign_ed25519_verify_detached(sig, m, mlen, pk);
    if (rc == 0)
        remember(word);
    return rc;
}
