/* Proves broker/vault.c as the front meets it: the real process in a directory
 * of its own, asked over its socket. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker/channel.h"
#include "broker/keyring.h"
#include "broker/local.h"
#include "host/curve.h"
#include "msg/cert.h"
#include "msg/codec.h"

enum { WAIT_MS = 20000 };

static char dir[] = "/tmp/conclave-test-vault-XXXXXX";
static struct broker_public keys;
static struct broker_child child;
static pid_t pid;
static int channel;
static zsock_t *vault;
static zmq_msg_t body;

/* The vault's process comes first: libzmq must not be there when we fork. */
static int
begin(void **state)
{
    char why[BROKER_WHY_MAX];
    int ends[2];

    (void)state;
    if (msg_keys_init() != CONCLAVE_OK || mkdtemp(dir) == NULL || chdir(dir) != 0
        || broker_keyring_open(&keys, why, sizeof why) != CONCLAVE_OK
        || broker_settings_load(&child.settings, NULL, why, sizeof why) != CONCLAVE_OK
        || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
        return -1;
    child.settings.password_memory_kib = 1024;
    child.role = BROKER_ROLE_VAULT;
    child.channel = ends[1];
    pid = fork();
    if (pid == 0) {
        close(ends[0]);
        _exit(broker_vault_run(&child));
    }
    close(ends[1]);
    channel = ends[0];
    zmq_msg_init(&body);
    return host_curve_init(1) == CONCLAVE_OK
                   && broker_local_connect(&vault, BROKER_LOCAL_VAULT) == CONCLAVE_OK
               ? 0
               : -1;
}

static int
end(void **state)
{
    const struct broker_note stop = {.word = BROKER_WORD_STOP};
    int status = -1;

    (void)state;
    if (broker_channel_send(channel, &stop) != CONCLAVE_OK)
        kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    zmq_msg_close(&body);
    zsock_destroy(&vault);
    static const char *const files[] = {"signer.key", "door.key", "front.key", "vault.ipc"};
    for (size_t i = 0; i < 4; i++)
        unlink(files[i]);
    if (chdir("/") != 0 || rmdir(dir) != 0)
        return -1;
    return status;
}

static void
ask(enum msg_kind kind, const void *message)
{
    static uint8_t bytes[MSG_FRAME_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};

    assert_int_equal(msg_codec_encode(&out, kind, message), CONCLAVE_OK);
    assert_int_equal(broker_local_send(vault, NULL, msg_span_of_buf(&out)), CONCLAVE_OK);
}

static enum msg_kind
hear(union msg_any *any)
{
    struct broker_local_id from;
    enum msg_kind kind;
    zmq_pollitem_t item = {zsock_resolve(vault), 0, ZMQ_POLLIN, 0};

    assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
    assert_int_equal(broker_local_receive(vault, &from, &body), CONCLAVE_OK);
    assert_int_equal(
        msg_codec_decode(msg_span(zmq_msg_data(&body), zmq_msg_size(&body)), &kind, any),
        CONCLAVE_OK);
    return kind;
}

static void
check(const char *password, const char *hash, bool ok, bool rehash)
{
    const struct msg_vault_check question = {9, msg_text(password), msg_text(hash)};
    union msg_any any;

    ask(MSG_VAULT_CHECK, &question);
    assert_int_equal(hear(&any), MSG_VAULT_CHECKED);
    assert_int_equal(any.MSG_ANY_VAULT_CHECKED.job, 9);
    assert_int_equal(any.MSG_ANY_VAULT_CHECKED.ok, ok);
    assert_int_equal(any.MSG_ANY_VAULT_CHECKED.rehash, rehash);
}

static void
make_hash(char hash[MSG_HASH_TEXT_MAX + 1])
{
    const struct msg_vault_hash question = {8, msg_text("correct horse")};
    union msg_any any;

    ask(MSG_VAULT_HASH, &question);
    assert_int_equal(hear(&any), MSG_VAULT_HASHED);
    assert_int_equal(any.MSG_ANY_VAULT_HASHED.job, 8);
    msg_text_copy(hash, MSG_HASH_TEXT_MAX + 1, any.MSG_ANY_VAULT_HASHED.hash);
}

static void
a_hash_opens_to_its_password_alone(void **state)
{
    char hash[MSG_HASH_TEXT_MAX + 1];

    (void)state;
    make_hash(hash);
    assert_memory_equal(hash, "$argon2id$", 10);
    check("correct horse", hash, true, false);
    check("correct horsf", hash, false, false);
    check("", hash, false, false);
}

static void
an_unknown_name_is_answered_like_a_wrong_password(void **state)
{
    (void)state;
    check("correct horse", "", false, false);
}

static void
a_stored_hash_that_is_none_opens_to_nothing(void **state)
{
    (void)state;
    check("correct horse", "not a hash", false, false);
}

static void
new_parameters_ask_for_a_new_hash(void **state)
{
    struct broker_note note = {.word = BROKER_WORD_SETTINGS, .settings = child.settings};
    char hash[MSG_HASH_TEXT_MAX + 1];

    (void)state;
    make_hash(hash);
    note.settings.password_passes = 3;
    assert_int_equal(broker_channel_send(channel, &note), CONCLAVE_OK);
    bool rehash = false;
    for (int i = 0; i < 100 && !rehash; i++) { /* the note and the question take different ways */
        const struct msg_vault_check question = {9, msg_text("correct horse"), msg_text(hash)};
        union msg_any any;
        ask(MSG_VAULT_CHECK, &question);
        assert_int_equal(hear(&any), MSG_VAULT_CHECKED);
        assert_true(any.MSG_ANY_VAULT_CHECKED.ok);
        rehash = any.MSG_ANY_VAULT_CHECKED.rehash;
    }
    assert_true(rehash);
}

static void
beyond_its_queue_it_is_busy_and_answers_each_once(void **state)
{
    unsigned busy = 0, hashed = 0;
    union msg_any any;

    (void)state;
    for (uint64_t i = 0; i < 200; i++) {
        const struct msg_vault_hash question = {100 + i, msg_text("correct horse")};
        ask(MSG_VAULT_HASH, &question);
    }
    for (int i = 0; i < 200; i++)
        switch ((int)hear(&any)) {
        case MSG_VAULT_BUSY:
            assert_true(any.MSG_ANY_VAULT_BUSY.retry_ms > 0);
            busy++;
            break;
        case MSG_VAULT_HASHED:
            hashed++;
            break;
        default:
            fail();
        }
    assert_true(hashed >= 64);
    assert_true(busy > 0);
}

#define BEFORE 20

static void
what_is_asked_again_while_it_waits_is_answered_once(void **state)
{
    const struct msg_vault_hash question = {300, msg_text("correct horse")};
    const struct msg_vault_check next = {301, msg_text("x"), msg_text("")};
    union msg_any any;

    (void)state;
    for (uint64_t i = 0; i < BEFORE; i++) { /* what is asked now has to wait */
        const struct msg_vault_hash before = {310 + i, msg_text("correct horse")};
        ask(MSG_VAULT_HASH, &before);
    }
    for (int i = 0; i < 5; i++)
        ask(MSG_VAULT_HASH, &question);
    ask(MSG_VAULT_CHECK, &next);
    for (int i = 0; i < BEFORE + 1; i++)
        assert_int_equal(hear(&any), MSG_VAULT_HASHED);
    assert_int_equal(hear(&any), MSG_VAULT_CHECKED);
}

static void
it_signs_certificates_at_once_though_its_queue_is_full(void **state)
{
    struct msg_cert_body cert = {.serial = 1,
                                 .account = 1,
                                 .device = 1,
                                 .name = msg_text("alice"),
                                 .not_before_ms = 1,
                                 .not_after_ms = 2};
    uint8_t bytes[MSG_CERT_MAX];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    union msg_any any;
    unsigned before = 0;

    (void)state;
    assert_int_equal(msg_codec_encode(&out, MSG_CERT, &cert), CONCLAVE_OK);
    for (uint64_t i = 0; i < 60; i++) {
        const struct msg_vault_hash hash = {400 + i, msg_text("correct horse")};
        ask(MSG_VAULT_HASH, &hash);
    }
    const struct msg_vault_sign question = {5, msg_span_of_buf(&out)};
    ask(MSG_VAULT_SIGN, &question);
    while (hear(&any) != MSG_VAULT_SIGNED)
        before++;
    assert_int_equal(any.MSG_ANY_VAULT_SIGNED.job, 5);
    assert_int_equal(msg_keys_verify(&any.MSG_ANY_VAULT_SIGNED.sig, MSG_CERT_DOMAIN,
                                     msg_span_of_buf(&out), &keys.signer),
                     CONCLAVE_OK);
    assert_true(before < 40);
    for (unsigned i = before; i < 60; i++)
        hear(&any);
}

static void
it_signs_nothing_else(void **state)
{
    const struct msg_done done = {1};
    uint8_t bytes[64];
    struct msg_buf out = {bytes, 0, sizeof bytes};
    union msg_any any;

    (void)state;
    assert_int_equal(msg_codec_encode(&out, MSG_DONE, &done), CONCLAVE_OK);
    const struct msg_vault_sign question = {6, msg_span_of_buf(&out)};
    ask(MSG_VAULT_SIGN, &question);
    assert_int_equal(broker_local_send(vault, NULL, msg_span("\xc1", 1)), CONCLAVE_OK);
    const struct msg_vault_check next = {7, msg_text("x"), msg_text("")};
    ask(MSG_VAULT_CHECK, &next);
    assert_int_equal(hear(&any), MSG_VAULT_CHECKED); /* the first answer there is */
    assert_int_equal(any.MSG_ANY_VAULT_CHECKED.job, 7);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hash_opens_to_its_password_alone),
        cmocka_unit_test(an_unknown_name_is_answered_like_a_wrong_password),
        cmocka_unit_test(a_stored_hash_that_is_none_opens_to_nothing),
        cmocka_unit_test(new_parameters_ask_for_a_new_hash),
        cmocka_unit_test(beyond_its_queue_it_is_busy_and_answers_each_once),
        cmocka_unit_test(what_is_asked_again_while_it_waits_is_answered_once),
        cmocka_unit_test(it_signs_certificates_at_once_though_its_queue_is_full),
        cmocka_unit_test(it_signs_nothing_else),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
