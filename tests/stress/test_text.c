/* tools/stress/text: what is written is read, and no damaged byte passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/stress/text.h"

static const struct stress_text said = {12345, STRESS_PAIR, 678901234567, 0xfedcba9876543210};

static void
what_is_written_is_read(void **state)
{
    static const size_t sizes[] = {STRESS_TEXT_MIN, 65, 71, 72, 256, 1000, STRESS_TEXT_MAX};
    static char text[STRESS_TEXT_MAX + 1];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct stress_text got;
        text[sizes[i]] = '!';
        stress_text_write(text, sizes[i], &said);
        assert_int_equal(text[sizes[i]], '!');
        assert_true(stress_text_read(&got, text, sizes[i], sizes[i]));
        assert_int_equal(got.sender, said.sender);
        assert_int_equal(got.channel, said.channel);
        assert_int_equal(got.number, said.number);
        assert_true(got.intended_ns == said.intended_ns);
        for (size_t at = 0; at < sizes[i]; at++)
            assert_in_range(text[at], '0', 'z');
    }
}

static void
any_other_byte_is_noticed(void **state)
{
    char text[256];
    struct stress_text got;

    (void)state;
    for (size_t at = 0; at < sizeof text; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            stress_text_write(text, sizeof text, &said);
            text[at] = (char)(text[at] ^ 1 << bit);
            assert_false(stress_text_read(&got, text, sizeof text, sizeof text));
        }
}

static void
two_bytes_do_not_make_up_for_each_other(void **state)
{
    char text[256];
    struct stress_text got;

    (void)state;
    for (size_t at = 0; at + 8 < sizeof text; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            stress_text_write(text, sizeof text, &said);
            text[at] = (char)(text[at] ^ 1 << bit);
            text[at + 8] = (char)(text[at + 8] ^ 1 << bit);
            assert_false(stress_text_read(&got, text, sizeof text, sizeof text));
        }
}

static void
parts_that_changed_places_are_noticed(void **state)
{
    char text[256], part[8];
    struct stress_text got;

    (void)state;
    stress_text_write(text, sizeof text, &said);
    memcpy(part, text + 80, 8);
    memcpy(text + 80, text + 88, 8);
    memcpy(text + 88, part, 8);
    assert_false(stress_text_read(&got, text, sizeof text, sizeof text));
}

static void
another_length_is_noticed(void **state)
{
    char text[256];
    struct stress_text got;

    (void)state;
    stress_text_write(text, sizeof text, &said);
    assert_false(stress_text_read(&got, text, sizeof text - 1, sizeof text));
    assert_false(stress_text_read(&got, text, sizeof text - 1, sizeof text - 1));
    assert_false(stress_text_read(&got, text, 0, 0));
    stress_text_write(text, sizeof text - 6, &said); /* whole, but of another run */
    assert_false(stress_text_read(&got, text, sizeof text - 6, sizeof text));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(any_other_byte_is_noticed),
        cmocka_unit_test(two_bytes_do_not_make_up_for_each_other),
        cmocka_unit_test(parts_that_changed_places_are_noticed),
        cmocka_unit_test(another_length_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
