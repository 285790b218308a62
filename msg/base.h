/* The vocabulary under everything: borrowed bytes, text, lists, and every
 * limit of the protocol in one place.  Included by all, includes nobody. */
#ifndef MSG_BASE_H
#define MSG_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define CONCLAVE_CHECK __attribute__((warn_unused_result))

/* ---- limits of the wire: bytes unless the name says otherwise ---- */
#define MSG_VERSION 1u          /* first element of every frame             */
#define MSG_FRAME_MAX 65000u    /* one ZeroMQ message, before CURVE adds 33 */
#define MSG_SOCKET_MAX 65536    /* ZMQ_MAXMSGSIZE on every control socket   */
#define MSG_KNOCK_MAX 4000u     /* one frame to the door                    */
#define MSG_DOOR_SOCKET_MAX 4096 /* ZMQ_MAXMSGSIZE at the door              */
#define MSG_BATCH_MAX 61440u    /* plaintext of one sealed envelope         */
#define MSG_BATCH_COUNT 256u    /* messages in one sealed envelope          */
#define MSG_ROOM_SMALL 32u      /* members: receipts and presence up to here  */
#define MSG_TICK_COUNT 32u      /* messages in one tell of their ticks      */
#define MSG_TEXT_MAX 49152u     /* the text of one chat message             */
#define MSG_NAME_MAX 128u       /* an account name: 32 characters of UTF-8  */
#define MSG_ROOM_NAME_MAX 257u   /* a room name: # and 64 characters          */
#define MSG_ROOM_NAME_CHARS 64u  /* characters in a room name, without its #  */
#define MSG_TOPIC_MAX 1024u      /* the topic of a room                       */
#define MSG_ROOM_OP_MAX 2048u    /* a signed operation on a room              */
#define MSG_ROOM_SEEN_MAX 1024u  /* entries: what an operation has seen is one of the last so many */
#define MSG_MARK_COUNT 256u      /* marks in one READ, WANT or RECEIPT        */
#define MSG_ROUTE_COUNT 128u     /* devices that a session has routes for, in one room */
#define MSG_NAME_CHARS 32u      /* characters in an account name            */
#define MSG_PASSWORD_MAX 512u   /* a password                               */
#define MSG_PASSWORD_MIN 8u     /* a password, before the quality check     */
#define MSG_HOST_MAX 253u       /* a host name or address                   */
#define MSG_ENDPOINT_MAX 264u   /* HOST:PORT or [ADDRESS]:PORT              */
#define MSG_ENDPOINT_COUNT 8u   /* candidates of one device                 */
#define MSG_CERT_MAX 640u       /* a signed certificate                     */
#define MSG_HASH_TEXT_MAX 128u  /* crypto_pwhash_str, without its NUL       */
#define MSG_DEVICE_COUNT 32u    /* devices of one account in one answer     */
#define MSG_LIST_PAGE 100u      /* users in one answer to LIST              */
#define MSG_WATCH_PAGE 100u     /* names in one WATCH                       */
#define MSG_REASON_MAX 512u     /* the sentence of an ERROR                 */
#define MSG_NOTICE_MAX 1024u    /* a notice, with the names that are in it  */
#define MSG_LINK_MAX 400u       /* an invite link                           */

/* Bytes that somebody else owns; NULL only when len is 0. */
struct msg_span {
    const uint8_t *at;
    size_t len;
};

/* Text that somebody else owns: UTF-8 without NUL, checked at decode. */
struct msg_text {
    const char *at;
    size_t len;
};

/* A list inside a decoded frame: its items as they stand on the wire, already
 * checked against their shape.  Read with msg_codec_next; written with
 * msg_codec_append.  Valid as long as the frame it was decoded from. */
struct msg_list {
    const uint8_t *at;
    size_t len;
    uint64_t count;
};

/* A place to write to: len of cap bytes are used.  Never grows by itself. */
struct msg_buf {
    uint8_t *at;
    size_t len;
    size_t cap;
};

/* Both clocks, read by the shell once a turn.  Timers use mono_ms alone;
 * wall_ms (since 1970, UTC) is for certificates and for people. */
struct msg_time {
    uint64_t mono_ms;
    uint64_t wall_ms;
};

static inline struct msg_span
msg_span(const void *at, size_t len)
{
    return (struct msg_span){at, len};
}

static inline struct msg_text
msg_text(const char *z)
{
    return (struct msg_text){z, z != NULL ? strlen(z) : 0};
}

static inline struct msg_span
msg_span_of_text(struct msg_text text)
{
    return (struct msg_span){(const uint8_t *)text.at, text.len};
}

static inline struct msg_span
msg_span_of_buf(const struct msg_buf *buf)
{
    return (struct msg_span){buf->at, buf->len};
}

static inline bool
msg_span_equal(struct msg_span a, struct msg_span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool
msg_text_equal(struct msg_text a, struct msg_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

/* Copies text into a C string of cap bytes; cuts at a character boundary is
 * the caller's care: limits above are chosen so that nothing is cut. */
static inline void
msg_text_copy(char *to, size_t cap, struct msg_text text)
{
    const size_t n = text.len < cap ? text.len : cap - 1;
    if (n > 0)
        memcpy(to, text.at, n);
    to[n] = '\0';
}

#endif
