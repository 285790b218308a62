/* Rooms on the command line, over a library that is played: every command, its
 * answer to people and to programs, the ticks, and what happens in a room. */
#include "tests/cli/run.h"

#include <sys/stat.h>

#include "peer/cli/face_rooms.h"

/* A file with one line, and its name. */
static const char *
file_with(const char *line)
{
    static char path[128];
    (void)snprintf(path, sizeof path, "%s/password", dir);
    FILE *const file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fchmod(fileno(file), 0600), 0);
    assert_true(fprintf(file, "%s\n", line) > 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void
a_room_is_made_as_the_words_say(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "create", "#new"), 0);
    assert_string_equal(out, "You made #new.\n");
    assert_true(has(said, "create #new 0 <> <>\n"));
    assert_int_equal(RUN("", "create", "new", "--private", "--history", "--topic", "two words"), 0);
    assert_true(has(said, "create #new 5 <> <two words>\n"));
    assert_int_equal(RUN("", "create", "--topic=x", "--password-file", file_with("open sesame"), "#new", "--json"), 0);
    assert_true(has(said, "create #new 0 <open sesame> <x>\n")); /* the library knows that it is locked */
    assert_true(has(out, "{\"v\":1,\"type\":\"ok\",\"command\":\"create\"}\n"));
    assert_int_equal(RUN("", "create", "#lab"), 1);
    assert_int_equal(RUN("", "--json", "create", "#lab"), 1);
    assert_true(has(out, "\"code\":\"room-exists\""));
    assert_int_equal(RUN("", "--json", "create", "#a b"), 1);
    assert_true(has(out, "\"code\":\"bad-name\""));
    assert_int_equal(RUN("", "create", "#new", "--private", "--password-file", file_with("open sesame")), 2);
    assert_int_equal(RUN("", "create", "#new", "--password-file", "/nonexistent/file"), 2);
    assert_null(strstr(said, "create"));
    (void)unlink(file_with("x"));
}

static void
every_act_ends_with_its_code(void **state)
{
    static const struct {
        const char *words[4];
        int status;
        const char *act;  /* what the library was asked for */
        const char *said; /* to people */
    } rows[] = {
        {{"leave", "#lab"}, 0, "act 3 #lab <-> <->\n", "You left #lab.\n"},
        {{"leave", "lab"}, 0, "act 3 #lab <-> <->\n", "You left #lab.\n"},
        {{"topic", "#lab", "two", "words"}, 0, "act 12 #lab <-> <two words>\n", "The topic of #lab is set.\n"},
        {{"topic", "#lab", "--json"}, 0, "act 12 #lab <-> <--json>\n", "The topic of #lab is set.\n"},
        {{"topic", "#lab", ""}, 0, "act 12 #lab <-> <>\n", "#lab has no topic now.\n"},
        {{"invite", "#lab", "@bob"}, 0, "act 4 #lab <bob> <->\n", "bob is invited to #lab.\n"},
        {{"invite", "far", "bob"}, 0, "act 4 #far <bob> <->\n", "b\xef\xbf\xbdob is already in #far.\n"},
        {{"kick", "#lab", "bob"}, 0, "act 5 #lab <bob> <->\n", "bob is out of #lab.\n"},
        {{"ban", "#lab", "bob"}, 0, "act 6 #lab <bob> <->\n", "bob is banned from #lab.\n"},
        {{"unban", "#lab", "bob"}, 0, "act 7 #lab <bob> <->\n", "bob is no longer banned from #lab.\n"},
        {{"mute", "#lab", "bob"}, 0, "act 8 #lab <bob> <->\n", "bob is muted in #lab.\n"},
        {{"unmute", "#lab", "bob"}, 0, "act 9 #lab <bob> <->\n", "bob is no longer muted in #lab.\n"},
        {{"op", "#lab", "bob"}, 0, "act 10 #lab <bob> <->\n", "bob is a moderator of #lab.\n"},
        {{"deop", "#lab", "bob"}, 0, "act 11 #lab <bob> <->\n", "bob is a plain member of #lab.\n"},
        {{"delete", "#lab"}, 0, "act 13 #lab <-> <->\n", "#lab is deleted.\n"},
        {{"join", "#lab"}, 0, "join #lab <>\n", "You are in #lab.\n"},
        {{"join", "#nowhere"}, 4, "join #nowhere <>\n", ""},
        {{"join", "#a b"}, 4, "join #a b <>\n", ""},
        {{"join", "#cave"}, 8, "join #cave <>\n", ""},
        {{"kick", "#den", "bob"}, 8, "act 5 #den <bob> <->\n", ""},
        {{"kick", "#cave", "bob"}, 8, "act 5 #cave <bob> <->\n", ""},
        {{"kick", "#lab", "nobody"}, 4, "act 5 #lab <nobody> <->\n", ""},
        {{"members", "#nowhere"}, 4, "", ""},
        {{"join"}, 2, "", ""}, /* a shell takes #lab for a comment */
        {{"join", "#"}, 2, "", ""},
        {{"kick", "#lab"}, 2, "", ""},
        {{"kick", "#lab", "@"}, 2, "", ""},
        {{"topic", "#lab"}, 0, "info #lab\n", "what we \xef\xbf\xbd[7mmeasure\n"},
        {{"topic", "far"}, 0, "info #far\n", ""},
        {{"topic", "#nowhere"}, 4, "info #nowhere\n", ""},
        {{"topic"}, 2, "", ""},
        {{"leave", "#lab", "#den"}, 2, "", ""},
        {{"rooms", "#lab"}, 2, "", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const *const w = rows[i].words;
        const int status = RUN("", w[0], w[1], w[2], w[3]);
        if (status != rows[i].status || strcmp(out, rows[i].said) != 0 || strstr(said, rows[i].act) == NULL)
            fail_msg("%s %s: %d\n%s%s%s", w[0], w[1], status, out, err, said);
    }
}

static void
the_list_of_rooms_can_be_followed_in_a_session(void **state)
{
    (void)state;
    assert_int_equal(RUN("/rooms --watch\n/rooms --no-watch\n", "--json"), 0);
    assert_true(has(said, "watch on\n") && has(said, "watch off\n"));
    assert_true(has(out, "{\"v\":1,\"type\":\"rooms\",\"rooms\":[{\"name\":\"#lab\""));
    assert_true(has(out, "{\"v\":1,\"type\":\"room\",\"room\":\"#new\",\"event\":\"created\",\"user\":\"\",\"by\":\"\",\"topic\":\"for all\"}\n"));
    const char *const ok = strstr(out, "{\"v\":1,\"type\":\"ok\",\"command\":\"rooms\"}\n");
    assert_non_null(ok);
    assert_null(strstr(strchr(ok, '\n'), "\"command\":\"rooms\"")); /* each command has one answer, the list is the other's */
    assert_int_equal(RUN("/rooms -d --watch\n", "--plain"), 0);
    assert_true(has(out, "* #new: there is a room of that name now: for all\n"));
    /* elsewhere nobody would be there to hear of it */
    assert_int_equal(RUN("", "rooms", "--watch"), 2);
    assert_true(has(err, "for a session"));
    assert_null(strstr(said, "watch"));
    assert_int_equal(RUN("", "rooms", "--watch", "--no-watch"), 2);
    assert_int_equal(RUN("", "rooms", "-d", "-d", "-d"), 2);
    assert_int_equal(RUN("", "rooms", "-d"), 0);
}

static void
a_wrong_password_of_a_room_ends_with_3(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "join", "#den"), 3);
    assert_true(has(err, "--password-file"));
    assert_int_equal(RUN("", "join", "#den", "--password-file", file_with("wrong")), 3);
    assert_true(has(err, "not the password of the room"));
    assert_int_equal(RUN("", "join", "#den", "--password-file", file_with("open sesame")), 0);
    assert_int_equal(RUN("/join #den\n", "--json"), 0);
    assert_true(has(out, "\"code\":\"wrong-credentials\",\"message\":\"The room has a password"));
    (void)unlink(file_with("x"));
}

/* What a person at a terminal waits for, and then types. */
struct step {
    const char *wait;
    const char *type;
};

static char shown[65536]; /* on the terminal */

/* Runs `conclave WORDS` with a terminal and somebody at it, who does all of
 * `steps` (up to one with nothing to wait for). */
static int
at_a_terminal(const struct step *steps, const char *const words[])
{
    size_t len = 0, seen = 0;
    const int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
    const char *const name = ptsname(terminal);
    const pid_t pid = fork();
    if (pid == 0) {
        char *argv[8] = {0};
        int argc = 0;
        (void)setsid();
        const int end = open(name, O_RDWR); /* becomes the terminal of the session */
        (void)dup2(end, 0);
        (void)dup2(end, 1);
        (void)dup2(end, 2);
        for (int fd = 3; fd < 16; fd++)
            (void)close(fd);
        (void)setenv("TERM", "xterm", 1); /* one that pads nothing with NULs */
        for (; words[argc] != NULL; argc++)
            argv[argc] = strdup(words[argc]);
        const int status = cli_run(argc, argv);
        for (int i = 0; i < argc; i++)
            free(argv[i]);
        exit(status);
    }
    shown[0] = '\0';
    for (;;) {
        struct pollfd item = {terminal, POLLIN, 0};
        if (poll(&item, 1, 20000) != 1)
            fail_msg("nothing more came after: %s", shown);
        const ssize_t got = read(terminal, shown + len, sizeof shown - 1 - len);
        if (got <= 0)
            break; /* EIO: the other end is closed */
        len += (size_t)got;
        shown[len] = '\0';
        if (steps->wait != NULL && strstr(shown + seen, steps->wait) != NULL) {
            assert_int_equal(write(terminal, steps->type, strlen(steps->type)), (ssize_t)strlen(steps->type));
            seen = len;
            steps++;
        }
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(terminal);
    if (steps->wait != NULL)
        fail_msg("it ended before \"%s\" came: %s", steps->wait, shown);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256;
}

#define AT_A_TERMINAL(steps, ...) at_a_terminal(steps, (const char *const[]){"conclave", __VA_ARGS__, NULL})

static void
a_terminal_is_asked_for_the_password_of_a_room_once_without_echo(void **state)
{
    static const struct step right[] = {{"Password of the room: ", "open sesame\n"}, {NULL, NULL}};
    static const struct step wrong[] = {{"Password of the room: ", "wrong\n"}, {NULL, NULL}};
    static const struct step nothing[] = {{NULL, NULL}};
    (void)state;
    assert_int_equal(AT_A_TERMINAL(right, "join", "#den"), 0);
    assert_true(has(shown, "You are in #den."));
    assert_null(strstr(shown, "sesame"));
    assert_int_equal(AT_A_TERMINAL(wrong, "join", "#den"), 3);
    assert_true(has(shown, "not the password of the room"));
    assert_null(strstr(strstr(shown, "Password of") + 1, "Password of"));
    assert_int_equal(AT_A_TERMINAL(nothing, "join", "#den", "--password-file", file_with("wrong")), 3);
    assert_int_equal(AT_A_TERMINAL(nothing, "--json", "join", "#den"), 3); /* a program reads along, and would wait for ever */
    (void)unlink(file_with("x"));
}

static void
the_prompt_names_the_room_in_focus(void **state)
{
    static const struct step steps[] = {{"alice> ", "/chat #lab\n"},
                                        {"alice #lab> ", "plain\n"},
                                        {"#1 #lab: delivered to all 5", "/msg #far hi\n"},
                                        {"#2 #far: queued", "/join #den\n"}, /* no better news came for a while */
                                        {"Password of the room: ", "open sesame\n"},
                                        {"You are in #den.", "/chat bob\n"},
                                        {"alice @bob> ", "/quit\n"},
                                        {NULL, NULL}};
    (void)state;
    assert_int_equal(AT_A_TERMINAL(steps, "-r", "conclave://127.0.0.1:1/#k"), 0);
    assert_null(strstr(shown, "sesame"));
}

static void
the_prompt_completes_names_that_were_seen_and_loses_no_chat_to_control_c(void **state)
{
    static const struct step steps[] = {{"alice> ", "/rooms\n"},
                                        {"#cave", "/chat #LA\t\n"},
                                        {"alice #lab> ", "not this"},
                                        {"not this", "\x03"},
                                        {"alice #lab> ", "but this\n"},
                                        {"to all 5", "/members\n"},
                                        {"invited", "/kick bo\t\n"},
                                        {"bob is out of #lab.", "/leave\n"},
                                        {"alice> ", "\x03"},
                                        {NULL, NULL}};
    char path[128];
    (void)state;
    (void)snprintf(path, sizeof path, "%s/trace", dir);
    (void)unlink(path);
    fake_trace = path;
    assert_int_equal(AT_A_TERMINAL(steps, "-r", "conclave://127.0.0.1:1/#k"), 128 + SIGINT);
    fake_trace = NULL;
    collect(open(path, O_RDONLY), said);
    assert_true(has(said, "send #lab but this\n"));
    assert_true(has(said, "act 5 #lab <bob> <->\n"));
    assert_true(has(said, "act 3 #lab <-> <->\n"));
    assert_null(strstr(said, "not this"));
    assert_true(has(shown, "You left #lab."));
}

static void
who_joins_is_told_the_name_of_the_room_and_its_topic(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "join", "big"), 0);
    assert_string_equal(out, "You are in #Big.\nTopic: new\xef\xbf\xbds\n");
    assert_int_equal(RUN("", "join", "big", "--json"), 0);
    assert_true(has(out, "\"event\":\"joined\",\"user\":\"alice\",\"by\":\"alice\"}\n"));
}

static void
what_is_refused_is_explained(void **state)
{
    static const struct {
        const char *words[4];
        const char *why;
    } rows[] = {
        {{"join", "#nowhere"}, "There is no room of that name. conclave rooms lists those there are."},
        {{"join", "cave"}, "You may not do that. You are banned from #cave, or not invited; its owner or a moderator can invite you."},
        {{"leave", "#den"}, "You are not a member of that room. conclave join enters it."},
        {{"send", "#den", "hi"}, "You are not a member of that room. conclave join enters it."},
        {{"topic", "#cave", "x"}, "You may not do that. In #cave only the owner and moderators may."},
        {{"invite", "#cave", "bob"}, "You may not do that. In #cave only the owner and moderators may."},
        {{"kick", "#cave", "bob"}, "You may not do that. It takes the owner of #cave, or a moderator where bob is a plain member."},
        {{"mute", "#cave", "ALICE"}, "You may not do that. Nobody may to themselves."},
        {{"op", "#cave", "bob"}, "You may not do that. Only the owner of #cave may."},
        {{"delete", "#cave"}, "You may not do that. Only the owner of #cave may."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *const *const w = rows[i].words;
        (void)RUN("", w[0], w[1], w[2], w[3]);
        if (!has(err, rows[i].why))
            fail_msg("%s %s: %s", w[0], w[1], err);
    }
    assert_int_equal(RUN("/kick #den bob\n", "--json"), 0);
    assert_true(has(out, "\"message\":\"You are not a member of that room. /join enters it.\""));
}

static void
programs_get_the_topics_of_rooms_without_asking(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "--json", "rooms"), 0);
    assert_true(has(said, "rooms 1\n"));
    assert_int_equal(RUN("", "rooms"), 0);
    assert_true(has(said, "rooms 0\n"));
}

static void
lists_have_every_room_and_every_member(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "rooms"), 0);
    assert_string_equal(out, "#lab\n#den\n#cave\n");
    assert_int_equal(RUN("", "rooms", "-d"), 0);
    assert_string_equal(out, "#lab      3  public    what we \xef\xbf\xbd[7mmeasure here\n#den     12  password\n"
                             "#cave     1  private   dark\n");
    assert_int_equal(RUN("", "members", "#lab"), 0);
    assert_string_equal(out, "alice  owner      online\nbob    moderator  away\n"
                             "carol  member     offline  muted\ndave   -          offline  invited\n");
    assert_int_equal(RUN("/rooms\n/members #lab\n/members #nowhere\n/rooms -d\n", "--json"), 0);
    expect_lines((const char *const[]){
        "{\"v\":1,\"type\":\"rooms\",\"rooms\":[{\"name\":\"#lab\",\"members\":3,\"topic\":\"what we "
        "\\u001b[7mmeasure\\nhere\",\"visibility\":\"public\"},{\"name\":\"#den\",\"members\":12,\"topic\":\"\","
        "\"visibility\":\"password\"},{\"name\":\"#cave\",\"members\":1,\"topic\":\"dark\",\"visibility\":"
        "\"private\"}]}\n",
        "{\"v\":1,\"type\":\"members\",\"room\":\"#lab\",\"members\":[{\"name\":\"alice\",\"role\":\"owner\",\"status\":"
        "\"online\"},{\"name\":\"bob\",\"role\":\"moderator\",\"status\":\"away\"},{\"name\":\"carol\",\"role\":"
        "\"member\",\"status\":\"offline\",\"muted\":true}],\"invited\":[\"dave\"]}\n",
        "\"code\":\"no-such-room\"", "\"command\":\"members\"}\n", "\"type\":\"rooms\"", NULL});
}

static void
a_message_to_a_room_is_done_once_it_is_stored(void **state)
{
    (void)state;
    assert_int_equal(RUN("", "send", "#lab", "hi", "there"), 0);
    assert_string_equal(out, "stored\n");
    assert_true(has(said, "send #lab hi there\n"));
    assert_int_equal(RUN("", "send", "#big", "hi"), 0); /* nobody there says how far they have got */
    assert_string_equal(out, "stored\n");
    assert_int_equal(RUN("", "--timeout", "0.05", "send", "#far", "hi"), 5);
    assert_string_equal(out, "queued\n");
    assert_true(has(err, "not stored at the registry"));
    assert_int_equal(RUN("", "send", "#nowhere", "hi"), 4);
    assert_int_equal(RUN("", "send", "#a b", "hi"), 4);
    assert_int_equal(RUN("", "--json", "send", "#den", "hi"), 8);
    assert_true(has(out, "\"code\":\"not-a-member\""));
    assert_int_equal(RUN("/chat #lab\nplain\n/msg #lab more\n", "--json"), 0);
    expect_lines((const char *const[]){
        "\"command\":\"chat\"", "\"type\":\"ok\",\"command\":\"msg\",\"id\":\"",
        "{\"v\":1,\"type\":\"receipt\",\"id\":\"00000000000000000000000000000abc\",\"room\":\"#lab\",\"state\":\"queued\"}\n",
        "\"room\":\"#lab\",\"state\":\"stored\"}\n", "\"room\":\"#lab\",\"to\":\"bob\",\"state\":\"delivered\"}\n",
        "\"to\":\"carol\",\"state\":\"delivered\"}\n", "\"command\":\"msg\"", NULL});
    assert_true(has(said, "send #lab plain\n") && has(said, "send #lab more\n"));
}

static void
what_is_said_and_done_in_a_room_is_shown_to_people(void **state)
{
    (void)state;
    fake.waiting = 1;
    fake.in_room = true;
    assert_int_equal(RUN("", "--plain"), 0);
    expect_lines((const char *const[]){
        " #lab bob: hello\xef\xbf\xbd[2J\n", "* #lab: bob joined.\n", "* #lab: carol was kicked by bob.\n",
        "* #lab: you were muted by bob.\n", "* #lab: bob set the topic: red\xef\xbf\xbd[31m line\n",
        "* #lab: you were invited by bob; /join #lab enters it.\n", "* #lab: bob left.\n",
        "* #lab: eve left; the room is now owned by you.\n", "* #lab: dave revoked a device.\n",
        "* #lab: dave deleted the account.\n", "* #lab: there is a room of that name now: about\n",
        "* #lab: the topic is now: news\n", "* #lab: the room is gone.\n", "* #lab: carol was banned by bob.\n",
        "* #lab: carol was unbanned by you.\n",
        "* #lab: bob deleted the room.\n", "! #lab: 3 messages of bob are missing (numbers 17 to 19).\n",
        "! #lab: a message of bob is missing (number 17).\n", NULL});
    assert_null(strchr(out, '\x1b'));
    assert_true(has(said, "shown 1\n"));
    assert_null(strstr(said, "read 1")); /* in rooms nobody is told */
}

static void
recv_shows_what_is_said_in_rooms_and_what_is_missing(void **state)
{
    (void)state;
    fake.waiting = 2;
    fake.in_room = true;
    assert_int_equal(RUN("", "--timeout", "0.05", "recv"), 0);
    expect_lines((const char *const[]){" #lab bob: hello", " #lab bob: hello", "! #lab: 3 messages of bob", NULL});
    expect_lines((const char *const[]){"* #lab: bob joined.\n", "* #lab: carol was kicked by bob.\n", NULL}); /* or nobody would print it */
    assert_int_equal(RUN("", "recv", "--count", "2"), 0);
    assert_int_equal(RUN("", "who"), 0); /* not where a program reads names */
    assert_string_equal(out, "alice  online\nbob    away\n");
    assert_true(has(err, "conclave: #lab: 3 messages of bob are missing"));
}

static void
programs_see_who_came_and_went_and_what_is_missing(void **state)
{
    (void)state;
    fake.waiting = 1;
    fake.in_room = true;
    assert_int_equal(RUN("/kick #lab bob\n", "--json"), 0);
    expect_lines((const char *const[]){
        "\"from\":\"bob\",\"room\":\"#lab\",\"ts\":",
        "{\"v\":1,\"type\":\"room\",\"room\":\"#lab\",\"event\":\"joined\",\"user\":\"bob\",\"by\":\"bob\"}\n",
        "{\"v\":1,\"type\":\"room\",\"room\":\"#lab\",\"event\":\"kicked\",\"user\":\"carol\",\"by\":\"bob\"}\n",
        "\"event\":\"muted\",\"user\":\"alice\",\"by\":\"bob\"}\n",
        "\"event\":\"topic\",\"user\":\"bob\",\"by\":\"bob\",\"topic\":\"red\\u001b[31m\\nline\"}\n",
        "\"event\":\"invited\"", "\"event\":\"left\"",
        "\"event\":\"left\",\"user\":\"eve\",\"by\":\"eve\",\"owner\":\"alice\"}\n", "\"event\":\"revoked\"", "\"event\":\"banned\"", "\"event\":\"deleted\"",
        "{\"v\":1,\"type\":\"gap\",\"room\":\"#lab\",\"from\":\"bob\",\"first\":17,\"last\":19}\n",
        "{\"v\":1,\"type\":\"ok\",\"command\":\"kick\"}\n",
        "\"event\":\"kicked\",\"user\":\"bob\",\"by\":\"alice\"}\n", NULL});
}

/* The command was `/unban` and no more: it names no room. */
static void
a_command_without_its_room_hides_nothing(void **state)
{
    struct cli cli = {.name = "alice"};
    const struct conclave_event event = {.kind = CONCLAVE_EVENT_ROOM, .room = "#lab", .act = CONCLAVE_ACT_UNBAN,
                                         .user = {.name = "bob"}, .by = "alice", .text = ""};
    struct cli_buf line = {0};
    (void)state;
    cli.call.command = cli_commands_find("unban", 5, true);
    cli_face_rooms_event(&line, &cli, &event);
    assert_string_equal(line.at, "* #lab: bob was unbanned by you.");
    cli_buf_clear(&line);
    cli_buf_text(&cli.call.room, "#LAB");
    cli_face_rooms_event(&line, &cli, &event);
    assert_int_equal(line.len, 0); /* that was us, just now */
    struct conclave_event another = event;
    another.by = "carol";
    cli_face_rooms_event(&line, &cli, &another);
    assert_string_equal(line.at, "* #lab: bob was unbanned by carol.");
    another.act = CONCLAVE_ACT_TOPIC;
    another.user.name = "";
    cli_buf_clear(&line);
    cli_face_rooms_event(&line, &cli, &another);
    assert_string_equal(line.at, "* #lab: carol took the topic away.");
    cli_buf_wipe(&line);
    cli_buf_wipe(&cli.call.room);
}

static void
programs_are_told_what_was_so_already(void **state)
{
    (void)state;
    assert_int_equal(RUN("/invite #far bob\n/invite #lab bob\n", "--json"), 0);
    assert_true(has(out, "\"command\":\"invite\",\"text\":\"b\\u001bob is already in #far.\"}\n"));
    assert_true(has(out, "\"command\":\"invite\"}\n"));
}

static void
what_we_did_ourselves_is_said_once(void **state)
{
    (void)state;
    assert_int_equal(RUN("/kick #lab bob\n/nonsense\n", "--plain"), 0);
    assert_string_equal(strstr(out, "bob"), "bob is out of #lab.\n");
}

int
main(void)
{
    if (!make_dir())
        return 99;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_room_is_made_as_the_words_say, enrolled),
        cmocka_unit_test_setup(every_act_ends_with_its_code, enrolled),
        cmocka_unit_test_setup(the_list_of_rooms_can_be_followed_in_a_session, enrolled),
        cmocka_unit_test_setup(a_wrong_password_of_a_room_ends_with_3, enrolled),
        cmocka_unit_test_setup(a_terminal_is_asked_for_the_password_of_a_room_once_without_echo, enrolled),
        cmocka_unit_test_setup(the_prompt_names_the_room_in_focus, enrolled),
        cmocka_unit_test_setup(the_prompt_completes_names_that_were_seen_and_loses_no_chat_to_control_c, enrolled),
        cmocka_unit_test_setup(who_joins_is_told_the_name_of_the_room_and_its_topic, enrolled),
        cmocka_unit_test_setup(what_is_refused_is_explained, enrolled),
        cmocka_unit_test_setup(programs_get_the_topics_of_rooms_without_asking, enrolled),
        cmocka_unit_test_setup(lists_have_every_room_and_every_member, enrolled),
        cmocka_unit_test_setup(a_message_to_a_room_is_done_once_it_is_stored, enrolled),
        cmocka_unit_test_setup(what_is_said_and_done_in_a_room_is_shown_to_people, enrolled),
        cmocka_unit_test_setup(recv_shows_what_is_said_in_rooms_and_what_is_missing, enrolled),
        cmocka_unit_test_setup(programs_see_who_came_and_went_and_what_is_missing, enrolled),
        cmocka_unit_test_setup(a_command_without_its_room_hides_nothing, enrolled),
        cmocka_unit_test_setup(programs_are_told_what_was_so_already, enrolled),
        cmocka_unit_test_setup(what_we_did_ourselves_is_said_once, enrolled),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    remove_dir();
    return failed;
}
