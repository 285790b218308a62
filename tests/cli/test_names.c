/* peer/cli/names: what was seen is offered, the latest first; nothing that a
 * terminal would obey, and no more than fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "peer/cli/names.h"

static void
say(const char *from, const char *room)
{
    const struct conclave_event event = {.kind = CONCLAVE_EVENT_MESSAGE, .from = from, .room = room};
    cli_names_learn(&event);
}

/* All that is offered for `prefix`, between spaces. */
static const char *
offered(const char *prefix)
{
    static char words[1024];
    size_t at = 0;
    words[0] = '\0';
    for (const char *name; (name = cli_names_next(prefix, &at)) != NULL;) {
        (void)strncat(words, name, sizeof words - 1 - strlen(words));
        (void)strncat(words, " ", sizeof words - 1 - strlen(words));
    }
    return words;
}

static void
names_come_back_by_their_beginning_the_latest_first(void **state)
{
    static const struct conclave_user users[] = {{"Bob", CONCLAVE_STATUS_ONLINE, ""}, {"bert", CONCLAVE_STATUS_AWAY, ""}};
    static const struct conclave_room rooms[] = {{"#lab", 1, "", 0}, {"#den", 1, "", 0}};
    static const struct conclave_member members[] = {{.name = "carol"}};
    const struct conclave_event list = {.users = users, .users_count = 2, .rooms = rooms, .rooms_count = 2,
                                        .members = members, .members_count = 1};
    const struct conclave_event nobody = {.user = {"bogus", CONCLAVE_STATUS_NOT_FOUND, ""}};
    (void)state;
    assert_string_equal(offered(""), "");
    cli_names_learn(&list);
    cli_names_learn(&nobody);
    assert_string_equal(offered("B"), "Bob bert ");
    assert_string_equal(offered("@b"), "Bob bert ");
    assert_string_equal(offered("#"), "#lab #den ");
    assert_string_equal(offered("#D"), "#den ");
    assert_string_equal(offered("x"), "");
    say("bert", "");
    assert_string_equal(offered("b"), "bert Bob ");
    say("bert", "#den");
    assert_string_equal(offered("#"), "#den #lab ");
    assert_string_equal(offered("b"), "bert Bob ");
}

static void
what_a_terminal_would_obey_is_not_offered(void **state)
{
    (void)state;
    say("evil\x1b[2J", "#\xe2\x80\xaereversed");
    say("two words", "");
    say("", NULL);
    assert_string_equal(offered("e"), "");
    assert_string_equal(offered("t"), "");
    assert_string_equal(offered("#\xe2"), "");
}

static void
the_oldest_goes_when_there_are_too_many(void **state)
{
    char name[16];
    size_t at = 0, count = 0;
    (void)state;
    say("first", "");
    for (int i = 0; i < CLI_NAMES_MAX - 1; i++) {
        (void)snprintf(name, sizeof name, "user%d", i);
        say(name, "");
    }
    assert_string_equal(offered("first"), "first ");
    say("another", "");
    assert_string_equal(offered("first"), "");
    assert_string_equal(offered("user0"), "user0 ");
    while (cli_names_next("", &at) != NULL)
        count++;
    assert_int_equal(count, CLI_NAMES_MAX);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_come_back_by_their_beginning_the_latest_first),
        cmocka_unit_test(what_a_terminal_would_obey_is_not_offered),
        cmocka_unit_test(the_oldest_goes_when_there_are_too_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
