/* What each scenario does, order by order. */
#include <signal.h>

#include "tools/stress/clock.h"
#include "tools/stress/run.h"

#define SOON_NS 5000000u    /* all processes begin together */
#define MESH_MEMBERS 32u    /* rooms of more never become a mesh, by default */
#define BACK_S 90.0
#define FULL_NS 300000000u  /* nobody has said anything for so long: nobody can */
#define STORED_NS 20000000000ull /* nothing was stored for so long: nothing will be */

static bool
order(struct stress_run *run, const char *phase, enum stress_what what)
{
    run->phase = phase;
    return stress_run_order(run, &(struct stress_order){.what = what});
}

/* All are there, are in their rooms, and have said and heard something. */
static bool
enter(struct stress_run *run)
{
    const struct stress_world *world = run->world;
    const bool meshes = world->options.route != STRESS_RELAY && (world->writers > 0 || (world->rooms > 0 && world->room[0].members <= MESH_MEMBERS));

    stress_run_sessions(run, false);
    if (!order(run, "signing up", STRESS_ENTER))
        return false;
    stress_run_sessions(run, true);
    if (world->rooms > 0
        && !(order(run, "making rooms", STRESS_MAKE) && order(run, "joining", STRESS_JOIN) && order(run, "joining", STRESS_SETTLE)))
        return false;
    if (world->speakers + world->writers == 0)
        return true;
    return order(run, "greeting", STRESS_GREET) && stress_run_drain(run) && (!meshes || stress_run_settle(run))
        && order(run, "greeting", STRESS_RESET);
}

/* Begins what lasts until stress_run_enough. */
static void
begin(struct stress_run *run, const char *phase, enum stress_what what)
{
    run->phase = phase;
    stress_run_measure(run);
    stress_crew_give(run->world, &(struct stress_order){.what = what, .rate = run->options->rate, .start_ns = stress_clock_ns() + SOON_NS});
}

/* Ends it, and waits for all that is under way. */
static bool
conclude(struct stress_run *run)
{
    const double said_s = (double)(stress_clock_ns() - run->start_ns) * 1e-9;

    run->phase = "waiting for the last";
    if (!stress_run_enough(run) || !stress_run_drain(run))
        return false;
    stress_run_measured(run, said_s);
    return true;
}

static bool
talk(struct stress_run *run, double seconds)
{
    begin(run, "talking", STRESS_TALK);
    return stress_run_hold(run, seconds) && conclude(run);
}

/* For as long as one likes: ^C ends the talk, and all is checked and told. */
static bool
soak(struct stress_run *run)
{
    if (!enter(run))
        return false;
    begin(run, "talking", STRESS_TALK);
    if (!stress_run_hold(run, run->options->duration_s)) {
        if (stress_run_signal() != SIGINT)
            return false;
        stress_run_go_on();
    }
    return conclude(run);
}

static bool
arrive(struct stress_run *run, enum stress_what what)
{
    const struct stress_order all = {.what = what, .rate = run->options->rate, .all = true, .start_ns = stress_clock_ns() + SOON_NS};

    run->phase = "logging in";
    stress_run_measure(run);
    if (!stress_run_order(run, &all))
        return false;
    stress_run_measured(run, 0);
    run->result.said_per_s = run->result.got_per_s;
    return true;
}

static bool
login(struct stress_run *run)
{
    stress_run_sessions(run, false);
    if (!arrive(run, STRESS_ARRIVE))
        return false;
    stress_run_sessions(run, true);
    return true;
}

static bool
come_back(struct stress_run *run)
{
    run->phase = "going away";
    return enter(run) && stress_run_order(run, &(struct stress_order){.what = STRESS_AWAY, .all = true}) && arrive(run, STRESS_BACK);
}

static bool
search(struct stress_run *run)
{
    if (!enter(run))
        return false;
    begin(run, "searching", STRESS_SEARCHES);
    return stress_run_hold(run, run->options->duration_s) && conclude(run);
}

static bool
direct(struct stress_run *run)
{
    if (!enter(run) || !order(run, "there and back", STRESS_ANSWER))
        return false;
    begin(run, "there and back", STRESS_TRIPS);
    if (!stress_run_hold(run, run->options->duration_s / 2) || !conclude(run))
        return false;
    for (uint32_t w = 0; w < run->world->workers; w++)
        stress_record_merge(&run->result.trips, &run->world->worker[w].trips);
    return order(run, "one way", STRESS_RESET) && talk(run, run->options->duration_s / 2);
}

static bool
room(struct stress_run *run)
{
    return enter(run) && talk(run, run->options->duration_s);
}

/* Writes for the time that is given, or until outboxes are full of what nobody
 * has read; then waits until the registry has it all.  *said_s: until then. */
static bool
write_mail(struct stress_run *run, double *said_s)
{
    const struct stress_world *world = run->world;
    const uint64_t before = STRESS_WORLD_SUM(world, stored), until_ns = stress_clock_ns() + (uint64_t)(run->options->duration_s * 1e9);
    uint64_t last = 0, last_ns = stress_clock_ns();
    bool writing = true;

    begin(run, "writing", STRESS_TALK);
    for (;;) {
        const uint64_t now_ns = stress_clock_ns(), stored = STRESS_WORLD_SUM(world, stored) - before;
        const bool all = stored >= STRESS_WORLD_SUM(world, said) - run->said && stored > 0;
        if (stored != last)
            last_ns = now_ns;
        last = stored;
        if (!writing && (all || now_ns > last_ns + STORED_NS)) {
            *said_s = (double)(last_ns - run->start_ns) * 1e-9;
            return true;
        }
        if (writing && (now_ns >= until_ns || (all && run->options->rate == 0 && now_ns > last_ns + FULL_NS))) {
            writing = false;
            if (!stress_run_enough(run))
                return false;
        }
        if (!stress_run_hold(run, 0.002))
            return false;
    }
}

/* Half of the peers go; the others write; the half comes back and reads. */
static bool
mail(struct stress_run *run)
{
    double said_s;

    if (!enter(run) || !order(run, "going away", STRESS_AWAY) || !write_mail(run, &said_s))
        return false;
    const uint64_t back_ns = stress_clock_ns();
    if (!order(run, "coming back", STRESS_BACK) || !stress_run_drain(run))
        return false;
    stress_run_measured(run, said_s);
    run->result.back_s = (double)(stress_clock_ns() - back_ns) * 1e-9;
    if (run->result.back_s > 0)
        run->result.got_per_s = (double)(STRESS_WORLD_SUM(run->world, got) - run->got) / run->result.back_s;
    return true;
}

/* The daemon is killed after a third of the time, and started at once. */
static bool
storm(struct stress_run *run)
{
    const struct stress_world *world = run->world;
    const double third_s = run->options->duration_s / 3;

    if (!enter(run))
        return false;
    begin(run, "talking", STRESS_TALK);
    if (!stress_run_hold(run, third_s))
        return false;
    const uint64_t logins = STRESS_WORLD_SUM(world, logins) + world->peers, killed_ns = stress_clock_ns();
    run->phase = "coming back";
    stress_run_keep_cpu(run);
    stress_daemon_kill(&run->daemon);
    if (!stress_daemon_start(&run->daemon, stress_run_stopped, run->why, sizeof run->why))
        return false;
    while (STRESS_WORLD_SUM(world, logins) < logins && (double)(stress_clock_ns() - killed_ns) * 1e-9 < BACK_S)
        if (!stress_run_hold(run, 0.005))
            return false;
    run->result.back_s = (double)(stress_clock_ns() - killed_ns) * 1e-9;
    run->phase = "talking";
    return stress_run_hold(run, 2 * third_s - run->result.back_s) && conclude(run);
}

/* Some members are stopped for three fifths of each fifth of the time. */
static bool
slow(struct stress_run *run)
{
    const double fifth_s = run->options->duration_s / 5;

    if (!enter(run))
        return false;
    begin(run, "talking", STRESS_TALK);
    for (int i = 0; i < 5; i++) {
        stress_crew_stop(run->world, true);
        const bool held = stress_run_hold(run, fifth_s * 0.6);
        stress_crew_stop(run->world, false);
        if (!held || !stress_run_hold(run, fifth_s * 0.4))
            return false;
    }
    return conclude(run);
}

bool
stress_scenarios_run(struct stress_run *run)
{
    static bool (*const scenarios[STRESS_SCENARIOS])(struct stress_run *) = {
        [STRESS_LOGIN] = login, [STRESS_RETURN] = come_back, [STRESS_SEARCH] = search, [STRESS_DIRECT] = direct,
        [STRESS_ONE_ROOM] = room, [STRESS_ROOMS] = room, [STRESS_CHURN] = room, [STRESS_STORM] = storm,
        [STRESS_SLOW] = slow, [STRESS_MAIL] = mail, [STRESS_SOAK] = soak};

    return scenarios[run->options->scenario](run) && stress_run_check(run);
}
