/* Names of people, invite links and endpoints: what is well formed, and which
 * names count as the same.  Pure. */
#ifndef MSG_NAME_H
#define MSG_NAME_H

#include "msg/base.h"
#include "msg/error.h"
#include "msg/keys.h"

#define MSG_FOLD_MAX 256u /* bytes of a folded name */

/* A name brought to the form in which it is shown (NFC), and folded to the
 * form in which names are compared: NFKC, case folded, and letters of other
 * scripts that look like Latin ones mapped to these (so that a Cyrillic
 * "асе" cannot stand beside a Latin "ace").  ASCII takes a fast path. */
struct msg_name {
    char shown[MSG_NAME_MAX + 1];
    char folded[MSG_FOLD_MAX + 1];
    size_t folded_len;
};

/* CONCLAVE_ERR_BAD_NAME: not 1 to 32 letters and digits of one script with
 * . _ - between them (never first or last, never two in a row), not UTF-8, or
 * with control or bidi characters.  */
enum conclave_err CONCLAVE_CHECK msg_name_parse(struct msg_name *name, struct msg_text text);

/* The name of a room: # and what a person's name may be, to 64 characters. */
#define MSG_ROOM_FOLD_MAX 512u
struct msg_room_name {
    char shown[MSG_ROOM_NAME_MAX + 1];   /* with # */
    char folded[MSG_ROOM_FOLD_MAX + 1];  /* with # */
    size_t folded_len;                   /* of it, # included */
};

/* BAD_NAME, as msg_name_parse says, or without a # before it. */
enum conclave_err CONCLAVE_CHECK msg_room_name_parse(struct msg_room_name *name, struct msg_text text);

/* conclave://HOST:PORT/#KEY; KEY is base64url of the door's CURVE key and 16
 * bytes of the hash of the registry's signing key. */
struct msg_link {
    char host[MSG_HOST_MAX + 1]; /* without the brackets of IPv6 */
    uint16_t port;
    struct msg_box_pub door;
    uint8_t signer[16]; /* msg_keys_hash(16, "conclave signer 1", signing key) */
};

enum conclave_err CONCLAVE_CHECK msg_link_parse(struct msg_link *link, struct msg_text text);
void msg_link_print(char *text, size_t cap, const struct msg_link *link); /* cap >= MSG_LINK_MAX + 1 */
void msg_link_signer(uint8_t out[16], const struct msg_sign_pub *signer);

/* HOST:PORT or [ADDRESS]:PORT.  Port 0 is allowed: the caller decides.
 * CONCLAVE_ERR_BAD_ARGUMENTS when it is neither, or the host has characters
 * that no host has. */
enum conclave_err CONCLAVE_CHECK
msg_endpoint_parse(char host[MSG_HOST_MAX + 1], uint16_t *port, struct msg_text text);

/* The reverse: brackets where the host is an IPv6 address. */
void msg_endpoint_print(char *text, size_t cap, const char *host, uint16_t port); /* cap >= MSG_ENDPOINT_MAX + 1 */

/* True for text that is UTF-8 without NUL. */
bool msg_text_valid(struct msg_text text);

#endif
