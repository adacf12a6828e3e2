/* What tests, training and the demo do to the simulated board: see control.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define ENVIRONMENT "CALLYARD_SIM_BOARD"
#define RINGS_AND_ANSWERS "ring 2; answer"

static char error[256];
struct settings settings;
static int configured;

int refuse(const char *why, ...)
{
    va_list arguments;
    va_start(arguments, why);
    vsnprintf(error, sizeof error, why, arguments);
    va_end(arguments);
    return -1;
}

EXPORT const char *cysim_error(void)
{
    return error;
}

/* ---------------------------------------------------------------- configuration */

static void defaults(struct settings *wanted)
{
    *wanted = (struct settings) {.trunks = 4, .extensions = 4, .country = country_named("cn"), .busy = 1, .ring_to_state = 1,
                                 .noise = -70, .digit_gap = 1, .no_answer = 60, .no_signal = 10};
}

static const char *set_word(struct settings *wanted, const char *key, const char *value)
{
    static const struct { const char *key; size_t at; double most; } counts[] = {
        {"trunks", offsetof(struct settings, trunks), MAX_LINES}, {"extensions", offsetof(struct settings, extensions), MAX_LINES},
        {"recorders", offsetof(struct settings, recorders), MAX_LINES}, {"pri", offsetof(struct settings, pri), MAX_LINES},
        {"ss1", offsetof(struct settings, ss1), MAX_LINES}, {"polarity", offsetof(struct settings, polarity), 1},
        {"busy", offsetof(struct settings, busy), 1}, {"agc", offsetof(struct settings, agc), 1}, {"aec", offsetof(struct settings, aec), 1},
        {"ring_to_state", offsetof(struct settings, ring_to_state), 10},
    };
    static const struct { const char *key; size_t at; double least, most; } reals[] = {
        {"noise", offsetof(struct settings, noise), -90, -3}, {"echo", offsetof(struct settings, echo), 0, 60},
        {"digit_gap", offsetof(struct settings, digit_gap), 0.2, 30}, {"no_answer", offsetof(struct settings, no_answer), 1, 600},
        {"no_signal", offsetof(struct settings, no_signal), 1, 600},
    };
    char *end;
    double number = strtod(value, &end);
    int numeric = end != value && !*end;
    if (!strcmp(key, "country")) {
        const struct country *country = country_named(value);
        if (country) wanted->country = country;
        return country ? NULL : "is no country that the board knows";
    }
    if (!strcmp(key, "noise") && !strcmp(value, "off")) {
        wanted->noise = SILENT;
        return NULL;
    }
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (strcmp(key, counts[i].key)) continue;
        if (!numeric || number < 0 || number > counts[i].most || number != (int) number) return "is not a number that fits";
        *(int *) ((char *) wanted + counts[i].at) = (int) number;
        return NULL;
    }
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++) {
        if (strcmp(key, reals[i].key)) continue;
        if (!numeric || !(number >= reals[i].least && number <= reals[i].most)) return "is not a number that fits";
        *(double *) ((char *) wanted + reals[i].at) = number;
        return NULL;
    }
    return "is no word of the configuration";
}

static int configure(const char *text)
{
    struct settings wanted;
    char word[128];
    defaults(&wanted);
    while (*(text += strspn(text, " \t\r\n,;"))) {
        size_t size = strcspn(text, " \t\r\n,;");
        if (size >= sizeof word) return refuse("a word of the configuration is too long");
        memcpy(word, text, size);
        word[size] = 0;
        text += size;
        char *value = strchr(word, '=');
        if (!value) return refuse("configuration: %s has no value", word);
        *value++ = 0;
        const char *why = set_word(&wanted, word, value);
        if (why) return refuse("configuration: %s=%s %s", word, value, why);
    }
    int count = wanted.trunks + wanted.extensions + wanted.recorders + wanted.pri + wanted.ss1;
    if (count < 1 || count > MAX_LINES) return refuse("configuration: 1 to %d channels", MAX_LINES);
    settings = wanted;
    return 0;
}

int board_configured(const char *text, const char **why)
{
    const char *environment = getenv(ENVIRONMENT);
    *why = error;
    if (configured) return 1;
    return !configure(text ? text : environment ? environment : "");
}

EXPORT int cysim_configure(const char *text)
{
    pthread_mutex_lock(&board_lock);
    int result = board_running ? refuse("the board is running: configure it before it is started") : configure(text);
    configured = configured || !result;
    pthread_mutex_unlock(&board_lock);
    return result;
}

EXPORT int cysim_reset(void)
{
    clock_stop();
    pthread_mutex_lock(&board_lock);
    board_stop();
    board_reset_face();
    configured = 0;
    *error = 0;
    pthread_mutex_unlock(&board_lock);
    return cysim_statistics_clear();
}

/* ---------------------------------------------------------------- lines */

/* With the lock held when it is there. */
static struct channel *locked(int line)
{
    pthread_mutex_lock(&board_lock);
    struct channel *channel = board_channel(line);
    if (channel) return channel;
    refuse(board_running ? "line %d is not there" : "line %d: the board is not started", line);
    pthread_mutex_unlock(&board_lock);
    return NULL;
}

static int unlocked(int result)
{
    pthread_mutex_unlock(&board_lock);
    return result;
}

EXPORT int cysim_lines(void)
{
    pthread_mutex_lock(&board_lock);
    return unlocked(channel_count);
}

EXPORT int cysim_line_now(int number, cysim_line *now)
{
    struct channel *channel = locked(number);
    if (!channel) return -1;
    const struct line *line = &channel->line;
    *now = (cysim_line) {
        .kind = channel->kind, .state = line->state, .reversed = line->reversed, .rings = (int) line->rings,
        .off_hook = channel->kind == CYSIM_EXTENSION || channel->kind == CYSIM_RECORDER ? line->lifted : channel->hook,
        .script_running = line->script.script || line->reaction.script, .heard_dbm0 = line->heard_level, .said_dbm0 = line->said_level,
    };
    return unlocked(0);
}

static struct script *read_for(int number, const char *text)
{
    const char *why;
    struct channel *channel = locked(number);
    if (!channel) return NULL;
    int kind = channel->kind;
    pthread_mutex_unlock(&board_lock);
    struct script *script = script_read(text, kind, &why); /* it may read files: not under the lock */
    if (!script) refuse("script \"%.120s\": %s", text, why);
    return script;
}

EXPORT int cysim_do(int number, const char *text)
{
    struct script *script = read_for(number, text);
    struct channel *channel = script ? locked(number) : NULL;
    if (!channel) return -1;
    script_start(&channel->line.script, script);
    script_start(&channel->line.reaction, NULL);
    return unlocked(0);
}

EXPORT int cysim_when(int number, const char *event, const char *text)
{
    struct script *script = read_for(number, text);
    struct channel *channel = script ? locked(number) : NULL;
    if (!channel) return -1;
    int dialled = !strcmp(event, "dialled"), fits = dialled ? channel->kind != CYSIM_EXTENSION : !strcmp(event, "rung") && channel->kind == CYSIM_EXTENSION;
    struct script **slot = dialled ? &channel->line.when_dialled : &channel->line.when_rung;
    if (!fits) {
        script_drop(script);
        return unlocked(refuse("nothing like \"%.40s\" happens to line %d", event, number));
    }
    script_drop(*slot);
    *slot = script;
    return unlocked(0);
}

struct script *script_of_dialled(struct channel *channel)
{
    const char *why;
    if (!channel->line.when_dialled) channel->line.when_dialled = script_read(RINGS_AND_ANSWERS, channel->kind, &why);
    return script_keep(channel->line.when_dialled);
}

EXPORT int cysim_say(int number, const short *samples, int count)
{
    struct channel *channel = locked(number);
    if (!channel) return -1;
    struct line *line = &channel->line;
    int room = SAID - line->said_count, taken = count < 0 ? 0 : count < room ? count : room;
    for (int i = 0; i < taken; i++) line->said[(line->said_at + line->said_count + i) % SAID] = samples[i];
    line->said_count += taken;
    return unlocked(taken);
}

EXPORT int cysim_unsaid(int number)
{
    struct channel *channel = locked(number);
    return channel ? unlocked(channel->line.said_count) : -1;
}

EXPORT int cysim_heard(int number, short *samples, int count)
{
    if (count < 0 || count > HEARD) return refuse("a far end remembers %d samples", HEARD);
    struct channel *channel = locked(number);
    if (!channel) return -1;
    const struct line *line = &channel->line;
    for (int i = 0; i < count; i++) samples[i] = line->heard[(line->heard_at + HEARD - count + i) % HEARD];
    return unlocked(count);
}

static int told(int number, const char *(*text)(const struct channel *), char *to, int size)
{
    struct channel *channel = size > 0 ? locked(number) : NULL;
    if (!channel) return -1;
    return unlocked(snprintf(to, (size_t) size, "%s", text(channel)));
}

static const char *dialled(const struct channel *channel) { return channel->line.dialled; }
static const char *pressed(const struct channel *channel) { return channel->line.pressed; }
static const char *shown(const struct channel *channel) { return channel->kind == CYSIM_EXTENSION ? channel->reader.caller.number : ""; }

EXPORT int cysim_dialled(int number, char *text, int size) { return told(number, dialled, text, size); }
EXPORT int cysim_keys(int number, char *text, int size) { return told(number, pressed, text, size); }
EXPORT int cysim_shown(int number, char *text, int size) { return told(number, shown, text, size); }
