/* Makes the invite link and keeps its file. */
#include "broker/link.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/home.h"

static bool
is_any(const char *host)
{
    return *host == '\0' || strcmp(host, "*") == 0 || strcmp(host, "0.0.0.0") == 0
           || strcmp(host, "::") == 0;
}

/* An address that another machine may reach us at; link-local ones need a
 * zone, which no link can name. */
static bool
print_routable(const struct ifaddrs *at, int family, char host[MSG_HOST_MAX + 1])
{
    if (at->ifa_addr == NULL || at->ifa_addr->sa_family != family
        || (at->ifa_flags & IFF_LOOPBACK) != 0 || (at->ifa_flags & IFF_UP) == 0)
        return false;
    if (family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, at->ifa_addr, sizeof v4);
        return ntohl(v4.sin_addr.s_addr) >> 16 != 0xa9fe /* 169.254 */
               && inet_ntop(AF_INET, &v4.sin_addr, host, MSG_HOST_MAX + 1) != NULL;
    }
    struct sockaddr_in6 v6;
    memcpy(&v6, at->ifa_addr, sizeof v6);
    return !IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr)
           && inet_ntop(AF_INET6, &v6.sin6_addr, host, MSG_HOST_MAX + 1) != NULL;
}

/* The first address of an interface in place of its name; false: there is none
 * of that name. */
static bool
print_interface(char host[MSG_HOST_MAX + 1])
{
    char name[MSG_HOST_MAX + 1];

    struct ifaddrs *list = NULL;
    bool found = false;

    memcpy(name, host, sizeof name);
    if (getifaddrs(&list) != 0)
        list = NULL;
    for (int round = 0; round < 2 && !found; round++)
        for (const struct ifaddrs *at = list; at != NULL && !found; at = at->ifa_next) {
            const int family = round == 0 ? AF_INET : AF_INET6;
            if (strcmp(at->ifa_name, name) == 0 && at->ifa_addr != NULL
                && at->ifa_addr->sa_family == family)
                found = getnameinfo(at->ifa_addr,
                                    family == AF_INET ? sizeof(struct sockaddr_in)
                                                      : sizeof(struct sockaddr_in6),
                                    host, MSG_HOST_MAX + 1, NULL, 0, NI_NUMERICHOST)
                        == 0;
        }
    freeifaddrs(list);
    return found;
}

enum conclave_err
broker_link_resolve(char host[MSG_HOST_MAX + 1], char *why, size_t why_cap)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    uint8_t number[sizeof(struct in6_addr)];

    if (is_any(host) || strchr(host, ':') != NULL || inet_pton(AF_INET, host, number) == 1
        || print_interface(host))
        return CONCLAVE_OK;
    const int rc = getaddrinfo(host, NULL, &hints, &list);
    const struct addrinfo *at = list;
    while (at != NULL && at->ai_family != AF_INET && at->ai_next != NULL)
        at = at->ai_next; /* an address of version 4 if there is one */
    const bool found = at != NULL
                       && getnameinfo(at->ai_addr, at->ai_addrlen, host, MSG_HOST_MAX + 1, NULL,
                                      0, NI_NUMERICHOST)
                              == 0;
    if (list != NULL)
        freeaddrinfo(list);
    if (found)
        return CONCLAVE_OK;
    snprintf(why, why_cap,
             "Cannot listen on %s: %s. Choose an address of this machine with --listen HOST:PORT.",
             host, rc != 0 ? gai_strerror(rc) : "it has no address");
    return CONCLAVE_ERR_NOT_FOUND;
}

static void
first_routable(char host[MSG_HOST_MAX + 1])
{
    static const int families[] = {AF_INET, AF_INET6};
    struct ifaddrs *list = NULL;
    bool found = false;

    if (getifaddrs(&list) != 0)
        list = NULL;
    for (size_t i = 0; i < 2 && !found; i++)
        for (const struct ifaddrs *at = list; at != NULL && !found; at = at->ifa_next)
            found = print_routable(at, families[i], host);
    freeifaddrs(list);
    if (!found)
        msg_text_copy(host, MSG_HOST_MAX + 1, msg_text("127.0.0.1"));
}

void
broker_link_print(char text[MSG_LINK_MAX + 1], const struct broker_settings *settings,
                  const char *host, uint16_t port, const struct broker_public *keys)
{
    struct msg_link link;

    memset(&link, 0, sizeof link);
    if (settings->advertise[0] != '\0')
        msg_text_copy(link.host, sizeof link.host, msg_text(settings->advertise));
    else if (is_any(host))
        first_routable(link.host);
    else
        msg_text_copy(link.host, sizeof link.host, msg_text(host));
    link.port = port;
    link.door = keys->door;
    msg_link_signer(link.signer, &keys->signer);
    msg_link_print(text, MSG_LINK_MAX + 1, &link);
}

/* The file, and its directory in *dir when that may have to be made. */
static enum conclave_err
find_file(char path[BROKER_PATH_MAX], char dir[BROKER_PATH_MAX])
{
    const char *runtime = getenv("XDG_RUNTIME_DIR"), *state = getenv("XDG_STATE_HOME");
    const char *home = broker_home_of_user();
    int len;

    dir[0] = '\0';
    if (runtime != NULL && *runtime == '/') {
        len = snprintf(path, BROKER_PATH_MAX, "%s/conclaved.link", runtime);
        return len < (int)BROKER_PATH_MAX ? CONCLAVE_OK : CONCLAVE_ERR_NOT_FOUND;
    }
    if (state != NULL && *state == '/')
        len = snprintf(dir, BROKER_PATH_MAX, "%s/conclaved", state);
    else if (home != NULL)
        len = snprintf(dir, BROKER_PATH_MAX, "%s/.local/state/conclaved", home);
    else
        return CONCLAVE_ERR_NOT_FOUND;
    if (len >= (int)BROKER_PATH_MAX - 8)
        return CONCLAVE_ERR_NOT_FOUND;
    memcpy(path, dir, (size_t)len);
    memcpy(path + len, "/link", 6);
    return CONCLAVE_OK;
}

enum conclave_err
broker_link_save(const char *text)
{
    char path[BROKER_PATH_MAX], dir[BROKER_PATH_MAX], beside[BROKER_PATH_MAX + 8];
    enum conclave_err err = find_file(path, dir);

    if (err == CONCLAVE_OK && dir[0] != '\0')
        err = broker_home_make(dir);
    if (err != CONCLAVE_OK)
        return err;
    snprintf(beside, sizeof beside, "%s.new", path);
    unlink(beside);
    const int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return CONCLAVE_ERR_STORE_IO;
    const size_t len = strlen(text);
    const bool written = write(fd, text, len) == (ssize_t)len && write(fd, "\n", 1) == 1;
    if (close(fd) != 0 || !written || rename(beside, path) != 0)
        return CONCLAVE_ERR_STORE_IO;
    return CONCLAVE_OK;
}

void
broker_link_remove(const char *text)
{
    char path[BROKER_PATH_MAX], dir[BROKER_PATH_MAX], now[MSG_LINK_MAX + 2] = "";

    if (find_file(path, dir) != CONCLAVE_OK)
        return;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return;
    const bool ours = fgets(now, sizeof now, file) != NULL
                      && strncmp(now, text, strlen(text)) == 0 && now[strlen(text)] == '\n';
    fclose(file);
    if (ours)
        unlink(path);
}
