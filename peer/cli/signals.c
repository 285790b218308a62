/* A pipe that signal handlers write to. */
#include "peer/cli/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static int ends[2] = {-1, -1};
static volatile sig_atomic_t ended;
static volatile sig_atomic_t resized;

static void
on_signal(int number)
{
    const int saved = errno;
    if (number == SIGWINCH)
        resized = 1;
    else
        ended = number;
    /* A full pipe wakes just as well. */
    if (write(ends[1], "", 1) < 0)
        errno = saved;
    errno = saved;
}

void
cli_signals_open(void)
{
    if (ends[0] >= 0)
        return;
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0)
        ends[0] = ends[1] = -1; /* then signals still end what blocks */
    struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: questions end too */
    sigemptyset(&action.sa_mask);
    const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        struct sigaction before;
        /* nohup and background jobs of a shell ignore some on purpose. */
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(numbers[i], &action, NULL);
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    (void)sigaction(SIGPIPE, &ignore, NULL); /* a closed pipe is an error of write */
}

int
cli_signals_fd(void)
{
    return ends[0];
}

int
cli_signals_ended(void)
{
    return ended;
}

void
cli_signals_forget(int number)
{
    sigset_t all, before;
    sigfillset(&all);
    (void)sigprocmask(SIG_BLOCK, &all, &before); /* another one may come just now */
    if (ended == number)
        ended = 0;
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
}

bool
cli_signals_resized(void)
{
    char bytes[64];
    if (ended == 0)
        while (read(ends[0], bytes, sizeof bytes) > 0)
            continue;
    const bool was = resized != 0;
    resized = 0;
    return was;
}
