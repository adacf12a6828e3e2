/* The copper pair of each channel and its far end: an exchange with a subscriber behind it, or a telephone. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

#define DIAL_TONE_AFTER 300  /* ms after the line was taken */
#define CLEAR_MS 500         /* on hook so long: the call is over; shorter is a flash */
#define PATIENCE_MS 20000    /* of an exchange that is not dialled */
#define EXCHANGE_LEVEL -10
#define KEY_MS 80
#define NOISES 65536
#define HEARS_KEYS -50.0

static float noises[NOISES];

static void on_ear(void *user, const char *digits, int count)
{
    struct channel *channel = user;
    struct line *line = &channel->line;
    for (int i = 0; i < count; i++) {
        if (channel->kind != CYSIM_EXTENSION && line->state == CYSIM_DIALLING) {
            line->digit_at = 0;
            line_tone(line, -1);
            if (line->dialled_count < TEXT - 1) line->dialled[line->dialled_count++] = digits[i];
        } else if (line->pressed_count < (int) sizeof line->pressed - 1) {
            line->pressed[line->pressed_count++] = digits[i];
        }
    }
}

static void make_noises(void)
{
    awgn_state_t *maker = awgn_init_dbm0(NULL, 12345, -20.0f);
    double scale = 0;
    for (int i = 0; i < NOISES; i++) {
        noises[i] = awgn(maker);
        scale += noises[i] * noises[i];
    }
    scale = sqrt(scale / NOISES);
    for (int i = 0; i < NOISES; i++) noises[i] /= (float) scale;
    awgn_free(maker);
}

int line_open(struct channel *channel)
{
    struct line *line = &channel->line;
    if (!noises[0]) make_noises();
    line->plugged = line->dial_tone_given = 1;
    line->seed = 2654435761u * (uint32_t) (channel->index + 1);
    line->noise = settings.noise > SILENT ? (float) (32768.0 * pow(10, (settings.noise - 6.15) / 20)) : 0;
    line->keys = dtmf_tx_init(NULL);
    line->ear = dtmf_rx_init(NULL, on_ear, channel);
    line->said = calloc(SAID, sizeof *line->said);
    line->heard = calloc(HEARD, sizeof *line->heard);
    line->heard_level = line->said_level = SILENT;
    if (!line->keys || !line->ear || !line->said || !line->heard) return 0;
    dtmf_tx_set_timing(line->keys, KEY_MS, KEY_MS);
    return 1;
}

void line_close(struct channel *channel)
{
    struct line *line = &channel->line;
    script_start(&line->script, NULL);
    script_start(&line->reaction, NULL);
    script_drop(line->when_dialled);
    script_drop(line->when_rung);
    line_hush(line);
    if (line->keys) dtmf_tx_free(line->keys);
    if (line->ear) dtmf_rx_free(line->ear);
    if (line->fsk) adsi_tx_free(line->fsk);
    free(line->said);
    free(line->heard);
    memset(line, 0, sizeof *line);
}

void line_set(struct channel *channel, int state)
{
    struct line *line = &channel->line;
    line->state = state;
    line->since = 0;
    if (state != CYSIM_RINGING) line->ringing = 0;
    if (state == CYSIM_RINGING || state == CYSIM_IDLE) line->reversed = 0;
    if (state == CYSIM_DIALLING) {
        memset(line->dialled, 0, sizeof line->dialled);
        line->dialled_count = 0;
        line->digit_at = 0;
    }
    if (state == CYSIM_TALKING) {
        memset(line->pressed, 0, sizeof line->pressed);
        line->pressed_count = 0;
    }
    if (state == CYSIM_IDLE || state == CYSIM_TALKING || state == CYSIM_DEAD) line_tone(line, -1);
    if (state == CYSIM_IDLE || state == CYSIM_DEAD) line_hush(line);
    if (line->fsk && state != CYSIM_RINGING) {
        adsi_tx_free(line->fsk);
        line->fsk = NULL;
    }
}

void line_tone(struct line *line, int tone)
{
    tone_start(&line->tone, tone < 0 ? NULL : &settings.country->tones[tone], EXCHANGE_LEVEL);
}

void speaker_hush(struct speaker *speaker)
{
    player_free(speaker->voice);
    speaker->voice = NULL;
    speaker->sine_left = 0;
}

void line_hush(struct line *line)
{
    speaker_hush(&line->near);
    speaker_hush(&line->far);
    line->said_count = line->said_at = 0;
    line->keys_left = 0;
    if (line->keys) {
        dtmf_tx_init(line->keys);
        dtmf_tx_set_timing(line->keys, KEY_MS, KEY_MS);
    }
}

void line_press(struct line *line, const char *digits)
{
    int taken = dtmf_tx_put(line->keys, digits, -1);
    line->keys_left += (int) (strlen(digits) - (size_t) taken) * 2 * KEY_MS / TICK_MS + 2;
}

void line_call(struct channel *channel, const struct step *step)
{
    struct line *line = &channel->line;
    line_set(channel, CYSIM_RINGING);
    line->way = step->way;
    memset(&line->caller, 0, sizeof line->caller);
    clean_number(line->caller.number, step->text, TEXT);
    memcpy(line->caller.name, step->name, TEXT);
    line->rings = 0;
    line->ring_at = -200;
    if ((channel->kind == CYSIM_TRUNK || channel->kind == CYSIM_RECORDER) && line->way == WAY_DTMF) {
        caller_dtmf(line->keys, line->caller.number);
        line->keys_left = (int) (strlen(line->caller.number) + 2) * 2 * KEY_MS / TICK_MS;
        line->ring_at = -line->keys_left * TICK_MS - 500;
    }
}

void line_answer(struct channel *channel)
{
    line_set(channel, CYSIM_TALKING);
    channel->line.reversed = settings.polarity;
}

void line_release(struct channel *channel, int tone)
{
    struct line *line = &channel->line;
    line_hush(line);
    if (line->state == CYSIM_RINGING) {
        line_set(channel, CYSIM_IDLE);
    } else if (line->state != CYSIM_IDLE && line->state != CYSIM_DEAD) {
        line_set(channel, CYSIM_RELEASED);
        line->reversed = 0;
        line_tone(line, tone);
    }
}

void line_plug(struct channel *channel, int in)
{
    struct line *line = &channel->line;
    if (line->plugged == in) return;
    line->plugged = in;
    line_set(channel, in ? CYSIM_IDLE : CYSIM_DEAD);
}

int line_voltage(const struct channel *channel)
{
    const struct line *line = &channel->line;
    if (!line->plugged) return 0;
    int off = channel->kind == CYSIM_TRUNK ? channel->hook : line->lifted;
    return off ? 9 : 48;
}

/* ---------------------------------------------------------------- each tick */

/* Ringing voltage, bursts and FSK between the first two of them. 1: a burst begins. */
static int ring_tick(struct channel *channel, struct line *line)
{
    const struct country *country = settings.country;
    long whole = cadence_ms(country->ring_ms, country->ring_steps);
    long quiet = whole - country->ring_ms[country->ring_steps - 1];
    int was = line->ringing;
    line->ringing = line->ring_at >= 0 && cadence_on(country->ring_ms, country->ring_steps, line->ring_at);
    if (line->way == WAY_FSK && !line->fsk && line->ring_at == quiet + 500) line->fsk = caller_fsk(&line->caller);
    line->ring_at += TICK_MS;
    if (!line->ringing || was) return 0;
    if (channel->kind != CYSIM_EXTENSION) line->rings++;
    return 1;
}

/* Of a trunk the board takes the line, of a recorder the telephone beside it. */
static void exchange_tick(struct channel *channel, struct line *line)
{
    int off = channel->kind == CYSIM_TRUNK ? channel->hook : line->lifted;
    line->off_hook = off ? line->off_hook + TICK_MS : 0;
    line->on_hook = off ? 0 : line->on_hook + TICK_MS;
    if (line->state == CYSIM_IDLE) {
        if (off) line_set(channel, CYSIM_DIALLING);
    } else if (line->state == CYSIM_RINGING) {
        if (off) line_set(channel, CYSIM_TALKING);
        else ring_tick(channel, line);
    } else if (line->on_hook >= CLEAR_MS) {
        if (line->state == CYSIM_RELEASED || channel->kind == CYSIM_RECORDER) script_reaction_over(channel);
        else script_call_over(channel);
        line_set(channel, CYSIM_IDLE);
    } else if (line->state == CYSIM_DIALLING) {
        line->digit_at += TICK_MS;
        if (line->since == DIAL_TONE_AFTER && line->dial_tone_given && !line->dialled_count) line_tone(line, DIAL_TONE);
        if (line->dialled_count && line->digit_at >= settings.digit_gap * 1000) {
            line_set(channel, CYSIM_PROCEEDING);
            script_start(&line->reaction, script_of_dialled(channel));
        } else if (!line->dialled_count && line->since >= PATIENCE_MS) {
            line_release(channel, CONGESTION_TONE);
        }
    }
}

static void telephone_tick(struct channel *channel, struct line *line)
{
    if (line->flash_ms > 0 && (line->flash_ms -= TICK_MS) <= 0) line->lifted = 1;
    int state = line->lifted || line->flash_ms > 0 ? CYSIM_TALKING : channel->ring ? CYSIM_RINGING : CYSIM_IDLE;
    if (state != line->state) {
        int ringing = line->ringing;
        line_set(channel, state);
        line->ringing = ringing && state == CYSIM_RINGING;
    }
}

/* The board has begun to ring this telephone. */
void line_rung(struct channel *channel)
{
    channel->line.rings = 0;
    if (channel->line.when_rung) script_start(&channel->line.reaction, script_keep(channel->line.when_rung));
}

void line_tick(struct channel *channel)
{
    struct line *line = &channel->line;
    line->since += TICK_MS;
    script_tick(channel);
    if (channel->kind == CYSIM_PRI || channel->kind == CYSIM_SS1) digital_tick(channel);
    if (!line->plugged) return;
    if (channel->kind == CYSIM_TRUNK || channel->kind == CYSIM_RECORDER) exchange_tick(channel, line);
    else if (channel->kind == CYSIM_EXTENSION) telephone_tick(channel, line);
}

static int talks(const struct channel *channel)
{
    const struct line *line = &channel->line;
    if (channel->kind == CYSIM_EXTENSION || channel->kind == CYSIM_RECORDER) return line->lifted;
    return channel->hook && (line->state == CYSIM_TALKING || line->state == CYSIM_PROCEEDING);
}

static void add(int32_t *sum, const int16_t *samples, int count)
{
    for (int i = 0; i < count; i++) sum[i] += samples[i];
}

static void speaks(struct speaker *speaker, int32_t *sum)
{
    int16_t part[TICK];
    if (speaker->voice) {
        int n = player_read(speaker->voice, part);
        add(sum, part, n);
        if (n < TICK) {
            struct sound *sound = speaker->again ? sound_keep(speaker->voice->sound) : NULL;
            player_free(speaker->voice);
            speaker->voice = sound ? player_make(sound, 0, SIZE_MAX) : NULL;
            sound_drop(sound);
        }
    }
    for (int i = 0; i < TICK && speaker->sine_left > 0; i++, speaker->sine_left--)
        sum[i] += dds_mod(&speaker->sine_phase, speaker->sine_rate, speaker->sine_scale, 0);
}

static void voice(struct line *line, int32_t *sum)
{
    speaks(&line->near, sum);
    int n = line->said_count < TICK ? line->said_count : TICK;
    for (int i = 0; i < n; i++) sum[i] += line->said[(line->said_at + i) % SAID];
    line->said_at = (line->said_at + n) % SAID;
    line->said_count -= n;
}

static void keys(struct line *line, int32_t *sum)
{
    int16_t part[TICK];
    if (line->keys_left <= 0) return;
    int n = dtmf_tx(line->keys, part, TICK);
    add(sum, part, n);
    line->keys_left--;
}

static void echo(const struct line *line, int32_t *sum)
{
    float loss = (float) pow(10, -settings.echo / 20);
    for (int i = 0; i < TICK; i++) {
        float tail = i >= 8 ? line->echo[i - 8] : 0;
        sum[i] += (int32_t) (loss * (0.8f * line->echo[i] - 0.5f * tail));
    }
}

/* The telephone of a recorder's line is heard by its exchange, not by the board alone. */
static void exchange_hears(struct line *line, const int32_t *sum)
{
    int16_t samples[TICK];
    for (int i = 0; i < TICK; i++) samples[i] = saturate(sum[i]);
    dtmf_rx(line->ear, samples, TICK);
}

/* What comes out of the line towards the board, as its codec makes it. */
void line_say(struct channel *channel, int16_t *samples)
{
    struct line *line = &channel->line;
    int32_t sum[TICK] = {0};
    int16_t part[TICK];
    int on_hook_number = line->state == CYSIM_RINGING;
    if (line->plugged) {
        if (talks(channel)) voice(line, sum);
        if (talks(channel) || on_hook_number) keys(line, sum);
        if (channel->kind == CYSIM_RECORDER && line->lifted) exchange_hears(line, sum);
        tone_add(&line->tone, sum, 1);
        if (line->fsk) add(sum, part, adsi_tx(line->fsk, part, TICK));
        if (line->state == CYSIM_TALKING || line->state == CYSIM_PROCEEDING) speaks(&line->far, sum);
        if (settings.echo > 0) echo(line, sum);
        if (line->noise > 0) {
            line->seed = line->seed * 1664525u + 1013904223u;
            uint32_t from = line->seed >> 16;
            for (int i = 0; i < TICK; i++) sum[i] += (int32_t) lrintf(line->noise * noises[(from + (uint32_t) i) % NOISES]);
        }
    }
    for (int i = 0; i < TICK; i++) samples[i] = saturate(sum[i]);
    if (channel->kind != CYSIM_TRUNK || channel->hook || on_hook_number) through_alaw(samples);
    line->said_level = level_of(samples, TICK);
}

/* What the board says on the line. */
void line_hear(struct channel *channel, const int16_t *samples)
{
    static const int16_t silence[TICK];
    struct line *line = &channel->line;
    int hears = line->plugged && (channel->kind == CYSIM_EXTENSION ? line->lifted : channel->hook);
    if (channel->kind == CYSIM_EXTENSION && !hears && channel->ring) reader_hear(&channel->reader, samples, level_of(samples, TICK), board_tick);
    if (!hears) samples = silence;
    memcpy(line->heard + line->heard_at, samples, TICK * sizeof *samples);
    line->heard_at = (line->heard_at + TICK) % HEARD;
    line->heard_level = hears ? level_of(samples, TICK) : SILENT;
    if (settings.echo > 0) memcpy(line->echo, samples, sizeof line->echo);
    if (hears && line->heard_level > HEARS_KEYS) dtmf_rx(line->ear, samples, TICK);
    else if (hears) dtmf_rx(line->ear, silence, TICK);
}
