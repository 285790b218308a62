/* Writes the files of this folder anew: generate DIRECTORY.  For when the
 * catalog changes on purpose, together with MSG_VERSION. */
#include <stdlib.h>

#include "msg/codec.h"
#include "tests/vectors/vectors.h"

static FILE *
create(const char *directory, const char *name, const char *ending)
{
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s%s", directory, name, ending);
    FILE *const file = fopen(path, "w");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    return file;
}

int
main(int argc, char **argv)
{
    static uint8_t frame[MSG_FRAME_MAX];
    static char text[4 * MSG_FRAME_MAX];
    const struct msg_shape *shape;
    if (argc != 2) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; (shape = msg_catalog_at(i)) != NULL; i++) {
        char name[64];
        struct msg_buf out = {frame, 0, sizeof frame};
        if (msg_catalog_is_item(shape->kind))
            continue; /* items stand in the frames that have lists of them */
        vectors_name(name, shape);
        vectors_frame(&out, shape->kind);
        FILE *const hex = create(argv[1], name, ".hex");
        msg_keys_to_hex(text, out.at, out.len);
        fprintf(hex, "%s\n", text);
        fclose(hex);
        FILE *const expected = create(argv[1], name, ".exp");
        msg_codec_print(text, sizeof text, msg_span_of_buf(&out));
        fprintf(expected, "%s\n", text);
        fclose(expected);
    }
    FILE *const crypto = create(argv[1], "crypto", ".txt");
    vectors_crypto(crypto);
    fclose(crypto);
    return 0;
}
