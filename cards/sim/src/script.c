/* Scripts of the far ends: read from text, run a step at a time. The words are in docs/boards.md. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define STEPS_MOST 64
#define WORDS 5
#define DAY 86400.0
#define FLASH_MS 260

enum { T = 1 << CYSIM_TRUNK, X = 1 << CYSIM_EXTENSION, R = 1 << CYSIM_RECORDER, P = 1 << CYSIM_PRI, S = 1 << CYSIM_SS1, ALL = T | X | R | P | S };

static const struct {
    const char *word;
    int kinds, least, most;  /* arguments */
} table[STEPS] = {
    [STEP_WAIT] = {"wait", ALL, 1, 1},
    [STEP_CALL] = {"call", T | R | P | S, 1, 3},
    [STEP_ANSWERED] = {"answered", T | R | P | S, 1, 1},
    [STEP_RING] = {"ring", T | R | P | S, 1, 1},
    [STEP_ANSWER] = {"answer", T | R | P | S, 0, 0},
    [STEP_BUSY] = {"busy", T | R | P | S, 0, 0},
    [STEP_CONGESTION] = {"congestion", T | R | P | S, 0, 0},
    [STEP_DEAD] = {"dead", T | R | P | S, 0, 0},
    [STEP_HANGUP] = {"hangup", T | R | P | S, 0, 1},
    [STEP_NO_DIAL_TONE] = {"nodialtone", T | R, 0, 0},
    [STEP_DIAL_TONE] = {"dialtone", T | R, 0, 0},
    [STEP_LIFT] = {"lift", X | R, 0, 0},
    [STEP_REPLACE] = {"replace", X | R, 0, 0},
    [STEP_FLASH] = {"flash", X, 0, 0},
    [STEP_RUNG] = {"rung", X, 1, 1},
    [STEP_DIGITS] = {"digits", ALL, 1, 1},
    [STEP_SAY] = {"say", ALL, 1, 1},
    [STEP_TALK] = {"talk", ALL, 1, 1},
    [STEP_TONE] = {"tone", ALL, 2, 3},
    [STEP_HUSH] = {"hush", ALL, 0, 0},
    [STEP_NOISE] = {"noise", ALL, 1, 1},
    [STEP_UNPLUG] = {"unplug", ALL, 0, 0},
    [STEP_PLUG] = {"plug", ALL, 0, 0},
    [STEP_REPEAT] = {"repeat", ALL, 0, 0},
};

static int number_of(const char *word, double least, double most, double *number)
{
    char *end;
    *number = strtod(word, &end);
    return end != word && !*end && isfinite(*number) && *number >= least && *number <= most;
}

static const char *arguments(struct step *step, int count, char **word)
{
    switch (step->kind) {
    case STEP_WAIT: case STEP_ANSWERED: case STEP_RING: case STEP_RUNG:
        return number_of(word[1], 0, DAY, &step->second) ? NULL : "seconds, 0 to 86400";
    case STEP_CALL:
        if (strlen(word[1]) >= TEXT || (count > 3 && strlen(word[3]) >= TEXT)) return "a shorter number and name";
        strcpy(step->text, word[1]);
        if (count > 3) strcpy(step->name, word[3]);
        if (count == 2 || !strcmp(word[2], "fsk")) step->way = WAY_FSK;
        else if (!strcmp(word[2], "dtmf")) step->way = WAY_DTMF;
        else if (!strcmp(word[2], "none")) step->way = WAY_NONE;
        else return "fsk, dtmf or none";
        return NULL;
    case STEP_HANGUP:
        step->number = 16;
        return count == 2 && !number_of(word[1], 1, 127, &step->number) ? "a cause of 1 to 127" : NULL;
    case STEP_DIGITS:
        if (!*word[1] || strlen(word[1]) >= TEXT || strspn(word[1], "0123456789*#ABCD") != strlen(word[1])) return "digits 0-9 * # A-D";
        strcpy(step->text, word[1]);
        return NULL;
    case STEP_TONE:
        step->level = -10;
        if (!number_of(word[1], 20, 3900, &step->number) || !number_of(word[2], 0, DAY, &step->second)) return "hertz and seconds";
        return count == 4 && !number_of(word[3], -60, 3, &step->level) ? "a level of -60 to 3 dBm0" : NULL;
    case STEP_NOISE:
        if (!strcmp(word[1], "off")) step->level = SILENT;
        else if (!number_of(word[1], -90, -3, &step->level)) return "a level of -90 to -3 dBm0, or off";
        return NULL;
    case STEP_SAY: case STEP_TALK: {
        const char *why;
        step->sound = sound_load(word[1], -1, &why);
        return step->sound ? NULL : why;
    }
    default: return NULL;
    }
}

/* Take the next step's words off the text. How many, or -1. */
static int words_of(char **text, char **word)
{
    char *at = *text;
    int count = 0;
    for (;;) {
        while (isspace((unsigned char) *at)) at++;
        if (!*at || *at == ';') break;
        if (count == WORDS) return -1;
        if (*at == '"') {
            word[count++] = ++at;
            while (*at && *at != '"') at++;
            if (!*at) return -1;
            *at++ = 0;
            if (*at && *at != ';' && !isspace((unsigned char) *at)) return -1;
            continue;
        }
        word[count++] = at;
        while (*at && *at != ';' && !isspace((unsigned char) *at)) at++;
        if (isspace((unsigned char) *at)) *at++ = 0;
        else break;
    }
    if (*at == ';') *at++ = 0;
    *text = at;
    return count;
}

static int is_sound(enum step_kind kind)
{
    return kind == STEP_SAY || kind == STEP_TALK || kind == STEP_TONE || kind == STEP_HUSH;
}

static const char *step_of(struct step *step, int kind, int count, char **word)
{
    if (kind == CYSIM_RECORDER && count > 1 && !strcmp(word[0], "far")) {
        const char *why = step_of(step, kind, count - 1, word + 1);
        step->far = 1;
        return why ? why : is_sound(step->kind) ? NULL : "far is for say, talk, tone and hush";
    }
    for (int k = 0; k < STEPS; k++) {
        if (strcmp(word[0], table[k].word)) continue;
        if (!(table[k].kinds & 1 << kind)) return "not on a line of this kind";
        if (count - 1 < table[k].least || count - 1 > table[k].most) return "another number of words after it";
        step->kind = (enum step_kind) k;
        return arguments(step, count, word);
    }
    return "no such step";
}

/* NULL and the reason when the text is no script for a line of this kind. An empty one is a script of no steps. */
struct script *script_read(const char *text, int kind, const char **why)
{
    char *copy = strdup(text), *at = copy, *word[WORDS];
    struct script *script = calloc(1, sizeof *script + STEPS_MOST * sizeof *script->steps);
    *why = copy && script ? NULL : "no memory";
    if (script) script->refs = 1;
    while (!*why && *at) {
        int count = words_of(&at, word);
        if (count < 0) *why = "a quote that does not end, or too many words";
        else if (count && script->count == STEPS_MOST) *why = "too many steps";
        else if (count) *why = step_of(&script->steps[script->count], kind, count, word);
        if (count > 0 && !*why) script->count++;
    }
    free(copy);
    if (!*why) return script;
    script_drop(script);
    return NULL;
}

struct script *script_keep(struct script *script)
{
    if (script) script->refs++;
    return script;
}

void script_drop(struct script *script)
{
    if (!script || --script->refs) return;
    for (int i = 0; i < script->count; i++) sound_drop(script->steps[i].sound);
    free(script);
}

/* Takes the script over; NULL: none. */
void script_start(struct run *run, struct script *script)
{
    script_drop(run->script);
    run->script = script;
    run->step = run->entered = 0;
    run->since = board_tick;
}

void script_reaction_over(struct channel *channel)
{
    script_start(&channel->line.reaction, NULL);
}

/* We have hung up first: reactions end, a script goes on at its repeat or ends. */
void script_call_over(struct channel *channel)
{
    struct run *run = &channel->line.script;
    script_reaction_over(channel);
    if (!run->script) return;
    int last = run->script->count - 1;
    if (last >= 0 && run->script->steps[last].kind == STEP_REPEAT && run->step > 0) {
        run->step = last;
        run->entered = 0;
    } else if (run->step > 0) {
        script_start(run, NULL);
    }
}

static void enter(struct channel *channel, const struct step *step)
{
    struct line *line = &channel->line;
    struct speaker *speaker = step->far ? &line->far : &line->near;
    int proceeding = line->state == CYSIM_PROCEEDING;
    switch (step->kind) {
    case STEP_RING: if (proceeding) line_tone(line, RINGBACK_TONE); break;
    case STEP_ANSWER: if (proceeding) line_answer(channel); break;
    case STEP_BUSY: line->cause = 17; if (proceeding) line_release(channel, BUSY_TONE); break;
    case STEP_CONGESTION: line->cause = 34; if (proceeding) line_release(channel, CONGESTION_TONE); break;
    case STEP_DEAD: if (proceeding) line_tone(line, -1); break;
    case STEP_HANGUP: line->cause = (int) step->number; line_release(channel, settings.busy ? BUSY_TONE : -1); break;
    case STEP_NO_DIAL_TONE: line->dial_tone_given = 0; break;
    case STEP_DIAL_TONE: line->dial_tone_given = 1; break;
    case STEP_LIFT: line->lifted = 1; break;
    case STEP_REPLACE: line->lifted = 0; break;
    case STEP_FLASH: if (line->lifted) { line->lifted = 0; line->flash_ms = FLASH_MS; } break;
    case STEP_DIGITS: line_press(line, step->text); break;
    case STEP_SAY: case STEP_TALK:
        player_free(speaker->voice);
        speaker->voice = player_make(step->sound, 0, SIZE_MAX);
        speaker->again = step->kind == STEP_TALK;
        break;
    case STEP_TONE:
        speaker->sine_left = (float) (step->second * 8000);
        speaker->sine_rate = dds_phase_rate((float) step->number);
        speaker->sine_scale = dds_scaling_dbm0((float) step->level);
        break;
    case STEP_HUSH:
        if (step->far) speaker_hush(&line->far);
        else line_hush(line);
        break;
    case STEP_NOISE: line->noise = step->level > SILENT ? (float) (32768.0 * pow(10, (step->level - 6.15) / 20)) : 0; break;
    case STEP_UNPLUG: line_plug(channel, 0); break;
    case STEP_PLUG: line_plug(channel, 1); break;
    default: break;
    }
}

enum { DONE, NOT_YET, OVER };

static int waited(struct channel *channel, const struct step *step, long since)
{
    struct line *line = &channel->line;
    int late = board_tick - since >= TICKS(step->second);
    switch (step->kind) {
    case STEP_WAIT: case STEP_RING: return late ? DONE : NOT_YET;
    case STEP_CALL:
        if (line->state != CYSIM_IDLE) return NOT_YET;
        line_call(channel, step);
        return DONE;
    case STEP_ANSWERED:
        if (line->state == CYSIM_TALKING) return DONE;
        if (!late && line->state == CYSIM_RINGING) return NOT_YET;
        if (line->state == CYSIM_RINGING) line_set(channel, CYSIM_IDLE);
        return OVER;
    case STEP_RUNG: return channel->ring ? DONE : late ? OVER : NOT_YET;
    case STEP_DIGITS: return line->keys_left > 0 ? NOT_YET : DONE;
    case STEP_SAY: return !step->far && line->near.voice ? NOT_YET : DONE;
    case STEP_TONE: return !step->far && line->near.sine_left > 0 ? NOT_YET : DONE;
    case STEP_FLASH: return line->flash_ms > 0 ? NOT_YET : DONE;
    default: return DONE;
    }
}

static void run_tick(struct channel *channel, struct run *run)
{
    for (int steps = 0; run->script && steps < STEPS_MOST; steps++) {
        if (run->step >= run->script->count) {
            script_start(run, NULL);
            return;
        }
        const struct step *step = &run->script->steps[run->step];
        if (step->kind == STEP_REPEAT) {
            run->step = run->entered = 0;
            return;
        }
        if (!run->entered) {
            run->entered = 1;
            run->since = board_tick;
            enter(channel, step);
        }
        int result = waited(channel, step, run->since);
        if (result == NOT_YET) return;
        if (result == OVER) {
            script_call_over(channel);
            if (run->script && run->script->steps[run->step].kind != STEP_REPEAT) script_start(run, NULL);
            return;
        }
        run->step++;
        run->entered = 0;
    }
}

void script_tick(struct channel *channel)
{
    run_tick(channel, &channel->line.script);
    run_tick(channel, &channel->line.reaction);
}
