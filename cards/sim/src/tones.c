/* Call progress tones: made and found, by country. Frequencies and cadences are those of ITU-T E.180, supplement 2. */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "core.h"

#define NEAR 0.16            /* a run may be so much off */
#define LOUD -38.0           /* dBm0: a tone is at least so loud */
#define DIAL_TONE_MS 1200    /* longer than any burst of a cadence */

static const struct country countries[] = {
    {"cn",
     {{450, 0, 0, 0, {0}}, {450, 0, 2, 4, {350, 350}}, {450, 0, 2, 4, {700, 700}}, {450, 0, 2, 1, {1000, 4000}}},
     2, {1000, 4000}},
    {"us",
     {{350, 440, 0, 0, {0}}, {480, 620, 2, 4, {500, 500}}, {480, 620, 2, 4, {250, 250}}, {440, 480, 2, 1, {2000, 4000}}},
     2, {2000, 4000}},
    {"gb",
     {{350, 440, 0, 0, {0}}, {400, 0, 2, 4, {375, 375}}, {400, 0, 4, 4, {400, 350, 225, 525}}, {400, 450, 4, 3, {400, 200, 400, 2000}}},
     4, {400, 200, 400, 2000}},
};

const struct country *country_named(const char *name)
{
    for (size_t i = 0; i < sizeof countries / sizeof *countries; i++)
        if (!strcasecmp(countries[i].name, name)) return &countries[i];
    return NULL;
}

int cadence_ms(const int *ms, int steps)
{
    int whole = 0;
    for (int i = 0; i < steps; i++) whole += ms[i];
    return whole;
}

int cadence_on(const int *ms, int steps, long at)
{
    if (!steps) return 1;
    at %= cadence_ms(ms, steps);
    for (int i = 0; i < steps; i++) {
        if (at < ms[i]) return i % 2 == 0;
        at -= ms[i];
    }
    return 0;
}

void tone_start(struct tone_maker *maker, const struct tone *tone, float level)
{
    memset(maker, 0, sizeof *maker);
    maker->tone = tone;
    maker->level = level;
}

/* Add a tick of it to the sum. Its cadence stands still when it is not fed. */
void tone_add(struct tone_maker *maker, int32_t *sum, int fed)
{
    const struct tone *tone = maker->tone;
    if (!tone) return;
    int32_t rate1 = dds_phase_rate(tone->f1), rate2 = tone->f2 ? dds_phase_rate(tone->f2) : 0;
    int16_t scale = dds_scaling_dbm0(maker->level - (tone->f2 ? 3 : 0));
    for (int i = 0; i < TICK; i++) {
        if (cadence_on(tone->ms, tone->steps, maker->at + (fed ? i / 8 : 0)))
            sum[i] += dds_mod(&maker->phase1, rate1, scale, 0) + (rate2 ? dds_mod(&maker->phase2, rate2, scale, 0) : 0);
    }
    if (fed) maker->at += TICK_MS;
}

static double level_of_energy(double energy, int count)
{
    double mean = energy / count / (32768.0 * 32768.0);
    return mean < 1e-10 ? SILENT : 10 * log10(mean) + 6.15;
}

double level_of(const int16_t *samples, int count)
{
    int64_t energy = 0;
    for (int i = 0; i < count; i++) energy += samples[i] * samples[i];
    return level_of_energy((double) energy, count);
}

void finder_init(struct tone_finder *finder, const struct country *country)
{
    memset(finder, 0, sizeof *finder);
    finder->country = country;
    for (int t = 0; t < TONES; t++) {
        const struct tone *tone = &country->tones[t];
        int g = 0;
        while (g < finder->groups && (finder->group[g].f1 != tone->f1 || finder->group[g].f2 != tone->f2)) g++;
        if (g == finder->groups) {
            finder->group[g].f1 = tone->f1;
            finder->group[g].f2 = tone->f2;
            make_goertzel_descriptor(&finder->bins[2 * g], tone->f1, TICK);
            make_goertzel_descriptor(&finder->bins[2 * g + 1], tone->f2 ? tone->f2 : tone->f1, TICK);
            finder->groups++;
        }
        finder->group_of[t] = g;
    }
    finder_clear(finder);
}

void finder_clear(struct tone_finder *finder)
{
    for (int g = 0; g < finder->groups; g++) {
        finder->group[g].on = finder->group[g].run = 0;
        memset(finder->group[g].past, 0, sizeof finder->group[g].past);
    }
    finder->found = 0;
    finder->busy_cycles = 0;
    finder->voice_ms = finder->silent_ms = 0;
    finder->ringback_ms = -1;
}

static int near(int run, int want)
{
    int slack = (int) (want * NEAR) < 2 * TICK_MS ? 2 * TICK_MS : (int) (want * NEAR);
    return run >= want - slack && run <= want + slack;
}

/* Whether the last completed runs are this tone's cadence; the newest is step need-1 of it. */
static int matches(const struct tone_group *group, const struct tone *tone)
{
    if (!tone->steps) return 0;
    if (group->on != (tone->need % 2 == 0)) return 0;
    for (int i = 0; i < tone->need; i++)
        if (!near(group->past[tone->need - 1 - i], tone->ms[i % tone->steps])) return 0;
    return 1;
}

static float share(const goertzel_descriptor_t *bin, const int16_t *samples)
{
    goertzel_state_t state;
    goertzel_init(&state, (goertzel_descriptor_t *) bin);
    goertzel_update(&state, samples, TICK);
    return goertzel_result(&state);
}

/* Whether nearly all that is heard are this group's frequencies, and both of them. */
static int group_heard(const struct tone_finder *finder, int g, const int16_t *samples, double energy)
{
    double first = share(&finder->bins[2 * g], samples) * 2 / TICK / energy;
    if (!finder->group[g].f2) return first > 0.6;
    double second = share(&finder->bins[2 * g + 1], samples) * 2 / TICK / energy;
    return first > 0.2 && second > 0.2 && first + second > 0.6;
}

static void turned(struct tone_finder *finder, int g)
{
    struct tone_group *group = &finder->group[g];
    memmove(group->past + 1, group->past, sizeof group->past - sizeof *group->past);
    group->past[0] = group->run;
    group->run = 0;
    group->on = !group->on;
    int busy = 0;
    for (int t = BUSY_TONE; t < TONES; t++) {
        if (finder->group_of[t] != g || !matches(group, &finder->country->tones[t])) continue;
        finder->found |= 1u << t;
        if (t == RINGBACK_TONE) finder->ringback_ms = 0;
        else busy = 1;
    }
    if (busy) finder->busy_cycles++;
}

void finder_hear(struct tone_finder *finder, const int16_t *samples)
{
    int64_t energy = 0;
    for (int i = 0; i < TICK; i++) energy += samples[i] * samples[i];
    finder->level = level_of_energy((double) energy, TICK);
    int loud = finder->level > LOUD, any = 0;
    if (finder->ringback_ms >= 0) finder->ringback_ms += TICK_MS;
    for (int g = 0; g < finder->groups; g++) {
        struct tone_group *group = &finder->group[g];
        int on = loud && group_heard(finder, g, samples, (double) energy);
        any |= on;
        if (on != group->on) turned(finder, g);
        group->run += TICK_MS;
        if (group->run > 10000) group->run = 10000;
        if (on && group->run >= DIAL_TONE_MS && finder->group_of[DIAL_TONE] == g) finder->found |= 1u << DIAL_TONE;
        if (group->run > 1500 && finder->busy_cycles && finder->group_of[BUSY_TONE] == g) finder->busy_cycles = 0;
    }
    if (loud && !any) finder->voice_ms += TICK_MS;
    else if (finder->voice_ms > 0) finder->voice_ms -= any ? TICK_MS * 2 : TICK_MS / 4;
    if (finder->voice_ms < 0) finder->voice_ms = 0;
    finder->silent_ms = loud ? 0 : finder->silent_ms + TICK_MS;
}

int finder_tone_on(const struct tone_finder *finder, int tone)
{
    return finder->group[finder->group_of[tone]].on;
}
