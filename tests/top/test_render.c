/* Proves tools/top/render*.c. */
#include "tests/top/samples.h"
#include "tools/top/render.h"

static void
has(const char *what)
{
    if (strstr(out.at, what) == NULL)
        fail_msg("%s is not in:\n%s", what, out.at);
}

static void
lacks(const char *what)
{
    if (strstr(out.at, what) != NULL)
        fail_msg("%s is in:\n%s", what, out.at);
}

static void
some_figures(void)
{
    sample_figure("sessions", "", 10);
    sample_figure("cpu_ms", "front", 1500);
    sample_figure("cpu_ms", "door", 20);
    sample_figure("refused", "busy", 5);
    sample_times("commit_us", "", 2, 600);
    sample_times("commit_us", "", 0, 0);
    sample_times("request_us", "PING", 3, 7);
    sample_end();
}

static void
prometheus_gets_base_units_totals_and_families_in_one_piece(void **state)
{
    (void)state;
    some_figures();
    top_render_prometheus(&out, model, 1000);
    has("conclave_live 1\n");
    has("# TYPE conclave_sessions gauge\nconclave_sessions 10\n");
    has("# TYPE conclave_cpu_seconds_total counter\nconclave_cpu_seconds_total{process=\"front\"} 1.500000\n"
        "conclave_cpu_seconds_total{process=\"door\"} 0.020000\n");
    has("conclave_refused_total{reason=\"busy\"} 5\n");
    has("conclave_commit_seconds_bucket{le=\"0.0005\"} 0\nconclave_commit_seconds_bucket{le=\"0.001\"} 2\n");
    has("conclave_commit_seconds_bucket{le=\"+Inf\"} 2\nconclave_commit_seconds_sum 0.001200\n"
        "conclave_commit_seconds_count 2\n");
    has("conclave_request_seconds_bucket{kind=\"PING\",le=\"1e-05\"} 3\n");
    has("conclave_request_seconds_count{kind=\"PING\"} 3\n");
    has("conclave_build_info{version=\"1.2.3\"} 1\n");
    has("conclave_start_time_seconds 1800000000.000\n");
}

static void
old_figures_are_not_served_as_new_ones(void **state)
{
    (void)state;
    some_figures();
    top_render_prometheus(&out, model, 4001);
    has("conclave_live 0\n");
    has("conclave_ready 0\n");
    lacks("conclave_sessions ");
    lacks("conclave_build_info");
}

/* What another registry says of itself is no way into the format. */
static void
labels_are_escaped(void **state)
{
    (void)state;
    sample_figure("refused", "a\"b\\c\nd", 1);
    sample_end();
    top_render_prometheus(&out, model, 1000);
    has("conclave_refused_total{reason=\"a\\\"b\\\\c d\"} 1\n");
    top_text_clear(&out);
    top_render_json(&out, model, 1000);
    has("\"refused\":{\"a\\\"b\\\\c\\u000ad\":1}");
}

static void
json_is_one_line_with_figures_by_name_and_label(void **state)
{
    (void)state;
    some_figures();
    top_render_json(&out, model, 1000);
    has("{\"v\":1,\"type\":\"sample\",\"number\":1,\"build\":\"1.2.3\",");
    has("\"live\":true,\"ready\":true,\"reason\":\"\"");
    has("\"figures\":{\"sessions\":10,\"cpu_ms\":{\"front\":1500,\"door\":20},\"refused\":{\"busy\":5}}");
    has("{\"name\":\"request_us\",\"label\":\"PING\",\"count\":3,\"sum_us\":21,\"p50_us\":10,\"p99_us\":10,\"p999_us\":10}");
    assert_ptr_equal(strchr(out.at, '\n'), out.at + out.len - 1);
}

static void
ratios_are_told_since_the_start_and_never_of_nothing(void **state)
{
    (void)state;
    sample_figure("copies", "", 700);
    sample_figure("casts", "", 200);
    sample_figure("transactions", "", 5);
    sample_figure("commits", "", 0);
    sample_end();
    top_render_json(&out, model, 1000);
    assert_non_null(strstr(out.at, ",\"ratios\":{\"copies/casts\":3.500,\"transactions/commits\":0.000},"));
    top_text_clear(&out);
    top_render_text(&out, model, 1000);
    assert_non_null(strstr(out.at, "\ncopies/casts 3.50\n"));
    assert_non_null(strstr(out.at, "\ntransactions/commits 0.00\n"));
    top_text_clear(&out);
    top_render_prometheus(&out, model, 1000); /* has counters to divide, as is its custom */
    assert_non_null(strstr(out.at, "\nconclave_copies_total 700\n"));
    assert_null(strstr(out.at, "copies/casts"));
}

static void
json_has_rows_that_came_with_its_sample_and_no_others(void **state)
{
    static const char *const names[] = {"ada\"", "bob"};
    const struct msg_room_row rooms[] = {{msg_text("#lab"), 3, 2, true, 10, 1000}};

    (void)state;
    sample_end();
    room_rows(1, rooms, 1);
    top_render_json(&out, model, 1000);
    assert_null(strstr(out.at, "\"rooms\""));
    top_text_clear(&out);
    session_rows(1, 0, false, names, 2);
    top_render_json(&out, model, 1000);
    has(",\"rooms\":[{\"name\":\"#lab\",\"members\":3,\"seats\":2,\"mesh\":true,\"frames\":10,\"bytes\":1000}],"
        "\"sessions\":[{\"name\":\"ada\\\"\",\"device\":1,\"source\":\"192.0.2.1\",\"idle_ms\":0,\"rooms\":0,"
        "\"pending_bytes\":0,\"behind\":false},{\"name\":\"bob\",\"device\":2,\"source\":\"192.0.2.1\",\"idle_ms\":1000,"
        "\"rooms\":1,\"pending_bytes\":100,\"behind\":true}]}\n");
    top_text_clear(&out);
    sample_begin(2);
    sample_end();
    top_render_json(&out, model, 2000);
    assert_null(strstr(out.at, "ada"));
}

static void
times_and_ages_are_short_and_have_their_unit(void **state)
{
    static const struct {
        uint64_t ms;
        const char *age;
    } ages[] = {{0, "0s"}, {59999, "59s"}, {60000, "1m"}, {3599999, "59m"}, {3600000, "1h00m"}, {86399999, "23h59m"},
                {86400000, "1d00h"}, {99 * 86400000ull, "99d00h"}, {100 * 86400000ull, "100d"}, {UINT64_MAX, "99999d"}};
    static const struct {
        uint64_t us;
        const char *time;
    } times[] = {{0, "0us"}, {999, "999us"}, {1000, "1ms"}, {2500, "2.5ms"}, {99949, "99.9ms"}, {100000, "100ms"},
                 {250400, "250ms"}, {1000000, "1.0s"}, {1500000, "1.5s"}, {123456789, "123s"}};
    char text[16];

    (void)state;
    for (size_t i = 0; i < sizeof ages / sizeof *ages; i++) {
        top_render_age(text, ages[i].ms);
        assert_string_equal(text, ages[i].age);
        assert_true(strlen(text) <= 6);
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        top_render_us(text, times[i].us);
        assert_string_equal(text, times[i].time);
    }
}

static void
health_says_why(void **state)
{
    (void)state;
    top_render_health(&out, model, 0);
    assert_string_equal(out.at, "{\"live\":false,\"ready\":false,\"reason\":\"No sample has come yet.\"}\n");
    sample.ready = false;
    sample.reason = msg_text("The store is nearly full.");
    sample_end();
    top_text_clear(&out);
    top_render_health(&out, model, 1000);
    assert_string_equal(out.at, "{\"live\":true,\"ready\":false,\"reason\":\"The store is nearly full.\"}\n");
}

static void
the_page_asks_for_nothing_from_elsewhere_and_plots_within_its_frame(void **state)
{
    double x, y;
    int read;

    (void)state;
    for (uint64_t i = 1; i <= 2000; i++) {
        sample_begin(i);
        sample_figure("sessions", "", i % 97);
        sample_end();
    }
    top_render_page(&out, model, 2000000);
    has("live and ready");
    lacks("<script");
    lacks("http:");
    lacks("https:");
    lacks("url(");
    lacks("src=");
    const char *at = strstr(out.at, "points=\"");
    assert_non_null(at);
    unsigned points = 0;
    for (at += strlen("points=\""); sscanf(at, "%lf,%lf %n", &x, &y, &read) == 2; at += read, points++)
        assert_true(x >= 0 && x <= 720 && y >= 0 && y <= 120);
    assert_in_range(points, 600, 720);
}

static void
numbers_are_short(void **state)
{
    static const struct {
        double value;
        const char *number, *bytes;
    } cases[] = {{0, "0", "0"},          {7, "7", "7"},           {2.5, "2.5", "2.5"},     {999, "999", "999"},
                 {1000, "1.0k", "1000"}, {1536, "1.5k", "1.5K"},  {123456, "123k", "121K"}, {5e9, "5.0G", "4.7G"}};
    char text[16], long_text[32];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        top_render_number(text, cases[i].value);
        assert_string_equal(text, cases[i].number);
        top_render_bytes(text, cases[i].value);
        assert_string_equal(text, cases[i].bytes);
    }
    top_render_uptime(long_text, 3723000);
    assert_string_equal(long_text, "01:02:03");
    top_render_uptime(long_text, 86400000 * 400ull + 1000);
    assert_string_equal(long_text, "400d 00:00:01");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(prometheus_gets_base_units_totals_and_families_in_one_piece),
        CASE(old_figures_are_not_served_as_new_ones),
        CASE(labels_are_escaped),
        CASE(json_is_one_line_with_figures_by_name_and_label),
        CASE(health_says_why),
        CASE(the_page_asks_for_nothing_from_elsewhere_and_plots_within_its_frame),
        CASE(numbers_are_short),
        CASE(ratios_are_told_since_the_start_and_never_of_nothing),
        CASE(json_has_rows_that_came_with_its_sample_and_no_others),
        CASE(times_and_ages_are_short_and_have_their_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
