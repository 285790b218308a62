/* tools/stress/report and plot: what is told of a run, and how it is drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/stress/report.h"

static struct stress_options options = {.scenario = STRESS_ROOMS, .peers = 6, .rooms = 2, .members = 3, .size = 256, .seed = 4};

static struct stress_result
result_of_a_run(void)
{
    struct stress_result result = {.duration_s = 2.5, .said_per_s = 100, .got_per_s = 200, .sees_daemon = true, .daemon_rss_kb = 1234};

    for (uint64_t ms = 1; ms <= 1000; ms++)
        stress_record_add(&result.latency, ms * 1000000);
    return result;
}

/* Into memory; freed by the caller. */
static char *
told(void (*tell)(FILE *, const struct stress_options *, const struct stress_result *), const struct stress_result *result)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    assert_non_null(to);
    tell(to, &options, result);
    assert_int_equal(fclose(to), 0);
    return text;
}

static void
has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL)
        fail_msg("%s is not in %s", part, text);
}

static void
json_is_one_object_on_one_line_with_all_figures(void **state)
{
    static const char *const names[] = {
        "scenario", "peers", "members", "size", "sent_per_s", "delivered_per_s", "p50_us", "p99_us", "p999_us", "max_us", "lost", "doubled",
        "reordered", "damaged", "daemon_cpu_s_per_M", "client_cpu_s_per_M", "daemon_rss_kb", "rss_per_session_b", "duration_s", "seed"};
    const struct stress_result result = result_of_a_run();
    char *text = told(stress_report_json, &result), quoted[64];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(quoted, sizeof quoted, "\"%s\":", names[i]);
        has(text, quoted);
    }
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    has(text, "{\"scenario\":\"rooms\",\"peers\":6,");
    has(text, "\"max_us\":1000000.0");
    has(text, "\"daemon_rss_kb\":1234");
    free(text);
}

static void
of_a_daemon_that_is_not_seen_nothing_is_told(void **state)
{
    struct stress_result result = result_of_a_run();

    (void)state;
    result.sees_daemon = false;
    char *text = told(stress_report_json, &result);
    has(text, "\"daemon_cpu_s_per_M\":null,\"daemon_rss_kb\":null,\"rss_per_session_b\":null");
    free(text);
    text = told(stress_report_table, &result);
    assert_null(strstr(text, "\ndaemon"));
    has(text, "growth in a minute           peers ");
    free(text);
    text = told(stress_report_json, &result);
    has(text, ",\"daemon_growth_kb_per_min\":null,\"daemon_fds_growth_per_min\":null,\"client_growth_kb_per_min\":");
    free(text);
}

static void
a_run_in_which_nothing_came_proves_nothing(void **state)
{
    struct stress_result result = result_of_a_run();

    (void)state;
    result.got_per_s = 0;
    assert_false(stress_report_is_clean(&result));
    char *text = told(stress_report_table, &result);
    has(text, "NOT WELL, nothing came");
    free(text);
}

static void
any_fault_is_told(void **state)
{
    (void)state;
    for (int fault = 0; fault < 4; fault++) {
        struct stress_result result = result_of_a_run();
        assert_true(stress_report_is_clean(&result));
        *(fault == 0 ? &result.lost : fault == 1 ? &result.doubled : fault == 2 ? &result.reordered : &result.damaged) = 1;
        assert_false(stress_report_is_clean(&result));
        char *text = told(stress_report_table, &result);
        has(text, "NOT WELL");
        free(text);
    }
}

static uint64_t
rss(const struct stress_point *point)
{
    return point->daemon_own_kb;
}

static void
growth_is_of_the_second_half_alone(void **state)
{
    static struct stress_point points[240];
    struct stress_result result = {.points = points, .points_count = 240};

    (void)state;
    for (uint32_t i = 0; i < 240; i++)
        points[i] = (struct stress_point){.at_s = i, .daemon_own_kb = i < 120 ? 1000 + 50 * i : 9000 + i};
    const double growth = stress_report_growth(&result, rss);
    assert_true(growth > 59.9 && growth < 60.1);
    result.points_count = 0;
    assert_true(stress_report_growth(&result, rss) == 0);
}

static void
a_drawing_has_its_lines_within_the_page(void **state)
{
    static struct stress_point points[3] = {{.at_s = 1, .said_per_s = 10, .got_per_s = 20, .p50_ns = 1000, .p99_ns = 90000, .max_ns = 5000000},
                                            {.at_s = 2},
                                            {.at_s = 3, .said_per_s = 30, .got_per_s = 60, .p50_ns = 2000, .p99_ns = 2000, .max_ns = 2000}};
    char path[] = "test_report_XXXXXX", text[16384];
    const int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    close(fd);
    for (uint32_t count = 0; count <= 3; count += 3) {
        const struct stress_result result = {.points = points, .points_count = count};
        assert_true(stress_plot_write(path, &options, &result));
        FILE *file = fopen(path, "r");
        assert_non_null(file);
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
        has(text, "<svg xmlns=");
        has(text, "</svg>\n");
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "inf"));
        for (const char *at = text; (at = strstr(at, "points=\"")) != NULL;) {
            double x, y;
            int used;
            for (at += 8; sscanf(at, "%lf,%lf %n", &x, &y, &used) == 2; at += used)
                assert_true(x >= 0 && x <= 960 && y >= 0 && y <= 620);
            assert_int_equal(*at, '"');
        }
    }
    unlink(path);
    assert_false(stress_plot_write("/nowhere/x.svg", &options, &(struct stress_result){0}));
}

/* 600 s in which all stays, but for what `per_point` adds to one of them. */
static struct stress_result
soaked(struct stress_point *points, size_t offset, uint64_t per_point)
{
    struct stress_result result = {.sees_daemon = true, .got_per_s = 1, .duration_s = 600, .points = points, .points_count = 400};

    for (uint32_t i = 0; i < 400; i++) {
        points[i] = (struct stress_point){.at_s = 1.5 * i, .daemon_own_kb = 40000, .daemon_fds = 40000, .client_own_kb = 40000, .client_fds = 40000};
        *(uint64_t *)(void *)((char *)&points[i] + offset) += per_point * i;
    }
    return result;
}

static void
whatever_gains_a_twentieth_in_the_second_half_grows(void **state)
{
    static const size_t offsets[] = {offsetof(struct stress_point, daemon_own_kb), offsetof(struct stress_point, daemon_fds),
                                     offsetof(struct stress_point, client_own_kb), offsetof(struct stress_point, client_fds)};
    static struct stress_point points[400];

    (void)state;
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        struct stress_result result = soaked(points, offsets[i], 8); /* 1600 in the second half, of 41600 */
        assert_false(stress_report_grows(&result));
        result = soaked(points, offsets[i], 12); /* 2400 of 42400 */
        assert_true(stress_report_grows(&result));
        char *text = told(stress_report_table, &result);
        has(text, "in the second half           +5.6 % at most, of memory and descriptors: IT GROWS");
        free(text);
        text = told(stress_report_json, &result);
        has(text, ",\"grows\":true,");
        free(text);
        result.duration_s = 599; /* too short to tell */
        assert_false(stress_report_grows(&result));
        text = told(stress_report_json, &result);
        has(text, ",\"grows\":null,");
        free(text);
    }
    struct stress_result result = soaked(points, offsets[0], 0);
    char *text = told(stress_report_table, &result);
    has(text, "in the second half           +0.0 % at most, of memory and descriptors: no growth");
    free(text);
    text = told(stress_report_json, &result);
    has(text, ",\"grows\":false,");
    free(text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_one_object_on_one_line_with_all_figures),
        cmocka_unit_test(of_a_daemon_that_is_not_seen_nothing_is_told),
        cmocka_unit_test(a_run_in_which_nothing_came_proves_nothing),
        cmocka_unit_test(any_fault_is_told),
        cmocka_unit_test(growth_is_of_the_second_half_alone),
        cmocka_unit_test(whatever_gains_a_twentieth_in_the_second_half_grows),
        cmocka_unit_test(a_drawing_has_its_lines_within_the_page),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
