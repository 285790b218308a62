/* Proves tools/top/verdict.c: what --fail-if ends with. */
#include "tests/top/samples.h"
#include "tools/top/expr.h"
#include "tools/top/verdict.h"

#define OK TOP_EXIT_OK
#define WARNING TOP_EXIT_WARNING
#define CRITICAL TOP_EXIT_CRITICAL
#define UNKNOWN TOP_EXIT_UNKNOWN

static const char *why;

/* Conditions as they stand on a command line, up to a NULL. */
static enum top_exit
verdict_at(uint64_t now_ms, const char *const *texts)
{
    struct top_options options;
    const char *words[2 * TOP_FAIL_MAX + 2] = {"conclave-top"};
    char wrong[TOP_WHY_MAX];
    int count = 1;

    for (; *texts != NULL; texts++) {
        words[count++] = "--fail-if";
        words[count++] = *texts;
    }
    if (top_options_read(&options, count, (char **)(uintptr_t)words, wrong) != CONCLAVE_OK)
        fail_msg("%s", wrong);
    return top_verdict(&options, model, now_ms, &why);
}

#define VERDICT_AT(now_ms, ...) verdict_at(now_ms, (const char *const[]){__VA_ARGS__, NULL})

static void
the_worst_condition_counts_and_is_told(void **state)
{
    (void)state;
    sample_figure("sessions", "", 10);
    sample_end();
    assert_int_equal(VERDICT_AT(1000, "sessions > 10"), OK);
    assert_string_equal(why, "");
    assert_int_equal(VERDICT_AT(1000, "warning: sessions > 9"), WARNING);
    assert_int_equal(VERDICT_AT(1000, "sessions > 9", "warning: sessions > 8"), CRITICAL);
    assert_string_equal(why, "sessions > 9");
    assert_int_equal(VERDICT_AT(1000, "warning: sessions > 9", "sessions > 8"), CRITICAL);
    assert_string_equal(why, "sessions > 8");
    assert_int_equal(VERDICT_AT(1000, "rooms > 3"), UNKNOWN); /* there is no such figure in this sample */
    /* in any order: */
    assert_int_equal(VERDICT_AT(1000, "rooms > 3", "sessions > 9"), CRITICAL);
    assert_int_equal(VERDICT_AT(1000, "sessions > 9", "rooms > 3"), CRITICAL);
    assert_int_equal(VERDICT_AT(1000, "rooms > 3", "warning: sessions > 9"), WARNING);
    assert_int_equal(VERDICT_AT(1000, "warning: sessions > 9", "rooms > 3"), WARNING);
    assert_int_equal(VERDICT_AT(1000, "rooms > 3", "sessions > 10"), UNKNOWN);
    assert_int_equal(VERDICT_AT(1000, "sessions > 10", "rooms > 3"), UNKNOWN);
    assert_string_equal(why, "rooms > 3");
}

/* Of a registry that says nothing: before the first sample, and after the last. */
static void
silence(uint64_t now_ms)
{
    assert_int_equal(VERDICT_AT(now_ms, "not live"), CRITICAL);
    assert_int_equal(VERDICT_AT(now_ms, "not ready"), CRITICAL);
    assert_int_equal(VERDICT_AT(now_ms, "warning: not live"), WARNING);
    assert_int_equal(VERDICT_AT(now_ms, "sessions > 3"), UNKNOWN);
    assert_int_equal(VERDICT_AT(now_ms, "sessions > 3", "not live"), CRITICAL);
    assert_int_equal(VERDICT_AT(now_ms, "not live", "sessions > 3"), CRITICAL);
    assert_string_equal(why, "not live");
    assert_int_equal(VERDICT_AT(now_ms, "not live or sessions > 3"), CRITICAL);
    assert_int_equal(VERDICT_AT(now_ms, "sessions > 3 or not live"), CRITICAL);
    assert_int_equal(VERDICT_AT(now_ms, "not live and sessions > 3"), UNKNOWN);
    /* false as it is, this does not say that all is well: */
    assert_int_equal(VERDICT_AT(now_ms, "live and sessions > 3"), UNKNOWN);
    assert_int_equal(VERDICT_AT(now_ms, "rate(sessions) > 3"), UNKNOWN);
    assert_int_equal(VERDICT_AT(now_ms, "p99(commit_us) > 3"), UNKNOWN);
    assert_int_equal(VERDICT_AT(now_ms, "refused{busy} > 3"), UNKNOWN); /* nor is this 0 */
}

static void
a_registry_that_says_nothing_is_critical_to_whoever_asks_that_and_never_ok(void **state)
{
    (void)state;
    silence(1000);
    sample_figure("sessions", "", 10);
    sample_end();
    assert_int_equal(VERDICT_AT(4000, "not live", "sessions > 10"), OK);
    silence(4001); /* three intervals are over */
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_worst_condition_counts_and_is_told),
        CASE(a_registry_that_says_nothing_is_critical_to_whoever_asks_that_and_never_ok),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
