/* Runs of sealed envelopes, on libsodium.
 * Pure but for its randomness; keeps nothing but what the caller holds. */
#include "msg/envelope.h"

#include <assert.h>
#include <sodium.h>

#include "msg/codec.h"

#define KEY_DOMAIN    "conclave run key 1"
#define HEADER_DOMAIN "conclave run header 1"
#define WINDOW        64u  /* counters below the highest that may still arrive */
#define FRAME_BYTES   256u /* more than a RUN frame ever has */

static_assert(sizeof(struct msg_sym_key) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
static_assert(crypto_core_hchacha20_INPUTBYTES == 16 && sizeof(struct msg_nonce) == 16 + 8, "XChaCha20");
static_assert(sizeof(struct msg_sym_key) == crypto_core_hchacha20_OUTPUTBYTES && crypto_aead_chacha20poly1305_ietf_ABYTES == MSG_SEAL_BYTES, "its parts");

static void
put_u64(uint8_t *at, uint64_t value)
{
    for (size_t i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* A frame with everything but its last field, which is a signature: what that
 * signature is over.  A signature is 2 bytes of head and 64 of body; the count
 * of the array, in its first byte, is one less. */
static struct msg_span
without_sig(uint8_t frame[FRAME_BYTES], size_t len)
{
    assert((frame[0] & 0xf0) == 0x90 && frame[len - 66] == 0xc4 && frame[len - 65] == 64);
    frame[0]--;
    return msg_span(frame, len - 66);
}

/* The RUN frame as it travels, and the bytes under its signature. */
static void
run_frame(struct msg_buf *whole, struct msg_buf *under_sig, const struct msg_run_frame *frame)
{
    const enum conclave_err err = msg_codec_encode(whole, MSG_RUN, frame);
    assert(err == CONCLAVE_OK);
    (void)err;
    memcpy(under_sig->at, whole->at, whole->len);
    under_sig->len = without_sig(under_sig->at, whole->len).len;
}

/* The key of a run, from the Diffie-Hellman and everything that names the run
 * and its ends.  SEAL for a DH of zeros, which libsodium refuses: the other
 * side's key is a point of small order. */
static enum conclave_err
derive(struct msg_sym_key *key, const struct msg_box_sec *sec, const struct msg_box_pub *pub,
       const struct msg_run_frame *frame)
{
    uint8_t input[32 + 32 + 32 + 8 + 4 * 8];
    uint8_t *at = input;
    if (crypto_scalarmult(at, sec->at, pub->at) != 0) {
        sodium_memzero(input, sizeof input);
        return CONCLAVE_ERR_SEAL;
    }
    at += 32;
    memcpy(at, frame->ephemeral.at, 32);
    at += 32;
    memcpy(at, frame->mail.at, 32);
    at += 32;
    memcpy(at, frame->run.at, 8);
    at += 8;
    put_u64(at, frame->from_account);
    put_u64(at + 8, frame->from_device);
    put_u64(at + 16, frame->to_account);
    put_u64(at + 24, frame->to_device);
    msg_keys_hash(key->at, sizeof key->at, KEY_DOMAIN, msg_span(input, sizeof input));
    sodium_memzero(input, sizeof input);
    return CONCLAVE_OK;
}

enum conclave_err
msg_run_start(struct msg_run *run, struct msg_buf *out, uint64_t from_account, uint64_t from_device,
              const struct msg_sign_sec *from_sign, const struct msg_cert *to, uint64_t mono_ms)
{
    struct msg_tag tag;

    msg_keys_random(&tag, sizeof tag);
    return msg_run_start_as(run, out, &tag, from_account, from_device, from_sign, to, mono_ms);
}

enum conclave_err
msg_run_start_as(struct msg_run *run, struct msg_buf *out, const struct msg_tag *tag, uint64_t from_account,
                 uint64_t from_device, const struct msg_sign_sec *from_sign, const struct msg_cert *to,
                 uint64_t mono_ms)
{
    uint8_t whole_at[FRAME_BYTES];
    uint8_t under_at[FRAME_BYTES];
    struct msg_buf whole = {whole_at, 0, sizeof whole_at};
    struct msg_buf under = {under_at, 0, sizeof under_at};
    struct msg_box_sec sec;
    struct msg_run_frame frame = {
        .run = *tag,
        .from_account = from_account,
        .from_device = from_device,
        .to_account = to->account,
        .to_device = to->device,
        .mail = to->mail,
    };
    msg_run_wipe(run);
    msg_keys_new_box(&frame.ephemeral, &sec);
    enum conclave_err err = derive(&run->key, &sec, &to->mail, &frame);
    msg_keys_wipe(&sec, sizeof sec); /* gone with it: what was sealed stays sealed */
    if (err != CONCLAVE_OK)
        return err;

    run_frame(&whole, &under, &frame);
    msg_keys_sign(&frame.sig, MSG_RUN_DOMAIN, msg_span_of_buf(&under), from_sign);
    whole.len = 0;
    run_frame(&whole, &under, &frame);
    if (whole.len > out->cap - out->len) {
        msg_run_wipe(run);
        return CONCLAVE_ERR_SPACE;
    }
    memcpy(out->at + out->len, whole.at, whole.len);
    out->len += whole.len;

    msg_keys_hash(run->about.at, sizeof run->about.at, HEADER_DOMAIN, msg_span_of_buf(&whole));
    run->tag = frame.run;
    run->started_ms = mono_ms;
    run->open = true;
    return CONCLAVE_OK;
}

bool
msg_run_spent(const struct msg_run *run, uint64_t mono_ms)
{
    return !run->open || run->counter >= MSG_RUN_COUNT || mono_ms - run->started_ms >= MSG_RUN_MS;
}

enum conclave_err
msg_run_accept(struct msg_run *run, const struct msg_run_frame *frame, const struct msg_cert *from,
               uint64_t account, uint64_t device, const struct msg_box_pub *mail,
               const struct msg_box_sec *mail_sec, uint64_t mono_ms)
{
    uint8_t whole_at[FRAME_BYTES];
    uint8_t under_at[FRAME_BYTES];
    struct msg_buf whole = {whole_at, 0, sizeof whole_at};
    struct msg_buf under = {under_at, 0, sizeof under_at};
    msg_run_wipe(run);
    /* One value has one form, so the frame comes back byte by byte as it came. */
    run_frame(&whole, &under, frame);
    if (frame->from_account != from->account || frame->from_device != from->device)
        return CONCLAVE_ERR_SIGNATURE;
    enum conclave_err err =
        msg_keys_verify(&frame->sig, MSG_RUN_DOMAIN, msg_span_of_buf(&under), &from->sign);
    if (err != CONCLAVE_OK)
        return err;
    if (frame->to_account != account || frame->to_device != device)
        return CONCLAVE_ERR_UNKNOWN_KEY;
    if (!msg_keys_equal(frame->mail.at, mail->at, sizeof mail->at))
        return CONCLAVE_ERR_UNKNOWN_KEY;
    err = derive(&run->key, mail_sec, &frame->ephemeral, frame);
    if (err != CONCLAVE_OK)
        return err;
    msg_keys_hash(run->about.at, sizeof run->about.at, HEADER_DOMAIN, msg_span_of_buf(&whole));
    run->tag = frame->run;
    run->started_ms = mono_ms;
    run->open = true;
    return CONCLAVE_OK;
}

/* Associated data of one envelope: the run's header and the counter. */
struct aad {
    uint8_t at[sizeof(struct msg_head) + 8];
};

static struct aad
aad_of(const struct msg_run *run, uint64_t counter)
{
    struct aad aad;
    memcpy(aad.at, run->about.at, sizeof run->about.at);
    put_u64(aad.at + sizeof run->about.at, counter);
    return aad;
}

/* XChaCha20 makes a subkey of its key and of the first 16 bytes of the nonce,
 * and is the IETF cipher under that with the other 8.  Envelopes whose nonces
 * begin alike share the work. */
static struct msg_sym_key
subkey_of(const struct msg_run *run, const struct msg_nonce *nonce)
{
    struct msg_sym_key subkey = run->subkey;
    if (!run->prefixed || memcmp(&run->nonce, nonce, crypto_core_hchacha20_INPUTBYTES) != 0)
        crypto_core_hchacha20(subkey.at, nonce->at, run->key.at, NULL);
    return subkey;
}

static void
keep_subkey(struct msg_run *run, const struct msg_nonce *nonce, const struct msg_sym_key *subkey)
{
    run->nonce = *nonce;
    run->subkey = *subkey;
    run->prefixed = true;
}

struct ietf_nonce {
    uint8_t at[crypto_aead_chacha20poly1305_ietf_NPUBBYTES];
};

static struct ietf_nonce
ietf_of(const struct msg_nonce *nonce)
{
    struct ietf_nonce ietf = {{0}};
    memcpy(ietf.at + 4, nonce->at + crypto_core_hchacha20_INPUTBYTES, 8);
    return ietf;
}

/* All of it is random, and drawn many at a time: asking the kernel for one
 * takes as long as sealing a short batch. */
static struct msg_nonce
next_nonce(struct msg_run *run)
{
    struct msg_nonce nonce = run->nonce;
    if (run->tails_left == 0) {
        msg_keys_random(&nonce, sizeof nonce);
        msg_keys_random(run->tails, sizeof run->tails);
        run->tails_left = MSG_RUN_NONCES;
    }
    memcpy(nonce.at + crypto_core_hchacha20_INPUTBYTES, &run->tails[--run->tails_left], sizeof run->tails[0]);
    return nonce;
}

enum conclave_err
msg_envelope_seal(struct msg_run *run, struct msg_buf *out, struct msg_span batch)
{
    static const uint8_t room[MSG_BATCH_MAX + MSG_SEAL_BYTES];
    assert(run->open);
    if (batch.len == 0 || batch.len > MSG_BATCH_MAX || run->counter >= MSG_RUN_COUNT)
        return CONCLAVE_ERR_RANGE;
    struct msg_sealed frame = {
        .run = run->tag,
        .counter = run->counter,
        .nonce = next_nonce(run),
        .box = {room, batch.len + MSG_SEAL_BYTES},
    };
    const struct aad aad = aad_of(run, run->counter);
    const enum conclave_err err = msg_codec_encode(out, MSG_SEALED, &frame);
    if (err != CONCLAVE_OK)
        return err;
    /* The box is the frame's last field: it is sealed where it stands. */
    const struct ietf_nonce ietf = ietf_of(&frame.nonce);
    struct msg_sym_key subkey = subkey_of(run, &frame.nonce);
    crypto_aead_chacha20poly1305_ietf_encrypt(out->at + out->len - frame.box.len, NULL, batch.at, batch.len, aad.at, sizeof aad.at, NULL,
                                              ietf.at, subkey.at);
    keep_subkey(run, &frame.nonce, &subkey);
    msg_keys_wipe(&subkey, sizeof subkey);
    run->counter++;
    return CONCLAVE_OK;
}

/* RFC 6479 in one word: bit i stands for the i-th counter below the highest. */
static bool
is_replay(const struct msg_run *run, uint64_t counter)
{
    if (counter >= run->counter)
        return false;
    const uint64_t below = run->counter - 1 - counter;
    return below >= WINDOW || (run->seen >> below & 1) != 0;
}

static void
mark_seen(struct msg_run *run, uint64_t counter)
{
    if (counter >= run->counter) {
        const uint64_t by = counter + 1 - run->counter;
        run->seen = by >= WINDOW ? 1 : run->seen << by | 1;
        run->counter = counter + 1;
    } else {
        run->seen |= 1ull << (run->counter - 1 - counter);
    }
}

enum conclave_err
msg_envelope_open(struct msg_run *run, struct msg_buf *out, const struct msg_sealed *frame)
{
    if (!run->open || frame->counter >= MSG_RUN_COUNT || frame->box.len <= MSG_SEAL_BYTES ||
        !msg_keys_equal(frame->run.at, run->tag.at, sizeof run->tag.at))
        return CONCLAVE_ERR_SEAL;
    if (is_replay(run, frame->counter))
        return CONCLAVE_ERR_REPLAY;
    const size_t len = frame->box.len - MSG_SEAL_BYTES;
    if (len > out->cap - out->len)
        return CONCLAVE_ERR_SPACE;
    const struct aad aad = aad_of(run, frame->counter);
    const struct ietf_nonce ietf = ietf_of(&frame->nonce);
    struct msg_sym_key subkey = subkey_of(run, &frame->nonce);
    const int rc = crypto_aead_chacha20poly1305_ietf_decrypt(out->at + out->len, NULL, NULL, frame->box.at, frame->box.len, aad.at, sizeof aad.at,
                                                             ietf.at, subkey.at);
    if (rc == 0) {
        keep_subkey(run, &frame->nonce, &subkey);
        mark_seen(run, frame->counter);
        out->len += len;
    }
    msg_keys_wipe(&subkey, sizeof subkey);
    return rc == 0 ? CONCLAVE_OK : CONCLAVE_ERR_SEAL;
}

void
msg_run_wipe(struct msg_run *run)
{
    msg_keys_wipe(run, sizeof *run);
}
