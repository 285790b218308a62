/* See daemon.h. */
#include "tools/stress/daemon.h"

#include <errno.h>
#include <fcntl.h>
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

#include "tools/stress/clock.h"

#define READY_MS 20000u
#define STOP_MS 10000u
#define STEP_MS 20u
#define ARGS_MAX 32u
#define SAID_ROOM 400u      /* bytes of its log that are shown when it does not start */
#define PORT_FIRST 16000u   /* below those that connections take by themselves: */
#define PORT_COUNT 8000u    /* the daemon must find its ports free when it comes back */

static const char config[] =
    "limits\n"
    "    accounts = 1000000\n"
    "    sessions = 200000\n"
    "    rooms = 100000\n"
    "    room_members = 100000\n"
    "    memberships = 1000000\n"
    "    requests = 1000000\n"
    "    requests_per_s = 1000000\n"
    "    posts_per_s = 1000000\n"
    "    post_mib_per_s = 100000\n"
    "    relay_burst_bytes = 1000000000\n"
    "    relay_bytes_per_s = 1000000000\n"
    "    signups = 1000000\n"
    "    signups_per_hour = 1000000\n"
    "    knocks = 1000000\n"
    "    knocks_per_minute = 1000000\n"
    "    pending = 4096\n"
    "    connections = 200000\n"
    "    source_connections = 200000\n"
    "    door_connections = 100000\n"
    "    door_source_connections = 100000\n"
    "mail\n"
    "    device_messages = 10000000\n"
    "    device_mib = 100000\n"
    "    sender_messages = 10000000\n"
    "    sender_mib = 100000\n"
    "    account_messages = 10000000\n"
    "    account_mib = 100000\n"
    "rooms\n"
    "    log_frames = 10000000\n"
    "    log_mib = 100000\n"
    "store\n"
    "    map_mib = 65536\n"
    "log\n"
    "    level = error\n";
/* Where hashing is not what is measured. */
static const char cheap[] = "password\n    quality = false\n    memory_kib = 8\n    passes = 1\n";

static bool
find_program(char *path, const char *given)
{
    char self[STRESS_PATH_ROOM - 16];

    if (given != NULL) {
        (void)snprintf(path, STRESS_PATH_ROOM, "%s", given);
        return access(path, X_OK) == 0;
    }
    const ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash != NULL) {
        *slash = '\0';
        (void)snprintf(path, STRESS_PATH_ROOM, "%s/conclaved", self);
        if (access(path, X_OK) == 0)
            return true;
    }
    (void)snprintf(path, STRESS_PATH_ROOM, "conclaved");
    return true; /* execvp looks for it */
}

static bool
is_free(unsigned port)
{
    const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    const bool ok = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0;
    if (fd >= 0)
        (void)close(fd);
    return ok;
}

/* For the door, and the next one for the front. */
static unsigned
pick_ports(void)
{
    const unsigned from = (unsigned)(((uint64_t)getpid() * 2654435761u ^ stress_clock_ns() >> 10) % (PORT_COUNT / 2));

    for (unsigned i = 0; i < PORT_COUNT / 2; i++) {
        const unsigned port = PORT_FIRST + 2 * ((from + i) % (PORT_COUNT / 2));
        if (is_free(port) && is_free(port + 1))
            return port;
    }
    return 0; /* any: then it may be taken while the daemon is away */
}

bool
stress_daemon_prepare(struct stress_daemon *self, const struct stress_options *options, const char *dir, char *why, size_t why_cap)
{
    char path[STRESS_PATH_ROOM + 16];

    *self = (struct stress_daemon){.args = options->daemon_args};
    (void)snprintf(self->dir, sizeof self->dir, "%s", dir);
    if (!find_program(self->program, options->daemon)) {
        (void)snprintf(why, why_cap, "%s is no program that can be started: %s.", self->program, strerror(errno));
        return false;
    }
    (void)snprintf(self->listen, sizeof self->listen, "127.0.0.1:%u", pick_ports());
    (void)snprintf(path, sizeof path, "%s/conclaved.conf", dir);
    FILE *file = fopen(path, "w");
    bool ok = file != NULL && fputs(config, file) >= 0;
    if (ok && options->scenario != STRESS_LOGIN)
        ok = fputs(cheap, file) >= 0;
    if (ok && options->route == STRESS_RELAY)
        ok = fputs("rooms\n    mesh_join = 0\n    mesh_stay = 0\n", file) >= 0;
    if (file != NULL)
        ok = fclose(file) == 0 && ok;
    if (!ok)
        (void)snprintf(why, why_cap, "%s cannot be written: %s.", path, strerror(errno));
    return ok;
}

static void
run(const struct stress_daemon *self, int out)
{
    char conf[STRESS_PATH_ROOM + 16], data[STRESS_PATH_ROOM + 16], words[1024], *more = NULL;
    char option_conf[] = "--config", option_data[] = "--data", option_listen[] = "--listen", program[STRESS_PATH_ROOM], listen_at[64];
    char *args[ARGS_MAX + 1] = {program, option_conf, conf, option_data, data, option_listen, listen_at};
    size_t count = 7;

    (void)snprintf(conf, sizeof conf, "%s/conclaved.log", self->dir);
    const int log = open(conf, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    (void)setpgid(0, 0); /* the terminal's ^C is ours to pass on */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (dup2(out, STDOUT_FILENO) < 0 || log < 0 || dup2(log, STDERR_FILENO) < 0)
        _exit(127);
    (void)snprintf(program, sizeof program, "%s", self->program);
    (void)snprintf(conf, sizeof conf, "%s/conclaved.conf", self->dir);
    (void)snprintf(data, sizeof data, "%s/data", self->dir);
    (void)snprintf(listen_at, sizeof listen_at, "%s", self->listen);
    (void)snprintf(words, sizeof words, "%s", self->args != NULL ? self->args : "");
    for (char *word = strtok_r(words, " \t", &more); word != NULL && count < ARGS_MAX; word = strtok_r(NULL, " \t", &more))
        args[count++] = word;
    (void)execvp(program, args);
    fprintf(stderr, "%s cannot be started: %s\n", program, strerror(errno));
    _exit(127);
}

/* The end of what it wrote to its log, on one line. */
static void
tell_log(const struct stress_daemon *self, char *why, size_t why_cap)
{
    char path[STRESS_PATH_ROOM + 16], said[SAID_ROOM + 1] = "";

    (void)snprintf(path, sizeof path, "%s/conclaved.log", self->dir);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        if (fseek(file, -(long)SAID_ROOM, SEEK_END) != 0)
            rewind(file);
        said[fread(said, 1, SAID_ROOM, file)] = '\0';
        (void)fclose(file);
    }
    for (char *at = said; *at != '\0'; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    (void)snprintf(why, why_cap, "The daemon did not start; it says: %s", *said != '\0' ? said : "nothing.");
}

/* ready conclave://HOST:PORT/#KEY */
static bool
read_link(struct stress_daemon *self, int fd, bool (*stop)(void))
{
    char line[STRESS_LINK_ROOM + 16] = "";
    const uint64_t until_ns = stress_clock_ns() + READY_MS * 1000000ull;

    for (size_t len = 0; strchr(line, '\n') == NULL; line[len] = '\0') {
        struct pollfd item = {fd, POLLIN, 0};
        if (stress_clock_ns() > until_ns || (stop != NULL && stop()))
            return false;
        if (poll(&item, 1, (int)STEP_MS) <= 0)
            continue;
        const ssize_t n = read(fd, line + len, sizeof line - 1 - len);
        if (n <= 0)
            return false;
        len += (size_t)n;
    }
    return sscanf(line, "ready %500s", self->link) == 1;
}

bool
stress_daemon_start(struct stress_daemon *self, bool (*stop)(void), char *why, size_t why_cap)
{
    int pair[2];

    self->pid = pipe2(pair, O_CLOEXEC) == 0 ? fork() : -1;
    if (self->pid < 0) {
        self->pid = 0;
        (void)snprintf(why, why_cap, "No process can be started: %s.", strerror(errno));
        return false;
    }
    if (self->pid == 0)
        run(self, pair[1]);
    (void)close(pair[1]);
    const bool ok = read_link(self, pair[0], stop);
    (void)close(pair[0]);
    if (!ok) {
        stress_daemon_stop(self);
        tell_log(self, why, why_cap);
    }
    return ok;
}

void
stress_daemon_kill(struct stress_daemon *self)
{
    if (self->pid <= 0)
        return;
    (void)kill(self->pid, SIGKILL);
    while (waitpid(self->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    self->pid = 0;
}

void
stress_daemon_stop(struct stress_daemon *self)
{
    if (self->pid <= 0)
        return;
    (void)kill(self->pid, SIGTERM);
    for (unsigned ms = 0; ms < STOP_MS; ms += STEP_MS) {
        const pid_t ended = waitpid(self->pid, NULL, WNOHANG);
        if (ended == self->pid || (ended < 0 && errno == ECHILD)) {
            self->pid = 0;
            return;
        }
        stress_clock_wait_ns(STEP_MS * 1000000ull);
    }
    stress_daemon_kill(self);
}
