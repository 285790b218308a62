/* See crew.h. */
#include "tools/stress/crew.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/descriptors.h"
#include "tools/stress/clock.h"

#define GOODBYE_NS 5000000000ull
#define STEP_NS 10000000u

static uint32_t waited_for; /* answers that are due */
static bool due[STRESS_WORKERS_MAX];

bool
stress_crew_start(struct stress_world *world, char *why, size_t why_cap)
{
    (void)host_descriptors_raise(); /* else fewer peers */
    for (uint32_t w = 0; w < world->workers; w++) {
        int pair[2];
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
            (void)snprintf(why, why_cap, "No socket can be made: %s.", strerror(errno));
            return false;
        }
        world->worker[w].fd = pair[0];
        const pid_t pid = fork();
        if (pid == 0) {
            for (uint32_t other = 0; other <= w; other++)
                (void)close(world->worker[other].fd);
            stress_hand_run(world, w, pair[1]);
        }
        (void)close(pair[1]);
        if (pid < 0) {
            (void)close(pair[0]);
            (void)snprintf(why, why_cap, "No process can be started: %s.", strerror(errno));
            return false;
        }
        world->worker[w].pid = pid;
    }
    return true;
}

static void
put(const struct stress_worker *worker, const void *at, size_t len)
{
    while (send(worker->fd, at, len, MSG_NOSIGNAL) < 0 && errno == EINTR)
        ; /* an order fits; whoever is gone is noticed by those who wait */
}

void
stress_crew_give(struct stress_world *world, const struct stress_order *order)
{
    for (uint32_t w = 0; w < world->workers; w++) {
        put(&world->worker[w], order, sizeof *order);
        due[w] = true;
    }
    waited_for = world->workers;
}

void
stress_crew_enough(struct stress_world *world)
{
    for (uint32_t w = 0; w < world->workers; w++)
        put(&world->worker[w], "", 1);
}

enum stress_crew_news
stress_crew_wait(struct stress_world *world, int timeout_ms, char *why, size_t why_cap)
{
    struct pollfd items[STRESS_WORKERS_MAX];
    char done;

    for (uint32_t w = 0; w < world->workers; w++)
        items[w] = (struct pollfd){world->worker[w].fd, POLLIN, 0};
    if (poll(items, world->workers, timeout_ms) <= 0)
        return STRESS_CREW_NONE;
    for (uint32_t w = 0; w < world->workers; w++) {
        if (items[w].revents == 0)
            continue;
        if (read(world->worker[w].fd, &done, 1) != 1) {
            const char *said = world->worker[w].why;
            (void)snprintf(why, why_cap, "%s", *said != '\0' ? said : "A process of the harness was killed.");
            return STRESS_CREW_DEAD;
        }
        waited_for -= due[w];
        due[w] = false;
    }
    return waited_for == 0 ? STRESS_CREW_DONE : STRESS_CREW_NONE;
}

void
stress_crew_stop(const struct stress_world *world, bool stop)
{
    bool some[STRESS_WORKERS_MAX] = {false};

    for (uint32_t i = 0; i < world->peers; i++)
        if ((world->seats[i].roles & STRESS_STOPS) != 0)
            some[world->seats[i].worker] = true;
    for (uint32_t w = 0; w < world->workers; w++)
        if (some[w] && world->worker[w].pid > 0)
            (void)kill(world->worker[w].pid, stop ? SIGSTOP : SIGCONT);
}

void
stress_crew_end(struct stress_world *world, bool in_order)
{
    const uint64_t until_ns = stress_clock_ns() + GOODBYE_NS;

    if (in_order)
        stress_crew_give(world, &(struct stress_order){.what = STRESS_QUIT});
    for (uint32_t w = 0; w < world->workers; w++) {
        struct stress_worker *worker = &world->worker[w];
        if (worker->pid <= 0)
            continue;
        while (in_order && stress_clock_ns() < until_ns) {
            if (waitpid(worker->pid, NULL, WNOHANG) != 0) {
                worker->pid = 0;
                break;
            }
            stress_clock_wait_ns(STEP_NS);
        }
        if (worker->pid > 0) {
            (void)kill(worker->pid, SIGKILL);
            while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        }
        worker->pid = 0;
        (void)close(worker->fd);
    }
}
