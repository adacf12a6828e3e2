/* The simulated board under the interface of the Synway SynCTI library: states, and events in a queue. See synway.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core.h"
#include "synway.h"

#define QUEUE 8192
#define CODES 0x50
#define ALL_CODES 0xffff
#define LAST_TEXT 300

enum { CODE_DIGIT = 0x0c, CODE_SENT = 0x0e, CODE_PLAYED = 0x0f, CODE_RECORDED = 0x13, CODE_STATE = 0x18, CODE_DIALLING = 0x19,
       CODE_RING = 0x1e, CODE_CALLER = 0x1f, CODE_POLARITY = 0x21, CODE_FLASH = 0x23, CODE_HOOK = 0x24, CODE_BUSY = 0x28 };
enum { STANDBY, PICKED_UP, RINGING, TALKING, WAIT_DIAL_TONE, SENDING, WAIT_RESULT, PENDING, OFFLINE, REMOTE_RINGING, UNAVAILABLE = 11 };
enum { NO_DIAL_TONE, BUSY, SILENT_AFTER, NO_ANSWER, FAR_GONE, NO_VOICE, WAITS_FOR_US = 10 };
enum { BAD_START = 0, NOT_STARTED = 1, NO_CHANNEL = 2, NOT_POSSIBLE = 3, BAD_FORMAT = 7, BAD_ARGUMENT = 8, BAD_FILE = 9, NONE_IDLE = 13, FAILED = 14 };

static int started, last_code;
static char last_text[LAST_TEXT];
static pthread_cond_t came;
static int came_made;
static ssm_event queue[QUEUE];
static int queue_at, queue_count;
static unsigned char wanted[CODES][MAX_LINES];
static int groups[MAX_GROUPS + 1];
static struct {
    int state, pending, dial, recorded;
    char caller[TEXT];       /* that we tell */
} faces[MAX_LINES];

static int fail(int code, const char *why)
{
    last_code = code;
    snprintf(last_text, sizeof last_text, "%s", why);
    return -1;
}

static struct channel *locked(int ch)
{
    pthread_mutex_lock(&board_lock);
    struct channel *channel = started ? board_channel(ch) : NULL;
    if (channel) return channel;
    fail(started ? NO_CHANNEL : NOT_STARTED, started ? "no such channel" : "SsmStartCti was not called");
    pthread_mutex_unlock(&board_lock);
    return NULL;
}

static int unlocked(int result)
{
    pthread_mutex_unlock(&board_lock);
    return result;
}

static int refused(int code, const char *why)
{
    fail(code, why);
    return unlocked(-1);
}

/* ---------------------------------------------------------------- events */

static void tell(int code, int ch, unsigned param)
{
    if (!wanted[code][ch]) return;
    if (queue_count == QUEUE) { /* nobody listens: the oldest goes */
        queue_at = (queue_at + 1) % QUEUE;
        queue_count--;
    }
    queue[(queue_at + queue_count++) % QUEUE] = (ssm_event) {(unsigned short) code, ch, param};
    if (came_made) pthread_cond_signal(&came);
}

static void turn(struct channel *channel, int state)
{
    int was = faces[channel->index].state;
    if (was == state) return;
    faces[channel->index].state = state;
    tell(CODE_STATE, channel->index, (unsigned) was << 16 | (unsigned) state);
}

static void pend(struct channel *channel, int reason)
{
    faces[channel->index].pending = reason;
    turn(channel, PENDING);
}

static void dialled(struct channel *channel, int step)
{
    static const struct { int state, code, reason; } steps[] = {
        [DIAL_WAIT_TONE] = {WAIT_DIAL_TONE, 1, 0}, [DIAL_PREFIX] = {SENDING, 1, 0}, [DIAL_WAIT_AGAIN] = {SENDING, 1, 0},
        [DIAL_SENDING] = {SENDING, 1, 0}, [DIAL_SENT] = {WAIT_RESULT, 1, 0}, [DIAL_RINGBACK] = {WAIT_RESULT, 2, 0},
        [DIAL_CONNECTED] = {TALKING, 7, 0}, [DIAL_NO_TONE] = {PENDING, 3, NO_DIAL_TONE}, [DIAL_BUSY] = {PENDING, 4, BUSY},
        [DIAL_NOBODY] = {PENDING, 10, NO_ANSWER}, [DIAL_NO_SIGNAL] = {PENDING, 6, NO_VOICE},
    };
    int ch = channel->index, before = faces[ch].dial;
    if (step == DIAL_NONE) return;
    faces[ch].dial = steps[step].code;
    if (before != steps[step].code) tell(CODE_DIALLING, ch, (unsigned) steps[step].code);
    if (steps[step].state == PENDING) pend(channel, steps[step].reason);
    else turn(channel, steps[step].state);
}

/* Why a digital call is over, in the vendor's numbers. */
static int digital_reason(const struct channel *channel)
{
    int pri = channel->kind == CYSIM_PRI, cause = channel->cause;
    if (channel->answered) return pri ? 41 : channel->outgoing ? 20 : 12;
    if (!channel->outgoing) return pri ? 41 : 11;
    switch (cause) {
    case 1: return pri ? 45 : 25;
    case 17: return pri ? 46 : 26;
    case 34: return pri ? 46 : 29;
    case 19: case 102: return pri ? 52 : 21;
    case 21: return pri ? 53 : 23;
    default: return pri ? 44 : 23;
    }
}

static void dial_told(int ch, int code)
{
    if (faces[ch].dial == code) return;
    faces[ch].dial = code;
    tell(CODE_DIALLING, ch, (unsigned) code);
}

static void digital_turned(struct channel *channel, enum digital to)
{
    int ch = channel->index, pri = channel->kind == CYSIM_PRI;
    switch (to) {
    case G_IDLE: turn(channel, STANDBY); break;
    case G_ARRIVING: turn(channel, pri ? 84 : 30); break;
    case G_OFFERED: pend(channel, WAITS_FOR_US); break;
    case G_ACCEPTED: turn(channel, RINGING); break;
    case G_CONNECTING: turn(channel, pri ? 85 : RINGING); break;
    case G_SETUP: turn(channel, pri ? 81 : 40); dial_told(ch, 1); break;
    case G_PROCEEDING: turn(channel, pri ? 86 : 44); break;
    case G_ALERTING: turn(channel, REMOTE_RINGING); dial_told(ch, 2); break;
    case G_TALKING: turn(channel, TALKING); if (channel->outgoing) dial_told(ch, 7); break;
    case G_GONE:
        if (channel->outgoing && !channel->answered) dial_told(ch, channel->cause == 17 ? 4 : channel->cause == 19 ? 10 : 11);
        pend(channel, digital_reason(channel));
        break;
    case G_CLEARING: turn(channel, pri ? 88 : 35); break;
    case G_DOWN: turn(channel, UNAVAILABLE); break;
    }
}

static void busy_heard(struct channel *channel, int cycles)
{
    tell(CODE_BUSY, channel->index, (unsigned) cycles);
    if (faces[channel->index].state == TALKING) pend(channel, FAR_GONE);
}

static void hook_turned(struct channel *channel, int lifted)
{
    int state = faces[channel->index].state;
    tell(CODE_HOOK, channel->index, (unsigned) lifted);
    if (channel->kind == CYSIM_RECORDER) turn(channel, lifted ? TALKING : channel->line.plugged ? STANDBY : OFFLINE);
    else if (!lifted) turn(channel, STANDBY);
    else turn(channel, state == RINGING ? TALKING : PICKED_UP);
    if (lifted) channel_ring(channel, 0, 0);
}

static void rang(struct channel *channel, int count)
{
    tell(CODE_RING, channel->index, (unsigned) count);
    if (faces[channel->index].state == STANDBY && count >= settings.ring_to_state) turn(channel, RINGING);
}

void board_event(struct channel *channel, enum event event, int value)
{
    int ch = channel->index, state = faces[ch].state;
    switch (event) {
    case ON_DIGIT: tell(CODE_DIGIT, ch, (unsigned) channel->digit_count << 16 | (unsigned) value); break;
    case ON_PLAY_END: tell(CODE_PLAYED, ch, 1); break;
    case ON_RECORD_END: faces[ch].recorded = 2; tell(CODE_RECORDED, ch, 2); break;
    case ON_RING: rang(channel, value); break;
    case ON_RING_END: if (state == RINGING) turn(channel, STANDBY); break;
    case ON_CALLER: tell(CODE_CALLER, ch, (unsigned) value); break;
    case ON_HOOK: hook_turned(channel, value); break;
    case ON_FLASH: tell(CODE_FLASH, ch, (unsigned) value); break;
    case ON_BUSY: busy_heard(channel, value); break;
    case ON_DIAL: if (channel->dial_auto) dialled(channel, value); break;
    case ON_POLARITY: tell(CODE_POLARITY, ch, (unsigned) value); break;
    case ON_SENT: tell(CODE_SENT, ch, 1); break;
    case ON_DIGITAL: digital_turned(channel, (enum digital) value); break;
    case ON_VOLTAGE: if (channel->kind < CYSIM_PRI) turn(channel, value ? STANDBY : channel->kind == CYSIM_RECORDER ? OFFLINE : UNAVAILABLE); break;
    }
}

EXPORT int SsmSetEvent(unsigned short code, int channel, int enable, ssm_event_mode *mode)
{
    pthread_mutex_lock(&board_lock);
    if (!started) return refused(NOT_STARTED, "SsmStartCti was not called");
    if ((code != ALL_CODES && code >= CODES) || channel < -1 || channel >= channel_count) return refused(BAD_ARGUMENT, "no such event or channel");
    if (enable && mode && mode->mode != 1) return refused(NOT_POSSIBLE, "events come by SsmWaitForEvent only");
    for (int c = code == ALL_CODES ? 0 : code; c < (code == ALL_CODES ? CODES : code + 1); c++)
        for (int i = channel < 0 ? 0 : channel; i < (channel < 0 ? channel_count : channel + 1); i++) wanted[c][i] = enable != 0;
    return unlocked(0);
}

static void make_condition(void)
{
    pthread_condattr_t kind;
    pthread_condattr_init(&kind);
    pthread_condattr_setclock(&kind, CLOCK_MONOTONIC);
    pthread_cond_init(&came, &kind);
    pthread_condattr_destroy(&kind);
    came_made = 1;
}

static int fetched(ssm_event *event)
{
    if (!queue_count) return -1;
    *event = queue[queue_at];
    queue_at = (queue_at + 1) % QUEUE;
    queue_count--;
    return 0;
}

EXPORT int SsmWaitForEvent(unsigned int timeout_ms, ssm_event *event)
{
    int64_t until = clock_us() + (int64_t) timeout_ms * 1000;
    struct timespec at = {.tv_sec = until / 1000000, .tv_nsec = until % 1000000 * 1000};
    pthread_mutex_lock(&board_lock);
    if (!came_made) make_condition();
    while (started && !queue_count && timeout_ms)
        if (pthread_cond_timedwait(&came, &board_lock, &at) == ETIMEDOUT) break;
    return unlocked(fetched(event));
}

EXPORT int SsmGetEvent(ssm_event *event)
{
    pthread_mutex_lock(&board_lock);
    return unlocked(fetched(event));
}

/* ---------------------------------------------------------------- start and stop */

void board_reset_face(void)
{
    memset(faces, 0, sizeof faces);
    memset(wanted, 0, sizeof wanted);
    memset(groups, 0, sizeof groups);
    queue_at = queue_count = started = 0;
    if (came_made) pthread_cond_broadcast(&came);
}

/* The section [SimBoard] of the configuration, or nothing. */
static const char *section(const char *name, char *text, size_t size)
{
    char line[256];
    int ours = 0, found = 0;
    size_t used = 0;
    FILE *file = fopen(name, "re");
    if (!file) return strerror(errno);
    *text = 0;
    while (fgets(line, sizeof line, file)) {
        if (*line == '[') {
            ours = !strncmp(line, "[SimBoard]", 10);
            found |= ours;
        } else if (ours && *line != '#' && used + strlen(line) + 1 < size) {
            used += (size_t) snprintf(text + used, size - used, "%s ", line);
        }
    }
    fclose(file);
    if (!found) *text = 0;
    return NULL;
}

EXPORT int SsmStartCti(const char *config, const char *index)
{
    char text[2048];
    (void) index;
    const char *why = section(config, text, sizeof text);
    pthread_mutex_lock(&board_lock);
    if (why) return refused(BAD_START, why);
    if (started || board_running) return refused(FAILED, "it is started already");
    if (!board_configured(*text ? text : NULL, &why) || !board_start(&why)) return refused(BAD_START, why);
    memset(faces, 0, sizeof faces);
    memset(wanted, 0, sizeof wanted);
    queue_at = queue_count = 0;
    board_fed = board_pushed = LONG_MAX / 2;
    started = 1;
    return unlocked(0);
}

EXPORT int SsmCloseCti(void)
{
    pthread_mutex_lock(&board_lock);
    if (!started) return refused(NOT_STARTED, "SsmStartCti was not called");
    board_stop();
    board_reset_face();
    return unlocked(0);
}

EXPORT int SsmGetLastErrCode(void)
{
    pthread_mutex_lock(&board_lock);
    return unlocked(last_code);
}

EXPORT void SsmGetLastErrMsg(char *text)
{
    pthread_mutex_lock(&board_lock);
    strcpy(text, last_text);
    pthread_mutex_unlock(&board_lock);
}

EXPORT const char *SsmGetLastErrMsgA(void) { return last_text; }

EXPORT int SsmGetMaxCh(void)
{
    pthread_mutex_lock(&board_lock);
    return started ? unlocked(channel_count) : refused(NOT_STARTED, "SsmStartCti was not called");
}

EXPORT int SsmGetChType(int ch)
{
    static const int types[] = {[CYSIM_EXTENSION] = 2, [CYSIM_TRUNK] = 0, [CYSIM_RECORDER] = 3, [CYSIM_PRI] = 7, [CYSIM_SS1] = 4};
    struct channel *channel = locked(ch);
    return channel ? unlocked(types[channel->kind]) : -1;
}

/* ---------------------------------------------------------------- calls */

EXPORT int SsmGetChState(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(faces[ch].state) : -1;
}

EXPORT int SsmSearchIdleCallOutCh(unsigned short mode, unsigned int precedence)
{
    (void) mode;
    (void) precedence;
    pthread_mutex_lock(&board_lock);
    if (!started) return refused(NOT_STARTED, "SsmStartCti was not called");
    for (int i = 0; i < channel_count; i++) {
        const struct channel *channel = &channels[i];
        if (channel->kind == CYSIM_EXTENSION || channel->kind == CYSIM_RECORDER || faces[i].state != STANDBY) continue;
        if (!channel->hook && !channel->ring_seen && channel->line.state != CYSIM_RINGING) return unlocked(i);
    }
    return refused(NONE_IDLE, "no idle channel to call out on");
}

EXPORT int SsmPickup(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    if (channel->kind >= CYSIM_PRI) return digital_connect(channel) ? unlocked(0) : refused(FAILED, "no call waits on the channel");
    if (channel->kind != CYSIM_TRUNK) return refused(NOT_POSSIBLE, "not on a channel of this kind");
    if (faces[ch].state == UNAVAILABLE) return refused(FAILED, "the line is dead");
    int ringing = faces[ch].state == RINGING;
    channel_hook(channel, 1);
    if (ringing) turn(channel, TALKING);
    else if (faces[ch].state == STANDBY) turn(channel, PICKED_UP);
    return unlocked(0);
}

EXPORT int SsmHangup(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    channel_stop_play(channel);
    channel_tone(channel, -1);
    if (channel->kind >= CYSIM_PRI) digital_clear(channel, 16);
    if (channel->kind == CYSIM_TRUNK) {
        channel_hook(channel, 0);
        if (faces[ch].state != UNAVAILABLE) turn(channel, STANDBY);
        faces[ch].dial = 0;
    }
    return unlocked(0);
}

EXPORT int SsmAutoDial(int ch, const char *number)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    int state = faces[ch].state;
    if (channel->kind >= CYSIM_PRI) {
        faces[ch].dial = 0;
        return digital_call(channel, number, faces[ch].caller) ? unlocked(0) : refused(FAILED, "the channel is not idle, or no such number");
    }
    if (channel->kind != CYSIM_TRUNK) return refused(NOT_POSSIBLE, "not on a channel of this kind");
    if (state != STANDBY && state != PICKED_UP) return refused(FAILED, "the channel is not idle");
    channel_hook(channel, 1);
    faces[ch].dial = 0;
    if (dial_start(channel, number, "", 1)) return unlocked(0);
    channel_hook(channel, 0);
    turn(channel, STANDBY);
    return refused(BAD_ARGUMENT, "not a number that can be dialled");
}

EXPORT int SsmAppendPhoNum(int ch, const char *digits) { return SsmTxDtmf(ch, digits); }

EXPORT int SsmChkAutoDial(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(faces[ch].dial) : -1;
}

EXPORT int SsmGetCallerId(int ch, char *number)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    strcpy(number, channel->kind >= CYSIM_PRI ? channel->calling : channel->reader.caller.number);
    return unlocked(0);
}

EXPORT int SsmGetPhoNumStr(int ch, char *number)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    strcpy(number, channel->called);
    return unlocked((int) strlen(number));
}

EXPORT int SsmSetTxCallerId(int ch, const char *number)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    if (channel->kind < CYSIM_PRI) return refused(NOT_POSSIBLE, "an analog line tells no caller");
    clean_number(faces[ch].caller, number, TEXT);
    return unlocked(0);
}

EXPORT int SsmSetKB(int ch, unsigned char answer)
{
    static const int causes[] = {[2] = 17, [3] = 17, [4] = 34, [5] = 1};
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    if (channel->kind < CYSIM_PRI || channel->digital != G_OFFERED) return refused(FAILED, "no call waits to be accepted");
    if (answer < 1 || answer > 5) return refused(BAD_ARGUMENT, "1 to 5");
    if (answer == 1) digital_accept(channel);
    else digital_clear(channel, causes[answer]);
    return unlocked(0);
}

EXPORT int SsmGetReleaseReason(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->cause) : -1;
}

EXPORT int SsmGetCallerIdEx(int ch, char *text)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    strcpy(text, channel->reader.caller.date);
    strcat(text, channel->reader.caller.number);
    return unlocked(0);
}

EXPORT int SsmGetPendingReason(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    return faces[ch].state == PENDING ? unlocked(faces[ch].pending) : refused(FAILED, "the channel is not pending");
}

/* ---------------------------------------------------------------- the line */

EXPORT int SsmGetRingCount(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->ring_count) : -1;
}

EXPORT int SsmGetRingFlag(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->ring_seen) : -1;
}

EXPORT int SsmGetPolarState(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->polarity_seen) : -1;
}

EXPORT int SsmGetLineVoltage(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->voltage_seen) : -1;
}

EXPORT int SsmGetHookState(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->kind == CYSIM_TRUNK ? channel->hook : channel->phone_lifted) : -1;
}

EXPORT int SsmGetOverallEnergy(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    int64_t energy = 0;
    for (int i = 0; i < TICK; i++) energy += channel->in[i] * channel->in[i];
    return unlocked((int) (energy / TICK >> 8));
}

EXPORT int SsmGetBusyToneCount(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->finder.busy_cycles) : -1;
}

EXPORT int SsmClearBusyToneCount(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    finder_clear(&channel->finder);
    return unlocked(0);
}

EXPORT int SsmGetFlashCount(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->flashes) : -1;
}

EXPORT int SsmClearFlashCount(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    channel->flashes = 0;
    return unlocked(0);
}

/* ---------------------------------------------------------------- telephones */

EXPORT int SsmStartRingWithCIDStr(int ch, const char *text, unsigned int length, unsigned int when)
{
    (void) when;
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    if (channel->kind != CYSIM_EXTENSION) return refused(NOT_POSSIBLE, "not on a channel of this kind");
    if (channel->phone_lifted) return refused(FAILED, "the telephone is lifted");
    char number[TEXT] = "";
    if (length < sizeof number) memcpy(number, text, length);
    clean_number(channel->ring_caller.number, number, TEXT);
    channel_ring(channel, 1, 0);
    turn(channel, RINGING);
    return unlocked(0);
}

EXPORT int SsmStartRing(int ch) { return SsmStartRingWithCIDStr(ch, "", 0, 0); }

EXPORT int SsmStopRing(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    if (channel->kind != CYSIM_EXTENSION) return refused(NOT_POSSIBLE, "not on a channel of this kind");
    channel_ring(channel, 0, 0);
    if (faces[ch].state == RINGING) turn(channel, STANDBY);
    return unlocked(0);
}

EXPORT int SsmSendTone(int ch, int tone)
{
    static const int tones[] = {DIAL_TONE, BUSY_TONE, RINGBACK_TONE, CONGESTION_TONE};
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    if (tone < 0 || tone > 3) return refused(BAD_ARGUMENT, "no such tone");
    channel_tone(channel, tones[tone]);
    return unlocked(0);
}

EXPORT int SsmStopSendTone(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    channel_tone(channel, -1);
    return unlocked(0);
}

/* ---------------------------------------------------------------- digits */

EXPORT int SsmGetDtmfStr(int ch, char *digits)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    strcpy(digits, channel->digits);
    return unlocked(channel->digit_count);
}

EXPORT int SsmGetRxDtmfLen(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->digit_count) : -1;
}

EXPORT int SsmClearRxDtmfBuf(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    channel->digit_count = channel->digits[0] = 0;
    return unlocked(0);
}

EXPORT int SsmTxDtmf(int ch, const char *digits)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    if (!*digits || strlen(digits) >= TEXT || strspn(digits, "0123456789*#ABCD") != strlen(digits)) return refused(BAD_ARGUMENT, "not digits");
    channel_send(channel, digits);
    return unlocked(0);
}

EXPORT int SsmStopTxDtmf(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    channel_send_stop(channel);
    return unlocked(0);
}

/* ---------------------------------------------------------------- files */

/* Ours for theirs; -1: by the file's name, -2: none that the board has. */
static int coding_of(int format)
{
    static const struct { int format, coding; } known[] = {{-1, -1}, {-2, LINEAR}, {6, ALAW}, {7, ULAW}, {23, OKI}, {49, GSM}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].format == format) return known[i].coding;
    return -2;
}

EXPORT int SsmPlayFile(int ch, const char *name, int format, unsigned int from, unsigned int bytes)
{
    const char *why = "no such format";
    int coding = coding_of(format);
    if (coding < -1 || !locked(ch)) {
        if (coding < -1) fail(BAD_FORMAT, why);
        return -1;
    }
    pthread_mutex_unlock(&board_lock);
    struct sound *sound = sound_load(name, coding, &why); /* not under the lock */
    if (!sound) return fail(BAD_FILE, why);
    struct channel *channel = locked(ch);
    if (!channel) {
        sound_drop(sound);
        return -1;
    }
    return channel_play(channel, sound, from, bytes == 0xffffffffu ? SIZE_MAX : bytes) ? unlocked(0) : refused(FAILED, "no memory");
}

EXPORT int SsmStopPlayFile(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    if (channel->player) tell(CODE_PLAYED, ch, 2);
    channel_stop_play(channel);
    return unlocked(0);
}

EXPORT int SsmRecToFile(int ch, const char *name, int format, unsigned int from, unsigned int bytes, unsigned int seconds, int mask)
{
    (void) mask;
    const char *why = "no such format";
    int coding = coding_of(format);
    if (coding < -1 || from || !locked(ch)) {
        if (coding < -1 || from) fail(coding < -1 ? BAD_FORMAT : BAD_ARGUMENT, coding < -1 ? why : "a recording begins at 0");
        return -1;
    }
    pthread_mutex_unlock(&board_lock);
    size_t limit = bytes == 0xffffffffu ? SIZE_MAX : bytes;
    struct recorder *recorder = recorder_make(name, coding, limit, &why);
    if (!recorder) return fail(BAD_FILE, why);
    recorder_limit(recorder, seconds);
    struct channel *channel = locked(ch);
    if (!channel) {
        recorder_free(recorder);
        return -1;
    }
    recorder->mixed = channel->record_mixed;
    channel_record(channel, recorder);
    faces[ch].recorded = 1;
    return unlocked(0);
}

EXPORT int SsmStopRecToFile(int ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    if (channel->recorder) tell(CODE_RECORDED, ch, 1);
    channel_stop_record(channel);
    faces[ch].recorded = 0;
    return unlocked(0);
}

EXPORT int SsmChkRecToFile(int ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(faces[ch].recorded) : -1;
}

EXPORT int SsmSetRecMixer(int ch, int on, int volume)
{
    (void) volume;
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    channel->record_mixed = on != 0;
    if (channel->recorder) channel->recorder->mixed = on != 0;
    return unlocked(0);
}

EXPORT int SsmSetAutoAgc(int ch, int on)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    channel->agc = on != 0;
    return unlocked(0);
}

EXPORT int SsmSetEchoCancel(int ch, int on)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    channel_echo(channel, on != 0);
    return unlocked(0);
}

/* ---------------------------------------------------------------- who hears whom */

static int link_two(int one, int other, int both, int on)
{
    struct channel *first = locked(one);
    if (!first) return -1;
    struct channel *second = board_channel(other);
    if (!second || second == first) return refused(NO_CHANNEL, "no such channel");
    channel_link(second, first, on);
    if (both) channel_link(first, second, on);
    return unlocked(0);
}

EXPORT int SsmTalkWith(int one, int other) { return link_two(one, other, 1, 1); }
EXPORT int SsmStopTalkWith(int one, int other) { return link_two(one, other, 1, 0); }
EXPORT int SsmListenTo(int one, int other) { return link_two(one, other, 0, 1); }
EXPORT int SsmStopListenTo(int one, int other) { return link_two(one, other, 0, 0); }

EXPORT int SsmCreateConfGroup(int members, int speakers, int speaking, int silence)
{
    (void) speakers;
    (void) speaking;
    (void) silence;
    pthread_mutex_lock(&board_lock);
    if (!started) return refused(NOT_STARTED, "SsmStartCti was not called");
    if (members != -1 && (members < 1 || members > GROUP_SIZE)) return refused(BAD_ARGUMENT, "a conference has at most 32 members");
    for (int g = 1; g <= MAX_GROUPS; g++) {
        if (groups[g]) continue;
        groups[g] = 1;
        return unlocked(g);
    }
    return refused(FAILED, "no more conferences");
}

EXPORT int SsmFreeConfGroup(int group)
{
    pthread_mutex_lock(&board_lock);
    if (group < 1 || group > MAX_GROUPS || !groups[group]) return refused(BAD_ARGUMENT, "no such conference");
    groups[group] = 0;
    for (int i = 0; i < channel_count; i++)
        if (channels[i].group == group) channel_join(&channels[i], 0, 0);
    return unlocked(0);
}

EXPORT int SsmJoinConfGroup(int group, int ch, unsigned short mode, int volume, int create, int leave)
{
    (void) volume;
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    if (group < 1 || group > MAX_GROUPS || mode > 1) return refused(BAD_ARGUMENT, "no such conference");
    if (!groups[group] && !create) return refused(BAD_ARGUMENT, "no such conference");
    if (channel->group && channel->group != group && !leave) return refused(FAILED, "the channel is in another conference");
    if (!channel_join(channel, group, mode == 1)) return refused(FAILED, "the conference is full");
    groups[group] = 1;
    return unlocked(0);
}

EXPORT int SsmExitConfGroup(int ch, int free)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    int group = channel->group, left = 0;
    if (!group) return refused(FAILED, "the channel is in no conference");
    channel_join(channel, 0, 0);
    for (int i = 0; i < channel_count; i++) left += channels[i].group == group;
    if (free && !left) groups[group] = 0;
    return unlocked(0);
}

EXPORT int SsmEnableRxDtmf(int ch, int on)
{
    struct channel *channel = locked(ch);
    if (!channel) return -1;
    channel->deaf = !on;
    return unlocked(0);
}
