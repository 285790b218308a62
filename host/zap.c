/* The ZAP handler of this process: one thread that answers libzmq's question
 * for each CURVE handshake.  Who is let in is decided by the function of the
 * domain; what is malformed is denied. */
#include "host/zap.h"

#include <czmq.h>
#include <pthread.h>

#include "host/curve.h"

#define DOMAIN_MAX 64u
#define ENDPOINT "inproc://zeromq.zap.01" /* fixed by RFC 27 */

struct domain {
    host_zap_fn *fn;
    void *arg;
};

/* One handler for a process is what RFC 27 allows, so this is a static. */
static struct {
    pthread_mutex_t lock; /* over all of it; held while fn runs */
    zactor_t *actor;
    zhashx_t *domains; /* name -> struct domain, which it owns; NULL: none yet */
    struct host_zap_counts counts;
} zap = {.lock = PTHREAD_MUTEX_INITIALIZER};

enum part { VERSION, REQUEST, DOMAIN, ADDRESS, ROUTING_ID, MECHANISM, KEY, PARTS };

struct request {
    zmq_msg_t parts[PARTS];
    int count; /* as many as came, which may be more than PARTS */
};

static struct msg_text
text_of(struct request *request, enum part part)
{
    return (struct msg_text){zmq_msg_data(&request->parts[part]),
                             zmq_msg_size(&request->parts[part])};
}

static void
read_request(void *socket, struct request *request)
{
    zmq_msg_t rest;
    bool more = true;

    request->count = 0;
    for (int i = 0; i < PARTS; i++)
        zmq_msg_init(&request->parts[i]);
    zmq_msg_init(&rest);
    while (more) {
        zmq_msg_t *part = request->count < PARTS ? &request->parts[request->count] : &rest;
        if (zmq_msg_recv(part, socket, 0) < 0)
            break;
        request->count++;
        more = zmq_msg_more(part);
    }
    zmq_msg_close(&rest);
}

static struct domain *
find(struct msg_text name)
{
    char text[DOMAIN_MAX];

    if (zap.domains == NULL || name.len >= sizeof text)
        return NULL;
    msg_text_copy(text, sizeof text, name);
    return zhashx_lookup(zap.domains, text);
}

static void
free_domain(void **item)
{
    free(*item);
    *item = NULL;
}

static enum host_zap_answer
decide(struct request *request, struct msg_box_pub *key)
{
    char source[64];

    if (request->count != PARTS || !msg_text_equal(text_of(request, VERSION), msg_text("1.0"))
        || !msg_text_equal(text_of(request, MECHANISM), msg_text("CURVE"))
        || text_of(request, KEY).len != sizeof key->at) {
        zap.counts.malformed++;
        return HOST_ZAP_DENY;
    }
    memcpy(key->at, text_of(request, KEY).at, sizeof key->at);
    struct msg_text address = text_of(request, ADDRESS);
    if (address.len > 7 && memcmp(address.at, "::ffff:", 7) == 0
        && memchr(address.at, '.', address.len) != NULL)
        address = (struct msg_text){address.at + 7, address.len - 7};
    msg_text_copy(source, sizeof source, address);
    const struct domain *domain = find(text_of(request, DOMAIN));
    return domain != NULL ? domain->fn(domain->arg, key, source) : HOST_ZAP_DENY;
}

static void
answer(void *socket, struct request *request)
{
    static const struct {
        const char *code;
        const char *text;
    } words[] = {
        [HOST_ZAP_ADMIT] = {"200", "OK"},
        [HOST_ZAP_DENY] = {"400", "unknown key"},
        [HOST_ZAP_LATER] = {"300", "busy"},
    };
    struct msg_box_pub key;
    char user[MSG_BOX_HEX + 1] = "";

    pthread_mutex_lock(&zap.lock);
    const enum host_zap_answer decided = decide(request, &key);
    if (decided == HOST_ZAP_ADMIT) {
        zap.counts.admitted++;
        msg_keys_to_hex(user, key.at, sizeof key.at);
    } else if (decided == HOST_ZAP_DENY) {
        zap.counts.denied++;
    } else {
        zap.counts.later++;
    }
    pthread_mutex_unlock(&zap.lock);
    const struct msg_text id = text_of(request, REQUEST);
    zmq_send(socket, "1.0", 3, ZMQ_SNDMORE);
    zmq_send(socket, id.at, id.len, ZMQ_SNDMORE);
    zmq_send(socket, words[decided].code, 3, ZMQ_SNDMORE);
    zmq_send(socket, words[decided].text, strlen(words[decided].text), ZMQ_SNDMORE);
    zmq_send(socket, user, strlen(user), ZMQ_SNDMORE);
    zmq_send(socket, "", 0, 0);
}

static void
serve(zsock_t *pipe, void *arg)
{
    zsock_t *socket = arg;
    void *raw = zsock_resolve(socket);
    zmq_pollitem_t items[] = {{zsock_resolve(pipe), 0, ZMQ_POLLIN, 0}, {raw, 0, ZMQ_POLLIN, 0}};

    zsock_signal(pipe, 0);
    for (;;) {
        if (zmq_poll(items, 2, -1) < 0 && errno != EINTR)
            break;
        if (items[0].revents != 0)
            break; /* the only word there is: $TERM */
        if (items[1].revents == 0)
            continue;
        struct request request;
        read_request(raw, &request);
        answer(raw, &request);
        for (int i = 0; i < PARTS; i++)
            zmq_msg_close(&request.parts[i]);
    }
    (void)zmq_unbind(raw, ENDPOINT); /* at once, for the next handler: closing takes its time */
    zsock_destroy(&socket);
}

/* With the lock held. */
static enum conclave_err
start(void)
{
    if (zap.domains == NULL) {
        zap.domains = zhashx_new();
        if (zap.domains == NULL)
            return CONCLAVE_ERR_SYSTEM;
        zhashx_set_destructor(zap.domains, free_domain);
    }
    if (zap.actor != NULL)
        return CONCLAVE_OK;
    zsock_t *socket = host_curve_socket(ZMQ_REP);
    if (socket == NULL)
        return CONCLAVE_ERR_SYSTEM;
    zsock_set_linger(socket, 0);
    if (zmq_bind(zsock_resolve(socket), ENDPOINT) == 0)
        zap.actor = zactor_new(serve, socket);
    if (zap.actor == NULL)
        zsock_destroy(&socket);
    return zap.actor != NULL ? CONCLAVE_OK : CONCLAVE_ERR_SYSTEM;
}

/* With the lock held. */
static enum conclave_err
insert(const char *name, host_zap_fn *fn, void *arg)
{
    if (find(msg_text(name)) != NULL)
        return CONCLAVE_ERR_IN_USE;
    struct domain *domain = malloc(sizeof *domain);
    if (domain == NULL)
        return CONCLAVE_ERR_SYSTEM;
    *domain = (struct domain){fn, arg};
    if (zhashx_insert(zap.domains, name, domain) != 0) {
        free(domain);
        return CONCLAVE_ERR_SYSTEM;
    }
    return CONCLAVE_OK;
}

enum conclave_err
host_zap_add(const char *domain, host_zap_fn *fn, void *arg)
{
    if (strlen(domain) >= DOMAIN_MAX)
        return CONCLAVE_ERR_BAD_ARGUMENTS;
    pthread_mutex_lock(&zap.lock);
    enum conclave_err err = start();
    if (err == CONCLAVE_OK)
        err = insert(domain, fn, arg);
    pthread_mutex_unlock(&zap.lock);
    return err;
}

void
host_zap_remove(const char *domain)
{
    pthread_mutex_lock(&zap.lock);
    if (zap.domains != NULL)
        zhashx_delete(zap.domains, domain);
    pthread_mutex_unlock(&zap.lock);
}

void
host_zap_stop(void)
{
    pthread_mutex_lock(&zap.lock);
    zactor_t *actor = zap.actor;
    zap.actor = NULL;
    zhashx_destroy(&zap.domains);
    pthread_mutex_unlock(&zap.lock);
    zactor_destroy(&actor); /* waits for the thread, which may want the lock */
}

void
host_zap_counts(struct host_zap_counts *out)
{
    pthread_mutex_lock(&zap.lock);
    *out = zap.counts;
    pthread_mutex_unlock(&zap.lock);
}
