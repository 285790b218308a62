/* Claims about broker/monitor: which keys are allowed what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "broker/monitor.h"

#define A "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define B "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"

static struct broker_monitor_keys keys;
static char why[256];

static enum conclave_err
read_keys(const char *text)
{
    return broker_monitor_keys_read(&keys, msg_text(text), why, sizeof why);
}

static bool
admits(const char *hex, bool names)
{
    struct msg_box_pub key;

    assert_int_equal(msg_keys_from_hex(key.at, sizeof key.at, msg_text(hex)), CONCLAVE_OK);
    return broker_monitor_keys_admit(&keys, &key, names);
}

static void
names_are_for_keys_that_are_marked_so_and_figures_for_all(void **state)
{
    (void)state;
    assert_int_equal(read_keys("# who may look\n\n" A "\n  " B "\tnames  # the operator\r\n"), CONCLAVE_OK);
    assert_int_equal(keys.count, 2);
    assert_true(admits(A, false));
    assert_false(admits(A, true));
    assert_true(admits(B, false));
    assert_true(admits(B, true));
    assert_int_equal(read_keys(""), CONCLAVE_OK);
    assert_false(admits(A, false));
    assert_int_equal(read_keys("#" A "\n"), CONCLAVE_OK);
    assert_false(admits(A, false));
}

static void
a_line_that_is_no_key_is_named(void **state)
{
    static const char *const bad[] = {A "\n" A "a\n", A "\nhello\n", A "\n" B " name\n", A "\n" B " names too\n",
                                      A "\n" "zz" B "\n"};
    char many[(BROKER_MONITOR_KEYS + 1) * sizeof A] = "";

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(read_keys(bad[i]), CONCLAVE_ERR_CONFIG);
        assert_non_null(strstr(why, "line 2 "));
    }
    for (unsigned i = 0; i < BROKER_MONITOR_KEYS; i++)
        strcat(many, A "\n");
    assert_int_equal(read_keys(many), CONCLAVE_OK);
    strcat(many, A);
    assert_int_equal(read_keys(many), CONCLAVE_ERR_CONFIG);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_for_keys_that_are_marked_so_and_figures_for_all),
        cmocka_unit_test(a_line_that_is_no_key_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
