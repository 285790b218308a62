/* Sender keys and the frames under them, on libsodium.  Pure but for its
 * randomness; keeps nothing but what the caller holds. */
#include "msg/roomkey.h"

#include <assert.h>
#include <sodium.h>

#include "msg/codec.h"
#include "msg/room.h"

#define SEAL_DOMAIN  "conclave room seal 1"
#define STEP_DOMAIN  "conclave room step 1"
#define ABOUT_DOMAIN "conclave room about 1"
#define HEADER_BYTES 512u /* more than the header of a frame ever has */
#define TAIL_FIELDS  3u   /* sig, nonce and box are not in it */

static_assert(sizeof(struct msg_sym_key) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");

void
msg_roomkey_new(struct msg_roomkey *key)
{
    msg_keys_random(key->tag.at, sizeof key->tag.at);
    msg_keys_random(key->chain.at, sizeof key->chain.at);
    key->counter = 0;
}

static void
derive(struct msg_sym_key *out, const char *domain, const struct msg_sym_key *chain)
{
    msg_keys_hash(out->at, sizeof out->at, domain, msg_span(chain->at, sizeof chain->at));
}

enum conclave_err
msg_roomkey_advance(struct msg_roomkey *key, uint64_t counter)
{
    if (counter < key->counter || counter - key->counter > MSG_ROOMKEY_FRAMES)
        return CONCLAVE_ERR_RANGE;
    for (; key->counter < counter; key->counter++)
        derive(&key->chain, STEP_DOMAIN, &key->chain);
    return CONCLAVE_OK;
}

/* The header: the fields from room to counter as a frame of these alone.  It is
 * the frame's beginning but for the count in its array head (dc, 2 bytes). */
static struct msg_span
header_of(uint8_t at[HEADER_BYTES], const struct msg_room_frame *frame)
{
    static const uint8_t least[MSG_SEAL_BYTES + 1];
    struct msg_room_frame bare = *frame;
    struct msg_buf out = {at, 0, HEADER_BYTES};
    bare.box = msg_span(least, sizeof least);
    const enum conclave_err err = msg_codec_encode(&out, MSG_ROOM_FRAME, &bare);
    assert(err == CONCLAVE_OK && at[0] == 0xdc && at[1] == 0);
    (void)err;
    at[2] = (uint8_t)(at[2] - TAIL_FIELDS);
    return msg_span(at, out.len - (2 + sizeof bare.sig) - (2 + sizeof bare.nonce) - (2 + sizeof least));
}

static void
about(uint8_t out[32], struct msg_span header)
{
    msg_keys_hash(out, 32, ABOUT_DOMAIN, header);
}

enum conclave_err
msg_roomkey_seal(struct msg_roomkey *key, struct msg_buf *out, struct msg_room_frame *frame,
                 struct msg_span batch, const struct msg_sign_sec *device)
{
    static const uint8_t room[MSG_BATCH_MAX + MSG_SEAL_BYTES];
    uint8_t header_at[HEADER_BYTES], about_at[32];
    struct msg_sym_key seal;
    if (batch.len == 0 || batch.len > MSG_BATCH_MAX)
        return CONCLAVE_ERR_RANGE;
    frame->key = key->tag;
    frame->counter = key->counter;
    const struct msg_span header = header_of(header_at, frame);
    about(about_at, header);
    msg_keys_sign(&frame->sig, MSG_ROOM_FRAME_DOMAIN, header, device);
    msg_keys_random(frame->nonce.at, sizeof frame->nonce.at);
    frame->box = msg_span(room, batch.len + MSG_SEAL_BYTES);
    const enum conclave_err err = msg_codec_encode(out, MSG_ROOM_FRAME, frame);
    if (err != CONCLAVE_OK)
        return err;
    /* The box is the frame's last field: it is sealed where it stands. */
    uint8_t *const box = out->at + out->len - frame->box.len;
    derive(&seal, SEAL_DOMAIN, &key->chain);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box, NULL, batch.at, batch.len, about_at, sizeof about_at, NULL,
                                               frame->nonce.at, seal.at);
    msg_keys_wipe(&seal, sizeof seal);
    frame->box.at = box;
    derive(&key->chain, STEP_DOMAIN, &key->chain);
    key->counter++;
    return CONCLAVE_OK;
}

enum conclave_err
msg_roomkey_check(const struct msg_room_frame *frame, const struct msg_sign_pub *device)
{
    uint8_t at[HEADER_BYTES];
    return msg_keys_verify(&frame->sig, MSG_ROOM_FRAME_DOMAIN, header_of(at, frame), device);
}

bool
msg_roomkey_vouches(const struct msg_room_frame *next, const struct msg_room_frame *frame)
{
    return frame->account == next->account && frame->device == next->device && frame->incarnation == next->incarnation
           && frame->salt == next->salt && frame->from_incarnation == next->from_incarnation && frame->from_number == next->from_number
           && frame->epoch == next->epoch && frame->counter + 1 == next->counter && frame->first + frame->count == next->first
           && memcmp(&frame->room, &next->room, sizeof frame->room) == 0
           && memcmp(&frame->epoch_head, &next->epoch_head, sizeof frame->epoch_head) == 0
           && memcmp(&frame->key, &next->key, sizeof frame->key) == 0
           && memcmp(&frame->head, &next->prev, sizeof frame->head) == 0;
}

void
msg_roomkey_about(uint8_t at[32], const struct msg_room_frame *frame)
{
    uint8_t header[HEADER_BYTES];
    about(at, header_of(header, frame));
}

enum conclave_err
msg_roomkey_open(struct msg_roomkey *key, struct msg_buf *out, const struct msg_room_frame *frame)
{
    uint8_t header_at[HEADER_BYTES], about_at[32];
    struct msg_sym_key seal;
    struct msg_roomkey ahead = *key;
    if (frame->box.len <= MSG_SEAL_BYTES || memcmp(&frame->key, &key->tag, sizeof key->tag) != 0)
        return CONCLAVE_ERR_SEAL;
    const size_t len = frame->box.len - MSG_SEAL_BYTES;
    if (len > out->cap - out->len)
        return CONCLAVE_ERR_SPACE;
    enum conclave_err err = msg_roomkey_advance(&ahead, frame->counter);
    if (err == CONCLAVE_OK) {
        about(about_at, header_of(header_at, frame));
        derive(&seal, SEAL_DOMAIN, &ahead.chain);
        if (crypto_aead_xchacha20poly1305_ietf_decrypt(out->at + out->len, NULL, NULL, frame->box.at, frame->box.len,
                                                       about_at, sizeof about_at, frame->nonce.at, seal.at) != 0)
            err = CONCLAVE_ERR_SEAL;
    }
    if (err == CONCLAVE_OK) {
        out->len += len;
        derive(&key->chain, STEP_DOMAIN, &ahead.chain);
        key->counter = ahead.counter + 1;
    }
    msg_keys_wipe(&seal, sizeof seal);
    msg_roomkey_wipe(&ahead);
    return err;
}

void
msg_roomkey_wipe(struct msg_roomkey *key)
{
    msg_keys_wipe(key, sizeof *key);
}
