/* Proves tools/top/expr.c: what --fail-if takes, and what it means. */
#include "tests/top/samples.h"
#include "tools/top/expr.h"

static enum top_expr_result
eval(const char *text)
{
    char why[TOP_EXPR_WHY_MAX];
    bool rates;

    if (top_expr_check(text, &rates, why) != CONCLAVE_OK)
        fail_msg("%s: %s", text, why);
    return top_expr_eval(text, model, 1000 * model->number);
}

static void
expressions_mean_what_they_say(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        {"sessions > 9", true},
        {"sessions > 10", false},
        {"sessions >= 10 and rooms == 0", true},
        {"sessions < 10 or rooms != 0", false},
        {"1 or 0 and 0", true}, /* and binds closer */
        {"(1 or 0) and 0", false},
        {"not 0", true},
        {"!(sessions > 9)", false},
        {"not not 1", true},
        {"2 + 3 * 4 == 14 && 10 - 4 - 3 == 3", true},
        {"8 / 2 / 2 == 2", true},
        {"1 / rooms == 0", true}, /* of nothing: nothing */
        {"1.5k == 1500 and 2M == 2000000 and 1G == 1000M", true},
        {"refused == 12", true}, /* of all reasons */
        {"refused{busy} == 5", true},
        {"refused{kind} == 0", true}, /* left out while it is 0 */
        {"live and ready", true},
        {"not ready", false},
        {"p50(commit_us) == 1000", true},
        {"p99(request_us{PING}) == 25", true},
        {"store_used_bytes/store_map_bytes>=0.5", true},
    };

    (void)state;
    sample_figure("sessions", "", 10);
    sample_figure("rooms", "", 0);
    sample_figure("refused", "busy", 5);
    sample_figure("refused", "forbidden", 7);
    sample_figure("store_used_bytes", "", 500);
    sample_figure("store_map_bytes", "", 1000);
    sample_times("commit_us", "", 10, 600);
    sample_times("request_us", "PING", 10, 20);
    sample_times("request_us", "SEARCH", 10, 20000);
    sample_end();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (eval(cases[i].text) != (cases[i].is ? TOP_EXPR_TRUE : TOP_EXPR_FALSE))
            fail_msg("%s is %s", cases[i].text, cases[i].is ? "false" : "true");
}

static void
rates_are_of_a_second_and_need_two_samples(void **state)
{
    char why[TOP_EXPR_WHY_MAX];
    bool rates = true;

    (void)state;
    assert_int_equal(top_expr_check("posts > 3", &rates, why), CONCLAVE_OK);
    assert_false(rates);
    assert_int_equal(top_expr_check("live and rate(posts) > 3", &rates, why), CONCLAVE_OK);
    assert_true(rates);
    sample_figure("posts", "", 100);
    sample_end();
    assert_int_equal(eval("rate(posts) >= 0"), TOP_EXPR_UNKNOWN);
    sample_begin(3); /* two seconds later */
    sample_figure("posts", "", 140);
    sample_end();
    assert_int_equal(eval("rate(posts) == 20"), TOP_EXPR_TRUE);
}

static void
what_is_missing_is_unknown_and_not_false(void **state)
{
    (void)state;
    assert_int_equal(eval("sessions > 3"), TOP_EXPR_UNKNOWN); /* nothing was heard */
    assert_int_equal(eval("refused > 3"), TOP_EXPR_UNKNOWN);
    assert_int_equal(eval("not live"), TOP_EXPR_TRUE);
    sample_figure("sessions", "", 10);
    sample_end();
    assert_int_equal(eval("sessions > 3"), TOP_EXPR_TRUE);
    /* One side alone may settle it, in any order; else it stays unknown. */
    assert_int_equal(eval("sessions > 3 or rooms > 3"), TOP_EXPR_TRUE);
    assert_int_equal(eval("rooms > 3 or sessions > 3"), TOP_EXPR_TRUE);
    assert_int_equal(eval("rooms > 3 or sessions > 10"), TOP_EXPR_UNKNOWN);
    assert_int_equal(eval("rooms > 3 and sessions > 10"), TOP_EXPR_FALSE);
    assert_int_equal(eval("sessions > 3 and rooms > 3"), TOP_EXPR_UNKNOWN);
    assert_int_equal(eval("not rooms"), TOP_EXPR_UNKNOWN);
    assert_int_equal(eval("0 * rooms == 0"), TOP_EXPR_UNKNOWN);
    assert_int_equal(eval("1 + rooms > 0"), TOP_EXPR_UNKNOWN);
    assert_int_equal(eval("refused > 3"), TOP_EXPR_FALSE);
}

static void
what_cannot_be_read_is_refused_with_a_reason(void **state)
{
    static const char *const bad[] = {
        "", "sessions >", "sessions > > 3", "no_such_figure > 1", "sessions{x} > 1", "refused{busy > 1", "(1", "1)",
        "rate sessions", "rate(sessions", "rate(3)", "commit_us > 3", "p99(sessions) > 3", "3x", "1 2", "sessions = 3",
        "and", "@", "rate(p99(commit_us))", "1.2.3",
    };
    char deep[256], why[TOP_EXPR_WHY_MAX];
    bool rates;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (top_expr_check(bad[i], &rates, why) == CONCLAVE_OK)
            fail_msg("%s was taken", bad[i]);
        assert_true(strlen(why) > 5);
    }
    memset(deep, '(', 200);
    snprintf(deep + 200, sizeof deep - 200, "1");
    assert_int_equal(top_expr_check(deep, &rates, why), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_string_equal(why, "too many parentheses in one another");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(expressions_mean_what_they_say),
        CASE(rates_are_of_a_second_and_need_two_samples),
        CASE(what_is_missing_is_unknown_and_not_false),
        CASE(what_cannot_be_read_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
