/* A registry for the two of pair.h, played by the test: it welcomes, hands
 * frames of links over, and keeps mail on a disk that never fails.  What they
 * said to it is counted, and the last of each kind kept. */
#ifndef TESTS_PEER_REGISTRY_H
#define TESTS_PEER_REGISTRY_H

#include "msg/envelope.h"
#include "tests/peer/pair.h"

#define MAILS 64

struct letter {
    int from;
    uint64_t serial;
    uint8_t frames[MSG_FRAME_MAX];
    size_t len;
};

static struct {
    bool online[2];
    bool parted;                /* RELAY does not get through, and nobody is told */
    size_t said[2][MSG_KIND_LIMIT];
    struct letter box[2][MAILS]; /* for ADA, for BOB */
    size_t kept[2];
    uint64_t serial;
    uint64_t collected[2];
    const char *refuses;        /* all parcels are, with this code; NULL: none is */
    bool refuses_rooms;         /* and only what is for rooms */
    bool mute;                  /* DEPOSIT is not answered */
    uint64_t req;               /* of the last DEPOSIT */
    bool keeps;                 /* mail is not pushed as it comes */
    uint64_t port;              /* in the last LOGIN */
} registry;

static inline void
registry_says(int to, enum msg_kind kind, const void *message)
{
    static uint8_t room[4][MSG_SOCKET_MAX]; /* steps within steps */
    static unsigned turn;
    struct msg_buf buf = {room[turn++ % 4], 0, MSG_SOCKET_MAX};
    assert_int_equal(msg_codec_encode(&buf, kind, message), CONCLAVE_OK);
    pair_feed(to, &(struct msg_event){.kind = EVENT_FRAME, .link = pair.side[to].dialled, .bytes = msg_span_of_buf(&buf)});
}

static inline void
registry_mails(int to, const struct letter *letter)
{
    const struct pair_side *const from = &pair.side[letter->from];
    const struct msg_mail mail = {.serial = letter->serial,
                                  .account = (uint64_t)letter->from + 1,
                                  .device = 1,
                                  .certificate = msg_span(from->cert, from->cert_len),
                                  .posted_ms = 1,
                                  .frames = msg_span(letter->frames, letter->len)};
    registry_says(to, MSG_MAIL, &mail);
}

static inline void
registry_deposits(int from, const struct msg_deposit *deposit)
{
    uint8_t room[1024];
    struct msg_buf buf = {room, 0, sizeof room};
    struct msg_deposited answer = {.req = deposit->req};
    struct msg_list parcels = deposit->parcels;
    struct msg_parcel parcel;
    const size_t before = registry.kept[1 - from];
    registry.req = deposit->req;
    if (registry.mute)
        return;
    while (msg_codec_next(&parcels, MSG_PARCEL, &parcel)) {
        const struct msg_refusal refusal = {parcel.account, parcel.device, msg_text(registry.refuses != NULL ? registry.refuses : "ok"), parcel.rooms};
        const int to = (int)parcel.account - 1;
        if (registry.refuses != NULL && (parcel.rooms || !registry.refuses_rooms)) {
            assert_int_equal(msg_codec_append(&buf, &answer.refused, MSG_REFUSAL, &refusal), CONCLAVE_OK);
            continue;
        }
        if (to != 1 - from)
            continue; /* somebody of whom nothing is known here */
        assert_true(registry.kept[to] < MAILS);
        struct letter *const letter = &registry.box[to][registry.kept[to]++];
        letter->from = from;
        letter->serial = ++registry.serial;
        letter->len = parcel.frames.len;
        memcpy(letter->frames, parcel.frames.at, parcel.frames.len);
    }
    registry_says(from, MSG_DEPOSITED, &answer);
    for (size_t i = before; registry.online[1 - from] && !registry.keeps && i < registry.kept[1 - from]; i++)
        registry_mails(1 - from, &registry.box[1 - from][i]);
}

static inline void
registry_collected(int who, uint64_t serial)
{
    size_t left = 0;
    registry.collected[who] = serial;
    for (size_t i = 0; i < registry.kept[who]; i++)
        if (registry.box[who][i].serial > serial)
            memmove(&registry.box[who][left++], &registry.box[who][i], sizeof registry.box[who][i]);
    registry.kept[who] = left;
}

static inline void
registry_welcomes(int who, uint64_t req)
{
    const struct pair_side *const side = &pair.side[who];
    const struct msg_welcome welcome = {.req = req, .account = (uint64_t)who + 1, .device = 1, .name = msg_text(PAIR_NAMES[who]),
                                        .generation = 1, .lease_ms = 15000, .now_ms = pair.now.wall_ms, .observed = msg_text("10.0.0.2"),
                                        .certificate = msg_span(side->cert, side->cert_len)};
    registry.online[who] = true;
    registry_says(who, MSG_WELCOME, &welcome);
    for (size_t i = 0; i < registry.kept[who]; i++)
        registry_mails(who, &registry.box[who][i]);
}

/* Nobody's endpoint is known to it. */
static inline void
registry_introduces(int who, uint64_t req)
{
    uint8_t room[1024];
    const struct pair_side *const other = &pair.side[1 - who];
    struct msg_buf buf = {room, 0, sizeof room};
    const struct msg_device_card card = {msg_span(other->cert, other->cert_len), registry.online[1 - who], {0}};
    struct msg_introduced answer = {.req = req, .account = 2 - (uint64_t)who, .name = msg_text(PAIR_NAMES[1 - who]),
                                    .status = registry.online[1 - who] ? MSG_STATUS_ONLINE : MSG_STATUS_OFFLINE};
    assert_int_equal(msg_codec_append(&buf, &answer.devices, MSG_DEVICE_CARD, &card), CONCLAVE_OK);
    registry_says(who, MSG_INTRODUCED, &answer);
}

static inline void
registry_relays(int from, const struct msg_relay *relay)
{
    const int to = (int)relay->account - 1;
    const struct msg_relay relayed = {(uint64_t)from + 1, 1, relay->frames};
    const struct msg_unreached unreached = {relay->account, relay->device};
    assert_int_equal(to, 1 - from);
    if (registry.parted)
        return;
    if (registry.online[to])
        registry_says(to, MSG_RELAYED, &relayed);
    else
        registry_says(from, MSG_UNREACHED, &unreached);
}

static inline void
registry_hears(int from, struct msg_span bytes)
{
    union msg_any any;
    enum msg_kind kind;
    uint8_t *const copy = malloc(bytes.len);
    memcpy(copy, bytes.at, bytes.len);
    assert_true(bytes.len <= MSG_FRAME_MAX);
    assert_int_equal(msg_codec_decode(msg_span(copy, bytes.len), &kind, &any), CONCLAVE_OK);
    registry.said[from][kind]++;
    if (kind == MSG_LOGIN) {
        registry.port = any.MSG_ANY_LOGIN.port;
        registry_welcomes(from, any.MSG_ANY_LOGIN.req);
    } else if (kind == MSG_INTRODUCE)
        registry_introduces(from, any.MSG_ANY_INTRODUCE.req);
    else if (kind == MSG_RELAY)
        registry_relays(from, &any.MSG_ANY_RELAY);
    else if (kind == MSG_DEPOSIT)
        registry_deposits(from, &any.MSG_ANY_DEPOSIT);
    else if (kind == MSG_PING) {
        const struct msg_pong pong = {pair.now.wall_ms, 0};
        registry_says(from, MSG_PONG, &pong);
    } else if (kind == MSG_WATCH) {
        const struct msg_done done = {any.MSG_ANY_WATCH.req};
        registry_says(from, MSG_DONE, &done);
    } else if (kind == MSG_COLLECTED)
        registry_collected(from, any.MSG_ANY_COLLECTED.serial);
    free(copy);
}

/* So much time, in steps in which everything due is done. */
static inline void
registry_passes(uint64_t ms)
{
    for (uint64_t gone = 0; gone <= ms; gone += 250) {
        pair.now.mono_ms += 250;
        pair.now.wall_ms += 250;
        for (int i = 0; i < 3; i++)
            for (int who = ADA; who <= BOB; who++)
                if (pair.side[who].core != NULL) {
                    pair_commit(who);
                    pair_feed(who, &(struct msg_event){.kind = EVENT_WAKE});
                }
    }
}

/* The oldest letter for somebody has expired: its sender is told. */
static inline void
registry_returns(int to)
{
    struct letter *const letter = &registry.box[to][0];
    struct msg_span frames = msg_span(letter->frames, letter->len);
    union msg_any any;
    enum msg_kind kind;
    assert_true(registry.kept[to] > 0);
    assert_int_equal(msg_codec_next_frame(&frames, &kind, &any), CONCLAVE_OK);
    assert_int_equal(kind, MSG_RUN);
    const struct msg_returned returned = {++registry.serial, (uint64_t)to + 1, 1, any.MSG_ANY_RUN.run, pair.now.wall_ms};
    const int from = letter->from;
    registry.kept[to]--;
    memmove(letter, letter + 1, registry.kept[to] * sizeof *letter);
    registry_says(from, MSG_RETURNED, &returned);
}

/* As soon as its core dials again. */
static inline void
registry_comes(int who)
{
    pair_front = registry_hears;
    for (int i = 0; i < 100 && pair.side[who].dialled == 0; i++)
        registry_passes(250);
    pair_feed(who, &(struct msg_event){.kind = EVENT_LINK_UP, .link = pair.side[who].dialled});
    assert_true(registry.online[who]);
}

static inline void
registry_loses(int who)
{
    const uint64_t link = pair.side[who].dialled;
    registry.online[who] = false;
    pair.side[who].dialled = 0;
    pair_feed(who, &(struct msg_event){.kind = EVENT_LINK_DOWN, .link = link});
}

static inline void
registry_presence(int who, enum msg_status of_the_other)
{
    uint8_t room[256];
    struct msg_buf buf = {room, 0, sizeof room};
    struct msg_presence presence = {0};
    const struct msg_user user = {msg_text(PAIR_NAMES[1 - who]), of_the_other, msg_text("")};
    assert_int_equal(msg_codec_append(&buf, &presence.changes, MSG_USER, &user), CONCLAVE_OK);
    registry_says(who, MSG_PRESENCE, &presence);
}

/* The user of that side has read all that was told. */
static inline void
registry_reads_last(int who)
{
    const struct msg_cmd_read read = {pair_told(who, MSG_TELL_MESSAGE, pair_count(who, MSG_TELL_MESSAGE) - 1)->MSG_ANY_TELL_MESSAGE.arrival};
    pair_command(who, MSG_CMD_READ, &read);
}

static inline int
registry_set_up(void **state)
{
    memset(&registry, 0, sizeof registry);
    if (pair_set_up(state) != 0)
        return -1;
    pair.side[ADA].hides = pair.side[BOB].hides = true;
    return 0;
}

#endif
