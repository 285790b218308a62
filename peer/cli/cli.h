/* What one run of the program knows, and how a command is started and
 * answered; shared by the one-shot commands, the JSON session and the prompt. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "peer/cli/commands.h"
#include "peer/cli/exit.h"
#include "peer/cli/options.h"
#include "peer/cli/password.h"
#include "peer/conclave.h"

/* How things are shown: as JSON lines, or to people. */
struct cli_face {
    /* SESSION, MESSAGE, RECEIPT, PRESENCE, NOTICE, ROOM, GAP */
    void (*event)(struct cli *cli, const struct conclave_event *event);
    /* OK, USERS, USER, DEVICES, ROOMS, MEMBERS for cli->call */
    void (*answer)(struct cli *cli, const struct conclave_event *event);
    /* cli->call is done without asking anybody; text may be "" */
    void (*done)(struct cli *cli, const char *text);
    void (*failed)(struct cli *cli, const char *word, enum conclave_err err, const char *text);
    /* all events that waited were taken in: what was gathered of them is shown, unless
     * more may come; all: whatever comes.  When to call it again */
    uint64_t (*settle)(struct cli *cli, bool all);
};

enum cli_mode {
    CLI_ONESHOT, /* conclave COMMAND */
    CLI_LINES,   /* commands from a file or a pipe, one a line */
    CLI_PROMPT   /* Readline */
};

#define CLI_SENT_MAX 64 /* receipts and messages of this run that are remembered */

struct cli_sent {
    char id[33];
    unsigned number; /* shown to people; 0: only its receipt is known so far */
    bool queued;     /* it is on disk here: any tick says so */
    enum conclave_tick tick;
};

struct cli {
    struct cli_options options;
    enum cli_mode mode;
    const struct cli_face *face;
    struct conclave *peer;
    struct cli_secret password;     /* of the account */
    struct cli_secret new_password; /* while a change is under way */
    bool can_ask;                   /* there is somebody at a terminal */
    bool holds;                /* what is kept until it is shown is left for the next session */

    struct cli_call call;           /* the command that is being answered */
    uint64_t request;               /* its number; 0: none */
    uint64_t asked_ms;              /* when that was made */
    uint64_t login;                 /* a log-in that nobody typed; 0: none */
    bool login_first;               /* commands wait for it */
    enum conclave_err login_err;    /* how it ended */
    bool was_in;                    /* logged in, or signed up, at least once */
    bool online;                    /* logged in now, as last heard */
    enum conclave_err answer_err;   /* how the last command ended */
    enum conclave_err refusal;      /* why what was sent cannot be delivered now; OK: no reason is known */
    char answer_id[33];             /* of the message it sent, or "" */
    enum conclave_tick answer_tick; /* what makes that one done: DELIVERED, or STORED in a room */
    uint64_t answered_ms;           /* when */
    uint64_t settle_ms;             /* what the face gathers is shown then; UINT64_MAX: nothing waits */
    uint64_t retry_ms;              /* how long the registry asked to wait before another log-in */

    char name[129];                 /* whose home this is, as last heard; "": nobody's yet */
    char focus[258];                /* whom, or to which room, plain lines go; "": nowhere */
    uint64_t received;              /* messages shown */
    uint64_t received_max;          /* stop after so many; 0: no limit */
    uint64_t unread_arrival;        /* shown, and its sender not told yet; 0: none */
    char unread_from[129];
    struct cli_sent sent[CLI_SENT_MAX];
    unsigned sent_count;

    bool over;                      /* leave the loop */
    bool broken;                    /* stdout is gone */
    void (*hide)(void);             /* the prompt line, before something is printed */
    void (*show)(struct cli *cli);  /* again, before the next wait; NULL outside the prompt */
    void (*pause)(bool on);         /* gives the terminal to a question, and takes it back */
};

/* Opens the home; on failure says why and returns the exit code in *status.
 * hold: messages are left for another time. */
bool cli_open(struct cli *cli, bool hold, int *status);
/* Counts what was shown as shown, says goodbye. */
void cli_close(struct cli *cli);

/* Starts cli->call; afterwards cli->request says whether its answer is due. */
void cli_start(struct cli *cli);
/* Answers it at once. */
void cli_done(struct cli *cli, const char *text);
void cli_fail(struct cli *cli, enum conclave_err err, const char *text);

/* Takes in all events that wait.  Stops early when cli->over is set. */
void cli_drain(struct cli *cli);
/* Waits until something happens or until_ms (UINT64_MAX: for ever), then
 * drains.  Also watches `fd` (-1: none): true when it is readable. */
bool cli_turn(struct cli *cli, uint64_t until_ms, int fd);

uint64_t cli_now_ms(void);  /* monotonic */
uint64_t cli_wall_ms(void); /* since 1970, to show people */

/* Data for stdout, messages for stderr; in the prompt both go above its line. */
void cli_print(struct cli *cli, const struct cli_buf *text);
void cli_say(struct cli *cli, const struct cli_buf *text);

/* Prints the event that came last; what is printed and what counts as shown
 * stay one, whenever this process is killed. */
void cli_show(struct cli *cli, const struct cli_buf *text);

/* One line for the file of --log-file: an id and a sentence, no content. */
void cli_log(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether two names are the same person's, as far as one can tell from here. */
bool cli_same_name(const char *a, const char *b);

/* The remembered message of that id; with `add`, made when there is none. */
struct cli_sent *cli_sent_find(struct cli *cli, const char *id, bool add);

extern const struct cli_face cli_face_json;
extern const struct cli_face cli_face_text;

/* The program, but for its main: tests call it with a library of their own. */
int cli_run(int argc, char **argv);

/* The modes; each returns the exit code. */
int cli_oneshot(struct cli *cli);
int cli_session(struct cli *cli);

#endif
