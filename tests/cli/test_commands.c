/* peer/cli/commands and parse: lines and words become calls, or are refused
 * with the usage; the manual page and the completion know every command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "peer/cli/commands.h"

struct row {
    const char *line;
    const char *focus;
    enum conclave_err err;
    const char *word; /* in the answer */
    const char *name;
    const char *text;
};

static void
check(const struct row *row)
{
    struct cli_call call;
    struct cli_buf why = {0};
    const enum conclave_err err = cli_commands_parse_line(&call, row->line, strlen(row->line), row->focus, &why);
    if (err != row->err || strcmp(call.word.at, row->word) != 0)
        fail_msg("%s: %d %s (%s)", row->line, (int)err, call.word.at, why.len > 0 ? why.at : "");
    assert_true((why.len > 0) == (err != CONCLAVE_OK));
    if (row->name != NULL)
        assert_string_equal(call.name, row->name);
    if (row->text != NULL) {
        assert_int_equal(call.text_len, strlen(row->text));
        assert_memory_equal(call.text, row->text, call.text_len);
    }
    cli_commands_wipe(&call);
    cli_buf_wipe(&why);
}

static void
lines_are_understood(void **state)
{
    static const struct row rows[] = {
        {"/who", NULL, CONCLAVE_OK, "who", NULL, NULL},
        {"/WHO -d", NULL, CONCLAVE_OK, "who", NULL, NULL},
        {"/who \r", NULL, CONCLAVE_OK, "who", NULL, NULL},
        {"/activeuser", NULL, CONCLAVE_OK, "activeuser", NULL, NULL},
        {"/msg bob hi", NULL, CONCLAVE_OK, "msg", "bob", "hi"},
        {"/msg @bob hi", NULL, CONCLAVE_OK, "msg", "bob", "hi"},
        {"/msgto bob hi there", NULL, CONCLAVE_OK, "msgto", "bob", "hi there"},
        {"/send bob -", NULL, CONCLAVE_OK, "send", "bob", "-"},
        {"/msg   bob  two  spaces ", NULL, CONCLAVE_OK, "msg", "bob", " two  spaces "},
        {"@bob hi", NULL, CONCLAVE_OK, "msg", "bob", "hi"},
        {"@bob hi", "carol", CONCLAVE_OK, "msg", "bob", "hi"},
        {"hello there", "carol", CONCLAVE_OK, "msg", "carol", "hello there"},
        {"//etc/passwd", "carol", CONCLAVE_OK, "msg", "carol", "/etc/passwd"},
        {"two\nlines", "carol", CONCLAVE_OK, "msg", "carol", "two\nlines"},
        {"/msg #lab hi", NULL, CONCLAVE_OK, "msg", "#lab", "hi"},
        {"hello #there", "#lab", CONCLAVE_OK, "msg", "#lab", "hello #there"},
        {"/chat #lab", NULL, CONCLAVE_OK, "chat", "#lab", NULL},
        {"/topic #lab  two  words ", NULL, CONCLAVE_OK, "topic", NULL, "two  words "},
        {"/create #lab --topic two  words --private", NULL, CONCLAVE_OK, "create", NULL, "two  words"},
        {"/create --topic one --history #lab", NULL, CONCLAVE_OK, "create", NULL, "one"},
        {"/create #lab --topic 'two words' --private", NULL, CONCLAVE_OK, "create", NULL, "two words"},
        {"/create #lab --topic \"it's\"", NULL, CONCLAVE_OK, "create", NULL, "it's"},
        {"/create #lab --topic 'tis so", NULL, CONCLAVE_OK, "create", NULL, "'tis so"},
        {"/create #lab --topic=one", NULL, CONCLAVE_OK, "create", NULL, "one"},
        {"/create #lab --topic what is --privateer?", NULL, CONCLAVE_OK, "create", NULL, "what is --privateer?"},
        {"/create #lab", NULL, CONCLAVE_OK, "create", NULL, ""},
        {"#lab hi", NULL, CONCLAVE_OK, "msg", "#lab", "hi"},
        {"#lab hi #there", "carol", CONCLAVE_OK, "msg", "#lab", "hi #there"},
        {"# heading", "carol", CONCLAVE_OK, "msg", "carol", "# heading"},
        {"#", "carol", CONCLAVE_OK, "msg", "carol", "#"},
        {" #include <x>", "carol", CONCLAVE_OK, "msg", "carol", " #include <x>"},
        {"/groupmsg #lab hi", NULL, CONCLAVE_OK, "groupmsg", "#lab", "hi"},
        {"/joingroup #lab", NULL, CONCLAVE_OK, "joingroup", NULL, NULL},
        {"/creategroup #lab", NULL, CONCLAVE_OK, "creategroup", NULL, ""},
        {"/join", "#lab", CONCLAVE_OK, "join", NULL, NULL},
        {"/topic #lab", NULL, CONCLAVE_OK, "topic", NULL, NULL},
        {"/topic #den   ", "#lab", CONCLAVE_OK, "topic", NULL, NULL},
        {"/topic", "#lab", CONCLAVE_OK, "topic", NULL, NULL},
        {"/topic two words", "#lab", CONCLAVE_OK, "topic", NULL, "two words"},
        {"/topic about #den", "#lab", CONCLAVE_OK, "topic", NULL, "about #den"},
        {"/topic #den of it", "#lab", CONCLAVE_OK, "topic", NULL, "of it"},
        {"/part", "#lab", CONCLAVE_OK, "part", NULL, NULL},
        {"/kick #lab @bob", NULL, CONCLAVE_OK, "kick", "bob", NULL},
        {"/kick bob", "#lab", CONCLAVE_OK, "kick", "bob", NULL},
        {"/members", "#lab", CONCLAVE_OK, "members", NULL, NULL},
        {"/leave ", "#lab", CONCLAVE_OK, "leave", NULL, NULL},
        {"/members", "carol", CONCLAVE_ERR_BAD_ARGUMENTS, "members", NULL, NULL},
        {"/kick #lab", "#lab", CONCLAVE_ERR_BAD_ARGUMENTS, "kick", NULL, NULL},
        {"/delete", "#lab", CONCLAVE_ERR_BAD_ARGUMENTS, "delete", NULL, NULL},
        {"/search bob", NULL, CONCLAVE_OK, "search", "bob", NULL},
        {"/chat bob", NULL, CONCLAVE_OK, "chat", "bob", NULL},
        {"/chat", NULL, CONCLAVE_OK, "chat", NULL, NULL},
        {"/devices revoke 2", NULL, CONCLAVE_OK, "devices", NULL, NULL},
        {"/logout --forget", NULL, CONCLAVE_OK, "logout", NULL, NULL},
        {"/recv --count 3", NULL, CONCLAVE_OK, "recv", NULL, NULL},
        {"/help /msg", NULL, CONCLAVE_OK, "help", "msg", NULL},
        {"/exit", NULL, CONCLAVE_OK, "exit", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
}

static void
what_does_not_fit_is_refused_and_never_sent(void **state)
{
    static const struct row rows[] = {
        {"hello", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "", NULL, NULL},
        {"hello", "", CONCLAVE_ERR_BAD_ARGUMENTS, "", NULL, NULL},
        {"//hello", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "", NULL, NULL},
        {" /msg bob hi", "carol", CONCLAVE_ERR_BAD_ARGUMENTS, "", NULL, NULL},
        {"\t/who", "carol", CONCLAVE_ERR_BAD_ARGUMENTS, "", NULL, NULL},
        {"/whoo", "carol", CONCLAVE_ERR_UNKNOWN_COMMAND, "whoo", NULL, NULL},
        {"/", "carol", CONCLAVE_ERR_UNKNOWN_COMMAND, "", NULL, NULL},
        {"/who there", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "who", NULL, NULL},
        {"/who -d -d", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "who", NULL, NULL},
        {"/search", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "search", NULL, NULL},
        {"/create", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "create", NULL, NULL},
        {"/create #lab #den", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "create", NULL, NULL},
        {"/create #lab --topic", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "create", NULL, NULL},
        {"/create #lab --topic --private", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "create", NULL, NULL},
        {"/create #lab --private --password-file f", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "create", NULL, NULL},
        {"/create #lab --secret", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "create", NULL, NULL},
        {"/join #lab --password-file", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "join", NULL, NULL},
        {"/join #", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "join", NULL, NULL},
        {"/kick #lab", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "kick", NULL, NULL},
        {"/kick #lab bob now", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "kick", NULL, NULL},
        {"/topic", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "topic", NULL, NULL},
        {"/topic", "carol", CONCLAVE_ERR_BAD_ARGUMENTS, "topic", NULL, NULL},
        {"/search a b", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "search", NULL, NULL},
        {"/search @", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "search", NULL, NULL},
        {"/msg", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "msg", NULL, NULL},
        {"/msg bob", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "msg", NULL, NULL},
        {"/msg bob ", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "msg", NULL, NULL},
        {"/msg bob    ", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "msg", NULL, NULL},
        {"@bob", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "msg", NULL, NULL},
        {"@", "carol", CONCLAVE_ERR_BAD_ARGUMENTS, "msg", NULL, NULL},
        {"#lab", "carol", CONCLAVE_ERR_BAD_ARGUMENTS, "msg", NULL, NULL},
        {"/join", "carol", CONCLAVE_ERR_BAD_ARGUMENTS, "join", NULL, NULL},
        {"/devices 2", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "devices", NULL, NULL},
        {"/devices revoke x", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "devices", NULL, NULL},
        {"/devices revoke 0", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "devices", NULL, NULL},
        {"/devices revoke -1", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "devices", NULL, NULL},
        {"/devices revoke 99999999999999999999", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "devices", NULL, NULL},
        {"/logout now", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "logout", NULL, NULL},
        {"/recv --count", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "recv", NULL, NULL},
        {"/quit a b c d e f g", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "quit", NULL, NULL},
        {"/msg bob \xff", NULL, CONCLAVE_ERR_BAD_ARGUMENTS, "msg", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check(&rows[i]);
    struct cli_call call;
    struct cli_buf why = {0};
    assert_int_equal(cli_commands_parse_line(&call, "/msg bob a\0b", 12, NULL, &why), CONCLAVE_ERR_BAD_ARGUMENTS);
    cli_commands_wipe(&call);
    cli_buf_wipe(&why);
}

static void
words_are_understood(void **state)
{
    char *const send[] = {"send", "@bob", "two", "words"};
    char *const dashes[] = {"send", "--", "bob", "--json"};
    char *const from_stdin[] = {"send", "bob", "-"};
    char *const spaced[] = {"send", "bob x", "hi"};
    char *const text_missing[] = {"send", "bob"};
    char *const prompt_only[] = {"msg", "bob", "hi"};
    char *const count[] = {"recv", "--count=7"};
    char *const dirty[] = {"search", "\xff"};
    struct cli_call call;
    struct cli_buf why = {0};
    (void)state;
    assert_int_equal(cli_commands_parse_words(&call, 4, (char **)(uintptr_t)send, &why), CONCLAVE_OK);
    assert_string_equal(call.name, "bob");
    assert_string_equal(call.text, "two words");
    assert_false(call.from_stdin);
    cli_commands_wipe(&call);
    assert_int_equal(cli_commands_parse_words(&call, 4, (char **)(uintptr_t)dashes, &why), CONCLAVE_OK);
    assert_string_equal(call.text, "--json");
    cli_commands_wipe(&call);
    assert_int_equal(cli_commands_parse_words(&call, 3, (char **)(uintptr_t)from_stdin, &why), CONCLAVE_OK);
    assert_true(call.from_stdin);
    cli_commands_wipe(&call);
    /* A word with a space is one word, not a name and a text. */
    assert_int_equal(cli_commands_parse_words(&call, 3, (char **)(uintptr_t)spaced, &why), CONCLAVE_OK);
    assert_string_equal(call.name, "bob x");
    assert_string_equal(call.text, "hi");
    cli_commands_wipe(&call);
    assert_int_equal(cli_commands_parse_words(&call, 2, (char **)(uintptr_t)count, &why), CONCLAVE_OK);
    assert_int_equal(call.number, 7);
    cli_commands_wipe(&call);
    assert_int_equal(cli_commands_parse_words(&call, 2, (char **)(uintptr_t)text_missing, &why),
                     CONCLAVE_ERR_BAD_ARGUMENTS);
    assert_string_equal(why.at, "Usage: conclave send NAME TEXT");
    cli_commands_wipe(&call);
    assert_int_equal(cli_commands_parse_words(&call, 3, (char **)(uintptr_t)prompt_only, &why),
                     CONCLAVE_ERR_UNKNOWN_COMMAND);
    cli_commands_wipe(&call);
    assert_int_equal(cli_commands_parse_words(&call, 2, (char **)(uintptr_t)dirty, &why), CONCLAVE_ERR_BAD_ARGUMENTS);
    cli_commands_wipe(&call);
    cli_buf_wipe(&why);
}

static void
a_room_keeps_its_sign_and_may_lack_it(void **state)
{
    static const struct {
        const char *line;
        const char *room;
        const char *file;
        bool closed, history;
    } rows[] = {
        {"/join #lab", "#lab", NULL, false, false},
        {"/join lab", "#lab", NULL, false, false},
        {"/join ##lab", "##lab", NULL, false, false}, /* whether it is a name is for others to say */
        {"/join --password-file f lab", "#lab", "f", false, false},
        {"/join lab --password-file=f", "#lab", "f", false, false},
        {"/create lab --history --private", "#lab", NULL, true, true},
        {"/create lab --topic a b --password-file f --history", "#lab", "f", false, true},
        {"/kick lab bob", "#lab", NULL, false, false},
        {"/topic lab text", "#lab", NULL, false, false},
        {"/members lab", "#lab", NULL, false, false},
    };
    struct cli_buf why = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cli_call call;
        assert_int_equal(cli_commands_parse_line(&call, rows[i].line, strlen(rows[i].line), NULL, &why), CONCLAVE_OK);
        assert_string_equal(call.room.at, rows[i].room);
        assert_true((call.file == NULL) == (rows[i].file == NULL));
        if (call.file != NULL)
            assert_string_equal(call.file, rows[i].file);
        assert_true(call.flag == rows[i].closed && call.history == rows[i].history);
        cli_commands_wipe(&call);
    }
}

static void
a_mistyped_command_is_answered_with_the_nearest(void **state)
{
    (void)state;
    assert_string_equal(cli_commands_nearest("serach", true), "search");
    assert_string_equal(cli_commands_nearest("mgs", true), "msg");
    assert_string_equal(cli_commands_nearest("WHOO", true), "who");
    assert_string_equal(cli_commands_nearest("dev", true), "devices");
    assert_string_equal(cli_commands_nearest("pasword", false), "passwd");
    assert_null(cli_commands_nearest("xyzzy", true));
    assert_null(cli_commands_nearest("", true));
    assert_null(cli_commands_nearest("averyveryverylongwordindeed", true));
}

static void
every_command_has_its_help(void **state)
{
    (void)state;
    for (size_t i = 0; i < cli_commands_count; i++) {
        const struct cli_command *const command = &cli_commands[i];
        struct cli_buf help = {0};
        const bool as_slash = (command->where & CLI_AS_COMMAND) == 0;
        cli_commands_help(&help, as_slash);
        assert_non_null(strstr(help.at, command->summary));
        cli_buf_clear(&help);
        cli_commands_help_one(&help, command, as_slash);
        assert_non_null(strstr(help.at, command->name));
        assert_non_null(strstr(help.at, command->synopsis));
        assert_non_null(strstr(help.at, command->example));
        cli_buf_wipe(&help);
    }
}

/* The number of lines, none of them wider than a terminal of 80 columns. */
static unsigned
lines_of(const char *text)
{
    unsigned lines = 0;
    while (*text != '\0') {
        const size_t len = strcspn(text, "\n");
        if (len > 79)
            fail_msg("too wide: %s", text);
        text += len + (text[len] == '\n');
        lines++;
    }
    return lines;
}

static void
help_fits_a_terminal_of_80_by_24_and_says_what_can_be_typed_there(void **state)
{
    struct cli_buf help = {0};
    (void)state;
    cli_commands_index(&help);
    assert_in_range(lines_of(help.at), 10, 20);
    for (size_t i = 0; i < cli_commands_count; i++) {
        char word[64];
        (void)snprintf(word, sizeof word, "/%s", cli_commands[i].name);
        if ((cli_commands[i].where & CLI_AS_SLASH) != 0)
            assert_non_null(strstr(help.at, word));
    }
    assert_non_null(strstr(help.at, "\nRooms     /create /join"));
    for (size_t i = 0; i < cli_commands_count; i++) {
        for (int as_slash = 0; as_slash < 2; as_slash++) {
            cli_buf_clear(&help);
            cli_commands_help_one(&help, &cli_commands[i], as_slash != 0);
            assert_in_range(lines_of(strchr(help.at, '\n') + 1), 3, 20); /* below the usage, which is one line */
        }
        if ((cli_commands[i].where & CLI_AS_SLASH) == 0)
            continue;
        const char *const example = strstr(help.at, "\nExample: /");
        if (example == NULL || strchr(example, '\'') != NULL)
            fail_msg("not to be typed after a slash: %s", help.at);
    }
    cli_buf_clear(&help);
    cli_commands_help_one(&help, cli_commands_find("register", 8, true), true);
    assert_non_null(strstr(help.at, "\nExample: /register\n"));
    cli_buf_clear(&help);
    cli_commands_help_one(&help, cli_commands_find("msg", 3, true), true);
    assert_non_null(strstr(help.at, "\nAlso: /msgto, /groupmsg\n"));
    cli_buf_wipe(&help);
}

static char *
read_source(const char *path)
{
    const char *const srcdir = getenv("srcdir");
    char name[4096];
    (void)snprintf(name, sizeof name, "%s/%s", srcdir != NULL ? srcdir : ".", path);
    FILE *const file = fopen(name, "r");
    if (file == NULL)
        fail_msg("%s cannot be read", name);
    char *const text = calloc(1, 1 << 18);
    const size_t len = fread(text, 1, (1 << 18) - 1, file);
    text[len] = '\0';
    (void)fclose(file);
    return text;
}

static void
the_manual_and_the_completion_know_every_command(void **state)
{
    char *const manual = read_source("peer/conclave.1");
    char *const completion = read_source("peer/cli/conclave.bash");
    (void)state;
    for (size_t i = 0; i < cli_commands_count; i++) {
        const struct cli_command *const command = &cli_commands[i];
        char text[128];
        const bool as_command = (command->where & CLI_AS_COMMAND) != 0;
        (void)snprintf(text, sizeof text, ".It Ic %s%s", as_command ? "" : "/", command->name);
        if (strstr(manual, text) == NULL)
            fail_msg("conclave.1 lacks %s", text);
        (void)snprintf(text, sizeof text, " %s ", command->name);
        if (as_command && strstr(completion, text) == NULL)
            fail_msg("conclave.bash lacks %s", command->name);
    }
    free(manual);
    free(completion);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_understood),
        cmocka_unit_test(what_does_not_fit_is_refused_and_never_sent),
        cmocka_unit_test(words_are_understood),
        cmocka_unit_test(a_room_keeps_its_sign_and_may_lack_it),
        cmocka_unit_test(a_mistyped_command_is_answered_with_the_nearest),
        cmocka_unit_test(every_command_has_its_help),
        cmocka_unit_test(help_fits_a_terminal_of_80_by_24_and_says_what_can_be_typed_there),
        cmocka_unit_test(the_manual_and_the_completion_know_every_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
