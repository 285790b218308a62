/* Proves msg/keys.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "msg/keys.h"
#include "tests/msg/gen.h"

static struct msg_span
bytes(const char *z)
{
    return msg_span(z, strlen(z));
}

static void
a_signature_verifies_under_its_key_domain_and_body_alone(void **unused)
{
    (void)unused;
    struct msg_sign_pub pub;
    struct msg_sign_pub other;
    struct msg_sign_sec sec;
    struct msg_sig sig;
    msg_keys_new_sign(&other, &sec);
    msg_keys_new_sign(&pub, &sec);
    msg_keys_sign(&sig, "domain 1", bytes("body"), &sec);
    assert_int_equal(msg_keys_verify(&sig, "domain 1", bytes("body"), &pub), CONCLAVE_OK);
    assert_int_equal(msg_keys_verify(&sig, "domain 2", bytes("body"), &pub),
                     CONCLAVE_ERR_SIGNATURE);
    assert_int_equal(msg_keys_verify(&sig, "domain 1", bytes("Body"), &pub),
                     CONCLAVE_ERR_SIGNATURE);
    assert_int_equal(msg_keys_verify(&sig, "domain 1", bytes("body"), &other),
                     CONCLAVE_ERR_SIGNATURE);
    for (size_t i = 0; i < sizeof sig.at; i++) {
        struct msg_sig bad = sig;
        bad.at[i] ^= 1;
        assert_int_equal(msg_keys_verify(&bad, "domain 1", bytes("body"), &pub),
                         CONCLAVE_ERR_SIGNATURE);
    }
}

static void
bytes_do_not_move_between_domain_and_body(void **unused)
{
    (void)unused;
    struct msg_sign_pub pub;
    struct msg_sign_sec sec;
    struct msg_sig sig;
    uint8_t a[32];
    uint8_t b[32];
    msg_keys_new_sign(&pub, &sec);
    msg_keys_sign(&sig, "ab", bytes("c"), &sec);
    assert_int_equal(msg_keys_verify(&sig, "a", bytes("bc"), &pub), CONCLAVE_ERR_SIGNATURE);
    msg_keys_hash(a, sizeof a, "ab", bytes("c"));
    msg_keys_hash(b, sizeof b, "a", bytes("bc"));
    assert_memory_not_equal(a, b, sizeof a);
}

static void
an_empty_body_and_the_longest_one_are_signed(void **unused)
{
    (void)unused;
    static uint8_t body[MSG_SOCKET_MAX + 1];
    struct msg_sign_pub pub;
    struct msg_sign_sec sec;
    struct msg_sig sig;
    msg_keys_new_sign(&pub, &sec);
    msg_keys_sign(&sig, "domain", (struct msg_span){0}, &sec);
    assert_int_equal(msg_keys_verify(&sig, "domain", (struct msg_span){0}, &pub), CONCLAVE_OK);
    msg_keys_sign(&sig, "domain", msg_span(body, MSG_SOCKET_MAX), &sec);
    assert_int_equal(msg_keys_verify(&sig, "domain", msg_span(body, MSG_SOCKET_MAX), &pub),
                     CONCLAVE_OK);
    assert_int_equal(msg_keys_verify(&sig, "domain", msg_span(body, 1u << 30), &pub),
                     CONCLAVE_ERR_SIGNATURE);
}

static void
public_keys_follow_from_secret_ones(void **unused)
{
    (void)unused;
    struct msg_sign_pub sign;
    struct msg_sign_pub sign_again;
    struct msg_sign_sec sign_sec;
    struct msg_box_pub box;
    struct msg_box_pub box_again;
    struct msg_box_sec box_sec;
    msg_keys_new_sign(&sign, &sign_sec);
    msg_keys_sign_pub_of(&sign_again, &sign_sec);
    assert_memory_equal(&sign, &sign_again, sizeof sign);
    msg_keys_new_box(&box, &box_sec);
    msg_keys_box_pub_of(&box_again, &box_sec);
    assert_memory_equal(&box, &box_again, sizeof box);
}

/* The client's pair of the zmq_curve manual page, in hex. */
static void
a_transport_key_is_a_curve_key(void **unused)
{
    (void)unused;
    struct msg_box_sec sec;
    struct msg_box_pub pub;
    char hex[MSG_BOX_HEX + 1];
    assert_int_equal(
        msg_keys_from_hex(
            sec.at, sizeof sec.at,
            msg_text("7bb864b489afa3671fbe69101f94b38972f24816dfb01b51656b3fec8dfd0888")),
        CONCLAVE_OK);
    msg_keys_box_pub_of(&pub, &sec);
    msg_keys_to_hex(hex, pub.at, sizeof pub.at);
    assert_string_equal(hex, "bb88471d65e2659b30c55a5321cebb5aab2b70a398645c26dca2b2fcb43fc518");
}

static void
a_lock_opens_with_its_key_and_what_it_is_about(void **unused)
{
    (void)unused;
    struct msg_sym_key key;
    uint8_t at[256];
    uint8_t plain[64];
    msg_keys_random(key.at, sizeof key.at);
    for (size_t len = 0; len <= 40; len += 20) {
        struct msg_buf out = {at, 0, sizeof at};
        struct msg_buf got = {plain, 0, sizeof plain};
        assert_int_equal(msg_keys_lock(&out,
                                       msg_span("0123456789012345678901234567890123456789", len),
                                       bytes("about"), &key),
                         CONCLAVE_OK);
        assert_int_equal(out.len, len + MSG_LOCK_BYTES);
        assert_int_equal(msg_keys_unlock(&got, msg_span_of_buf(&out), bytes("About"), &key),
                         CONCLAVE_ERR_SEAL);
        for (size_t i = 0; i < out.len; i++) {
            at[i] ^= 0x40;
            assert_int_equal(msg_keys_unlock(&got, msg_span_of_buf(&out), bytes("about"), &key),
                             CONCLAVE_ERR_SEAL);
            at[i] ^= 0x40;
            assert_int_equal(msg_keys_unlock(&got, msg_span(at, i), bytes("about"), &key),
                             CONCLAVE_ERR_SEAL);
        }
        assert_int_equal(got.len, 0);
        assert_int_equal(msg_keys_unlock(&got, msg_span_of_buf(&out), bytes("about"), &key),
                         CONCLAVE_OK);
        assert_int_equal(got.len, len);
        assert_memory_equal(plain, "0123456789012345678901234567890123456789", len);
    }
}

static void
a_lock_without_room_changes_nothing(void **unused)
{
    (void)unused;
    struct msg_sym_key key;
    uint8_t at[MSG_LOCK_BYTES + 8];
    uint8_t plain[4] = {1, 2, 3, 4};
    struct msg_buf out = {at, 0, sizeof at};
    msg_keys_random(key.at, sizeof key.at);
    for (size_t cap = 0; cap < sizeof at; cap++) {
        struct msg_buf tight = {at, 0, cap};
        assert_int_equal(msg_keys_lock(&tight, bytes("12345678"), bytes(""), &key),
                         CONCLAVE_ERR_SPACE);
        assert_int_equal(tight.len, 0);
    }
    assert_int_equal(msg_keys_lock(&out, bytes("12345678"), bytes(""), &key), CONCLAVE_OK);
    struct msg_buf tight = {plain, 0, sizeof plain};
    assert_int_equal(msg_keys_unlock(&tight, msg_span_of_buf(&out), bytes(""), &key),
                     CONCLAVE_ERR_SPACE);
    assert_memory_equal(plain, "\1\2\3\4", 4);
}

static void
nonces_are_fresh_each_time(void **unused)
{
    (void)unused;
    struct msg_sym_key key = {{0}};
    uint8_t a[64];
    uint8_t b[64];
    struct msg_buf out_a = {a, 0, sizeof a};
    struct msg_buf out_b = {b, 0, sizeof b};
    assert_int_equal(msg_keys_lock(&out_a, bytes("same"), bytes(""), &key), CONCLAVE_OK);
    assert_int_equal(msg_keys_lock(&out_b, bytes("same"), bytes(""), &key), CONCLAVE_OK);
    assert_memory_not_equal(a, b, 24);
}

static void
hex_has_one_form(void **unused)
{
    (void)unused;
    uint8_t at[4];
    char hex[9];
    assert_int_equal(msg_keys_from_hex(at, 4, msg_text("00ff7f80")), CONCLAVE_OK);
    assert_memory_equal(at, "\x00\xff\x7f\x80", 4);
    msg_keys_to_hex(hex, at, 4);
    assert_string_equal(hex, "00ff7f80");
    const char *const bad[] = {"",         "00ff7f8",  "00ff7f800", "00FF7F80",
                               "00ff7f8g", "00ff 7f8", "0x00ff7f"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(msg_keys_from_hex(at, 4, msg_text(bad[i])), CONCLAVE_ERR_BAD_ARGUMENTS);
        assert_memory_equal(at, "\0\0\0\0", 4);
    }
}

static void
base64_has_one_form(void **unused)
{
    (void)unused;
    uint8_t at[4];
    char text[9];
    msg_keys_to_base64(text, sizeof text, "\xff\xfe\x00\x01", 4);
    assert_string_equal(text, "__4AAQ");
    assert_int_equal(msg_keys_from_base64(at, 4, msg_text(text)), CONCLAVE_OK);
    assert_memory_equal(at, "\xff\xfe\x00\x01", 4);
    const char *const bad[] = {"",       "__4AA",  "__4AAQ==", "__4AAQA",
                               "//4AAQ", "__4AAR", "__4A Q",   "__4AA\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(msg_keys_from_base64(at, 4, msg_text(bad[i])), CONCLAVE_ERR_BAD_ARGUMENTS);
}

static void
a_passphrase_gives_the_same_key_for_the_same_salt(void **unused)
{
    (void)unused;
    const uint8_t salt[16] = {1};
    const uint8_t other[16] = {2};
    struct msg_sym_key a;
    struct msg_sym_key b;
    struct msg_sym_key c;
    assert_int_equal(msg_keys_from_passphrase(&a, msg_text("open sesame"), salt), CONCLAVE_OK);
    assert_int_equal(msg_keys_from_passphrase(&b, msg_text("open sesame"), salt), CONCLAVE_OK);
    assert_int_equal(msg_keys_from_passphrase(&c, msg_text("open sesame"), other), CONCLAVE_OK);
    assert_true(msg_keys_equal(a.at, b.at, sizeof a.at));
    assert_false(msg_keys_equal(a.at, c.at, sizeof a.at));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_verifies_under_its_key_domain_and_body_alone),
        cmocka_unit_test(bytes_do_not_move_between_domain_and_body),
        cmocka_unit_test(an_empty_body_and_the_longest_one_are_signed),
        cmocka_unit_test(public_keys_follow_from_secret_ones),
        cmocka_unit_test(a_transport_key_is_a_curve_key),
        cmocka_unit_test(a_lock_opens_with_its_key_and_what_it_is_about),
        cmocka_unit_test(a_lock_without_room_changes_nothing),
        cmocka_unit_test(nonces_are_fresh_each_time),
        cmocka_unit_test(hex_has_one_form),
        cmocka_unit_test(base64_has_one_form),
        cmocka_unit_test(a_passphrase_gives_the_same_key_for_the_same_salt),
    };
    gen_seed(1);
    if (msg_keys_init() != CONCLAVE_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
