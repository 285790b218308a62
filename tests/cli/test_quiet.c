/* What a person at the prompt is told of rooms, and is not flooded with: who
 * comes and goes, and what became of each message.  Programs hear all of it. */
#include "tests/cli/run.h"

static void
of_those_who_come_and_go_people_see_contacts_and_the_room_in_focus(void **state)
{
    (void)state;
    fake.mates = true;
    assert_int_equal(RUN("/away\n", "--plain"), 0);
    assert_true(has(out, "* bob is offline.\n"));
    assert_null(strstr(out, "dave"));
    assert_int_equal(RUN("/chat #lab\n/away\n", "--plain"), 0);
    assert_true(has(out, "* bob is offline.\n") && has(out, "* #lab: dave is offline.\n"));
    assert_null(strstr(out, "carol")); /* just learned: she did not come */
    assert_null(strstr(out, "eve"));
}

static void
programs_hear_of_all_who_come_and_go(void **state)
{
    (void)state;
    fake.mates = true;
    assert_int_equal(RUN("/away\n", "--json"), 0);
    expect_lines((const char *const[]){"{\"v\":1,\"type\":\"presence\",\"user\":\"bob\",\"status\":\"offline\"}\n",
                                       "{\"v\":1,\"type\":\"presence\",\"user\":\"carol\",\"status\":\"online\"}\n",
                                       "{\"v\":1,\"type\":\"presence\",\"user\":\"dave\",\"status\":\"offline\"}\n",
                                       "{\"v\":1,\"type\":\"presence\",\"user\":\"eve\",\"status\":\"online\"}\n", NULL});
}

static void
the_topic_of_the_room_in_focus_is_shown(void **state)
{
    (void)state;
    assert_int_equal(RUN("/chat #lab\n/topic\n/topic #far\n", "--plain"), 0);
    assert_true(has(out, "The topic of #lab: what we \xef\xbf\xbd[7mmeasure\n#far has no topic.\n"));
    assert_true(has(said, "info #lab\n"));
    assert_int_equal(RUN("/topic #lab\n", "--json"), 0);
    assert_true(has(out, "{\"v\":1,\"type\":\"rooms\",\"rooms\":[{\"name\":\"#lab\",\"members\":3,\"topic\":\"what we "));
}

static void
what_all_members_have_is_one_line(void **state)
{
    (void)state;
    assert_int_equal(RUN("/msg #lab one\n/msg #lab two\n", "--plain"), 0);
    assert_string_equal(out, "  #1 #lab: delivered to all 5\n  #2 #lab: delivered to all 5\n");
}

static void
what_some_members_have_names_them_and_counts_the_rest(void **state)
{
    (void)state;
    assert_int_equal(RUN("/msg #lab part\n", "--plain"), 0);
    assert_string_equal(out, "  #1 #lab: stored at the registry, delivered to bob, carol, dave and 1 more\n");
}

static void
messages_that_fare_alike_are_told_together(void **state)
{
    (void)state;
    assert_int_equal(RUN("/msg #big 1\n/msg #big 2\n/msg #big 3\n/msg #far 4\n/msg #big 5\n/msg bob 6\n/msg carol 7\n", "--plain"), 0);
    assert_true(has(out, "  #1 to #3 #big: stored at the registry\n"));
    assert_true(has(out, "  #4 #far: queued\n"));
    assert_true(has(out, "  #5 #big: stored at the registry\n")); /* what stands between them went elsewhere */
    assert_true(has(out, "  #6 bob: delivered\n"));
    assert_true(has(out, "  #7 carol: queued\n"));
    assert_null(strstr(out, "#2"));
}

static void
programs_get_every_tick(void **state)
{
    (void)state;
    assert_int_equal(RUN("/msg #lab part\n", "--json"), 0);
    expect_lines((const char *const[]){"\"room\":\"#lab\",\"state\":\"queued\"}", "\"state\":\"stored\"}", "\"to\":\"bob\",\"state\":\"delivered\"}",
                                       "\"to\":\"dave\",\"state\":\"delivered\"}", NULL});
}

int
main(void)
{
    if (!make_dir())
        return 99;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(of_those_who_come_and_go_people_see_contacts_and_the_room_in_focus, enrolled),
        cmocka_unit_test_setup(what_all_members_have_is_one_line, enrolled),
        cmocka_unit_test_setup(what_some_members_have_names_them_and_counts_the_rest, enrolled),
        cmocka_unit_test_setup(messages_that_fare_alike_are_told_together, enrolled),
        cmocka_unit_test_setup(programs_get_every_tick, enrolled),
        cmocka_unit_test_setup(the_topic_of_the_room_in_focus_is_shown, enrolled),
        cmocka_unit_test_setup(programs_hear_of_all_who_come_and_go, enrolled),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_dir();
    return failed;
}
