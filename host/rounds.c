/* The thread of the rounds: the list is its own, and is changed by word of
 * those who come and go, who wait until it was. */
#include "host/rounds.h"

#include <assert.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "host/ears.h"

#define SLACK_NS (100ul * 1000 * 1000) /* a round may be so late, and then shares what wakes the processor for others */

enum { EAR_PIPE = 1 << 0, EAR_NEWS = 1 << 1 };

static struct {
    pthread_mutex_t lock;           /* over all of it; fn never takes it */
    zactor_t *actor;                /* NULL: nobody is there */
    size_t count;
    struct host_rounds_one *subject; /* of the word that is under way */
    int statm;
    struct host_ears ears;          /* the thread's, while it runs */
    enum conclave_err deaf;         /* why the thread has ended already */
} rounds = {.lock = PTHREAD_MUTEX_INITIALIZER, .statm = -1, .ears = {.epoll = -1}};

/* The thread's own. */
struct turn {
    struct host_rounds_one *first;
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

static enum conclave_err
take_in(struct turn *turn, struct host_rounds_one *one)
{
    const enum conclave_err err = host_ears_add(&rounds.ears, EAR_NEWS, one->socket);

    if (err == CONCLAVE_OK) {
        one->next = turn->first;
        turn->first = one;
    }
    return err;
}

static void
let_go(struct turn *turn, const struct host_rounds_one *one)
{
    struct host_rounds_one **at = &turn->first;

    while (*at != one) {
        assert(*at != NULL); /* it came before it goes */
        at = &(*at)->next;
    }
    *at = one->next;
    host_ears_remove(&rounds.ears, one->socket);
}

static void
answer(zsock_t *pipe, enum conclave_err err)
{
    while (zsock_signal(pipe, (byte)(err != CONCLAVE_OK)) != 0 && errno == EINTR)
        ; /* a signal came before it went */
}

/* All that was said; false: it is over. */
static bool
obey(struct turn *turn, zsock_t *pipe)
{
    for (;;) {
        char *word = zstr_recv_nowait(pipe);
        if (word == NULL && errno == EINTR)
            continue; /* a signal is no word */
        if (word == NULL)
            break;
        const char what = *word;
        zstr_free(&word);
        if (what == '$')
            return false; /* $TERM */
        if (what == '!') {
            turn->hurried = true;
            continue;
        }
        enum conclave_err err = CONCLAVE_OK;
        assert(rounds.subject != NULL);
        if (what == '+')
            err = take_in(turn, rounds.subject);
        else
            let_go(turn, rounds.subject);
        answer(pipe, err);
    }
    rounds.ears.loud &= ~(uint32_t)EAR_PIPE;
    return true;
}

/* By each; how long until the next one. */
static uint32_t
make_round(const struct turn *turn)
{
    struct timespec clock;
    uint32_t wait_ms = HOST_ROUNDS_NEWS;

    clock_gettime(CLOCK_MONOTONIC, &clock);
    const struct host_round round = {
        .now_ms = (uint64_t)clock.tv_sec * 1000 + (uint64_t)clock.tv_nsec / 1000000,
        .resident_bytes = resident_bytes(),
        .news = (rounds.ears.loud & EAR_NEWS) != 0 || turn->hurried,
    };
    rounds.ears.loud &= ~(uint32_t)EAR_NEWS;
    for (struct host_rounds_one *one = turn->first; one != NULL; one = one->next) {
        const uint32_t ms = one->fn(one->arg, &round);
        wait_ms = ms < wait_ms ? ms : wait_ms;
    }
    return wait_ms;
}

static void
run(zsock_t *pipe, void *arg)
{
    struct turn turn = {0};
    uint32_t wait_ms = HOST_ROUNDS_NEWS;

    (void)arg;
    (void)pthread_setname_np(pthread_self(), HOST_ROUNDS_NAME); /* to be seen by */
    (void)prctl(PR_SET_TIMERSLACK, SLACK_NS, 0, 0, 0);
    rounds.deaf = host_ears_add(&rounds.ears, EAR_PIPE, pipe);
    answer(pipe, CONCLAVE_OK);
    if (rounds.deaf != CONCLAVE_OK)
        return;
    for (;;) {
        if (host_ears_wait(&rounds.ears, wait_ms == HOST_ROUNDS_NEWS ? -1 : (int)wait_ms) != CONCLAVE_OK)
            abort(); /* nobody would watch any more, and nobody know it */
        if ((rounds.ears.loud & EAR_PIPE) != 0 && !obey(&turn, pipe))
            return;
        wait_ms = make_round(&turn);
        if (!turn.hurried)
            continue;
        turn.hurried = false;
        answer(pipe, CONCLAVE_OK);
        rounds.ears.loud |= EAR_PIPE;
    }
}

/* With the lock held; false: it could not be done. */
static bool
say(const char *word, struct host_rounds_one *one)
{
    int rc;

    rounds.subject = one;
    do
        rc = zstr_send(rounds.actor, word);
    while (rc != 0 && errno == EINTR);
    if (rc != 0)
        return false;
    do
        rc = zsock_wait(rounds.actor);
    while (rc < 0 && errno == EINTR); /* a signal is no answer */
    return rc == 0;
}

/* With the lock held, as is end. */
static enum conclave_err
begin(void)
{
    rounds.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (rounds.statm < 0 || host_ears_open(&rounds.ears) != CONCLAVE_OK)
        return CONCLAVE_ERR_SYSTEM;
    rounds.actor = zactor_new(run, NULL);
    return rounds.actor != NULL ? rounds.deaf : CONCLAVE_ERR_SYSTEM;
}

static void
end(void)
{
    zactor_destroy(&rounds.actor); /* waits for the thread */
    host_ears_close(&rounds.ears);
    if (rounds.statm >= 0)
        close(rounds.statm);
    rounds.statm = -1;
}

enum conclave_err
host_rounds_add(struct host_rounds_one *one)
{
    enum conclave_err err = CONCLAVE_OK;

    pthread_mutex_lock(&rounds.lock);
    if (rounds.actor == NULL)
        err = begin();
    if (err == CONCLAVE_OK && !say("+", one))
        err = CONCLAVE_ERR_SYSTEM;
    rounds.count += err == CONCLAVE_OK;
    if (rounds.count == 0)
        end();
    pthread_mutex_unlock(&rounds.lock);
    return err;
}

void
host_rounds_remove(struct host_rounds_one *one)
{
    pthread_mutex_lock(&rounds.lock);
    (void)say("-", one);
    if (--rounds.count == 0)
        end();
    pthread_mutex_unlock(&rounds.lock);
}

void
host_rounds_hurry(void)
{
    pthread_mutex_lock(&rounds.lock);
    if (rounds.actor != NULL)
        (void)say("!", NULL);
    pthread_mutex_unlock(&rounds.lock);
}
