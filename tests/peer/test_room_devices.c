/* A device that somebody adds to their account, or the registry for them: the
 * members who hand it their keys are told, once. */
#include "tests/peer/room_rogue.h"

static struct msg_sign_sec other_sec;

/* Another device of an account, which the front lists from now on. */
static void
add_device(uint64_t who, uint64_t device)
{
    struct side *const side = &w.side[who];
    uint8_t body[MSG_CERT_MAX];
    struct msg_buf buf = {body, 0, sizeof body}, out = {side->more, 0, sizeof side->more};
    struct msg_sig sig;
    struct msg_box_sec sec;
    struct msg_cert_body cert = {.serial = 100 + device, .account = who, .device = device, .name = msg_text(NAMES[who]), .not_before_ms = 1, .not_after_ms = UINT64_MAX / 2};
    msg_keys_new_sign(&cert.sign, &other_sec);
    msg_keys_new_box(&cert.transport, &sec);
    msg_keys_new_box(&cert.mail, &sec);
    msg_cert_sign_mail(&cert.mail_sig, &cert.mail, &other_sec);
    assert_int_equal(msg_codec_encode(&buf, MSG_CERT, &cert), CONCLAVE_OK);
    assert_int_equal(msg_cert_sign(&sig, msg_span_of_buf(&buf), &w.signer_sec), CONCLAVE_OK);
    assert_int_equal(msg_cert_wrap(&out, msg_span_of_buf(&buf), &sig), CONCLAVE_OK);
    side->more_len = out.len;
}

/* It asks somebody for their key. */
static void
ask_as_other(uint64_t from, uint64_t device, uint64_t to, const struct msg_tag *key)
{
    static uint8_t at[4096];
    uint8_t inside[512];
    struct msg_buf batch = {inside, 0, sizeof inside}, out = {at, 0, sizeof at};
    const struct msg_room_ask ask = {w.room.id, w.room.epoch, to, 1, *key};
    struct msg_cert cert;
    struct msg_run run_out = {0};
    assert_int_equal(msg_codec_encode(&batch, MSG_ROOM_ASK, &ask), CONCLAVE_OK);
    assert_int_equal(msg_cert_open(&cert, msg_span(w.side[to].cert, w.side[to].cert_len), &w.signer), CONCLAVE_OK);
    assert_int_equal(msg_run_start(&run_out, &out, from, device, &other_sec, &cert, w.now.mono_ms), CONCLAVE_OK);
    assert_int_equal(msg_envelope_seal(&run_out, &out, msg_span_of_buf(&batch)), CONCLAVE_OK);
    const struct msg_mail letter = {.serial = ++w.serial, .account = from, .device = device, .certificate = msg_span(w.side[from].more, w.side[from].more_len),
                                    .posted_ms = 1, .frames = msg_span_of_buf(&out)};
    front_say(to, MSG_MAIL, &letter);
    run(1000);
}

static void
friends(void)
{
    create(ADA, 0);
    join(BOB);
    join(CAT);
}

/* Everybody is handed a new key. */
static void
new_epoch(void)
{
    act(ADA, MSG_ACT_KICK, CAT);
    join(CAT);
}

static void
a_new_device_is_told_once_to_who_hands_it_a_key(void **state)
{
    (void)state;
    friends();
    say(ADA, "one");
    add_device(BOB, 2);
    say(ADA, "two"); /* it is handed nothing yet */
    assert_int_equal(count(ADA, MSG_TELL_NOTICE), 0);
    new_epoch();
    say(ADA, "three");
    assert_int_equal(count(ADA, MSG_TELL_NOTICE), 1);
    const struct msg_tell_notice *notice = &told(ADA, MSG_TELL_NOTICE, 0)->MSG_ANY_TELL_NOTICE;
    assert_true(msg_text_equal(notice->name, msg_text("bob")));
    assert_true(msg_text_equal(notice->text, msg_text("bob has a new device (number 2) that nobody has confirmed; it is handed the keys of #Den.")));
    assert_int_equal(count(CAT, MSG_TELL_NOTICE), 0); /* she says nothing */
    new_epoch();
    say(ADA, "four");
    restart(ADA);
    new_epoch();
    say(ADA, "five");
    assert_int_equal(count(ADA, MSG_TELL_NOTICE), 1);
    add_device(BOB, 70); /* he has many in the end; the first one is no news */
    new_epoch();
    say(ADA, "six");
    new_epoch();
    say(ADA, "seven");
    assert_int_equal(count(ADA, MSG_TELL_NOTICE), 2);
}

static void
devices_that_were_there_at_first_are_no_news(void **state)
{
    (void)state;
    add_device(BOB, 7);
    friends();
    say(ADA, "one");
    new_epoch();
    say(ADA, "two");
    assert_int_equal(count(ADA, MSG_TELL_NOTICE), 0);
    add_device(BOB, 3); /* a number that was free until now */
    new_epoch();
    say(ADA, "three");
    assert_int_equal(count(ADA, MSG_TELL_NOTICE), 1);
}

static void
a_new_device_of_our_own_account_is_told(void **state)
{
    (void)state;
    friends();
    say(ADA, "one");
    add_device(ADA, 2);
    new_epoch();
    say(ADA, "two");
    assert_int_equal(count(ADA, MSG_TELL_NOTICE), 1);
    assert_memory_equal(told(ADA, MSG_TELL_NOTICE, 0)->MSG_ANY_TELL_NOTICE.text.at, "Your account has a new device (number 2)", 40);
}

static void
a_device_that_asks_for_a_key_is_told_as_well(void **state)
{
    (void)state;
    friends();
    say(ADA, "one");
    const struct msg_tag key = logged_frame(0).key;
    add_device(BOB, 2);
    const size_t boxed = w.side[BOB].heard[MSG_MAIL];
    ask_as_other(BOB, 2, ADA, &key);
    assert_int_equal(w.side[BOB].heard[MSG_MAIL], boxed + 1); /* it was answered */
    assert_int_equal(count(ADA, MSG_TELL_NOTICE), 1);
    new_epoch();
    say(ADA, "two");
    assert_int_equal(count(ADA, MSG_TELL_NOTICE), 1);
}

/* ---- places ---- */

/* A frame in the log that names some device, with a signature that is none of its. */
static void
log_frame_of(uint64_t account, uint64_t device)
{
    static uint8_t at[4096], again[4096];
    struct rogue made_up = rogue(BOB);
    struct msg_buf out = {again, 0, sizeof again};
    union msg_any any;
    enum msg_kind kind;
    assert_int_equal(msg_codec_decode(rogue_frame(&made_up, "noise", at), &kind, &any), CONCLAVE_OK);
    any.MSG_ANY_ROOM_FRAME.account = account;
    any.MSG_ANY_ROOM_FRAME.device = device;
    assert_int_equal(msg_codec_encode(&out, MSG_ROOM_FRAME, &any.MSG_ANY_ROOM_FRAME), CONCLAVE_OK);
    log_frame(BOB, msg_span_of_buf(&out));
}

static void
devices_that_nobody_knows_take_no_place_of_others(void **state)
{
    (void)state;
    friends();
    for (uint64_t device = 2; device <= 300; device++) /* there is room for 256 senders */
        log_frame_of(BOB, device);
    assert_in_range(records(ADA, PEER_TABLE_ROOM_IN), 1, MSG_DEVICE_COUNT);
    say(CAT, "hello");
    assert_shown(ADA, "cat: hello|");
    say(BOB, "and me");
    assert_shown(ADA, "cat: hello|bob: and me|");
}

static void
who_is_no_member_takes_no_place(void **state)
{
    (void)state;
    friends();
    for (uint64_t account = DAN; account <= 300; account++)
        log_frame_of(account, 1);
    assert_int_equal(records(ADA, PEER_TABLE_ROOM_IN), 0);
    say(CAT, "hello");
    assert_shown(ADA, "cat: hello|");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_device_is_told_once_to_who_hands_it_a_key),
        TEST(devices_that_were_there_at_first_are_no_news),
        TEST(a_new_device_of_our_own_account_is_told),
        TEST(a_device_that_asks_for_a_key_is_told_as_well),
        TEST(devices_that_nobody_knows_take_no_place_of_others),
        TEST(who_is_no_member_takes_no_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
