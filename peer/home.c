/* Finds, makes, locks and reads the directories of a peer. */
#include "peer/home.h"

#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/config.h"
#include "msg/name.h"
#include "peer/keyfile.h"

static const struct host_option options[] = {
    {"link", HOST_OPTION_TEXT, offsetof(struct peer_home_config, link), 0, MSG_LINK_MAX + 1, NULL, "",
     "The invite link of the registry; the daemon prints it.  Empty: the one remembered from the first start."},
    {"listen", HOST_OPTION_TEXT, offsetof(struct peer_home_config, listen), 0, MSG_ENDPOINT_MAX + 1, NULL, "",
     "HOST:PORT where others connect directly.  Empty: any address and a port that is kept; none: no socket."},
    {"direct", HOST_OPTION_CHOICE, offsetof(struct peer_home_config, direct), 0, 0, "anyone|contacts|never", "anyone",
     "Who is introduced to this device and sees its endpoints."},
};
#define OPTIONS (sizeof options / sizeof options[0])

/* $variable/below, else $HOME/fallback/below; false: no absolute path. */
static bool
xdg_path(char *path, size_t cap, const char *variable, const char *fallback, const char *below)
{
    const char *const set = getenv(variable);
    const char *const home = getenv("HOME");
    int n;
    if (set != NULL && set[0] == '/') /* relative ones are to be ignored, says the XDG specification */
        n = snprintf(path, cap, "%s/%s", set, below);
    else if (fallback != NULL && home != NULL && home[0] == '/')
        n = snprintf(path, cap, "%s/%s/%s", home, fallback, below);
    else
        return false;
    return n > 0 && (size_t)n < cap;
}

enum conclave_err
peer_home_find(struct peer_home *self, const char *dir, char *why, size_t why_cap)
{
    *self = (struct peer_home){.dir_fd = -1, .lock_fd = -1, .shown_fd = -1};
    if (dir != NULL) {
        if (dir[0] == '\0' || strlen(dir) >= sizeof self->data) {
            (void)snprintf(why, why_cap, "The home directory has no usable name.");
            return CONCLAVE_ERR_BAD_ARGUMENTS;
        }
        msg_text_copy(self->config, sizeof self->config, msg_text(dir));
        msg_text_copy(self->data, sizeof self->data, msg_text(dir));
        return CONCLAVE_OK;
    }
    if (!xdg_path(self->config, sizeof self->config, "XDG_CONFIG_HOME", ".config", "conclave")
        || !xdg_path(self->data, sizeof self->data, "XDG_DATA_HOME", ".local/share", "conclave")) {
        (void)snprintf(why, why_cap, "There is no place for keys and state: set HOME, or name a directory with --home.");
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    return CONCLAVE_OK;
}

/* mkdir -p, each of them 0700. */
static int
make_path(const char *path)
{
    char part[PEER_HOME_PATH] = "";
    assert(path != NULL);
    msg_text_copy(part, sizeof part, msg_text(path));
    for (char *at = part + 1; *at != '\0'; at++) {
        if (*at != '/')
            continue;
        *at = '\0';
        if (mkdir(part, 0700) != 0 && errno != EEXIST)
            return -1;
        *at = '/';
    }
    return mkdir(part, 0700) != 0 && errno != EEXIST ? -1 : 0;
}

static enum conclave_err
open_directory(struct peer_home *self, char *why, size_t why_cap)
{
    struct stat st;
    if (make_path(self->data) != 0) {
        (void)snprintf(why, why_cap, "The directory %s cannot be made: %s.", self->data, strerror(errno));
        return CONCLAVE_ERR_STORE_IO;
    }
    self->dir_fd = open(self->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (self->dir_fd < 0 || fstat(self->dir_fd, &st) != 0) {
        (void)snprintf(why, why_cap, "The directory %s cannot be opened: %s.", self->data, strerror(errno));
        return CONCLAVE_ERR_STORE_IO;
    }
    if (st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
        (void)snprintf(why, why_cap, "The directory %s can be changed by others; use one of your own with mode 700.", self->data);
        return CONCLAVE_ERR_UNSAFE_FILE;
    }
    return CONCLAVE_OK;
}

static enum conclave_err
lock(struct peer_home *self, char *why, size_t why_cap)
{
    self->lock_fd = openat(self->dir_fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (self->lock_fd < 0) {
        (void)snprintf(why, why_cap, "The file %s/lock cannot be made: %s.", self->data, strerror(errno));
        return CONCLAVE_ERR_STORE_IO;
    }
    if (flock(self->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        (void)snprintf(why, why_cap, "The home %s is in use by another process; end it first, or choose another home.", self->data);
        return errno == EWOULDBLOCK ? CONCLAVE_ERR_IN_USE : CONCLAVE_ERR_STORE_IO;
    }
    return CONCLAVE_OK;
}

enum conclave_err
peer_home_open(struct peer_home *self, char *why, size_t why_cap)
{
    char dir[PEER_HOME_PATH + 8];
    enum conclave_err err = open_directory(self, why, why_cap);
    if (err == CONCLAVE_OK)
        err = lock(self, why, why_cap);
    if (err != CONCLAVE_OK)
        goto done;
    (void)snprintf(dir, sizeof dir, "%s/store", self->data);
    err = CONCLAVE_ERR_STORE_IO;
    if (mkdirat(self->dir_fd, "store", 0700) != 0 && errno != EEXIST) {
        (void)snprintf(why, why_cap, "The directory %s cannot be made: %s.", dir, strerror(errno));
        goto done;
    }
    err = peer_store_open(&self->store, dir, why, why_cap);
    if (err != CONCLAVE_OK)
        goto done;
    /* in the store's directory: whoever moves the store aside moves it too */
    self->shown_fd = openat(self->dir_fd, "store/shown", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (self->shown_fd < 0) {
        (void)snprintf(why, why_cap, "The file %s/shown cannot be made: %s.", dir, strerror(errno));
        err = CONCLAVE_ERR_STORE_IO;
    }

done:
    if (err != CONCLAVE_OK)
        peer_home_close(self);
    return err;
}

void
peer_home_close(struct peer_home *self)
{
    peer_store_close(&self->store);
    if (self->shown_fd >= 0) {
        (void)fdatasync(self->shown_fd); /* a courtesy: the mark may be old */
        (void)close(self->shown_fd);
    }
    if (self->dir_fd >= 0)
        (void)close(self->dir_fd);
    if (self->lock_fd >= 0)
        (void)close(self->lock_fd); /* last: others may come in from here on */
    self->shown_fd = self->dir_fd = self->lock_fd = -1;
}

enum conclave_err
peer_home_config(const struct peer_home *self, struct peer_home_config *config, char *why, size_t why_cap)
{
    char file[PEER_HOME_PATH + 16];
    (void)snprintf(file, sizeof file, "%s/conclave.conf", self->config);
    host_config_preset(config, options, OPTIONS);
    const enum conclave_err err = host_config_load(config, options, OPTIONS, file, why, why_cap);
    return err == CONCLAVE_ERR_NOT_FOUND ? CONCLAVE_OK : err;
}

bool
peer_home_instance_valid(const char *instance)
{
    const size_t len = strlen(instance);
    if (len > 64)
        return false;
    return strspn(instance, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

void
peer_home_file(char *name, size_t cap, const char *stem, const char *instance)
{
    (void)snprintf(name, cap, instance[0] == '\0' ? "%s%s" : "%s-%s", stem, instance);
}

uint16_t
peer_home_port(const struct peer_home *self, const char *instance)
{
    char name[80];
    char text[16] = "";
    peer_home_file(name, sizeof name, "port", instance);
    const int fd = openat(self->dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return 0;
    const ssize_t n = read(fd, text, sizeof text - 1);
    (void)close(fd);
    const unsigned long port = n > 0 ? strtoul(text, NULL, 10) : 0;
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

void
peer_home_keep_port(const struct peer_home *self, const char *instance, uint16_t port)
{
    char name[80];
    char text[16];
    if (peer_home_port(self, instance) == port)
        return;
    peer_home_file(name, sizeof name, "port", instance);
    const int n = snprintf(text, sizeof text, "%u\n", (unsigned)port);
    /* a port that is forgotten is a port that changes: no harm */
    if (peer_keyfile_replace(self->dir_fd, name, msg_span(text, (size_t)n)) != CONCLAVE_OK)
        return;
}

/* The first line of a file that only this user can have written. */
static bool
read_link(char link[MSG_LINK_MAX + 1], const char *path)
{
    struct stat st;
    struct msg_link parsed;
    char text[MSG_LINK_MAX + 2] = "";
    bool good = false;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 022) == 0) {
        const ssize_t n = read(fd, text, sizeof text - 1);
        text[n > 0 ? (size_t)n : 0] = '\0';
        text[strcspn(text, "\r\n")] = '\0';
        good = msg_link_parse(&parsed, msg_text(text)) == CONCLAVE_OK;
        msg_text_copy(link, MSG_LINK_MAX + 1, msg_text(good ? text : ""));
    }
    (void)close(fd);
    return good;
}

bool
peer_home_local_link(char link[MSG_LINK_MAX + 1])
{
    char path[PEER_HOME_PATH];
    link[0] = '\0';
    if (xdg_path(path, sizeof path, "XDG_RUNTIME_DIR", NULL, "conclaved.link") && read_link(link, path))
        return true;
    return xdg_path(path, sizeof path, "XDG_STATE_HOME", ".local/state", "conclaved/link") && read_link(link, path);
}

static bool
reaches_others(const struct ifaddrs *at)
{
    if (at->ifa_addr == NULL || (at->ifa_flags & IFF_LOOPBACK) != 0 || (at->ifa_flags & IFF_UP) == 0)
        return false;
    if (at->ifa_addr->sa_family == AF_INET)
        return true;
    if (at->ifa_addr->sa_family != AF_INET6)
        return false;
    struct sockaddr_in6 in6;
    memcpy(&in6, at->ifa_addr, sizeof in6);
    return !IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr); /* means nothing without an interface */
}

static bool
address_text(char host[INET6_ADDRSTRLEN], const struct sockaddr *addr)
{
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    if (addr->sa_family == AF_INET) {
        memcpy(&in, addr, sizeof in);
        return inet_ntop(AF_INET, &in.sin_addr, host, INET6_ADDRSTRLEN) != NULL;
    }
    memcpy(&in6, addr, sizeof in6);
    return inet_ntop(AF_INET6, &in6.sin6_addr, host, INET6_ADDRSTRLEN) != NULL;
}

uint32_t
peer_home_addresses(char out[MSG_ENDPOINT_COUNT][MSG_ENDPOINT_MAX + 1], const char *host, uint16_t port)
{
    struct ifaddrs *list;
    uint32_t count = 0;
    const bool any = host[0] == '\0' || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
    if (!any) {
        msg_endpoint_print(out[0], MSG_ENDPOINT_MAX + 1, host, port);
        return 1;
    }
    if (getifaddrs(&list) != 0)
        return 0;
    for (const struct ifaddrs *at = list; at != NULL && count < MSG_ENDPOINT_COUNT - 1; at = at->ifa_next) {
        char text[INET6_ADDRSTRLEN];
        if (reaches_others(at) && address_text(text, at->ifa_addr))
            msg_endpoint_print(out[count++], MSG_ENDPOINT_MAX + 1, text, port);
    }
    freeifaddrs(list);
    return count;
}
