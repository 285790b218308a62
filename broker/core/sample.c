/* Samples: figures become items of lists, and health becomes a sentence. */
#include "broker/core/sample.h"

#include "msg/codec.h"

void
broker_sample_clear(struct broker_sample *self)
{
    self->figures = self->histograms = (struct msg_list){0};
    self->figures_buf = (struct msg_buf){self->figures_at, 0, sizeof self->figures_at};
    self->histograms_buf = (struct msg_buf){self->histograms_at, 0, sizeof self->histograms_at};
}

/* What finds no place is left out, as the header says. */
static void
add(struct msg_buf *buf, struct msg_list *list, uint64_t most, enum msg_kind kind, const void *item)
{
    if (list->count >= most || msg_codec_append(buf, list, kind, item) != CONCLAVE_OK)
        return;
}

static void
add_figure(struct broker_sample *self, const struct msg_figure_item *item)
{
    add(&self->figures_buf, &self->figures, MSG_FIGURES_MAX, MSG_FIGURE, item);
}

static void
add_histogram(struct broker_sample *self, const struct msg_histogram_item *item)
{
    add(&self->histograms_buf, &self->histograms, MSG_HISTOGRAMS_MAX, MSG_HISTOGRAM, item);
}

void
broker_sample_add(struct broker_sample *self, enum msg_figure figure, const char *label, uint64_t value)
{
    const struct msg_figure_item item = {msg_text(msg_figure_info(figure)->name), msg_text(label), value};

    add_figure(self, &item);
}

void
broker_sample_add_times(struct broker_sample *self, enum msg_figure figure, const char *label,
                        const struct msg_histogram *times)
{
    uint8_t wire[MSG_HISTOGRAM_BYTES];
    const struct msg_histogram_item item = {msg_text(msg_figure_info(figure)->name), msg_text(label), times->sum_us,
                                            msg_span(wire, sizeof wire)};

    msg_histogram_write(times, wire);
    add_histogram(self, &item);
}

/* What a registry refuses with when it has nothing to be ashamed of, and when its
 * disk fails; any other error is shown once it comes. */
static bool
is_expected(enum conclave_err err)
{
    static const enum conclave_err reasons[] = {
        CONCLAVE_ERR_BAD_ARGUMENTS, CONCLAVE_ERR_NOT_LOGGED_IN, CONCLAVE_ERR_NAME_TAKEN, CONCLAVE_ERR_BAD_NAME,
        CONCLAVE_ERR_WEAK_PASSWORD, CONCLAVE_ERR_WRONG_CREDENTIALS, CONCLAVE_ERR_BLOCKED, CONCLAVE_ERR_BUSY,
        CONCLAVE_ERR_NO_SUCH_USER, CONCLAVE_ERR_NO_SUCH_ROOM, CONCLAVE_ERR_ROOM_EXISTS, CONCLAVE_ERR_NOT_A_MEMBER,
        CONCLAVE_ERR_FORBIDDEN, CONCLAVE_ERR_TOO_LARGE, CONCLAVE_ERR_QUOTA_EXCEEDED, CONCLAVE_ERR_VERSION_MISMATCH,
        CONCLAVE_ERR_REVOKED, CONCLAVE_ERR_INTERNAL, CONCLAVE_ERR_SHORT, CONCLAVE_ERR_TYPE, CONCLAVE_ERR_RANGE,
        CONCLAVE_ERR_TRAILING, CONCLAVE_ERR_TEXT, CONCLAVE_ERR_KIND, CONCLAVE_ERR_SIGNATURE, CONCLAVE_ERR_EXPIRED,
        CONCLAVE_ERR_STORE_FULL, CONCLAVE_ERR_STORE_IO,
    };

    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i] == err)
            return true;
    return false;
}

static void
add_labelled(struct broker_sample *self, const struct broker_front_counts *counts)
{
    const struct msg_shape *shape;

    /* Also those that never came: whoever looks at growth has to see the first one. */
    for (size_t i = 0; (shape = msg_catalog_at(i)) != NULL; i++)
        if (broker_front_core_answers(shape->kind))
            broker_sample_add(self, MSG_FIGURE_REQUESTS, shape->name, counts->asked[shape->kind]);
    for (unsigned i = 0; i < sizeof counts->refused_by / sizeof *counts->refused_by; i++)
        if (counts->refused_by[i] > 0 || is_expected((enum conclave_err)i))
            broker_sample_add(self, MSG_FIGURE_REFUSED, msg_error_code((enum conclave_err)i), counts->refused_by[i]);
    broker_sample_add(self, MSG_FIGURE_LOG_INS, "ok", counts->log_ins);
    broker_sample_add(self, MSG_FIGURE_LOG_INS, "failed", counts->log_ins_failed);
    broker_sample_add(self, MSG_FIGURE_ENROLMENTS, "account", counts->sign_ups);
    broker_sample_add(self, MSG_FIGURE_ENROLMENTS, "device", counts->enrolments);
}

void
broker_sample_add_front(struct broker_sample *self, const struct broker_front_counts *counts,
                        const struct broker_front_gauges *gauges)
{
    const struct {
        enum msg_figure figure;
        uint64_t value;
    } plain[] = {
        {MSG_FIGURE_SESSIONS, counts->sessions},          {MSG_FIGURE_SESSIONS_MOST, counts->sessions_most},
        {MSG_FIGURE_ONLINE, counts->accounts_online},     {MSG_FIGURE_ACCOUNTS, gauges->accounts},
        {MSG_FIGURE_BLOCKED, gauges->blocked},            {MSG_FIGURE_GARBAGE, counts->garbage},
        {MSG_FIGURE_INTRODUCTIONS, counts->introductions}, {MSG_FIGURE_PRESENCE, counts->presence_sent},
        {MSG_FIGURE_ROOMS, gauges->rooms},                {MSG_FIGURE_MEMBERS, gauges->members},
        {MSG_FIGURE_SEATS, gauges->seats},                {MSG_FIGURE_POSTS, counts->posts},
        {MSG_FIGURE_COPIES, counts->copies},              {MSG_FIGURE_CASTS, counts->casts},
        {MSG_FIGURE_BEHIND, counts->behind},              {MSG_FIGURE_STALE_OPS, counts->stale_ops},
        {MSG_FIGURE_LOG_READ, counts->log_read},          {MSG_FIGURE_LOG_EXPIRED, counts->log_expired},
        {MSG_FIGURE_LOG_FRAMES, gauges->log_frames},      {MSG_FIGURE_LOG_BYTES, gauges->log_bytes},
        {MSG_FIGURE_LOG_OLDEST, gauges->log_oldest_ms},   {MSG_FIGURE_RELAYED, counts->relayed},
        {MSG_FIGURE_UNREACHED, counts->unreached},        {MSG_FIGURE_MAIL_STORED, counts->mail_stored},
        {MSG_FIGURE_MAIL_REFUSED, counts->mail_refused},  {MSG_FIGURE_MAIL_PUSHED, counts->mail_pushed},
        {MSG_FIGURE_MAIL_EXPIRED, counts->mail_expired},  {MSG_FIGURE_MAIL_WAITING, counts->mail_waiting},
        {MSG_FIGURE_MAIL_BYTES, gauges->mail_bytes},      {MSG_FIGURE_MAIL_OLDEST, gauges->mail_oldest_ms},
    };

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        broker_sample_add(self, plain[i].figure, "", plain[i].value);
    broker_sample_add(self, MSG_FIGURE_COUNTED, "log", gauges->log_counted);
    broker_sample_add(self, MSG_FIGURE_COUNTED, "mail", counts->mail_counted);
    add_labelled(self, counts);
}

/* Whether a process other than the front may say that of itself. */
static bool
may_say(struct msg_text name, struct msg_text label, const char *process)
{
    static const enum msg_figure doors[] = {MSG_FIGURE_KNOCKS,         MSG_FIGURE_KNOCKS_REFUSED,
                                            MSG_FIGURE_KNOCKS_LIMITED, MSG_FIGURE_KNOCKS_GARBAGE,
                                            MSG_FIGURE_KNOCKS_PENDING, MSG_FIGURE_KNOCK,
                                            MSG_FIGURE_DOOR_HANDSHAKES, MSG_FIGURE_DOOR_CUT};
    static const enum msg_figure vaults[] = {MSG_FIGURE_HASHES,     MSG_FIGURE_HASH,       MSG_FIGURE_HASHES_BUSY,
                                             MSG_FIGURE_HASH_QUEUE, MSG_FIGURE_HASH_QUEUE_MOST, MSG_FIGURE_SIGNATURES};
    const enum msg_figure figure = msg_figure_by_name(name);
    const bool is_door = strcmp(process, "door") == 0;
    const enum msg_figure *own = is_door ? doors : vaults;
    const size_t count = is_door ? sizeof doors / sizeof *doors : sizeof vaults / sizeof *vaults;

    if (figure == MSG_FIGURE_COUNT_OF)
        return false;
    if (strcmp(msg_figure_info(figure)->label, "process") == 0)
        return msg_text_equal(label, msg_text(process));
    for (size_t i = 0; i < count; i++)
        if (own[i] == figure)
            return true;
    return false;
}

void
broker_sample_merge(struct broker_sample *self, const struct msg_counts *counts, const char *process)
{
    struct msg_list figures = counts->figures, histograms = counts->histograms;
    struct msg_figure_item figure;
    struct msg_histogram_item histogram;

    while (msg_codec_next(&figures, MSG_FIGURE, &figure))
        if (may_say(figure.name, figure.label, process))
            add_figure(self, &figure);
    while (msg_codec_next(&histograms, MSG_HISTOGRAM, &histogram))
        if (may_say(histogram.name, histogram.label, process))
            add_histogram(self, &histogram);
}

void
broker_sample_judge(struct msg_sample *sample, const struct broker_health *health)
{
    const char *reason = "";

    sample->live = health->silent_ms < BROKER_SAMPLE_SILENT_MS;
    if (!sample->live)
        reason = "The disk does not answer.";
    else if (health->broken)
        reason = "The store is damaged: its counters cannot be read.";
    else if (health->store_refuses)
        reason = "The store cannot be written; see the log.";
    else if (health->used_bytes / BROKER_SAMPLE_FULL_PERCENT >= health->map_bytes / 100 && health->map_bytes > 0)
        reason = "The store is nearly full; raise store/map_mib and start again.";
    else if (health->stopping)
        reason = "The registry is about to end.";
    sample->ready = *reason == '\0';
    sample->reason = msg_text(reason);
}
