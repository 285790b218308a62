/* Proves peer/node, peer/intake, peer/conns and peer/admit: links between two
 * peers come up, carry frames, and end, and nobody comes in uninvited. */
#include "tests/peer/fake_core.h"

#include "peer/inner.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static void admit(struct msg_effects *out) { msg_effects_admit(out, &args.key); }
static void expel(struct msg_effects *out) { msg_effects_expel(out, &args.key); }
static void dial(struct msg_effects *out) { msg_effects_dial(out, args.link, &args.key, msg_text(args.endpoint)); }
static void drop(struct msg_effects *out) { msg_effects_drop(out, args.link); }

#define LONG_BYTES 8000u /* more than a frame that is told first */

static void
say(struct msg_effects *out)
{
    static uint8_t frame[sizeof args.number + LONG_BYTES];
    for (uint32_t i = 0; i < args.count; i++) {
        const uint32_t number = args.number + i;
        memcpy(frame, &number, sizeof number);
        msg_effects_send_bytes(out, args.link, msg_span(frame, sizeof number + args.pad));
    }
}

/* b dials a under number 7; up on b's side. */
static void
connect_b_to_a(void)
{
    args.key = b.identity.transport;
    ask(&a, admit);
    args.key = a.identity.transport;
    args.endpoint = a.endpoint;
    args.link = 7;
    ask(&b, dial);
    UNTIL(b.core->ups == 1);
    assert_int_equal(b.core->link, 7);
}

static void
talk(struct peer *from, uint64_t link, uint32_t number, uint32_t count)
{
    args.link = link;
    args.number = number;
    args.count = count;
    ask(from, say);
}

static void
a_dialled_link_carries_frames_both_ways_and_says_whose_it_is(void **state)
{
    (void)state;
    connect_b_to_a();
    assert_memory_equal(&b.core->key, &a.identity.transport, sizeof b.core->key);
    talk(&b, 7, 1, 1);
    UNTIL(a.core->frames == 1);
    assert_int_equal(a.core->ups, 1);
    assert_true(a.core->link >= PEER_LINK_ACCEPTED);
    assert_memory_equal(&a.core->key, &b.identity.transport, sizeof a.core->key);
    assert_string_equal(a.core->source, "127.0.0.1");
    talk(&a, a.core->link, 2, 1);
    UNTIL(b.core->frames == 1);
    assert_int_equal(b.core->got[0], 2);
}

static void
what_is_sent_comes_once_and_in_order(void **state)
{
    (void)state;
    connect_b_to_a();
    for (uint32_t at = 0; at < 2000; at += 500) {
        talk(&b, 7, at, 500);
        UNTIL(a.core->frames == at + 500);
    }
    for (uint32_t i = 0; i < 2000; i++)
        assert_int_equal(a.core->got[i], i);
}

static void
frames_that_answer_frames_are_all_seen(void **state)
{
    (void)state;
    connect_b_to_a();
    a.core->echo = b.core->echo = true;
    talk(&b, 7, 9, 1);
    UNTIL(a.core->frames > 2000);
}

/* The same with frames that are read together: what is sent in answer to the
 * first hides nothing that comes meanwhile. */
static void
long_frames_that_answer_frames_are_all_seen(void **state)
{
    (void)state;
    const size_t enough = getenv("CONCLAVE_TEST_WRAP") == NULL ? 20000 : 500; /* under valgrind each takes long */
    connect_b_to_a();
    a.core->echo = b.core->echo = true;
    args.pad = LONG_BYTES;
    talk(&b, 7, 9, 2);
    UNTIL(a.core->frames > enough);
    args.pad = 0;
}

/* Whoever said it would find out by a time-out that it was not taken. */
static void
no_more_is_read_than_there_is_room_for_before_the_disk_has_it(void **state)
{
    (void)state;
    connect_b_to_a();
    a.core->room = b.core->room = 20;
    args.pad = LONG_BYTES;
    talk(&b, 7, 0, 500);
    UNTIL(a.core->frames == 500);
    assert_in_range(a.core->unsynced_most, 1, 20);
    talk(&a, a.core->link, 0, 500);
    UNTIL(b.core->frames == 500);
    assert_in_range(b.core->unsynced_most, 1, 20 + PEER_BURST); /* read together */
    args.pad = 0;
}

/* Both ends work at the same time. */
static void
what_was_read_is_told_before_very_much_is_read(void **state)
{
    const uint32_t enough = 196608 / LONG_BYTES + 1;
    (void)state;
    connect_b_to_a();
    a.core->room = b.core->room = 100000;
    args.pad = LONG_BYTES;
    talk(&b, 7, 0, 500);
    UNTIL(a.core->frames == 500);
    assert_in_range(a.core->unsynced_most, 1, enough);
    talk(&a, a.core->link, 0, 500);
    UNTIL(b.core->frames == 500);
    assert_in_range(b.core->unsynced_most, 1, enough + PEER_BURST); /* read together */
    args.pad = 0;
}

static void
a_stranger_is_refused_at_the_handshake(void **state)
{
    (void)state;
    args.key = a.identity.transport;
    args.endpoint = a.endpoint;
    args.link = 7;
    ask(&b, dial);
    UNTIL(b.core->downs == 1);
    assert_int_equal(b.core->why, CONCLAVE_ERR_UNKNOWN_KEY);
    assert_int_equal(b.core->ups, 0);
    assert_int_equal(a.core->ups, 0);
}

static void
another_key_than_the_pinned_one_is_refused(void **state)
{
    (void)state;
    args.key = b.identity.transport;
    ask(&a, admit);
    args.endpoint = a.endpoint; /* a's address, b's key */
    args.link = 7;
    ask(&b, dial);
    UNTIL(b.core->downs == 1);
    assert_int_equal(b.core->why, CONCLAVE_ERR_UNKNOWN_KEY);
}

static void
nobody_there_is_unreachable(void **state)
{
    (void)state;
    char endpoint[64];
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    const int fd = socket(AF_INET, SOCK_STREAM, 0); /* has a port and does not listen */
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", ntohs(addr.sin_port));
    args.key = a.identity.transport;
    args.endpoint = endpoint;
    args.link = 7;
    ask(&b, dial);
    UNTIL(b.core->downs == 1);
    assert_int_equal(b.core->why, CONCLAVE_ERR_REGISTRY_UNREACHABLE);
    args.endpoint = "no such place";
    args.link = 8;
    ask(&b, dial);
    UNTIL(b.core->downs == 2);
    assert_int_equal(b.core->why, CONCLAVE_ERR_REGISTRY_UNREACHABLE);
    close(fd);
}

static void
an_expelled_key_is_cut_off_and_stays_out(void **state)
{
    (void)state;
    connect_b_to_a();
    talk(&b, 7, 1, 1);
    UNTIL(a.core->frames == 1);
    args.key = b.identity.transport;
    ask(&a, expel);
    assert_int_equal(a.core->downs, 1);
    UNTIL(b.core->downs == 1);
    assert_int_equal(b.core->why, CONCLAVE_OK);
    args.key = a.identity.transport;
    args.endpoint = a.endpoint;
    args.link = 8;
    ask(&b, dial);
    UNTIL(b.core->downs == 2);
    assert_int_equal(b.core->why, CONCLAVE_ERR_UNKNOWN_KEY);
    assert_int_equal(a.core->frames, 1);
}

static void
a_key_expelled_before_its_first_frame_is_not_heard(void **state)
{
    (void)state;
    connect_b_to_a();
    args.key = b.identity.transport;
    ask(&a, expel);
    talk(&b, 7, 1, 1);
    UNTIL(b.core->downs == 1);
    assert_int_equal(a.core->ups, 0);
    assert_int_equal(a.core->frames, 0);
}

static void
a_link_that_is_dropped_ends_for_the_other_side(void **state)
{
    (void)state;
    connect_b_to_a();
    talk(&b, 7, 1, 1);
    UNTIL(a.core->frames == 1);
    args.link = a.core->link;
    ask(&a, drop);
    UNTIL(b.core->downs == 1);
    assert_int_equal(a.core->downs, 0); /* it was a's own wish */
    talk(&a, a.core->link, 2, 1);
    talk(&b, 7, 2, 1);
    assert_int_equal(peer_loop_turn(loop, 0), CONCLAVE_OK);
    assert_int_equal(a.core->frames, 1);
}

static void
an_accepted_link_that_ended_is_noticed(void **state)
{
    (void)state;
    connect_b_to_a();
    talk(&b, 7, 1, 1);
    UNTIL(a.core->frames == 1);
    args.link = 7;
    ask(&b, drop);
    UNTIL(a.core->downs == 1); /* nothing is sent: the sweep finds it */
}

static void
a_send_to_a_link_that_ended_is_answered_with_its_end(void **state)
{
    (void)state;
    connect_b_to_a();
    talk(&b, 7, 1, 1);
    UNTIL(a.core->frames == 1);
    args.link = 7;
    ask(&b, drop);
    const uint64_t end_ms = peer_loop_now_ms() + 2000; /* before the sweep would */
    while (a.core->downs == 0 && peer_loop_now_ms() < end_ms) {
        talk(&a, a.core->link, 2, 1);
        assert_int_equal(peer_loop_turn(loop, 1), CONCLAVE_OK);
    }
    assert_int_equal(a.core->downs, 1);
}

static void
messages_of_many_parts_end_the_connection(void **state)
{
    (void)state;
    struct host_dial *rogue;
    args.key = b.identity.transport;
    ask(&a, admit);
    assert_int_equal(host_dial_open(&rogue, msg_text(a.endpoint), &a.identity.transport, &b.identity.transport,
                                    &b.identity.transport_sec, MSG_SOCKET_MAX), CONCLAVE_OK);
    UNTIL(host_dial_state(rogue) == HOST_DIAL_UP);
    void *const raw = zsock_resolve(host_dial_socket(rogue));
    assert_int_equal(zmq_send(raw, "1234", 4, 0), 4);
    UNTIL(a.core->frames == 1);
    assert_int_equal(zmq_send(raw, "1234", 4, ZMQ_SNDMORE), 4);
    assert_int_equal(zmq_send(raw, "1234", 4, 0), 4);
    UNTIL(a.core->downs == 1);
    assert_int_equal(a.core->frames, 1);
    UNTIL(host_dial_state(rogue) == HOST_DIAL_DOWN);
    host_dial_close(&rogue, 0);
}

/* A link with a's inbound socket that claims a routing id. */
static zsock_t *
claim(const struct peer_identity *who, uint64_t link)
{
    uint8_t id[5];
    char endpoint[80];
    zsock_t *const socket = zsock_new(ZMQ_DEALER);
    void *const raw = zsock_resolve(socket);
    for (size_t i = 0; i < sizeof id; i++)
        id[i] = (uint8_t)(link >> (8 * (sizeof id - 1 - i)));
    (void)snprintf(endpoint, sizeof endpoint, "tcp://%s", a.endpoint);
    zsock_set_linger(socket, 0);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_ROUTING_ID, id, sizeof id), 0);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, a.identity.transport.at, 32), 0);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, who->transport.at, 32), 0);
    assert_int_equal(zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, who->transport_sec.at, 32), 0);
    assert_int_equal(zmq_connect(raw, endpoint), 0);
    assert_int_equal(zmq_send(raw, "evil", 4, 0), 4);
    return socket;
}

static void
who_claims_the_routing_id_of_a_link_that_ended_is_not_heard_as_its_peer(void **state)
{
    (void)state;
    struct peer_identity rogue;
    zsock_t *socket = NULL;
    msg_keys_new_box(&rogue.transport, &rogue.transport_sec);
    args.key = rogue.transport;
    ask(&a, admit);
    connect_b_to_a();
    talk(&b, 7, 1, 1);
    UNTIL(a.core->frames == 1);
    const uint64_t link = a.core->link;
    args.link = 7;
    ask(&b, drop);
    /* while libzmq still has the former one, a claim is never read: again */
    const uint64_t end_ms = peer_loop_now_ms() + 2000; /* before the sweep finds the end */
    for (int turn = 0; a.core->frames == 1 && peer_loop_now_ms() < end_ms; turn++) {
        if (turn % 50 == 0) {
            zsock_destroy(&socket);
            socket = claim(&rogue, link & 0xffffffffffu);
        }
        assert_int_equal(peer_loop_turn(loop, 1), CONCLAVE_OK);
    }
    zsock_destroy(&socket);
    assert_int_equal(a.core->frames, 2);
    assert_int_equal(a.core->downs, 1);
    assert_int_equal(a.core->ups, 2);
    assert_int_equal(a.core->link, link);
    assert_memory_equal(&a.core->key, &rogue.transport, sizeof rogue.transport);
}

int
main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_dialled_link_carries_frames_both_ways_and_says_whose_it_is),
        TEST(what_is_sent_comes_once_and_in_order),
        TEST(frames_that_answer_frames_are_all_seen),
        TEST(long_frames_that_answer_frames_are_all_seen),
        TEST(no_more_is_read_than_there_is_room_for_before_the_disk_has_it),
        TEST(what_was_read_is_told_before_very_much_is_read),
        TEST(a_stranger_is_refused_at_the_handshake),
        TEST(another_key_than_the_pinned_one_is_refused),
        TEST(nobody_there_is_unreachable),
        TEST(an_expelled_key_is_cut_off_and_stays_out),
        TEST(a_key_expelled_before_its_first_frame_is_not_heard),
        TEST(a_link_that_is_dropped_ends_for_the_other_side),
        TEST(an_accepted_link_that_ended_is_noticed),
        TEST(a_send_to_a_link_that_ended_is_answered_with_its_end),
        TEST(messages_of_many_parts_end_the_connection),
        TEST(who_claims_the_routing_id_of_a_link_that_ended_is_not_heard_as_its_peer),
    };
    if (msg_keys_init() != CONCLAVE_OK || host_curve_init(1) != CONCLAVE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
