/* A contact that means harm, for the tests of the peer: it was introduced in
 * order, and has keys that the other side admits.
 *
 *   rogue meet FILE NAME OUT     log in as the device in FILE, be introduced to
 *                                NAME, say where that is; OUT: the same device,
 *                                with NAME's peer in the place of the front
 *                                (hostile takes it too)
 *   rogue talk OUT TEXT          say it as one should; 0: it was acknowledged
 *   rogue CASE OUT TEXT          the cases below; 0: what should come of it came
 *
 * OUT.own and OUT.cert are the certificates of both. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include "msg/cert.h"
#include "msg/envelope.h"
#include "tests/e2e/device.h"

enum { COPIES = 500 }; /* fewer than fit in the pipe of a socket */

struct paper {
    uint8_t at[MSG_CERT_MAX];
    size_t len;
};

static struct device device;
static struct paper own, theirs;
static struct host_dial *current; /* one at a time; main closes the last */

static bool
keep_paper(const char *path, const char *suffix, struct msg_span paper)
{
    char name[512];

    snprintf(name, sizeof name, "%s%s", path, suffix);
    FILE *file = fopen(name, "wb");
    if (file == NULL)
        return false;
    const bool whole = fwrite(paper.at, 1, paper.len, file) == paper.len;
    return fclose(file) == 0 && whole;
}

static bool
load_paper(const char *path, const char *suffix, struct paper *paper)
{
    char name[512];

    snprintf(name, sizeof name, "%s%s", path, suffix);
    FILE *file = fopen(name, "rb");
    if (file == NULL)
        return false;
    paper->len = fread(paper->at, 1, sizeof paper->at, file);
    fclose(file);
    return paper->len > 0;
}

/* Without checking it: the registry of the tests is an honest one. */
static bool
body_of(struct msg_span certificate, struct msg_cert_body *body)
{
    union msg_any any;
    enum msg_kind kind;

    if (msg_codec_decode(certificate, &kind, &any) != CONCLAVE_OK || kind != MSG_SIGNED
        || msg_codec_decode(any.MSG_ANY_SIGNED.body, &kind, &any) != CONCLAVE_OK || kind != MSG_CERT)
        return false;
    *body = any.MSG_ANY_CERT;
    return true;
}

static struct host_dial *
dial(void)
{
    host_dial_close(&current, 100);
    current = device_dial(&device, true, DEVICE_WAIT_MS);
    return current;
}

static int
meet(const char *name, const char *out)
{
    struct msg_login login = {.req = 1, .status = MSG_STATUS_ONLINE, .mail = device.mail};
    const struct msg_search ask = {.req = 2, .name = msg_text(name)};
    struct host_dial *front = dial();
    struct msg_device_card card;
    struct msg_address address;
    struct msg_cert_body body;
    union msg_any any;
    enum msg_kind kind;

    msg_cert_sign_mail(&login.mail_sig, &device.mail, &device.sign_sec);
    if (front == NULL || !device_send(front, MSG_LOGIN, &login))
        return 1;
    while ((kind = device_hear(front, &any, DEVICE_WAIT_MS)) != MSG_WELCOME)
        if (kind == MSG_KIND_NONE || kind == MSG_ERROR)
            return 1;
    if (!keep_paper(out, ".own", any.MSG_ANY_WELCOME.certificate) || !device_send(front, MSG_INTRODUCE, &ask))
        return 1;
    while ((kind = device_hear(front, &any, DEVICE_WAIT_MS)) != MSG_INTRODUCED)
        if (kind == MSG_KIND_NONE || kind == MSG_ERROR)
            return 1;
    if (!msg_codec_next(&any.MSG_ANY_INTRODUCED.devices, MSG_DEVICE_CARD, &card)
        || !msg_codec_next(&card.endpoints, MSG_ADDRESS, &address) || !body_of(card.certificate, &body)
        || msg_endpoint_parse(device.host, &device.front_port, address.endpoint) != CONCLAVE_OK)
        return 1;
    device.front = body.transport;
    printf("%.*s\n", (int)address.endpoint.len, address.endpoint.at);
    return keep_paper(out, ".cert", card.certificate) && device_save(&device, out) ? 0 : 1;
}

static bool
greet(struct host_dial *link, struct msg_span certificate)
{
    const struct msg_hello hello = {.certificate = certificate};
    union msg_any any;

    return device_send(link, MSG_HELLO, &hello) && device_hear(link, &any, DEVICE_WAIT_MS) == MSG_HELLO;
}

static struct host_dial *
greeted(void)
{
    struct host_dial *link = dial();

    return link != NULL && greet(link, msg_span(own.at, own.len)) ? link : NULL;
}

static bool
send_bytes(struct host_dial *link, struct msg_span bytes)
{
    return host_curve_send_dealer(host_dial_socket(link), bytes) == CONCLAVE_OK;
}

/* One message as the first of a new life of this device. */
static bool
seal(struct msg_run *run, struct msg_buf *out, const char *text)
{
    static uint8_t inside[MSG_BATCH_MAX];
    struct msg_buf batch = {inside, 0, sizeof inside};
    struct msg_chain chain = {.base = 1, .number = 1};
    struct msg_say say = {.text = msg_text(text)};
    struct timeval now;

    gettimeofday(&now, NULL);
    chain.incarnation = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_usec;
    msg_keys_random(&chain.salt, sizeof chain.salt);
    chain.salt >>= 1;
    msg_keys_random(&say.id, sizeof say.id);
    return msg_codec_encode(&batch, MSG_CHAIN, &chain) == CONCLAVE_OK
           && msg_codec_encode(&batch, MSG_SAY, &say) == CONCLAVE_OK
           && msg_envelope_seal(run, out, msg_span_of_buf(&batch)) == CONCLAVE_OK;
}

static bool
start_run(struct msg_run *run, struct msg_buf *out, const struct msg_sign_sec *sign)
{
    struct msg_cert_body body;
    struct msg_cert to = {0};

    if (!body_of(msg_span(theirs.at, theirs.len), &body))
        return false;
    to.account = body.account;
    to.device = body.device;
    to.mail = body.mail;
    return msg_run_start(run, out, device.account, device.number, sign, &to, 0) == CONCLAVE_OK;
}

/* The first frame of the next message of theirs; there may be more in it. */
static enum msg_kind
hear(struct host_dial *link)
{
    static struct host_frame frame;
    static bool begun;
    union msg_any any;
    enum msg_kind kind;
    zmq_pollitem_t items[] = {{zsock_resolve(host_dial_socket(link)), 0, ZMQ_POLLIN, 0},
                              {zsock_resolve(host_dial_monitor(link)), 0, ZMQ_POLLIN, 0}};

    if (!begun)
        zmq_msg_init(&frame.body);
    begun = true;
    while (host_curve_read_dealer(host_dial_socket(link), &frame) != HOST_READ_FRAME)
        if (host_dial_state(link) != HOST_DIAL_UP || zmq_poll(items, 2, DEVICE_WAIT_MS) <= 0)
            return MSG_KIND_NONE;
    struct msg_span bytes = host_frame_bytes(&frame);
    return msg_codec_next_frame(&bytes, &kind, &any) == CONCLAVE_OK ? kind : MSG_KIND_NONE;
}

static bool
hears(struct host_dial *link, enum msg_kind awaited)
{
    enum msg_kind kind;

    while ((kind = hear(link)) != MSG_KIND_NONE)
        if (kind == awaited)
            return true;
    return false;
}

/* Anything sealed from them is the receipt: they have nothing else to say. */
static bool
acknowledged(struct host_dial *link)
{
    enum msg_kind kind;

    while ((kind = hear(link)) != MSG_KIND_NONE)
        if (kind == MSG_RUN || kind == MSG_SEALED)
            return true;
    return false;
}

static bool
goes_down(struct host_dial *link)
{
    while (hear(link) != MSG_KIND_NONE)
        ;
    return host_dial_state(link) != HOST_DIAL_UP;
}

static bool
talk(const char *text)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    struct msg_run run = {0};
    struct host_dial *link = greeted();

    return link != NULL && start_run(&run, &out, &device.sign_sec) && seal(&run, &out, text)
           && send_bytes(link, msg_span_of_buf(&out)) && acknowledged(link);
}

/* The same bytes again and again, on this link and on the next. */
static bool
replay(const char *text)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    struct msg_run run = {0};
    struct host_dial *link = greeted();

    if (link == NULL || !start_run(&run, &out, &device.sign_sec) || !seal(&run, &out, text))
        return false;
    for (int i = 0; i < COPIES; i++)
        if (!send_bytes(link, msg_span_of_buf(&out)))
            break; /* as many as they take */
    if (!acknowledged(link))
        return false;
    link = greeted();
    for (int i = 0; link != NULL && i < COPIES; i++)
        if (!send_bytes(link, msg_span_of_buf(&out)))
            break;
    return link != NULL && acknowledged(link);
}

/* A run that somebody else signed is no run: what follows it is not opened. */
static bool
forged_run(const char *text)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    struct msg_run run = {0};
    struct msg_sign_pub pub;
    struct msg_sign_sec other;
    struct host_dial *link = greeted();

    msg_keys_new_sign(&pub, &other);
    return link != NULL && start_run(&run, &out, &other) && seal(&run, &out, text)
           && send_bytes(link, msg_span_of_buf(&out)) && hears(link, MSG_RESEAL);
}

static bool
sealed_garbage(const char *text)
{
    static uint8_t bytes[MSG_FRAME_MAX], box[4096];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    struct msg_run run = {0};
    struct msg_sealed sealed = {.box = msg_span(box, sizeof box)};
    struct host_dial *link = greeted();

    if (link == NULL || !start_run(&run, &out, &device.sign_sec) || !send_bytes(link, msg_span_of_buf(&out)))
        return false;
    for (uint64_t i = 0; i < COPIES; i++) {
        msg_keys_random(box, sizeof box);
        sealed.run = run.tag;
        sealed.counter = i;
        if (i % 3 == 0)
            msg_keys_random(&sealed.run, sizeof sealed.run);
        if (i % 5 == 0)
            sealed.counter = 65535 - i;
        if (!device_send(link, MSG_SEALED, &sealed))
            break;
    }
    out.len = 0; /* the run itself is as good as it was */
    return seal(&run, &out, text) && send_bytes(link, msg_span_of_buf(&out)) && acknowledged(link);
}

/* What opens, and is no batch. */
static bool
garbage_inside(const char *text)
{
    static uint8_t bytes[MSG_FRAME_MAX], inside[600];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    struct msg_run run = {0};
    struct host_dial *link = greeted();

    if (link == NULL || !start_run(&run, &out, &device.sign_sec))
        return false;
    for (size_t i = 1; i < 400; i++) {
        msg_keys_random(inside, sizeof inside);
        inside[0] = 0x90 + i % 16;
        inside[1] = 1;
        inside[2] = (uint8_t)(80 + i % 4);
        if (msg_envelope_seal(&run, &out, msg_span(inside, i)) != CONCLAVE_OK || !send_bytes(link, msg_span_of_buf(&out)))
            return false;
        out.len = 0;
    }
    return seal(&run, &out, text) && send_bytes(link, msg_span_of_buf(&out)) && acknowledged(link);
}

/* After a good greeting; each ends the link. */
static bool
garbage(const char *text)
{
    static const struct {
        const char *bytes;
        size_t len;
    } frames[] = {
        {"", 0},
        {"\xdd\xff\xff\xff\xff", 5},          /* four thousand million items */
        {"\xc6\x7f\xff\xff\xff", 5},          /* 2 GiB to come */
        {"\x93\1\x42", 3},                    /* short */
        {"\x93\1\xcd\xff\xff\0", 6},          /* no kind */
        {"\x93\1\x20\0", 4},                  /* to the front */
        {"\x93\1\xcc\xc9\0", 5},              /* a command of the user's */
        {"\x94\1\xcc\xe9\xa1x\xa1y", 8},      /* what only the core says */
    };
    uint8_t deep[2000];

    (void)text;
    memset(deep, 0x91, sizeof deep);
    for (size_t i = 0; i <= sizeof frames / sizeof *frames; i++) {
        struct host_dial *link = greeted();
        const bool last = i == sizeof frames / sizeof *frames;
        if (link == NULL || !send_bytes(link, last ? msg_span(deep, sizeof deep) : msg_span(frames[i].bytes, frames[i].len)))
            return false;
        if ((last || frames[i].len > 0) && !goes_down(link))
            return false;
    }
    return true;
}

static bool
is_refused(struct msg_span certificate)
{
    struct host_dial *link = dial();

    return link != NULL && !greet(link, certificate) && goes_down(link);
}

/* The certificate of somebody else, and ours with each part changed. */
static bool
bad_certificates(const char *text)
{
    (void)text;
    if (!is_refused(msg_span(theirs.at, theirs.len)))
        return false;
    for (size_t i = 0; i < own.len; i += 17) {
        own.at[i] ^= 1;
        const bool refused = is_refused(msg_span(own.at, own.len));
        own.at[i] ^= 1;
        if (!refused)
            return false;
    }
    return true;
}

/* Talks without a greeting. */
static bool
no_greeting(const char *text)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    struct msg_run run = {0};
    struct host_dial *link = dial();

    return link != NULL && start_run(&run, &out, &device.sign_sec) && seal(&run, &out, text)
           && send_bytes(link, msg_span_of_buf(&out)) && goes_down(link);
}

static bool
stranger(const char *text)
{
    (void)text;
    msg_keys_new_box(&device.transport, &device.transport_sec);
    return dial() == NULL;
}

static int
run(const char *name, const char *text)
{
    static const struct {
        const char *name;
        bool (*run)(const char *text);
    } cases[] = {{"talk", talk},
                 {"replay", replay},
                 {"forged-run", forged_run},
                 {"sealed-garbage", sealed_garbage},
                 {"garbage-inside", garbage_inside},
                 {"garbage", garbage},
                 {"bad-certificates", bad_certificates},
                 {"no-greeting", no_greeting},
                 {"stranger", stranger}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (strcmp(name, cases[i].name) == 0)
            return cases[i].run(text) ? 0 : 1;
    return 2;
}

int
main(int argc, char **argv)
{
    int status = 2;

    if (argc < 4 || msg_keys_init() != CONCLAVE_OK || host_curve_init(1) != CONCLAVE_OK || !device_load(&device, argv[2]))
        return 2;
    if (strcmp(argv[1], "meet") == 0)
        status = argc == 5 ? meet(argv[3], argv[4]) : 2;
    else if (load_paper(argv[2], ".own", &own) && load_paper(argv[2], ".cert", &theirs))
        status = run(argv[1], argv[3]);
    host_dial_close(&current, 100);
    return status;
}
