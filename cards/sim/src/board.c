/* The board: its channels, what they hear and say each tick, who hears whom. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <speex/speex_echo.h>

#include "core.h"

#define RING_APART_MS 800    /* bursts that are closer belong to one ring */
#define KEY_BLOCK 102        /* samples that spandsp looks at together */
#define KEY_BREAK 0          /* ticks: the same digit after a shorter break has not been let go */
#define HANG_UP_MS 700       /* a telephone that is down longer is hung up */
#define FLASH_LEAST_MS 80
#define HEARS_KEYS -50.0
#define ECHO_TAIL 256
#define FEED_SLACK 5         /* ticks */
#define BOARD_LEVEL -10
#define KEY_MS 80
#define AGC_TARGET -16.0
#define AGC_LEAST -45.0

pthread_mutex_t board_lock = PTHREAD_MUTEX_INITIALIZER;
struct channel *channels;
int channel_count, board_running;
long board_tick, board_fed, board_pushed;

struct channel *board_channel(int index)
{
    return board_running && index >= 0 && index < channel_count ? &channels[index] : NULL;
}

static void digit_came(struct channel *channel, int digit)
{
    if (channel->digit_count == (int) sizeof channel->digits - 1) memmove(channel->digits, channel->digits + 1, (size_t) --channel->digit_count);
    channel->digits[channel->digit_count++] = (char) digit;
    channel->digits[channel->digit_count] = 0;
    board_event(channel, ON_DIGIT, digit);
}

/* A digit begins, or ends (0). The two receivers look at the line half a block apart: what one loses in noise the other has. */
static void on_key(struct channel *channel, int which, int digit)
{
    if (!digit) {
        channel->key_now[which] = 0;
        channel->key_tick = board_tick;
        return;
    }
    int before = channel->key_now[which] ? channel->key_now[which] : channel->key_now[!which];
    int same = digit == channel->key_last && (before == digit || board_tick - channel->key_tick <= KEY_BREAK);
    channel->key_now[which] = channel->key_last = digit;
    if (!same) digit_came(channel, digit);
}

static void on_key_early(void *user, int digit, int level, int delay)
{
    (void) level;
    (void) delay;
    on_key(user, 0, digit);
}

static void on_key_late(void *user, int digit, int level, int delay)
{
    (void) level;
    (void) delay;
    on_key(user, 1, digit);
}

static int keys_open(struct channel *channel)
{
    static const int16_t half[KEY_BLOCK / 2];
    for (int which = 0; which < 2; which++) {
        dtmf_rx_state_t *receiver = channel->dtmf[which] = dtmf_rx_init(NULL, NULL, NULL);
        if (!receiver) return 0;
        dtmf_rx_set_realtime_callback(receiver, which ? on_key_late : on_key_early, channel);
        dtmf_rx_parms(receiver, TRUE, 8, 8, -99);
    }
    dtmf_rx(channel->dtmf[1], half, KEY_BLOCK / 2);
    return 1;
}

static int open_channel(struct channel *channel, int index, int kind)
{
    channel->index = index;
    channel->kind = kind;
    channel->polarity_seen = 0;
    channel->voltage_seen = 48;
    channel->phone_down_ms = -1;
    channel->gain = 1;
    channel->agc = settings.agc;
    channel->sender = dtmf_tx_init(NULL);
    finder_init(&channel->finder, settings.country);
    if (!keys_open(channel) || !channel->sender || !reader_init(&channel->reader) || !line_open(channel)) return 0;
    dtmf_tx_set_timing(channel->sender, KEY_MS, KEY_MS);
    if (settings.aec) channel_echo(channel, 1);
    return 1;
}

int board_start(const char **why)
{
    int count = settings.trunks + settings.extensions + settings.recorders + settings.pri + settings.ss1;
    *why = "it is started already";
    if (board_running) return 0;
    media_init();
    channels = calloc((size_t) count + 1, sizeof *channels);
    channel_count = channels ? count : 0;
    int kinds[] = {settings.trunks, settings.extensions, settings.pri, settings.ss1, settings.recorders};
    int kind_of[] = {CYSIM_TRUNK, CYSIM_EXTENSION, CYSIM_PRI, CYSIM_SS1, CYSIM_RECORDER};
    int at = 0, good = channels != NULL;
    for (int k = 0; k < 5; k++)
        for (int i = 0; i < kinds[k] && good; i++, at++) good = open_channel(&channels[at], at, kind_of[k]);
    board_tick = board_fed = 0;
    board_pushed = 0;
    board_running = 1;
    *why = "no memory";
    if (!good) board_stop();
    return good;
}

void board_stop(void)
{
    for (int i = 0; i < channel_count; i++) {
        struct channel *channel = &channels[i];
        player_free(channel->player);
        recorder_free(channel->recorder);
        for (int which = 0; which < 2; which++)
            if (channel->dtmf[which]) dtmf_rx_free(channel->dtmf[which]);
        if (channel->sender) dtmf_tx_free(channel->sender);
        if (channel->ring_fsk) adsi_tx_free(channel->ring_fsk);
        if (channel->canceller) speex_echo_state_destroy(channel->canceller);
        reader_free(&channel->reader);
        line_close(channel);
        stream_close(channel);
    }
    free(channels);
    channels = NULL;
    channel_count = board_running = 0;
}

/* ---------------------------------------------------------------- what is done to a channel */

void channel_hook(struct channel *channel, int off)
{
    if (channel->hook == off) return;
    channel->hook = off;
    channel->ring_seen = channel->ring_count = channel->ring_quiet_ms = 0;
    finder_clear(&channel->finder);
    if (!off) {
        channel->dial = DIAL_NONE;
        channel_send_stop(channel);
        reader_clear(&channel->reader, board_tick);
    }
}

void channel_ring(struct channel *channel, int on, int steady)
{
    if (on && !channel->ring) {
        channel->ring_at = 0;
        reader_clear(&channel->reader, board_tick);
        line_rung(channel);
    }
    channel->ring = on;
    channel->ring_steady = steady;
    if (!on) {
        channel->line.ringing = 0;
        channel->ring_caller.number[0] = 0;
        if (channel->ring_fsk) adsi_tx_free(channel->ring_fsk);
        channel->ring_fsk = NULL;
    }
}

void channel_tone(struct channel *channel, int tone)
{
    tone_start(&channel->tone, tone < 0 ? NULL : &settings.country->tones[tone], BOARD_LEVEL);
}

void channel_send(struct channel *channel, const char *digits)
{
    int taken = dtmf_tx_put(channel->sender, digits, -1);
    channel->sending += (int) (strlen(digits) - (size_t) taken) * 2 * KEY_MS / TICK_MS + 2;
}

void channel_send_stop(struct channel *channel)
{
    dtmf_tx_init(channel->sender);
    dtmf_tx_set_timing(channel->sender, KEY_MS, KEY_MS);
    channel->sending = 0;
}

/* Takes the sound over. */
int channel_play(struct channel *channel, struct sound *sound, size_t from, size_t bytes)
{
    struct player *player = player_make(sound, from, bytes);
    sound_drop(sound);
    if (!player) return 0;
    player_free(channel->player);
    channel->player = player;
    return 1;
}

void channel_stop_play(struct channel *channel)
{
    player_free(channel->player);
    channel->player = NULL;
}

/* Takes the recorder over. */
void channel_record(struct channel *channel, struct recorder *recorder)
{
    recorder_free(channel->recorder);
    channel->recorder = recorder;
}

void channel_stop_record(struct channel *channel)
{
    recorder_free(channel->recorder);
    channel->recorder = NULL;
}

void channel_link(struct channel *ear, struct channel *mouth, int on)
{
    uint64_t bit = 1ull << (mouth->index % 64), *word = &ear->hears[mouth->index / 64];
    *word = on ? *word | bit : *word & ~bit;
}

int channel_linked(const struct channel *ear, const struct channel *mouth)
{
    return ear->hears[mouth->index / 64] >> (mouth->index % 64) & 1;
}

/* group 0 leaves. 0: it is full. */
int channel_join(struct channel *channel, int group, int mute)
{
    int members = 0;
    for (int i = 0; i < channel_count; i++) members += channels[i].group == group && &channels[i] != channel;
    if (group && members >= GROUP_SIZE) return 0;
    channel->group = group;
    channel->group_mute = mute;
    return 1;
}

void channel_rest(struct channel *channel)
{
    channel_stop_play(channel);
    channel_stop_record(channel);
    channel_tone(channel, -1);
    channel->group = 0;
    channel->dial = DIAL_NONE;
    for (int i = 0; i < channel_count; i++) {
        channel_link(&channels[i], channel, 0);
        channel_link(channel, &channels[i], 0);
    }
}

void channel_echo(struct channel *channel, int on)
{
    channel->aec = on;
    if (on && !channel->canceller) channel->canceller = speex_echo_state_init(TICK, ECHO_TAIL);
}

/* ---------------------------------------------------------------- each tick */

static void ring_heard(struct channel *channel)
{
    struct line *line = &channel->line;
    int seen = line->ringing;
    if (seen && !channel->ring_seen && (!channel->ring_count || channel->ring_quiet_ms >= RING_APART_MS)) {
        channel->ring_count++;
        if (channel->ring_count == 1 && !(channel->reader.by_dtmf && board_tick - channel->reader.at < TICKS(5))) reader_clear(&channel->reader, board_tick);
        board_event(channel, ON_RING, channel->ring_count);
    }
    channel->ring_seen = seen;
    channel->ring_quiet_ms = seen ? 0 : channel->ring_quiet_ms + TICK_MS;
    int whole = cadence_ms(settings.country->ring_ms, settings.country->ring_steps);
    if (channel->ring_count && channel->ring_quiet_ms > whole) {
        channel->ring_count = 0;
        board_event(channel, ON_RING_END, 0);
    }
}

static void hook_heard(struct channel *channel)
{
    int lifted = channel->line.plugged && channel->line.lifted;
    if (channel->kind == CYSIM_RECORDER || !channel->phone_lifted) {
        if (lifted == channel->phone_lifted) return;
        channel->phone_lifted = lifted;
        channel->phone_down_ms = -1;
        board_event(channel, ON_HOOK, lifted);
        return;
    }
    if (lifted) {
        if (channel->phone_down_ms >= FLASH_LEAST_MS) {
            channel->flashes++;
            board_event(channel, ON_FLASH, channel->flashes);
        }
        channel->phone_down_ms = -1;
        return;
    }
    channel->phone_down_ms = channel->phone_down_ms < 0 ? TICK_MS : channel->phone_down_ms + TICK_MS;
    if (channel->phone_down_ms > HANG_UP_MS) {
        channel->phone_lifted = 0;
        channel->phone_down_ms = -1;
        board_event(channel, ON_HOOK, 0);
    }
}

static void keys_heard(struct channel *channel, double level)
{
    channel->dtmf_idle = level > HEARS_KEYS ? 0 : channel->dtmf_idle + 1;
    if (channel->dtmf_idle >= 6 || channel->deaf) return;
    dtmf_rx(channel->dtmf[0], channel->in, TICK);
    dtmf_rx(channel->dtmf[1], channel->in, TICK);
}

static void watched(struct channel *channel)
{
    struct line *line = &channel->line;
    int voltage = line_voltage(channel);
    if ((voltage == 0) != (channel->voltage_seen == 0)) board_event(channel, ON_VOLTAGE, voltage);
    channel->voltage_seen = voltage;
    if (line->reversed != channel->polarity_seen) {
        channel->polarity_seen = line->reversed;
        board_event(channel, ON_POLARITY, line->reversed);
    }
}

static void heard(struct channel *channel)
{
    struct tone_finder *finder = &channel->finder;
    watched(channel);
    if (channel->kind == CYSIM_TRUNK && channel->hook) {
        int before = finder->busy_cycles;
        finder_hear(finder, channel->in);
        keys_heard(channel, finder->level);
        if (finder->busy_cycles > before) board_event(channel, ON_BUSY, finder->busy_cycles);
        return;
    }
    finder->level = level_of(channel->in, TICK);
    if (channel->kind == CYSIM_TRUNK || channel->kind == CYSIM_RECORDER) ring_heard(channel);
    if (channel->kind == CYSIM_TRUNK || (channel->kind == CYSIM_RECORDER && !channel->line.lifted)) {
        if (reader_hear(&channel->reader, channel->in, finder->level, board_tick)) board_event(channel, ON_CALLER, channel->reader.status);
    }
    if (channel->kind == CYSIM_EXTENSION || channel->kind == CYSIM_RECORDER) hook_heard(channel);
    if (channel->phone_lifted || channel->kind >= CYSIM_PRI) keys_heard(channel, finder->level);
    finder->silent_ms = finder->level > -38 ? 0 : finder->silent_ms + TICK_MS;
}

/* Slowly to one level; noise is not raised. */
static void levelled(struct channel *channel)
{
    if (channel->finder.level > AGC_LEAST) {
        float wanted = (float) pow(10, (AGC_TARGET - channel->finder.level) / 20);
        if (wanted > 4) wanted = 4;
        if (wanted < 0.35f) wanted = 0.35f;
        channel->gain += (wanted - channel->gain) * (wanted < channel->gain ? 0.2f : 0.03f);
    }
    for (int i = 0; i < TICK; i++) channel->in[i] = fsaturatef(channel->in[i] * channel->gain);
}

static void take_in(struct channel *channel)
{
    line_tick(channel);
    line_say(channel, channel->in);
    if (channel->aec && channel->canceller && (channel->hook || channel->line.lifted)) {
        int16_t clean[TICK];
        speex_echo_cancellation(channel->canceller, channel->in, channel->out, clean);
        memcpy(channel->in, clean, sizeof clean);
    }
    heard(channel);
    if (channel->agc) levelled(channel);
    if (channel->stream) stream_hear(channel);
}

static void ring_out(struct channel *channel, int32_t *sum, int fed)
{
    const struct country *country = settings.country;
    int16_t part[TICK];
    struct line *line = &channel->line;
    int was = line->ringing;
    long quiet = cadence_ms(country->ring_ms, country->ring_steps) - country->ring_ms[country->ring_steps - 1];
    line->ringing = line->plugged && (channel->ring_steady || cadence_on(country->ring_ms, country->ring_steps, channel->ring_at));
    line->rings += line->ringing && !was;
    if (channel->ring_at == quiet + 500 && channel->ring_caller.number[0] && !channel->ring_fsk) channel->ring_fsk = caller_fsk(&channel->ring_caller);
    if (channel->ring_fsk)
        for (int i = 0, n = adsi_tx(channel->ring_fsk, part, TICK); i < n; i++) sum[i] += part[i];
    if (fed) channel->ring_at += TICK_MS;
}

static void own_sound(struct channel *channel, int32_t *sum, int fed)
{
    int16_t part[TICK];
    if (channel->stream) stream_say(channel, sum);
    if (channel->ring && !channel->line.lifted) ring_out(channel, sum, fed);
    tone_add(&channel->tone, sum, fed);
    if (channel->sending > 0) {
        for (int i = 0, n = dtmf_tx(channel->sender, part, TICK); i < n; i++) sum[i] += part[i];
        if (--channel->sending == 0) board_event(channel, ON_SENT, 0);
    }
    if (!channel->player || board_tick > board_pushed) return;
    int n = player_read(channel->player, part);
    for (int i = 0; i < n; i++) sum[i] += part[i];
    if (n < TICK) {
        channel_stop_play(channel);
        board_event(channel, ON_PLAY_END, 0);
    }
}

static void others(struct channel *channel, int32_t *sum, int32_t groups[][TICK])
{
    for (int w = 0; w * 64 < channel_count; w++) {
        for (uint64_t bits = channel->hears[w]; bits; bits &= bits - 1) {
            const int16_t *in = channels[w * 64 + __builtin_ctzll(bits)].in;
            for (int i = 0; i < TICK; i++) sum[i] += in[i];
        }
    }
    if (!channel->group) return;
    const int32_t *all = groups[channel->group];
    for (int i = 0; i < TICK; i++) sum[i] += all[i] - (channel->group_mute ? 0 : channel->in[i]);
}

static void recorded(struct channel *channel)
{
    struct recorder *recorder = channel->recorder;
    int16_t both[TICK];
    if (!recorder || board_tick > board_pushed) return;
    for (int i = 0; recorder->mixed && i < TICK; i++) both[i] = saturate(channel->in[i] + channel->out[i]);
    int more = recorder_write(recorder, recorder->mixed ? both : channel->in);
    if ((board_tick + channel->index) % 5 == 0) recorder_flush(recorder);
    if (more) return;
    channel_stop_record(channel);
    board_event(channel, ON_RECORD_END, 0);
}

static void put_out(struct channel *channel, int32_t groups[][TICK], int fed)
{
    int32_t sum[TICK] = {0};
    own_sound(channel, sum, fed);
    others(channel, sum, groups);
    for (int i = 0; i < TICK; i++) channel->out[i] = saturate(sum[i]);
    through_alaw(channel->out);
    recorded(channel);
    line_hear(channel, channel->out);
}

void board_step(void)
{
    static int32_t groups[MAX_GROUPS + 1][TICK];
    if (!board_running) return;
    board_tick++;
    int fed = board_tick - board_fed <= FEED_SLACK;
    for (int i = 0; i < channel_count; i++) take_in(&channels[i]);
    uint64_t cleared[MAX_GROUPS / 64 + 1] = {0};
    for (int i = 0; i < channel_count; i++) {
        int group = channels[i].group;
        if (!group) continue;
        if (!(cleared[group / 64] >> (group % 64) & 1)) memset(groups[group], 0, sizeof groups[group]);
        cleared[group / 64] |= 1ull << (group % 64);
        for (int s = 0; s < TICK && !channels[i].group_mute; s++) groups[group][s] += channels[i].in[s];
    }
    for (int i = 0; i < channel_count; i++) {
        put_out(&channels[i], groups, fed);
        if (channels[i].dial_auto) dial_go(&channels[i]);
    }
}
