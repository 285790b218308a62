/* Keys, signatures and hashes on libsodium.  Pure but for its randomness. */
#include "msg/keys.h"

#include <assert.h>
#include <sodium.h>

#define DOMAIN_MAX 64u /* bytes; every domain is a constant of ours */

static_assert(sizeof(struct msg_sign_pub) == crypto_sign_PUBLICKEYBYTES, "Ed25519 public key");
static_assert(sizeof(struct msg_sign_sec) == crypto_sign_SECRETKEYBYTES, "Ed25519 secret key");
static_assert(sizeof(struct msg_box_pub) == crypto_scalarmult_BYTES, "X25519 public key");
static_assert(sizeof(struct msg_box_sec) == crypto_scalarmult_SCALARBYTES, "X25519 secret key");
static_assert(sizeof(struct msg_sig) == crypto_sign_BYTES, "Ed25519 signature");
static_assert(sizeof(struct msg_nonce) == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
static_assert(sizeof(struct msg_sym_key) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
static_assert(MSG_SEAL_BYTES == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");
static_assert(MSG_LOCK_BYTES == sizeof(struct msg_nonce) + MSG_SEAL_BYTES, "nonce and tag");

enum conclave_err
msg_keys_init(void)
{
    return sodium_init() < 0 ? CONCLAVE_ERR_SYSTEM : CONCLAVE_OK;
}

void
msg_keys_random(void *at, size_t len)
{
    randombytes_buf(at, len);
}

void
msg_keys_random_many(void *at, size_t len)
{
    uint8_t seed[randombytes_SEEDBYTES];
    randombytes_buf(seed, sizeof seed);
    randombytes_buf_deterministic(at, len, seed);
    sodium_memzero(seed, sizeof seed);
}

uint64_t
msg_keys_random_u64(void)
{
    uint64_t value;
    randombytes_buf(&value, sizeof value);
    return value;
}

void
msg_keys_new_sign(struct msg_sign_pub *pub, struct msg_sign_sec *sec)
{
    const int failed = crypto_sign_keypair(pub->at, sec->at);
    assert(failed == 0);
    (void)failed;
}

void
msg_keys_new_box(struct msg_box_pub *pub, struct msg_box_sec *sec)
{
    randombytes_buf(sec->at, sizeof sec->at);
    msg_keys_box_pub_of(pub, sec);
}

void
msg_keys_sign_pub_of(struct msg_sign_pub *pub, const struct msg_sign_sec *sec)
{
    const int failed = crypto_sign_ed25519_sk_to_pk(pub->at, sec->at);
    assert(failed == 0);
    (void)failed;
}

void
msg_keys_box_pub_of(struct msg_box_pub *pub, const struct msg_box_sec *sec)
{
    const int failed = crypto_scalarmult_base(pub->at, sec->at);
    assert(failed == 0);
    (void)failed;
}

void
msg_keys_wipe(void *at, size_t len)
{
    sodium_memzero(at, len);
}

bool
msg_keys_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

/* What is signed, as one piece: libsodium signs no other.  false: too long. */
static bool
join(uint8_t *to, size_t cap, size_t *len, const char *domain, struct msg_span body)
{
    const size_t head = strlen(domain) + 1;
    assert(head <= DOMAIN_MAX);
    if (body.len > cap - head)
        return false;
    memcpy(to, domain, head);
    if (body.len > 0)
        memcpy(to + head, body.at, body.len);
    *len = head + body.len;
    return true;
}

void
msg_keys_sign(struct msg_sig *sig, const char *domain, struct msg_span body,
              const struct msg_sign_sec *sec)
{
    uint8_t whole[MSG_SOCKET_MAX + DOMAIN_MAX];
    size_t len = 0;
    const bool fits = join(whole, sizeof whole, &len, domain, body);
    assert(fits);
    (void)fits;
    crypto_sign_detached(sig->at, NULL, whole, len, sec->at);
}

enum conclave_err
msg_keys_verify(const struct msg_sig *sig, const char *domain, struct msg_span body,
                const struct msg_sign_pub *pub)
{
    uint8_t whole[MSG_SOCKET_MAX + DOMAIN_MAX];
    size_t len;
    if (!join(whole, sizeof whole, &len, domain, body))
        return CONCLAVE_ERR_SIGNATURE;
    if (crypto_sign_verify_detached(sig->at, whole, len, pub->at) != 0)
        return CONCLAVE_ERR_SIGNATURE;
    return CONCLAVE_OK;
}

void
msg_keys_hash(void *out, size_t out_len, const char *domain, struct msg_span body)
{
    crypto_generichash_state state;
    assert(out_len >= crypto_generichash_BYTES_MIN && out_len <= crypto_generichash_BYTES_MAX);
    crypto_generichash_init(&state, NULL, 0, out_len);
    crypto_generichash_update(&state, (const uint8_t *)domain, strlen(domain) + 1);
    crypto_generichash_update(&state, body.at, body.len);
    crypto_generichash_final(&state, out, out_len);
    sodium_memzero(&state, sizeof state); /* what is hashed may be secret */
}

enum conclave_err
msg_keys_lock(struct msg_buf *out, struct msg_span body, struct msg_span about,
              const struct msg_sym_key *key)
{
    const size_t room = out->cap - out->len;
    if (room < MSG_LOCK_BYTES || body.len > room - MSG_LOCK_BYTES)
        return CONCLAVE_ERR_SPACE;
    uint8_t *const nonce = out->at + out->len;
    randombytes_buf(nonce, sizeof(struct msg_nonce));
    crypto_aead_xchacha20poly1305_ietf_encrypt(nonce + sizeof(struct msg_nonce), NULL, body.at,
                                               body.len, about.at, about.len, NULL, nonce, key->at);
    out->len += MSG_LOCK_BYTES + body.len;
    return CONCLAVE_OK;
}

enum conclave_err
msg_keys_unlock(struct msg_buf *out, struct msg_span locked, struct msg_span about,
                const struct msg_sym_key *key)
{
    if (locked.len < MSG_LOCK_BYTES)
        return CONCLAVE_ERR_SEAL;
    const size_t len = locked.len - MSG_LOCK_BYTES;
    if (len > out->cap - out->len)
        return CONCLAVE_ERR_SPACE;
    /* An empty plaintext has nowhere to go when out has no room at all. */
    uint8_t nothing[1];
    uint8_t *const to = len > 0 ? out->at + out->len : nothing;
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            to, NULL, NULL, locked.at + sizeof(struct msg_nonce),
            locked.len - sizeof(struct msg_nonce), about.at, about.len, locked.at, key->at) != 0)
        return CONCLAVE_ERR_SEAL;
    out->len += len;
    return CONCLAVE_OK;
}

enum conclave_err
msg_keys_from_passphrase(struct msg_sym_key *key, struct msg_text passphrase,
                         const uint8_t salt[16])
{
    static_assert(crypto_pwhash_SALTBYTES == 16, "Argon2id salt");
    memset(key, 0, sizeof *key);
    if (crypto_pwhash(key->at, sizeof key->at, passphrase.at != NULL ? passphrase.at : "",
                      passphrase.len, salt, 3, 64u << 20, crypto_pwhash_ALG_ARGON2ID13) != 0)
        return CONCLAVE_ERR_SYSTEM;
    return CONCLAVE_OK;
}

void
msg_keys_to_hex(char *hex, const void *at, size_t len)
{
    sodium_bin2hex(hex, 2 * len + 1, at, len);
}

enum conclave_err
msg_keys_from_hex(void *at, size_t len, struct msg_text hex)
{
    size_t got = 0;
    memset(at, 0, len);
    if (hex.len != 2 * len)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    /* libsodium also takes capitals; one value has one form here. */
    for (size_t i = 0; i < hex.len; i++) {
        if (hex.at[i] >= 'A' && hex.at[i] <= 'F')
            return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    if (len > 0 &&
        (sodium_hex2bin(at, len, hex.at, hex.len, NULL, &got, NULL) != 0 || got != len)) {
        memset(at, 0, len);
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    return CONCLAVE_OK;
}

void
msg_keys_to_base64(char *text, size_t cap, const void *at, size_t len)
{
    sodium_bin2base64(text, cap, at, len, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

enum conclave_err
msg_keys_from_base64(void *at, size_t len, struct msg_text text)
{
    size_t got = 0;
    const char *end = NULL;
    memset(at, 0, len);
    if (text.len == 0)
        return len == 0 ? CONCLAVE_OK : CONCLAVE_ERR_BAD_ARGUMENTS;
    if (sodium_base642bin(at, len, text.at, text.len, NULL, &got, &end,
                          sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0 ||
        got != len || end != text.at + text.len) {
        memset(at, 0, len);
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    return CONCLAVE_OK;
}

const char *
msg_keys_library(void)
{
    return sodium_version_string();
}
