/* See report.h. */
#include "tools/stress/report.h"

#define SOAKED_S 600.0      /* in less, tables that fill for the first time look like growth */
#define GROWS 0.05          /* by more than this part of what it was; less is chance, and the last of such tables */

bool
stress_report_is_clean(const struct stress_result *result)
{
    return result->got_per_s > 0 && result->lost == 0 && result->doubled == 0 && result->reordered == 0 && result->damaged == 0;
}

static uint64_t
daemon_own(const struct stress_point *point)
{
    return point->daemon_own_kb;
}

static uint64_t
daemon_fds(const struct stress_point *point)
{
    return point->daemon_fds;
}

static uint64_t
client_own(const struct stress_point *point)
{
    return point->client_own_kb;
}

static uint64_t
client_fds(const struct stress_point *point)
{
    return point->client_fds;
}

double
stress_report_growth(const struct stress_result *result, uint64_t (*value)(const struct stress_point *))
{
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;

    for (uint32_t i = result->points_count / 2; i < result->points_count; i++) {
        const double at = result->points[i].at_s / 60, v = (double)value(&result->points[i]);
        n += 1;
        x += at;
        y += v;
        xx += at * at;
        xy += at * v;
    }
    const double spread = n * xx - x * x;
    return spread > 0 ? (n * xy - x * y) / spread : 0;
}

/* The most that any of the four gained over the second half, as a part of what it was. */
static double
gained(const struct stress_result *result)
{
    static uint64_t (*const values[])(const struct stress_point *) = {daemon_own, daemon_fds, client_own, client_fds};
    const uint32_t middle = result->points_count / 2;
    double most = 0;

    for (size_t v = 0; v < sizeof values / sizeof values[0] && middle > 0; v++) {
        const double minutes = (result->points[result->points_count - 1].at_s - result->points[middle].at_s) / 60;
        const double all = stress_report_growth(result, values[v]) * minutes, was = (double)values[v](&result->points[middle]);
        if (was > 0 && all / was > most)
            most = all / was;
    }
    return most;
}

bool
stress_report_tells_growth(const struct stress_result *result)
{
    return result->points_count >= 2 && result->duration_s >= SOAKED_S;
}

bool
stress_report_grows(const struct stress_result *result)
{
    return stress_report_tells_growth(result) && gained(result) > GROWS;
}

/* The same goes on all the time, so that whatever grows is worth a look. */
static bool
lasts(const struct stress_options *options)
{
    return options->scenario == STRESS_SOAK || options->scenario == STRESS_ROOMS || options->scenario == STRESS_CHURN;
}

static double
us(const struct stress_record *record, double part)
{
    return (double)stress_record_quantile(record, part) / 1000;
}

static void
table_growth(FILE *to, const struct stress_result *result)
{
    fprintf(to, "%-28s ", "growth in a minute");
    if (result->sees_daemon)
        fprintf(to, "daemon %+.0f KiB, %+.2f descriptors; ", stress_report_growth(result, daemon_own), stress_report_growth(result, daemon_fds));
    fprintf(to, "peers %+.0f KiB, %+.2f descriptors\n", stress_report_growth(result, client_own), stress_report_growth(result, client_fds));
    if (stress_report_tells_growth(result))
        fprintf(to, "%-28s %+.1f %% at most, of memory and descriptors%s: %s\n", "in the second half", 100 * gained(result),
                result->sees_daemon ? "" : " of the peers alone", stress_report_grows(result) ? "IT GROWS" : "no growth");
}

void
stress_report_table(FILE *to, const struct stress_options *options, const struct stress_result *result)
{
    const bool logs_in = options->scenario == STRESS_LOGIN || options->scenario == STRESS_RETURN;
    const char *what = logs_in ? "log-ins" : options->scenario == STRESS_SEARCH ? "requests" : "messages";

    fprintf(to, "%-28s %s, %u peers", "scenario", stress_options_scenario(options->scenario), (unsigned)options->peers);
    if (options->rooms > 0)
        fprintf(to, ", %u room%s of %u", (unsigned)options->rooms, options->rooms > 1 ? "s" : "", (unsigned)options->members);
    fprintf(to, ", %u bytes, route %s, store %s, seed %llu\n", (unsigned)options->size, stress_options_route(options->route),
            options->in_memory ? "memory" : "disk", (unsigned long long)options->seed);
    fprintf(to, "%-28s %.3f s\n", logs_in ? "all are in after" : "measured", result->duration_s);
    if (!logs_in)
        fprintf(to, "%-28s %.1f %s/s\n", "sent", result->said_per_s, what);
    fprintf(to, "%-28s %.1f %s/s\n", logs_in ? "done" : "delivered", result->got_per_s, what);
    fprintf(to, "%-28s %.0f  %.0f  %.0f  %.0f us\n", "p50  p99  p99.9  max", us(&result->latency, 0.5), us(&result->latency, 0.99),
            us(&result->latency, 0.999), (double)result->latency.max_ns / 1000);
    if (result->trips.count > 0)
        fprintf(to, "%-28s %.0f  %.0f us  (%llu of them)\n", "there and back  p50  p99", us(&result->trips, 0.5), us(&result->trips, 0.99),
                (unsigned long long)result->trips.count);
    if (result->back_s > 0)
        fprintf(to, "%-28s %.3f s\n", options->scenario == STRESS_MAIL ? "all mail is read after" : "all are back after", result->back_s);
    if (result->sees_daemon)
        fprintf(to, "%-28s %.2f s of CPU for a million, %llu KiB, %.0f bytes for a session\n", "daemon", result->daemon_cpu_s_per_M,
                (unsigned long long)result->daemon_rss_kb, result->rss_per_session_b);
    fprintf(to, "%-28s %.2f s of CPU for a million\n", "peers", result->client_cpu_s_per_M);
    if (lasts(options))
        table_growth(to, result);
    if (result->notices > 0)
        fprintf(to, "%-28s %llu; the first: %s\n", "peers were told things", (unsigned long long)result->notices, result->notice);
    fprintf(to, "%-28s %llu lost, %llu doubled, %llu reordered, %llu damaged: %s\n", "checked", (unsigned long long)result->lost,
            (unsigned long long)result->doubled, (unsigned long long)result->reordered, (unsigned long long)result->damaged,
            stress_report_is_clean(result) ? "all is well" : result->got_per_s > 0 ? "NOT WELL" : "NOT WELL, nothing came");
}

static void
json_daemon(FILE *to, const struct stress_result *result)
{
    if (result->sees_daemon)
        fprintf(to, ",\"daemon_cpu_s_per_M\":%.3f,\"daemon_rss_kb\":%llu,\"rss_per_session_b\":%.0f", result->daemon_cpu_s_per_M,
                (unsigned long long)result->daemon_rss_kb, result->rss_per_session_b);
    else
        fputs(",\"daemon_cpu_s_per_M\":null,\"daemon_rss_kb\":null,\"rss_per_session_b\":null", to);
}

void
stress_report_json(FILE *to, const struct stress_options *options, const struct stress_result *result)
{
    fprintf(to, "{\"scenario\":\"%s\",\"peers\":%u,\"rooms\":%u,\"members\":%u,\"size\":%u,\"rate\":%.3f,\"route\":\"%s\",\"store\":\"%s\"",
            stress_options_scenario(options->scenario), (unsigned)options->peers, (unsigned)options->rooms, (unsigned)options->members,
            (unsigned)options->size, options->rate, stress_options_route(options->route), options->in_memory ? "memory" : "disk");
    fprintf(to, ",\"sent_per_s\":%.1f,\"delivered_per_s\":%.1f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"max_us\":%.1f", result->said_per_s,
            result->got_per_s, us(&result->latency, 0.5), us(&result->latency, 0.99), us(&result->latency, 0.999),
            (double)result->latency.max_ns / 1000);
    if (result->trips.count > 0)
        fprintf(to, ",\"rtt_p50_us\":%.1f,\"rtt_p99_us\":%.1f,\"trips\":%llu", us(&result->trips, 0.5), us(&result->trips, 0.99),
                (unsigned long long)result->trips.count);
    if (result->back_s > 0)
        fprintf(to, ",\"back_s\":%.3f", result->back_s);
    if (lasts(options) && result->sees_daemon)
        fprintf(to, ",\"daemon_growth_kb_per_min\":%.1f,\"daemon_fds_growth_per_min\":%.2f", stress_report_growth(result, daemon_own),
                stress_report_growth(result, daemon_fds));
    else if (lasts(options))
        fputs(",\"daemon_growth_kb_per_min\":null,\"daemon_fds_growth_per_min\":null", to);
    if (lasts(options))
        fprintf(to, ",\"client_growth_kb_per_min\":%.1f,\"client_fds_growth_per_min\":%.2f", stress_report_growth(result, client_own),
                stress_report_growth(result, client_fds));
    if (lasts(options))
        fprintf(to, ",\"grows\":%s", !stress_report_tells_growth(result) ? "null" : stress_report_grows(result) ? "true" : "false");
    json_daemon(to, result);
    fprintf(to, ",\"client_cpu_s_per_M\":%.3f,\"lost\":%llu,\"doubled\":%llu,\"reordered\":%llu,\"damaged\":%llu,\"notices\":%llu,\"duration_s\":%.3f,\"seed\":%llu}\n",
            result->client_cpu_s_per_M, (unsigned long long)result->lost, (unsigned long long)result->doubled,
            (unsigned long long)result->reordered, (unsigned long long)result->damaged, (unsigned long long)result->notices, result->duration_s, (unsigned long long)options->seed);
}
