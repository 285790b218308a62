/* conclaved: reads the command line and the configuration, enters the data
 * directory, and becomes the supervisor. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/home.h"
#include "broker/link.h"
#include "broker/supervisor.h"
#include "host/log.h"

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

enum { OPT_CHECK = 256, OPT_PRINT_LINK, OPT_PRINT_CONFIG };

struct arguments {
    const char *config;
    const char *data;
    const char *listen;
    const char *advertise;
    bool check;
    bool print_link;
    bool print_config;
};

static void
print_usage(FILE *to)
{
    fputs("Usage: conclaved [OPTION]...\n"
          "The registry of Conclave: people sign up here and find each other.\n"
          "\n"
          "  -c, --config FILE       read the configuration from FILE\n"
          "  -d, --data DIR          keep keys and accounts in DIR\n"
          "      --listen HOST:PORT  where newcomers knock (0.0.0.0:15600; port 0: a free one)\n"
          "      --advertise HOST    the host that the invite link names\n"
          "      --check-config      check the configuration and exit\n"
          "      --print-config      print a commented configuration with every default and exit\n"
          "      --print-link        print the invite link and exit\n"
          "  -h, --help              print this and exit\n"
          "  -V, --version           print the version and exit\n"
          "\n"
          "Once it serves, it prints: ready conclave://HOST:PORT/#KEY\n"
          "SIGTERM ends it in order, SIGHUP reads the configuration again.\n",
          to);
}

/* Reads the command line; -1: go on, else the exit status. */
static int
read_arguments(struct arguments *args, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"data", required_argument, NULL, 'd'},
        {"listen", required_argument, NULL, 'l'},
        {"advertise", required_argument, NULL, 'a'},
        {"check-config", no_argument, NULL, OPT_CHECK},
        {"print-link", no_argument, NULL, OPT_PRINT_LINK},
        {"print-config", no_argument, NULL, OPT_PRINT_CONFIG},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "c:d:hV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            args->config = optarg;
            break;
        case 'd':
            args->data = optarg;
            break;
        case 'l':
            args->listen = optarg;
            break;
        case 'a':
            args->advertise = optarg;
            break;
        case OPT_CHECK:
            args->check = true;
            break;
        case OPT_PRINT_LINK:
            args->print_link = true;
            break;
        case OPT_PRINT_CONFIG:
            args->print_config = true;
            break;
        case 'h':
            print_usage(stdout);
            return 0;
        case 'V':
            printf("conclaved %s, protocol %u\n", PACKAGE_VERSION, MSG_VERSION);
            return 0;
        default:
            fputs("Try: conclaved --help\n", stderr);
            return 2;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "conclaved: %s: there are options only.\nTry: conclaved --help\n",
                argv[optind]);
        return 2;
    }
    return -1;
}

static void
print_line(void *arg, const char *text)
{
    fprintf(arg, "%s\n", text);
}

/* Where the configuration is when nobody says: "" if it is not there. */
static void
standard_config(char path[BROKER_PATH_MAX])
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = broker_home_of_user();
    int len = -1;

    if (geteuid() == 0)
        len = snprintf(path, BROKER_PATH_MAX, "/etc/conclave/conclaved.conf");
    else if (config != NULL && *config == '/')
        len = snprintf(path, BROKER_PATH_MAX, "%s/conclave/conclaved.conf", config);
    else if (home != NULL)
        len = snprintf(path, BROKER_PATH_MAX, "%s/.config/conclave/conclaved.conf", home);
    if (len < 0 || len >= (int)BROKER_PATH_MAX || access(path, F_OK) != 0)
        path[0] = '\0';
}

/* The configuration's path, absolute, for we are about to go elsewhere. */
static enum conclave_err
find_config(const struct arguments *args, char path[BROKER_PATH_MAX], char *why, size_t why_cap)
{
    if (args->config == NULL) {
        standard_config(path);
        return CONCLAVE_OK;
    }
    char *real = realpath(args->config, NULL);
    if (real == NULL || strlen(real) >= BROKER_PATH_MAX) {
        snprintf(why, why_cap, "%s cannot be read: %s.", args->config, strerror(errno));
        free(real);
        return CONCLAVE_ERR_NOT_FOUND;
    }
    msg_text_copy(path, BROKER_PATH_MAX, msg_text(real));
    free(real);
    return CONCLAVE_OK;
}

static enum conclave_err
override(struct broker_run *run, const struct arguments *args, char *why, size_t why_cap)
{
    char host[MSG_HOST_MAX + 1];
    uint16_t port;

    if (args->listen != NULL
        && (strlen(args->listen) > MSG_ENDPOINT_MAX || *args->listen == '\0')) {
        snprintf(why, why_cap, "--listen is HOST:PORT, such as 0.0.0.0:15600 or [::1]:15600.");
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    if (args->advertise != NULL && !broker_settings_is_host(args->advertise)) {
        snprintf(why, why_cap, "--advertise is a host name, or an address without brackets and port.");
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    if (args->listen != NULL)
        msg_text_copy(run->listen, sizeof run->listen, msg_text(args->listen));
    if (args->advertise != NULL)
        msg_text_copy(run->advertise, sizeof run->advertise, msg_text(args->advertise));
    broker_run_override(run, &run->settings);
    if (broker_settings_listen(&run->settings, host, &port, why, why_cap) != CONCLAVE_OK)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    return CONCLAVE_OK;
}

/* What we open must not come to stand where logs and the ready line go. */
static bool
hold_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd) /* the lowest that is free */
            return false;
    return true;
}

static int
print_link(const struct broker_run *run)
{
    char text[MSG_LINK_MAX + 1], host[MSG_HOST_MAX + 1], why[BROKER_WHY_MAX];
    uint16_t port;

    if (broker_settings_listen(&run->settings, host, &port, why, sizeof why) != CONCLAVE_OK
        || broker_link_resolve(host, why, sizeof why) != CONCLAVE_OK) {
        fprintf(stderr, "conclaved: %s\n", why);
        return 1;
    }
    if (port == 0)
        port = broker_home_port(BROKER_DOOR_PORT);
    if (port == 0) {
        fputs("conclaved: listen has port 0, and none was picked yet; start it once.\n", stderr);
        return 1;
    }
    broker_link_print(text, &run->settings, host, port, &run->keys);
    printf("%s\n", text);
    return 0;
}

/* In the data directory: keys, lock, supervisor.  Printing the link takes no
 * lock: it is asked for while the daemon runs. */
static enum conclave_err
run_in_home(struct broker_run *run, const struct arguments *args, int *status, char *why,
            size_t why_cap)
{
    int lock;
    enum conclave_err err = broker_home_enter(args->data, why, why_cap);

    if (err == CONCLAVE_OK && !args->print_link)
        err = broker_home_lock(&lock, why, why_cap);
    if (err == CONCLAVE_OK && !args->print_link)
        err = broker_home_check(why, why_cap);
    if (err == CONCLAVE_OK)
        err = broker_keyring_open(&run->keys, why, why_cap);
    if (err == CONCLAVE_OK)
        *status = args->print_link ? print_link(run) : broker_supervisor_run(run);
    return err;
}

int
main(int argc, char **argv)
{
    struct arguments args = {NULL, NULL, NULL, NULL, false, false, false};
    struct broker_run *run = calloc(1, sizeof *run);
    char why[BROKER_WHY_MAX] = "The system gives no randomness.";
    size_t count;

    umask(077);
    int status = hold_streams() ? read_arguments(&args, argc, argv) : 1;
    if (status >= 0 || run == NULL) {
        free(run);
        return status >= 0 ? status : 1;
    }
    if (args.print_config) {
        free(run);
        const struct host_option *options = broker_settings_options(&count);
        host_config_print(options, count, print_line, stdout);
        return 0;
    }
    status = 1;
    enum conclave_err err = msg_keys_init();
    if (err == CONCLAVE_OK)
        err = find_config(&args, run->config, why, sizeof why);
    if (err == CONCLAVE_OK)
        err = broker_settings_load(&run->settings, run->config, why, sizeof why);
    if (err == CONCLAVE_OK)
        err = override(run, &args, why, sizeof why);
    if (err == CONCLAVE_OK && args.check) {
        printf("%s: the configuration is good.\n",
               run->config[0] != '\0' ? run->config : "(no file)");
        free(run);
        return 0;
    }
    if (err == CONCLAVE_OK)
        err = host_log_open("conclaved", (enum host_log_to)run->settings.log_to, NULL,
                            (enum msg_log_level)run->settings.log_level);
    if (err == CONCLAVE_OK)
        err = run_in_home(run, &args, &status, why, sizeof why);
    if (err != CONCLAVE_OK)
        fprintf(stderr, "conclaved: %s\n", why);
    free(run);
    return err == CONCLAVE_ERR_BAD_ARGUMENTS ? 2 : status;
}
