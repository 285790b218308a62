/* What systemd is told (sd_notify(3)), where it asked for it. */
#ifndef BROKER_NOTIFY_H
#define BROKER_NOTIFY_H

#include <stdint.h>

/* One or more lines such as READY=1; silent where nobody asked. */
void broker_notify(const char *lines);

/* How often WATCHDOG=1 is expected, in milliseconds; 0: not at all. */
uint64_t broker_notify_watchdog_ms(void);

#endif
