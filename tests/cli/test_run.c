/* The whole program over a library that is played (fake_conclave): what goes to
 * stdout and stderr, in which order, and the exit code. */
#include "tests/cli/run.h"

static void
help_and_version_go_to_stdout(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "--help"), 0);
    assert_true(has(out, "usage: conclave") && has(out, "  send NAME TEXT"));
    assert_int_equal(RUN("", "-V"), 0);
    assert_true(has(out, "conclave 0.0.0"));
    assert_int_equal(RUN("", "help", "send"), 0);
    assert_true(has(out, "conclave send NAME TEXT"));
    assert_int_equal(RUN("", "send", "--help", "me"), 4); /* words of a message, to a user named --help */
    assert_string_equal(out, "");
}

static void
wrong_usage_ends_with_2(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "--nonsense"), 2);
    assert_string_equal(out, "");
    assert_true(has(err, "--nonsense"));
    assert_int_equal(RUN("", "whoo"), 2);
    assert_true(has(err, "did you mean who?"));
    assert_int_equal(RUN("", "search"), 2);
    assert_true(has(err, "Usage: conclave search NAME"));
    assert_int_equal(RUN("", "--json", "search"), 2);
    assert_true(has(out, "{\"v\":1,\"type\":\"error\",\"code\":\"bad-arguments\""));
    assert_string_equal(said, ""); /* the home was not even opened */
}

static void
register_needs_a_name_and_a_password(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "register"), 2);
    assert_int_equal(RUN("", "-u", "alice", "register"), 2);
    (void)setenv("CONCLAVE_PASSWORD", "correct horse", 1);
    assert_int_equal(RUN("", "-u", "alice", "register"), 0);
    assert_int_equal(RUN("", "-u", "taken", "register"), 1);
    assert_true(has(err, "taken"));
    (void)setenv("CONCLAVE_PASSWORD", "short", 1);
    assert_int_equal(RUN("", "--json", "-u", "alice", "register"), 1);
    assert_true(has(out, "\"code\":\"weak-password\"") && has(out, "\"command\":\"register\""));
}

static void
one_shot_commands_end_with_the_fixed_codes(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "send", "bob", "hi", "there"), 0);
    assert_string_equal(out, "delivered\n");
    assert_true(has(said, "send bob hi there\n"));
    assert_true(has(said, "hold\n")); /* messages that wait are left to recv */
    assert_int_equal(RUN("", "--timeout", "0.05", "send", "carol", "hi"), 5);
    assert_string_equal(out, "queued\n");
    assert_int_equal(RUN("", "--timeout", "0.05", "send", "dave", "hi"), 5);
    assert_string_equal(out, "stored\n");
    assert_int_equal(RUN("", "--timeout", "0.05", "send", "erin", "hi"), 5); /* it waits, and may go out yet */
    assert_string_equal(out, "queued\n");
    assert_int_equal(RUN("", "send", "nobody", "hi"), 4);
    assert_int_equal(RUN("", "send", "mallory", "hi"), 8);
    assert_int_equal(RUN("", "search", "bob"), 0);
    assert_string_equal(out, "bob is online at 127.0.0.1:2.\n");
    assert_int_equal(RUN("", "search", "carol"), 0);
    assert_string_equal(out, "carol is offline.\n");
    assert_int_equal(RUN("", "search", "nobody"), 4);
    assert_int_equal(RUN("", "--json", "search", "bad!"), 4);
    assert_true(has(out, "{\"v\":1,\"type\":\"user\",\"name\":\"bad!\",\"status\":\"not-found\"}\n"));
    assert_int_equal(RUN("", "who"), 0);
    assert_string_equal(out, "alice  online\nbob    away\n");
    assert_int_equal(RUN("", "who", "-d"), 0);
    assert_string_equal(out, "alice  online  127.0.0.1:1\nbob    away  127.0.0.1:2\n");
    assert_int_equal(RUN("", "-u", "ALICE", "who"), 0);
    assert_int_equal(RUN("", "-u", "bob", "who"), 2);
    assert_int_equal(RUN("", "devices", "revoke", "2"), 0);
    assert_true(has(said, "revoke 2\n"));
    fake.unreachable = true;
    assert_int_equal(RUN("", "who"), 6);
    fake.logged_out = true;
    assert_int_equal(RUN("", "who"), 3);
    fake.open_err = CONCLAVE_ERR_IN_USE;
    assert_int_equal(RUN("", "who"), 1);
    assert_true(has(err, "Another conclave is using this home."));
    assert_int_equal(RUN("", "--json", "who"), 1);
    assert_true(has(out, "\"code\":\"internal\""));
    fake.open_err = CONCLAVE_ERR_REGISTRY_KEY_CHANGED;
    assert_int_equal(RUN("", "who"), 7);
}

static void
a_name_and_a_password_enrol_before_a_command(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "who"), 3);
    (void)setenv("CONCLAVE_PASSWORD", "correct horse", 1);
    assert_int_equal(RUN("", "-u", "alice", "who"), 0);
    (void)setenv("CONCLAVE_PASSWORD", "wrong", 1);
    assert_int_equal(RUN("", "-u", "alice", "who"), 3);
    assert_string_equal(out, "");
}

static void
who_is_not_let_in_is_told_how_to_sign_up(void **state)
{
    static const char *const hint = "The name or the password is wrong; who has no account yet signs up with conclave -u NAME register.\n";
    (void)state;
    (void)setenv("CONCLAVE_PASSWORD", "wrong", 1);
    assert_int_equal(RUN("", "-u", "alice", "who"), 3);
    assert_true(has(err, "conclave: login: ") && has(err, hint));
    assert_int_equal(RUN("", "-u", "alice", "login"), 3);
    assert_true(has(err, hint));
    assert_int_equal(RUN("/who\n", "--plain", "-u", "alice"), 3);
    assert_true(has(err, "signs up with /register.\n"));
    assert_int_equal(RUN("", "--json", "-u", "alice", "login"), 3);
    assert_true(has(out, "\"code\":\"wrong-credentials\",\"message\":\"The name or the password is wrong; who has no account"));
    (void)setenv("CONCLAVE_NEW_PASSWORD", "another one", 1);
    fake.enrolled = true;
    assert_int_equal(RUN("", "-u", "alice", "passwd"), 3); /* there is an account */
    assert_null(strstr(err, "signs up"));
    (void)unsetenv("CONCLAVE_NEW_PASSWORD");
}

static void
a_text_is_read_from_stdin(void **state)
{
    (void)state;
    assert_int_equal(RUN("two\nlines\n", "send", "bob", "-"), 0);
    assert_true(has(said, "send bob two\nlines\n"));
    assert_int_equal(RUN("", "send", "bob", "-"), 2);
}

static void
passwd_takes_the_new_password_from_stdin_or_the_environment(void **state)
{
    (void)state;
    (void)setenv("CONCLAVE_PASSWORD", "correct horse", 1);
    assert_int_equal(RUN("battery staple\nrest", "passwd"), 0);
    assert_true(has(said, "passwd battery staple\n"));
    (void)setenv("CONCLAVE_NEW_PASSWORD", "from the environment", 1);
    assert_int_equal(RUN("", "passwd"), 0);
    assert_true(has(said, "passwd from the environment\n"));
    (void)unsetenv("CONCLAVE_PASSWORD");
    assert_int_equal(RUN("", "passwd"), 2);
}

static void
recv_prints_what_waited_and_counts_it_as_read(void **state)
{
    (void)state;
    fake.waiting = 3;
    assert_int_equal(RUN("", "recv", "--count", "2"), 0);
    assert_true(has(out, " bob: hello\xef\xbf\xbd[2J\n"));
    assert_null(strchr(out, '\x1b'));
    assert_true(has(said, "shown 1\n") && has(said, "shown 2\n") && has(said, "read 2\n"));
    assert_null(strstr(said, "shown 3"));
    assert_null(strstr(said, "hold"));
    assert_int_equal(RUN("", "--json", "--timeout", "0.05", "recv"), 0);
    assert_true(has(out, "\"from\":\"bob\",\"to\":\"alice\",\"ts\":\"1970-01-01T00:00:00.000Z\",\"text\":"
                         "\"hello\\u001b[2J\"}\n"));
    assert_int_equal(RUN("", "--timeout", "0.05", "recv", "--count", "4"), 5);
    fake.enrolled = false;
    assert_int_equal(RUN("", "recv"), 3);
}

static void
a_json_session_answers_every_command_once_in_order(void **state)
{
    (void)state;
    assert_int_equal(RUN("/who\n/search bob\nhello\n/nonsense\n/msg bob hi\n\n/msg nobody hi\n/chat bob\nplain\n"
                         "/devices\n/who -d\n/help\n/msg bob last",
                         "--json"),
                     0);
    expect_lines((const char *const[]){
        "{\"v\":1,\"type\":\"session\",\"state\":\"logged-in\",\"user\":\"alice\"}\n",
        "{\"v\":1,\"type\":\"users\",\"users\":[{\"name\":\"alice\",\"status\":\"online\"},{\"name\":\"bob\"",
        "{\"v\":1,\"type\":\"user\",\"name\":\"bob\",\"status\":\"online\",\"endpoint\":\"127.0.0.1:2\"}\n",
        "\"type\":\"error\",\"code\":\"bad-arguments\"",
        "\"type\":\"error\",\"code\":\"unknown-command\"",
        "\"command\":\"nonsense\"}\n",
        "{\"v\":1,\"type\":\"ok\",\"command\":\"msg\",\"id\":\"0",
        "\"type\":\"error\",\"code\":\"no-such-user\"",
        "\"type\":\"ok\",\"command\":\"chat\"",
        "\"type\":\"ok\",\"command\":\"msg\",\"id\":\"0",
        "\"type\":\"devices\",\"devices\":[{\"id\":1,",
        "\"endpoint\":\"127.0.0.1:1\"",
        "\"type\":\"ok\",\"command\":\"help\"",
        "\"type\":\"ok\",\"command\":\"msg\",\"id\":\"0",
        NULL});
    assert_true(has(said, "send bob plain\n") && has(said, "send bob last\n") && has(said, "close\n"));
    unsigned answers = 0;
    for (const char *at = out; (at = strstr(at, "\"type\":\"")) != NULL; at++) {
        const char *const type = at + 8;
        answers += strncmp(type, "session", 7) != 0 && strncmp(type, "receipt", 7) != 0;
    }
    assert_int_equal(answers, 12);
}

static void
a_name_and_a_password_log_a_json_session_in(void **state)
{
    (void)state;
    (void)setenv("CONCLAVE_PASSWORD", "correct horse", 1);
    assert_int_equal(RUN("/who\n", "--json", "-u", "alice"), 0);
    expect_lines((const char *const[]){"\"state\":\"logged-in\"", "\"type\":\"users\"", NULL});
    assert_null(strstr(out, "\"ok\"")); /* nobody gave that command */
    (void)setenv("CONCLAVE_PASSWORD", "wrong", 1);
    assert_int_equal(RUN("/who\n", "--json", "-u", "alice"), 3);
    expect_lines((const char *const[]){"\"code\":\"wrong-credentials\"", "\"code\":\"not-logged-in\"", NULL});
}

static void
a_logout_lasts_until_a_login(void **state)
{
    (void)state;
    fake.logged_out = true;
    assert_int_equal(RUN("/who\n/login\n/who\n", "--json"), 0);
    expect_lines((const char *const[]){"\"code\":\"not-logged-in\"", "\"ok\",\"command\":\"login\"", "\"users\"", NULL});
    (void)setenv("CONCLAVE_PASSWORD", "correct horse", 1);
    assert_int_equal(RUN("/who\n", "--json", "-u", "alice"), 0);
    assert_null(strstr(out, "not-logged-in"));
}

static void
an_answer_that_does_not_come_is_given_at_the_end_of_stdin(void **state)
{
    (void)state;
    assert_int_equal(RUN("/search slow\n/who\n", "--json"), 0);
    expect_lines((const char *const[]){"\"code\":\"busy\"", "\"command\":\"search\"",
                                       "\"code\":\"busy\"", "\"command\":\"who\"", NULL});
}

static void
a_signal_ends_a_session_in_order(void **state)
{
    (void)state;
    assert_int_equal(run_with("/who\n", SIGTERM, (const char *const[]){"conclave", "--json", NULL}), 128 + SIGTERM);
    assert_true(has(said, "close\n"));
    assert_int_equal(run_with("@bob hi\n", SIGINT, (const char *const[]){"conclave", "--plain", NULL}), 128 + SIGINT);
    assert_true(has(out, "#1 bob: delivered"));
    assert_true(has(said, "close\n"));
}

static void
lines_without_json_are_for_people(void **state)
{
    (void)state;
    fake.waiting = 1;
    assert_int_equal(RUN("/who\n@bob hi\n /who\n/whoo\n/quit\n/who\n", "--plain"), 0);
    expect_lines((const char *const[]){"bob: hello", "alice  online", "#1 bob: delivered", NULL});
    assert_true(has(err, "behind a space") && has(err, "did you mean /who?"));
    assert_true(has(said, "shown 1\n") && has(said, "read 1\n"));
    assert_null(strchr(out, '\x1b'));
    assert_null(strstr(strstr(out, "alice  online") + 1, "alice  online")); /* nothing after /quit */
}

static void
a_line_without_end_is_refused_and_the_next_is_understood(void **state)
{
    (void)state;
    char *const input = malloc(400000);
    memset(input, 'x', 300000);
    memcpy(input, "/msg bob ", 9);
    memcpy(input + 300000, "\n/search bob\n", 14);
    assert_int_equal(RUN(input, "--json"), 0);
    free(input);
    expect_lines((const char *const[]){"\"code\":\"too-large\"", "\"type\":\"user\"", NULL});
}

int
main(void)
{
    if (!make_dir())
        return 99;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(help_and_version_go_to_stdout, enrolled),
        cmocka_unit_test_setup(wrong_usage_ends_with_2, enrolled),
        cmocka_unit_test_setup(register_needs_a_name_and_a_password, fresh),
        cmocka_unit_test_setup(one_shot_commands_end_with_the_fixed_codes, enrolled),
        cmocka_unit_test_setup(a_name_and_a_password_enrol_before_a_command, fresh),
        cmocka_unit_test_setup(who_is_not_let_in_is_told_how_to_sign_up, fresh),
        cmocka_unit_test_setup(a_text_is_read_from_stdin, enrolled),
        cmocka_unit_test_setup(passwd_takes_the_new_password_from_stdin_or_the_environment, enrolled),
        cmocka_unit_test_setup(recv_prints_what_waited_and_counts_it_as_read, enrolled),
        cmocka_unit_test_setup(a_json_session_answers_every_command_once_in_order, enrolled),
        cmocka_unit_test_setup(a_name_and_a_password_log_a_json_session_in, fresh),
        cmocka_unit_test_setup(a_logout_lasts_until_a_login, enrolled),
        cmocka_unit_test_setup(an_answer_that_does_not_come_is_given_at_the_end_of_stdin, enrolled),
        cmocka_unit_test_setup(a_signal_ends_a_session_in_order, enrolled),
        cmocka_unit_test_setup(lines_without_json_are_for_people, enrolled),
        cmocka_unit_test_setup(a_line_without_end_is_refused_and_the_next_is_understood, enrolled),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_dir();
    return failed;
}
