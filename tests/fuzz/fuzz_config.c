/* Any text is a configuration or is refused with its line and one sentence, and
 * what was accepted lies within the bounds of its options. */
#include <string.h>

#include "broker/settings.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct broker_settings settings;
    char why[BROKER_WHY_MAX];
    size_t count;
    const struct host_option *options = broker_settings_options(&count);

    memset(&settings, 0, sizeof settings);
    memset(why, 0, sizeof why);
    host_config_preset(&settings, options, count);
    const enum conclave_err err = host_config_read(
        &settings, options, count, (struct msg_text){(const char *)data, size}, "x", why, sizeof why);
    FUZZ_CLAIM(err == CONCLAVE_OK || err == CONCLAVE_ERR_CONFIG);
    FUZZ_CLAIM(err == CONCLAVE_OK || strncmp(why, "x:", 2) == 0);
    for (size_t i = 0; i < count; i++) {
        const uint8_t *at = (const uint8_t *)&settings + options[i].offset;
        uint64_t number;
        if (options[i].kind == HOST_OPTION_TEXT)
            FUZZ_CLAIM(memchr(at, '\0', options[i].max) != NULL);
        if (options[i].kind != HOST_OPTION_NUMBER)
            continue;
        memcpy(&number, at, sizeof number);
        FUZZ_CLAIM(number >= options[i].min && number <= options[i].max);
    }
    return 0;
}
