/* Proves host/watchdog on a bound socket: whom it cuts off, and whom it leaves. */
#include "tests/host/sockets.h"

#include <dirent.h>
#include <pthread.h>

#include "host/rounds.h"
#include "host/watchdog.h"

/* Until the watchdog says so, or the test fails. */
static void
until(struct host_watchdog *dog, struct host_watchdog_counts *now, uint64_t *what, uint64_t least)
{
    for (int i = 0; i < WAIT_MS; i++) {
        host_watchdog_counts(dog, now);
        if (*what >= least)
            return;
        zmq_poll(NULL, 0, 1);
    }
    fail_msg("only %llu of %llu", (unsigned long long)*what, (unsigned long long)least);
}

static void
the_watchdog_caps_the_connections_of_a_source(void **state)
{
    struct fixture *f = *state;
    struct host_watchdog *dog;
    struct host_watchdog_counts now;
    struct host_dial *d[5];

    bind_on(f, "127.0.0.1");
    const struct host_watchdog_limits limits = {.connections = 100, .connections_per_source = 3};
    assert_int_equal(host_watchdog_start(&dog, f->router, &limits), CONCLAVE_OK);
    for (int i = 0; i < 5; i++)
        d[i] = dial(f, "127.0.0.1", &f->server);
    until(dog, &now, &now.cut_source, 2);
    assert_int_equal(now.accepted, 5);
    unsigned up = 0;
    for (int i = 0; i < 5; i++)
        up += settled(d[i]) == HOST_DIAL_UP;
    assert_in_range(up, 3, 5); /* a handshake may be through before the cut */
    for (int i = 0; i < 5; i++)
        host_dial_close(&d[i], 0);
    for (int i = 0; i < WAIT_MS && now.open > 0; i++) {
        host_watchdog_counts(dog, &now);
        zmq_poll(NULL, 0, 1);
    }
    assert_int_equal(now.open, 0);
    struct host_dial *again = dial(f, "127.0.0.1", &f->server);
    assert_int_equal(settled(again), HOST_DIAL_UP);
    host_dial_close(&again, 0);
    host_watchdog_stop(&dog);
    assert_null(dog);
}

static void
the_watchdog_ends_a_silent_connection_and_leaves_one_that_spoke(void **state)
{
    struct fixture *f = *state;
    struct host_watchdog *dog;
    struct host_watchdog_counts now;

    bind_on(f, "127.0.0.1");
    const struct host_watchdog_limits limits = {
        .connections = 100, .connections_per_source = 100, .first_ms = 2000};
    assert_int_equal(host_watchdog_start(&dog, f->router, &limits), CONCLAVE_OK);
    struct host_dial *speaks = dial(f, "127.0.0.1", &f->server);
    say(speaks, "hello");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    host_watchdog_delivered(dog, f->frame.fd, 5);
    struct host_dial *silent = dial(f, "127.0.0.1", &f->server);
    until(dog, &now, &now.cut_total, 1);
    left(silent, HOST_DIAL_PENDING);
    assert_int_equal(left(silent, HOST_DIAL_UP), HOST_DIAL_DOWN);
    assert_int_equal(settled(speaks), HOST_DIAL_UP);
    say(speaks, "still here");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    host_watchdog_cut(dog, f->frame.fd);
    assert_int_equal(left(speaks, HOST_DIAL_UP), HOST_DIAL_DOWN);
    host_dial_close(&speaks, 0);
    host_dial_close(&silent, 0);
    host_watchdog_stop(&dog);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static uint32_t
wait_at_gate(void *arg, const struct host_round *round)
{
    (void)arg;
    (void)round;
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return HOST_ROUNDS_NEWS;
}

/* The thread of the rounds hears of it when its first word was read already. */
static void
who_spoke_before_the_watchdog_knew_it_is_not_silent(void **state)
{
    struct fixture *f = *state;
    struct host_watchdog *dog;
    struct host_watchdog_counts now;
    zsock_t *quiet = zsock_new(ZMQ_PAIR);
    struct host_rounds_one late = {.socket = quiet, .fn = wait_at_gate};

    bind_on(f, "127.0.0.1");
    const struct host_watchdog_limits limits = {.connections = 100, .connections_per_source = 100, .first_ms = 500};
    assert_int_equal(host_watchdog_start(&dog, f->router, &limits), CONCLAVE_OK);
    assert_int_equal(host_rounds_add(&late), CONCLAVE_OK); /* its turn is before the watchdog's */
    pthread_mutex_lock(&gate);
    struct host_dial *speaks = dial(f, "127.0.0.1", &f->server);
    say(speaks, "hello");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    host_watchdog_delivered(dog, f->frame.fd, 5);
    host_watchdog_counts(dog, &now);
    assert_int_equal(now.accepted, 0);
    pthread_mutex_unlock(&gate);
    until(dog, &now, &now.accepted, 1);
    struct host_dial *silent = dial(f, "127.0.0.1", &f->server);
    until(dog, &now, &now.cut_total, 1);
    left(silent, HOST_DIAL_PENDING);
    assert_int_equal(left(silent, HOST_DIAL_UP), HOST_DIAL_DOWN);
    say(speaks, "still here");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    assert_int_equal(host_dial_state(speaks), HOST_DIAL_UP);
    host_rounds_remove(&late);
    zsock_destroy(&quiet);
    host_dial_close(&speaks, 0);
    host_dial_close(&silent, 0);
    host_watchdog_stop(&dog);
}

static void
all_can_be_cut_off_at_once_and_come_back(void **state)
{
    struct fixture *f = *state;
    struct host_watchdog *dog;

    bind_on(f, "127.0.0.1");
    const struct host_watchdog_limits limits = {.connections = 100, .connections_per_source = 100, .first_ms = 1ull << 40}; /* they may be silent */
    assert_int_equal(host_watchdog_start(&dog, f->router, &limits), CONCLAVE_OK);
    struct host_dial *one = dial(f, "127.0.0.1", &f->server), *other = dial(f, "127.0.0.1", &f->server);
    assert_int_equal(settled(one), HOST_DIAL_UP);
    assert_int_equal(settled(other), HOST_DIAL_UP);
    host_watchdog_cut_all(dog);
    assert_int_equal(left(one, HOST_DIAL_UP), HOST_DIAL_DOWN);
    assert_int_equal(left(other, HOST_DIAL_UP), HOST_DIAL_DOWN);
    struct host_dial *again = dial(f, "127.0.0.1", &f->server); /* it was done once */
    assert_int_equal(settled(again), HOST_DIAL_UP);
    say(again, "hello");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    host_dial_close(&one, 0);
    host_dial_close(&other, 0);
    host_dial_close(&again, 0);
    host_watchdog_stop(&dog);
}

static void
who_comes_after_a_cut_of_nobody_stays(void **state)
{
    struct fixture *f = *state;
    struct host_watchdog *dog;
    struct host_watchdog_counts now;

    bind_on(f, "127.0.0.1");
    const struct host_watchdog_limits limits = {.connections = 100, .connections_per_source = 100};
    assert_int_equal(host_watchdog_start(&dog, f->router, &limits), CONCLAVE_OK);
    host_watchdog_cut_all(dog);
    struct host_dial *one = dial(f, "127.0.0.1", &f->server);
    assert_int_equal(settled(one), HOST_DIAL_UP);
    until(dog, &now, &now.accepted, 1); /* it would have been cut in the same round */
    say(one, "hello");
    assert_int_equal(read_router(f), HOST_READ_FRAME);
    host_dial_close(&one, 0);
    host_watchdog_stop(&dog);
}

static void
the_watchdog_ends_a_message_that_does_not_end(void **state)
{
    struct fixture *f = *state;
    struct host_watchdog *dog;
    struct host_watchdog_counts now = {0};
    static const uint8_t part[4000];

    bind_on(f, "127.0.0.1");
    const struct host_watchdog_limits limits = {.connections = 100, .connections_per_source = 100};
    assert_int_equal(host_watchdog_start(&dog, f->router, &limits), CONCLAVE_OK);
    struct host_dial *d = dial(f, "127.0.0.1", &f->server);
    assert_int_equal(settled(d), HOST_DIAL_UP);
    void *raw = zsock_resolve(host_dial_socket(d));
    zsock_set_sndhwm(host_dial_socket(d), 0);
    /* libzmq's client sends a message only once it is complete; to the
     * reader that does not read, it is the same. */
    for (int i = 0; i < 20000; i++)
        zmq_send(raw, part, sizeof part, ZMQ_SNDMORE | ZMQ_DONTWAIT);
    zmq_send(raw, part, 1, ZMQ_DONTWAIT);
    until(dog, &now, &now.cut_flood, 1);
    assert_int_equal(left(d, HOST_DIAL_UP), HOST_DIAL_DOWN);
    host_dial_close(&d, 0);
    host_watchdog_stop(&dog);
}

static void
the_watchdog_rests_while_nothing_happens(void **state)
{
    const struct host_watchdog_sight calm = {.open = 100, .accepted_ms = 60000};
    struct host_watchdog_sight sight = calm;

    (void)state;
    const uint32_t long_ms = host_watchdog_pause_ms(&sight);
    sight.accepted_ms = 100;
    const uint32_t short_ms = host_watchdog_pause_ms(&sight);
    assert_in_range(short_ms, 1, 200);
    assert_in_range(long_ms, 4 * short_ms, 1000);
    sight = calm;
    sight.grown_bytes = 1u << 20;
    assert_int_equal(host_watchdog_pause_ms(&sight), short_ms);
    sight = calm;
    sight.grown_bytes = 4096;
    assert_int_equal(host_watchdog_pause_ms(&sight), long_ms);
    sight.open = 0;
    assert_int_equal(host_watchdog_pause_ms(&sight), HOST_ROUNDS_NEWS);
    sight.ends = true;
    assert_int_equal(host_watchdog_pause_ms(&sight), short_ms);
}

/* Threads of this process that make rounds. */
static unsigned
threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *task;
    unsigned count = 0;

    assert_non_null(tasks);
    while ((task = readdir(tasks)) != NULL) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue; /* . and .., or it has just ended */
        count += fgets(name, sizeof name, file) != NULL && strcmp(name, HOST_ROUNDS_NAME "\n") == 0;
        fclose(file);
    }
    closedir(tasks);
    return count;
}

/* A thread that said its last word takes a moment to end. */
static void
no_threads(void)
{
    for (int i = 0; i < WAIT_MS && threads() > 0; i++)
        zmq_poll(NULL, 0, 1);
    assert_int_equal(threads(), 0);
}

static void
the_watchdogs_of_a_process_share_a_thread_and_come_and_go(void **state)
{
    enum { DOGS = 6 };
    struct fixture *f = *state;
    struct host_watchdog *dogs[DOGS];
    struct host_watchdog_counts now;
    zsock_t *routers[DOGS];
    uint16_t ports[DOGS];
    const struct host_watchdog_limits limits = {.connections = 100, .connections_per_source = 1};

    for (int i = 0; i < DOGS; i++) {
        bind_on(f, "127.0.0.1");
        routers[i] = f->router;
        ports[i] = f->port;
    }
    no_threads();
    for (int i = 0; i < DOGS; i++)
        assert_int_equal(host_watchdog_start(&dogs[i], routers[i], &limits), CONCLAVE_OK);
    assert_int_equal(threads(), 1);
    host_watchdog_stop(&dogs[0]);
    host_watchdog_stop(&dogs[DOGS - 1]);
    host_watchdog_stop(&dogs[2]);
    assert_int_equal(host_watchdog_start(&dogs[2], routers[2], &limits), CONCLAVE_OK);
    for (int i = 1; i < DOGS - 1; i++) {
        f->port = ports[i];
        struct host_dial *one = dial(f, "127.0.0.1", &f->server);
        assert_int_equal(settled(one), HOST_DIAL_UP);
        struct host_dial *two = dial(f, "127.0.0.1", &f->server);
        until(dogs[i], &now, &now.cut_source, 1);
        assert_int_equal(now.accepted, 2); /* of its own socket */
        host_dial_close(&one, 0);
        host_dial_close(&two, 0);
    }
    assert_int_equal(threads(), 1);
    for (int i = 1; i < DOGS - 1; i++)
        host_watchdog_stop(&dogs[i]);
    no_threads();
    for (int i = 1; i < DOGS; i++)
        zsock_destroy(&routers[i]);
    f->router = routers[0];
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(the_watchdog_caps_the_connections_of_a_source),
        CLAIM(the_watchdog_ends_a_silent_connection_and_leaves_one_that_spoke),
        CLAIM(who_spoke_before_the_watchdog_knew_it_is_not_silent),
        CLAIM(all_can_be_cut_off_at_once_and_come_back),
        CLAIM(who_comes_after_a_cut_of_nobody_stays),
        CLAIM(the_watchdog_ends_a_message_that_does_not_end),
        CLAIM(the_watchdog_rests_while_nothing_happens),
        CLAIM(the_watchdogs_of_a_process_share_a_thread_and_come_and_go),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
