/* A well-behaved device for the tests of the registry:
 *
 *   guest signup LINK FILE NAME PASSWORD   sign up; keep the device in FILE
 *   guest enrol LINK FILE NAME PASSWORD    the same for an account that exists
 *   guest visit FILE [NAME]                log in, search for NAME (oneself)
 *   guest stranger FILE                    visit with keys that nobody enrolled
 *   guest stay FILE                        log in and stay; a line on stdin is a search
 *   guest crowd LINK FILE PREFIX PASSWORD  sign up PREFIX0, PREFIX1, ... until stdin ends
 *
 * It says what came, a line each: admitted, welcome, found, error CODE, bye,
 * down.  Exit 0 when it got what it asked for. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "msg/cert.h"
#include "tests/e2e/device.h"

static void
say(const char *what, const char *more)
{
    printf("%s%s%s\n", what, *more != '\0' ? " " : "", more);
    fflush(stdout);
}

static void
say_text(const char *what, struct msg_text text)
{
    char copy[MSG_REASON_MAX + 1];

    msg_text_copy(copy, sizeof copy, text);
    say(what, copy);
}

static bool
knock(struct device *device, enum msg_kind kind, const char *name, const char *password)
{
    struct msg_signup ask = {.req = 1, .name = msg_text(name), .password = msg_text(password)};
    union msg_any any;
    struct host_dial *door = device_dial(device, false, DEVICE_WAIT_MS);

    if (door == NULL) {
        say("unreachable", "");
        return false;
    }
    ask.sign = device->sign;
    ask.mail = device->mail;
    msg_cert_sign_mail(&ask.mail_sig, &device->mail, &device->sign_sec);
    msg_cert_prove(&ask.proof, &device->transport, &device->door, &device->sign_sec);
    enum msg_kind answer = MSG_KIND_NONE;
    if (device_send(door, kind, &ask))
        answer = device_hear(door, &any, DEVICE_WAIT_MS);
    if (answer == MSG_ADMITTED) {
        device->account = any.MSG_ANY_ADMITTED.account;
        device->number = any.MSG_ANY_ADMITTED.device;
        device->front = any.MSG_ANY_ADMITTED.front;
        device->front_port = (uint16_t)any.MSG_ANY_ADMITTED.front_port;
        msg_text_copy(device->name, sizeof device->name, any.MSG_ANY_ADMITTED.name);
        say("admitted", device->name);
    } else if (answer == MSG_ERROR) {
        say_text("error", any.MSG_ANY_ERROR.code);
        say_text("because", any.MSG_ANY_ERROR.text);
    } else {
        say("silence", "");
    }
    host_dial_close(&door, 0);
    return answer == MSG_ADMITTED;
}

/* Logs in; NULL when that is not possible now. */
static struct host_dial *
log_in(const struct device *device)
{
    struct msg_login login = {.req = 2, .status = MSG_STATUS_ONLINE, .mail = device->mail};
    union msg_any any;
    struct host_dial *front = device_dial(device, true, DEVICE_WAIT_MS);

    if (front == NULL)
        return NULL;
    msg_cert_sign_mail(&login.mail_sig, &device->mail, &device->sign_sec);
    if (device_send(front, MSG_LOGIN, &login)) {
        enum msg_kind kind;
        while ((kind = device_hear(front, &any, DEVICE_WAIT_MS)) != MSG_KIND_NONE) {
            if (kind == MSG_WELCOME)
                return front;
            if (kind == MSG_ERROR) {
                say_text("error", any.MSG_ANY_ERROR.code);
                break;
            }
        }
    }
    host_dial_close(&front, 0);
    return NULL;
}

static bool
search(struct host_dial *front, const char *name)
{
    static uint64_t req = 10;
    const struct msg_search ask = {.req = ++req, .name = msg_text(name)};
    static const char *const words[] = {"offline", "online", "away", "not-found"};
    union msg_any any;
    enum msg_kind kind;

    if (!device_send(front, MSG_SEARCH, &ask))
        return false;
    while ((kind = device_hear(front, &any, DEVICE_WAIT_MS)) != MSG_KIND_NONE) {
        if (kind == MSG_FOUND && any.MSG_ANY_FOUND.req == req) {
            say("found", words[any.MSG_ANY_FOUND.status & 3]);
            return true;
        }
        if (kind == MSG_ERROR) {
            say_text("error", any.MSG_ANY_ERROR.code);
            return false;
        }
        if (kind == MSG_BYE)
            say_text("bye", any.MSG_ANY_BYE.code);
    }
    return false;
}

static int
visit(const struct device *device, const char *name)
{
    struct host_dial *front = log_in(device);

    if (front == NULL) {
        say("unreachable", "");
        return 1;
    }
    say("welcome", "");
    const bool found = search(front, name);
    const struct msg_done out = {.req = 3};
    union msg_any any;
    if (device_send(front, MSG_LOGOUT, &out))
        while (device_hear(front, &any, DEVICE_WAIT_MS) == MSG_PRESENCE)
            ;
    host_dial_close(&front, 100);
    return found ? 0 : 1;
}

/* Frames that nobody asked for, until there are none, or the link is gone. */
static bool
drain(struct host_dial *front)
{
    union msg_any any;
    enum msg_kind kind;

    while ((kind = device_hear(front, &any, 0)) != MSG_KIND_NONE)
        if (kind == MSG_BYE)
            say_text("bye", any.MSG_ANY_BYE.code);
    return host_dial_state(front) == HOST_DIAL_UP;
}

static int
stay(const struct device *device)
{
    struct host_dial *front = NULL;
    char line[256];
    bool ended = false;

    while (!ended) {
        while (front == NULL) {
            front = log_in(device);
            if (front != NULL)
                say("welcome", "");
            else
                zmq_poll(NULL, 0, 20);
        }
        zmq_pollitem_t items[] = {
            {zsock_resolve(host_dial_socket(front)), 0, ZMQ_POLLIN, 0},
            {zsock_resolve(host_dial_monitor(front)), 0, ZMQ_POLLIN, 0},
            {NULL, STDIN_FILENO, ZMQ_POLLIN, 0},
        };
        zmq_poll(items, 3, -1);
        bool up = true;
        if (items[2].revents != 0) {
            ended = fgets(line, sizeof line, stdin) == NULL;
            line[strcspn(line, "\n")] = '\0';
            up = ended || search(front, line);
        }
        if (!up || !drain(front)) {
            say("down", "");
            host_dial_close(&front, 0);
        }
    }
    host_dial_close(&front, 0);
    return 0;
}

static int
crowd(const struct msg_link *link, const char *file, const char *prefix, const char *password)
{
    zmq_pollitem_t item = {NULL, STDIN_FILENO, ZMQ_POLLIN, 0};

    for (unsigned i = 0; zmq_poll(&item, 1, 0) == 0; i++) {
        struct device device;
        char name[64], path[512];
        snprintf(name, sizeof name, "%s%u", prefix, i);
        snprintf(path, sizeof path, "%s.%u", file, i);
        device_make(&device, link);
        if (knock(&device, MSG_SIGNUP, name, password) && !device_save(&device, path))
            return 1;
    }
    return 0;
}

int
main(int argc, char **argv)
{
    struct device device;
    struct msg_link link;

    if (argc < 3 || msg_keys_init() != CONCLAVE_OK || host_curve_init(1) != CONCLAVE_OK)
        return 2;
    const char *command = argv[1];
    if (strcmp(command, "visit") == 0)
        return !device_load(&device, argv[2]) ? 2 : visit(&device, argc > 3 ? argv[3] : device.name);
    if (strcmp(command, "stranger") == 0) {
        if (!device_load(&device, argv[2]))
            return 2;
        msg_keys_new_box(&device.transport, &device.transport_sec);
        return visit(&device, device.name);
    }
    if (strcmp(command, "stay") == 0)
        return !device_load(&device, argv[2]) ? 2 : stay(&device);
    if (argc < 6 || msg_link_parse(&link, msg_text(argv[2])) != CONCLAVE_OK)
        return 2;
    if (strcmp(command, "crowd") == 0)
        return crowd(&link, argv[3], argv[4], argv[5]);
    device_make(&device, &link);
    const enum msg_kind kind = strcmp(command, "signup") == 0 ? MSG_SIGNUP : MSG_ENROL;
    if (!knock(&device, kind, argv[4], argv[5]))
        return 1;
    return device_save(&device, argv[3]) ? 0 : 2;
}
