/* Direct envelopes: batches of messages sealed by one device for one device,
 * before they take a route.  A run starts with an ephemeral key, signed by the
 * sender's device together with who it is for; its envelopes are
 * XChaCha20-Poly1305 under a key derived from the ephemeral-to-mail-key
 * Diffie-Hellman, so that a burst pays for one DH and one signature.  Pure. */
#ifndef MSG_ENVELOPE_H
#define MSG_ENVELOPE_H

#include "msg/catalog.h"
#include "msg/cert.h"
#include "msg/error.h"

#define MSG_RUN_COUNT 65536u               /* envelopes in one run */
#define MSG_RUN_MS (3600ull * 1000)        /* age of one run */
#define MSG_RUN_DOMAIN "conclave run 1"
#define MSG_RUN_NONCES 32u                  /* of one prefix */

/* One run, seen from either end; lives in memory only. */
struct msg_run {
    struct msg_tag tag;
    struct msg_sym_key key;
    struct msg_head about;      /* hash of the run's header: associated data of its envelopes */
    uint64_t counter;           /* sender: the next; receiver: highest seen + 1 */
    uint64_t seen;              /* receiver: window of 64 below counter */
    uint64_t started_ms;        /* monotonic */
    struct msg_nonce nonce;     /* whose first 16 bytes make `subkey` of key; sender: the last one drawn */
    struct msg_sym_key subkey;
    uint64_t tails[MSG_RUN_NONCES]; /* sender: the last 8 bytes of nonces to come, random, drawn in advance */
    uint32_t tails_left;
    bool prefixed;              /* nonce and subkey are set */
    bool open;
};

/* Starts a run: fills *run and appends the RUN frame to out. */
enum conclave_err CONCLAVE_CHECK
msg_run_start(struct msg_run *run, struct msg_buf *out, uint64_t from_account, uint64_t from_device,
              const struct msg_sign_sec *from_sign, const struct msg_cert *to, uint64_t mono_ms);

/* The same, with a tag that the caller chose: nobody else can foresee it. */
enum conclave_err CONCLAVE_CHECK
msg_run_start_as(struct msg_run *run, struct msg_buf *out, const struct msg_tag *tag, uint64_t from_account,
                 uint64_t from_device, const struct msg_sign_sec *from_sign, const struct msg_cert *to,
                 uint64_t mono_ms);

/* True when another run is due: never started, too old, or used up. */
bool msg_run_spent(const struct msg_run *run, uint64_t mono_ms);

/* Receives a RUN: checks the signature by the sender's certified device, that
 * it is for (account, device), and that it is sealed to mail, whose secret is
 * mail_sec.  The caller looks the mail key up first: an id it does not have is
 * answered with RESEAL.  SIGNATURE, UNKNOWN_KEY, SEAL. */
enum conclave_err CONCLAVE_CHECK
msg_run_accept(struct msg_run *run, const struct msg_run_frame *frame, const struct msg_cert *from,
               uint64_t account, uint64_t device, const struct msg_box_pub *mail,
               const struct msg_box_sec *mail_sec, uint64_t mono_ms);

/* Seals one batch (frames of CHAIN, SAY, RECEIPT one after the other, at most
 * MSG_BATCH_MAX bytes) and appends the SEALED frame to out. */
enum conclave_err CONCLAVE_CHECK
msg_envelope_seal(struct msg_run *run, struct msg_buf *out, struct msg_span batch);

/* Opens one envelope: appends the batch to out.  REPLAY for a counter that was
 * seen or fell out of the window, SEAL for a box that does not open; both leave
 * run and out as they were.  The caller finds the run by the frame's tag. */
enum conclave_err CONCLAVE_CHECK
msg_envelope_open(struct msg_run *run, struct msg_buf *out, const struct msg_sealed *frame);

void msg_run_wipe(struct msg_run *run);

#endif
