/* The simulated board under the interface of a Donjin TC08A32 library: everything is polled. See donjin.h. */
#include <string.h>

#include "core.h"
#include "donjin.h"

#define PACK_64K 0
#define GROUPS 10
#define LEAST_BUFFER 1024

static int loaded, enabled, conferences, pack_rate, buffer_ticks;
static struct {
    int flash;               /* since HangUpDetect told it */
    int told_sent;
} faces[MAX_LINES];

void e1_event(struct channel *channel, int state); /* donjin_e1.c */
void e1_reset(void);

void board_event(struct channel *channel, enum event event, int value)
{
    if (event == ON_DIGITAL) e1_event(channel, value);
    if (event == ON_FLASH) faces[channel->index].flash = 1;
    if (event == ON_HOOK) faces[channel->index].flash = 0;
}

void board_reset_face(void)
{
    memset(faces, 0, sizeof faces);
    loaded = enabled = conferences = pack_rate = buffer_ticks = 0;
    e1_reset();
}

static struct channel *locked(unsigned ch)
{
    pthread_mutex_lock(&board_lock);
    struct channel *channel = enabled ? board_channel((int) ch) : NULL;
    if (!channel) pthread_mutex_unlock(&board_lock);
    return channel;
}

static int unlocked(int result)
{
    pthread_mutex_unlock(&board_lock);
    return result;
}

/* ---------------------------------------------------------------- start and stop */

EXPORT int LoadDRV(void)
{
    const char *why;
    pthread_mutex_lock(&board_lock);
    if (!board_configured(NULL, &why)) return unlocked(-1);
    loaded = board_running || board_start(&why);
    return unlocked(loaded ? 0 : refuse("%s", why));
}

EXPORT void FreeDRV(void)
{
    pthread_mutex_lock(&board_lock);
    board_stop();
    memset(faces, 0, sizeof faces);
    loaded = enabled = conferences = 0;
    pthread_mutex_unlock(&board_lock);
}

EXPORT unsigned short CheckValidCh(void)
{
    pthread_mutex_lock(&board_lock);
    return (unsigned short) unlocked(loaded ? channel_count : 0);
}

EXPORT unsigned short CheckChType(unsigned short ch)
{
    pthread_mutex_lock(&board_lock);
    struct channel *channel = loaded ? board_channel(ch) : NULL;
    int kind = channel ? channel->kind : 2;
    return (unsigned short) unlocked(kind > CYSIM_RECORDER ? 2 : kind);
}

EXPORT int IsSupportCallerID(void) { return 1; }

EXPORT int EnableCard(unsigned short used, unsigned short buffer)
{
    pthread_mutex_lock(&board_lock);
    if (!loaded || used > channel_count || buffer < LEAST_BUFFER) return unlocked(-1);
    enabled = 1;
    buffer_ticks = buffer / TICK;
    board_pushed = board_tick;
    return unlocked(0);
}

EXPORT void DisableCard(void)
{
    pthread_mutex_lock(&board_lock);
    for (int i = 0; i < channel_count; i++) {
        channel_rest(&channels[i]);
        channel_hook(&channels[i], 0);
        channel_ring(&channels[i], 0, 0);
    }
    enabled = 0;
    pthread_mutex_unlock(&board_lock);
}

EXPORT void SetPackRate(unsigned short rate)
{
    pthread_mutex_lock(&board_lock);
    pack_rate = rate;
    pthread_mutex_unlock(&board_lock);
}

EXPORT int Sig_Init(int debug)
{
    (void) debug;
    return 0;
}

EXPORT void PUSH_PLAY(void)
{
    pthread_mutex_lock(&board_lock);
    board_pushed = board_tick + buffer_ticks;
    pthread_mutex_unlock(&board_lock);
}

EXPORT void FeedSigFunc(void)
{
    pthread_mutex_lock(&board_lock);
    board_fed = board_tick;
    pthread_mutex_unlock(&board_lock);
}

/* ---------------------------------------------------------------- outside lines */

EXPORT int RingDetect(unsigned short ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return 0;
    return unlocked(channel->kind == CYSIM_EXTENSION ? channel->phone_lifted : channel->ring_seen);
}

EXPORT int CheckPolarity(unsigned short ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->polarity_seen) : 0;
}

EXPORT unsigned char D080D_GetVoltageValue(unsigned short ch)
{
    struct channel *channel = locked(ch);
    return channel ? (unsigned char) unlocked(channel->voltage_seen) : 0;
}

static void hook(unsigned ch, int off)
{
    struct channel *channel = locked(ch);
    if (!channel) return;
    if (channel->kind == CYSIM_TRUNK) channel_hook(channel, off);
    pthread_mutex_unlock(&board_lock);
}

EXPORT void OffHook(unsigned short ch) { hook(ch, 1); }
EXPORT void HangUp(unsigned short ch) { hook(ch, 0); }

EXPORT void ResetCallerIDBuffer(unsigned short ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return;
    const struct caller_reader *reader = &channel->reader;
    int fresh = reader->status == CALLER_GOOD && reader->by_dtmf && board_tick - reader->at < TICKS(5);
    if (!fresh) reader_clear(&channel->reader, board_tick);
    pthread_mutex_unlock(&board_lock);
}

EXPORT unsigned short GetCallerIDStr(unsigned short ch, char *text)
{
    struct channel *channel = locked(ch);
    *text = 0;
    if (!channel) return 0;
    const struct caller_reader *reader = &channel->reader;
    if (reader->status == CALLER_GOOD) {
        strcpy(text, reader->caller.date);
        strcat(text, reader->caller.number);
    }
    return (unsigned short) unlocked(reader->status);
}

EXPORT int Sig_CheckBusy(unsigned short ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return 0;
    int heard = (channel->finder.found & (1u << BUSY_TONE | 1u << CONGESTION_TONE)) != 0;
    return unlocked(heard && dial_over(channel));
}

EXPORT void Sig_ResetCheck(unsigned short ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return;
    finder_clear(&channel->finder);
    pthread_mutex_unlock(&board_lock);
}

EXPORT int Sig_StartDial(unsigned short ch, const char *number, const char *prefix, unsigned short mode)
{
    struct channel *channel = locked(ch);
    if (!channel) return 0;
    faces[ch].told_sent = 0;
    return unlocked(mode <= 2 && dial_start(channel, number, prefix ? prefix : "", 0));
}

EXPORT int Sig_CheckDial_New(unsigned short ch, int *why)
{
    struct channel *channel = locked(ch);
    if (!channel) return 0x10;
    dial_go(channel);
    if (why) *why = channel->dial_why;
    switch (channel->dial) {
    case DIAL_NO_TONE: return unlocked(0x0f);
    case DIAL_BUSY: return unlocked(0x11);
    case DIAL_NOBODY: return unlocked(0x13);
    case DIAL_CONNECTED: return unlocked(0x14);
    case DIAL_NO_SIGNAL: return unlocked(0x15);
    case DIAL_RINGBACK: return unlocked(0x17);
    case DIAL_SENT: return unlocked(faces[ch].told_sent++ ? 0x10 : 0x16);
    default: return unlocked(0x10);
    }
}

EXPORT int Sig_CheckDial(unsigned short ch) { return Sig_CheckDial_New(ch, NULL); }

EXPORT void StartSigCheck(unsigned short ch) { Sig_ResetCheck(ch); }
EXPORT void StopSigCheck(unsigned short ch) { Sig_ResetCheck(ch); }

/* ---------------------------------------------------------------- telephones */

static void ring(unsigned ch, int on, int steady)
{
    struct channel *channel = locked(ch);
    if (!channel) return;
    if (channel->kind == CYSIM_EXTENSION) channel_ring(channel, on, steady);
    pthread_mutex_unlock(&board_lock);
}

EXPORT void FeedRealRing(unsigned short ch) { ring(ch, 1, 0); }
EXPORT void FeedRing(unsigned short ch) { ring(ch, 1, 1); }
EXPORT void FeedPower(unsigned short ch) { ring(ch, 0, 0); }

EXPORT int OffHookDetect(unsigned short ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->phone_lifted) : 0;
}

EXPORT void StartHangUpDetect(unsigned short ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return;
    faces[ch].flash = 0;
    pthread_mutex_unlock(&board_lock);
}

EXPORT unsigned short HangUpDetect(unsigned short ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return 0;
    int told = 0;
    if (!channel->phone_lifted) told = 1;
    else if (faces[ch].flash) told = 3;
    else if (channel->phone_down_ms > 0) told = 2;
    if (told == 3) faces[ch].flash = 0;
    return (unsigned short) unlocked(told);
}

EXPORT void StartPlaySignal(unsigned short ch, unsigned short signal)
{
    static const int tones[] = {-1, DIAL_TONE, BUSY_TONE, CONGESTION_TONE, RINGBACK_TONE};
    struct channel *channel = locked(ch);
    if (!channel) return;
    if (signal < sizeof tones / sizeof *tones) channel_tone(channel, tones[signal]);
    pthread_mutex_unlock(&board_lock);
}

/* ---------------------------------------------------------------- digits */

EXPORT void InitDtmfBuf(unsigned short ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return;
    channel->digit_count = channel->digits[0] = 0;
    pthread_mutex_unlock(&board_lock);
}

EXPORT short GetDtmfCode(unsigned short ch)
{
    static const char order[] = "?1234567890*#ABCD";
    struct channel *channel = locked(ch);
    if (!channel || !channel->digit_count) return channel ? (short) unlocked(-1) : -1;
    const char *found = strchr(order, channel->digits[0]);
    memmove(channel->digits, channel->digits + 1, (size_t) channel->digit_count--);
    return (short) unlocked(found ? (int) (found - order) : -1);
}

EXPORT int DtmfHit(unsigned short ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->digit_count > 0) : 0;
}

EXPORT void SendDtmfBuf(unsigned short ch, const char *digits)
{
    struct channel *channel = locked(ch);
    if (!channel) return;
    if (strlen(digits) < TEXT && strspn(digits, "0123456789*#ABCD") == strlen(digits)) channel_send(channel, digits);
    pthread_mutex_unlock(&board_lock);
}

EXPORT int CheckSendEnd(unsigned short ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->sending <= 0) : 1;
}

/* ---------------------------------------------------------------- files */

static int coding_of_rate(const char *name)
{
    return coding_of_name(name, pack_rate == PACK_64K ? ALAW : OKI);
}

EXPORT int StartPlayFile(unsigned short ch, const char *name, unsigned int from)
{
    const char *why;
    struct sound *sound = sound_load(name, coding_of_rate(name), &why);
    if (!sound) return refuse("%s", why) + 1;
    struct channel *channel = locked(ch);
    if (!channel) {
        sound_drop(sound);
        return 0;
    }
    return unlocked(channel_play(channel, sound, from, SIZE_MAX));
}

EXPORT int CheckPlayEnd(unsigned short ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(!channel->player) : 1;
}

EXPORT void StopPlayFile(unsigned short ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return;
    channel_stop_play(channel);
    pthread_mutex_unlock(&board_lock);
}

EXPORT int StartRecordFile(unsigned short ch, const char *name, unsigned int bytes)
{
    const char *why;
    struct recorder *recorder = recorder_make(name, coding_of_rate(name), bytes ? bytes : SIZE_MAX, &why);
    if (!recorder) return refuse("%s", why) + 1;
    struct channel *channel = locked(ch);
    if (!channel) {
        recorder_free(recorder);
        return 0;
    }
    channel_record(channel, recorder);
    return unlocked(1);
}

EXPORT int CheckRecordEnd(unsigned short ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(!channel->recorder) : 1;
}

EXPORT void StopRecordFile(unsigned short ch)
{
    struct channel *channel = locked(ch);
    if (!channel) return;
    channel_stop_record(channel);
    pthread_mutex_unlock(&board_lock);
}

EXPORT int CheckSilence(unsigned short ch, unsigned short units)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->finder.silent_ms >= units * 16) : 0;
}

/* ---------------------------------------------------------------- who hears whom */

/* 0 good; the vendor's numbers for what is wrong. */
static int link_two(unsigned one, unsigned other, int both, int on)
{
    struct channel *first = locked(one);
    if (!first) return -1;
    struct channel *second = board_channel((int) other);
    if (!second || second == first) return unlocked(-2);
    if (on && first->player) return unlocked(-4);
    if (on && both && second->player) return unlocked(-5);
    channel_link(first, second, on);
    if (both) channel_link(second, first, on);
    return unlocked(0);
}

EXPORT int SetLink(unsigned short one, unsigned short other) { return link_two(one, other, 1, 1); }
EXPORT int ClearLink(unsigned short one, unsigned short other) { return link_two(one, other, 1, 0); }
EXPORT int LinkOneToAnother(unsigned short one, unsigned short other) { return link_two(one, other, 0, 1); }
EXPORT int ClearOneFromAnother(unsigned short one, unsigned short other) { return link_two(one, other, 0, 0); }

EXPORT int DConf_EnableConfCard(void)
{
    pthread_mutex_lock(&board_lock);
    conferences = enabled;
    return unlocked(conferences ? 0 : -1);
}

EXPORT void DConf_DisableConfCard(void)
{
    pthread_mutex_lock(&board_lock);
    for (int i = 0; i < channel_count; i++) channels[i].group = 0;
    conferences = 0;
    pthread_mutex_unlock(&board_lock);
}

EXPORT int DConf_GetResNumber(void)
{
    pthread_mutex_lock(&board_lock);
    int used = 0;
    for (int i = 0; i < channel_count; i++) used += channels[i].group != 0;
    return unlocked(conferences ? GROUPS * GROUP_SIZE - used : 0);
}

/* 0 good, 1 no such group, 2 no such channel, 3 no place, 4 not started, 6 it is in another one. */
static int join(int group, int ch, int mute)
{
    if (group < 1 || group > GROUPS) return 1;
    struct channel *channel = locked((unsigned) ch);
    if (!channel) return 2;
    if (!conferences) return unlocked(4);
    if (channel->group && channel->group != group) return unlocked(6);
    return unlocked(channel_join(channel, group, mute) ? 0 : 3);
}

static int leave(int group, int ch)
{
    if (group < 1 || group > GROUPS) return 1;
    struct channel *channel = locked((unsigned) ch);
    if (!channel) return 2;
    if (channel->group != group) return unlocked(6);
    channel_join(channel, 0, 0);
    return unlocked(0);
}

EXPORT int AddChnl(int group, int ch, int attenuation, int noise)
{
    (void) attenuation;
    (void) noise;
    return join(group, ch, 0);
}

EXPORT int SubChnl(int group, int ch) { return leave(group, ch); }
EXPORT int AddListenChnl(int group, int ch) { return join(group, ch, 1); }
EXPORT int SubListenChnl(int group, int ch) { return leave(group, ch); }

EXPORT int DRec_OffHookDetect(unsigned short ch)
{
    struct channel *channel = locked(ch);
    return channel ? unlocked(channel->kind == CYSIM_RECORDER && channel->phone_lifted) : 0;
}
