/* Takes rights away from the children: prctl, rlimits and seccomp.  A system
 * call that is refused says EPERM; the list is of what would be a surprise, so
 * that a newer C library does not break the daemon. */
#include "broker/sandbox.h"

#include <errno.h>
#include <malloc.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0 /* sanitizers take terabytes of address space */
#endif

static const int refused[] = {
    SCMP_SYS(execve),           SCMP_SYS(execveat),          SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(kexec_load),
    SCMP_SYS(init_module),      SCMP_SYS(finit_module),      SCMP_SYS(delete_module),
    SCMP_SYS(mount),            SCMP_SYS(umount2),           SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),           SCMP_SYS(unshare),           SCMP_SYS(setns),
    SCMP_SYS(bpf),              SCMP_SYS(perf_event_open),   SCMP_SYS(userfaultfd),
    SCMP_SYS(keyctl),           SCMP_SYS(add_key),           SCMP_SYS(request_key),
    SCMP_SYS(reboot),           SCMP_SYS(swapon),            SCMP_SYS(swapoff),
};

static enum conclave_err
filter(bool no_network)
{
    enum conclave_err err = CONCLAVE_ERR_SYSTEM;
    scmp_filter_ctx rules = seccomp_init(SCMP_ACT_ALLOW);

    if (rules == NULL)
        return CONCLAVE_ERR_SYSTEM;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (seccomp_rule_add(rules, SCMP_ACT_ERRNO(EPERM), refused[i], 0) != 0)
            goto done;
    if (no_network
        && seccomp_rule_add(rules, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                            SCMP_A0(SCMP_CMP_NE, AF_UNIX, 0))
               != 0)
        goto done;
    if (seccomp_load(rules) == 0)
        err = CONCLAVE_OK;

done:
    seccomp_release(rules);
    return err;
}

enum conclave_err
broker_sandbox_enter(const struct broker_sandbox *rules)
{
    const struct rlimit none = {0, 0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0
        || setrlimit(RLIMIT_CORE, &none) != 0)
        return CONCLAVE_ERR_SYSTEM;
    if (rules->memory_bytes > 0 && !SANITIZED) {
        const struct rlimit most = {rules->memory_bytes, rules->memory_bytes};
        /* each arena of the C library would reserve 64 MiB of it */
        mallopt(M_ARENA_MAX, 1);
        if (setrlimit(RLIMIT_AS, &most) != 0)
            return CONCLAVE_ERR_SYSTEM;
    }
    return filter(rules->no_network);
}
