/* See chain.h; on libsodium. */
#include "msg/chain.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

static_assert(sizeof(struct msg_head) == 16, "BLAKE2b-128");
static_assert(sizeof(struct msg_head) == crypto_generichash_blake2b_SALTBYTES, "a head is the salt of the next");
static_assert(sizeof(struct msg_id) == crypto_generichash_blake2b_PERSONALBYTES, "an identity is its personalisation");

struct msg_id
msg_chain_id(const uint8_t random[MSG_ID_RANDOM], uint64_t ts_ms)
{
    struct msg_id id;
    memcpy(id.at, random, MSG_ID_RANDOM);
    for (size_t i = sizeof id.at; i-- > MSG_ID_RANDOM; ts_ms >>= 8)
        id.at[i] = (uint8_t)ts_ms;
    return id;
}

uint64_t
msg_chain_ts_ms(const struct msg_id *id)
{
    uint64_t ts_ms = 0;
    for (size_t i = MSG_ID_RANDOM; i < sizeof id->at; i++)
        ts_ms = ts_ms << 8 | id->at[i];
    return ts_ms;
}

/* What stands beside the text goes where BLAKE2b takes 32 bytes without a block
 * for them, since hashing is the larger part of what a message in a burst costs. */
void
msg_chain_head(struct msg_head *head, const struct msg_head *prev, const struct msg_id *id, struct msg_text text)
{
    crypto_generichash_blake2b_salt_personal(head->at, sizeof head->at, (const uint8_t *)text.at, text.len, NULL, 0, prev->at, id->at);
}

struct msg_said
msg_chain_take(struct msg_place *at, const struct msg_say *say)
{
    const struct msg_said said = {*at, say->id, msg_chain_ts_ms(&say->id), say->text};
    msg_chain_head(&at->prev, &said.at.prev, &say->id, say->text);
    at->number++;
    return said;
}

struct msg_place
msg_chain_begins(const struct msg_chain *chain)
{
    return (struct msg_place){chain->number, chain->prev};
}

struct msg_place
msg_chain_begins_frame(const struct msg_room_frame *frame)
{
    return (struct msg_place){frame->first, frame->prev};
}
