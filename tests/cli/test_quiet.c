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

int
main(void)
{
    if (!make_dir())
        return 99;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(of_those_who_come_and_go_people_see_contacts_and_the_room_in_focus, enrolled),
        cmocka_unit_test_setup(the_topic_of_the_room_in_focus_is_shown, enrolled),
        cmocka_unit_test_setup(programs_hear_of_all_who_come_and_go, enrolled),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_dir();
    return failed;
}
