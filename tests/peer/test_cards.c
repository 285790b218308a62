/* The cache of certificates: keys are pinned, new ones of a device taken, and
 * the one used longest ago makes room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer/tables/cards.h"
#include "peer/tables/tables.h"

#define CARDS 4u

static struct peer_cards cards;
static struct msg_effects out;

static int
set_up(void **state)
{
    (void)state;
    msg_effects_init(&out);
    return peer_cards_init(&cards, CARDS) ? 0 : -1;
}

static int
tear_down(void **state)
{
    (void)state;
    peer_cards_wipe(&cards);
    msg_effects_wipe(&out);
    return 0;
}

static struct msg_cert
cert_of(uint64_t account, uint64_t device, uint64_t serial, uint8_t key)
{
    struct msg_cert cert = {.serial = serial, .account = account, .device = device};
    memset(&cert.sign, key, sizeof cert.sign);
    memset(&cert.transport, key, sizeof cert.transport);
    return cert;
}

static enum conclave_err
take(uint64_t account, uint64_t device, uint64_t serial, uint8_t key)
{
    static const uint8_t bytes[] = "a certificate";
    bool written;
    const struct msg_cert cert = cert_of(account, device, serial, key);
    const enum conclave_err err = peer_cards_take(&cards, &cert, msg_span(bytes, sizeof bytes), &out, &written);
    return err == CONCLAVE_OK && !written ? CONCLAVE_ERR_REPLAY : err;
}

static size_t
effects(enum msg_effect_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < out.count; i++)
        count += out.list[i].kind == kind && out.list[i].table == PEER_TABLE_CARDS;
    return count;
}

static void
a_device_keeps_its_keys(void **state)
{
    (void)state;
    assert_int_equal(take(7, 1, 5, 0xaa), CONCLAVE_OK);
    assert_int_equal(take(7, 1, 6, 0xbb), CONCLAVE_ERR_PEER_KEY_CHANGED);
    assert_int_equal(peer_cards_find(&cards, 7, 1)->cert.sign.at[0], 0xaa);
    assert_int_equal(take(7, 2, 6, 0xbb), CONCLAVE_OK); /* another device */
    struct msg_cert half = cert_of(7, 1, 9, 0xaa);
    half.transport.at[3] ^= 1;
    bool written;
    assert_int_equal(peer_cards_take(&cards, &half, msg_span("x", 1), &out, &written), CONCLAVE_ERR_PEER_KEY_CHANGED);
}

static void
a_newer_certificate_is_taken_and_an_older_one_is_not(void **state)
{
    (void)state;
    assert_int_equal(take(7, 1, 5, 0xaa), CONCLAVE_OK);
    assert_int_equal(take(7, 1, 4, 0xaa), CONCLAVE_ERR_REPLAY);
    assert_int_equal(take(7, 1, 5, 0xaa), CONCLAVE_ERR_REPLAY);
    assert_int_equal(take(7, 1, 6, 0xaa), CONCLAVE_OK);
    assert_int_equal(peer_cards_find(&cards, 7, 1)->cert.serial, 6);
    assert_int_equal(effects(EFFECT_PUT), 2);
}

static void
the_devices_of_an_account_are_found_together(void **state)
{
    (void)state;
    assert_int_equal(take(7, 1, 1, 1), CONCLAVE_OK);
    assert_int_equal(take(8, 1, 2, 2), CONCLAVE_OK);
    assert_int_equal(take(7, 2, 3, 3), CONCLAVE_OK);
    uint64_t devices = 0;
    for (const struct peer_card *card = NULL; (card = peer_cards_next(&cards, 7, card)) != NULL;) {
        assert_int_equal(card->cert.account, 7);
        devices += card->cert.device;
    }
    assert_int_equal(devices, 1 + 2);
    assert_null(peer_cards_next(&cards, 9, NULL));
}

static void
the_one_used_longest_ago_makes_room(void **state)
{
    (void)state;
    for (uint64_t account = 1; account <= CARDS; account++)
        assert_int_equal(take(account, 1, 1, 1), CONCLAVE_OK);
    assert_non_null(peer_cards_find(&cards, 1, 1)); /* used: 2 is the oldest now */
    assert_int_equal(take(9, 1, 1, 1), CONCLAVE_OK);
    assert_null(peer_cards_find(&cards, 2, 1));
    assert_non_null(peer_cards_find(&cards, 1, 1));
    assert_non_null(peer_cards_find(&cards, 9, 1));
    assert_int_equal(effects(EFFECT_DELETE), 1);
}

static void
a_dropped_card_is_gone_with_its_record_and_its_place_is_free(void **state)
{
    (void)state;
    for (int turn = 0; turn < 3; turn++) {
        for (uint64_t account = 1; account <= CARDS; account++)
            assert_int_equal(take(account, 1, 1, 1), CONCLAVE_OK);
        for (uint64_t account = 1; account <= CARDS; account++) {
            assert_true(peer_cards_drop(&cards, account, 1, &out));
            assert_null(peer_cards_find(&cards, account, 1));
            assert_false(peer_cards_drop(&cards, account, 1, &out));
        }
    }
    assert_int_equal(effects(EFFECT_DELETE), 3 * CARDS); /* none made room for another */
    assert_int_equal(take(1, 1, 1, 2), CONCLAVE_OK);     /* and its pin is gone */
    peer_cards_clear(&cards, &out);
    assert_null(peer_cards_find(&cards, 1, 1));
    assert_int_equal(effects(EFFECT_DELETE), 3 * CARDS + 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_device_keeps_its_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_certificate_is_taken_and_an_older_one_is_not, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_devices_of_an_account_are_found_together, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_one_used_longest_ago_makes_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dropped_card_is_gone_with_its_record_and_its_place_is_free, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
