/* Keys as types, so that a secret one does not fit where a public one belongs;
 * and the few operations on them.  Pure; randomness is libsodium's, which the
 * simulator seeds. */
#ifndef MSG_KEYS_H
#define MSG_KEYS_H

#include "msg/base.h"
#include "msg/error.h"

struct msg_sign_pub { uint8_t at[32]; };   /* Ed25519 public                  */
struct msg_sign_sec { uint8_t at[64]; };   /* Ed25519 secret (seed + public)  */
struct msg_box_pub { uint8_t at[32]; };    /* X25519 public; also CURVE's     */
struct msg_box_sec { uint8_t at[32]; };    /* X25519 secret; also CURVE's     */
struct msg_sym_key { uint8_t at[32]; };    /* XChaCha20-Poly1305              */
struct msg_sig { uint8_t at[64]; };        /* Ed25519 signature               */
struct msg_nonce { uint8_t at[24]; };      /* XChaCha20, always random        */
struct msg_id { uint8_t at[16]; };         /* identity of a message, random   */
struct msg_head { uint8_t at[16]; };       /* BLAKE2b-128, a link of a chain  */
struct msg_tag { uint8_t at[8]; };         /* names a run of envelopes        */

#define MSG_SEAL_BYTES 16u /* what Poly1305 adds */
#define MSG_LOCK_BYTES (24u + 16u) /* what msg_keys_lock adds: nonce and tag */
#define MSG_BOX_HEX 64u /* a transport key as text, as in ZAP's User-Id */

/* Must be called once before anything else here; safe to call again.
 * CONCLAVE_ERR_SYSTEM when the machine gives no randomness. */
enum conclave_err CONCLAVE_CHECK msg_keys_init(void);

void msg_keys_random(void *at, size_t len);
void msg_keys_random_many(void *at, size_t len); /* no secrets: a seed of the system's, spread; three times as fast from 512 bytes on */
uint64_t msg_keys_random_u64(void);
void msg_keys_new_sign(struct msg_sign_pub *pub, struct msg_sign_sec *sec);
void msg_keys_new_box(struct msg_box_pub *pub, struct msg_box_sec *sec);
void msg_keys_sign_pub_of(struct msg_sign_pub *pub, const struct msg_sign_sec *sec);
void msg_keys_box_pub_of(struct msg_box_pub *pub, const struct msg_box_sec *sec);

/* Overwrites a secret so that the compiler cannot leave it out. */
void msg_keys_wipe(void *at, size_t len);

/* Constant-time comparison of len bytes. */
bool msg_keys_equal(const void *a, const void *b, size_t len);

/* Signs domain + 0x00 + body.  The domain keeps a signature made for one
 * purpose from standing for another. */
void msg_keys_sign(struct msg_sig *sig, const char *domain, struct msg_span body, const struct msg_sign_sec *sec);

/* CONCLAVE_ERR_SIGNATURE when it is not by that key over that domain and body. */
enum conclave_err CONCLAVE_CHECK
msg_keys_verify(const struct msg_sig *sig, const char *domain, struct msg_span body, const struct msg_sign_pub *pub);

/* BLAKE2b of domain + 0x00 + body, out_len 16 to 64 bytes. */
void msg_keys_hash(void *out, size_t out_len, const char *domain, struct msg_span body);

/* Symmetric sealing of a stored value: out gets nonce + box, MSG_LOCK_BYTES
 * longer than body; `about` is authenticated beside it and not stored.
 * CONCLAVE_ERR_SPACE when out is too small. */
enum conclave_err CONCLAVE_CHECK
msg_keys_lock(struct msg_buf *out, struct msg_span body, struct msg_span about, const struct msg_sym_key *key);

/* The reverse; CONCLAVE_ERR_SEAL leaves out as it was. */
enum conclave_err CONCLAVE_CHECK
msg_keys_unlock(struct msg_buf *out, struct msg_span locked, struct msg_span about, const struct msg_sym_key *key);

/* A key from a passphrase: Argon2id, 64 MiB, 3 passes; salt of 16 bytes.
 * CONCLAVE_ERR_SYSTEM when there is not enough memory. */
enum conclave_err CONCLAVE_CHECK
msg_keys_from_passphrase(struct msg_sym_key *key, struct msg_text passphrase, const uint8_t salt[16]);

/* Lower-case hex and back, constant time; hex gets 2 * len + 1 bytes. */
void msg_keys_to_hex(char *hex, const void *at, size_t len);
enum conclave_err CONCLAVE_CHECK msg_keys_from_hex(void *at, size_t len, struct msg_text hex);

/* Base64url without padding, as in the invite link. text needs
 * 4 * ((len + 2) / 3) + 1 bytes. */
void msg_keys_to_base64(char *text, size_t cap, const void *at, size_t len);
enum conclave_err CONCLAVE_CHECK msg_keys_from_base64(void *at, size_t len, struct msg_text text);

/* The version of libsodium that this process runs with. */
const char *msg_keys_library(void);

#endif
