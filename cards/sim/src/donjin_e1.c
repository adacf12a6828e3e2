/* The simulated board under the interface of Donjin's E1 boards: PRI and SS1. See donjin_e1.h. */
#include <string.h>

#include "core.h"
#include "donjin_e1.h"

#define SLOTS 30
#define KB_FREE 16
#define KB_BUSY 19
#define KB_NOBODY 20

enum { FREE = 1, WAITS_TO_BE_FREED, DOWN, WAITS_FOR_ACK, CONNECTED, WAITS_FOR_RELEASE, WAITS_FOR_COMPLETION, HAS_COME = 11, CALLED, ALERTING = 21, PROCEEDING = 23 };

static int started, isdn, asks_for_kb;
static struct {
    int told, used;          /* PRI: as the last pump found it · the call before was not freed yet */
    int disabled;            /* SS1 */
} slots[MAX_LINES];

void e1_reset(void)
{
    memset(slots, 0, sizeof slots);
    started = isdn = asks_for_kb = 0;
}

static int first(void) { return settings.trunks + settings.extensions; }
static int count(void) { return board_running ? settings.pri + settings.ss1 : 0; }

static struct channel *locked(int trunk, int kind)
{
    pthread_mutex_lock(&board_lock);
    struct channel *channel = started && trunk >= 0 && trunk < count() ? board_channel(first() + trunk) : NULL;
    if (channel && (kind < 0 || channel->kind == kind)) return channel;
    pthread_mutex_unlock(&board_lock);
    return NULL;
}

static struct channel *pri(int pcm, int channel)
{
    return pcm < 0 || pcm > MAX_LINES || channel < 0 || channel >= SLOTS || !isdn ? NULL : locked(pcm * SLOTS + channel, CYSIM_PRI);
}

static int unlocked(int result)
{
    pthread_mutex_unlock(&board_lock);
    return result;
}

/* ---------------------------------------------------------------- start and stop */

EXPORT int DJSys_EnableCard(const char *config, const char *prompts)
{
    const char *why;
    (void) config;
    (void) prompts;
    pthread_mutex_lock(&board_lock);
    if (!board_running && (!board_configured(NULL, &why) || !board_start(&why))) return unlocked(-1);
    started = count() > 0;
    return unlocked(started ? 0 : refuse("the board has no E1"));
}

EXPORT void DJSys_DisableCard(void)
{
    pthread_mutex_lock(&board_lock);
    for (int i = 0; i < count(); i++) {
        digital_clear(&channels[first() + i], 16);
        channel_rest(&channels[first() + i]);
    }
    e1_reset();
    pthread_mutex_unlock(&board_lock);
}

EXPORT void DJSys_PushPlay(void)
{
    pthread_mutex_lock(&board_lock);
    board_pushed = board_tick + 50;
    pthread_mutex_unlock(&board_lock);
}

static int number_of(int asked)
{
    pthread_mutex_lock(&board_lock);
    return unlocked(started ? (asked ? count() : (count() + SLOTS - 1) / SLOTS) : 0);
}

EXPORT int DJSys_GetPcmNum(void) { return number_of(0); }
EXPORT int DJTrk_GetTotalTrunkNum(void) { return number_of(1); }

static void auto_kb(int on)
{
    pthread_mutex_lock(&board_lock);
    asks_for_kb = !on;
    pthread_mutex_unlock(&board_lock);
}

EXPORT void DJSys_EnableAutoKB(void) { auto_kb(1); }
EXPORT void DJSys_DisableAutoKB(void) { auto_kb(0); }

void e1_event(struct channel *channel, int state)
{
    if (channel->kind == CYSIM_SS1 && state == G_OFFERED && !asks_for_kb) digital_accept(channel);
}

/* ---------------------------------------------------------------- PRI */

EXPORT int DJISDN_InitSystem(void)
{
    pthread_mutex_lock(&board_lock);
    isdn = started && settings.pri > 0;
    for (int i = 0; i < MAX_LINES; i++) slots[i].told = FREE;
    return unlocked(isdn);
}

EXPORT void DJISDN_ExitSystem(void)
{
    pthread_mutex_lock(&board_lock);
    isdn = 0;
    pthread_mutex_unlock(&board_lock);
}

static int state_of(const struct channel *channel)
{
    static const int states[] = {[G_IDLE] = FREE, [G_ARRIVING] = FREE, [G_OFFERED] = HAS_COME, [G_ACCEPTED] = HAS_COME, [G_CONNECTING] = WAITS_FOR_ACK,
                                 [G_TALKING] = CONNECTED, [G_SETUP] = CALLED, [G_PROCEEDING] = PROCEEDING, [G_ALERTING] = ALERTING,
                                 [G_GONE] = WAITS_FOR_COMPLETION, [G_CLEARING] = WAITS_FOR_RELEASE, [G_DOWN] = DOWN};
    return states[channel->digital];
}

EXPORT void DJISDN_GetEvent(void)
{
    pthread_mutex_lock(&board_lock);
    for (int i = 0; isdn && i < settings.pri; i++) {
        struct channel *channel = &channels[first() + i];
        int now = state_of(channel), was = slots[i].told;
        if (channel->digital == G_GONE) digital_clear(channel, channel->cause); /* the library releases by itself */
        if (now == WAITS_FOR_RELEASE && was == WAITS_FOR_COMPLETION) now = was;
        if ((now == FREE || now == DOWN) && was > DOWN) slots[i].used = 1;
        slots[i].told = now == DOWN ? DOWN : slots[i].used ? WAITS_TO_BE_FREED : now;
    }
    pthread_mutex_unlock(&board_lock);
}

EXPORT int DJISDN_GetChnState(int pcm, int ch)
{
    struct channel *channel = pri(pcm, ch);
    return channel ? unlocked(slots[pcm * SLOTS + ch].told) : DOWN;
}

EXPORT int DJISDN_SetChnState(int pcm, int ch, int action, int cause)
{
    struct channel *channel = pri(pcm, ch);
    if (!channel) return 0;
    int *used = &slots[pcm * SLOTS + ch].used, was = *used;
    if (action == 1) {
        *used = 0;
        if (was) slots[pcm * SLOTS + ch].told = FREE;
        return unlocked(was);
    }
    if (action == 2) return unlocked(digital_connect(channel));
    if (action == 3) return unlocked(digital_clear(channel, cause > 0 && cause < 128 ? cause : 16));
    return unlocked(action == 4 && digital_accept(channel));
}

static void numbers(int pcm, int ch, char *number, int called)
{
    struct channel *channel = pri(pcm, ch);
    *number = 0;
    if (!channel) return;
    strcpy(number, called ? channel->called : channel->calling);
    pthread_mutex_unlock(&board_lock);
}

EXPORT void DJISDN_GetCallerNumber(int pcm, int ch, char *number) { numbers(pcm, ch, number, 0); }
EXPORT void DJISDN_GetCalleeNumber(int pcm, int ch, char *number) { numbers(pcm, ch, number, 1); }

EXPORT int DJISDN_GetCalloutChn(int *pcm, int *ch)
{
    pthread_mutex_lock(&board_lock);
    for (int i = 0; isdn && i < settings.pri; i++) {
        if (channels[first() + i].digital != G_IDLE || slots[i].told != FREE) continue;
        *pcm = i / SLOTS;
        *ch = i % SLOTS;
        return unlocked(1);
    }
    return unlocked(0);
}

EXPORT int DJISDN_Callout(int pcm, int ch, const char *called, const char *called_sub, const char *caller, const char *caller_sub)
{
    (void) called_sub;
    (void) caller_sub;
    struct channel *channel = pri(pcm, ch);
    if (!channel) return 0;
    return unlocked(!slots[pcm * SLOTS + ch].used && digital_call(channel, called, caller ? caller : ""));
}

EXPORT int DJISDN_GetCalloutResult(int pcm, int ch)
{
    struct channel *channel = pri(pcm, ch);
    if (!channel || !channel->outgoing) return channel ? unlocked(0) : 0;
    return unlocked(channel->digital == G_TALKING ? 2 : channel->digital == G_ALERTING);
}

EXPORT int DJISDN_GetDisconnectReason(int pcm, int ch)
{
    struct channel *channel = pri(pcm, ch);
    return channel ? unlocked(channel->cause) : 0;
}

/* ---------------------------------------------------------------- SS1 */

static int step_of(const struct channel *channel, int trunk)
{
    long age = digital_age_ms(channel);
    switch (channel->digital) {
    case G_IDLE: return slots[trunk].disabled ? 13 : 0;
    case G_ARRIVING: return age < 100 ? 1 : age < 400 ? 2 : 3;
    case G_OFFERED: return 4;
    case G_ACCEPTED: case G_CONNECTING: case G_ALERTING: return 7;
    case G_TALKING: return 8;
    case G_SETUP: return age < 100 ? 14 : age < 400 ? 15 : 16;
    case G_PROCEEDING: return 17;
    case G_GONE: return !channel->outgoing ? 9 : channel->answered ? 10 : 18;
    case G_CLEARING: return 19;
    default: return 11;
    }
}

EXPORT int DJTrk_GetTrunkStatus(int trunk)
{
    struct channel *channel = locked(trunk, -1);
    return channel ? unlocked(step_of(channel, trunk)) : 11;
}

static int is(int trunk, enum digital one, enum digital other)
{
    struct channel *channel = locked(trunk, -1);
    return channel ? unlocked(channel->digital == one || channel->digital == other) : 0;
}

EXPORT int DJTrk_CheckTrunkIn(int trunk) { return is(trunk, G_OFFERED, G_ACCEPTED); }
EXPORT int DJTrk_CheckTrunkFree(int trunk) { return is(trunk, G_IDLE, G_IDLE); }
EXPORT int DJTrk_CheckConnect(int trunk) { return is(trunk, G_TALKING, G_TALKING); }

EXPORT int DJTrk_CheckForwardHangUp(int trunk)
{
    struct channel *channel = locked(trunk, -1);
    return channel ? unlocked(channel->digital == G_GONE && !channel->outgoing) : 0;
}

EXPORT int DJTrk_BackwardHangUp(int trunk)
{
    struct channel *channel = locked(trunk, CYSIM_SS1);
    return channel ? unlocked(digital_clear(channel, 16)) : 0;
}

static int disable(int trunk, int on)
{
    struct channel *channel = locked(trunk, CYSIM_SS1);
    if (!channel) return 0;
    slots[trunk].disabled = on;
    return unlocked(1);
}

EXPORT int DJTrk_DisableTrunk(int trunk) { return disable(trunk, 1); }
EXPORT int DJTrk_EnableTrunk(int trunk) { return disable(trunk, 0); }

EXPORT int DJTrk_GetFreeTrunkIDForDial(int pcm)
{
    pthread_mutex_lock(&board_lock);
    for (int i = 0; started && i < count(); i++) {
        const struct channel *channel = &channels[first() + i];
        if (channel->kind == CYSIM_SS1 && channel->digital == G_IDLE && !slots[i].disabled && (pcm < 0 || i / SLOTS == pcm)) return unlocked(i);
    }
    return unlocked(-1);
}

EXPORT int DJTrk_StartDial(int trunk, const char *number, const char *caller)
{
    struct channel *channel = locked(trunk, CYSIM_SS1);
    if (!channel) return 0;
    return unlocked(!slots[trunk].disabled && digital_call(channel, number, caller ? caller : ""));
}

EXPORT int DJTrk_GetDialStatus(int trunk)
{
    struct channel *channel = locked(trunk, CYSIM_SS1);
    if (!channel) return 0;
    if (!channel->outgoing) return unlocked(0);
    switch (channel->digital) {
    case G_SETUP: case G_PROCEEDING: return unlocked(1);
    case G_ALERTING: return unlocked(3);
    case G_TALKING: return unlocked(4);
    case G_GONE: return unlocked(channel->cause == 17 ? 2 : channel->cause == 1 ? 6 : channel->cause == 19 || channel->cause == 102 ? 7 : 5);
    default: return unlocked(0);
    }
}

EXPORT int DJTrk_SetTrunkKB(int trunk, unsigned char answer)
{
    struct channel *channel = locked(trunk, CYSIM_SS1);
    if (!channel) return 0;
    if (channel->digital != G_OFFERED) return unlocked(0);
    if (answer == KB_FREE) return unlocked(digital_accept(channel));
    return unlocked((answer == KB_BUSY || answer == KB_NOBODY) && digital_clear(channel, answer == KB_BUSY ? 17 : 1));
}

static void ss1_number(int trunk, char *number, int called)
{
    struct channel *channel = locked(trunk, CYSIM_SS1);
    *number = 0;
    if (!channel) return;
    strcpy(number, called ? channel->called : channel->calling);
    pthread_mutex_unlock(&board_lock);
}

EXPORT void DJTrk_GetMfcCodeA(int trunk, char *called) { ss1_number(trunk, called, 1); }
EXPORT void DJTrk_GetHostCodeA(int trunk, char *caller) { ss1_number(trunk, caller, 0); }

/* ---------------------------------------------------------------- media, of both */

EXPORT int DJTrk_InitDtmfBufNew(int trunk)
{
    struct channel *channel = locked(trunk, -1);
    if (!channel) return 0;
    channel->digit_count = channel->digits[0] = 0;
    return unlocked(1);
}

EXPORT int DJTrk_GetReceiveDtmfNumNew(int trunk)
{
    struct channel *channel = locked(trunk, -1);
    return channel ? unlocked(channel->digit_count) : 0;
}

EXPORT char DJTrk_GetDtmfCodeNew(int trunk)
{
    struct channel *channel = locked(trunk, -1);
    if (!channel) return 0;
    char digit = channel->digits[0];
    if (channel->digit_count) memmove(channel->digits, channel->digits + 1, (size_t) channel->digit_count--);
    return (char) unlocked(digit);
}

EXPORT int DJTrk_SendDtmfStr(int trunk, const char *digits)
{
    struct channel *channel = locked(trunk, -1);
    if (!channel) return -7;
    if (!*digits || strlen(digits) >= TEXT || strspn(digits, "0123456789*#ABCD") != strlen(digits)) return unlocked(-15);
    if (channel->sending > 0) return unlocked(-16);
    channel_send(channel, digits);
    return unlocked(0);
}

EXPORT _Bool DJTrk_CheckDtmfSendEnd(int trunk)
{
    struct channel *channel = locked(trunk, -1);
    return channel ? unlocked(channel->sending <= 0) : 1;
}

EXPORT int DJVoc_PlayFile(int trunk, const char *name)
{
    const char *why;
    struct sound *sound = sound_load(name, -1, &why);
    if (!sound) return refuse("%s", why) + 1;
    struct channel *channel = locked(trunk, -1);
    if (!channel) {
        sound_drop(sound);
        return 0;
    }
    if (channel->kind == CYSIM_SS1) digital_connect(channel);
    return unlocked(channel_play(channel, sound, 0, SIZE_MAX));
}

EXPORT void DJVoc_StopPlayFile(int trunk)
{
    struct channel *channel = locked(trunk, -1);
    if (!channel) return;
    channel_stop_play(channel);
    pthread_mutex_unlock(&board_lock);
}

EXPORT int DJVoc_CheckVoiceEnd(int trunk)
{
    struct channel *channel = locked(trunk, -1);
    return channel ? unlocked(!channel->player) : 1;
}

EXPORT int DJVoc_RecordFile(int trunk, const char *name, unsigned int bytes)
{
    const char *why;
    struct recorder *recorder = recorder_make(name, -1, bytes ? bytes : SIZE_MAX, &why);
    if (!recorder) return refuse("%s", why) + 1;
    struct channel *channel = locked(trunk, -1);
    if (!channel) {
        recorder_free(recorder);
        return 0;
    }
    channel_record(channel, recorder);
    return unlocked(1);
}

EXPORT void DJVoc_StopRecordFile(int trunk)
{
    struct channel *channel = locked(trunk, -1);
    if (!channel) return;
    channel_stop_record(channel);
    pthread_mutex_unlock(&board_lock);
}

EXPORT int DJExg_SetLinkTrunkAndTrunk(int one, int other)
{
    struct channel *channel = locked(one, -1);
    if (!channel) return 0;
    if (other < 0 || other >= count() || other == one) return unlocked(0);
    struct channel *second = &channels[first() + other];
    if (channel->kind == CYSIM_SS1) digital_connect(channel);
    if (second->kind == CYSIM_SS1) digital_connect(second);
    channel_link(channel, second, 1);
    channel_link(second, channel, 1);
    return unlocked(1);
}

EXPORT int DJExg_ClearLinkTrunkAndTrunk(int one)
{
    struct channel *channel = locked(one, -1);
    if (!channel) return 0;
    for (int i = 0; i < count(); i++) {
        channel_link(channel, &channels[first() + i], 0);
        channel_link(&channels[first() + i], channel, 0);
    }
    return unlocked(1);
}
