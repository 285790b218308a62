/* What simulated worlds have shown: see growth.h. */
#include "tools/simnet/growth.h"

#include <stdlib.h>
#include <string.h>

#include "broker/settings.h"

/* Of one of those that it was done to; 0: nothing was. */
static double
us_each(const struct simnet_cost *cost)
{
    return cost->count > 0 ? cost->cpu_s * 1e6 / (double)cost->count : 0;
}

static double
copy_ns(const struct simnet_result *result)
{
    return result->copies > 0 ? result->post.cpu_s * 1e9 / (double)result->copies : 0;
}

static void
row(FILE *to, const struct simnet_world *world)
{
    const struct simnet_result *result = &world->result;

    fprintf(to, "%8u %6u %7u ", (unsigned)world->plan.peers, (unsigned)world->plan.rooms, (unsigned)world->plan.members);
    if (world->err != CONCLAVE_OK) {
        fputs("could not be done\n", to);
        return;
    }
    fprintf(to, "%9.0f %9.0f %8.1f %7.1f %6.2f %8.1f %8.1f %8.0f %7.2f  %s\n", (double)result->tables_b / world->plan.peers, result->session_b,
            us_each(&result->sign_up), us_each(&result->log_in), us_each(&result->ping), us_each(&result->join), us_each(&result->post),
            copy_ns(result), us_each(&result->relay), simnet_is_clean(result) ? "all is well" : "NOT WELL");
}

/* What an operator has to set for such sizes, and how far it goes. */
static const char *const limits[] = {"limits/sessions", "limits/room_members"};
#define LIMITS (sizeof limits / sizeof *limits)

static const struct host_option *
find_limit(const char *path)
{
    size_t count;
    const struct host_option *options = broker_settings_options(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(options[i].path, path) == 0)
            return &options[i];
    abort(); /* there are these two */
}

void
simnet_report_table(FILE *to, const struct simnet_world *worlds, uint32_t count)
{
    struct simnet_result all = {0};
    bool done = true;

    fputs("SIMULATED: the registry's core alone, on a simulated network, with light peers; CPU time of this machine\n"
          "                        memory a session         CPU time of the core, us each; of a copy, ns\n"
          "sessions  rooms members  reserved  resident  sign-up  log-in   ping     join     post     copy  direct  checked\n",
          to);
    for (uint32_t i = 0; i < count; i++) {
        row(to, &worlds[i]);
        all.lost += worlds[i].result.lost;
        all.doubled += worlds[i].result.doubled;
        all.reordered += worlds[i].result.reordered;
        all.damaged += worlds[i].result.damaged;
        done = done && worlds[i].err == CONCLAVE_OK;
    }
    for (size_t i = 0; i < LIMITS; i++)
        fprintf(to, "%s: %s unless conclaved.conf says otherwise, and up to %llu\n", limits[i], find_limit(limits[i])->preset,
                (unsigned long long)find_limit(limits[i])->max);
    fprintf(to, "%llu lost, %llu doubled, %llu reordered, %llu damaged: %s\n", (unsigned long long)all.lost, (unsigned long long)all.doubled,
            (unsigned long long)all.reordered, (unsigned long long)all.damaged, !done ? "NOT ALL WAS DONE" : simnet_is_clean(&all) ? "all is well" : "NOT WELL");
}

/* ---- JSON ---- */

static void
json_cost(FILE *to, const char *name, const struct simnet_cost *cost)
{
    fprintf(to, ",\"%s_count\":%llu,\"%s_cpu_us\":%.3f", name, (unsigned long long)cost->count, name, us_each(cost));
}

static void
json_faults(FILE *to, const struct simnet_result *result)
{
    fprintf(to, ",\"lost\":%llu,\"doubled\":%llu,\"reordered\":%llu,\"damaged\":%llu", (unsigned long long)result->lost,
            (unsigned long long)result->doubled, (unsigned long long)result->reordered, (unsigned long long)result->damaged);
}

/* Sentences of ours: without quotes, but conclaved's may have some. */
static void
json_text(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', to);
        fputc((unsigned char)*text < ' ' ? ' ' : *text, to);
    }
    fputc('"', to);
}

static void
json_world(FILE *to, const struct simnet_world *world)
{
    const struct simnet_result *result = &world->result;

    fprintf(to, "{\"peers\":%u,\"rooms\":%u,\"members\":%u", (unsigned)world->plan.peers, (unsigned)world->plan.rooms, (unsigned)world->plan.members);
    if (world->err != CONCLAVE_OK) {
        fputs(",\"error\":", to);
        json_text(to, world->why);
        fputc('}', to);
        return;
    }
    fprintf(to, ",\"rate\":%.1f,\"simulated_s\":%.3f,\"wall_s\":%.3f,\"tables_per_session_b\":%.0f,\"rss_per_session_b\":%.0f", result->plan.rate,
            result->simulated_s, result->wall_s, (double)result->tables_b / world->plan.peers, result->session_b);
    json_cost(to, "sign_up", &result->sign_up);
    json_cost(to, "log_in", &result->log_in);
    json_cost(to, "ping", &result->ping);
    json_cost(to, "create", &result->create);
    json_cost(to, "join", &result->join);
    json_cost(to, "post", &result->post);
    fprintf(to, ",\"copies\":%llu,\"copy_cpu_ns\":%.1f", (unsigned long long)result->copies, copy_ns(result));
    json_cost(to, "direct", &result->relay);
    fprintf(to, ",\"store_records\":%llu,\"store_kb\":%llu", (unsigned long long)result->store_records, (unsigned long long)result->store_b / 1024);
    json_faults(to, result);
    fputc('}', to);
}

/* The one that was done with the most sessions; NULL: none was. */
static const struct simnet_world *
largest(const struct simnet_world *worlds, uint32_t count)
{
    const struct simnet_world *found = NULL;

    for (uint32_t i = 0; i < count; i++)
        if (worlds[i].err == CONCLAVE_OK && (found == NULL || worlds[i].plan.peers > found->plan.peers))
            found = &worlds[i];
    return found;
}

/* What the last line of any scenario has: of the largest world, and null where
 * simulated time, and a core in one process with its peers, can say nothing. */
static void
json_common(FILE *to, const struct stress_options *options, const struct simnet_world *world)
{
    if (world == NULL)
        fprintf(to, "\"peers\":null,\"rooms\":null,\"members\":null,\"size\":%u,\"rate\":null,\"sent_per_s\":null,\"delivered_per_s\":null",
                (unsigned)options->size);
    else
        fprintf(to, "\"peers\":%u,\"rooms\":%u,\"members\":%u,\"size\":%u,\"rate\":%.3f,\"sent_per_s\":%.1f,\"delivered_per_s\":%.1f",
                (unsigned)world->plan.peers, (unsigned)world->plan.rooms, (unsigned)world->plan.members, (unsigned)options->size,
                world->result.plan.rate, (double)world->result.post.count / options->duration_s,
                (double)world->result.copies / options->duration_s);
    fputs(",\"p50_us\":null,\"p99_us\":null,\"p999_us\":null,\"max_us\":null", to);
    if (world == NULL)
        fputs(",\"daemon_cpu_s_per_M\":null,\"daemon_rss_kb\":null,\"rss_per_session_b\":null", to);
    else
        fprintf(to, ",\"daemon_cpu_s_per_M\":%.3f,\"daemon_rss_kb\":null,\"rss_per_session_b\":%.0f", copy_ns(&world->result) / 1000,
                world->result.session_b);
    fputs(",\"client_cpu_s_per_M\":null", to);
}

void
simnet_report_json(FILE *to, const struct stress_options *options, const struct simnet_world *worlds, uint32_t count)
{
    struct simnet_result all = {0};

    for (uint32_t i = 0; i < count; i++) {
        all.lost += worlds[i].result.lost;
        all.doubled += worlds[i].result.doubled;
        all.reordered += worlds[i].result.reordered;
        all.damaged += worlds[i].result.damaged;
    }
    fputs("{\"scenario\":\"simnet\",\"simulated\":true,", to);
    json_common(to, options, largest(worlds, count));
    fprintf(to, ",\"duration_s\":%.3f,\"seed\":%llu", options->duration_s, (unsigned long long)options->seed);
    json_faults(to, &all);
    for (size_t i = 0; i < LIMITS; i++)
        fprintf(to, "%s\"%s\":{\"preset\":%s,\"most\":%llu}", i > 0 ? "," : ",\"limits\":{", limits[i], find_limit(limits[i])->preset,
                (unsigned long long)find_limit(limits[i])->max);
    fputs("},\"worlds\":[", to);
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0)
            fputc(',', to);
        json_world(to, &worlds[i]);
    }
    fputs("]}\n", to);
}
