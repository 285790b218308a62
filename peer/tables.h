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
    PEER_TABLE_INBOX,       /* arrival -> REC_INBOX                           */
    PEER_TABLES
};

#endif
