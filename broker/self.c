/* Asks the system about the process it runs in. */
#include "broker/self.h"

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/memory.h"
#include "host/zap.h"
#include "msg/codec.h"

static uint64_t
cpu_ms(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000
           + (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* Newer kernels know without a walk through all of them. */
static uint64_t
open_fds(void)
{
    struct stat about;
    uint64_t count = 0;

    if (stat("/proc/self/fd", &about) == 0 && about.st_size > 0)
        return (uint64_t)about.st_size;
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count > 0 ? count - 1 : 0; /* the walk's own */
}

void
broker_self_add(struct broker_sample *sample, const char *process)
{
    struct rlimit files = {0};

    broker_sample_add(sample, MSG_FIGURE_CPU, process, cpu_ms());
    broker_sample_add(sample, MSG_FIGURE_RSS, process, host_memory_resident());
    broker_sample_add(sample, MSG_FIGURE_FDS, process, open_fds());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        broker_sample_add(sample, MSG_FIGURE_FDS_MAX, process, files.rlim_cur);
}

void
broker_self_add_port(struct broker_sample *sample, const char *process, const struct broker_port *port)
{
    const bool is_door = strcmp(process, "door") == 0;
    const enum msg_figure handshakes = is_door ? MSG_FIGURE_DOOR_HANDSHAKES : MSG_FIGURE_HANDSHAKES;
    const enum msg_figure cut = is_door ? MSG_FIGURE_DOOR_CUT : MSG_FIGURE_CUT;
    struct broker_port_counts counts;
    struct host_zap_counts zap;

    broker_port_counts(port, &counts);
    host_zap_counts(&zap);
    broker_sample_add(sample, MSG_FIGURE_CONNECTIONS, process, counts.watchdog.open);
    broker_sample_add(sample, handshakes, "admitted", zap.admitted);
    broker_sample_add(sample, handshakes, "denied", zap.denied);
    broker_sample_add(sample, handshakes, "later", zap.later);
    broker_sample_add(sample, handshakes, "failed", counts.watchdog.handshake_failed);
    broker_sample_add(sample, cut, "source", counts.watchdog.cut_source);
    broker_sample_add(sample, cut, "total", counts.watchdog.cut_total);
    broker_sample_add(sample, cut, "flood", counts.watchdog.cut_flood);
    if (is_door)
        return;
    broker_sample_add(sample, MSG_FIGURE_FRAMES_IN, "", counts.frames_in);
    broker_sample_add(sample, MSG_FIGURE_BYTES_IN, "", counts.bytes_in);
    broker_sample_add(sample, MSG_FIGURE_FRAMES_OUT, "", counts.frames_out);
    broker_sample_add(sample, MSG_FIGURE_BYTES_OUT, "", counts.bytes_out);
    broker_sample_add(sample, MSG_FIGURE_FULL, "", counts.full);
}

bool
broker_self_is_asked(struct msg_span frame, uint64_t *number)
{
    enum msg_kind kind;
    union msg_any any;
    uint64_t kind_number, req;

    *number = 0;
    msg_codec_peek(frame, &kind_number, &req);
    if (kind_number != MSG_COUNTS_OF || msg_codec_decode(frame, &kind, &any) != CONCLAVE_OK)
        return false;
    *number = any.MSG_ANY_COUNTS_OF.number;
    return true;
}

enum conclave_err
broker_self_answer(struct msg_buf *out, const struct broker_sample *sample, uint64_t number)
{
    const struct msg_counts counts = {number, sample->figures, sample->histograms};

    out->len = 0;
    return msg_codec_encode(out, MSG_COUNTS, &counts);
}
