/* Invite links and endpoints, as declared in msg/name.h.  Pure. */
#include <arpa/inet.h>
#include <stdio.h>

#include "msg/name.h"

#define SCHEME         "conclave://"
#define LINK_KEY_BYTES 48u /* the door's key and 16 bytes that name the signer */
#define LINK_KEY_TEXT  64u /* the same as base64url */

static bool
parse_port(uint16_t *port, struct msg_text text)
{
    uint32_t value = 0;
    if (text.len == 0 || text.len > 5 || (text.len > 1 && text.at[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            return false;
        value = 10 * value + (uint32_t)(text.at[i] - '0');
    }
    if (value > UINT16_MAX)
        return false;
    *port = (uint16_t)value;
    return true;
}

/* Labels of letters, digits, - and _ with single dots between; an IPv4 address
 * is of that form too. */
static bool
is_host(struct msg_text text)
{
    char before = '.';
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.at[i];
        const bool plain =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!plain && c != '-' && c != '.')
            return false;
        if ((c == '.' || c == '-') && before == '.')
            return false;
        before = c;
    }
    return text.len > 0 && before != '-';
}

/* An IPv6 address, with a zone for link-local ones (fe80::1%eth0). */
static bool
is_ipv6(struct msg_text text)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    const char *const percent = text.len > 0 ? memchr(text.at, '%', text.len) : NULL;
    const size_t len = percent != NULL ? (size_t)(percent - text.at) : text.len;
    if (len >= sizeof address)
        return false;
    msg_text_copy(address, sizeof address, (struct msg_text){text.at, len});
    if (strlen(address) != len || inet_pton(AF_INET6, address, &parsed) != 1)
        return false;
    return percent == NULL || is_host((struct msg_text){percent + 1, text.len - len - 1});
}

enum conclave_err
msg_endpoint_parse(char host[MSG_HOST_MAX + 1], uint16_t *port, struct msg_text text)
{
    struct msg_text name;
    struct msg_text rest;
    memset(host, 0, MSG_HOST_MAX + 1);
    *port = 0;
    if (text.len == 0)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    const bool bracketed = text.at[0] == '[';
    const char *const end = memchr(text.at, bracketed ? ']' : ':', text.len);
    if (end == NULL)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    name.at = bracketed ? text.at + 1 : text.at;
    name.len = (size_t)(end - name.at);
    rest.at = bracketed ? end + 1 : end;
    rest.len = text.len - (size_t)(rest.at - text.at);
    if (rest.len == 0 || rest.at[0] != ':' || name.len > MSG_HOST_MAX)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (!(bracketed ? is_ipv6(name) : is_host(name)))
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    if (!parse_port(port, (struct msg_text){rest.at + 1, rest.len - 1}))
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    msg_text_copy(host, MSG_HOST_MAX + 1, name);
    return CONCLAVE_OK;
}

void
msg_endpoint_print(char *text, size_t cap, const char *host, uint16_t port)
{
    const bool brackets = strchr(host, ':') != NULL;
    (void)snprintf(text, cap, brackets ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
}

enum conclave_err
msg_link_parse(struct msg_link *link, struct msg_text text)
{
    const size_t scheme = sizeof SCHEME - 1;
    uint8_t keys[LINK_KEY_BYTES];
    memset(link, 0, sizeof *link);
    if (text.len <= scheme + 2 + LINK_KEY_TEXT || text.len > MSG_LINK_MAX ||
        memcmp(text.at, SCHEME, scheme) != 0)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    const struct msg_text key = {text.at + text.len - LINK_KEY_TEXT, LINK_KEY_TEXT};
    const struct msg_text place = {text.at + scheme, text.len - scheme - 2 - LINK_KEY_TEXT};
    if (key.at[-2] != '/' || key.at[-1] != '#')
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    enum conclave_err err = msg_keys_from_base64(keys, sizeof keys, key);
    if (err == CONCLAVE_OK)
        err = msg_endpoint_parse(link->host, &link->port, place);
    if (err != CONCLAVE_OK || link->port == 0) {
        memset(link, 0, sizeof *link);
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    }
    memcpy(link->door.at, keys, sizeof link->door.at);
    memcpy(link->signer, keys + sizeof link->door.at, sizeof link->signer);
    return CONCLAVE_OK;
}

void
msg_link_print(char *text, size_t cap, const struct msg_link *link)
{
    uint8_t keys[LINK_KEY_BYTES];
    char key[LINK_KEY_TEXT + 1];
    char place[MSG_ENDPOINT_MAX + 1];
    memcpy(keys, link->door.at, sizeof link->door.at);
    memcpy(keys + sizeof link->door.at, link->signer, sizeof link->signer);
    msg_keys_to_base64(key, sizeof key, keys, sizeof keys);
    msg_endpoint_print(place, sizeof place, link->host, link->port);
    (void)snprintf(text, cap, SCHEME "%s/#%s", place, key);
}

void
msg_link_signer(uint8_t out[16], const struct msg_sign_pub *signer)
{
    msg_keys_hash(out, 16, "conclave signer 1", msg_span(signer->at, sizeof signer->at));
}
