/* Proves peer/mesh over real sockets: what is published reaches whom it may,
 * and no subscriber can do more than subscribe. */
#include "tests/peer/fake_core.h"

#include <stdio.h>
#include <unistd.h>

#define XPUB 5u
#define LONG_BYTES 4096u

static struct peer c;

static void listen_on(struct msg_effects *out) { msg_effects_listen(out, args.id, (uint16_t)args.number); }
static void admit(struct msg_effects *out) { msg_effects_admit_at(out, args.id, &args.key); }
static void admit_inbound(struct msg_effects *out) { msg_effects_admit(out, &args.key); }
static void expel(struct msg_effects *out) { msg_effects_expel_at(out, args.id, &args.key); }
static void drop(struct msg_effects *out) { msg_effects_drop(out, args.id); }
static void subscribe(struct msg_effects *out) { msg_effects_subscribe(out, args.link, &args.key, msg_text(args.endpoint)); }
static void dial(struct msg_effects *out) { msg_effects_dial(out, args.link, &args.key, msg_text(args.endpoint)); }

static void
publish(struct msg_effects *out)
{
    uint8_t bytes[LONG_BYTES] = {0};
    for (uint32_t i = 0; i < args.count; i++) {
        const uint32_t number = args.number + i;
        memcpy(bytes, &number, sizeof number);
        msg_effects_send_bytes(out, XPUB, msg_span(bytes, args.ms != 0 ? LONG_BYTES : sizeof number));
    }
}

static void
say(uint32_t number, uint32_t count, bool is_long)
{
    args.number = number;
    args.count = count;
    args.ms = is_long;
    ask(&a, publish);
}

static void
at_xpub(void (*want)(struct msg_effects *out), const struct peer *whom)
{
    args.id = XPUB;
    args.key = whom->identity.transport;
    ask(&a, want);
}

static uint16_t
bound(struct peer *peer, uint64_t id, uint16_t port)
{
    const uint64_t before = peer->core->bounds;
    args.id = id;
    args.number = port;
    ask(peer, listen_on);
    assert_int_equal(peer->core->bounds, before + 1);
    assert_int_equal(peer->core->bound_link, id);
    return (uint16_t)peer->core->port;
}

static char at_endpoint[64];

static void
open_xpub(void)
{
    const uint16_t port = bound(&a, XPUB, 0);
    assert_int_not_equal(port, 0);
    assert_int_equal(a.core->bound_err, CONCLAVE_OK);
    (void)snprintf(at_endpoint, sizeof at_endpoint, "127.0.0.1:%u", port);
}

static void
to_a(struct peer *peer, void (*want)(struct msg_effects *out), const char *endpoint, uint64_t link)
{
    args.key = a.identity.transport;
    args.endpoint = endpoint;
    args.link = link;
    ask(peer, want);
}

static void
dial_it(struct peer *peer, uint64_t link)
{
    to_a(peer, subscribe, at_endpoint, link);
}

/* Until a frame comes: a subscription is on its way for a while after the
 * handshake. */
static void
hears(struct peer *peer)
{
    const uint64_t before = peer->core->frames;
    const uint64_t end_ms = peer_loop_now_ms() + DEADLINE_MS;
    while (peer->core->frames == before && peer_loop_now_ms() < end_ms) {
        say(0, 1, false);
        assert_int_equal(peer_loop_turn(loop, 1), CONCLAVE_OK);
    }
    assert_true(peer->core->frames > before);
}

/* Until nothing more comes: the last of what was said has a number of its own. */
static void
comes(const struct peer *peer, uint32_t number)
{
    UNTIL(peer->core->frames > 0 && peer->core->got[(peer->core->frames - 1) % FRAMES_MAX] == number);
}

static void
what_is_published_reaches_all_who_are_admitted_in_order(void **state)
{
    (void)state;
    open_xpub();
    at_xpub(admit, &b);
    at_xpub(admit, &c);
    dial_it(&b, 7);
    dial_it(&c, 8);
    UNTIL(b.core->ups == 1 && c.core->ups == 1);
    assert_int_equal(b.core->link, 7);
    assert_memory_equal(&b.core->key, &a.identity.transport, sizeof b.core->key);
    hears(&b);
    hears(&c);
    say(1, 200, false);
    comes(&b, 200);
    comes(&c, 200);
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(b.core->got[b.core->frames - 200 + i], i + 1);
        assert_int_equal(c.core->got[c.core->frames - 200 + i], i + 1);
    }
    assert_int_equal(a.core->ups + a.core->frames, 0); /* subscribers are no links */
}

static uint64_t
denied(void)
{
    struct host_zap_counts counts;
    host_zap_counts(&counts);
    return counts.denied;
}

static void
who_is_not_admitted_there_is_refused_and_counted(void **state)
{
    (void)state;
    open_xpub();
    at_xpub(admit, &c);
    at_xpub(admit_inbound, &b); /* elsewhere */
    const uint64_t before = denied();
    dial_it(&b, 7);
    UNTIL(b.core->downs == 1);
    assert_int_equal(b.core->why, CONCLAVE_ERR_UNKNOWN_KEY);
    assert_int_equal(b.core->ups, 0);
    assert_int_equal(denied(), before + 1);
    dial_it(&c, 8); /* what is published from now on is for her alone */
    hears(&c);
    assert_int_equal(b.core->frames, 0);
    to_a(&c, dial, a.endpoint, 7); /* and c not there: as a peer, for a SUB is refused whoever it is */
    UNTIL(c.core->downs == 1);
    assert_int_equal(c.core->why, CONCLAVE_ERR_UNKNOWN_KEY);
    assert_int_equal(denied(), before + 2);
}

static void
who_is_expelled_is_cut_and_gets_nothing_more(void **state)
{
    (void)state;
    open_xpub();
    at_xpub(admit, &b);
    at_xpub(admit, &c);
    dial_it(&b, 7);
    dial_it(&c, 8);
    hears(&b);
    hears(&c);
    say(1, 1, false);
    comes(&b, 1);
    const uint64_t before = b.core->frames;
    at_xpub(expel, &b);
    say(2, 50, false);
    comes(&c, 51);
    UNTIL(b.core->downs == 1);
    assert_int_equal(b.core->why, CONCLAVE_OK);
    assert_int_equal(b.core->frames, before);
    assert_int_equal(c.core->downs, 0);
    const uint64_t refused = denied();
    dial_it(&b, 9);
    UNTIL(b.core->downs == 2);
    assert_int_equal(b.core->why, CONCLAVE_ERR_UNKNOWN_KEY);
    assert_int_equal(denied(), refused + 1);
    say(52, 1, false);
    comes(&c, 52);
    assert_int_equal(b.core->frames, before);
}

static void
an_xpub_that_is_dropped_leaves_its_port_to_the_next(void **state)
{
    (void)state;
    open_xpub();
    const uint16_t port = (uint16_t)a.core->port;
    at_xpub(admit, &b);
    dial_it(&b, 7);
    hears(&b);
    assert_int_not_equal(bound(&c, XPUB, port), port); /* taken: another one will do */
    assert_int_not_equal(c.core->port, 0);
    at_xpub(drop, &b);
    UNTIL(b.core->downs == 1);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(bound(&a, XPUB, port), port);
        at_xpub(drop, &b);
    }
    assert_int_equal(bound(&a, 6, port), port);
    close_peer(&a);
    a.node = NULL;
    assert_int_equal(bound(&c, 6, port), port);
}

static void
a_peer_without_an_inbound_socket_has_no_xpub(void **state)
{
    (void)state;
    struct peer d = {0};
    open_peer(&d, NULL, false);
    assert_int_equal(bound(&d, XPUB, 0), 0);
    assert_int_not_equal(d.core->bound_err, CONCLAVE_OK);
    args.id = XPUB;
    ask(&d, admit); /* of no effect */
    ask(&d, expel);
    ask(&d, publish);
    ask(&d, drop);
    close_peer(&d);
}

/* A subscriber of the test's own, which says what it likes: b's keys. */
struct rogue { zsock_t *socket; zsock_t *monitor; };

static struct rogue
rogue_dials(int recv_hwm)
{
    static unsigned count;
    char endpoint[80], name[40];
    struct rogue self = {zsock_new(ZMQ_XSUB), zsock_new(ZMQ_PAIR)};
    void *const raw = zsock_resolve(self.socket);
    (void)snprintf(endpoint, sizeof endpoint, "tcp://%s", at_endpoint);
    (void)snprintf(name, sizeof name, "inproc://rogue-%u", count++);
    zsock_set_linger(self.socket, 0);
    zsock_set_rcvhwm(self.socket, recv_hwm);
    zsock_set_sndhwm(self.socket, 0);
    zsock_set_reconnect_ivl(self.socket, 24 * 3600 * 1000);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, a.identity.transport.at, 32), 0);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, b.identity.transport.at, 32), 0);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, b.identity.transport_sec.at, 32), 0);
    assert_int_equal(zmq_socket_monitor(raw, name, ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED), 0);
    assert_int_equal(zmq_connect(zsock_resolve(self.monitor), name), 0);
    assert_int_equal(zmq_connect(raw, endpoint), 0);
    return self;
}

static void
rogue_ends(struct rogue *self)
{
    (void)zmq_socket_monitor(zsock_resolve(self->socket), NULL, 0);
    zsock_destroy(&self->monitor);
    zsock_destroy(&self->socket);
}

static void
rogue_says(const struct rogue *self, const char *text, size_t len, int flags)
{
    assert_int_equal(zmq_send(zsock_resolve(self->socket), text, len, flags), len);
}

/* Takes what the monitor says next, if anything. */
static bool
happened(const struct rogue *self, uint16_t event)
{
    uint8_t head[6] = {0};
    uint16_t what = 0;
    if (zmq_recv(zsock_resolve(self->monitor), head, sizeof head, ZMQ_DONTWAIT) < 0)
        return false;
    (void)zmq_recv(zsock_resolve(self->monitor), NULL, 0, ZMQ_DONTWAIT);
    memcpy(&what, head, sizeof what);
    return what == event;
}

static void
until(const struct rogue *self, uint16_t event)
{
    const uint64_t end_ms = peer_loop_now_ms() + DEADLINE_MS;
    while (!happened(self, event)) {
        assert_true(peer_loop_now_ms() < end_ms);
        assert_int_equal(peer_loop_turn(loop, 10), CONCLAVE_OK);
    }
}

static struct rogue
rogue_is_up(void)
{
    const struct rogue self = rogue_dials(0);
    until(&self, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    return self;
}

static bool
rogue_heard(const struct rogue *self)
{
    char bytes[8];
    return zmq_recv(zsock_resolve(self->socket), bytes, sizeof bytes, ZMQ_DONTWAIT) >= 0;
}

static void
who_says_more_than_a_subscriber_may_is_cut(void **state)
{
    (void)state;
    static const struct { const char *at; size_t len; unsigned times; bool again; } words[] = {
        {"\1topic", 6, 9, false},               /* nine subscriptions, of one topic */
        {"\1topic", 6, 5, true},                /* and taken back in between */
        {"\1" "123456789", 10, 1, false},         /* a long topic */
        {"hello", 5, 1, false},                 /* no subscription */
        {"", 0, 1, false},
    };
    open_xpub();
    at_xpub(admit, &b);
    at_xpub(admit, &c);
    dial_it(&c, 7);
    hears(&c);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        struct rogue rogue = rogue_is_up();
        for (unsigned n = 0; n < words[i].times; n++) {
            rogue_says(&rogue, words[i].at, words[i].len, 0);
            if (words[i].again)
                rogue_says(&rogue, "\0topic", 6, 0);
        }
        until(&rogue, ZMQ_EVENT_DISCONNECTED);
        rogue_ends(&rogue);
    }
    struct rogue rogue = rogue_is_up();
    rogue_says(&rogue, "of", 2, ZMQ_SNDMORE);
    rogue_says(&rogue, "parts", 5, 0);
    until(&rogue, ZMQ_EVENT_DISCONNECTED);
    rogue_ends(&rogue);
    rogue = rogue_is_up();
    for (unsigned n = 0; n < 8; n++)
        rogue_says(&rogue, "\1", 1, 0);
    say(3, 1, false);
    const uint64_t end_ms = peer_loop_now_ms() + DEADLINE_MS;
    while (!rogue_heard(&rogue) && peer_loop_now_ms() < end_ms) {
        say(3, 1, false);
        assert_int_equal(peer_loop_turn(loop, 1), CONCLAVE_OK);
    }
    assert_true(peer_loop_now_ms() < end_ms);
    assert_false(happened(&rogue, ZMQ_EVENT_DISCONNECTED)); /* eight are no reason */
    rogue_ends(&rogue);
    assert_int_equal(c.core->downs, 0);
}

static void
a_key_that_was_expelled_before_it_said_a_word_is_cut_at_the_first(void **state)
{
    (void)state;
    open_xpub();
    at_xpub(admit, &b);
    at_xpub(admit, &c);
    dial_it(&c, 7);
    hears(&c);
    struct rogue rogue = rogue_is_up();
    at_xpub(expel, &b);
    rogue_says(&rogue, "\1", 1, 0);
    until(&rogue, ZMQ_EVENT_DISCONNECTED);
    hears(&c);
    assert_false(rogue_heard(&rogue));
    rogue_ends(&rogue);
}

static void
another_connection_of_a_key_takes_the_place_of_the_first(void **state)
{
    (void)state;
    open_xpub();
    at_xpub(admit, &b);
    dial_it(&b, 7);
    hears(&b);
    struct rogue again = rogue_is_up();
    rogue_says(&again, "\1", 1, 0);
    UNTIL(b.core->downs == 1);
    rogue_ends(&again);
}

static size_t
resident_bytes(void)
{
    unsigned long total = 0, pages = 0;
    FILE *const statm = fopen("/proc/self/statm", "r");
    assert_non_null(statm);
    assert_int_equal(fscanf(statm, "%lu %lu", &total, &pages), 2);
    fclose(statm);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Publishes 120 MB; who reads gets all of it. */
static void
publish_much(const struct peer *reader)
{
    for (uint32_t at = 1; at < 30000; at += 100) {
        say(at, 100, true);
        if (reader != NULL)
            comes(reader, at + 99);
    }
}

static void
a_stopped_subscriber_holds_up_nobody_and_costs_a_bounded_amount(void **state)
{
    (void)state;
    open_xpub();
    publish_much(NULL); /* for nobody */
    at_xpub(admit, &b);
    at_xpub(admit, &c);
    dial_it(&c, 7);
    hears(&c);
    struct rogue stopped = rogue_dials(1);
    until(&stopped, ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
    rogue_says(&stopped, "\1", 1, 0);
    const size_t before = resident_bytes();
    publish_much(&c);
#ifdef __SANITIZE_ADDRESS__
    (void)before; /* it keeps what was freed for a while */
#else
    assert_true(resident_bytes() < before + (24u << 20));
#endif
    assert_false(happened(&stopped, ZMQ_EVENT_DISCONNECTED));
    rogue_ends(&stopped);
}

static void
a_message_without_an_end_is_cut_by_the_watchdog(void **state)
{
    (void)state;
    char part[900];
    memset(part, 'x', sizeof part);
    close_peer(&a); /* a again, with a watchdog */
    memset(&a, 0, sizeof a);
    watched = true;
    open_peer(&a, NULL, true);
    watched = false;
    open_xpub();
    at_xpub(admit, &b);
    struct rogue rogue = rogue_is_up();
    for (unsigned i = 0; i < 100000; i++)
        rogue_says(&rogue, part, sizeof part, ZMQ_SNDMORE);
    rogue_says(&rogue, part, 1, 0);
    /* a does not turn, so that nobody reads: the watchdog alone sees it */
    zmq_pollitem_t item = {zsock_resolve(rogue.monitor), 0, ZMQ_POLLIN, 0};
    assert_int_equal(zmq_poll(&item, 1, (long)DEADLINE_MS), 1);
    assert_true(happened(&rogue, ZMQ_EVENT_DISCONNECTED));
    rogue_ends(&rogue);
}

static int
set_up_three(void **state)
{
    memset(&c, 0, sizeof c);
    if (set_up(state) != 0)
        return -1;
    open_peer(&c, NULL, true);
    return 0;
}

static int
tear_down_three(void **state)
{
    close_peer(&c);
    return tear_down(state);
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up_three, tear_down_three)
    const struct CMUnitTest tests[] = {
        TEST(what_is_published_reaches_all_who_are_admitted_in_order),
        TEST(who_is_not_admitted_there_is_refused_and_counted),
        TEST(who_is_expelled_is_cut_and_gets_nothing_more),
        TEST(an_xpub_that_is_dropped_leaves_its_port_to_the_next),
        TEST(a_peer_without_an_inbound_socket_has_no_xpub),
        TEST(who_says_more_than_a_subscriber_may_is_cut),
        TEST(a_key_that_was_expelled_before_it_said_a_word_is_cut_at_the_first),
        TEST(another_connection_of_a_key_takes_the_place_of_the_first),
        TEST(a_stopped_subscriber_holds_up_nobody_and_costs_a_bounded_amount),
        TEST(a_message_without_an_end_is_cut_by_the_watchdog),
    };
    if (msg_keys_init() != CONCLAVE_OK || host_curve_init(1) != CONCLAVE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
