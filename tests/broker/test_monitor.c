/* Claims about broker/monitor: which keys are allowed what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "broker/monitor.h"

#define A "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
#define B "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"

static struct broker_monitor_keys keys;
static char why[256];

static enum conclave_err
read_keys(const char *text)
{
    return broker_monitor_keys_read(&keys, msg_text(text), why, sizeof why);
}

static bool
admits(const char *hex, bool names)
{
    struct msg_box_pub key;

    assert_int_equal(msg_keys_from_hex(key.at, sizeof key.at, msg_text(hex)), CONCLAVE_OK);
    return broker_monitor_keys_admit(&keys, &key, names);
}

static void
names_are_for_keys_that_are_marked_so_and_figures_for_all(void **state)
{
    (void)state;
    assert_int_equal(read_keys("# who may look\n\n" A "\n  " B "\tnames  # the operator\r\n"), CONCLAVE_OK);
    assert_int_equal(keys.count, 2);
    assert_true(admits(A, false));
    assert_false(admits(A, true));
    assert_true(admits(B, false));
    assert_true(admits(B, true));
    assert_int_equal(read_keys(""), CONCLAVE_OK);
    assert_false(admits(A, false));
    assert_int_equal(read_keys("#" A "\n"), CONCLAVE_OK);
    assert_false(admits(A, false));
}

static void
a_line_that_is_no_key_is_named(void **state)
{
    static const char *const bad[] = {A "\n" A "a\n", A "\nhello\n", A "\n" B " name\n", A "\n" B " names too\n",
                                      A "\n" "zz" B "\n"};
    char many[(BROKER_MONITOR_KEYS + 1) * sizeof A] = "";

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(read_keys(bad[i]), CONCLAVE_ERR_CONFIG);
        assert_non_null(strstr(why, "line 2 "));
    }
    for (unsigned i = 0; i < BROKER_MONITOR_KEYS; i++)
        strcat(many, A "\n");
    assert_int_equal(read_keys(many), CONCLAVE_OK);
    strcat(many, A);
    assert_int_equal(read_keys(many), CONCLAVE_ERR_CONFIG);
}

/* A directory with the local socket, and one who connects to it. */
struct local {
    char dir[512];
    struct broker_monitor monitor;
    zsock_t *sub;
};

static void
open_local(struct local *self)
{
    const char *const where = getenv("TMPDIR");

    *self = (struct local){.monitor = {.frame = {.fd = -1}}};
    snprintf(self->dir, sizeof self->dir, "%s/monitor.XXXXXX", where != NULL ? where : "/tmp");
    assert_non_null(mkdtemp(self->dir));
    assert_int_equal(chdir(self->dir), 0);
    zmq_msg_init(&self->monitor.frame.body);
    assert_int_equal(host_curve_init(1), CONCLAVE_OK);
    assert_int_equal(broker_monitor_open_local(&self->monitor), CONCLAVE_OK);
    self->sub = host_curve_socket(ZMQ_SUB);
}

static void
close_local(struct local *self)
{
    zsock_destroy(&self->sub);
    broker_monitor_close_local(&self->monitor);
    zmq_msg_close(&self->monitor.frame.body);
    zsys_shutdown();
    unlink(MSG_MONITOR_SOCKET);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(rmdir(self->dir), 0);
}

static void
connect_local(struct local *self)
{
    assert_int_equal(zmq_connect(zsock_resolve(self->sub), "ipc://" MSG_MONITOR_SOCKET), 0);
}

/* Until one wants the topic, or nobody does; returns the turns that it took. */
static unsigned
hear_until(struct local *self, enum broker_monitor_topic topic, bool wants)
{
    zmq_pollitem_t item = {zsock_resolve(self->monitor.sockets[BROKER_MONITOR_LOCAL].xpub), 0, ZMQ_POLLIN, 0};
    unsigned turns = 0;

    for (; broker_monitor_wants(&self->monitor, topic) != wants; turns++) {
        assert_int_equal(zmq_poll(&item, 1, 60000), 1);
        (void)broker_monitor_hear(&self->monitor);
    }
    return turns;
}

/* Somebody who subscribes without end would keep a loop that reads to the end from all others. */
static void
a_turn_hears_so_many_words_and_no_more(void **state)
{
    struct local local;
    char topic[16];

    (void)state;
    open_local(&local);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(topic, sizeof topic, "a %u", i);
        zsock_set_subscribe(local.sub, topic);
    }
    zsock_set_subscribe(local.sub, MSG_TOPIC_ROOMS);
    connect_local(&local);
    assert_true(hear_until(&local, BROKER_MONITOR_ROOMS, true) >= 4); /* said in the order of the alphabet: last */
    close_local(&local);
}

/* A topic is wanted as long as one of the prefixes is there that it comes under. */
static void
a_topic_is_wanted_until_the_last_prefix_of_it_goes(void **state)
{
    struct local local;

    (void)state;
    open_local(&local);
    assert_false(broker_monitor_wants_any(&local.monitor));
    zsock_set_subscribe(local.sub, MSG_TOPIC_WELCOME);
    connect_local(&local);
    zsock_set_subscribe(local.sub, "sam");
    hear_until(&local, BROKER_MONITOR_SAMPLES, true);
    assert_false(broker_monitor_wants(&local.monitor, BROKER_MONITOR_ROOMS));
    zsock_set_subscribe(local.sub, "");
    hear_until(&local, BROKER_MONITOR_ROOMS, true);
    zsock_set_unsubscribe(local.sub, "sam");
    zsock_set_subscribe(local.sub, MSG_TOPIC_SAMPLE);
    zsock_set_unsubscribe(local.sub, "");
    hear_until(&local, BROKER_MONITOR_ROOMS, false);
    assert_true(broker_monitor_wants(&local.monitor, BROKER_MONITOR_SAMPLES));
    assert_true(broker_monitor_wants_any(&local.monitor));
    zsock_destroy(&local.sub);
    hear_until(&local, BROKER_MONITOR_SAMPLES, false);
    assert_false(broker_monitor_wants_any(&local.monitor));
    close_local(&local);
}

/* XSUB hands on whatever is said to it. */
static void
what_no_subscriber_says_changes_nothing(void **state)
{
    struct local local;

    (void)state;
    open_local(&local);
    zsock_destroy(&local.sub);
    local.sub = host_curve_socket(ZMQ_XSUB);
    connect_local(&local);
    void *raw = zsock_resolve(local.sub);
    assert_int_equal(zmq_send(raw, "\1" MSG_TOPIC_SAMPLE, 7, 0), 7);
    hear_until(&local, BROKER_MONITOR_SAMPLES, true);
    assert_int_equal(zmq_send(raw, "\2", 1, 0), 1);
    assert_int_equal(zmq_send(raw, "\2" MSG_TOPIC_SAMPLE, 7, 0), 7);
    assert_int_equal(zmq_send(raw, "\1" MSG_TOPIC_ROOMS, 6, 0), 6);
    hear_until(&local, BROKER_MONITOR_ROOMS, true);
    assert_true(broker_monitor_wants(&local.monitor, BROKER_MONITOR_SAMPLES));
    close_local(&local);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_for_keys_that_are_marked_so_and_figures_for_all),
        cmocka_unit_test(a_line_that_is_no_key_is_named),
        cmocka_unit_test(a_turn_hears_so_many_words_and_no_more),
        cmocka_unit_test(what_no_subscriber_says_changes_nothing),
        cmocka_unit_test(a_topic_is_wanted_until_the_last_prefix_of_it_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
