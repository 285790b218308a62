/* The supervisor: it starts vault, door and front, starts again whichever
 * dies, passes on what the operator says, and ends with all of them.  It has
 * no network and no key. */
#ifndef BROKER_SUPERVISOR_H
#define BROKER_SUPERVISOR_H

#include "broker/keyring.h"
#include "broker/settings.h"

struct broker_run {
    struct broker_settings settings;
    char config[BROKER_PATH_MAX];       /* absolute; "": none */
    char listen[MSG_ENDPOINT_MAX + 1];  /* from the command line; "": not given */
    char advertise[MSG_HOST_MAX + 1];   /* the same */
    struct broker_public keys;
};

/* Lays what the command line says over what the file says. */
void broker_run_override(const struct broker_run *run, struct broker_settings *settings);

/* In the data directory, with its lock.  Prints the ready line; returns the
 * exit status. */
int broker_supervisor_run(const struct broker_run *run);

#endif
