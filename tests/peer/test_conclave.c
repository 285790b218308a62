/* Proves the public API without a registry: the mark of what was shown,
 * requests and events, in both ways to run. */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <sys/time.h>

#include "tests/peer/fixture.h"

static void
a_message_counts_as_shown_when_the_next_is_asked_for(void **state)
{
    (void)state;
    prepare(three_messages);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    assert_message("one");
    assert_message("two");
    conclave_close(&peer);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    assert_message("two");
    assert_message("three");
    assert_null(conclave_next(peer, 0));
    conclave_close(&peer);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    assert_null(conclave_next(peer, 0));
}

static void
the_mark_outlives_a_killed_process(void **state)
{
    (void)state;
    int from;
    int status;
    prepare(three_messages);
    const pid_t pid = start_other("--two", &from);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    close(from);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    assert_message("three");
}

static void
held_messages_wait_for_an_opening_that_wants_them(void **state)
{
    (void)state;
    prepare(three_messages);
    assert_int_equal(OPEN(.hold_messages = true), CONCLAVE_OK);
    assert_null(conclave_next(peer, 0));
    conclave_close(&peer);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    assert_message("one");
}

static void
who_never_links_directly_has_no_socket_for_it(void **state)
{
    (void)state;
    struct conclave_state now;
    assert_int_equal(OPEN(.listen = "127.0.0.1:0", .direct = "contacts"), CONCLAVE_OK);
    conclave_get_state(peer, &now);
    assert_int_not_equal(now.port, 0);
    conclave_close(&peer);
    assert_int_equal(OPEN(.listen = "127.0.0.1:0", .direct = "never"), CONCLAVE_OK);
    conclave_get_state(peer, &now);
    assert_int_equal(now.port, 0);
}

static void
every_request_is_answered_under_its_number(void **state)
{
    (void)state;
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    const uint64_t first = conclave_search(peer, "bob");
    const uint64_t second = conclave_list(peer, true);
    assert_true(second > first);
    assert_failed(first, CONCLAVE_ERR_NOT_LOGGED_IN);
    assert_failed(second, CONCLAVE_ERR_NOT_LOGGED_IN);
}

static void
what_cannot_be_said_is_refused(void **state)
{
    (void)state;
    static char large[(1u << 20) + 1];
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    assert_failed(conclave_send(peer, "bob", large, sizeof large), CONCLAVE_ERR_TOO_LARGE);
    assert_failed(conclave_search(peer, large), CONCLAVE_ERR_BAD_NAME);
    assert_failed(conclave_search(peer, "b\xff"), CONCLAVE_ERR_BAD_NAME);
    assert_failed(conclave_register(peer, "bob", large), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_failed(conclave_send(peer, "bob", "\xc0\x80", 2), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_failed(conclave_revoke(peer, 0), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_true(conclave_register(peer, NULL, NULL) > 0);
    assert_int_not_equal(next(CONCLAVE_EVENT_FAILED)->err, CONCLAVE_OK);
}

static void
what_cannot_be_done_to_a_room_is_refused(void **state)
{
    (void)state;
    static char large[2048];
    memset(large, 'x', sizeof large - 1);
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    assert_failed(conclave_room_create(peer, large, 0, NULL, NULL), CONCLAVE_ERR_BAD_NAME);
    assert_failed(conclave_room_create(peer, "#lab", 8, NULL, NULL), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_failed(conclave_room_create(peer, "#lab", CONCLAVE_ROOM_LOCKED, "", NULL), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_failed(conclave_room_create(peer, "#lab", 0, large, NULL), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_failed(conclave_room_create(peer, "#lab", 0, NULL, large), CONCLAVE_ERR_TOO_LARGE);
    assert_failed(conclave_room_create(peer, "#lab", 0, NULL, "\xff"), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_failed(conclave_room_join(peer, "\xff", NULL), CONCLAVE_ERR_BAD_NAME);
    assert_failed(conclave_room_join(peer, "#lab", large), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_failed(conclave_room_act(peer, "#lab", CONCLAVE_ACT_CREATE, NULL, NULL), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_failed(conclave_room_act(peer, "#lab", CONCLAVE_ACT_JOIN, NULL, NULL), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_failed(conclave_room_act(peer, "#lab", CONCLAVE_ACT_REVOKED, "bob", NULL), CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_failed(conclave_room_act(peer, large, CONCLAVE_ACT_KICK, "bob", NULL), CONCLAVE_ERR_BAD_NAME);
    assert_failed(conclave_room_act(peer, "#lab", CONCLAVE_ACT_KICK, large, NULL), CONCLAVE_ERR_BAD_NAME);
    assert_failed(conclave_room_act(peer, "#lab", CONCLAVE_ACT_TOPIC, NULL, large), CONCLAVE_ERR_TOO_LARGE);
    assert_failed(conclave_members(peer, large), CONCLAVE_ERR_BAD_NAME);
    /* The largest that may be said goes on to the core, whose answer it is. */
    large[MSG_TOPIC_MAX] = '\0';
    const uint64_t request = conclave_room_act(peer, "#lab", CONCLAVE_ACT_TOPIC, NULL, large);
    assert_true(next(CONCLAVE_EVENT_FAILED)->request == request);
    large[512] = '\0';
    assert_true(conclave_room_create(peer, large, 7, large, large) > request);
    next(CONCLAVE_EVENT_FAILED);
    assert_true(conclave_rooms(peer, true) > request);
    next(CONCLAVE_EVENT_FAILED);
    assert_true(conclave_rooms_watch(peer, true) > request);
    next(CONCLAVE_EVENT_FAILED);
}

static void
the_descriptor_is_readable_while_an_event_waits(void **state)
{
    (void)state;
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    struct pollfd news = {.fd = conclave_fd(peer), .events = POLLIN};
    assert_int_equal(poll(&news, 1, 0), 0);
    conclave_search(peer, "bob");
    conclave_search(peer, "bob");
    assert_int_equal(poll(&news, 1, WAIT_MS), 1);
    next(CONCLAVE_EVENT_FAILED);
    next(CONCLAVE_EVENT_FAILED);
    assert_int_equal(poll(&news, 1, 0), 0);
    assert_null(conclave_next(peer, 1));
}

static void
closing_is_quick_when_nobody_answers(void **state)
{
    (void)state;
    char text[MSG_LINK_MAX + 1];
    memset(&the_link, 7, sizeof the_link);
    strcpy(the_link.host, "127.0.0.1");
    the_link.port = 1;
    msg_link_print(text, sizeof text, &the_link);
    assert_int_equal(OPEN(.link = text), CONCLAVE_OK);
    conclave_register(peer, "alice", "a long passphrase of mine");
    const uint64_t start_ms = peer_loop_now_ms();
    conclave_close(&peer);
    assert_true(peer_loop_now_ms() - start_ms < 2000);
}

static size_t
entries(const char *directory)
{
    size_t count = 0;
    DIR *const list = opendir(directory);
    assert_non_null(list);
    while (readdir(list) != NULL)
        count++;
    closedir(list);
    return count;
}

/* libzmq ends what was closed on a thread of its own, in its own time. */
static bool
comes_down(const char *directory, size_t most)
{
    const uint64_t end_ms = peer_loop_now_ms() + 20000;
    while (entries(directory) > most && peer_loop_now_ms() < end_ms)
        (void)poll(NULL, 0, 10);
    return entries(directory) <= most;
}

static void
on_alarm(int number)
{
    (void)number;
}

/* CZMQ waits for its thread no longer when a signal comes. */
static void
a_signal_does_not_end_the_closing_before_its_time(void **state)
{
    (void)state;
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval often = {{0, 50}, {0, 50}};
    const struct itimerval never = {{0, 0}, {0, 0}};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0); /* to stay: the last alarm may be under way for a while */
    for (int i = 0; i < 20; i++) {
        assert_int_equal(OPEN(.listen = "127.0.0.1:0"), CONCLAVE_OK); /* nobody else has the home */
        assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
        conclave_close(&peer);
        assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
    }
}

static void
opened_and_closed_200_times_nothing_is_left_open(void **state)
{
    (void)state;
    enum { WARM = 20, COUNT = 200 };
    size_t descriptors = 0, threads = 0;
    for (int i = 0; i < WARM + COUNT; i++) {
        const struct conclave_options options = {.in_memory = true, .listen = "127.0.0.1:0"};
        assert_int_equal(conclave_open(&peer, &options), CONCLAVE_OK);
        conclave_close(&peer);
        if (i == WARM) { /* libzmq keeps some of its own for the next ones */
            descriptors = entries("/proc/self/fd");
            threads = entries("/proc/self/task");
        }
    }
    assert_true(comes_down("/proc/self/fd", descriptors + 4));
    assert_true(comes_down("/proc/self/task", threads + 2));
}

static void
a_child_process_gets_nothing(void **state)
{
    (void)state;
    int status;
    assert_int_equal(OPEN(0), CONCLAVE_OK);
    const pid_t pid = fork();
    if (pid == 0) {
        struct conclave *mine = peer;
        struct conclave *another;
        const struct conclave_options options = {.in_memory = true};
        int wrong = conclave_search(mine, "bob") != 0;
        wrong |= conclave_next(mine, -1) != NULL;
        wrong |= conclave_open(&another, &options) != CONCLAVE_ERR_SYSTEM;
        conclave_close(&mine);
        /* nothing of this program ends here: it is not the child's to free */
        execl(wrong ? "/bin/false" : "/bin/true", "child", (char *)NULL);
        _exit(2);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_failed(conclave_search(peer, "bob"), CONCLAVE_ERR_NOT_LOGGED_IN);
}

static void
many_instances_share_one_home_and_one_thread(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    struct conclave_loop *loop;
    struct conclave *peers[COUNT];
    struct conclave *twice;
    uint64_t requests[COUNT];
    char name[16];
    assert_int_equal(conclave_loop_new(&loop), CONCLAVE_OK);
    struct conclave_options options = {.home = path("home"), .instance = name, .listen = "127.0.0.1:0"};
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "peer%d", i);
        assert_int_equal(conclave_open_in(loop, &peers[i], &options), CONCLAVE_OK);
        assert_int_equal(conclave_fd(peers[i]), -1);
    }
    assert_int_equal(conclave_open_in(loop, &twice, &options), CONCLAVE_ERR_IN_USE);
    options.instance = "../up";
    assert_int_equal(conclave_open_in(loop, &twice, &options), CONCLAVE_ERR_BAD_ARGUMENTS);
    for (int i = 0; i < COUNT; i++)
        requests[i] = conclave_search(peers[i], "bob");
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(conclave_loop_turn(loop, 0), CONCLAVE_OK);
        peer = peers[i];
        assert_failed(requests[i], CONCLAVE_ERR_NOT_LOGGED_IN);
    }
    peer = NULL;
    conclave_close(&peers[3]);
    conclave_loop_destroy(&loop); /* and the rest with it */
    assert_int_equal(mode("home/keys-peer0"), 0600);
}

static void
a_peer_in_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    const struct conclave_options options = {.in_memory = true, .listen = "127.0.0.1:0"};
    assert_int_equal(conclave_open(&peer, &options), CONCLAVE_OK);
    assert_failed(conclave_search(peer, "bob"), CONCLAVE_ERR_NOT_LOGGED_IN);
    assert_int_equal(conclave_set_passphrase(peer, "x"), CONCLAVE_ERR_BAD_ARGUMENTS);
    conclave_close(&peer);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
}

static void
the_version_names_the_libraries(void **state)
{
    (void)state;
    assert_non_null(strstr(conclave_version(), "libzmq"));
    assert_non_null(strstr(conclave_version(), "libsodium"));
    assert_non_null(strstr(conclave_version(), "LMDB"));
}

int
main(int argc, char **argv)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_message_counts_as_shown_when_the_next_is_asked_for),
        TEST(the_mark_outlives_a_killed_process),
        TEST(held_messages_wait_for_an_opening_that_wants_them),
        TEST(who_never_links_directly_has_no_socket_for_it),
        TEST(every_request_is_answered_under_its_number),
        TEST(what_cannot_be_said_is_refused),
        TEST(what_cannot_be_done_to_a_room_is_refused),
        TEST(the_descriptor_is_readable_while_an_event_waits),
        TEST(closing_is_quick_when_nobody_answers),
        TEST(a_signal_does_not_end_the_closing_before_its_time),
        TEST(opened_and_closed_200_times_nothing_is_left_open),
        TEST(a_child_process_gets_nothing),
        TEST(many_instances_share_one_home_and_one_thread),
        TEST(a_peer_in_memory_leaves_nothing_behind),
        TEST(the_version_names_the_libraries),
    };
    this_program = argv[0];
    if (argc == 3)
        return other(argv[1], argv[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
