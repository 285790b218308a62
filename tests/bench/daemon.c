/* See daemon.h. */
#include "tests/bench/daemon.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define READY_MS 20000
#define PORT_FIRST 16000u /* below those that connections take by themselves: */
#define PORT_COUNT 8000u  /* the daemon must find its ports free when it comes back */

static const char limits[] =
    "limits\n"
    "    devices = 32\n"
    "    sessions = 20000\n"
    "    requests = 1000000\n"
    "    requests_per_s = 1000000\n"
    "    signups = 1000000\n"
    "    signups_per_hour = 1000000\n"
    "    knocks = 1000000\n"
    "    knocks_per_minute = 1000000\n"
    "    connections = 20000\n"
    "    source_connections = 20000\n"
    "    door_connections = 8000\n"
    "    door_source_connections = 8000\n"
    "log\n"
    "    level = error\n";

void
bench_daemon_configure(struct bench_daemon *self, const char *more)
{
    FILE *file = fopen(self->config, "w");

    BENCH_NEED(file != NULL);
    fputs(limits, file);
    fputs(more, file);
    BENCH_NEED(fclose(file) == 0);
}

static bool
is_free(unsigned port)
{
    const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    BENCH_NEED(fd >= 0);
    const bool ok = bind(fd, (const struct sockaddr *)&at, sizeof at) == 0;
    close(fd);
    return ok;
}

/* For the door, and the next one for the front. */
static unsigned
pick_ports(void)
{
    unsigned port;

    do
        port = PORT_FIRST + 2 * (unsigned)(msg_keys_random_u64() % (PORT_COUNT / 2));
    while (!is_free(port) || !is_free(port + 1));
    return port;
}

void
bench_daemon_prepare(struct bench_daemon *self, const char *more)
{
    *self = (struct bench_daemon){0};
    bench_dir(self->dir, sizeof self->dir - 8);
    snprintf(self->config, sizeof self->config, "%s/bench.conf", self->dir);
    strcat(self->dir, "/data");
    snprintf(self->listen, sizeof self->listen, "127.0.0.1:%u", pick_ports());
    bench_daemon_configure(self, more);
}

static void
run(const struct bench_daemon *self, int out)
{
    const char *program = getenv("CONCLAVED");

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(out, STDOUT_FILENO);
    if (program == NULL)
        program = "./conclaved";
    execl(program, program, "--config", self->config, "--data", self->dir, "--listen", self->listen, (char *)NULL);
    fprintf(stderr, "bench: cannot run %s: %s\n", program, strerror(errno));
    _exit(127);
}

/* ready conclave://HOST:PORT/#KEY */
static void
read_link(struct bench_daemon *self, int fd)
{
    char line[MSG_LINK_MAX + 64] = "";
    size_t len = 0;
    struct pollfd item = {fd, POLLIN, 0};

    while (strchr(line, '\n') == NULL) {
        if (poll(&item, 1, READY_MS) <= 0)
            bench_die("conclaved did not say that it serves");
        const ssize_t n = read(fd, line + len, sizeof line - 1 - len);
        if (n <= 0)
            bench_die("conclaved ended before it served");
        len += (size_t)n;
        line[len] = '\0';
    }
    BENCH_NEED(sscanf(line, "ready %400s", self->link_text) == 1);
    BENCH_NEED(msg_link_parse(&self->link, msg_text(self->link_text)) == CONCLAVE_OK);
}

static struct bench_daemon *running;

/* A bench that dies takes its daemon along. */
static void
stop_running(void)
{
    if (running != NULL && running->pid > 0)
        kill(running->pid, SIGTERM);
}

void
bench_daemon_start(struct bench_daemon *self)
{
    static bool registered;
    int pair[2];

    if (!registered)
        atexit(stop_running);
    registered = true;
    BENCH_NEED(pipe(pair) == 0);
    fflush(stdout);
    self->pid = fork();
    BENCH_NEED(self->pid >= 0);
    if (self->pid == 0) {
        close(pair[0]);
        run(self, pair[1]);
    }
    running = self;
    close(pair[1]);
    read_link(self, pair[0]);
    close(pair[0]);
    self->vault = bench_child_of(self->pid, "vault");
    self->door = bench_child_of(self->pid, "door");
    self->front = bench_child_of(self->pid, "front");
    if (self->vault == 0 || self->door == 0 || self->front == 0)
        bench_die("the processes of conclaved cannot be told apart");
}

void
bench_daemon_stop(struct bench_daemon *self)
{
    if (self->pid <= 0)
        return;
    kill(self->pid, SIGTERM);
    while (waitpid(self->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    self->pid = 0;
    running = NULL;
}

double
bench_daemon_cpu_s(const struct bench_daemon *self)
{
    return bench_cpu_s(self->pid) + bench_cpu_s(self->vault) + bench_cpu_s(self->door) + bench_cpu_s(self->front);
}
