/* Preloaded by tests/oom/check_oom.sh: fails one allocation of a program, the
 * CONCLAVE_OOM_AT-th that its own code asks for.  What libraries ask for is
 * left alone: how they take it is theirs.  Makes the file CONCLAVE_OOM_MARK
 * when it fires, so that the caller knows when there is no further one. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PUBLIC __attribute__((visibility("default")))

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);
PUBLIC void *malloc(size_t size);
PUBLIC void *calloc(size_t count, size_t size);
PUBLIC void *realloc(void *at, size_t size);
PUBLIC void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);

static atomic_ulong asked;
static atomic_ulong fail_at; /* 0: not known yet */
static uintptr_t text_start, text_end;

/* Where the code of the program itself lies; before that is known nothing fails. */
__attribute__((constructor)) static void
find_program(void)
{
    const ElfW(Phdr) *headers = (const ElfW(Phdr) *)getauxval(AT_PHDR);
    const size_t count = getauxval(AT_PHNUM);
    uintptr_t base = 0;
    for (size_t i = 0; i < count; i++)
        if (headers[i].p_type == PT_PHDR)
            base = (uintptr_t)headers - headers[i].p_vaddr;
    for (size_t i = 0; i < count; i++)
        if (headers[i].p_type == PT_LOAD && (headers[i].p_flags & PF_X)) {
            text_start = base + headers[i].p_vaddr;
            text_end = text_start + headers[i].p_memsz;
        }
    const char *at = getenv("CONCLAVE_OOM_AT");
    if (at != NULL)
        fail_at = strtoul(at, NULL, 10);
}

static bool
fails(const void *caller)
{
    if ((uintptr_t)caller < text_start || (uintptr_t)caller >= text_end || fail_at == 0)
        return false;
    if (atomic_fetch_add(&asked, 1) + 1 != fail_at)
        return false;
    const char *mark = getenv("CONCLAVE_OOM_MARK");
    const int fd = mark != NULL ? open(mark, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) : -1;
    if (fd >= 0)
        close(fd);
    errno = ENOMEM;
    return true;
}

void *
malloc(size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *at, size_t size)
{
    return fails(__builtin_return_address(0)) ? NULL : __libc_realloc(at, size);
}

void *
mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
    if (fails(__builtin_return_address(0)))
        return MAP_FAILED;
    return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, offset);
}
