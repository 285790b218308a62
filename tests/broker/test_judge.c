/* Proves broker/judge.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "broker/judge.h"

static enum conclave_err
judge(uint64_t min, bool quality, const char *password, char why[256])
{
    struct broker_judge *self = broker_judge_new(min, quality);

    assert_non_null(self);
    why[0] = '\0';
    const enum conclave_err err =
        broker_judge_password(self, msg_text("alice"), msg_text(password), why);
    broker_judge_destroy(&self);
    assert_null(self);
    return err;
}

static void
a_good_password_is_good(void **state)
{
    char why[256];

    (void)state;
    assert_int_equal(judge(8, true, "correct horse battery 42", why), CONCLAVE_OK);
    assert_int_equal(judge(8, true, "Fußgängerübergänge!7", why), CONCLAVE_OK);
}

static void
weak_ones_are_refused_with_the_reason(void **state)
{
    static const char *const weak[] = {"", "short", "password", "aaaaaaaaaaaa", "alice123alice", "12345678"};
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof weak / sizeof *weak; i++) {
        assert_int_equal(judge(8, true, weak[i], why), CONCLAVE_ERR_WEAK_PASSWORD);
        assert_true(strlen(why) > 20);
    }
}

static void
length_counts_characters_and_follows_the_operator(void **state)
{
    char why[256];

    (void)state;
    assert_int_equal(judge(8, false, "üüüüüüü", why), CONCLAVE_ERR_WEAK_PASSWORD);
    assert_non_null(strstr(why, "at least 8"));
    assert_int_equal(judge(8, false, "password", why), CONCLAVE_OK);
    assert_int_equal(judge(30, true, "correct horse battery 42", why), CONCLAVE_ERR_WEAK_PASSWORD);
}

static void
bytes_that_are_no_text_are_refused(void **state)
{
    char why[256];
    struct broker_judge *self = broker_judge_new(8, true);

    (void)state;
    assert_int_equal(broker_judge_password(self, msg_text("alice"),
                                           (struct msg_text){"good Enough 4\0x", 15}, why),
                     CONCLAVE_ERR_WEAK_PASSWORD);
    assert_int_equal(judge(8, true, "\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8\xf7", why),
                     CONCLAVE_ERR_WEAK_PASSWORD);
    broker_judge_destroy(&self);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_password_is_good),
        cmocka_unit_test(weak_ones_are_refused_with_the_reason),
        cmocka_unit_test(length_counts_characters_and_follows_the_operator),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
