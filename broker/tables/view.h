/* What the registry's cores may read of the store: committed records, at
 * once.  Writes go out as effects.  The shell gives LMDB, the simulator a
 * table in memory. */
#ifndef BROKER_VIEW_H
#define BROKER_VIEW_H

#include "msg/base.h"
#include "msg/step.h"

enum broker_table {
    BROKER_TABLE_META,      /* "counters" -> REC_COUNTERS                        */
    BROKER_TABLE_ACCOUNTS,  /* account -> REC_ACCOUNT                            */
    BROKER_TABLE_NAMES,     /* folded name -> REC_NAME                           */
    BROKER_TABLE_DEVICES,   /* account, device -> REC_DEVICE                     */
    BROKER_TABLE_OWNERS,    /* transport key (32 bytes) -> REC_OWNER; not there: stranger or revoked */
    BROKER_TABLE_REVOKED,   /* version -> REC_REVOKED                            */
    BROKER_TABLE_MAIL,      /* account, device, serial -> REC_MAIL or REC_RETURN         */
    BROKER_TABLE_ROOMS,     /* room -> REC_ROOM                                          */
    BROKER_TABLE_ROOM_NAMES, /* folded name with # -> REC_ROOM_NAME                      */
    BROKER_TABLE_ROOM_MEMBERS, /* room, account -> REC_ROOM_MEMBER                       */
    BROKER_TABLE_ROOM_ENTRIES, /* room, number -> REC_ROOM_ENTRY                         */
    BROKER_TABLE_ROOM_LOG,  /* room, offset -> REC_ROOM_FRAME                            */
    BROKER_TABLES
};

struct broker_view {
    void *self;
    /* The record's bytes, valid until the next call of either; false: none. */
    bool (*get)(void *self, enum broker_table table, struct msg_span key, struct msg_span *value);
    /* The first record with a key greater than `after`. */
    bool (*next)(void *self, enum broker_table table, struct msg_span after, struct msg_record_key *key, struct msg_span *value);
};

#endif
