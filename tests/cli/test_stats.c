/* What /stats shows: lines that people understand, numbers for programs. */
#include "peer/cli/stats.h"
#include "tests/cli/run.h"

static void
people_see_a_line_for_each_question(void **state)
{
    (void)state;
    assert_int_equal(RUN("/stats\n", "--plain"), 0);
    assert_true(has(out, "Session   alice, logged in for 2 h 3 min; logged in 3 times in 5 h 10 min\n"
                         "People    3 on 4 devices: 2 direct, 1 relayed, 1 away (by mail)\n"
                         "Rooms     3: 2 direct (4 links to other members), 1 relayed\n"
                         "Outbox    6 waiting, oldest 12 min: 5 to people (2 stored at the registry), 1 in rooms\n"
                         "Messages  120 sent, 340 received\n"
                         "Gaps      2 repaired, 1 shown as missing\n"
                         "Traffic   1.2 MiB in (2310 frames), 1023 B out (1200 frames)\n"
                         "Refused   2 on links, 7 in rooms\n"
                         "Memory    12.0 MiB\n"));
}

static void
what_is_not_there_is_said_in_words(void **state)
{
    (void)state;
    fake.logged_out = true;
    assert_int_equal(RUN("/stats\n", "--plain"), 0);
    assert_true(has(out, "Session   not logged in; running for 1 s\n"
                         "People    0\n"
                         "Rooms     0\n"
                         "Outbox    empty\n"));
    assert_true(has(out, "Refused   nothing\n"));
    assert_null(strstr(out, "Memory"));
}

static void
links_to_members_of_direct_rooms_are_counted_in_words(void **state)
{
    static const char *const lines_of[] = {"Rooms     1: 1 direct (no link to other members yet)\n",
                                       "Rooms     1: 1 direct (1 link to other members)\n",
                                       "Rooms     1: 1 direct (2 links to other members)\n"};

    (void)state;
    for (uint64_t links = 0; links < 3; links++) {
        const struct conclave_stats stats = {.rooms = 1, .mesh_rooms = 1, .mesh_heard = links};
        struct cli_buf lines = {0};
        cli_stats_lines(&lines, &stats, "alice");
        assert_non_null(strstr(lines.at, lines_of[links]));
        cli_buf_wipe(&lines);
    }
}

static void
programs_get_one_object(void **state)
{
    (void)state;
    assert_int_equal(RUN("/stats\n", "--json"), 0);
    expect_lines((const char *const[]){
        "\"type\":\"session\"",
        "{\"v\":1,\"type\":\"stats\",\"user\":\"alice\",\"online\":true,\"uptime_ms\":18600000,\"session_ms\":7380000,"
        "\"log_ins\":3,\"people\":3,"
        "\"routes\":{\"direct\":2,\"relayed\":1,\"dialling\":0,\"away\":1,\"idle\":0},"
        "\"rooms\":{\"joined\":3,\"mesh\":2,\"heard\":4},"
        "\"outbox\":{\"waiting\":6,\"people\":5,\"stored\":2,\"rooms\":1,\"oldest_ms\":754000},"
        "\"messages\":{\"sent\":120,\"received\":340},\"gaps\":{\"repaired\":2,\"shown\":1},"
        "\"traffic\":{\"frames_in\":2310,\"bytes_in\":1258291,\"frames_out\":1200,\"bytes_out\":1023},"
        "\"refused\":{\"registry\":0,\"links\":2,\"sealed\":0,\"rooms\":7},\"memory_bytes\":12582912}\n",
        NULL});
}

static void
it_is_a_command_too_and_takes_no_words(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "stats"), 0);
    assert_true(has(out, "Session   alice, logged in for 2 h 3 min"));
    assert_int_equal(RUN("", "--json", "stats"), 0);
    assert_true(has(out, "{\"v\":1,\"type\":\"stats\""));
    assert_int_equal(RUN("", "stats", "all"), 2);
    assert_true(has(err, "Usage: conclave stats"));
    fake.unreachable = true;
    assert_int_equal(RUN("", "--timeout", "0.05", "stats"), 0);
    assert_true(has(out, "not logged in"));
}

int
main(void)
{
    if (!make_dir())
        return 99;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(people_see_a_line_for_each_question, enrolled),
        cmocka_unit_test_setup(what_is_not_there_is_said_in_words, enrolled),
        cmocka_unit_test(links_to_members_of_direct_rooms_are_counted_in_words),
        cmocka_unit_test_setup(programs_get_one_object, enrolled),
        cmocka_unit_test_setup(it_is_a_command_too_and_takes_no_words, enrolled),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_dir();
    return failed;
}
