/* See chain.h; on libsodium. */
#include "msg/chain.h"

#include <assert.h>
#include <sodium.h>

static_assert(sizeof(struct msg_head) == 16, "BLAKE2b-128");
static_assert(sizeof(struct msg_head) == crypto_generichash_blake2b_SALTBYTES, "a head is the salt of the next");
static_assert(crypto_generichash_blake2b_PERSONALBYTES == 16, "two numbers");

static void
put_u64(uint8_t *at, uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (56 - 8 * i));
}

void
msg_chain_next_id(struct msg_id *id)
{
    for (size_t i = sizeof id->at; i-- > 0 && ++id->at[i] == 0;)
        ;
}

/* What stands beside the text goes where BLAKE2b takes 32 bytes without a block
 * for them, since hashing is the larger part of what a message in a burst costs.
 * Numbers begin at 1, so the personalisation keeps these hashes apart from all
 * others, which have none. */
void
msg_chain_head(struct msg_head *head, const struct msg_head *prev, uint64_t number, uint64_t ts_ms, struct msg_text text)
{
    uint8_t place[crypto_generichash_blake2b_PERSONALBYTES];
    put_u64(place, number);
    put_u64(place + 8, ts_ms);
    crypto_generichash_blake2b_salt_personal(head->at, sizeof head->at, (const uint8_t *)text.at, text.len, NULL, 0, prev->at, place);
}

struct msg_said
msg_chain_take(struct msg_place *at, const struct msg_say *say)
{
    const struct msg_said said = {*at, say->ts_ms, say->text};
    msg_chain_head(&at->prev, &said.at.prev, said.at.number, say->ts_ms, say->text);
    msg_chain_next_id(&at->id);
    at->number++;
    return said;
}

struct msg_place
msg_chain_begins(const struct msg_chain *chain)
{
    return (struct msg_place){chain->id, chain->number, chain->prev};
}

struct msg_place
msg_chain_begins_frame(const struct msg_room_frame *frame)
{
    return (struct msg_place){frame->id, frame->first, frame->prev};
}
