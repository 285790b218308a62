/* The tables of a peer's store: what stands under which key. */
#ifndef PEER_TABLES_H
#define PEER_TABLES_H

enum peer_table {
    PEER_TABLE_SELF,        /* 0 -> REC_SELF                                  */
    PEER_TABLE_MAIL_KEYS,   /* created -> REC_MAIL_KEY                        */
    PEER_TABLE_CONTACTS,    /* account -> REC_CONTACT                         */
    PEER_TABLE_DEVICES,     /* account, device -> REC_CONTACT_DEVICE          */
    PEER_TABLE_OUT,         /* account, incarnation, number -> REC_OUT        */
    PEER_TABLE_CHAINS_OUT,  /* account -> REC_CHAIN_OUT                       */
    PEER_TABLE_CHAINS_IN,   /* account, device -> REC_CHAIN_IN                */
    PEER_TABLE_INBOX,       /* arrival -> REC_INBOX, TELL_ROOM, TELL_GAP, TELL_NOTICE;
                             * or REC_INBOX_BATCH, under the last arrival in it */
    PEER_TABLE_ROOMS,       /* room -> REC_MY_ROOM                            */
    PEER_TABLE_ROOM_MATES,  /* room, account -> REC_ROOM_MATE                 */
    PEER_TABLE_ROOM_OUT,    /* room, incarnation, number -> REC_ROOM_OUT      */
    PEER_TABLE_ROOM_IN,     /* room, account, device -> REC_ROOM_IN           */
    PEER_TABLE_ROOM_KEYS,   /* room, account, device, key -> REC_ROOM_KEY     */
    PEER_TABLE_CARDS,       /* account, device -> REC_CARD                    */
    PEER_TABLE_ROOM_FRAMES, /* room, account, device, incarnation, first -> ROOM_FRAME, as it came */
    PEER_TABLE_PUBLISHERS,  /* room, account, device -> ROOM_PEERS of one device */
    PEER_TABLES
};

#endif
