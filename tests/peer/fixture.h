/* A home of one test's own and the peer in it, through the public API. */
#ifndef TESTS_PEER_FIXTURE_H
#define TESTS_PEER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "msg/codec.h"
#include "msg/name.h"
#include "peer/conclave.h"
#include "peer/home.h"
#include "peer/keyfile.h"
#include "peer/loop.h"

#define WAIT_MS 10000

extern char **environ;

static char dir[64];
static struct conclave *peer;

static inline int
set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/test_conclave.XXXXXX");
    assert_non_null(mkdtemp(dir));
    setenv("XDG_RUNTIME_DIR", dir, 1);
    setenv("XDG_STATE_HOME", dir, 1);
    unsetenv("CONCLAVE_PASSPHRASE");
    return 0;
}

static inline int
tear_down(void **state)
{
    (void)state;
    char command[128];
    conclave_close(&peer);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    return system(command);
}

static inline const char *
path(const char *name)
{
    static char text[2][256];
    static unsigned turn;
    char *const out = text[turn++ % 2];
    snprintf(out, sizeof text[0], "%s/%s", dir, name);
    return out;
}

static inline mode_t
mode(const char *name)
{
    struct stat st;
    assert_int_equal(lstat(path(name), &st), 0);
    return st.st_mode & 0777;
}

static inline void
save(const char *name, const char *text, mode_t rights)
{
    const int fd = open(path(name), O_WRONLY | O_CREAT | O_TRUNC, rights);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, rights), 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static inline enum conclave_err
open_with(struct conclave_options options)
{
    static char home[256];
    snprintf(home, sizeof home, "%s/home", dir);
    options.home = home;
    if (options.listen == NULL)
        options.listen = "none";
    return conclave_open(&peer, &options);
}

#define OPEN(...) open_with((struct conclave_options){__VA_ARGS__})

/* Lays records into the store of the home as if an earlier session had. */
static inline void
prepare(void (*fill)(struct peer_shelf *shelf))
{
    struct peer_home home;
    struct peer_keys keys;
    struct peer_shelf *shelf;
    char why[512] = "";
    assert_int_equal(OPEN(0), CONCLAVE_OK); /* makes the keys */
    conclave_close(&peer);
    assert_int_equal(peer_home_find(&home, path("home"), why, sizeof why), CONCLAVE_OK);
    assert_int_equal(peer_home_open(&home, why, sizeof why), CONCLAVE_OK);
    assert_int_equal(peer_keyfile_read(&keys, home.dir_fd, "keys", msg_text(""), why, sizeof why), CONCLAVE_OK);
    assert_int_equal(peer_shelf_open(&shelf, home.store, 0, &keys.storage), CONCLAVE_OK);
    fill(shelf);
    peer_shelf_store(shelf, 1);
    assert_int_equal(peer_store_commit(home.store), CONCLAVE_OK);
    peer_shelf_close(&shelf);
    peer_home_close(&home);
}

static inline void
put(struct peer_shelf *shelf, uint32_t table, uint64_t number, enum msg_kind kind, const void *record)
{
    uint8_t frame[4096];
    struct msg_buf buf = {frame, 0, sizeof frame};
    const struct msg_record_key key = msg_record_key1(number);
    assert_int_equal(msg_codec_encode(&buf, kind, record), CONCLAVE_OK);
    peer_shelf_put(shelf, table, msg_record_key_span(&key), msg_span_of_buf(&buf));
}

static inline void
three_messages(struct peer_shelf *shelf)
{
    static const char *const texts[] = {"one", "two", "three"};
    for (uint64_t i = 1; i <= 3; i++) {
        const struct msg_rec_inbox record = {.arrival = i, .account = 9, .device = 1, .incarnation = 1, .number = i,
                                             .name = msg_text("bob"), .room = msg_text("#lab"), .id = {{(uint8_t)i}}, .ts_ms = 1000 * i,
                                             .text = msg_text(texts[i - 1])};
        put(shelf, PEER_TABLE_INBOX, i, MSG_REC_INBOX, &record);
    }
}

static struct msg_link the_link;

static inline void
enrolled(struct peer_shelf *shelf)
{
    char text[MSG_LINK_MAX + 1];
    memset(&the_link, 7, sizeof the_link);
    strcpy(the_link.host, "127.0.0.1");
    the_link.port = 1;
    msg_link_print(text, sizeof text, &the_link);
    const struct msg_rec_self record = {.link = msg_text(text), .account = 5, .device = 1, .name = msg_text("alice"),
                                        .front_host = msg_text("127.0.0.1"), .front_port = 1, .logged_out = true,
                                        .incarnation = 1, .salt = 1, .now_offset_ms = 1ull << 62};
    put(shelf, PEER_TABLE_SELF, 0, MSG_REC_SELF, &record);
}

/* The next event of that kind. */
static inline const struct conclave_event *
next(enum conclave_event_kind kind)
{
    const struct conclave_event *event;
    do
        event = conclave_next(peer, WAIT_MS);
    while (event != NULL && event->kind != kind);
    assert_non_null(event);
    return event;
}

static inline void
assert_message(const char *text)
{
    const struct conclave_event *const event = next(CONCLAVE_EVENT_MESSAGE);
    assert_string_equal(event->text, text);
    assert_int_equal(event->text_bytes, strlen(text));
    assert_string_equal(event->from, "bob");
}

static inline void
assert_failed(uint64_t request, enum conclave_err err)
{
    const struct conclave_event *const event = next(CONCLAVE_EVENT_FAILED);
    assert_true(request > 0);
    assert_int_equal(event->request, request);
    assert_int_equal(event->err, err);
    assert_true(event->text_bytes > 0);
}

/* How this program was called: under valgrind /proc/self/exe is valgrind. */
static const char *this_program;

static inline pid_t
start_other(const char *role, int *from)
{
    int ends[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    char *const argv[] = {"test_conclave", strdup(role), strdup(path("home")), NULL};
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    assert_int_equal(posix_spawn(&pid, this_program, &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    free(argv[1]);
    free(argv[2]);
    *from = ends[0];
    return pid;
}

static inline void
await_other(int from)
{
    char byte;
    assert_int_equal(read(from, &byte, 1), 1);
    close(from);
}

/* --hold: opens the home and stays.  --two: takes two messages, asks for the
 * third, and is killed. */
static inline int
other(const char *role, const char *home)
{
    const struct conclave_options options = {.home = home, .listen = "none"};
    if (conclave_open(&peer, &options) != CONCLAVE_OK)
        return 1;
    if (strcmp(role, "--two") == 0) {
        for (int taken = 0; taken < 3;) {
            const struct conclave_event *const event = conclave_next(peer, WAIT_MS);
            if (event == NULL)
                return 2;
            taken += event->kind == CONCLAVE_EVENT_MESSAGE;
        }
        raise(SIGKILL);
    }
    if (write(1, "r", 1) != 1)
        return 3;
    pause();
    return 0;
}

#endif
