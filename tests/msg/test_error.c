/* Proves msg/error.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "msg/error.h"

static const enum conclave_err all[] = {
#define ONE(name, code, sentence) CONCLAVE_ERR_##name,
    CONCLAVE_ERRORS(ONE)
#undef ONE
};
#define COUNT (sizeof all / sizeof all[0])

static void
each_code_leads_back_to_its_error(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT; i++) {
        const char *const code = msg_error_code(all[i]);
        assert_int_equal(msg_error_from_code(code, strlen(code)), all[i]);
    }
}

static void
no_two_errors_share_a_code_or_a_sentence(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = i + 1; j < COUNT; j++) {
            assert_string_not_equal(msg_error_code(all[i]), msg_error_code(all[j]));
            assert_string_not_equal(msg_error_sentence(all[i]), msg_error_sentence(all[j]));
        }
    }
}

static void
codes_are_lower_case_words_and_sentences_end(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT; i++) {
        const char *const code = msg_error_code(all[i]);
        const char *const sentence = msg_error_sentence(all[i]);
        assert_int_equal(strspn(code, "abcdefghijklmnopqrstuvwxyz-"), strlen(code));
        assert_true(strlen(code) > 0 && strlen(code) <= 64);
        assert_true(strlen(sentence) > 0 && strlen(sentence) <= 512);
        assert_int_equal(sentence[strlen(sentence) - 1], '.');
    }
}

static void
an_unknown_code_is_internal(void **unused)
{
    (void)unused;
    assert_int_equal(msg_error_from_code("no-such-code", 12), CONCLAVE_ERR_INTERNAL);
    assert_int_equal(msg_error_from_code("", 0), CONCLAVE_ERR_INTERNAL);
    assert_int_equal(msg_error_from_code("busyness", 4), CONCLAVE_ERR_BUSY); /* the length counts */
    assert_int_equal(msg_error_from_code("bus", 3), CONCLAVE_ERR_INTERNAL);
}

static void
a_number_that_is_no_error_reads_as_internal(void **unused)
{
    (void)unused;
    assert_string_equal(msg_error_code((enum conclave_err)9999), "internal");
    assert_string_equal(msg_error_code((enum conclave_err) - 1), "internal");
    assert_string_equal(msg_error_sentence((enum conclave_err)COUNT),
                        msg_error_sentence(CONCLAVE_ERR_INTERNAL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_code_leads_back_to_its_error),
        cmocka_unit_test(no_two_errors_share_a_code_or_a_sentence),
        cmocka_unit_test(codes_are_lower_case_words_and_sentences_end),
        cmocka_unit_test(an_unknown_code_is_internal),
        cmocka_unit_test(a_number_that_is_no_error_reads_as_internal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
