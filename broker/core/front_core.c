/* The registry's step: one event in, effects out.  Decides who is speaking and
 * which file answers; every surprise has its row or its line here. */
#include "broker/core/front_core.h"

#include <assert.h>
#include <stdlib.h>

#include "broker/core/front_state.h"
#include "msg/codec.h"

#define WATCHES_MAX (1u << 20)   /* in all sessions together */
#define MAILBOXES_MAX (1u << 20) /* that are not empty */
#define MAIL_TICK_MS 600000u     /* mail expires up to this much late */
#define SEATS_MAX (1u << 22)     /* in all rooms together */
#define POSTS 8192u              /* under way at once, of all rooms */
#define POST_BYTES (32u << 20)   /* of them */
#define SENDER_SETS 8192u        /* of eight devices each that are remembered in a room */
#define ROUTES (1u << 17)        /* of all seats together */
#define CALM_TIMES 4u            /* what is not counted as a request may come this much oftener */

/* ---- what all use ---- */

void
broker_front_core_send(struct broker_front_core *self, uint64_t link, enum msg_kind kind, const void *message)
{
    msg_effects_send(self->out, link, kind, message);
}

void
broker_front_core_soften(enum conclave_err *err, const char **text)
{
    const bool full = *err == CONCLAVE_ERR_STORE_FULL;

    if (!full && *err != CONCLAVE_ERR_STORE_IO && *err != CONCLAVE_ERR_STORE_DAMAGED)
        return;
    *err = full ? CONCLAVE_ERR_QUOTA_EXCEEDED : CONCLAVE_ERR_INTERNAL;
    *text = full ? "The registry has no room to write this down; nothing was changed. Try again later, or tell "
                   "its operator."
                 : "The registry could not write this down; nothing was changed. Try again later, or tell its "
                   "operator.";
}

void
broker_front_core_refuse(struct broker_front_core *self, uint64_t link, uint64_t req, enum conclave_err err,
                    const char *text, uint64_t retry_ms)
{
    broker_counting_refused(self, err);
    broker_front_core_soften(&err, &text);
    const struct msg_error_frame error = {
        .req = req,
        .code = msg_text(msg_error_code(err)),
        .text = msg_text(text != NULL ? text : msg_error_sentence(err)),
        .retry_ms = retry_ms,
    };

    msg_effects_send(self->out, link, MSG_ERROR, &error);
}

void
broker_front_core_bye(struct broker_front_core *self, uint64_t link, enum conclave_err err, const char *text)
{
    const struct msg_bye bye = {msg_text(msg_error_code(err)), msg_text(text)};

    msg_effects_send(self->out, link, MSG_BYE, &bye);
}

/* ---- birth and death ---- */

static bool
make_room(struct msg_buf *buf)
{
    *buf = (struct msg_buf){.at = malloc(MSG_FRAME_MAX), .cap = MSG_FRAME_MAX};
    return buf->at != NULL;
}

static uint32_t
at_most(uint64_t value, uint32_t most)
{
    return value < most ? (uint32_t)value : most;
}

static bool
make_tables(struct broker_front_core *self)
{
    const struct broker_front_settings *settings = &self->settings;
    const uint64_t seed = msg_keys_random_u64();
    const uint32_t sessions = at_most(settings->sessions, 1u << 20);
    const uint32_t watches = at_most(sessions * settings->watches, WATCHES_MAX);
    const uint32_t people = at_most(settings->accounts, sessions + watches);
    const uint32_t senders = at_most(settings->accounts, MAILBOXES_MAX);
    const uint32_t mailboxes = at_most(settings->accounts * settings->devices, MAILBOXES_MAX);
    const uint32_t memberships = at_most(settings->memberships, 1u << 24);
    const uint64_t of_sessions = sessions * settings->account_rooms, of_members = memberships * settings->devices;
    const struct broker_rooms_limits rooms = {
        at_most(settings->rooms, 1u << 20), memberships,
        at_most(of_sessions < of_members ? of_sessions : of_members, SEATS_MAX), sessions};

    return broker_sessions_init(&self->sessions, sessions, settings->expiry_ms, seed)
           && broker_people_init(&self->people, &self->sessions, people, watches, settings->gather_ms, seed)
           && broker_jobs_init(&self->jobs, msg_keys_random_u64() >> 1)
           && broker_throttle_init(&self->throttle, seed) && broker_strikes_init(&self->strikes, seed)
           && broker_introductions_init(&self->introductions, msg_keys_random_u64() >> 1)
           && broker_mailboxes_init(&self->mail.boxes, mailboxes, senders, MAIL_TICK_MS, seed)
           && broker_mailwrites_init(&self->mail.writes)
           && broker_revocations_init(&self->revocations) && broker_rooms_init(&self->rooms, &rooms, seed)
           && broker_proposals_init(&self->proposals) && broker_room_watch_init(&self->room_watch, sessions)
           && broker_posts_init(&self->posts, POSTS, POST_BYTES) && broker_fanout_init(&self->fanout, sessions, ROUTES)
           && broker_senders_init(&self->senders, SENDER_SETS, msg_keys_random_u64())
           && (self->marks = calloc(MSG_MARK_COUNT, sizeof *self->marks)) != NULL
           && (self->links = calloc(sessions + 1u, sizeof *self->links)) != NULL && make_room(&self->items)
           && make_room(&self->nested) && make_room(&self->frame);
}

struct broker_front_core *
broker_front_core_new(const struct broker_front_settings *settings, const struct broker_view *view)
{
    struct broker_front_core *self = calloc(1, sizeof *self);

    if (self == NULL)
        return NULL;
    self->settings = *settings;
    self->view = *view;
    self->armed_ms = BROKER_NEVER;
    self->log_sweep.due_ms = BROKER_NEVER;
    self->sweep_ms = BROKER_NEVER; /* until the start */
    broker_leases_forget_pongs(self);
    if (!make_tables(self))
        broker_front_core_destroy(&self);
    return self;
}

void
broker_front_core_destroy(struct broker_front_core **self_p)
{
    struct broker_front_core *self = *self_p;

    *self_p = NULL;
    if (self == NULL)
        return;
    broker_sessions_wipe(&self->sessions);
    broker_people_wipe(&self->people);
    broker_jobs_wipe(&self->jobs);
    broker_throttle_wipe(&self->throttle);
    broker_strikes_wipe(&self->strikes);
    broker_introductions_wipe(&self->introductions);
    broker_revocations_wipe(&self->revocations);
    broker_mailboxes_wipe(&self->mail.boxes);
    broker_mailwrites_wipe(&self->mail.writes);
    broker_rooms_wipe(&self->rooms);
    broker_proposals_wipe(&self->proposals);
    broker_room_watch_wipe(&self->room_watch);
    broker_posts_wipe(&self->posts);
    broker_senders_wipe(&self->senders);
    broker_fanout_wipe(&self->fanout);
    free(self->marks);
    free(self->links);
    free(self->items.at);
    free(self->nested.at);
    free(self->frame.at);
    free(self);
}

void
broker_front_core_set(struct broker_front_core *self, const struct broker_front_settings *settings)
{
    const struct msg_box_pub door = self->settings.door;

    self->settings = *settings;
    self->settings.door = door; /* the door said it itself */
}

/* ---- members ---- */

typedef void answer_fn(struct broker_front_core *self, const struct broker_ask *ask, const union msg_any *any);

enum need {
    NEED_SESSION,   /* and a token of the session's rate */
    NEED_CALM,      /* a session; counted apart, more leniently */
    NEED_LITTLE,    /* a session; it counts for itself, or costs nothing to speak of */
    NEED_NOTHING    /* before LOGIN too */
};

/* What a member may send.  A kind without a row is refused as unexpected. */
static const struct row {
    answer_fn *answer;
    enum need need;
} rows[MSG_KIND_LIMIT] = {
    [MSG_LOGIN] = {broker_login_ask, NEED_NOTHING},
    [MSG_LOGOUT] = {broker_login_logout, NEED_NOTHING},
    [MSG_PING] = {broker_leases_ping, NEED_CALM},
    [MSG_CONSENT] = {broker_introducing_consent, NEED_CALM},
    [MSG_SEARCH] = {broker_directory_search, NEED_SESSION},
    [MSG_LIST] = {broker_directory_list, NEED_SESSION},
    [MSG_WATCH] = {broker_directory_watch, NEED_SESSION},
    [MSG_INTRODUCE] = {broker_introducing_ask, NEED_SESSION},
    [MSG_RELAY] = {broker_relaying_relay, NEED_LITTLE},
    [MSG_DEPOSIT] = {broker_mailing_deposit, NEED_SESSION},
    [MSG_COLLECTED] = {broker_mailing_collected, NEED_CALM},
    [MSG_LIST_DEVICES] = {broker_devices_list, NEED_SESSION},
    [MSG_REVOKE] = {broker_devices_revoke, NEED_SESSION},
    [MSG_LIST_REVOKED] = {broker_devices_list_revoked, NEED_SESSION},
    [MSG_DELETE_ACCOUNT] = {broker_devices_delete, NEED_SESSION},
    [MSG_ROOM_PROPOSE] = {broker_room_ops_propose, NEED_SESSION},
    [MSG_ROOM_FIND] = {broker_room_lists_find, NEED_SESSION},
    [MSG_ROOM_LIST] = {broker_room_lists_list, NEED_SESSION},
    [MSG_ROOM_WATCH] = {broker_room_lists_watch, NEED_SESSION},
    [MSG_ENTRIES_OF] = {broker_room_lists_entries, NEED_SESSION},
    [MSG_MEMBERS_OF] = {broker_room_cards_members, NEED_SESSION},
    [MSG_CARDS_OF] = {broker_room_cards_of_room, NEED_SESSION},
    [MSG_CARD_OF] = {broker_room_cards_one, NEED_SESSION},
    [MSG_ROOM_POST] = {broker_posts_hear, NEED_LITTLE},
    [MSG_ROOM_TAKEN] = {broker_casts_taken, NEED_LITTLE},
    [MSG_ROOM_READ] = {broker_reads_ask, NEED_SESSION},
    [MSG_ROOM_MESH] = {broker_mesh_hear, NEED_SESSION},
    [MSG_ROOM_ROUTES] = {broker_mesh_routes, NEED_CALM},
};

bool
broker_front_core_answers(enum msg_kind kind)
{
    const bool knocks = kind == MSG_SIGNUP || kind == MSG_ENROL || kind == MSG_PASSWD;

    return knocks || (kind < MSG_KIND_LIMIT && rows[kind].answer != NULL);
}

/* Counts what should not have come; a connection that goes on is cut. */
static void
strike(struct broker_front_core *self, const struct broker_ask *ask, uint32_t weight)
{
    if (!broker_strikes_add(&self->strikes, ask->link, weight))
        return;
    msg_effects_log(self->out, MSG_LOG_WARN, "GARBAGE source=%.*s connection cut after repeated bad frames",
                    (int)ask->source.len, ask->source.len > 0 ? ask->source.at : "");
    msg_effects_drop(self->out, ask->link);
    if (ask->session != BROKER_NONE)
        broker_login_end(self, ask->session, false);
}

void
broker_front_core_garbage(struct broker_front_core *self, const struct broker_ask *ask, enum conclave_err err)
{
    self->counts.garbage++;
    broker_front_core_refuse(self, ask->link, ask->req, err, NULL, 0);
    strike(self, ask, BROKER_STRIKE_BAD);
}

/* Whether the session may ask this now; if not it is told when. */
static bool
within_rate(struct broker_front_core *self, const struct broker_ask *ask, enum need need)
{
    struct broker_session *session = &self->sessions.list[ask->session];
    struct broker_rate rate = {self->settings.requests_burst, self->settings.requests_per_s, 1000};
    struct broker_bucket *bucket = &session->requests;

    broker_casts_heard(self, ask->session);
    if (need == NEED_LITTLE)
        return true;
    if (need == NEED_CALM) {
        rate.burst *= CALM_TIMES;
        rate.count *= CALM_TIMES;
        bucket = &session->calm;
    }
    const uint64_t retry_ms = broker_bucket_take(bucket, &rate, self->now.mono_ms);
    if (retry_ms > 0)
        broker_front_core_refuse(self, ask->link, ask->req, CONCLAVE_ERR_BUSY,
                            "You ask for too much at once; try again in a moment.", retry_ms);
    return retry_ms == 0;
}

void
broker_front_core_answer(struct broker_front_core *self, uint32_t slot, struct msg_span frame)
{
    const struct broker_session *session = &self->sessions.list[slot];
    struct broker_ask ask = {.link = session->conn, .key = session->key, .source = msg_text(session->reach.observed),
                             .session = slot};
    union msg_any any;
    enum msg_kind kind;
    uint64_t number;

    if (msg_codec_decode(frame, &kind, &any) != CONCLAVE_OK || rows[kind].answer == NULL)
        assert(false); /* it was answered up to here before */
    msg_codec_peek(frame, &number, &ask.req);
    rows[kind].answer(self, &ask, &any);
}

static void
hear_member(struct broker_front_core *self, const struct msg_event *event)
{
    struct broker_ask ask = {.link = event->link, .key = event->key, .source = event->source,
                             .session = broker_sessions_by_conn(&self->sessions, event->link)};
    union msg_any any;
    enum msg_kind kind;
    uint64_t number;

    self->counts.requests++;
    if (ask.session != BROKER_NONE
        && memcmp(self->sessions.list[ask.session].key.at, event->key.at, sizeof event->key.at) != 0) {
        /* Somebody else's session: not theirs to use, nor to end. */
        msg_codec_peek(event->bytes, &number, &ask.req);
        self->counts.garbage++;
        broker_front_core_refuse(self, ask.link, ask.req, CONCLAVE_ERR_FORBIDDEN, NULL, 0);
        msg_effects_drop(self->out, ask.link);
        return;
    }
    if (ask.session != BROKER_NONE)
        broker_sessions_heard(&self->sessions, ask.session, self->now.mono_ms, self->settings.expiry_ms);
    const enum conclave_err err = msg_codec_decode(event->bytes, &kind, &any);
    const struct row *row = err == CONCLAVE_OK && (unsigned)kind < MSG_KIND_LIMIT ? &rows[kind] : NULL;
    if (row == NULL || row->answer == NULL) {
        msg_codec_peek(event->bytes, &number, &ask.req);
        broker_front_core_garbage(self, &ask, err != CONCLAVE_OK ? err : CONCLAVE_ERR_KIND);
        return;
    }
    self->counts.asked[kind]++;
    msg_codec_peek(event->bytes, &number, &ask.req);
    if (self->broken) {
        broker_front_core_refuse(self, ask.link, ask.req, CONCLAVE_ERR_INTERNAL, NULL, 0);
    } else if (row->need == NEED_NOTHING) {
        row->answer(self, &ask, &any);
    } else if (ask.session == BROKER_NONE) {
        broker_front_core_refuse(self, ask.link, ask.req, CONCLAVE_ERR_NOT_LOGGED_IN, NULL, 0);
        strike(self, &ask, BROKER_STRIKE_EARLY);
    } else if (within_rate(self, &ask, row->need)) {
        row->answer(self, &ask, &any);
    }
}

/* ---- the step ---- */

static void
start(struct broker_front_core *self)
{
    bool damaged;

    if (!broker_accounts_counters(&self->view, &self->counters, &damaged))
        self->counters = (struct msg_rec_counters){.next_account = 1, .next_serial = 1, .next_generation = 1};
    if (damaged) {
        self->broken = true;
        msg_effects_log(self->out, MSG_LOG_ERROR, "COUNTERS-DAMAGED %s",
                        msg_error_sentence(CONCLAVE_ERR_STORE_DAMAGED));
        return;
    }
    self->revoked_version = self->counters.revoked_version;
    self->generation = self->counters.next_generation;
    self->counters.next_generation += BROKER_GENERATIONS;
    self->mail.next_serial = self->generation;
    broker_clearing_start(self);
    struct broker_job *job = broker_jobs_add(&self->jobs, BROKER_JOB_BOOT, self->now.mono_ms);
    assert(job != NULL); /* nothing came before START */
    (void)broker_jobs_lock(&self->jobs, job, BROKER_BOOT_LOCK); /* nobody else can have it */
    broker_progress_put_counters(self);
    broker_progress_enter_store(self, job);
    self->run_first = self->generation;
    broker_seats_start(self);
    broker_log_sweep_start(self);
}

static void
hear_door(struct broker_front_core *self, const struct msg_event *event)
{
    union msg_any any;
    enum msg_kind kind;

    if (msg_codec_decode(event->bytes, &kind, &any) != CONCLAVE_OK)
        self->counts.garbage++;
    else if (kind == MSG_DOOR_ASK)
        broker_enrolment_ask(self, &any.MSG_ANY_DOOR_ASK);
    else if (kind == MSG_DOOR_POLICY)
        self->settings.door = any.MSG_ANY_DOOR_POLICY.door;
    else
        self->counts.garbage++;
}

static void
link_up(struct broker_front_core *self, uint64_t link)
{
    if (link != BROKER_LINK_VAULT)
        return;
    /* It starts anew: what it was asked is forgotten. */
    for (uint32_t i = 0; i < self->jobs.high; i++)
        if (self->jobs.list[i].kind != BROKER_JOB_NONE)
            broker_progress_ask_vault(self, &self->jobs.list[i]);
}

static void
link_down(struct broker_front_core *self, uint64_t link)
{
    if (link == BROKER_LINK_VAULT)
        return; /* asked again when it is back */
    if (link == BROKER_LINK_DOOR) {
        broker_jobs_orphan(&self->jobs, 0);
        return;
    }
    const uint32_t session = broker_sessions_by_conn(&self->sessions, link);
    broker_jobs_orphan(&self->jobs, link);
    broker_strikes_clear(&self->strikes, link);
    if (session != BROKER_NONE)
        broker_login_end(self, session, false);
}

static void
hear(struct broker_front_core *self, const struct msg_event *event)
{
    if (event->link == BROKER_LINK_DOOR)
        hear_door(self, event);
    else if (event->link == BROKER_LINK_VAULT)
        broker_progress_hear_vault(self, event);
    else if (!self->stopping)
        hear_member(self, event);
}

/* Asks to be woken, if nothing earlier was asked for already. */
static void
arm(struct broker_front_core *self)
{
    const uint64_t times[] = {broker_wheel_next(&self->sessions.leases), broker_wheel_next(&self->people.gather),
                              broker_wheel_next(&self->jobs.timers), broker_wheel_next(&self->introductions.timers),
                              self->pongs.due_ms, broker_clearing_next(self), self->room_watch.due_ms,
                              broker_wheel_next(&self->rooms.stirred),
                              broker_wheel_next(&self->fanout.gather), self->log_sweep.due_ms,
                              self->posts.fresh > 0 ? self->now.mono_ms : BROKER_NEVER};
    uint64_t next_ms = BROKER_NEVER;

    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        if (times[i] < next_ms)
            next_ms = times[i];
    if (self->armed_ms <= self->now.mono_ms)
        self->armed_ms = BROKER_NEVER;
    if (next_ms >= self->armed_ms)
        return;
    self->armed_ms = next_ms;
    msg_effects_wake(self->out, next_ms > self->now.mono_ms ? next_ms - self->now.mono_ms : 0);
}

/* What is due comes first, whatever woke us: time is the same for all, and
 * once it was looked at, what becomes due at the same time asks for a WAKE. */
static void
run_due(struct broker_front_core *self)
{
    broker_leases_expire(self);
    broker_progress_run_due(self);
    broker_introducing_due(self);
    broker_directory_flush_due(self);
    broker_leases_pong_due(self);
    broker_room_lists_due(self);
    broker_presence_due(self);
    broker_casts_due(self);
    broker_log_sweep_due(self);
    broker_room_sweep_due(self);
}

void
broker_front_core_step(struct broker_front_core *self, struct msg_time now, const struct msg_event *event,
                       struct msg_effects *out)
{
    const bool later = now.mono_ms != self->now.mono_ms || now.wall_ms != self->now.wall_ms;

    self->now = now;
    self->out = out;
    if (later || event->kind == EVENT_WAKE)
        run_due(self);
    broker_clearing_due(self);
    switch (event->kind) {
    case EVENT_START:
        start(self);
        break;
    case EVENT_FRAME:
        hear(self, event);
        break;
    case EVENT_LINK_UP:
        link_up(self, event->link);
        break;
    case EVENT_LINK_DOWN:
        link_down(self, event->link);
        break;
    case EVENT_STORED:
        broker_progress_hear_stored(self, event);
        break;
    case EVENT_FULL:
        broker_casts_full(self, event);
        if (event->id == 0) /* a CAST of frames is told apart by its size */
            broker_mailing_full(self, event->link);
        break;
    case EVENT_STOP:
        broker_login_stop(self);
        break;
    case EVENT_BOUND:
    case EVENT_RECORD:  /* the view has the records */
    case EVENT_COMMAND: /* nobody commands a registry */
        break;
    case EVENT_WAKE:
        self->armed_ms = BROKER_NEVER; /* that one is used up, also when it came late */
        broker_casts_flush(self);
        break;
    }
    broker_progress_run_unlocked(self);
    arm(self);
    self->out = NULL;
}
