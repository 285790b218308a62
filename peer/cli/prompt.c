/* Readline's callback interface.  It has one line for the whole process, hence
 * the one static struct. */
#include "peer/cli/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <readline/history.h>
#include <readline/readline.h>

#include "peer/cli/names.h"
#include "peer/cli/signals.h"
#include "peer/cli/view.h"

#define HISTORY_MAX 1000

static struct {
    struct cli_buf *lines;
    bool *ended;
    struct cli_buf prompt;
    bool open;
    bool hidden;
} self;

static void
hide(void)
{
    if (!self.open || self.hidden)
        return;
    rl_clear_visible_line();
    (void)fflush(rl_outstream); /* what follows is written past stdio */
    self.hidden = true;
}

/* True when it changed. */
static bool
name_prompt(const struct cli *cli)
{
    struct cli_buf prompt = {0};
    cli_view_line(&prompt, cli->name);
    if (cli->focus[0] != '\0') {
        cli_buf_text(&prompt, cli->focus[0] == '#' ? " " : " @");
        cli_view_line(&prompt, cli->focus);
    }
    cli_buf_text(&prompt, "> ");
    const bool changed = self.prompt.at == NULL || strcmp(prompt.at, self.prompt.at) != 0;
    if (changed) {
        cli_buf_wipe(&self.prompt);
        self.prompt = prompt;
    } else {
        cli_buf_wipe(&prompt);
    }
    return changed;
}

static void
show(struct cli *cli)
{
    if (!self.open)
        return;
    if (cli_signals_resized())
        rl_resize_terminal();
    if (name_prompt(cli)) {
        hide();
        rl_set_prompt(self.prompt.at);
    }
    if (!self.hidden)
        return;
    rl_on_new_line();
    rl_redisplay();
    self.hidden = false;
}

static void
on_line(char *line)
{
    if (line == NULL) {
        *self.ended = true;
        return;
    }
    if (line[0] != '\0')
        add_history(line);
    cli_buf_add(self.lines, line, strlen(line) + 1);
    free(line);
}

static void
install(void)
{
    rl_callback_handler_install(self.prompt.at, on_line);
    self.open = true;
    self.hidden = false;
}

static void
pause_line(bool on)
{
    if (on && self.open) {
        hide();
        rl_callback_handler_remove();
        self.open = false;
    } else if (!on && !self.open) {
        install();
    }
}

/* The names of commands, after a slash at the start of the line. */
static char *
next_command(const char *text, int state)
{
    static size_t at;
    if (state == 0)
        at = 0;
    while (at < cli_commands_count) {
        const struct cli_command *const command = &cli_commands[at++];
        if ((command->where & CLI_AS_SLASH) != 0 && strncmp(command->name, text + 1, strlen(text) - 1) == 0) {
            char *name = NULL;
            if (asprintf(&name, "/%s", command->name) < 0)
                return NULL;
            return name; /* Readline frees it */
        }
    }
    return NULL;
}

/* Names of people and rooms that were seen lately, with the @ that was typed. */
static char *
next_name(const char *text, int state)
{
    static size_t at;
    if (state == 0)
        at = 0;
    const char *const name = cli_names_next(text, &at);
    char *word = NULL;
    if (name == NULL || asprintf(&word, "%s%s", text[0] == '@' ? "@" : "", name) < 0)
        return NULL;
    return word; /* Readline frees it */
}

static char **
complete(const char *text, int start, int end)
{
    (void)end;
    rl_attempted_completion_over = 1; /* never names of files */
    if (start == 0 && text[0] == '/')
        return rl_completion_matches(text, next_command);
    /* A blank is no beginning of a name, unless a command wants one. */
    return text[0] != '\0' || rl_line_buffer[0] == '/' ? rl_completion_matches(text, next_name) : NULL;
}

bool
cli_prompt_clear(void)
{
    if (!self.open || rl_end == 0)
        return false;
    hide();
    rl_free_line_state();
    rl_callback_sigcleanup(); /* a search that was under way */
    rl_replace_line("", 1);
    return true;
}

void
cli_prompt_open(struct cli *cli, struct cli_buf *lines, bool *ended)
{
    self.lines = lines;
    self.ended = ended;
    rl_readline_name = "conclave";
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_outstream = stdout;
    rl_attempted_completion_function = complete;
    rl_basic_word_break_characters = " \t\n";
    stifle_history(HISTORY_MAX);
    (void)name_prompt(cli); /* it did: there was none */
    install();
    cli->hide = hide;
    cli->show = show;
    cli->pause = pause_line;
}

void
cli_prompt_read(struct cli *cli)
{
    show(cli); /* what was just printed may have hidden it */
    if (self.open)
        rl_callback_read_char();
}

void
cli_prompt_close(struct cli *cli)
{
    if (self.open) {
        hide();
        rl_callback_handler_remove();
    }
    self.open = false;
    cli->hide = NULL;
    cli->show = NULL;
    cli->pause = NULL;
    clear_history();
    cli_buf_wipe(&self.prompt);
}
