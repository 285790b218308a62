/* Every way things fail: one enum, one stable code for the wire and for JSON,
 * one sentence that says what to do next.  Installed with the library. */
#ifndef MSG_ERRORS_H
#define MSG_ERRORS_H

/* X(NAME, "stable-code", "sentence").  The order is not part of any format;
 * the codes are.  A code that is no longer used stays listed as retired in
 * msg/PROTOCOL.md. */
#define CONCLAVE_ERRORS(X) \
    X(OK, "ok", "Done.") \
    /* what a user or a script can meet */ \
    X(BAD_ARGUMENTS, "bad-arguments", "The arguments do not fit the command; see help for its usage.") \
    X(UNKNOWN_COMMAND, "unknown-command", "There is no such command; help lists them.") \
    X(NOT_LOGGED_IN, "not-logged-in", "You are not logged in; log in or register first.") \
    X(ALREADY_ONLINE, "already-online", "You are logged in already; log out first.") \
    X(NAME_TAKEN, "name-taken", "That name, or one that looks like it, is taken; choose another.") \
    X(BAD_NAME, "bad-name", "A name has 1 to 32 letters and digits of one script, and . _ - between them.") \
    X(WEAK_PASSWORD, "weak-password", "That password is too easy to guess; choose a longer or less common one.") \
    X(WRONG_CREDENTIALS, "wrong-credentials", "The name or the password is wrong.") \
    X(BLOCKED, "blocked", "You are blocked; try again later.") \
    X(BUSY, "busy", "The registry is busy; try again in a moment.") \
    X(NO_SUCH_USER, "no-such-user", "There is no user of that name.") \
    X(USER_OFFLINE, "user-offline", "That user is offline; the message waits and goes out when they appear.") \
    X(NO_SUCH_ROOM, "no-such-room", "There is no room of that name.") \
    X(ROOM_EXISTS, "room-exists", "There is a room of that name already.") \
    X(NOT_A_MEMBER, "not-a-member", "You are not a member of that room.") \
    X(FORBIDDEN, "forbidden", "You may not do that.") \
    X(TOO_LARGE, "too-large", "That is larger than a message may be, which is 49152 bytes; send it in parts.") \
    X(REGISTRY_UNREACHABLE, "registry-unreachable", "The registry cannot be reached; check the link, or wait until it is back.") \
    X(REGISTRY_KEY_CHANGED, "registry-key-changed", "THE REGISTRY'S KEY IS NOT THE ONE THAT WAS PINNED. Somebody may be posing as it. Ask its operator over another channel, and use a fresh home with the new link only if they confirm the change.") \
    X(PEER_KEY_CHANGED, "peer-key-changed", "THAT USER'S KEYS ARE NOT THE ONES YOU KNOW. It may be a new account under an old name, or somebody posing as them. Ask them over another channel, then say: trust NAME.") \
    X(QUOTA_EXCEEDED, "quota-exceeded", "A limit is reached; free some room, or ask the operator to raise it.") \
    X(VERSION_MISMATCH, "version-mismatch", "The other side speaks another version of the protocol; update the older one.") \
    X(REFUSED, "refused", "The other side refused.") \
    X(REVOKED, "revoked", "This device was revoked; enrol it again with name and password in a fresh home.") \
    X(INTERNAL, "internal", "Something went wrong inside; the log says more.") \
    /* bytes that are not what they should be */ \
    X(SHORT, "short", "The bytes end too early.") \
    X(TYPE, "type", "A field has the wrong type.") \
    X(RANGE, "range", "A field is out of its range.") \
    X(TRAILING, "trailing", "There are bytes after the end.") \
    X(TEXT, "text", "Text is not clean UTF-8.") \
    X(KIND, "kind", "The kind of message is unknown, or not expected here.") \
    X(SPACE, "space", "The buffer is too small for what should be written.") \
    /* seals and signatures */ \
    X(SEAL, "seal", "The seal does not open.") \
    X(SIGNATURE, "signature", "The signature is wrong.") \
    X(EXPIRED, "expired", "The certificate is not valid at this time.") \
    X(REPLAY, "replay", "That was seen before.") \
    X(UNKNOWN_KEY, "unknown-key", "The key is not known here.") \
    /* the disk and the machine */ \
    X(NOT_FOUND, "not-found", "There is no such record.") \
    X(STORE_FULL, "store-full", "The store or its disk is full; make room or raise store.map_mib.") \
    X(STORE_DAMAGED, "store-damaged", "The store is damaged; restore it from a backup, or move it aside to start anew.") \
    X(STORE_IO, "store-io", "The store cannot be read or written; check the disk and the rights of the directory.") \
    X(IN_USE, "in-use", "Another process is using that directory; stop it first, or choose another.") \
    X(UNSAFE_FILE, "unsafe-file", "A secret file can be read by others; run chmod 600 on it after checking who read it.") \
    X(LOCKED, "locked", "The key file is locked with a passphrase; give it in CONCLAVE_PASSPHRASE or at the prompt.") \
    X(CONFIG, "config", "The configuration has a mistake.") \
    X(SYSTEM, "system", "The operating system refused.") \
    X(TIMEOUT, "timeout", "It took too long.")

enum conclave_err {
#define CONCLAVE_ERR_ENUM(name, code, sentence) CONCLAVE_ERR_##name,
    CONCLAVE_ERRORS(CONCLAVE_ERR_ENUM)
#undef CONCLAVE_ERR_ENUM
};
#define CONCLAVE_OK CONCLAVE_ERR_OK

#endif
