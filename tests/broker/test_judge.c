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

/* With and without libpwquality: it does not look. */
static void
what_cannot_be_seen_is_refused(void **state)
{
    static const char *const unseen[] = {
        "correct horse\tbattery 42",          /* a tab */
        "correct horse battery 42\r",         /* the end of a line of a file from elsewhere */
        "correct horse\nbattery 42",
        "\x1b[31mcorrect horse 42",           /* what a terminal obeys */
        "correct horse\177battery 42",        /* delete */
        "correct horse \xc2\x85 battery 42",    /* a control of the upper block */
        "correct horse \u2028 battery 42",    /* line separator */
        "correct horse \u2029 battery 42",    /* paragraph separator */
        "correct horse \u061c battery 42",    /* bidi: Arabic letter mark */
        "correct horse \u200e battery 42",    /* left-to-right mark */
        "correct horse \u202e battery 42",    /* right-to-left override */
        "correct horse \u2066 battery 42",    /* isolate */
        "correct horse battery 42\u2069",
    };
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++)
        for (int quality = 0; quality <= 1; quality++) {
            assert_int_equal(judge(8, quality == 1, unseen[i], why), CONCLAVE_ERR_WEAK_PASSWORD);
            assert_non_null(strstr(why, "control characters"));
        }
}

static void
what_people_type_is_not_taken_for_unseen(void **state)
{
    static const char *const typed[] = {
        "عبارة مرور طويلة 42",              /* right to left by itself */
        "می\u200cخواهم بروم 42",             /* a non-joiner, as Persian is written */
        "correct 👩\u200d💻 battery 42",     /* an emoji that is joined */
        "correct\u00a0horse battery 42",    /* a space of another kind */
    };
    char why[256];

    (void)state;
    for (size_t i = 0; i < sizeof typed / sizeof *typed; i++)
        assert_int_equal(judge(8, false, typed[i], why), CONCLAVE_OK);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_password_is_good),
        cmocka_unit_test(weak_ones_are_refused_with_the_reason),
        cmocka_unit_test(length_counts_characters_and_follows_the_operator),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(what_cannot_be_seen_is_refused),
        cmocka_unit_test(what_people_type_is_not_taken_for_unseen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
