/* See proc.h. */
#include "tools/stress/proc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_ROOM 96
#define LINE_ROOM 2048      /* as many numbers as are kept */

/* The first line of a file; "" where there is none. */
static void
read_line(const char *path, char line[LINE_ROOM])
{
    FILE *file = fopen(path, "r");

    line[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(line, LINE_ROOM, file) == NULL)
        line[0] = '\0';
    (void)fclose(file); /* only read */
}

static void
add_children(struct stress_proc *self, pid_t parent)
{
    char path[PATH_ROOM], line[LINE_ROOM] = "", *next = line;

    (void)snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    read_line(path, line);
    for (char *end = NULL; self->count < STRESS_PROC_MAX; next = end) {
        const long pid = strtol(next, &end, 10);
        if (end == next)
            break;
        self->pids[self->count++] = (pid_t)pid;
    }
}

void
stress_proc_find(struct stress_proc *self, pid_t root)
{
    char path[PATH_ROOM];

    *self = (struct stress_proc){0};
    (void)snprintf(path, sizeof path, "/proc/%d", (int)root);
    if (root <= 0 || access(path, F_OK) != 0)
        return;
    self->pids[self->count++] = root;
    for (size_t i = 0; i < self->count; i++)
        add_children(self, self->pids[i]);
}

/* Sum of what fn says of each entry of a folder. */
static double
each_entry(pid_t pid, const char *folder, double (*fn)(pid_t pid, const char *name))
{
    char path[PATH_ROOM];
    double all = 0;

    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, folder);
    DIR *dir = opendir(path);
    if (dir == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        if (entry->d_name[0] != '.')
            all += fn(pid, entry->d_name);
    (void)closedir(dir);
    return all;
}

static double
thread_cpu_s(pid_t pid, const char *name)
{
    char path[PATH_ROOM];
    char line[LINE_ROOM] = "";

    (void)snprintf(path, sizeof path, "/proc/%d/task/%.32s/schedstat", (int)pid, name);
    read_line(path, line);
    return (double)strtoull(line, NULL, 10) * 1e-9;
}

static double
one(pid_t pid, const char *name)
{
    (void)pid;
    (void)name;
    return 1;
}

double
stress_proc_cpu_s(const struct stress_proc *self)
{
    double all = 0;

    for (size_t i = 0; i < self->count; i++)
        all += each_entry(self->pids[i], "task", thread_cpu_s);
    return all;
}

uint64_t
stress_proc_descriptors(const struct stress_proc *self)
{
    double all = 0;

    for (size_t i = 0; i < self->count; i++)
        all += each_entry(self->pids[i], "fd", one);
    return (uint64_t)all;
}

static uint64_t
status_kb(const struct stress_proc *self, const char *field)
{
    uint64_t all = 0;

    for (size_t i = 0; i < self->count; i++) {
        char path[PATH_ROOM], line[256];
        (void)snprintf(path, sizeof path, "/proc/%d/status", (int)self->pids[i]);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        while (fgets(line, sizeof line, file) != NULL)
            if (strncmp(line, field, strlen(field)) == 0)
                all += strtoull(line + strlen(field), NULL, 10);
        (void)fclose(file);
    }
    return all;
}

uint64_t
stress_proc_rss_kb(const struct stress_proc *self)
{
    return status_kb(self, "VmRSS:");
}

uint64_t
stress_proc_peak_kb(const struct stress_proc *self)
{
    return status_kb(self, "VmHWM:");
}

uint64_t
stress_proc_own_kb(const struct stress_proc *self)
{
    return status_kb(self, "RssAnon:");
}
