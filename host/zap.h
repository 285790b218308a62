/* The ZAP handler (RFC 27) of this process: one thread, one answer for each
 * handshake, by domain.  User-Id becomes the hex of the client's CURVE key,
 * which is the only identity that anything above believes. */
#ifndef HOST_ZAP_H
#define HOST_ZAP_H

#include "msg/base.h"
#include "msg/error.h"
#include "msg/keys.h"

enum host_zap_answer { HOST_ZAP_ADMIT, HOST_ZAP_DENY /* 400: final */, HOST_ZAP_LATER /* 300: overload */ };

/* Called on the ZAP thread; must not block.  source: the address, without port. */
typedef enum host_zap_answer host_zap_fn(void *arg, const struct msg_box_pub *key, const char *source);

/* Starts the thread the first time (before any CURVE socket is bound) and adds
 * a domain; a domain that is asked for and not there is denied. */
enum conclave_err CONCLAVE_CHECK host_zap_add(const char *domain, host_zap_fn *fn, void *arg);

/* When it returns, fn is not running and will not be called again. */
void host_zap_remove(const char *domain);

/* Ends the thread; for orderly exits and leak checkers. */
void host_zap_stop(void);

struct host_zap_counts { uint64_t admitted; uint64_t denied; uint64_t later; uint64_t malformed; };
void host_zap_counts(struct host_zap_counts *out);

#endif
