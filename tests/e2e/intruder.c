/* A device that means harm to a room, for the tests of rooms and mail:
 *
 *   intruder join FILE #ROOM             join it; 0: done
 *   intruder CASE FILE #ROOM NAME        the cases below; NAME: somebody in it
 *
 * Each case says what it was answered, a line each: "WHAT CODE", and ends once
 * the front answers as before.  What the room made of it is for the tests. */
#include "tests/e2e/intruder.h"

#include "msg/envelope.h"

enum { FLOOD = 3000, LETTERS = 1500, RELAYS = 600 };

/* ---- operations ---- */

static struct msg_room_op
an_op(enum msg_act act)
{
    return (struct msg_room_op){.room = id, .act = act, .account = device.account, .device = device.number,
                                .seen = room.number, .seen_head = room.head, .ts_ms = ++req};
}

static void
propose(const char *what, const struct msg_room_op *op, const struct msg_sign_sec *key)
{
    uint8_t at[MSG_ROOM_OP_MAX];
    struct msg_buf out = {at, 0, sizeof at};

    if (msg_room_sign_op(&out, op, key) != CONCLAVE_OK)
        return;
    const struct msg_room_propose frame = {++req, id, msg_span_of_buf(&out), msg_text("")};
    if (device_send(front, MSG_ROOM_PROPOSE, &frame))
        went(what, MSG_DONE, MSG_DONE);
}

static void
join(void)
{
    const struct msg_room_op op = an_op(MSG_ACT_JOIN);

    propose("join", &op, &device.sign_sec);
}

/* Whatever a member may not do, and what nobody may. */
static void
operations(void)
{
    struct msg_sign_pub pub;
    struct msg_sign_sec other;
    struct msg_room_op op = an_op(MSG_ACT_TOPIC);

    msg_keys_new_sign(&pub, &other);
    op.text = msg_text("mine now");
    propose("topic", &op, &device.sign_sec);
    op.account = victim.account;
    op.device = victim.device;
    propose("as-another", &op, &device.sign_sec);
    op = an_op(MSG_ACT_LEAVE);
    propose("forged", &op, &other);
    op.seen_head.at[0] ^= 1;
    propose("another-roster", &op, &device.sign_sec);
    op = an_op(MSG_ACT_LEAVE);
    op.seen = UINT64_MAX;
    propose("from-the-future", &op, &device.sign_sec);
    op = an_op(MSG_ACT_REVOKED);
    op.subject = victim.account;
    propose("revoked", &op, &device.sign_sec);
    propose("unsigned", &op, NULL);
    for (enum msg_act act = MSG_ACT_KICK; act <= MSG_ACT_DEMOTE; act++) {
        op = an_op(act);
        op.subject = victim.account;
        propose("power", &op, &device.sign_sec);
    }
    op = an_op(MSG_ACT_DELETE);
    propose("delete", &op, &device.sign_sec);
}

/* ---- frames ---- */

static void
post(enum msg_kind kind, const void *message)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf out = {at, 0, sizeof at};

    if (msg_codec_encode(&out, kind, message) != CONCLAVE_OK)
        exit(3);
    const struct msg_room_post frame = {id, msg_span_of_buf(&out)};
    ++req;
    if (!send_all(MSG_ROOM_POST, &frame))
        exit(3);
}

/* Garbage under a good header; nothing of it is signed. */
static struct msg_room_frame
a_frame(uint64_t first)
{
    static uint8_t box[600];
    struct msg_room_frame frame = {.room = id, .epoch = epoch, .epoch_head = epoch_head, .account = device.account,
                                   .device = device.number, .incarnation = 1, .salt = 1, .first = first, .count = 1,
                                   .box = msg_span(box, sizeof box)};

    msg_keys_random(box, sizeof box);
    msg_keys_random(&frame.key, sizeof frame.key);
    return frame;
}

/* What only members may ask. */
static void
questions(void)
{
    const struct msg_room_of of = {++req, id, 0};
    const struct msg_room_read read = {req + 1, id, 0, {0}};
    const struct msg_cards_of cards = {req + 2, id, 0, 0};

    if (device_send(front, MSG_MEMBERS_OF, &of))
        went("members", MSG_MEMBERS, MSG_MEMBERS);
    ++req;
    if (device_send(front, MSG_ROOM_READ, &read))
        went("read", MSG_ROOM_LOG, MSG_ROOM_LOG);
    ++req;
    if (device_send(front, MSG_CARDS_OF, &cards))
        went("cards", MSG_CARDS, MSG_CARDS);
    const struct msg_room_of entries = {++req, id, 0};
    if (device_send(front, MSG_ENTRIES_OF, &entries))
        went("entries", MSG_ENTRIES, MSG_ENTRIES);
    const struct msg_room_frame frame = a_frame(1);
    post(MSG_ROOM_FRAME, &frame);
    went("post", MSG_ROOM_STORED, MSG_ROOM_REFUSED);
}

/* As somebody else, of another time, into another room. */
static void
names(void)
{
    struct msg_room_frame frame = a_frame(1);

    frame.account = victim.account;
    frame.device = victim.device;
    post(MSG_ROOM_FRAME, &frame);
    went("frame", MSG_ROOM_STORED, MSG_ROOM_REFUSED);
    const struct msg_room_tip tip = {.room = id, .account = victim.account, .device = victim.device, .incarnation = 1, .number = 99};
    post(MSG_ROOM_TIP, &tip);
    went("tip", MSG_ROOM_STORED, MSG_ROOM_REFUSED);
    uint8_t at[256];
    struct msg_buf marks = {at, 0, sizeof at};
    struct msg_room_receipt receipt = {.room = id, .account = victim.account, .device = victim.device};
    const struct msg_mark mark = {victim.account, victim.device, 1, 1, {{0}}};
    if (msg_codec_append(&marks, &receipt.marks, MSG_MARK, &mark) != CONCLAVE_OK)
        exit(3);
    post(MSG_ROOM_RECEIPT, &receipt);
    went("receipt", MSG_ROOM_STORED, MSG_ROOM_REFUSED);
    frame = a_frame(1);
    frame.epoch++;
    post(MSG_ROOM_FRAME, &frame);
    went("epoch", MSG_ROOM_STORED, MSG_ROOM_REFUSED);
    frame = a_frame(1);
    frame.epoch_head.at[0] ^= 1;
    post(MSG_ROOM_FRAME, &frame);
    went("roster", MSG_ROOM_STORED, MSG_ROOM_REFUSED);
    frame = a_frame(1);
    frame.room.at[0] ^= 1;
    post(MSG_ROOM_FRAME, &frame);
    went("room", MSG_ROOM_STORED, MSG_ROOM_REFUSED);
    frame = a_frame(UINT64_MAX);
    post(MSG_ROOM_FRAME, &frame);
    went("end", MSG_ROOM_STORED, MSG_ROOM_REFUSED);
}

/* What the front takes, and nobody can believe: unsigned, with no key, out of
 * order, again and again. */
static void
forged(void)
{
    struct msg_sign_pub pub;
    struct msg_sign_sec other;
    bool taken = true; /* who does not take its answers is cut */

    msg_keys_new_sign(&pub, &other);
    for (uint64_t n = 1; n <= FLOOD && taken; n++) {
        struct msg_room_frame frame = a_frame(n % 7 == 0 ? n + 5 : n % 5 == 0 ? n - 1 : n);
        struct msg_room_tip tip = {.room = id, .account = device.account, .device = device.number, .incarnation = 1, .number = n << 20};
        frame.incarnation = 1 + n / 1000;
        post(MSG_ROOM_FRAME, &frame);
        msg_room_sign_tip(&tip, n % 2 == 0 ? &other : &device.sign_sec);
        post(MSG_ROOM_TIP, &tip);
        taken = n % 100 != 0 || fence();
    }
    say("forged", msg_text(fence() ? "ok" : "down"));
}

/* ---- mail and relay ---- */

/* RUN and SEALED with something inside: from a device, to an account. */
static struct msg_span
parcel(uint64_t account, uint64_t number, uint64_t whom, struct msg_span batch)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf out = {at, 0, sizeof at};
    struct msg_run run = {0};
    const struct msg_cert to = {.account = whom, .device = victim.device, .mail = victim.mail};

    if (msg_run_start(&run, &out, account, number, &device.sign_sec, &to, 0) != CONCLAVE_OK
        || msg_envelope_seal(&run, &out, batch) != CONCLAVE_OK)
        exit(3);
    return msg_span_of_buf(&out);
}

static void
deposit(const char *what, uint64_t account, uint64_t number, struct msg_span frames)
{
    static uint8_t at[MSG_FRAME_MAX];
    struct msg_buf list = {at, 0, sizeof at};
    struct msg_deposit frame = {.req = ++req};
    const struct msg_parcel item = {account, number, frames, false};
    struct msg_refusal refusal;
    union msg_any any;

    if (msg_codec_append(&list, &frame.parcels, MSG_PARCEL, &item) != CONCLAVE_OK || !device_send(front, MSG_DEPOSIT, &frame))
        exit(3);
    const enum msg_kind heard = answer(&any, MSG_DEPOSITED, MSG_DEPOSITED);
    if (heard == MSG_ERROR)
        say(what, any.MSG_ANY_ERROR.code);
    else if (heard == MSG_DEPOSITED && msg_codec_next(&any.MSG_ANY_DEPOSITED.refused, MSG_REFUSAL, &refusal))
        say(what, refusal.code);
    else
        say(what, msg_text(heard == MSG_DEPOSITED ? "ok" : "silence"));
}

/* Keys of rooms, of members and of nobody, and questions for keys. */
static struct msg_span
keys_and_questions(void)
{
    static uint8_t at[MSG_BATCH_MAX];
    struct msg_buf batch = {at, 0, sizeof at};

    for (uint64_t n = 0; n < 200; n++) {
        struct msg_room_key key = {.room = id, .epoch = n + 1, .account = n % 2 == 0 ? device.account : victim.account, .device = 1};
        const struct msg_room_ask ask = {.room = id, .epoch = epoch, .account = victim.account, .device = victim.device};
        msg_keys_random(&key.key, sizeof key.key);
        if (n % 3 == 0)
            msg_keys_random(&key.room, sizeof key.room);
        if (msg_codec_encode(&batch, MSG_ROOM_KEY, &key) != CONCLAVE_OK || msg_codec_encode(&batch, MSG_ROOM_ASK, &ask) != CONCLAVE_OK)
            break;
    }
    return msg_span_of_buf(&batch);
}

static void
letters(void)
{
    static uint8_t junk[600];
    const struct msg_span batch = keys_and_questions();

    msg_keys_random(junk, sizeof junk);
    const uint64_t nobody = victim.account + 100000;
    deposit("nobody", nobody, victim.device, parcel(device.account, device.number, nobody, batch));
    deposit("as-another", victim.account, victim.device, parcel(victim.account, victim.device, victim.account, batch));
    deposit("garbage", victim.account, victim.device, msg_span(junk, sizeof junk));
    for (int i = 0; i < LETTERS; i++)
        deposit("letter", victim.account, victim.device,
                parcel(device.account, device.number, victim.account, i % 100 == 0 ? batch : msg_span(junk, 100 + (size_t)i % 400)));
}

static void
relays(void)
{
    static uint8_t junk[60000];
    uint64_t unreached = 0;
    union msg_any any;
    enum msg_kind kind;

    msg_keys_random(junk, sizeof junk);
    for (int i = 0; i < RELAYS; i++) {
        const struct msg_relay frame = {victim.account, victim.device, msg_span(junk, i % 2 == 0 ? sizeof junk : (size_t)i + 1)};
        if (!send_all(MSG_RELAY, &frame))
            break;
    }
    const struct msg_search search = {++req, msg_text(device.name)};
    if (device_send(front, MSG_SEARCH, &search))
        while ((kind = device_hear(front, &any, DEVICE_WAIT_MS)) != MSG_KIND_NONE && kind != MSG_FOUND)
            unreached += kind == MSG_UNREACHED;
    say("relay", msg_text(unreached > 0 ? "too-fast" : "ok"));
}

/* ---- what members publish to one another ---- */

struct publisher {
    char endpoint[MSG_ENDPOINT_MAX + 1];
    struct msg_box_pub transport;
};

/* Somebody's XPUB, as the front tells members of the room. */
static bool
find_publisher(struct publisher *out)
{
    const struct msg_room_mesh mesh = {id, 0};
    union msg_any any, body;
    struct msg_device_card card;
    struct msg_address address;
    enum msg_kind kind;

    ++req;
    if (!device_send(front, MSG_ROOM_MESH, &mesh))
        return false;
    while (answer(&any, MSG_ROOM_PEERS, MSG_ROOM_PEERS) == MSG_ROOM_PEERS)
        while (msg_codec_next(&any.MSG_ANY_ROOM_PEERS.peers, MSG_DEVICE_CARD, &card)) {
            if (!msg_codec_next(&card.endpoints, MSG_ADDRESS, &address)
                || msg_codec_decode(card.certificate, &kind, &body) != CONCLAVE_OK || kind != MSG_SIGNED
                || msg_codec_decode(body.MSG_ANY_SIGNED.body, &kind, &body) != CONCLAVE_OK || kind != MSG_CERT)
                continue;
            msg_text_copy(out->endpoint, sizeof out->endpoint, address.endpoint);
            out->transport = body.MSG_ANY_CERT.transport;
            return true;
        }
    return false;
}

static struct host_dial *
subscribe(const char *what, const struct publisher *to, const struct msg_box_pub *pub, const struct msg_box_sec *sec)
{
    struct host_dial *link = NULL;

    if (host_dial_subscribe(&link, msg_text(to->endpoint), &to->transport, pub, sec, MSG_SOCKET_MAX) != CONCLAVE_OK)
        exit(3);
    zmq_pollitem_t item = {zsock_resolve(host_dial_monitor(link)), 0, ZMQ_POLLIN, 0};
    while (host_dial_state(link) == HOST_DIAL_PENDING && zmq_poll(&item, 1, DEVICE_WAIT_MS) > 0)
        ;
    const enum host_dial_state state = host_dial_state(link);
    say(what, msg_text(state == HOST_DIAL_UP ? "up" : state == HOST_DIAL_DENIED ? "denied" : "silence"));
    return link;
}

/* Subscribes as a member, and as nobody; "holding": now it is put out. */
static void
eavesdrop(void)
{
    struct publisher publisher;
    struct msg_box_pub pub;
    struct msg_box_sec sec;

    if (!find_publisher(&publisher))
        exit(4);
    msg_keys_new_box(&pub, &sec);
    struct host_dial *nobody = subscribe("nobody", &publisher, &pub, &sec);
    struct host_dial *link = subscribe("member", &publisher, &device.transport, &device.transport_sec);
    zmq_pollitem_t item = {zsock_resolve(host_dial_monitor(link)), 0, ZMQ_POLLIN, 0};
    say("holding", msg_text(""));
    while (host_dial_state(link) == HOST_DIAL_UP && zmq_poll(&item, 1, DEVICE_WAIT_MS) > 0)
        ;
    say("then", msg_text(host_dial_state(link) == HOST_DIAL_UP ? "up" : "cut"));
    struct host_dial *again = subscribe("again", &publisher, &device.transport, &device.transport_sec);
    host_dial_close(&again, 0);
    host_dial_close(&link, 0);
    host_dial_close(&nobody, 0);
}

/* ---- bytes ---- */

/* Of every kind of rooms, mail and relay: too little, too much, and noise. */
static void
garbage(void)
{
    static uint8_t bytes[MSG_SOCKET_MAX];
    uint64_t thrown_out = 0;

    for (unsigned kind = 50; kind < 310; kind = kind == 62 ? 250 : kind + 1) {
        for (size_t n = 0; n < 6; n++) {
            static const size_t sizes[] = {0, 1, 30, 3000, MSG_FRAME_MAX - 8, MSG_FRAME_MAX + 1};
            const size_t len = 8 + sizes[n];
            msg_keys_random(bytes, sizeof bytes);
            memcpy(bytes, (const uint8_t[]){(uint8_t)(0x90 + n * 2 % 15), 1, 0xcd, (uint8_t)(kind >> 8), (uint8_t)kind, (uint8_t)n}, 6);
            if (host_curve_send_dealer(host_dial_socket(front), msg_span(bytes, len)) != CONCLAVE_OK)
                thrown_out++;
        }
        if (!fence() && (++thrown_out, !log_in()))
            exit(4);
    }
    say("garbage", msg_text("ok"));
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {{"join", join},     {"questions", questions}, {"operations", operations}, {"names", names},
                 {"forged", forged}, {"letters", letters},     {"relays", relays},         {"garbage", garbage},
                 {"eavesdrop", eavesdrop}};

    if (argc < 4 || msg_keys_init() != CONCLAVE_OK || host_curve_init(1) != CONCLAVE_OK || !device_load(&device, argv[2]))
        return 2;
    if (!log_in() || !find(argv[3]) || (argc > 4 && !meet(argv[4])))
        return 1;
    read_epoch();
    int status = 2;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, argv[1]) == 0) {
            cases[i].run();
            status = 0;
        }
    host_dial_close(&front, 1000);
    return status;
}
