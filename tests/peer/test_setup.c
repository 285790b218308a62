/* Proves peer/setup and peer/home through the public API: homes, keys, ports
 * and links. */
#include "tests/peer/fixture.h"

static void
a_home_is_made_for_its_owner_alone_and_foreign_files_stay(void **state)
{
    (void)state;
    const mode_t before = umask(0);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    umask(before);
    assert_int_equal(mode("home"), 0700);
    assert_int_equal(mode("home/keys"), 0600);
    assert_int_equal(mode("home/store"), 0700);
    assert_int_equal(mode("home/lock"), 0600);
    conclave_close(&peer);
    save("home/foreign", "mine", 0644);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    assert_int_equal(mode("home/foreign"), 0644);
}

static void
without_a_home_the_xdg_directories_serve(void **state)
{
    (void)state;
    setenv("XDG_DATA_HOME", path("share"), 1);
    setenv("XDG_CONFIG_HOME", path("config"), 1);
    const struct conclave_options options = {.listen = "none"};
    assert_int_equal(conclave_open(&peer, &options), CONCLAVE_OK);
    assert_int_equal(mode("share/conclave/keys"), 0600);
    unsetenv("XDG_DATA_HOME");
    unsetenv("XDG_CONFIG_HOME");
}

static void
a_store_that_was_emptied_is_refused_and_not_begun_anew(void **state)
{
    (void)state;
    struct stat about;
    prepare(three_messages);
    assert_int_equal(truncate(path("home/store/data.mdb"), 0), 0);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(OPEN(0), CONCLAVE_ERR_STORE_DAMAGED);
        assert_non_null(strstr(conclave_why(), "data.mdb is damaged"));
        assert_int_equal(stat(path("home/store/data.mdb"), &about), 0);
        assert_int_equal(about.st_size, 0);
    }
    assert_int_equal(rename(path("home/store"), path("aside")), 0); /* as the sentence says */
    assert_int_equal(OPEN(0), CONCLAVE_OK);
}

static void
a_second_process_is_told_at_once_and_a_killed_one_is_no_hindrance(void **state)
{
    (void)state;
    int from;
    const pid_t pid = start_other("--hold", &from);
    await_other(from);
    assert_int_equal(OPEN(0), CONCLAVE_ERR_IN_USE);
    assert_null(peer);
    assert_non_null(strstr(conclave_why(), "in use"));
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
}

static void
one_process_opens_a_home_once(void **state)
{
    (void)state;
    struct conclave *first;
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    first = peer;
    assert_int_equal(OPEN(0), CONCLAVE_ERR_IN_USE);
    peer = first;
}

static void
a_home_that_others_may_change_is_refused(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path("home"), 0700), 0);
    assert_int_equal(chmod(path("home"), 0777), 0);
    assert_int_equal(OPEN(0), CONCLAVE_ERR_UNSAFE_FILE);
    assert_int_equal(chmod(path("home"), 0755), 0);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    conclave_close(&peer);
    assert_int_equal(chmod(path("home/keys"), 0644), 0);
    assert_int_equal(OPEN(0), CONCLAVE_ERR_UNSAFE_FILE);
    assert_non_null(strstr(conclave_why(), "chmod 600"));
}

static void
a_passphrase_locks_the_keys_until_it_is_taken_off(void **state)
{
    (void)state;
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    assert_int_equal(conclave_set_passphrase(peer, "open sesame"), CONCLAVE_OK);
    conclave_close(&peer);
    assert_int_equal(OPEN(0), CONCLAVE_ERR_LOCKED);
    assert_int_equal(OPEN(.passphrase = "open barley"), CONCLAVE_ERR_LOCKED);
    assert_int_equal(OPEN(.passphrase = "open sesame"), CONCLAVE_OK);
    conclave_close(&peer);
    setenv("CONCLAVE_PASSPHRASE", "open sesame", 1);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    assert_int_equal(conclave_set_passphrase(peer, ""), CONCLAVE_OK);
    unsetenv("CONCLAVE_PASSPHRASE");
    conclave_close(&peer);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
}

static void
a_store_without_its_keys_is_not_opened_with_new_ones(void **state)
{
    (void)state;
    prepare(enrolled);
    assert_int_equal(rename(path("home/keys"), path("saved")), 0);
    assert_int_equal(OPEN(0), CONCLAVE_ERR_STORE_DAMAGED);
    assert_non_null(strstr(conclave_why(), "is gone"));
    assert_int_not_equal(access(path("home/keys"), F_OK), 0);
    assert_int_equal(rename(path("saved"), path("home/keys")), 0);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
}

static void
a_mistake_in_the_config_names_its_line(void **state)
{
    (void)state;
    assert_int_equal(mkdir(path("home"), 0700), 0);
    save("home/conclave.conf", "listen = none\nlisten-to = 7\n", 0600);
    assert_int_equal(OPEN(0), CONCLAVE_ERR_CONFIG);
    assert_non_null(strstr(conclave_why(), "conclave.conf:2"));
}

static uint16_t
port_of(const char *listen)
{
    struct conclave_state known;
    assert_int_equal(OPEN(.listen = listen), CONCLAVE_OK);
    conclave_get_state(peer, &known);
    conclave_close(&peer);
    return known.port;
}

static void
the_port_is_kept_and_given_up_when_it_is_taken(void **state)
{
    (void)state;
    char endpoint[64];
    struct conclave *other_peer;
    const uint16_t port = port_of("127.0.0.1:0");
    assert_true(port != 0);
    assert_int_equal(port_of("127.0.0.1:0"), port);
    assert_int_equal(port_of("none"), 0);

    snprintf(endpoint, sizeof endpoint, "127.0.0.1:%u", port);
    const struct conclave_options options = {.in_memory = true, .listen = endpoint};
    assert_int_equal(conclave_open(&other_peer, &options), CONCLAVE_OK);
    assert_int_not_equal(port_of("127.0.0.1:0"), port);
    assert_int_equal(OPEN(.listen = endpoint), CONCLAVE_ERR_IN_USE); /* asked for: no other will do */
    conclave_close(&other_peer);
    assert_int_equal(OPEN(.listen = "nowhere"), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_int_equal(OPEN(.direct = "sometimes"), CONCLAVE_ERR_BAD_ARGUMENTS);
}

static void
the_registry_of_an_enrolled_home_keeps_its_key(void **state)
{
    (void)state;
    char text[MSG_LINK_MAX + 1];
    prepare(enrolled);
    assert_int_equal(OPEN(.link = "conclave://nonsense"), CONCLAVE_ERR_BAD_ARGUMENTS);
    struct msg_link changed = the_link;
    changed.door.at[31] ^= 1;
    msg_link_print(text, sizeof text, &changed);
    assert_int_equal(OPEN(.link = text), CONCLAVE_ERR_REGISTRY_KEY_CHANGED);
    changed = the_link;
    changed.signer[0] ^= 1;
    msg_link_print(text, sizeof text, &changed);
    assert_int_equal(OPEN(.link = text), CONCLAVE_ERR_REGISTRY_KEY_CHANGED);
    changed = the_link;
    changed.port = 2; /* it may move */
    msg_link_print(text, sizeof text, &changed);
    assert_int_equal(OPEN(.link = text), CONCLAVE_OK);
}

static void
a_registry_of_this_user_is_found_and_only_of_this_user(void **state)
{
    (void)state;
    char text[MSG_LINK_MAX + 1];
    char line[MSG_LINK_MAX + 2];
    struct conclave_state known;
    memset(&the_link, 7, sizeof the_link);
    strcpy(the_link.host, "127.0.0.1");
    the_link.port = 1;
    msg_link_print(text, sizeof text, &the_link);
    snprintf(line, sizeof line, "%s\n", text);
    save("conclaved.link", line, 0666);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    conclave_get_state(peer, &known);
    assert_string_equal(known.link, "");
    conclave_close(&peer);
    assert_int_equal(chmod(path("conclaved.link"), 0644), 0);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    conclave_get_state(peer, &known);
    assert_string_equal(known.link, text);
}

int
main(int argc, char **argv)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_home_is_made_for_its_owner_alone_and_foreign_files_stay),
        TEST(a_store_that_was_emptied_is_refused_and_not_begun_anew),
        TEST(without_a_home_the_xdg_directories_serve),
        TEST(a_second_process_is_told_at_once_and_a_killed_one_is_no_hindrance),
        TEST(one_process_opens_a_home_once),
        TEST(a_home_that_others_may_change_is_refused),
        TEST(a_passphrase_locks_the_keys_until_it_is_taken_off),
        TEST(a_store_without_its_keys_is_not_opened_with_new_ones),
        TEST(a_mistake_in_the_config_names_its_line),
        TEST(the_port_is_kept_and_given_up_when_it_is_taken),
        TEST(the_registry_of_an_enrolled_home_keeps_its_key),
        TEST(a_registry_of_this_user_is_found_and_only_of_this_user),
    };
    this_program = argv[0];
    if (argc == 3)
        return other(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
