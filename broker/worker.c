/* Children are forked before there is a thread, and never exec: they are the
 * same program in another role. */
#include "broker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/log.h"

#define QUICK_MS 1000u    /* a child that lives shorter died quickly */
#define BACKOFF_MS 100u   /* after the second quick death in a row, doubling */
#define BACKOFF_MAX_MS 5000u

static const char *const names[BROKER_ROLES] = {
    [BROKER_ROLE_VAULT] = "vault", [BROKER_ROLE_FRONT] = "front", [BROKER_ROLE_DOOR] = "door"};

static const char *const titles[BROKER_ROLES] = {[BROKER_ROLE_VAULT] = "conclaved-vault",
                                                 [BROKER_ROLE_FRONT] = "conclaved-front",
                                                 [BROKER_ROLE_DOOR] = "conclaved-door"};

void
broker_worker_init(struct broker_worker *self, enum broker_role role, uint64_t start_at_ms)
{
    *self = (struct broker_worker){.role = role, .channel = -1, .start_at_ms = start_at_ms};
}

const char *
broker_worker_name(enum broker_role role)
{
    return names[role];
}

/* In the child, which never returns. */
static void __attribute__((noreturn))
become(struct broker_child *child, pid_t parent, const int *ours, size_t ours_count)
{
    static int (*const roles[BROKER_ROLES])(const struct broker_child *) = {
        [BROKER_ROLE_VAULT] = broker_vault_run,
        [BROKER_ROLE_FRONT] = broker_front_run,
        [BROKER_ROLE_DOOR] = broker_door_run,
    };
    sigset_t none;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != parent)
        _exit(1); /* it died in between */
    prctl(PR_SET_NAME, titles[child->role], 0, 0, 0); /* for ps and top */
    signal(SIGINT, SIG_IGN); /* the terminal's, for all of us: the supervisor says what to do */
    signal(SIGHUP, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (size_t i = 0; i < ours_count; i++)
        if (ours[i] >= 0)
            close(ours[i]);
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nothing < 0 || dup2(nothing, STDIN_FILENO) < 0 || dup2(nothing, STDOUT_FILENO) < 0)
        _exit(1); /* the ready line is the supervisor's alone */
    _exit(roles[child->role](child));
}

void
broker_worker_start(struct broker_worker *self, uint64_t now_ms, struct broker_child *child, const int *ours,
                    size_t ours_count)
{
    const pid_t parent = getpid();
    int ends[2];

    self->start_at_ms = now_ms + BACKOFF_MAX_MS; /* should the system refuse */
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        host_log(MSG_LOG_ERROR, "CHILD-FAILED %s: %s.", names[self->role], strerror(errno));
        return;
    }
    child->role = self->role;
    child->channel = ends[1];
    const pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        become(child, parent, ours, ours_count);
    }
    close(ends[1]);
    if (pid < 0) {
        host_log(MSG_LOG_ERROR, "CHILD-FAILED %s: %s.", names[self->role], strerror(errno));
        close(ends[0]);
        return;
    }
    self->pid = pid;
    self->channel = ends[0];
    self->ready = false;
    self->started_ms = now_ms;
    self->start_at_ms = BROKER_WORKER_NEVER;
    host_log(MSG_LOG_DEBUG, "CHILD-STARTED %s as process %ld.", names[self->role], (long)pid);
}

void
broker_worker_died(struct broker_worker *self, uint64_t now_ms, int status)
{
    const char *name = names[self->role];
    uint64_t wait_ms = 0;

    close(self->channel);
    self->channel = -1;
    self->pid = 0;
    self->quick_deaths = now_ms - self->started_ms < QUICK_MS ? self->quick_deaths + 1 : 0;
    if (self->quick_deaths > 1) {
        const unsigned doublings = self->quick_deaths - 2 < 6 ? self->quick_deaths - 2 : 6;
        wait_ms = BACKOFF_MS << doublings;
        if (wait_ms > BACKOFF_MAX_MS)
            wait_ms = BACKOFF_MAX_MS;
    }
    self->start_at_ms = now_ms + wait_ms;
    if (WIFSIGNALED(status))
        host_log(MSG_LOG_WARN, "CHILD-DIED %s of signal %d; it is started again in %llu ms.", name,
                 WTERMSIG(status), (unsigned long long)wait_ms);
    else
        host_log(MSG_LOG_WARN, "CHILD-DIED %s with status %d; it is started again in %llu ms.", name,
                 WEXITSTATUS(status), (unsigned long long)wait_ms);
}

void
broker_worker_tell(const struct broker_worker *self, const struct broker_note *note)
{
    if (self->channel >= 0 && broker_channel_send(self->channel, note) != CONCLAVE_OK)
        host_log(MSG_LOG_WARN, "CHILD-DEAF %s did not take a word.", names[self->role]);
}
