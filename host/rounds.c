/* The thread of the rounds: the list is its own, and is changed by word of
 * those who come and go, who wait until it was. */
#include "host/rounds.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct {
    pthread_mutex_t lock;           /* over all of it; fn never takes it */
    zactor_t *actor;                /* NULL: nobody is there */
    size_t count;
    struct host_rounds_one *subject; /* of the word that is under way */
    int statm;
} rounds = {.lock = PTHREAD_MUTEX_INITIALIZER, .statm = -1};

/* The thread's own. */
struct turn {
    struct host_rounds_one *first;
    zmq_pollitem_t *items;          /* the pipe, then one for each */
    int count;
    int room;
    bool hurried;                   /* somebody waits for the end of this one */
};

static uint64_t
resident_bytes(void)
{
    char text[64] = ""; /* all that is mapped, what is resident, and more; in pages */

    if (pread(rounds.statm, text, sizeof text - 1, 0) <= 0)
        return 0;
    const char *const resident = text + strcspn(text, " ");
    return (uint64_t)strtoul(resident, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void
append(struct turn *turn, zsock_t *socket)
{
    if (turn->count == turn->room) {
        turn->room = turn->room == 0 ? 8 : 2 * turn->room;
        turn->items = realloc(turn->items, (size_t)turn->room * sizeof *turn->items);
        if (turn->items == NULL)
            abort(); /* out of memory: there is nothing better to do */
    }
    turn->items[turn->count++] = (zmq_pollitem_t){zsock_resolve(socket), 0, ZMQ_POLLIN, 0};
}

static void
list_sockets(struct turn *turn, zsock_t *pipe)
{
    turn->count = 0;
    append(turn, pipe);
    for (const struct host_rounds_one *one = turn->first; one != NULL; one = one->next)
        append(turn, one->socket);
}

/* False: it is over. */
static bool
obey(struct turn *turn, zsock_t *pipe)
{
    char *word;

    do
        word = zstr_recv(pipe);
    while (word == NULL && errno == EINTR);
    const char what = word != NULL ? *word : '$';
    zstr_free(&word);
    if (what == '$')
        return false; /* $TERM */
    turn->hurried = what == '!';
    if (turn->hurried)
        return true;
    assert(rounds.subject != NULL);
    if (what == '+') {
        rounds.subject->next = turn->first;
        turn->first = rounds.subject;
    } else {
        struct host_rounds_one **at = &turn->first;
        while (*at != rounds.subject) {
            assert(*at != NULL); /* it came before it goes */
            at = &(*at)->next;
        }
        *at = rounds.subject->next;
    }
    list_sockets(turn, pipe);
    zsock_signal(pipe, 0);
    return true;
}

static void
run(zsock_t *pipe, void *arg)
{
    struct turn turn = {0};
    struct timespec clock;
    uint32_t wait_ms = HOST_ROUNDS_NEWS;

    (void)arg;
    (void)pthread_setname_np(pthread_self(), HOST_ROUNDS_NAME); /* to be seen by */
    list_sockets(&turn, pipe);
    zsock_signal(pipe, 0);
    for (;;) {
        if (zmq_poll(turn.items, turn.count, wait_ms == HOST_ROUNDS_NEWS ? -1 : (long)wait_ms) < 0 && errno != EINTR)
            break;
        if (turn.items[0].revents != 0 && !obey(&turn, pipe))
            break;
        clock_gettime(CLOCK_MONOTONIC, &clock);
        const struct host_round round = {(uint64_t)clock.tv_sec * 1000 + (uint64_t)clock.tv_nsec / 1000000,
                                         resident_bytes()};
        wait_ms = HOST_ROUNDS_NEWS;
        for (struct host_rounds_one *one = turn.first; one != NULL; one = one->next) {
            const uint32_t ms = one->fn(one->arg, &round);
            wait_ms = ms < wait_ms ? ms : wait_ms;
        }
        if (turn.hurried)
            zsock_signal(pipe, 0);
        turn.hurried = false;
    }
    free(turn.items);
}

/* With the lock held. */
static void
say(const char *word, struct host_rounds_one *one)
{
    rounds.subject = one;
    zstr_send(rounds.actor, word);
    while (zsock_wait(rounds.actor) < 0 && errno == EINTR)
        ; /* a signal is no answer */
}

/* With the lock held. */
static void
end(void)
{
    zactor_destroy(&rounds.actor); /* waits for the thread */
    if (rounds.statm >= 0)
        close(rounds.statm);
    rounds.statm = -1;
}

enum conclave_err
host_rounds_add(struct host_rounds_one *one)
{
    enum conclave_err err = CONCLAVE_OK;

    pthread_mutex_lock(&rounds.lock);
    if (rounds.actor == NULL) {
        rounds.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
        if (rounds.statm >= 0)
            rounds.actor = zactor_new(run, NULL);
        err = rounds.actor != NULL ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
    }
    if (err == CONCLAVE_OK) {
        rounds.count++;
        say("+", one);
    } else {
        end();
    }
    pthread_mutex_unlock(&rounds.lock);
    return err;
}

void
host_rounds_remove(struct host_rounds_one *one)
{
    pthread_mutex_lock(&rounds.lock);
    say("-", one);
    if (--rounds.count == 0)
        end();
    pthread_mutex_unlock(&rounds.lock);
}

void
host_rounds_hurry(void)
{
    pthread_mutex_lock(&rounds.lock);
    if (rounds.actor != NULL)
        say("!", NULL);
    pthread_mutex_unlock(&rounds.lock);
}
