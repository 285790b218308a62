/* sim [--seeds FROM COUNT | --runs COUNT | --seed N] [--scenario NAME] [--first] [--trace] [--list]
 *
 * Plays every scenario under so many seeds (or so many in all, shared out by
 * the weight of the scenarios) and prints a TAP line for each scenario.  A run that fails prints its seed and is played again with its
 * last lines shown.  --first: nothing is played after the first that fails. */
#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/sim/sim.h"

#define LAST_BYTES 24000 /* of the trace of a failed run */

static struct sim world;

void
sim_new(struct sim *sim, const struct sim_scenario *scenario, uint64_t seed, bool trace)
{
    memset(sim, 0, sizeof *sim);
    sim->seed = seed;
    sim->scenario = scenario->name;
    sim->trace = trace;
    sim->procs = calloc(SIM_PROCS, sizeof *sim->procs);
    sim->last_shown = calloc(SIM_PROCS, sizeof *sim->last_shown);
    if (sim->procs == NULL || sim->last_shown == NULL)
        abort();
    sim_random_seed(sim);
    sim->now_us = SIM_SECOND;
    sim->net = sim->registry_net = sim_net_clean();
    sim->commit_min_us = 200;
    sim->commit_max_us = 5 * SIM_MS;
    sim->restart_min_us = 50 * SIM_MS;
    sim->restart_max_us = 5 * SIM_SECOND;
    sim->ports_taken = 50;
    sim->mail = (struct broker_mail_limits){30, 10000, 64, 2500, 16, 20000, 256};
    sim->posts_per_s = 10000;
    sim->room_members = sim->cards = 64;
    msg_effects_init(&sim->effects);
    sim_registry_add(sim);
    sim_registry_restart(sim);
}

void
sim_wipe(struct sim *sim)
{
    while (sim->queue.count > 0) {
        struct sim_event *const event = simnet_queue_take(&sim->queue).what;
        free(event->bytes);
        free(event);
    }
    for (uint32_t i = 0; i < sim->proc_count; i++) {
        struct sim_proc *const proc = &sim->procs[i];
        peer_core_destroy(&proc->peer);
        broker_door_core_destroy(&proc->door);
        broker_front_core_destroy(&proc->front);
        sim_disk_wipe(&proc->disk);
        sim_disk_wipe(&proc->snapshot);
        free(proc->admitted);
        free(proc->user.commands);
    }
    simnet_queue_wipe(&sim->queue);
    free(sim->conns);
    free(sim->places);
    free(sim->procs);
    free(sim->last_shown);
    free(sim->said);
    free(sim->nonces);
    free(sim->keys);
    free(sim->seals);
    sim_signatures_forget();
    msg_effects_wipe(&sim->effects);
}

static bool
play(const struct sim_scenario *scenario, uint64_t seed, bool trace)
{
    sim_new(&world, scenario, seed, trace);
    scenario->play(&world);
    const bool ok = !world.failed;
    if (!ok && !trace)
        printf("# %s, seed %llu: %s\n", scenario->name, (unsigned long long)seed, world.failure);
    sim_wipe(&world);
    return ok;
}

const struct sim_scenario *
sim_scenario_at(size_t index)
{
    static const struct sim_chapter *const CHAPTERS[] = {&SIM_TALK, &SIM_MAIL, &SIM_ROOMS, &SIM_ROOM_TALK, &SIM_MESH, &SIM_CROWD, &SIM_LIES};
    for (size_t c = 0; c < sizeof CHAPTERS / sizeof CHAPTERS[0]; c++) {
        if (index < CHAPTERS[c]->count)
            return &CHAPTERS[c]->list[index];
        index -= CHAPTERS[c]->count;
    }
    return NULL;
}

/* Plays it once more and shows how it came to that. */
static void
show(const struct sim_scenario *scenario, uint64_t seed)
{
    static char last[LAST_BYTES + 1];
    FILE *const file = tmpfile();
    const int was = dup(STDERR_FILENO);
    if (file == NULL || was < 0 || fflush(stderr) != 0 || dup2(fileno(file), STDERR_FILENO) < 0)
        return; /* the seed was told; the trace can be had with --trace */
    (void)play(scenario, seed, true);
    (void)fflush(stderr);
    (void)dup2(was, STDERR_FILENO);
    (void)close(was);
    if (fseek(file, -LAST_BYTES, SEEK_END) != 0)
        rewind(file);
    const size_t n = fread(last, 1, LAST_BYTES, file);
    last[n] = '\0';
    for (char *line = strtok(last, "\n"); line != NULL; line = strtok(NULL, "\n"))
        printf("#   %s\n", line);
    (void)fclose(file);
    printf("# replay: tests/sim/sim --scenario %s --seed %llu --trace\n", scenario->name,
           (unsigned long long)seed);
}

/* An assertion in a core must not swallow the seed. */
static void
died(int number)
{
    char text[256];
    const int n =
        snprintf(text, sizeof text,
                 "Bail out! signal %d; replay: tests/sim/sim --scenario %s --seed %llu --trace\n",
                 number, world.scenario, (unsigned long long)world.seed);
    if (n > 0 && write(STDOUT_FILENO, text, (size_t)n) != n)
        _exit(98);
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

static bool
number(uint64_t *out, const char *text)
{
    char *end = NULL;
    if (text == NULL)
        return false;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0';
}

static int
usage(void)
{
    fprintf(stderr,
            "usage: sim [--seeds FROM COUNT | --runs COUNT | --seed N] [--scenario NAME] [--first] "
            "[--trace] [--list]\n");
    return 2;
}

/* A scenario's share of so many runs, at least one; without a number its weight. */
static uint64_t
share(const struct sim_scenario *scenario, uint64_t runs)
{
    const struct sim_scenario *at;
    uint64_t all = 0;
    for (size_t s = 0; (at = sim_scenario_at(s)) != NULL; s++)
        all += at->weight;
    if (runs == 0)
        return scenario->weight;
    return (runs * scenario->weight + all - 1) / all;
}

int
main(int argc, char **argv)
{
    uint64_t from = 1, count = 0, runs = 0, failed = 0, cases = 0;
    bool trace = false, first = false; /* first: the first failure is enough */
    const char *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seeds") == 0 && i + 2 < argc && number(&from, argv[i + 1]) &&
            number(&count, argv[i + 2]))
            i += 2;
        else if (strcmp(argv[i], "--runs") == 0 && i + 1 < argc && number(&runs, argv[i + 1]))
            i++;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc && number(&from, argv[i + 1])) {
            count = 1;
            i++;
        } else if (strcmp(argv[i], "--scenario") == 0 && i + 1 < argc)
            only = argv[++i];
        else if (strcmp(argv[i], "--first") == 0)
            first = true;
        else if (strcmp(argv[i], "--trace") == 0)
            trace = true;
        else if (strcmp(argv[i], "--list") == 0) {
            for (size_t s = 0; sim_scenario_at(s) != NULL; s++)
                puts(sim_scenario_at(s)->name);
            return 0;
        } else
            return usage();
    }
    if (msg_keys_init() != CONCLAVE_OK)
        return 1;
    (void)mallopt(M_MMAP_THRESHOLD, 64 * 1024); /* tables of cores that a world never uses are never touched, in later worlds too */
    (void)signal(SIGABRT, died);
    (void)signal(SIGSEGV, died);
    const struct sim_scenario *scenario;
    for (size_t s = 0; (scenario = sim_scenario_at(s)) != NULL && !(first && failed > 0); s++) {
        const uint64_t seeds = count > 0 ? count : share(scenario, runs);
        bool ok = true;
        if (only != NULL && strcmp(only, scenario->name) != 0)
            continue;
        for (uint64_t seed = from; ok && seed < from + seeds; seed++) {
            ok = play(scenario, seed, trace);
            if (!ok && !trace)
                show(scenario, seed);
        }
        failed += !ok;
        printf("%sok %llu - %s (%llu seeds)\n", ok ? "" : "not ", (unsigned long long)++cases,
               scenario->name, (unsigned long long)seeds);
        (void)fflush(stdout);
    }
    printf("1..%llu\n", (unsigned long long)cases);
    return failed == 0 && cases > 0 ? 0 : 1;
}
