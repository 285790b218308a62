/* Runs a fuzz target over files, without a fuzzing engine: over those given,
 * or over tests/fuzz/corpus/NAME for a program named fuzz_NAME.  Speaks TAP,
 * one case for each file or directory given; the last comment before a crash
 * names the input. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

#define INPUT_MAX (1u << 22) /* bytes */

static unsigned inputs;

static bool
replay_file(const char *path)
{
    FILE *const file = fopen(path, "rb");
    uint8_t *const room = malloc(INPUT_MAX);
    const bool readable = file != NULL && room != NULL;
    printf("# %s%s%s\n", path, readable ? "" : ": ", readable ? "" : strerror(errno));
    fflush(stdout);
    if (readable) {
        const size_t len = fread(room, 1, INPUT_MAX, file);
        /* As long as the input and no longer, so that a sanitizer sees one byte too many. */
        uint8_t *const exact = malloc(len > 0 ? len : 1);
        if (exact == NULL)
            abort();
        memcpy(exact, room, len);
        LLVMFuzzerTestOneInput(exact, len);
        free(exact);
        inputs++;
    }
    free(room);
    if (file != NULL)
        fclose(file);
    return readable;
}

static int
is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool
replay(const char *path)
{
    struct stat what;
    struct dirent **entries = NULL;
    bool good = true;
    if (stat(path, &what) != 0 || !S_ISDIR(what.st_mode))
        return replay_file(path);
    const int count = scandir(path, &entries, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        char inner[4096];
        (void)snprintf(inner, sizeof inner, "%s/%s", path, entries[i]->d_name);
        good = replay_file(inner) && good;
        free(entries[i]);
    }
    free(entries);
    return good && count > 0;
}

static bool
replay_case(unsigned number, const char *path)
{
    inputs = 0;
    const bool good = replay(path);
    printf("%sok %u - %u inputs of %s\n", good ? "" : "not ", number, inputs, path);
    return good;
}

/* The NAME of a program fuzz_NAME, wherever libtool put it. */
static const char *
target_name(const char *program)
{
    const char *name = "none";
    for (const char *at = program; (at = strstr(at, "fuzz_")) != NULL; at++)
        name = at + strlen("fuzz_");
    return name;
}

int
main(int argc, char **argv)
{
    bool good = true;
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            good = replay_case((unsigned)i, argv[i]) && good;
        printf("1..%d\n", argc - 1);
    } else {
        const char *const top = getenv("srcdir");
        char corpus[4096];
        (void)snprintf(corpus, sizeof corpus, "%s/tests/fuzz/corpus/%s", top != NULL ? top : ".",
                       target_name(argv[0]));
        good = replay_case(1, corpus);
        printf("1..1\n");
    }
    return good ? 0 : 1;
}
